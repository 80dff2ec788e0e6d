//! What tells a right decomposed from a wrong one without the mechanisms: candidates for a score, and the score.

use tch::{Kind, Tensor};

use super::{SAMPLES_OF_A_CURVE, Subject};
use crate::{
    components::Components,
    fit::InputStream,
    inputs::{GatedInputs, Inputs},
    interrupt::{Interrupted, Work},
    method::Decomposed,
    metric::{
        Ablation, Distortion, OneFeatureInputs, Partial, Profiles, RatePoint, STATED_SHARE, ablate_inactive, agreement,
        best, mean_agreements, mean_log_error, parameter_cosines, score,
    },
    network::Network,
    random::{Purpose, stream},
    selection::{ActivePairs, Budget},
    spec::Spec,
    table::ScoreRow,
};

/// Samples on which components are ablated: a pass forwards and backwards with all of them takes long.
const SAMPLES_OF_ABLATION: i64 = 1_024;

/// What is measured of one replica.
pub struct Scores {
    replica: usize,
    active_inputs: f64,
    distortion: Option<Distortion>,
    ablation: Option<Ablation>,
    profiles: Profiles,
    dead: usize,
}

impl Subject<'_> {
    /// From the rate-distortion curve and means of A_c(x)^2, `[feature][component]`.
    pub fn scores(&self, curve: &[RatePoint], mean_attributions: &[Vec<f64>]) -> Result<Scores, Interrupted> {
        self.work.check()?;
        let active_inputs = mean_active_inputs(self.decomposed, self.inputs);
        let input = samples(self.decomposed, self.inputs).narrow(1, 0, SAMPLES_OF_ABLATION).contiguous();
        let partial = Partial::of(self.decomposed);
        let pairs = (active_inputs * SAMPLES_OF_ABLATION as f64).round() as usize;
        let candidates = self.decomposed.importances(&input).narrow(2, 0, partial.candidates());
        let table = candidates.to_device(tch::Device::Cpu).contiguous();
        let selected = ActivePairs::largest(&table, &[Budget::OfBatch(pairs.min(table.numel()))]).to_mask();
        let mut generator = stream(self.seed(), Purpose::Ablation, 0);
        let alive = self.activity.alive();
        Ok(Scores {
            replica: self.replica,
            active_inputs,
            distortion: Distortion::new(curve),
            ablation: ablate_inactive(&partial, &input, &selected.to_device(input.device()), &mut generator),
            profiles: Profiles::new(mean_attributions, &alive),
            dead: alive.iter().filter(|alive| !**alive).count(),
        })
    }
}

/// Means of A_c(x)^2 over inputs with one feature alone, or one control bit, `[feature][component]`.
pub fn mean_attributions(spec: &Spec, decomposed: &dyn Decomposed, work: &Work) -> Result<Vec<Vec<f64>>, Interrupted> {
    let like = &decomposed.components().factors.iter().next().expect("a network has a site").a;
    let blocks: Box<dyn Iterator<Item = OneFeatureInputs>> = match (&spec.target.network, &spec.target.inputs) {
        (Network::GatedFunctions(gated), &Inputs::Gated(GatedInputs { low, high, .. })) => {
            Box::new(std::iter::once(OneFeatureInputs::of_control_bits(gated.functions, low, high, like)))
        }
        (network, _) => Box::new(OneFeatureInputs::blocks(network.features(), like)),
    };
    let of_block = |inputs: OneFeatureInputs| {
        work.check()?;
        Ok(inputs.mean_attributions(&decomposed.importances(&inputs.input)))
    };
    Ok(blocks.map(of_block).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Those of the curve, [1, sample, feature].
fn samples(decomposed: &dyn Decomposed, inputs: &InputStream) -> Tensor {
    inputs.batch(0, SAMPLES_OF_A_CURVE, decomposed.components().device())
}

/// Of a mean sample of the curve.
pub fn mean_active_inputs(decomposed: &dyn Decomposed, inputs: &InputStream) -> f64 {
    let switches = decomposed.network().switches(&samples(decomposed, inputs));
    let active = switches.not_equal(0.0).sum(Kind::Int64).int64_value(&[]);
    active as f64 / SAMPLES_OF_A_CURVE as f64
}

/// A row for each of these replicas; `components` are those of all.
pub fn score_rows(spec: &Spec, components: &Components, replicas: &[Scores]) -> Vec<ScoreRow> {
    let number = replicas.len();
    let of_profiles = mean_agreements(number, |one, other| {
        let (one, other) = (&replicas[one].profiles, &replicas[other].profiles);
        agreement((one.number(), other.number()), |component, partner| one.cosine(component, other, partner))
    });
    let of_parameters = match spec.target.seed {
        None => vec![None; number],
        Some(_) => mean_agreements(number, |one, other| {
            let cosines = parameter_cosines(
                &components.replica(replicas[one].replica),
                &components.replica(replicas[other].replica),
            );
            agreement((cosines.len(), cosines.len()), |component, partner| cosines[component][partner])
        }),
    };
    let row = |(index, scores): (usize, &Scores)| {
        let &Scores { replica, .. } = scores;
        let Scores { active_inputs, distortion, ablation, profiles, dead, .. } = scores;
        let distortion = distortion.as_ref();
        let at_error = distortion.and_then(|distortion| distortion.rate_at(STATED_SHARE));
        ScoreRow {
            replica,
            seed: Some(spec.seeds[replica]),
            score: distortion.and_then(|distortion| score(distortion, *active_inputs, profiles)),
            chosen: Some(false),
            active_inputs: *active_inputs,
            error_at_rate: distortion.map(|distortion| distortion.at_rate(*active_inputs)),
            error_with_all: distortion.map(Distortion::with_all),
            active_at_error: at_error.map(|description| description.active),
            description_length_at_error: at_error.map(|description| description.bits),
            mean_log_error: distortion.and_then(|distortion| mean_log_error(distortion, *active_inputs)),
            error_ablated_at_random: ablation.map(|ablation| ablation.random),
            error_ablated_by_gradient: ablation.map(|ablation| ablation.by_gradient),
            profile_agreement: of_profiles[index],
            parameter_agreement: of_parameters[index],
            features_per_component: profiles.features_per_component(),
            components_per_feature: profiles.components_per_feature(),
            dead: Some(*dead),
            duplicates: Some(profiles.duplicates()),
        }
    };
    let mut rows: Vec<ScoreRow> = replicas.iter().enumerate().map(row).collect();
    let scores: Vec<Option<f64>> = rows.iter().map(|row| row.score).collect();
    if let Some(best) = best(&scores) {
        rows[best].chosen = Some(true);
    }
    rows
}
