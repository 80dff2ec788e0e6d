//! Tidy CSV, written whole: one header line, one row per observation, floats that read back exactly.

use std::{io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

use super::{RunError, read_checked, write_whole};
use crate::table::Row;

/// Writes rows of a declared table, with its header.
///
/// Floats are written with the fewest digits that read back to the same value; `None` is an empty field.
///
/// ```
/// use apd::{run::write_table, table::LayerRow};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("layers.csv");
/// write_table(&path, [LayerRow { replica: 0, component: 3, layer: 1, share: 0.1 }]).unwrap();
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "replica,component,layer,share\n0,3,1,0.1\n");
/// ```
pub fn write_table<R: Row>(path: &Path, rows: impl IntoIterator<Item = R>) -> Result<(), RunError> {
    write_columns(path, &R::TABLE.header(), rows)
}

/// Writes a table whose columns are known only when it is made. A row serialises to as many fields as `header` has names.
pub fn write_columns<R: Serialize>(
    path: &Path,
    header: &[impl AsRef<str>],
    rows: impl IntoIterator<Item = R>,
) -> Result<(), RunError> {
    let header: Vec<&str> = header.iter().map(AsRef::as_ref).collect();
    write_whole(path, |out| write_rows(out, &header, rows))
}

/// The rows of a table whose columns are the fields of `R`; further columns are allowed. One that was changed since it
/// was written is an error.
pub fn read_table<R: DeserializeOwned>(path: &Path) -> Result<Vec<R>, RunError> {
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

fn write_rows<R: Serialize>(
    out: &mut dyn io::Write,
    header: &[&str],
    rows: impl IntoIterator<Item = R>,
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
    use super::*;
    use crate::table::{AttributionRow, TrainingRow};

    #[test]
    fn every_float_reads_back_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("training.csv");
        let values = [0.1, 1.0, 1e-308, f64::MIN_POSITIVE / 8.0, f64::MAX, 1.0 / 3.0, -0.0, f64::INFINITY, f64::NAN];
        let row = |value| TrainingRow { replica: 3, step: 7, term: "a, b".into(), value };
        write_table(&path, values.map(row)).unwrap();
        let back: Vec<TrainingRow> = read_table(&path).unwrap();
        let bits = |rows: &[TrainingRow]| rows.iter().map(|row| row.value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&values.map(row)));
        assert_eq!(back[0], row(0.1));
    }

    #[test]
    fn numbers_of_long_tables_are_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attributions.csv");
        let values = [1.0 / 3.0, f64::from(0.1_f32), -1_234_567.0, 1e-30 / 3.0, -0.0, 2.0, f64::NAN, f64::INFINITY];
        let row = |attribution| AttributionRow { attribution, ..AttributionRow::default() };
        write_table(&path, values.map(row)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap().replace("0,0,0,", "");
        let expected = "0.333333\n0.1\n-1234570.0\n3.33333e-31\n0.0\n2.0\nNaN\ninf\n";
        assert_eq!(text, format!("replica,feature,component,attribution\n{expected}"));
    }

    #[test]
    fn a_table_without_rows_has_its_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("training.csv");
        write_table(&path, [] as [TrainingRow; 0]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "replica,step,term,value\n");
        assert_eq!(read_table::<TrainingRow>(&path).unwrap(), []);
    }

    #[test]
    fn a_damaged_table_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("training.csv");
        let problem = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let what = read_table::<TrainingRow>(&path).unwrap_err().what().to_string();
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
