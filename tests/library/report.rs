//! `report::make` on made-up run folders, and on one that a run has left.

use std::{
    fs,
    path::{Path, PathBuf},
    slice,
};

use crate::synthetic_run::{
    RESIDUAL_MLP, SyntheticResidualMlp, SyntheticRun, TMS_5_2, TMS_40_10,
    sweep::{GRID, MadeUp, Replica, of_grid, write_sweep},
};
use apd::report::{self, Report};
use snapbox::{assert_data_eq, file, str};

/// Makes the report. What holds for all reports is checked here.
fn make(folder: &PathBuf) -> Report {
    let report = report::make(slice::from_ref(folder)).unwrap();
    report.written.iter().filter(|path| path.extension().is_some_and(|end| end == "csv")).for_each(assert_types);
    report
}

/// A column of a figure's numbers holds numbers alone, or words alone, beside fields that are empty.
fn assert_types(path: &PathBuf) {
    let mut table = csv::Reader::from_path(path).unwrap();
    let header = table.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    for (column, name) in header.iter().enumerate() {
        let cells = || rows.iter().map(|row| &row[column]).filter(|cell| !cell.is_empty());
        let numbers = cells().filter(|cell| cell.parse::<f64>().is_ok()).count();
        assert!(
            [0, cells().count()].contains(&numbers),
            "{}: {name} has {numbers} numbers beside words",
            path.display()
        );
    }
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

fn files_of(figures: &[&str]) -> Vec<String> {
    figures.iter().flat_map(|name| [format!("{name}.svg"), format!("{name}_figure.csv")]).collect()
}

/// The figures that were written, in order.
fn figures_of(report: &Report) -> Vec<String> {
    let names = report.written.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
    names.filter_map(|name| name.strip_suffix(".svg")).map(str::to_owned).collect()
}

/// Lines of this colour and width.
fn lines(svg: &str, colour: &str, width: &str) -> usize {
    svg.matches(&format!("stroke=\"{colour}\" stroke-width=\"{width}\" fill=\"none\"")).count()
}

/// The places of dots of this radius and colour.
fn dots(svg: &str, radius: &str, colour: &str) -> usize {
    svg.matches(&format!("r=\"{radius}\" fill=\"{colour}\"")).count()
}

const BLUE: &str = "#0072b2";
const VERMILLION: &str = "#d55e00";
const ORANGE: &str = "#e69f00";
const GREEN: &str = "#009e73";
const FAINT: &str = "#aaaaaa";

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
    let figures = ["features", "network", "recovered", "frequencies", "losses", "singular_values"];
    assert_eq!(names[..3], ["report.md", "report.html", "tables.tex"]);
    assert_eq!(names[3..], files_of(&figures));
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
fn every_replica_of_few_has_a_line_in_each_panel_of_losses() {
    let folder = SyntheticRun { replicas: 8, ..TMS_5_2 }.write("losses");
    make(&folder);
    let svg = read(&folder, "losses.svg");
    assert_eq!((lines(&svg, BLUE, "0.8"), lines(&svg, VERMILLION, "0.8")), (6 * 4, 2 * 4));
    for label in [">recovered: 6<", ">not recovered: 2<", ">faithfulness<", ">training step<", ">loss<"] {
        assert!(svg.contains(label), "no {label}");
    }
    assert!(read(&folder, "report.md").contains("One thin line a replica, on a logarithmic scale"));
}

#[test]
fn many_recovered_replicas_are_a_band_of_quartiles_in_the_losses() {
    let folder = SyntheticRun { replicas: 30, ..TMS_5_2 }.write("losses_of_many");
    make(&folder);
    let svg = read(&folder, "losses.svg");
    // Twenty recovered ones as a median and a band, ten others as lines.
    assert_eq!((lines(&svg, BLUE, "0.8"), lines(&svg, BLUE, "1.25"), lines(&svg, VERMILLION, "0.8")), (0, 4, 10 * 4));
    assert_eq!(svg.matches("opacity=\"0.3\"").count(), 4);
    assert!(svg.len() < 300_000, "{} bytes", svg.len());
    let numbers = read(&folder, "losses_figure.csv");
    let values = |statistic: &str| -> Vec<f64> {
        let rows = numbers.lines().filter(|line| line.starts_with(&format!("total,,recovered,{statistic},")));
        rows.map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect()
    };
    let (low, middle, high) = (values("lower quartile"), values("median"), values("upper quartile"));
    assert_eq!(middle.len(), 101);
    assert!(low.iter().zip(&middle).zip(&high).all(|((low, middle), high)| low <= middle && middle <= high));
}

#[test]
fn a_column_of_a_runs_tables_has_one_type() {
    let entries = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden_run").read_dir().unwrap();
    let tables =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "csv"));
    let tables: Vec<PathBuf> = tables.collect();
    assert!(tables.len() > 3, "{tables:?}");
    tables.iter().for_each(assert_types);
}

