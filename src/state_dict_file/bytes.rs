//! A view of bytes that is read from the front and never past its end.

use super::refusal::Refusal;

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next `count` bytes. `count` may be any number that a file claims.
    pub fn take(&mut self, count: u64) -> Result<&'a [u8], Refusal> {
        let count = usize::try_from(count).ok().filter(|&count| count <= self.0.len()).ok_or_else(ends_too_early)?;
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        Ok(self.take(N as u64)?.try_into().expect("so many bytes"))
    }

    pub fn u8(&mut self) -> Result<u8, Refusal> {
        self.array().map(u8::from_le_bytes)
    }

    pub fn u16(&mut self) -> Result<u16, Refusal> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Refusal> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Refusal> {
        self.array().map(u64::from_le_bytes)
    }

    /// UTF-8 of so many bytes.
    pub fn text(&mut self, count: u64) -> Result<&'a str, Refusal> {
        str::from_utf8(self.take(count)?).map_err(|_| "it has text that is not UTF-8".into())
    }

    /// Text up to the next line feed, which is taken too.
    pub fn line(&mut self) -> Result<&'a str, Refusal> {
        let length = self.0.iter().position(|&byte| byte == b'\n').ok_or_else(ends_too_early)?;
        let line = self.text(length as u64)?;
        self.take(1)?;
        Ok(line)
    }
}

fn ends_too_early() -> Refusal {
    Refusal::cut_off("it ends too early")
}
