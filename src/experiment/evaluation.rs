//! The measurement of components that are there, without training: imported ones, or a run's own once more.

use std::{collections::HashMap, path::Path};

use tch::Tensor;

use super::{
    Finished, Session, divergence,
    measurement::{Trained, measure},
    memory_needed,
    target_tables::copy_missing_target_tables,
};
use crate::{
    fit::Divergence,
    interrupt::Stage,
    memory,
    run::{Provenance, RunError, RunFolder, TensorFile, Unfinished},
    site::Site,
    spec::Spec,
    weights::Weights,
};

/// Measures the run in `folder`, whose spec this is, and writes its tables anew.
pub fn evaluate(spec: &Spec, session: &Session, folder: &Path) -> Result<Finished, Unfinished> {
    memory::check(memory_needed::of_measurement(spec), session.device)?;
    let folder = RunFolder::existing(folder)?.locked()?;
    // Now, not after the measurement: what made the run must be known.
    let provenance = Provenance::read(&folder.provenance())?;
    let weights = read_weights(spec, &folder)?.to_device(session.device);
    let (tensors, divergences) = read_components(spec, &folder)?;
    let tensor = |name: &str| tensors[name].to_device(session.device);
    let decomposed = &*spec.method.decomposed(&spec.target.network, &weights, &tensor);
    let trained = Trained { decomposed, divergences, halted_at: provenance.halted_at };
    let beside = folder.path().parent().unwrap_or(folder.path());
    copy_missing_target_tables(spec, &[beside, &session.results], &folder)?;
    let work = session.interrupt.of_work(Stage::Measurement, 0, 1, folder.path());
    measure(spec, &trained, &folder, &work)?;
    provenance.evaluated(session.machine(), spec.describe())?;
    Ok(Finished { folder: folder.path().into(), already: false })
}

/// The targets of a run, [replica, ...] each.
fn read_weights(spec: &Spec, folder: &RunFolder) -> Result<Weights, RunError> {
    let mut file = TensorFile::read(&folder.target())?;
    let network = &spec.target.network;
    let replicas = spec.seeds.len() as i64;
    let mut take = |matrix: &Site| file.take(&matrix.name, &[replicas, matrix.d_in, matrix.d_out]);
    let sites = network.sites().iter().map(&mut take).collect::<Result<_, _>>()?;
    let embeddings = network.embeddings().iter().map(&mut take).collect::<Result<_, _>>()?;
    let biases = network.biases();
    let biases = biases.iter().map(|(name, width)| file.take(name, &[replicas, *width])).collect::<Result<_, _>>()?;
    Ok(Weights { sites, embeddings, biases })
}

/// The tensors of a run's components by name, and the replicas whose training did not come to its end.
fn read_components(spec: &Spec, folder: &RunFolder) -> Result<(HashMap<String, Tensor>, Vec<Divergence>), RunError> {
    let mut file = TensorFile::read(&folder.components())?;
    let shapes = spec.method.tensors(&spec.target.network, spec.seeds.len());
    let take = |(name, shape): (String, Vec<i64>)| file.take(&name, &shape).map(|tensor| (name, tensor));
    let tensors = shapes.into_iter().map(take).collect::<Result<_, _>>()?;
    let note = file.notes.get(divergence::NOTE).map_or("", String::as_str);
    let divergences = divergence::from_note(note).map_err(|why| RunError::damaged(&folder.components(), why))?;
    Ok((tensors, divergences))
}
