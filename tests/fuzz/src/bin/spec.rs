//! The text of a spec, with its `[sweep]` if it has one.
#![no_main]

use std::path::Path;

use apd::{spec::parse, sweep::parse_trials};
use apd_fuzz::assert_printable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = Path::new("x.toml");
    match parse(path, text, &[]) {
        Ok(spec) => assert_eq!(parse(path, &spec.to_toml(), &[]).expect("a resolved spec is one"), spec),
        Err(error) => assert_printable(&error.to_string()),
    }
    if let Err(error) = parse_trials(path, text, &[]) {
        assert_printable(&error.to_string());
    }
});
