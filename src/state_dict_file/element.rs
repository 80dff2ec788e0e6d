//! The kinds of elements that tensors and storages of PyTorch have.

use tch::Kind;

/// One kind of element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Element {
    /// As in `torch.float32`.
    pub name: &'static str,
    /// Bytes of one.
    pub width: usize,
    /// libtorch's kind, of those that weights can have.
    pub kind: Option<Kind>,
}

/// Beginning of the name of the storage's class, or nothing where there is none; name of the dtype; bytes; libtorch's kind if
/// weights can be of it.
type Row = (&'static str, &'static str, usize, Option<Kind>);

const ELEMENTS: [Row; 47] = [
    ("Double", "float64", 8, Some(Kind::Double)),
    ("Float", "float32", 4, Some(Kind::Float)),
    ("Half", "float16", 2, Some(Kind::Half)),
    ("BFloat16", "bfloat16", 2, Some(Kind::BFloat16)),
    ("Long", "int64", 8, Some(Kind::Int64)),
    ("Int", "int32", 4, Some(Kind::Int)),
    ("Short", "int16", 2, Some(Kind::Int16)),
    ("Char", "int8", 1, Some(Kind::Int8)),
    ("Byte", "uint8", 1, Some(Kind::Uint8)),
    ("Bool", "bool", 1, Some(Kind::Bool)),
    ("ComplexDouble", "complex128", 16, None),
    ("ComplexFloat", "complex64", 8, None),
    ("", "complex32", 4, None),
    ("QInt8", "qint8", 1, None),
    ("QUInt8", "quint8", 1, None),
    ("QInt32", "qint32", 4, None),
    ("QUInt4x2", "quint4x2", 1, None),
    ("QUInt2x4", "quint2x4", 1, None),
    ("", "uint16", 2, None),
    ("", "uint32", 4, None),
    ("", "uint64", 8, None),
    ("", "float8_e4m3fn", 1, None),
    ("", "float8_e4m3fnuz", 1, None),
    ("", "float8_e5m2", 1, None),
    ("", "float8_e5m2fnuz", 1, None),
    ("", "float8_e8m0fnu", 1, None),
    ("", "float4_e2m1fn_x2", 1, None),
    ("", "bits8", 1, None),
    ("", "bits16", 2, None),
    ("", "bits1x8", 1, None),
    ("", "bits2x4", 1, None),
    ("", "bits4x2", 1, None),
    ("", "int1", 1, None),
    ("", "int2", 1, None),
    ("", "int3", 1, None),
    ("", "int4", 1, None),
    ("", "int5", 1, None),
    ("", "int6", 1, None),
    ("", "int7", 1, None),
    ("", "uint1", 1, None),
    ("", "uint2", 1, None),
    ("", "uint3", 1, None),
    ("", "uint4", 1, None),
    ("", "uint5", 1, None),
    ("", "uint6", 1, None),
    ("", "uint7", 1, None),
    // What an untyped storage is read as.
    ("Untyped", "uint8", 1, Some(Kind::Uint8)),
];

impl Element {
    /// The element of the storage class `torch.<name>Storage`.
    pub fn of_storage(name: &str) -> Option<Self> {
        Self::find(|row| row.0 == name && !name.is_empty())
    }

    /// The element `torch.<name>`.
    pub fn of_dtype(name: &str) -> Option<Self> {
        Self::find(|row| row.1 == name)
    }

    fn find(is_meant: impl Fn(&Row) -> bool) -> Option<Self> {
        let &(_, name, width, kind) = ELEMENTS.iter().find(|row| is_meant(row))?;
        Some(Self { name, width, kind })
    }
}
