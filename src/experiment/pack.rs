//! Experiments whose replicas are trained together, each with its own settings and its own run folder. A single experiment
//! is a pack of one.

use std::{ops::Range, path::PathBuf};

use tch::Device;

use super::{
    Outcome, Session, divergence,
    measurement::measure,
    memory, save, tables,
    target_tables::copy_target_tables,
    targets::{self, Obtained},
};
use crate::{
    components::Components,
    fit::{Divergence, End, Fit, InputStream, LogRow, State, Training},
    method::{Apd, Decomposition, Method},
    network::{Network, Weights},
    random::Purpose,
    run::{Checkpoints, Provenance, RunError, RunFolder, Status, write_table, write_tensors},
    spec::Spec,
};

/// One of the experiments of a pack.
pub struct Member<'a> {
    pub spec: &'a Spec,
    /// Locked.
    pub folder: RunFolder,
}

/// Experiments that differ in nothing but numbers of losses, selection and schedules, in seeds, initial factors and
/// measurements. A pack keeps its members when it is gone on with, the finished ones too: they are trained as before, so
/// that the others are.
pub struct Pack<'a> {
    /// What an interrupted one is to be found by.
    pub folder: PathBuf,
    pub checkpoints: Checkpoints,
    /// In the order of their replicas.
    pub members: Vec<Member<'a>>,
}

/// The experiment that a pack of these is as a whole: that of the first with the seeds of all.
pub fn joint<'a>(specs: impl IntoIterator<Item = &'a Spec>) -> Spec {
    let specs: Vec<&Spec> = specs.into_iter().collect();
    Spec { seeds: specs.iter().flat_map(|spec| spec.seeds.clone()).collect(), ..specs[0].clone() }
}

/// Bytes for a pack of these, an estimate.
pub fn memory_of<'a>(specs: impl IntoIterator<Item = &'a Spec>, device: Device) -> f64 {
    memory::of_experiment(&joint(specs), device)
}

