//! Tensors from other people's files: what `torch.save` writes (`.pt`, `.pth`, both the archive of today and the older
//! stream) and safetensors.
//!
//! Nothing in a file is run, and nothing is allocated by a number in a file before that number is known to fit the
//! file's own size. A pickle is a program; `pickle` knows only the words and names that plain data and tensors are written
//! with, and refuses any other by its name. Plain data is passed over, as is a tensor that cannot be a weight where none is asked
//! for; whatever is not understood is an error.
//!
//! - `bytes`: a view of the file that cannot be read past its end; `archive`: the zip container; `foreign`: what else a file may be
//! - `pickle`: a pickle to plain values; `known`: the functions that one may name; `element`: the kinds of numbers
//! - `torch`: both formats of `torch.save`; `tensors`: those values to tensors
//! - `names`: what the parts of a network are called; `options`: what the user says about a file
//! - `state_dict`: one state dict of a file, its tensors by what our files call the parts; `parts`: those parts in one layout
//! - `layout`: which layout a file has; `origin`: what identifies what was read
//! - `target`: [`ImportedTarget`]; `components`: [`ImportedComponents`]; `mistakes`: how either is refused
//! - `subcomponents`: components with importance functions; `subcomponent_names`: what others call them

mod archive;
mod bytes;
mod components;
mod element;
mod foreign;
mod known;
mod layout;
mod mistakes;
mod names;
mod options;
mod origin;
mod parts;
mod pickle;
mod refusal;
mod state_dict;
mod subcomponent_names;
mod subcomponents;
mod target;
mod tensors;
mod torch;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

pub use components::{ImportedComponents, is_factor};
use known::Oddity;
pub use layout::{FactorLayout, Layout, TargetLayout};
pub use names::help as help_on_names;
pub use options::{ImportOptions, Rename};
pub use origin::Origin;
pub use refusal::Refusal;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use sha2::{Digest, Sha256};
pub use target::ImportedTarget;
use tch::{Kind, Tensor};

use self::tensors::Found;
use crate::run::{RunError, look_at};

/// Larger files are refused: those of toy models are far smaller, and a file is read into memory as a whole. In bytes.
const LARGEST: u64 = 64 << 30;

/// The tensors of a file, as 32-bit floats in main memory.
#[derive(Debug)]
pub struct StateDictFile {
    /// By name; the names of nested dictionaries are joined by dots.
    pub tensors: BTreeMap<String, Tensor>,
    /// Why a tensor of this name cannot be a weight, in words that follow the name, and what to do about it.
    pub unusable: BTreeMap<String, Refusal>,
    /// SHA-256 of the file, in hexadecimal digits, as `sha256sum` prints it.
    pub digest: String,
    /// The names of tensors of whole numbers or truth values, such as counters and the states of random generators.
    pub whole_numbers: BTreeSet<String>,
    /// Kinds of elements that were converted to 32-bit floats.
    pub converted: Vec<&'static str>,
    /// What a safetensors file says about itself.
    pub notes: BTreeMap<String, String>,
}

impl StateDictFile {
    /// # Errors
    /// If the file cannot be read, is damaged, is something else than a checkpoint, or holds more than plain data and tensors.
    pub fn read(path: &Path) -> Result<StateDictFile, RunError> {
        // Asked of the path, not of the open file: opening a pipe would wait for its writer.
        let about = look_at(path)?.ok_or_else(|| {
            RunError::new(format!("there is no file {}", path.display()), "check the path and the current folder")
        })?;
        let refused = |Refusal { why, help }: Refusal| {
            RunError::new(
                format!("cannot use {}: {why}", path.display()),
                help.replace("\"FILE\"", &format!("{:?}", path.display().to_string())),
            )
        };
        if about.is_dir() {
            return Err(refused(foreign::folder(path)));
        }
        if !about.is_file() {
            return Err(refused(Refusal::new("it is not a file", "give a file")));
        }
        if about.len() > LARGEST {
            return Err(refused(format!("it is larger than {} GB", LARGEST >> 30).into()));
        }
        let bytes = fs::read(path).map_err(|error| RunError::read(path, &error))?;
        Self::parse(&bytes).map_err(refused)
    }

