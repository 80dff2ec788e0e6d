//! Tensors from other people's files: what `torch.save` writes (`.pt`, `.pth`, both the archive of today and the older
//! stream) and safetensors.
//!
//! Nothing in a file is run, and nothing is allocated by a number in a file before that number is known to fit the
//! file's own size. A pickle is a program; `pickle` knows only the words that lists, dictionaries, numbers and tensors
//! are written with, and refuses any other by its name. Whatever is not understood is an error, never passed over.
//!
//! - `bytes`: a view of the file that cannot be read past its end; `archive`: the zip container
//! - `pickle`: a pickle to plain values; `torch`: those values to tensors
//! - `names`: what the parts of a network are called; `options`: what the user says about a file
//! - `state_dict`: one state dict of a file, its tensors by what our files call the parts; `parts`: those parts in one layout
//! - `layout`: which layout a file has; `origin`: what identifies what was read
//! - `target`: [`ImportedTarget`]; `components`: [`ImportedComponents`]; `mistakes`: how either is refused

mod archive;
mod bytes;
mod components;
mod layout;
mod mistakes;
mod names;
mod options;
mod origin;
mod parts;
mod pickle;
mod state_dict;
mod target;
mod torch;

use std::{collections::BTreeMap, fs, path::Path};

pub use components::ImportedComponents;
pub use layout::{FactorLayout, Layout, TargetLayout};
pub use names::help as help_on_names;
pub use options::{ImportOptions, Rename};
pub use origin::Origin;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
pub use target::ImportedTarget;
use tch::{Kind, Tensor};

use crate::run::RunError;

/// Larger files are refused: those of toy models are far smaller, and a file is read into memory as a whole. In bytes.
const LARGEST: u64 = 64 << 30;

/// The tensors of a file, as 32-bit floats in main memory.
#[derive(Debug)]
pub struct CheckpointFile {
    /// By name; the names of nested dictionaries are joined by dots.
    pub tensors: BTreeMap<String, Tensor>,
    /// SHA-256 of the file, in hexadecimal digits, as `sha256sum` prints it.
    pub digest: String,
    /// Kinds of elements that were converted to 32-bit floats.
    pub converted: Vec<&'static str>,
    /// What a safetensors file says about itself.
    pub notes: BTreeMap<String, String>,
}

impl CheckpointFile {
    /// # Errors
    /// If the file cannot be read, is damaged, or holds anything but tensors, numbers and text in dictionaries and
    /// lists.
    pub fn read(path: &Path) -> Result<CheckpointFile, RunError> {
        let unreadable = |error| RunError::read(path, &error).with_help("give a file that you may read");
        // Asked of the path, not of the open file: opening a pipe would wait for its writer.
        let about = fs::metadata(path).map_err(unreadable)?;
        let refused = |why: String| refused(path, &why);
        if !about.is_file() {
            return Err(refused("it is not a file".into()));
        }
        if about.len() > LARGEST {
            return Err(refused(format!("it is larger than {} GB", LARGEST >> 30)));
        }
        let bytes = fs::read(path).map_err(unreadable)?;
        Self::parse(&bytes).map_err(refused)
    }

    /// The same of a file's bytes; says why they cannot be used.
    pub fn parse(bytes: &[u8]) -> Result<CheckpointFile, String> {
        let named = match bytes {
            [] => return Err("it is empty".into()),
            // First, since the length of the header before it may begin like the others.
            [_, _, _, _, _, _, _, _, b'{', ..] => read_safetensors(bytes)?,
            [b'P', b'K', ..] => torch::read_archive(bytes)?,
            [pickle::PROTOCOL, 0..=pickle::NEWEST_PROTOCOL, ..] => torch::read_stream(bytes)?,
            _ => return Err("it is neither what torch.save writes nor a safetensors file".into()),
        };
        let mut file = CheckpointFile {
            tensors: BTreeMap::new(),
            digest: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
            converted: Vec::new(),
            notes: safetensors_notes(bytes),
        };
        for (name, tensor) in named {
            let kind = match tensor.kind() {
                Kind::Float => None,
                Kind::Double => Some("64-bit floats"),
                Kind::Half => Some("16-bit floats"),
                Kind::BFloat16 => Some("bfloat16"),
                _ => Some("integers"),
            };
            if let Some(kind) = kind.filter(|kind| !file.converted.contains(kind)) {
                file.converted.push(kind);
            }
            if file.tensors.insert(name.clone(), tensor.to_kind(Kind::Float)).is_some() {
                return Err(format!("it has two tensors {}", shown(&name)));
            }
        }
        if file.tensors.is_empty() {
            return Err("it holds no tensors".into());
        }
        Ok(file)
    }

    /// The layout that the file's note on its axes is about, if it has one of those that our files have.
    pub fn noted_layout<L: Layout>(&self) -> Option<L> {
        L::noted(self.notes.get("axes")?)
    }
}

fn refused(path: &Path, why: &str) -> RunError {
    RunError::new(
        format!("cannot use {}: {why}", path.display()),
        "save the state dict alone: torch.save(model.state_dict(), \"model.pth\"), or safetensors.torch.save_file",
    )
}

/// The metadata of a safetensors file; nothing of another one.
fn safetensors_notes(bytes: &[u8]) -> BTreeMap<String, String> {
    let header = if bytes.get(8) == Some(&b'{') { SafeTensors::read_metadata(bytes).ok() } else { None };
    header.and_then(|(_, header)| header.metadata().clone()).into_iter().flatten().collect()
}

fn read_safetensors(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| format!("it is no sound safetensors file ({error})"))?;
    let tensor = |(name, view): (String, safetensors::tensor::TensorView)| {
        let kind = match view.dtype() {
            Dtype::F64 => Kind::Double,
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::I64 => Kind::Int64,
            Dtype::I32 => Kind::Int,
            Dtype::U8 => Kind::Uint8,
            Dtype::BOOL => Kind::Bool,
            other => return Err(format!("{} has elements of the kind {other:?}", shown(&name))),
        };
        let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        let tensor = Tensor::f_from_data_size(view.data(), &shape, kind);
        Ok((name, tensor.map_err(|error| error.to_string())?))
    };
    file.tensors().into_iter().map(tensor).collect()
}

/// A name from a file as an error shows it: harmless for a terminal and cut to a readable length.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let cut: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    let dots = if name.chars().nth(LONGEST).is_some() { ".." } else { "" };
    format!("`{cut}{dots}`")
}
