//! The decomposition of an experiment's targets, from the run folder's opening to its last table.

use super::{
    Outcome, Session, check, divergence,
    measurement::measure,
    save, tables,
    target_tables::copy_target_tables,
    targets::{self, Obtained},
};
use crate::{
    components::Components,
    fit::{Divergence, End, Fit, InputStream, LogRow, State},
    method::{Apd, Decomposition, Method},
    network::Weights,
    random::Purpose,
    run::{Provenance, RunError, RunFolder, Status, write_table, write_tensors},
    spec::Spec,
};

/// Decomposes the targets of all replicas; a finished run is left as it is.
pub fn decompose(spec: &Spec, session: &mut Session) -> Result<Outcome, RunError> {
    check(spec, session)?;
    let folder = RunFolder::open(&session.results, &spec.name, &spec.hash(), &spec.to_toml(), session.force)?;
    if folder.is_finished() {
        return Ok(Outcome::Finished { folder: folder.path().into(), already: true });
    }
    let mut provenance = Provenance::begin(&folder.provenance(), session.machine())?;
    let outcome = find_components(spec, session, &folder);
    match &outcome {
        Ok(Outcome::Finished { .. }) => {
            provenance.end(Status::Finished)?;
            // Only now: until the run counts as finished, a checkpoint spares the training.
            folder.checkpoints().clear()?;
        }
        Ok(Outcome::Interrupted { .. }) => provenance.end(Status::Interrupted)?,
        // The first error is the one to tell; that the folder cannot be written may be its very reason.
        Err(error) => drop(provenance.fail(error)),
    }
    outcome
}

fn find_components(spec: &Spec, session: &mut Session, folder: &RunFolder) -> Result<Outcome, RunError> {
    let weights = match targets::obtain(spec, session)? {
        Obtained::Weights(weights) => weights,
        Obtained::Interrupted(outcome) => return Ok(outcome),
    };
    let network = &spec.target.network;
    copy_target_tables(spec, &[&session.results], folder)?;
    write_tensors(&folder.target(), &weights.named(network), &[("axes", "replica, d_in, d_out".into())])?;

    let Method::Apd(apd) = &spec.method;
    let weights = weights.to_device(session.device);
    let interrupted = || -> Result<Outcome, RunError> {
        let step = folder.checkpoints().load::<LogRow>()?.map_or(0, |checkpoint| checkpoint.step);
        let steps = spec.decomposition.steps;
        Ok(Outcome::Interrupted { folder: folder.path().into(), stage: "components".into(), step, steps })
    };
    let Some(fitted) = fit(spec, apd, session, folder, &weights)? else { return interrupted() };
    let Fitted { components, log, divergences } = fitted;
    write_table(&folder.training_table(), tables::TRAINING, log)?;
    let axes = "A: replica, component, d_in, rank; B: replica, component, rank, d_out";
    write_tensors(
        &folder.components(),
        &components.to_files(&network.sites()),
        &[("axes", axes.into()), (divergence::NOTE, divergence::to_note(&divergences))],
    )?;
    if !measure(spec, &weights, &components, &divergences, folder, &session.interrupt)? {
        return interrupted();
    }
    Ok(Outcome::Finished { folder: folder.path().into(), already: false })
}

/// What comes of a training.
struct Fitted {
    components: Components,
    log: Vec<LogRow>,
    divergences: Vec<Divergence>,
}

/// The trained components; `None` if interrupted.
fn fit(
    spec: &Spec,
    apd: &Apd,
    session: &mut Session,
    folder: &RunFolder,
    weights: &Weights,
) -> Result<Option<Fitted>, RunError> {
    let network = &spec.target.network;
    let sites = network.sites();
    let components = Components::random(&sites, apd.components, apd.rank, apd.initial_values, &spec.seeds);
    let components = components.to_device(session.device);
    let replicas = spec.seeds.len();
    let decomposition = Decomposition::new(network, weights, vec![apd.clone(); replicas], components);
    let inputs = InputStream {
        inputs: spec.target.inputs.clone(),
        features: network.features(),
        seeds: spec.seeds.clone(),
        purpose: Purpose::DecompositionInputs,
    };
    let mut fit =
        Fit::new(&decomposition, vec![spec.decomposition.clone(); replicas], inputs, session.device, session.threads);
    let checkpoints = folder.checkpoints();
    if let End::Stopped { .. } = session.fit("components", &mut fit, &checkpoints)? {
        return Ok(None);
    }
    // A kill during the measurements must not cost the training.
    let state = fit.state();
    save(&checkpoints, &state)?;
    let State { log, divergences, .. } = state;
    drop(fit);
    Ok(Some(Fitted { components: decomposition.into_components(), log, divergences }))
}
