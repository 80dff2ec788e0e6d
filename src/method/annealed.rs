//! Numbers that may move over a training.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    fit::Moment,
    settings::{Limits, TableReader},
};

/// A number of a loss that may move over the training. In a spec it is a number, or a table in its place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Annealed {
    /// The same number at every step.
    Constant(f64),
    /// Goes along a straight line from one number to another.
    Linear {
        /// The number from the first step on.
        start: f64,
        /// The number that it goes to, evenly; without it the number does not move.
        #[serde(rename = "final")]
        final_value: f64,
        /// Share of the steps after which it begins to move.
        begin: f64,
        /// Share of the steps after which it has moved.
        end: f64,
    },
}

impl From<f64> for Annealed {
    fn from(number: f64) -> Self {
        Self::Constant(number)
    }
}

impl Annealed {
    /// The table in the place of a number within `limits`, for `or_table`: `weight:
    /// table.number("weight").at_least(0.0).or_table(Annealed::read).or(1.0)`.
    pub fn read(table: &mut TableReader, limits: Limits<f64>) -> Self {
        let start = table.number_within("start", limits).such_as(1.0);
        let final_value = table.number_within("final", limits).optional();
        let begin = table.number("begin").at_least(0.0).below(1.0).or(0.0);
        let end = table.number("end").above(0.0).at_most(1.0).or(1.0);
        table.check(&["begin", "end"], begin <= end, "`begin` must be at most `end`", format!("`end` is {end}"));
        for (key, is_default) in [("begin", begin == 0.0), ("end", end == 1.0)] {
            let title = format!("`{key}` needs a `final` number, to which this one goes");
            table.check(&[key, "final"], final_value.is_some() || is_default, &title, "add `final`, or remove this");
        }
        final_value.map_or(Self::Constant(start), |final_value| Self::Linear { start, final_value, begin, end })
    }

    /// Whether it is above zero at any time.
    pub fn ever_counts(self) -> bool {
        match self {
            Self::Constant(number) => number > 0.0,
            Self::Linear { start, final_value, .. } => start > 0.0 || final_value > 0.0,
        }
    }

    /// 1 in the place of one that counts at any time, and 0 of another: what must be equal of weights that are trained together.
    pub fn stand_in(self) -> Self {
        Self::Constant(f64::from(u8::from(self.ever_counts())))
    }

