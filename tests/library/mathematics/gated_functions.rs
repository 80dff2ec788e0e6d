//! Hand-coded gated functions, whose true components are known by construction: with them every law of the method holds
//! exactly, or as exactly as sums of other orders can agree.

use crate::support::settings;
use apd::{
    components::Components,
    fit::{InputStream, Term},
    inputs::{GatedInputs, Inputs},
    method::{
        Decomposed,
        apd::{Apd, ApdObjective, Coefficients},
    },
    metric::{Company, OneFeatureInputs, Partial, gated_recovery, response_curves, selection_by_value},
    network::{GatedFunctions, Network},
    random::Purpose,
    selection::{BatchTopK, Selection},
    weights::Weights,
};
use tch::{Device, Kind, Tensor};

const FUNCTIONS: usize = 4;
const SEEDS: [u64; 2] = [1, 2];
const GATED: GatedFunctions = GatedFunctions { functions: FUNCTIONS, neurons_per_function: 10, layers: 2 };

/// The network, its weights, and its true components among `number`.
fn constructed(number: usize) -> (Network, Weights, Components) {
    let network = Network::GatedFunctions(GATED);
    let weights = network.constructed(&SEEDS).unwrap();
    let components = GATED.true_components(&weights, number, 6);
    (network, weights, components)
}

/// Bits that are 1 often enough for every number of them to occur together.
fn input(network: &Network) -> Tensor {
    let inputs = Inputs::Gated(GatedInputs { probability: 0.3, low: 0.0, high: 5.0 });
    let (features, seeds) = (network.features(), SEEDS.to_vec());
    let stream = InputStream { inputs, features, seeds, purpose: Purpose::DecompositionInputs };
    stream.batch(0, 2_000, Device::Cpu)
}

fn exact(number: usize) -> Apd {
    let coefficients = Coefficients { faithfulness: 1.0, minimality: 1.0, simplicity: 1.0, hidden: 1.0, output: 1.0 };
    Apd { coefficients, selection: Selection::Exact {}, ..settings(number, 6) }
}

/// The largest value of a term over the replicas.
fn largest(terms: &[Term], name: &str) -> f64 {
    let term = terms.iter().find(|term| term.name == name).unwrap_or_else(|| panic!("no term {name}"));
    term.values.iter().copied().fold(0.0, f64::max)
}

#[test]
fn the_true_components_are_selected_exactly_where_their_control_bits_are_one() {
    for number in [FUNCTIONS, FUNCTIONS + 3] {
        let (network, weights, components) = constructed(number);
        let decomposition = ApdObjective::new(&network, &weights, vec![exact(number); SEEDS.len()], components);
        let input = input(&network);
        let observed = decomposition.observe(&input);
        let bits = input.narrow(2, 1, FUNCTIONS as i64);
        let of_functions = |table: &Tensor| table.narrow(2, 0, FUNCTIONS as i64);
        assert_eq!(of_functions(&observed.importances).greater(0.0), bits.greater(0.0), "attributions");
        assert_eq!(of_functions(&observed.mask), bits, "selection");
        let spare = |table: &Tensor| table.narrow(2, FUNCTIONS as i64, (number - FUNCTIONS) as i64).abs();
        for table in [&observed.importances, &observed.mask] {
            assert_eq!(spare(table).sum(Kind::Double).double_value(&[]), 0.0, "components that are nothing");
        }
    }
}

#[test]
fn with_the_true_components_every_error_is_zero() {
    for number in [FUNCTIONS, FUNCTIONS + 3] {
        let (network, weights, components) = constructed(number);
        let decomposition = ApdObjective::new(&network, &weights, vec![exact(number); SEEDS.len()], components);
        let terms = decomposition.observe(&input(&network)).terms;
        assert_eq!(largest(&terms, "faithfulness"), 0.0);
        for name in ["minimality", "hidden", "output"] {
            let error = largest(&terms, name);
            assert!(error < 1e-11, "{name}: {error:e}");
        }
        assert!(largest(&terms, "simplicity") > 0.0);
    }
}

#[test]
fn the_true_components_recover_every_function_and_random_ones_none() {
    for number in [FUNCTIONS, FUNCTIONS + 3] {
        let (network, weights, components) = constructed(number);
        let truth = GATED.true_components(&weights, FUNCTIONS, 2);
        let random = crate::support::components(&network, number, 6, &SEEDS);
        for replica in 0..SEEDS.len() {
            let recovery =
                |components: &Components| gated_recovery(&truth.replica(replica), &components.replica(replica));
            let found = recovery(&components);
            assert_eq!(found.recovered, Some(true));
            let matched: Vec<_> = found.functions.iter().flatten().map(|function| function.component).collect();
            assert_eq!(matched, (0..FUNCTIONS).map(Some).collect::<Vec<_>>());
            assert_eq!(recovery(&random).recovered, Some(false));
        }
    }
}

/// k of 0.2 is one component for four functions: too few where each has its control bit, enough among sixteen samples without.
#[test]
fn selected_from_as_in_training_each_function_keeps_its_own_component() {
    let (network, weights, components) = constructed(FUNCTIONS);
    let settings = Apd { selection: Selection::BatchTopK(BatchTopK { k: 0.2 }), ..settings(FUNCTIONS, 6) };
    let (weights, components) = (weights.replica(0), components.replica(0));
    let decomposition = ApdObjective::new(&network, &weights, vec![settings], components);
    let inputs = OneFeatureInputs::of_control_bits(FUNCTIONS, 0.0, 5.0, &weights.embeddings[0]);
    let attributions = decomposition.importances(&inputs.input);
    let select = |company: Option<&Company>| selection_by_value(&decomposition, &inputs, &attributions, company);
    assert_eq!(select(None).sum(Kind::Double).double_value(&[]), 0.0);

    let input = inputs.input.narrow(1, 0, 101) * Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 0.0, 0.0]);
    let company = Company { attributions: decomposition.importances(&input), input, number: 16 };
    let selection = select(Some(&company));
    assert_eq!(selection.size(), [1, 404, 4]);
    let bits = inputs.input.narrow(2, 1, FUNCTIONS as i64);
    let of_another: Tensor = &selection * (1.0 - bits);
    let attributed_elsewhere = attributions.masked_select(&of_another.greater(0.0));
    assert!(attributed_elsewhere.numel() == 0 || attributed_elsewhere.max().double_value(&[]) == 0.0);
    let own = [0, 1, 2, 3].map(|component| vec![component]);
    let curves = response_curves(&Partial::of(&decomposition), &inputs, &own, Some(&selection));
    let near = |found: &[Vec<f64>]| {
        let pairs = found.concat().into_iter().zip(curves.target.concat());
        pairs.map(|(found, target)| (found - target).abs()).fold(0.0, f64::max) < 1e-4
    };
    assert!(near(&curves.component) && near(curves.selected.as_ref().unwrap()));
}
