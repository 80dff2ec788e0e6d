//! One step of the decomposition: what is seen of a batch, the loss terms, and their gradient.

use tch::Tensor;

use super::{
    ablation::Ablation,
    adversary::{PersistentAdversary, for_samples, of_sources, sign_ascent},
    batch::Batch,
    draws::{Drawn, Draws},
    factors::UseFactors,
    gate::{upper, upper_slope},
    importances::{ImportanceFunctions, Predicted, Sight},
    objective::SpdObjective,
    penalty::{self, Shape},
    run::Run,
    settings::{Masks, Routing, Scope, Spd, Start},
};
use crate::{
    fit::{Moment, Term},
    method::Annealed,
    profile::{Phase, phase},
    random::philox::Rows,
};

/// The noise that the gate sees under binomial masks: 1.05 z - 0.05 u.
const NOISE: f64 = 0.05;

/// The masks of all uses in one pass; `None`: the use has the matrix itself.
type Ablations = Vec<Option<Ablation>>;

/// A step under way.
pub struct Step<'a> {
    objective: &'a SpdObjective,
    moment: Moment,
    draws: &'a dyn Draws,
    batch: Batch,
    run: Run<'a>,
    predicted: Predicted,
    /// What the gate sees of every use, [replica, sample, subcomponent], and g, what it makes of it.
    gate_logits: Vec<Tensor>,
    importances: Vec<Tensor>,
    /// The derivative of the weighted errors by g; `None`: no gradient is wanted.
    importance_gradients: Option<Vec<Tensor>>,
}

impl<'a> Step<'a> {
    /// What the target does on a batch, and how much each subcomponent matters there. Derivatives are added to `gradients`, those
    /// of the factors at every use and those of the importance functions.
    pub fn new(
        objective: &'a SpdObjective,
        moment: Moment,
        batch: Batch,
        draws: &'a dyn Draws,
        gradients: Option<(&[UseFactors], &ImportanceFunctions)>,
    ) -> Self {
        let mut run = phase(Phase::TargetPass, || {
            let (weights, factors) = (&objective.weights, objective.factors());
            let (graph, uses) = (objective.graph(), objective.uses());
            let of_factors = gradients.map(|(factors, _)| factors);
            Run::new(graph, weights, uses, &factors, of_factors, &batch.input, batch.samples)
        });
        let settings = &objective.settings[0];
        let (predicted, gate_logits, importances) = phase(Phase::Attributions, || {
            let functions = &objective.functions;
            let seen = match functions.sight() {
                Sight::InnerActivations => run.see_inner_activations(),
                Sight::Inputs => run.inputs(),
                Sight::Products { together } => {
                    let widths: Vec<i64> = objective.factors().iter().map(|factors| factors.v.size()[1]).collect();
                    let gradients = gradients.map(|(_, functions)| functions.first_weights(&widths));
                    let gradient = |place: usize| gradients.as_ref().map(|all| all[place].shallow_clone());
                    let weights = functions.first_weights(&widths).into_iter().enumerate();
                    run.see_products(weights.map(|(place, weight)| (weight, gradient(place))).collect(), together)
                }
            };
            let predicted = functions.forward(&seen);
            let gate_logits: Vec<Tensor> = match settings.masks {
                Masks::Uniform => predicted.logits.iter().map(Tensor::shallow_clone).collect(),
                Masks::Binomial => {
                    let noisy = |(place, logits): (usize, &Tensor)| {
                        let noise = draws.sources(Drawn::Gate, 0, place, batch.rows(), logits.size()[2]);
                        logits * (1.0 + NOISE) - noise * NOISE
                    };
                    predicted.logits.iter().enumerate().map(noisy).collect()
                }
            };
            let importances: Vec<Tensor> = gate_logits.iter().map(|logits| settings.gate.importances(logits)).collect();
            (predicted, gate_logits, importances)
        });
        let importance_gradients = gradients.is_some().then(|| importances.iter().map(Tensor::zeros_like).collect());
        Self { objective, moment, draws, batch, run, predicted, gate_logits, importances, importance_gradients }
    }

