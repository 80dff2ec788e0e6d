//! The few statistics with which shares and means over replicas are reported.

/// A closed interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// The 95 % interval of a share of which `successes` of `trials` were observed, by inverting the score test:
///
/// centre = (p + z^2 / 2n) / (1 + z^2 / n),
/// half width = z / (1 + z^2 / n) sqrt(p (1 - p) / n + z^2 / 4n^2),  p = successes / trials, z = 1.960.
///
/// It stays inside [0, 1] and is sound for few trials and for shares near 0 and 1. Without trials it is [0, 1].
///
/// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
pub fn wilson_interval(successes: usize, trials: usize) -> Interval {
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    if trials == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    /// The 97.5 % point of the standard normal distribution.
    const Z: f64 = 1.959963984540054;
    let n = trials as f64;
    let share = successes as f64 / n;
    let shrink = 1.0 / (1.0 + Z * Z / n);
    let centre = shrink * (share + Z * Z / (2.0 * n));
    let half_width = shrink * Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends the formula gives exactly 0 or 1; rounding must not carry it past them.
    let low = if successes == 0 { 0.0 } else { centre - half_width };
    let high = if successes == trials { 1.0 } else { centre + half_width };
    Interval { low, high }
}

/// Fisher's exact test, two-sided, of whether two shares differ: `first` and `second` are (successes, trials).
///
/// With all margins fixed, the number of successes in the first group is hypergeometric; the p-value is the
/// probability of all tables that are no more probable than the observed one (the convention of R and SciPy).
///
/// Source: R. A. Fisher, "On the interpretation of chi^2 from contingency tables", JRSS 85 (1922).
pub fn fisher_exact(first: (usize, usize), second: (usize, usize)) -> f64 {
    let ((a, n), (c, m)) = (first, second);
    assert!(a <= n && c <= m, "{a} successes in {n} trials against {c} in {m}");
    let successes = a + c;
    let log_probability = |k: usize| log_choose(n, k) + log_choose(m, successes - k) - log_choose(n + m, successes);
    let observed = log_probability(a);
    // A table that is as probable as the observed one must not drop out by rounding.
    const ROUNDING: f64 = 1e-7;
    let possible = successes.saturating_sub(m)..=successes.min(n);
    let p: f64 = possible.map(log_probability).filter(|&p| p <= observed + ROUNDING).map(f64::exp).sum();
    p.min(1.0)
}

/// Natural logarithm of the number of ways to choose `k` of `n`.
fn log_choose(n: usize, k: usize) -> f64 {
    let log_factorial = |n: usize| libm::lgamma(n as f64 + 1.0);
    log_factorial(n) - log_factorial(k) - log_factorial(n - k)
}

/// Mean, and standard deviation with n - 1 in the denominator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanDeviation {
    pub mean: f64,
    /// None for a single value.
    pub deviation: Option<f64>,
    /// How many values were averaged.
    pub count: usize,
}

/// Mean and sample standard deviation of the finite ones among `values`; None if there are none.
pub fn mean_and_deviation(values: impl IntoIterator<Item = f64>) -> Option<MeanDeviation> {
    let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    if values.is_empty() {
        return None;
    }
    let count = values.len();
    let mean = values.iter().sum::<f64>() / count as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (count > 1).then(|| (squares / (count as f64 - 1.0)).sqrt());
    Some(MeanDeviation { mean, deviation, count })
}

/// Spearman's correlation: Pearson's of the ranks, of which equal values share the mean one. `None` where one side does not
/// vary. The values are finite.
pub fn rank_correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let ranks = |value: fn(&(f64, f64)) -> f64| mean_ranks(&pairs.iter().map(value).collect::<Vec<_>>());
    let middle = (pairs.len() as f64 + 1.0) / 2.0;
    let from_middle = |ranks: Vec<f64>| ranks.into_iter().map(move |rank| rank - middle).collect::<Vec<f64>>();
    let (left, right) = (from_middle(ranks(|pair| pair.0)), from_middle(ranks(|pair| pair.1)));
    let product = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    let scale = (product(&left, &left) * product(&right, &right)).sqrt();
    (scale > 0.0).then(|| product(&left, &right) / scale)
}

/// The ranks of values, from 1 on; equal ones share their mean rank. The values are finite.
fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&one, &other| values[one].total_cmp(&values[other]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&one, &other| values[one] == values[other]) {
        let rank = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|&place| ranks[place] = rank);
        before += equal.len();
    }
    ranks
}

/// What one that has diverged counts among `scores`: as the worst of them, or 0 if that is less. It lowers the error by nothing.
pub fn score_of_diverged(scores: impl Iterator<Item = f64>) -> f64 {
    scores.filter(|score| score.is_finite()).fold(0.0, f64::min)
}

/// The area under the receiver operating characteristic of a score: the probability that one of the `true` ones scores more
/// than one of the others, a tie counting half. `None` unless there are both. The scores are finite.
///
/// From the ranks: of n `true` ones and m others it is (sum of the ranks of the `true` ones - n (n + 1) / 2) / (n m), equal
/// scores sharing their mean rank.
///
/// Source: J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
/// curve", Radiology 143 (1982).
pub fn roc_area(scored: &[(f64, bool)]) -> Option<f64> {
    let ranks = mean_ranks(&scored.iter().map(|(score, _)| *score).collect::<Vec<_>>());
    let ranks: f64 = ranks.iter().zip(scored).filter(|(_, (_, is_true))| *is_true).map(|(rank, _)| rank).sum();
    let of_true = scored.iter().filter(|(_, is_true)| *is_true).count() as f64;
    let pairs = of_true * (scored.len() as f64 - of_true);
    (pairs > 0.0).then(|| (ranks - of_true * (of_true + 1.0) / 2.0) / pairs)
}

