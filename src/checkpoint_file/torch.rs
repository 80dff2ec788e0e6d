//! What `torch.save` writes, as tensors: a pickle for names and shapes, and storages of elements beside it.

use std::{collections::BTreeMap, ops::Range};

use tch::{Kind, Tensor};

use super::{
    archive::Archive,
    bytes::Bytes,
    pickle::{Element, Known, Pickle, Place, Value},
    shown,
};

/// First and second pickle of the older format.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const STREAM_VERSION: i128 = 1001;

/// Dictionaries in dictionaries, and entries in all of them together, at most. A dictionary may be named twice; few
/// of them could stand for very many.
const DEEPEST: usize = 32;
const MOST_ENTRIES: usize = 100_000;

/// Letters of a tensor's name at most.
const LONGEST_NAME: usize = 1_000;

/// How much larger the tensors may be than the file: they may share storages.
const LARGEST_SHARE: usize = 16;

/// The tensors of an archive, `torch.save`'s format since PyTorch 1.6.
pub fn read_archive(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, String> {
    let archive = Archive::read(bytes)?;
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
    if archive.paths().any(|path| path == format!("{folder}byteorder"))
        && archive.get(&format!("{folder}byteorder"))? != b"little"
    {
        return Err("its numbers are big-endian".into());
    }
    let pickle = Pickle::read(&mut Bytes(archive.get(&format!("{folder}{ROOT}"))?))?;
    let mut reader = Reader::new(&pickle, bytes.len());
    let storage = |key: &str| archive.get(&format!("{folder}data/{key}"));
    reader.storages =
        reader.storage_keys()?.into_iter().map(|key| Ok((key, storage(key)?))).collect::<Result<_, String>>()?;
    reader.read()
}

/// The tensors of the older format: pickles and storages one after the other.
pub fn read_stream(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, String> {
    let mut stream = Bytes(bytes);
    let mut number = || -> Result<Option<i128>, String> {
        let pickle = Pickle::read(&mut stream)?;
        Ok(pickle.integer(pickle.root()))
    };
    if number()? != Some(MAGIC) {
        return Err("it is a pickle, but not one of torch.save".into());
    }
    if number()? != Some(STREAM_VERSION) {
        return Err("its version of torch.save's older format is unknown".into());
    }
    let system = Pickle::read(&mut stream)?;
    if !says_little_endian(&system) {
        return Err("its numbers are big-endian".into());
    }
    let pickle = Pickle::read(&mut stream)?;
    let keys = Pickle::read(&mut stream)?;
    let mut reader = Reader::new(&pickle, bytes.len());
    let elements: BTreeMap<&str, Element> = reader.elements()?;
    let Value::List(order) = keys.get(keys.root()) else { return Err(no_storages()) };
    for &key in order {
        let key = keys.text(key).ok_or_else(no_storages)?;
        let element = elements.get(key).ok_or_else(no_storages)?;
        let count = stream.u64()?;
        let size = count.checked_mul(element.kind().elt_size_in_bytes() as u64).ok_or("it ends too early")?;
        reader.storages.insert(key, stream.take(size)?);
    }
    reader.read()
}

fn says_little_endian(system: &Pickle) -> bool {
    let Value::Dictionary(entries) = system.get(system.root()) else { return false };
    let is_said = |&(key, value): &(Place, Place)| {
        system.text(key) == Some("little_endian") && *system.get(value) == Value::Bool(true)
    };
    entries.iter().any(is_said)
}

fn no_storages() -> String {
    "its list of storages is damaged".into()
}

impl Element {
    fn kind(self) -> Kind {
        match self {
            Element::Double => Kind::Double,
            Element::Float => Kind::Float,
            Element::Half => Kind::Half,
            Element::BFloat16 => Kind::BFloat16,
            Element::Long => Kind::Int64,
            Element::Int => Kind::Int,
            Element::Short => Kind::Int16,
            Element::Char => Kind::Int8,
            Element::Byte => Kind::Uint8,
            Element::Bool => Kind::Bool,
        }
    }
}

/// A pickle with its storages, on the way to tensors.
struct Reader<'p, 'a> {
    pickle: &'p Pickle<'a>,
    storages: BTreeMap<&'a str, &'a [u8]>,
    /// Bytes that the tensors may still take.
    budget: usize,
    entries: usize,
    tensors: Vec<(String, Tensor)>,
}

impl<'p, 'a> Reader<'p, 'a> {
    fn new(pickle: &'p Pickle<'a>, file_size: usize) -> Self {
        let budget = file_size.saturating_mul(LARGEST_SHARE);
        Self { pickle, storages: BTreeMap::new(), budget, entries: 0, tensors: Vec::new() }
    }

    fn read(mut self) -> Result<Vec<(String, Tensor)>, String> {
        self.visit(self.pickle.root(), String::new(), 0)?;
        Ok(self.tensors)
    }

    /// Every storage that the pickle names, with the kind of its elements.
    fn elements(&self) -> Result<BTreeMap<&'a str, Element>, String> {
        let mut elements = BTreeMap::new();
        for id in self.pickle.persistent() {
            let Storage { key, element, .. } = self.storage(id)?;
            elements.insert(key, element);
        }
        Ok(elements)
    }

    fn storage_keys(&self) -> Result<Vec<&'a str>, String> {
        Ok(self.elements()?.into_keys().collect())
    }

    /// Collects the tensors below a value. `name` is where it stands.
    fn visit(&mut self, place: Place, name: String, depth: usize) -> Result<(), String> {
        self.entries += 1;
        if depth > DEEPEST || self.entries > MOST_ENTRIES {
            return Err("its dictionaries lie too deep in each other".into());
        }
        if name.len() > LONGEST_NAME {
            return Err(format!("the name {} is too long", shown(&name)));
        }
        let pickle = self.pickle;
        let below = |key: &str| if name.is_empty() { key.to_string() } else { format!("{name}.{key}") };
        match pickle.get(place) {
            Value::Dictionary(entries) => {
                for &(key, value) in entries {
                    let key = match pickle.get(key) {
                        Value::Text(key) => below(key),
                        Value::Integer(key) => below(&key.to_string()),
                        _ => return Err(format!("{} has a key that is neither text nor a number", shown(&name))),
                    };
                    self.visit(value, key, depth + 1)?;
                }
            }
            Value::List(items) | Value::Tuple(items) => {
                for (number, &item) in items.iter().enumerate() {
                    self.visit(item, below(&number.to_string()), depth + 1)?;
                }
            }
            Value::Tensor(arguments) => {
                let tensor = self.tensor(&name, *arguments)?;
                self.tensors.push((name, tensor));
            }
            // Settings that somebody has kept beside the weights.
            Value::None | Value::Bool(_) | Value::Integer(_) | Value::Float | Value::Text(_) => {}
            Value::Known(_) | Value::Persistent(_) => {
                return Err(format!("{} is neither a tensor nor a plain value", shown(&name)));
            }
        }
        Ok(())
    }

    /// Of `(storage, offset, size, stride, ...)`, both counted in elements.
    fn tensor(&mut self, name: &str, arguments: Place) -> Result<Tensor, String> {
        let pickle = self.pickle;
        let arguments = pickle.tuple(arguments).expect("a tensor is made from a tuple");
        let damaged = |what: &str| format!("{} has {what}", shown(name));
        let Value::Persistent(id) = pickle.get(arguments[0]) else { return Err(damaged("no storage")) };
        let storage = self.storage(*id)?;
        let bytes = *self.storages.get(storage.key).ok_or_else(|| damaged("a storage that is not in the file"))?;
        let (offset, size, stride) = (
            pickle.integer::<i64>(arguments[1]),
            pickle.integers::<i64>(arguments[2]),
            pickle.integers::<i64>(arguments[3]),
        );
        let (Some(offset), Some(size), Some(stride)) = (offset, size, stride) else {
            return Err(damaged("a shape that is none"));
        };
        let kind = storage.element.kind();
        let elements = bytes.len() / kind.elt_size_in_bytes();
        if storage.elements != Some(elements) || bytes.len() % kind.elt_size_in_bytes() != 0 {
            return Err(damaged("a storage of another size than the file says"));
        }
        let outside = || damaged(&format!("the shape {size:?}, of which elements lie outside of its storage"));
        let (count, places) = extent(offset, &size, &stride).ok_or_else(outside)?;
        if places.end > elements {
            return Err(outside());
        }
        if count > places.len() {
            return Err(damaged(&format!("the shape {size:?}, of which elements lie over each other")));
        }
        let width = kind.elt_size_in_bytes();
        let needed = places.len().saturating_mul(width.max(Kind::Float.elt_size_in_bytes()));
        self.budget = self.budget.checked_sub(needed).ok_or("its tensors are far larger than the file")?;
        let bytes = &bytes[places.start * width..places.end * width];
        let part = Tensor::f_from_data_size(bytes, &[places.len() as i64], kind).map_err(|error| error.to_string())?;
        let view = part.f_as_strided(&size, &stride, 0).map_err(|error| error.to_string())?;
        // A copy, so that no small view keeps a large storage.
        Ok(view.contiguous().copy())
    }

    /// Of `('storage', type, key, location, number of elements)`; the older format adds what must be None.
    fn storage(&self, id: Place) -> Result<Storage<'a>, String> {
        let pickle = self.pickle;
        let storage = || {
            let (fields, rest) = pickle.tuple(id)?.split_first_chunk::<5>()?;
            let &[word, class, key, _location, elements] = fields;
            let Value::Known(Known::Storage(element)) = pickle.get(class) else { return None };
            let is_plain =
                pickle.text(word) == Some("storage") && rest.iter().all(|&more| *pickle.get(more) == Value::None);
            let (key, element) = (pickle.text(key)?, *element);
            is_plain.then(|| Storage { key, element, elements: pickle.integer(elements) })
        };
        storage().ok_or_else(|| "it names a storage in a way that torch.save does not".into())
    }
}

/// Elements beside the pickle.
struct Storage<'a> {
    key: &'a str,
    element: Element,
    /// How many there are.
    elements: Option<usize>,
}

/// Number of elements of a view, and the places in the storage from its first to its last; `None` if these are no
/// numbers.
fn extent(offset: i64, size: &[i64], stride: &[i64]) -> Option<(usize, Range<usize>)> {
    if size.len() != stride.len() || size.iter().chain(stride).any(|&number| number < 0) {
        return None;
    }
    let first = usize::try_from(offset).ok()?;
    let count = size.iter().try_fold(1_i64, |count, &size| count.checked_mul(size))?;
    if count == 0 {
        return Some((0, first..first));
    }
    let far = size.iter().zip(stride).map(|(size, stride)| (size - 1).checked_mul(*stride));
    let last = far.into_iter().try_fold(offset, |last, far| last.checked_add(far?))?;
    Some((usize::try_from(count).ok()?, first..usize::try_from(last).ok()?.checked_add(1)?))
}
