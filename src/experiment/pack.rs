//! Experiments whose replicas are trained together, each with its own settings and its own run folder. A single experiment
//! is a pack of one.

mod rounds;

use std::path::PathBuf;

use tch::Device;

use super::{Finished, Session, halving::Halving, memory_needed, target_tables::copy_target_tables, targets};
use crate::{
    fit::{InputStream, Training},
    method::Decomposition,
    network::Network,
    random::Purpose,
    run::{Checkpoints, Provenance, RunFolder, Status, Unfinished, write_tensors},
    spec::Spec,
    weights::Weights,
};

/// One of the experiments of a pack.
pub struct Member<'a> {
    pub spec: &'a Spec,
    /// Locked.
    pub folder: RunFolder,
    /// Its number in a sweep.
    pub trial: Option<usize>,
}

impl Member<'_> {
    /// What each of its replicas is called, the first of which is `first` among those that are trained together.
    fn names(&self, first: usize) -> impl Iterator<Item = String> {
        (first..).zip(&self.spec.seeds).map(|(replica, seed)| match self.trial {
            Some(trial) => format!("trial {trial}, seed {seed}"),
            None => format!("replica {replica} (seed {seed})"),
        })
    }
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
    /// Unset: all are trained to their ends.
    pub halving: Option<Halving>,
}

/// The experiment that a pack of these is as a whole: that of the first with the seeds of all.
pub fn joint<'a>(specs: impl IntoIterator<Item = &'a Spec>) -> Spec {
    let specs: Vec<&Spec> = specs.into_iter().collect();
    Spec { seeds: specs.iter().flat_map(|spec| spec.seeds.clone()).collect(), ..specs[0].clone() }
}

/// Bytes for a pack of these, an estimate.
pub fn memory_of<'a>(specs: impl IntoIterator<Item = &'a Spec>, device: Device) -> f64 {
    memory_needed::of_experiment(&joint(specs), device)
}

impl Pack<'_> {
    /// Decomposes the targets of all replicas and measures every member that is not finished.
    pub fn decompose(&self, session: &mut Session) -> Result<Finished, Unfinished> {
        let begin = |member: &Member| {
            let finished = member.folder.is_finished()?;
            let begun =
                || Provenance::begin(&member.folder.provenance(), session.machine(), Some(member.spec.describe()));
            (!finished).then(begun).transpose()
        };
        let mut provenances = self.members.iter().map(begin).collect::<Result<Vec<_>, _>>()?;
        let ended = self.find_components(session, &mut provenances);
        let mut unfinished = provenances.iter_mut().flatten().filter(|provenance| provenance.status == Status::Running);
        match &ended {
            // Only now: until the runs count as finished, a checkpoint spares the training.
            Ok(()) => self.clear_checkpoints()?,
            Err(Unfinished::Interrupted(_)) => {
                unfinished.try_for_each(|provenance| provenance.end(Status::Interrupted))?;
            }
            // The first error is the one to tell; that a folder cannot be written may be its very reason.
            Err(Unfinished::Failed(error)) => unfinished.for_each(|provenance| drop(provenance.fail(error))),
        }
        ended.map(|()| Finished { folder: self.folder.clone(), already: false })
    }

    fn find_components(&self, session: &mut Session, provenances: &mut [Option<Provenance>]) -> Result<(), Unfinished> {
        let joint = joint(self.members.iter().map(|member| member.spec));
        let weights = targets::obtain(&joint, session)?;
        let all: Vec<usize> = (0..self.members.len()).collect();
        for ((Member { spec, folder, .. }, replicas), provenance) in
            self.members.iter().zip(self.replicas_of(&all)).zip(&mut *provenances)
        {
            if let Some(provenance) = provenance {
                copy_target_tables(spec, &session.results, folder)?;
                let tensors = weights.of_replicas(replicas).named(&joint.target.network);
                write_tensors(&folder.target(), &tensors, &[("axes", "replica, d_in, d_out".into())])?;
                provenance.has_targets()?;
            }
        }
        self.train(&weights.to_device(session.device), session, provenances)
    }
}

/// Where the decomposition of `weights`, the targets of all replicas, begins.
pub fn untrained<'n>(
    specs: &[&Spec],
    network: &'n Network,
    weights: &Weights,
    device: Device,
) -> Box<dyn Decomposition + 'n> {
    let pack: Vec<_> = specs.iter().map(|spec| (&spec.method, &spec.seeds[..])).collect();
    specs[0].method.untrained(&pack, specs[0].decomposition.batch, network, weights, device)
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
