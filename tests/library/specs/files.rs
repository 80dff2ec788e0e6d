//! Files that are no spec, and specs that are right: what is loaded of them.

use std::path::{Path, PathBuf};

use apd::{
    schedule::Schedule,
    spec::{Spec, load, parse},
};
use snapbox::{IntoData, assert_data_eq, str};
use tempfile::TempDir;

/// What the loader says about the file `name` in a folder that holds `files`.
fn refusal(name: &str, files: &[(&str, &[u8])]) -> String {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let text = load(&folder.path().join(name), &[]).expect_err("the file should be refused").to_string();
    text.replace(&folder.path().display().to_string(), "FOLDER")
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(name)
}

fn loaded(name: &str, overrides: &[&str]) -> Spec {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    load(&shipped(name), &overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn assert_says(actual: &str, expected: snapbox::data::Inline) {
    assert_data_eq!(actual, expected.into_data().raw());
}

#[test]
fn a_missing_file_is_shown_with_the_nearest_one_there() {
    assert_says(
        &refusal("tms.toml", &[("tms_.toml", b""), ("notes", b"")]),
        str![[r#"
error: FOLDER/tms.toml does not exist
 |
 = help: did you mean FOLDER/tms_.toml?

"#]],
    );
}

#[test]
fn a_missing_file_like_none_there_is_shown_with_an_example() {
    assert_says(
        &refusal("tms.toml", &[]),
        str![[r#"
error: FOLDER/tms.toml does not exist
 |
 = help: name a spec's file, such as experiments/tms_5-2.toml

"#]],
    );
}

#[test]
fn a_folder_is_no_spec() {
    assert_says(
        &refusal("", &[]),
        str![[r#"
error: FOLDER/ is a folder
 |
 = help: name the spec's file

"#]],
    );
}

#[test]
fn an_empty_file_is_no_spec() {
    assert_says(
        &refusal("x.toml", &[("x.toml", b" \n")]),
        str![[r#"
error: FOLDER/x.toml is empty
 |
 = help: copy one of the specs in experiments/ and change it

"#]],
    );
}

#[test]
fn a_file_with_nul_bytes_is_no_spec() {
    assert_says(
        &refusal("x.toml", &[("x.toml", b"name = \"a\"\0")]),
        str![[r#"
error: FOLDER/x.toml is not a text file: line 1, column 11 is U+0000 NULL
 |
 = help: a spec is a TOML file in UTF-8, like those in experiments/

"#]],
    );
}

#[test]
fn a_file_in_another_encoding_is_no_spec() {
    assert_says(
        &refusal("x.toml", &[("x.toml", b"\xff\xfen\0a\0")]),
        str![[r#"
error: FOLDER/x.toml is text in UTF-16
 |
 = help: save it in UTF-8: iconv -f UTF-16 -t UTF-8

"#]],
    );
}

#[test]
fn ten_megabytes_are_no_spec() {
    assert_says(
        &refusal("x.toml", &[("x.toml", &vec![b'#'; 10_000_000])]),
        str![[r#"
error: FOLDER/x.toml is larger than 1 MB
 |
 = help: a spec is a TOML file like those in experiments/

"#]],
    );
}

#[test]
fn an_endless_file_is_no_spec() {
    assert_says(
        &load(Path::new("/dev/zero"), &[]).unwrap_err().to_string(),
        str![[r#"
error: /dev/zero is larger than 1 MB
 |
 = help: a spec is a TOML file like those in experiments/

"#]],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_no_spec() {
    assert_says(
        &load(Path::new("/proc/self/mem"), &[]).unwrap_err().to_string(),
        str![[r#"
error: /proc/self/mem cannot be read: Input/output error (os error 5)
 |
 = help: check that it is a file that you may read

"#]],
    );
}

#[test]
fn a_file_whose_name_cannot_name_an_experiment_needs_a_name() {
    let content = std::fs::read(shipped("tms_5-2.toml")).unwrap();
    let text = String::from_utf8(content).unwrap().replace("name = ", "# name = ");
    assert_says(
        &refusal("my spec.toml", &[("my spec.toml", text.as_bytes())]),
        str![[r#"
error: this spec needs a `name`, because its file's name cannot be one
--> FOLDER/my spec.toml
 = help: `name` must be 1 to 64 letters, digits, `.`, `_` or `-` and not begin with `.` or `-`
 = help: add: name = "my_experiment"

error: 1 mistake in FOLDER/my spec.toml

"#]],
    );
}

#[test]
fn a_spec_nested_beyond_all_reason_is_refused_on_a_small_stack() {
    let deep_lists = format!("a = {}", "[".repeat(400_000));
    let deep_tables = format!("a = {}", "{a = ".repeat(180_000));
    let deep_keys = format!("a{} = 1", ".a".repeat(400_000));
    let dotted = ["b"; 79].join(".");
    let deep_everything = format!("[{dotted}]\n{dotted} = {}1{}", format!("{{{dotted} = ").repeat(78), "}".repeat(78));
    for text in [deep_lists, deep_tables, deep_keys, deep_everything] {
        let refused = move || refusal("x.toml", &[("x.toml", text.as_bytes())]);
        let text = std::thread::Builder::new().stack_size(2 << 20).spawn(refused).unwrap().join().unwrap();
        assert!(text.ends_with("in FOLDER/x.toml\n"), "{text}");
    }
}

#[test]
fn colours_are_only_shown_where_they_are_asked_for() {
    let error = load(Path::new("nowhere.toml"), &[]).unwrap_err();
    assert!(error.render(true).contains("\u{1b}["));
    assert!(!error.render(false).contains("\u{1b}["));
}

#[test]
fn the_shipped_specs_load_and_have_the_names_of_their_files() {
    let mut count = 0;
    for entry in shipped("").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let spec = load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(spec.name, path.file_stem().unwrap().to_string_lossy());
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn seeds_given_as_a_number_are_resolved_to_a_list() {
    assert_eq!(loaded("tms_5-2.toml", &["seeds=3"]).seeds, [0, 1, 2]);
    assert_eq!(loaded("tms_5-2.toml", &["seeds=[7, 3]"]).seeds, [7, 3]);
}

#[test]
fn a_bare_word_of_set_is_text_and_a_table_is_replaced_by_it_and_back() {
    let schedule = |overrides: &[&str]| loaded("tms_5-2.toml", overrides).decomposition.schedule;
    let exponential = "decomposition.schedule.exponential.half_life=10";
    assert_eq!(schedule(&["decomposition.schedule=cosine"]), Schedule::Cosine);
    assert_eq!(schedule(&["decomposition.schedule='cosine'"]), Schedule::Cosine);
    assert_eq!(schedule(&[exponential]), Schedule::Exponential { half_life: 10.0 });
    assert_eq!(schedule(&[exponential, "decomposition.schedule=linear"]), Schedule::Linear);
}

#[test]
fn the_last_set_of_a_key_holds() {
    let spec = loaded("tms_5-2.toml", &["name=first", "name = second", "target.seed=4"]);
    assert_eq!((spec.name.as_str(), spec.target.seed), ("second", Some(4)));
}

/// Run folders and cached targets are found by these; where they change, runs made before are not found again.
#[test]
fn the_hashes_of_a_shipped_spec_stay() {
    let spec = loaded("tms_5-2.toml", &[]);
    assert_eq!(spec.folder_name(), "tms_5-2-7918ae8e");
    assert_eq!(spec.hash(), "7918ae8e9a0514c00984798c13f73a25970d489ac2d944088479b11bd1b37e64");
    assert_eq!(spec.target.hash(), "573349cd52a5a4e8800b90f83440c0a0961544f6317b0f15d1ff9fa79393d4ea");
}

#[test]
fn the_hash_is_of_the_settings_and_not_of_the_name() {
    let hash = |overrides: &[&str]| loaded("tms_5-2.toml", overrides).hash();
    assert_eq!(hash(&[]), hash(&["name=other", "method.apd.rank=3", "method.apd.schatten_power=1"]));
    assert_ne!(hash(&[]), hash(&["method.apd.rank=2"]));
    assert_ne!(hash(&[]), hash(&["seeds=2"]));
    assert_ne!(hash(&[]), hash(&["target.seed=0"]));
}

#[test]
fn the_hash_of_a_target_is_of_its_settings_and_not_of_its_seed() {
    let hash = |overrides: &[&str]| loaded("tms_5-2.toml", overrides).target.hash();
    assert_eq!(hash(&[]), hash(&["target.seed=1", "method.apd.rank=2", "decomposition.steps=9"]));
    assert_ne!(hash(&[]), hash(&["target.training.steps=9"]));
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    let text = format!("\u{feff}{}", std::fs::read_to_string(shipped("tms_5-2.toml")).unwrap());
    assert!(parse(Path::new("x.toml"), &text, &[]).is_ok());
}
