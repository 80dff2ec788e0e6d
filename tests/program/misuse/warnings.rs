//! Results that say less than they seem to are told: on the terminal, in the tables, and in the report.

use std::fs;

use crate::cli_test::Test;
use apd::{run::RunFolder, table::SummaryRow};

/// Inputs that are all zero: nothing to learn, and nothing that depends on any component.
#[test]
fn a_target_that_has_not_learned_and_attributions_that_are_zero_are_told_everywhere() {
    const UNLEARNED: &str = "its error 0.000e0 is not below 0.000e0 of the answer `monosemantic` and 0.000e0 of the answer \
                             `nothing`";
    const ZERO: &str = "all attributions are zero: the order of the components decides which are active";
    let test = Test::new().with_spec();
    let mut spec = test.spec();
    let set = "target.inputs.independent.probability=1e-12";
    let ended = test.args(["run", "tiny.toml", "--device=cpu", "--threads=1", "--set", set]).succeeds();
    for seed in 0..2 {
        let unlearned = format!("warning: the target of seed {seed} has not learned its task: {UNLEARNED}\n");
        assert!(ended.stderr.contains(&unlearned), "{}", ended.stderr);
        let zero = format!("warning: replica {seed} (seed {seed}): {ZERO}\n");
        assert!(ended.stderr.contains(&zero), "{}", ended.stderr);
    }

    let apd::inputs::Inputs::Independent(inputs) = &mut spec.target.inputs else {
        unreachable!("the small experiment's")
    };
    inputs.probability = 1e-12;
    let results = ended.folder.path().join("runs");
    let folder = RunFolder::at(RunFolder::locate(&results, &spec.name, &spec.hash(), false).unwrap());
    let summary = fs::read_to_string(folder.table::<SummaryRow>()).unwrap();
    assert!(summary.lines().skip(1).all(|row| row.ends_with(&format!(",{ZERO}"))), "{summary}");
    let report = fs::read_to_string(folder.report().join("report.md")).unwrap();
    assert!(report.contains(&format!("Replica 0 (seed 0): {ZERO}.")), "{report}");
    assert!(report.contains("The target of replica 1 has not learned its task: its error 0.000e0"), "{report}");
    let words: Vec<&str> = ended.stdout.split_whitespace().collect();
    assert!(words.join(" ").contains(&format!("Note: Replica 1 (seed 1): {ZERO}.")), "{}", ended.stdout);
}
