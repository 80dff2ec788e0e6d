//! What the scripts around the benchmarks do with a table, and on a machine without a GPU. Nothing is measured.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use snapbox::{assert_data_eq, str};
use tempfile::TempDir;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

const TABLE: &str = "\
varied,experiment,device,threads,replicas,components,rank,width,layers,batch,milliseconds,milliseconds_low,milliseconds_high,steps_a_second,operations,share_of_product_rate,product_rate,milliseconds_of_products,milliseconds_of_bytes,copy_rate,times_least,peak_memory,initial_memory,expected_memory,target_milliseconds,literal_milliseconds,literal_operations,literal_ratio,literal_peak_memory
,tms_5-2,cpu,2,12,5,3,2,0,2048,2.5,2.4,2.6,400.0,17400000.0,0.07,100.0,1.0,0.1,10.0,2.273,300.0,250.0,20.0,0.5,50.0,50000000.0,20.0,400.0
,residual_mlp_1_layer,cpu,2,1,130,50,1000,1,256,180.0,179.0,181.0,5.556,8600000000.0,0.4778,100.0,80.0,70.0,9.0,1.2,800.0,250.0,900.0,20.0,,280000000000.0,,
";

const MACHINE: &str = "\
processor = \"Intel Xeon\"
cores = 2
threads = 2
libtorch = \"2.11.0\"
commit = \"0123456789abcdef\"
commit_dirty = false
";

/// `scripts/bench --readme` with the results in `results`.
fn write_readme(readme: &Path, results: &Path) -> Output {
    let script = Path::new(REPOSITORY).join("scripts/bench");
    Command::new(script).arg("--readme").env("APD_README", readme).env("APD_BENCHMARKS", results).output().unwrap()
}

#[test]
fn the_tables_take_the_place_between_the_marks() {
    let folder = TempDir::new().unwrap();
    let readme = folder.path().join("README.md");
    fs::write(&readme, "before\n<!-- benchmarks -->\nold\n<!-- end of benchmarks -->\nafter\n").unwrap();
    fs::write(folder.path().join("steps.csv"), TABLE).unwrap();
    fs::write(folder.path().join("steps_machine.toml"), MACHINE).unwrap();
    for _ in 0..2 {
        let output = write_readme(&readme, folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let expected = str![[r#"
before
<!-- benchmarks -->

Intel Xeon, 2 cores, 2 threads, libtorch 2.11.0, commit 0123456789:

| | ms a step | steps/s | GFLOP a step | share of product rate | times least time | peak memory, MB | target, ms a step | literal formulas, ms | ratio |
|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|
| TMS 5-2, 12 replicas | 2.5 | 400.0 | 0.0174 | 7 % | 2.27 | 300 | 0.5 | 50.0 | 20.0 |
| residual MLP, 1 layer, 1 replica | 180.0 | 5.556 | 8.6 | 48 % | 1.2 | 800 | 20.0 | – | – |

<!-- end of benchmarks -->
after

"#]];
        assert_data_eq!(fs::read_to_string(&readme).unwrap(), expected);
    }
}

#[test]
fn a_readme_without_marks_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let readme = folder.path().join("README.md");
    fs::write(&readme, "no marks\n").unwrap();
    let output = write_readme(&readme, folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert_data_eq!(
        String::from_utf8(output.stderr).unwrap(),
        str![[r#"
apd: [..]/README.md has no marks <!-- benchmarks --> and <!-- end of benchmarks -->

"#]]
    );
    assert_eq!(fs::read_to_string(&readme).unwrap(), "no marks\n");
}

#[test]
fn the_numbers_in_our_readme_are_those_of_the_results() {
    let folder = TempDir::new().unwrap();
    let (ours, copy) = (Path::new(REPOSITORY).join("README.md"), folder.path().join("README.md"));
    fs::copy(&ours, &copy).unwrap();
    let output = write_readme(&copy, &Path::new(REPOSITORY).join("results/benchmarks"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let is_current = fs::read_to_string(&copy).unwrap() == fs::read_to_string(&ours).unwrap();
    assert!(is_current, "README.md is not what `scripts/bench --readme` makes of results/benchmarks");
}

/// A repository with `scripts/bench-gpu` whose `apd` and `bench` are these; `bench` notes what it is called with in `calls`.
fn bench_gpu(apd: &str) -> (TempDir, Output) {
    let repository = TempDir::new().unwrap();
    let scripts = repository.path().join("scripts");
    fs::create_dir(&scripts).unwrap();
    fs::copy(Path::new(REPOSITORY).join("scripts/bench-gpu"), scripts.join("bench-gpu")).unwrap();
    let calls = repository.path().join("calls");
    for (name, text) in [("apd", apd.to_string()), ("bench", format!("echo \"$@\" >>'{}'", calls.display()))] {
        fs::write(scripts.join(name), format!("#!/usr/bin/env bash\n{text}\n")).unwrap();
        fs::set_permissions(scripts.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Where there is a GPU, it is hidden.
    let output = Command::new(scripts.join("bench-gpu"))
        .args(["--seconds", "1"])
        .env("CUDA_VISIBLE_DEVICES", "")
        .output()
        .unwrap();
    (repository, output)
}

#[test]
fn without_a_gpu_its_benchmark_says_why_and_measures_nothing() {
    let (repository, output) = bench_gpu(&format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_apd")));
    assert_eq!(output.status.code(), Some(1));
    assert_data_eq!(
        String::from_utf8(output.stderr).unwrap(),
        str![[r#"
apd: there is no GPU to measure:
  the device cuda:0 cannot be used: [..] Or ask for --device cpu.
  help: run this on a machine with a GPU, or scripts/bench for the CPU alone

"#]]
    );
    assert!(!repository.path().join("calls").exists());
}

#[test]
fn with_a_gpu_both_parts_are_measured_one_after_the_other() {
    let (repository, output) = bench_gpu("echo 'ok  device    cuda:0 (asked for: cuda)'");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        fs::read_to_string(repository.path().join("calls")).unwrap(),
        "--device cpu --seconds 1\n--table-name steps_gpu --device cuda --seconds 1\n"
    );
}
