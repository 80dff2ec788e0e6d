//! Decomposition into subcomponents from the spec to the tables.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use apd::{
    experiment::{Session, decompose, evaluate},
    fit::Observer,
    interrupt::{Interrupt, Interrupted},
    method::AtUse,
    metric::Partial,
    report,
    run::Unfinished,
    spec::{self, Spec},
    sweep::{Plan, load_trials},
    weights::Weights,
};
use tch::{Device, Kind, Tensor};
use tempfile::TempDir;

const STEPS: u64 = 30;

/// Asks to stop after so many steps of the components.
struct StopAfter {
    step: Option<u64>,
    of_components: bool,
    interrupt: Interrupt,
}

impl Observer for StopAfter {
    fn begin(&mut self, stage: &str, _: u64, _: u64) {
        self.of_components = stage == "components";
    }

    fn progress(&mut self, step: u64, _: Option<&[(String, f64)]>) {
        if self.of_components && self.step.is_some_and(|last| step >= last) {
            self.interrupt.request();
        }
    }

    fn end(&mut self) {}
}

fn session(results: &Path, stop_after: Option<u64>) -> Session {
    let interrupt = Interrupt::never();
    let observer = StopAfter { step: stop_after, of_components: false, interrupt: interrupt.clone() };
    Session {
        results: results.into(),
        device: Device::Cpu,
        threads: 2,
        checkpoint_age: Duration::from_secs(1_000),
        force: false,
        profile: false,
        interrupt,
        observer: Box::new(observer),
    }
}

/// The shipped toy model with 5 features under SPD, or under VPD with its defaults, made small.
fn spec(method: &str, settings: &[&str]) -> Spec {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/tms_5-2_spd.toml");
    let mut text = fs::read_to_string(path).unwrap();
    if method == "vpd" {
        let (target, rest) = text.split_once("[method.spd]").unwrap();
        let (_, training) = rest.split_once("[decomposition]").unwrap();
        let method = "[method.vpd]\nsubcomponents = 20\ncoefficients = { importance = 0.003 }\n";
        text = format!("{target}{method}[decomposition]{training}");
    }
    let steps = format!("decomposition.steps={STEPS}");
    let small =
        ["seeds=[3, 4]", &steps, "decomposition.batch=64", "measurement.samples=256", "target.training.steps=200"];
    let settings: Vec<String> = small.iter().chain(settings).map(ToString::to_string).collect();
    spec::parse(Path::new("x.toml"), &text, &settings).unwrap_or_else(|error| panic!("{error}"))
}

