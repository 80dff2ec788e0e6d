//! A pickle (Python's `pickletools` describes the format) read as data.
//!
//! A pickle is a program for a stack machine, which can call any function by its name. This machine knows the words
//! that make numbers, text, tuples, lists and dictionaries, and of functions those few that `torch.save` needs for
//! tensors; what they would do is written down as a value, not done. Any other word or function is an error.
//!
//! Values stand in one list and point at each other by their place in it, as in Python, where a dictionary is filled
//! after others have taken hold of it. No word makes more than one value, so there are no more values than bytes.

use std::collections::BTreeMap;

use super::{bytes::Bytes, shown};

/// The word that a pickle begins with, and the newest protocol.
pub const PROTOCOL: u8 = 0x80;
pub const NEWEST_PROTOCOL: u8 = 5;

/// Bytes of a pickle at most: state dicts with ten thousands of tensors have fewer. Storages lie outside.
const LARGEST: usize = 8 << 20;

/// The functions and classes that a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    OrderedDict,
    Size,
    RebuildTensor,
    RebuildParameter,
    Storage(Element),
}

/// The kinds of elements of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Double,
    Float,
    Half,
    BFloat16,
    Long,
    Int,
    Short,
    Char,
    Byte,
    Bool,
}

/// The place of a value.
pub type Place = usize;

/// What a pickle makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    None,
    Bool(bool),
    Integer(i128),
    Float,
    Text(&'a str),
    Tuple(Vec<Place>),
    List(Vec<Place>),
    /// Keys and values, in order.
    Dictionary(Vec<(Place, Place)>),
    Known(Known),
    /// Something that lies outside of the pickle: what identifies it.
    Persistent(Place),
    /// `torch._utils._rebuild_tensor_v2` of this tuple.
    Tensor(Place),
}

/// A pickle that has been read.
#[derive(Debug)]
pub struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Place,
}

impl<'a> Pickle<'a> {
    /// Reads one pickle, of at most 8 MB, and leaves what comes after it in `bytes`.
    pub fn read(bytes: &mut Bytes<'a>) -> Result<Self, String> {
        let allowed = &bytes.0[..bytes.0.len().min(LARGEST)];
        let mut words = Bytes(allowed);
        let pickle = Machine::default().run(&mut words)?;
        bytes.take((allowed.len() - words.0.len()) as u64)?;
        Ok(pickle)
    }

    pub fn root(&self) -> Place {
        self.root
    }

    pub fn get(&self, place: Place) -> &Value<'a> {
        &self.values[place]
    }

    /// What identifies each value outside of the pickle.
    pub fn persistent(&self) -> impl Iterator<Item = Place> {
        self.values.iter().filter_map(|value| if let Value::Persistent(id) = value { Some(*id) } else { None })
    }

    pub fn tuple(&self, place: Place) -> Option<&[Place]> {
        if let Value::Tuple(items) = self.get(place) { Some(items) } else { None }
    }

    pub fn text(&self, place: Place) -> Option<&'a str> {
        if let Value::Text(text) = self.get(place) { Some(text) } else { None }
    }

    pub fn integer<Number: TryFrom<i128>>(&self, place: Place) -> Option<Number> {
        if let Value::Integer(number) = self.get(place) { Number::try_from(*number).ok() } else { None }
    }

    pub fn integers<Number: TryFrom<i128>>(&self, place: Place) -> Option<Vec<Number>> {
        self.tuple(place)?.iter().map(|&item| self.integer(item)).collect()
    }
}

/// The stack machine.
#[derive(Default)]
struct Machine<'a> {
    values: Vec<Value<'a>>,
    stack: Vec<Place>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    /// What has been kept for later, by number.
    memo: BTreeMap<u32, Place>,
}

