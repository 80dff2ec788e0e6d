//! `report.html` and `comparison.html`: what is in them, and, where there is a Chromium, what they do.
//!
//! A Chromium is looked for as `APD_CHROMIUM` says, or as `chromium`, `chromium-browser` or `google-chrome`. Without one
//! the tests that need it say so and pass, unless `APD_NEEDS_CHROMIUM=1`.

use std::{
    fs,
    path::{Path, PathBuf},
    slice,
    time::{Duration, Instant},
};

use crate::chromium::{Findings, act_in};
use crate::synthetic_run::{
    RESIDUAL_MLP, SyntheticRun, TMS_5_2, TMS_40_10,
    sweep::{GRID, MadeUp, Replica, of_grid, write_sweep},
};
use apd::report::{self, Options};
use serde_json::json;

const TWELVE: SyntheticRun = SyntheticRun { replicas: 12, ..TMS_40_10 };

/// The path of the page of the run in `folder`.
fn page_of(folder: &PathBuf) -> PathBuf {
    report::make(slice::from_ref(folder)).unwrap();
    folder.join("report/report.html")
}

fn page_with(folder: &PathBuf, options: &Options) -> String {
    report::make_with(slice::from_ref(folder), options).unwrap();
    fs::read_to_string(folder.join("report/report.html")).unwrap()
}

/// The text of the script element `id`.
fn json_in(page: &str, id: &str) -> serde_json::Value {
    let (_, rest) = page.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("no #{id}"));
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

fn change(folder: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    assert!(text.contains(from), "{name} holds no {from:?}");
    fs::write(folder.join(name), text.replace(from, to)).unwrap();
}

/// Tables that say what activates and what is active together, and what serves, for the first replica of `TMS_5_2`.
fn write_tables_of_activity(folder: &Path) {
    let attributions: String = (0..5).flat_map(|f| (0..5).map(move |c| format!("0,{f},{c},0.{f}{c}1\n"))).collect();
    fs::write(folder.join("attributions.csv"), format!("replica,feature,component,attribution\n{attributions}"))
        .unwrap();
    fs::write(folder.join("coactivity.csv"), "replica,component,other,correlation\n0,0,1,0.61\n0,0,2,0.01\n").unwrap();
    fs::write(folder.join("serving.csv"), "replica,feature,component,weight,share\n0,3,1,0.97,1.0\n").unwrap();
}

#[test]
fn the_page_may_not_ask_for_anything() {
    let page = fs::read_to_string(page_of(&TMS_5_2.write("page_alone"))).unwrap();
    let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
                  script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">";
    assert!(page.find(policy).unwrap() < page.find("<style>").unwrap());
    for asking in ["src=\"http", "href=\"http", "url(http", "@import", "<link"] {
        assert!(!page.contains(asking), "{asking}");
    }
}

