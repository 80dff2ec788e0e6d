//! Where reports and exports are written: beside what they are about, or in a folder that their user has named.

use std::{
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::run::{RunError, folder_error, refuse_link};

/// A folder in a run's or a sweep's own, made if it was not there. No link leads out of those.
pub fn own(folder: PathBuf) -> Result<PathBuf, RunError> {
    refuse_link(&folder)?;
    named(folder)
}

/// A folder that its user has named, made if it was not there.
pub fn named(folder: PathBuf) -> Result<PathBuf, RunError> {
    fs::create_dir_all(&folder).map_err(|error| folder_error(&folder, &error))?;
    Ok(folder)
}

/// Names by which these folders can stand beside each other: their own, and where several have the same one, as the trials of
/// several sweeps have, with as many of the folders above as tell them apart.
pub fn names(folders: &[&Path]) -> Vec<OsString> {
    let real: Vec<PathBuf> =
        folders.iter().map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf())).collect();
    let name = |path: &Path, parts: usize| -> OsString {
        let all: Vec<&std::ffi::OsStr> = path
            .components()
            .filter_map(|part| if let Component::Normal(part) = part { Some(part) } else { None })
            .collect();
        all[all.len().saturating_sub(parts)..].join(std::ffi::OsStr::new("_"))
    };
    let is_alone =
        |path: &Path, parts| real.iter().filter(|other| name(other, parts) == name(path, parts)).count() == 1;
    let of = |path: &PathBuf| {
        let most = path.components().count();
        let parts = (1..most).find(|&parts| is_alone(path, parts)).unwrap_or(most);
        name(path, parts)
    };
    real.iter().map(of).collect()
}

/// The way from one folder to another, as a link in a page has it: `..`, or `../../runs/tms-sweep-0a1b2c3d`.
pub fn link(from: &Path, to: &Path) -> String {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (from, to) = (real(from), real(to));
    let shared = from.components().zip(to.components()).take_while(|(from, to)| from == to).count();
    let up = from.components().skip(shared).map(|_| "..".to_owned());
    let down = to.components().skip(shared).map(|part| encoded(part.as_os_str().as_encoded_bytes()));
    let steps: Vec<String> = up.chain(down).collect();
    if steps.is_empty() { ".".to_owned() } else { steps.join("/") }
}

/// What a URL takes as it is; everything else as `%` and two digits.
fn encoded(name: &[u8]) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.iter()
        .map(|&byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_name_are_told_apart_by_those_above() {
        let folders = ["runs/a-sweep/trials/0000", "runs/b-sweep/trials/0000", "runs/tms", "x"].map(Path::new);
        assert_eq!(names(&folders), ["a-sweep_trials_0000", "b-sweep_trials_0000", "tms", "x"]);
    }

    #[test]
    fn links_lead_from_folder_to_folder() {
        let link = |from, to| link(Path::new(from), Path::new(to));
        assert_eq!(link("/runs/a/report", "/runs/a"), "..");
        assert_eq!(link("/out", "/my runs/a%b"), "../my%20runs/a%25b");
        assert_eq!(link("/out", "/out"), ".");
    }
}
