//! What a network in training is to answer, how far its answer is from it, and what simple answers would cost.

use tch::{Device, Kind, Tensor};

use super::{Labels, Loss, Network, ResidualMlp, Tms, Weights};
use crate::{fit::InputStream, loss::MeanSquaredError, reading::Reading};

/// How far answers are from the labels: their mean squared difference over samples and entries. Where features differ in
/// importance, the squared difference of feature j is weighted by w_j; the mean stays one over all entries.
pub struct AnswerError {
    error: MeanSquaredError,
    /// The square roots of the w_j, `[feature]`.
    roots: Option<Tensor>,
}

impl AnswerError {
    /// `[replica]`.
    pub fn value(&self) -> Tensor {
        self.error.value()
    }

    /// The derivative with respect to the answer, weighted by `coefficients` `[replica]`.
    pub fn backward(self, coefficients: &Tensor) -> Tensor {
        let derivative = self.error.backward(coefficients).swap_remove(0);
        self.roots.map_or_else(|| derivative.shallow_clone(), |roots| &derivative * roots)
    }
}

impl Network {
    /// The forward pass up to what is held against the labels: the output, or the residual stream before the unembedding.
    pub fn answer<R: Reading>(&self, reading: &mut R, input: R::Value) -> R::Value {
        match self {
            Network::ResidualMlp(mlp) if mlp.loss == Loss::ResidualStream => mlp.residual_stream(reading, input),
            _ => self.forward(reading, input),
        }
    }

    /// An answer [replica, sample, feature] as it is held against labels.
    pub(super) fn as_compared(&self, weights: &Weights, answer: &Tensor) -> Tensor {
        match self {
            Network::ResidualMlp(mlp) if mlp.loss == Loss::ResidualStream => {
                answer.matmul(&weights.embeddings[ResidualMlp::EMBEDDING.0])
            }
            _ => answer.shallow_clone(),
        }
    }

    /// Of an answer as it is compared, and labels alike.
    pub(super) fn answer_error(&self, answer: &Tensor, labels: &Tensor) -> AnswerError {
        let Some(importances) = self.importances() else {
            return AnswerError { error: MeanSquaredError::new([(answer, labels)]), roots: None };
        };
        let roots = importances.sqrt().to_kind(answer.kind()).to_device(answer.device());
        AnswerError { error: MeanSquaredError::new([(&(answer * &roots), &(labels * &roots))]), roots: Some(roots) }
    }

    /// w_j, `[feature]`; `None` where all are 1.
    fn importances(&self) -> Option<Tensor> {
        match self {
            Network::ResidualMlp(ResidualMlp { importance_base, features, .. }) if *importance_base != 1.0 => {
                let numbers = Tensor::arange(*features as i64, (Kind::Double, Device::Cpu));
                Some(Tensor::from(*importance_base).pow(&numbers))
            }
            _ => None,
        }
    }

    /// Simple answers to `input` [replica, sample, feature] with these labels, by name:
    ///
    /// - `monosemantic`: of a network that gives each of its dimensions (toy model) or neurons (residual MLP) to one feature,
    ///   for as many features as there are, and ignores the others. What a feature's own dimension or neuron can answer
    ///   best it answers: max(x, 0); x + act(c x); or, for labels |c x|, these where x < 0 and x elsewhere.
    /// - `nothing`: of a network without decomposed weights: 0; or x, if the residual stream brought every feature through
    ///   undisturbed.
    fn simple_answers(&self, input: &Tensor, labels: &Tensor) -> Vec<(&'static str, Tensor)> {
        let served = |best: &Tensor, nothing: &Tensor, places: usize| {
            let features = self.features() as i64;
            let places = features.min(places as i64);
            Tensor::cat(&[best.narrow(2, 0, places), nothing.narrow(2, places, features - places)], 2)
        };
        let (best, nothing, places) = match self {
            Network::Tms(Tms { hidden, .. }) => (input.relu(), input.zeros_like(), *hidden),
            Network::ResidualMlp(ResidualMlp { labels: kind, neurons, .. }) => {
                let best = match kind {
                    Labels::Activation => labels.shallow_clone(),
                    Labels::Absolute => labels.where_self(&input.less(0.0), input),
                };
                (best, input.shallow_clone(), *neurons)
            }
            Network::GatedFunctions(_) => return Vec::new(),
        };
        vec![("monosemantic", served(&best, &nothing, places)), ("nothing", nothing)]
    }
}

/// Number of samples that errors are estimated on.
pub const ERROR_SAMPLES: usize = 100_000;

/// Of them at once.
pub const ERROR_BATCH: usize = 1_000;

/// The error of the network, `target`, and those of its simple answers, each with one value for every replica: means over
/// [`ERROR_SAMPLES`] samples of `inputs`, the same for all. The labels are those of `seeds`.
pub fn errors_beside_baselines(
    network: &Network,
    weights: &Weights,
    seeds: &[u64],
    inputs: &InputStream,
) -> Vec<(&'static str, Vec<f64>)> {
    let device = weights.sites.iter().next().expect("a network has a site").device();
    let coefficients = network.label_coefficients(seeds).to_device(device);
    let mut sums: Vec<(&'static str, Tensor)> = Vec::new();
    let batches = ERROR_SAMPLES / ERROR_BATCH;
    for step in 0..batches {
        let input = inputs.batch(step as u64, ERROR_BATCH, device);
        let labels = network.labels(&input, &coefficients);
        let compared = network.as_compared(weights, &labels);
        let error = |answer: &Tensor| network.answer_error(answer, &compared).value().to_kind(Kind::Double);
        let simple = network.simple_answers(&input, &labels);
        let simple = simple.iter().map(|(name, answer)| (*name, error(&network.as_compared(weights, answer))));
        let errors = std::iter::once(("target", error(&network.own_answer(weights, &input)))).chain(simple);
        if sums.is_empty() {
            sums = errors.collect();
        } else {
            sums.iter_mut().zip(errors).for_each(|((_, sum), (_, error))| *sum += error);
        }
    }
    let mean = |sum: Tensor| Vec::try_from((sum / batches as f64).to_device(Device::Cpu)).expect("one axis");
    sums.into_iter().map(|(name, sum)| (name, mean(sum))).collect()
}
