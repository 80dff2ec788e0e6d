//! A target with its subcomponents on one batch: the pass of the target itself, and passes under masks held against it.

use tch::{Kind, Tensor};

use super::{
    ablation::{Ablation, DeltaShare},
    factors::UseFactors,
};
use crate::{
    execute::{FixedMatrices, Mark, MatrixNode, Numbers, Sums, Value},
    graph::{Form, Graph, Matrix, SiteUse},
    weights::Weights,
};

/// The matrices of one use.
struct UseMatrices {
    /// W as it is used.
    whole: MatrixNode,
    v: MatrixNode,
    u: MatrixNode,
}

/// What the target's own pass has at a use.
struct CleanUse {
    input: Value,
    /// x V, [replica, sample, subcomponent].
    inner: Numbers,
    /// x W.
    whole: Value,
    /// Number of values that are made before it.
    values_before: usize,
}

/// The passes of one step.
pub struct Run<'a> {
    graph: &'a Graph,
    uses: &'a [SiteUse],
    sums: Sums,
    fixed: FixedMatrices,
    matrices: Vec<UseMatrices>,
    clean: Vec<CleanUse>,
    values: Vec<Value>,
    /// What the target puts out.
    output: Numbers,
    /// What importance functions see that moves.
    seen: Vec<Numbers>,
    /// Number of samples that errors are averaged over.
    samples: i64,
    /// Passes begin here, and are forgotten.
    after_clean: Mark,
}

impl<'a> Run<'a> {
    /// The target's pass on `input` [replica, sample, feature], which stands for so many `samples`. Derivatives of the factors
    /// are added to `gradients`, for every use.
    pub fn new(
        graph: &'a Graph,
        weights: &Weights,
        uses: &'a [SiteUse],
        factors: &[UseFactors],
        gradients: Option<&[UseFactors]>,
        input: &Tensor,
        samples: i64,
    ) -> Self {
        let mut sums = Sums::default();
        let fixed = FixedMatrices::new(&mut sums, weights, input);
        let of_use = |(place, &SiteUse { site, transposed }): (usize, &SiteUse)| {
            let weight = &weights.sites[site];
            let gradient = gradients.map(|gradients| gradients[place].shallow_clone());
            let (of_v, of_u) = gradient.map(|UseFactors { v, u }| (v, u)).unzip();
            let UseFactors { v, u } = factors[place].shallow_clone();
            UseMatrices {
                whole: sums.matrices.given(if transposed { weight.mt() } else { weight.shallow_clone() }, None),
                v: sums.matrices.given(v, of_v),
                u: sums.matrices.given(u, of_u),
            }
        };
        let matrices: Vec<UseMatrices> = uses.iter().enumerate().map(of_use).collect();
        let input = sums.given(input.shallow_clone());
        let mut clean = Vec::new();
        let before = values_before_uses(graph);
        let values = sums.run(graph, &fixed, vec![input.into()], |sums, _, input| {
            let place = clean.len();
            let UseMatrices { whole, v, .. } = matrices[place];
            let inner = sums.times(input, v);
            let inner = sums.carry_out(&inner);
            let whole = sums.times(input, whole);
            clean.push(CleanUse { input: input.clone(), inner, whole: whole.clone(), values_before: before[place] });
            whole
        });
        let output = sums.carry_out(values.last().expect("a network has an output"));
        let after_clean = sums.mark();
        Self { graph, uses, sums, fixed, matrices, clean, values, output, seen: Vec::new(), samples, after_clean }
    }

    /// What enters every use in the target's own pass, [replica, sample, d_in].
    pub fn inputs(&mut self) -> Vec<Tensor> {
        let Self { sums, clean, .. } = self;
        let tensor = |clean: &CleanUse| {
            let input = sums.carry_out(&clean.input);
            sums.tensor(input).shallow_clone()
        };
        let inputs = clean.iter().map(tensor).collect();
        self.after_clean = self.sums.mark();
        inputs
    }

    /// x V of every use in the target's own pass, [replica, sample, subcomponent], as seen by importance functions.
    pub fn see_inner_activations(&mut self) -> Vec<Tensor> {
        self.seen = self.clean.iter().map(|clean| clean.inner).collect();
        self.seen()
    }

