//! One state dict among the tensors of a file, its tensors under the names that our files give to the parts.
//!
//! `--select` chooses one of several state dicts and `--rename` makes unknown names known. All names may begin alike, as
//! with `model.`; what lies outside of that prefix is passed over.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use tch::Tensor;

use super::{
    StateDictFile,
    layout::Layout,
    mistakes::{MAX_SHOWN, unfit},
    names,
    options::{ImportOptions, Rename},
    shown, subcomponent_names,
};
use crate::{run::RunError, settings::nearest};

/// A state dict.
pub struct StateDict<'f> {
    /// By what our files call the parts.
    pub parts: BTreeMap<String, Named<'f>>,
    /// Tensors that are no part: their names in the file, and after selection and renaming.
    pub strangers: Vec<(&'f str, String)>,
    /// What precedes the names, and the number of tensors elsewhere.
    pub prefix: String,
    pub passed_over: usize,
}

/// A tensor with its name in the file.
#[derive(Clone, Copy)]
pub struct Named<'f> {
    pub theirs: &'f str,
    pub tensor: &'f Tensor,
}

/// A tensor on the way from its name in the file to a part.
pub struct Entry<'f> {
    pub named: Named<'f>,
    /// The name after selection and renaming.
    pub name: String,
    /// Renamed as a whole to the name of a part: it has no prefix that could differ from that of others.
    is_placed: bool,
}

impl Entry<'_> {
    fn part(&self) -> Option<(String, String)> {
        names::divide(&self.name)
    }
}

impl<'f> StateDict<'f> {
    /// The tensors that stand beside one of the parts `anchors`.
    pub fn find<L: Layout>(
        file: &'f StateDictFile,
        path: &Path,
        options: &ImportOptions<L>,
        anchors: &[&str],
    ) -> Result<Self, RunError> {
        // A tensor that cannot be a weight is refused where it is meant, rather than missed.
        let refuse_unusable = |is_meant: &dyn Fn((String, String)) -> bool| {
            let part = |name: &str| names::divide(&meant_name(name, options)?);
            file.check_usable(path, |name| part(name).is_some_and(is_meant))
        };
        let mut entries = selected(file, path, options)?;
        rename(&mut entries, path, options, &|name| names::divide(name).is_some())?;
        // The last word of their names may be that of a part of a network.
        entries.retain(|entry| !subcomponent_names::divide(&entry.name, 0).is_some_and(|part| part.is_certain));
        let (prefix, others) = prefix(&entries, path, options, anchors)
            .map_err(|error| refuse_unusable(&|(_, part)| anchors.contains(&part.as_str())).err().unwrap_or(error))?;
        refuse_unusable(&|(before, _)| before == prefix)?;

        let mut dict = Self { parts: BTreeMap::new(), strangers: Vec::new(), prefix, passed_over: 0 };
        for entry in &entries {
            let is_inside =
                entry.name.starts_with(&dict.prefix) && !others.iter().any(|other| entry.name.starts_with(other));
            match entry.part() {
                Some((prefix, ours)) if entry.is_placed || (is_inside && prefix == dict.prefix) => {
                    if let Some(other) = dict.parts.insert(ours, entry.named) {
                        return Err(twice(path, other.theirs, entry.named.theirs));
                    }
                }
                // No weights are of whole numbers, so that these are something else.
                _ if file.whole_numbers.contains(entry.named.theirs) => {}
                _ if is_inside => dict.strangers.push((entry.named.theirs, entry.name.clone())),
                _ => {}
            }
        }
        dict.passed_over = file.tensors.len() - dict.parts.len() - dict.strangers.len();
        if let Some(key) = options.select.as_ref().filter(|key| *key != OUTERMOST) {
            dict.prefix = format!("{key}.{}", dict.prefix);
        }
        if dict.prefix.is_empty() {
            dict.prefix = OUTERMOST.to_string();
        }
        Ok(dict)
    }
}

pub fn twice(path: &Path, some: &str, other: &str) -> RunError {
    let mistake = format!("{} and {} are the same part", shown(some), shown(other));
    unfit(path, &[mistake]).with_help("save the file without one of them, or give other names with --rename")
}

/// The key of the outermost dictionary.
const OUTERMOST: &str = ".";

/// What precedes the names of the tensors that the user selects.
fn selection<L: Layout>(options: &ImportOptions<L>) -> String {
    match options.select.as_deref() {
        None | Some(OUTERMOST) => String::new(),
        Some(key) => format!("{key}."),
    }
}

/// A tensor's name after selection and renaming; `None` of a tensor that is not selected.
pub fn meant_name<L: Layout>(theirs: &str, options: &ImportOptions<L>) -> Option<String> {
    let name = theirs.strip_prefix(&selection(options))?;
    let whole = options.renames.iter().find(|rename| rename.theirs == name);
    Some(whole.map_or_else(|| replaced(name, &options.renames).0, |rename| rename.ours.clone()))
}