#[test]
fn the_summary_comes_first_and_the_provenance_last() {
    let folder = TMS_5_2.write("page_order");
    fs::remove_file(folder.join("ranks.csv")).unwrap();
    let page = fs::read_to_string(page_of(&folder)).unwrap();
    let sections = ["summary", "missing", "evidence", "replicas", "components", "features", "spec", "provenance"];
    let places: Vec<usize> = sections
        .iter()
        .map(|id| page.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("{id}")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    let (summary, _) = page[places[0]..].split_once("</section>").unwrap();
    for said in ["8 of 12", "39 to 86 %", "7 of 12", "Braun et al. 2025, table 1", "id=\"figure-features\"", "TMS 5-2"]
    {
        assert!(summary.contains(said), "no {said}");
    }
    assert!(page.contains("<li><bdi>ranks.csv is missing.</bdi></li>"));
    assert!(page.contains("hidden_layers = 0") && page.contains("<dt>Commit</dt><dd><bdi>0123456</bdi></dd>"));
}

#[test]
fn weights_are_in_the_page_for_the_shown_replica_and_those_asked_for() {
    let folder = TMS_40_10.write("page_weights");
    let options = Options { replicas: vec![2, 9], ..Options::default() };
    let page = page_with(&folder, &options);
    let shown = json_in(&page, "data")["shown"].as_u64().unwrap();
    assert_ne!(shown, 2);
    assert_eq!(json_in(&page, "data")["full"], json!([shown, 2, 9]));
    let weights = json_in(&page, "weights-2");
    assert_eq!(weights["components"].as_object().unwrap().len(), 50);
    assert_eq!(weights["views"][0]["columns"], json!({ "name": "feature", "count": 40, "names": null }));
    assert_eq!(weights["views"][0]["rows"], json!({ "name": "hidden dimension", "count": 10, "names": null }));
    assert!(!page.contains("id=\"weights-3\""));
    assert!(page.contains("There is no replica 9, whose weights were asked for."));
}

#[test]
fn a_page_that_would_be_too_large_holds_the_alive_and_largest_components() {
    let run = SyntheticRun { features: 400, hidden: 100, components: 400, rank: 2, replicas: 1 };
    let folder = run.write("page_large");
    let page = fs::read_to_string(page_of(&folder)).unwrap();
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    let kept = json_in(&page, "weights-0")["components"].as_object().unwrap().len();
    assert!((20..400).contains(&kept), "{kept}");
    assert!(page.contains("This figure is too large for the page") && page.contains("href=\"features.svg\""));
    assert!(page.contains(&format!("Of replica 0 the page holds the weights of {kept} of 400 components")));
}

#[test]
fn hostile_names_stay_names() {
    let script = "</script><script>window.harmed = true</script>";
    let folder = TMS_5_2.write("page_hostile/<img src=x onerror=harmed=1>\"' &amp; \u{202e}txt");
    change(&folder, "spec.toml", "name = \"5-2\"", &format!("name = '''{script}'''"));
    change(&folder, "components.csv", "0,0,0.05", &format!("0,\"{script}\",\"{}\"", "long ".repeat(500)));
    change(&folder, "components.csv", "norm_share", "\"<b onclick='harmed=1'>\"");
    change(&folder, "ranks.csv", ",embed,", &format!(",\"{script}\","));
    change(&folder, "provenance.json", "\"cpu\"", "\"<script>window.harmed = true</script>\"");
    let path = page_of(&folder);
    let page = fs::read_to_string(&path).unwrap();
    assert!(!page.contains("<script>window.harmed") && !page.contains("<img src=x") && !page.contains("<b onclick"));
    assert!(!page.contains('\u{202e}'));
    act_in(
        &path,
        1280,
        "check('harmless', window.harmed === undefined && !document.querySelector('img, b'));",
        |found| {
            found.all_hold();
        },
    );
}

#[test]
fn replicas_that_are_missing_or_failed_are_shown_as_such() {
    let folder = TMS_5_2.write("page_lacking");
    let summary = fs::read_to_string(folder.join("summary.csv")).unwrap();
    let lines = summary.lines().filter(|line| !line.starts_with("4,4,")).map(|line| match line.starts_with("5,5,") {
        true => "5,5,NaN,NaN,NaN,NaN,NaN,NaN,NaN,0,NaN,false".to_owned(),
        false => line.to_owned(),
    });
    fs::write(folder.join("summary.csv"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    let page = fs::read_to_string(page_of(&folder)).unwrap();
    assert!(page.contains("replica 4, seed 4: missing") && page.contains("replica 5, seed 5: failed"));
    assert!(page.contains("summary.csv holds 11 of 12 replicas."));
    let notes = &json_in(&page, "data")["notes"];
    assert!(notes["4"].as_str().unwrap().contains("no row") && notes["5"].as_str().unwrap().contains("failed"));
}

#[test]
fn a_running_experiment_has_a_page_of_what_is_there() {
    let folder = TMS_5_2.write("page_running");
    for name in ["summary.csv", "components.csv", "ranks.csv", "components.safetensors"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    change(&folder, "provenance.json", "finished", "running");
    let path = page_of(&folder);
    let page = fs::read_to_string(&path).unwrap();
    assert!(page.contains("This run is not finished") && page.contains("No replica has been measured yet."));
    assert!(page.contains("id=\"figure-losses\""));
    act_in(
        &path,
        1280,
        "check('tables', document.querySelectorAll('#components_table tbody tr').length === 0);",
        |found| {
            found.all_hold();
        },
    );
}

#[test]
fn a_residual_mlp_is_shown_by_its_contributions_and_by_what_its_components_serve() {
    let path = page_of(&RESIDUAL_MLP.write("page_residual_mlp"));
    let page = fs::read_to_string(&path).unwrap();
    let summary = page.split_once("</section>").unwrap().0;
    assert!(summary.contains("id=\"figure-contributions\"") && summary.contains(" of 20."), "{summary}");
    let serving = "
        const serves = data.tables.serving.rows[data.shown][0];
        const [feature, component] = ['feature', 'component'].map((name) => serves[data.tables.serving.columns.indexOf(name)]);
        openComponent(component);
        check('served', byId('component-body').textContent.includes(`feature ${feature}`));
        check('columns without anything are left out', !data.tables.components.columns.includes('cosine'));";
    act_in(&path, 1280, serving, Findings::all_hold);
}

#[test]
fn a_page_of_nothing_but_a_spec_works() {
    let folder = TMS_5_2.write("page_bare");
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("spec.toml") {
            fs::remove_file(path).unwrap();
        }
    }
    act_in(&page_of(&folder), 1280, "check('choices', byId('replica').options.length === 12);", |found| {
        found.all_hold()
    });
}

/// Replicas, tables, components and colours, as a reader uses them.
const USE: &str = include_str!("page/use.js");

#[test]
fn a_reader_can_choose_sort_filter_copy_open_and_darken() {
    let folder = TMS_5_2.write("page_used");
    write_tables_of_activity(&folder);
    act_in(&page_of(&folder), 1280, USE, |found| {
        found.all_hold();
        assert!(found.names().count() >= 25, "the script stopped on its way");
    });
}

/// Names, headings, landmarks, contrasts.
const ACCESS: &str = include_str!("page/access.js");

#[test]
fn everything_has_a_name_and_enough_contrast_in_both_themes() {
    let folder = TMS_5_2.write("page_accessible");
    write_tables_of_activity(&folder);
    fs::remove_file(folder.join("target.safetensors")).unwrap();
    act_in(&page_of(&folder), 1280, ACCESS, Findings::all_hold);
    let folders = [TMS_5_2.write("compared_accessible/a"), TMS_40_10.write("compared_accessible/b")];
    report::make(&folders).unwrap();
    act_in(&folders[0].join("report/comparison.html"), 1280, ACCESS, Findings::all_hold);
}

#[test]
fn a_phone_shows_the_page_without_scrolling_sideways() {
    let no_scrolling = "
        const root = document.documentElement;
        check('narrow', innerWidth === 390);
        check('page', root.scrollWidth <= 390);
        openComponent(2);
        check('component', byId('component').scrollWidth <= 390);
        check('tables scroll', byId('components_table').querySelector('.scroll').scrollWidth > 390);";
    act_in(&page_of(&TWELVE.write("page_phone")), 390, no_scrolling, Findings::all_hold);
    let folders = [TMS_5_2.write("compared_phone/a"), TMS_40_10.write(&format!("compared_phone/{}", "b".repeat(200)))];
    report::make(&folders).unwrap();
    let no_scrolling = "check('page', document.documentElement.scrollWidth <= 390);";
    act_in(&folders[0].join("report/comparison.html"), 390, no_scrolling, Findings::all_hold);
}

#[test]
fn two_hundred_components_of_thirty_replicas_are_shown_in_two_seconds() {
    let run = SyntheticRun { features: 100, hidden: 50, components: 200, rank: 2, replicas: 30 };
    let path = page_of(&run.write("page_fluid"));
    assert!(fs::metadata(&path).unwrap().len() < 5_000_000);
    let paint = "
        const paint = performance.getEntriesByType('paint').find((entry) => entry.name === 'first-contentful-paint');
        note('paint', paint?.startTime ?? null);
        const before = performance.now();
        chooseReplica(17);
        tables.components_table.sortBy(2);
        openComponent(3);
        note('acts', performance.now() - before);";
    let begun = Instant::now();
    act_in(&path, 1280, paint, |found| {
        found.all_hold();
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert!(found.number("paint").is_none_or(|paint| paint < 2000.0), "{:?} ms", found.number("paint"));
        assert!(found.number("acts").unwrap() < 2000.0, "{:?} ms", found.number("acts"));
    });
}

#[test]
fn several_runs_stand_beside_each_other_with_the_differences_of_their_specs_first() {
    let folders = [TMS_5_2.write("compared/first"), TMS_40_10.write("compared/second")];
    let out = folders[0].parent().unwrap().join("elsewhere");
    report::make_with(&folders, &Options { out: Some(out.clone()), ..Options::default() }).unwrap();
    assert!(!folders[0].join("report").exists(), "everything is in the folder that was named");
    assert!(["first", "second"].iter().all(|name| out.join(name).join("report.html").exists()));
    let page = fs::read_to_string(out.join("comparison.html")).unwrap();
    let (together, rest) = page.split_once("<section id=\"differences\"").unwrap();
    let (specs, results) = rest.split_once("<section id=\"results\"").unwrap();
    let row = |text: &str, name: &str| -> Vec<String> {
        let (_, rest) = text.split_once(&format!("<bdi>{name}</bdi>")).unwrap_or_else(|| panic!("no row {name}"));
        let row = rest.split_once("</tr>").unwrap().0;
        row.split("<bdi>").skip(1).map(|cell| cell.split_once("</bdi>").unwrap().0.to_owned()).collect()
    };
    assert_eq!(row(specs, "target.tms.hidden"), ["2", "10"]);
    assert!(!specs.contains("<bdi>target.tms.hidden_layers</bdi>"), "it is the same in both");
    assert_eq!(row(results, "recovered"), ["8 of 12", "3 of 4"]);
    assert_eq!(row(results, "alive"), ["5.000 ± 0.000", "40.000 ± 0.000"]);
    let of_first = ["APD", "TMS 5-2", "12", "8 of 12", "39 to 86 %", "0.975", "0.856", "0.21", "5.0"];
    assert_eq!(row(together.split_once("id=\"by_run_table\"").unwrap().1, "first")[..9], of_first);
    assert!(together.contains("These runs are not of one target"), "{together}");
    for name in ["error_by_active", "error_by_bits", "verdicts"] {
        assert!(
            together.contains(&format!("id=\"figure-{name}\"")) && out.join(format!("{name}.svg")).exists(),
            "{name}"
        );
    }
    let (figures, absent) = (results.matches("<figure").count(), page.matches("This run has no such figure.").count());
    let images = page.matches("<img src=\"data:image/svg+xml;base64,").count();
    assert!(images > 10 && images == figures - absent, "{images} images, {figures} figures, {absent} absent");
    let text = fs::read_to_string(out.join("comparison.md")).unwrap();
    assert!(text.contains("| target.tms.hidden | 2 | 10 |"), "{text}");
    assert!(text.contains("| first | APD | TMS 5-2 | 12 | 8 of 12 |"), "{text}");
    assert!(text.contains("![Error against active components](error_by_active.svg)"), "{text}");
    act_in(
        &out.join("comparison.html"),
        1280,
        "
        const images = [...document.images];
        check('images', images.length > 10 && images.every((image) => image.complete && image.naturalWidth > 0));
        tables.results_table.sortBy(1);",
        Findings::all_hold,
    );
}

#[test]
fn runs_with_the_same_spec_differ_nowhere() {
    let folders = [TMS_5_2.write("same/a/run"), TMS_5_2.write("same/b/run")];
    report::make(&folders).unwrap();
    let page = fs::read_to_string(folders[0].join("report/comparison.html")).unwrap();
    assert!(page.contains("Nowhere: every setting is the same."));
    assert!(page.contains("run (1)") && page.contains("run (2)"), "runs that are called alike are told apart");
}

#[test]
fn the_tables_are_there_for_latex() {
    let folder = TMS_5_2.write("latex_100%_{x}");
    page_of(&folder);
    let text = fs::read_to_string(folder.join("report/tables.tex")).unwrap();
    assert!(text.contains("Braun et al. 2025, table 1 & 0.998 $\\pm$ 0.000 & 0.893 $\\pm$ 0.004 \\\\"), "{text}");
    assert_eq!(text.matches("\\begin{tabular}").count(), 2);
    assert_eq!(text.lines().filter(|line| line.ends_with("\\\\")).count(), (1 + 3) + (1 + 12));
}

#[test]
fn the_same_run_gives_the_same_page() {
    let folder = TMS_5_2.write("page_again");
    let first = fs::read(page_of(&folder)).unwrap();
    assert!(first == fs::read(page_of(&folder)).unwrap());
}

#[test]
fn the_page_of_a_sweep_sorts_its_trials_and_leads_to_their_reports() {
    let folder = write_sweep("page_of_sweep", &GRID, of_grid);
    fs::write(folder.join("recommended.toml"), "# Trial 2\n").unwrap();
    report::make(&[folder.join("trials/0001")]).unwrap();
    let path = page_of(&folder);
    let page = fs::read_to_string(&path).unwrap();
    assert_eq!(page.matches("href=\"../trials/").count(), 1, "only one trial has a report");
    assert!(page.contains("<a href=\"../trials/0001/report/report.html\"><bdi>1</bdi></a>"));
    let summary = page.split_once("</section>").unwrap().0;
    for said in ["recommended", "trial 2", "2 of 2 recovered", "apd run recommended.toml", "1 of them has failed"] {
        assert!(summary.contains(said), "no {said:?} in {summary}");
    }
    assert!(page.contains("failed: no room") && page.contains("1 finished, 1 diverged: total at step 40"));
    let sorting = "
        const trials = () => [...byId('trial_table').querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent.trim());
        check('best first, failed last', trials().join() === '2,5,1,4,3,0');
        tables.trial_table.sortBy(0);
        check('by number', trials().join() === '0,1,2,3,4,5');
        tables.trial_table.filter.value = 'learning_rate>0.05';
        tables.trial_table.arrange();
        check('filtered', trials().join() === '2,5');
        check('copied with the number', tables.trial_table.text(',').split('\\n')[1].startsWith('2,'));";
    act_in(&path, 1280, sorting, Findings::all_hold);
}

#[test]
fn a_thousand_trials_are_a_page_below_five_megabytes() {
    let space = "sweep.space={'method.apd.rank'={from=1,to=3}, 'decomposition.learning_rate'={from=1e-3,to=0.1,scale='log'}, \
                 'method.apd.coefficients.simplicity'={from=0.1,to=10.0,scale='log'}, \
                 'decomposition.schedule'=['constant','cosine','linear']}";
    let set = ["sweep.strategy={sobol={trials=1000}}", "sweep.seeds=3", space];
    let folder = write_sweep("page_of_large_sweep", &set, |trial, values| {
        let rate: f64 = values[1].parse().unwrap();
        let replica = |seed: usize| {
            let score = 2.0 + rate.log10() / 2.0 + ((trial * 7 + seed * 3) % 11) as f64 / 20.0;
            let (error, active) = (0.1_f64.powf(score), 0.2 + ((trial * 13) % 29) as f64 / 100.0);
            Replica { score: Some(score), recovered: Some(score > 1.4), error, active, mmcs: Some(score / 2.0) }
        };
        MadeUp::Ended((0..3).map(replica).collect())
    });
    let path = page_of(&folder);
    let size = fs::metadata(&path).unwrap().len();
    assert!(size < 5_000_000, "{size} bytes");
    let use_it = "
        check('rows', byId('trial_table').querySelectorAll('tbody tr').length === 1000);
        check('figures', document.querySelectorAll('.figure svg').length === 5);
        const before = performance.now();
        tables.trial_table.sortBy(3);
        note('sorts', performance.now() - before);";
    act_in(&path, 1280, use_it, |found| {
        found.all_hold();
        assert!(found.number("sorts").unwrap() < 2000.0, "{:?} ms", found.number("sorts"));
    });
}

#[test]
fn what_a_sweeps_files_say_stays_text() {
    const SCRIPT: &str = "</script><script>window.harmed = true</script><img src=x onerror=harmed=1>\u{202e}";
    let folder = write_sweep("page_of_hostile_sweep", &GRID, |trial, values| match trial {
        0 => MadeUp::Failed(SCRIPT),
        _ => of_grid(trial, values),
    });
    let spec = fs::read_to_string(folder.join("sweep.toml")).unwrap();
    fs::write(folder.join("sweep.toml"), format!("# {}\n{spec}", SCRIPT.replace('\u{202e}', ""))).unwrap();
    fs::write(folder.join("recommended.toml"), SCRIPT).unwrap();
    let renamed = folder.with_file_name("<img src=x onerror=harmed=1>\"' &amp; \u{202e}txt");
    fs::rename(&folder, &renamed).unwrap();
    let path = page_of(&renamed);
    let page = fs::read_to_string(&path).unwrap();
    assert!(!page.contains("<script>window.harmed") && !page.contains("<img src=x") && !page.contains('\u{202e}'));
    assert!(page.matches("window.harmed").count() >= 4, "in the list of failures, the table and both specs");
    assert!(!fs::read_to_string(path.with_file_name("report.md")).unwrap().contains("<script"));
    let harmless = "check('harmless', window.harmed === undefined && !document.querySelector('img'));";
    act_in(&path, 1280, harmless, Findings::all_hold);
}

#[test]
fn the_page_of_a_sweep_is_accessible_and_fits_a_phone() {
    let folder = write_sweep("page_of_accessible_sweep", &GRID, of_grid);
    fs::write(folder.join("recommended.toml"), "# Trial 2\n").unwrap();
    report::make(&[folder.join("trials/0001")]).unwrap();
    let path = page_of(&folder);
    act_in(&path, 1280, ACCESS, Findings::all_hold);
    act_in(&path, 390, "check('page', document.documentElement.scrollWidth <= 390);", Findings::all_hold);
}
