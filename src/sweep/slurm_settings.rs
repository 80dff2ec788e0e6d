//! The `[sweep.slurm]` of a spec: what the jobs of a sweep ask of Slurm.

use crate::settings::TableReader;

/// Each text is as `sbatch` takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Slurm {
    /// This and the next two: unset, the cluster's default.
    pub partition: Option<String>,
    /// For example `04:00:00`. A job that runs out of it goes on from its checkpoint in the next.
    pub time: Option<String>,
    /// For example `8G`.
    pub memory: Option<String>,
    /// For each job.
    pub gpus: usize,
    /// For each job.
    pub threads: usize,
    /// How many jobs may run at once; unset, as many as the cluster lets.
    pub at_once: Option<usize>,
    /// The most tasks in one array; `scontrol show config` names the cluster's limit as MaxArraySize.
    pub array_limit: usize,
    /// Further lines of the script, before anything is run: `#SBATCH` lines, `module load`.
    pub lines: Vec<String>,
}

impl Slurm {
    /// Slurm's own MaxArraySize is 1001, which allows the numbers 0 to 1000.
    pub fn read(table: &mut TableReader) -> Self {
        Self {
            partition: table.word("partition"),
            time: table.word("time"),
            memory: table.word("memory"),
            gpus: table.number("gpus").at_most(64).or(0),
            threads: table.number("threads").at_least(1).at_most(1_024).or(1),
            at_once: table.number("at_once").at_least(1).at_most(100_000).optional(),
            array_limit: table.number("array_limit").at_least(1).at_most(1_000_000).or(1_000),
            lines: table.lines("lines"),
        }
    }
}
