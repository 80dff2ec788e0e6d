//! What is looked at before anything is made. The commands that train begin with it and `apd check` is nothing else, so that
//! both refuse the same in the same words.

use std::path::Path;

use tch::Device;

use super::{memory_needed, targets};
use crate::{
    memory,
    run::{RunError, RunFolder, check_results},
    spec::Spec,
};

/// Where an experiment is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The folder of all run folders.
    pub results: &'a Path,
    pub device: Device,
    /// Whether to start anew beside an existing run.
    pub force: bool,
}

/// Refuses an experiment that could not be run to its end: one that is in use or whose components are not to be trained,
/// whose folders cannot be written or its targets not be read, or that this machine has not the memory for. Makes nothing.
pub fn check(spec: &Spec, place: &Place) -> Result<(), RunError> {
    check_results(place.results)?;
    let folder = RunFolder::check_open(place.results, &spec.name, &spec.hash(), &spec.to_toml(), place.force)?;
    if !place.force && folder.is_finished()? {
        return Ok(());
    }
    refuse_imported(spec)?;
    memory::check(memory_needed::of_experiment(spec, place.device), place.device)?;
    targets::check(spec, place.results)
}

/// Refuses an experiment whose targets could not all be trained or used. Makes nothing.
pub fn check_targets(spec: &Spec, place: &Place) -> Result<(), RunError> {
    check_results(place.results)?;
    if !targets::missing(spec, place.results)?.is_empty() {
        memory::check(memory_needed::of_target(spec), place.device)?;
    }
    targets::check(spec, place.results)
}

/// Refuses the trials of a pack of a sweep, given as the one experiment that they are together, if their targets could not be
/// had or their components are imported. What concerns the whole sweep is looked at elsewhere. Makes nothing.
pub fn check_pack(joint: &Spec, results: &Path) -> Result<(), RunError> {
    refuse_imported(joint)?;
    targets::check(joint, results)
}

fn refuse_imported(spec: &Spec) -> Result<(), RunError> {
    if spec.imported_components.is_none() {
        return Ok(());
    }
    Err(RunError::new(
        "the components of this spec are imported, not trained",
        "measure them with `apd evaluate RUN`, or take the key `imported_components` out of the spec to train some",
    ))
}

/// Whether the experiment's run is finished, and not to be begun anew.
pub fn is_finished(spec: &Spec, place: &Place) -> Result<bool, RunError> {
    let folder = RunFolder::locate(place.results, &spec.name, &spec.hash(), false)?;
    Ok(!place.force && RunFolder::at(folder).is_finished()?)
}
