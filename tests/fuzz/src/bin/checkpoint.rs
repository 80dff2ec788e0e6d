//! A file of somebody else's tensors: safetensors, or what `torch.save` writes in either format.
#![no_main]

use std::path::Path;

use apd::checkpoint_file::{CheckpointFile, ImportedTarget, find_components};
use apd_fuzz::{InMemory, assert_printable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = match CheckpointFile::read(InMemory::new(bytes).path()) {
        Ok(file) => file,
        Err(error) => return assert_printable(&error.to_string()),
    };
    let path = Path::new("x.pth");
    match ImportedTarget::find(&file, path) {
        // The file as its own components is as good as another one.
        Ok(target) => {
            if let Err(error) = find_components(&file, path, &target) {
                assert_printable(&error.to_string());
            }
        }
        Err(error) => assert_printable(&error.to_string()),
    }
});
