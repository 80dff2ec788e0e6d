//! Which replicas have diverged, as a note in a file of tensors.

use crate::fit::Divergence;

/// The key of the note in a file of components.
pub const NOTE: &str = "diverged";

pub fn to_note(divergences: &[Divergence]) -> String {
    serde_json::to_string(divergences).expect("plain data")
}

/// Files of older versions have no such note.
///
/// # Errors
/// What is wrong with the note.
pub fn from_note(note: &str) -> Result<Vec<Divergence>, String> {
    if note.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(note).map_err(|error| format!("its list of diverged replicas cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_and_an_old_file_has_none() {
        let divergences = vec![Divergence { replica: 3, step: 120, what: "embed.A".into() }];
        assert_eq!(from_note(&to_note(&divergences)), Ok(divergences));
        assert_eq!(from_note(""), Ok(Vec::new()));
        assert!(from_note("[").is_err_and(|why| why.starts_with("its list of diverged replicas cannot be read: ")));
    }
}