    pub fn importances(&self) -> &[Tensor] {
        &self.importances
    }

    fn settings(&self) -> &'a [Spd] {
        &self.objective.settings
    }

    fn at(&self, setting: impl Fn(&Spd) -> Annealed) -> Vec<f64> {
        self.settings().iter().map(|spd| setting(spd).at(self.moment)).collect()
    }

    /// Whether nothing is trained.
    fn is_measured(&self) -> bool {
        self.importance_gradients.is_none()
    }

    fn is_logged(&self) -> bool {
        self.moment.logged || self.is_measured()
    }

    /// m = g + (1 - g) r at the uses that have `sources`, with `routes` [replica, sample, use] that say on which samples.
    fn sourced(&self, sources: Vec<Option<Tensor>>, routes: Option<&Tensor>) -> Ablations {
        let of_use = |(place, sources): (usize, Option<Tensor>)| {
            let sources = Some(sources?);
            let route = routes.map(|routes| routes.narrow(2, place as i64, 1).contiguous());
            Some(Ablation { sources, route, ..self.of_importances(place) })
        };
        sources.into_iter().enumerate().map(of_use).collect()
    }

    /// g itself at a use.
    fn of_importances(&self, place: usize) -> Ablation {
        Ablation {
            importance: self.importances[place].shallow_clone(),
            sources: None,
            route: None,
            importance_gradient: self.importance_gradients.as_ref().map(|sums| sums[place].shallow_clone()),
            source_gradient: None,
        }
    }

    /// Masks at all uses that importances do not move.
    fn fixed(&self, mask: impl Fn(&Tensor) -> Tensor) -> Ablations {
        let of_use = |(place, importance): (usize, &Tensor)| {
            Some(Ablation { importance: mask(importance), importance_gradient: None, ..self.of_importances(place) })
        };
        self.importances.iter().enumerate().map(of_use).collect()
    }

    /// Every loss term; their weighted gradient is added up if one is wanted. Without weight a term is there only where it is
    /// logged.
    pub fn terms(&mut self) -> Vec<Term> {
        let mut terms = Vec::new();
        let stochastic = self.at(|spd| spd.coefficients.stochastic);
        let layerwise = self.at(|spd| spd.coefficients.layerwise);
        let subset = self.at(|spd| spd.coefficients.subset);
        let (samples, uses) = (self.settings()[0].mask_samples, self.importances.len());
        let rows = |step: &Self| step.importances.len();
        if self.is_measured() || counts(&stochastic) {
            self.term(&mut terms, "stochastic", &stochastic, samples, |step, draw| {
                step.sourced(
                    (0..rows(step)).map(|place| Some(step.random(Drawn::Stochastic, draw, place))).collect(),
                    None,
                )
            });
        }
        if counts(&layerwise) {
            self.term(&mut terms, "layerwise", &layerwise, samples * uses, |step, pass| {
                let (draw, masked) = (pass / uses, pass % uses);
                let at = |place| (place == masked).then(|| step.random(Drawn::Layerwise, draw, place));
                step.sourced((0..uses).map(at).collect(), None)
            });
        }
        if counts(&subset) {
            self.term(&mut terms, "subset", &subset, samples, |step, draw| {
                let routes = step.draws.routes(Drawn::Subset, draw, step.batch.rows(), uses as i64);
                let sources = (0..uses).map(|place| Some(step.random(Drawn::Subset, draw, place)));
                step.sourced(sources.collect(), Some(&routes))
            });
        }
        self.fresh_adversary(&mut terms);
        let unmasked = self.at(|spd| spd.coefficients.unmasked);
        if self.is_logged() || counts(&unmasked) {
            self.term(&mut terms, "unmasked", &unmasked, 1, |step, _| step.fixed(Tensor::ones_like));
        }
        let importance_masked = self.at(|spd| spd.coefficients.importance_masked);
        if self.is_logged() || counts(&importance_masked) {
            self.term(&mut terms, "importance_masked", &importance_masked, 1, |step, _| {
                (0..uses).map(|place| Some(step.of_importances(place))).collect()
            });
        }
        if self.is_logged() {
            let threshold = self.objective.numbers(self.settings().iter().map(|spd| spd.active_above));
            let nothing = vec![0.0; self.settings().len()];
            self.term(&mut terms, "rounded", &nothing, 1, |step, _| {
                step.fixed(|importance| above(importance, &threshold))
            });
            if self.is_measured() {
                self.term(&mut terms, "random", &nothing, 1, |step, _| {
                    let random = |place| {
                        step.draws.sources(
                            Drawn::Random,
                            0,
                            place,
                            step.batch.rows(),
                            step.importances[place].size()[2],
                        )
                    };
                    let masked = |place| Some(Ablation { importance: random(place), ..step.of_importances(place) });
                    (0..uses).map(masked).collect()
                });
                self.term(&mut terms, "zero", &nothing, 1, |step, _| step.fixed(Tensor::zeros_like));
            }
        }
        terms
    }

    /// The error of some passes, averaged.
    fn term(
        &mut self,
        terms: &mut Vec<Term>,
        name: &'static str,
        coefficients: &[f64],
        passes: usize,
        ablations: impl Fn(&Self, usize) -> Ablations,
    ) {
        let number = passes as f64;
        let share = (self.importance_gradients.is_some() && counts(coefficients))
            .then(|| self.objective.numbers(coefficients.iter().map(|coefficient| coefficient / number)));
        let mut sum: Option<Tensor> = None;
        for pass in 0..passes {
            let ablations = phase(Phase::Selection, || ablations(self, pass));
            let error = phase(Phase::Backward, || self.run.error(ablations, share.as_ref()));
            sum = Some(sum.map_or_else(|| error.shallow_clone(), |sum| sum + &error));
        }
        if self.is_logged() {
            let mean = sum.expect("a term has a pass") / number;
            terms.push(Term::new(name, coefficients.iter().copied(), &mean));
        }
    }

    /// Random sources of a use.
    fn random(&self, drawn: Drawn, draw: usize, place: usize) -> Tensor {
        let (settings, number) = (&self.settings()[0], self.importances[place].size()[2]);
        let columns = number + i64::from(settings.delta_component);
        let sources = self.draws.sources(drawn, draw, place, self.batch.rows(), columns);
        match settings.masks {
            Masks::Uniform => sources,
            Masks::Binomial => {
                let ends = sources.narrow(2, 0, number).ge(0.5).to_kind(sources.kind());
                Tensor::cat(&[ends, sources.narrow(2, number, columns - number)], 2)
            }
        }
    }

    /// The error under masks whose sources move, weighted by `coefficients`, and its derivative by the sources of every use,
    /// [replica, sample, column].
    fn error_and_source_slopes(&mut self, mut ablations: Ablations, coefficients: &Tensor) -> (Tensor, Vec<Tensor>) {
        let zeros = |ablation: &mut Option<Ablation>| {
            let ablation = ablation.as_mut().expect("an adversary masks every use");
            let slopes = ablation.sources.as_ref().expect("and has sources there").zeros_like();
            ablation.source_gradient = Some(slopes.shallow_clone());
            slopes
        };
        let slopes = ablations.iter_mut().map(zeros).collect();
        (self.run.error(ablations, Some(coefficients)), slopes)
    }

    /// What an adversary that is made for this batch reaches.
    fn fresh_adversary(&mut self, terms: &mut Vec<Term>) {
        let adversaries: Option<Vec<_>> = self.settings().iter().map(|spd| spd.fresh_adversary.as_ref()).collect();
        let Some(adversaries) = adversaries else { return };
        let coefficients: Vec<f64> =
            adversaries.iter().map(|adversary| adversary.coefficient.at(self.moment)).collect();
        if !counts(&coefficients) {
            return;
        }
        let settings = adversaries[0];
        let samples = self.batch.input.size()[1];
        let rows = if settings.scope == Scope::Batch { 1 } else { samples };
        let begin = |(place, importance): (usize, &Tensor)| {
            let columns = importance.size()[2] + i64::from(self.settings()[0].delta_component);
            let shape = [importance.size()[0], rows, columns];
            match settings.start {
                Start::Random => self.draws.sources(Drawn::FreshAdversary, 0, place, Rows::Below(rows), columns),
                Start::Zeros => importance.new_zeros(shape, (importance.kind(), importance.device())),
                Start::Ones => importance.new_ones(shape, (importance.kind(), importance.device())),
            }
        };
        let mut sources: Vec<Tensor> = self.importances.iter().enumerate().map(begin).collect();
        let uses = sources.len() as i64;
        let routes = (settings.routing == Routing::Subset)
            .then(|| self.draws.routes(Drawn::FreshAdversary, 0, self.batch.rows(), uses));
        let ablations = |step: &Self, sources: &[Tensor]| {
            let sources = sources.iter().map(|sources| Some(for_samples(sources, samples))).collect();
            step.sourced(sources, routes.as_ref())
        };
        let ones = self.objective.numbers(adversaries.iter().map(|_| 1.0));
        let step_sizes = self.objective.numbers(adversaries.iter().map(|adversary| adversary.step_size));
        let step_sizes = step_sizes.view([-1, 1, 1]);
        for _ in 0..settings.steps {
            let ascent = without_importance_gradients(ablations(self, &sources));
            let slopes = self.without_gradient(|step| step.error_and_source_slopes(ascent, &ones).1);
            let moved = sources.iter().zip(&slopes);
            sources =
                moved.map(|(sources, slope)| sign_ascent(sources, &of_sources(slope, rows), &step_sizes)).collect();
        }
        self.term(terms, "fresh_adversary", &coefficients, 1, |step, _| ablations(step, &sources));
    }

    /// The error under the masks of the adversary that lives on, which all samples face or some, and how it would go on.
    pub fn persistent_adversary(
        &mut self,
        adversary: &PersistentAdversary,
        coefficients: &[f64],
        terms: &mut Vec<Term>,
    ) -> Vec<Tensor> {
        let samples = self.batch.input.size()[1];
        let hard: Vec<Tensor> = adversary.sources.iter().map(|sources| for_samples(sources, samples)).collect();
        let settings = self.settings().iter().filter_map(|spd| spd.persistent_adversary.as_ref());
        let shares: Option<Vec<f64>> = settings.map(|adversary| adversary.merged_share).collect();
        let (name, ablations, faced) = match shares {
            None => ("persistent_adversary", self.sourced(hard.into_iter().map(Some).collect(), None), None),
            Some(shares) => {
                let share = self.objective.numbers(shares.into_iter()).view([-1, 1, 1]);
                let choices = self.draws.choices(self.batch.rows());
                let faced = choices.lt_tensor(&share).to_kind(choices.kind());
                let mixed = |(place, hard): (usize, Tensor)| {
                    let soft = self.draws.sources(Drawn::Merged, 0, place, self.batch.rows(), hard.size()[2]);
                    Some(hard.where_self(&faced.gt(0.0), &soft))
                };
                let sources = hard.into_iter().enumerate().map(mixed).collect();
                let uses = self.importances.len() as i64;
                let routes = self.draws.routes(Drawn::Merged, 0, self.batch.rows(), uses).maximum(&faced);
                ("merged", self.sourced(sources, Some(&routes)), Some(faced))
            }
        };
        let weight = self.objective.numbers(coefficients.iter().copied());
        let (value, slopes) = self.error_and_source_slopes(ablations, &weight);
        if self.is_logged() {
            terms.push(Term::new(name, coefficients.iter().copied(), &value));
        }
        // By its own error; where that does not count yet, the adversary has no slope to go by.
        let weight = weight.view([-1, 1, 1]);
        let unweighted = weight.reciprocal().masked_fill(&weight.le(0.0), 0.0);
        let of_use = |slopes: Tensor| {
            let slopes = slopes * &unweighted;
            faced.as_ref().map_or_else(|| slopes.shallow_clone(), |faced| &slopes * faced)
        };
        adversary.by_source(slopes.into_iter().map(of_use))
    }

    /// How the error changes with the sources of an adversary that all samples face at every use; nothing else moves.
    pub fn source_slopes(&mut self, adversary: &PersistentAdversary) -> Vec<Tensor> {
        let samples = self.batch.input.size()[1];
        let sources = adversary.sources.iter().map(|sources| Some(for_samples(sources, samples))).collect();
        let ablations = without_importance_gradients(self.sourced(sources, None));
        let ones = self.objective.numbers(self.settings().iter().map(|_| 1.0));
        let (_, slopes) = self.error_and_source_slopes(ablations, &ones);
        adversary.by_source(slopes.into_iter())
    }

    /// Calls `function` while no derivative of the factors is added up.
    fn without_gradient<T>(&mut self, function: impl FnOnce(&mut Self) -> T) -> T {
        self.run.hold_factors(true);
        let result = function(self);
        self.run.hold_factors(false);
        result
    }

    /// The loss of importances, with its weights.
    pub fn importance(&self) -> (Tensor, Vec<f64>, Vec<Tensor>) {
        let importances: Vec<Tensor> = self.predicted.logits.iter().map(upper).collect();
        let powers: Option<Vec<f64>> = self.settings().iter().map(|spd| spd.penalty.power_at(self.moment)).collect();
        let gammas = || self.settings().iter().map(|spd| spd.penalty.gamma_at(self.moment));
        let shape = powers.map_or_else(
            || Shape::SmoothL0(gammas().map(|gamma| gamma.expect("a pack has one penalty")).collect()),
            Shape::Power,
        );
        let samples = self.batch.samples;
        let frequency: Vec<f64> = self.settings().iter().map(|spd| spd.frequency.weight).collect();
        let reference: Vec<f64> =
            self.settings().iter().map(|spd| spd.frequency.reference.unwrap_or(samples as f64)).collect();
        let penalty = penalty::Penalty { shape: &shape, frequency: &frequency, reference: &reference };
        let (value, slopes) = penalty.of(&importances, self.batch.counts(), samples);
        (value, self.at(|spd| spd.coefficients.importance), slopes)
    }

    /// Takes all derivatives on to the importance functions and the factors; `coefficients` and `slopes` are those of the loss
    /// of importances.
    pub fn finish(mut self, coefficients: &[f64], slopes: &[Tensor], functions_gradient: &mut ImportanceFunctions) {
        let weight = self.objective.numbers(coefficients.iter().copied()).view([-1, 1, 1]);
        let settings = &self.settings()[0];
        let sums = self.importance_gradients.take().expect("a gradient is wanted");
        phase(Phase::Attributions, || {
            let of_use = |(place, logits): (usize, &Tensor)| {
                let mut masked = settings.gate.backward(&self.gate_logits[place], &sums[place]);
                if settings.masks == Masks::Binomial {
                    let _ = masked.g_mul_scalar_(1.0 + NOISE);
                }
                masked + &slopes[place] * &weight * upper_slope(logits)
            };
            let logits: Vec<Tensor> = self.predicted.logits.iter().enumerate().map(of_use).collect();
            let functions = &self.objective.functions;
            let inner = functions.backward(&self.predicted, &logits, functions_gradient);
            for (place, gradient) in inner.into_iter().enumerate() {
                if let Some(gradient) = gradient {
                    self.run.add_seen_gradient(place, gradient);
                }
            }
        });
        phase(Phase::Backward, || self.run.finish());
    }
}

pub fn counts(coefficients: &[f64]) -> bool {
    coefficients.iter().any(|&coefficient| coefficient > 0.0)
}

fn without_importance_gradients(ablations: Ablations) -> Ablations {
    let fixed = |ablation: Ablation| Ablation { importance_gradient: None, ..ablation };
    ablations.into_iter().map(|ablation| ablation.map(fixed)).collect()
}

/// Zeros and ones: where the importance is above `threshold` `[replica]`.
pub fn above(importance: &Tensor, threshold: &Tensor) -> Tensor {
    importance.gt_tensor(&threshold.view([-1, 1, 1])).to_kind(importance.kind())
}
