//! The `[sweep.slurm]` of a spec: what the jobs of a sweep ask of Slurm.

use schemars::JsonSchema;

use crate::settings::TableReader;

/// Each text is as `sbatch` takes it.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
pub struct Slurm {
    /// Partition for the jobs; unset, the cluster's default.
    pub partition: Option<String>,
    /// Time limit of a job, such as `04:00:00`, after which it is resumed from its checkpoint in the next; unset, the cluster's
    /// default.
    pub time: Option<String>,
    /// Memory of a job, such as `8G`; unset, the cluster's default.
    pub memory: Option<String>,
    /// Number of GPUs of a job.
    pub gpus: usize,
    /// Number of threads of a job.
    pub threads: usize,
    /// The most jobs of the sweep that run at once; unset, as many as the cluster lets.
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
