//! The product with a decomposed matrix.

use super::{Form, Matrix};
use crate::{graph::Value, site::SiteIndex};

/// One use of a site's matrix W [d_in, d_out]: y = x W, or, where a tied weight is used again transposed, y = x W^T.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SiteUse {
    pub site: SiteIndex,
    pub transposed: bool,
}

impl From<SiteIndex> for SiteUse {
    fn from(site: SiteIndex) -> Self {
        Self { site, transposed: false }
    }
}

impl SiteIndex {
    /// The site's matrix used transposed.
    pub fn transposed(self) -> SiteUse {
        SiteUse { site: self, transposed: true }
    }
}

/// x W, or x W^T: the only operation with parameters that components share, d(x W) = x P_c + dx W along component c.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apply {
    pub site: SiteUse,
    pub input: Value,
}

impl Apply {
    pub(super) fn form(&self) -> Form<'_> {
        Form::Product { input: self.input, matrix: Matrix::Site(self.site) }
    }
}
