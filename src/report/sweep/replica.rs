//! What a row of `trials.csv` says of one replica.

use crate::{report::figure::style, sweep::Ending};

/// A replica of a trial that has ended. A number that is not there is NaN.
#[derive(Clone, Debug)]
pub struct Replica {
    pub trial: usize,
    pub seed: String,
    pub ending: Ending,
    pub recovered: Option<bool>,
    pub score: f64,
    /// Mean squared error to the target's output with the trained selection; unknown in the L_p form, which selects nothing.
    pub error: f64,
    /// Components active on a mean sample.
    pub active: f64,
    pub mmcs: f64,
    pub ml2r: f64,
    /// Features with a component of their own.
    pub own: f64,
}

/// What came of a replica, in the order in which it is named in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Recovered,
    NotRecovered,
    Diverged,
    NotJudged,
}

impl Outcome {
    pub const ALL: [Outcome; 4] = [Outcome::Recovered, Outcome::NotRecovered, Outcome::Diverged, Outcome::NotJudged];

    pub fn in_words(self) -> &'static str {
        match self {
            Outcome::Recovered => "recovered",
            Outcome::NotRecovered => "not recovered",
            Outcome::Diverged => "diverged",
            Outcome::NotJudged => "not judged",
        }
    }

    pub fn colour(self) -> &'static str {
        match self {
            Outcome::Recovered => style::BLUE,
            Outcome::NotRecovered => style::VERMILLION,
            Outcome::Diverged => style::INK,
            Outcome::NotJudged => style::FAINT,
        }
    }
}

impl Replica {
    /// `None` of a row without a trial's number or its ending, as a damaged table may have.
    pub fn read(header: &[String], row: &[String]) -> Option<Replica> {
        let cell = |name: &str| {
            let cell = header.iter().zip(row).find(|(column, _)| *column == name);
            cell.map_or("", |(_, cell)| cell.as_str())
        };
        let number = |name| cell(name).parse().unwrap_or(f64::NAN);
        Some(Replica {
            trial: cell("trial").parse().ok()?,
            seed: cell("seed").to_owned(),
            ending: cell("status").parse().ok()?,
            recovered: cell("recovered").parse().ok(),
            score: number("score"),
            error: number("minimality"),
            active: number("mean_active"),
            mmcs: number("mmcs"),
            ml2r: number("ml2r"),
            own: number("features_with_own_component"),
        })
    }

    pub fn outcome(&self) -> Outcome {
        match self.recovered {
            _ if self.has_diverged() => Outcome::Diverged,
            Some(true) => Outcome::Recovered,
            Some(false) => Outcome::NotRecovered,
            None => Outcome::NotJudged,
        }
    }

    pub fn has_diverged(&self) -> bool {
        matches!(self.ending, Ending::Diverged { .. })
    }
}
