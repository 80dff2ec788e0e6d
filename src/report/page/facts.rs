//! What the run's spec and provenance say, in words, and which files there are.

use serde_json::Value;

use crate::{
    method::Words,
    report::{files, kind, run_data::RunData, table},
    run::{RunFolder, Status, is_file},
    settings::with_short_floats,
    shell::quoted,
    table::OF_RUNS,
    visible::visible,
};

/// Characters of a spec that are shown at most.
const MOST_SPEC: usize = 100_000;

pub struct Facts {
    /// The spec's text; empty if it cannot be read.
    pub spec: String,
    settings: toml::Table,
    words: &'static Words,
    provenance: Value,
}

/// A sentence about a run that has not come to its end.
pub fn unfinished(run: &RunData) -> Option<&'static str> {
    match run.status? {
        Status::Running => {
            Some("This run is not finished: it was running when it last wrote. Here is what there is so far.")
        }
        Status::Interrupted => {
            Some("This run was interrupted. Here is what there is so far; its command goes on with it.")
        }
        Status::Failed => Some("This run failed; the provenance below says why. Here is what there is."),
        Status::Imported => {
            Some("These components come from a file and have not been measured: apd evaluate does that.")
        }
        Status::Finished => None,
    }
}

impl Facts {
    /// What cannot be read is empty here; the run's `problems` name it.
    pub fn read(run: &RunData) -> Facts {
        let folder = RunFolder::at(&run.folder);
        let spec = files::text(&folder.spec()).unwrap_or_default();
        Facts {
            settings: spec.parse().unwrap_or_default(),
            spec: spec.lines().map(|line| visible(line) + "\n").collect::<String>().chars().take(MOST_SPEC).collect(),
            words: run.words,
            provenance: files::provenance(&folder.provenance()).unwrap_or_default(),
        }
    }

    /// The settings that a reader asks for first.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let of_method =
            self.words.settings.iter().map(|(name, key)| (*name, format!("method.{}.{key}", self.words.key)));
        let of_training = [("Steps", "steps"), ("Batch", "batch"), ("Learning rate", "learning_rate")];
        let of_training = of_training.into_iter().map(|(name, key)| (name, format!("decomposition.{key}")));
        let asked = of_method.chain(of_training);
        asked.filter_map(|(name, path)| Some((name, in_words(self.setting(&path)?)))).collect()
    }

    fn setting(&self, path: &str) -> Option<&toml::Value> {
        let (first, rest) = path.split_once('.')?;
        rest.split('.').try_fold(self.settings.get(first)?, |value, key| value.get(key))
    }

    pub fn provenance(&self) -> Vec<(&'static str, String)> {
        let asked = [
            ("Commit", "commit"),
            ("Source differed from the commit", "commit_dirty"),
            ("apd", "apd"),
            ("libtorch", "libtorch"),
            ("Device", "device"),
            ("Precision", "precision"),
            ("Threads", "threads"),
            ("Host", "host"),
            ("Status", "status"),
            ("Reason", "reason"),
            ("Started", "started"),
            ("Ended", "ended"),
            ("Working time", "seconds"),
            ("Training of the components", "training_seconds"),
            ("Gone on with", "resumed"),
            ("Command", "command"),
        ];
        let mut facts: Vec<(&'static str, String)> =
            asked.into_iter().filter_map(|(name, key)| Some((name, said(key, self.provenance.get(key)?)?))).collect();
        let evaluated = |key| self.provenance.get("evaluation").and_then(|value| said(key, value.get(key)?));
        facts.extend(evaluated("ended").map(|ended| ("Measured again", ended)));
        facts.extend(evaluated("commit").map(|commit| ("Measured by commit", commit)));
        facts
    }
}

fn said(key: &str, value: &Value) -> Option<String> {
    match (key, value) {
        (_, Value::Null) => None,
        ("seconds" | "training_seconds", value) => {
            value.as_f64().filter(|seconds| seconds.is_finite()).map(table::duration)
        }
        ("resumed", value) => value.as_u64().map(|times| format!("{times} times")),
        (_, Value::Bool(yes)) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        (_, Value::String(text)) => Some(visible(text)),
        (_, Value::Array(words)) => {
            let words = words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned));
            Some(words.map(quoted).collect::<Vec<_>>().join(" "))
        }
        (_, value) => Some(visible(&value.to_string())),
    }
}

/// A setting on one line: `batch_top_k, k = 1.0`.
fn in_words(value: &toml::Value) -> String {
    let text = match value {
        toml::Value::Table(table) => {
            let part = |(name, value): (&String, &toml::Value)| match value {
                toml::Value::Table(_) => format!("{name}, {}", in_words(value)),
                _ => format!("{name} = {value}"),
            };
            table.iter().map(part).collect::<Vec<_>>().join(", ")
        }
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    visible(with_short_floats(&text).trim_end_matches(", "))
}

/// The files that the run's folder holds, with what is in them.
pub fn files(run: &RunData) -> Vec<(&'static str, String)> {
    const OTHERS: [(&str, &str); 5] = [
        ("spec.toml", "The resolved spec: every default filled in."),
        ("provenance.json", "Program, machine, command, times, and how the run ended."),
        ("target.safetensors", "The decomposed networks."),
        ("components.safetensors", "The factors A and B of every component at every site."),
        ("log.txt", "What was said while the run went on."),
    ];
    let network = kind::network(run);
    let tables = OF_RUNS.iter().filter(|table| table.of.contains(&network));
    let known = OTHERS.into_iter().map(|(name, what)| (name, what.to_owned()));
    let known = known.chain(tables.map(|table| (table.file, table.in_short())));
    known.filter(|(name, _)| is_file(&run.folder.join(name)).unwrap_or(true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_with_parts_is_said_on_one_line() {
        let table: toml::Table = "[selection.batch_top_k]\nk = 1.0\n[other.exact]\n".parse().unwrap();
        assert_eq!(in_words(&table["selection"]), "batch_top_k, k = 1.0");
        assert_eq!(in_words(&table["other"]), "exact");
    }

    #[test]
    fn the_words_of_a_command_are_quoted_and_what_would_harm_is_escaped() {
        let command: Value = serde_json::from_str(r#"["apd", "run", "a\u0007\u202eb", 3]"#).unwrap();
        assert_eq!(said("command", &command).unwrap(), r"apd run $'a\x07\xe2\x80\xaeb' 3");
        assert_eq!(said("reason", &Value::Null), None);
    }
}
