//! What `torch.save` writes, as tensors: a pickle for names and shapes, and storages of elements beside it.

use std::collections::BTreeMap;

use super::{
    archive::Archive,
    bytes::Bytes,
    element::Element,
    foreign,
    pickle::{Pickle, Value},
    refusal::Refusal,
    tensors::{Found, Storages, named_tensors, storage},
};

/// First and second pickle of the older format: 0x1950a86a20f9469cfc6c and a version.
const MAGIC: Value = Value::Large(&[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);
const STREAM_VERSION: Value = Value::Integer(1001);

/// The tensors of an archive, `torch.save`'s format since PyTorch 1.6.
pub fn read_archive(bytes: &[u8]) -> Result<Found, Refusal> {
    let archive = Archive::read(bytes)?;
    if let Some(refusal) = foreign::archive(&archive) {
        return Err(refusal);
    }
    const ROOT: &str = "data.pkl";
    let mut roots = archive.paths().filter_map(|path| {
        let folder = path.strip_suffix(ROOT)?;
        (folder.is_empty() || folder.ends_with('/')).then(|| folder.to_string())
    });
    let folder = match (roots.next(), roots.next()) {
        (Some(folder), None) => folder,
        (None, _) => return Err("it is an archive of another program: it holds no data.pkl".into()),
        _ => return Err("its archive holds several data.pkl".into()),
    };
    let order = format!("{folder}byteorder");
    let is_big_endian = archive.paths().any(|path| path == order) && archive.get(&order)? == b"big";
    let pickle = Pickle::read(&mut Bytes(archive.get(&format!("{folder}{ROOT}"))?))?;
    let keys = elements(&pickle)?.into_keys();
    let contents = keys.map(|key| Ok((key.clone(), archive.get(&format!("{folder}data/{key}"))?)));
    let storages = Storages { contents: contents.collect::<Result<_, Refusal>>()?, is_big_endian };
    named_tensors(&pickle, &storages, bytes.len())
}

/// The tensors of the older format: pickles and storages one after the other. Its numbers are little-endian wherever it was
/// written.
pub fn read_stream(bytes: &[u8]) -> Result<Found, Refusal> {
    let mut stream = Bytes(bytes);
    let mut is_next = |value: &Value| -> Result<bool, Refusal> {
        let pickle = Pickle::read(&mut stream)?;
        Ok(pickle.get(pickle.root()) == value)
    };
    if !is_next(&MAGIC)? {
        return Err("it is a pickle, but not one of torch.save".into());
    }
    if !is_next(&STREAM_VERSION)? {
        return Err("its version of torch.save's older format is unknown".into());
    }
    let _system = Pickle::read(&mut stream)?;
    let pickle = Pickle::read(&mut stream)?;
    let keys = Pickle::read(&mut stream)?;
    let elements = elements(&pickle)?;
    let no_storages = || Refusal::from("its list of storages is damaged");
    let mut storages = Storages { contents: BTreeMap::new(), is_big_endian: false };
    let Value::List(order) = keys.get(keys.root()) else { return Err(no_storages()) };
    for &key in order {
        let key = keys.text(key).ok_or_else(no_storages)?;
        let element = elements.get(key).ok_or_else(no_storages)?;
        let count = stream.u64()?;
        let size = count.checked_mul(element.width as u64).ok_or_else(no_storages)?;
        storages.contents.insert(key.to_string(), stream.take(size)?);
    }
    named_tensors(&pickle, &storages, bytes.len())
}

/// The key of every storage that the pickle names, with the kind of elements that it is named with first.
fn elements(pickle: &Pickle) -> Result<BTreeMap<String, Element>, Refusal> {
    let mut elements = BTreeMap::new();
    for id in pickle.persistent() {
        let storage = storage(pickle, id)?;
        elements.entry(storage.key.to_string()).or_insert(storage.element);
    }
    Ok(elements)
}
