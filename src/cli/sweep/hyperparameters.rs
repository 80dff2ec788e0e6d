//! `apd sweep hyperparameters SPEC`.

use std::num::NonZeroU16;

use clap::{Args, ValueEnum};
use indicatif::MultiProgress;

use super::{
    super::{
        Ending, Failure, complain,
        ending::print,
        options::{Options, Training},
        start::{SpecArgument, open_device, place, session_on, set_threads},
    },
    launch::in_workers,
    plan::describe,
    status::{judge, print_status},
    submit::to_slurm,
    work::{PartArguments, work_on},
};
use crate::{
    experiment::{
        self,
        pack::{joint, memory_of},
    },
    memory,
    run::{RunError, SweepFolder, check_results, prepare_results},
    shell::quoted_path,
    sweep::{self, Plan, TradeOffSettings, load_trade_off, load_trials},
};

/// Run many trials of one experiment: every setting that the spec's [sweep] names
///
/// Trials of equal shape are trained together as replicas, each with its own numbers and seeds. Every trial that has ended
/// is a row a seed in trials.csv and a run folder that `apd report`, `evaluate` and `diff` understand. The same command on
/// an unfinished sweep keeps what is finished and goes on with the rest from its checkpoints; --force starts anew beside it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apd sweep hyperparameters my_experiment.toml --dry-run
  apd sweep hyperparameters my_experiment.toml --retry-failed
  apd sweep hyperparameters my_experiment.toml --trade-off --largest-error 0.001
  apd list --results runs/tms_5-2-sweep-0a1b2c3d/trials")]
pub struct Hyperparameters {
    #[command(flatten)]
    spec: SpecArgument,
    /// Trade active components off against error: sweep five values of the method's key that decides between them, and recommend
    /// the fewest active components within the largest error
    ///
    /// The values lie evenly on a scale of logarithms around the spec's own: the weight of causal importances from a tenth to
    /// ten times it, the number k of selected components from a quarter to four times it. The spec needs no [sweep]; one that
    /// has it may give the key other values.
    #[arg(long)]
    trade_off: bool,
    /// The largest mean squared error to the target's output that the trade-off accepts [default: a tenth of that without any
    /// component]
    #[arg(long, value_name = "E", requires = "trade_off", value_parser = error_above_zero)]
    largest_error: Option<f64>,
    /// Show the plan and stop
    #[arg(long)]
    dry_run: bool,
    /// Work in so many processes, which share the threads and the GPUs
    #[arg(long, value_name = "N", default_value_t = NonZeroU16::MIN, conflicts_with = "shard")]
    workers: NonZeroU16,
    /// Where the packs are worked on: here, or as jobs of Slurm with the settings of the spec's [sweep.slurm]
    #[arg(long, default_value = "local", conflicts_with_all = ["shard", "workers"])]
    launcher: Launcher,
    #[command(flatten)]
    part: PartArguments,
    #[command(flatten)]
    training: Training,
}

fn error_above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|error: &f64| error.is_finite() && *error > 0.0);
    number.ok_or_else(|| "an error must be a number above 0, such as 0.001".into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Launcher {
    Local,
    Slurm,
}

impl Hyperparameters {
    pub fn run(&self, screen: &MultiProgress) -> Result<Ending, Failure> {
        let options = &self.training.options();
        let asked = TradeOffSettings { largest_error: self.largest_error };
        let trials = match self.trade_off {
            true => load_trade_off(&self.spec.path, &options.set, asked),
            false => load_trials(&self.spec.path, &options.set),
        };
        let mut plan = Plan::new(trials.map_err(Failure::Spec)?);
        let device = open_device(options)?;
        let is_local = self.launcher == Launcher::Local;
        if is_local {
            set_threads(options)?;
            let check = |pack| memory::check(memory_of(plan.specs(pack), device), device);
            (0..plan.packs.len()).try_for_each(check).map_err(Failure::work)?;
        }
        let folder = plan.locate(&options.results, options.force).map_err(Failure::work)?;
        if !options.force {
            plan.adopt(&folder).map_err(Failure::work)?;
        }
        self.check(&plan, options).map_err(Failure::work)?;
        if let Some(older) = plan.locate_older(&options.results).map_err(Failure::work)? {
            tracing::warn!(
                "{} was planned from this spec by an older version, for which every range in whole numbers meant whole \
                 numbers; this is another sweep\n  help: that one is resumed with: apd sweep work {}",
                older.display(),
                quoted_path(&older)
            );
        }
        let on = is_local.then(|| (place(device, options), options.threads().get().into()));
        let description = describe(&plan, &folder, on).map_err(Failure::work)?;
        if self.dry_run {
            print(&description)?;
            return Ok(Ending::Done);
        }
        description.lines().for_each(|line| tracing::info!("{line}"));
        prepare_results(&options.results).map_err(Failure::work)?;
        let part = sweep::Part { shard: self.part.shard, packs: Vec::new(), retry_failed: self.part.retry_failed };
        let (folder, _lock) = self.open(&mut plan, options).map_err(Failure::work)?;
        if !is_local {
            let ending = to_slurm(&plan, &folder, &part, options)?;
            return judge(&sweep::overview(&plan, &folder), ending);
        }
        let worked = match self.workers.get() {
            1 => {
                let mut session = session_on(device, options, screen)?;
                session.interrupt = plan.sweep.limit(session.interrupt);
                work_on(&plan, &folder, &part, &mut session)
            }
            number => in_workers(number, &plan, &folder, &part, options),
        };
        let ending = match worked {
            Ok(()) => Ending::Done,
            Err(interrupted @ Failure::Interrupted(_)) => complain(&interrupted),
            Err(failure) if self.workers.get() == 1 => return Err(failure),
            Err(failure) => {
                // What became of the trials says more than that some workers failed.
                print_status(&plan, &folder, Ending::Done)?;
                return Err(failure);
            }
        };
        print_status(&plan, &folder, ending)
    }

    /// What a sweep that is shown must not be refused for when it is run.
    fn check(&self, plan: &Plan, options: &Options) -> Result<(), RunError> {
        check_results(&options.results)?;
        if self.part.shard.is_none() {
            plan.check_open(&options.results, options.force)?;
        }
        let mut packs = (0..plan.packs.len()).map(|pack| joint(plan.specs(pack)));
        packs.try_for_each(|joint| experiment::check_pack(&joint, &options.results))
    }

    /// The sweep's folder with its plan; locked unless this is one of several processes.
    fn open(&self, plan: &mut Plan, options: &Options) -> Result<(SweepFolder, Option<crate::run::Lock>), RunError> {
        let folder = SweepFolder::open(&options.results, &plan.base.name, &plan.sweep_toml(), options.force)?;
        let lock = match self.part.shard {
            Some(_) => None,
            None => Some(folder.lock()?),
        };
        plan.fix(&folder)?;
        Ok((folder, lock))
    }
}