#[test]
fn a_run_has_the_figures_of_its_tables_and_no_others() {
    let tms = make(&TMS_5_2.write("figures_of_tms"));
    let expected = "features network attributions recovered responses frequencies coactivity rate_distortion losses \
                    target_training singular_values";
    assert_eq!(figures_of(&tms).join(" "), expected);
    let wide = make(&TMS_40_10.write("figures_of_wide_tms"));
    assert_eq!(figures_of(&wide).join(" "), expected.replace(" network", ""));
    let mlp = make(&RESIDUAL_MLP.write("figures_of_mlp"));
    let expected = "attributions recovered responses curves contributions feature_errors active_components scrubbing \
                    frequencies coactivity rate_distortion layers losses target_training singular_values";
    assert_eq!(figures_of(&mlp).join(" "), expected);
    let one_layer = SyntheticResidualMlp { layers: 1, ..RESIDUAL_MLP }.write("figures_of_one_layer");
    assert_eq!(figures_of(&make(&one_layer)).join(" "), expected.replace(" layers", ""));
}

#[test]
fn tables_that_an_older_run_lacks_are_named_in_one_sentence() {
    let folder = RESIDUAL_MLP.write("older");
    let tables = ["attributions.csv", "coactivity.csv", "curves.csv", "responses.csv", "baselines.csv"];
    tables.iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
    let report = make(&folder);
    let text = report.text(300);
    let absent = "attributions.csv, coactivity.csv, baselines.csv, responses.csv, curves.csv";
    assert!(text.contains(&format!("Not there, and so not drawn: {absent}; apd evaluate writes them anew.")), "{text}");
    assert!(figures_of(&report).contains(&"target_training".to_owned()));
    assert!(!figures_of(&report).contains(&"curves".to_owned()));
}

#[test]
fn the_network_of_a_toy_model_has_a_line_for_each_weight_that_can_be_seen() {
    let folder = TMS_5_2.write("network");
    make(&folder);
    let svg = read(&folder, "network.svg");
    // Target and five components, each with five features, two hidden dimensions, and five features again.
    assert_eq!(svg.matches("<circle").count(), 6 * (5 + 2 + 5));
    for feature in 0..5 {
        assert!(svg.contains(&format!(">feature {feature}<")));
    }
    // In the file of numbers: those of the target, and of each component.
    let numbers = read(&folder, "network_figure.csv");
    assert_eq!(numbers.lines().filter(|line| line.starts_with("0,target,,embed,")).count(), 5 * 2);
    assert_eq!(numbers.lines().filter(|line| line.starts_with("0,component,")).count(), 5 * 5 * 2);
    // Each weight is drawn twice, for it reads a feature and writes it; those too small to be seen are not.
    let weights: Vec<f64> =
        numbers.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect();
    let largest = weights[..10].iter().map(|weight| weight.abs()).fold(0.0, f64::max);
    let count = |sign: f64| weights.iter().filter(|weight| sign * **weight >= 0.02 * largest).count();
    let drawn = |colour: &str| svg.matches(&format!("stroke=\"{colour}\"")).count();
    // One more of each is in the key.
    assert_eq!((drawn(VERMILLION), drawn(BLUE)), (1 + 2 * count(1.0), 1 + 2 * count(-1.0)));
    assert!(count(1.0) + count(-1.0) < 10 + 2 * 10, "components hold more than their feature");
}

#[test]
fn the_share_of_recovered_replicas_stands_beside_the_published_one() {
    let folder = TMS_5_2.write("recovered");
    make(&folder);
    let svg = read(&folder, "recovered.svg");
    for label in [">8 of 12<", ">7 of 12<", ">this run<", ">published<", ">0.998<", ">0.893<", ">MMCS<", ">ML2R<"] {
        assert!(svg.contains(label), "no {label}");
    }
    // A dot a replica for MMCS and for ML2R.
    assert_eq!((dots(&svg, "2.2", BLUE), dots(&svg, "2.2", VERMILLION)), (2 * 8, 2 * 4));
    let numbers = read(&folder, "recovered_figure.csv");
    assert!(numbers.contains("recovered,this run,,6.66667e-1,3.90622e-1,8.61880e-1"), "{numbers}");
    let mlp = RESIDUAL_MLP.write("recovered_mlp");
    make(&mlp);
    let svg = read(&mlp, "recovered.svg");
    assert!(svg.contains(">3 of 4<") && svg.contains(">features with a component of their own<"));
    assert!(!svg.contains("published") && !svg.contains("MMCS"));
}

