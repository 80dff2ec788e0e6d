//! What came of a trade-off: active components and error of every value, and which value is recommended.

use super::{Ending, Plan, results::ReplicaResult};
use crate::{
    metric::STATED_SHARE,
    statistics::{MeanDeviation, mean_and_deviation},
};

/// Active components against the error of the output.
#[derive(Clone, Debug, PartialEq)]
pub struct TradeOff {
    /// The key whose values are tried.
    pub key: String,
    /// Of every trial, in their order.
    pub values: Vec<TradedValue>,
    /// Mean squared error to the target's output without any component, mean over the seeds; `None` until a replica is measured.
    pub error_without: Option<f64>,
    /// The largest error that is accepted; `None` until it is known.
    pub largest_error: Option<f64>,
    /// Whether the user states it.
    is_stated: bool,
}

/// One of the values.
#[derive(Clone, Debug, PartialEq)]
pub struct TradedValue {
    pub trial: usize,
    pub value: String,
    /// Of the replicas that were trained to their end, by their seeds.
    pub replicas: Vec<(String, Point)>,
    /// The means over the seeds; `None` unless each has a replica that was trained to its end: those that diverge have no error.
    pub mean: Option<Point>,
}

/// How many components are active, and what that costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Components active per sample on average.
    pub active: f64,
    /// Mean squared error to the target's output with these components.
    pub error: f64,
}

impl TradeOff {
    /// `None` of a sweep that is none. `errors_without` are those without any component, of each of the `replicas` that has one.
    pub fn new(plan: &Plan, replicas: &[ReplicaResult], errors_without: &[Option<f64>]) -> Option<Self> {
        let settings = plan.sweep.trade_off?;
        let seeds: Vec<String> = plan.sweep.seeds.iter().map(u64::to_string).collect();
        let of_seed = |seed: &String| {
            // It is the same at every value.
            let known = replicas.iter().zip(errors_without).filter(|(replica, _)| replica.seed == *seed);
            known.filter_map(|(_, error)| *error).next()
        };
        let error_without = mean(seeds.iter().filter_map(of_seed));
        let value = |trial: usize| {
            let finished = replicas.iter().filter(|row| row.trial == trial && row.ending == Ending::Finished);
            let replicas: Vec<(String, Point)> =
                finished.filter_map(|row| Some((row.seed.clone(), row.point?))).collect();
            let mean_of = |number: fn(&Point) -> f64| mean(replicas.iter().map(|(_, point)| number(point)));
            let mean = || Some(Point { active: mean_of(|point| point.active)?, error: mean_of(|point| point.error)? });
            TradedValue {
                trial,
                value: plan.values(trial).next().expect("a trade-off varies a key"),
                mean: (replicas.len() == seeds.len()).then(mean).flatten(),
                replicas,
            }
        };
        Some(Self {
            key: plan.keys().next().expect("a trade-off varies a key").to_owned(),
            values: (0..plan.trials.len()).map(value).collect(),
            error_without,
            largest_error: settings.largest_error.or(error_without.map(|error| STATED_SHARE * error)),
            is_stated: settings.largest_error.is_some(),
        })
    }

    /// Of the values whose error is accepted, that with the fewest active components; of equals that with the smallest error.
    pub fn recommended(&self) -> Option<&TradedValue> {
        let largest = self.largest_error?;
        self.known()
            .filter(|(_, point)| point.error <= largest)
            .min_by(|(_, one), (_, other)| one.active.total_cmp(&other.active).then(one.error.total_cmp(&other.error)))
            .map(|(value, _)| value)
    }

    /// The value with the smallest error.
    pub fn least(&self) -> Option<(&TradedValue, Point)> {
        self.known().min_by(|(_, one), (_, other)| one.error.total_cmp(&other.error))
    }

    /// The values that have means.
    pub fn known(&self) -> impl Iterator<Item = (&TradedValue, Point)> {
        self.values.iter().filter_map(|value| Some((value, value.mean?)))
    }

    /// Such as `0.00165, a tenth of the error without any component`.
    pub fn limit_in_words(&self) -> String {
        let Some(largest) = self.largest_error else { return "a limit that is not known yet".into() };
        let source = if self.is_stated { "" } else { ", a tenth of the error without any component" };
        format!("{}{source}", short(largest))
    }

    /// What is looked for, in a sentence.
    pub fn in_words(&self) -> String {
        format!(
            "Active components against error, means over the seeds; D(0) is the error without any component. Recommended are \
             the fewest active components with an error of at most {}.",
            self.limit_in_words()
        )
    }

