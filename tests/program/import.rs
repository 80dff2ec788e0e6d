//! Networks and components from files of PyTorch: what must come out, and what is refused with which words.
//!
//! The files in `tests/checkpoints` were written by `torch.save` from state dicts of the paper authors' implementation:
//! twelve toy models of superposition with the components that it found and their measures, and a residual MLP with
//! biases and its outputs. Three files hold the toy models in other ways; torch 2.11.0 wrote them by this program:
//!
//! ```python
//! state = torch.load("tms_5-2_target.pth")
//! torch.save(state, "legacy.pt", _use_new_zipfile_serialization=False)
//! # One storage for both, of bfloat16; a transposed view of a copy; a parameter; settings beside the weights.
//! one = torch.cat([state["linear1.weight"].flatten(), state["b_final"].flatten()]).bfloat16()
//! weight = one[:120].view(12, 5, 2).transpose(1, 2).contiguous().transpose(1, 2)
//! model = {"linear1.weight": weight, "b_final": torch.nn.Parameter(one[120:].view(12, 5))}
//! config = {"lr": 0.1, "name": "tms", "sizes": (5, 2), "wide": None}
//! optimizer = {"state": {0: {"step": torch.tensor(7)}}}
//! everything = {"epoch": 3, "config": config, "model": OrderedDict(model), "optimizer": optimizer}
//! torch.save(everything, "nested.pt")
//! torch.save({name: tensor.double() for name, tensor in state.items()}, "protocol_5.pt", pickle_protocol=5)
//! ```
//!
//! Three more hold what may stand beside weights, all of which `torch.load(weights_only=True)` reads:
//!
//! ```python
//! from collections import Counter, OrderedDict
//! weight = torch.nn.Parameter(torch.arange(10.0).view(5, 2))
//! weight.note = "x"
//! bias = torch.arange(5.0)
//! bias.note = ["y"]
//! keys = {(1, 2): 1, 0.5: 2, None: 3, True: 4, b"k": 5, "a\udcff": 6}
//! beside = [torch.float32, torch.device("cuda:1"), torch.Size([1, 2]), {1, 2}, Counter("aab"), b"a\xff",
//!           bytearray(b"a"), 1 + 2j, 2**200, torch.strided, torch.per_tensor_affine, torch.ones(2).untyped_storage(), keys]
//! plain = {"model": OrderedDict([("linear1.weight", weight), ("b_final", bias)]), "beside": beside}
//! plain["itself"] = plain
//! torch.save(plain, "plain_data.pth")
//! views = {"expanded": torch.arange(2.0).expand(5, 2), "one": torch.tensor(3.0).expand(2, 3), "diagonal": torch.arange(9.0).view(3, 3).diagonal(),
//!          "overlapping": torch.arange(9.0).as_strided((3, 2), (1, 2), 3), "negative": torch._neg_view(torch.arange(3.0)),
//!          "huge": torch.ones(1).expand(100_000, 100_000)}
//! torch.save(views, "views.pth")
//! odd = {"sparse": torch.eye(2).to_sparse(), "rows": torch.eye(2).to_sparse_csr(), "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
//!        "nested": torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]), "meta": torch.empty(2, device="meta"), "complex": torch.ones(2) * 1j,
//!        "small": torch.ones(2).to(torch.float8_e4m3fn), "unsigned": torch.ones(2).to(torch.uint16), "twice": {1: torch.ones(1), "1": torch.ones(2)}, "plain": torch.ones(2)}
//! torch.save(odd, "odd_tensors.pth")
//! ```

use std::{fs, path::Path};

use crate::cli_test::{Ended, Test};
use crate::support::assert_close;
use apd::{
    components::Components,
    execute::{Masked, Tape},
    run::{read_table, read_tensors},
    state_dict_file::{ImportOptions, ImportedComponents, ImportedTarget, Refusal, StateDictFile},
};
use proptest::prelude::*;
use snapbox::str;
use tch::{Kind, Tensor};

const FILES: &str = "tests/checkpoints";