#[test]
fn every_feature_has_its_errors_and_the_ones_without_a_component_of_their_own_stand_out() {
    let folder = SyntheticResidualMlp { replicas: 1, features: 100, components: 200, ..RESIDUAL_MLP }.write("errors");
    change(&folder, "features.csv", "\n0,7,23,true,", "\n0,7,23,false,");
    make(&folder);
    let svg = read(&folder, "feature_errors.svg");
    let counts = [FAINT, GREEN, ORANGE, BLUE, VERMILLION].map(|colour| dots(&svg, "1.7", colour));
    assert_eq!(counts, [100, 100, 100, 99, 1]);
    assert_eq!(read(&folder, "feature_errors_figure.csv").lines().count(), 101);
    let svg = read(&folder, "active_components.svg");
    assert_eq!((dots(&svg, "2.4", BLUE), dots(&svg, "2.4", VERMILLION)), (99, 1));
    assert!(svg.contains(">own component: 99<") && svg.contains(">none of its own: 1<"));
}

#[test]
fn the_first_ten_features_have_a_panel_of_contributions_and_all_are_in_the_scatter() {
    let folder = RESIDUAL_MLP.write("contributions");
    make(&folder);
    let svg = read(&folder, "contributions.svg");
    assert_eq!(svg.matches(">feature ").count(), 10);
    let squares = svg.matches("h1.8v1.8h-1.8z").count();
    assert_eq!(squares, 20 * 10);
    assert!(!read(&folder, "report.md").contains("that lie nearest to the origin"));
    let large = SyntheticResidualMlp { replicas: 1, features: 100, neurons: 50, components: 200, ..RESIDUAL_MLP };
    let folder = large.write("many_contributions");
    make(&folder);
    let svg = read(&folder, "contributions.svg");
    assert_eq!(svg.matches("h1.8v1.8h-1.8z").count(), 3_000);
    assert!(read(&folder, "report.md").contains("Not drawn: the 2000 of 5000 that lie nearest to the origin."));
}

#[test]
fn scrubbing_is_shown_as_distributions_and_as_the_bands_of_one_feature() {
    let folder = RESIDUAL_MLP.write("scrubbing");
    make(&folder);
    let svg = read(&folder, "scrubbing.svg");
    assert_eq!([BLUE, VERMILLION, "#222222"].map(|colour| lines(&svg, colour, "1.5")), [2, 2, 1]);
    assert_eq!([BLUE, VERMILLION].map(|colour| lines(&svg, colour, "1.25")), [1, 1]);
    for label in [">feature 0, scrubbed<", ">feature 0, anti-scrubbed<", ">share of samples<", ">input 0<"] {
        assert!(svg.contains(label), "no {label}");
    }
    fs::remove_file(folder.join("scrubbing_curves.csv")).unwrap();
    make(&folder);
    assert!(!read(&folder, "scrubbing.svg").contains(">feature 0"));
}

#[test]
fn the_attributions_have_one_dark_cell_a_feature_on_the_diagonal() {
    let folder = TMS_5_2.write("attributions");
    make(&folder);
    let svg = read(&folder, "attributions.svg");
    // The full colour is one path of five cells, from the upper left to the lower right.
    assert!(svg.contains("d=\"M0 0h1v1h-1zM1 1h1v1h-1zM2 2h1v1h-1zM3 3h1v1h-1zM4 4h1v1h-1z\""), "{svg}");
    let numbers = read(&folder, "attributions_figure.csv");
    let dark = numbers.lines().filter(|line| line.ends_with(",5.00000e-1"));
    let features: Vec<&str> = dark.map(|line| line.split(',').nth(3).unwrap()).collect();
    assert_eq!(features, ["0", "1", "2", "3", "4"]);
}

#[test]
fn what_is_active_together_is_coloured_on_both_sides_of_the_diagonal() {
    let folder = TMS_40_10.write("coactivity");
    make(&folder);
    let svg = read(&folder, "coactivity.svg");
    assert!(svg.contains("d=\"M1 0h1v1h-1zM0 1h1v1h-1z\""), "{svg}");
    assert!(svg.contains(">40 components<") && svg.contains(">0.60<"));
    assert_eq!(read(&folder, "coactivity_figure.csv").lines().count(), 1 + 40 * 39 / 2);
}

