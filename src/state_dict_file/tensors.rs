//! The tensors that a pickle describes, by their names: whatever lies in dictionaries and lists, their names joined by dots.
//!
//! Everything else that stands beside them is plain data and passed over. A tensor that cannot be a weight is told apart, so that
//! it is an error only where a weight is asked for.

use std::{collections::BTreeMap, ops::Range};

use tch::{Device, Kind, Tensor};

use super::{
    element::Element,
    known::{Known, Oddity},
    pickle::{Pickle, Place, TensorValue, Value},
    refusal::Refusal,
    shown,
};
use crate::memory;

/// Entries of dictionaries and lists at most, beside one for each value. A dictionary may be named twice; few of them could stand
/// for very many.
const MOST_ENTRIES: usize = 100_000;

/// Letters of a tensor's name at most.
const LONGEST_NAME: usize = 1_000;

/// How much larger the tensors may be than the file: they may share storages. And how large in any case, since an expanded tensor
/// has elements that lie over each other. In bytes.
const LARGEST_SHARE: usize = 16;
const ALWAYS_ALLOWED: usize = 128 << 20;

/// The tensors of a file.
#[derive(Debug, Default)]
pub struct Found {
    pub tensors: Vec<(String, Tensor)>,
    /// Those that cannot be weights, with what is the matter, as the end of a sentence that begins with the name.
    pub odd: Vec<(String, Refusal)>,
}

/// What lies beside a pickle.
pub struct Storages<'a> {
    /// Bytes by their key.
    pub contents: BTreeMap<String, &'a [u8]>,
    pub is_big_endian: bool,
}

/// All tensors below the pickle's value.
pub fn named_tensors(pickle: &Pickle, storages: &Storages, file_size: usize) -> Result<Found, Refusal> {
    let budget = file_size.saturating_mul(LARGEST_SHARE).max(ALWAYS_ALLOWED);
    let mut reader = Reader { pickle, storages, budget, found: Found::default() };
    reader.walk()?;
    Ok(reader.found)
}

struct Reader<'p, 'a> {
    pickle: &'p Pickle<'a>,
    storages: &'p Storages<'a>,
    /// Bytes that the tensors may still take.
    budget: usize,
    found: Found,
}

/// Where a value stands in the one around it.
#[derive(Clone, Copy)]
enum Label {
    Key(Place),
    Index(usize),
}

/// What is still to do on a walk over values.
enum Step {
    /// `None`: the whole.
    Enter(Option<Label>, Place),
    /// Each open dictionary with the number of tensors before it was entered.
    Leave(Place, usize),
}

