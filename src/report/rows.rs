//! CSV tables as they are on disk, read as far as they are sound.

use std::{io::Cursor, path::Path};

use serde::de::DeserializeOwned;

use super::files::{content, file_name};

/// Rows of the table at `path`. Whatever cannot be read is left out and noted in `problems`.
pub fn read_table<Row: DeserializeOwned>(path: &Path, problems: &mut Vec<String>) -> Vec<Row> {
    let Some(mut reader) = open(path, problems) else { return Vec::new() };
    keep_good(path, reader.deserialize(), problems)
}

/// Header and rows of the table at `path` as they are, whatever its columns.
pub fn read_cells(path: &Path, problems: &mut Vec<String>) -> (Vec<String>, Vec<Vec<String>>) {
    let Some(mut reader) = open(path, problems) else { return Default::default() };
    let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = reader.headers().map(cells).unwrap_or_default();
    (header, keep_good(path, reader.records().map(|record| record.map(|record| cells(&record))), problems))
}

fn open(path: &Path, problems: &mut Vec<String>) -> Option<csv::Reader<Cursor<Vec<u8>>>> {
    let text = content(path).map_err(|problem| problems.push(problem)).ok()?;
    Some(csv::Reader::from_reader(Cursor::new(text)))
}

/// The rows that could be read. A run that is being written may end in half a line.
fn keep_good<Row>(
    path: &Path,
    rows: impl Iterator<Item = Result<Row, csv::Error>>,
    problems: &mut Vec<String>,
) -> Vec<Row> {
    let mut good = Vec::new();
    let mut bad = 0;
    let mut first_error = String::new();
    for row in rows {
        match row {
            Ok(row) => good.push(row),
            Err(error) => {
                if bad == 0 {
                    first_error = error.to_string();
                }
                bad += 1;
            }
        }
    }
    match bad {
        0 => {}
        1 => problems.push(format!("{} has a row that was left out: {first_error}.", file_name(path))),
        _ => problems.push(format!("{} has {bad} rows that were left out; the first: {first_error}.", file_name(path))),
    }
    good
}
