//! The method as the paper writes it: the reference that [`apd::method::apd::ApdObjective`] is held against, for its numbers in the
//! tests and for its speed in the benchmarks.
//!
//! One backward pass an output gives the attributions, all components are multiplied with all samples, the matrices P_c are
//! built, and libtorch's automatic differentiation makes every gradient. Nothing is shared with the fast form but the
//! networks' forward passes and what holds the tensors.
#![allow(dead_code, reason = "the tests look at more of it than the benchmark")]

use std::ops::Range;

use tch::{Tensor, no_grad};

use apd::{
    attribution::{Attribution, AttributionsAt},
    components::{Components, Factors},
    fit::{Moment, Objective, Term},
    graph::{Form, Matrix, SiteUse, Value},
    loss::per_replica,
    method::{
        Observed,
        apd::{Apd, Coefficients, Columns, LastComponent},
    },
    network::Network,
    optimizer::Parameter,
    selection::Selection,
    site::Site,
    weights::Weights,
};

/// Inside the Schatten power, as in the paper's code.
const SCHATTEN_FLOOR: f64 = 1e-16;

/// The components of a network under decomposition, in the paper's main form: gradient attributions, batch top-k; with unit
/// norm columns and the hidden loss where the settings have them.
pub struct Literal<'a> {
    network: &'a Network,
    weights: Weights,
    settings: Vec<Apd>,
    components: Components,
    gradient: Components,
}

/// One term of the loss before it is read: its coefficients and its values, `[replica]` each.
struct LossTerm {
    name: &'static str,
    coefficients: Vec<f64>,
    values: Tensor,
}

impl<'a> Literal<'a> {
    /// Decomposes `weights`, beginning with `components`.
    ///
    /// # Panics
    /// If a setting is of a variant that is not written out here.
    pub fn new(network: &'a Network, weights: &Weights, settings: Vec<Apd>, components: Components) -> Self {
        assert_eq!(settings.len() as i64, components.replicas(), "every replica has its settings");
        let is_main_form = |apd: &Apd| {
            // All of them, so that one that comes later is seen here.
            let Coefficients { faithfulness: _, minimality: _, simplicity: _, hidden: _, output } = apd.coefficients;
            apd.attribution == Attribution::Gradient
                && apd.last_component == LastComponent::Selected
                && matches!(apd.selection, Selection::BatchTopK(_))
                && apd.rank_growth == 0.0
                && apd.simplicity_rise == 0.0
                && apd.simplicity_fade == 0.0
                && output == 0.0
        };
        assert!(settings.iter().all(is_main_form), "only the paper's main form is written out literally");
        let weights = weights.map(Tensor::shallow_clone);
        Self { network, weights, settings, gradient: components.zeros_like(), components }
    }

    pub fn components(&self) -> &Components {
        &self.components
    }

    /// Attributions, selection and loss terms at `input` [replica, sample, feature]; moves nothing.
    pub fn observe(&self, input: &Tensor) -> Observed {
        let attributions = self.attributions(input);
        let mask = self.mask(&attributions);
        let terms = no_grad(|| self.losses(&self.components, &mask, input));
        Observed {
            importances: attributions,
            mask,
            at_uses: Vec::new(),
            terms: terms.iter().map(LossTerm::read).collect(),
        }
    }

    /// A_c(x)^2 = mean_o (sum_l df_o/dW_l . P_{c,l})^2, [replica, sample, component]: one backward pass for every output o.
    ///
    /// A site's output y = x W has df_o/dW . P_c = df_o/dy . (x P_c), for each use of the site.
    fn attributions(&self, input: &Tensor) -> Tensor {
        let matrices = match self.settings[0].attributions_at {
            AttributionsAt::Target => self.weights.sites.map(Tensor::detach),
            AttributionsAt::Sum => self.components.factors.map(|factors| sum_of_matrices(factors).detach()),
        };
        let leaves = matrices.map(|matrix| matrix.set_requires_grad(true));
        let pass = self.pass(input, |site, x| x.matmul(&oriented(&leaves[site.site], site)));
        let along_components = pass.uses.iter().map(|SiteCall { site, input, .. }| {
            let products = component_products(&self.components, *site, &input.detach());
            products.transpose(1, 2).contiguous()
        });
        let along_components: Vec<Tensor> = along_components.collect();
        let outputs: Vec<&Tensor> = pass.uses.iter().map(|call| &call.output).collect();
        let width = pass.output.size()[2];
        let squares = (0..width).map(|index| {
            let slopes = Tensor::run_backward(&[pass.output.select(2, index)], &outputs, true, false);
            let derivatives = along_components
                .iter()
                .zip(&slopes)
                .map(|(products, slope)| products.matmul(&slope.unsqueeze(-1)).squeeze_dim(-1));
            derivatives.reduce(|sum, derivative| sum + derivative).expect("a network applies a site").square()
        });
        squares.reduce(|sum, square| sum + square).expect("a network has an output") / width as f64
    }

