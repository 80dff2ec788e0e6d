//! A network under Stochastic Parameter Decomposition: the loss terms of one step with their gradients, and the adversary that
//! lives between steps.

use std::{ops::Range, sync::Arc};

use tch::{Kind, Tensor};

use super::{
    adversary::{PersistentAdversary, for_samples, of_sources, sign_ascent},
    draws::{Drawn, Draws},
    factors::{UseFactors, use_names, uses},
    gate::{upper, upper_slope},
    importances::{ImportanceFunctions, Predicted},
    masked_uses::MaskedUses,
    penalty::{self, Shape},
    philox_draws::PhiloxDraws,
    reconstruction::{Gathered, Masks, Reconstruction, above},
    settings::{FaithfulnessIn, Masks as MaskKind, Routing, Scope, Spd, Start, TiedWeights},
};
use crate::{
    components::Components,
    execute::Tape,
    fit::{Moment, Objective, Term},
    graph::{Graph, SiteUse},
    kernel::threads,
    loss::Faithfulness,
    method::Annealed,
    network::Network,
    optimizer::{Adam, Group, Parameter, Rate},
    profile::{Phase, phase},
    slices::numbers_on,
    weights::Weights,
};

/// The subcomponents of a network with their importance functions and their adversary.
pub struct SpdObjective {
    /// What is decomposed: with tied uses apart, if they are.
    pub(super) network: Arc<Network>,
    graph: Graph,
    uses: Vec<SiteUse>,
    pub(super) weights: Weights,
    /// One for every replica; equal in all that is no number of a loss or a schedule.
    pub(super) settings: Vec<Spd>,
    seeds: Vec<u64>,
    pub(super) components: Components,
    gradient: Components,
    /// Of the transposed uses, where each use of a tied weight has moments of its own.
    gradient_of_transposed: Option<Components>,
    pub(super) functions: ImportanceFunctions,
    functions_gradient: ImportanceFunctions,
    adversary: Option<PersistentAdversary>,
}

/// What the target and the importance functions say of one batch.
struct Seen {
    /// What enters every use, [replica, sample, d_in].
    inputs: Vec<Tensor>,
    output: Tensor,
    factors: Vec<UseFactors>,
    predicted: Predicted,
    /// What the gate sees of every use, and what it makes of it.
    gate_logits: Vec<Tensor>,
    importances: Vec<Tensor>,
}

/// What a step leaves beside its gradients.
struct Losses {
    terms: Vec<Term>,
    /// Of the sources of the adversary that lives on.
    source_slopes: Option<Vec<Tensor>>,
}

impl SpdObjective {
    /// Decomposes the `weights` of `network`, whose tied uses have been taken apart if they are to be; one seed for every
    /// replica.
    pub fn new(
        network: Arc<Network>,
        weights: &Weights,
        settings: Vec<Spd>,
        seeds: Vec<u64>,
        components: Components,
        functions: ImportanceFunctions,
    ) -> Self {
        let graph = network.graph();
        let uses = uses(&graph);
        let shared = settings[0].tied_weights == TiedWeights::SharedStorage;
        let gradient_of_transposed =
            (shared && uses.iter().any(|site_use| site_use.transposed)).then(|| components.zeros_like());
        Self {
            graph,
            uses,
            weights: weights.map(Tensor::shallow_clone),
            gradient: components.zeros_like(),
            gradient_of_transposed,
            functions_gradient: functions.zeros_like(),
            adversary: None,
            network,
            settings,
            seeds,
            components,
            functions,
        }
    }

    /// Sets the sources of the adversary that lives through the training, [replica, source, column] for every use.
    pub fn with_adversary(mut self, sources: Vec<Tensor>) -> Self {
        self.adversary = Some(PersistentAdversary::new(sources));
        self
    }

    pub(super) fn use_names(&self) -> Vec<String> {
        use_names(&self.network)
    }

    /// Number of subcomponents of every use.
    pub(super) fn use_numbers(&self) -> Vec<i64> {
        self.factors().iter().map(UseFactors::number).collect()
    }

