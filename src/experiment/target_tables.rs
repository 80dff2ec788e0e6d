//! What is known of the training of a run's targets, copied from their folders: a run folder is to speak for itself.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::targets;
use crate::{
    run::{RunError, RunFolder, TargetFolder, is_file, read_table, write_table},
    spec::Spec,
    table::{BaselineRow, Row, TargetBaselineRow, TrainingRow},
};

/// Writes the tables of the targets' training into the run's folder, over what an unfinished run left there. What was never
/// trained here is left out.
pub fn copy_target_tables(spec: &Spec, results: &Path, folder: &RunFolder) -> Result<(), RunError> {
    copy_training(spec, &[results], folder)?;
    copy_baselines(spec, &[results], folder)
}

/// The same where they are not there yet. The targets are looked for in each of the `results` folders in turn; what is no
/// longer there is left out.
pub fn copy_missing_target_tables(spec: &Spec, results: &[&Path], folder: &RunFolder) -> Result<(), RunError> {
    if !is_file(&folder.target_training_table())? {
        copy_training(spec, results, folder)?;
    }
    if !is_file(&folder.table::<BaselineRow>())? {
        copy_baselines(spec, results, folder)?;
    }
    Ok(())
}

fn copy_training(spec: &Spec, results: &[&Path], folder: &RunFolder) -> Result<(), RunError> {
    let rows = of_replicas(spec, results);
    let row = |(replica, row): (usize, TrainingRow)| TrainingRow { replica, ..row };
    let rows: Vec<TrainingRow> = rows.into_iter().map(row).collect();
    if !rows.is_empty() {
        write_table(&folder.target_training_table(), rows)?;
    }
    Ok(())
}

fn copy_baselines(spec: &Spec, results: &[&Path], folder: &RunFolder) -> Result<(), RunError> {
    let rows = of_replicas(spec, results);
    let row = |(replica, TargetBaselineRow { answer, error })| BaselineRow { replica, answer, error };
    let rows: Vec<BaselineRow> = rows.into_iter().map(row).collect();
    if !rows.is_empty() {
        folder.write_table(rows)?;
    }
    Ok(())
}

/// The rows of a table of the target of every replica, with the replica's number.
fn of_replicas<R: Row + DeserializeOwned>(spec: &Spec, results: &[&Path]) -> Vec<(usize, R)> {
    let section = targets::section(spec);
    let of_replica = |(replica, &seed): (usize, &u64)| {
        let seed = spec.target.seed.unwrap_or(seed);
        let folders = results.iter().map(|results| TargetFolder::new(results, &spec.target.hash(), seed));
        let mut found = folders.filter_map(|folder| read(&folder, &section).transpose());
        let rows: Option<Vec<R>> = found.next().transpose().unwrap_or_else(|error| {
            tracing::warn!("{}; it is left out of the run's tables", error.what());
            None
        });
        rows.into_iter().flatten().map(move |row| (replica, row))
    };
    spec.seeds.iter().enumerate().flat_map(of_replica).collect()
}

/// The rows of a table of one target; `Ok(None)`: the folder holds no such target, or of it no such table.
fn read<R: Row + DeserializeOwned>(folder: &TargetFolder, section: &str) -> Result<Option<Vec<R>>, RunError> {
    let table = folder.table::<R>();
    let is_there = folder.is_trained()? && is_file(&table)?;
    if !is_there {
        return Ok(None);
    }
    match folder.check_trained(section) {
        Ok(()) => read_table(&table).map(Some),
        Err(error) if error.is_refused() => Err(error),
        // Another target, whose hash begins like this one's.
        Err(_) => Ok(None),
    }
}
