//! The libtorch that a program runs on: where it is, and which version it is.
//!
//! The build script reads this file too, so it needs nothing but the standard library.

use std::fs;
use std::path::{Path, PathBuf};

/// The one version that the crate tch works with.
pub const NEEDED_VERSION: &str = "2.11.0";

/// The file of libtorch's CPU half, without which nothing starts.
pub const CPU_LIBRARY: &str = "libtorch_cpu.so";

/// The folder from which this process has loaded libtorch, links resolved, as the kernel knows it.
pub fn loaded_folder() -> Option<PathBuf> {
    folder_in_maps(&fs::read_to_string("/proc/self/maps").ok()?)
}

/// Finds libtorch's folder in the text of `/proc/self/maps`, whose lines end with the path of the mapped file.
fn folder_in_maps(maps: &str) -> Option<PathBuf> {
    maps.lines().find_map(|line| {
        let path = Path::new(&line[line.find('/')?..]);
        (path.file_name()? == CPU_LIBRARY).then(|| path.parent())?.map(Path::to_owned)
    })
}

/// The version of the libtorch whose libraries are in `folder`, such as `2.11.0+cu130`; `None` where it does not say.
///
/// It is written beside `lib`: in `version.py` where libtorch came as a wheel, in `build-version` where it came as the
/// zip file from pytorch.org.
pub fn version_in(folder: &Path) -> Option<String> {
    let beside = folder.parent()?;
    if let Ok(text) = fs::read_to_string(beside.join("version.py")) {
        let quoted = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
        return Some(quoted.trim_matches(['\'', '"']).to_owned());
    }
    let text = fs::read_to_string(beside.join("build-version")).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaded_folder_is_found_among_other_files() {
        let maps = "55d0-55d1 r--p 00000000 fe:00 12 /usr/bin/apd\n\
                    7f00-7f01 rw-p 00000000 00:00 0 \n\
                    7f01-7f02 r-xp 00000000 fe:00 13 /a folder/torch/lib/libtorch_cpu.so\n";
        assert_eq!(folder_in_maps(maps), Some(PathBuf::from("/a folder/torch/lib")));
        assert_eq!(folder_in_maps("7f00-7f01 rw-p 00000000 00:00 0 [heap]\n"), None);
    }

    #[test]
    fn this_process_runs_on_the_version_that_it_was_built_against() {
        // Something must be asked of libtorch, or the linker leaves it away.
        tch::get_num_threads();
        let folder = loaded_folder().expect("libtorch is loaded");
        if let Some(version) = version_in(&folder) {
            assert_eq!(version.split('+').next(), Some(NEEDED_VERSION), "in {}", folder.display());
        }
    }

    #[test]
    fn the_version_is_read_from_a_wheel_and_from_a_zip() {
        let root = tempfile::tempdir().unwrap();
        let lib = root.path().join("lib");
        assert_eq!(version_in(&lib), None);
        fs::write(root.path().join("build-version"), "2.11.0+cpu\n").unwrap();
        assert_eq!(version_in(&lib).as_deref(), Some("2.11.0+cpu"));
        fs::write(root.path().join("version.py"), "debug = False\n__version__ = '2.11.0+cu130'\n").unwrap();
        assert_eq!(version_in(&lib).as_deref(), Some("2.11.0+cu130"));
    }
}
