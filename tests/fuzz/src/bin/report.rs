//! A whole run folder with one strange file in it, read for `apd list`, `apd diff` and `apd report`. The first byte of an
//! input says which file it is.
#![no_main]

use std::{fs, path::Path, sync::LazyLock};

use apd::report;
use apd_fuzz::assert_printable;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// The run folder, beside it the same untouched, and the names of its files.
struct Runs {
    results: TempDir,
    names: Vec<String>,
}

static RUNS: LazyLock<Runs> = LazyLock::new(|| {
    let golden = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../golden_run"));
    // In main memory where there is a folder for that.
    let results = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a folder");
    let mut names = Vec::new();
    for folder in ["strange", "sound"] {
        fs::create_dir(results.path().join(folder)).expect("a folder");
        for entry in golden.read_dir().expect("the golden run").flatten() {
            let name = entry.file_name().into_string().expect("a plain name");
            fs::copy(entry.path(), results.path().join(folder).join(&name)).expect("a copy");
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    Runs { results, names }
});

fuzz_target!(|bytes: &[u8]| {
    let [which, content @ ..] = bytes else { return };
    let Runs { results, names } = &*RUNS;
    let name = &names[usize::from(*which) % names.len()];
    let [strange, sound] = ["strange", "sound"].map(|folder| results.path().join(folder));
    fs::write(strange.join(name), content).expect("a file of few bytes");
    let texts = [
        report::list(results.path(), 100).map_err(|error| error.to_string()),
        report::diff(&strange, &sound, 100).map_err(|error| error.to_string()),
        report::make(std::slice::from_ref(&strange)).map(|report| report.text(100)).map_err(|error| error.to_string()),
    ];
    fs::copy(sound.join(name), strange.join(name)).expect("a copy");
    texts.into_iter().for_each(|text| assert_printable(&text.unwrap_or_else(|error| error)));
});