    /// Refuses the file if a tensor that is meant cannot be a weight. `is_meant` is asked of the names of those that cannot.
    pub fn check_usable(&self, path: &Path, is_meant: impl Fn(&str) -> bool) -> Result<(), RunError> {
        match self.unusable.iter().find(|(name, _)| is_meant(name)) {
            None => Ok(()),
            Some((name, Refusal { why, help })) => {
                Err(RunError::new(format!("{} does not fit: {} {why}", path.display(), shown(name)), help.clone()))
            }
        }
    }

    /// The tensors in the bytes of a file, or why they cannot be used.
    pub fn parse(bytes: &[u8]) -> Result<StateDictFile, Refusal> {
        let found = match bytes {
            [] => return Err(Refusal::cut_off("it is empty")),
            // First, since the length of the header before it may begin like the others.
            [_, _, _, _, 0, 0, 0, 0, b'{', ..] => read_safetensors(bytes)?,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => torch::read_archive(bytes)?,
            [pickle::PROTOCOL, 0..=pickle::NEWEST_PROTOCOL, ..] => torch::read_stream(bytes)?,
            _ => return Err(foreign::file(bytes)),
        };
        let mut file = StateDictFile {
            tensors: BTreeMap::new(),
            unusable: BTreeMap::new(),
            digest: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
            whole_numbers: BTreeSet::new(),
            converted: Vec::new(),
            notes: safetensors_notes(bytes),
        };
        let Found { tensors, odd } = found;
        file.unusable.extend(odd);
        for (name, tensor) in tensors {
            let kind = match tensor.kind() {
                Kind::Float => None,
                Kind::Double => Some("64-bit floats"),
                Kind::Half => Some("16-bit floats"),
                Kind::BFloat16 => Some("bfloat16"),
                _ => {
                    file.whole_numbers.insert(name.clone());
                    names::divide(&name).map(|_| "integers")
                }
            };
            if let Some(kind) = kind.filter(|kind| !file.converted.contains(kind)) {
                file.converted.push(kind);
            }
            if file.tensors.insert(name.clone(), tensor.to_kind(Kind::Float)).is_some() {
                file.unusable.insert(name, Oddity::Ambiguous.refusal());
            }
        }
        file.tensors.retain(|name, _| !file.unusable.contains_key(name));
        match file.unusable.first_key_value() {
            _ if !file.tensors.is_empty() => Ok(file),
            Some((name, Refusal { why, help })) => {
                Err(Refusal::new(format!("none of its tensors can be a weight: {} {why}", shown(name)), help.clone()))
            }
            None => Err("it holds no tensors".into()),
        }
    }

    /// The layout that the file's note on its axes is about, if it has one of those that our files have.
    pub fn noted_layout<L: Layout>(&self) -> Option<L> {
        L::noted(self.notes.get("axes")?)
    }
}

/// The metadata of a safetensors file; nothing of another one.
fn safetensors_notes(bytes: &[u8]) -> BTreeMap<String, String> {
    let header = if bytes.get(8) == Some(&b'{') { SafeTensors::read_metadata(bytes).ok() } else { None };
    header.and_then(|(_, header)| header.metadata().clone()).into_iter().flatten().collect()
}

fn read_safetensors(bytes: &[u8]) -> Result<Found, Refusal> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        let why = format!("it is no sound safetensors file ({error})");
        match error {
            SafeTensorError::MetadataIncompleteBuffer | SafeTensorError::InvalidHeaderLength => Refusal::cut_off(why),
            _ => why.into(),
        }
    })?;
    let mut found = Found::default();
    for (name, view) in file.tensors() {
        let kind = match view.dtype() {
            Dtype::F64 => Kind::Double,
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::I64 => Kind::Int64,
            Dtype::I32 => Kind::Int,
            Dtype::I16 => Kind::Int16,
            Dtype::I8 => Kind::Int8,
            Dtype::U8 => Kind::Uint8,
            Dtype::BOOL => Kind::Bool,
            other => {
                found.odd.push((name, Oddity::elements(&format!("{other:?}"))));
                continue;
            }
        };
        let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        let tensor = Tensor::f_from_data_size(view.data(), &shape, kind).map_err(|error| error.to_string())?;
        found.tensors.push((name, tensor));
    }
    Ok(found)
}

/// A name from a file as an error shows it: harmless for a terminal and cut to a readable length.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let cut: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    let dots = if name.chars().nth(LONGEST).is_some() { ".." } else { "" };
    format!("`{cut}{dots}`")
}
