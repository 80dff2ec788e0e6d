//! Features that a run's targets do not represent, and that its verdict therefore leaves out.

use std::collections::BTreeMap;

use super::run_data::RunData;
use crate::{metric::left_out_in_words, table::MlpFeatureRow};

/// Replicas whose features are named at most.
const MOST_REPLICAS: usize = 4;

/// A sentence that counts and names them; `None` if there are none.
pub fn sentence(run: &RunData) -> Option<String> {
    sentence_of(&run.evidence.features, run.description.mechanism_of())
}

/// "2 of 5 features (3, 4) of replica 0, ..."; `None` if there are none.
pub fn words(run: &RunData) -> Option<String> {
    words_of(&run.evidence.features, run.description.mechanism_of())
}

/// As [`sentence`], of the rows of `features.csv`; `what` is the noun for a row.
pub fn sentence_of(features: &[MlpFeatureRow], what: &str) -> Option<String> {
    let words = words_of(features, what)?;
    if features.iter().all(|row| row.represented == Some(false)) {
        return Some(format!("There is no verdict, because no target represents any of its {what}s."));
    }
    Some(format!("Left out of the verdict, because the target does not represent them: {words}."))
}

fn words_of(features: &[MlpFeatureRow], what: &str) -> Option<String> {
    let mut replicas: BTreeMap<usize, Vec<bool>> = BTreeMap::new();
    for row in features {
        replicas.entry(row.replica).or_default().push(row.represented != Some(false));
    }
    let number = replicas.len();
    let found: Vec<(usize, String)> = replicas
        .into_iter()
        .filter_map(|(replica, represented)| Some((replica, left_out_in_words(&represented, what)?)))
        .collect();
    let (_, first) = found.first()?;
    Some(match found.len() {
        _ if number == 1 => first.clone(),
        same if same == number && found.iter().all(|(_, words)| words == first) => format!("{first} of every replica"),
        several => {
            let named =
                found.iter().take(MOST_REPLICAS).map(|(replica, words)| format!("{words} of replica {replica}"));
            let more = several.saturating_sub(MOST_REPLICAS);
            let plural = if more == 1 { "" } else { "s" };
            let more =
                (more > 0).then(|| format!("and those of {more} more replica{plural}, which features.csv names"));
            named.chain(more).collect::<Vec<_>>().join(", ")
        }
    })
}

/// How many features of each replica were judged, as a mean over the replicas; `None` where all were.
pub fn mean_judged(run: &RunData) -> Option<f64> {
    let features = &run.evidence.features;
    let judged = features.iter().filter(|row| row.represented != Some(false)).count();
    let replicas: std::collections::BTreeSet<usize> = features.iter().map(|row| row.replica).collect();
    (judged < features.len()).then(|| judged as f64 / replicas.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of replicas with as many features, of which those in a list are not represented.
    fn sentence_for(replicas: &[&[usize]]) -> Option<String> {
        let row = |replica: usize, feature: usize, represented: bool| {
            let text = format!("replica,feature,component,represented\n{replica},{feature},,{represented}\n");
            csv::Reader::from_reader(text.as_bytes()).deserialize().next().unwrap().unwrap()
        };
        let rows: Vec<MlpFeatureRow> = (0..5 * replicas.len())
            .map(|place| row(place / 5, place % 5, !replicas[place / 5].contains(&(place % 5))))
            .collect();
        sentence_of(&rows, "feature")
    }

    #[test]
    fn features_are_named_by_replica() {
        let begin = "Left out of the verdict, because the target does not represent them:";
        let is = |replicas: &[&[usize]], which: &str| {
            assert_eq!(sentence_for(replicas).unwrap(), format!("{begin} {which}."));
        };
        assert_eq!(sentence_for(&[&[], &[]]), None);
        assert_eq!(
            sentence_for(&[&[0, 1, 2, 3, 4]]).unwrap(),
            "There is no verdict, because no target represents any of its features."
        );
        is(&[&[3, 4]], "2 of 5 features (3, 4)");
        is(&[&[0], &[0]], "1 of 5 features (0) of every replica");
        is(&[&[0], &[], &[1, 2]], "1 of 5 features (0) of replica 0, 2 of 5 features (1, 2) of replica 2");
        is(
            &[&[0], &[1], &[2], &[3], &[4], &[0]],
            "1 of 5 features (0) of replica 0, 1 of 5 features (1) of replica 1, 1 of 5 features (2) of replica 2, 1 of 5 \
             features (3) of replica 3, and those of 2 more replicas, which features.csv names",
        );
    }

    #[test]
    fn runs_without_the_column_leave_nothing_out() {
        let rows: Vec<MlpFeatureRow> =
            csv::Reader::from_reader("replica,feature,component\n0,0,3\n".as_bytes()).deserialize().flatten().collect();
        assert_eq!((rows.len(), sentence_of(&rows, "feature")), (1, None));
    }
}
