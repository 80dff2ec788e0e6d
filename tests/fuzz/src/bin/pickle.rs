//! The pickle of an archive of `torch.save`, behind the archive's checksums, which no fuzzer guesses: the input is the
//! pickle, and what comes after its end the content of every storage.
#![no_main]

use apd::state_dict_file::StateDictFile;
use apd_fuzz::{InMemory, assert_printable, zip};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.windows(8).position(|window| window == b".STORAGE").map_or(bytes.len(), |place| place + 1);
    let storage = bytes.get(end + 7..).unwrap_or_default();
    let files =
        [("x/data.pkl", &bytes[..end]), ("x/byteorder", b"little"), ("x/data/0", storage), ("x/data/1", storage)];
    if let Err(error) = StateDictFile::read(InMemory::new(&zip::archive(&files)).path()) {
        assert_printable(&error.to_string());
    }
});
