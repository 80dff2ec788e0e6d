//! What is measured of residual MLPs: whether every feature has a component of its own, and what the components are to the
//! features.

use super::{
    Subject,
    responses::{curve_rows, response_rows},
    scrubbing::{error_rows, mean_errors},
};
use crate::{
    interrupt::Interrupted,
    metric::{
        self, ComponentState, Contributions, FeatureWork, OneFeatureInputs, Partial, Serving, Spectrum, curve_values,
        feature_work, layer_shares, layers_spanned, represented, response_curves, responses, selection_by_value,
        squared_errors,
    },
    network::Network,
    run::{RunError, RunFolder},
    table::{
        ComponentRow, ContributionRow, CurveRow, LayerRow, MlpFeatureRow, ResponseRow, ScrubbingCurveRow, ScrubbingRow,
        ServingRow, SummaryRow,
    },
};

/// W_in and W_out.
const SITES_PER_LAYER: usize = 2;

pub struct Mechanisms {
    /// Means of A_c(x)^2, `[feature][component]`.
    mean_attributions: Vec<Vec<f64>>,
    features: Vec<MlpFeatureRow>,
    contributions: Vec<ContributionRow>,
    serving: Vec<ServingRow>,
    states: Vec<ComponentState>,
    features_served: Vec<usize>,
    layers: Vec<LayerRow>,
    /// By component; `None` for one that is zero.
    layers_spanned: Vec<Option<f64>>,
    /// Mean errors of target, scrubbed and anti-scrubbed network.
    mean_errors: Option<[f64; 3]>,
    scrubbing: Vec<ScrubbingRow>,
    scrubbing_curves: Vec<ScrubbingCurveRow>,
    responses: Vec<ResponseRow>,
    curves: Vec<CurveRow>,
}

impl super::Mechanisms for Mechanisms {
    fn measure(subject: &Subject) -> Result<Self, Interrupted> {
        let Subject { decomposed, replica, .. } = *subject;
        let Network::ResidualMlp(mlp) = decomposed.network() else { unreachable!("measured as a residual MLP") };
        let components = decomposed.components();
        let alive = subject.activity.alive();

        let contributions = Contributions::new(mlp, decomposed.weights(), components);
        let (slopes, cosines) = (contributions.slopes(), contributions.cosines());
        let lengths = contributions.lengths();
        // What serves a feature is told by the weights, on whatever inputs they answer.
        let has_weights = represented(&lengths);
        let serving = Serving::new(&slopes, &alive, &has_weights);
        let (mean_attributions, mechanisms, by_feature) = subject.by_feature(&lengths);
        let partial = subject.partial(&mechanisms);
        let represented: Vec<bool> = by_feature.iter().map(|found| found.work.represented).collect();
        subject.work.check()?;
        let curves = subject.curves(&partial, &mechanisms, &represented);
        let responses = responses(&partial, &mechanisms.of_features, &decomposed.weights().embeddings[0]);
        subject.work.check()?;
        let scrubbing = subject.scrub(&partial, &serving);

        let feature_row = |(feature, errors): (usize, &OfFeature)| {
            let FeatureWork { component, error_alone, error_none, represented, own } = errors.work;
            MlpFeatureRow {
                replica,
                feature,
                component: represented.then_some(component),
                own_component: represented.then_some(own),
                error_none: Some(error_none),
                error_alone: represented.then_some(error_alone),
                error_selected: errors.selected,
                target_error: Some(errors.target),
                mean_active: Some(errors.mean_active),
                components_serving: represented.then(|| serving.by_feature[feature].len()),
                slope: represented.then(|| slopes[component][feature]),
                cosine: represented.then(|| cosines[component][feature]),
                represented: Some(represented),
            }
        };
        let features: Vec<MlpFeatureRow> = by_feature.iter().enumerate().map(feature_row).collect();
        let norms: Vec<Vec<f64>> =
            subject.spectra.iter().map(|site| site.iter().map(Spectrum::frobenius_norm).collect()).collect();
        let shares = layer_shares(&norms, SITES_PER_LAYER);
        Ok(Self {
            scrubbing_curves: subject.scrub_features(&partial, mlp, &serving, &features)?,
            responses: response_rows(replica, &responses, &represented),
            curves,
            mean_attributions,
            contributions: contribution_rows(replica, &contributions, &features),
            serving: serving_rows(replica, &serving),
            states: serving.states(&alive),
            features_served: serving.features_served(alive.len()),
            layers_spanned: shares.iter().map(|shares| layers_spanned(shares)).collect(),
            layers: layer_rows(replica, &shares),
            mean_errors: scrubbing.as_ref().map(mean_errors),
            scrubbing: scrubbing.map_or(Vec::new(), |scrubbing| error_rows(replica, scrubbing)),
            features,
        })
    }

