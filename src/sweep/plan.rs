//! The plan of a sweep: its trials, and which of them are trained together.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
};

use crate::{
    experiment::pack::memory_of,
    run::{RunError, SweepFolder, is_file, read_table, write_columns},
    schedule::Schedule,
    spec::{Measurement, Spec, SpecError},
    sweep::{Sweep, TradeOffSettings, Trial, Trials, in_words, load_planned},
    table::{PlanRow, Row},
};

/// Replicas that are trained together unless the spec says otherwise: enough to fill a machine, few enough that a row
/// does not wait long for the others of its pack.
const REPLICAS: usize = 64;

/// Bytes that a pack is to need at most, unless a single trial needs more.
const MEMORY: f64 = 2e9;

/// The trials of a sweep, in packs.
#[derive(Debug)]
pub struct Plan {
    pub base: Spec,
    pub sweep: Sweep,
    pub trials: Vec<Trial>,
    /// The trials of each pack, ascending.
    pub packs: Vec<Vec<usize>>,
    /// How many more trials the strategy gave, each of which equals an earlier one and so is not made again.
    pub equal: usize,
    /// Those of the `trials` that equal an earlier one: only plans of older versions have such.
    pub repeats: BTreeSet<usize>,
    /// The hash of the spec of each trial.
    hashes: Vec<String>,
    /// The sweep as older versions understood it, if that is another one.
    older: Option<Sweep>,
    /// What the strategy gave, equal ones too; empty if there are none.
    drawn: Vec<Trial>,
}

impl Plan {
    /// Equal trials are made once. Those of equal shape are together, in the order of the trials.
    pub fn new(Trials { base, sweep, trials: drawn, older }: Trials) -> Self {
        let hashes: Vec<String> = drawn.iter().map(|trial| trial.spec.hash()).collect();
        let repeats = repeats(&hashes);
        let first = |number: &usize| !repeats.contains(number);
        let places: Vec<usize> = (0..drawn.len()).filter(first).collect();
        let hashes = places.iter().map(|&place| hashes[place].clone()).collect();
        let (trials, drawn) = match repeats.is_empty() {
            true => (drawn, Vec::new()),
            false => (places.iter().map(|&place| drawn[place].clone()).collect(), drawn),
        };
        let (packs, equal) = (packs(&trials, &sweep), repeats.len());
        Self { base, sweep, trials, packs, equal, repeats: BTreeSet::new(), hashes, older, drawn }
    }

    /// The plan of an existing sweep.
    pub fn read(folder: &SweepFolder) -> Result<Self, RunError> {
        let unreadable = |error: SpecError| RunError::new(error.to_string(), CHANGED);
        let mut plan = Plan::new(load_planned(&folder.sweep()).map_err(unreadable)?);
        plan.keep_packs(folder)?;
        if let Some(trade_off) = &mut plan.sweep.trade_off {
            *trade_off = TradeOffSettings::kept(folder)?;
        }
        Ok(plan)
    }

    /// Takes the trials and packs that are fixed in the folder of this sweep, if there is one already. Makes nothing.
    pub fn adopt(&mut self, folder: &Path) -> Result<(), RunError> {
        let folder = SweepFolder::at(folder);
        match self.keep_packs(&folder) {
            Err(error) if error.is_missing() => Ok(()),
            kept => kept,
        }
    }

    /// Writes the plan into its folder, or takes what is fixed there already; what is no part of it is written anew.
    pub fn fix(&mut self, folder: &SweepFolder) -> Result<(), RunError> {
        if let Some(trade_off) = &self.sweep.trade_off {
            trade_off.keep(folder)?;
        }
        match self.keep_packs(folder) {
            Err(error) if error.is_missing() => {}
            kept => return kept,
        }
        let header = PlanRow::TABLE.header().into_iter().chain(self.keys());
        let row = |(trial, pack): (usize, usize)| {
            let first = [trial.to_string(), pack.to_string(), self.hashes[trial].clone()];
            first.into_iter().chain(self.values(trial)).collect::<Vec<_>>()
        };
        write_columns(
            &folder.plan(),
            &header.collect::<Vec<_>>(),
            self.packs_of_trials().into_iter().enumerate().map(row),
        )
    }

