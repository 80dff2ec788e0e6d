//! Where something imported comes from: the file, and what the user said about it.

use sha2::{Digest, Sha256};
use tch::{Kind, Tensor};

use super::{
    StateDictFile,
    layout::{Decision, Layout, ToldBy},
    options::ImportOptions,
};
use crate::run::RunError;

/// Where something imported comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// A SHA-256 in hexadecimal digits: that of the file, where its content is what the file says by itself; where the
    /// user had to say more, that of the file's together with the content. So different readings of one file differ.
    pub identity: String,
    /// For the notes of the file that is written.
    pub notes: Vec<(&'static str, String)>,
}

impl Origin {
    /// The origin of what was read from `file`, named tensors in an order of their own, and its layout if it could have
    /// another. `plain` reads them with other options.
    pub fn of<L: Layout>(
        file: &StateDictFile,
        options: &ImportOptions<L>,
        layout: Option<L>,
        tensors: &[(String, Tensor)],
        plain: impl Fn(&ImportOptions<L>) -> Result<Vec<(String, Tensor)>, RunError>,
    ) -> Self {
        // What a file gives by itself; before there were layouts, all matrices were taken as [in, out].
        let by_itself = || {
            let matrix = L::value_variants().first().copied();
            let with = |layout| plain(&ImportOptions { layout, ..ImportOptions::default() });
            with(None).or_else(|_| with(matrix))
        };
        let is_plain = options.is_empty() || by_itself().is_ok_and(|plain| is_same(&plain, tensors));
        let identity = if is_plain { file.digest.clone() } else { digest(&file.digest, tensors) };
        let mut notes = vec![("imported_sha256", file.digest.clone())];
        notes.extend(layout.map(|layout| ("imported_layout", layout.name())));
        notes.extend(options.notes());
        Self { identity, notes }
    }
}

/// Whether these are the same tensors under the same names.
pub fn is_same(some: &[(String, Tensor)], others: &[(String, Tensor)]) -> bool {
    let is_equal = |((name, tensor), (other_name, other)): (&(String, Tensor), &(String, Tensor))| {
        name == other_name && tensor.size() == other.size() && tensor.equal(other)
    };
    some.len() == others.len() && some.iter().zip(others).all(is_equal)
}

fn digest(file: &str, tensors: &[(String, Tensor)]) -> String {
    let mut digest = Sha256::new();
    digest.update(file);
    for (name, tensor) in tensors {
        digest.update(format!("\n{name} {:?}\n", tensor.size()));
        let tensor = tensor.to_kind(Kind::Float).contiguous();
        let mut bytes = vec![0; tensor.numel() * Kind::Float.elt_size_in_bytes()];
        tensor.copy_data_u8(&mut bytes, tensor.numel());
        digest.update(bytes);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which layout a file has and what tells it, for the terminal.
pub fn layout_in_words<L: Layout, C>(decision: &Decision<L, C>, option: &str) -> String {
    let (what, axes, name) = (L::WHAT, decision.layout.axes(), decision.layout.name());
    match decision.told_by {
        ToldBy::Shapes => format!("its {what} are {axes} (layout {name}, which their shapes tell)"),
        ToldBy::Note => format!("its {what} are {axes} (layout {name}, which its note tells)"),
        ToldBy::User => format!("its {what} are {axes} ({option} {name})"),
        ToldBy::Nothing => format!("its {what} are the same in every layout"),
    }
}