    fn mean_attributions(&self) -> &[Vec<f64>] {
        &self.mean_attributions
    }

    fn represented(&self) -> Vec<bool> {
        self.features.iter().map(|feature| feature.represented == Some(true)).collect()
    }

    fn summarise(&self, row: &mut SummaryRow) {
        let verdicts: Vec<bool> = self.features.iter().filter_map(|feature| feature.own_component).collect();
        let own = verdicts.iter().filter(|own| **own).count();
        let count = |state| Some(self.states.iter().filter(|found| **found == state).count());
        let is_alive = |(state, _): &(&ComponentState, &Option<f64>)| **state != ComponentState::Dead;
        let spans = self.states.iter().zip(&self.layers_spanned).filter(is_alive);
        let spans: Vec<f64> = spans.filter_map(|(_, spanned)| *spanned).collect();
        row.features_with_own_component = (!verdicts.is_empty()).then_some(own);
        row.recovered = (!verdicts.is_empty()).then_some(own == verdicts.len());
        row.monosemantic = count(ComponentState::Monosemantic);
        row.duplicate = count(ComponentState::Duplicate);
        row.mixed = count(ComponentState::Mixed);
        row.idle = count(ComponentState::Idle);
        row.mean_layers_spanned = (!spans.is_empty()).then(|| spans.iter().sum::<f64>() / spans.len() as f64);
        [row.target_error, row.scrubbed_error, row.anti_scrubbed_error] = match self.mean_errors {
            Some(errors) => errors.map(Some),
            None => [None; 3],
        };
    }

    fn describe(&self, rows: &mut [ComponentRow]) {
        for (component, row) in rows.iter_mut().enumerate() {
            row.state = Some(self.states[component].to_string());
            row.features_served = Some(self.features_served[component]);
            row.layers_spanned = self.layers_spanned[component];
        }
    }

    fn write(replicas: &[Self], folder: &RunFolder) -> Result<(), RunError> {
        folder.write_table(replicas.iter().flat_map(|replica| &replica.features))?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.contributions))?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.serving))?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.layers))?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.scrubbing))?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.scrubbing_curves))?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.responses))?;
        folder.write_table(replicas.iter().flat_map(|replica| &replica.curves))
    }
}

/// What is found on inputs with one feature alone.
struct OfFeature {
    work: FeatureWork,
    /// Mean squared error with the trained selection; `None` in the L_p form.
    selected: Option<f64>,
    /// The target's against the labels.
    target: f64,
    mean_active: f64,
}

