//! The functions and classes that a pickle may name: those that `torch.load` allows with `weights_only=True`.
//!
//! None of them is called. What a call would make is written down: data that is looked into, plain data that is passed
//! over, a tensor, or a tensor that cannot be a weight. The list is that of PyTorch 2.11, `_get_allowed_globals` in
//! `torch/_weights_only_unpickler.py`, and beside it Python's own `bytes` and `frozenset`, which newer pickles write
//! without naming a class.

use super::{element::Element, refusal::Refusal};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Known {
    /// `OrderedDict`, and `Counter`, which is a dictionary too.
    Dictionary,
    /// A tuple of sizes.
    Size,
    /// `torch.Tensor` itself, an empty tensor that older files fill afterwards.
    Tensor,
    /// `torch.nn.Parameter` and the functions that make one: of their first argument, a tensor.
    Parameter,
    /// `(storage, offset, size, stride, ...)`, a tensor.
    RebuildTensor,
    /// The same with the kind of its elements after six others.
    RebuildTensorOfKind,
    /// `(function, class, arguments, state)`: the function of the arguments.
    RebuildFromType,
    /// `(tensor, kind of elements, ...)`: a tensor that was on another device.
    RebuildFromCpu,
    /// Makes a tensor that cannot be a weight.
    Rebuild(Oddity),
    Storage(Element),
    Dtype(Element),
    /// A class or function that makes plain data.
    Plain,
}

/// Why a tensor cannot be a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Oddity {
    Meta,
    Sparse,
    Quantised,
    Nested,
    /// A class of tensors whose values are kept by code of its own.
    Wrapper,
    /// An empty tensor of an old class.
    Empty,
    Elements(&'static str),
    /// So many elements, more than the file is worth.
    TooLarge(usize),
    /// Two tensors of the file have this name.
    Ambiguous,
    LongName,
}

impl Oddity {
    /// What follows the tensor's name in an error, and what to do about it.
    pub fn refusal(self) -> Refusal {
        let (why, help) = match self {
            Oddity::Meta => {
                ("is a meta tensor, which has a shape and no values", "save the model after its weights are loaded")
            }
            Oddity::Sparse => ("is sparse", "save its to_dense()"),
            Oddity::Quantised => ("is quantised", "save its dequantize()"),
            Oddity::Nested => ("is a nested tensor", "save its parts one by one"),
            Oddity::Wrapper => ("is of a class that keeps its values elsewhere", "save it as a plain tensor"),
            Oddity::Empty => ("is an empty tensor of an old class", "save it as a plain tensor"),
            Oddity::Elements(name) => return Self::elements(name),
            Oddity::TooLarge(count) => {
                return Refusal::new(
                    format!("has {count} elements, far more than the file holds"),
                    "save a part of it",
                );
            }
            Oddity::Ambiguous => ("is the name of two tensors", "save them under names of their own"),
            Oddity::LongName => ("is too long a name", "give it a shorter one"),
        };
        Refusal::new(why, help)
    }

    /// The same of elements of a kind that weights do not have.
    pub fn elements(kind: &str) -> Refusal {
        Refusal::new(format!("has elements of the kind {kind}"), "save the weights as 32-bit floats")
    }
}

/// What `module.name` stands for; `None` if no pickle may name it.
pub fn known(module: &str, name: &str) -> Option<Known> {
    let in_module = match module {
        "collections" => in_collections(name),
        // The first is Python 2's name, which protocol 2 uses for ever.
        "__builtin__" | "builtins" => {
            ["set", "frozenset", "bytearray", "bytes", "complex"].contains(&name).then_some(Known::Plain)
        }
        "_codecs" => (name == "encode").then_some(Known::Plain),
        "torch" => in_torch(name),
        "torch.nn.parameter" => (name == "Parameter").then_some(Known::Parameter),
        "torch.serialization" => (name == "_get_layout").then_some(Known::Plain),
        "torch._tensor" => (name == "_rebuild_from_type_v2").then_some(Known::RebuildFromType),
        "torch._utils" => in_utils(name),
        "torch.cuda" => storage(name),
        "torch.storage" if name == "TypedStorage" => Some(Known::Plain),
        "torch.storage" => storage(name).filter(|_| name == "UntypedStorage"),
        _ => None,
    };
    in_module.or_else(|| is_tensor_class(module, name).then_some(Known::Rebuild(Oddity::Empty)))
}

fn in_collections(name: &str) -> Option<Known> {
    ["OrderedDict", "Counter"].contains(&name).then_some(Known::Dictionary)
}

fn in_torch(name: &str) -> Option<Known> {
    const SCHEMES: [&str; 5] = [
        "per_tensor_affine",
        "per_tensor_symmetric",
        "per_channel_affine",
        "per_channel_symmetric",
        "per_channel_affine_float_qparams",
    ];
    match name {
        "Size" => Some(Known::Size),
        "Tensor" => Some(Known::Tensor),
        "device" => Some(Known::Plain),
        scheme if SCHEMES.contains(&scheme) => Some(Known::Plain),
        _ => Element::of_dtype(name).map(Known::Dtype).or_else(|| storage(name)),
    }
}

fn in_utils(name: &str) -> Option<Known> {
    Some(match name {
        "_rebuild_tensor" | "_rebuild_tensor_v2" => Known::RebuildTensor,
        "_rebuild_tensor_v3" => Known::RebuildTensorOfKind,
        "_rebuild_parameter" | "_rebuild_parameter_with_state" => Known::Parameter,
        "_rebuild_device_tensor_from_cpu_tensor" => Known::RebuildFromCpu,
        "_rebuild_device_tensor_from_numpy" | "_rebuild_wrapper_subclass" => Known::Rebuild(Oddity::Wrapper),
        "_rebuild_qtensor" => Known::Rebuild(Oddity::Quantised),
        "_rebuild_sparse_tensor" => Known::Rebuild(Oddity::Sparse),
        "_rebuild_nested_tensor" => Known::Rebuild(Oddity::Nested),
        "_rebuild_meta_tensor_no_storage" => Known::Rebuild(Oddity::Meta),
        _ => return None,
    })
}

fn storage(name: &str) -> Option<Known> {
    Element::of_storage(name.strip_suffix("Storage")?).map(Known::Storage)
}

/// Such as `torch.FloatTensor` and `torch.cuda.sparse.FloatTensor`.
fn is_tensor_class(module: &str, name: &str) -> bool {
    ["torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse"].contains(&module)
        && name
            .strip_suffix("Tensor")
            .and_then(Element::of_storage)
            .is_some_and(|element| element.kind.is_some() && name != "UntypedTensor")
}