fn path(name: &str) -> String {
    format!("{}/{FILES}/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap()
}

fn read(name: &str) -> StateDictFile {
    StateDictFile::read(Path::new(&path(name))).unwrap()
}

fn json(name: &str) -> serde_json::Value {
    serde_json::from_slice(&bytes(name)).unwrap()
}

/// With the toy models and their components as `target.pth` and `components.pth`.
fn with_tms() -> Test {
    Test::new()
        .with_file("target.pth", bytes("tms_5-2_target.pth"))
        .with_file("components.pth", bytes("tms_5-2_components.pth"))
}

const IMPORT: [&str; 5] = ["import", "components", "components.pth", "--target", "target.pth"];

/// The one entry of `runs` whose name begins and ends so, as a path from the test's folder.
pub fn in_runs(folder: &Path, begin: &str, end: &str) -> String {
    let names =
        fs::read_dir(folder.join("runs")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names = names.filter(|name| name.starts_with(begin) && name.ends_with(end));
    let name = names.next().expect("an entry of this name");
    assert_eq!(names.next(), None);
    format!("runs/{name}")
}

#[derive(serde::Deserialize)]
struct Summary {
    mmcs: f64,
    ml2r: f64,
    recovered: bool,
}

#[test]
fn imported_toy_models_have_the_measures_that_their_authors_code_gives() {
    let imported = with_tms().args(IMPORT).succeeds();
    imported.stdout_is(str![""]).stderr_is(str![[r#"
target.pth: its matrices are [in, out] (layout matrix, which their shapes tell)
components.pth: its factors are A [d_in, rank], B [rank, d_out] (layout matrix, which their shapes tell)
what the file does not say is as in experiments/tms_5-2.toml; --spec or --set gives it
import finished: runs/components-[..]
  help: measure it with: apd evaluate runs/components-[..]

"#]]);
    let run = in_runs(imported.folder.path(), "components-", "");
    let evaluated = imported.then().args(["evaluate", &run, "--device", "cpu"]).succeeds();
    evaluated.stderr_is(str![[r#"
measuring 12 replicas
evaluation finished: runs/components-[..]
report: runs/components-[..]/report/report.html

"#]]);
    assert!(evaluated.stdout.contains("Recovered: 7 of 12"), "{}", evaluated.stdout);
    let rows: Vec<Summary> = read_table(&evaluated.folder.path().join(run).join("summary.csv")).unwrap();
    let expected = json("tms_5-2.json");
    for (replica, row) in rows.iter().enumerate() {
        for (name, found) in [("mmcs", row.mmcs), ("ml2r", row.ml2r)] {
            let expected = expected[name][replica].as_f64().unwrap();
            assert!((found - expected).abs() <= 1e-5, "{name} of replica {replica}: {found}, expected {expected}");
        }
    }
    assert_eq!(rows.len(), 12);
    assert_eq!(rows.iter().filter(|row| row.recovered).count(), 7);
}

#[test]
fn components_alone_do_not_serve_a_method_that_learns_more() {
    let spec = fs::read_to_string("experiments/tms_5-2_spd.toml").unwrap();
    let failed = with_tms().with_file("spd.toml", spec.into_bytes());
    let import = ["import", "components", "components.pth", "--target", "target.pth", "--spec", "spd.toml"];
    failed.args(import).fails(1).stderr_is(str![[r#"
target.pth: its matrices are [in, out] (layout matrix, which their shapes tell)
components.pth: its factors are A [d_in, rank], B [rank, d_out] (layout matrix, which their shapes tell)
error: components.pth has components alone, but [method.spd] also needs `importance_function.embed.0.weight`
  help: give the spec of a method that has components alone

"#]]);
}

#[test]
fn an_import_says_where_it_comes_from_and_is_done_once() {
    let imported = with_tms().args(IMPORT).args(["--set", "measurement.samples=1000"]).succeeds();
    let run = in_runs(imported.folder.path(), "components-", "");
    let folder = imported.folder.path().join(&run);
    let spec = apd::spec::load(&folder.join("spec.toml"), &[]).unwrap();
    assert_eq!(spec.target.imported, Some(read("tms_5-2_target.pth").digest));
    assert_eq!(spec.imported_components, Some(read("tms_5-2_components.pth").digest));
    let provenance = fs::read_to_string(folder.join("provenance.json")).unwrap();
    assert!(provenance.contains(r#""status": "imported""#), "{provenance}");
    let notes = apd::run::TensorFile::read(&folder.join("components.safetensors")).unwrap().notes;
    assert_eq!(notes["imported_from"], "components.pth");

    let again = imported.then().args(IMPORT).args(["--set", "measurement.samples=1000"]).succeeds();
    assert!(again.stderr.contains("import was finished already: "), "{}", again.stderr);
    let spec = format!("{run}/spec.toml");
    for command in ["run", "decompose"] {
        Test::new()
            .with_file("x.toml", fs::read(again.folder.path().join(&spec)).unwrap())
            .args([command, "x.toml"])
            .fails(1)
            .stderr_is(str![[r#"
error: the components of this spec are imported, not trained
  help: measure them with `apd evaluate RUN`, or take the key `imported_components` out of the spec to train some

"#]]);
    }
}

#[test]
fn an_evaluation_of_a_trained_run_leaves_its_tables_byte_for_byte_and_how_it_was_trained() {
    let trained = Test::new().with_spec().args(["run", "tiny.toml", "--device=cpu", "--threads=1"]).succeeds();
    let run = in_runs(trained.folder.path(), "tiny-", "");
    // That no file changes is checked by `succeeds`.
    let evaluated = trained.then().args(["evaluate", &run, "--device=cpu", "--threads=1"]).succeeds();
    let provenance = fs::read_to_string(evaluated.folder.path().join(&run).join("provenance.json")).unwrap();
    let provenance: serde_json::Value = serde_json::from_str(&provenance).unwrap();
    assert_eq!(provenance["command"][1], "run");
    assert_eq!(provenance["evaluation"]["command"][1], "evaluate");
    assert_eq!(provenance["status"], "finished");

    let lost = evaluated.then().with_change(|folder| fs::remove_file(folder.join(&run).join("summary.csv")).unwrap());
    let again = lost.args(["evaluate", &run, "--device=cpu"]).succeeds();
    assert!(again.files().keys().any(|path| path.ends_with("summary.csv")));
}

#[test]
fn an_evaluation_needs_a_run_with_components_and_takes_no_settings() {
    Test::new().args(["evaluate", "nothing"]).fails(1).stderr_is(str![[r#"
error: there is no folder nothing
  help: give the folder of a run, which `apd list` lists

"#]]);
    Test::new().args(["evaluate", "x", "--set", "seeds=3"]).fails(2).stderr_is(str![[r#"
error: a run is measured as its own spec says, so --set changes nothing here
  help: other settings are another run: give --set to `apd import components` or `apd decompose`

"#]]);
    let imported = with_tms().args(IMPORT).succeeds();
    let run = in_runs(imported.folder.path(), "components-", "");
    let lost = imported
        .then()
        .with_change(|folder| fs::remove_file(folder.join(&run).join("components.safetensors")).unwrap());
    lost.args(["evaluate", &run]).fails(1).stderr_is(str![[r#"
error: cannot read runs/components-[..]/components.safetensors: No such file or directory
  help: check the path; a run folder that lacks files belongs to an unfinished run

"#]]);
}

#[test]
fn every_way_of_torch_to_save_a_state_dict_is_read() {
    let expected = read("tms_5-2_target.pth");
    assert!(expected.converted.is_empty());
    let legacy = read("legacy.pt");
    assert_eq!(legacy.tensors, expected.tensors);
    let doubles = read("protocol_5.pt");
    assert_eq!((&doubles.tensors, doubles.converted), (&expected.tensors, vec!["64-bit floats"]));
    let nested = read("nested.pt");
    assert_eq!(nested.converted, ["bfloat16"]);
    let names: Vec<&str> = nested.tensors.keys().map(String::as_str).collect();
    assert_eq!(names, ["model.b_final", "model.linear1.weight", "optimizer.state.0.step"]);
    for (name, tensor) in &expected.tensors {
        let rounded = tensor.to_kind(Kind::BFloat16).to_kind(Kind::Float);
        assert_eq!(nested.tensors[&format!("model.{name}")], rounded, "{name}");
    }
}

#[test]
fn a_state_dict_among_other_things_is_found_and_said_to_be_rounded() {
    let test =
        Test::new().with_file("nested.pt", bytes("nested.pt")).args(["import", "target", "nested.pt"]).succeeds();
    test.stderr_is(str![[r#"
warning: nested.pt: bfloat16 became 32-bit floats
nested.pt: passed over 1 tensor(s) outside of `model.`
nested.pt: its matrices are [in, out] (layout matrix, which their shapes tell)
what the file does not say is as in experiments/tms_5-2.toml; --spec or --set gives it
12 target(s) imported: runs/targets
spec: runs/nested-[..].toml
  help: take them apart with: apd decompose runs/nested-[..].toml

"#]]);
}

const SHORT: [&str; 7] = [
    "--device=cpu",
    "--threads=1",
    "--set=decomposition.steps=2",
    "--set=decomposition.batch=16",
    "--set=decomposition.warm_up=0.0",
    "--set=method.apd.selection.batch_top_k.k=1",
    "--set=measurement.samples=100",
];

#[test]
fn an_imported_target_is_taken_apart_and_never_trained() {
    let imported = with_tms().args(["import", "target", "target.pth"]).succeeds();
    imported.stdout_is(str![""]).stderr_is(str![[r#"
target.pth: its matrices are [in, out] (layout matrix, which their shapes tell)
what the file does not say is as in experiments/tms_5-2.toml; --spec or --set gives it
12 target(s) imported: runs/targets
spec: runs/target-[..].toml
  help: take them apart with: apd decompose runs/target-[..].toml

"#]]);
    let spec = in_runs(imported.folder.path(), "target-", ".toml");
    let done = imported.then().args(["decompose", &spec]).args(SHORT).args(["--set=seeds=[3, 11]"]).succeeds();
    assert!(!done.stderr.contains("target:"), "{}", done.stderr);
    let run = fs::read_dir(done.folder.path().join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let run = run.into_iter().find(|path| path.join("summary.csv").is_file()).unwrap();
    let tensors = read_tensors(&run.join("target.safetensors")).unwrap();
    let embed = &tensors.iter().find(|(name, _)| name == "embed").unwrap().1;
    let of_file = &read("tms_5-2_target.pth").tensors["linear1.weight"];
    assert_eq!(*embed, of_file.index_select(0, &Tensor::from_slice(&[3_i64, 11])));

    let elsewhere = done.then().args(["run", &spec, "--results", "elsewhere"]).args(SHORT).fails(1);
    elsewhere.stderr_is(str![[r#"
error: the target of seed 0 is imported, and not in elsewhere/targets
  help: import it there with `apd import target`, or take the key `target.imported` out of the spec to train one

"#]]);
}

/// Components and target of the residual MLP of the fixtures.
fn residual_mlp() -> (ImportedTarget, Components) {
    let path = Path::new("x.pth");
    let target = ImportedTarget::find(&read("residual_mlp_target.pth"), path, &ImportOptions::default()).unwrap();
    let file = read("residual_mlp_components.pth");
    let components = ImportedComponents::find(&file, path, &target, &ImportOptions::default()).unwrap();
    let get = |name: &str| Some(components.tensors.iter().find(|(found, _)| found == name)?.1.shallow_clone());
    let components = Components::from_files(&target.network.sites(), get).unwrap();
    (target, components)
}

#[test]
fn an_imported_residual_mlp_with_biases_has_the_outputs_that_its_authors_code_gives() {
    let (ImportedTarget { network, weights, .. }, components) = residual_mlp();
    let expected = Tensor::read_safetensors(path("residual_mlp.safetensors")).unwrap();
    // [batch, instance, feature] there.
    let expected =
        |name: &str| expected.iter().find(|(found, _)| found == name).unwrap().1.transpose(0, 1).contiguous();
    let input = expected("x");
    assert_close(&network.output(&weights, &input), &expected("target_output"), 1e-5, "target");
    let tape = Tape::new(network.graph(), Masked::all(&components, &input), &weights, &input);
    assert_close(tape.output(), &expected("all_components_output"), 1e-5, "all components");
}

#[test]
fn a_residual_mlp_is_imported_and_measured() {
    let test = Test::new()
        .with_file("target.pth", bytes("residual_mlp_target.pth"))
        .with_file("components.pth", bytes("residual_mlp_components.pth"));
    let imported = test.args(IMPORT).args(["--set", "measurement.samples=500"]).succeeds();
    let run = in_runs(imported.folder.path(), "components-", "");
    let sizes = json("residual_mlp.json");
    let spec = apd::spec::load(&imported.folder.path().join(&run).join("spec.toml"), &[]).unwrap();
    let apd::network::Network::ResidualMlp(mlp) = &spec.target.network else { panic!("another network") };
    let found = [mlp.features, mlp.width, mlp.neurons_per_layer(), mlp.layers, spec.seeds.len()];
    assert_eq!(
        found.map(Some),
        ["features", "d_embed", "d_mlp", "layers", "instances"]
            .map(|key| sizes[key].as_u64().map(|size| size as usize))
    );
    let evaluated = imported.then().args(["evaluate", &run, "--device", "cpu"]).succeeds();
    assert!(evaluated.stdout.contains("2 replicas, finished"), "{}", evaluated.stdout);
}

#[test]
fn our_own_files_can_be_imported() {
    let trained = Test::new().with_spec().args(["run", "tiny.toml", "--device=cpu", "--threads=1"]).succeeds();
    let run = in_runs(trained.folder.path(), "tiny-", "");
    let (target, components) = (format!("{run}/target.safetensors"), format!("{run}/components.safetensors"));
    let args = ["import", "components", &components, "--target", &target, "--spec", "tiny.toml"];
    let imported = trained.then().args(args).args(["--set", "name=again"]).succeeds();
    let again = in_runs(imported.folder.path(), "again-", "");
    let evaluated = imported.then().args(["evaluate", &again, "--device=cpu", "--threads=1"]).succeeds();
    let table = |run: &str, name: &str| fs::read(evaluated.folder.path().join(run).join(name)).unwrap();
    for name in ["summary.csv", "components.csv", "ranks.csv", "features.csv"] {
        assert_eq!(table(&again, name), table(&run, name), "{name}");
    }
}

/// The tensors of the first toy model, changed, as a safetensors file without instances, imported as a target.
fn import_changed(change: impl FnOnce(&mut Vec<(String, Tensor)>)) -> Ended {
    let mut tensors: Vec<(String, Tensor)> =
        read("tms_5-2_target.pth").tensors.into_iter().map(|(name, tensor)| (name, tensor.select(0, 0))).collect();
    change(&mut tensors);
    let test = Test::new()
        .with_change(|folder| apd::run::write_tensors(&folder.join("x.safetensors"), &tensors, &[]).unwrap());
    let ended = test.args(["import", "target", "x.safetensors"]).fails(1);
    ended.stdout_is(str![""]);
    assert!(!ended.folder.path().join("runs").exists());
    ended
}

#[test]
fn a_missing_tensor_is_named() {
    import_changed(|tensors| tensors.retain(|(name, _)| name != "b_final")).stderr_is(str![[r#"
error: x.safetensors does not fit: it lacks `bias` (`b_final`, `linear2.bias`)
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
}

#[test]
fn a_file_without_any_known_name_is_told_what_was_looked_for() {
    import_changed(|tensors| tensors.iter_mut().for_each(|(name, _)| *name = format!("{name}\u{1b}s"))).stderr_is(str![[r#"
error: x.safetensors does not fit: it has no tensor `embed` (`linear1.weight`, `W`) or `W_E`, only: `b_final/u{1b}s`, `linear1.weight/u{1b}s`
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
}

#[test]
fn an_extra_tensor_is_named() {
    import_changed(|tensors| tensors.push(("linear3.weight".into(), Tensor::zeros([2, 5], tch::kind::FLOAT_CPU))))
        .stderr_is(str![[r#"
error: x.safetensors does not fit: `linear3.weight` has no place in it
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
}

#[test]
fn everything_wrong_with_a_file_is_told_at_once() {
    import_changed(|tensors| {
        let _ = tensors[1].1.get(3).get(1).fill_(f64::NAN);
        let _ = tensors[0].1.get(0).fill_(f64::INFINITY);
        tensors.push(("hidden_layers.0.weight".into(), Tensor::zeros([2, 3], tch::kind::FLOAT_CPU)));
        tensors.push(("hidden_layers.2.weight".into(), Tensor::zeros([2, 2], tch::kind::FLOAT_CPU)));
    })
    .stderr_is(str![[r#"
error: x.safetensors does not fit:
  - `linear1.weight` has 1 value(s) that are not finite
  - `hidden_layers.0.weight` has the shape [2, 3], not [2, 2]
  - `b_final` has 1 value(s) that are not finite
  - `hidden_layers.2.weight` has no place in it
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
}

#[test]
fn components_of_another_target_are_refused() {
    let test = with_tms().with_file("components.pth", bytes("residual_mlp_components.pth"));
    test.args(IMPORT).fails(1).stderr_is(str![[r#"
target.pth: its matrices are [in, out] (layout matrix, which their shapes tell)
error: components.pth does not fit: it has no tensor `embed.A` (`linear1.A`, `W.A`), only: `W_E`, `W_U`, `layers.0.bias1`, `layers.0.bias2`, `layers.0.mlp_in.A`, `layers.0.mlp_in.B`, `layers.0.mlp_out.A`, `layers.0.mlp_out.B`, `layers.1.bias1`, `layers.1.bias2`, and 4 more
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
    let mut target: Vec<_> = read("tms_5-2_target.pth").tensors.into_iter().collect();
    target[0].1 = &target[0].1 + 1.0;
    let change = |folder: &Path| apd::run::write_tensors(&folder.join("target.pth"), &target, &[]).unwrap();
    with_tms().with_change(change).args(IMPORT).fails(1).stderr_is(str![[r#"
target.pth: its matrices are [in, out] (layout matrix, which their shapes tell)
error: components.pth does not fit: `b_final` is not that of the target
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
}

#[test]
fn a_spec_of_other_sizes_is_told_all_that_differs() {
    let test = with_tms().with_spec().args(IMPORT).args(["--spec", "tiny.toml", "--set", "target.tms.hidden=3"]);
    test.fails(1).stderr_is(str![[r#"
target.pth: its matrices are [in, out] (layout matrix, which their shapes tell)
components.pth: its factors are A [d_in, rank], B [rank, d_out] (layout matrix, which their shapes tell)
error: the spec does not fit components.pth:
  - target.tms.hidden: the spec has 3, the file 2
  - method.apd.rank: the spec has 2, the file 3
  - seeds: the spec has 2, the file 12
  help: change the spec, or give the value with --set, for example --set target.tms.hidden=2

"#]]);
    let test = with_tms().with_spec().args([
        "import",
        "target",
        "target.pth",
        "--spec",
        "tiny.toml",
        "--set",
        "seeds=[2, 12]",
    ]);
    test.fails(1).stderr_is(str![[r#"
target.pth: its matrices are [in, out] (layout matrix, which their shapes tell)
error: the spec does not fit target.pth:
  - seeds: the spec has 12, the instances of the target are the seeds below 12
  help: change the spec, or give the value with --set, for example --set seeds=12

"#]]);
}

/// Refused as a checkpoint, with these words.
fn refused(content: &[u8], why: impl snapbox::IntoData) {
    let test = Test::new().with_file("x.pth", content).args(["import", "target", "x.pth"]).fails(1);
    test.stdout_is(str![""]).stderr_is(why);
    assert_eq!(test.files().len(), 1, "nothing was made, and nothing was run");
}

/// A pickle that runs `touch owned` where pickles are run.
const MALICIOUS: &[u8] = b"\x80\x02cos\nsystem\nX\x0b\x00\x00\x00touch owned\x85R.";

/// An archive of one file, uncompressed, as `torch.save` would leave it.
fn archive(path: &str, content: &[u8]) -> Vec<u8> {
    archive_of(&[(path, content)])
}

/// The same of several.
fn archive_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (path, content) in files {
        let size = (content.len() as u32).to_le_bytes();
        let checksum = crc32fast::hash(content).to_le_bytes();
        let about = [&checksum[..], &size, &size, &(path.len() as u16).to_le_bytes(), &[0; 2]].concat();
        directory.extend([b"PK\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0", &about[..], &[0; 10]].concat());
        directory.extend([&(archive.len() as u32).to_le_bytes()[..], path.as_bytes()].concat());
        archive.extend([b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0", &about[..], path.as_bytes(), content].concat());
    }
    let count = (files.len() as u16).to_le_bytes();
    let sizes = [(directory.len() as u32).to_le_bytes(), (archive.len() as u32).to_le_bytes()].concat();
    [&archive[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &sizes, &[0; 2]].concat()
}

#[test]
fn a_malicious_pickle_is_refused_and_not_run() {
    let refusal = || {
        str![[r#"
error: cannot use x.pth: its pickle asks for `os.system`, which no state dict needs; apd runs no pickles
  help: save the state dict alone: torch.save(model.state_dict(), "model.pth"), or safetensors.torch.save_file

"#]]
    };
    refused(MALICIOUS, refusal());
    refused(&archive("x/data.pkl", MALICIOUS), refusal());
    // The same by protocol 4's words.
    refused(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0btouch owned\x85R.", refusal());
}

#[test]
fn a_word_that_makes_objects_of_any_class_is_refused() {
    refused(
        &archive("data.pkl", b"\x80\x02ccollections\nOrderedDict\n)}\x92."),
        str![[r#"
error: cannot use x.pth: its pickle uses the word 0x92, which no tensor needs; apd runs no pickles
  help: save the state dict alone: torch.save(model.state_dict(), "model.pth"), or safetensors.torch.save_file

"#]],
    );
}

#[test]
fn files_that_are_something_else_are_refused() {
    refused(
        b"",
        str![[r#"
error: cannot use x.pth: it is empty
  help: download or copy it again, and compare its size with that of the original

"#]],
    );
    refused(
        &archive("word/document.xml", b"<w/>"),
        str![[r#"
error: cannot use x.pth: it is an archive of another program: it holds no data.pkl
  help: save the state dict alone: torch.save(model.state_dict(), "model.pth"), or safetensors.torch.save_file

"#]],
    );
    refused(
        &archive("data.pkl", b"\x80\x02}."),
        str![[r#"
error: cannot use x.pth: it holds no tensors
  help: save the state dict alone: torch.save(model.state_dict(), "model.pth"), or safetensors.torch.save_file

"#]],
    );
    refused(
        b"seeds = 3\n",
        str![[r#"
error: cannot use x.pth: it is a text: `seeds = 3`
  help: give a file of torch.save or a safetensors file

"#]],
    );
    refused(
        &bytes("residual_mlp.safetensors")[..1_000],
        str![[r#"
error: cannot use x.pth: it is no sound safetensors file ([..])
  help: download or copy it again, and compare its size with that of the original

"#]],
    );
    Test::new().args(["import", "target", "missing.pth"]).fails(1).stderr_is(str![[r#"
error: there is no file missing.pth
  help: check the path and the current folder

"#]]);
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let whole = bytes("tms_5-2_target.pth");
    refused(
        &whole[..whole.len() / 2],
        str![[r#"
error: cannot use x.pth: its archive has no directory at its end: the file is cut off or damaged
  help: download or copy it again, and compare its size with that of the original

"#]],
    );
    for name in SMALL {
        let whole = bytes(name);
        for end in 0..whole.len() {
            assert!(StateDictFile::parse(&whole[..end]).is_err(), "{name} cut off at {end} was read");
        }
    }
}

#[test]
fn a_file_that_cannot_be_a_toy_models_is_refused_unread() {
    let file = tempfile::NamedTempFile::new().unwrap();
    // Without content, it takes no room on the disk.
    file.as_file().set_len(65 << 30).unwrap();
    let what = StateDictFile::read(file.path()).unwrap_err().what().to_string();
    assert_eq!(what, format!("cannot use {}: it is larger than 64 GB", file.path().display()));
    let what = StateDictFile::read(Path::new("tests")).unwrap_err().what().to_string();
    assert_eq!(what, "cannot use tests: it is a folder");
}

/// Why `legacy.pt` with these bytes replaced is refused.
fn refusal_of_changed(from: &[u8], to: &[u8]) -> String {
    let content = bytes("legacy.pt");
    let place = content.windows(from.len()).position(|window| window == from).expect("the bytes to replace");
    let changed = [&content[..place], to, &content[place + from.len()..]].concat();
    StateDictFile::parse(&changed).unwrap_err().why
}

#[test]
fn shapes_that_reach_beyond_their_storage_are_refused_before_anything_is_allocated() {
    let lies = [
        // An offset of 1; the first size a hundred times, and then many times, what is there.
        (&b"QK\x00K\x0cK\x05K\x02\x87"[..], &b"QK\x01K\x0cK\x05K\x02\x87"[..]),
        (b"QK\x00K\x0cK\x05K\x02\x87", b"QK\x00M\xb0\x04K\x05K\x02\x87"),
        (b"QK\x00K\x0cK\x05K\x02\x87", b"QK\x00\x8a\x08\0\0\0\0\0\0\0\x70K\x05K\x02\x87"),
    ];
    let refusals = lies.map(|(from, to)| refusal_of_changed(from, to));
    let outside =
        |shape: &str| format!("`linear1.weight` has the shape [{shape}], of which elements lie outside of its storage");
    assert_eq!(refusals, [outside("12, 5, 2"), outside("1200, 5, 2"), outside("8070450532247928832, 5, 2"),]);
}

#[test]
fn a_dictionary_in_itself_is_entered_once() {
    let pickle = b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.";
    let error = StateDictFile::parse(&archive("data.pkl", pickle)).unwrap_err();
    assert_eq!(error.why, "it holds no tensors");
}

/// The smallest file of every container.
const SMALL: [&str; 5] = ["tms_5-2_target.pth", "legacy.pt", "nested.pt", "protocol_5.pt", "residual_mlp.safetensors"];

proptest! {
    /// A changed byte is found out by a checksum or leads to an error, or is in a place that says nothing.
    #[test]
    fn no_changed_bytes_make_the_reader_panic(
        name in proptest::sample::select(&SMALL[..]),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut content = bytes(name);
        for (place, byte) in changes {
            let place = place.index(content.len());
            content[place] = byte;
        }
        let _ = StateDictFile::parse(&content);
    }

    /// Without the checksum of the archive before it.
    #[test]
    fn no_changed_bytes_of_a_pickle_make_the_reader_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut content = PICKLE.to_vec();
        for (place, byte) in changes {
            let place = place.index(content.len());
            content[place] = byte;
        }
        let _ = StateDictFile::parse(&archive("data.pkl", &content));
        let _ = StateDictFile::parse(&content);
    }

    #[test]
    fn no_bytes_whatever_make_the_reader_panic(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = StateDictFile::parse(&content);
        let _ = StateDictFile::parse(&[&[0x80, 2], &content[..]].concat());
        let _ = StateDictFile::parse(&archive("data.pkl", &content));
    }
}

/// The pickle of a state dict of one tensor, without its storage.
const PICKLE: &[u8] = b"\x80\x02ccollections\nOrderedDict\n)R(X\x03\x00\x00\x00W_Ectorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQK\x00K\x02K\x03\x86K\x03K\x01\x86\x89}tRu.";

#[test]
fn plain_data_beside_the_weights_is_passed_over() {
    let file = read("plain_data.pth");
    let names: Vec<&str> = file.tensors.keys().map(String::as_str).collect();
    assert_eq!((names, file.unusable.len()), (vec!["model.b_final", "model.linear1.weight"], 0));
    let weight = &file.tensors["model.linear1.weight"];
    assert_eq!(*weight, Tensor::arange(10, tch::kind::FLOAT_CPU).view([5, 2]));
    let test = Test::new().with_file("x.pth", bytes("plain_data.pth")).args(["import", "target", "x.pth"]).succeeds();
    assert!(!test.stderr.contains("warning"), "{}", test.stderr);
}

#[test]
fn views_are_read_as_torch_reads_them() {
    let file = read("views.pth");
    let is = |name: &str, values: &[f32], size: &[i64]| {
        assert_eq!(file.tensors[name], Tensor::from_slice(values).view(size), "{name}");
    };
    is("expanded", &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0], &[5, 2]);
    is("one", &[3.0; 6], &[2, 3]);
    is("diagonal", &[0.0, 4.0, 8.0], &[3]);
    is("overlapping", &[3.0, 5.0, 4.0, 6.0, 5.0, 7.0], &[3, 2]);
    is("negative", &[0.0, -1.0, -2.0], &[3]);
    // One number, ten thousand million times.
    assert_eq!(file.unusable["huge"].why, "has 10000000000 elements, far more than the file holds");
    assert_eq!(file.tensors.len(), 5);
}

#[test]
fn tensors_that_cannot_be_weights_are_told_only_where_there_are_no_others() {
    let file = read("odd_tensors.pth");
    let names: Vec<&str> = file.tensors.keys().map(String::as_str).collect();
    assert_eq!(names, ["plain"]);
    let told: Vec<String> = file.unusable.iter().map(|(name, refusal)| format!("{name} {}", refusal.why)).collect();
    assert_eq!(
        told,
        [
            "complex has elements of the kind complex64",
            "meta is a meta tensor, which has a shape and no values",
            "nested is a nested tensor",
            "quantised is quantised",
            "rows is sparse",
            "small has elements of the kind float8_e4m3fn",
            "sparse is sparse",
            "twice.1 is the name of two tensors",
            "unsigned has elements of the kind uint16",
        ]
    );
    let refusal = file.check_usable(Path::new("x.pth"), |name| name == "sparse").unwrap_err().to_string();
    assert!(refusal.contains("x.pth does not fit: `sparse` is sparse\n  help: save its to_dense()"), "{refusal}");
    assert!(file.check_usable(Path::new("x.pth"), |name| name == "plain").is_ok());
    let meta = b"\x80\x02}X\x05\0\0\0b_outctorch._utils\n_rebuild_meta_tensor_no_storage\n(ctorch\nfloat32\nK\x05\x85K\x01\x85\x89tRs.";
    refused(
        &archive("data.pkl", meta),
        str![[r#"
error: cannot use x.pth: none of its tensors can be a weight: `b_out` is a meta tensor, which has a shape and no values
  help: save the model after its weights are loaded

"#]],
    );
}

#[test]
fn classes_that_are_no_plain_data_are_refused_by_their_name() {
    let classes = [
        "__main__\nNet",
        "numpy.core.multiarray\nscalar",
        "collections\ndefaultdict",
        "builtins\neval",
        "torch\nload",
        "__builtin__\ngetattr",
    ];
    for class in classes {
        let error = StateDictFile::parse(&archive("data.pkl", format!("c{class}\n)\x7f.").as_bytes()));
        let name = class.replace('\n', ".").replace("__builtin__", "builtins");
        assert_eq!(
            error.unwrap_err().why,
            format!("its pickle asks for `{name}`, which no state dict needs; apd runs no pickles")
        );
    }
}

/// A number that is not in the file a million times over is neither read nor allocated.
#[test]
fn a_small_file_does_not_become_large() {
    let tensor = |place: u8| {
        [&b"X\x01\0\0\0"[..], &[b'a' + place], b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQK\x00J\0\0\0\x01\x85K\0\x85\x89}tR"].concat()
    };
    let pickle = [b"\x80\x02}(".to_vec(), (0..20).flat_map(tensor).collect(), b"u.".to_vec()].concat();
    let files = [("data.pkl", &pickle[..]), ("data/0", &[0, 0, 128, 63])];
    let file = StateDictFile::parse(&archive_of(&files)).unwrap();
    // Each has 64 MB.
    assert_eq!((file.tensors.len(), file.unusable.len()), (2, 18));
    assert_eq!(file.tensors["a"].max(), Tensor::from(1.0_f32));
    // The same list named twice in each of many lists.
    let nested = [b"\x80\x02]q\0".to_vec(), b"]q\x01(h\0h\0eq\0".repeat(60), b".".to_vec()].concat();
    assert_eq!(StateDictFile::parse(&archive("data.pkl", &nested)).unwrap_err().why, "it holds no tensors");
}

/// What a user is told of a file with this content.
fn told(content: &[u8]) -> String {
    let Refusal { why, help } = StateDictFile::parse(content).unwrap_err();
    format!("{why}; {help}")
}

#[test]
fn files_that_are_taken_for_checkpoints_by_mistake_are_told_for_what_they_are() {
    const UNPACK: &str = "unpack it, and give the checkpoint that was in it";
    const DOWNLOAD: &str =
        "download the checkpoint itself, and not the page about it; if a server sent this instead, the page says why";
    const AGAIN: &str = "download or copy it again, and compare its size with that of the original";
    let kinds: [(&[u8], &str, &str); 17] = [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "it is a Git LFS pointer, which stands for the file",
            "fetch the file itself: git lfs install, then git lfs pull",
        ),
        (b"\n <!DOCTYPE html><html>", "it is an HTML page", DOWNLOAD),
        (b"\xef\xbb\xbf<HTML>", "it is an HTML page", DOWNLOAD),
        (b"<!-- saved --><html>", "it is a page or document of the web", DOWNLOAD),
        (b"<?xml version='1.0'?><Error>", "it is an XML document", DOWNLOAD),
        (
            b"{\n  \"error\": \"Invalid credentials\"\n}",
            "it is JSON: `{ \"error\": \"Invalid credentials\" }`",
            "give the checkpoint itself; if a server sent this instead of it, the text says why",
        ),
        (
            b"{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\"}}",
            "it is the index of a model in several safetensors files",
            "give the files that it names, one after the other, or save them as one",
        ),
        (b"\x1f\x8b\x08", "it is a gzip archive", UNPACK),
        (b"BZh9", "it is a bzip2 archive", UNPACK),
        (b"\xfd7zXZ\0", "it is an xz archive", UNPACK),
        (b"\x28\xb5\x2f\xfd", "it is a zstd archive", UNPACK),
        (
            b"\x93NUMPY\x01\0",
            "it is an array of numpy",
            "save the arrays as safetensors: safetensors.numpy.save_file({\"embed\": array, ..}, \"model.safetensors\")",
        ),
        (
            b"\x89HDF\r\n\x1a\n",
            "it is an HDF5 file, as Keras writes",
            "load it with its own library, and save the arrays as safetensors: safetensors.numpy.save_file({..}, \"model.safetensors\")",
        ),
        (
            b"\x08\x08\x12\x07pytorch",
            "it is a model in ONNX",
            "save the state dict: torch.save(model.state_dict(), \"model.pth\")",
        ),
        (&[0; 100], "it holds nothing but zeros, 100 of them", AGAIN),
        (b"Entry not found", "it is a text: `Entry not found`", "give a file of torch.save or a safetensors file"),
        (b"\x80\x02", "it ends too early", AGAIN),
    ];
    for (content, what, help) in kinds {
        assert_eq!(told(content), format!("{what}; {help}"));
    }
    let tar = [&[b'x'; 257][..], b"ustar"].concat();
    assert!(
        told(&tar).starts_with("it is a tar archive, as torch.save left it before 2017; unpack it"),
        "{}",
        told(&tar)
    );
}

#[test]
fn archives_of_something_else_are_told_by_what_they_hold() {
    for (path, what) in [
        ("x/constants.pkl", "it is a TorchScript archive of torch.jit.save"),
        ("x/archive_format", "it is a program of torch.export"),
        ("x/.data/extern_modules", "it is a package of torch.package"),
        ("arr_0.npy", "it is a .npz file of numpy"),
        ("model.weights.h5", "it is a model of Keras"),
        ("model.pth", "it is a zip archive around a checkpoint"),
        ("a.txt", "it is an archive of another program: it holds no data.pkl"),
    ] {
        assert_eq!(StateDictFile::parse(&archive(path, b"x")).unwrap_err().why, what);
    }
    let script = archive_of(&[("x/data.pkl", b"\x80\x02}."), ("x/constants.pkl", b"\x80\x02).")]);
    Test::new().with_file("a b.pth", script).args(["import", "target", "a b.pth"]).fails(1).stderr_is(str![[r#"
error: cannot use a b.pth: it is a TorchScript archive of torch.jit.save
  help: save its state dict: torch.save(torch.jit.load("a b.pth").state_dict(), "model.pth")

"#]]);
}

#[test]
fn a_folder_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let what = || StateDictFile::read(folder.path()).unwrap_err().to_string();
    assert!(
        what().contains("it is a folder\n  help: give a file in it, of torch.save or a safetensors file"),
        "{}",
        what()
    );
    fs::write(folder.path().join(".metadata"), "").unwrap();
    assert!(
        what().contains("it is a checkpoint of torch.distributed in several files\n  help: make it one file"),
        "{}",
        what()
    );
}