    /// Ones at the floor(k * batch) largest attributions of each replica, [replica, sample, component]. Which of equal ones at
    /// the cut are chosen is left open.
    fn mask(&self, attributions: &Tensor) -> Tensor {
        let mask = attributions.zeros_like();
        for (replica, apd) in self.settings.iter().enumerate() {
            let Selection::BatchTopK(rule) = apd.selection else { unreachable!("refused by `new`") };
            let table = attributions.select(0, replica as i64).flatten(0, 1);
            let largest = table.topk(rule.pairs(attributions.size()[1] as usize) as i64, 0, true, false).1;
            let _ = mask.select(0, replica as i64).view([-1]).index_fill_(0, &largest, 1.0);
        }
        mask
    }

    /// The unweighted terms as functions of `components`.
    fn losses(&self, components: &Components, mask: &Tensor, input: &Tensor) -> Vec<LossTerm> {
        let parameters = self.network.sites().iter().map(Site::parameters).sum::<i64>() as f64;
        let batch = input.size()[1] as f64;
        let target = no_grad(|| self.pass(input, |site, x| x.matmul(&oriented(&self.weights.sites[site.site], site))));
        let by_component = mask.transpose(1, 2).unsqueeze(-1);
        let sparse = self.pass(input, |site, x| {
            let products = component_products(components, site, x) * &by_component;
            products.sum_dim_intlist([1].as_slice(), false, None)
        });
        let mean_square = |difference: Tensor| difference.square().mean_dim([1, 2].as_slice(), false, None);

        let residuals = components.factors.enumerate().map(|(site, factors)| {
            let residual = sum_of_matrices(factors) - &self.weights.sites[site];
            residual.square().sum_dim_intlist([1, 2].as_slice(), false, None)
        });
        let faithfulness = residuals.reduce(|sum, square| sum + square).expect("a network has a site") / parameters;

        let powers: Vec<f64> = self.settings.iter().map(|apd| apd.schatten_power / 2.0).collect();
        let powers = per_replica(powers.into_iter(), components).view([-1, 1, 1]);
        let counts = mask.sum_dim_intlist([1].as_slice(), false, None);
        let floors: Vec<f64> = self.settings.iter().map(|apd| apd.activity_floor).collect();
        let mean = counts.sum_dim_intlist([1].as_slice(), true, None) / components.number() as f64;
        let floor = mean * per_replica(floors.into_iter(), components).view([-1, 1]);
        let counts = counts.where_self(&counts.greater_tensor(&floor), &floor);
        let norms = components.factors.iter().map(|Factors { a, b }| {
            let a_squares = a.square().sum_dim_intlist([1].as_slice(), false, None);
            let b_squares = b.square().sum_dim_intlist([3].as_slice(), false, None);
            let lengths = (a_squares * b_squares + SCHATTEN_FLOOR).pow(&powers);
            (lengths.sum_dim_intlist([2].as_slice(), false, None) * &counts).sum_dim_intlist(
                [1].as_slice(),
                false,
                None,
            )
        });
        let simplicity = norms.reduce(|sum, norm| sum + norm).expect("a network has a site") / (parameters * batch);

        let of = |coefficient: fn(&Coefficients) -> f64| -> Vec<f64> {
            self.settings.iter().map(|apd| coefficient(&apd.coefficients)).collect()
        };
        let term = |name, coefficients, values| LossTerm { name, coefficients, values };
        let mut terms = vec![
            term("faithfulness", of(|weights| weights.faithfulness), faithfulness),
            term("minimality", of(|weights| weights.minimality), mean_square(sparse.output - target.output)),
        ];
        let hidden = of(|weights| weights.hidden);
        if hidden.iter().any(|&coefficient| coefficient > 0.0) {
            let difference = Tensor::cat(&sparse.activations, 2) - Tensor::cat(&target.activations, 2);
            terms.push(term("hidden", hidden, mean_square(difference)));
        }
        terms.push(term("simplicity", of(|weights| weights.simplicity), simplicity));
        terms
    }

    /// The network's pass in which sites are `product`, in operations that libtorch can differentiate.
    fn pass(&self, input: &Tensor, product: impl Fn(SiteUse, &Tensor) -> Tensor) -> Pass {
        let graph = self.network.graph();
        let mut values = vec![input.shallow_clone()];
        let mut uses = Vec::new();
        for (_, operation) in graph.operations() {
            let of = |value: Value| &values[value.index()];
            let made = match operation.form() {
                Form::Product { input, matrix: Matrix::Site(site) } => {
                    let output = product(site, of(input));
                    uses.push(SiteCall { site, input: of(input).shallow_clone(), output: output.shallow_clone() });
                    output
                }
                Form::Product { input, matrix: Matrix::Embedding(embedding) } => {
                    of(input).matmul(&self.weights.embeddings[embedding.0])
                }
                Form::Sum { left, right } => of(left) + of(right),
                Form::PlusRow { input, bias } => of(input) + self.weights.biases[bias.0].unsqueeze(1),
                Form::Function { inputs, function } => {
                    function.value(&inputs.iter().map(|&input| of(input)).collect::<Vec<_>>())
                }
            };
            values.push(made);
        }
        let activations = graph.hidden_activations().map(|value| values[value.index()].shallow_clone()).collect();
        Pass { output: values.swap_remove(graph.output().index()), uses, activations }
    }
}

