//! `[sweep.space]`: keys of the spec itself, each with a list or a range where the spec has one value.
//!
//! A key is dotted (`"method.apd.rank" = [1, 2]`) or nested (`method.apd.rank = [1, 2]`). The values are not checked here:
//! a trial is an ordinary spec and is read like one, so a wrong value is shown where it stands in the space.

use super::{Domain, Drawn, Parameter, Range, Scale, Strategy, Sweep};
use crate::{
    settings::{Node, Origin, Problem, Table, TableReader, Value, overrides, quoted, related},
    spec::Spec,
};

/// What says of itself what a spec is, and so is the same in all trials; and what to write instead.
const FIXED: [(&str, &str); 5] = [
    ("name", "the trials of a sweep are numbered"),
    ("format", "it is the version of the spec's format"),
    ("seeds", "give the seeds of every trial as `sweep.seeds`"),
    ("imported_components", "imported components are not trained"),
    ("sweep", "a sweep cannot vary itself"),
];

/// Where a parameter was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub(super) key: Origin,
    /// Of each listed value; of a range as a whole.
    pub(super) values: Vec<Origin>,
}

impl Written {
    /// Of a parameter that no text holds.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        Self { key: Origin::new(0, 0..0), values: Vec::new() }
    }
}

impl<'a> TableReader<'a> {
    /// The parameters in the table at `key`, in the order in which they are written. There must be some if they are `needed`.
    pub fn space(&mut self, key: &'static str, needed: bool) -> Vec<Parameter> {
        let read = |table: &mut TableReader| read_range(table, &Table::default());
        let Some(node) = self.written_table(key, "a list of values, or a range, which is a table", read) else {
            if needed {
                self.miss(key, "{ \"method.apd.coefficients.simplicity\" = [0.1, 1.0] }");
            }
            return Vec::new();
        };
        let Value::Table(table) = &node.value else {
            self.refuse(key, node, format!("`{key}` must be a table of keys to vary"));
            return Vec::new();
        };
        let mut space = Vec::new();
        self.collect(table, key, "", &mut space);
        if table.entries().is_empty() {
            let problem = Problem::new("`[sweep.space]` names no key to vary").at(node.origin.clone());
            let example = "add, for example:\n\"method.apd.coefficients.simplicity\" = [0.1, 1.0]";
            self.report(key, problem.helped(example));
        }
        // A file's tables come in the order of the alphabet.
        space.sort_by(|one, other| one.written.key.cmp(&other.written.key));
        let space = last_words(space);
        self.refuse_keys(key, &space);
        space
    }

    /// Adds the parameters of `table`, whose own place in the spec is `prefix`.
    fn collect(&mut self, table: &'a Table, name: &'static str, prefix: &str, space: &mut Vec<Parameter>) {
        for entry in table.entries() {
            let key = format!("{prefix}{}", entry.key);
            let written = |values| Written { key: entry.key_origin.clone(), values };
            match &entry.node.value {
                Value::Array(nodes) if nodes.is_empty() => {
                    let problem = Problem::new(format!("{} lists no value", quoted(&key, '`')));
                    self.report(name, problem.at(entry.node.origin.clone()).labelled("nothing to try"));
                }
                Value::Array(nodes) => {
                    let values: Option<Vec<toml::Value>> = nodes.iter().map(Node::to_toml).collect();
                    let Some(values) = values else {
                        self.refuse(name, &entry.node, format!("{} has a value of no key", quoted(&key, '`')));
                        continue;
                    };
                    let origins = nodes.iter().map(|node| node.origin.clone()).collect();
                    space.push(Parameter { key, domain: Domain::Values(values), written: written(origins) });
                }
                Value::Table(inner) if inner.get("from").or(inner.get("to")).is_some() => {
                    let path = format!("{name}.{key}");
                    let origin = entry.node.origin.clone();
                    let range = self.inner(&path, inner, origin.clone(), |table| read_range(table, inner));
                    space.push(Parameter { key, domain: Domain::Range(range), written: written(vec![origin]) });
                }
                Value::Table(inner) => self.collect(inner, name, &format!("{key}."), space),
                _ => {
                    let title = format!(
                        "{} must have a list of values, or a range {{ from = .., to = .. }}",
                        quoted(&key, '`')
                    );
                    self.refuse(name, &entry.node, title);
                }
            }
        }
    }

    fn refuse_keys(&mut self, name: &'static str, space: &[Parameter]) {
        for (place, parameter) in space.iter().enumerate() {
            let origin = parameter.written.key.clone();
            let fixed = FIXED.iter().find(|(fixed, _)| related(fixed, &parameter.key));
            if let Some((fixed, instead)) = fixed {
                let problem = Problem::new(format!("`{fixed}` cannot be varied")).at(origin.clone());
                self.report(name, problem.labelled(*instead));
            }
            if let Some(earlier) = space[..place].iter().find(|earlier| related(&earlier.key, &parameter.key)) {
                let problem = Problem::new(format!("{} is varied twice", quoted(&parameter.key, '`'))).at(origin);
                self.report(name, problem.labelled(format!("{} is there already", quoted(&earlier.key, '`'))));
            }
        }
    }
}

