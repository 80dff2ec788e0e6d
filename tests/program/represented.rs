//! Features for which a target has no weights: they have no mechanism, so no verdict counts them, and they are named. And numbers of
//! any size, which no output writes with hundreds of digits.

use std::{
    fs,
    path::{Path, PathBuf},
};

use snapbox::str;
use tch::Tensor;

use crate::cli_test::{Ended, Test, files_in};

/// A tensor of this shape.
fn tensor(shape: &[i64], values: &[f32]) -> Tensor {
    Tensor::from_slice(values).view(shape)
}

/// Imports the tensors of a target and of components, measures them and returns what was said, with the run's folder.
fn evaluated(target: &[(&str, Tensor)], components: &[(&str, Tensor)], set: &[&str]) -> (Ended, PathBuf) {
    let named = |tensors: &[(&str, Tensor)]| -> Vec<(String, Tensor)> {
        tensors.iter().map(|(name, tensor)| (name.to_string(), tensor.shallow_clone())).collect()
    };
    let test = Test::new().with_change(|folder| {
        apd::run::write_tensors(&folder.join("target.safetensors"), &named(target), &[]).unwrap();
        apd::run::write_tensors(&folder.join("found.safetensors"), &named(components), &[]).unwrap();
    });
    let import = ["import", "components", "found.safetensors", "--target", "target.safetensors", "--quiet"];
    let sets = ["name=found", "measurement.samples=200", "decomposition.batch=20"].iter().chain(set);
    let imported = test.args(import).args(sets.map(|set| format!("--set={set}"))).succeeds();
    let runs = imported.folder.path().join("runs");
    let is_run = |path: &PathBuf| path.is_dir() && path.file_name().unwrap().to_string_lossy().starts_with("found-");
    let run = fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().path()).find(is_run).unwrap();
    let arguments = ["evaluate", run.to_str().unwrap(), "--device=cpu", "--threads=1"];
    (imported.then().args(arguments).succeeds(), run)
}

fn read(run: &std::path::Path, name: &str) -> String {
    fs::read_to_string(run.join(name)).unwrap()
}

/// A column of a table.
fn column(run: &std::path::Path, table: &str, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(run.join(table)).unwrap();
    let place = reader.headers().unwrap().iter().position(|column| column == name).unwrap();
    reader.records().map(|row| row.unwrap()[place].to_owned()).collect()
}

