//! A decomposition as measurement sees it, whatever method made it.

use std::ops::Range;

use tch::Tensor;

use crate::{components::Components, fit::Term, network::Network, weights::Weights};

/// The components of a network, and what they count on an input. Of some replicas: all tensors keep that axis.
pub trait Decomposed {
    fn network(&self) -> &Network;

    /// The target's.
    fn weights(&self) -> &Weights;

    fn components(&self) -> &Components;

    /// What each component counts on each sample of `input` [replica, sample, feature], squared, [replica, sample, component]: the
    /// squares of attributions, or of causal importances.
    fn importances(&self, input: &Tensor) -> Tensor;

    /// What a method learns of every use of a decomposed matrix, in the order of the forward pass; none of a method that says
    /// the same of a component at all its sites.
    fn at_uses(&self, _input: &Tensor) -> Vec<AtUse> {
        Vec::new()
    }

    /// Which components are active, zeros and ones [replica, sample, component], from their `importances` at `input` as one
    /// batch; where nothing is selected, what takes the place of that.
    fn mask(&self, importances: &Tensor, input: &Tensor) -> Tensor;

    /// Importances, mask and unweighted loss terms at `input`; moves nothing.
    fn observe(&self, input: &Tensor) -> Observed;

    /// Whether components are active or not.
    fn selects(&self) -> bool;

    /// Whether importances are compared within a sample only, and not over a batch.
    fn selects_within_samples(&self) -> bool;

    /// Whether the last component is active on every sample and not selected among.
    fn last_always_active(&self) -> bool {
        false
    }

    /// The share of the cuts of the selection that go through equal importances above zero, a scalar; `None` where nothing is
    /// selected.
    fn share_of_tied_cuts(&self, observed: &Observed) -> Option<Tensor>;

    /// Some of the replicas; shares its tensors with this.
    fn replicas(&self, replicas: Range<usize>) -> Box<dyn Decomposed + '_>;

    /// Everything that has been trained, under the names and in the order of axes that files keep.
    fn to_files(&self) -> Vec<(String, Tensor)>;
}

/// What a decomposition makes of some inputs.
pub struct Observed {
    /// As [`Decomposed::importances`].
    pub importances: Tensor,
    /// As [`Decomposed::mask`].
    pub mask: Tensor,
    /// What is learned of each use, see [`Decomposed::at_uses`].
    pub at_uses: Vec<AtUse>,
    /// The unweighted loss terms.
    pub terms: Vec<Term>,
}

/// What the components that live at the site of one use count there.
pub struct AtUse {
    /// Numbers from 0 to 1, [replica, sample, component].
    pub importances: Tensor,
    /// Which are active, zeros and ones.
    pub active: Tensor,
}
