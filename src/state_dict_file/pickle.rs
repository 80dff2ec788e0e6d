//! A pickle (Python's `pickletools` describes the format) read as data.
//!
//! A pickle is a program for a stack machine, which can call any function by its name. This machine knows the words
//! that make numbers, text, tuples, lists, sets and dictionaries, and of functions those that are [`known`]; what they
//! would do is written down as a value, not done. Any other word or function is an error.
//!
//! Values stand in one list and point at each other by their place in it, as in Python, where a dictionary is filled
//! after others have taken hold of it. No word makes more than one value.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    bytes::Bytes,
    element::Element,
    known::{Known, Oddity, known},
    refusal::Refusal,
    shown,
};

/// The word that a pickle begins with, and the newest protocol.
pub const PROTOCOL: u8 = 0x80;
pub const NEWEST_PROTOCOL: u8 = 5;

/// Words of a pickle at most, and so values: a state dict has some tens for each tensor, and a million numbers beside it have a
/// million. Storages lie outside.
const MOST_WORDS: usize = 8_000_000;

/// The place of a value.
pub type Place = usize;

/// What a pickle makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    None,
    Bool(bool),
    Integer(i64),
    /// An integer beyond 64 bits: its bytes, the lowest first.
    Large(&'a [u8]),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    /// Sets, devices and other data that holds no tensor with a name.
    Plain,
    Tuple(Vec<Place>),
    List(Vec<Place>),
    /// Keys and values, in order.
    Dictionary(Vec<(Place, Place)>),
    Known(Known),
    /// Something that lies outside of the pickle: what identifies it.
    Persistent(Place),
    Tensor(TensorValue),
    /// A tensor that cannot be a weight.
    Odd(Oddity),
}

/// A tensor as a pickle describes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TensorValue {
    /// The tuple `(storage, offset, size, stride, ...)`.
    pub arguments: Place,
    /// How the bytes of the storage are to be read, if not as the storage's own kind.
    pub element: Option<Element>,
    /// What the elements are then converted to.
    pub cast: Option<Element>,
    /// The place in the tuple of what else is known about the tensor.
    pub metadata: usize,
}

/// A pickle that has been read.
#[derive(Debug)]
pub struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Place,
}

impl<'a> Pickle<'a> {
    /// Reads one pickle and leaves what comes after it in `bytes`.
    pub fn read(bytes: &mut Bytes<'a>) -> Result<Self, Refusal> {
        Machine::default().run(bytes)
    }

