//! Tidy CSV, written whole: one header line, one row per observation, floats that read back exactly.

use std::{io, path::Path};

use serde::{Serialize, Serializer, de::DeserializeOwned};

use super::{RunError, read_checked, write_whole};

/// Writes a table. A row serialises to as many fields as `header` has names: a struct, a tuple or an array.
///
/// Floats are written with the fewest digits that read back to the same value; `None` is an empty field.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("features.csv");
/// apd::run::write_table(&path, &["replica", "cosine"], [(0, Some(0.1)), (1, None::<f64>)]).unwrap();
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "replica,cosine\n0,0.1\n1,\n");
/// ```
pub fn write_table<Row: Serialize>(
    path: &Path,
    header: &[&str],
    rows: impl IntoIterator<Item = Row>,
) -> Result<(), RunError> {
    write_whole(path, |out| write_rows(out, header, rows))
}

/// A number of a long table: written with six significant digits at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SixDigits(pub f64);

impl Serialize for SixDigits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rounded: f64 = format!("{:.5e}", self.0).parse().expect("a formatted number is one");
        // Zero has no sign.
        serializer.serialize_f64(rounded + 0.0)
    }
}

/// The rows of a table whose columns are the fields of `Row`; further columns are allowed. One that was changed since it
/// was written is an error.
pub fn read_table<Row: DeserializeOwned>(path: &Path) -> Result<Vec<Row>, RunError> {
    let text = read_checked(path)?;
    csv::Reader::from_reader(text.as_slice()).into_deserialize().collect::<Result<_, _>>().map_err(|error| match error
        .into_kind()
    {
        csv::ErrorKind::Io(error) => RunError::read(path, &error),
        csv::ErrorKind::Deserialize { pos: Some(pos), err } => {
            RunError::damaged(path, format!("line {}: {err}", pos.line()))
        }
        csv::ErrorKind::UnequalLengths { pos: Some(pos), expected_len, len } => {
            RunError::damaged(path, format!("line {} has {len} fields, the lines before it {expected_len}", pos.line()))
        }
        csv::ErrorKind::Utf8 { pos: Some(pos), .. } => {
            RunError::damaged(path, format!("line {} is not UTF-8 text", pos.line()))
        }
        kind => RunError::damaged(path, format!("{kind:?}")),
    })
}

fn write_rows<Row: Serialize>(
    out: &mut dyn io::Write,
    header: &[&str],
    rows: impl IntoIterator<Item = Row>,
) -> io::Result<()> {
    let mut table = csv::WriterBuilder::new().has_headers(false).from_writer(out);
    table.write_record(header)?;
    for row in rows {
        match table.serialize(row).map_err(csv::Error::into_kind) {
            Ok(()) => {}
            Err(csv::ErrorKind::Io(error)) => return Err(error),
            Err(kind) => panic!("a row does not fit the columns {header:?}: {kind:?}"),
        }
    }
    table.flush()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const HEADER: [&str; 4] = ["replica", "step", "term", "value"];

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct LogRow {
        replica: usize,
        step: u64,
        term: String,
        value: f64,
    }

    #[test]
    fn every_float_reads_back_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("training.csv");
        let values = [0.1, 1.0, 1e-308, f64::MIN_POSITIVE / 8.0, f64::MAX, 1.0 / 3.0, -0.0, f64::INFINITY, f64::NAN];
        let row = |value| LogRow { replica: 3, step: 7, term: "a, b".into(), value };
        write_table(&path, &HEADER, values.map(row)).unwrap();
        let back: Vec<LogRow> = read_table(&path).unwrap();
        let bits = |rows: &[LogRow]| rows.iter().map(|row| row.value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&values.map(row)));
        assert_eq!(back[0], row(0.1));
    }

    #[test]
    fn numbers_of_long_tables_are_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attributions.csv");
        let values = [1.0 / 3.0, f64::from(0.1_f32), -1_234_567.0, 1e-30 / 3.0, -0.0, 2.0, f64::NAN, f64::INFINITY];
        write_table(&path, &["attribution"], values.map(|value| [SixDigits(value)])).unwrap();
        let expected = "attribution\n0.333333\n0.1\n-1234570.0\n3.33333e-31\n0.0\n2.0\nNaN\ninf\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn a_table_without_rows_has_its_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("training.csv");
        write_table(&path, &HEADER, [] as [LogRow; 0]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "replica,step,term,value\n");
        assert_eq!(read_table::<LogRow>(&path).unwrap(), []);
    }

    #[test]
    fn a_damaged_table_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("training.csv");
        let problem = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let what = read_table::<LogRow>(&path).unwrap_err().what().to_string();
            what.replace(&path.display().to_string(), "training.csv")
        };
        assert_eq!(
            problem("replica,step,term,value\n0,0,a,1\n0,x,a,1\n"),
            "training.csv is damaged: line 3: field 1: invalid digit found in string"
        );
        assert_eq!(
            problem("replica,step,term,value\n0,0,a\n"),
            "training.csv is damaged: line 2 has 3 fields, the lines before it 4"
        );
    }
}
