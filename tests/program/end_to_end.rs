//! The binary's whole way on tiny experiments: what is left on disk, what is done only once, and what is left after a
//! kill or an interruption.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::cli_test::{Ended, Test, files_in, is_about_the_process};
use apd::run::{read_tensors, write_tensors};
use snapbox::str;

/// Bytes of files by their path in a folder.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Long enough to be met in the middle, short enough for a test.
const MEASURABLE: [&str; 11] = [
    "tiny.toml",
    "--device=cpu",
    "--threads=1",
    "--set=target.training.steps=400",
    "--set=target.training.batch=64",
    "--set=decomposition.steps=400",
    "--set=decomposition.batch=64",
    "--set=decomposition.schedule=cosine",
    "--set=decomposition.warm_up=0.1",
    "--set=method.apd.schatten_power=0.9",
    "--set=measurement.samples=100000",
];

fn run() -> Ended {
    Test::new().with_spec().args(["run"]).args(MEASURABLE).succeeds()
}

/// The one run folder whose name ends so.
fn run_folder(folder: &Path, ending: &str) -> PathBuf {
    let entries = fs::read_dir(folder.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let is_meant = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("tiny-") && name.ends_with(ending)
    };
    entries.filter(is_meant).min().expect("a run folder")
}

/// What came of an experiment: tensors and tables of the run and its targets.
fn results(folder: &Path) -> Files {
    let mut files = files_in(&folder.join("runs"));
    files.retain(|path, _| !is_about_the_process(path) && !path.iter().any(|part| part == "report"));
    files
}

fn shapes(path: &Path) -> Vec<(String, Vec<i64>)> {
    let mut shapes: Vec<_> =
        read_tensors(path).unwrap().into_iter().map(|(name, tensor)| (name, tensor.size())).collect();
    shapes.sort();
    shapes
}

fn header(folder: &Path, table: &str) -> String {
    let text = fs::read_to_string(folder.join(table)).unwrap();
    text.lines().next().unwrap().to_string()
}

fn rows(folder: &Path, table: &str) -> usize {
    fs::read_to_string(folder.join(table)).unwrap().lines().count() - 1
}

#[test]
fn three_methods_decompose_one_set_of_targets_and_are_compared() {
    let test = Test::new().with_spec();
    let tiny = fs::read_to_string(test.folder.path().join("tiny.toml")).unwrap();
    let (target, rest) = tiny.split_once("[method.apd]").unwrap();
    let (_, training) = rest.split_once("[decomposition]").unwrap();
    let by = |method: &str| {
        let settings = "subcomponents = 6\ncoefficients = { importance = 0.003 }";
        format!("{target}[method.{method}]\n{settings}\n[decomposition]{training}")
    };
    let test = test.with_file("spd.toml", by("spd")).with_file("vpd.toml", by("vpd"));
    let mut ended = test.args(["check", "spd.toml"]).succeeds();
    for spec in ["tiny.toml", "spd.toml", "vpd.toml"] {
        ended = ended.then().args(["run", spec, "--quiet", "--set=seeds=5"]).succeeds();
    }
    let runs = ended.folder.path().join("runs");
    assert_eq!(fs::read_dir(runs.join("targets")).unwrap().count(), 5, "one for each seed");
    let mut folders: Vec<String> = fs::read_dir(&runs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "targets")
        .collect();
    folders.sort();
    for folder in &folders {
        let provenance = fs::read_to_string(runs.join(folder).join("provenance.json")).unwrap();
        assert!(provenance.contains("\"training_seconds\": "), "{provenance}");
    }
    let paths = folders.iter().map(|folder| format!("runs/{folder}"));
    let ended = ended.then().args(["report", "--out=compared"]).args(paths).succeeds();
    let (_, together) = ended.stdout.split_once("All runs\n").unwrap();
    let row = |at: usize, method: &str| {
        let row = together.lines().find(|line| line.starts_with(&folders[at])).unwrap_or_else(|| panic!("{together}"));
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells[1..5], [method, "TMS", "5-2", "5"], "{together}");
    };
    [(0, "SPD"), (1, "APD"), (2, "VPD")].into_iter().for_each(|(at, method)| row(at, method));
    assert!(!together.contains("not of one target") && together.contains("Fisher's exact test"), "{together}");
    for name in ["comparison.html", "comparison.md", "error_by_active.svg", "error_by_bits.svg", "verdicts_figure.csv"]
    {
        assert!(ended.folder.path().join("compared").join(name).exists(), "{name}");
    }
}

