//! `--set`, one on each line, on a shipped spec; a `[sweep]` can be made of them too.
#![no_main]

use std::path::Path;

use apd::{spec::parse, sweep::parse_trials};
use apd_fuzz::assert_printable;
use libfuzzer_sys::fuzz_target;

const SPEC: &str = include_str!("../../../../experiments/tms_5-2.toml");

fuzz_target!(|text: &str| {
    let settings: Vec<String> = text.lines().map(str::to_owned).collect();
    let path = Path::new("x.toml");
    match parse(path, SPEC, &settings) {
        Ok(spec) => assert_eq!(parse(path, &spec.to_toml(), &[]).expect("a resolved spec is one"), spec),
        Err(error) => assert_printable(&error.to_string()),
    }
    if let Err(error) = parse_trials(path, SPEC, &settings) {
        assert_printable(&error.to_string());
    }
});
