//! The measurements of a finished decomposition, and the tables they go into: here those of every network, below those of
//! each kind.

mod at_uses;
mod gated_functions;
mod outlook;
mod remarks;
mod residual_mlp;
mod responses;
mod rows;
mod scores;
mod scrubbing;
mod tms;

use at_uses::{AtUses, write_at_uses};
pub use outlook::outlook;
use remarks::remarks;
use rows::{
    attribution_rows, coactivity_rows, component_rows, diverged_row, rank_rows, rate_distortion_rows, summary_row,
};
use scores::{Scores, score_rows};

use crate::{
    fit::{Divergence, InputStream},
    interrupt::{Interrupted, Work},
    method::Decomposed,
    metric::{
        Activity, Partial, RatePoint, Spectrum, left_out_in_words, measure_activity, rate_distortion, spectra,
        total_ranks,
    },
    network::Network,
    random::Purpose,
    run::{RunError, RunFolder, Unfinished},
    spec::Spec,
    table::{AttributionRow, CoactivityRow, ComponentRow, RankRow, RateDistortionRow, SummaryRow},
};

/// Samples on which whole curves and distributions are measured: a few thousand passes with many components each.
const SAMPLES_OF_A_CURVE: usize = 4_096;

/// What there is to measure.
pub struct Trained<'a> {
    /// Of all replicas.
    pub decomposed: &'a dyn Decomposed,
    pub divergences: Vec<Divergence>,
    /// The steps after which the training was ended before its time.
    pub halted_at: Option<u64>,
}

/// Measures every replica that has not diverged and writes all tables but the training's. `summary.csv` is the last.
///
/// # Errors
/// If the `work` is interrupted, or a table cannot be written.
pub fn measure(spec: &Spec, trained: &Trained, folder: &RunFolder, work: &Work) -> Result<(), Unfinished> {
    let measure = match spec.target.network {
        Network::Tms(_) => measure_as::<tms::Mechanisms>,
        Network::ResidualMlp(_) => measure_as::<residual_mlp::Mechanisms>,
        Network::GatedFunctions(_) => measure_as::<gated_functions::Mechanisms>,
    };
    measure(spec, trained, folder, work)
}

/// What is measured of one kind of network alone, for one replica.
trait Mechanisms: Sized {
    fn measure(subject: &Subject) -> Result<Self, Interrupted>;

    /// Means of A_c(x)^2 over inputs with one feature alone, or one control bit, `[feature][component]`.
    fn mean_attributions(&self) -> &[Vec<f64>];

    /// Whether the target represents each feature; what it does not represent is left out of the verdict.
    fn represented(&self) -> Vec<bool>;

    /// Fills in the columns of the kind.
    fn summarise(&self, row: &mut SummaryRow);

    /// Fills in the columns of the kind, in the order of the components.
    fn describe(&self, rows: &mut [ComponentRow]);

    /// Writes the tables of the kind.
    fn write(replicas: &[Self], folder: &RunFolder) -> Result<(), RunError>;
}

/// A replica under measurement with what has been found of it.
struct Subject<'a> {
    spec: &'a Spec,
    replica: usize,
    decomposed: &'a dyn Decomposed,
    inputs: &'a InputStream,
    activity: &'a Activity,
    /// By site and component.
    spectra: &'a [Vec<Spectrum>],
    work: &'a Work,
}

fn measure_as<M: Mechanisms>(
    spec: &Spec,
    trained: &Trained,
    folder: &RunFolder,
    work: &Work,
) -> Result<(), Unfinished> {
    let Trained { decomposed, divergences, halted_at } = trained;
    let mut replicas: Vec<Replica<M>> = Vec::new();
    let number = spec.seeds.len();
    let measured = number - divergences.len();
    tracing::info!("measuring {measured} replica{}", if measured == 1 { "" } else { "s" });
    let diverged = |replica: usize| divergences.iter().find(|divergence| divergence.replica == replica);
    for replica in (0..number).filter(|replica| diverged(*replica).is_none()) {
        let decomposed = decomposed.replicas(replica..replica + 1);
        replicas.push(Replica::measure(spec, replica, *halted_at, &*decomposed, work)?);
    }
    folder.write_ranks(replicas.iter().flat_map(|replica| &replica.ranks))?;
    folder.write_table(replicas.iter().flat_map(|replica| &replica.rate_distortion))?;
    folder.write_table(replicas.iter().flat_map(|replica| &replica.components))?;
    folder.write_table(replicas.iter().flat_map(|replica| &replica.attributions))?;
    let coactivity: Option<Vec<_>> = replicas.iter().map(|replica| replica.coactivity.as_ref()).collect();
    if let Some(rows) = coactivity {
        folder.write_table(rows.into_iter().flatten())?;
    }
    let (mut scores, mut at_uses) = (Vec::new(), Vec::new());
    let (mut summaries, mechanisms): (Vec<SummaryRow>, Vec<M>) = replicas
        .into_iter()
        .map(|replica| {
            scores.push(replica.scores);
            at_uses.extend(replica.at_uses);
            (replica.summary, replica.mechanisms)
        })
        .unzip();
    folder.write_table(score_rows(spec, decomposed.components(), &scores))?;
    write_at_uses(&at_uses, folder)?;
    M::write(&mechanisms, folder)?;
    summaries.extend(divergences.iter().map(|divergence| diverged_row(spec.seeds[divergence.replica], divergence)));
    summaries.sort_by_key(|row| row.replica);
    folder.write_table(summaries)?;
    Ok(())
}

