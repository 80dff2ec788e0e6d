//! The numbers of a run's components where each lives at one site: factors of a site begin with the component of this number.

use safetensors::SafeTensors;

/// By site the number of the first component that lives there; all live at all sites where none is named.
pub struct Numbering(Vec<(String, usize)>);

impl Numbering {
    /// The note that `components.safetensors`, these bytes, has on it: "embed 0, hidden.0 3".
    pub fn read(file: &[u8]) -> Self {
        let metadata = SafeTensors::read_metadata(file).ok();
        let note = metadata.as_ref().and_then(|(_, metadata)| metadata.metadata().as_ref()?.get("first_components"));
        let of_site = |part: &str| {
            let (site, first) = part.rsplit_once(' ')?;
            Some((site.to_owned(), first.parse().ok()?))
        };
        Self(note.into_iter().flat_map(|note| note.split(", ")).filter_map(of_site).collect())
    }

    pub fn first_at(&self, site: &str) -> usize {
        self.0.iter().find(|(name, _)| name == site).map_or(0, |(_, first)| *first)
    }

    pub fn is_of_all_sites(&self) -> bool {
        self.0.is_empty()
    }
}