    fn keep_packs(&mut self, folder: &SweepFolder) -> Result<(), RunError> {
        let rows: Vec<PlanRow> = read_table(&folder.plan())?;
        let are_in = |hashes: &[String]| {
            let is_same = |(number, row): (usize, &PlanRow)| {
                row.trial == number && row.pack < rows.len() && hashes[number] == row.hash
            };
            rows.len() == hashes.len() && rows.iter().enumerate().all(is_same)
        };
        if !are_in(&self.hashes) {
            let all: Vec<String> = self.drawn.iter().map(|trial| trial.spec.hash()).collect();
            if all.is_empty() || !are_in(&all) {
                let what = format!("the trials of {} are not those of its sweep.toml", folder.plan().display());
                return Err(RunError::new(what, CHANGED));
            }
            (self.repeats, self.equal) = (repeats(&all), 0);
            (self.trials, self.hashes) = (std::mem::take(&mut self.drawn), all);
        }
        let mut packs = vec![Vec::new(); rows.iter().map(|row| row.pack + 1).max().unwrap_or(0)];
        rows.iter().for_each(|row| packs[row.pack].push(row.trial));
        // Trials of other shapes would be trained as if they were the first one.
        let shape = |trial: usize| shape(&self.trials[trial].spec).hash();
        let is_one = |pack: &Vec<usize>| {
            pack.first().is_some_and(|&first| pack.iter().all(|&trial| shape(trial) == shape(first)))
        };
        if !packs.iter().all(is_one) {
            let what = format!(
                "{} is damaged: a pack of it holds no trials, or trials of several shapes",
                folder.plan().display()
            );
            return Err(RunError::new(what, CHANGED));
        }
        self.packs = packs;
        Ok(())
    }

    /// The pack of every trial.
    pub fn packs_of_trials(&self) -> Vec<usize> {
        let mut packs = vec![0; self.trials.len()];
        for (pack, trials) in self.packs.iter().enumerate() {
            trials.iter().for_each(|&trial| packs[trial] = pack);
        }
        packs
    }

    /// The keys that are varied.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.sweep.space.iter().map(|parameter| parameter.key.as_str())
    }

    /// The values of one trial, as a table has them.
    pub fn values(&self, trial: usize) -> impl Iterator<Item = String> {
        self.trials[trial].values.iter().map(in_words)
    }

    /// Such as `method.apd.rank = 2, decomposition.schedule = cosine`.
    pub fn settings(&self, trial: usize) -> String {
        let pairs = self.keys().zip(self.values(trial)).map(|(key, value)| format!("{key} = {value}"));
        pairs.collect::<Vec<_>>().join(", ")
    }

    /// The specs of one pack.
    pub fn specs(&self, pack: usize) -> impl Iterator<Item = &Spec> {
        self.packs[pack].iter().map(|&trial| &self.trials[trial].spec)
    }

    /// The experiment and what is varied, as the sweep's folder keeps it.
    pub fn sweep_toml(&self) -> String {
        format!("{}\n{}", self.base.to_toml(), self.sweep.to_toml())
    }

    pub fn locate(&self, results: &Path, anew: bool) -> Result<std::path::PathBuf, RunError> {
        SweepFolder::locate(results, &self.base.name, &self.sweep_toml(), anew)
    }

    /// Fails where the sweep's folder could not be opened, and makes nothing.
    pub fn check_open(&self, results: &Path, anew: bool) -> Result<(), RunError> {
        SweepFolder::check_open(results, &self.base.name, &self.sweep_toml(), anew)
    }
    /// The folder of the sweep that an older version made of the same spec, where it understood the spec otherwise.
    pub fn locate_older(&self, results: &Path) -> Result<Option<PathBuf>, RunError> {
        let Some(older) = &self.older else { return Ok(None) };
        let sweep_toml = format!("{}\n{}", self.base.to_toml(), older.to_toml());
        let path = SweepFolder::locate(results, &self.base.name, &sweep_toml, false)?;
        Ok(is_file(&SweepFolder::at(&path).plan())?.then_some(path))
    }
}

/// The places of those that equal an earlier one.
fn repeats(hashes: &[String]) -> BTreeSet<usize> {
    let mut seen = HashSet::new();
    (0..hashes.len()).filter(|&number| !seen.insert(&hashes[number])).collect()
}

