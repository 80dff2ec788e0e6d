//! A file of our own tensors, such as a target or a checkpoint.
#![no_main]

use apd::run::TensorFile;
use apd_fuzz::{InMemory, assert_printable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = InMemory::new(bytes);
    if let Err(error) = TensorFile::read(file.path()) {
        assert_printable(&error.to_string());
    }
});
