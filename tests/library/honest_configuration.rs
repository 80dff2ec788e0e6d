//! No key of a spec is read and ignored: with another value it resolves to another spec, and the run leaves other results.
//!
//! The keys are those that the reader itself says it knows, so a new one is tried too, or the test says that there is no other
//! value to try.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use crate::configuration::{Key, Others, Written};
use apd::{
    experiment::{Finished, Halving, Session, decompose},
    fit::Observer,
    interrupt::{Interrupt, Interrupted},
    run::{RunError, Unfinished},
    spec::Spec,
    sweep::{Array, Plan, arrays, reference},
};
use tch::Device;
use tempfile::TempDir;
use toml::Table;

/// Keys whose other values change no result, and why.
const CHANGE_NO_RESULT: [(&str, &str); 2] =
    [("format", "there is one format so far"), ("name", "it names the folder, which holds the same whatever its name")];

/// Keys of which a run tells that it cannot train what they name.
const IMPORTED: [&str; 2] = ["target.imported", "imported_components"];

/// What makes any shipped spec small.
const SMALL: [&str; 6] = [
    "seeds=[3, 4]",
    "method.apd.components=4",
    "method.apd.rank=2",
    "decomposition.steps=4",
    "decomposition.batch=8",
    "measurement.samples=64",
];
const SMALL_TRAINING: [&str; 2] = ["target.training.steps=4", "target.training.batch=8"];
const SMALL_MLP: [&str; 5] = [
    "target.residual_mlp.features=6",
    "target.residual_mlp.width=6",
    "target.residual_mlp.neurons=4",
    "target.inputs.independent.probability=0.5",
    "method.apd.selection.batch_top_k.k=1.5",
];

/// A shipped spec, made small, with variants chosen by `--set`.
fn small(name: &str, groups: &[&[&str]]) -> Written {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(name);
    Written::new(fs::read_to_string(path).unwrap(), &[&SMALL, groups.concat().as_slice()].concat())
}

/// Together they have every variant in them.
fn toy_model() -> Written {
    let inputs = ["target.inputs.independent.probability=0.5", "method.apd.selection.batch_top_k.k=1.5"];
    small("tms_5-2.toml", &[&SMALL_TRAINING, &inputs, &["target.tms.hidden_layers=1", "decomposition.warm_up=0.5"]])
}

fn toy_model_of_few_active_features() -> Written {
    let few = [
        "target.inputs.exactly.active=2",
        "target.inputs.exactly.low=-1",
        "method.apd.selection.sample_top_k.k=1",
        "method.apd.attribution.integrated_gradient.points=2",
        "method.apd.attributions_at=sum",
        "decomposition.schedule.exponential.half_life=2",
        "target.training.schedule.exponential.half_life=2",
        "target.training.warm_up=0.5",
    ];
    small("tms_40-10.toml", &[&SMALL_TRAINING, &["target.tms.features=5", "target.tms.hidden=2"], &few])
}

fn toy_model_of_features_that_come_together() -> Written {
    let synced =
        ["target.inputs.synced.group=2", "target.inputs.synced.probability=0.5", "method.apd.selection.exact={}"];
    let more = [
        "method.apd.coefficients.output=0.5",
        "decomposition.schedule.cosine_decay.final=0.5",
        "target.training.schedule.linear_decay.final=0.5",
    ];
    small("tms_5-2_id.toml", &[&SMALL_TRAINING, &synced, &more])
}

fn powers_in_the_place_of_a_selection() -> Written {
    let powers = [
        "target.inputs.independent.probability=0.5",
        "method.apd.selection.lp.power=0.9",
        "decomposition.schedule.linear_decay.final=0.5",
        "target.training.schedule.cosine_decay.final=0.5",
    ];
    small("tms_5-2.toml", &[&SMALL_TRAINING, &powers])
}

fn residual_mlp() -> Written {
    small("residual_mlp_2_layers.toml", &[&SMALL_TRAINING, &SMALL_MLP, &["target.residual_mlp.biases=both"]])
}