impl Reader<'_, '_> {
    /// Collects the tensors, in order. A value in itself is entered once.
    fn walk(&mut self) -> Result<(), Refusal> {
        let mut path: Vec<Label> = Vec::new();
        // Values that the walk is in, and those below which there was no tensor.
        let mut passed = vec![false; self.pickle.len()];
        let mut entries = 0;
        let mut steps = vec![Step::Enter(None, self.pickle.root())];
        while let Some(step) = steps.pop() {
            let (label, place) = match step {
                Step::Enter(label, place) => (label, place),
                Step::Leave(place, before) => {
                    path.pop();
                    passed[place] = self.count() == before;
                    continue;
                }
            };
            if passed[place] {
                continue;
            }
            let inner: Vec<(Label, Place)> = match self.pickle.get(place) {
                Value::Dictionary(entries) => entries.iter().map(|&(key, value)| (Label::Key(key), value)).collect(),
                Value::List(items) | Value::Tuple(items) => {
                    items.iter().enumerate().map(|(index, &item)| (Label::Index(index), item)).collect()
                }
                Value::Tensor(tensor) => {
                    let name = self.name(&path, label);
                    let read = self.tensor(&name, tensor)?;
                    self.add(name, read);
                    continue;
                }
                Value::Odd(oddity) => {
                    let name = self.name(&path, label);
                    self.add(name, Err(*oddity));
                    continue;
                }
                // Settings that somebody has kept beside the weights.
                _ => continue,
            };
            entries += inner.len();
            if entries > MOST_ENTRIES + self.pickle.len() {
                return Err("its dictionaries hold each other too often".into());
            }
            passed[place] = true;
            path.push(label.unwrap_or(Label::Index(0)));
            steps.push(Step::Leave(place, self.count()));
            steps.extend(inner.into_iter().rev().map(|(label, place)| Step::Enter(Some(label), place)));
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.found.tensors.len() + self.found.odd.len()
    }

    fn add(&mut self, name: String, read: Result<Tensor, Oddity>) {
        match read {
            _ if name.len() > LONGEST_NAME => self.found.odd.push((name, Oddity::LongName.refusal())),
            Ok(tensor) => self.found.tensors.push((name, tensor)),
            Err(oddity) => self.found.odd.push((name, oddity.refusal())),
        }
    }

    /// The labels that lead to a value from the whole, the first of which is that of the whole itself. Little longer than the
    /// longest name, however long they are.
    fn name(&self, path: &[Label], last: Option<Label>) -> String {
        let mut name = String::new();
        for label in path.iter().skip(1).copied().chain(last) {
            if name.len() > LONGEST_NAME {
                break;
            }
            if !name.is_empty() {
                name.push('.');
            }
            match label {
                Label::Index(index) => name += &index.to_string(),
                Label::Key(key) => name.extend(self.key(key, 0).chars().take(LONGEST_NAME + 1)),
            }
        }
        name
    }

    /// A key of a dictionary as Python would show it.
    fn key(&self, place: Place, depth: usize) -> String {
        const DEEPEST: usize = 3;
        match self.pickle.get(place) {
            Value::Text(text) => text.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => format!("{number:?}"),
            Value::Bool(true) => "True".into(),
            Value::Bool(false) => "False".into(),
            Value::None => "None".into(),
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::Tuple(items) if depth < DEEPEST => {
                let items: Vec<String> = items.iter().take(8).map(|&item| self.key(item, depth + 1)).collect();
                format!("({})", items.join(", "))
            }
            _ => "?".into(),
        }
    }

    /// Of `(storage, offset, size, stride, ...)`, both counted in elements.
    fn tensor(&mut self, name: &str, value: &TensorValue) -> Result<Result<Tensor, Oddity>, Refusal> {
        let pickle = self.pickle;
        let arguments = pickle.tuple(value.arguments).expect("a tensor is made from a tuple");
        let damaged = |what: &str| Refusal::from(format!("{} has {what}", shown(name)));
        let Value::Persistent(id) = pickle.get(arguments[0]) else { return Err(damaged("no storage")) };
        let storage = storage(pickle, *id)?;
        let element = value.element.unwrap_or(storage.element);
        let cast = value.cast.unwrap_or(element);
        let (Some(kind), Some(cast)) = (element.kind, cast.kind) else {
            let odd = if element.kind.is_none() { element } else { cast };
            return Ok(Err(Oddity::Elements(odd.name)));
        };
        let bytes = storage.bytes(self.storages).map_err(damaged)?;
        let (offset, size, stride) = (
            pickle.integer::<i64>(arguments[1]),
            pickle.integers::<i64>(arguments[2]),
            pickle.integers::<i64>(arguments[3]),
        );
        let (Some(offset), Some(size), Some(stride)) = (offset, size, stride) else {
            return Err(damaged("a shape that is none"));
        };
        let outside = || damaged(&format!("the shape {size:?}, of which elements lie outside of its storage"));
        let (count, places) = extent(offset, &size, &stride).ok_or_else(outside)?;
        if places.end > bytes.len() / element.width {
            return Err(outside());
        }
        // Elements may lie over each other, as those of an expanded tensor do.
        let needed = count.max(places.len()).saturating_mul(element.width.max(Kind::Float.elt_size_in_bytes()));
        let Some(budget) = self.budget.checked_sub(needed) else { return Ok(Err(Oddity::TooLarge(count))) };
        self.budget = budget;
        // Beside what there is by now: the part, the view as its own tensor, and the same as another kind.
        memory::check(3.0 * needed as f64, Device::Cpu).map_err(|error| {
            Refusal::new(error.what(), "use a machine with more memory, or save the state dict of the network alone")
        })?;
        let bytes = &bytes[places.start * element.width..places.end * element.width];
        let swapped: Vec<u8>;
        let bytes = if self.storages.is_big_endian {
            swapped = bytes.chunks(element.width).flat_map(|element| element.iter().rev()).copied().collect();
            &swapped
        } else {
            bytes
        };
        let failed = |error: tch::TchError| Refusal::from(error.to_string());
        let part = Tensor::f_from_data_size(bytes, &[places.len() as i64], kind).map_err(failed)?;
        let view = part.f_as_strided(&size, &stride, 0).map_err(failed)?;
        // A copy, so that no small view keeps a large storage.
        let tensor = view.contiguous().copy();
        let is_negative = arguments.get(value.metadata).is_some_and(|&metadata| pickle.says(metadata, "neg"));
        let tensor = if is_negative { tensor.f_neg().map_err(failed)? } else { tensor };
        Ok(Ok(tensor.to_kind(cast)))
    }
}

/// Elements beside the pickle.
pub struct Storage<'p> {
    pub key: &'p str,
    pub element: Element,
    /// How many there are.
    elements: usize,
    /// In older files: the part of them that this storage is, its first and their number.
    part: Option<(usize, usize)>,
}

/// Of `('storage', type, key, location, number of elements)`; the older format adds None, or of a part of a storage its own key,
/// first element and number of elements.
pub fn storage<'p>(pickle: &'p Pickle, id: Place) -> Result<Storage<'p>, Refusal> {
    let storage = || {
        let (fields, rest) = pickle.tuple(id)?.split_first_chunk::<5>()?;
        let &[word, class, key, _location, elements] = fields;
        let Value::Known(Known::Storage(element)) = pickle.get(class) else { return None };
        let part = match rest {
            [] => None,
            &[none] if *pickle.get(none) == Value::None => None,
            &[part] => match pickle.tuple(part)? {
                &[_key, first, count] => Some((pickle.integer(first)?, pickle.integer(count)?)),
                _ => return None,
            },
            _ => return None,
        };
        let (key, elements) = (pickle.text(key)?, pickle.integer(elements)?);
        (pickle.text(word) == Some("storage")).then_some(Storage { key, element: *element, elements, part })
    };
    storage().ok_or_else(|| "it names a storage in a way that torch.save does not".into())
}

impl Storage<'_> {
    fn bytes<'a>(&self, storages: &Storages<'a>) -> Result<&'a [u8], &'static str> {
        const OTHER_SIZE: &str = "a storage of another size than the file says";
        let whole = *storages.contents.get(self.key).ok_or("a storage that is not in the file")?;
        let width = self.element.width;
        if self.elements.checked_mul(width) != Some(whole.len()) {
            return Err(OTHER_SIZE);
        }
        let Some((first, count)) = self.part else { return Ok(whole) };
        let end = first.checked_add(count).and_then(|end| end.checked_mul(width)).ok_or(OTHER_SIZE)?;
        whole.get(first * width..end).ok_or(OTHER_SIZE)
    }
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