impl Subject<'_> {
    /// For every feature, with the means of A_c(x)^2 over its inputs, `[feature][component]`. All features' inputs together are
    /// one batch to the trained selection. `lengths` `[feature]` are those of the target's neuron contributions.
    fn by_feature(&self, lengths: &[f64]) -> (Vec<Vec<f64>>, metric::Mechanisms, Vec<OfFeature>) {
        let Self { decomposed, .. } = *self;
        let partial = Partial::of(decomposed);
        let inputs = OneFeatureInputs::new(decomposed.network().features(), &decomposed.weights().embeddings[0]);
        let attributions = decomposed.importances(&inputs.input);
        let selection = decomposed.mask(&attributions, &inputs.input);
        let target = partial.target_output(&inputs.input);
        let active = selection.sum_dim_intlist([2].as_slice(), false, tch::Kind::Double).squeeze_dim(0);
        let mean_active = inputs.means_by_feature(&active);
        let selected = decomposed.selects().then(|| {
            let output = partial.output(&selection.narrow(2, 0, partial.candidates()), &inputs.input);
            inputs.means_by_feature(&squared_errors(&output, &target))
        });
        let target_errors = inputs.means_by_feature(&squared_errors(&target, &self.labels(&inputs.input)));
        let of_feature = |(feature, work)| OfFeature {
            work,
            selected: selected.as_ref().map(|errors| errors[feature]),
            target: target_errors[feature],
            mean_active: mean_active[feature],
        };
        let mean_attributions = inputs.mean_attributions(&attributions);
        let candidates = partial.candidates() as usize;
        let mechanisms =
            metric::Mechanisms::new(partial.components, &inputs, &selection, &mean_attributions, candidates);
        let work = feature_work(&self.partial(&mechanisms), &inputs, &mechanisms, lengths);
        (mean_attributions, mechanisms, work.into_iter().enumerate().map(of_feature).collect())
    }

    /// The components with those that mechanisms share always on.
    fn partial(&self, mechanisms: &metric::Mechanisms) -> Partial<'_> {
        let partial = Partial::of(self.decomposed);
        let shared = mechanisms.shared_mask(partial.candidates() as usize, &partial.weights.embeddings[0]);
        Partial { shared, ..partial }
    }

    /// The curves of all features, each that is `represented` with its mechanism.
    fn curves(&self, partial: &Partial, mechanisms: &metric::Mechanisms, represented: &[bool]) -> Vec<CurveRow> {
        let Self { decomposed, .. } = *self;
        let features = represented.len();
        let values = curve_values(&decomposed.weights().embeddings[0]);
        let inputs = OneFeatureInputs::at(&values, 0..features, features);
        let selection = decomposed.selects().then(|| {
            let attributions = decomposed.importances(&inputs.input);
            selection_by_value(decomposed, &inputs, &attributions, None)
        });
        let curves = response_curves(partial, &inputs, &mechanisms.of_features, selection.as_ref());
        let labels = inputs.own_outputs(&self.labels(&inputs.input));
        curve_rows(self.replica, &inputs.values, Some(&labels), &curves, represented)
    }

    /// What the target was trained to answer.
    pub(super) fn labels(&self, input: &tch::Tensor) -> tch::Tensor {
        let network = self.decomposed.network();
        let coefficients = network.label_coefficients(&[self.target_seed()]);
        network.labels(input, &coefficients.to_device(input.device()))
    }
}

/// The target's contributions and those of each feature's most attributed component.
fn contribution_rows(
    replica: usize,
    contributions: &Contributions,
    features: &[MlpFeatureRow],
) -> Vec<ContributionRow> {
    let of_feature = |row: &MlpFeatureRow| {
        let feature = row.feature;
        let component = row.component.map(|component| contributions.of_component(component, feature));
        let row = move |(neuron, target): (usize, f64)| {
            let component = component.as_ref().map(|component| component[neuron]);
            ContributionRow { replica, feature, neuron, target, component }
        };
        contributions.of_target(feature).into_iter().enumerate().map(row)
    };
    features.iter().flat_map(of_feature).collect()
}

fn serving_rows(replica: usize, serving: &Serving) -> Vec<ServingRow> {
    let of_feature = |(feature, serving): (usize, &Vec<(usize, f64)>)| {
        let largest = serving.first().map_or(f64::NAN, |(_, weight)| *weight);
        let row = |&(component, weight): &(usize, f64)| ServingRow {
            replica,
            feature,
            component,
            weight,
            share: weight / largest,
        };
        serving.iter().map(row).collect::<Vec<_>>()
    };
    serving.by_feature.iter().enumerate().flat_map(of_feature).collect()
}

fn layer_rows(replica: usize, shares: &[Vec<f64>]) -> Vec<LayerRow> {
    let of_component = |(component, shares): (usize, &Vec<f64>)| {
        let row = |(layer, &share): (usize, &f64)| LayerRow { replica, component, layer, share };
        shares.iter().enumerate().map(row).collect::<Vec<_>>()
    };
    shares.iter().enumerate().flat_map(of_component).collect()
}