#[test]
fn a_profile_says_where_the_time_of_each_training_went_and_changes_no_result() {
    let ended = Test::new().with_spec().args(["run", "--profile"]).args(MEASURABLE).succeeds();
    ended.stderr_is(str![[r#"
training 2 target(s) that are not in runs yet
target: 400 steps
target: 400 steps in [..]
target: where the time of 400 steps went
phase         ms a step   share
inputs       [..] %
target pass  [..] %
backward     [..] %
update       [..] %
elsewhere    [..] %
a step       [..]   100 %
error on 100000 samples, target of seed 0: [..]
error on 100000 samples, target of seed 1: [..]
target finished: runs/targets
components: 400 steps
components: 400 steps in [..]
components: where the time of 400 steps went
phase         ms a step   share
inputs       [..] %
target pass  [..] %
attributions [..] %
selection    [..] %
sparse pass  [..] %
losses       [..] %
backward     [..] %
update       [..] %
elsewhere    [..] %
a step       [..]   100 %
measuring 2 replicas
run finished: runs/tiny-[..]
report: runs/tiny-[..]/report/report.html

"#]]);
    assert!(results(ended.folder.path()) == results(run().folder.path()), "a profile changes the results");
    let ended = ended.then().args(["decompose", "--profile"]).args(MEASURABLE).succeeds();
    assert!(!ended.stderr.contains("where the time"), "nothing is left to profile: {}", ended.stderr);
}

#[test]
fn a_run_leaves_every_file_and_prints_its_table() {
    let ended = run();
    assert!(ended.stdout.starts_with("tiny-") && ended.stdout.contains("recovered"), "{}", ended.stdout);
    ended.stderr_is(str![[r#"
training 2 target(s) that are not in runs yet
target: 400 steps
target: 400 steps in [..]
error on 100000 samples, target of seed 0: [..]
error on 100000 samples, target of seed 1: [..]
target finished: runs/targets
components: 400 steps
components: 400 steps in [..]
measuring 2 replicas
run finished: runs/tiny-[..]
report: runs/tiny-[..]/report/report.html

"#]]);

    let folder = run_folder(ended.folder.path(), "");
    let names: Vec<String> = files_in(&folder).keys().map(|path| path.display().to_string()).collect();
    let expected = [
        "attributions.csv",
        "baselines.csv",
        "coactivity.csv",
        "components.csv",
        "components.safetensors",
        "features.csv",
        "lock",
        "log.txt",
        "provenance.json",
        "ranks.csv",
        "rate_distortion.csv",
        "report/attributions.svg",
        "report/attributions_figure.csv",
        "report/coactivity.svg",
        "report/coactivity_figure.csv",
        "report/features.svg",
        "report/features_figure.csv",
        "report/frequencies.svg",
        "report/frequencies_figure.csv",
        "report/losses.svg",
        "report/losses_figure.csv",
        "report/network.svg",
        "report/network_figure.csv",
        "report/rate_distortion.svg",
        "report/rate_distortion_figure.csv",
        "report/recovered.svg",
        "report/recovered_figure.csv",
        "report/report.html",
        "report/report.md",
        "report/responses.svg",
        "report/responses_figure.csv",
        "report/singular_values.svg",
        "report/singular_values_figure.csv",
        "report/tables.tex",
        "report/target_training.svg",
        "report/target_training_figure.csv",
        "responses.csv",
        "scores.csv",
        "spec.toml",
        "summary.csv",
        "target.safetensors",
        "target_training.csv",
        "training.csv",
    ];
    assert_eq!(names, expected);
    assert!(!folder.join("checkpoint").exists());

    let axes = |name: &str, size: &[i64]| (name.to_string(), size.to_vec());
    assert_eq!(shapes(&folder.join("target.safetensors")), [axes("bias", &[2, 5]), axes("embed", &[2, 5, 2])]);
    assert_eq!(
        shapes(&folder.join("components.safetensors")),
        [axes("embed.A", &[2, 5, 5, 2]), axes("embed.B", &[2, 5, 2, 2])]
    );
    assert_eq!(header(&folder, "training.csv"), "replica,step,term,value");
    assert_eq!(
        header(&folder, "summary.csv"),
        "replica,seed,faithfulness,minimality,simplicity,total,mmcs,ml2r,mean_active,alive,mean_rank,recovered,\
         active_ranks,description_length,alive_on_hidden,features_with_own_component,monosemantic,duplicate,mixed,idle,\
         mean_layers_spanned,target_error,scrubbed_error,anti_scrubbed_error,diverged_at,diverged_in,remarks"
    );
    assert_eq!(
        header(&folder, "components.csv"),
        "replica,component,activation_frequency,mean_attribution,matched_feature,cosine,norm_ratio,largest_leak,alive,\
         norm_share,state,features_served,layers_spanned"
    );
    assert_eq!(
        header(&folder, "ranks.csv"),
        "replica,component,site,numerical_rank,stable_rank,entropy_rank,frobenius_norm,nuclear_norm,singular_value_1,\
         singular_value_2"
    );
    assert_eq!(
        header(&folder, "features.csv"),
        "replica,feature,component,cosine,norm_ratio,leak,error_alone,represented"
    );
    assert_eq!(header(&folder, "rate_distortion.csv"), "replica,mean_active,active_ranks,description_length,error");
    assert_eq!(
        header(&folder, "scores.csv"),
        "replica,seed,score,chosen,active_inputs,error_at_rate,error_with_all,active_at_error,\
         description_length_at_error,mean_log_error,error_ablated_at_random,error_ablated_by_gradient,\
         profile_agreement,parameter_agreement,features_per_component,components_per_feature,dead,duplicates"
    );
    let counts = ["summary.csv", "components.csv", "ranks.csv", "features.csv", "rate_distortion.csv"];
    assert_eq!(counts.map(|table| rows(&folder, table)), [2, 10, 10, 10, 34]);
}

/// The cells of a column of a table.
fn column(folder: &Path, table: &str, name: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.join(table)).unwrap();
    let place = text.lines().next().unwrap().split(',').position(|column| column == name).expect(name);
    text.lines().skip(1).map(|line| line.split(',').nth(place).unwrap().to_string()).collect()
}

fn numbers(folder: &Path, table: &str, name: &str) -> Vec<f64> {
    column(folder, table, name).iter().map(|cell| cell.parse().unwrap_or_else(|_| panic!("{name}: {cell:?}"))).collect()
}

#[test]
fn a_run_tells_what_its_components_do_on_chosen_inputs() {
    let ended = run();
    let folder = run_folder(ended.folder.path(), "");
    assert_eq!(header(&folder, "attributions.csv"), "replica,feature,component,attribution");
    assert_eq!(header(&folder, "coactivity.csv"), "replica,component,other,correlation");
    assert_eq!(header(&folder, "responses.csv"), "replica,feature,output,target,component");
    let alive: f64 = numbers(&folder, "summary.csv", "alive").iter().sum();
    assert_eq!(rows(&folder, "attributions.csv") as f64, 5.0 * alive);
    assert!(numbers(&folder, "attributions.csv", "attribution").iter().all(|attribution| *attribution >= 0.0));
    let pairs =
        column(&folder, "coactivity.csv", "component").into_iter().zip(column(&folder, "coactivity.csv", "other"));
    assert!(pairs.into_iter().all(|(component, other)| component < other));
    assert!(numbers(&folder, "coactivity.csv", "correlation").iter().all(|correlation| correlation.abs() <= 1.0));
    assert_eq!(rows(&folder, "responses.csv"), 2 * 5 * 5);
    // With its bias the network answers by max(0, W W^T + b): on the diagonal larger than elsewhere on average.
    let (features, outputs) = (column(&folder, "responses.csv", "feature"), column(&folder, "responses.csv", "output"));
    let target = numbers(&folder, "responses.csv", "target");
    let sum = |own: bool| -> f64 {
        let with = target.iter().enumerate().filter(|(row, _)| (features[*row] == outputs[*row]) == own);
        with.map(|(_, answer)| answer).sum()
    };
    assert!(target.iter().all(|answer| *answer >= 0.0) && sum(true) / 10.0 > sum(false) / 40.0);
    let longest = fs::read_to_string(folder.join("responses.csv")).unwrap();
    assert!(longest.lines().skip(1).all(|line| line.len() < 40), "six digits: {longest}");
}

#[test]
fn a_run_says_which_replica_its_score_would_pick() {
    let ended = run();
    let folder = run_folder(ended.folder.path(), "");
    let of = |name| numbers(&folder, "scores.csv", name);
    let (scores, errors) = (of("score"), of("mean_log_error"));
    let profiles = of("features_per_component").into_iter().zip(of("components_per_feature"));
    for ((score, error), (features, components)) in scores.iter().zip(errors).zip(profiles) {
        let expected = -error - 4.0 * (features * components).log10();
        assert!((score - expected).abs() < 1e-9, "{score} instead of {expected}");
    }
    let best = usize::from(scores[1] > scores[0]);
    let mut chosen = ["false", "false"];
    chosen[best] = "true";
    assert_eq!(column(&folder, "scores.csv", "chosen"), chosen);
    // Every replica has a target of its own, so that parameters are not compared, and profiles are.
    assert_eq!(column(&folder, "scores.csv", "parameter_agreement"), ["", ""]);
    assert!(numbers(&folder, "scores.csv", "profile_agreement").iter().all(|cosine| (0.0..=1.0).contains(cosine)));
    let words =
        format!("By its score ({:.2}), which knows no mechanism, replica {best} of 2 is the best", scores[best]);
    for page in ["report.md", "report.html"] {
        assert!(fs::read_to_string(folder.join("report").join(page)).unwrap().contains(&words), "{page}: {words}");
    }
}

#[test]
fn every_column_of_every_table_is_in_the_data_dictionary() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md")).unwrap();
    let sections: Vec<&str> = page.split("\n### ").collect();
    let ended = run();
    let folder = run_folder(ended.folder.path(), "");
    let tables = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for table in tables.filter(|name| name.ends_with(".csv")) {
        let heading = format!("`{table}`");
        // The first of three is that of toy models.
        let section = sections.iter().find(|section| section.starts_with(&heading)).expect(&table);
        let explained = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let header = header(&folder, &table);
        let columns = header.split(',').filter(|column| !["_2", "_3"].iter().any(|end| column.ends_with(end)));
        let columns: Vec<&str> = columns.map(|column| column.trim_end_matches("_1")).collect();
        assert_eq!(columns, explained.collect::<Vec<_>>(), "{table}");
    }
}

#[test]
fn a_run_holds_the_training_of_its_targets() {
    let ended = run();
    let folder = run_folder(ended.folder.path(), "");
    assert_eq!(header(&folder, "target_training.csv"), "replica,step,term,value");
    assert_eq!(header(&folder, "baselines.csv"), "replica,answer,error");
    assert_eq!(column(&folder, "baselines.csv", "answer"), ["target", "monosemantic", "nothing"].repeat(2));
    assert_eq!(column(&folder, "baselines.csv", "replica"), ["0", "0", "0", "1", "1", "1"]);
    let targets: Vec<PathBuf> = [0, 1]
        .map(|seed| {
            let mut entries = fs::read_dir(ended.folder.path().join("runs/targets")).unwrap().flatten();
            let is_meant = |path: &Path| path.to_string_lossy().ends_with(&format!("-seed-{seed}"));
            entries.find_map(|entry| Some(entry.path()).filter(|path| is_meant(path))).unwrap()
        })
        .into();
    let values: Vec<String> = targets.iter().flat_map(|target| column(target, "training.csv", "value")).collect();
    assert_eq!(column(&folder, "target_training.csv", "value"), values);
    let own = rows(&targets[0], "training.csv");
    assert_eq!(column(&folder, "target_training.csv", "replica")[own - 1..=own], ["0", "1"]);
}

#[test]
fn a_run_is_measured_again_with_the_same_tables_though_its_targets_are_gone() {
    let ended = run();
    let folder = run_folder(ended.folder.path(), "");
    let of_training = ["target_training.csv", "baselines.csv", "training.csv"];
    let tables = |folder: &Path| -> Files {
        let mut files = files_in(folder);
        files.retain(|path, _| path.components().count() == 1 && path.extension().is_some_and(|kind| kind == "csv"));
        files
    };
    let before = tables(&folder);
    let run = folder.strip_prefix(ended.folder.path()).unwrap().to_string_lossy().into_owned();
    let evaluate = |ended: Ended| ended.then().args(["evaluate", &run, "--device=cpu", "--threads=1"]).ends(0);

    for name in before.keys().filter(|name| !name.ends_with("training.csv")) {
        fs::remove_file(folder.join(name)).unwrap();
    }
    let ended = evaluate(ended);
    assert!(tables(&folder) == before, "every table is written anew, of the targets too");

    fs::remove_dir_all(ended.folder.path().join("runs/targets")).unwrap();
    let ended = evaluate(ended);
    assert!(tables(&folder) == before, "what the run holds of its targets stays");

    of_training[..2].iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
    let _ended = evaluate(ended);
    assert!(
        tables(&folder).keys().eq(before.keys().filter(|name| !of_training[..2].iter().any(|of| name.ends_with(of))))
    );
}

const RESIDUAL_MLP: &str = "\
    seeds = 2
    [target.residual_mlp]
    features = 6
    width = 20
    neurons = 4
    layers = 2
    [target.initial_values]
    instances = 0
    [target.inputs.independent]
    probability = 0.3
    low = -1.0
    [target.training]
    steps = 20
    batch = 64
    learning_rate = 0.003
    [method.apd]
    components = 8
    rank = 2
    schatten_power = 0.9
    [method.apd.initial_values]
    [method.apd.selection.batch_top_k]
    k = 2.0
    [method.apd.coefficients]
    simplicity = 0.1
    [decomposition]
    steps = 20
    batch = 64
    learning_rate = 0.001
    [measurement]
    samples = 1000
    ";

#[test]
fn a_residual_mlp_is_measured_by_what_its_components_do() {
    let arguments = ["run", "tiny.toml", "--device=cpu"];
    let in_100_columns = |command: &mut Command| {
        command.env("COLUMNS", "100");
    };
    let ended = Test::new().with_file("tiny.toml", RESIDUAL_MLP).args(arguments).ends_in(in_100_columns, 0);
    for expected in ["residual MLP, 6 features, 4 neurons in 2 layers", "Recovered: ", " own ", "scrub / anti"] {
        assert!(ended.stdout.contains(expected), "no {expected:?} in\n{}", ended.stdout);
    }
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ended.stdout);
    let folder = run_folder(ended.folder.path(), "");
    assert_eq!(
        header(&folder, "features.csv"),
        "replica,feature,component,own_component,error_none,error_alone,error_selected,target_error,mean_active,\
         components_serving,slope,cosine,represented"
    );
    assert_eq!(header(&folder, "contributions.csv"), "replica,feature,neuron,target,component");
    assert_eq!(header(&folder, "serving.csv"), "replica,feature,component,weight,share");
    assert_eq!(header(&folder, "layers.csv"), "replica,component,layer,share");
    assert_eq!(
        header(&folder, "scrubbing.csv"),
        "replica,quantile,target_to_labels,scrubbed,anti_scrubbed,scrubbed_to_labels,anti_scrubbed_to_labels"
    );
    let counts = ["features.csv", "contributions.csv", "layers.csv", "scrubbing.csv"];
    assert_eq!(counts.map(|table| rows(&folder, table)), [12, 48, 32, 202]);
}

#[test]
fn a_residual_mlp_is_drawn_along_each_feature() {
    let ended = Test::new().with_file("tiny.toml", RESIDUAL_MLP).args(["run", "tiny.toml", "--device=cpu"]).succeeds();
    let folder = run_folder(ended.folder.path(), "");
    assert_eq!(header(&folder, "curves.csv"), "replica,feature,input,label,target,component,selected");
    assert_eq!(
        header(&folder, "scrubbing_curves.csv"),
        "replica,feature,input,label,target,scrubbed_low,scrubbed_median,scrubbed_high,anti_scrubbed_low,\
         anti_scrubbed_median,anti_scrubbed_high"
    );
    assert_eq!((rows(&folder, "responses.csv"), rows(&folder, "curves.csv")), (2 * 6 * 6, 2 * 6 * 41));
    let inputs = numbers(&folder, "curves.csv", "input");
    assert_eq!((inputs[0], inputs[1], inputs[20], inputs[40], inputs[41]), (-1.0, -0.95, 0.0, 1.0, -1.0));
    let labels = numbers(&folder, "curves.csv", "label");
    assert!(inputs.iter().zip(labels).all(|(x, label)| (x + x.max(0.0) - label).abs() < 1e-5));
    // All neurons may read a feature with a negative weight: nothing is computed for it where components are judged.
    let represented: Vec<bool> =
        column(&folder, "features.csv", "represented").iter().map(|cell| cell == "true").collect();
    // At an input of 1 the curve of a feature is its response there.
    let at_one =
        |name: &str| -> Vec<String> { column(&folder, "curves.csv", name).into_iter().skip(40).step_by(41).collect() };
    let (features, outputs) = (column(&folder, "responses.csv", "feature"), column(&folder, "responses.csv", "output"));
    for name in ["target", "component"] {
        let all = column(&folder, "responses.csv", name);
        let own = (0..all.len()).filter(|row| features[*row] == outputs[*row]).map(|row| &all[row]);
        for ((curve, response), represented) in at_one(name).iter().zip(own).zip(&represented) {
            let [curve, response] = [curve, response].map(|cell| cell.parse::<f64>().ok());
            assert_eq!(curve.is_some(), name == "target" || *represented, "{name}");
            let difference = curve.zip(response).map_or(0.0, |(curve, response)| curve - response);
            assert!(curve.is_some() == response.is_some() && difference.abs() < 1e-4, "{name}");
        }
    }
    assert!(numbers(&folder, "curves.csv", "selected").iter().all(|output| output.is_finite()));

    let of_features = column(&folder, "scrubbing_curves.csv", "feature");
    let first: Vec<&String> = of_features.iter().take(3 * 41).step_by(41).collect();
    let judged: Vec<String> =
        (0..6).filter(|feature| represented[*feature]).map(|feature| feature.to_string()).collect();
    assert_eq!(first, judged.iter().take(3).collect::<Vec<_>>());
    assert!(of_features.len().is_multiple_of(41) && of_features.len() <= 2 * 5 * 41, "{}", of_features.len());
    let bands = ["scrubbed_low", "scrubbed_median", "scrubbed_high"];
    for bands in [bands.map(String::from), bands.map(|name| format!("anti_{name}"))] {
        let [low, median, high] = bands.map(|name| numbers(&folder, "scrubbing_curves.csv", &name));
        assert!((0..low.len()).all(|row| low[row] <= median[row] && median[row] <= high[row]));
        assert!((0..low.len()).any(|row| low[row] < high[row]), "half of the components make a difference");
    }
}

const GATED_FUNCTIONS: &str = "\
    seeds = [3, 4]
    [target.gated_functions]
    functions = 3
    [target.inputs.gated]
    probability = 0.05
    low = 1.0
    high = 4.0
    [method.apd]
    components = 4
    rank = 3
    schatten_power = 0.9
    [method.apd.initial_values]
    [method.apd.selection.batch_top_k]
    k = 0.2
    [method.apd.coefficients]
    simplicity = 0.1
    [decomposition]
    steps = 20
    batch = 64
    learning_rate = 0.001
    [measurement]
    samples = 1000
    ";

#[test]
fn gated_functions_are_drawn_along_x() {
    let arguments = ["run", "tiny.toml", "--device=cpu"];
    let ended = Test::new().with_file("tiny.toml", GATED_FUNCTIONS).args(arguments).succeeds();
    let folder = run_folder(ended.folder.path(), "");
    assert_eq!(rows(&folder, "curves.csv"), 2 * 3 * 101);
    let inputs = numbers(&folder, "curves.csv", "input");
    assert_eq!((inputs[0], inputs[50], inputs[100], inputs[101]), (1.0, 2.5, 4.0, 1.0));
    // The network interpolates the functions between ten knots.
    let (labels, target) = (numbers(&folder, "curves.csv", "label"), numbers(&folder, "curves.csv", "target"));
    assert!(labels.iter().zip(&target).all(|(label, target)| (label - target).abs() < 0.08));
    assert!(labels.iter().any(|label| label.abs() > 0.3), "a function is not zero");
    for name in ["component", "selected"] {
        assert!(numbers(&folder, "curves.csv", name).iter().all(|output| output.is_finite()), "{name}");
    }
    let alive = numbers(&folder, "summary.csv", "alive");
    assert_eq!(rows(&folder, "attributions.csv") as f64, 3.0 * alive.iter().sum::<f64>());
    for name in ["target_training.csv", "baselines.csv", "responses.csv"] {
        assert!(!folder.join(name).exists(), "{name} of a target that was constructed");
    }
}

#[test]
fn every_selection_of_a_residual_mlp_is_measured() {
    let choices = [
        ("method.apd.selection={sample_top_k={k=2}}", "method.apd.last_component=always_active"),
        ("method.apd.selection={lp={power=0.9}}", "method.apd.rank=1"),
    ];
    for (selection, other) in choices {
        let arguments = ["run", "tiny.toml", "--device=cpu", "--set", selection, "--set", other];
        let ended = Test::new().with_file("tiny.toml", RESIDUAL_MLP).args(arguments).succeeds();
        let folder = run_folder(ended.folder.path(), "");
        let summary = fs::read_to_string(folder.join("summary.csv")).unwrap();
        assert!(!summary.contains("NaN"), "{summary}");
        let selected = fs::read_to_string(folder.join("features.csv")).unwrap();
        let selected = selected.lines().nth(1).unwrap().split(',').nth(6).unwrap();
        assert_eq!(selected.is_empty(), selection.contains("lp"), "{selected}");
        let selected = column(&folder, "curves.csv", "selected");
        assert!(selected.iter().all(|cell| cell.is_empty() == selection.contains("lp")), "{selected:?}");
        assert_eq!(folder.join("coactivity.csv").exists(), !selection.contains("lp"));
    }
}

#[test]
fn a_finished_run_is_shown_again_and_force_makes_another_beside_it() {
    let first = run();
    let (stdout, files) = (first.stdout.clone(), results(first.folder.path()));
    let again = first.then().args(["run"]).args(MEASURABLE).succeeds();
    again.stderr_is(str![[r#"
error on 100000 samples, target of seed 0: [..]
error on 100000 samples, target of seed 1: [..]
target was finished already: runs/targets
run was finished already: runs/tiny-[..]
report: runs/tiny-[..]/report/report.html

"#]]);
    assert_eq!(again.stdout, stdout);
    assert_eq!(results(again.folder.path()), files);
    assert!(!run_folder(again.folder.path(), "").join("checkpoint").exists());

    let forced = again.then().args(["run", "--force"]).args(MEASURABLE).succeeds();
    let (one, two) = (run_folder(forced.folder.path(), ""), run_folder(forced.folder.path(), "-2"));
    assert_ne!(one, two);
    let of = |run: &Path| -> Files {
        let mut files = files_in(run);
        files.retain(|path, _| !is_about_the_process(path) && !path.starts_with("report"));
        files
    };
    assert!(of(&one) == of(&two), "the same experiment gives the same bytes");
}

#[test]
fn a_target_is_trained_once() {
    let trained = Test::new().with_spec().args(["train", "target", "tiny.toml", "--device=cpu"]).succeeds();
    trained.stdout_is(str![""]).stderr_is(str![[r#"
training 2 target(s) that are not in runs yet
target: 2 steps
target: 2 steps in [..]
error on 100000 samples, target of seed 0: [..]
warning: the target of seed 0 has not learned its task: its error [..] is not below [..] of the answer `monosemantic`
error on 100000 samples, target of seed 1: [..]
warning: the target of seed 1 has not learned its task: its error [..] is not below [..] of the answer `monosemantic`
target finished: runs/targets

"#]]);
    let decomposed = trained.then().args(["decompose", "tiny.toml", "--device=cpu"]).succeeds();
    decomposed.stderr_is(str![[r#"
components: 2 steps
components: 2 steps in [..]
measuring 2 replicas
run finished: runs/tiny-[..]
report: runs/tiny-[..]/report/report.html

"#]]);
    let more = decomposed.then().args(["train", "target", "tiny.toml", "--device=cpu", "--set=seeds=3"]).succeeds();
    assert!(more.stderr.starts_with("training 1 target(s) that are not in runs yet\n"), "{}", more.stderr);
}

#[test]
fn the_seed_of_the_target_gives_all_replicas_one_target() {
    let arguments = ["decompose", "tiny.toml", "--device=cpu", "--set=target.seed=7"];
    let ended = Test::new().with_spec().args(arguments).succeeds();
    assert!(ended.stderr.starts_with("training 1 target(s) that are not in runs yet\n"), "{}", ended.stderr);
    let folder = run_folder(ended.folder.path(), "");
    for (name, tensor) in read_tensors(&folder.join("target.safetensors")).unwrap() {
        assert!(tensor.get(0).equal(&tensor.get(1)), "{name} differs between the replicas");
    }
    let components = read_tensors(&folder.join("components.safetensors")).unwrap();
    assert!(components.iter().all(|(_, tensor)| !tensor.get(0).equal(&tensor.get(1))), "the components are their own");
    let targets: Vec<_> = fs::read_dir(ended.folder.path().join("runs/targets")).unwrap().collect();
    assert!(targets.len() == 1 && targets[0].as_ref().unwrap().path().to_string_lossy().ends_with("-seed-7"));
}

#[test]
fn a_run_killed_again_and_again_ends_with_the_bytes_of_an_uninterrupted_one() {
    let killed = Test::new().with_spec();
    let folder = killed.folder.path().join("runs");
    let start = || {
        let arguments: Vec<&str> = ["run", "--checkpoint-seconds=0"].into_iter().chain(MEASURABLE).collect();
        killed.start(<[&str; 13]>::try_from(arguments).unwrap())
    };
    let kill = |running: crate::cli_test::Running| {
        running.signal("KILL");
        assert_eq!(running.end().code, None, "it ended before it was killed");
    };

    // Before anything is saved, if only just.
    let running = start();
    running.wait_for_words("training 2 target(s)");
    kill(running);

    let running = start();
    running.wait_for_words("target: ");
    running.wait_for_file(&folder.join("targets"), "newest.safetensors");
    kill(running);

    let running = start();
    running.wait_for_words("target: going on at step ");
    running.wait_for_words("components: 400 steps");
    kill(running);

    let running = start();
    running.wait_for_file(&run_folder(killed.folder.path(), ""), "previous.safetensors");
    kill(running);

    let running = start();
    running.wait_for_words("components: going on at step ");
    // Said between the last step and the measurements.
    running.wait_for_words("components: ");
    kill(running);

    let killed = killed.args(["run"]).args(MEASURABLE).ends(0);
    let (finished, expected) = (results(killed.folder.path()), results(run().folder.path()));
    assert!(finished.keys().eq(expected.keys()), "{:?} and not {:?}", finished.keys(), expected.keys());
    for (path, bytes) in &expected {
        assert!(finished[path] == *bytes, "{} differs", path.display());
    }
}

#[test]
fn a_training_of_targets_is_interrupted_and_gone_on_with() {
    let test = Test::new().with_spec();
    let long = ["train", "target", "tiny.toml", "--device=cpu", "--threads=1", "--set=target.training.steps=60000"];
    let running = test.start(long);
    running.wait_for_words("target: 60000 steps");
    // Interrupted before its first step, it would begin anew and not go on.
    std::thread::sleep(std::time::Duration::from_millis(500));
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    ended.stderr_ends_with(str![[r#"
target: interrupted, saving (Ctrl-C once more leaves at once)
warning: interrupted by [..] at step [..] of 60000 (target); saved in runs/targets/[..]-seed-0
  help: go on with: [..]apd train target tiny.toml --device=cpu --threads=1 --set=target.training.steps=60000

"#]]);
    let gone_on = test.args(long).ends(0);
    assert!(gone_on.stderr.contains("\ntarget: going on at step "), "{}", gone_on.stderr);
    let whole = Test::new().with_spec().args(long).succeeds();
    assert!(results(gone_on.folder.path()) == results(whole.folder.path()));
}

#[test]
fn measurements_are_interrupted_between_replicas() {
    let test = Test::new().with_spec();
    let running = test.start(["decompose", "tiny.toml", "--device=cpu", "--set=measurement.samples=1000000"]);
    running.wait_for_words("components: 2 steps in");
    running.signal("TERM");
    let ended = running.end();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    ended.stderr_ends_with(str![[r#"
warning: interrupted by [..] at step 2 of 2 (components); saved in runs/tiny-[..]
  help: go on with: [..]apd decompose tiny.toml --device=cpu --set=measurement.samples=1000000

"#]]);
}

#[test]
fn a_run_whose_folder_is_removed_says_so_and_leaves_no_half_of_it() {
    let test = Test::new().with_spec();
    let running = test.start([
        "decompose",
        "tiny.toml",
        "--device=cpu",
        "--threads=1",
        "--checkpoint-seconds=0",
        "--set=decomposition.steps=100000000",
    ]);
    running.wait_for_words("components: ");
    let folder = run_folder(test.folder.path(), "");
    running.wait_for_file(&folder, "newest.safetensors");
    // Renamed first: files may appear in it as long as it has its name.
    fs::rename(&folder, test.folder.path().join("removed")).unwrap();
    let ended = running.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    ended.stderr_ends_with(str![[r#"
error: cannot write runs/tiny-[..]/checkpoint[..]: No such file or directory
  help: was the folder removed while the run was going? give the same command again

"#]]);
    assert!(!folder.exists());
}

#[test]
fn one_of_everything_is_an_experiment() {
    let ones = [
        "seeds=[5]",
        "target.tms.features=1",
        "target.tms.hidden=1",
        "target.training.steps=1",
        "target.training.batch=1",
        "target.inputs.independent.probability=1",
        "method.apd.components=1",
        "method.apd.rank=1",
        "decomposition.steps=1",
        "decomposition.batch=1",
        "measurement.samples=1",
    ];
    let ones = ones.iter().flat_map(|one| ["--set", one]);
    let ended = Test::new().with_spec().args(["run", "tiny.toml", "--device=cpu"]).args(ones).succeeds();
    assert!(ended.stdout.contains("TMS 1-1, 1 replica,"), "{}", ended.stdout);
}

#[test]
fn fixed_hidden_layers_stay_what_they_are() {
    let layers = ["--set=target.tms.hidden_layers=2", "--set=target.tms.hidden_kind=identity"];
    let ended = Test::new().with_spec().args(["run", "tiny.toml", "--device=cpu"]).args(layers).succeeds();
    let target = read_tensors(&run_folder(ended.folder.path(), "").join("target.safetensors")).unwrap();
    let identity = tch::Tensor::eye(2, (tch::Kind::Float, tch::Device::Cpu)).repeat([2, 1, 1]);
    let hidden: Vec<_> = target.iter().filter(|(name, _)| name.starts_with("hidden.")).collect();
    assert!(hidden.len() == 2 && hidden.iter().all(|(_, tensor)| tensor.equal(&identity)));
    assert!(ended.stdout.contains(" hidden "), "{}", ended.stdout);
}

#[test]
fn an_untied_toy_model_is_decomposed_at_its_unembedding_too() {
    for layers in [0_usize, 1] {
        let untied = ["--set=target.tms.tied=false".to_owned(), format!("--set=target.tms.hidden_layers={layers}")];
        let ended = Test::new().with_spec().args(["run"]).args(MEASURABLE).args(untied).succeeds();
        assert!(ended.stdout.contains("embedding and unembedding apart"), "{}", ended.stdout);
        assert_eq!(ended.stdout.contains(" hidden "), layers > 0, "{}", ended.stdout);
        let folder = run_folder(ended.folder.path(), "");
        assert!(fs::read_to_string(folder.join("spec.toml")).unwrap().contains("tied = false"));
        let target = read_tensors(&folder.join("target.safetensors")).unwrap();
        let of_target = |name: &str| target.iter().find(|(found, _)| found == name).expect(name).1.shallow_clone();
        assert_eq!(of_target("unembed").size(), [2, 2, 5]);
        assert!(!of_target("unembed").equal(&of_target("embed").mt()), "each is trained by itself");
        let components = shapes(&folder.join("components.safetensors"));
        assert!(components.contains(&("unembed.B".into(), vec![2, 5, 2, 5])), "{components:?}");
        assert!(numbers(&folder, "summary.csv", "mmcs").iter().all(|cosine| (0.0..=1.0).contains(cosine)));
        assert_eq!(rows(&folder, "ranks.csv"), 2 * 5 * (2 + layers));
        let drawn = column(&folder, "report/network_figure.csv", "site");
        assert_eq!(
            drawn.iter().filter(|site| *site == "unembed").count(),
            6 * 5 * 2,
            "of the target and each component"
        );
        assert!(folder.join("report/features.svg").exists() && folder.join("report/report.html").exists());
    }
}

#[test]
fn a_training_that_diverges_is_told_once_a_replica() {
    let arguments = ["run", "tiny.toml", "--device=cpu", "--quiet", "--set=decomposition.steps=50"];
    let ended = Test::new().with_spec().args(arguments).args(["--set=decomposition.learning_rate=1e20"]).fails(1);
    ended.stderr_is(str![[r#"
warning: the target of seed 0 has not learned its task: [..]
warning: the target of seed 1 has not learned its task: [..]
warning: replica 0 (seed 0) has diverged at step [..] ([..]): it stays as it was before and is trained no further
warning: replica 1 (seed 1) has diverged at step [..] ([..]): it stays as it was before and is trained no further
error: every replica has diverged, and none is measured: seeds 0, 1
  help: try smaller values of `decomposition.learning_rate` or of the coefficients, or a `warm_up`

"#]]);
}

#[test]
fn a_replica_that_has_diverged_is_told_and_the_others_are_measured_as_before() {
    let ended = run();
    let folder = run_folder(ended.folder.path(), "");
    let lines = |table: &str| -> Vec<String> {
        let text = fs::read_to_string(folder.join(table)).unwrap();
        text.lines().map(String::from).collect()
    };
    let measured = ["summary.csv", "components.csv", "ranks.csv", "features.csv", "attributions.csv", "responses.csv"];
    let before = measured.map(lines);
    let components = read_tensors(&folder.join("components.safetensors")).unwrap();
    let diverged = r#"[{"replica":0,"step":7,"what":"embed.A"}]"#;
    write_tensors(&folder.join("components.safetensors"), &components, &[("diverged", diverged.into())]).unwrap();
    let name = folder.strip_prefix(ended.folder.path()).unwrap().to_string_lossy().into_owned();
    let ended = ended.then().args(["evaluate", &name, "--device=cpu", "--threads=1"]).ends(0);

    let of_second = |lines: &[String]| -> Vec<String> {
        lines.iter().skip(1).filter(|line| line.starts_with("1,")).cloned().collect()
    };
    for (table, before) in measured.iter().zip(&before) {
        let after = lines(table);
        assert!(!of_second(before).is_empty() && of_second(&after) == of_second(before), "{table}");
        let of_first = after.iter().filter(|line| line.starts_with("0,")).count();
        assert_eq!(of_first, usize::from(*table == "summary.csv"), "{table}");
    }
    let first = |name: &str| column(&folder, "summary.csv", name)[0].clone();
    assert_eq!(["recovered", "diverged_at", "diverged_in", "total"].map(first), ["false", "7", "embed.A", ""]);
    assert_eq!(column(&folder, "scores.csv", "replica"), ["1"]);
    assert_eq!(column(&folder, "scores.csv", "chosen"), ["true"]);
    let report = ended.then().args(["report", &name]).ends(0);
    let words = "Replica 0 (seed 0) has diverged at step 7 (embed.A) and counts as not recovered";
    assert!(report.stdout.contains(words), "{}", report.stdout);
}

#[test]
fn a_run_of_which_every_replica_diverges_ends_with_its_tables_and_a_report() {
    let arguments = ["run", "tiny.toml", "--device=cpu", "--set=decomposition.steps=50"];
    let ended = Test::new().with_spec().args(arguments).args(["--set=decomposition.learning_rate=1e20"]).fails(1);
    let folder = run_folder(ended.folder.path(), "");
    assert_eq!(column(&folder, "summary.csv", "recovered"), ["false"; 2]);
    assert!(column(&folder, "summary.csv", "diverged_in").iter().all(|what| !what.is_empty()));
    assert_eq!(rows(&folder, "components.csv"), 0);
    let stopped = numbers(&folder, "summary.csv", "diverged_at")[0];
    let logged = column(&folder, "training.csv", "replica").into_iter().zip(numbers(&folder, "training.csv", "step"));
    assert!(logged.filter(|(replica, _)| replica == "0").all(|(_, step)| step <= stopped), "nothing is logged later");
    let components = read_tensors(&folder.join("components.safetensors")).unwrap();
    assert!(
        components.iter().all(|(_, tensor)| bool::try_from(tensor.isfinite().all()).unwrap()),
        "as before the step"
    );
    assert!(ended.stdout.contains("has diverged at step "), "{}", ended.stdout);
}
