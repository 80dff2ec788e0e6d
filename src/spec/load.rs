//! From a file and the command line's `--set` to a resolved spec.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    path::Path,
};

use annotate_snippets::normalize_untrusted_str;

use super::{Spec, SpecError, defaults};
use crate::settings::{Node, Problem, Sources, TableReader, nearest, overrides, tree};

/// A spec is a page of text; what is larger is another kind of file. In bytes.
const MAX_SIZE: u64 = 1_000_000;

const NOT_TEXT: &str = "a spec is a TOML file in UTF-8, like those in experiments/";

/// The resolved spec of the file at `path`, each of `overrides` (`KEY=VALUE`) applied in order.
///
/// # Errors
/// If the file cannot be read, or with every mistake that was found in it.
pub fn load(path: &Path, overrides: &[String]) -> Result<Spec, SpecError> {
    parse(path, &read_text(path)?, overrides)
}

/// Like [`load`], of a file's text: `path` only names it.
pub fn parse(path: &Path, text: &str, overrides: &[String]) -> Result<Spec, SpecError> {
    let without_sweep = |table: &mut TableReader, _: &Spec| table.pass_over("sweep");
    Ok(resolve(path, text, overrides, without_sweep)?.spec)
}

/// A spec with what stands beside it in its file, and what both were read from.
pub(crate) struct Resolved<Beside> {
    pub spec: Spec,
    pub beside: Beside,
    pub sources: Sources,
    /// After every `--set`.
    pub root: Node,
}

/// Like [`parse`], where `read_beside` reads what the file says beside the experiment.
pub(crate) fn resolve<Beside>(
    path: &Path,
    text: &str,
    overrides: &[String],
    read_beside: impl Fn(&mut TableReader, &Spec) -> Beside,
) -> Result<Resolved<Beside>, SpecError> {
    if text.trim().is_empty() {
        return Err(unreadable(path, "is empty", "copy one of the specs in experiments/ and change it"));
    }
    let sources = Sources::new(shown(path), text, overrides);
    let read = |table: &mut TableReader| {
        let spec = Spec::read(table, &stem(path));
        let beside = read_beside(table, &spec);
        (spec, beside)
    };
    let resolve = || -> Result<_, Vec<Problem>> {
        let mut root = tree::parse(&sources)?;
        defaults::fill(&sources, &mut root);
        let mut problems = overrides::apply(&sources, &mut root);
        match TableReader::read_all(&root, read) {
            Ok((spec, beside)) if problems.is_empty() => return Ok((spec, beside, root)),
            Ok(_) => {}
            Err(more) => problems.extend(more),
        }
        Err(problems)
    };
    match resolve() {
        Ok((spec, beside, root)) => Ok(Resolved { spec, beside, sources, root }),
        Err(problems) => Err(SpecError::Mistakes { sources, problems }),
    }
}

/// The name of a spec that gives none.
pub(crate) fn stem(path: &Path) -> Cow<'_, str> {
    path.file_stem().unwrap_or_default().to_string_lossy()
}

/// The text of the file at `path`.
pub(crate) fn read_text(path: &Path) -> Result<String, SpecError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => missing(path),
        _ => unreadable(path, &format!("cannot be read: {error}"), "check that it is a file that you may read"),
    };
    if path.is_dir() {
        return Err(unreadable(path, "is a folder", "name the spec's file"));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(unreadable(path, "is larger than 1 MB", "a spec is a TOML file like those in experiments/"));
    }
    let not_text = || unreadable(path, "is not a text file", NOT_TEXT);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(unreadable(path, "is text in UTF-16", "save it in UTF-8: iconv -f UTF-16 -t UTF-8"));
    }
    let text = String::from_utf8(bytes).map_err(|_| not_text())?;
    match text.find('\0') {
        None => Ok(text),
        Some(place) => {
            let before = &text[..place];
            let (line, start) = (1 + before.matches('\n').count(), before.rfind('\n').map_or(0, |newline| newline + 1));
            let column = 1 + before[start..].chars().count();
            Err(unreadable(path, &format!("is not a text file: line {line}, column {column} is U+0000 NULL"), NOT_TEXT))
        }
    }
}

fn missing(path: &Path) -> SpecError {
    if let Ok(target) = path.read_link() {
        let what = format!("is a link to {}, which is not there", shown(&target));
        return unreadable(path, &what, "bring back what it points to, or name the spec's file");
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".toml"));
    names.sort();
    let help = match nearest(&name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean {}?", shown(&path.with_file_name(meant))),
        None => "name a spec's file, such as experiments/tms_5-2.toml".to_string(),
    };
    unreadable(path, "does not exist", &help)
}

fn unreadable(path: &Path, what: &str, help: &str) -> SpecError {
    SpecError::Unreadable { title: format!("{} {what}", shown(path)), help: help.to_string() }
}

/// A path as an error shows it.
pub(crate) fn shown(path: &Path) -> String {
    normalize_untrusted_str(&path.display().to_string())
}