impl Pack<'_> {
    /// Decomposes the targets of all replicas and measures every member that is not finished.
    pub fn decompose(&self, session: &mut Session) -> Result<Outcome, RunError> {
        let begin = |member: &Member| {
            let finished = member.folder.is_finished();
            let begun = || Provenance::begin(&member.folder.provenance(), session.machine());
            (!finished).then(begun).transpose()
        };
        let mut provenances = self.members.iter().map(begin).collect::<Result<Vec<_>, _>>()?;
        let outcome = self.find_components(session, &mut provenances);
        let mut unfinished = provenances.iter_mut().flatten().filter(|provenance| provenance.status == Status::Running);
        match &outcome {
            // Only now: until the runs count as finished, a checkpoint spares the training.
            Ok(Outcome::Finished { .. }) => self.checkpoints.clear()?,
            Ok(Outcome::Interrupted { .. }) => {
                unfinished.try_for_each(|provenance| provenance.end(Status::Interrupted))?;
            }
            // The first error is the one to tell; that a folder cannot be written may be its very reason.
            Err(error) => unfinished.for_each(|provenance| drop(provenance.fail(error))),
        }
        outcome
    }

    fn find_components(
        &self,
        session: &mut Session,
        provenances: &mut [Option<Provenance>],
    ) -> Result<Outcome, RunError> {
        let joint = joint(self.members.iter().map(|member| member.spec));
        let weights = match targets::obtain(&joint, session)? {
            Obtained::Weights(weights) => weights,
            Obtained::Interrupted(outcome) => return Ok(outcome),
        };
        let network = &joint.target.network;
        for ((Member { spec, folder }, replicas), provenance) in self.members_with_replicas().zip(&mut *provenances) {
            if let Some(provenance) = provenance {
                copy_target_tables(spec, &session.results, folder)?;
                let tensors = weights.of_replicas(replicas).named(network);
                write_tensors(&folder.target(), &tensors, &[("axes", "replica, d_in, d_out".into())])?;
                provenance.has_targets()?;
            }
        }
        let weights = weights.to_device(session.device);
        let Some(fitted) = self.fit(&joint, &weights, session)? else { return self.interrupted(&joint) };
        let Fitted { components, log, divergences } = fitted;
        for ((member, replicas), provenance) in self.members_with_replicas().zip(provenances) {
            let Some(provenance) = provenance else { continue };
            let Member { spec, folder } = member;
            let of_member = log.iter().filter(|row| replicas.contains(&row.replica));
            let rows = of_member.map(|row| LogRow { replica: row.replica - replicas.start, ..row.clone() });
            write_table(&folder.training_table(), tables::TRAINING, rows)?;
            let of_member = divergences.iter().filter(|divergence| replicas.contains(&divergence.replica));
            let renumbered =
                |found: &Divergence| Divergence { replica: found.replica - replicas.start, ..found.clone() };
            let divergences: Vec<Divergence> = of_member.map(renumbered).collect();
            let (weights, components) = (weights.of_replicas(replicas.clone()), components.of_replicas(replicas));
            let axes = "A: replica, component, d_in, rank; B: replica, component, rank, d_out";
            let notes = [("axes", axes.into()), (divergence::NOTE, divergence::to_note(&divergences))];
            write_tensors(&folder.components(), &components.to_files(&network.sites()), &notes)?;
            if !measure(spec, &weights, &components, &divergences, folder, &session.interrupt)? {
                return self.interrupted(&joint);
            }
            provenance.end(Status::Finished)?;
        }
        Ok(Outcome::Finished { folder: self.folder.clone(), already: false })
    }

    fn interrupted(&self, joint: &Spec) -> Result<Outcome, RunError> {
        let step = self.checkpoints.load::<LogRow>()?.map_or(0, |checkpoint| checkpoint.step);
        let steps = joint.decomposition.steps;
        Ok(Outcome::Interrupted { folder: self.folder.clone(), stage: "components".into(), step, steps })
    }

    /// Each member with the places of its replicas among those of all.
    fn members_with_replicas(&self) -> impl Iterator<Item = (&Member<'_>, Range<usize>)> {
        self.members.iter().scan(0, |end, member| {
            let first = *end;
            *end += member.spec.seeds.len();
            Some((member, first..*end))
        })
    }

    /// `None` if interrupted.
    fn fit(&self, joint: &Spec, weights: &Weights, session: &mut Session) -> Result<Option<Fitted>, RunError> {
        let specs: Vec<&Spec> = self.members.iter().map(|member| member.spec).collect();
        let decomposition = untrained(&specs, &joint.target.network, weights, session.device);
        let mut fit = Fit::new(&decomposition, trainings(&specs), inputs(joint), session.device, session.threads);
        if let End::Stopped { .. } = session.fit("components", &mut fit, &self.checkpoints)? {
            return Ok(None);
        }
        // A kill during the measurements must not cost the training.
        let state = fit.state();
        save(&self.checkpoints, &state)?;
        let State { log, divergences, .. } = state;
        drop(fit);
        Ok(Some(Fitted { components: decomposition.into_components(), log, divergences }))
    }
}

/// What comes of the training of all replicas.
struct Fitted {
    components: Components,
    log: Vec<LogRow>,
    divergences: Vec<Divergence>,
}

/// Where the decomposition of `weights`, the targets of all replicas, begins.
pub fn untrained<'n>(specs: &[&Spec], network: &'n Network, weights: &Weights, device: Device) -> Decomposition<'n> {
    let sites = network.sites();
    let random = |spec: &&Spec| {
        let Method::Apd(apd) = &spec.method;
        apd.initial_components(&sites, &spec.seeds)
    };
    let components = Components::stack(&specs.iter().map(random).collect::<Vec<_>>()).to_device(device);
    let settings = |spec: &&Spec| -> Vec<Apd> {
        let Method::Apd(apd) = &spec.method;
        vec![apd.clone(); spec.seeds.len()]
    };
    Decomposition::new(network, weights, specs.iter().flat_map(settings).collect(), components)
}

/// Of every replica.
pub fn trainings(specs: &[&Spec]) -> Vec<Training> {
    specs.iter().flat_map(|spec| vec![spec.decomposition.clone(); spec.seeds.len()]).collect()
}

/// Of all replicas.
pub fn inputs(joint: &Spec) -> InputStream {
    InputStream {
        inputs: joint.target.inputs.clone(),
        features: joint.target.network.features(),
        seeds: joint.seeds.clone(),
        purpose: Purpose::DecompositionInputs,
    }
}
