//! Components: vectors in parameter space, at every site a matrix of small rank.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use crate::{
    initial_values::InitialValues,
    random::{Purpose, stream},
    site::{PerSite, Site},
};

/// The factors of all components at one site: P_c = A_c B_c.
#[derive(Debug)]
pub struct Factors {
    /// A, [replica, d_in, component, rank]: in this order sum_c A_c B_c is one matrix product.
    pub a: Tensor,
    /// B, [replica, component, rank, d_out].
    pub b: Tensor,
}

impl Factors {
    /// sum_c A_c B_c, [replica, d_in, d_out].
    pub fn sum(&self) -> Tensor {
        self.a.flatten(2, 3).bmm(&self.b.flatten(1, 2))
    }

    /// P_c for every component, [replica, component, d_in, d_out].
    pub fn matrices(&self) -> Tensor {
        self.a.permute([0, 2, 1, 3]).matmul(&self.b)
    }

    /// |A_{c,:,m}|^2 |B_{c,m,:}|^2, [replica, component, rank]: the squared length of every rank-one part.
    pub fn squared_lengths(&self) -> Tensor {
        let (a, b) = self.squared_norms();
        a * b
    }

    /// |A_{c,:,m}|^2 and |B_{c,m,:}|^2, [replica, component, rank] each.
    pub fn squared_norms(&self) -> (Tensor, Tensor) {
        (
            self.a.square().sum_dim_intlist([1].as_slice(), false, None),
            self.b.square().sum_dim_intlist([3].as_slice(), false, None),
        )
    }

    fn map(&self, mut function: impl FnMut(&Tensor) -> Tensor) -> Factors {
        Factors { a: function(&self.a), b: function(&self.b) }
    }
}

/// Its square is still a number.
const TINY: f64 = 1e-18;

/// Of A [replica, d_in, component, rank], the lengths over d_in; a column of zeros counts as tiny.
fn column_lengths(a: &Tensor) -> Tensor {
    a.square().sum_dim_intlist([1].as_slice(), true, None).sqrt().clamp_min(TINY)
}

/// All components of all replicas.
#[derive(Debug)]
pub struct Components {
    pub factors: PerSite<Factors>,
}

impl Components {
    /// Random initial factors, for each replica from its own seed: Xavier's rule over [instances, component, d_in, rank]
    /// for A and [instances, component, rank, d_out] for B.
    pub fn random(sites: &PerSite<Site>, number: usize, rank: usize, rule: InitialValues, seeds: &[u64]) -> Self {
        let (number, rank) = (number as i64, rank as i64);
        let mut generators: Vec<_> = seeds.iter().map(|&seed| stream(seed, Purpose::InitialComponents, 0)).collect();
        let factors = sites.iter().map(|site| {
            let a = rule.sample(&[number, site.d_in, rank], &mut generators).permute([0, 2, 1, 3]).contiguous();
            let b = rule.sample(&[number, rank, site.d_out], &mut generators);
            Factors { a, b }
        });
        Self { factors: factors.collect() }
    }

    pub fn zeros_like(&self) -> Self {
        self.map(Tensor::zeros_like)
    }

    pub fn to_device(&self, device: Device) -> Self {
        self.map(|tensor| tensor.to_device(device))
    }

    /// Views of some replicas.
    pub fn of_replicas(&self, replicas: Range<usize>) -> Self {
        self.map(|tensor| tensor.narrow(0, replicas.start as i64, replicas.len() as i64))
    }

    /// A view of one replica, its axis kept.
    pub fn replica(&self, replica: usize) -> Self {
        self.of_replicas(replica..replica + 1)
    }

    pub fn map(&self, mut function: impl FnMut(&Tensor) -> Tensor) -> Self {
        Self { factors: self.factors.map(|factors| factors.map(&mut function)) }
    }

    /// Divides every column of every A (over d_in) by its length.
    pub fn normalise_columns(&mut self) {
        for Factors { a, .. } in self.factors.iter() {
            let _ = a.shallow_clone().g_div_(&column_lengths(a));
        }
    }

    /// Takes from the gradient of every A its part along each column (over d_in) of A.
    pub fn drop_parallel(&self, gradient: &mut Components) {
        for (Factors { a, .. }, slope) in self.factors.iter().zip(gradient.factors.iter()) {
            let parallel = (&slope.a * a).sum_dim_intlist([1].as_slice(), true, None) / column_lengths(a).square();
            let _ = slope.a.shallow_clone().addcmul_(a, &-parallel);
        }
    }

    /// Number of components C.
    pub fn number(&self) -> i64 {
        self.first().size()[2]
    }

    pub fn replicas(&self) -> i64 {
        self.first().size()[0]
    }

    pub fn device(&self) -> Device {
        self.first().device()
    }

    fn first(&self) -> &Tensor {
        &self.factors.iter().next().expect("a network has a site").a
    }

    /// Every tensor in memory order under its name, `<site>.A` and `<site>.B`; the clones share their storage.
    pub fn named(&self, sites: &PerSite<Site>) -> Vec<(String, Tensor)> {
        let pairs = sites.iter().zip(self.factors.iter());
        pairs
            .flat_map(|(site, factors)| {
                [
                    (format!("{}.A", site.name), factors.a.shallow_clone()),
                    (format!("{}.B", site.name), factors.b.shallow_clone()),
                ]
            })
            .collect()
    }

    /// As [`Components::named`], with A in the order that files keep: [replica, component, d_in, rank].
    pub fn to_files(&self, sites: &PerSite<Site>) -> Vec<(String, Tensor)> {
        Self {
            factors: self
                .factors
                .map(|Factors { a, b }| Factors { a: a.permute([0, 2, 1, 3]).contiguous(), b: b.contiguous() }),
        }
        .named(sites)
    }

    /// Components from the tensors of a file, looked up by name; `None` where one is missing.
    pub fn from_files(sites: &PerSite<Site>, mut tensor: impl FnMut(&str) -> Option<Tensor>) -> Option<Self> {
        let factors = sites.iter().map(|site| {
            let a = tensor(&format!("{}.A", site.name))?.permute([0, 2, 1, 3]).contiguous();
            Some(Factors { a, b: tensor(&format!("{}.B", site.name))?.contiguous() })
        });
        Some(Self { factors: factors.collect::<Option<_>>()? })
    }

    /// sum_l |P_{c,l}|_F^2, [replica, component].
    pub fn squared_norms(&self) -> Tensor {
        let squares = self
            .factors
            .iter()
            .map(|factors| factors.matrices().square().sum_dim_intlist([2, 3].as_slice(), false, Kind::Double));
        squares.reduce(|sum, square| sum + square).expect("a network has a site")
    }
}
