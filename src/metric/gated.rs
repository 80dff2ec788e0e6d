//! Whether the components of a network of gated functions are its functions.

use tch::{Kind, Tensor};

use super::{assignment::assign, represented::represented};
use crate::components::{Components, Factors};

/// The least cosine of a matched component with its function.
const LEAST_COSINE: f64 = 0.95;

/// How one replica's components compare with the functions of its target.
#[derive(Clone, Debug, PartialEq)]
pub struct GatedRecovery {
    /// `None` of a function without true weights.
    pub functions: Vec<Option<FunctionMatch>>,
    /// For every component, the function that it is most like; `None` where no function has weights.
    pub components: Vec<Option<FunctionAgreement>>,
    /// Every function has a component of its own, of cosine 0.95 at least; `None` where no function has weights.
    pub recovered: Option<bool>,
}

/// A function and the component that the optimal assignment gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionMatch {
    /// `None` where there are fewer components than functions with weights.
    pub component: Option<usize>,
    /// Between the function's true weights and the component, over all sites together.
    pub cosine: f64,
}

impl FunctionMatch {
    /// Whether the function has this component for its own.
    pub fn is_recovered(&self) -> bool {
        self.cosine >= LEAST_COSINE
    }
}

/// The function with whose true weights a component has the largest cosine over all sites together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FunctionAgreement {
    pub function: usize,
    pub cosine: f64,
}

/// Compares `components` with `truth`, the weights of each function as a component. Both are of one replica. The
/// assignment makes the sum of the cosines largest; a component that is zero has cosine 0 with every function. Functions whose
/// true weights are not [`represented()`] are left out.
pub fn gated_recovery(truth: &Components, components: &Components) -> GatedRecovery {
    let number = components.number() as usize;
    let represented = represented(&Vec::try_from(truth.squared_norms().sqrt().squeeze_dim(0)).expect("one axis"));
    let kept: Vec<usize> = (0..represented.len()).filter(|&function| represented[function]).collect();
    let products = inner_products(truth, components);
    let norms = |components: &Components| components.squared_norms().sqrt().clamp_min(f64::MIN_POSITIVE).squeeze_dim(0);
    let lengths = norms(truth).unsqueeze(1) * norms(components).unsqueeze(0);
    let cosines = Vec::<Vec<f64>>::try_from(products / lengths.clamp_min(f64::MIN_POSITIVE)).expect("a table");
    // The solver wants numbers; a decomposition that diverged has none.
    let score = |function: usize, component: usize| {
        let cosine: f64 = cosines[function][component];
        if cosine.is_finite() { cosine } else { 0.0 }
    };

    let assigned = assign(kept.len(), number, |place, component| score(kept[place], component));
    let mut functions = vec![None; represented.len()];
    for (&function, component) in kept.iter().zip(assigned) {
        let cosine = component.map_or(0.0, |component| score(function, component));
        functions[function] = Some(FunctionMatch { component, cosine });
    }
    let agreement = |component: usize| {
        let of_functions =
            kept.iter().map(|&function| FunctionAgreement { function, cosine: score(function, component) });
        let larger =
            |best: FunctionAgreement, next: FunctionAgreement| if next.cosine > best.cosine { next } else { best };
        of_functions.reduce(larger)
    };
    GatedRecovery {
        recovered: (!kept.is_empty()).then(|| functions.iter().flatten().all(FunctionMatch::is_recovered)),
        functions,
        components: (0..number).map(agreement).collect(),
    }
}