fn residual_mlp_judged_in_its_residual_stream() -> Written {
    // With the identity for an embedding the residual stream would be the output.
    let stream = ["target.residual_mlp.loss=residual_stream", "target.residual_mlp.width=9"];
    // So early that the second part is trained, and not zero at the end.
    let growth = ["method.apd.rank_growth=0.25", "method.apd.activity_floor=0.5"];
    small("residual_mlp_1_layer.toml", &[&SMALL_TRAINING, &SMALL_MLP, &stream, &growth])
}

fn gated_functions() -> Written {
    let sizes = ["target.gated_functions.neurons_per_function=2", "target.inputs.gated.probability=0.5"];
    small("gated_functions.toml", &[&sizes, &["method.apd.selection.batch_top_k.k=1.5"]])
}

/// A toy model under the SPD or VPD `method`, with subcomponents and a penalty.
fn subcomponents(method: &str, settings: &[&str]) -> Written {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/tms_5-2_spd.toml");
    let small = [
        "seeds=[3, 4]",
        "decomposition.steps=4",
        "decomposition.batch=8",
        "measurement.samples=64",
        "target.inputs.independent.probability=0.5",
    ];
    let text = fs::read_to_string(path).unwrap().replace("method.spd", &format!("method.{method}"));
    let settings: Vec<String> = settings.iter().map(|setting| format!("method.{method}.{setting}")).collect();
    let settings: Vec<&str> =
        small.into_iter().chain(SMALL_TRAINING).chain(settings.iter().map(String::as_str)).collect();
    Written::new(text, &settings)
}

/// A subcomponent has the rank one whatever the threshold.
const RANK_OF_ONE: [&str; 1] = ["measurement.rank_threshold"];

/// Whatever has a weight of its own, none of which moves.
const ALL_TERMS: [&str; 17] = [
    "coefficients.faithfulness=0.5",
    "coefficients.importance=0.5",
    "coefficients.stochastic=0.5",
    "coefficients.layerwise=0.5",
    "coefficients.subset=0.5",
    "coefficients.unmasked=0.5",
    "coefficients.importance_masked=0.5",
    "fresh_adversary.coefficient=0.5",
    "fresh_adversary.steps=2",
    "fresh_adversary.step_size=0.25",
    "persistent_adversary.coefficient=0.5",
    "persistent_adversary.sources=4",
    "persistent_adversary.merged_share=0.5",
    "frequency.weight=0.5",
    "frequency.reference=100.0",
    "largest_gradient_norms.factors=1e-3",
    "largest_gradient_norms.importance_functions=1e-3",
];

/// The same weights, all of which move.
const MOVING_TERMS: [&str; 9] = [
    "coefficients.faithfulness={start=1.0, final=0.5, begin=0.25, end=0.75}",
    "coefficients.importance={start=1.0, final=0.5, begin=0.25, end=0.75}",
    "coefficients.stochastic={start=1.0, final=0.5, begin=0.25, end=0.75}",
    "coefficients.layerwise={start=1.0, final=0.5, begin=0.25, end=0.75}",
    "coefficients.subset={start=1.0, final=0.5, begin=0.25, end=0.75}",
    "coefficients.unmasked={start=1.0, final=0.5, begin=0.25, end=0.75}",
    "coefficients.importance_masked={start=1.0, final=0.5, begin=0.25, end=0.75}",
    "fresh_adversary.coefficient={start=1.0, final=0.5, begin=0.25, end=0.75}",
    "persistent_adversary.coefficient={start=1.0, final=0.5, begin=0.25, end=0.75}",
];

fn terms_that_stay(method: &str) -> Written {
    subcomponents(method, &[&ALL_TERMS[..], &["subcomponents=6", "penalty.lp.power=1.5"]].concat())
}

fn terms_that_move(method: &str) -> Written {
    let others =
        ["subcomponents={per_feature=1.5}", "penalty.smooth_l0.gamma={start=1.0, final=0.5, begin=0.25, end=0.75}"];
    subcomponents(method, &[&MOVING_TERMS[..], &others].concat())
}

fn subcomponents_by_site(method: &str) -> Written {
    let others = [
        "tied_weights=apart",
        "subcomponents={at={embed=4, unembed=6}}",
        "penalty.lp.power={start=1.5, final=0.5, begin=0.25, end=0.75}",
    ];
    subcomponents(method, &others)
}

fn a_penalty_of_one_width(method: &str) -> Written {
    subcomponents(method, &["penalty.smooth_l0.gamma=0.5"])
}