    /// Every use of a decomposed matrix, in the order of the forward pass.
    pub fn uses(&self) -> &[SiteUse] {
        &self.uses
    }

    fn factors(&self) -> Vec<UseFactors> {
        self.uses.iter().map(|&site_use| UseFactors::new(&self.components, site_use)).collect()
    }

    /// Views of the gradient of the factors at every use.
    fn factor_gradients(&self) -> Vec<UseFactors> {
        let of_use = |&site_use: &SiteUse| {
            let apart = self.gradient_of_transposed.as_ref().filter(|_| site_use.transposed);
            UseFactors::new(apart.unwrap_or(&self.gradient), site_use)
        };
        self.uses.iter().map(of_use).collect()
    }

    fn numbers(&self, values: impl Iterator<Item = f64>) -> Tensor {
        numbers_on(&values.collect::<Vec<_>>(), self.kind(), self.components.device())
    }

    fn kind(&self) -> Kind {
        self.weights.sites.iter().next().expect("a network has a site").kind()
    }

    fn setting(&self, setting: impl Fn(&Spd) -> f64) -> Vec<f64> {
        self.settings.iter().map(setting).collect()
    }

    fn at(&self, moment: Moment, setting: impl Fn(&Spd) -> &Annealed) -> Vec<f64> {
        self.settings.iter().map(|spd| setting(spd).at(moment)).collect()
    }

    /// What the target does on `input`, and how much each subcomponent matters there.
    fn see(&self, input: &Tensor, draws: &dyn Draws) -> Seen {
        let factors = self.factors();
        let product = MaskedUses::none(&self.weights, &self.uses, &factors);
        let (inputs, output) = phase(Phase::TargetPass, || {
            let tape = Tape::new(self.graph.clone(), product, &self.weights, input);
            let inputs: Vec<Tensor> = tape.site_uses().map(|(_, input)| input.shallow_clone()).collect();
            (inputs, tape.output().shallow_clone())
        });
        phase(Phase::Attributions, || {
            let predicted = self.functions.forward(&inputs, &factors);
            let gate_logits: Vec<Tensor> = match self.settings[0].masks {
                MaskKind::Uniform => predicted.logits.iter().map(Tensor::shallow_clone).collect(),
                MaskKind::Binomial => {
                    let noisy = |(place, logits): (usize, &Tensor)| {
                        let noise = draws.sources(Drawn::Gate, 0, place, logits.size()[1], logits.size()[2]);
                        logits * 1.05 - noise * 0.05
                    };
                    predicted.logits.iter().enumerate().map(noisy).collect()
                }
            };
            let gate = self.settings[0].gate;
            let importances = gate_logits.iter().map(|logits| gate.importances(logits)).collect();
            Seen { inputs, output, factors, predicted, gate_logits, importances }
        })
    }

