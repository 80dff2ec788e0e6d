//! The ways to take a network apart, and what one is to the rest of the program.
//!
//! A method is its [`Settings`], from which comes a [`Decomposition`]: the [`Objective`] of a training and, once that is over,
//! what is [`Decomposed`]. Nothing outside this module knows which methods there are.

mod annealed;
pub mod apd;
mod comparison;
mod decomposed;
mod settings;
pub mod spd;
#[cfg(test)]
mod toy;
mod traded_key;

pub use annealed::Annealed;
pub use apd::{defaults, filled_in};
pub use decomposed::{AtUse, Decomposed, Observed};
use schemars::JsonSchema;
use serde::Serialize;
pub use settings::{Circumstances, Published, Settings, Sizes, Words};
pub use traded_key::{NotTraded, TradedKey, around};

use crate::{
    fit::Objective,
    settings::{Choice, Variant},
};

/// Every method that the spec can name, `[method.<method>]`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Attribution-based Parameter Decomposition (Braun et al. 2025).
    Apd(apd::Apd),
    /// Stochastic Parameter Decomposition (Bushnaq, Braun and Sharkey 2025).
    Spd(spd::Spd),
    /// Its successor with adversaries (VPD, 2026), which differs in its defaults alone.
    Vpd(spd::Spd),
    /// Fixed masks.
    #[cfg(test)]
    Toy(toy::Toy),
}

impl Choice for Method {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Table("apd", |table| Self::Apd(apd::Apd::read(table))),
        Variant::Table("spd", |table| Self::Spd(spd::Spd::read(table, spd::Generation::Spd))),
        Variant::Table("vpd", |table| Self::Vpd(spd::Spd::read(table, spd::Generation::Vpd))),
        #[cfg(test)]
        Variant::Table("toy", |table| Self::Toy(toy::Toy::read(table))),
    ];
}

impl std::ops::Deref for Method {
    type Target = dyn Settings;

    fn deref(&self) -> &Self::Target {
        match self {
            Method::Apd(apd) => apd,
            Method::Spd(spd) | Method::Vpd(spd) => spd,
            #[cfg(test)]
            Method::Toy(toy) => toy,
        }
    }
}

/// What the method of this [`Words::key`] is called; without a key, the one that is filled in where a spec names none.
pub fn words(key: Option<&str>) -> &'static Words {
    const ALL: &[&Words] = &[
        &apd::WORDS,
        &spd::SPD_WORDS,
        &spd::VPD_WORDS,
        #[cfg(test)]
        &toy::WORDS,
    ];
    let Some(key) = key else { return &apd::WORDS };
    ALL.iter().find(|words| words.key == key).copied().unwrap_or(&Words::OF_ANY_METHOD)
}

/// A decomposition under training.
pub trait Decomposition: Objective + Decomposed {}

impl<D: Objective + Decomposed> Decomposition for D {}
