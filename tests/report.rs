//! `report::make` on made-up run folders.

mod synthetic_run;

use std::{fs, path::Path};

use apd::report;
use synthetic_run::{TMS_5_2, TMS_40_10};

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("report").join(name)).unwrap()
}

#[test]
fn look() {
    for folder in [TMS_5_2.write("tms_5-2-0a1b2c3d"), TMS_40_10.write("tms_40-10-0a1b2c3d")] {
        let report = report::make(&[folder.clone()]).unwrap();
        println!("{}", report.text(80));
        println!("{}", read(&folder, "report.md"));
    }
}
