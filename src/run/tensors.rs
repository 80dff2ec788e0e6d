//! Tensors in the safetensors format, under readable names: `safetensors.torch.load_file` of Python opens them.
//!
//! Every file carries a SHA-256 over its content, so that a flipped bit is an error and not a result.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde_json::json;
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use super::{RunError, atomic::write_whole_then};

/// Key of the checksum among the notes of a file.
const CHECKSUM: &str = "sha256";
/// Larger headers are refused, as by the safetensors library.
const LARGEST_HEADER: u64 = 100_000_000;

/// Writes named tensors as contiguous copies from the CPU, whole or not at all. `notes` go into the file's metadata.
///
/// Floats of 32 and 64 bits, 64-bit integers, bytes and booleans keep their kind; anything else becomes 32-bit floats.
///
/// # Panics
/// If two tensors have one name.
///
/// ```
/// use apd::run::{read_tensors, write_tensors};
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("target.safetensors");
/// write_tensors(&path, &[("embed.W".into(), tch::Tensor::from_slice(&[1_f32, 2.0]))], &[("seed", "0".into())]).unwrap();
/// assert_eq!(read_tensors(&path).unwrap()[0].0, "embed.W");
/// ```
pub fn write_tensors(path: &Path, tensors: &[(String, Tensor)], notes: &[(&str, String)]) -> Result<(), RunError> {
    write_tensors_then(path, tensors, notes, || Ok(()))
}

/// The tensors of a file, in its order: as written, but those with larger elements first.
pub fn read_tensors(path: &Path) -> Result<Vec<(String, Tensor)>, RunError> {
    Ok(TensorFile::read(path)?.tensors)
}

/// A tensor file that has been read, every byte of it checked.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    pub notes: BTreeMap<String, String>,
    pub tensors: Vec<(String, Tensor)>,
}

/// Refuses a file that does not match its checksum. One that says nothing of itself, of another program, is taken as it is.
pub fn check_tensors(path: &Path) -> Result<(), RunError> {
    match read_each(path, |_, _, _| Ok(()))? {
        Content { expected: Some(expected), found, .. } if expected != found => Err(mismatch(path)),
        Content { expected: None, notes, .. } if !notes.is_empty() => Err(no_checksum(path)),
        _ => Ok(()),
    }
}

/// What a file says of itself, and the checksums that it has and should have.
struct Content {
    notes: BTreeMap<String, String>,
    expected: Option<String>,
    found: String,
}

fn no_checksum(path: &Path) -> RunError {
    RunError::damaged(path, "it has no checksum")
}

fn mismatch(path: &Path) -> RunError {
    RunError::damaged(path, "its content does not match its checksum")
}

/// What a file says of itself, unchecked.
pub(super) fn notes_of(path: &Path) -> Result<BTreeMap<String, String>, RunError> {
    let (_, header) = read_header(path)?;
    Ok(header.metadata().clone().unwrap_or_default().into_iter().collect())
}

/// The file at its first tensor, and its header, which speaks of as many bytes as there are.
fn read_header(path: &Path) -> Result<(File, Metadata), RunError> {
    let unreadable = |error: io::Error| RunError::read(path, &error);
    let damaged = |why: String| RunError::damaged(path, why);
    // Asked of the path, not of the open file: opening a pipe would wait for its writer.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(damaged("it is not a file".into()));
    }
    let mut file = File::open(path).map_err(unreadable)?;

    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| damaged("it ends before its header".into()))?;
    let header_size = u64::from_le_bytes(length);
    if header_size > LARGEST_HEADER || header_size > about.len().saturating_sub(8) {
        return Err(damaged("its header is larger than the file".into()));
    }
    let mut header = vec![0; header_size as usize];
    file.read_exact(&mut header).map_err(unreadable)?;
    let header: Metadata = serde_json::from_slice(&header).map_err(|error| damaged(format!("header: {error}")))?;
    let spoken_of = (8 + header_size).saturating_add(header.data_len() as u64);
    if spoken_of != about.len() {
        return Err(damaged(format!("it has {} bytes, its header speaks of {spoken_of}", about.len())));
    }
    Ok((file, header))
}

/// Hands over the bytes of one tensor after another. Nothing is allocated before the sizes are known to fit the file.
fn read_each(
    path: &Path,
    mut each: impl FnMut(&str, &TensorInfo, Vec<u8>) -> Result<(), String>,
) -> Result<Content, RunError> {
    let unreadable = |error: io::Error| RunError::read(path, &error);
    let damaged = |why: String| RunError::damaged(path, why);
    let (mut file, header) = read_header(path)?;
    let mut notes: BTreeMap<String, String> = header.metadata().clone().unwrap_or_default().into_iter().collect();
    let expected = notes.remove(CHECKSUM);
    let mut checksum = Checksum::of_notes(&notes);
    for name in header.offset_keys() {
        let info = header.info(&name).expect("a name from the header");
        let mut bytes = vec![0; info.data_offsets.1 - info.data_offsets.0];
        file.read_exact(&mut bytes).map_err(unreadable)?;
        checksum.add(&name, info.dtype, &info.shape, &bytes);
        each(&name, info, bytes).map_err(damaged)?;
    }
    Ok(Content { notes, expected, found: checksum.finish() })
}