/// The rows of one replica.
struct Replica<M> {
    summary: SummaryRow,
    components: Vec<ComponentRow>,
    ranks: Vec<RankRow>,
    rate_distortion: Vec<RateDistortionRow>,
    attributions: Vec<AttributionRow>,
    /// `None` in the L_p form.
    coactivity: Option<Vec<CoactivityRow>>,
    scores: Scores,
    /// `None` of methods that learn nothing of single uses.
    at_uses: Option<AtUses>,
    mechanisms: M,
}

impl<M: Mechanisms> Replica<M> {
    fn measure(
        spec: &Spec,
        replica: usize,
        halted_at: Option<u64>,
        decomposed: &dyn Decomposed,
        work: &Work,
    ) -> Result<Self, Interrupted> {
        let inputs = inputs(spec, replica);
        let (samples, batch) = (spec.measurement.samples, spec.decomposition.batch);
        let activity = measure_activity(decomposed, &inputs, samples, batch, &|| work.check())?;
        let spectra: Vec<Vec<Spectrum>> = decomposed.components().at_all_sites().iter().map(spectra).collect();
        let subject =
            Subject { spec, replica, decomposed, inputs: &inputs, activity: &activity, spectra: &spectra, work };
        let ranks = total_ranks(&spectra, spec.measurement.rank_threshold);
        let curve = curve(decomposed, &inputs, &ranks, work)?;
        let mechanisms = M::measure(&subject)?;
        let scores = subject.scores(&curve, mechanisms.mean_attributions())?;
        let at_uses = subject.at_uses();
        let rank_rows = rank_rows(spec, replica, &spectra);
        let seed = spec.seeds[replica];
        let represented = mechanisms.represented();
        let remarks = remarks(&activity, halted_at, spec.decomposition.steps, &represented);
        let mut summary = summary_row(replica, seed, &activity, &ranks, &rank_rows, remarks);
        if let Some(remarks) = &summary.remarks {
            tracing::warn!("replica {replica} (seed {seed}): {remarks}");
        }
        let left_out = left_out_in_words(&represented, spec.target.network.mechanism_of());
        if let Some(left_out) = left_out.filter(|_| represented.contains(&true)) {
            tracing::warn!(
                "replica {replica} (seed {seed}): its target does not represent {left_out}, which no verdict counts"
            );
        }
        mechanisms.summarise(&mut summary);
        let mut components = component_rows(replica, &activity, decomposed.components());
        mechanisms.describe(&mut components);
        Ok(Self {
            summary,
            components,
            ranks: rank_rows,
            rate_distortion: rate_distortion_rows(replica, curve),
            attributions: attribution_rows(replica, &activity.alive(), mechanisms.mean_attributions()),
            coactivity: coactivity_rows(replica, &activity),
            scores,
            at_uses,
            mechanisms,
        })
    }
}

impl Subject<'_> {
    fn seed(&self) -> u64 {
        self.spec.seeds[self.replica]
    }

    fn target_seed(&self) -> u64 {
        self.spec.target.seed.unwrap_or(self.seed())
    }
}

/// The inputs that a replica is measured on.
fn inputs(spec: &Spec, replica: usize) -> InputStream {
    InputStream {
        inputs: spec.target.inputs.clone(),
        features: spec.target.network.features(),
        seeds: vec![spec.seeds[replica]],
        purpose: Purpose::MeasurementInputs,
    }
}

/// The rate-distortion curve; `ranks` are the components' total ranks.
fn curve(
    decomposed: &dyn Decomposed,
    inputs: &InputStream,
    ranks: &[usize],
    work: &Work,
) -> Result<Vec<RatePoint>, Interrupted> {
    let input = inputs.batch(0, SAMPLES_OF_A_CURVE, decomposed.components().device());
    let importances = decomposed.importances(&input);
    let within_samples = decomposed.selects_within_samples();
    rate_distortion(&Partial::of(decomposed), &input, &importances, within_samples, ranks, &|| work.check())
}
