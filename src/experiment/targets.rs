//! Target networks: found in the cache, or trained together and put there.

use std::path::Path;

use super::{Leg, Session, load};
use crate::{
    fit::{Divergence, Fit, InputStream},
    interrupt::Stage,
    network::{ERROR_SAMPLES, Network, Task, errors_beside_baselines, not_learned},
    random::Purpose,
    run::{
        Checkpoints, Lock, Provenance, RunError, Status, TargetFolder, TensorFile, Unfinished, exists, is_file,
        read_table, write_table, write_tensors,
    },
    settings::with_short_floats,
    spec::{Spec, Target},
    table::{TargetBaselineRow, TrainingRow},
    weights::Weights,
};

/// The seeds of the targets, ascending, each once.
pub fn seeds(spec: &Spec) -> Vec<u64> {
    let mut seeds = spec.target.seed.map_or_else(|| spec.seeds.clone(), |seed| vec![seed]);
    seeds.sort_unstable();
    // Experiments that are trained together may share a seed.
    seeds.dedup();
    seeds
}

pub fn folder(spec: &Spec, results: &Path, seed: u64) -> TargetFolder {
    TargetFolder::new(results, &spec.target.hash(), seed)
}

/// The folders of the targets that are not there yet.
pub fn missing(spec: &Spec, results: &Path) -> Result<Vec<TargetFolder>, RunError> {
    let mut missing = Vec::new();
    for seed in seeds(spec) {
        let folder = folder(spec, results, seed);
        if !folder.is_trained()? {
            missing.push(folder);
        }
    }
    Ok(missing)
}

/// Fails where [`obtain`] would, as far as that can be known before; makes nothing.
pub fn check(spec: &Spec, results: &Path) -> Result<(), RunError> {
    let section = section(spec);
    let mut is_place_tried = false;
    for seed in seeds(spec) {
        let folder = folder(spec, results, seed);
        match folder.is_trained()? {
            true => {
                folder.check_trained(&section)?;
                read(spec, &folder)?;
            }
            false if spec.target.imported.is_some() => return Err(not_imported(results, seed)),
            // Folders that are not there yet would all be made in one place.
            false if is_place_tried && !exists(folder.path())? => {}
            false => {
                is_place_tried |= !exists(folder.path())?;
                folder.check_lock(&section)?;
            }
        }
    }
    Ok(())
}

/// The targets, one for every seed of the experiment and in main memory, trained first where they are missing.
pub fn obtain(spec: &Spec, session: &mut Session) -> Result<Weights, Unfinished> {
    let section = section(spec);
    let mut missing = Vec::new();
    for seed in seeds(spec) {
        let folder = folder(spec, &session.results, seed);
        if folder.is_trained()? {
            folder.check(&section)?;
            folder.clear_stale_checkpoints();
            continue;
        }
        if spec.target.imported.is_some() {
            return Err(not_imported(&session.results, seed).into());
        }
        let work = session.interrupt.of_work(Stage::Target, 0, spec.target.steps(), folder.path());
        let lock = folder.lock(&section, &work)?;
        // Another process may have trained it while we waited for the lock.
        if !folder.is_trained()? {
            missing.push((folder, lock));
        }
    }
    make(spec, session, &missing)?;
    drop(missing);
    let of_replica = |&seed: &u64| read(spec, &folder(spec, &session.results, spec.target.seed.unwrap_or(seed)));
    let replicas: Vec<Weights> = spec.seeds.iter().map(of_replica).collect::<Result<_, _>>()?;
    Ok(Weights::stack(&replicas))
}

/// The section of the spec that the targets come from, as it is kept beside them.
pub fn section(spec: &Spec) -> String {
    let target = Target { seed: None, ..spec.target.clone() };
    with_short_floats(&toml::to_string(&target).expect("a resolved section is plain data"))
}

