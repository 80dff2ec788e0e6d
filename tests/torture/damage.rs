//! What a bad disk, a cut transfer or a careless hand does to a file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rand::{RngExt, rngs::ChaCha8Rng};

/// The content with damage of a random kind, at about this place of it (from 0 to 1); never the same as before.
pub fn damaged(content: &[u8], place: f64, random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = content.to_vec();
    if bytes.is_empty() {
        return vec![0];
    }
    let position = ((bytes.len() as f64 * place) as usize).min(bytes.len() - 1);
    match random.random_range(0..10) {
        0 | 1 => bytes.truncate(position),
        2 => bytes.extend_from_slice(b"0"),
        3 => {
            let end = bytes.len().min(position + 512);
            bytes[position..end].fill(0);
        }
        4 => bytes[position] = bytes[position].wrapping_add(random.random_range(1..=255)),
        5 => {
            bytes.remove(position);
        }
        _ => bytes[position] ^= 1 << random.random_range(0..8),
    }
    // A row of zeros stays one.
    if bytes == content {
        bytes[position] ^= 1;
    }
    bytes
}

/// A file that is damaged as long as this lives.
pub struct Damaged {
    path: PathBuf,
    sound: Vec<u8>,
}

impl Damaged {
    pub fn new(path: &Path, place: f64, random: &mut ChaCha8Rng) -> Self {
        let sound = fs::read(path).unwrap();
        fs::write(path, damaged(&sound, place, random)).unwrap();
        Self { path: path.into(), sound }
    }
}

impl Drop for Damaged {
    fn drop(&mut self) {
        fs::write(&self.path, &self.sound).unwrap();
    }
}
