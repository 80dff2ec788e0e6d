//! Lets the binary find libtorch from anywhere: the folder that holds libtorch goes into its rpath.
use std::{env, path::Path};

fn main() {
    let folder = env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys tells where libtorch is");
    let library = Path::new(&folder).join("libtorch_cpu.so");
    let real = library.canonicalize().expect("libtorch_cpu.so exists");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", real.parent().unwrap().display());
}
