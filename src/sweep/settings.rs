//! The `[sweep]` of a spec.

use super::{
    Parameter, Slurm, Strategy,
    strategy::{MOST_KEYS, MOST_TRIALS},
};
use crate::spec::{TableReader, optional_seeds};

/// Many trials of one experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    pub strategy: Strategy,
    /// One replica of every trial for each.
    pub seeds: Vec<u64>,
    /// Unset: as many as suit the memory.
    pub replicas_per_pack: Option<usize>,
    pub space: Vec<Parameter>,
    pub slurm: Slurm,
}

impl Sweep {
    /// `seeds` are those of the spec; the trials have the same unless `[sweep]` says otherwise.
    pub fn read(table: &mut TableReader, seeds: &[u64]) -> Self {
        let sweep = Self {
            strategy: table.choice("strategy").or(Strategy::default()),
            seeds: optional_seeds(table).unwrap_or_else(|| seeds.to_vec()),
            replicas_per_pack: table.number("replicas_per_pack").at_least(1).at_most(10_000).optional(),
            space: table.space("space"),
            slurm: table.table("slurm", Slurm::read),
        };
        let count = sweep.strategy.count(&sweep.space);
        table.check(
            &["space", "strategy"],
            count.is_some(),
            "a grid needs finitely many values",
            "give each range its `points`, or choose another `strategy`",
        );
        table.check(
            &["space", "strategy"],
            count.is_none_or(|count| count <= MOST_TRIALS),
            &format!("a sweep can have {MOST_TRIALS} trials at most"),
            format!("these are {}", count.unwrap_or_default()),
        );
        table.check(
            &["space", "strategy"],
            !matches!(sweep.strategy, Strategy::Sobol(_)) || sweep.space.len() <= MOST_KEYS,
            &format!("Sobol's sequence has {MOST_KEYS} dimensions, one for each key"),
            format!("these are {}", sweep.space.len()),
        );
        sweep
    }

    /// As it is written in a spec, without where and how it is launched. The keys keep their order, which is that of the
    /// trials.
    pub fn to_toml(&self) -> String {
        let strategy = toml::Value::try_from(self.strategy).expect("plain data");
        let seeds = toml::Value::try_from(&self.seeds).expect("plain data");
        let mut text = format!("[sweep]\nstrategy = {strategy}\nseeds = {seeds}\n");
        if let Some(replicas) = self.replicas_per_pack {
            text += &format!("replicas_per_pack = {replicas}\n");
        }
        text += "\n[sweep.space]\n";
        for Parameter { key, domain, .. } in &self.space {
            text += &format!("{} = {}\n", toml::Value::String(key.clone()), domain.to_toml());
        }
        text
    }
}
