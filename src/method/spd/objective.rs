//! A network under Stochastic Parameter Decomposition: the loss terms of one step with their gradients, and the adversary that
//! lives between steps.

use std::{ops::Range, sync::Arc};

use tch::{Kind, Tensor};

use super::{
    adversary::PersistentAdversary,
    batch::{Batch, rows_needed},
    draws::Draws,
    factors::UseFactors,
    importances::ImportanceFunctions,
    philox_draws::PhiloxDraws,
    run::Run,
    settings::{FaithfulnessIn, Scope, Spd, TiedWeights},
    step::{Step, counts},
};
use crate::{
    components::Components,
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

/// After the last update.
const AT_THE_END: Moment = Moment { step: 1, steps: 1, logged: true };

/// The subcomponents of a network with their importance functions and their adversary.
pub struct SpdObjective {
    /// What is decomposed: with tied uses apart, if they are.
    pub(super) network: Arc<Network>,
    graph: Graph,
    uses: Vec<SiteUse>,
    /// Whether an input of zeros is one at every use, so that no mask changes what is made of it.
    rests_on_zeros: bool,
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
        let uses: Vec<SiteUse> = graph.uses().collect();
        let shared = settings[0].tied_weights == TiedWeights::SharedStorage;
        let gradient_of_transposed =
            (shared && uses.iter().any(|site_use| site_use.transposed)).then(|| components.zeros_like());
        let mut objective = Self {
            rests_on_zeros: false,
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
        };
        objective.rests_on_zeros = objective.rests_on_zeros();
        objective
    }

    /// Sets the sources of the adversary that lives through the training, [replica, source, column] for every use.
    pub fn with_adversary(mut self, sources: Vec<Tensor>) -> Self {
        self.adversary = Some(PersistentAdversary::new(sources));
        self
    }

    pub(super) fn use_names(&self) -> Vec<String> {
        self.network.use_names()
    }

    /// Number of subcomponents of every use.
    pub(super) fn use_numbers(&self) -> Vec<i64> {
        self.factors().iter().map(UseFactors::number).collect()
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Every use of a decomposed matrix, in the order of the forward pass.
    pub fn uses(&self) -> &[SiteUse] {
        &self.uses
    }

    pub(super) fn factors(&self) -> Vec<UseFactors> {
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

    pub(super) fn numbers(&self, values: impl Iterator<Item = f64>) -> Tensor {
        numbers_on(&values.collect::<Vec<_>>(), self.kind(), self.components.device())
    }

    fn kind(&self) -> Kind {
        self.weights.sites.iter().next().expect("a network has a site").kind()
    }

    fn at(&self, moment: Moment, setting: impl Fn(&Spd) -> Annealed) -> Vec<f64> {
        self.settings.iter().map(|spd| setting(spd).at(moment)).collect()
    }

    /// The causal importances g of every use, [replica, sample, subcomponent], at `input`.
    pub fn importances_at_uses(&self, input: &Tensor, draws: &dyn Draws) -> Vec<Tensor> {
        let step = Step::new(self, AT_THE_END, Batch::whole(input), draws, None);
        step.importances().iter().map(Tensor::shallow_clone).collect()
    }

    /// Whether samples without active features may be one: an adversary must not have sources for single samples.
    fn may_leave_out_samples(&self) -> bool {
        let Spd { fresh_adversary, persistent_adversary, .. } = &self.settings[0];
        let has_sources_of_samples = persistent_adversary.is_some()
            || fresh_adversary.as_ref().is_some_and(|adversary| adversary.scope == Scope::Sample);
        self.rests_on_zeros && !has_sources_of_samples
    }

    fn batch(&self, input: &Tensor) -> Batch {
        if self.may_leave_out_samples() { Batch::without_empty(input) } else { Batch::whole(input) }
    }

    /// Neighbouring replicas that need equally many rows of a batch.
    fn replicas_alike(&self, input: &Tensor) -> Vec<Range<usize>> {
        if !self.may_leave_out_samples() {
            return std::iter::once(0..self.settings.len()).collect();
        }
        let mut first = 0;
        let alike = rows_needed(input).chunk_by(|left, right| left == right).map(<[i64]>::len).collect::<Vec<_>>();
        let range = |number: usize| {
            first += number;
            first - number..first
        };
        alike.into_iter().map(range).collect()
    }

    /// One step's terms; adds their weighted gradient.
    pub fn add_gradients_with(&mut self, moment: Moment, input: &Tensor, draws: &dyn Draws) -> Vec<Term> {
        let persistent = self.persistent_coefficients(moment);
        if persistent.is_some() {
            self.ascend_before(moment, input, draws);
        }
        let faithful = self.at(moment, |spd| spd.coefficients.faithfulness);
        let mut terms = phase(Phase::Losses, || self.faithfulness_term(&faithful, moment.logged, true));

        let gradients = self.factor_gradients();
        let mut functions_gradient = self.functions_gradient.of_replicas(0..self.settings.len());
        let sums = Some((&gradients[..], &functions_gradient));
        let mut step = Step::new(self, moment, self.batch(input), draws, sums);
        let (value, costs, slopes) = phase(Phase::Losses, || step.importance());
        if moment.logged {
            terms.push(Term::new("importance", costs.iter().copied(), &value));
        }
        terms.extend(step.terms());
        let ascent = self.adversary.as_ref().zip(persistent).map(|(adversary, coefficients)| {
            phase(Phase::Backward, || step.persistent_adversary(adversary, &coefficients, &mut terms))
        });
        step.finish(&costs, &slopes, &mut functions_gradient);
        if let Some(slopes) = ascent {
            self.ascend(moment, &slopes);
        }
        terms
    }

    /// The terms at `input` as they are at the end of the training, with every number drawn alike for all replicas.
    pub(super) fn terms(&self, input: &Tensor) -> Vec<Term> {
        let draws = PhiloxDraws::of_measurement(self.settings.len(), self.components.device());
        let faithful = self.at(AT_THE_END, |spd| spd.coefficients.faithfulness);
        let mut terms = self.faithfulness_term(&faithful, true, false);
        let mut step = Step::new(self, AT_THE_END, self.batch(input), &draws, None);
        let (value, costs, _) = step.importance();
        terms.push(Term::new("importance", costs.into_iter(), &value));
        terms.extend(step.terms());
        terms
    }

    fn persistent_coefficients(&self, moment: Moment) -> Option<Vec<f64>> {
        self.adversary.as_ref()?;
        let of_replica =
            |spd: &Spd| spd.persistent_adversary.as_ref().map(|adversary| adversary.coefficient.at(moment));
        let coefficients: Vec<f64> = self.settings.iter().map(of_replica).collect::<Option<_>>()?;
        counts(&coefficients).then_some(coefficients)
    }

    /// The ascents of the adversary that lives on, on this batch and before its losses: every use of every sample is masked.
    fn ascend_before(&mut self, moment: Moment, input: &Tensor, draws: &dyn Draws) {
        let ascents = self.settings[0].persistent_adversary.as_ref().map_or(0, |adversary| adversary.ascents);
        let Some(mut adversary) = self.adversary.take().filter(|_| ascents > 0) else { return };
        let mut step = Step::new(self, moment, Batch::whole(input), draws, None);
        for _ in 0..ascents {
            let slopes = step.source_slopes(&adversary);
            self.move_adversary(&mut adversary, moment, &slopes);
        }
        drop(step);
        self.adversary = Some(adversary);
    }

    fn ascend(&mut self, moment: Moment, slopes: &[Tensor]) {
        let mut adversary = self.adversary.take().expect("there is an adversary");
        self.move_adversary(&mut adversary, moment, slopes);
        self.adversary = Some(adversary);
    }

    fn move_adversary(&self, adversary: &mut PersistentAdversary, moment: Moment, slopes: &[Tensor]) {
        let settings = || self.settings.iter().filter_map(|spd| spd.persistent_adversary.as_ref());
        let rates: Vec<f64> = settings().map(|settings| settings.rate(moment)).collect();
        let decays: Vec<[f64; 2]> = settings().map(|settings| [settings.first_decay, settings.second_decay]).collect();
        adversary.ascend(slopes, &rates, &decays);
    }

    fn faithfulness_term(&self, coefficients: &[f64], logged: bool, with_gradient: bool) -> Vec<Term> {
        if !logged && !counts(coefficients) {
            return Vec::new();
        }
        let faithfulness = self.faithfulness();
        if with_gradient && counts(coefficients) {
            self.faithfulness_backward(&faithfulness, coefficients);
        }
        let term = || Term::new("faithfulness", coefficients.iter().copied(), &faithfulness.value());
        logged.then(term).into_iter().collect()
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
            rests_on_zeros: self.rests_on_zeros,
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

impl SpdObjective {
    /// Whether an input of zeros is one at every use.
    fn rests_on_zeros(&self) -> bool {
        let features = self.network.features() as i64;
        let zeros = Tensor::zeros([self.weights.replicas(), 1, features], (self.kind(), self.components.device()));
        let mut run = Run::new(&self.graph, &self.weights, &self.uses, &self.factors(), None, &zeros, 1);
        run.inputs().iter().all(|input| input.abs().max().double_value(&[]) == 0.0)
    }
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
        let device = self.components.device();
        let alike = self.replicas_alike(input);
        let [_, _, ..] = alike[..] else {
            return self.add_gradients_with(moment, input, &PhiloxDraws::of_step(&self.seeds, moment.step, device));
        };
        let mut terms: Vec<Term> = Vec::new();
        for replicas in alike {
            let input = input.narrow(0, replicas.start as i64, replicas.len() as i64);
            let draws = PhiloxDraws::of_step(&self.seeds[replicas.clone()], moment.step, device);
            let of_replicas = self.views(replicas).add_gradients_with(moment, &input, &draws);
            if terms.is_empty() {
                terms = of_replicas;
            } else {
                for (term, other) in terms.iter_mut().zip(of_replicas) {
                    term.coefficients.extend(other.coefficients);
                    term.values.extend(other.values);
                }
            }
        }
        terms
    }
}
