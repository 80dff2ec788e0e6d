//! What a network in training is to answer, how far its answer is from it, and what simple answers would cost.

use tch::{Device, Kind, Tensor};

use super::{Labels, Loss, Network, ResidualMlp, Tms};
use crate::{execute::Dense, fit::InputStream, graph::Graph, loss::MeanSquaredError, weights::Weights};

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
    pub(super) fn answer(&self) -> Graph {
        Graph::build(|graph, input| match self {
            Network::ResidualMlp(mlp) if mlp.loss == Loss::ResidualStream => mlp.residual_stream(graph, input),
            _ => self.forward(graph, input),
        })
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

    /// Whether the simple answer `monosemantic` serves every feature.
    pub fn room(&self) -> Room {
        match self {
            Network::Tms(Tms { hidden, features, .. }) => Room::of(*hidden, *features),
            Network::ResidualMlp(ResidualMlp { neurons, features, .. }) => Room::of(*neurons, *features),
            Network::GatedFunctions(_) => Room::ForSome,
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
        let dense = Dense::new(&network.answer(), weights, &input);
        let errors = std::iter::once(("target", error(dense.tensor(dense.output())))).chain(simple);
        if sums.is_empty() {
            sums = errors.collect();
        } else {
            sums.iter_mut().zip(errors).for_each(|((_, sum), (_, error))| *sum += error);
        }
    }
    let mean = |sum: Tensor| Vec::try_from((sum / batches as f64).to_device(Device::Cpu)).expect("one axis");
    sums.into_iter().map(|(name, sum)| (name, mean(sum))).collect()
}

/// For a network that is no better than simple answers, says as a clause which answers those are; `None` if it has learned its task.
/// `errors` are those of [`errors_beside_baselines`] for one network, by name; `room` is that of [`Network::room`].
///
/// Where some features have no place of their own, a network that has learned is better than both answers. Where every
/// feature has one, `monosemantic` is as good as a network of the kind gets, up to rounding without any error, and none can
/// be asked to be below it. What has been learned there is nearer to it than to `nothing`; nearer still cannot be asked of
/// every network, because features that are embedded along each other disturb each other.
pub fn not_learned(errors: &[(&str, f64)], room: Room) -> Option<String> {
    let error_of = |name: &str| errors.iter().find(|(answer, _)| *answer == name).map(|(_, error)| *error);
    let error = error_of("target")?;
    // An error that is no number is below none.
    let is_below = |simple: f64| error < simple;
    if let (Room::ForAll, Some(best), Some(nothing)) = (room, error_of("monosemantic"), error_of("nothing")) {
        return (!is_below(best + (nothing - best) / 2.0)).then(|| {
            format!(
                "its error {error:.3e} is no nearer to {best:.3e} of the answer `monosemantic`, which serves every feature \
                 here, than to {nothing:.3e} of the answer `nothing`"
            )
        });
    }
    let better = errors.iter().filter(|(answer, simple)| *answer != "target" && !is_below(*simple));
    let better: Vec<String> = better.map(|(answer, simple)| format!("{simple:.3e} of the answer `{answer}`")).collect();
    (!better.is_empty()).then(|| format!("its error {error:.3e} is not below {}", better.join(" and ")))
}

/// Whether a network has a dimension or a neuron for each of its features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    ForAll,
    ForSome,
}

