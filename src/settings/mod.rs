//! Settings in TOML, read with the place of every value: all mistakes of a file are found in one go and each is shown where it stands.
//!
//! Nothing here knows an experiment. `source` and `tree` keep where every value was written, `overrides` applies `--set`;
//! `reader`, `number` (with `number_or_table` and `numbers_by_name`), `text`, `boolean` and `choice` are what every `read` function is written in; `problem`, `skeleton`, `nearest` and
//! `unseen` say what is wrong; `reference` is what the readers know of every key; `short_floats` keeps numbers in written TOML short.
//!
//! A new key is a field of its struct and a line in the struct's `read`, which names the allowed range and the default:
//! `warm_up: table.number("warm_up").at_least(0.0).below(1.0).or(0.0)`. A new variant is a member of its enum and a line
//! in the enum's [`Choice::VARIANTS`]: its name in the file, which is serde's name of the member, and how it is read. What the
//! documentation of the field or of the member says, `apd help spec` and docs/spec.md say, too.

mod boolean;
mod choice;
mod nearest;
mod number;
mod number_or_table;
mod numbers_by_name;
pub(crate) mod overrides;
mod problem;
mod reader;
mod reference;
mod short_floats;
mod skeleton;
mod source;
mod text;
pub(crate) mod tree;
pub(crate) mod unseen;

pub use choice::{Choice, Variant};
pub(crate) use nearest::nearest;
pub use number::Limits;
pub(crate) use number::{LARGEST_SIZE, grouped};
pub use problem::SpecError;
pub(crate) use problem::{Problem, quoted};
pub use reader::TableReader;
pub use reference::{Entry, Member, Takes, Unless, reference};
pub(crate) use short_floats::with_short_floats;
pub(crate) use skeleton::related;
pub(crate) use source::{Origin, Sources};
pub(crate) use tree::{Node, Table, Value};

/// Whether a setting that came later than others has its default: it is then left out of a resolved file, so that the
/// hashes of experiments that do not use it stay.
pub(crate) fn is_default<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}
