//! The loss terms, each with its derivative written out beside it.

use tch::{Kind, Tensor};

use crate::{
    components::{Components, Factors},
    site::PerSite,
    slices::numbers_on,
    weights::Weights,
};

/// Keeps a Schatten power below 1 differentiable where a rank-one part vanishes.
const SCHATTEN_FLOOR: f64 = 1e-16;

/// L_f = (1/N) sum_l |sum_c P_{c,l} - W_l|_F^2 with N the number of decomposed parameters (Braun et al. 2025, equation 3).
pub struct Faithfulness {
    /// sum_c P_{c,l} - W_l, [replica, d_in, d_out] for every site, in the unit of the site.
    residuals: PerSite<Tensor>,
    /// One over the unit of each site, [replica, 1, 1], where it is not 1.
    scales: Option<PerSite<Tensor>>,
    parameters: f64,
}

impl Faithfulness {
    pub fn new(components: &Components, weights: &Weights) -> Self {
        let residuals = components.factors.enumerate().map(|(site, factors)| factors.sum() - &weights.sites[site]);
        let residuals: PerSite<Tensor> = residuals.collect();
        let parameters = residuals.iter().map(|residual| (residual.size()[1] * residual.size()[2]) as f64).sum();
        Self { residuals, scales: None, parameters }
    }

    /// The mean over sites of |sum_c P_{c,l} - W_l|_F^2 / |W_l|_F^2.
    pub fn in_lengths(components: &Components, weights: &Weights) -> Self {
        let Self { residuals, .. } = Self::new(components, weights);
        let sites = residuals.iter().count() as f64;
        let scales = weights
            .sites
            .map(|weight| weight.square().sum_dim_intlist([1, 2].as_slice(), true, None).sqrt().reciprocal());
        let residuals = residuals.enumerate().map(|(site, residual)| residual * &scales[site]).collect();
        Self { residuals, scales: Some(scales), parameters: sites }
    }

    /// `[replica]`.
    pub fn value(&self) -> Tensor {
        let squares =
            self.residuals.iter().map(|residual| residual.square().sum_dim_intlist([1, 2].as_slice(), false, None));
        squares.reduce(|sum, square| sum + square).expect("a network has a site") / self.parameters
    }

    /// Adds the derivative, weighted by `coefficients` `[replica]`, to that of the factors.
    pub fn backward(&self, coefficients: &Tensor, components: &Components, gradient: &mut Components) {
        let weight = (coefficients * (2.0 / self.parameters)).view([-1, 1, 1]);
        for (site, residual) in self.residuals.enumerate() {
            let mut slope = residual * &weight;
            if let Some(scales) = &self.scales {
                let _ = slope.g_mul_(&scales[site]);
            }
            let Factors { a, b } = &components.factors[site];
            let gradient = &mut gradient.factors[site];
            let _ = gradient.a.flatten(2, 3).baddbmm_(&slope, &b.flatten(1, 2).mt());
            let _ = gradient.b.flatten(1, 2).baddbmm_(&a.flatten(2, 3).mt(), &slope);
        }
    }
}

/// Mean squared difference over samples and entries of some values. Between the outputs of sparse pass and target it is the
/// minimality loss L_m = mean (f(x | sum_c s_c(x) P_c) - f(x | W))^2 (Braun et al. 2025, equation 6); between their hidden
/// activations, the hidden loss: the sum of squares over all layers by their total width.
pub struct MeanSquaredError {
    /// [replica, sample, width] each.
    differences: Vec<Tensor>,
}

impl MeanSquaredError {
    /// Of pairs of tensors [replica, sample, width].
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a Tensor, &'a Tensor)>) -> Self {
        Self { differences: pairs.into_iter().map(|(value, target)| value - target).collect() }
    }

    /// Entries of all values for one sample.
    fn width(&self) -> i64 {
        self.differences.iter().map(|difference| difference.size()[2]).sum()
    }

    /// `[replica]`.
    pub fn value(&self) -> Tensor {
        if let [difference] = &self.differences[..] {
            return difference.square().mean_dim([1, 2].as_slice(), false, None);
        }
        let sums = self.differences.iter().map(|difference| {
            let squares = difference.square().mean_dim([1].as_slice(), false, None);
            squares.sum_dim_intlist([1].as_slice(), false, None)
        });
        sums.reduce(|sum, squares| sum + squares).expect("a pair") / self.width() as f64
    }

    /// The derivatives with respect to the first of each pair, weighted by `coefficients` `[replica]`.
    pub fn backward(self, coefficients: &Tensor) -> Vec<Tensor> {
        let samples = self.differences[0].size()[1];
        let weight = (coefficients * (2.0 / (samples * self.width()) as f64)).view([-1, 1, 1]);
        self.differences.into_iter().map(|mut difference| difference.g_mul_(&weight)).collect()
    }
}

