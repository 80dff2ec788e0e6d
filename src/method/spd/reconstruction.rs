//! Passes under masks, held against the target's.

use tch::Tensor;

use super::{
    factors::UseFactors,
    masked_uses::{MaskedUses, MaskedUsesGradient, UseMask},
};
use crate::{
    execute::Tape,
    graph::{Graph, SiteUse},
    loss::MeanSquaredError,
    weights::Weights,
};

/// A target with its subcomponents and importances on one batch: what every pass under masks shares.
pub struct Reconstruction<'a> {
    pub graph: &'a Graph,
    pub weights: &'a Weights,
    pub uses: &'a [SiteUse],
    pub factors: &'a [UseFactors],
    pub input: &'a Tensor,
    /// What the target puts out, [replica, sample, output].
    pub target: &'a Tensor,
    /// g, [replica, sample, subcomponent] for every use.
    pub importances: &'a [Tensor],
    pub has_delta: bool,
}

/// The masks of one pass.
pub struct Masks {
    /// For every use that is masked.
    pub uses: Vec<Option<UseMask>>,
    /// By how much each mask moves with its importance, 1 - r; `None`: not at all.
    slopes: Vec<Option<Tensor>>,
}

/// What a pass says of its masks.
pub struct SourceSlopes {
    /// The derivative of the error by the sources of every use, [replica, sample, column], and not weighted.
    pub of_uses: Vec<Tensor>,
}

/// Where the derivatives of passes are added up.
pub struct Gathered {
    /// Views of the factors' gradients at every use.
    pub factors: Vec<UseFactors>,
    /// By the importances of every use.
    pub importances: Vec<Tensor>,
}

impl Reconstruction<'_> {
    /// m = g + (1 - g) r, and the last column of r for the delta component, at the uses that have `sources` [replica, sample,
    /// column]; `routes` [replica, sample, use] say on which samples.
    pub fn masks(&self, sources: Vec<Option<Tensor>>, routes: Option<&Tensor>) -> Masks {
        let of_use = |(place, sources): (usize, Option<Tensor>)| {
            let Some(sources) = sources else { return (None, None) };
            let importance = &self.importances[place];
            let number = importance.size()[2];
            let slope: Tensor = 1.0 - sources.narrow(2, 0, number);
            let subcomponents = &slope * importance + sources.narrow(2, 0, number);
            let delta = self.has_delta.then(|| sources.narrow(2, number, 1));
            let route = routes.map(|routes| routes.narrow(2, place as i64, 1));
            (Some(UseMask { subcomponents, delta, route }), Some(slope))
        };
        let (uses, slopes) = sources.into_iter().enumerate().map(of_use).unzip();
        Masks { uses, slopes }
    }

    /// Masks at all uses that are not moved by importances, and no delta component.
    pub fn fixed(&self, mask: impl Fn(&Tensor) -> Tensor) -> Masks {
        let of_use = |importance: &Tensor| Some(UseMask { subcomponents: mask(importance), delta: None, route: None });
        Masks { uses: self.importances.iter().map(of_use).collect(), slopes: self.uses.iter().map(|_| None).collect() }
    }

    /// The importances themselves as masks at all uses, and no delta component.
    pub fn importances_as_masks(&self) -> Masks {
        let masks = self.fixed(Tensor::shallow_clone);
        Masks { slopes: self.importances.iter().map(|importance| Some(importance.ones_like())).collect(), ..masks }
    }

    fn tape(&self, masks: Vec<Option<UseMask>>) -> Tape<'_, MaskedUses<'_>> {
        let product = MaskedUses::new(self.weights, self.uses, self.factors, masks);
        Tape::new(self.graph.clone(), product, self.weights, self.input)
    }

    /// The mean squared error of the output under these masks, `[replica]`; its derivative, weighted by `coefficients`
    /// `[replica]`, is added to `gathered`.
    pub fn error(&self, masks: Masks, coefficients: &Tensor, gathered: Option<&mut Gathered>) -> Tensor {
        let Masks { uses, slopes } = masks;
        let tape = self.tape(uses);
        let error = MeanSquaredError::new([(tape.output(), self.target)]);
        let value = error.value();
        let Some(gathered) = gathered else { return value };
        let mut gradient = self.backward(&tape, error, coefficients, Some(&gathered.factors), false);
        for ((sum, slope), mask) in gathered.importances.iter_mut().zip(&slopes).zip(&mut gradient.masks) {
            if let (Some(slope), Some(mask)) = (slope, mask) {
                let _ = sum.g_add_(&mask.subcomponents.g_mul_(slope));
            }
        }
        value
    }

    /// As [`Reconstruction::error`], with what the error says of the sources of all uses.
    pub fn error_and_source_slopes(
        &self,
        masks: Masks,
        coefficients: &Tensor,
        gathered: Option<&mut Gathered>,
    ) -> (Tensor, SourceSlopes) {
        let Masks { uses, slopes } = masks;
        let tape = self.tape(uses);
        let error = MeanSquaredError::new([(tape.output(), self.target)]);
        let value = error.value();
        let factors = gathered.as_ref().map(|gathered| &gathered.factors[..]);
        let gradient = self.backward(&tape, error, coefficients, factors, true);
        let masks = || gradient.masks.iter().map(|mask| mask.as_ref().expect("an adversary masks every use"));
        let weight = coefficients.view([-1, 1, 1]);
        // A replica whose adversary does not count yet has no slope that it could go by.
        let unweighted = weight.reciprocal().where_scalarother(&weight.gt(0.0), 0.0);
        let of_use = |(mask, importance): (&super::masked_uses::MaskGradient, &Tensor)| {
            let subcomponents = &mask.subcomponents * (1.0 - importance);
            let all = match &mask.delta {
                Some(delta) => Tensor::cat(&[&subcomponents, delta], 2),
                None => subcomponents,
            };
            all * &unweighted
        };
        let of_uses = masks().zip(self.importances).map(of_use).collect();
        if let Some(gathered) = gathered {
            for ((sum, slope), mask) in gathered.importances.iter_mut().zip(&slopes).zip(masks()) {
                let slope = slope.as_ref().expect("an adversary's masks move with importances");
                let _ = sum.g_add_(&(&mask.subcomponents * slope));
            }
        }
        (value, SourceSlopes { of_uses })
    }

    fn backward(
        &self,
        tape: &Tape<'_, MaskedUses<'_>>,
        error: MeanSquaredError,
        coefficients: &Tensor,
        factors: Option<&[UseFactors]>,
        delta_wanted: bool,
    ) -> MaskedUsesGradient {
        let views = factors.map(|factors| factors.iter().map(UseFactors::shallow_clone).collect());
        let mut gradient = MaskedUsesGradient::new(self.uses.len(), views, delta_wanted);
        let slope = error.backward(coefficients).pop().expect("one pair is compared");
        tape.backward([(tape.graph().output(), slope)], &mut gradient);
        gradient
    }
}

/// Zeros and ones: where the importance is above `threshold` `[replica]`.
pub fn above(importance: &Tensor, threshold: &Tensor) -> Tensor {
    importance.gt_tensor(&threshold.view([-1, 1, 1])).to_kind(importance.kind())
}
