//! How a replica of a trial ended, as `trials.csv` says it.

use std::{fmt, str::FromStr};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Finished,
    /// What was no longer finite, and the number of updates before that.
    Diverged {
        what: String,
        step: u64,
    },
    /// `halving` ended it after so many steps, and it was measured as it was.
    Halted {
        step: u64,
    },
    /// Its trial could not be finished.
    Failed,
}

impl Ending {
    /// Such as `embed.A at step 12`; `None` if it has not diverged.
    pub fn divergence(&self) -> Option<String> {
        match self {
            Ending::Diverged { what, step } => Some(format!("{what} at step {step}")),
            _ => None,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Finished => out.write_str("finished"),
            Ending::Diverged { what, step } => write!(out, "diverged: {what} at step {step}"),
            Ending::Halted { step } => write!(out, "halted at step {step}"),
            Ending::Failed => out.write_str("failed"),
        }
    }
}

impl FromStr for Ending {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let diverged = || {
            let (what, step) = words.strip_prefix("diverged: ")?.rsplit_once(" at step ")?;
            Some(Ending::Diverged { what: what.into(), step: step.parse().ok()? })
        };
        let halted = || Some(Ending::Halted { step: words.strip_prefix("halted at step ")?.parse().ok()? });
        let known = match words {
            "finished" => Some(Ending::Finished),
            "failed" => Some(Ending::Failed),
            _ => diverged().or_else(halted),
        };
        known.ok_or_else(|| format!("no replica ends with {words:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_reads_back_from_its_words() {
        let endings = [
            (Ending::Finished, "finished"),
            (Ending::Diverged { what: "embed.A at step 3".into(), step: 40 }, "diverged: embed.A at step 3 at step 40"),
            (Ending::Diverged { what: String::new(), step: 0 }, "diverged:  at step 0"),
            (Ending::Halted { step: 100 }, "halted at step 100"),
            (Ending::Failed, "failed"),
        ];
        for (ending, words) in endings {
            assert_eq!(ending.to_string(), words);
            assert_eq!(words.parse(), Ok(ending));
        }
    }

    #[test]
    fn other_words_are_no_ending() {
        for words in ["", "Finished", "diverged", "diverged: total", "diverged: total at step x", "halted at step "] {
            assert!(words.parse::<Ending>().is_err(), "{words}");
        }
    }
}