#[test]
fn components_are_sorted_by_frequency_and_coloured_by_state() {
    let folder = RESIDUAL_MLP.write("frequencies");
    make(&folder);
    let svg = read(&folder, "frequencies.svg");
    assert!(svg.contains(">monosemantic: 20<") && svg.contains(">dead: 5<"));
    // One more of each is in the key, of another size.
    assert_eq!((dots(&svg, "2.6", BLUE), dots(&svg, "2.6", FAINT)), (20, 5));
    assert_eq!(svg.matches("stroke-dasharray").count(), 1, "the frequency of a feature");
    let numbers = read(&folder, "frequencies_figure.csv");
    let frequencies: Vec<f64> = numbers
        .lines()
        .filter(|line| line.starts_with("0,"))
        .map(|line| line.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(frequencies.len(), 25);
    assert!(frequencies.is_sorted_by(|a, b| a >= b));
}

#[test]
fn every_replica_has_a_rate_distortion_curve_in_both_panels() {
    let folder = TMS_5_2.write("rate_distortion");
    make(&folder);
    let svg = read(&folder, "rate_distortion.svg");
    assert_eq!((lines(&svg, BLUE, "1"), lines(&svg, VERMILLION, "1")), (2 * 8, 2 * 4));
    assert_eq!(read(&folder, "rate_distortion_figure.csv").lines().count(), 1 + 12 * 13);
}

#[test]
fn layers_are_stacked_to_one_for_every_alive_component() {
    let folder = RESIDUAL_MLP.write("layers");
    make(&folder);
    let svg = read(&folder, "layers.svg");
    assert!(svg.contains(">layer 0<") && svg.contains(">layer 1<") && !svg.contains(">layer 2<"));
    let numbers = read(&folder, "layers_figure.csv");
    let rows: Vec<Vec<&str>> = numbers.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 20 * 2);
    for pair in rows.chunks(2) {
        let shares: f64 = pair.iter().map(|row| row[4].parse::<f64>().unwrap()).sum();
        assert!((shares - 1.0).abs() < 1e-3, "{pair:?}");
    }
}

#[test]
fn all_features_have_their_curve_in_each_panel() {
    let folder = RESIDUAL_MLP.write("curves");
    make(&folder);
    let svg = read(&folder, "curves.svg");
    assert_eq!(["#222222", GREEN, BLUE, VERMILLION].map(|colour| lines(&svg, colour, "0.5")), [20; 4]);
    let many =
        SyntheticResidualMlp { features: 200, components: 400, replicas: 1, ..RESIDUAL_MLP }.write("many_curves");
    make(&many);
    assert_eq!(lines(&read(&many, "curves.svg"), BLUE, "0.5"), 100);
    assert!(read(&many, "report.md").contains("a line a feature, 100 of 200 features"));
}

#[test]
fn responses_show_target_and_component_at_every_output() {
    let folder = RESIDUAL_MLP.write("responses");
    make(&folder);
    let svg = read(&folder, "responses.svg");
    assert_eq!(svg.matches(">feature ").count(), 6);
    assert_eq!(read(&folder, "responses_figure.csv").lines().count(), 1 + 6 * 20);
}

#[test]
fn the_target_is_trained_beside_the_errors_of_simple_answers() {
    let folder = RESIDUAL_MLP.write("target_training");
    make(&folder);
    let svg = read(&folder, "target_training.svg");
    assert_eq!(lines(&svg, BLUE, "0.8"), 4);
    assert_eq!(svg.matches("stroke-dasharray").count(), 3);
    for label in [">nothing<", ">monosemantic<", ">target, at the end<"] {
        assert!(svg.contains(label), "no {label}");
    }
    let many = TMS_5_2.write("targets_training");
    make(&many);
    assert_eq!(lines(&read(&many, "target_training.svg"), BLUE, "1.25"), 1);
    assert!(read(&many, "target_training_figure.csv").contains("\n,all,upper quartile,5000,"));
}

#[test]
fn the_figures_of_large_runs_are_small() {
    let mlp = SyntheticResidualMlp { features: 100, neurons: 50, layers: 3, components: 200, replicas: 30 };
    let tms = SyntheticRun { replicas: 30, ..TMS_40_10 };
    for folder in [mlp.write("large_mlp"), tms.write("large_tms")] {
        for path in make(&folder).written.iter().filter(|path| path.extension().is_some_and(|ending| ending == "svg")) {
            let size = fs::metadata(path).unwrap().len();
            assert!(size < 300_000, "{}: {size} bytes", path.display());
        }
    }
}

