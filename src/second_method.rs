//! Whether the program serves a method that it was not written for: the one of fixed masks, which is there for tests alone.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tch::Device;

use crate::{
    experiment::{Session, decompose, evaluate},
    fit::Observer,
    interrupt::{Interrupt, Interrupted},
    report,
    run::{SweepFolder, Unfinished},
    spec::{self, Spec},
    sweep::{self, Plan},
};

const SPEC: &str = r#"
name = "toy"
seeds = 2
[target.tms]
features = 5
hidden = 2
hidden_layers = 1
[target.initial_values]
[target.inputs.independent]
probability = 0.3
low = 0.0
high = 1.0
[target.training]
steps = 100
batch = 64
learning_rate = 0.01
[method.toy]
components = 3
active = 0.5
[decomposition]
steps = 60
batch = 32
learning_rate = 0.01
[measurement]
samples = 320
"#;

/// Asks to stop after so many steps of the components.
struct StopAfter {
    step: Option<u64>,
    of_components: bool,
    /// The step at which the training of the components has begun.
    begun_at: Arc<AtomicU64>,
    interrupt: Interrupt,
}

impl Observer for StopAfter {
    fn begin(&mut self, stage: &str, first_step: u64, _: u64) {
        self.of_components = stage == "components";
        self.begun_at.store(first_step, Ordering::Relaxed);
    }

    fn progress(&mut self, step: u64, _: Option<&[(String, f64)]>) {
        if self.of_components && self.step.is_some_and(|last| step >= last) {
            self.interrupt.request();
        }
    }

    fn end(&mut self) {}
}

fn session(results: &Path, stop_after: Option<u64>) -> Session {
    watched(results, stop_after, &Arc::default())
}

fn watched(results: &Path, stop_after: Option<u64>, begun_at: &Arc<AtomicU64>) -> Session {
    let interrupt = Interrupt::never();
    let (begun_at, of_components) = (Arc::clone(begun_at), false);
    let observer = StopAfter { step: stop_after, of_components, begun_at, interrupt: interrupt.clone() };
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

fn spec() -> Spec {
    spec::parse(Path::new("toy.toml"), SPEC, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn it_is_trained_saved_resumed_bit_for_bit_measured_and_reported() {
    let results = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let whole = decompose(&spec(), &mut session(results[0].path(), None)).unwrap().folder;

    let stopped = decompose(&spec(), &mut session(results[1].path(), Some(20)));
    let Err(Unfinished::Interrupted(Interrupted { step: stopped_at, .. })) = stopped else { panic!("{stopped:?}") };
    assert!((20..60).contains(&stopped_at), "{stopped_at}");
    let begun_at = Arc::default();
    let resumed = decompose(&spec(), &mut watched(results[1].path(), None, &begun_at)).unwrap().folder;
    assert_eq!(begun_at.load(Ordering::Relaxed), stopped_at, "it goes on and does not begin anew");
    for name in ["training.csv", "components.safetensors", "summary.csv", "components.csv", "ranks.csv", "features.csv"]
    {
        assert!(fs::read(whole.join(name)).unwrap() == fs::read(resumed.join(name)).unwrap(), "{name}");
    }

    let training = text(&whole, "training.csv");
    assert!(["faithfulness", "masked_output", "total"].iter().all(|term| training.contains(term)), "{training}");
    // Three components at each of two sites.
    let components = text(&whole, "components.csv");
    assert_eq!(components.lines().count(), 1 + 2 * 6, "{components}");
    let summary = text(&whole, "summary.csv");

    fs::remove_file(whole.join("summary.csv")).unwrap();
    evaluate(&spec(), &session(results[0].path(), None), &whole).unwrap();
    assert_eq!(text(&whole, "summary.csv"), summary, "components that were read back measure the same");

    let report = report::make(std::slice::from_ref(&whole)).unwrap();
    assert!(report.text(80).contains("toy"), "{}", report.text(80));
    assert!(text(&whole, "report/report.html").contains("A method of fixed masks"));
}

#[test]
fn it_is_swept() {
    let results = tempfile::tempdir().unwrap();
    let path = results.path().join("toy.toml");
    let sweep = "[sweep.space]\n\"method.toy.active\" = [0.25, 0.5]\n\"method.toy.components\" = [2, 3]\n";
    fs::write(&path, format!("{SPEC}{sweep}")).unwrap();
    let mut plan = Plan::new(sweep::load_trials(&path, &[]).unwrap_or_else(|error| panic!("{error}")));
    assert_eq!(plan.packs, [[0, 2], [1, 3]], "what may differ within a pack");
    let folder = SweepFolder::open(results.path(), "toy", &plan.sweep_toml(), false).unwrap();
    plan.fix(&folder).unwrap();
    let failed = sweep::work(&plan, &folder, &sweep::Part::default(), &mut session(results.path(), None)).unwrap();
    assert_eq!(failed, 0);
    assert_eq!(sweep::overview(&plan, &folder).results.len(), 4);
}
