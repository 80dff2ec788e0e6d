//! The `[sweep]` of a spec.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;

use super::{Domain, Parameter, Range, Slurm, Strategy, TradeOffSettings, strategy::MOST_KEYS};
use crate::{
    experiment::Halving,
    interrupt::Interrupt,
    settings::{TableReader, with_short_floats},
    spec::optional_seeds,
};

/// Many trials of one experiment.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
pub struct Sweep {
    /// Which values the trials get.
    pub strategy: Strategy,
    /// Seeds of every trial, one replica for each; unset, those of the spec.
    pub seeds: Vec<u64>,
    /// The most replicas that are trained together; unset, 64, or as many as need 2 GB.
    pub replicas_per_pack: Option<usize>,
    /// Successive halving, which ends trials early that are behind (Jamieson and Talwalkar 2016); without this table every trial
    /// is trained to its end.
    pub halving: Option<Halving>,
    /// Minutes after which a command saves and leaves, to be given again; unset, it stays until nothing is left to do. It is no
    /// part of what the sweep is.
    pub minutes: Option<f64>,
    /// Whether active components are traded off against the error, as with `--trade-off`; without this table they are not.
    pub trade_off: Option<TradeOffSettings>,
    /// Keys of the spec to vary, each with a list of values or with a range. A trade-off varies the method's key that decides
    /// between active components and error, by default over five values around that of the spec.
    #[schemars(with = "BTreeMap<String, Range>")]
    pub space: Vec<Parameter>,
    /// What the jobs of the sweep ask of Slurm.
    pub slurm: Slurm,
}

/// Which is known once its key's type is.
fn may_be_of_whole_numbers(parameter: &Parameter) -> bool {
    matches!(&parameter.domain, Domain::Range(range) if range.points.is_none() && range.has_whole_ends())
}

impl Sweep {
    /// `seeds` are those of the spec; the trials have the same unless `[sweep]` says otherwise. With `asked` it is a trade-off
    /// whatever the spec says.
    pub fn read(table: &mut TableReader, seeds: &[u64], asked: Option<TradeOffSettings>) -> Self {
        let trade_off = table.optional_table("trade_off", TradeOffSettings::read);
        let trade_off = asked.map_or(trade_off, |asked| Some(asked.or(trade_off)));
        let sweep = Self {
            strategy: table.choice("strategy").or(Strategy::default()),
            seeds: optional_seeds(table).unwrap_or_else(|| seeds.to_vec()),
            replicas_per_pack: table.number("replicas_per_pack").at_least(1).at_most(10_000).optional(),
            halving: table.optional_table("halving", Halving::read),
            minutes: table.number("minutes").above(0.0).at_most(1e6).optional(),
            space: table.space("space", trade_off.is_none()),
            trade_off,
            slurm: table.table("slurm", Slurm::read),
        };
        let count = sweep.strategy.count(&sweep.space);
        table.check(
            &["space", "strategy"],
            count.is_some() || sweep.space.iter().any(may_be_of_whole_numbers),
            "a grid needs finitely many values",
            "give each range its `points`, or choose another `strategy`",
        );
        table.check(
            &["space", "strategy"],
            !matches!(sweep.strategy, Strategy::Sobol(_)) || sweep.space.len() <= MOST_KEYS,
            &format!("Sobol's sequence has {MOST_KEYS} dimensions, one for each key"),
            format!("these are {}", sweep.space.len()),
        );
        table.check(
            &["strategy"],
            trade_off.is_none() || sweep.strategy == Strategy::Grid,
            "a trade-off tries every value of its one key, so `strategy` must be \"grid\"",
            "this draws values",
        );
        table.check(
            &["halving"],
            trade_off.is_none() || sweep.halving.is_none(),
            "a trade-off compares trials that are trained to their end, so it has no `halving`",
            "remove this",
        );
        sweep
    }

    /// The same interrupt, which comes once the time of one command is over.
    pub fn limit(&self, interrupt: Interrupt) -> Interrupt {
        match self.minutes {
            Some(minutes) => interrupt.within(Duration::from_secs_f64(60.0 * minutes)),
            None => interrupt,
        }
    }

    /// As it is written in a spec, without where, how and how long it is run. The keys keep their order, which is that of the
    /// trials.
    pub fn to_toml(&self) -> String {
        let strategy = toml::Value::try_from(self.strategy).expect("plain data");
        let seeds = toml::Value::try_from(&self.seeds).expect("plain data");
        let mut text = format!("[sweep]\nstrategy = {strategy}\nseeds = {seeds}\n");
        if let Some(replicas) = self.replicas_per_pack {
            text += &format!("replicas_per_pack = {replicas}\n");
        }
        if let Some(halving) = &self.halving {
            text += &format!("halving = {}\n", toml::Value::try_from(halving).expect("plain data"));
        }
        if self.trade_off.is_some() {
            text += "trade_off = {}\n";
        }
        text += "\n[sweep.space]\n";
        for Parameter { key, domain, .. } in &self.space {
            text += &format!("{} = {}\n", toml::Value::String(key.clone()), domain.to_toml());
        }
        with_short_floats(&text)
    }
}
