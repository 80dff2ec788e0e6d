//! Attribution-based Parameter Decomposition (Braun et al. 2025, section 2) and its variants.

mod checks;
mod defaults;
mod lp;
mod method;
mod objective;
mod settings;
mod traded_key;

pub use defaults::{defaults, filled_in};
pub use method::WORDS;
pub use objective::{ApdObjective, SparsePass};
pub use settings::{Apd, Coefficients, Columns, LastComponent};
