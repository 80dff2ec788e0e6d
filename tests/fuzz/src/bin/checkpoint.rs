//! A file of somebody else's tensors: safetensors, or what `torch.save` writes in either format.
#![no_main]

use std::path::Path;

use apd::state_dict_file::{ImportOptions, ImportedComponents, ImportedTarget, StateDictFile};
use apd_fuzz::{InMemory, assert_printable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = match StateDictFile::read(InMemory::new(bytes).path()) {
        Ok(file) => file,
        Err(error) => return assert_printable(&error.to_string()),
    };
    let path = Path::new("x.pth");
    match ImportedTarget::find(&file, path, &ImportOptions::default()) {
        // The file as its own components is as good as another one.
        Ok(target) => {
            if let Err(error) = ImportedComponents::find(&file, path, &target, &ImportOptions::default()) {
                assert_printable(&error.to_string());
            }
        }
        Err(error) => assert_printable(&error.to_string()),
    }
});