/// Two toy models of three features; the second has no weights for the third. Their components hold a feature each, and for that
/// one what is noise.
fn toy_models() -> [Vec<(&'static str, Tensor)>; 2] {
    let embed = tensor(&[2, 3, 2], &[1.0, 0.0, 0.0, 1.0, -1.0, -1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let target =
        vec![("embed", embed.shallow_clone()), ("bias", Tensor::zeros([2, 3], (tch::Kind::Float, tch::Device::Cpu)))];
    let one_hot = Tensor::eye(3, (tch::Kind::Float, tch::Device::Cpu)).view([1, 3, 3, 1]).repeat([2, 1, 1, 1]);
    // In the second, component 0 holds noise of row 2 and component 2 what cancels it.
    let noise = tensor(&[3, 3], &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0]).view([3, 3, 1]);
    let second = Tensor::cat(&[one_hot.select(0, 1), noise], 2);
    let first = one_hot.select(0, 0).constant_pad_nd([0, 1]);
    let a = Tensor::stack(&[first, second], 0);
    let rows = embed.unsqueeze(2);
    let beside = tensor(&[2, 3, 1, 2], &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1e-4, 0.0, 0.0, 0.0, 1e-4, 0.0]);
    let b = Tensor::cat(&[rows, beside], 2);
    [target, vec![("embed.A", a), ("embed.B", b)]]
}

/// The same run once more, beside it.
fn copy_of(run: &Path) -> PathBuf {
    let copy = PathBuf::from(format!("{}-copy", run.display()));
    for (path, content) in files_in(run) {
        let path = copy.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    copy
}

#[test]
fn features_without_weights_are_left_out_of_the_verdict_and_named_beside_it() {
    let [target, components] = toy_models();
    let (ended, run) = evaluated(&target, &components, &[]);
    let warning =
        "warning: replica 1 (seed 1): its target does not represent 1 of 3 features (2), which no verdict counts\n";
    assert!(ended.stderr.contains(warning), "{}", ended.stderr);
    for (name, expected) in [("mmcs", "1.0"), ("ml2r", "1.0"), ("recovered", "true")] {
        assert_eq!(column(&run, "summary.csv", name), [expected; 2], "{name}");
    }
    assert_eq!(column(&run, "features.csv", "component"), ["0", "1", "2", "0", "1", ""]);
    assert!(read(&run, "features.csv").ends_with("\n1,2,,,,,,false\n"));
    assert_eq!(column(&run, "features.csv", "represented")[..3], ["true"; 3]);
    assert_eq!(column(&run, "components.csv", "matched_feature"), ["0", "1", "2", "0", "1", ""]);
    assert_eq!(column(&run, "components.csv", "largest_leak")[3..], ["0.0"; 3]);
    assert!(column(&run, "responses.csv", "component")[15..].iter().all(String::is_empty));

    let sentence =
        "Left out of the verdict, because the target does not represent them: 1 of 3 features (2) of replica 1.";
    let said = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("Recovered: 2 of 2 (100 %; Wilson 95 % interval 34 to 100 %)") && said.contains(sentence),
        "{said}"
    );
    for name in ["report.md", "report.html", "tables.tex"] {
        assert!(read(&run, &format!("report/{name}")).contains(sentence), "{name}");
    }
    let copy = copy_of(&run);
    let [run, copy] = [&run, &copy].map(|run| run.to_str().unwrap());
    let compared = ended.then().args(["diff", run, copy]).succeeds().stdout;
    let compared = compared.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(compared.contains(&format!("A: {sentence} B: {sentence}")), "{compared}");
}

#[test]
fn a_target_without_any_weights_gives_no_verdict() {
    let zeros = |shape: &[i64]| Tensor::zeros(shape, (tch::Kind::Float, tch::Device::Cpu));
    let [_, components] = toy_models();
    let (ended, run) = evaluated(&[("embed", zeros(&[2, 3, 2])), ("bias", zeros(&[2, 3]))], &components, &[]);
    for name in ["mmcs", "ml2r", "recovered"] {
        assert_eq!(column(&run, "summary.csv", name), ["", ""], "{name}");
    }
    for name in ["matched_feature", "cosine", "norm_ratio", "largest_leak"] {
        assert!(column(&run, "components.csv", name).iter().all(String::is_empty), "{name}");
    }
    let sentence = "There is no verdict, because no target represents any of its features.";
    for text in [
        &ended.stdout,
        &read(&run, "report/report.md"),
        &read(&run, "report/report.html"),
        &read(&run, "report/tables.tex"),
    ] {
        assert!(text.contains(sentence) && !text.contains("Recovered:"), "{text}");
    }
    let remark = "its target represents none of its features, so that there is no verdict";
    assert!(ended.stderr.contains(&format!("warning: replica 0 (seed 0): {remark}")), "{}", ended.stderr);
    assert!(column(&run, "summary.csv", "remarks").iter().all(|remarks| remarks.starts_with(remark)));
    let listed = ended.then().args(["list"]).succeeds().stdout;
    assert!(listed.lines().last().unwrap().ends_with("  finished          –"), "{listed}");
}

/// A residual MLP of three features along three dimensions, neuron i reading feature i with `reads[i]` and writing it with 1.
/// Component i is neuron i.
fn residual_mlp(reads: [f32; 3]) -> [Vec<(&'static str, Tensor)>; 2] {
    let one_hot = || Tensor::eye(3, (tch::Kind::Float, tch::Device::Cpu));
    let weights = Tensor::from_slice(&reads).diag(0);
    let target = vec![
        ("W_E", one_hot()),
        ("W_U", one_hot()),
        ("layers.0.mlp_in", weights.shallow_clone()),
        ("layers.0.mlp_out", one_hot()),
    ];
    let a = || one_hot().view([3, 3, 1]);
    let components = vec![
        ("layers.0.mlp_in.A", a()),
        ("layers.0.mlp_in.B", weights.view([3, 1, 3])),
        ("layers.0.mlp_out.A", a()),
        ("layers.0.mlp_out.B", one_hot().view([3, 1, 3])),
    ];
    [target, components]
}

#[test]
fn a_function_that_a_residual_mlp_does_not_compute_is_left_out_too() {
    let [target, components] = residual_mlp([1.0, 1e-20, 1.0]);
    let (ended, run) = evaluated(&target, &components, &[]);
    let said = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = "Left out of the verdict, because the target does not represent them: 1 of 3 features (1).";
    assert!(said.contains("Recovered: 1 of 1") && said.contains(sentence), "{said}");
    let page = read(&run, "report/report.html");
    assert!(page.contains("Features with a component of their own: 2 of 2 that the target represents."));
    assert_eq!(column(&run, "summary.csv", "features_with_own_component"), ["2"]);
    assert_eq!(column(&run, "components.csv", "state"), ["monosemantic", "idle", "monosemantic"]);
    for name in ["component", "own_component", "error_alone", "components_serving", "slope", "cosine"] {
        let cells = column(&run, "features.csv", name);
        assert_eq!([0, 1, 2].map(|feature: usize| cells[feature].is_empty()), [false, true, false], "{name}");
    }
    assert_eq!(column(&run, "features.csv", "represented"), ["true", "false", "true"]);
    assert_eq!(column(&run, "serving.csv", "feature"), ["0", "2"]);
    for table in ["contributions.csv", "responses.csv", "curves.csv"] {
        let (features, cells) = (column(&run, table, "feature"), column(&run, table, "component"));
        assert!(features.iter().zip(&cells).all(|(feature, cell)| (feature == "1") == cell.is_empty()), "{table}");
    }
    assert!(column(&run, "scrubbing_curves.csv", "feature").iter().all(|feature| feature != "1"));
    assert!(read(&run, "report/report.md").contains(" Not drawn: 1 feature, which the target does not represent."));
}

#[test]
fn functions_of_negative_inputs_alone_are_served_but_not_judged() {
    let [target, components] = residual_mlp([-1.0; 3]);
    let (ended, run) = evaluated(&target, &components, &[]);
    assert!(ended.stdout.contains("There is no verdict, because no target represents any of its features."));
    assert_eq!(column(&run, "summary.csv", "recovered"), [""]);
    assert_eq!(column(&run, "components.csv", "state"), ["monosemantic"; 3]);
}

/// The longest run of digits and points in a text.
fn longest_number(text: &str) -> &str {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).max_by_key(|number| number.len()).unwrap()
}

#[test]
fn no_output_writes_a_number_with_hundreds_of_digits() {
    let embed = tensor(&[1, 3, 2], &[1e-30, 0.0, 0.0, 2e-30, 1e-32, 1e-32]);
    let target = [("embed", embed), ("bias", tensor(&[1, 3], &[0.0, 1e30, -1e-40]))];
    let eye = Tensor::eye(3, (tch::Kind::Float, tch::Device::Cpu)).view([1, 3, 3, 1]);
    let b = tensor(&[1, 3, 1, 2], &[3e38, -3e38, 1e-40, 0.0, 1.0, 1e10]);
    let components = [("embed.A", eye), ("embed.B", b)];
    let extremes = [
        "decomposition.learning_rate=1e-300",
        "method.apd.coefficients.simplicity=1e30",
        "method.apd.coefficients.minimality=3e-310",
    ];
    let (ended, run) = evaluated(&target, &components, &extremes);
    assert!(ended.stdout.contains("e68") || ended.stdout.contains("e67"), "{}", ended.stdout);
    assert!(longest_number(&ended.stdout).len() < 25, "{}", ended.stdout);
    let spec = read(&run, "spec.toml");
    assert!(spec.contains("learning_rate = 1e-300\n") && spec.contains("minimality = 3e-310\n"), "{spec}");
    let (name, folder) = (run.file_name().unwrap().to_str().unwrap(), ended.folder.path().to_owned());
    copy_of(&run);
    let both = [format!("runs/{name}"), format!("runs/{name}-copy")];
    let compared = ended.then().args(["report", "--out", "both"]).args(&both).succeeds();
    let compared = compared.then().args(["diff"]).args(&both).succeeds();
    let checked = compared.then().args(["check", &format!("runs/{name}/spec.toml")]).succeeds();
    assert!(longest_number(&checked.stdout).len() < 25, "{}", checked.stdout);
    for (path, content) in files_in(&folder) {
        let is_text = ["csv", "md", "html", "svg", "tex", "json", "toml", "txt"]
            .iter()
            .any(|kind| path.extension().is_some_and(|end| end == *kind));
        let text = String::from_utf8_lossy(&content);
        assert!(!is_text || longest_number(&text).len() < 40, "{}: {}", path.display(), longest_number(&text));
    }
}

/// As many dimensions as features.
const ROOM: [&str; 3] = ["--set=target.tms.features=3", "--set=target.tms.hidden=3", "--set=seeds=1"];
const TRAIN: [&str; 6] = ["train", "target", "tiny.toml", "--device=cpu", "--threads=1", "--quiet"];

#[test]
fn a_target_that_answers_every_feature_is_not_told_to_have_learned_nothing() {
    let longer = [
        "--set=target.training.steps=300",
        "--set=target.training.batch=64",
        "--set=target.training.learning_rate=0.02",
    ];
    let learned = Test::new().with_spec().args(TRAIN).args(ROOM).args(longer).succeeds();
    learned.stderr_is(str![""]);
    let unlearned = learned.then().args(TRAIN).args(ROOM).succeeds();
    unlearned.stderr_is(str![[r#"
warning: the target of seed 0 has not learned its task: its error [..] is no nearer to 0.000e0 of the answer `monosemantic`, which serves every feature here, than to [..] of the answer `nothing`

"#]]);
}