impl<'a> Machine<'a> {
    fn run(mut self, words: &mut Bytes<'a>) -> Result<Pickle<'a>, String> {
        loop {
            match words.u8()? {
                b'.' => {
                    let root = self.pop()?;
                    return Ok(Pickle { values: self.values, root });
                }
                word => self.step(word, words)?,
            }
        }
    }

    fn step(&mut self, word: u8, words: &mut Bytes<'a>) -> Result<(), String> {
        match word {
            PROTOCOL => match words.u8()? {
                0..=NEWEST_PROTOCOL => Ok(()),
                newer => Err(format!("its pickle has the unknown protocol {newer}")),
            },
            // A frame only announces how much is to come.
            0x95 => words.u64().map(drop),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => self.integer(words.u8()?),
            b'M' => self.integer(words.u16()?),
            b'J' => self.integer(i32::from_le_bytes(words.array()?)),
            0x8a => self.long(words),
            b'G' => {
                words.take(8)?;
                self.push(Value::Float)
            }
            b'X' => self.text(u64::from(words.u32()?), words),
            0x8c => self.text(u64::from(words.u8()?), words),
            0x8d => self.text(words.u64()?, words),
            b'U' => self.text(u64::from(words.u8()?), words),
            b'T' => self.text(u64::from(words.u32()?), words),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b')' => self.push(Value::Tuple(Vec::new())),
            b't' => self.tuple_of(|machine| machine.pop_to_mark()),
            0x85 => self.tuple_of(|machine| machine.pop_many(1)),
            0x86 => self.tuple_of(|machine| machine.pop_many(2)),
            0x87 => self.tuple_of(|machine| machine.pop_many(3)),
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dictionary(Vec::new())),
            b'a' => self.pop_many(1).and_then(|items| self.append(&items)),
            b'e' => self.pop_to_mark().and_then(|items| self.append(&items)),
            b's' => self.pop_many(2).and_then(|items| self.set(&items)),
            b'u' => self.pop_to_mark().and_then(|items| self.set(&items)),
            b'q' => self.keep(words.u8()?.into()),
            b'r' => self.keep(words.u32()?),
            0x94 => self.keep(self.memo.len() as u32),
            b'h' => self.recall(words.u8()?.into()),
            b'j' => self.recall(words.u32()?),
            b'c' => {
                let (module, name) = (words.line()?, words.line()?);
                self.name(module, name)
            }
            0x93 => {
                let names = self.pop_many(2)?;
                let [Value::Text(module), Value::Text(name)] = [&self.values[names[0]], &self.values[names[1]]] else {
                    return Err(damaged());
                };
                self.name(module, name)
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id))
            }
            b'R' => self.call(),
            b'b' => self.build(),
            other => Err(format!("its pickle uses the word 0x{other:02x}, which no tensor needs; apd runs no pickles")),
        }
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), String> {
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn integer(&mut self, number: impl Into<i128>) -> Result<(), String> {
        self.push(Value::Integer(number.into()))
    }

    /// Little-endian with a sign, of at most 16 bytes.
    fn long(&mut self, words: &mut Bytes<'a>) -> Result<(), String> {
        let length = words.u8()?;
        let bytes = words.take(length.into())?;
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut number = [sign; 16];
        number.get_mut(..bytes.len()).ok_or("its pickle has a number of more than 16 bytes")?.copy_from_slice(bytes);
        self.integer(i128::from_le_bytes(number))
    }

    fn text(&mut self, length: u64, words: &mut Bytes<'a>) -> Result<(), String> {
        self.push(Value::Text(words.text(length)?))
    }

    fn tuple_of(&mut self, pop: impl FnOnce(&mut Self) -> Result<Vec<Place>, String>) -> Result<(), String> {
        let items = pop(self)?;
        self.push(Value::Tuple(items))
    }

    /// The height below which nothing may be popped.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Place, String> {
        Ok(self.pop_many(1)?[0])
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Place>, String> {
        let height = self.stack.len().checked_sub(count).filter(|&height| height >= self.floor());
        Ok(self.stack.split_off(height.ok_or_else(damaged)?))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Place>, String> {
        let height = self.marks.pop().ok_or_else(damaged)?;
        Ok(self.stack.split_off(height))
    }

    /// The value on top of the stack, which stays there.
    fn top(&self) -> Result<Place, String> {
        self.stack[self.floor()..].last().copied().ok_or_else(damaged)
    }

    fn append(&mut self, items: &[Place]) -> Result<(), String> {
        let top = self.top()?;
        let Value::List(list) = &mut self.values[top] else { return Err(damaged()) };
        list.extend(items);
        Ok(())
    }

    fn set(&mut self, items: &[Place]) -> Result<(), String> {
        let top = self.top()?;
        let (pairs, []) = items.as_chunks::<2>() else { return Err(damaged()) };
        let Value::Dictionary(dictionary) = &mut self.values[top] else { return Err(damaged()) };
        dictionary.extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    fn keep(&mut self, number: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, number: u32) -> Result<(), String> {
        self.stack.push(*self.memo.get(&number).ok_or_else(damaged)?);
        Ok(())
    }

    fn name(&mut self, module: &str, name: &str) -> Result<(), String> {
        let known = known(module, name).ok_or_else(|| {
            let name = shown(&format!("{module}.{name}"));
            format!("its pickle asks for {name}, which no state dict needs; apd runs no pickles")
        })?;
        self.push(Value::Known(known))
    }

    /// A call of a known function: what it makes, as data.
    fn call(&mut self) -> Result<(), String> {
        let arguments = self.pop()?;
        let function = self.pop()?;
        let (Value::Known(function), Value::Tuple(items)) = (&self.values[function], &self.values[arguments]) else {
            return Err(damaged());
        };
        match (*function, &items[..]) {
            (Known::OrderedDict, []) => self.push(Value::Dictionary(Vec::new())),
            (Known::RebuildTensor, [_, _, _, _, ..]) => self.push(Value::Tensor(arguments)),
            // A size is a tuple, a parameter its tensor.
            (Known::Size, &[same]) | (Known::RebuildParameter, &[same, ..]) => {
                self.stack.push(same);
                Ok(())
            }
            _ => Err(damaged()),
        }
    }

    /// What `torch.nn.Module.state_dict` leaves on its dictionary: `_metadata`, versions of modules. Not looked at.
    fn build(&mut self) -> Result<(), String> {
        let _state = self.pop()?;
        let top = self.top()?;
        if matches!(self.values[top], Value::Dictionary(_)) { Ok(()) } else { Err(damaged()) }
    }
}

fn known(module: &str, name: &str) -> Option<Known> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Known::OrderedDict,
        ("torch", "Size") => Known::Size,
        ("torch._utils", "_rebuild_tensor_v2") => Known::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Known::RebuildParameter,
        ("torch", storage) => Known::Storage(match storage.strip_suffix("Storage")? {
            "Double" => Element::Double,
            "Float" => Element::Float,
            "Half" => Element::Half,
            "BFloat16" => Element::BFloat16,
            "Long" => Element::Long,
            "Int" => Element::Int,
            "Short" => Element::Short,
            "Char" => Element::Char,
            "Byte" => Element::Byte,
            "Bool" => Element::Bool,
            _ => return None,
        }),
        _ => return None,
    })
}

fn damaged() -> String {
    "its pickle is damaged (its words do not fit together)".into()
}
