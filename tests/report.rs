//! `report::make` on made-up run folders, and on one that a run has left.

mod synthetic_run;

use std::{
    fs,
    path::{Path, PathBuf},
    slice,
};

use apd::report::{self, Report};
use snapbox::{assert_data_eq, file, str};
use synthetic_run::{SyntheticRun, TMS_5_2, TMS_40_10};

fn make(folder: &PathBuf) -> Report {
    report::make(slice::from_ref(folder)).unwrap()
}

fn error(folder: &Path) -> String {
    report::make(&[folder.to_owned()]).err().unwrap().to_string()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("report").join(name)).unwrap()
}

fn change(folder: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    assert!(text.contains(from), "{name} holds no {from:?}");
    fs::write(folder.join(name), text.replace(from, to)).unwrap();
}

fn widest_line(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap()
}

#[test]
fn the_table_of_replicas_fits_80_columns() {
    for run in [TMS_5_2, TMS_40_10] {
        let text = make(&run.write(&format!("table_{}", run.features))).text(80);
        assert!(widest_line(&text) <= 80, "{text}");
    }
}

#[test]
fn a_table_that_would_be_too_wide_leaves_out_the_seeds() {
    let folder = TMS_5_2.write("wide");
    change(&folder, "summary.csv", "\n0,0,", "\n0,18446744073709551615,");
    let text = make(&folder).text(80);
    assert!(widest_line(&text) <= 80, "{text}");
    assert!(text.contains("replica  faithful  minimal") && text.contains("recovered\n"), "{text}");
    assert!(read(&folder, "report.md").contains("18446744073709551615"));
    assert!(widest_line(&make(&folder).text(60)) <= 60);
}

#[test]
fn the_table_stands_beside_the_papers_numbers() {
    let text = make(&TMS_5_2.write("tms_5-2-0a1b2c3d")).text(80);
    assert_data_eq!(text, file!["snapshots/report_tms_5-2.txt"]);
}

