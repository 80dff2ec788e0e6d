//! The loss terms, each with its derivative written out beside it.

use tch::{Kind, Tensor};

use crate::{
    components::{Components, Factors},
    network::Weights,
    site::PerSite,
};

/// Keeps a Schatten power below 1 differentiable where a rank-one part vanishes.
const SCHATTEN_FLOOR: f64 = 1e-16;

/// L_f = (1/N) sum_l |sum_c P_{c,l} - W_l|_F^2 with N the number of decomposed parameters (Braun et al. 2025, equation 3).
pub struct Faithfulness {
    /// sum_c P_{c,l} - W_l, [replica, d_in, d_out] for every site.
    residuals: PerSite<Tensor>,
    parameters: f64,
}

impl Faithfulness {
    pub fn new(components: &Components, weights: &Weights) -> Self {
        let residuals = components.factors.enumerate().map(|(site, factors)| factors.sum() - &weights.sites[site]);
        let residuals: PerSite<Tensor> = residuals.collect();
        let parameters = residuals.iter().map(|residual| (residual.size()[1] * residual.size()[2]) as f64).sum();
        Self { residuals, parameters }
    }

    /// [replica].
    pub fn value(&self) -> Tensor {
        let squares =
            self.residuals.iter().map(|residual| residual.square().sum_dim_intlist([1, 2].as_slice(), false, None));
        squares.reduce(|sum, square| sum + square).expect("a network has a site") / self.parameters
    }

    /// Adds the derivative, weighted by `coefficients` [replica], to that of the factors.
    pub fn backward(&self, coefficients: &Tensor, components: &Components, gradient: &mut Components) {
        let weight = (coefficients * (2.0 / self.parameters)).view([-1, 1, 1]);
        for (site, residual) in self.residuals.enumerate() {
            let slope = residual * &weight;
            let Factors { a, b } = &components.factors[site];
            let gradient = &mut gradient.factors[site];
            let _ = gradient.a.flatten(2, 3).baddbmm_(&slope, &b.flatten(1, 2).mt());
            let _ = gradient.b.flatten(1, 2).baddbmm_(&a.flatten(2, 3).mt(), &slope);
        }
    }
}

/// Mean squared difference over samples and outputs; between sparse pass and target the minimality loss
/// L_m = mean (f(x | sum_c s_c(x) P_c) - f(x | W))^2 (Braun et al. 2025, equation 6).
pub struct MeanSquaredError {
    /// [replica, sample, output].
    difference: Tensor,
}

impl MeanSquaredError {
    /// Of two tensors [replica, sample, output].
    pub fn new(output: &Tensor, target: &Tensor) -> Self {
        Self { difference: output - target }
    }

    /// [replica].
    pub fn value(&self) -> Tensor {
        self.difference.square().mean_dim([1, 2].as_slice(), false, None)
    }

    /// The derivative with respect to the output, weighted by `coefficients` [replica].
    pub fn backward(mut self, coefficients: &Tensor) -> Tensor {
        let size = self.difference.size();
        let weight = coefficients * (2.0 / (size[1] * size[2]) as f64);
        self.difference.g_mul_(&weight.view([-1, 1, 1]))
    }
}

/// L_s = (1 / (N batch)) sum_b sum_c s_c(x_b) sum_{l,m} (|A_{c,l,:,m}|^2 |B_{c,l,m,:}|^2 + 1e-16)^{p/2}
/// (Braun et al. 2025, equation 8): the Schatten-p norm of every active component.
pub struct Simplicity<'a> {
    components: &'a Components,
    /// sum_b s_c(x_b) / (N batch), [replica, component, 1].
    activity: Tensor,
    /// p / 2, [replica, 1, 1].
    half_power: Tensor,
    /// |A_{c,:,m}|^2 and |B_{c,m,:}|^2 for every site, [replica, component, rank] each.
    norms: PerSite<(Tensor, Tensor)>,
}

impl<'a> Simplicity<'a> {
    /// `counts` [replica, component]: on how many of the `batch` samples a component is active; `powers` [replica]: p.
    pub fn new(components: &'a Components, counts: &Tensor, batch: i64, powers: &Tensor) -> Self {
        let parameters: i64 = components.factors.iter().map(|Factors { a, b }| a.size()[1] * b.size()[3]).sum();
        let activity = (counts / (parameters * batch) as f64).unsqueeze(-1);
        let half_power = (powers * 0.5).view([-1, 1, 1]);
        Self { components, activity, half_power, norms: components.factors.map(Factors::squared_norms) }
    }

    /// [replica].
    pub fn value(&self) -> Tensor {
        let sums = self.norms.iter().map(|(a, b)| {
            let lengths = (a * b + SCHATTEN_FLOOR).pow(&self.half_power);
            (lengths * &self.activity).sum_dim_intlist([1, 2].as_slice(), false, None)
        });
        sums.reduce(|sum, term| sum + term).expect("a network has a site")
    }

    /// Adds the derivative, weighted by `coefficients` [replica], to that of the factors.
    pub fn backward(&self, coefficients: &Tensor, gradient: &mut Components) {
        // d (s + e)^{p/2} = p/2 (s + e)^{p/2 - 1} ds, and ds = 2 |B|^2 A dA + 2 |A|^2 B dB.
        let weight = &self.activity * (coefficients.view([-1, 1, 1]) * &self.half_power * 2.0);
        for (site, (a_norm, b_norm)) in self.norms.enumerate() {
            let slope = (a_norm * b_norm + SCHATTEN_FLOOR).pow(&(&self.half_power - 1.0)) * &weight;
            let Factors { a, b } = &self.components.factors[site];
            let gradient = &mut gradient.factors[site];
            let _ = gradient.a.addcmul_(a, &(&slope * b_norm).unsqueeze(1));
            let _ = gradient.b.addcmul_(b, &(&slope * a_norm).unsqueeze(-1));
        }
    }
}

/// A tensor [replica] of hyperparameters on the device of the components.
pub fn per_replica(values: impl Iterator<Item = f64>, like: &Components) -> Tensor {
    let values: Vec<f64> = values.collect();
    Tensor::from_slice(&values).to_kind(Kind::Float).to_device(like.device())
}