/// The trials of each pack.
fn packs(trials: &[Trial], sweep: &Sweep) -> Vec<Vec<usize>> {
    let mut packs: Vec<(String, Vec<usize>)> = Vec::new();
    for (number, trial) in trials.iter().enumerate() {
        let shape = shape(&trial.spec).hash();
        let has_room = |pack: &[usize]| {
            let specs = pack.iter().chain([&number]).map(|&trial| &trials[trial].spec);
            let replicas = (pack.len() + 1) * sweep.seeds.len();
            match sweep.replicas_per_pack {
                Some(most) => replicas <= most,
                None => replicas <= REPLICAS && memory_of(specs, tch::Device::Cpu) <= MEMORY,
            }
        };
        // Earlier ones of the shape are full.
        match packs.iter_mut().rev().find(|(other, _)| *other == shape) {
            Some((_, pack)) if has_room(pack) => pack.push(number),
            _ => packs.push((shape, vec![number])),
        }
    }
    packs.into_iter().map(|(_, pack)| pack).collect()
}

const CHANGED: &str =
    "put the files back as they were, go on with the apd that began the sweep, or start anew beside it with --force";

/// What must be equal in all trials of a pack: the spec with stand-ins for what each replica has of its own.
fn shape(spec: &Spec) -> Spec {
    let mut shape = spec.clone();
    shape.seeds = vec![0; spec.seeds.len()];
    shape.measurement = Measurement { samples: 1, rank_threshold: 0.5 };
    let training = &mut shape.decomposition;
    (training.learning_rate, training.warm_up, training.weight_decay) = (1.0, 0.0, 0.0);
    training.schedule = Schedule::Constant;
    shape.method = spec.method.shape();
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::load_trials;

    fn plan(overrides: &[&str]) -> Plan {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        let trials = load_trials(Path::new("experiments/tms_5-2.toml"), &overrides);
        Plan::new(trials.unwrap_or_else(|error| panic!("{error}")))
    }

    #[test]
    fn trials_of_equal_shape_are_together_and_others_are_not() {
        let numbers = [
            "sweep.seeds=2",
            "sweep.space.method.apd.coefficients.simplicity=[0.1, 1.0]",
            "sweep.space.decomposition.learning_rate=[0.01, 0.03]",
            "sweep.space.decomposition.schedule=['constant', {exponential={half_life=100}}]",
            "sweep.space.method.apd.selection.batch_top_k.k=[0.2, 0.3]",
        ];
        assert_eq!(plan(&numbers).packs, [(0..16).collect::<Vec<_>>()]);
        let structure =
            plan(&["sweep.seeds=1", "sweep.space.method.apd.rank=[1, 2]", "sweep.space.decomposition.batch=[64, 32]"]);
        assert_eq!(structure.packs, [[0], [1], [2], [3]]);
        let losses = plan(&["sweep.seeds=1", "sweep.space.method.apd.coefficients.output=[0.0, 1.0, 2.0]"]);
        assert_eq!(losses.packs, [vec![0], vec![1, 2]]);
    }

    #[test]
    fn a_pack_is_bounded_and_holds_a_trial_at_least() {
        let space = "sweep.space.method.apd.coefficients.simplicity=[1, 2, 3, 4, 5]";
        assert_eq!(
            plan(&[space, "sweep.seeds=3", "sweep.replicas_per_pack=7"]).packs,
            [vec![0, 1], vec![2, 3], vec![4]]
        );
        assert_eq!(plan(&[space, "sweep.seeds=3", "sweep.replicas_per_pack=1"]).packs.len(), 5);
    }

    #[test]
    fn equal_trials_are_made_once() {
        let schatten = plan(&["sweep.space.method.apd.schatten_power=[1, 0.9, 1.0, 0.9]"]);
        assert_eq!((schatten.trials.len(), schatten.equal), (2, 2));
        assert_eq!(schatten.values(0).chain(schatten.values(1)).collect::<Vec<_>>(), ["1", "0.9"]);
        let drawn = plan(&["sweep.space.method.apd.rank=[1, 2]", "sweep.strategy={sobol={trials=16}}"]);
        assert_eq!((drawn.trials.len(), drawn.equal), (2, 14));
        // What is left out of a spec has a value too.
        let default = plan(&["sweep.space.method.apd.columns=['free', 'unit_norm', 'free']"]);
        assert_eq!((default.trials.len(), default.equal), (2, 1));
    }

    /// An older version made every one of them.
    #[test]
    fn the_plan_of_an_older_version_is_kept_and_its_effects_count_equal_trials_once() {
        let results = tempfile::tempdir().unwrap();
        let space = ["sweep.space.method.apd.rank=[1, 1, 2]"];
        let mut plan = plan(&space);
        assert_eq!((plan.trials.len(), plan.equal), (2, 1));
        let folder = SweepFolder::open(results.path(), "tms", &plan.sweep_toml(), false).unwrap();
        let hashes = [0, 0, 1].map(|trial| plan.hashes[trial].clone());
        let rows: Vec<_> = hashes
            .into_iter()
            .zip([0, 0, 1])
            .enumerate()
            .map(|(trial, (hash, pack))| PlanRow { trial, pack, hash })
            .collect();
        crate::run::write_table(&folder.plan(), &rows).unwrap();
        plan.fix(&folder).unwrap();
        for plan in [plan, Plan::read(&folder).unwrap()] {
            assert_eq!((plan.trials.len(), plan.equal, &plan.packs), (3, 0, &vec![vec![0, 1], vec![2]]));
            assert_eq!(plan.repeats, BTreeSet::from([1]));
            let result = |trial: usize, score: f64| crate::sweep::TrialResult {
                trial,
                replicas: 1,
                diverged: 0,
                halted: false,
                judged: 0,
                recovered: None,
                scores: vec![score],
            };
            let effects = crate::sweep::sensitivities(&plan, &[result(0, 3.0), result(1, 3.0), result(2, 1.0)]);
            assert_eq!(effects[0].groups.iter().map(|group| group.trials).collect::<Vec<_>>(), [1, 1]);
        }
    }

    /// For older versions a range in whole numbers meant whole numbers whatever the key.
    #[test]
    fn a_sweep_in_whole_numbers_of_an_older_version_is_read_and_found_as_it_was_understood() {
        let results = tempfile::tempdir().unwrap();
        let space = ["sweep.space.method.apd.schatten_power={from=1, to=2}", "sweep.strategy={sobol={trials=4}}"];
        let new = plan(&space);
        assert_eq!(new.trials.len(), 4, "of real numbers");
        assert_eq!(new.locate_older(results.path()).unwrap(), None);
        let as_then = new.older.clone().unwrap();
        let text = format!("{}\n{}", new.base.to_toml(), as_then.to_toml());
        let folder = SweepFolder::open(results.path(), &new.base.name, &text, false).unwrap();
        let mut old = Plan::new(load_planned(&folder.sweep()).unwrap());
        assert_eq!((0..old.trials.len()).flat_map(|trial| old.values(trial)).collect::<BTreeSet<_>>().len(), 2);
        old.fix(&folder).unwrap();
        assert_eq!(Plan::read(&folder).unwrap().hashes, old.hashes);
        assert_eq!(new.locate_older(results.path()).unwrap().as_deref(), Some(folder.path()));
        assert_ne!(new.locate(results.path(), false).unwrap(), folder.path());
    }

    #[test]
    fn a_plan_is_read_back_from_its_folder_and_a_changed_one_refused() {
        let results = tempfile::tempdir().unwrap();
        let mut plan = plan(&[
            "sweep.strategy={sobol={trials=5}}",
            "sweep.space={z={}}"
                .replace(
                    "z={}",
                    "'method.apd.rank'=[2, 1], 'decomposition.learning_rate'={from=1e-3, to=0.1, scale='log'}",
                )
                .as_str(),
        ]);
        let folder = SweepFolder::open(results.path(), "tms", &plan.sweep_toml(), false).unwrap();
        plan.fix(&folder).unwrap();
        let read = Plan::read(&SweepFolder::existing(folder.path()).unwrap()).unwrap();
        assert_eq!(read.packs, plan.packs);
        assert!(read.trials.iter().zip(&plan.trials).all(|(read, trial)| read.spec == trial.spec));

        let text = std::fs::read_to_string(folder.plan()).unwrap();
        let answer_to = |changed: String| {
            std::fs::write(folder.plan(), changed).unwrap();
            Plan::read(&folder).unwrap_err().what().replace(&folder.plan().display().to_string(), "plan.csv")
        };
        assert_eq!(
            answer_to(text.replacen("\n1,", "\n7,", 1)),
            "the trials of plan.csv are not those of its sweep.toml"
        );
        let pack = |line: &str, pack: usize| {
            let cells: Vec<&str> = line.splitn(3, ',').collect();
            format!("{},{pack},{}\n", cells[0], cells[2])
        };
        let with_packs = |number: fn(usize) -> usize| {
            let rows = text.lines().skip(1).enumerate().map(|(trial, line)| pack(line, number(trial)));
            format!("{}\n{}", text.lines().next().unwrap(), rows.collect::<String>())
        };
        let damaged = "plan.csv is damaged: a pack of it holds no trials, or trials of several shapes";
        assert_eq!(answer_to(with_packs(|_| 0)), damaged);
        assert_eq!(answer_to(with_packs(|trial| trial.max(1))), damaged);
    }
}