/// L_s = (1 / (N batch)) sum_b sum_c s_c(x_b) sum_{l,m} (|A_{c,l,:,m}|^2 |B_{c,l,m,:}|^2 + 1e-16)^{p/2}
/// (Braun et al. 2025, equation 8): the Schatten-p norm of every active component.
pub struct Simplicity {
    /// sum_b s_c(x_b) / (N batch), [replica, component, 1].
    activity: Tensor,
    /// p / 2, [replica, 1, 1].
    half_power: Tensor,
    parameters: i64,
    /// |A_{c,:,m}|^2 and |B_{c,m,:}|^2 for every site, [replica, component, rank] each.
    norms: PerSite<(Tensor, Tensor)>,
}

impl Simplicity {
    /// `counts` [replica, component]: on how many of the `batch` samples a component is active, or the sum of what stands for
    /// s_c(x_b) there; `powers` `[replica]`: p.
    pub fn new(components: &Components, counts: &Tensor, batch: i64, powers: &Tensor) -> Self {
        let parameters: i64 = components.factors.iter().map(|Factors { a, b }| a.size()[1] * b.size()[3]).sum();
        let activity = (counts / (parameters * batch) as f64).unsqueeze(-1);
        let half_power = (powers * 0.5).view([-1, 1, 1]);
        Self { activity, half_power, parameters, norms: components.factors.map(Factors::squared_norms) }
    }

    /// `[replica]`.
    pub fn value(&self) -> Tensor {
        let sums = self.norms.iter().map(|(a, b)| {
            let lengths = (a * b + SCHATTEN_FLOOR).pow(&self.half_power);
            (lengths * &self.activity).sum_dim_intlist([1, 2].as_slice(), false, None)
        });
        sums.reduce(|sum, term| sum + term).expect("a network has a site")
    }

    /// The derivative with respect to `counts`, [replica, component], weighted by `coefficients` `[replica]`.
    pub fn slope_of_counts(&self, coefficients: &Tensor, batch: i64) -> Tensor {
        let sums = self
            .norms
            .iter()
            .map(|(a, b)| (a * b + SCHATTEN_FLOOR).pow(&self.half_power).sum_dim_intlist([2].as_slice(), false, None));
        let lengths = sums.reduce(|sum, term| sum + term).expect("a network has a site");
        lengths * coefficients.unsqueeze(1) / (self.parameters * batch) as f64
    }

    /// The derivative with respect to the factors, weighted by `coefficients` `[replica]`: all of it is lengthwise, so that
    /// [`Gradient::lengthwise`](crate::components::Gradient) is what is set.
    pub fn backward(&self, coefficients: &Tensor, lengthwise: &mut Components) {
        // d (s + e)^{p/2} = p/2 (s + e)^{p/2 - 1} ds, and ds = 2 |B|^2 A dA + 2 |A|^2 B dB.
        let weight = &self.activity * (coefficients.view([-1, 1, 1]) * &self.half_power * 2.0);
        for (site, (a_norm, b_norm)) in self.norms.enumerate() {
            let slope = (a_norm * b_norm + SCHATTEN_FLOOR).pow(&(&self.half_power - 1.0)) * &weight;
            let Factors { a, b } = &mut lengthwise.factors[site];
            a.copy_(&(&slope * b_norm).unsqueeze(1));
            b.copy_(&(&slope * a_norm).unsqueeze(-1));
        }
    }
}

/// Counts of each component, [replica, component], that are not below their mean over components times `shares` `[replica]`.
pub fn at_least_a_share_of_the_mean(counts: &Tensor, shares: &Tensor) -> Tensor {
    counts.maximum(&(counts.mean_dim([1].as_slice(), true, None) * shares.unsqueeze(1)))
}

/// A tensor `[replica]` of hyperparameters on the device of the components.
pub fn per_replica(values: impl Iterator<Item = f64>, like: &Components) -> Tensor {
    let values: Vec<f64> = values.collect();
    numbers_on(&values, Kind::Float, like.device())
}
