//! What came of a fault: a row of the table that `scripts/torture` asks for.

use std::{collections::BTreeMap, fs::OpenOptions, sync::Mutex};

/// A kind of fault, caused again and again.
pub struct Finding {
    fault: String,
    injected: &'static str,
    /// How often each outcome was seen.
    happened: BTreeMap<String, usize>,
    /// What must not happen.
    wrong: Vec<String>,
}

impl Finding {
    pub fn of(fault: impl Into<String>, injected: &'static str) -> Self {
        Self { fault: fault.into(), injected, happened: BTreeMap::new(), wrong: Vec::new() }
    }

    /// An outcome as it should be.
    pub fn saw(&mut self, outcome: impl Into<String>) {
        *self.happened.entry(outcome.into()).or_default() += 1;
    }

    /// An outcome that must not be.
    pub fn saw_wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    /// How often the fault has been caused.
    pub fn times(&self) -> usize {
        self.happened.values().sum::<usize>() + self.wrong.len()
    }

    /// Writes the row. Fails if anything happened that must not.
    pub fn close(self) {
        let times = self.times();
        let happened: Vec<String> =
            self.happened.iter().map(|(outcome, count)| format!("{outcome}: {count}")).collect();
        let verdict = if self.wrong.is_empty() { "passed".into() } else { format!("{} WRONG", self.wrong.len()) };
        write([&self.fault, self.injected, &times.to_string(), &happened.join("; "), &verdict]);
        assert!(self.wrong.is_empty(), "{}, {}:\n{}", self.fault, self.injected, self.wrong.join("\n"));
        assert!(times > 0, "{}, {}: nothing was caused", self.fault, self.injected);
    }

    /// Writes a row of what this machine does not allow to be caused.
    pub fn skip(self, why: &str) {
        eprintln!("skipped: {}, {}: {why}", self.fault, self.injected);
        write([&self.fault, self.injected, "0", why, "skipped"]);
    }
}

fn write(row: [&str; 5]) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let Some(path) = std::env::var_os("APD_TORTURE_TABLE") else { return };
    let _one = ONE_AT_A_TIME.lock();
    let file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    let is_new = file.metadata().unwrap().len() == 0;
    let mut table = csv::Writer::from_writer(file);
    if is_new {
        table.write_record(["fault", "injected", "times", "happened", "verdict"]).unwrap();
    }
    table.write_record(row).unwrap();
}