    pub fn root(&self) -> Place {
        self.root
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
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

    pub fn text(&self, place: Place) -> Option<&str> {
        if let Value::Text(text) = self.get(place) { Some(text) } else { None }
    }

    pub fn integer<Number: TryFrom<i64>>(&self, place: Place) -> Option<Number> {
        if let Value::Integer(number) = self.get(place) { Number::try_from(*number).ok() } else { None }
    }

    pub fn integers<Number: TryFrom<i64>>(&self, place: Place) -> Option<Vec<Number>> {
        self.tuple(place)?.iter().map(|&item| self.integer(item)).collect()
    }

    /// Whether a dictionary says `True` of `key`.
    pub fn says(&self, dictionary: Place, key: &str) -> bool {
        let Value::Dictionary(entries) = self.get(dictionary) else { return false };
        entries.iter().any(|&(name, value)| self.text(name) == Some(key) && *self.get(value) == Value::Bool(true))
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
    /// How many words have been read, and entries copied.
    words: usize,
}

impl<'a> Machine<'a> {
    fn run(mut self, words: &mut Bytes<'a>) -> Result<Pickle<'a>, Refusal> {
        loop {
            self.count(1)?;
            match words.u8()? {
                b'.' => {
                    let root = self.pop()?;
                    return Ok(Pickle { values: self.values, root });
                }
                word => self.step(word, words)?,
            }
        }
    }

    fn count(&mut self, words: usize) -> Result<(), Refusal> {
        self.words += words;
        if self.words <= MOST_WORDS { Ok(()) } else { Err("its pickle holds millions of values".into()) }
    }

    fn step(&mut self, word: u8, words: &mut Bytes<'a>) -> Result<(), Refusal> {
        match word {
            PROTOCOL => match words.u8()? {
                0..=NEWEST_PROTOCOL => Ok(()),
                newer => Err(format!("its pickle has the unknown protocol {newer}").into()),
            },
            // A frame only announces how much is to come.
            0x95 => words.u64().map(drop),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => self.integer(words.u8()?),
            b'M' => self.integer(words.u16()?),
            b'J' => self.integer(i32::from_le_bytes(words.array()?)),
            0x8a => self.long(u64::from(words.u8()?), words),
            0x8b => self.long(u64::from(words.u32()?), words),
            b'G' => self.push(Value::Float(f64::from_be_bytes(words.array()?))),
            b'X' => self.text(u64::from(words.u32()?), words),
            0x8c => self.text(u64::from(words.u8()?), words),
            0x8d => self.text(words.u64()?, words),
            b'U' => self.text(u64::from(words.u8()?), words),
            b'T' => self.text(u64::from(words.u32()?), words),
            b'C' => self.bytes(u64::from(words.u8()?), words),
            b'B' => self.bytes(u64::from(words.u32()?), words),
            0x8e | 0x96 => self.bytes(words.u64()?, words),
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
            0x8f => self.push(Value::Plain),
            0x91 => self.pop_to_mark().and_then(|_items| self.push(Value::Plain)),
            b'a' => self.pop_many(1).and_then(|items| self.append(&items)),
            b'e' => self.pop_to_mark().and_then(|items| self.append(&items)),
            b's' => self.pop_many(2).and_then(|items| self.set(&items)),
            b'u' => self.pop_to_mark().and_then(|items| self.set(&items)),
            0x90 => self.pop_to_mark().and_then(|_items| self.is_on_top(&Value::Plain)),
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
                let (module, name) = (module.clone(), name.clone());
                self.name(&module, &name)
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id))
            }
            b'R' | 0x81 => self.call(),
            b'b' => self.build(),
            other => {
                Err(format!("its pickle uses the word 0x{other:02x}, which no tensor needs; apd runs no pickles")
                    .into())
            }
        }
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), Refusal> {
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn integer(&mut self, number: impl Into<i64>) -> Result<(), Refusal> {
        self.push(Value::Integer(number.into()))
    }

    /// An integer of so many bytes, the lowest first, with a sign.
    fn long(&mut self, length: u64, words: &mut Bytes<'a>) -> Result<(), Refusal> {
        let bytes = words.take(length)?;
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut number = [sign; 8];
        match number.get_mut(..bytes.len()) {
            Some(low) => low.copy_from_slice(bytes),
            None => return self.push(Value::Large(bytes)),
        }
        self.integer(i64::from_le_bytes(number))
    }

    /// Text that is not UTF-8, such as a path with other bytes, is kept as well as it can be.
    fn text(&mut self, length: u64, words: &mut Bytes<'a>) -> Result<(), Refusal> {
        self.push(Value::Text(String::from_utf8_lossy(words.take(length)?)))
    }

    fn bytes(&mut self, length: u64, words: &mut Bytes<'a>) -> Result<(), Refusal> {
        self.push(Value::Bytes(words.take(length)?))
    }

    fn tuple_of(&mut self, pop: impl FnOnce(&mut Self) -> Result<Vec<Place>, Refusal>) -> Result<(), Refusal> {
        let items = pop(self)?;
        self.push(Value::Tuple(items))
    }

    /// The height below which nothing may be popped.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Place, Refusal> {
        Ok(self.pop_many(1)?[0])
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Place>, Refusal> {
        let height = self.stack.len().checked_sub(count).filter(|&height| height >= self.floor());
        Ok(self.stack.split_off(height.ok_or_else(damaged)?))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Place>, Refusal> {
        let height = self.marks.pop().ok_or_else(damaged)?;
        Ok(self.stack.split_off(height))
    }

    /// The value on top of the stack, which stays there.
    fn top(&self) -> Result<Place, Refusal> {
        self.stack[self.floor()..].last().copied().ok_or_else(damaged)
    }

    fn is_on_top(&self, value: &Value) -> Result<(), Refusal> {
        if self.values[self.top()?] == *value { Ok(()) } else { Err(damaged()) }
    }

    fn append(&mut self, items: &[Place]) -> Result<(), Refusal> {
        let top = self.top()?;
        let Value::List(list) = &mut self.values[top] else { return Err(damaged()) };
        list.extend(items);
        Ok(())
    }

    fn set(&mut self, items: &[Place]) -> Result<(), Refusal> {
        let top = self.top()?;
        let (pairs, []) = items.as_chunks::<2>() else { return Err(damaged()) };
        let Value::Dictionary(dictionary) = &mut self.values[top] else { return Err(damaged()) };
        dictionary.extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    fn keep(&mut self, number: u32) -> Result<(), Refusal> {
        let top = self.top()?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, number: u32) -> Result<(), Refusal> {
        self.stack.push(*self.memo.get(&number).ok_or_else(damaged)?);
        Ok(())
    }

    fn name(&mut self, module: &str, name: &str) -> Result<(), Refusal> {
        let known = known(module, name).ok_or_else(|| {
            let module = if module == "__builtin__" { "builtins" } else { module };
            let name = shown(&format!("{module}.{name}"));
            format!("its pickle asks for {name}, which no state dict needs; apd runs no pickles")
        })?;
        self.push(Value::Known(known))
    }

    /// A call of a known function: what it makes, as data.
    fn call(&mut self) -> Result<(), Refusal> {
        let mut arguments = self.pop()?;
        let mut function = self.pop()?;
        loop {
            let (Value::Known(known), Value::Tuple(items)) = (&self.values[function], &self.values[arguments]) else {
                return Err(damaged());
            };
            let tensor = |element, metadata| Value::Tensor(TensorValue { arguments, element, cast: None, metadata });
            let made = match (*known, &items[..]) {
                (Known::RebuildFromType, &[inner, _, with, ..]) => {
                    (function, arguments) = (inner, with);
                    continue;
                }
                (Known::Dictionary, &[]) => Value::Dictionary(Vec::new()),
                (Known::Dictionary, &[of]) => self.dictionary(of)?,
                // A size is a tuple, and a parameter its tensor.
                (Known::Size, &[same]) if matches!(self.values[same], Value::Tuple(_)) => return self.again(same),
                (Known::Parameter, &[same, ..]) if self.is_tensor(same) => return self.again(same),
                (Known::RebuildTensor, [_, _, _, _, ..]) => tensor(None, 6),
                (Known::RebuildTensorOfKind, &[_, _, _, _, _, _, kind, ..]) => {
                    let Value::Known(Known::Dtype(element)) = self.values[kind] else { return Err(damaged()) };
                    tensor(Some(element), 7)
                }
                (Known::RebuildFromCpu, &[of, kind, ..]) => match (&self.values[of], &self.values[kind]) {
                    (Value::Tensor(tensor), Value::Known(Known::Dtype(element))) => {
                        Value::Tensor(TensorValue { cast: Some(*element), ..*tensor })
                    }
                    (Value::Odd(oddity), _) => Value::Odd(*oddity),
                    _ => return Err(damaged()),
                },
                (Known::Rebuild(oddity), _) => Value::Odd(oddity),
                (Known::Tensor | Known::Parameter, _) => Value::Odd(Oddity::Empty),
                (Known::Plain | Known::Size | Known::Storage(_), _) => Value::Plain,
                _ => return Err(damaged()),
            };
            return self.push(made);
        }
    }

    /// The value at `place` once more.
    fn again(&mut self, place: Place) -> Result<(), Refusal> {
        self.stack.push(place);
        Ok(())
    }

    fn is_tensor(&self, place: Place) -> bool {
        matches!(self.values[place], Value::Tensor(_) | Value::Odd(_))
    }

    /// A dictionary of another one or of a list of pairs, as Python 2 wrote them. A counter of anything else is plain.
    fn dictionary(&mut self, of: Place) -> Result<Value<'a>, Refusal> {
        let pair = |item: &Place| match &self.values[*item] {
            Value::Tuple(pair) | Value::List(pair) => {
                if let [key, value] = pair[..] {
                    Some((key, value))
                } else {
                    None
                }
            }
            _ => None,
        };
        let entries = match &self.values[of] {
            Value::Dictionary(entries) => Some(entries.clone()),
            Value::Tuple(items) | Value::List(items) => items.iter().map(pair).collect(),
            _ => None,
        };
        self.count(entries.as_ref().map_or(0, Vec::len))?;
        Ok(entries.map_or(Value::Plain, Value::Dictionary))
    }

    /// The state of an object. That of a dictionary (`torch.nn.Module.state_dict` leaves versions of modules there) and of plain
    /// data is not looked at; that of a tensor was its content in older files.
    fn build(&mut self) -> Result<(), Refusal> {
        let state = self.pop()?;
        let top = self.top()?;
        let filled = match (&self.values[top], &self.values[state]) {
            (Value::Dictionary(_) | Value::Plain, _) => return Ok(()),
            (Value::Tensor(_) | Value::Odd(_), Value::Tuple(items)) => match items[..] {
                [_, _, _] => return Ok(()),
                [_, _, _, _] => {
                    Value::Tensor(TensorValue { arguments: state, element: None, cast: None, metadata: usize::MAX })
                }
                [data, _, _, _, _] if self.is_tensor(data) => self.values[data].clone(),
                _ => return Err(damaged()),
            },
            _ => return Err(damaged()),
        };
        self.values[top] = filled;
        Ok(())
    }
}

fn damaged() -> Refusal {
    "its pickle is damaged (its words do not fit together)".into()
}
