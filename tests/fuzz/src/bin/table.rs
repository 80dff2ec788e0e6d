//! A CSV table of a run folder.
#![no_main]

use std::collections::BTreeMap;

use apd::{run::read_table, table::TrainingRow};
use apd_fuzz::{InMemory, assert_printable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = InMemory::new(bytes);
    let problems = [
        read_table::<TrainingRow>(file.path()).err(),
        read_table::<Vec<String>>(file.path()).err(),
        read_table::<BTreeMap<String, f64>>(file.path()).err(),
    ];
    problems.iter().flatten().for_each(|error| assert_printable(&error.to_string()));
});