const VARIANTS: [fn() -> Written; 15] = [
    || terms_that_stay("spd"),
    || terms_that_stay("vpd"),
    || terms_that_move("spd"),
    || terms_that_move("vpd"),
    || subcomponents_by_site("spd"),
    || subcomponents_by_site("vpd"),
    || a_penalty_of_one_width("spd"),
    || a_penalty_of_one_width("vpd"),
    toy_model,
    toy_model_of_few_active_features,
    toy_model_of_features_that_come_together,
    powers_in_the_place_of_a_selection,
    residual_mlp,
    residual_mlp_judged_in_its_residual_stream,
    gated_functions,
];

/// The values of a key, other than its own, that make a spec.
fn accepted(written: &Written, key: &Key, resolved: &Table) -> Vec<(String, Spec)> {
    let (Others::Each(values) | Others::Any(values)) = key.others(resolved);
    let specs = values.into_iter().filter_map(|value| {
        let spec = written.with(&key.path, &value).spec().ok()?;
        Some((value, spec))
    });
    specs.filter(|(_, spec)| Table::try_from(spec).unwrap() != *resolved).collect()
}

/// The keys of a spec that have another value there.
fn assert_keys_change_the_resolved_spec(written: &Written) -> BTreeSet<String> {
    let spec = written.spec().unwrap_or_else(|error| panic!("{error}"));
    let resolved = Table::try_from(&spec).unwrap();
    let mut tried = BTreeSet::new();
    for key in written.known("", &resolved).keys {
        let path = &key.path;
        for (value, other) in accepted(written, &key, &resolved) {
            assert_ne!(other.to_toml(), spec.to_toml(), "{path} = {value}");
            assert_eq!(other.hash() == spec.hash(), path == "name", "{path} = {value}");
            let of_target = path.starts_with("target.") && path != "target.seed";
            assert_eq!(other.target.hash() != spec.target.hash(), of_target, "{path} = {value}");
            tried.insert(path.clone());
        }
    }
    tried
}

#[test]
fn every_key_of_a_shipped_spec_changes_the_resolved_spec_and_its_hash() {
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    for entry in experiments.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let tried = assert_keys_change_the_resolved_spec(&Written::new(fs::read_to_string(&path).unwrap(), &[]));
        assert!(tried.len() >= 25, "{}: only {tried:?}", path.display());
    }
}

#[test]
fn every_key_and_every_variant_is_among_those_tried() {
    let (mut known, mut tried, mut keys) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut tables = BTreeSet::new();
    for variant in VARIANTS {
        let written = variant();
        let resolved = Table::try_from(written.spec().unwrap_or_else(|error| panic!("{error}"))).unwrap();
        let found = written.known("", &resolved);
        keys.extend(found.keys.iter().map(|key| key.path.clone()));
        known.extend(found.keys.into_iter().map(|key| key.path).chain(found.others));
        tables.extend(found.tables.iter().cloned());
        tried.extend(found.tables);
        tried.extend(assert_keys_change_the_resolved_spec(&written));
    }
    // The sweep has its own test.
    let untried: Vec<&String> =
        known.difference(&tried).filter(|key| !["format", "sweep"].contains(&&***key)).collect();
    assert!(untried.is_empty(), "no other value was tried of {untried:?}");
    let told = reference().into_iter().filter(|entry| !entry.is_table() && !entry.path.starts_with("sweep."));
    keys.remove("sweep");
    let told: BTreeSet<String> = told.map(|entry| entry.path).collect();
    // A closed set of tables has no value of its own.
    let differences: Vec<&String> = told.symmetric_difference(&keys).filter(|key| !tables.contains(*key)).collect();
    assert!(differences.is_empty(), "the reference tells the keys that are read, but for {differences:?}");
}

/// How far a run goes.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Up to the tables of the measurements, which take longer than so short a training.
    Trained,
    Whole,
}

/// Asks to stop when the components have been trained.
struct UntilTrained {
    stage: String,
    interrupt: Interrupt,
    way: Way,
}

impl Observer for UntilTrained {
    fn begin(&mut self, stage: &str, _: u64, _: u64) {
        self.stage = stage.into();
    }

