//! The decomposition of one experiment's targets in its run folder.

use super::{
    Outcome, Session, check,
    pack::{Member, Pack},
};
use crate::{
    run::{RunError, RunFolder},
    spec::Spec,
};

/// Decomposes the targets of all replicas; a finished run is left as it is.
pub fn decompose(spec: &Spec, session: &mut Session) -> Result<Outcome, RunError> {
    check(spec, &session.place())?;
    let folder = RunFolder::open(&session.results, &spec.name, &spec.hash(), &spec.to_toml(), session.force)?;
    if folder.is_finished()? {
        return Ok(Outcome::Finished { folder: folder.path().into(), already: true });
    }
    let pack = Pack {
        folder: folder.path().into(),
        checkpoints: folder.checkpoints(),
        members: vec![Member { spec, folder, trial: None }],
        halving: None,
    };
    pack.decompose(session)
}
