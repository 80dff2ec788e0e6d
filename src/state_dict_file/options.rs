//! What a user can say about a file that is imported.

use std::str::FromStr;

use super::layout::Layout;

/// What a user says about a file.
#[derive(Clone, Debug)]
pub struct ImportOptions<L> {
    /// Which way round the matrices are.
    pub layout: Option<L>,
    /// The key of the state dict, of several in the file; those of nested dictionaries are joined by dots. A single dot
    /// stands for the outermost dictionary.
    pub select: Option<String>,
    pub renames: Vec<Rename>,
    /// What precedes the names of these options on the command line: `target-`, or nothing.
    pub prefix: &'static str,
}

impl<L> Default for ImportOptions<L> {
    fn default() -> Self {
        Self { layout: None, select: None, renames: Vec::new(), prefix: "" }
    }
}

impl<L: Layout> ImportOptions<L> {
    /// An option's name on the command line.
    pub fn flag(&self, name: &str) -> String {
        format!("--{}{name}", self.prefix)
    }

    /// Whether the user says anything.
    pub fn is_empty(&self) -> bool {
        self.layout.is_none() && self.select.is_none() && self.renames.is_empty()
    }

    /// What the user says, for the notes of the file that is written.
    pub fn notes(&self) -> Vec<(&'static str, String)> {
        let renames: Vec<String> = self.renames.iter().map(ToString::to_string).collect();
        let select = self.select.clone().map(|key| ("imported_select", key));
        let renames = (!renames.is_empty()).then(|| ("imported_rename", renames.join(", ")));
        select.into_iter().chain(renames).collect()
    }
}

/// A tensor, or a part of the names of several, and what it is called here.
#[derive(Clone, Debug, PartialEq)]
pub struct Rename {
    pub theirs: String,
    pub ours: String,
}

impl FromStr for Rename {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once('=') {
            Some((theirs, ours)) if !theirs.is_empty() && !ours.is_empty() => {
                Ok(Self { theirs: theirs.into(), ours: ours.into() })
            }
            _ => Err("write it as THEIRS=OURS, for example fc1.weight=linear1.weight".into()),
        }
    }
}

impl std::fmt::Display for Rename {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}={}", self.theirs, self.ours)
    }
}
