//! Imports run one way: no two top-level modules need each other, not even by way of others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use pathfinding::prelude::strongly_connected_components;

/// The modules that each top-level module imports, each with a file that does so.
type Imports = BTreeMap<String, BTreeMap<String, PathBuf>>;

#[test]
fn no_circle_of_imports_joins_top_level_modules() {
    let imports = imports_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(imports.len() > 20, "the modules of src were not found: {imports:?}");
    let knots = knots(&imports);
    assert!(knots.is_empty(), "{knots}");
}

#[test]
fn a_knot_is_told_with_the_files_that_tie_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("spec/mod.rs", "use crate::{\n    fit::{End, Training},\n    site,\n};\n");
    write("fit.rs", "//! As crate::report says.\nfn read(table: &mut crate::spec::TableReader) {}\n");
    write("site.rs", "pub struct Site;\n\n#[cfg(test)]\nmod tests {\n    use crate::spec::Spec;\n}\n");
    write("report/page.rs", "use crate::spec::Spec;\n");
    let expected = "2 modules need each other:\n  fit needs spec (fit.rs)\n  spec needs fit (spec/mod.rs)\n";
    assert_eq!(knots(&imports_in(folder.path())), expected);
}

/// Every set of modules that need each other, in words.
fn knots(imports: &Imports) -> String {
    let modules: Vec<&String> = imports.keys().collect();
    let needed = |module: &&String| imports[*module].keys().filter(|needed| imports.contains_key(*needed)).collect();
    let knots = strongly_connected_components(&modules, |module| -> Vec<&String> { needed(module) });
    let knots = knots.into_iter().filter(|knot| knot.len() > 1).map(BTreeSet::from_iter);
    let text = |knot: BTreeSet<&String>| {
        let needs = knot.iter().flat_map(|module| imports[*module].iter().map(move |need| (module, need)));
        let inside = needs.filter(|(_, (needed, _))| knot.contains(needed));
        let lines = inside.map(|(module, (needed, file))| format!("  {module} needs {needed} ({})\n", file.display()));
        format!("{} modules need each other:\n{}", knot.len(), lines.collect::<String>())
    };
    knots.map(text).collect()
}

/// What the modules below `src` import of each other, test modules left out.
fn imports_in(src: &Path) -> Imports {
    let mut imports = Imports::new();
    let mut folders = vec![src.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let file = path.strip_prefix(src).unwrap();
            let module = file.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_string();
            if ["main", "lib"].contains(&module.as_str()) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let of_module = imports.entry(module.clone()).or_default();
            for needed in imported(&text).into_iter().filter(|needed| *needed != module) {
                of_module.entry(needed).or_insert_with(|| file.to_path_buf());
            }
        }
    }
    imports
}

/// The names directly below `crate::` in a source text: `a` and `b` of `crate::{a::{c, d}, b}`.
fn imported(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let without_comments: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap()).collect();
    let code = without_comments.join("\n");
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            names.insert(first_word(after));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (place, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                letter if begins && depth == 0 && letter.is_alphabetic() => {
                    names.insert(first_word(&group[place..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}
