//! The tables of a sweep: its trials, its keys, and the best trial beside the base setting.

use super::{
    data::SweepData,
    replica::Replica,
    words::{self, share},
};
use crate::{
    report::table::{Share, Table, fixed, mean, scientific},
    settings::with_short_floats,
    statistics::mean_and_deviation,
    sweep::{Domain, Ending, Point, Scale, Standing, TradedValue, TrialResult, Unreadable, in_words},
};

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// A number of a replica of which trials show the mean: its name, and what it is.
type Number = (&'static str, &'static str, fn(&Replica) -> f64);

const NUMBERS: [Number; 5] = [
    (
        "error",
        "mean squared error to the target's output with the trained selection (minimality of summary.csv)",
        |replica| replica.error,
    ),
    ("active", "components active on a mean sample", |replica| replica.active),
    ("MMCS", "mean max cosine similarity of components and features", |replica| replica.mmcs),
    ("ML2R", "mean ratio of their L2 norms", |replica| replica.ml2r),
    ("own", "features with a component of their own", |replica| replica.own),
];

/// Those that any replica has.
fn numbers(sweep: &SweepData) -> Vec<Number> {
    let is_known = |(_, _, value): &Number| sweep.replicas.iter().any(|replica| value(replica).is_finite());
    NUMBERS.into_iter().filter(is_known).collect()
}

/// One row a trial: the best first, then those without a result. Also returns the trial of each row.
pub fn trials(sweep: &SweepData, most: usize) -> (Table, Vec<usize>) {
    let numbers = numbers(sweep);
    let mut results: Vec<&TrialResult> = sweep.overview.results.iter().collect();
    // Stable: of equal ones the first stays first.
    results.sort_by(|one, other| other.compare(one));
    let ranked: Vec<usize> = results.iter().map(|result| result.trial).collect();
    let others = (0..sweep.plan.trials.len()).filter(|trial| !ranked.contains(trial));
    let order: Vec<usize> = ranked.iter().copied().chain(others).take(most).collect();
    let row = |&trial: &usize| {
        let mut row = vec![trial.to_string()];
        row.extend(sweep.plan.values(trial));
        row.push(status(sweep, trial));
        let result = sweep.result(trial);
        row.push(result.and_then(share).map_or(NOTHING.into(), |share| share.count()));
        row.push(result.and_then(|result| mean(result.scores.iter().copied())).unwrap_or(NOTHING.into()));
        row.extend(
            numbers.iter().map(|(_, _, value)| mean(sweep.of_trial(trial).map(value)).unwrap_or(NOTHING.into())),
        );
        row
    };
    let header = ["trial".to_owned()].into_iter().chain(sweep.names.iter().cloned());
    let header = header.chain(["status", "recovered", "score"].map(String::from));
    let header = header.chain(numbers.iter().map(|(name, ..)| (*name).to_owned())).collect();
    (Table { header, rows: order.iter().map(row).collect() }, order)
}

/// What the columns of [`trials`] are.
pub fn trials_explained(sweep: &SweepData) -> String {
    let numbers: Vec<String> = numbers(sweep).iter().map(|(name, meaning, _)| format!("{name}: {meaning}")).collect();
    let order = if sweep.overview.trade_off.is_some() { "Order" } else { "Best trials first" };
    let score = "by the share of recovered replicas where mechanisms are known, then by the mean score. \
                 score: powers of ten by which few components lower the error, less what profiles that are not one to \
                 one cost; a replica that has diverged counts as the worst, or 0 if that is less";
    let deviation =
        if sweep.plan.sweep.seeds.len() > 1 { " Means with their standard deviation over replicas." } else { "" };
    format!("{order}: {}.{deviation}", [vec![score.to_owned()], numbers].concat().join("; "))
}

/// The values of a trade-off with their means, and what share of the error without any component is left; `None` of a sweep that
/// is none.
pub fn trade_off(sweep: &SweepData) -> Option<Table> {
    let trade_off = sweep.overview.trade_off.as_ref()?;
    let recommended = trade_off.recommended().map(|value| value.trial);
    let row = |value: &TradedValue| {
        let of = |number: fn(&Point) -> f64| {
            let numbers = value.replicas.iter().map(|(_, point)| number(point));
            value.mean.and_then(|_| mean(numbers)).unwrap_or(NOTHING.into())
        };
        let share = value.mean.and_then(|mean| trade_off.share(mean));
        vec![
            value.value.clone(),
            value.trial.to_string(),
            of(|point| point.active),
            of(|point| point.error),
            share.map_or(NOTHING.into(), |share| format!("{:.1} %", 100.0 * share)),
            sweep.result(value.trial).and_then(words::share).map_or(NOTHING.into(), |share| share.count()),
            if recommended == Some(value.trial) { "yes".to_owned() } else { String::new() },
        ]
    };
    let header = [&sweep.names[0], "trial", "active", "error", "of D(0)", "recovered", sweep.best_is()];
    Some(Table { header: header.map(str::to_owned).into(), rows: trade_off.values.iter().map(row).collect() })
}

