//! The memory that this process can get. A process that takes more than there is would be killed without a word.

use std::{fs, path::Path};

use tch::Device;

use crate::run::RunError;

/// Tells the allocator to keep what is freed: a step allocates and frees the same few large tensors, and fetching their
/// pages from the system anew each time would cost a fifth of it. For the start of a process.
pub fn keep_freed_memory() {
    const KEPT_BYTES: libc::c_int = 1 << 30;
    // SAFETY: sets two parameters of the allocator; nothing is invalidated.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES);
    }
}

/// Refuses to begin what needs more bytes than there are. A GPU's memory is not asked for: libtorch says itself when it
/// is full.
pub fn check(needed: f64, device: Device) -> Result<(), RunError> {
    match available() {
        Some(available) if needed > available && !device.is_cuda() => Err(RunError::new(
            format!("this needs about {} of memory, and {} are free", in_words(needed), in_words(available)),
            "use fewer seeds, components or features, or a smaller rank or batch; `apd check` tells what a spec needs",
        )),
        _ => Ok(()),
    }
}

/// For example `2.5 GB`.
pub fn in_words(bytes: f64) -> String {
    match bytes {
        1e12.. => format!("{:.1} TB", bytes / 1e12),
        1e9.. => format!("{:.1} GB", bytes / 1e9),
        _ => format!("{:.0} MB", (bytes / 1e6).max(1.0)),
    }
}

/// Bytes that this process can still get: what the system has free, but not more than a batch system or a container
/// allows. `None` where the system does not say.
fn available() -> Option<f64> {
    let free = free(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Some(limit(Path::new("/sys/fs/cgroup"), &groups).map_or(free, |limit| limit.min(free)))
}

/// Memory and swap, from the text of /proc/meminfo.
fn free(about: &str) -> Option<f64> {
    let kilobytes = |key: &str| {
        let line = about.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    Some(1024.0 * (kilobytes("MemAvailable")? + kilobytes("SwapFree").unwrap_or(0.0)))
}

/// The least limit of the control groups (version 2) around this process, from the text of /proc/self/cgroup.
fn limit(root: &Path, groups: &str) -> Option<f64> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let group = root.join(own);
    let around = group.ancestors().take_while(|group| group.starts_with(root));
    let limits = around.filter_map(|group| fs::read_to_string(group.join("memory.max")).ok()?.trim().parse().ok());
    limits.reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_memory_and_swap() {
        let about = "MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable:      50 kB\nSwapFree: 4 kB\n";
        assert_eq!(free(about), Some(54.0 * 1024.0));
        assert_eq!(free("MemFree: 10 kB\n"), None);
    }

    #[test]
    fn the_least_limit_around_a_process_counts() {
        let root = tempfile::tempdir().unwrap();
        let job = root.path().join("batch/job");
        fs::create_dir_all(&job).unwrap();
        fs::write(job.join("memory.max"), "max\n").unwrap();
        assert_eq!(limit(root.path(), "0::/batch/job\n"), None);
        fs::write(root.path().join("batch/memory.max"), "5000\n").unwrap();
        assert_eq!(limit(root.path(), "1:cpu:/\n0::/batch/job\n"), Some(5000.0));
        assert_eq!(limit(root.path(), ""), None);
    }

    #[test]
    fn too_much_is_refused_with_what_to_do() {
        check(1e6, Device::Cpu).unwrap();
        check(1e18, Device::Cuda(0)).unwrap();
        let error = check(1e18, Device::Cpu).unwrap_err();
        assert!(error.what().starts_with("this needs about 1000000.0 TB of memory, and "), "{error}");
    }
}
