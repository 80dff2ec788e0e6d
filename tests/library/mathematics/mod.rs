//! The mathematics: the fixtures' cases, identities, the literal formulas, and networks whose components are known.

mod gated_functions;
mod golden;
mod golden_spd;
mod identities;
mod kernels;
mod literal;
mod rank_growth;
mod simplicity_weight;
