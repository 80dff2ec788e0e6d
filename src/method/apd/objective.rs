//! A network under Attribution-based Parameter Decomposition: attributions, the active components, and the loss terms with
//! their gradient.

use std::ops::Range;

use tch::Tensor;

use super::{Apd, Columns, LastComponent, lp};
use crate::{
    attribution::AttributionsAt,
    components::{Components, Factors, Gradient},
    execute::{Masked, Selected},
    fit::{Moment, Objective, Term},
    kernel::{Kernel, threads},
    loss::{Faithfulness, Simplicity, at_least_a_share_of_the_mean, per_replica},
    method::{
        Decomposed, Observed, Settings,
        comparison::{Comparison, Part, Target},
    },
    network::Network,
    optimizer::Parameter,
    profile::{Phase, phase},
    selection::{ActivePairs, Budget, BudgetsOnDevice, Selection, largest_as_mask, share_of_tied_cuts},
    weights::Weights,
};

/// The components of a network under decomposition.
pub struct ApdObjective<'a> {
    network: &'a Network,
    weights: Weights,
    /// One for every replica; equal in all that is no number of a loss, a selection or a schedule.
    settings: Vec<Apd>,
    components: Components,
    gradient: Gradient,
    sparse_pass: SparsePass,
}

/// How the pass with the selected components is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparsePass {
    /// Loops over the active pairs: least work, shapes that depend on the data. For the CPU.
    Pairs,
    /// Masked products over all pairs: shapes that do not depend on the data. For a GPU.
    Masks,
}

impl<'a> ApdObjective<'a> {
    /// Decomposes `weights`, beginning with `components`; the sparse pass is the one that suits their device.
    pub fn new(network: &'a Network, weights: &Weights, settings: Vec<Apd>, components: Components) -> Self {
        assert_eq!(settings.len() as i64, components.replicas(), "every replica has its settings");
        let sparse_pass = if components.device().is_cuda() { SparsePass::Masks } else { SparsePass::Pairs };
        let weights = weights.map(Tensor::shallow_clone);
        Self { network, weights, settings, gradient: Gradient::zeros_like(&components), components, sparse_pass }
    }

    pub fn with_sparse_pass(mut self, sparse_pass: SparsePass) -> Self {
        self.sparse_pass = sparse_pass;
        self
    }

    /// Where derivatives are taken.
    fn attributed_weights(&self) -> Weights {
        match self.settings[0].attributions_at {
            AttributionsAt::Target => self.weights.map(Tensor::shallow_clone),
            AttributionsAt::Sum => self.weights.with_sites(self.components.factors.map(Factors::sum)),
        }
    }

    fn lp_powers(&self) -> Option<Tensor> {
        let powers: Option<Vec<f64>> = self.settings.iter().map(|apd| apd.selection.lp_power()).collect();
        powers.map(|powers| per_replica(powers.into_iter(), &self.components))
    }

    fn activity(&self, attributions: &Tensor, input: &Tensor) -> Active {
        if let Some(powers) = self.lp_powers() {
            return Active::Powers(lp::powers(attributions, &powers));
        }
        let always = self.last_always_active();
        let candidates = self.components.number() - i64::from(always);
        let candidates = attributions.narrow(2, 0, candidates).contiguous();
        let switches = self.network.switches(input);
        match self.sparse_pass {
            SparsePass::Pairs => {
                let budget = |(replica, apd): (usize, &Apd)| apd.selection.budget(&switches.select(0, replica as i64));
                let budgets: Vec<Budget> = self.settings.iter().enumerate().map(budget).collect();
                let pairs = ActivePairs::largest(&candidates, &budgets);
                Active::Pairs(if always { pairs.with_one_always_active() } else { pairs })
            }
            SparsePass::Masks => {
                let budgets = BudgetsOnDevice::new(self.settings.iter().map(|apd| &apd.selection), &switches);
                let mask = largest_as_mask(&candidates, &budgets);
                let ones = || mask.narrow(2, 0, 1).ones_like();
                Active::Mask(if always { Tensor::cat(&[&mask, &ones()], 2) } else { mask })
            }
        }
    }