/// The tensors of the state dict that the user selects, or of all.
pub fn selected<'f, L: Layout>(
    file: &'f StateDictFile,
    path: &Path,
    options: &ImportOptions<L>,
) -> Result<Vec<Entry<'f>>, RunError> {
    let prefix = selection(options);
    let entry = |(theirs, tensor): (&'f String, &'f Tensor)| {
        let name = theirs.strip_prefix(&prefix)?.to_string();
        Some(Entry { named: Named { theirs, tensor }, name, is_placed: false })
    };
    let entries: Vec<Entry> = file.tensors.iter().filter_map(entry).collect();
    match &options.select {
        Some(key) if entries.is_empty() => Err(no_such_key(file, path, key, &options.flag("select"))),
        _ => Ok(entries),
    }
}

fn no_such_key(file: &StateDictFile, path: &Path, key: &str, flag: &str) -> RunError {
    if file.tensors.contains_key(key) {
        let what = format!("{}: {} is a tensor, not a state dict", path.display(), shown(key));
        return RunError::new(what, format!("give the key of a dictionary with {flag}, or leave it out"));
    }
    let dots = |name: &str| name.match_indices('.').map(|(dot, _)| dot).collect::<Vec<_>>();
    let keys: BTreeSet<&str> =
        file.tensors.keys().flat_map(|name| dots(name).into_iter().map(|dot| &name[..dot])).collect();
    let outer: Vec<&str> = keys.iter().copied().filter(|key| !key.contains('.')).collect();
    let what = format!("{} holds no state dict {}", path.display(), shown(key));
    let help = match similar(key, &keys.iter().copied().collect::<Vec<_>>()) {
        Some(meant) => format!("did you mean {}? the file has {}", shown(meant), list(&outer)),
        None if outer.is_empty() => format!("leave {flag} out: the tensors of this file are in one dictionary"),
        None => format!("the file has {}", list(&outer)),
    };
    RunError::new(what, help)
}

/// Gives tensors the names that the user says, all at once; `is_known` tells the names of parts.
pub fn rename<L: Layout>(
    entries: &mut [Entry],
    path: &Path,
    options: &ImportOptions<L>,
    is_known: &dyn Fn(&str) -> bool,
) -> Result<(), RunError> {
    let flag = options.flag("rename");
    let mut touched: Vec<Vec<usize>> = vec![Vec::new(); options.renames.len()];
    for (index, rename) in options.renames.iter().enumerate() {
        if options.renames[..index].iter().any(|other| other.theirs == rename.theirs) {
            let what = format!("{flag} gives {} two names", shown(&rename.theirs));
            return Err(RunError::new(what, "give each name in the file once"));
        }
    }
    for (index, entry) in entries.iter_mut().enumerate() {
        if let Some(which) = options.renames.iter().position(|rename| rename.theirs == entry.name) {
            let ours = &options.renames[which].ours;
            entry.is_placed = names::divide(ours).is_some_and(|(prefix, _)| prefix.is_empty());
            entry.name = ours.clone();
            touched[which].push(index);
            continue;
        }
        let (name, used) = replaced(&entry.name, &options.renames);
        used.into_iter().for_each(|which| touched[which].push(index));
        entry.name = name;
    }
    for (rename, touched) in options.renames.iter().zip(&touched) {
        if touched.is_empty() {
            return Err(renames_nothing(entries, path, rename, &flag));
        }
        if touched.iter().all(|&index| !is_known(&entries[index].name)) {
            return Err(unknown_part(rename, &entries[touched[0]], &flag));
        }
    }
    Ok(())
}

/// A name in which the renamed runs of words between dots are replaced, and the renames that did it.
fn replaced(name: &str, renames: &[Rename]) -> (String, Vec<usize>) {
    let words: Vec<&str> = name.split('.').collect();
    let mut result: Vec<&str> = Vec::new();
    let (mut used, mut place) = (Vec::new(), 0);
    while place < words.len() {
        let found = renames.iter().enumerate().find_map(|(which, rename)| {
            let theirs: Vec<&str> = rename.theirs.split('.').collect();
            words[place..].starts_with(&theirs).then_some((which, theirs.len()))
        });
        match found {
            Some((which, length)) => {
                result.push(&renames[which].ours);
                used.push(which);
                place += length;
            }
            None => {
                result.push(words[place]);
                place += 1;
            }
        }
    }
    (result.join("."), used)
}

fn renames_nothing(entries: &[Entry], path: &Path, rename: &Rename, flag: &str) -> RunError {
    let there: Vec<&str> = entries.iter().map(|entry| entry.named.theirs).collect();
    let what = format!("{} has no tensor {}, which {flag} is to rename", path.display(), shown(&rename.theirs));
    let meant = similar(&rename.theirs, &entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>());
    let help = meant.map_or(String::new(), |meant| format!("did you mean {}? ", shown(meant)));
    RunError::new(what, format!("{help}the file has {}", list(&there)))
}

