//! A pass in which uses of decomposed matrices are subcomponents under masks, and the delta component under its own.

use tch::{Kind, Tensor};

use super::factors::UseFactors;
use crate::{
    execute::{Forward, SiteProduct},
    graph::SiteUse,
    weights::Weights,
};

/// The masks of one use on every sample.
#[derive(Debug)]
pub struct UseMask {
    /// m_c, [replica, sample, subcomponent].
    pub subcomponents: Tensor,
    /// Of the delta component W - V U, [replica, sample, 1]; `None`: it is left out.
    pub delta: Option<Tensor>,
    /// Zeros and ones [replica, sample, 1]: where the matrix itself is used instead; `None`: nowhere.
    pub route: Option<Tensor>,
}

impl UseMask {
    /// y = ((x V) * m) U + delta (x W - (x V) U) = ((x V) * (m - delta)) U + delta (x W): what multiplies inner products and
    /// the matrix's own output. A sample off the route has 0 and 1.
    fn weights(&self) -> UseWeights {
        let inner = self.delta.as_ref().map(|delta| &self.subcomponents - delta);
        let inner = inner.unwrap_or_else(|| self.subcomponents.shallow_clone());
        let Some(route) = &self.route else {
            return UseWeights { inner, whole: self.delta.as_ref().map(Tensor::shallow_clone) };
        };
        let whole = self.delta.as_ref().map_or_else(|| 1.0 - route, |delta| delta * route + (1.0 - route));
        UseWeights { inner: inner * route, whole: Some(whole) }
    }
}

/// What the inner products and the matrix's own output count.
struct UseWeights {
    /// [replica, sample, subcomponent].
    inner: Tensor,
    /// [replica, sample, 1].
    whole: Option<Tensor>,
}

/// The way that a pass goes at every use.
pub struct MaskedUses<'a> {
    weights: &'a Weights,
    uses: &'a [SiteUse],
    factors: &'a [UseFactors],
    /// `None`: the matrix itself.
    masks: Vec<Option<(UseMask, UseWeights)>>,
}

impl<'a> MaskedUses<'a> {
    /// One mask for every use; without one the matrix of `weights` is used.
    pub fn new(
        weights: &'a Weights,
        uses: &'a [SiteUse],
        factors: &'a [UseFactors],
        masks: impl IntoIterator<Item = Option<UseMask>>,
    ) -> Self {
        let with_weights = |mask: UseMask| {
            let weights = mask.weights();
            (mask, weights)
        };
        Self { weights, uses, factors, masks: masks.into_iter().map(|mask| mask.map(with_weights)).collect() }
    }

    /// Every use as the target has it.
    pub fn none(weights: &'a Weights, uses: &'a [SiteUse], factors: &'a [UseFactors]) -> Self {
        Self::new(weights, uses, factors, uses.iter().map(|_| None))
    }

    fn place(&self, site_use: SiteUse) -> usize {
        self.uses.iter().position(|&other| other == site_use).expect("every use is known")
    }

    fn matrix(&self, SiteUse { site, transposed }: SiteUse) -> Tensor {
        let matrix = &self.weights.sites[site];
        if transposed { matrix.mt() } else { matrix.shallow_clone() }
    }
}

/// What a pass remembers of a use with a mask.
pub struct SavedUse {
    /// x V, [replica, sample, subcomponent].
    inner: Tensor,
    /// x W, where the delta component or a route uses it.
    whole: Option<Tensor>,
}

/// Where the derivatives of a pass are added up.
pub struct MaskedUsesGradient {
    /// Of the factors at each use, views of what gathers them; `None`: they do not move.
    pub factors: Option<Vec<UseFactors>>,
    /// Of the masks, for every use that has one.
    pub masks: Vec<Option<MaskGradient>>,
    /// Whether the derivative by the masks of delta components is wanted.
    pub delta_wanted: bool,
}

impl MaskedUsesGradient {
    pub fn new(uses: usize, factors: Option<Vec<UseFactors>>, delta_wanted: bool) -> Self {
        Self { factors, masks: (0..uses).map(|_| None).collect(), delta_wanted }
    }
}

/// The derivative with respect to the masks of a use.
pub struct MaskGradient {
    /// [replica, sample, subcomponent].
    pub subcomponents: Tensor,
    /// [replica, sample, 1], where it is wanted and there is a delta component.
    pub delta: Option<Tensor>,
}

impl SiteProduct for MaskedUses<'_> {
    type Saved = Option<SavedUse>;
    type Gradient = MaskedUsesGradient;

    fn is_trained(&self, site_use: SiteUse) -> bool {
        self.masks[self.place(site_use)].is_some()
    }

    fn forward(&self, site_use: SiteUse, input: &Tensor) -> (Tensor, Option<SavedUse>) {
        let place = self.place(site_use);
        let Some((_, weights)) = &self.masks[place] else { return (input.bmm(&self.matrix(site_use)), None) };
        let UseFactors { v, u } = &self.factors[place];
        let inner = input.bmm(v);
        let output = (&inner * &weights.inner).bmm(u);
        let Some(share) = &weights.whole else { return (output, Some(SavedUse { inner, whole: None })) };
        let whole = input.bmm(&self.matrix(site_use));
        (output.addcmul(&whole, share), Some(SavedUse { inner, whole: Some(whole) }))
    }

    fn backward(
        &self,
        site_use: SiteUse,
        forward: Forward<'_, Option<SavedUse>>,
        output_gradient: &Tensor,
        gradient: &mut MaskedUsesGradient,
    ) -> Option<Tensor> {
        let place = self.place(site_use);
        let (Some((mask, weights)), Some(saved)) = (&self.masks[place], forward.saved) else {
            return forward.input_gradient_wanted.then(|| output_gradient.bmm(&self.matrix(site_use).mt()));
        };
        let UseFactors { v, u } = &self.factors[place];
        let after_mask = output_gradient.bmm(&u.mt());
        let mut by_mask = &after_mask * &saved.inner;
        if let Some(route) = &mask.route {
            let _ = by_mask.g_mul_(route);
        }
        let delta = (gradient.delta_wanted && mask.delta.is_some()).then(|| {
            let whole = saved.whole.as_ref().expect("a delta component uses the matrix");
            let mut delta = (output_gradient * whole).sum_dim_intlist([2].as_slice(), true, None::<Kind>);
            if let Some(route) = &mask.route {
                let _ = delta.g_mul_(route);
            }
            delta - by_mask.sum_dim_intlist([2].as_slice(), true, None::<Kind>)
        });
        gradient.masks[place] = Some(MaskGradient { subcomponents: by_mask, delta });
        let inner_gradient = after_mask * &weights.inner;
        if let Some(factors) = &mut gradient.factors {
            let UseFactors { v, u } = &mut factors[place];
            let _ = v.baddbmm_(&forward.input.mt(), &inner_gradient);
            let _ = u.baddbmm_(&(&saved.inner * &weights.inner).mt(), output_gradient);
        }
        forward.input_gradient_wanted.then(|| {
            let through = inner_gradient.bmm(&v.mt());
            match &weights.whole {
                Some(share) => through + (output_gradient * share).bmm(&self.matrix(site_use).mt()),
                None => through,
            }
        })
    }
}