    fn progress(&mut self, _: u64, _: Option<&[(String, f64)]>) {}

    fn end(&mut self) {
        if self.stage == "components" && self.way == Way::Trained {
            self.interrupt.request();
        }
    }
}

/// What a run leaves, by the names of the files, but for what says how it came about.
fn results(spec: &Spec, folder: &Path, way: Way) -> Result<BTreeMap<String, Vec<u8>>, RunError> {
    let interrupt = Interrupt::never();
    let mut session = Session {
        results: folder.into(),
        device: Device::Cpu,
        threads: 1,
        checkpoint_age: Duration::from_secs(1_000),
        force: true,
        profile: false,
        interrupt: interrupt.clone(),
        observer: Box::new(UntilTrained { stage: String::new(), interrupt, way }),
    };
    let folder = match decompose(spec, &mut session) {
        Ok(Finished { folder, .. }) | Err(Unfinished::Interrupted(Interrupted { folder, .. })) => folder,
        Err(Unfinished::Failed(error)) => return Err(error),
    };
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let named = files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()));
    let of_process = ["spec.toml", "provenance.json", "log.txt", "lock"];
    let files: BTreeMap<_, _> = named.filter(|(name, _)| !of_process.contains(&name.as_str())).collect();
    assert!(files.contains_key("components.safetensors") && files.contains_key("summary.csv") == (way == Way::Whole));
    Ok(files)
}

/// Names the variable with which every word of a closed set is tried, and not only one.
const EVERY_VALUE: &str = "APD_EVERY_VALUE";

fn assert_keys_are_used(written: &Written) {
    assert_keys_are_used_but(&[], written);
}

/// Some keys may change nothing where such a spec is measured.
fn assert_keys_are_used_but(unused: &[&str], written: &Written) {
    let tried = if std::env::var_os(EVERY_VALUE).is_some() { usize::MAX } else { 1 };
    apd::device::set_threads(std::num::NonZeroU16::MIN);
    let folder = TempDir::new().unwrap();
    let spec = written.spec().unwrap_or_else(|error| panic!("{error}"));
    let resolved = Table::try_from(&spec).unwrap();
    let ways = [Way::Trained, Way::Whole];
    let before = ways.map(|way| results(&spec, folder.path(), way).unwrap());
    let again = ways.map(|way| results(&spec, folder.path(), way).unwrap());
    assert_eq!(again, before, "the same spec leaves the same");
    let keys = written.known("", &resolved).keys;
    let mut ignored = Vec::new();
    let may_be_ignored =
        |key: &Key| unused.contains(&&*key.path) || CHANGE_NO_RESULT.iter().any(|(path, _)| *path == key.path);
    for key in keys.iter().filter(|key| !may_be_ignored(key)) {
        let is_imported = IMPORTED.contains(&key.path.as_str());
        let changes = |(value, spec): &(String, Spec), way: usize| match results(spec, folder.path(), ways[way]) {
            Ok(after) => !is_imported && after != before[way],
            Err(error) => is_imported && error.what().contains("imported") || panic!("{} = {value}: {error}", key.path),
        };
        let is_used = |other: &(String, Spec)| changes(other, 0) || changes(other, 1);
        let others = accepted(written, key, &resolved);
        let unused: Vec<_> = match key.others(&resolved) {
            Others::Each(_) => others.iter().take(tried).filter(|other| !is_used(other)).collect(),
            Others::Any(_) if others.iter().any(is_used) => Vec::new(),
            Others::Any(_) => others.iter().take(1).collect(),
        };
        ignored.extend(unused.into_iter().map(|(value, _)| format!("{} = {value}", key.path)));
    }
    assert!(ignored.is_empty(), "read and ignored: {ignored:#?}");
}

#[test]
fn every_key_of_a_toy_model_is_used() {
    assert_keys_are_used(&toy_model());
}

#[test]
fn every_key_of_a_toy_model_of_few_active_features_is_used() {
    assert_keys_are_used(&toy_model_of_few_active_features());
}

#[test]
fn every_key_of_a_toy_model_of_features_that_come_together_is_used() {
    assert_keys_are_used(&toy_model_of_features_that_come_together());
}

#[test]
fn every_key_of_the_lp_form_is_used() {
    assert_keys_are_used(&powers_in_the_place_of_a_selection());
}