    /// Adds the gradient of the weighted terms to `gradient`; returns the terms if `logged`. `simple` are the weights of the
    /// simplicity loss.
    fn losses(
        &self,
        active: &Active,
        attributions: &Tensor,
        input: &Tensor,
        simple: &[f64],
        gradient: Option<&mut Gradient>,
        logged: bool,
    ) -> Vec<Term> {
        let Self { weights, components, .. } = self;
        let batch = input.size()[1];
        let setting = |setting: fn(&Apd) -> f64| -> Vec<f64> { self.settings.iter().map(setting).collect() };
        let weight = |coefficients: &[f64]| per_replica(coefficients.iter().copied(), components);
        let faithful = setting(|apd| apd.coefficients.faithfulness);
        let minimal = setting(|apd| apd.coefficients.minimality);
        let powers = weight(&setting(|apd| apd.schatten_power));

        let (faithfulness, simplicity) = phase(Phase::Losses, || {
            let mut counts = active.counts();
            let floors = setting(|apd| apd.activity_floor);
            if floors.iter().any(|&floor| floor > 0.0) {
                counts = at_least_a_share_of_the_mean(&counts, &weight(&floors));
            }
            let simplicity = Simplicity::new(components, &counts, batch, &powers);
            (Faithfulness::new(components, weights), simplicity)
        });
        let comparisons = self.comparisons(active, input);
        let mut terms = Vec::new();
        if logged {
            phase(Phase::Losses, || {
                terms.push(Term::new("faithfulness", faithful.iter().copied(), &faithfulness.value()));
                match active {
                    Active::Powers(powers) => {
                        terms.push(Term::new("minimality_lp", minimal.iter().copied(), &lp::minimality(powers)));
                    }
                    _ => terms.extend(comparisons[0].terms()),
                }
                terms.push(Term::new("simplicity", simple.iter().copied(), &simplicity.value()));
                let rest = if matches!(active, Active::Powers(_)) { &comparisons[..] } else { &comparisons[1..] };
                terms.extend(rest.iter().flat_map(|comparison| comparison.terms()));
            });
        }
        if let Some(Gradient { rest, lengthwise }) = gradient {
            phase(Phase::Losses, || {
                faithfulness.backward(&weight(&faithful), components, rest);
                simplicity.backward(&weight(simple), lengthwise);
            });
            if let Some(lp_powers) = self.lp_powers() {
                let slope = (weight(&minimal) / batch as f64).unsqueeze(1);
                let slope = slope + simplicity.slope_of_counts(&weight(simple), batch);
                let at = self.attributed_weights();
                phase(Phase::Backward, || {
                    lp::backward(self.network, &at, components, input, attributions, &lp_powers, &slope, rest);
                });
            }
            phase(Phase::Backward, || comparisons.into_iter().for_each(|comparison| comparison.backward(rest)));
        }
        terms
    }

    /// The passes that are held against the target: the one with the active components, where some are selected; the one with
    /// all components, where it counts.
    fn comparisons<'p>(&'p self, active: &'p Active, input: &Tensor) -> Vec<Box<dyn Comparison + 'p>> {
        let coefficient = |setting: fn(&Apd) -> f64| -> Vec<f64> { self.settings.iter().map(setting).collect() };
        let counts = |coefficients: &[f64]| coefficients.iter().any(|&coefficient| coefficient > 0.0);
        let hidden = coefficient(|apd| apd.coefficients.hidden);
        let output = coefficient(|apd| apd.coefficients.output);
        let target = phase(Phase::TargetPass, || Target::new(self.network, &self.weights, input));
        let components = &self.components;

        let mut parts = vec![Part::output("minimality", coefficient(|apd| apd.coefficients.minimality))];
        if counts(&hidden) {
            parts.push(Part::hidden("hidden", hidden));
        }
        let mut comparisons = phase(Phase::SparsePass, || match active {
            Active::Pairs(pairs) if !Kernel::ActivePairs.is_on() => {
                vec![target.compare(Masked::new(components, &pairs.to_mask()), parts)]
            }
            Active::Pairs(pairs) => vec![target.compare(Selected::new(components, pairs), parts)],
            Active::Mask(mask) => vec![target.compare(Masked::new(components, mask), parts)],
            Active::Powers(_) => Vec::new(),
        });
        if counts(&output) {
            let parts = vec![Part::output("output", output)];
            comparisons.push(phase(Phase::SparsePass, || target.compare(Masked::all(components, input), parts)));
        }
        comparisons
    }
}

/// The components active in one batch, in the form that suits the sparse pass.
enum Active {
    Pairs(ActivePairs),
    Mask(Tensor),
    /// In the L_p form: A_c(x)^p.
    Powers(Tensor),
}

impl Active {
    /// On how many samples each component is active, [replica, component].
    fn counts(&self) -> Tensor {
        match self {
            Active::Pairs(pairs) => pairs.counts(),
            Active::Mask(mask) | Active::Powers(mask) => mask.sum_dim_intlist([1].as_slice(), false, None),
        }
    }

    /// As [`Decomposed::mask`].
    fn into_mask(self) -> Tensor {
        match self {
            Active::Pairs(pairs) => pairs.to_mask(),
            Active::Mask(mask) | Active::Powers(mask) => mask,
        }
    }
}

