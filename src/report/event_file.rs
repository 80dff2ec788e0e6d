//! Event files as TensorBoard reads them: records of one `Event` each.
//!
//! A record is the length of its data (u64), the masked CRC-32C of that length (u32), the data, and the masked CRC-32C of
//! the data, all little-endian. The data is a protocol-buffer message.
//!
//! Source: TensorFlow's `tsl/lib/io/record_writer.h` (records), `tensorflow/core/util/event.proto` and
//! `tensorflow/core/framework/summary.proto` (field numbers).

use crc32c::crc32c;

/// An event file in memory.
pub struct EventFile {
    bytes: Vec<u8>,
}

/// What an event says.
pub enum Value<'a> {
    Scalar(f64),
    /// Shown as Markdown.
    Text(&'a str),
}

impl EventFile {
    /// `wall_time`: when it was begun, seconds since 1970.
    pub fn new(wall_time: f64) -> Self {
        let mut file = Self { bytes: Vec::new() };
        let version = Message::default().double(1, wall_time).bytes(3, b"brain.Event:2");
        file.record(&version.0);
        file
    }

    /// Adds what `tag` is after `step` steps.
    pub fn add(&mut self, wall_time: f64, step: u64, tag: &str, value: &Value) {
        let tagged = Message::default().bytes(1, tag.as_bytes());
        let tagged = match value {
            Value::Scalar(scalar) => tagged.float(2, *scalar as f32),
            Value::Text(text) => tagged.bytes(9, &of_plugin("text").0).bytes(8, &text_tensor(text).0),
        };
        let summary = Message::default().bytes(1, &tagged.0);
        self.record(&Message::default().double(1, wall_time).number(2, step).bytes(5, &summary.0).0);
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn record(&mut self, data: &[u8]) {
        let length = (data.len() as u64).to_le_bytes();
        for part in [&length, &masked_checksum(&length).to_le_bytes() as &[u8], data] {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.extend_from_slice(&masked_checksum(data).to_le_bytes());
    }
}

/// `SummaryMetadata` that names the part of TensorBoard that is to show a value.
fn of_plugin(name: &str) -> Message {
    Message::default().bytes(1, &Message::default().bytes(1, name.as_bytes()).0)
}

/// `TensorProto` of one string.
fn text_tensor(text: &str) -> Message {
    const STRING: u64 = 7;
    let shape = Message::default().bytes(2, &Message::default().number(1, 1).0);
    Message::default().number(1, STRING).bytes(2, &shape.0).bytes(8, text.as_bytes())
}

/// Checksums of data that themselves hold checksums are rotated and shifted.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// A protocol-buffer message that is being written, field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(mut self, field: u64, value: u64) -> Self {
        const VARINT: u64 = 0;
        self.variable(field << 3 | VARINT);
        self.variable(value);
        self
    }

    fn double(mut self, field: u64, value: f64) -> Self {
        const EIGHT_BYTES: u64 = 1;
        self.variable(field << 3 | EIGHT_BYTES);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        const LENGTH_FIRST: u64 = 2;
        self.variable(field << 3 | LENGTH_FIRST);
        self.variable(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn float(mut self, field: u64, value: f32) -> Self {
        const FOUR_BYTES: u64 = 5;
        self.variable(field << 3 | FOUR_BYTES);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn variable(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_seven_bits_a_byte() {
        let mut message = Message::default();
        [0, 127, 128, 300].into_iter().for_each(|number| message.variable(number));
        assert_eq!(message.0, [0, 127, 0x80, 1, 0xAC, 2]);
    }

    /// The first record of the files that TensorFlow itself writes, but for its time.
    #[test]
    fn a_file_begins_with_its_version() {
        let bytes = EventFile::new(0.0).into_bytes();
        assert_eq!(bytes[..8], 24_u64.to_le_bytes());
        // Known: the masked CRC-32C of these eight bytes.
        assert_eq!(bytes[8..12], [0xA3, 0x7F, 0x4B, 0x22]);
        assert_eq!(
            &bytes[12..],
            [&[9, 0, 0, 0, 0, 0, 0, 0, 0, 26, 13], b"brain.Event:2" as &[u8], &bytes[36..]].concat()
        );
        assert_eq!(bytes.len(), 8 + 4 + 24 + 4);
    }
}