/// The tree of one trial: its values come after everything that the file and `--set` say.
pub(super) fn with_values(root: &Node, space: &[Parameter], drawn: &[Drawn]) -> Node {
    let mut root = root.clone();
    for (place, (parameter, Drawn { value, place: value_place })) in space.iter().zip(drawn).enumerate() {
        let keys: Vec<_> = parameter.key.split('.').map(|key| (key, parameter.written.key.clone())).collect();
        let origin = parameter.written.values[*value_place].clone();
        const AFTER_ALL_SOURCES: usize = usize::MAX / 2;
        overrides::put(&mut root, &keys, Node::from_toml(value, &origin, AFTER_ALL_SOURCES + place));
    }
    root
}

/// A range in whole numbers means real ones where its key takes real ones. Returns what is wrong with such ranges; `name` is
/// that of the experiment in `root`.
pub(super) fn take_real_numbers(root: &Node, sweep: &mut Sweep, name: &str) -> Vec<Problem> {
    let firsts: Vec<Drawn> = sweep.space.iter().map(|parameter| parameter.domain.at(0.0)).collect();
    let root = with_values(root, &sweep.space, &firsts);
    let reals = TableReader::reals(&root, |table| Spec::read(table, name));
    let mut problems = Vec::new();
    for Parameter { key, domain, written } in &mut sweep.space {
        let Domain::Range(range) = domain else { continue };
        if !reals.contains(key) {
            // Ends such as 1.0 are whole numbers too.
            range.integers |= range.has_whole_ends();
            continue;
        }
        let is_in_whole_numbers = std::mem::replace(&mut range.integers, false);
        if sweep.strategy == Strategy::Grid && range.points.is_none() {
            let problem =
                Problem::new(format!("{} takes real numbers, and a grid needs finitely many", quoted(key, '`')));
            let label = "give the range its `points`, list the values, or choose another `strategy`";
            let help = "a sweep of an older version, which took this for whole numbers, is resumed with `apd sweep work SWEEP`";
            let problem = problem.at(written.values[0].clone()).labelled(label);
            problems.push(if is_in_whole_numbers { problem.helped(help) } else { problem });
        }
    }
    problems
}

/// A key that `--set` gives anew has the later domain, in the place of the earlier.
fn last_words(written: Vec<Parameter>) -> Vec<Parameter> {
    let mut space: Vec<Parameter> = Vec::new();
    for parameter in written {
        let is_earlier = |earlier: &&mut Parameter| {
            earlier.key == parameter.key && earlier.written.key.source < parameter.written.key.source
        };
        match space.iter_mut().find(is_earlier) {
            Some(earlier) => *earlier = parameter,
            None => space.push(parameter),
        }
    }
    space
}

fn read_range(table: &mut TableReader, written: &Table) -> Range {
    let is_whole = |key| matches!(written.get(key).map(|node| &node.value), Some(Value::Integer(_)));
    let range = Range {
        from: table.number("from").such_as(0.1),
        to: table.number("to").such_as(10.0),
        points: table.number("points").at_least(2).at_most(1_000).optional(),
        scale: table.choice("scale").or(Scale::default()),
        integers: is_whole("from") && is_whole("to"),
    };
    let Range { from, to, scale, .. } = range;
    table.check(&["from", "to"], from < to, "`from` must be below `to`", format!("`to` is {to}"));
    let has_logarithm = scale == Scale::Linear || from > 0.0;
    table.check(&["from", "scale"], has_logarithm, "`from` must be above 0 on a scale of logarithms", "");
    range
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::sweep::load_trials;

    /// The keys are those of a spec, however they are nested.
    #[test]
    fn dotted_and_nested_keys_are_the_same() {
        let path = Path::new("experiments/tms_5-2.toml");
        let keys = |overrides: &[&str]| {
            let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
            let sweep = load_trials(path, &overrides).unwrap_or_else(|error| panic!("{error}")).sweep;
            sweep.space.into_iter().map(|parameter| (parameter.key, parameter.domain)).collect::<Vec<_>>()
        };
        let nested = keys(&["sweep.space.method.apd.rank=[1, 2]"]);
        assert_eq!(nested, keys(&["sweep.space={'method.apd.rank' = [1, 2]}"]));
        assert_eq!(nested, keys(&["sweep.space={method = {'apd.rank' = [1, 2]}}"]));
    }
}
