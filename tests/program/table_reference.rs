//! `apd help tables`: what the declarations of the tables say of their columns.

use crate::cli_test::Test;
use snapbox::{file, str};

/// `SNAPSHOTS=overwrite` writes the page anew.
#[test]
fn the_page_of_all_tables_is_what_is_declared() {
    let page = Test::new().args(["help", "tables", "--markdown"]).succeeds();
    page.stdout_is(file!["../../docs/tables.md"].raw()).stderr_is(str![""]);
}

#[test]
fn every_table_is_told_in_80_columns() {
    let list = Test::new().args(["help", "tables"]).succeeds().stdout;
    let names: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(".csv")).collect();
    assert!(names.len() > 20 && names.contains(&"summary") && names.contains(&"trials"), "{list}");
    let of_each = names.iter().map(|name| Test::new().args(["help", "tables", *name]).succeeds().stdout);
    for text in of_each.chain([list.clone()]) {
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= 80, "a line of {longest} columns in\n{text}");
    }
}

#[test]
fn a_table_is_told_with_its_columns_and_their_units() {
    let expected = str![[r#"
layers.csv

One row per replica, component and layer: how much of the component lies there.

Only runs of residual MLPs have it.

  replica
      Number of the replica, from 0 in the order of the spec's seeds.

  component
      Number of the component, from 0.

  layer
      Number of the layer, from 0.

  share  [share]
      The layer's share of the component's squared Frobenius norm.

"#]];
    for name in ["layers", "layers.csv"] {
        Test::new().args(["help", "tables", name]).succeeds().stdout_is(expected.clone());
    }
}

#[test]
fn an_unknown_table_is_told_with_the_one_that_may_be_meant() {
    let told = |name: &str| Test::new().args(["help", "tables", name]).fails(2).stderr;
    assert_eq!(told("sumary"), "error: there is no table `sumary`\n  help: did you mean `summary`?\n");
    assert_eq!(
        told("no\nsuch"),
        "error: there is no table `no\\nsuch`\n  help: `apd help tables` lists all there are\n"
    );
}
