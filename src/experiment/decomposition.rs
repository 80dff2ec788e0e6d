//! The decomposition of one experiment's targets in its run folder.

use super::{
    Finished, Session, check,
    pack::{Member, Pack},
};
use crate::{
    run::{RunFolder, Unfinished},
    spec::Spec,
};

/// Decomposes the targets of all replicas; a finished run is left as it is.
pub fn decompose(spec: &Spec, session: &mut Session) -> Result<Finished, Unfinished> {
    check(spec, &session.place())?;
    let folder = RunFolder::open(&session.results, &spec.name, &spec.hash(), &spec.to_toml(), session.force)?;
    if folder.is_finished()? {
        return Ok(Finished { folder: folder.path().into(), already: true });
    }
    let pack = Pack {
        folder: folder.path().into(),
        checkpoints: folder.checkpoints(),
        members: vec![Member { spec, folder, trial: None }],
        halving: None,
    };
    pack.decompose(session)
}