impl Decomposed for ApdObjective<'_> {
    fn network(&self) -> &Network {
        self.network
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }

    fn components(&self) -> &Components {
        &self.components
    }

    /// A_c(x)^2.
    fn importances(&self, input: &Tensor) -> Tensor {
        let at = self.attributed_weights();
        self.settings[0].attribution.of(self.network, &at, &self.components, input)
    }

    /// In the L_p form A_c(x)^p.
    fn mask(&self, attributions: &Tensor, input: &Tensor) -> Tensor {
        self.activity(attributions, input).into_mask()
    }

    fn observe(&self, input: &Tensor) -> Observed {
        let attributions = self.importances(input);
        let active = self.activity(&attributions, input);
        let simple: Vec<f64> = self.settings.iter().map(|apd| apd.coefficients.simplicity).collect();
        let terms = self.losses(&active, &attributions, input, &simple, None, true);
        Observed { importances: attributions, mask: active.into_mask(), at_uses: Vec::new(), terms }
    }

    fn selects(&self) -> bool {
        self.settings[0].selects()
    }

    fn selects_within_samples(&self) -> bool {
        matches!(self.settings[0].selection, Selection::SampleTopK { .. })
    }

    fn last_always_active(&self) -> bool {
        self.settings[0].last_component == LastComponent::AlwaysActive
    }

    fn share_of_tied_cuts(&self, observed: &Observed) -> Option<Tensor> {
        let candidates = self.components.number() - i64::from(self.last_always_active());
        let of_candidates = |tensor: &Tensor| tensor.narrow(2, 0, candidates);
        self.selects().then(|| {
            share_of_tied_cuts(
                &of_candidates(&observed.importances),
                &of_candidates(&observed.mask),
                self.selects_within_samples(),
            )
        })
    }

    fn replicas(&self, replicas: Range<usize>) -> Box<dyn Decomposed + '_> {
        Box::new(self.views(replicas))
    }

    fn to_files(&self) -> Vec<(String, Tensor)> {
        self.components.to_files(&self.network.sites())
    }
}

impl Objective for ApdObjective<'_> {
    fn parameters(&self) -> Vec<Parameter> {
        let sites = self.network.sites();
        let Gradient { rest, lengthwise } = &self.gradient;
        let gradients = rest.named(&sites).into_iter().zip(lengthwise.named(&sites));
        let pairs = self.components.named(&sites).into_iter().zip(gradients);
        pairs
            .map(|((name, value), ((_, gradient), (_, lengthwise)))| Parameter {
                name,
                value,
                gradient,
                lengthwise: Some(lengthwise),
                group: 0,
            })
            .collect()
    }

    fn of_replicas(&self, replicas: Range<usize>) -> Box<dyn Objective + '_> {
        Box::new(self.views(replicas))
    }

    fn is_small(&self) -> bool {
        threads::fits_a_core(self.network.parameters() * self.components.number())
    }

    fn parts_with_gradient(&self, moment: Moment) -> Option<usize> {
        let trained = self.settings.iter().map(|apd| apd.trained_parts(moment)).max().expect("there is a replica");
        // Near the budget copies of all but a few parts cost more than products with these.
        (5 * trained as i64 <= 4 * self.components.rank()).then_some(trained)
    }

    fn add_gradients(&mut self, moment: Moment, input: &Tensor) -> Vec<Term> {
        let Some(trained) = self.parts_with_gradient(moment) else {
            return self.add_gradients_of_all_parts(moment, input);
        };
        // The other parts are zero. Copies of those that are not cost less than products with zeros.
        let mut growing = phase(Phase::Update, || self.of_first_parts(trained));
        let terms = growing.add_gradients_of_all_parts(moment, input);
        phase(Phase::Update, || {
            // Their columns have been normalised.
            self.components.first_parts(trained).copy_from(&growing.components);
            self.gradient.first_parts(trained).copy_from(&growing.gradient);
        });
        terms
    }
}

impl<'a> ApdObjective<'a> {
    /// Some of the replicas, with views of their tensors.
    fn views(&self, replicas: Range<usize>) -> Self {
        Self {
            network: self.network,
            weights: self.weights.of_replicas(replicas.clone()),
            settings: self.settings[replicas.clone()].to_vec(),
            components: self.components.of_replicas(replicas.clone()),
            gradient: self.gradient.of_replicas(replicas),
            sparse_pass: self.sparse_pass,
        }
    }

    /// The same with copies of the first parts of every component, and their gradient.
    fn of_first_parts(&self, number: usize) -> Self {
        Self {
            network: self.network,
            weights: self.weights.map(Tensor::shallow_clone),
            settings: self.settings.clone(),
            components: self.components.first_parts(number).map(Tensor::contiguous),
            gradient: self.gradient.first_parts(number).map(Tensor::contiguous),
            sparse_pass: self.sparse_pass,
        }
    }

    fn add_gradients_of_all_parts(&mut self, moment: Moment, input: &Tensor) -> Vec<Term> {
        let unit_norm = self.settings[0].columns == Columns::UnitNorm;
        if unit_norm {
            phase(Phase::Update, || self.components.normalise_columns());
        }
        let mut gradient = self.gradient.of_replicas(0..self.settings.len());
        let attributions = phase(Phase::Attributions, || self.importances(input));
        let active = phase(Phase::Selection, || self.activity(&attributions, input));
        let simple: Vec<f64> = self.settings.iter().map(|apd| apd.simplicity_at(moment)).collect();
        let terms = self.losses(&active, &attributions, input, &simple, Some(&mut gradient), moment.logged);
        if unit_norm {
            phase(Phase::Update, || gradient.drop_parallel(&self.components));
        }
        for (replica, apd) in self.settings.iter().enumerate() {
            gradient.rest.replica(replica).drop_parts_from(apd.trained_parts(moment));
        }
        terms
    }
}