/// Trains or constructs the missing targets.
fn make(spec: &Spec, session: &mut Session, missing: &[(TargetFolder, Lock)]) -> Result<(), Unfinished> {
    let Some((leader, _)) = missing.first() else { return Ok(()) };
    let Target { network, initial_values, training, .. } = &spec.target;
    let seeds: Vec<u64> = missing.iter().map(|(folder, _)| folder.seed()).collect();
    let how = if network.is_trainable() { "training" } else { "constructing" };
    tracing::info!("{how} {} target(s) that are not in {} yet", seeds.len(), session.results.display());
    let machine = session.machine();
    let provenances = missing.iter().map(|(folder, _)| Provenance::begin(&folder.provenance(), machine.clone(), None));
    let mut provenances: Vec<Provenance> = provenances.collect::<Result<_, _>>()?;
    let folders = missing.iter().map(|(folder, _)| folder).zip(&mut provenances).enumerate();

    let (Some(rule), Some(training)) = (initial_values, training) else {
        let weights = network.constructed(&seeds).expect("a network is trained or constructed");
        for (replica, (folder, provenance)) in folders {
            provenance.end(Status::Finished)?;
            keep(network, &weights, replica, folder)?;
        }
        return Ok(());
    };
    let weights = Weights::random(network, *rule, &seeds).to_device(session.device);
    let task = Task::new(network, weights, &seeds);
    let inputs = |purpose: Purpose| InputStream {
        inputs: spec.target.inputs.clone(),
        features: network.features(),
        seeds: seeds.clone(),
        purpose,
    };
    let trainings = vec![training.clone(); seeds.len()];
    let mut fit = Fit::new(&task, trainings, inputs(Purpose::TargetInputs), session.device, session.threads);
    fit.name_replicas(seeds.iter().map(|seed| format!("the target of seed {seed}")).collect());
    // Replicas that are trained together go on together, from one checkpoint in the folder of the first.
    let checkpoints = checkpoints_of(leader, &seeds);
    let (from, until) = (load(&checkpoints)?, fit.steps());
    let leg = Leg { from, until, checkpoints: &checkpoints, folder: leader.path() };
    match session.fit(Stage::Target, &mut fit, leg) {
        Err(interrupted @ Unfinished::Interrupted(_)) => {
            provenances.iter_mut().try_for_each(|provenance| provenance.end(Status::Interrupted))?;
            return Err(interrupted);
        }
        trained => trained?,
    }
    let log = fit.log().to_vec();
    let divergences = fit.divergences().to_vec();
    drop(fit);
    let weights = task.into_weights();
    let errors = errors_beside_baselines(network, &weights, &seeds, &inputs(Purpose::MeasurementInputs));
    for (replica, (folder, provenance)) in folders {
        if let Some(divergence) = divergences.iter().find(|divergence| divergence.replica == replica) {
            provenance.fail(diverged(folder.seed(), divergence))?;
            continue;
        }
        let rows = log.iter().filter(|row| row.replica == replica).map(|row| TrainingRow { replica: 0, ..row.clone() });
        write_table(&folder.table::<TrainingRow>(), rows)?;
        let row = |(answer, errors): &(&str, Vec<f64>)| (answer.to_string(), errors[replica]);
        let rows = errors.iter().map(row).map(|(answer, error)| TargetBaselineRow { answer, error });
        write_table(&folder.table::<TargetBaselineRow>(), rows)?;
        tell_baselines(folder, network)?;
        provenance.end(Status::Finished)?;
        keep(network, &weights, replica, folder)?;
    }
    checkpoints.clear()?;
    match divergences.first() {
        Some(divergence) => Err(diverged(seeds[divergence.replica], divergence).into()),
        None => Ok(()),
    }
}

/// The checkpoints of targets of these seeds that are trained together; `leader` is the folder of the first.
pub fn checkpoints_of(leader: &TargetFolder, seeds: &[u64]) -> Checkpoints {
    let company = seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    leader.checkpoints().of(&format!("seeds {company}"))
}

/// A target that has diverged is not kept: there is nothing to take apart in it.
fn diverged(seed: u64, divergence: &Divergence) -> RunError {
    let Divergence { step, what, .. } = divergence;
    RunError::new(
        format!("the target of seed {seed} has diverged at step {step} of its training ({what}) and is not kept"),
        "lower `target.training.learning_rate`, or leave the seed out of `seeds`; the targets of the other seeds are kept",
    )
}

/// Writes the target of one replica, the last of its folder's files.
fn keep(network: &Network, weights: &Weights, replica: usize, folder: &TargetFolder) -> Result<(), RunError> {
    let tensors = weights.replica(replica).map(|tensor| tensor.squeeze_dim(0)).named(network);
    write_tensors(&folder.target(), &tensors, &[("axes", "d_in, d_out".into())])
}

/// Says how the target's error compares with those of simple answers, if that was measured when it was trained, and warns of
/// a target that is no better.
pub fn tell_baselines(folder: &TargetFolder, network: &Network) -> Result<(), RunError> {
    let table = folder.table::<TargetBaselineRow>();
    if !is_file(&table)? {
        return Ok(());
    }
    let rows: Vec<TargetBaselineRow> = read_table(&table)?;
    let errors: Vec<String> = rows.iter().map(|row| format!("{} {:.3e}", row.answer, row.error)).collect();
    tracing::info!("error on {ERROR_SAMPLES} samples, target of seed {}: {}", folder.seed(), errors.join(", "));
    let errors: Vec<(&str, f64)> = rows.iter().map(|row| (row.answer.as_str(), row.error)).collect();
    if let Some(why) = not_learned(&errors, network.room()) {
        tracing::warn!("the target of seed {} has not learned its task: {why}", folder.seed());
    }
    Ok(())
}

/// A finished target, with an axis for the one replica.
fn read(spec: &Spec, folder: &TargetFolder) -> Result<Weights, RunError> {
    let network = &spec.target.network;
    let train_again = format!("move the folder {} away: the target is then trained again", folder.path().display());
    let advise = |error: RunError| if error.is_damaged() { error.with_help(&train_again) } else { error };
    let mut file = TensorFile::read(&folder.target()).map_err(advise)?;
    let mut take = |name: &str, shape: &[i64]| Ok(file.take(name, shape).map_err(advise)?.unsqueeze(0));
    let sites = network.sites();
    let sites = sites.iter().map(|site| take(&site.name, &[site.d_in, site.d_out])).collect::<Result<_, RunError>>()?;
    let matrices = network.embeddings();
    let embeddings = matrices.iter().map(|matrix| take(&matrix.name, &[matrix.d_in, matrix.d_out]));
    let embeddings = embeddings.collect::<Result<_, RunError>>()?;
    let biases = network.biases();
    let biases = biases.iter().map(|(name, width)| take(name, &[*width])).collect::<Result<_, RunError>>()?;
    Ok(Weights { sites, embeddings, biases })
}

fn not_imported(results: &Path, seed: u64) -> RunError {
    RunError::new(
        format!("the target of seed {seed} is imported, and not in {}", results.join("targets").display()),
        "import it there with `apd import target`, or take the key `target.imported` out of the spec to train one",
    )
}