fn unknown_part(rename: &Rename, entry: &Entry, flag: &str) -> RunError {
    let part = if entry.name == rename.ours { String::new() } else { format!(", as in {}", shown(&entry.name)) };
    let what = format!("{flag} {}: {} is no part of a network{part}", shown(&rename.to_string()), shown(&rename.ours));
    let meant = names::meant(&entry.name).map_or(String::new(), |meant| format!("did you mean {}? ", shown(&meant)));
    RunError::new(what, format!("{meant}`apd import --help` lists the names that are known"))
}

/// What precedes the names of the one state dict that has one of `anchors`, and what precedes those of others inside of it.
fn prefix<L: Layout>(
    entries: &[Entry],
    path: &Path,
    options: &ImportOptions<L>,
    anchors: &[&str],
) -> Result<(String, Vec<String>), RunError> {
    let is_anchor = |part: &(String, String)| anchors.contains(&part.1.as_str());
    let prefixes = |is_one: &dyn Fn(&(String, String)) -> bool| -> BTreeSet<String> {
        let parts = entries.iter().filter(|entry| !entry.is_placed).filter_map(Entry::part);
        parts.filter(|part| is_one(part)).map(|part| part.0).collect()
    };
    let mut found = prefixes(&is_anchor);
    if found.is_empty()
        && entries.iter().any(|entry| entry.is_placed && entry.part().is_some_and(|part| is_anchor(&part)))
    {
        found = prefixes(&|_| true);
        if found.is_empty() {
            found.insert(String::new());
        }
    }
    let is_selected = options.select.is_some() && found.contains("");
    match (found.len(), found.first()) {
        (0, _) | (_, None) => Err(no_anchor(entries, path, options, anchors)),
        (1, Some(prefix)) => Ok((prefix.clone(), Vec::new())),
        _ if is_selected => Ok((String::new(), found.into_iter().filter(|prefix| !prefix.is_empty()).collect())),
        _ => Err(several(&found, path, options)),
    }
}

fn no_anchor<L: Layout>(entries: &[Entry], path: &Path, options: &ImportOptions<L>, anchors: &[&str]) -> RunError {
    let wanted = anchors.iter().map(|anchor| with_others(anchor)).collect::<Vec<_>>().join(" or ");
    let there: Vec<&str> = entries.iter().map(|entry| entry.named.theirs).collect();
    let error = unfit(path, &[format!("it has no tensor {wanted}, only: {}", list(&there))]);
    let suggestion = entries.iter().find_map(|entry| {
        let meant = names::meant(&entry.name).filter(|meant| anchors.contains(&meant.as_str()))?;
        rename_suggestion(&entry.name, &meant, options)
    });
    match suggestion {
        Some(suggestion) => {
            error.with_help(format!("{suggestion}; `apd import --help` lists the names that are known"))
        }
        None => error,
    }
}

/// The option that makes `theirs` the part `ours`, if it can be shown as it is to be typed.
pub fn rename_suggestion<L: Layout>(theirs: &str, ours: &str, options: &ImportOptions<L>) -> Option<String> {
    let flag = options.flag("rename");
    is_typed_as_shown(theirs).then(|| format!("if {} is {}, give {flag} {theirs}={ours}", shown(theirs), shown(ours)))
}

/// Whether a name can stand in a command as it is.
fn is_typed_as_shown(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !name.starts_with('-')
}

pub fn several<L: Layout>(prefixes: &BTreeSet<String>, path: &Path, options: &ImportOptions<L>) -> RunError {
    let outer = options.select.as_deref().filter(|key| *key != OUTERMOST);
    let key = |prefix: &String| match (outer, prefix.strip_suffix('.').unwrap_or("")) {
        (None, "") => OUTERMOST.to_string(),
        (None, key) => key.to_string(),
        (Some(outer), "") => outer.to_string(),
        (Some(outer), key) => format!("{outer}.{key}"),
    };
    let keys: Vec<String> = prefixes.iter().map(key).collect();
    let listed: Vec<&str> = keys.iter().map(String::as_str).collect();
    let flag = options.flag("select");
    let example = listed.iter().rfind(|key| is_typed_as_shown(key));
    let example = example.map_or(String::new(), |key| format!(", for example {flag} {key}"));
    let what = format!("{} holds several state dicts that fit: {}", path.display(), list(&listed));
    RunError::new(what, format!("choose one with {flag}{example}"))
}

/// What a part may be called, for an error.
pub fn with_others(ours: &str) -> String {
    match &names::others(ours)[..] {
        [] => shown(ours),
        others => {
            format!("{} ({})", shown(ours), others.iter().map(|other| shown(other)).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The name that is typed in other letters, or nearly.
fn similar<'n>(typed: &str, names: &[&'n str]) -> Option<&'n str> {
    let same = names.iter().copied().find(|name| name.eq_ignore_ascii_case(typed));
    same.or_else(|| nearest(typed, names.iter().copied()))
}

/// Names from a file, the first of many.
fn list(names: &[&str]) -> String {
    let mut shown_names: Vec<String> = names.iter().take(MAX_SHOWN).map(|name| shown(name)).collect();
    let unshown = names.len().saturating_sub(MAX_SHOWN);
    shown_names.extend((unshown > 0).then(|| format!("and {unshown} more")));
    shown_names.join(", ")
}