impl TensorFile {
    /// Reads a file that [`write_tensors`] wrote. Nothing is allocated before the sizes are known to fit the file.
    pub fn read(path: &Path) -> Result<TensorFile, RunError> {
        let mut tensors = Vec::new();
        let content = read_each(path, |name, info, bytes| {
            let kind = kind_of(info.dtype).ok_or_else(|| format!("{name} has elements {:?}", info.dtype))?;
            let shape: Vec<i64> = info.shape.iter().map(|&size| size as i64).collect();
            // Copies into memory that libtorch allocates: the alignment of memory decides the order of summation.
            let tensor = Tensor::f_from_data_size(&bytes, &shape, kind).map_err(|error| error.to_string())?;
            tensors.push((name.to_owned(), tensor));
            Ok(())
        })?;
        let expected = content.expected.ok_or_else(|| no_checksum(path))?;
        if content.found != expected {
            return Err(mismatch(path));
        }
        Ok(TensorFile { path: path.into(), notes: content.notes, tensors })
    }

    /// Takes out the tensor `name`, which must have the given shape; otherwise the file is another one's.
    pub fn take(&mut self, name: &str, shape: &[i64]) -> Result<Tensor, RunError> {
        let Some(index) = self.tensors.iter().position(|(found, _)| found == name) else {
            return Err(RunError::damaged(&self.path, format!("it holds no tensor {name}")));
        };
        let found = self.tensors[index].1.size();
        if found != shape {
            return Err(RunError::damaged(&self.path, format!("{name} has the shape {found:?}, not {shape:?}")));
        }
        Ok(self.tensors.remove(index).1)
    }
}

pub(super) fn write_tensors_then(
    path: &Path,
    tensors: &[(String, Tensor)],
    notes: &[(&str, String)],
    before_rename: impl FnOnce() -> io::Result<()>,
) -> Result<(), RunError> {
    let names: BTreeSet<&String> = tensors.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), tensors.len(), "two tensors of one name for {}", path.display());

    // The format wants every tensor aligned to its elements: larger elements first.
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(stored_dtype(&tensors[index].1).bitsize()));

    let mut notes: BTreeMap<String, String> =
        notes.iter().map(|(key, value)| (key.to_string(), value.clone())).collect();
    let mut checksum = Checksum::of_notes(&notes);
    let mut header = BTreeMap::new();
    let mut end = 0;
    for &index in &order {
        let (name, tensor) = &tensors[index];
        let (dtype, shape) = (stored_dtype(tensor), stored_shape(tensor));
        let bytes = stored_bytes(tensor);
        checksum.add(name, dtype, &shape, &bytes);
        let info = TensorInfo { dtype, shape, data_offsets: (end, end + bytes.len()) };
        end += bytes.len();
        header.insert(name.as_str(), json!(info));
    }
    notes.insert(CHECKSUM.into(), checksum.finish());
    header.insert("__metadata__", json!(notes));
    let mut header = json!(header).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));

    let content = |out: &mut dyn io::Write| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        order.iter().try_for_each(|&index| out.write_all(&stored_bytes(&tensors[index].1)))
    };
    write_whole_then(path, content, before_rename)
}

/// SHA-256 over everything that a file says, in an order that does not depend on how the header is written.
struct Checksum(Sha256);

impl Checksum {
    fn of_notes(notes: &BTreeMap<String, String>) -> Self {
        let mut checksum = Checksum(Sha256::new());
        checksum.text(&json!(notes).to_string());
        checksum
    }

    fn add(&mut self, name: &str, dtype: Dtype, shape: &[usize], bytes: &[u8]) {
        self.text(&json!([name, dtype, shape]).to_string());
        self.0.update(bytes);
    }

    /// With its length before it, so that no two lists of texts look the same.
    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn kind_of(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        Dtype::I64 => Kind::Int64,
        Dtype::U8 => Kind::Uint8,
        Dtype::BOOL => Kind::Bool,
        _ => return None,
    })
}

fn stored_dtype(tensor: &Tensor) -> Dtype {
    match tensor.kind() {
        Kind::Double => Dtype::F64,
        Kind::Int64 => Dtype::I64,
        Kind::Uint8 => Dtype::U8,
        Kind::Bool => Dtype::BOOL,
        _ => Dtype::F32,
    }
}

fn stored_shape(tensor: &Tensor) -> Vec<usize> {
    tensor.size().iter().map(|&size| size as usize).collect()
}

fn stored_bytes(tensor: &Tensor) -> Vec<u8> {
    let kind = kind_of(stored_dtype(tensor)).expect("a kind that is stored");
    let tensor = tensor.detach().to_device(Device::Cpu).to_kind(kind).contiguous();
    let mut bytes = vec![0; tensor.numel() * kind.elt_size_in_bytes()];
    tensor.copy_data_u8(&mut bytes, tensor.numel());
    bytes
}

#[cfg(test)]
mod tests;
