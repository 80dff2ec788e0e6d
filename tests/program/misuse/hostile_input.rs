//! Whatever is read is used or refused, with words that are harmless for a terminal. `scripts/fuzz` looks for exceptions far
//! longer; here are the same laws for some sound files with a few slips in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use apd::{
    run::{TensorFile, read_table},
    spec::parse,
    state_dict_file::{ImportOptions, ImportedTarget, StateDictFile},
    sweep::parse_trials,
    table::TrainingRow,
};
use proptest::{prelude::*, sample::Index};

/// A change to some place of a file.
#[derive(Clone, Debug)]
enum Slip {
    Byte(Index, u8),
    Cut(Index),
    /// A part of the file again, elsewhere.
    Copy(Index, Index, usize),
    Number(Index, u64),
}

fn slip() -> impl Strategy<Value = Slip> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Slip::Byte(place, byte)),
        any::<Index>().prop_map(Slip::Cut),
        (any::<Index>(), any::<Index>(), 1..64_usize).prop_map(|(from, to, length)| Slip::Copy(from, to, length)),
        (any::<Index>(), prop_oneof![Just(u64::MAX), Just(1 << 62), any::<u64>()])
            .prop_map(|(place, number)| Slip::Number(place, number)),
    ]
}

fn slips() -> impl Strategy<Value = Vec<Slip>> {
    proptest::collection::vec(slip(), 1..4)
}

impl Slip {
    fn make(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length_before = bytes.len();
        match self {
            Slip::Byte(place, byte) => bytes[place.index(length_before)] = *byte,
            Slip::Cut(place) => bytes.truncate(place.index(length_before)),
            Slip::Copy(from, to, length) => {
                let from = from.index(bytes.len());
                let part = bytes[from..bytes.len().min(from + length)].to_vec();
                let to = to.index(bytes.len());
                bytes.splice(to..to, part);
            }
            Slip::Number(place, number) => {
                let place = place.index(bytes.len());
                bytes.iter_mut().skip(place).zip(number.to_le_bytes()).for_each(|(byte, with)| *byte = with);
            }
        }
    }
}

fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let entries = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).read_dir().unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_meant = |path: &PathBuf| endings.iter().any(|ending| path.extension().is_some_and(|found| found == *ending));
    let mut paths: Vec<_> = paths.filter(is_meant).collect();
    paths.sort();
    assert!(paths.len() > 1, "{folder} has {paths:?}");
    paths
}

/// One of the files with slips in it.
fn with_slips(paths: &[PathBuf], which: &Index, slips: &[Slip]) -> Vec<u8> {
    let mut bytes = fs::read(which.get(paths)).unwrap();
    slips.iter().for_each(|slip| slip.make(&mut bytes));
    bytes
}

/// The same laws as the fuzzer's: see `tests/fuzz`.
fn assert_printable(text: &str) {
    let is_harmful = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    assert!(!text.trim().is_empty() && !text.contains(is_harmful), "not fit for a terminal: {text:?}");
}

fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    file
}

/// Found by the fuzzer: the library that reads these files tells the name as it is.
#[test]
fn the_name_of_a_tensor_is_told_in_harmless_words() {
    let header = "{\"a\u{7f}b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[5,9]}}";
    let file = written(&[&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat());
    assert_eq!(
        StateDictFile::read(file.path()).unwrap_err().to_string(),
        format!(
            "cannot use {}: it is no sound safetensors file (invalid offset for tensor `a\u{fffd}b`)\n  help: save the state \
             dict alone: torch.save(model.state_dict(), \"model.pth\"), or safetensors.torch.save_file",
            file.path().display()
        )
    );
}

/// Found by the fuzzer: the library that draws these lines shows other control characters as pictures, but not these.
#[test]
fn a_line_with_8_bit_control_characters_is_drawn_in_harmless_words() {
    let text = include_str!("../../../experiments/tms_5-2.toml");
    let error = parse(Path::new("x.toml"), text, &["a={b\u{9b}31m".to_string()]).unwrap_err();
    assert!(error.to_string().contains(" | --set a={b\u{fffd}31m\n"), "{error}");
    assert!(!error.render(true).contains('\u{9b}'), "{error}");
}

#[test]
fn a_swept_value_is_told_in_harmless_words() {
    let text = include_str!("../../../experiments/tms_5-2.toml");
    let sweep = "\n[sweep.space]\n\"decomposition.schedule\" = [\"a\\u001b[31m\"]\n";
    let error = parse_trials(Path::new("x.toml"), &format!("{text}{sweep}"), &[]).unwrap_err().to_string();
    assert!(error.contains("= help: in trial 0: decomposition.schedule = a\u{fffd}[31m\n"), "{error}");
}

const SWEEP: &str = "\n[sweep]\nstrategy = { random = { trials = 3 } }\n[sweep.space]\n\
                     \"method.apd.coefficients.simplicity\" = { from = 0.1, to = 10.0, points = 3, scale = \"log\" }\n\
                     \"method.apd.rank\" = { from = 1, to = 3 }\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_spec_with_slips_is_read_or_refused_in_harmless_words(which in any::<Index>(), slips in slips()) {
        let mut bytes = with_slips(&files("experiments", &["toml"]), &which, &[]);
        bytes.extend(SWEEP.as_bytes());
        slips.iter().for_each(|slip| slip.make(&mut bytes));
        let text = String::from_utf8_lossy(&bytes);
        let path = Path::new("a\u{1b}[31m.toml");
        let refusals = [parse(path, &text, &[]).err(), parse_trials(path, &text, &[]).err()];
        refusals.iter().flatten().for_each(|error| assert_printable(&error.to_string()));
    }

    #[test]
    fn a_setting_of_any_kind_is_read_or_refused_in_harmless_words(
        key in "(target|method|decomposition|sweep)(\\.[a-z_]{1,9}){0,3}",
        value in any::<String>(),
    ) {
        let text = include_str!("../../../experiments/tms_5-2.toml");
        if let Err(error) = parse(Path::new("x.toml"), text, &[format!("{key}={value}")]) {
            assert_printable(&error.to_string());
        }
    }

    #[test]
    fn a_checkpoint_of_others_with_slips_is_read_or_refused_in_harmless_words(which in any::<Index>(), slips in slips()) {
        let bytes = with_slips(&files("tests/checkpoints", &["pt", "pth", "safetensors"]), &which, &slips);
        match StateDictFile::read(written(&bytes).path()) {
            Ok(file) => {
                if let Err(error) = ImportedTarget::find(&file, Path::new("a\u{1b}[31m.pth"), &ImportOptions::default()) {
                    assert_printable(&error.to_string());
                }
            }
            Err(error) => assert_printable(&error.to_string()),
        }
    }

    #[test]
    fn our_tensors_and_tables_with_slips_are_read_or_refused_in_harmless_words(which in any::<Index>(), slips in slips()) {
        let tensors = written(&with_slips(&files("tests/golden_run", &["safetensors"]), &which, &slips));
        if let Err(error) = TensorFile::read(tensors.path()) {
            assert_printable(&error.to_string());
        }
        let table = written(&with_slips(&files("tests/golden_run", &["csv"]), &which, &slips));
        if let Err(error) = read_table::<TrainingRow>(table.path()) {
            assert_printable(&error.to_string());
        }
    }
}
