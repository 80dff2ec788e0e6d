//! How much memory an experiment needs, and whether there is so much. Too much for the system's taste, and it would kill
//! the process without a word.

use std::{fs, path::Path};

use tch::Device;

use crate::{
    method::Method,
    network::ERROR_BATCH,
    run::RunError,
    site::Site,
    spec::{Spec, Target},
};

/// Bytes of a float32.
const FLOAT: f64 = 4.0;

/// Number of entries of A and B of all components at all sites of one replica.
pub fn factors(spec: &Spec) -> i64 {
    let Method::Apd(apd) = &spec.method;
    let at_site = |site: &Site| apd.components as i64 * apd.rank as i64 * (site.d_in + site.d_out);
    spec.target.network.sites().iter().map(at_site).sum()
}

/// Bytes for training the targets, an estimate: weights with their gradient and two moments, and for each sample the
/// values that the backward pass comes back to.
pub fn of_target(spec: &Spec) -> f64 {
    let Target { seed, network, training, .. } = &spec.target;
    let replicas = if seed.is_some() { 1.0 } else { spec.seeds.len() as f64 };
    let batch = training.as_ref().map_or(0, |training| training.batch.max(ERROR_BATCH));
    FLOAT * replicas * (4.0 * network.parameters() as f64 + batch as f64 * values(spec))
}

/// Bytes for the whole experiment, an estimate: the largest of targets, decomposition and measurement.
///
/// The decomposition has for each replica the factors with their gradient and two moments, the components' matrices side
/// by side in both directions (each built up from a product), and for each sample its values and the table of
/// attributions with its selection; on a GPU all samples go through the tangents at once. The measurement of one replica
/// takes its components' matrices in double precision, with their squares and products, and how often any two components
/// are active together, beside all factors.
pub fn of_experiment(spec: &Spec, device: Device) -> f64 {
    let Method::Apd(apd) = &spec.method;
    let network = &spec.target.network;
    let (components, batch) = (apd.components as f64, spec.decomposition.batch as f64);
    let matrices = components * network.parameters() as f64;
    let values = values(spec);
    let tangents = if device.is_cuda() { 2.0 * components * values } else { 0.0 };
    let of_sample = values + 3.0 * components + tangents;
    let (replicas, factors) = (spec.seeds.len() as f64, factors(spec) as f64);
    let training = FLOAT * replicas * (4.0 * factors + 4.0 * matrices + batch * of_sample);
    of_target(spec).max(training).max(of_measurement(spec))
}

/// Bytes for measuring finished components, an estimate.
pub fn of_measurement(spec: &Spec) -> f64 {
    let Method::Apd(apd) = &spec.method;
    let matrices = apd.components as f64 * spec.target.network.parameters() as f64;
    let pairs = (apd.components as f64).powi(2);
    FLOAT * (spec.seeds.len() as f64 * factors(spec) as f64 + 6.0 * matrices + 5.0 * pairs)
}

/// Number of entries of all values that one sample takes on its way through the network.
fn values(spec: &Spec) -> f64 {
    let network = &spec.target.network;
    let widths: i64 = network.sites().iter().map(|site| site.d_out).sum();
    widths as f64 + 3.0 * network.features() as f64
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