impl LossTerm {
    fn read(&self) -> Term {
        Term::new(self.name, self.coefficients.iter().copied(), &self.values)
    }
}

/// The matrix as it is used.
fn oriented(matrix: &Tensor, site: SiteUse) -> Tensor {
    if site.transposed { matrix.mt() } else { matrix.shallow_clone() }
}

/// x P_c for every component and sample, [replica, component, sample, width], of x [replica, sample, width].
fn component_products(components: &Components, site: SiteUse, x: &Tensor) -> Tensor {
    let Factors { a, b } = &components.factors[site.site];
    let a = a.transpose(1, 2);
    let (left, right) = if site.transposed { (b.mt(), a.mt()) } else { (a, b.shallow_clone()) };
    x.unsqueeze(1).matmul(&left).matmul(&right)
}

/// sum_c P_c, [replica, d_in, d_out], with every P_c = A_c B_c built.
fn sum_of_matrices(Factors { a, b }: &Factors) -> Tensor {
    a.transpose(1, 2).matmul(b).sum_dim_intlist([1].as_slice(), false, None)
}

/// What came of a forward pass.
struct Pass {
    output: Tensor,
    uses: Vec<SiteCall>,
    /// What came out of the activations within the network; one at its end is its output.
    activations: Vec<Tensor>,
}

/// One use of a site with what entered and left it.
struct SiteCall {
    site: SiteUse,
    input: Tensor,
    output: Tensor,
}

/// Both factors of all sites.
fn tensors(components: &Components) -> impl Iterator<Item = Tensor> {
    components.factors.iter().flat_map(|Factors { a, b }| [a.shallow_clone(), b.shallow_clone()])
}

/// Every column of A over d_in.
fn column_lengths(a: &Tensor) -> Tensor {
    a.norm_scalaropt_dim(2.0, [1].as_slice(), true)
}

impl Objective for Literal<'_> {
    fn parameters(&self) -> Vec<Parameter> {
        let sites = self.network.sites();
        let pairs = self.components.named(&sites).into_iter().zip(self.gradient.named(&sites));
        let parameter =
            |((name, value), (_, gradient))| Parameter { name, value, gradient, lengthwise: None, group: 0 };
        pairs.map(parameter).collect()
    }

    fn of_replicas(&self, replicas: Range<usize>) -> Box<dyn Objective + '_> {
        Box::new(Literal {
            network: self.network,
            weights: self.weights.of_replicas(replicas.clone()),
            settings: self.settings[replicas.clone()].to_vec(),
            components: self.components.of_replicas(replicas.clone()),
            gradient: self.gradient.of_replicas(replicas),
        })
    }

    fn is_small(&self) -> bool {
        false
    }

    fn add_gradients(&mut self, moment: Moment, input: &Tensor) -> Vec<Term> {
        let unit_norm = self.settings[0].columns == Columns::UnitNorm;
        if unit_norm {
            for Factors { a, .. } in self.components.factors.iter() {
                a.shallow_clone().copy_(&(a / column_lengths(a)));
            }
        }
        let leaves = self.components.map(|factor| factor.detach().set_requires_grad(true));
        let mask = self.mask(&self.attributions(input));
        let terms = self.losses(&leaves, &mask, input);
        let weighted = terms.iter().map(|LossTerm { coefficients, values, .. }| {
            (values * per_replica(coefficients.iter().copied(), &self.components)).sum(None)
        });
        let total = weighted.reduce(|sum, term| sum + term).expect("there is a term");
        let derivatives = Tensor::run_backward(&[total], &tensors(&leaves).collect::<Vec<_>>(), false, false);
        for (mut sum, derivative) in tensors(&self.gradient).zip(derivatives) {
            let _ = sum.g_add_(&derivative);
        }
        if unit_norm {
            for (Factors { a, .. }, slope) in self.components.factors.iter().zip(self.gradient.factors.iter()) {
                let directions = a / column_lengths(a);
                let along = (&slope.a * &directions).sum_dim_intlist([1].as_slice(), true, None);
                let _ = slope.a.shallow_clone().g_sub_(&(directions * along));
            }
        }
        if moment.logged { terms.iter().map(LossTerm::read).collect() } else { Vec::new() }
    }
}