/// The value below which the given share of the values lies, with linear interpolation between neighbours (R's type 7).
/// `ascending` is sorted and not empty.
pub fn quantile(ascending: &[f64], share: f64) -> f64 {
    let place = share * (ascending.len() - 1) as f64;
    let (below, above) = (ascending[place.floor() as usize], ascending[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-5, "found {found}, expected {expected}");
    }

    #[test]
    fn one_that_has_diverged_counts_as_the_worst_but_never_more_than_nothing() {
        assert_eq!(score_of_diverged([1.5, -0.5, 0.2, f64::NAN].into_iter()), -0.5);
        assert_eq!(score_of_diverged([1.5, 0.2].into_iter()), 0.0, "it lowers the error by nothing");
        assert_eq!(score_of_diverged([f64::NAN, f64::NEG_INFINITY].into_iter()), 0.0, "no other says anything");
    }

    /// By hand for 1 of 2, where p = 1/2: the centre is 1/2 and the half width z / (2 sqrt(2 + z^2)) = 0.40547.
    #[test]
    fn wilson_interval_of_one_in_two_is_a_half_plus_minus_0_405() {
        let Interval { low, high } = wilson_interval(1, 2);
        near(low, 0.09453);
        near(high, 0.90547);
    }

    /// Published: Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
    #[test]
    fn wilson_interval_agrees_with_newcombes_table() {
        for (successes, trials, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let interval = wilson_interval(successes, trials);
            near(interval.low, low);
            near(interval.high, high);
        }
    }

    #[test]
    fn wilson_interval_stays_within_0_and_1() {
        assert_eq!(wilson_interval(0, 0), Interval { low: 0.0, high: 1.0 });
        for trials in 1..200 {
            assert_eq!(wilson_interval(0, trials).low, 0.0);
            assert_eq!(wilson_interval(trials, trials).high, 1.0);
        }
    }

    /// Fisher's lady tasting tea: 3 of 4 against 1 of 4. Tables with 0, 1, 2, 3, 4: 1, 16, 36, 16, 1 of 70;
    /// those no more probable than the observed one: 34 of 70.
    #[test]
    fn fisher_exact_of_the_tea_tasting_is_34_in_70() {
        let p = fisher_exact((3, 4), (1, 4));
        assert!((p - 34.0 / 70.0).abs() < 1e-12, "{p}");
    }

    /// 1 of 10 against 11 of 14, which R's fisher.test and scipy.stats.fisher_exact give as 0.002759.
    #[test]
    fn fisher_exact_agrees_with_r() {
        let p = fisher_exact((1, 10), (11, 14));
        assert!((p - 0.002759456).abs() < 1e-8, "{p}");
    }

    #[test]
    fn fisher_exact_of_equal_shares_or_of_nothing_is_one() {
        assert_eq!(fisher_exact((5, 10), (5, 10)), 1.0);
        assert_eq!(fisher_exact((0, 0), (3, 7)), 1.0);
        assert_eq!(fisher_exact((0, 4), (0, 9)), 1.0);
    }

    /// 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32, over 7.
    #[test]
    fn mean_and_deviation_divide_by_one_less_than_the_count() {
        let found = mean_and_deviation([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!(found, MeanDeviation { mean: 5.0, deviation: Some((32.0_f64 / 7.0).sqrt()), count: 8 });
    }

    /// Ranks 1, 2.5, 2.5, 4 against 2, 1, 3, 4: from the middle -1.5, 0, 0, 1.5 and -0.5, -1.5, 0.5, 1.5, so 3 / sqrt(4.5 x 5).
    #[test]
    fn rank_correlation_gives_equal_values_their_mean_rank() {
        let found = rank_correlation(&[(1.0, 5.0), (2.0, 4.0), (2.0, 6.0), (9.0, 100.0)]).unwrap();
        assert!((found - 3.0 / 22.5_f64.sqrt()).abs() < 1e-12, "{found}");
        assert_eq!(rank_correlation(&[(1.0, 3.0), (2.0, 2.0), (3.0, -1.0)]), Some(-1.0));
        assert_eq!(rank_correlation(&[(1.0, 3.0), (1.0, 2.0)]), None);
        assert_eq!(rank_correlation(&[]), None);
    }

    /// Of the pairs of 3, 2 with 2, 1: 3 > 2, 3 > 1, 2 = 2, 2 > 1, so 3.5 of 4.
    #[test]
    fn the_roc_area_is_the_share_of_pairs_in_the_right_order_with_half_of_the_ties() {
        assert_eq!(roc_area(&[(3.0, true), (2.0, false), (1.0, false), (2.0, true)]), Some(3.5 / 4.0));
        assert_eq!(roc_area(&[(1.0, false), (2.0, true), (3.0, true)]), Some(1.0));
        assert_eq!(roc_area(&[(0.0, true), (-0.0, false)]), Some(0.5));
        assert_eq!(roc_area(&[(1.0, true), (2.0, true)]), None);
        assert_eq!(roc_area(&[]), None);
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!([0.0, 0.5, 1.0].map(|share| quantile(&values, share)), [1.0, 3.0, 8.0]);
        assert!((quantile(&values, 0.75) - 5.0).abs() < 1e-12);
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
    }

    #[test]
    fn mean_and_deviation_leave_out_what_is_not_finite() {
        let found = mean_and_deviation([f64::NAN, 3.0, f64::INFINITY]).unwrap();
        assert_eq!(found, MeanDeviation { mean: 3.0, deviation: None, count: 1 });
        assert_eq!(mean_and_deviation([f64::NAN]), None);
    }
}