/// sum_l <T_{i,l}, P_{c,l}> over all sites, [function, component].
fn inner_products(truth: &Components, components: &Components) -> Tensor {
    let rows = |factors: &Factors| factors.matrices().squeeze_dim(0).to_kind(Kind::Double).flatten(1, -1);
    let (truth, components) = (truth.at_all_sites(), components.at_all_sites());
    let pairs = truth.iter().zip(components.iter());
    let products = pairs.map(|(truth, components)| rows(truth).matmul(&rows(components).tr()));
    products.reduce(|sum, product| sum + product).expect("a network has a site")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slices::tensor_from;

    /// Components of two sites [1, 2] and [2, 1], each given by its four entries.
    fn components(entries: &[[f32; 4]]) -> Components {
        let number = entries.len() as i64;
        let first = |place: usize| entries.iter().map(move |entries| entries[place]);
        let a = Tensor::ones([1, 1, number, 1], (Kind::Float, tch::Device::Cpu));
        let b = tensor_from(&[1, number, 1, 2], entries.iter().flat_map(|entries| [entries[0], entries[1]]));
        let into = Factors { a, b };
        let a = tensor_from(&[1, 2, number, 1], first(2).chain(first(3)));
        let b = Tensor::ones([1, number, 1, 1], (Kind::Float, tch::Device::Cpu));
        Components::everywhere([into, Factors { a, b }].into_iter().collect())
    }

    fn truth() -> Components {
        components(&[[1.0, 0.0, 3.0, 0.0], [0.0, 2.0, 0.0, 1.0]])
    }

    #[test]
    fn cosines_are_over_all_sites_together() {
        // 1 * 3 + 3 * 1 = 6 of sqrt(10) sqrt(10): at each site alone the cosine were 1.
        let recovery = gated_recovery(&truth(), &components(&[[0.0, 2.0, 0.0, 1.0], [3.0, 0.0, 1.0, 0.0]]));
        let found: Vec<_> = recovery.functions.iter().flatten().collect();
        assert!((found[0].cosine - 0.6).abs() < 1e-12, "{recovery:?}");
        assert_eq!(found.iter().map(|function| function.component).collect::<Vec<_>>(), [Some(1), Some(0)]);
        let agreements: Vec<_> = recovery.components.iter().flatten().map(|agreement| agreement.function).collect();
        assert_eq!(agreements, [1, 0]);
        assert_eq!(recovery.recovered, Some(false));
    }

    #[test]
    fn functions_are_recovered_in_any_order_at_any_length_beside_what_is_nothing() {
        let found = components(&[[0.0; 4], [0.0, 1.0, 0.0, 0.5], [2.0, 0.0, 6.0, 0.5]]);
        let recovery = gated_recovery(&truth(), &found);
        assert_eq!(recovery.recovered, Some(true), "{recovery:?}");
        assert_eq!(recovery.components[0].unwrap().cosine, 0.0);
    }

    #[test]
    fn functions_without_weights_are_left_out() {
        let truth = components(&[[1.0, 0.0, 3.0, 0.0], [0.0, 1e-5, 0.0, 1e-5], [0.0; 4]]);
        // The second component is most like the second function, which is noise.
        let found = gated_recovery(&truth, &components(&[[1.0, 0.0, 3.0, 0.0], [0.0, 1.0, 0.0, 1.0]]));
        assert_eq!(found.recovered, Some(true));
        assert_eq!(found.functions[1..], [None, None]);
        assert_eq!(found.components[1], Some(FunctionAgreement { function: 0, cosine: 0.0 }));
        let nothing = gated_recovery(&components(&[[0.0; 4]]), &components(&[[1.0, 0.0, 3.0, 0.0]]));
        assert_eq!(nothing, GatedRecovery { functions: vec![None], components: vec![None], recovered: None });
    }

    #[test]
    fn one_component_for_two_functions_recovers_only_one() {
        let recovery = gated_recovery(&truth(), &components(&[[1.0, 0.0, 3.0, 0.0]]));
        assert_eq!(recovery.functions[1], Some(FunctionMatch { component: None, cosine: 0.0 }));
        assert_eq!(recovery.recovered, Some(false));
        let twice = components(&[[1.0, 0.0, 3.0, 0.0], [1.0, 0.0, 3.0, 0.1]]);
        assert_eq!(gated_recovery(&truth(), &twice).recovered, Some(false), "one to one");
    }
}