    fn reconstruction<'r>(&'r self, seen: &'r Seen, input: &'r Tensor) -> Reconstruction<'r> {
        Reconstruction {
            graph: &self.graph,
            weights: &self.weights,
            uses: &self.uses,
            factors: &seen.factors,
            input,
            target: &seen.output,
            importances: &seen.importances,
            has_delta: self.settings[0].delta_component,
        }
    }

    /// The causal importances g of every use, [replica, sample, subcomponent], at `input`.
    pub fn importances_at_uses(&self, input: &Tensor, draws: &dyn Draws) -> Vec<Tensor> {
        self.see(input, draws).importances
    }

    /// One step's terms; adds their weighted gradient.
    pub fn add_gradients_with(&mut self, moment: Moment, input: &Tensor, draws: &dyn Draws) -> Vec<Term> {
        self.ascend_before(moment, input, draws);
        let mut gathered =
            Gathered { factors: self.factor_gradients(), importances: self.zeros_of_importances(input.size()[1]) };
        let mut functions_gradient = self.functions_gradient.of_replicas(0..self.settings.len());
        let Losses { terms, source_slopes } =
            self.losses(moment, input, draws, Some((&mut gathered, &mut functions_gradient)));
        if let Some(slopes) = source_slopes {
            self.ascend(moment, &slopes);
        }
        terms
    }

    fn zeros_of_importances(&self, samples: i64) -> Vec<Tensor> {
        let options = (self.kind(), self.components.device());
        let of_use = |factors: UseFactors| Tensor::zeros([factors.v.size()[0], samples, factors.number()], options);
        self.factors().into_iter().map(of_use).collect()
    }

    fn persistent_coefficients(&self, moment: Moment) -> Option<Vec<f64>> {
        self.adversary.as_ref()?;
        let of_replica =
            |spd: &Spd| spd.persistent_adversary.as_ref().map(|adversary| adversary.coefficient.at(moment));
        let coefficients: Vec<f64> = self.settings.iter().map(of_replica).collect::<Option<_>>()?;
        coefficients.iter().any(|&coefficient| coefficient > 0.0).then_some(coefficients)
    }

    /// The ascents of the adversary that lives on, on this batch and before its losses: every use of every sample is masked.
    fn ascend_before(&mut self, moment: Moment, input: &Tensor, draws: &dyn Draws) {
        let Some(settings) = &self.settings[0].persistent_adversary else { return };
        let ascents = settings.ascents;
        if ascents == 0 || self.persistent_coefficients(moment).is_none() {
            return;
        }
        let seen = self.see(input, draws);
        let ones = self.numbers(self.settings.iter().map(|_| 1.0));
        for _ in 0..ascents {
            let slopes = {
                let reconstruction = self.reconstruction(&seen, input);
                let masks = reconstruction.masks(self.persistent_sources(input.size()[1]), None);
                let (_, slopes) = reconstruction.error_and_source_slopes(masks, &ones, None);
                self.by_source(slopes.of_uses)
            };
            self.ascend(moment, &slopes);
        }
    }

    fn persistent_sources(&self, samples: i64) -> Vec<Option<Tensor>> {
        let adversary = self.adversary.as_ref().expect("there is an adversary");
        adversary.sources.iter().map(|sources| Some(for_samples(sources, samples))).collect()
    }

    /// Slopes of samples added up for the sources that they face.
    fn by_source(&self, slopes: Vec<Tensor>) -> Vec<Tensor> {
        let adversary = self.adversary.as_ref().expect("there is an adversary");
        let pairs = slopes.iter().zip(&adversary.sources);
        pairs.map(|(slopes, sources)| of_sources(slopes, sources.size()[1])).collect()
    }

    fn ascend(&mut self, moment: Moment, slopes: &[Tensor]) {
        let adversaries = || self.settings.iter().filter_map(|spd| spd.persistent_adversary.as_ref());
        let rates: Vec<f64> = adversaries().map(|adversary| adversary.rate(moment)).collect();
        let decays: Vec<[f64; 2]> =
            adversaries().map(|adversary| [adversary.first_decay, adversary.second_decay]).collect();
        self.adversary.as_mut().expect("there is an adversary").ascend(slopes, &rates, &decays);
    }

    /// The terms at `input`, their gradient if it is wanted, and how the lasting adversary would go on.
    fn losses(
        &self,
        moment: Moment,
        input: &Tensor,
        draws: &dyn Draws,
        mut gradient: Option<(&mut Gathered, &mut ImportanceFunctions)>,
    ) -> Losses {
        let seen = self.see(input, draws);
        let logged = moment.logged || gradient.is_none();
        let mut terms = Vec::new();
        let mut add = |name: &'static str, coefficients: &[f64], value: &Tensor| {
            if logged {
                terms.push(Term::new(name, coefficients.iter().copied(), value));
            }
        };

        let faithful = self.at(moment, |spd| &spd.coefficients.faithfulness);
        if logged || counts(&faithful) {
            phase(Phase::Losses, || {
                let faithfulness = self.faithfulness();
                add("faithfulness", &faithful, &faithfulness.value());
                if gradient.is_some() && counts(&faithful) {
                    self.faithfulness_backward(&faithfulness, &faithful);
                }
            });
        }

        let costs = self.at(moment, |spd| &spd.coefficients.importance);
        let (value, penalty_slopes) = phase(Phase::Losses, || self.penalty(moment, &seen.predicted.logits));
        add("importance", &costs, &value);

        let mut source_slopes = None;
        phase(Phase::Backward, || {
            let reconstruction = self.reconstruction(&seen, input);
            for (name, coefficients, passes) in self.terms_by_masks(moment, &reconstruction, draws, logged) {
                let share = self.numbers(coefficients.iter().map(|coefficient| coefficient / passes.len() as f64));
                let number = passes.len() as f64;
                let counted = counts(&coefficients);
                let mut values = Vec::new();
                for masks in passes {
                    let gathered = gradient.as_mut().filter(|_| counted).map(|(gathered, _)| &mut **gathered);
                    values.push(reconstruction.error(masks, &share, gathered));
                }
                let sum = values.into_iter().reduce(|sum, value| sum + value).expect("a term has a pass");
                add(name, &coefficients, &(sum / number));
            }
            if let Some(coefficients) = self.persistent_coefficients(moment) {
                let (name, masks, faced) = self.persistent_masks(&reconstruction, draws);
                let weight = self.numbers(coefficients.iter().copied());
                let gathered = gradient.as_mut().map(|(gathered, _)| &mut **gathered);
                let (value, mut slopes) = reconstruction.error_and_source_slopes(masks, &weight, gathered);
                if let Some(faced) = faced {
                    slopes.of_uses.iter_mut().for_each(|slopes| drop(slopes.g_mul_(&faced)));
                }
                source_slopes = Some(self.by_source(slopes.of_uses));
                add(name, &coefficients, &value);
            }
        });

        if let Some((gathered, functions_gradient)) = gradient {
            phase(Phase::Attributions, || {
                let weight = self.numbers(costs.into_iter()).view([-1, 1, 1]);
                let gate = self.settings[0].gate;
                let binomial = self.settings[0].masks == MaskKind::Binomial;
                let of_use = |(place, logits): (usize, &Tensor)| {
                    let mut masked = gate.backward(&seen.gate_logits[place], &gathered.importances[place]);
                    if binomial {
                        let _ = masked.g_mul_scalar_(1.05);
                    }
                    masked + &penalty_slopes[place] * &weight * upper_slope(logits)
                };
                let logits: Vec<Tensor> = seen.predicted.logits.iter().enumerate().map(of_use).collect();
                let Gathered { factors, .. } = gathered;
                self.functions.backward(&seen.predicted, &seen.inputs, &logits, functions_gradient, factors);
            });
        }
        Losses { terms, source_slopes }
    }

    /// The loss of importances `[replica]`, and its derivatives by the penalised importances of every use.
    fn penalty(&self, moment: Moment, logits: &[Tensor]) -> (Tensor, Vec<Tensor>) {
        let importances: Vec<Tensor> = logits.iter().map(upper).collect();
        let samples = importances[0].size()[1];
        let powers: Option<Vec<f64>> = self.settings.iter().map(|spd| spd.penalty.power_at(moment)).collect();
        let shape = powers.map_or_else(
            || Shape::SmoothL0(self.setting(|spd| spd.penalty.gamma_at(moment).expect("a pack has one penalty"))),
            Shape::Power,
        );
        let frequency = self.setting(|spd| spd.frequency.weight);
        let reference = self.setting(|spd| spd.frequency.reference.unwrap_or(samples as f64));
        let penalty = penalty::Penalty { shape: &shape, frequency: &frequency, reference: &reference };
        penalty.of(&importances, None, samples)
    }

    fn faithfulness(&self) -> Faithfulness {
        match self.settings[0].faithfulness {
            FaithfulnessIn::Weights => Faithfulness::new(&self.components, &self.weights),
            FaithfulnessIn::Lengths => Faithfulness::in_lengths(&self.components, &self.weights),
        }
    }

    fn faithfulness_backward(&self, faithfulness: &Faithfulness, coefficients: &[f64]) {
        let mut gradient = self.gradient.map(Tensor::shallow_clone);
        let Some(other) = &self.gradient_of_transposed else {
            let weight = self.numbers(coefficients.iter().copied());
            faithfulness.backward(&weight, &self.components, &mut gradient);
            return;
        };
        // Both uses count, with half of the derivative each.
        let weight = self.numbers(coefficients.iter().map(|coefficient| coefficient / 2.0));
        faithfulness.backward(&weight, &self.components, &mut gradient);
        faithfulness.backward(&weight, &self.components, &mut other.map(Tensor::shallow_clone));
    }

    /// The terms whose masks are drawn, with their weights and the masks of their passes; those without weight only where they
    /// are logged.
    fn terms_by_masks(
        &self,
        moment: Moment,
        reconstruction: &Reconstruction,
        draws: &dyn Draws,
        logged: bool,
    ) -> Vec<(&'static str, Vec<f64>, Vec<Masks>)> {
        let settings = &self.settings[0];
        let (samples, uses) = (reconstruction.input.size()[1], self.uses.len());
        let source = |drawn, draw, place: usize| {
            let number = reconstruction.importances[place].size()[2];
            let sources = draws.sources(drawn, draw, place, samples, number + i64::from(settings.delta_component));
            match settings.masks {
                MaskKind::Uniform => sources,
                MaskKind::Binomial => {
                    let ends = sources.narrow(2, 0, number).ge(0.5).to_kind(sources.kind());
                    Tensor::cat(&[ends, sources.narrow(2, number, sources.size()[2] - number)], 2)
                }
            }
        };
        let at_all = |drawn, draw| (0..uses).map(|place| Some(source(drawn, draw, place))).collect::<Vec<_>>();
        let mut terms = Vec::new();

        let stochastic = self.at(moment, |spd| &spd.coefficients.stochastic);
        if counts(&stochastic) {
            let masks = |draw| reconstruction.masks(at_all(Drawn::Stochastic, draw), None);
            terms.push(("stochastic", stochastic, (0..settings.mask_samples).map(masks).collect()));
        }
        let layerwise = self.at(moment, |spd| &spd.coefficients.layerwise);
        if counts(&layerwise) {
            let masks = |draw: usize| {
                let one = move |masked: usize| {
                    let at = |place| (place == masked).then(|| source(Drawn::Layerwise, draw, place));
                    reconstruction.masks((0..uses).map(at).collect(), None)
                };
                (0..uses).map(one).collect::<Vec<_>>()
            };
            terms.push(("layerwise", layerwise, (0..settings.mask_samples).flat_map(masks).collect()));
        }
        let subset = self.at(moment, |spd| &spd.coefficients.subset);
        if counts(&subset) {
            let masks = |draw| {
                let routes = draws.routes(Drawn::Subset, draw, samples, uses as i64);
                reconstruction.masks(at_all(Drawn::Subset, draw), Some(&routes))
            };
            terms.push(("subset", subset, (0..settings.mask_samples).map(masks).collect()));
        }
        if let Some((coefficients, masks)) = self.fresh_adversary(moment, reconstruction, draws) {
            terms.push(("fresh_adversary", coefficients, vec![masks]));
        }
        let unmasked = self.at(moment, |spd| &spd.coefficients.unmasked);
        if logged || counts(&unmasked) {
            terms.push(("unmasked", unmasked, vec![reconstruction.fixed(Tensor::ones_like)]));
        }
        let importance_masked = self.at(moment, |spd| &spd.coefficients.importance_masked);
        if logged || counts(&importance_masked) {
            terms.push(("importance_masked", importance_masked, vec![reconstruction.importances_as_masks()]));
        }
        if logged {
            let threshold = self.numbers(self.settings.iter().map(|spd| spd.active_above));
            let rounded = reconstruction.fixed(|importance| above(importance, &threshold));
            terms.push(("rounded", vec![0.0; self.settings.len()], vec![rounded]));
        }
        terms
    }

    /// What an adversary made for this batch ends with.
    fn fresh_adversary(
        &self,
        moment: Moment,
        reconstruction: &Reconstruction,
        draws: &dyn Draws,
    ) -> Option<(Vec<f64>, Masks)> {
        let adversaries = self.settings.iter().map(|spd| spd.fresh_adversary.as_ref()).collect::<Option<Vec<_>>>()?;
        let coefficients: Vec<f64> = adversaries.iter().map(|adversary| adversary.coefficient.at(moment)).collect();
        if !counts(&coefficients) {
            return None;
        }
        let settings = adversaries[0];
        let samples = reconstruction.input.size()[1];
        let rows = if settings.scope == Scope::Batch { 1 } else { samples };
        let begin = |(place, importance): (usize, &Tensor)| {
            let columns = importance.size()[2] + i64::from(reconstruction.has_delta);
            let shape = [importance.size()[0], rows, columns];
            match settings.start {
                Start::Random => draws.sources(Drawn::FreshAdversary, 0, place, rows, columns),
                Start::Zeros => importance.new_zeros(shape, (importance.kind(), importance.device())),
                Start::Ones => importance.new_ones(shape, (importance.kind(), importance.device())),
            }
        };
        let mut sources: Vec<Tensor> = reconstruction.importances.iter().enumerate().map(begin).collect();
        let routes = (settings.routing == Routing::Subset)
            .then(|| draws.routes(Drawn::FreshAdversary, 0, samples, self.uses.len() as i64));
        let masks = |sources: &[Tensor]| {
            let sources = sources.iter().map(|sources| Some(for_samples(sources, samples))).collect();
            reconstruction.masks(sources, routes.as_ref())
        };
        let ones = self.numbers(adversaries.iter().map(|_| 1.0));
        let step_size = self.numbers(adversaries.iter().map(|adversary| adversary.step_size)).view([-1, 1, 1]);
        for _ in 0..settings.steps {
            let (_, slopes) = reconstruction.error_and_source_slopes(masks(&sources), &ones, None);
            let moved = sources.iter().zip(&slopes.of_uses);
            sources =
                moved.map(|(sources, slope)| sign_ascent(sources, &of_sources(slope, rows), &step_size)).collect();
        }
        Some((coefficients, masks(&sources)))
    }

    /// The masks of the lasting adversary: what the term is called, and on which samples it is faced, if not on all.
    fn persistent_masks(
        &self,
        reconstruction: &Reconstruction,
        draws: &dyn Draws,
    ) -> (&'static str, Masks, Option<Tensor>) {
        let samples = reconstruction.input.size()[1];
        let hard = self.persistent_sources(samples);
        let adversaries = self.settings.iter().filter_map(|spd| spd.persistent_adversary.as_ref());
        let shares: Option<Vec<f64>> = adversaries.map(|adversary| adversary.merged_share).collect();
        let Some(shares) = shares else { return ("persistent_adversary", reconstruction.masks(hard, None), None) };
        let share = self.numbers(shares.into_iter()).view([-1, 1, 1]);
        let choices = draws.choices(samples);
        let faced = choices.lt_tensor(&share).to_kind(choices.kind());
        let is_faced = faced.gt(0.0);
        let mixed = |(place, hard): (usize, Option<Tensor>)| {
            let hard = hard?;
            let soft = draws.sources(Drawn::Merged, 0, place, samples, hard.size()[2]);
            Some(hard.where_self(&is_faced, &soft))
        };
        let sources = hard.into_iter().enumerate().map(mixed).collect();
        let routes = draws.routes(Drawn::Merged, 0, samples, self.uses.len() as i64).maximum(&faced);
        ("merged", reconstruction.masks(sources, Some(&routes)), Some(faced))
    }

    /// Moves the factors towards the weights before the first step; the moments of these updates are forgotten.
    pub fn warm_up_faithfulness(&mut self) {
        let warm_ups: Option<Vec<_>> = self.settings.iter().map(|spd| spd.faithfulness_warm_up).collect();
        let Some(warm_ups) = warm_ups else { return };
        let steps = warm_ups.iter().map(|warm_up| warm_up.steps).max().expect("there is a replica");
        let rates: Vec<Rate> = warm_ups
            .iter()
            .map(|warm_up| Rate { learning_rate: warm_up.learning_rate, weight_decay: warm_up.weight_decay })
            .collect();
        let parameters = self.factor_parameters();
        let mut adam = Adam::new(parameters);
        let ones = vec![1.0; self.settings.len()];
        for number in 1..=steps {
            let faithfulness = self.faithfulness();
            self.faithfulness_backward(&faithfulness, &ones);
            adam.update(number, &rates);
        }
    }

    fn factor_parameters(&self) -> Vec<Parameter> {
        let sites = self.network.sites();
        let parameter = |((name, value), (_, gradient)): ((String, Tensor), (String, Tensor))| Parameter {
            name,
            value,
            gradient,
            lengthwise: None,
            group: 0,
        };
        let with = |gradient: &Components| self.components.named(&sites).into_iter().zip(gradient.named(&sites));
        let first = with(&self.gradient).map(parameter);
        let Some(transposed) = &self.gradient_of_transposed else { return first.collect() };
        // The memory of tied weights once more, with moments of its own.
        let is_transposed = |name: &str| {
            let of_use = |site_use: &SiteUse| name.starts_with(&format!("{}.", sites[site_use.site].name));
            self.uses.iter().any(|site_use| site_use.transposed && of_use(site_use))
        };
        let again = with(transposed).filter(|((name, _), _)| is_transposed(name));
        let again = again.map(|((name, value), gradient)| ((format!("{name}.transposed"), value), gradient));
        first.chain(again.map(parameter)).collect()
    }

    /// Some of the replicas, with views of their tensors.
    pub(super) fn views(&self, replicas: Range<usize>) -> Self {
        Self {
            network: Arc::clone(&self.network),
            graph: self.graph.clone(),
            uses: self.uses.clone(),
            weights: self.weights.of_replicas(replicas.clone()),
            settings: self.settings[replicas.clone()].to_vec(),
            seeds: self.seeds[replicas.clone()].to_vec(),
            components: self.components.of_replicas(replicas.clone()),
            gradient: self.gradient.of_replicas(replicas.clone()),
            gradient_of_transposed: self
                .gradient_of_transposed
                .as_ref()
                .map(|gradient| gradient.of_replicas(replicas.clone())),
            functions: self.functions.of_replicas(replicas.clone()),
            functions_gradient: self.functions_gradient.of_replicas(replicas.clone()),
            adversary: self.adversary.as_ref().map(|adversary| adversary.of_replicas(replicas)),
        }
    }
}