#[test]
fn values_that_are_none_leave_gaps_in_the_figures() {
    let folder = RESIDUAL_MLP.write("none");
    for name in
        ["features", "contributions", "scrubbing", "scrubbing_curves", "attributions", "coactivity", "responses"]
            .into_iter()
            .chain(["curves", "rate_distortion", "layers", "target_training", "baselines", "components"])
    {
        let path = folder.join(format!("{name}.csv"));
        let text = fs::read_to_string(&path).unwrap();
        // The last number of every third row is none, of every seventh it is infinite.
        let broken = text.lines().enumerate().map(|(number, line)| match line.rsplit_once(',') {
            Some((start, _)) if number > 0 && number % 7 == 0 => format!("{start},inf"),
            Some((start, _)) if number > 0 && number % 3 == 0 => format!("{start},NaN"),
            _ => line.to_owned(),
        });
        fs::write(&path, broken.collect::<Vec<_>>().join("\n")).unwrap();
    }
    let report = make(&folder);
    assert_eq!(figures_of(&report).len(), 15);
    for path in report.written.iter().filter(|path| path.extension().is_some_and(|ending| ending == "svg")) {
        let svg = fs::read_to_string(path).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", path.display());
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
    let still_there = "features network attributions responses coactivity rate_distortion losses target_training";
    assert_eq!(figures_of(&report).join(" "), still_there);
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
fn a_run_whose_spec_is_lost_is_reported_and_keeps_its_figure_of_features() {
    let folder = TMS_5_2.write("lost_spec");
    fs::write(folder.join("spec.toml"), "[[[").unwrap();
    let text = make(&folder).text(80);
    assert!(text.contains("spec.toml is not valid TOML"), "{text}");
    assert!(text.contains("Recovered: 8 of 12") && read(&folder, "features.svg").contains("<svg"), "{text}");
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
    for name in ["features.svg", "losses.svg", "singular_values.svg", "recovered.svg"] {
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
    let (_, overview) = text.split_once("All runs\n").unwrap();
    assert!(
        overview.contains("first") && overview.contains("8 of 12") && overview.contains("39 to 86 %"),
        "{overview}"
    );
    assert!(overview.contains("second") && overview.contains("3 of 4"), "{overview}");
}

/// Runs of the same made-up target by the three methods, of which the last has four replicas.
fn by_three_methods(name: &str) -> [PathBuf; 3] {
    [("apd", 12, 61.3), ("spd", 12, 250.0), ("vpd", 4, 4.2)].map(|(method, replicas, seconds)| {
        let folder = SyntheticRun { replicas, ..TMS_5_2 }.write(&format!("{name}/tms_5-2_{method}"));
        let settings = match method {
            "apd" => {
                "[method.apd]\ncomponents = 5\nrank = 3\nschatten_power = 1.0\ncoefficients = { simplicity = 0.7 }\n\
                      [method.apd.selection.batch_top_k]\nk = 0.211\n"
            }
            _ => &format!("[method.{method}]\nsubcomponents = 20\ncoefficients = {{ importance = 0.003 }}\n"),
        };
        let spec = fs::read_to_string(folder.join("spec.toml")).unwrap();
        fs::write(folder.join("spec.toml"), spec + "\n" + settings).unwrap();
        change(&folder, "provenance.json", "\"seconds\"", &format!("\"training_seconds\": {seconds}, \"seconds\""));
        folder
    })
}

/// What stands below the reports of single runs.
fn together(text: &str) -> &str {
    text.split_once("All runs\n").unwrap().1
}

#[test]
fn three_methods_stand_below_each_other_with_a_test_where_there_are_enough_replicas() {
    let text = report::make(&by_three_methods("three_methods")).unwrap().text(80);
    assert!(widest_line(&text) <= 80, "{text}");
    assert_data_eq!(together(&text), file!["snapshots/report_three_methods.txt"]);
}

#[test]
fn without_a_run_of_enough_replicas_there_are_intervals_and_no_test() {
    let [apd, _, vpd] = by_three_methods("few_replicas");
    let text = report::make(&[apd.clone(), vpd]).unwrap().text(300);
    assert!(!together(&text).contains("Fisher"), "{text}");
    let why = "A run with fewer than 5 judged replicas is not tested against another method; its interval tells how little is known.";
    assert!(together(&text).contains(why), "{text}");
    let other = SyntheticRun { hidden: 2, ..TMS_5_2 }.write("few_replicas/other");
    let text = report::make(&[apd, other]).unwrap().text(300);
    assert!(!together(&text).contains("tested") && !together(&text).contains("Fisher"), "of one method: {text}");
}

#[test]
fn runs_of_several_targets_are_named_with_their_targets_and_drawn_all_the_same() {
    let [_, spd, _] = by_three_methods("several_targets");
    change(&spd, "spec.toml", "hidden_layers = 0", "hidden_layers = 0\n[target.training]\nsteps = 7");
    let folders = [TMS_5_2.write("several_targets/a"), TMS_40_10.write("several_targets/b"), spd];
    let text = report::make(&folders).unwrap().text(400);
    let note = "These runs are not of one target, and errors and bits of different targets cannot be compared. TMS 5-2: a; TMS 40-10: b; TMS 5-2 with other settings (2): tms_5-2_spd.";
    assert!(together(&text).contains(note) && !together(&text).contains("Fisher"), "{text}");
    let svg = read(&folders[0], "error_by_active.svg");
    assert!(svg.contains(">of TMS 40-10<") && svg.contains(">of TMS 5-2 with other settings (2)<"), "{svg}");
    assert_eq!(lines(&svg, BLUE, "2"), 1);
}

#[test]
fn the_errors_of_three_methods_share_a_panel_with_a_median_for_each_and_thin_lines_for_the_replicas() {
    let folders = by_three_methods("overlaid");
    report::make(&folders).unwrap();
    for name in ["error_by_active", "error_by_bits"] {
        let svg = read(&folders[0], &format!("{name}.svg"));
        let paler = ["#7fb8d8", "#e9ae7f", "#7fceb8"].map(|colour| lines(&svg, colour, "0.6"));
        assert_eq!(paler, [12, 12, 4], "{name}");
        // The line in the key and the median; the second method's lines are dashed.
        for (colour, dashes) in [(VERMILLION, "7 3"), (GREEN, "2 2")] {
            let dashed = svg.matches(&format!("stroke=\"{colour}\" stroke-width=\"2\"")).count();
            assert_eq!((dashed, svg.matches(&format!("stroke-dasharray=\"{dashes}\"")).count()), (2, 2), "{name}");
        }
        for label in [">APD: tms_5-2_apd, 12 seeds<", ">SPD: tms_5-2_spd, 12 seeds<", ">VPD: tms_5-2_vpd, 4 seeds<"] {
            assert!(svg.contains(label), "no {label}");
        }
        let path = folders[0].join("report").join(format!("{name}_figure.csv"));
        assert_types(&path);
        let numbers = fs::read_to_string(path).unwrap();
        assert_eq!(numbers.lines().filter(|line| line.contains(",median,")).count(), 3 * 13);
        assert_eq!(numbers.lines().filter(|line| line.contains(",replica,")).count(), (12 + 12 + 4) * 13 + 1);
    }
    let svg = read(&folders[0], "verdicts.svg");
    assert_eq!([BLUE, VERMILLION, GREEN].map(|colour| dots(&svg, "4", colour)), [2; 3], "a share and a time each");
    assert!(svg.contains(">8 of 12<") && svg.contains(">3 of 4<") && svg.contains(">61 s<"), "{svg}");
    assert!(read(&folders[0], "verdicts_figure.csv").contains("recovered,tms_5-2_vpd,VPD,TMS 5-2,7.50000e-1,"));
}

#[test]
fn numbers_about_one_method_do_not_stand_beside_another() {
    let [apd, spd, _] = by_three_methods("published");
    assert!(make(&apd).text(80).contains("Braun et al. 2025"));
    assert!(read(&apd, "recovered.svg").contains("authors"));
    let text = make(&spd).text(80);
    assert!(!text.contains("Braun") && !text.contains("authors' program"), "{text}");
    let others = ["report.md", "report.html", "tables.tex", "recovered.svg"].map(|name| read(&spd, name));
    assert!(
        others.iter().all(|text| !text.contains("Braun et al. 2025, table 1") && !text.contains("authors' program"))
    );
}

#[test]
fn losses_that_no_replica_has_are_no_columns() {
    let folder = TMS_5_2.write("no_losses");
    let summary = fs::read_to_string(folder.join("summary.csv")).unwrap();
    let without = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        [&cells[..3], &["NaN", ""], &cells[5..]].concat().join(",")
    };
    let (header, rows) = summary.split_once('\n').unwrap();
    let rows: Vec<String> = rows.lines().map(without).collect();
    fs::write(folder.join("summary.csv"), format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    let text = make(&folder).text(80);
    assert!(text.contains("faithful") && !text.contains("minimal") && !text.contains("simple"), "{text}");
}

#[test]
fn a_report_can_be_made_again_and_is_the_same() {
    let folder = TMS_5_2.write("again");
    let files = make(&folder).written;
    assert_eq!(files.len(), 3 + 2 * 11);
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
fn a_folder_that_is_neither_a_runs_nor_a_sweeps_is_refused() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_run");
    fs::create_dir_all(&folder).unwrap();
    let expected = format!(
        "{} is neither the folder of a run nor that of a sweep: it holds no spec.toml and no sweep.toml\n  help: give one of the \
         folders in the results folder, which `apd list` lists",
        folder.display()
    );
    assert_eq!(error(&folder), expected);
    assert!(!folder.join("report").exists());
}

#[test]
fn a_folder_that_does_not_exist_is_refused() {
    let expected = "there is no folder no/such\n  help: give the folder of a run, which `apd list` lists";
    assert_eq!(error(Path::new("no/such")), expected);
}

#[test]
fn a_report_that_cannot_be_written_says_what_to_do() {
    let folder = TMS_5_2.write("unwritable");
    fs::write(folder.join("report"), "in the way").unwrap();
    let expected = format!(
        "cannot make the folder {0}: {0} is a file\n  help: move it out of the way, or choose another folder with --results",
        folder.join("report").display()
    );
    assert_eq!(error(&folder), expected);
}

#[test]
fn the_report_of_a_sweep_has_its_best_trial_beside_the_base_setting() {
    let folder = write_sweep("sweep", &GRID, of_grid);
    let report = make(&folder);
    assert_data_eq!(report.text(100), file!["snapshots/report_sweep.txt"]);
    assert_data_eq!(read(&folder, "report.md"), file!["snapshots/report_sweep.md"]);
    let names: Vec<_> = report.written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names[..2], ["report.md", "report.html"]);
    assert_eq!(names[2..], files_of(&["marginals", "pairs", "effects", "pareto", "truth"]));
}

#[test]
fn the_report_of_a_sweep_that_is_written_elsewhere_leads_back_to_its_folder() {
    let folder = write_sweep("sweep_elsewhere", &GRID, of_grid);
    fs::write(folder.join("recommended.toml"), "seeds = 1\n").unwrap();
    let out = folder.parent().unwrap().join("else where");
    let options = report::Options { out: Some(out.clone()), ..report::Options::default() };
    report::make_with(slice::from_ref(&folder), &options).unwrap();
    assert!(!folder.join("report").exists());
    let link = format!("../{}/recommended.toml", folder.file_name().unwrap().to_str().unwrap());
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains(&format!("href=\"{link}\"")), "no {link} in the page");
    assert!(fs::read_to_string(out.join("report.md")).unwrap().contains(&format!("({link})")), "{link}");
    assert!(out.join(link).is_file());
}

/// Rows of a figure's numbers, without the header.
fn rows_of(folder: &Path, figure: &str) -> Vec<Vec<String>> {
    let text = read(folder, &format!("{figure}_figure.csv"));
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn the_figures_of_a_sweep_hold_the_numbers_of_its_replicas() {
    let folder = write_sweep("sweep_figures", &GRID, of_grid);
    make(&folder);
    // Five trials of two replicas have ended, and there are two keys.
    let marginals = rows_of(&folder, "marginals");
    assert_eq!(marginals.len(), 2 * 5 * 2);
    assert_eq!(marginals[0].join(" "), "decomposition.learning_rate 0.03  1 0 6.00000e-1 not recovered");
    assert!(marginals.iter().any(|row| row.join(" ") == "method.apd.rank 3  5 1 0.00000e0 diverged"));
    let svg = read(&folder, "marginals.svg");
    // In each of two panels.
    assert_eq!([BLUE, VERMILLION, "#222222"].map(|colour| dots(&svg, "2.4", colour)), [2 * 3, 2 * 6, 2]);
    assert!(svg.contains(">recovered: 3<") && svg.contains(">not recovered: 6<") && svg.contains(">diverged: 1<"));

    let pairs = rows_of(&folder, "pairs");
    assert_eq!(pairs.len(), 5);
    assert_eq!(pairs[1].join(" "), "decomposition.learning_rate 0.1  method.apd.rank 1  2 1.30500e0");

    // The mean of trials 2 and 5, and from the worse to the better: 0.55, for its second replica counts 0, and 1.305.
    let effects = rows_of(&folder, "effects");
    assert_eq!(effects.len(), 3 + 2);
    let of_last = effects.iter().find(|row| row[1] == "0.1").unwrap().join(" ");
    assert_eq!(of_last, "decomposition.learning_rate 0.1  2 4 3 9.27500e-1 5.50000e-1 1.30500e0");

    let pareto = rows_of(&folder, "pareto");
    assert_eq!(pareto.len(), 9, "the one that has diverged has no error");
    let front: Vec<String> = pareto.iter().filter(|row| row[4] == "true").map(|row| row[..4].join(" ")).collect();
    // The larger the learning rate, the more are active and the smaller is the error; of equals the first.
    assert_eq!(front, ["1 0 2.30000e-1 3.33333e-1", "2 0 3.00000e-1 1.00000e-1", "3 0 2.10000e-1 1.00000e0"]);
    assert!(read(&folder, "pareto.svg").contains(">trial 2, recommended<"));

    assert_eq!(rows_of(&folder, "truth").len(), 9);
    assert!(read(&folder, "report.md").contains("The area under the ROC curve of the score for recovery is 1.000"));
}

#[test]
fn an_unfinished_sweep_shows_what_is_there_and_says_that_it_is_unfinished() {
    let folder = write_sweep("sweep_unfinished", &GRID, |trial, values| match trial {
        1 | 2 => of_grid(trial, values),
        _ => MadeUp::Waiting,
    });
    let text = make(&folder).text(100);
    assert!(text.contains("2 of 6 trials have ended; 4 are waiting.\n"), "{text}");
    assert!(text.contains("Best so far: trial 2, 2 of 2 recovered"), "{text}");
    let page = read(&folder, "report.md");
    assert!(page.contains("This sweep is not finished.") && !page.contains("ecommended"), "{page}");
    assert!(page.contains("In the sweep's folder `apd sweep work .` goes on with the sweep, `apd sweep"), "{page}");
    assert!(
        page.contains("Trial 4 is the base setting, the experiment as its spec has it; it has no result."),
        "{page}"
    );
}

#[test]
fn a_sweep_without_any_result_has_a_report_without_figures() {
    for (name, failed) in [("sweep_not_begun", false), ("sweep_failed", true)] {
        let folder = write_sweep(name, &GRID, |_, _| if failed { MadeUp::Failed("no room") } else { MadeUp::Waiting });
        let report = make(&folder);
        assert!(figures_of(&report).is_empty());
        assert!(report.text(80).contains("No replica has been measured yet."));
        assert_eq!(read(&folder, "report.md").contains("Trial 3 failed: no room"), failed);
        assert_eq!(read(&folder, "report.md").contains("This sweep is not finished"), !failed);
    }
}

fn replica(score: Option<f64>, recovered: Option<bool>) -> Replica {
    Replica { score, recovered, error: 0.1, active: 0.2, mmcs: None }
}

#[test]
fn sweeps_of_one_trial_of_words_alone_without_a_truth_and_of_nothing_but_diverged_ones_are_reported() {
    let one = write_sweep("sweep_of_one", &["sweep.seeds=1", "sweep.space.method.apd.rank=[3]"], |_, _| {
        MadeUp::Ended(vec![replica(Some(1.0), Some(true))])
    });
    let report = make(&one);
    assert_eq!(figures_of(&report), ["marginals", "pareto", "truth"]);
    assert!(report.text(80).contains("The one trial has ended."));
    assert!(report.text(80).contains("The best is trial 0, the base setting"), "{}", report.text(80));

    let words =
        ["sweep.seeds=1", "sweep.space.decomposition.schedule=['constant', {exponential={half_life=100}}, 'cosine']"];
    let unknown =
        write_sweep("sweep_of_words", &words, |trial, _| MadeUp::Ended(vec![replica(Some(1.0 + trial as f64), None)]));
    assert_eq!(figures_of(&make(&unknown)), ["marginals", "effects", "pareto"]);
    let page = read(&unknown, "report.md");
    assert!(page.contains("schedule: 1 constant, 2 cosine, 3 { exponential = { half\\_life = 100 } }."), "{page}");
    assert!(page.contains("Of 3 replicas: 3 not judged."), "{page}");

    let diverged = write_sweep("sweep_diverged", &GRID, |_, _| {
        MadeUp::Ended(vec![replica(None, Some(false)), replica(None, Some(false))])
    });
    let report = make(&diverged);
    assert_eq!(figures_of(&report), ["marginals", "effects"]);
    assert!(report.text(100).contains("Of 12 replicas: 12 diverged."));
    assert!(read(&diverged, "report.md").contains("| diverged: total at step 40 | 0 of 2 |"));
}

#[test]
fn without_a_trial_whose_tables_are_damaged_nothing_is_recommended_and_the_others_are_there() {
    let folder = write_sweep("sweep_damaged", &GRID, of_grid);
    change(&folder, "trials/0002/summary.csv", "true", "false");
    let text = make(&folder).text(200);
    assert!(text.contains("5 of 6 trials have ended; 1 of them has failed, 1 cannot be read."), "{text}");
    assert!(
        text.contains("Of 8 replicas") && text.contains("1 of 6 trials cannot be read: nothing is recommended"),
        "{text}"
    );
    assert!(text.contains("Trial 2 cannot be read: ") && text.contains("summary.csv is damaged: "), "{text}");
    assert!(!text.contains("Recommended: ") && !text.contains("Best so far"), "{text}");
}

#[test]
fn runs_and_sweeps_are_reported_together_and_only_runs_are_compared() {
    let sweep = write_sweep("sweep_beside_runs", &GRID, of_grid);
    let runs = [TMS_5_2.write("beside_sweeps/a"), TMS_5_2.write("beside_sweeps/b")];
    let report = report::make(&[runs[0].clone(), sweep.clone(), runs[1].clone()]).unwrap();
    assert!(report.text(100).contains("All runs") && report.text(100).contains("All 6 trials have ended"));
    assert!(runs[0].join("report/comparison.html").is_file() && !sweep.join("report/comparison.html").exists());
    let alone = report::make(&[runs[0].clone(), sweep.join("trials/0002")]).unwrap();
    assert!(alone.text(100).contains("0002"), "a trial is a run");
}