/// `tests/golden_run` is what this command left, with the machine's name taken out and without its report:
/// apd run experiments/tms_5-2.toml --threads 1 --device cpu --quiet --set name=tms_5-2_short --set 'seeds=[1, 2, 3]'
/// --set target.training.steps=2000 --set decomposition.steps=2000
#[test]
fn the_report_of_a_real_run_can_be_made_from_its_files_alone() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden_run");
    let copy = tempfile::tempdir().unwrap();
    let folder = copy.path().join("tms_5-2_short");
    fs::create_dir(&folder).unwrap();
    for path in fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path()) {
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let report = make(&folder);
    assert_data_eq!(report.text(80), file!["snapshots/report_golden_run.txt"]);
    assert_data_eq!(read(&folder, "report.md"), file!["snapshots/report_golden_run.md"]);
    let names: Vec<_> = report.written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let figures =
        ["features", "losses", "singular_values"].map(|name| [format!("{name}.svg"), format!("{name}_figure.csv")]);
    assert_eq!(names[..3], ["report.md", "report.html", "tables.tex"]);
    assert_eq!(names[3..], figures.concat());
    // The arrows of target, sum and five components, as in the tensors.
    let arrows = read(&folder, "features_figure.csv");
    assert_data_eq!(
        arrows.lines().take(6).collect::<Vec<_>>().join("\n"),
        str![[r#"
replica,part,component,feature,weight_0,weight_1
0,target,,0,-6.69201e-1,-9.14260e-1
0,target,,1,-1.07613e0,3.55550e-1
0,target,,2,1.07759e0,3.42491e-1
0,target,,3,6.49230e-3,1.13222e0
0,target,,4,6.64532e-1,-9.21306e-1
"#]]
    );
    assert_eq!(arrows.lines().count(), 1 + 7 * 5);
    assert_eq!(read(&folder, "features.svg").matches("Z\"").count(), 7 * 5);
}

#[test]
fn the_page_holds_verdict_tables_and_captions() {
    let folder = TMS_5_2.write("page/tms_5-2-0a1b2c3d");
    make(&folder);
    assert_data_eq!(read(&folder, "report.md"), file!["snapshots/report_tms_5-2.md"]);
}

#[test]
fn networks_that_are_not_in_the_paper_have_no_numbers_beside_them() {
    let folder = TMS_5_2.write("hidden_layer");
    change(&folder, "spec.toml", "hidden_layers = 0", "hidden_layers = 1");
    let text = make(&folder).text(80);
    assert!(text.contains("TMS 5-2 with 1 hidden layer"), "{text}");
    assert!(!text.contains("Braun"), "{text}");
}

#[test]
fn every_panel_of_vectors_holds_one_arrow_a_feature() {
    let folder = TMS_5_2.write("vectors");
    make(&folder);
    let svg = read(&folder, "features.svg");
    // The heads are the only closed paths: target, sum and five components with five features each.
    assert_eq!(svg.matches("Z\"").count(), 7 * 5);
    for feature in 0..5 {
        assert!(svg.contains(&format!(">feature {feature}<")), "no component of feature {feature}");
    }
    assert_eq!(read(&folder, "features_figure.csv").lines().count(), 1 + 7 * 5);
}

#[test]
fn wider_hidden_spaces_are_shown_as_heat_maps_in_the_order_of_the_features() {
    let folder = TMS_40_10.write("heat_maps");
    make(&folder);
    let svg = read(&folder, "features.svg");
    let places: Vec<usize> =
        (0..40).map(|feature| svg.find(&format!("· feature {feature}<")).expect("a panel a feature")).collect();
    assert!(places.is_sorted());
    // The ten components that hold nothing are left out, and the caption says so.
    assert!(read(&folder, "report.md").contains("Left out: 10 components"));
    assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
}

#[test]
fn every_replica_has_a_line_in_each_panel_of_losses() {
    let folder = TMS_5_2.write("losses");
    make(&folder);
    let svg = read(&folder, "losses.svg");
    let lines = |colour: &str| svg.matches(&format!("stroke=\"{colour}\" stroke-width=\"0.8\" fill=\"none\"")).count();
    let (recovered, others) = (lines("#0072b2"), lines("#d55e00"));
    assert_eq!((recovered, others), (8 * 4, 4 * 4));
    for label in [">recovered: 8<", ">not recovered: 4<", ">faithfulness<", ">training step<", ">loss<"] {
        assert!(svg.contains(label), "no {label}");
    }
}

#[test]
fn the_figures_show_the_recovered_replica_with_the_largest_mmcs() {
    let folder = TMS_5_2.write("shown");
    change(&folder, "summary.csv", "\n4,4,", "\n4,44,");
    let summary = fs::read_to_string(folder.join("summary.csv")).unwrap();
    let best: Vec<String> = summary
        .lines()
        .map(|line| {
            let mut cells: Vec<&str> = line.split(',').collect();
            match cells[1] {
                "44" => cells[6] = "0.9999",
                // A larger cosine without recovery does not count.
                "2" => cells[6] = "0.99999",
                _ => {}
            }
            cells.join(",")
        })
        .collect();
    fs::write(folder.join("summary.csv"), best.join("\n")).unwrap();
    make(&folder);
    assert!(read(&folder, "report.md").contains("Replica 4, the recovered one with the largest MMCS."));
    assert!(read(&folder, "features_figure.csv").lines().nth(1).unwrap().starts_with("4,target"));
}

#[test]
fn an_unfinished_run_shows_what_is_there_and_says_what_is_missing() {
    let folder = TMS_5_2.write("unfinished");
    for name in ["summary.csv", "components.csv", "ranks.csv", "components.safetensors"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    change(&folder, "provenance.json", "finished", "running");
    let training = fs::read_to_string(folder.join("training.csv")).unwrap();
    fs::write(folder.join("training.csv"), &training[..training.len() / 2]).unwrap();
    let report = make(&folder);
    let text = report.text(80);
    for expected in ["running", "No replica has been measured yet.", "summary.csv is missing.", "ranks.csv is missing."]
    {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(read(&folder, "losses.svg").contains(">not yet judged: "));
    assert!(read(&folder, "features.svg").contains(">target<"));
    assert!(!folder.join("report/singular_values.svg").exists());
    let names: Vec<_> = report.written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "report.md",
            "report.html",
            "tables.tex",
            "features.svg",
            "features_figure.csv",
            "losses.svg",
            "losses_figure.csv"
        ]
    );
}

#[test]
fn a_run_of_which_nothing_but_the_spec_is_there_has_a_report() {
    let folder = TMS_5_2.write("bare");
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("spec.toml") {
            fs::remove_file(path).unwrap();
        }
    }
    let text = make(&folder).text(80);
    assert!(text.contains("TMS 5-2, 12 replicas"), "{text}");
    assert_eq!(text.matches("is missing").count(), 7, "{text}");
}

#[test]
fn damaged_files_are_noted_and_the_rest_is_shown() {
    let folder = TMS_5_2.write("damaged");
    fs::write(folder.join("target.safetensors"), [255; 64]).unwrap();
    fs::write(folder.join("ranks.csv"), [0xFF, 0xFE, b'\n', 0, 1]).unwrap();
    fs::write(folder.join("provenance.json"), "{").unwrap();
    change(&folder, "summary.csv", "\n3,3,", "\nthree,3,");
    change(&folder, "components.csv", "matched_feature", "partner");
    let text = make(&folder).text(80);
    for expected in
        ["target.safetensors could not be read", "provenance.json could not be read", "summary.csv has a row"]
    {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(text.contains("Recovered: 7 of 11"), "{text}");
    assert!(text.contains("summary.csv holds 11 of 12 replicas."), "{text}");
}

#[test]
fn numbers_that_are_none_are_shown_as_such() {
    let folder = TMS_5_2.write("not_numbers");
    change(&folder, "summary.csv", "\n1,1,", "\n1,1,NaN,inf,,NaN,NaN,NaN,NaN,NaN,NaN,false\n99,99,");
    let training = fs::read_to_string(folder.join("training.csv")).unwrap();
    let broken = training.replace("\n3,400,total,", "\n3,400,total,NaN\n3,400,total,-inf\n3,401,total,0\n3,402,total,");
    fs::write(folder.join("training.csv"), broken).unwrap();
    change(&folder, "ranks.csv", "\n0,0,embed,1,", "\n0,0,embed,NaN,NaN,NaN,NaN,NaN,NaN,inf\n0,0,embed,1,");
    let text = make(&folder).text(80);
    let row = text.lines().find(|line| line.starts_with("1 ")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["1", "1", "–", "inf", "–", "–", "–", "–", "–", "–", "no"]);
    for name in ["features.svg", "losses.svg", "singular_values.svg"] {
        let svg = read(&folder, name);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
    }
}

#[test]
fn hostile_names_do_no_harm() {
    let folder = TMS_5_2.write("<img src=x>&|`$x$`\u{1b}[31m\u{202e}");
    change(&folder, "training.csv", ",total,", ",\"</text><script>alert(1)</script>\",");
    change(&folder, "ranks.csv", ",embed,", ",\"<b a='x'>&amp;$\\frac{1}{2}$\",");
    change(&folder, "provenance.json", "\"cpu\"", "\"<script>|\\u0007\\n# heading\"");
    let text = make(&folder).text(80);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text}");
    let page = read(&folder, "report.md");
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert!(page.lines().filter(|line| line.starts_with("# ")).count() == 1, "{page}");
    assert!(read(&folder, "losses.svg").contains("&lt;/text&gt;&lt;script&gt;alert(1)"));
    for name in ["losses.svg", "singular_values.svg"] {
        let svg = read(&folder, name);
        assert!(!svg.contains("<script") && !svg.contains("<b "), "{name}");
    }
}

#[test]
fn several_runs_stand_below_each_other_with_an_overview() {
    let folders = [TMS_5_2.write("several/first"), TMS_40_10.write("several/second")];
    let text = report::make(&folders).unwrap().text(80);
    assert!(widest_line(&text) <= 80, "{text}");
    let (_, overview) = text.split_once("All runs (means over recovered replicas)").unwrap();
    assert!(
        overview.contains("first") && overview.contains("8 of 12") && overview.contains("39 to 86 %"),
        "{overview}"
    );
    assert!(overview.contains("second") && overview.contains("3 of 4"), "{overview}");
}

#[test]
fn a_report_can_be_made_again_and_is_the_same() {
    let folder = TMS_5_2.write("again");
    let files = make(&folder).written;
    assert_eq!(files.len(), 9);
    let first: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    make(&folder);
    let second: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(first == second);
}

#[test]
fn one_replica_has_no_deviation() {
    let folder = SyntheticRun { replicas: 1, ..TMS_5_2 }.write("single");
    let text = make(&folder).text(80);
    assert!(text.contains("\n1 replica                           0.998          0.896\n"), "{text}");
}

#[test]
fn a_folder_that_is_no_runs_is_refused() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_run");
    fs::create_dir_all(&folder).unwrap();
    let expected = format!(
        "{} is not the folder of a run: it holds no spec.toml\n  help: give one of the folders in the results folder",
        folder.display()
    );
    assert_eq!(error(&folder), expected);
    assert!(!folder.join("report").exists());
}

#[test]
fn a_folder_that_does_not_exist_is_refused() {
    let expected = "there is no folder no/such\n  help: give the folder of a run, which `apd run` names when it begins \
                    and ends";
    assert_eq!(error(Path::new("no/such")), expected);
}

#[test]
fn a_report_that_cannot_be_written_says_what_to_do() {
    let folder = TMS_5_2.write("unwritable");
    fs::write(folder.join("report"), "in the way").unwrap();
    let expected = format!(
        "cannot write {}: File exists\n  help: make the run folder writable, or copy it and report on the copy",
        folder.join("report").display()
    );
    assert_eq!(error(&folder), expected);
}
