//! The `[sweep.trade_off]` of a spec, and the values of a trade-off that names none.

use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Domain, Parameter, Sweep, Written};
use crate::{
    method::{NotTraded, TradedKey},
    run::{RunError, SweepFolder, is_file, write_whole},
    settings::{Node, Origin, Problem, TableReader, quoted},
    spec::Spec,
};

/// Active components against the error of the output: the method's key that decides between them is varied, and the value with the
/// fewest active components that keeps to the largest error is recommended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TradeOffSettings {
    /// Largest mean squared error to the target's output that is accepted; unset, a tenth of that without any component. It is
    /// no part of what the sweep is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_error: Option<f64>,
}

impl TradeOffSettings {
    pub fn read(table: &mut TableReader) -> Self {
        Self { largest_error: table.number("largest_error").above(0.0).optional() }
    }

    /// What this says, and where it says nothing what `other` says.
    pub fn or(self, other: Option<Self>) -> Self {
        Self { largest_error: self.largest_error.or(other.unwrap_or_default().largest_error) }
    }

    /// Keeps in the sweep's folder what is no part of the sweep, for those that read its plan there.
    pub fn keep(&self, folder: &SweepFolder) -> Result<(), RunError> {
        let asked = toml::to_string(self).expect("plain data");
        let text = format!(
            "# What the trade-off asks for beside what the sweep is: `apd help spec sweep.trade_off`.\n{asked}"
        );
        write_whole(&folder.trade_off(), |out| out.write_all(text.as_bytes()))
    }

    /// What the sweep's folder keeps; nothing if nothing was kept yet.
    pub fn kept(folder: &SweepFolder) -> Result<Self, RunError> {
        let path = folder.trade_off();
        if !is_file(&path)? {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&path).map_err(|error| RunError::read(&path, &error))?;
        toml::from_str(&text).map_err(|error| RunError::damaged(&path, error.message()))
    }
}

/// Gives a trade-off that names no values those of the method of `base`; `root` is what that was read from. Returns why there
/// are none, or why others cannot be traded off.
pub(super) fn fill_in(root: &Node, sweep: &mut Sweep, base: &Spec) -> Option<Problem> {
    let dotted = |key: &str| format!("method.{}.{key}", base.method.words().key);
    match base.method.traded_key(base.decomposition.batch) {
        Err(NotTraded { key, why, label }) => {
            let key = dotted(key);
            Some(Problem::new(why).at(origin(root, &key)).labelled(label).about(key))
        }
        Ok(TradedKey { key, values }) if sweep.space.is_empty() => {
            let key = dotted(key);
            let written = origin(root, &key).unwrap_or_else(Origin::filled_in);
            let written = Written { values: vec![written.clone(); values.len()], key: written };
            sweep.space.push(Parameter { key, domain: Domain::Values(values), written });
            None
        }
        Ok(TradedKey { key, .. }) => {
            let key = dotted(key);
            let other = sweep.space.iter().find(|parameter| parameter.key != key)?;
            let problem = Problem::new(format!("a trade-off varies {} alone", quoted(&key, '`')));
            Some(problem.at(other.written.key.clone()).labelled("remove this, or sweep without a trade-off"))
        }
    }
}

fn origin(root: &Node, key: &str) -> Option<Origin> {
    root.find(key).map(|node| node.origin.clone())
}
