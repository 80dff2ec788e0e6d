//! The training of a pack: one round to the end, or several, after each of which halving ends some members.
//!
//! Every round has checkpoints of its own, which hold the replicas of those members that were left. They stay until the
//! pack is finished, so that one is never taken for that of another round.

use std::{ops::Range, time::Instant};

use super::{Member, Pack, inputs, joint, trainings, untrained};
use crate::{
    experiment::{
        Leg, Session, divergence, load,
        measurement::{Trained, measure, outlook},
        save,
    },
    fit::{Fit, State},
    interrupt::{Interrupted, Stage, Work},
    method::Decomposed,
    run::{Checkpoints, Provenance, RunError, Status, Unfinished, write_tensors},
    statistics::score_of_diverged,
    weights::Weights,
};

/// What comes of a round.
struct Fitted<'n> {
    decomposed: Box<dyn Decomposed + 'n>,
    state: State,
}

impl Pack<'_> {
    /// Trains all members and measures those that end; `weights` are the targets of all replicas.
    pub(super) fn train(
        &self,
        weights: &Weights,
        session: &mut Session,
        provenances: &mut [Option<Provenance>],
    ) -> Result<(), Unfinished> {
        let ends = self.ends();
        let (first_round, mut state) = self.begin()?;
        let mut going = self.left_in(first_round)?;
        for (round, &until) in ends.iter().enumerate().skip(first_round) {
            let weights = self.weights_of(&going, weights);
            let leg = Leg { from: state, until, checkpoints: &self.checkpoints_of(round), folder: &self.folder };
            let begun = Instant::now();
            let fitted = self.fit(&going, &weights, leg, session);
            for &member in &going {
                provenances[member].iter_mut().for_each(|of| of.has_trained(begun.elapsed().as_secs_f64()));
            }
            let fitted = fitted?;
            let is_last = round + 1 == ends.len();
            let work = session.interrupt.of_work(Stage::Components, until, ends[ends.len() - 1], &self.folder);
            let kept = if is_last { Vec::new() } else { self.kept(&going, &fitted, &work)? };
            let replicas = self.replicas_of(&going);
            for (&member, replicas) in going.iter().zip(&replicas).filter(|(member, _)| !kept.contains(member)) {
                let Some(provenance) = &mut provenances[member] else { continue };
                let halted_at = (!is_last).then_some(until);
                finish(&self.members[member], &fitted, replicas, halted_at, &work)?;
                provenance.halted_at = halted_at;
                provenance.end(Status::Finished)?;
            }
            if is_last {
                break;
            }
            let parts =
                going.iter().zip(replicas).filter(|(member, _)| kept.contains(member)).map(|(_, replicas)| replicas);
            state = Some(fitted.state.of_replicas(&parts.collect::<Vec<_>>()));
            going = kept;
        }
        Ok(())
    }

    /// After how many steps each round ends.
    fn ends(&self) -> Vec<u64> {
        let steps = self.members[0].spec.decomposition.steps;
        let rungs = self.halving.filter(|_| self.members.len() > 1).map(|halving| halving.rungs(steps));
        rungs.into_iter().flatten().chain([steps]).collect()
    }

    /// The round to go on with, and its state unless it is at its beginning.
    fn begin(&self) -> Result<(usize, Option<State>), RunError> {
        for round in (0..self.ends().len()).rev() {
            if let Some(state) = load(&self.checkpoints_of(round))? {
                return Ok((round, Some(state)));
            }
        }
        Ok((0, None))
    }

    fn checkpoints_of(&self, round: usize) -> Checkpoints {
        if round == 0 { self.checkpoints.clone() } else { self.checkpoints.of(&format!("round {round}")) }
    }

    pub(super) fn clear_checkpoints(&self) -> Result<(), RunError> {
        (0..self.ends().len()).rev().try_for_each(|round| self.checkpoints_of(round).clear())
    }

    /// The members that no earlier round has ended.
    fn left_in(&self, round: usize) -> Result<Vec<usize>, RunError> {
        let ended = &self.ends()[..round];
        let mut left = Vec::new();
        for (number, member) in self.members.iter().enumerate() {
            let halted_at = match round {
                0 => None,
                _ => Provenance::read(&member.folder.provenance())?.halted_at,
            };
            if halted_at.is_none_or(|step| !ended.contains(&step)) {
                left.push(number);
            }
        }
        Ok(left)
    }

    /// The places of the replicas of these members among those of them all.
    pub(super) fn replicas_of(&self, members: &[usize]) -> Vec<Range<usize>> {
        let place = |end: &mut usize, &member: &usize| {
            let first = *end;
            *end += self.members[member].spec.seeds.len();
            Some(first..*end)
        };
        members.iter().scan(0, place).collect()
    }

    /// The targets of these members, of those of all.
    fn weights_of(&self, members: &[usize], weights: &Weights) -> Weights {
        let all: Vec<usize> = (0..self.members.len()).collect();
        let replicas = self.replicas_of(&all);
        let parts: Vec<Weights> = members.iter().map(|&member| weights.of_replicas(replicas[member].clone())).collect();
        Weights::stack(&parts)
    }

    fn fit<'n>(
        &self,
        members: &[usize],
        weights: &Weights,
        leg: Leg,
        session: &mut Session,
    ) -> Result<Fitted<'n>, Unfinished>
    where
        Self: 'n,
    {
        let specs: Vec<_> = members.iter().map(|&member| self.members[member].spec).collect();
        let joint = joint(specs.iter().copied());
        let decomposition = untrained(&specs, &specs[0].target.network, weights, session.device);
        let mut fit = Fit::new(&*decomposition, trainings(&specs), inputs(&joint), session.device, session.threads);
        let names = members.iter().zip(self.replicas_of(members));
        fit.name_replicas(names.flat_map(|(&member, replicas)| self.members[member].names(replicas.start)).collect());
        let checkpoints = leg.checkpoints;
        session.fit(Stage::Components, &mut fit, leg)?;
        let state = fit.state();
        // A kill during the measurements must not cost the training.
        save(checkpoints, &state)?;
        drop(fit);
        Ok(Fitted { decomposed: decomposition, state })
    }

    /// The members that go on after a round.
    fn kept(&self, going: &[usize], fitted: &Fitted, work: &Work) -> Result<Vec<usize>, Interrupted> {
        let halving = self.halving.expect("there is one round without");
        let has_diverged = |replica: usize| fitted.state.divergences.iter().any(|found| found.replica == replica);
        let mut outlooks = Vec::new();
        for (&member, replicas) in going.iter().zip(self.replicas_of(going)) {
            let spec = self.members[member].spec;
            let mut of_member = Vec::new();
            for (place, replica) in replicas.enumerate() {
                of_member.push(if has_diverged(replica) {
                    None
                } else {
                    let decomposed = fitted.decomposed.replicas(replica..replica + 1);
                    Some(outlook(spec, place, &*decomposed, halving.measurement, work)?)
                });
            }
            outlooks.push(of_member);
        }
        let worst = score_of_diverged(outlooks.iter().flatten().flatten().copied());
        let mean = |outlooks: &Vec<Option<f64>>| {
            outlooks.iter().map(|outlook| outlook.unwrap_or(worst)).sum::<f64>() / outlooks.len() as f64
        };
        let values: Vec<f64> = outlooks.iter().map(mean).collect();
        let kept: Vec<usize> = halving.best(&values).into_iter().map(|place| going[place]).collect();
        for (&member, value) in going.iter().zip(&values) {
            let folder = self.members[member].folder.path();
            let what = if kept.contains(&member) { "goes on" } else { "ends" };
            tracing::info!("after {} steps {} {what}: {value:.3}", fitted.state.step, folder.display());
        }
        Ok(kept)
    }
}

/// Writes what came of a member whose replicas are these of a round, and measures it.
fn finish(
    member: &Member,
    fitted: &Fitted,
    replicas: &Range<usize>,
    halted_at: Option<u64>,
    work: &Work,
) -> Result<(), Unfinished> {
    let Member { spec, folder, .. } = member;
    let (log, divergences) = fitted.state.records_of(std::slice::from_ref(replicas));
    folder.write_table(log)?;
    let decomposed = &*fitted.decomposed.replicas(replicas.clone());
    let axes = "A: replica, component, d_in, rank; B: replica, component, rank, d_out";
    let numbering = decomposed.components().numbering(&spec.target.network.sites());
    let notes = [("axes", axes.into()), (divergence::NOTE, divergence::to_note(&divergences))];
    let notes: Vec<_> = notes.into_iter().chain(numbering.map(|numbering| ("first_components", numbering))).collect();
    write_tensors(&folder.components(), &decomposed.to_files(), &notes)?;
    measure(spec, &Trained { decomposed, divergences, halted_at }, folder, work)
}
