//! Reading one table of a spec: every key checked, every mistake kept, no key overlooked.
//!
//! A reading function asks for its keys one after the other and always gets a value, so that the mistakes of a whole
//! spec are found in one go. After a mistake the value is a stand-in; it goes nowhere, because a spec with mistakes is
//! never handed out, and a [`check`](TableReader::check) that would look at it is skipped.

use super::{
    nearest::nearest,
    problem::{Problem, quoted},
    reference::{Entry, Takes, Unless},
    skeleton::{Missing, skeleton},
    source::Origin,
    tree::{Node, Table, Value},
};

/// A table of the spec, while it is read.
pub struct TableReader<'a> {
    /// Dotted; empty for the whole spec.
    path: String,
    /// `None`: the spec does not have this table; it reads as an empty one.
    table: Option<&'a Table>,
    /// Where to point if something is missing.
    header: Option<Origin>,
    known: Vec<&'static str>,
    missing: Vec<Missing>,
    problems: Vec<Problem>,
    /// The dotted keys at which a real number was read.
    reals: Vec<String>,
    /// The dotted keys that tables below this one know.
    below: Vec<String>,
    /// What has been told of the keys, if that is asked instead of their values.
    described: Option<Vec<Entry>>,
}

impl<'a> TableReader<'a> {
    /// Reads a whole spec, or a table of it by itself: its value, or every mistake in it.
    pub fn read_all<T>(root: &'a Node, read: impl FnOnce(&mut TableReader<'a>) -> T) -> Result<T, Vec<Problem>> {
        let Value::Table(table) = &root.value else { return Err(Vec::new()) };
        let mut reader = TableReader::new(String::new(), Some(table), None);
        let spec = read(&mut reader);
        let (problems, _) = reader.finish();
        if problems.is_empty() { Ok(spec) } else { Err(problems) }
    }

    /// The dotted keys of a whole spec, right or wrong, that are read as real numbers.
    pub(crate) fn reals<T>(root: &'a Node, read: impl FnOnce(&mut TableReader<'a>) -> T) -> Vec<String> {
        let Value::Table(table) = &root.value else { return Vec::new() };
        let mut reader = TableReader::new(String::new(), Some(table), None);
        read(&mut reader);
        reader.reals
    }

    fn new(path: String, table: Option<&'a Table>, header: Option<Origin>) -> Self {
        Self {
            path,
            table,
            header,
            known: Vec::new(),
            missing: Vec::new(),
            problems: Vec::new(),
            reals: Vec::new(),
            below: Vec::new(),
            described: None,
        }
    }

    /// What `read` tells of its keys, with those of every variant.
    pub(super) fn described<T>(read: impl FnOnce(&mut TableReader<'a>) -> T) -> Vec<Entry> {
        let mut reader = TableReader::new(String::new(), None, None);
        reader.described = Some(Vec::new());
        read(&mut reader);
        reader.take_described()
    }

    fn take_described(&mut self) -> Vec<Entry> {
        let entries = self.described.take().unwrap_or_default();
        for path in self.known.iter().map(|key| self.dotted(key)) {
            assert!(entries.iter().any(|entry| entry.path == path), "`{path}` is read and not described");
        }
        entries
    }

    /// Whether keys are to be described, all of them, instead of read.
    pub(super) fn describes(&self) -> bool {
        self.described.is_some()
    }

    /// Tells, where that is asked, what may stand at a key.
    pub(super) fn describe(&mut self, key: &str, takes: impl FnOnce() -> Takes) {
        let path = self.dotted(key);
        if let Some(entries) = &mut self.described {
            entries.push(Entry { path, about: String::new(), takes: takes() });
        }
    }

    /// What is written at `key`; `takes` says in words what may be.
    pub(crate) fn written(&mut self, key: &'static str, takes: impl Into<String>, unless: Unless) -> Option<&'a Node> {
        self.describe(key, || Takes::Value(takes.into(), unless));
        self.value(key)
    }

    /// What is written at `key`: a table whose keys are its author's. Each takes what `takes` says in words, such as a table that
    /// `read` reads.
    pub(crate) fn written_table<T>(
        &mut self,
        key: &'static str,
        takes: &str,
        read: impl FnOnce(&mut TableReader<'a>) -> T,
    ) -> Option<&'a Node> {
        self.describe(key, || Takes::Table);
        if self.describes() {
            let any = format!("{key}.KEY");
            self.describe(&any, || Takes::Value(takes.into(), Unless::Unset));
            self.read_child(&any, None, None, read);
        }
        self.value(key)
    }

    /// The table at `key`; one that is not there reads as an empty one.
    pub fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut TableReader<'a>) -> T) -> T {
        self.describe(key, || Takes::Table);
        self.chosen_table(key, read)
    }

    /// The same for one of several tables, which have been described together.
    pub(super) fn chosen_table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut TableReader<'a>) -> T) -> T {
        match self.value(key) {
            Some(Node { value: Value::Table(table), origin, .. }) => {
                self.read_child(key, Some(table), Some(origin.clone()), read)
            }
            None => self.read_child(key, None, self.header.clone(), read),
            Some(node) => {
                self.refuse(key, node, format!("`{key}` must be a table"));
                self.stand_in(read)
            }
        }
    }

    /// The table at `key`; `None` if the spec does not have it.
    pub fn optional_table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut TableReader<'a>) -> T) -> Option<T> {
        (self.value(key).is_some() || self.describes()).then(|| self.table(key, read))
    }

    /// There must be nothing at `key`; `title` says why.
    pub(crate) fn forbid(&mut self, key: &'static str, title: &str) {
        if let Some(node) = self.value(key) {
            self.report(key, Problem::new(title).at(node.origin.clone()).labelled(format!("remove `{key}`")));
        }
    }

    /// Whatever stands at `key` is somebody else's to read.
    pub(crate) fn pass_over(&mut self, key: &'static str) {
        self.know([key]);
    }

    /// What is written at `key`.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Node> {
        self.know([key]);
        self.table?.get(key)
    }

    /// The value that `key` must have is not there; `example` stands for one.
    pub(crate) fn miss(&mut self, key: &str, example: &str) {
        self.missing.push(Missing::key(&self.path, key, example));
    }

    /// What is written at `key` is not what `title` asks for.
    pub(crate) fn refuse(&mut self, key: &str, node: &Node, title: String) {
        let problem =
            Problem::new(title).at(node.origin.clone()).labelled(format!("this is {}", node.value.in_words()));
        self.report(key, problem);
    }

    /// The same where `title` asks for text: what was typed is shown as it was typed.
    pub(crate) fn refuse_text(&mut self, key: &str, node: &Node, title: String) {
        let found = node.text().map_or_else(|| node.value.in_words(), |text| Value::String(text.into()).in_words());
        self.report(key, Problem::new(title).at(node.origin.clone()).labelled(format!("this is {found}")));
    }

    /// The number at `key` may be any real one.
    pub(crate) fn note_real(&mut self, key: &str) {
        self.reals.push(self.dotted(key));
    }

    pub(crate) fn report(&mut self, key: &str, problem: Problem) {
        self.problems.push(problem.about(self.dotted(key)));
    }

    /// A condition between the values of `keys` (dotted, from this table). If it does not hold, `title` says so with
    /// the first key's value underlined, and `label` gives the reason. Skipped if one of the values is a stand-in.
    pub fn check(&mut self, keys: &[&str], holds: bool, title: &str, label: impl Into<String>) {
        let paths: Vec<String> = keys.iter().map(|key| self.dotted(key)).collect();
        let in_doubt = |path: &String| {
            self.problems.iter().any(|problem| problem.concerns(path))
                || self.missing.iter().any(|missing| missing.concerns(path))
        };
        if !holds && !paths.iter().any(in_doubt) {
            let origin = self.origin_of(keys[0]);
            self.report(keys[0], Problem::new(title).at(origin).labelled(label));
        }
    }

    /// Where the value at `path` is written, or what encloses it if it is not.
    fn origin_of(&self, path: &str) -> Option<Origin> {
        let (mut table, mut origin) = (self.table, self.header.clone());
        for key in path.split('.') {
            let Some(node) = table.and_then(|table| table.get(key)) else { break };
            origin = Some(node.origin.clone());
            table = if let Value::Table(inner) = &node.value { Some(inner) } else { None };
        }
        origin
    }

    /// This table itself, for a choice between tables in it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        self.table.into_iter().flat_map(|table| table.entries()).map(|entry| (entry.key.as_str(), &entry.node))
    }

    pub(crate) fn know(&mut self, keys: impl IntoIterator<Item = &'static str>) {
        for key in keys {
            if !self.known.contains(&key) {
                self.known.push(key);
            }
        }
    }

    /// Names the variant that a choice would take, with all that it needs.
    pub(crate) fn miss_variant<T>(&mut self, key: &str, names: &[&str], read: impl FnOnce(&mut TableReader<'a>) -> T) {
        let mut child = TableReader::new(self.dotted(key), None, None);
        read(&mut child);
        let mut missing = child.finish().1;
        if missing.is_empty() {
            missing.push(Missing::table(self.dotted(key)));
        }
        missing[0].note_choice(&self.path, names);
        self.missing.extend(missing);
    }

    /// The table `inner`, found below this one at the dotted `path`.
    pub(crate) fn inner<T>(
        &mut self,
        path: &str,
        inner: &'a Table,
        origin: Origin,
        read: impl FnOnce(&mut TableReader<'a>) -> T,
    ) -> T {
        self.read_child(path, Some(inner), Some(origin), read)
    }

    pub(super) fn read_child<T>(
        &mut self,
        key: &str,
        table: Option<&'a Table>,
        header: Option<Origin>,
        read: impl FnOnce(&mut TableReader<'a>) -> T,
    ) -> T {
        let mut child = TableReader::new(self.dotted(key), table, header);
        child.described = self.describes().then(Vec::new);
        let value = read(&mut child);
        if let Some(described) = &mut self.described {
            described.append(&mut child.take_described());
        }
        self.reals.append(&mut child.reals);
        self.below.append(&mut child.below);
        self.below.extend(child.known.iter().map(|known| child.dotted(known)));
        let (problems, missing) = child.finish();
        self.problems.extend(problems);
        self.missing.extend(missing);
        value
    }

    /// A value to go on with after a mistake.
    pub(crate) fn stand_in<T>(&self, read: impl FnOnce(&mut TableReader<'a>) -> T) -> T {
        read(&mut TableReader::new(String::new(), None, None))
    }

    /// The mistakes in this table, and what it lacks if there is no such table.
    fn finish(mut self) -> (Vec<Problem>, Vec<Missing>) {
        let Some(table) = self.table else { return (self.problems, self.missing) };
        for entry in table.entries().iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            let mut problem = Problem::new(format!("unknown key {} in {}", quoted(&entry.key, '`'), self.name()))
                .at(entry.key_origin.clone())
                .about(self.dotted(&entry.key))
                .helped(format!("allowed here: {}", self.known.join(", ")));
            // A key of a table below, given without that table's name, is more likely meant than another one of this table.
            let mut below: Vec<String> = self.below.clone();
            below.retain(|key| key.rsplit('.').next() == Some(entry.key.as_str()));
            below.dedup();
            let meant = nearest(&entry.key, self.known.iter().copied());
            if !below.is_empty() {
                let slip = meant.filter(|meant| strsim::damerau_levenshtein(&entry.key, meant) == 1);
                let meant = slip.into_iter().chain(below.iter().map(String::as_str));
                let meant = meant.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ");
                problem = problem.labelled(format!("did you mean {meant}?"));
            } else if let Some(meant) = meant {
                let path = self.dotted(meant);
                self.missing.retain(|missing| !missing.concerns(&path));
                problem = problem.labelled(format!("did you mean `{meant}`?")).about(path);
            }
            self.problems.push(problem);
        }
        if !self.missing.is_empty() {
            let (names, example) = skeleton(&self.path, &self.missing);
            let lacking = Problem::new(format!("{} lacks {names}", self.name())).at(self.header.clone());
            let lacking = lacking.helped(format!("add, for example:\n{example}"));
            let paths = self.missing.iter().map(Missing::path);
            self.problems.push(paths.fold(lacking, Problem::about));
        }
        (self.problems, Vec::new())
    }

    pub(super) fn dotted(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    fn name(&self) -> String {
        if self.path.is_empty() { "the spec".to_string() } else { format!("`[{}]`", self.path) }
    }
}