/// How a trial ended or stands: what all of its replicas have in common, or how many have what.
fn status(sweep: &SweepData, trial: usize) -> String {
    match &sweep.overview.standings[trial] {
        Standing::Failed(reason) => return format!("failed: {}", reason.lines().next().unwrap_or_default()),
        Standing::Unreadable(Unreadable { why, .. }) => return format!("unreadable: {why}"),
        Standing::Waiting => return "waiting".to_owned(),
        Standing::Running => return "running".to_owned(),
        _ => {}
    }
    let mut endings: Vec<(&Ending, usize)> = Vec::new();
    for replica in sweep.of_trial(trial) {
        match endings.iter_mut().find(|(ending, _)| **ending == replica.ending) {
            Some((_, count)) => *count += 1,
            None => endings.push((&replica.ending, 1)),
        }
    }
    match endings.as_slice() {
        [(ending, _)] => ending.to_string(),
        several => several.iter().map(|(ending, count)| format!("{count} {ending}")).collect::<Vec<_>>().join(", "),
    }
}

/// The keys that are varied: short name, key, what it may be, its value in the experiment's spec if that is a trial, and in
/// the best trial.
pub fn keys(sweep: &SweepData) -> Table {
    let best = sweep.overview.best().map(|best| best.trial);
    let mut header = vec!["name".to_owned(), "key".to_owned(), "tried".to_owned()];
    header.extend(best.map(|trial| format!("in trial {trial}, {}", sweep.best_is())));
    let row = |(place, parameter): (usize, &crate::sweep::Parameter)| {
        let mut row = vec![sweep.names[place].clone(), parameter.key.clone(), domain(&parameter.domain)];
        row.extend(best.and_then(|trial| sweep.plan.values(trial).nth(place)));
        row
    };
    Table { header, rows: sweep.plan.sweep.space.iter().enumerate().map(row).collect() }
}

fn domain(domain: &Domain) -> String {
    match domain {
        Domain::Values(values) => values.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Domain::Range(range) => {
            let points = range.points.map_or_else(String::new, |points| format!(", {points} points"));
            let scale = if range.scale == Scale::Log { ", even in the logarithm" } else { "" };
            with_short_floats(&format!("{} to {}{points}{scale}", range.from, range.to))
        }
    }
}

/// The best trial beside that of the experiment's own values; `None` if they are one, or one of them is not there.
pub fn against_base(sweep: &SweepData) -> Option<Table> {
    let (best, base) = (sweep.overview.best()?, sweep.result(sweep.base?)?);
    if best.trial == base.trial {
        return None;
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    let values = |result: &TrialResult| sweep.plan.values(result.trial).collect::<Vec<_>>();
    for (name, (of_best, of_base)) in sweep.names.iter().zip(values(best).into_iter().zip(values(base))) {
        if of_best != of_base {
            rows.push(vec![name.clone(), of_best, of_base, NOTHING.into()]);
        }
    }
    let cell = |text: Option<String>| text.unwrap_or(NOTHING.into());
    let shares = [share(best), share(base)];
    if shares.iter().any(Option::is_some) {
        let of = |words: fn(&Share) -> String| shares.each_ref().map(|share| cell(share.as_ref().map(words)));
        let [of_best, of_base] = of(|share| format!("{} ({})", share.count(), share.percent()));
        let difference = match &shares {
            [Some(best), Some(base)] => format!("{:+.0} percentage points", 100.0 * (best.value().0 - base.value().0)),
            _ => NOTHING.into(),
        };
        rows.push(vec!["recovered".into(), of_best, of_base, difference]);
        let [of_best, of_base] = of(Share::interval);
        rows.push(vec!["Wilson 95 % interval".into(), of_best, of_base, NOTHING.into()]);
    }
    let score = |result: &TrialResult| result.scores.clone();
    rows.extend(row("score", score(best), score(base)));
    for (name, _, value) in numbers(sweep) {
        let of = |result: &TrialResult| sweep.of_trial(result.trial).map(value).collect::<Vec<f64>>();
        rows.extend(row(name, of(best), of(base)));
    }
    let header = [
        "result".into(),
        format!("{}: trial {}", sweep.best_is(), best.trial),
        format!("base: trial {}", base.trial),
        "difference".into(),
    ];
    Some(Table { header: header.into(), rows })
}

/// Means of a number of the best and of the base; `None` if neither has it.
fn row(name: &str, best: Vec<f64>, base: Vec<f64>) -> Option<Vec<String>> {
    let means = [&best, &base].map(|values| mean_and_deviation(values.iter().copied()));
    if means.iter().all(Option::is_none) {
        return None;
    }
    let difference = match means {
        [Some(best), Some(base)] => signed(best.mean - base.mean),
        _ => NOTHING.into(),
    };
    let cell = |values: Vec<f64>| mean(values.into_iter()).unwrap_or(NOTHING.into());
    Some(vec![name.into(), cell(best), cell(base), difference])
}

/// +0.123, -1.2e-4
fn signed(difference: f64) -> String {
    let is_small = difference != 0.0 && difference.abs() < 0.01;
    let text = if is_small { scientific(difference) } else { fixed(difference, 3) };
    if difference > 0.0 { format!("+{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Range;

    #[test]
    fn the_ends_of_a_range_are_short() {
        let range = |from, to| Range { from, to, points: Some(3), scale: Scale::Log, integers: false };
        let written = |from, to| domain(&Domain::Range(range(from, to)));
        assert_eq!(written(0.001, 10.0), "0.001 to 10, 3 points, even in the logarithm");
        assert_eq!(written(1e-200, 1.0), "1e-200 to 1, 3 points, even in the logarithm");
    }

    #[test]
    fn differences_have_their_sign() {
        assert_eq!([0.5, -0.25, 2e-5, -2e-5, 0.0].map(signed), ["+0.500", "-0.250", "+2.0e-5", "-2.0e-5", "0.000"]);
    }
}
