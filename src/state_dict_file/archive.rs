//! The zip archive of `torch.save`: files side by side, uncompressed, each with its checksum.
//!
//! The format is PKWARE's APPNOTE 6.3: a directory at the end (section 4.3.12) names every file and the place of its
//! local header (4.3.7), after which its bytes lie; sizes beyond 32 bits stand in an extra field (4.5.3).

use std::collections::BTreeMap;

use super::{bytes::Bytes, refusal::Refusal, shown};

const END: &[u8] = b"PK\x05\x06";
const END_64_LOCATOR: &[u8] = b"PK\x06\x07";
const END_64: &[u8] = b"PK\x06\x06";
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL_HEADER: &[u8] = b"PK\x03\x04";

/// Bytes of the end record without its comment, of the comment at most, and of the locator before it.
const END_SIZE: usize = 22;
const LARGEST_COMMENT: usize = u16::MAX as usize;
const LOCATOR_SIZE: usize = 20;

/// Id of the extra field with sizes of 64 bits, and the mark in the 32-bit field that it replaces.
const EXTRA_64: u16 = 1;
const IN_EXTRA: u64 = u32::MAX as u64;

/// The files of an archive by their path in it.
pub struct Archive<'a> {
    bytes: &'a [u8],
    files: BTreeMap<String, Entry>,
}

/// What the directory says about a file.
struct Entry {
    /// Where its local header begins.
    offset: u64,
    /// Bytes of the content, and of what is in the archive of it.
    size: u64,
    stored: u64,
    checksum: u32,
    /// Whether its bytes are in the archive as they are.
    is_plain: bool,
}

impl<'a> Archive<'a> {
    /// Reads the directory. A file's content is looked at when it is asked for.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (entries, offset) = directory(bytes)?;
        let mut directory = at(bytes, offset)?;
        let mut files = BTreeMap::new();
        // Files that lie over each other could make the checksums take for ever.
        let mut unread = bytes.len() as u64;
        for _ in 0..entries {
            let (name, entry) = entry(&mut directory)?;
            unread = unread.checked_sub(entry.stored).ok_or("the files of its archive lie over each other")?;
            if files.insert(name.to_string(), entry).is_some() {
                return Err(format!("its archive has two files {}", shown(name)).into());
            }
        }
        Ok(Self { bytes, files })
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The content of a file, which matches its checksum.
    pub fn get(&self, path: &str) -> Result<&'a [u8], Refusal> {
        let entry = self.files.get(path).ok_or_else(|| format!("its archive lacks {}", shown(path)))?;
        if !entry.is_plain {
            return Err(Refusal::new(
                format!("{} in its archive is compressed or encrypted, as torch.save leaves none", shown(path)),
                "unpack the archive and pack it again without compression: zip -0 -r",
            ));
        }
        let mut local = at(self.bytes, entry.offset)?;
        if local.take(4)? != LOCAL_HEADER {
            return Err("the directory of its archive is damaged".into());
        }
        local.take(22)?;
        let (name_size, extra_size) = (local.u16()?, local.u16()?);
        local.take(u64::from(name_size) + u64::from(extra_size))?;
        let content = local.take(entry.size)?;
        if crc32fast::hash(content) != entry.checksum {
            let why = format!("{} in its archive does not match its checksum", shown(path));
            return Err(Refusal::new(why, "download or copy it again: some of its bytes are damaged"));
        }
        Ok(content)
    }
}

/// Number of files, and where their directory begins.
fn directory(bytes: &[u8]) -> Result<(u64, u64), Refusal> {
    let cut_off = || Refusal::cut_off("its archive has no directory at its end: the file is cut off or damaged");
    let last = bytes.len().checked_sub(END_SIZE).ok_or_else(cut_off)?;
    let earliest = last.saturating_sub(LARGEST_COMMENT);
    let is_end = |&start: &usize| {
        let comment = usize::from(u16::from_le_bytes([bytes[start + 20], bytes[start + 21]]));
        bytes[start..].starts_with(END) && start + END_SIZE + comment <= bytes.len()
    };
    let start = (earliest..=last).rev().find(is_end).ok_or_else(cut_off)?;
    let mut end = Bytes(&bytes[start + 10..]);
    let entries = u64::from(end.u16()?);
    let _size = end.u32()?;
    let offset = u64::from(end.u32()?);
    let locator = start.checked_sub(LOCATOR_SIZE).map(|start| &bytes[start..]);
    let Some(locator) = locator.filter(|locator| locator.starts_with(END_64_LOCATOR)) else {
        return Ok((entries, offset));
    };
    let mut end_64 = at(bytes, Bytes(&locator[8..]).u64()?)?;
    if end_64.take(4)? != END_64 {
        return Err(cut_off());
    }
    end_64.take(28)?;
    let entries = end_64.u64()?;
    let _size = end_64.u64()?;
    Ok((entries, end_64.u64()?))
}

/// Name and entry of the next file in the directory.
fn entry<'a>(directory: &mut Bytes<'a>) -> Result<(&'a str, Entry), Refusal> {
    if directory.take(4)? != DIRECTORY_ENTRY {
        return Err("the directory of its archive is damaged".into());
    }
    directory.take(4)?;
    let flags = directory.u16()?;
    let compression = directory.u16()?;
    directory.take(4)?;
    let checksum = directory.u32()?;
    let mut stored = u64::from(directory.u32()?);
    let mut size = u64::from(directory.u32()?);
    let (name_size, extra_size, comment_size) = (directory.u16()?, directory.u16()?, directory.u16()?);
    directory.take(8)?;
    let mut offset = u64::from(directory.u32()?);
    let name = directory.text(name_size.into())?;
    let mut extra = Bytes(directory.take(extra_size.into())?);
    directory.take(comment_size.into())?;
    while extra.0.len() >= 4 {
        let (id, length) = (extra.u16()?, extra.u16()?);
        let mut field = Bytes(extra.take(length.into())?);
        if id == EXTRA_64 {
            for number in [&mut size, &mut stored, &mut offset].into_iter().filter(|number| **number == IN_EXTRA) {
                *number = field.u64()?;
            }
        }
    }
    const ENCRYPTED: u16 = 1;
    let is_plain = flags & ENCRYPTED == 0 && compression == 0 && stored == size;
    Ok((name, Entry { offset, size, stored, checksum, is_plain }))
}

fn at(bytes: &[u8], offset: u64) -> Result<Bytes<'_>, Refusal> {
    let mut bytes = Bytes(bytes);
    bytes.take(offset)?;
    Ok(bytes)
}