fn run(spec: &Spec) -> (TempDir, PathBuf) {
    let results = tempfile::tempdir().unwrap();
    let folder = decompose(spec, &mut session(results.path(), None)).unwrap().folder;
    (results, folder)
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The rows of a replica, without their first column.
fn rows_of(folder: &Path, table: &str, replica: usize) -> Vec<String> {
    let text = String::from_utf8(bytes(folder, table)).unwrap();
    let rows = text.lines().filter_map(|row| row.split_once(','));
    rows.filter(|(number, _)| *number == replica.to_string()).map(|(_, rest)| rest.to_string()).collect()
}

#[test]
fn a_run_with_an_adversary_that_lives_on_is_resumed_bit_for_bit_and_measured_again_alike() {
    let settings =
        ["method.spd.persistent_adversary={sources=16, merged_share=0.5}", "method.spd.coefficients.subset=0.5"];
    let spec = spec("spd", &settings);
    let (results, whole) = run(&spec);

    let other = tempfile::tempdir().unwrap();
    let stopped = decompose(&spec, &mut session(other.path(), Some(10)));
    let Err(Unfinished::Interrupted(Interrupted { step, .. })) = stopped else { panic!("{stopped:?}") };
    assert!((10..STEPS).contains(&step), "{step}");
    let resumed = decompose(&spec, &mut session(other.path(), None)).unwrap().folder;
    for name in ["training.csv", "components.safetensors", "summary.csv", "components.csv"] {
        assert!(bytes(&whole, name) == bytes(&resumed, name), "{name}");
    }

    let summary = bytes(&whole, "summary.csv");
    fs::remove_file(whole.join("summary.csv")).unwrap();
    evaluate(&spec, &session(results.path(), None), &whole).unwrap();
    assert_eq!(bytes(&whole, "summary.csv"), summary, "components that were read back measure the same");
    report::make(std::slice::from_ref(&whole)).unwrap();
    let page = String::from_utf8(bytes(&whole, "report/report.html")).unwrap();
    assert!(page.contains("Stochastic Parameter Decomposition") && page.contains("causal importance"));
}

#[test]
fn a_replica_is_the_same_alone_and_in_company() {
    for method in ["spd", "vpd"] {
        let (_company_results, company) = run(&spec(method, &["seeds=[3, 4, 5]"]));
        let (_alone_results, alone) = run(&spec(method, &["seeds=[5]"]));
        for table in ["summary.csv", "components.csv"] {
            assert_eq!(rows_of(&company, table, 2), rows_of(&alone, table, 0), "{method} {table}");
        }
    }
}

#[test]
fn the_error_is_measured_with_what_is_active_and_with_the_largest_importances_of_all_samples() {
    let (_results, folder) = run(&spec("spd", &[]));
    let text = String::from_utf8(bytes(&folder, "summary.csv")).unwrap();
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let place = table.headers().unwrap().iter().position(|name| name == "minimality").unwrap();
    let errors: Vec<f64> = table.records().map(|row| row.unwrap()[place].parse().unwrap()).collect();
    assert!(errors.len() == 2 && errors.iter().all(|error| *error > 0.0), "{errors:?}");
    let curve = rows_of(&folder, "rate_distortion.csv", 0);
    let rates: Vec<f64> = curve.iter().map(|row| row.split(',').next().unwrap().parse().unwrap()).collect();
    assert!(rates.iter().any(|rate| 0.0 < *rate && *rate < 1.0), "less than one component per sample: {rates:?}");
}

#[test]
fn every_term_is_logged_and_the_error_under_random_masks_falls() {
    let (_results, folder) = run(&spec("spd", &["decomposition.steps=300", "decomposition.batch=512"]));
    let training = String::from_utf8(bytes(&folder, "training.csv")).unwrap();
    let of_term = |name: &str| -> Vec<f64> {
        let rows = training.lines().filter(|row| row.split(',').any(|cell| cell == name));
        rows.map(|row| row.rsplit(',').next().unwrap().parse().unwrap()).collect()
    };
    for name in ["faithfulness", "importance", "stochastic", "layerwise", "unmasked", "importance_masked", "rounded"] {
        assert!(!of_term(name).is_empty(), "{name}: {training}");
    }
    let stochastic = of_term("stochastic");
    let (first, last): (f64, f64) = (stochastic[..50].iter().sum(), stochastic[stochastic.len() - 50..].iter().sum());
    assert!(last < 0.5 * first, "{first} {last}");
}

#[test]
fn errors_under_masks_are_those_of_the_network_with_these_components_and_importances_are_squared() {
    let spec = spec("spd", &["method.spd.tied_weights=\"apart\""]);
    let network = &spec.target.network;
    let weights = Weights::random(network, spec.target.initial_values.unwrap(), &spec.seeds);
    let pack = [(&spec.method, &spec.seeds[..])];
    let both = spec.method.untrained(&pack, 64, network, &weights, Device::Cpu);
    let decomposed = both.replicas(1..2);
    tch::manual_seed(1);
    let input = Tensor::rand([1, 300, 5], (Kind::Float, Device::Cpu)) - 0.5;
    let observed = decomposed.observe(&input.relu());

    let columns =
        |of_use: fn(&AtUse) -> &Tensor| Tensor::cat(&observed.at_uses.iter().map(of_use).collect::<Vec<_>>(), 2);
    let importances = columns(|at_use| &at_use.importances);
    assert!(importances.max().double_value(&[]) > 0.2, "some are no square of themselves");
    assert!((importances.square() - &observed.importances).abs().max().double_value(&[]) < 1e-7);
    assert_eq!(columns(|at_use| &at_use.active), observed.mask);
    assert_eq!(decomposed.mask(&observed.importances, &input), observed.mask);

    let partial = Partial::of(&*decomposed);
    let input = input.relu();
    let error = |mask: &Tensor| {
        let difference = partial.output(mask, &input) - partial.target_output(&input);
        difference.square().mean(Kind::Double).double_value(&[])
    };
    let term = |name: &str| observed.terms.iter().find(|term| term.name == name).unwrap().values[0];
    let masks = [
        ("zero", importances.zeros_like()),
        ("unmasked", importances.ones_like()),
        ("rounded", observed.mask.shallow_clone()),
        ("importance_masked", importances.shallow_clone()),
    ];
    let errors = masks.map(|(name, mask)| (name, term(name), error(&mask)));
    for (name, found, expected) in errors {
        assert!((found - expected).abs() < 1e-6 * expected, "{name}: {found}, expected {expected}");
    }
    let all = ["zero", "unmasked", "rounded", "importance_masked", "random", "stochastic"].map(term);
    let distinct = |place: usize| all[..place].iter().all(|other| *other != all[place]);
    assert!((0..all.len()).all(distinct), "{all:?}");
}

#[test]
fn weights_of_terms_differ_within_a_pack_and_numbers_of_subcomponents_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    let text = spec("spd", &["seeds=1"]).to_toml();
    let space = "\n[sweep.space]\n\"method.spd.coefficients.importance\" = [0.001, 0.003]\n\"method.spd.subcomponents\" = [5, 10]\n";
    fs::write(&path, format!("{text}{space}")).unwrap();
    let plan = Plan::new(load_trials(&path, &[]).unwrap_or_else(|error| panic!("{error}")));
    assert_eq!(plan.packs, [[0, 2], [1, 3]]);
}

#[test]
fn what_contradicts_the_target_or_itself_is_refused() {
    let mistake = |setting: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/tms_5-2_spd.toml");
        let text = fs::read_to_string(path).unwrap();
        let settings: Vec<String> = setting.split(' ').map(Into::into).collect();
        spec::parse(Path::new("x.toml"), &text, &settings).unwrap_err().to_string()
    };
    let says = |setting: &str, expected: &str| {
        let said = mistake(setting);
        assert!(said.contains(expected), "{setting}: {said}");
    };
    says("method.spd.coefficients={importance=1.0,stochastic=0.0,layerwise=0.0}", "an error of the output must count");
    says("target.tms.tied=false", "`tied_weights` needs a target with tied weights");
    says("method.spd.persistent_adversary={sources=1000}", "their number must divide the batch");
    says("method.spd.subcomponents={at={embed=4,unembed=6}}", "`at` must name every site of the target: embed");
}

#[test]
fn every_method_has_the_same_target_so_that_one_training_serves_all() {
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut compared = 0;
    for entry in experiments.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let name = name.strip_suffix("_spd.toml").or(name.strip_suffix("_vpd.toml"));
        let Some(name) = name else { continue };
        let target = |path: &Path| spec::load(path, &[]).unwrap_or_else(|error| panic!("{error}")).target.hash();
        assert_eq!(target(&path), target(&experiments.join(format!("{name}.toml"))), "{name}");
        compared += 1;
    }
    assert!(compared >= 12, "{compared}");
}