impl Room {
    /// Of so many hidden dimensions (toy model) or neurons (residual MLP).
    pub fn of(places: usize, features: usize) -> Self {
        if places >= features { Room::ForAll } else { Room::ForSome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        graph::Activation,
        initial_values::{InitialValues, Shape},
        inputs::{IndependentFeatures, Inputs},
        network::{Biases, Embedding, HiddenKind, LabelCoefficients},
        random::Purpose,
        slices::tensor_from,
    };

    const PROBABILITY: f64 = 0.05;
    const SEEDS: [u64; 2] = [1, 2];

    fn residual_mlp(labels: Labels, label_coefficients: LabelCoefficients) -> ResidualMlp {
        ResidualMlp {
            features: 4,
            width: 6,
            neurons: 2,
            layers: 1,
            activation: Activation::Relu,
            biases: Biases::None,
            embedding: Embedding::Random,
            labels,
            label_coefficients,
            loss: Loss::Outputs,
            importance_base: 1.0,
        }
    }

    /// Of the network with all decomposed weights zero: means over the replicas, by name.
    fn errors(network: &Network) -> Vec<(&'static str, f64)> {
        let rule = InitialValues { instances: 1, scale: 1.0, distribution: Shape::Normal };
        let weights = Weights::random(network, rule, &SEEDS);
        let weights = weights.with_sites(weights.sites.map(Tensor::zeros_like));
        let inputs = InputStream {
            inputs: Inputs::Independent(IndependentFeatures { probability: PROBABILITY, low: -1.0, high: 1.0 }),
            features: network.features(),
            seeds: SEEDS.to_vec(),
            purpose: Purpose::MeasurementInputs,
        };
        let errors = errors_beside_baselines(network, &weights, &SEEDS, &inputs);
        errors.into_iter().map(|(name, errors)| (name, errors.iter().sum::<f64>() / SEEDS.len() as f64)).collect()
    }

    fn assert_errors(network: &Network, expected: [(&str, f64); 3]) {
        let found = errors(network);
        assert_eq!(found.len(), expected.len());
        for ((name, found), (expected_name, expected)) in found.into_iter().zip(expected) {
            assert_eq!(name, expected_name);
            assert!((found / expected - 1.0).abs() < 0.03, "{name}: {found:e}, not {expected:e}, of {network:?}");
        }
    }

    /// Of x uniform in [-1, 1] the mean of x^2 is 1/3; two of three features have no dimension of their own.
    #[test]
    fn a_toy_model_without_weights_does_nothing() {
        let tms = Tms { features: 3, hidden: 1, hidden_layers: 0, hidden_kind: HiddenKind::Trained, tied: true };
        let (all, negative) = (PROBABILITY / 3.0, PROBABILITY / 6.0);
        let monosemantic = (negative + 2.0 * all) / 3.0;
        assert_errors(&Network::Tms(tms), [("target", all), ("monosemantic", monosemantic), ("nothing", all)]);
    }

    /// The mean of relu(x)^2 is 1/6, and two of four features have no neuron of their own. With the identity for an embedding
    /// the residual stream is the output.
    #[test]
    fn a_residual_mlp_without_weights_does_nothing() {
        let nothing = PROBABILITY / 6.0;
        for loss in [Loss::Outputs, Loss::ResidualStream] {
            let mlp = residual_mlp(Labels::Activation, LabelCoefficients::One);
            let mlp = ResidualMlp { width: 4, embedding: Embedding::Identity, loss, ..mlp };
            let expected = [("target", nothing), ("monosemantic", nothing / 2.0), ("nothing", nothing)];
            assert_errors(&Network::ResidualMlp(mlp), expected);
        }
    }

    /// Rows of length one: the squared length of what is missing spreads over the width of the residual stream.
    #[test]
    fn in_the_residual_stream_a_label_that_is_missed_is_missed_along_its_embedding() {
        let mlp = residual_mlp(Labels::Activation, LabelCoefficients::One);
        let found = errors(&Network::ResidualMlp(ResidualMlp { loss: Loss::ResidualStream, width: 200, ..mlp }));
        assert!((found[0].1 / found[2].1 - 1.0).abs() < 1e-5, "the target does nothing: {found:?}");
        let expected = 4.0 / 200.0 * PROBABILITY / 6.0;
        assert!((found[2].1 / expected - 1.0).abs() < 0.05, "{found:?}, not {expected:e}");
    }

    #[test]
    fn unimportant_features_count_less() {
        let mlp = residual_mlp(Labels::Activation, LabelCoefficients::One);
        let network = |importance_base| {
            Network::ResidualMlp(ResidualMlp {
                importance_base,
                width: 4,
                embedding: Embedding::Identity,
                ..mlp.clone()
            })
        };
        // (1 + 1/2 + 1/4 + 1/8) / 4 of all, and (1/4 + 1/8) / 4 for the last two.
        let all = PROBABILITY / 6.0;
        let (nothing, monosemantic) = (all * 15.0 / 32.0, all * 3.0 / 32.0);
        assert_errors(&network(0.5), [("target", nothing), ("monosemantic", monosemantic), ("nothing", nothing)]);
    }

    #[test]
    fn a_network_that_is_no_better_than_a_simple_answer_has_not_learned() {
        let told =
            |target: f64| not_learned(&[("target", target), ("monosemantic", 0.03), ("nothing", 0.06)], Room::ForSome);
        assert_eq!(told(0.02), None);
        assert_eq!(
            told(0.03).as_deref(),
            Some("its error 3.000e-2 is not below 3.000e-2 of the answer `monosemantic`")
        );
        assert_eq!(
            told(f64::NAN).as_deref(),
            Some(
                "its error NaN is not below 3.000e-2 of the answer `monosemantic` and 6.000e-2 of the answer `nothing`"
            )
        );
        assert_eq!(not_learned(&[], Room::ForSome), None);
    }

    #[test]
    fn where_every_feature_has_a_place_a_network_has_learned_that_comes_near_to_the_monosemantic_answer() {
        let told = |target: f64, best: f64| {
            not_learned(&[("target", target), ("monosemantic", best), ("nothing", 0.06)], Room::ForAll)
        };
        // Perfect, up to rounding of either; better than one place a feature allows, with two.
        for (target, best) in [(0.0, 0.0), (1e-14, 0.0), (1e-14, 1e-16), (0.0299, 0.0), (0.001, 0.01), (0.0349, 0.01)] {
            assert_eq!(told(target, best), None, "{target} beside {best}");
        }
        assert_eq!(
            told(0.03, 0.0).as_deref(),
            Some(
                "its error 3.000e-2 is no nearer to 0.000e0 of the answer `monosemantic`, which serves every feature here, \
                 than to 6.000e-2 of the answer `nothing`"
            )
        );
        for target in [0.06, 0.5, f64::NAN, f64::INFINITY] {
            assert!(told(target, 0.0).is_some(), "{target}");
        }
    }

    #[test]
    fn there_is_room_for_all_features_from_as_many_places_on() {
        let room = |hidden| {
            Network::Tms(Tms { features: 3, hidden, hidden_layers: 0, hidden_kind: HiddenKind::Trained, tied: true })
                .room()
        };
        assert_eq!([2, 3, 4].map(room), [Room::ForSome, Room::ForAll, Room::ForAll]);
        let mlp = |neurons| {
            let mlp = residual_mlp(Labels::Activation, LabelCoefficients::One);
            Network::ResidualMlp(ResidualMlp { neurons, ..mlp }).room()
        };
        assert_eq!([3, 4].map(mlp), [Room::ForSome, Room::ForAll]);
    }

    #[test]
    fn a_neuron_of_its_own_answers_all_that_one_neuron_can() {
        let input = tensor_from(&[1, 2, 4], [0.5, -0.5, 0.5, -0.5, -1.0, 1.0, -1.0, 1.0].into_iter());
        let monosemantic = |labels| {
            let network = Network::ResidualMlp(residual_mlp(labels, LabelCoefficients::Drawn));
            let coefficients = Tensor::from(1.5_f32).view([1, 1, 1]);
            network.simple_answers(&input, &network.labels(&input, &coefficients)).swap_remove(0).1
        };
        let expected = |entries: [f32; 8]| tensor_from(&[1, 2, 4], entries.into_iter());
        assert_eq!(
            monosemantic(Labels::Activation),
            expected([1.25, -0.5, 0.5, -0.5, -1.0, 2.5, -1.0, 1.0]),
            "x + relu(1.5 x) for two features, x for two"
        );
        assert_eq!(
            monosemantic(Labels::Absolute),
            expected([0.5, 0.75, 0.5, -0.5, 1.5, 1.0, -1.0, 1.0]),
            "|1.5 x| where x is negative"
        );
    }
}