fn counts(coefficients: &[f64]) -> bool {
    coefficients.iter().any(|&coefficient| coefficient > 0.0)
}

impl Objective for SpdObjective {
    fn parameters(&self) -> Vec<Parameter> {
        let names = self.use_names();
        let functions = self.functions.named(&names).into_iter().zip(self.functions_gradient.named(&names));
        let of_functions = functions.map(|((name, value), (_, gradient))| Parameter {
            name,
            value,
            gradient,
            lengthwise: None,
            group: 1,
        });
        self.factor_parameters().into_iter().chain(of_functions).collect()
    }

    fn groups(&self, replicas: usize) -> Vec<Group> {
        let group = |largest: fn(&Spd) -> Option<f64>| Group {
            largest_norm: self.settings.iter().map(largest).collect(),
            ..Group::plain(replicas)
        };
        vec![
            group(|spd| spd.largest_gradient_norms.factors),
            group(|spd| spd.largest_gradient_norms.importance_functions),
        ]
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        self.adversary.as_ref().map(|adversary| adversary.state(&self.use_names())).unwrap_or_default()
    }

    fn of_replicas(&self, replicas: Range<usize>) -> Box<dyn Objective + '_> {
        Box::new(self.views(replicas))
    }

    fn is_small(&self) -> bool {
        threads::fits_a_core(self.network.parameters() * self.components.number())
    }

    fn add_gradients(&mut self, moment: Moment, input: &Tensor) -> Vec<Term> {
        let draws = PhiloxDraws::of_step(&self.seeds, moment.step, self.components.device());
        self.add_gradients_with(moment, input, &draws)
    }
}

impl SpdObjective {
    /// The terms at `input`, with every number drawn alike for all replicas.
    pub(super) fn terms(&self, input: &Tensor) -> Vec<Term> {
        let draws = PhiloxDraws::of_measurement(self.settings.len(), self.components.device());
        self.losses(Moment { step: 1, steps: 1, logged: true }, input, &draws, None).terms
    }
}