#[test]
fn every_key_of_a_residual_mlp_is_used() {
    assert_keys_are_used(&residual_mlp());
}

#[test]
fn every_key_of_a_residual_mlp_judged_in_its_residual_stream_is_used() {
    assert_keys_are_used(&residual_mlp_judged_in_its_residual_stream());
}

#[test]
fn every_key_of_spd_is_used() {
    assert_keys_are_used_but(&RANK_OF_ONE, &terms_that_stay("spd"));
}

#[test]
#[ignore = "it takes a while, and reads what SPD reads"]
fn every_key_of_vpd_whose_weights_move_is_used() {
    assert_keys_are_used_but(&RANK_OF_ONE, &terms_that_move("vpd"));
}

#[test]
fn every_key_of_gated_functions_is_used() {
    assert_keys_are_used(&gated_functions());
}

/// Of the toy model, with ranges whose ends are near enough to each other for points between them to be seen.
fn sweep(strategy: &str) -> Written {
    let text = format!(
        "\n[sweep]\nstrategy = {strategy}\nseeds = 2\nreplicas_per_pack = 4\nminutes = 5.0\n\
         [sweep.halving]\nfirst = 10\nfactor = 2\n[sweep.slurm]\narray_limit = 10\n\
         [sweep.space.method.apd.coefficients.simplicity]\nfrom = 0.1\nto = 10.0\npoints = 3\nscale = \"log\"\n"
    );
    let experiment = include_str!("../../experiments/tms_5-2.toml");
    Written::new(format!("{experiment}{text}"), &[])
}

/// What comes of a sweep.
#[derive(PartialEq)]
struct Planned {
    trials: Vec<Spec>,
    packs: Vec<usize>,
    /// When trials and commands end.
    ends: (Option<Halving>, Option<f64>),
    /// For Slurm.
    scripts: Vec<Vec<u8>>,
}

fn planned(written: &Written) -> Option<Planned> {
    let plan = Plan::new(written.trials().ok()?);
    let (folder, settings) = (Path::new("/sweep"), &plan.sweep.slurm);
    let packs: Vec<usize> = (0..plan.packs.len()).collect();
    let script = |packs: &[usize]| {
        let [program, results, output] = [folder; 3];
        let at_once = settings.at_once;
        Array { name: "x", at_once, program, folder, results, output, settings, packs, retry_failed: false, after: &[] }
            .script()
            .unwrap()
    };
    Some(Planned {
        trials: plan.trials.iter().map(|trial| trial.spec.clone()).collect(),
        packs: plan.packs_of_trials(),
        ends: (plan.sweep.halving, plan.sweep.minutes),
        scripts: arrays(&packs, settings.array_limit).into_iter().map(script).collect(),
    })
}

#[test]
fn every_key_of_a_sweep_changes_its_plan_or_its_scripts() {
    const RANGE: &str = "sweep.space.method.apd.coefficients.simplicity";
    let (mut known, mut tried) = (BTreeSet::new(), BTreeSet::new());
    for strategy in ["\"grid\"", "{ random = { trials = 5 } }", "{ sobol = { trials = 5, seed = 3 } }"] {
        let written = sweep(strategy);
        let before = planned(&written).expect("a sweep");
        let resolved: Table = written.text.parse().unwrap();
        let mut sweep = resolved["sweep"].as_table().unwrap().clone();
        // Its keys are those of the spec; those of a range stand for all.
        sweep.remove("space");
        let range = Table::from_iter([]);
        for found in [written.known("sweep", &sweep), written.known(RANGE, &range)] {
            tried.extend(found.tables);
            known.extend(found.others);
            for key in found.keys {
                let (Others::Each(values) | Others::Any(values)) = key.others(&resolved);
                let mut plans = values.iter().filter_map(|value| planned(&written.with(&key.path, value)));
                if plans.any(|plan| plan != before) {
                    tried.insert(key.path.clone());
                }
                known.insert(key.path);
            }
        }
    }
    let ignored: Vec<&String> =
        known.difference(&tried).filter(|key| !["sweep.space", "sweep.trade_off"].contains(&key.as_str())).collect();
    assert!(ignored.is_empty(), "read and ignored: {ignored:?}");
}
