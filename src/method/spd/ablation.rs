//! Inner products of subcomponents under their masks.

use tch::{Kind, Tensor};

use super::ablation_loops;
use crate::{execute::Weighing, kernel::Kernel};

/// y = ((x V) * m) U + delta (x W - (x V) U) = ((x V) * (m - delta)) U + delta (x W): this multiplies x V by m - delta, where
/// m = g + (1 - g) r. A sample that is off the route uses the matrix itself: 0 in the place of m - delta, and 1 of delta.
pub struct Ablation {
    /// g, [replica, sample, subcomponent].
    pub importance: Tensor,
    /// r, [replica, sample, column], the last column delta where there is one; `None`: 0.
    pub sources: Option<Tensor>,
    /// Zeros and ones [replica, sample, 1]: which samples are on the route; `None`: all.
    pub route: Option<Tensor>,
    /// Where the derivative by g is added, as g; `None`: g does not move.
    pub importance_gradient: Option<Tensor>,
    /// Where the derivative by r is added, as r; `None`: r does not move.
    pub source_gradient: Option<Tensor>,
}

impl Ablation {
    /// Number of subcomponents.
    pub fn number(&self) -> i64 {
        self.importance.size()[2]
    }

    /// The delta component's column of a tensor like the sources.
    pub fn delta_of(&self, sources: &Tensor) -> Option<Tensor> {
        let number = self.number();
        (sources.size()[2] > number).then(|| sources.narrow(2, number, 1))
    }

    /// r without the column of delta.
    fn own_of(&self, sources: &Tensor) -> Tensor {
        sources.narrow(2, 0, self.number())
    }

    /// m - delta on the route and 0 off it.
    fn factors(&self) -> Tensor {
        let mut factors = match &self.sources {
            None => self.importance.shallow_clone(),
            Some(sources) => {
                let own = self.own_of(sources);
                let masks: Tensor = &self.importance + (1.0 - &self.importance) * own;
                self.delta_of(sources).map_or_else(|| masks.shallow_clone(), |delta| &masks - delta)
            }
        };
        if let Some(route) = &self.route {
            factors *= route;
        }
        factors
    }

    fn in_one_loop(&self, input: &Tensor) -> bool {
        let tensors = [Some(&self.importance), self.sources.as_ref(), self.route.as_ref()];
        let are_plain = tensors.into_iter().flatten().all(Tensor::is_contiguous) && input.is_contiguous();
        are_plain && !input.device().is_cuda() && input.kind() == Kind::Float && Kernel::Ablations.is_on()
    }
}

impl Weighing for Ablation {
    fn value(&self, inner: &Tensor) -> Tensor {
        if self.in_one_loop(inner) { ablation_loops::value(self, inner) } else { inner * self.factors() }
    }

    fn backward(&self, inner: &Tensor, output_gradient: &Tensor) -> Tensor {
        if self.in_one_loop(inner) && output_gradient.is_contiguous() {
            return ablation_loops::backward(self, inner, output_gradient);
        }
        let mut by_mask = output_gradient * inner;
        if let Some(route) = &self.route {
            by_mask *= route;
        }
        if let Some(gradient) = &self.importance_gradient {
            let slope = self.sources.as_ref().map(|sources| &by_mask * (1.0 - self.own_of(sources)));
            let _ = gradient.shallow_clone().g_add_(slope.as_ref().unwrap_or(&by_mask));
        }
        if let Some(gradient) = &self.source_gradient {
            let _ = self.own_of(gradient).g_add_(&(&by_mask * (1.0 - &self.importance)));
            if let Some(mut delta) = self.delta_of(gradient) {
                let _ = delta.g_sub_(&by_mask.sum_dim_intlist([2].as_slice(), true, None::<Kind>));
            }
        }
        output_gradient * self.factors()
    }

    fn moves(&self) -> bool {
        self.importance_gradient.is_some() || self.source_gradient.is_some()
    }
}

/// What a matrix's own output counts beside its subcomponents: delta on the route, 1 off it.
#[derive(Debug)]
pub struct DeltaShare {
    /// [replica, sample, 1].
    share: Tensor,
    /// As of [`Ablation`].
    route: Option<Tensor>,
    /// Where the derivative by delta is added, [replica, sample, 1]; `None`: delta does not move.
    gradient: Option<Tensor>,
}

impl Clone for DeltaShare {
    fn clone(&self) -> Self {
        let share = |tensor: &Option<Tensor>| tensor.as_ref().map(Tensor::shallow_clone);
        Self { share: self.share.shallow_clone(), route: share(&self.route), gradient: share(&self.gradient) }
    }
}

impl DeltaShare {
    /// Of the use that `ablation` is of; `None` where the matrix itself counts nothing.
    pub fn of(ablation: &Ablation) -> Option<Self> {
        let delta = ablation.sources.as_ref().and_then(|sources| ablation.delta_of(sources));
        let share = match (delta, &ablation.route) {
            (None, None) => return None,
            (Some(delta), None) => delta,
            (None, Some(route)) => 1.0 - route,
            (Some(delta), Some(route)) => delta * route + (1.0 - route),
        };
        let gradient = ablation.source_gradient.as_ref().and_then(|gradient| ablation.delta_of(gradient));
        Some(Self { share, route: ablation.route.as_ref().map(Tensor::shallow_clone), gradient })
    }
}

impl Weighing for DeltaShare {
    fn value(&self, input: &Tensor) -> Tensor {
        input * &self.share
    }

    fn backward(&self, input: &Tensor, output_gradient: &Tensor) -> Tensor {
        if let Some(gradient) = &self.gradient {
            let mut slope = (output_gradient * input).sum_dim_intlist([2].as_slice(), true, None::<Kind>);
            if let Some(route) = &self.route {
                slope *= route;
            }
            let _ = gradient.shallow_clone().g_add_(&slope);
        }
        output_gradient * &self.share
    }

    fn moves(&self) -> bool {
        self.gradient.is_some()
    }
}
