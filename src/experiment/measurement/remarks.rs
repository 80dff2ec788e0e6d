//! What makes the measurements of a replica say less than they seem to.

use crate::metric::Activity;

/// Of the cuts through equal attributions: single ones come about by rounding.
const MOST_TIED_CUTS: f64 = 0.05;

/// One clause each. The training was to have so many `steps`; `represented[feature]` says whether the target represents a feature.
pub fn remarks(activity: &Activity, halted_at: Option<u64>, steps: u64, represented: &[bool]) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(step) = halted_at {
        remarks.push(format!("its training was ended after {step} of {steps} steps, because other trials were ahead"));
    }
    if !represented.contains(&true) {
        remarks.push("its target represents none of its features, so that there is no verdict".into());
    }
    if activity.largest_attribution == 0.0 {
        remarks.push("all attributions are zero: the order of the components decides which are active".into());
    }
    if activity.active_samples.iter().all(|&count| count == 0.0) {
        remarks.push("no component is ever active".into());
    }
    if activity.tied_cuts > MOST_TIED_CUTS {
        let percent = 100.0 * activity.tied_cuts;
        remarks.push(format!(
            "{percent:.0} % of the selections cut through equal attributions above zero: there the order of the components \
             decides which are active"
        ));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(active_samples: &[f64], largest_attribution: f64, tied_cuts: f64) -> Activity {
        Activity {
            samples: 10,
            active_samples: active_samples.into(),
            both_active_samples: None,
            mean_attributions: vec![None; active_samples.len()],
            largest_attribution,
            tied_cuts,
            at_uses: Vec::new(),
            terms: Vec::new(),
        }
    }

    #[test]
    fn a_sound_replica_has_no_remarks() {
        assert_eq!(remarks(&activity(&[0.0, 3.0], 0.5, 0.01), None, 90, &[true, false]), [""; 0]);
        assert_eq!(
            remarks(&activity(&[0.0, 3.0], 0.5, 0.01), Some(30), 90, &[true]),
            ["its training was ended after 30 of 90 steps, because other trials were ahead"]
        );
    }

    #[test]
    fn what_the_selection_cannot_tell_is_remarked() {
        assert_eq!(
            remarks(&activity(&[10.0, 0.0], 0.0, 0.0), None, 90, &[true]),
            ["all attributions are zero: the order of the components decides which are active"]
        );
        assert_eq!(
            remarks(&activity(&[0.0, 0.0], 0.5, 0.37), None, 90, &[true]),
            [
                "no component is ever active",
                "37 % of the selections cut through equal attributions above zero: there the order of the components decides \
                 which are active"
            ]
        );
    }
    #[test]
    fn a_target_that_represents_nothing_is_remarked() {
        assert_eq!(
            remarks(&activity(&[3.0], 0.5, 0.0), None, 90, &[false, false]),
            ["its target represents none of its features, so that there is no verdict"]
        );
    }
}
