//! Specs without a method: the one rule by which their networks are taken apart.

use std::path::Path;

use apd::{
    method::{
        Method,
        apd::{Apd, Columns},
    },
    schedule::Schedule,
    selection::Selection,
    spec::{Spec, parse},
};

const TMS: &str = "
[target.tms]
features = 40
hidden = 10

[target.initial_values]
instances = 3

[target.inputs.independent]
probability = 0.05

[target.training]
steps = 2_000
batch = 2_048
learning_rate = 0.005
";

const RESIDUAL_MLP: &str = "
[target.residual_mlp]
features = 100
width = 1_000
neurons = 50

[target.initial_values]
instances = 0

[target.inputs.exactly]
active = 2

[target.training]
steps = 10_000
batch = 2_048
learning_rate = 0.003
";

fn spec(text: &str, overrides: &[&str]) -> Spec {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    parse(Path::new("x.toml"), text, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn apd(spec: &Spec) -> &Apd {
    let Method::Apd(apd) = &spec.method else { panic!("the default method") };
    apd
}

fn k(spec: &Spec) -> f64 {
    let Selection::BatchTopK(rule) = apd(spec).selection else { panic!("not by the batch") };
    rule.k
}

fn assert_near(found: f64, expected: f64, why: &str) {
    assert!((found - expected).abs() < 5e-4, "{why}: {found} instead of {expected}");
}

#[test]
fn sizes_and_inputs_of_the_network_decide_how_it_is_taken_apart() {
    let tms = spec(TMS, &[]);
    assert_eq!((apd(&tms).components, apd(&tms).rank), (60, 10), "one and a half for each feature, of full rank");
    assert_eq!(k(&tms), 1.05, "more than half of the two active features");
    assert_near(apd(&tms).coefficients.simplicity, 2.785, "400 parameters for 40 outputs");
    assert_eq!(apd(&tms).coefficients.hidden, 0.0, "nothing is hidden");

    let mlp = spec(RESIDUAL_MLP, &[]);
    assert_eq!((apd(&mlp).components, apd(&mlp).rank), (150, 10), "of rank 50 there could be more");
    assert_eq!(k(&mlp), 1.05, "more than half of the two active features");
    assert_near(apd(&mlp).coefficients.simplicity, 60.0, "100,000 parameters for 100 outputs");
    assert_eq!(apd(&mlp).coefficients.hidden, 1.0);
}

#[test]
fn all_else_is_the_same_for_every_network() {
    for spec in [spec(TMS, &[]), spec(RESIDUAL_MLP, &[])] {
        let apd = apd(&spec);
        assert_eq!((apd.coefficients.faithfulness, apd.coefficients.minimality), (0.25, 1.0));
        assert_eq!((apd.schatten_power, apd.rank_growth), (0.8, 0.75));
        assert_eq!((apd.simplicity_fade, apd.activity_floor), (0.1, 0.1));
        assert_eq!((apd.columns, apd.initial_values.scale), (Columns::UnitNorm, 3.0));
        let training = &spec.decomposition;
        assert_eq!((training.steps, training.batch, training.learning_rate), (12_000, 256, 0.005));
        assert_eq!((training.schedule, training.warm_up), (Schedule::Cosine, 0.01));
    }
}

#[test]
fn sparse_inputs_come_in_larger_batches() {
    let sparse = spec(TMS, &["target.inputs.independent.probability=0.001"]);
    assert_near(k(&sparse), 0.021, "of 0.04 active features");
    assert_eq!(sparse.decomposition.batch, 1_524, "32 pairs");
}

#[test]
fn single_keys_are_changed_from_the_command_line() {
    let changed = spec(TMS, &["method.apd.rank=3", "decomposition.steps=50"]);
    let mut expected = spec(TMS, &[]);
    let Method::Apd(apd) = &mut expected.method else { panic!("the default method") };
    apd.rank = 3;
    expected.decomposition.steps = 50;
    assert_eq!(changed, expected);
}

#[test]
fn a_size_from_the_command_line_counts_too() {
    let smaller = spec(TMS, &["target.tms.features=20"]);
    assert_eq!((apd(&smaller).components, k(&smaller)), (30, 0.525));
    assert_near(apd(&smaller).coefficients.simplicity, 2.785, "200 parameters for 20 outputs");
}

#[test]
fn the_files_own_training_stays_and_is_completed() {
    let own = spec(&format!("{TMS}\n[decomposition]\nsteps = 7\nschedule = \"linear\""), &[]);
    let training = &own.decomposition;
    assert_eq!((training.steps, training.schedule, training.batch), (7, Schedule::Linear, 256));
}

#[test]
fn a_file_with_a_method_says_all_of_it_itself() {
    let text = format!("{TMS}\n[method.apd]\nrank = 3");
    let error = parse(Path::new("x.toml"), &text, &[]).expect_err("there are no components").to_string();
    for lacking in [
        "error: the spec lacks `decomposition.steps`, `decomposition.batch` and `decomposition.learning_rate`\n",
        "error: `[method.apd]` lacks `components`, `schatten_power`, `coefficients.simplicity` and `selection.batch_top_k.k`\n",
        "error: 2 mistakes in x.toml\n",
    ] {
        assert!(error.contains(lacking), "{error}");
    }
}

#[test]
fn a_resolved_spec_says_everything() {
    let spec = spec(TMS, &[]);
    let written = spec.to_toml();
    assert!(written.contains("[method.apd]\n") && written.contains("[decomposition]\n"), "{written}");
    assert_eq!(parse(Path::new("x.toml"), &written, &[]).unwrap_or_else(|error| panic!("{error}")), spec);
}