    /// The number before the update of this moment.
    pub fn at(self, moment: Moment) -> f64 {
        let passed = moment.step as f64 / moment.steps as f64;
        match self {
            Self::Constant(number) => number,
            Self::Linear { start, begin, .. } if passed < begin => start,
            Self::Linear { final_value, end, .. } if passed >= end => final_value,
            Self::Linear { start, final_value, begin, end } => {
                start + (final_value - start) * (passed - begin) / (end - begin)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{IntoData, assert_data_eq, str};

    use super::*;
    use crate::settings::{Entry, Sources, SpecError, Takes, Unless, overrides, reference, tree};

    /// What reads the weight of a test.
    #[derive(Debug, PartialEq, Serialize, JsonSchema)]
    struct Loss {
        /// Weight of the loss.
        weight: Annealed,
        /// Number of draws.
        draws: u64,
    }

    impl Loss {
        fn read(table: &mut TableReader) -> Self {
            Self {
                weight: table.number("weight").at_least(0.0).or_table(Annealed::read).such_as(0.003),
                draws: table.number("draws").or(1),
            }
        }
    }

    /// The loss of a spec, or the text of the mistakes.
    fn loss(text: &str, overrides: &[&str]) -> Result<Loss, String> {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        let sources = Sources::new("loss.toml".to_string(), text, &overrides);
        let mut root = tree::parse(&sources).unwrap();
        assert!(overrides::apply(&sources, &mut root).is_empty());
        TableReader::read_all(&root, Loss::read)
            .map_err(|problems| SpecError::Mistakes { sources, problems }.to_string())
    }

    fn weight(text: &str) -> Annealed {
        loss(text, &[]).unwrap_or_else(|error| panic!("{error}")).weight
    }

    fn linear(start: f64, final_value: f64, begin: f64, end: f64) -> Annealed {
        Annealed::Linear { start, final_value, begin, end }
    }

    #[test]
    fn it_is_read_from_a_number_or_from_a_table() {
        assert_eq!(weight("weight = 2"), Annealed::Constant(2.0));
        assert_eq!(weight("weight = { start = 2 }"), Annealed::Constant(2.0));
        assert_eq!(weight("[weight]\nstart = 2\nfinal = 0.4"), linear(2.0, 0.4, 0.0, 1.0));
        let whole = "[weight]\nstart = 2.0\nfinal = 0.4\nbegin = 0.25\nend = 0.75";
        assert_eq!(weight(whole), linear(2.0, 0.4, 0.25, 0.75));
        let set = |text, setting| loss(text, &[setting]).unwrap().weight;
        assert_eq!(set(whole, "weight=3"), Annealed::Constant(3.0));
        assert_eq!(set(whole, "weight.final=1"), linear(2.0, 1.0, 0.25, 0.75));
        assert_eq!(set("weight = 3", "weight={start=1, final=2}"), linear(1.0, 2.0, 0.0, 1.0));
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for (text, expected) in [
            ("weight = { start = 2 }", "weight = 2.0\ndraws = 1\n"),
            (
                "weight = { start = 2, final = 0.4, end = 0.5 }",
                "draws = 1\n\n[weight]\nstart = 2.0\nfinal = 0.4\nbegin = 0.0\nend = 0.5\n",
            ),
        ] {
            let read = loss(text, &[]).unwrap();
            let written = toml::to_string(&read).unwrap();
            assert_eq!(written, expected);
            assert_eq!(loss(&written, &[]), Ok(read));
        }
    }

    #[test]
    fn it_stays_goes_and_stays() {
        let at = |annealed: Annealed| [0, 25, 50, 75, 99].map(|step| annealed.at(Moment::before(step, 100)));
        assert_eq!(at(Annealed::Constant(3.0)), [3.0; 5]);
        assert_eq!(at(linear(2.0, 4.0, 0.25, 0.75)), [2.0, 2.0, 3.0, 4.0, 4.0]);
        assert_eq!(at(linear(2.0, 4.0, 0.5, 0.5)), [2.0, 2.0, 4.0, 4.0, 4.0]);
        assert_eq!(at(linear(2.0, 4.0, 0.0, 1.0)), [2.0, 2.5, 3.0, 3.5, 3.98]);
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        let mistakes = |text: &str| loss(text, &[]).unwrap_err();
        assert_data_eq!(
            mistakes("weight = \"much\""),
            str![[r#"
error: `weight` must be a number of at least 0, or a table
 --> loss.toml:1:10
  |
1 | weight = "much"
  |          ^^^^^^ this is the text "much"

error: 1 mistake in loss.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("draws = 2"),
            str![[r#"
error: the spec lacks `weight`
--> loss.toml
 = help: add, for example:
         weight = 0.003

error: 1 mistake in loss.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("weight = { start = -1, fianl = 2 }"),
            str![[r#"
error: `start` must be a number of at least 0
 --> loss.toml:1:20
  |
1 | weight = { start = -1, fianl = 2 }
  |                    ^^ this is -1

error: unknown key `fianl` in `[weight]`
 --> loss.toml:1:24
  |
1 | weight = { start = -1, fianl = 2 }
  |                        ^^^^^ did you mean `final`?
  |
  = help: allowed here: start, final, begin, end

error: 2 mistakes in loss.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("weight = { final = 2, begin = 0.5, end = 0.25 }"),
            str![[r#"
error: `[weight]` lacks `start`
 --> loss.toml:1:10
  |
1 | weight = { final = 2, begin = 0.5, end = 0.25 }
  |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: add, for example:
          start = 1

error: `begin` must be at most `end`
 --> loss.toml:1:31
  |
1 | weight = { final = 2, begin = 0.5, end = 0.25 }
  |                               ^^^ `end` is 0.25

error: 2 mistakes in loss.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("weight = { start = 2, begin = 0.5 }"),
            str![[r#"
error: `begin` needs a `final` number, to which this one goes
 --> loss.toml:1:31
  |
1 | weight = { start = 2, begin = 0.5 }
  |                               ^^^ add `final`, or remove this

error: 1 mistake in loss.toml

"#]]
            .into_data()
            .raw()
        );
    }

    #[test]
    fn help_tells_the_number_and_every_key_of_the_table() {
        let entries = reference::<Loss, _>(Loss::read);
        let told: Vec<(&str, &str)> = entries
            .iter()
            .map(|Entry { path, takes, .. }| match takes {
                Takes::Value(takes, Unless::Default(_) | Unless::Unset | Unless::Refused(_)) => {
                    (path.as_str(), takes.as_str())
                }
                other => panic!("{path}: {other:?}"),
            })
            .collect();
        let expected = [
            ("weight", "a number of at least 0, or a table"),
            ("weight.start", "a number of at least 0"),
            ("weight.final", "a number of at least 0"),
            ("weight.begin", "a number of at least 0 and below 1"),
            ("weight.end", "a number above 0 and at most 1"),
            ("draws", "an integer of at least 0"),
        ];
        assert_eq!(told, expected);
        assert_eq!(entries[0].about, "Weight of the loss.");
        assert_eq!(entries[1].about, "The number from the first step on.");
    }
}