    /// The share of the error without any component.
    pub fn share(&self, point: Point) -> Option<f64> {
        self.error_without.filter(|error| *error > 0.0).map(|error| point.error / error)
    }
}

impl TradedValue {
    /// Such as `0.211 active components, error 0.0012`; empty if it has no means.
    pub fn outcome(&self) -> Option<String> {
        self.mean.map(|Point { active, error }| format!("{} active components, error {}", short(active), short(error)))
    }
}

/// Three digits of a number: 0.211, 12, 3.4e-5.
pub fn short(number: f64) -> String {
    let rounded: f64 = format!("{number:.2e}").parse().unwrap_or(number);
    if rounded != 0.0 && !(1e-3..1e6).contains(&rounded.abs()) { format!("{rounded:e}") } else { rounded.to_string() }
}

fn mean(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    mean_and_deviation(numbers).map(|MeanDeviation { mean, .. }| mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::{TradeOffSettings, load_trade_off};

    /// Three values of k with two seeds, each with active components and error.
    fn traded(largest_error: Option<f64>, points: [[Option<(f64, f64)>; 2]; 3]) -> TradeOff {
        let set = ["sweep.seeds=[7, 8]", "sweep.space.method.apd.selection.batch_top_k.k=[0.1, 0.2, 0.3]"];
        let asked = TradeOffSettings { largest_error };
        let trials = load_trade_off("experiments/tms_5-2.toml".as_ref(), &set.map(String::from), asked);
        let plan = Plan::new(trials.unwrap_or_else(|error| panic!("{error}")));
        let row = |(trial, seed): (usize, usize)| ReplicaResult {
            trial,
            seed: ["7", "8"][seed].into(),
            ending: match points[trial][seed] {
                Some(_) => Ending::Finished,
                None => Ending::Diverged { what: "total".into(), step: 3 },
            },
            recovered: None,
            score: None,
            point: points[trial][seed].map(|(active, error)| Point { active, error }),
        };
        let rows: Vec<ReplicaResult> = (0..3).flat_map(|trial| [(trial, 0), (trial, 1)]).map(row).collect();
        let without = |row: &ReplicaResult| row.point.map(|_| if row.seed == "7" { 3.0 } else { 1.0 });
        TradeOff::new(&plan, &rows, &rows.iter().map(without).collect::<Vec<_>>()).unwrap()
    }

    const CURVE: [[Option<(f64, f64)>; 2]; 3] = [
        [Some((0.1, 0.5)), Some((0.1, 0.3))],
        [Some((0.2, 0.2)), Some((0.2, 0.1))],
        [Some((0.3, 0.01)), Some((0.3, 0.03))],
    ];

    fn recommended(trade_off: &TradeOff) -> Option<&str> {
        trade_off.recommended().map(|value| value.value.as_str())
    }

    #[test]
    fn the_fewest_active_components_within_a_tenth_of_the_error_without_any_are_recommended() {
        let trade_off = traded(None, CURVE);
        assert_eq!((trade_off.error_without, trade_off.largest_error), (Some(2.0), Some(0.2)));
        assert_eq!(trade_off.key, "method.apd.selection.batch_top_k.k");
        let mean = trade_off.values[1].mean.unwrap();
        assert_eq!((mean.active, trade_off.share(mean)), (0.2, Some(mean.error / 2.0)));
        assert!((mean.error - 0.15).abs() < 1e-12);
        assert_eq!(recommended(&trade_off), Some("0.2"));
        assert_eq!(trade_off.limit_in_words(), "0.2, a tenth of the error without any component");
    }

    #[test]
    fn a_stated_error_counts_and_where_none_is_within_it_the_least_is_known() {
        assert_eq!(recommended(&traded(Some(0.4), CURVE)), Some("0.1"), "the limit itself is accepted");
        let strict = traded(Some(0.001), CURVE);
        assert_eq!((recommended(&strict), strict.limit_in_words().as_str()), (None, "0.001"));
        assert_eq!(strict.least().unwrap().0.outcome().unwrap(), "0.3 active components, error 0.02");
    }

    #[test]
    fn a_value_with_a_replica_that_diverged_is_not_recommended() {
        let mut points = CURVE;
        points[1][0] = None;
        let trade_off = traded(None, points);
        assert_eq!(recommended(&trade_off), Some("0.3"));
        assert_eq!((trade_off.values[1].mean, trade_off.values[1].replicas.len()), (None, 1));
        assert_eq!(trade_off.error_without, Some(2.0), "a seed that diverged once is known elsewhere");
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([0.21149, 12.0, 3.4e-5, 0.0, 1.2345e7].map(short), ["0.211", "12", "3.4e-5", "0", "1.23e7"]);
    }
}