    /// What enters every use in the target's own pass times its `weights`, with where their derivative is added, [replica,
    /// sample, out], as seen by importance functions; `together`: one sum over all uses.
    pub fn see_products(&mut self, weights: Vec<(Tensor, Option<Tensor>)>, together: bool) -> Vec<Tensor> {
        let Self { sums, clean, .. } = self;
        let product = |(clean, (weight, gradient)): (&CleanUse, (Tensor, Option<Tensor>))| {
            let matrix = sums.matrices.given(weight, gradient);
            sums.times(&clean.input, matrix)
        };
        let products: Vec<Value> = clean.iter().zip(weights).map(product).collect();
        let values = if together {
            vec![products.into_iter().reduce(|sum, product| sums.add(&sum, &product)).expect("a network has a use")]
        } else {
            products
        };
        self.seen = values.iter().map(|value| sums.carry_out(value)).collect();
        self.after_clean = self.sums.mark();
        self.seen()
    }

    fn seen(&self) -> Vec<Tensor> {
        self.seen.iter().map(|&numbers| self.sums.tensor(numbers).shallow_clone()).collect()
    }

    pub fn output(&self) -> &Tensor {
        self.sums.tensor(self.output)
    }

    /// The mean squared error of the output where uses are under masks, `[replica]`. Its derivative, weighted by `coefficients`
    /// `[replica]`, is added up if there are any.
    pub fn error(&mut self, ablations: Vec<Option<Ablation>>, coefficients: Option<&Tensor>) -> Tensor {
        let mut ablations = ablations;
        let first = ablations.iter().position(Option::is_some).expect("some use is masked");
        let Self { graph, uses, sums, fixed, matrices, clean, values, .. } = self;
        let made = values[..clean[first].values_before].to_vec();
        let mut place = first;
        let values = sums.run(graph, fixed, made, |sums, site_use, input| {
            debug_assert_eq!(site_use, uses[place]);
            let UseMatrices { whole, v, u } = matrices[place];
            let ablation = ablations[place].take();
            let is_clean = place == first;
            let clean = &clean[place];
            place += 1;
            let Some(ablation) = ablation else { return sums.times(input, whole) };
            // Up to the first use under masks everything is as in the target's own pass.
            let inner = if is_clean {
                clean.inner
            } else {
                let inner = sums.times(input, v);
                sums.carry_out(&inner)
            };
            let share = DeltaShare::of(&ablation);
            let weighed: Value = sums.weighed(inner, Box::new(ablation)).into();
            let output = sums.times(&weighed, u);
            let Some(share) = share else { return output };
            let whole = if is_clean { clean.whole.clone() } else { sums.times(input, whole) };
            let whole = sums.scaled(&whole, &share);
            sums.add(&output, &whole)
        });
        let output = sums.carry_out(values.last().expect("a network has an output"));
        let mut difference = self.sums.tensor(output) - self.output();
        let entries = (self.samples * difference.size()[2]) as f64;
        let value = difference.square().sum_dim_intlist([1, 2].as_slice(), false, None::<Kind>) / entries;
        match coefficients {
            Some(coefficients) => {
                let weight = (coefficients * (2.0 / entries)).view([-1, 1, 1]);
                self.sums.backward_to(self.after_clean, output, difference.g_mul_(&weight));
            }
            None => self.sums.forget_to(self.after_clean),
        }
        value
    }

    /// Adds a derivative by what importance functions see, counted as it was seen.
    pub fn add_seen_gradient(&mut self, place: usize, gradient: Tensor) {
        self.sums.add_gradient(self.seen[place], gradient);
    }

    /// Whether the factors stay out of it: no derivative by them is added up while they are held.
    pub fn hold_factors(&mut self, hold: bool) {
        if hold { self.sums.hold(self.after_clean) } else { self.sums.let_go() }
    }

    /// Takes all derivatives on to the factors.
    pub fn finish(mut self) {
        self.sums.finish_to(Mark::BEGINNING);
        self.sums.matrices.backward();
    }
}

/// How many values, the input among them, are made before each use of a decomposed matrix.
fn values_before_uses(graph: &Graph) -> Vec<usize> {
    let is_use = |form: &Form| matches!(form, Form::Product { matrix: Matrix::Site(_), .. });
    graph.operations().filter(|(_, operation)| is_use(&operation.form())).map(|(value, _)| value.index()).collect()
}
