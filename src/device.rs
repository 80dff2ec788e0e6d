//! Where tensors live: the choice between the CPU and a GPU, and the loading of CUDA.
//!
//! A program that is linked to libtorch's CUDA half does not start where CUDA is not installed. So apd is linked to the
//! CPU half alone and loads the other one here, when it is wanted. Libtorch asks once, for good, whether there is CUDA:
//! [`open`] comes before everything that might make it ask (a random seed, a backward pass, a count of devices).

use std::fmt;
use std::fs;
use std::io;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{OnceLock, RwLock};
use std::thread;

use libloading::os::unix::Library;
use tch::{Cuda, Device};

use crate::libtorch;

/// The device as a user asks for it: `auto`, `cpu`, `cuda` (the first GPU) or `cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first GPU where there is a usable one, the CPU elsewhere.
    #[default]
    Auto,
    Cpu,
    /// The GPU with this index, counted from 0.
    Cuda(usize),
}

/// A device's name that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDevice(String);

/// Why the device that was asked for cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceError {
    NoCuda { asked: DeviceChoice, reason: NoCuda },
    NoSuchGpu { asked: usize, count: usize },
}

/// Why there is no CUDA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoCuda {
    /// There is no `libcuda.so.1`, which comes with NVIDIA's driver.
    NoDriver,
    /// The libtorch in this folder has no CUDA half.
    CpuFlavour { folder: PathBuf },
    /// The CUDA half is there, but the system cannot load it, for this reason.
    NotLoadable { reason: String },
    /// Loaded, but it finds no GPU. The version is that of the driver's kernel module, where it says one.
    NoUsableGpu { driver: Option<String> },
}

/// The oldest driver for CUDA 13, against which libtorch 2.11.0's wheel is built.
const OLDEST_DRIVER: u32 = 580;

/// The name under which libtorch 2.11.0 needs CUDA's runtime.
const CUDA_RUNTIME: &str = "libcudart.so.13";

/// Makes the device ready for use. Libtorch's CUDA half is loaded unless the choice is the CPU or no driver is there.
///
/// # Errors
/// When a GPU was asked for by name and there is none, or none with that index. `Auto` never fails: it takes the CPU,
/// and the log tells the reason if there is a driver.
pub fn open(choice: DeviceChoice) -> Result<Device, DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto => match count_gpus() {
            Ok(_) => Ok(Device::Cuda(0)),
            Err(NoCuda::NoDriver) => Ok(Device::Cpu),
            Err(reason) => {
                tracing::warn!("using the CPU: {reason}");
                Ok(Device::Cpu)
            }
        },
        DeviceChoice::Cuda(index) => {
            let count = count_gpus().map_err(|reason| DeviceError::NoCuda { asked: choice, reason })?;
            if index < count { Ok(Device::Cuda(index)) } else { Err(DeviceError::NoSuchGpu { asked: index, count }) }
        }
    }
}

/// The number of GPUs that libtorch can use, at least 1. The first call loads CUDA, the others repeat its answer.
///
/// # Errors
/// The reason why there is none.
pub fn count_gpus() -> Result<usize, NoCuda> {
    static ANSWER: OnceLock<Result<usize, NoCuda>> = OnceLock::new();
    ANSWER.get_or_init(load_cuda).clone()
}

/// Bytes of the first GPU that are in use, by whatever process: what libtorch has freed stays its own, so that of a process
/// alone on the GPU it is the most that it has needed. `None` where CUDA is not loaded or does not say.
pub fn used_gpu_memory() -> Option<u64> {
    // The one that libtorch has loaded; nothing is searched for.
    // SAFETY: the library is there already, and the function's type is that of CUDA's documentation.
    unsafe {
        let runtime = Library::open(Some(CUDA_RUNTIME), libc::RTLD_NOW | libc::RTLD_NOLOAD).ok()?;
        type MemGetInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> libc::c_int;
        let memory = runtime.get::<MemGetInfo>(b"cudaMemGetInfo").ok()?;
        let (mut free, mut total) = (0, 0);
        (memory(&mut free, &mut total) == 0).then(|| (total - free) as u64)
    }
}

/// The number of threads that an operation on the CPU is split over.
pub fn set_threads(count: NonZeroU16) {
    tch::set_num_threads(i32::from(count.get()));
}

/// That so many threads can be started, for libtorch and for as many of our own: it waits for ever for threads that the system
/// refuses.
///
/// # Errors
/// Why they cannot.
pub fn check_threads(count: NonZeroU16) -> io::Result<()> {
    if count.get() == 1 {
        return Ok(());
    }
    let gate = RwLock::new(());
    let closed = gate.write();
    thread::scope(|scope| {
        // Opened again when this ends, well or not.
        let _closed = closed;
        let start = |_| thread::Builder::new().spawn_scoped(scope, || drop(gate.read())).map(drop);
        (0..2 * u32::from(count.get())).try_for_each(start)
    })
}

fn load_cuda() -> Result<usize, NoCuda> {
    // Cheap, where loading libtorch's CUDA half takes up to a second and finds the same.
    load("libcuda.so.1").map_err(|_| NoCuda::NoDriver)?;

    let folder = libtorch::loaded_folder().expect("this program is linked to libtorch");
    let library = folder.join("libtorch_cuda.so");
    if !library.exists() {
        return Err(NoCuda::CpuFlavour { folder });
    }
    load(&library).map_err(|reason| NoCuda::NotLoadable { reason })?;
    silence_warnings();

    if Cuda::is_available() { Ok(Cuda::device_count() as usize) } else { Err(NoCuda::NoUsableGpu { driver: driver() }) }
}

/// Keeps libtorch's warnings from standard error: the crate tch pins memory by a call that they call deprecated, every time.
/// Errors come as panics.
fn silence_warnings() {
    const ERRORS_ONLY: libc::c_int = 2;
    // SAFETY: the variable, where this libtorch has it, is of this type and read by libtorch alone; nothing else runs yet.
    unsafe {
        if let Ok(level) = Library::this().get::<*mut libc::c_int>(b"FLAGS_caffe2_log_level") {
            **level = ERRORS_ONLY;
        }
    }
}

/// Loads a library for the rest of the process's life.
fn load(name: impl libloading::AsFilename) -> Result<(), String> {
    // SAFETY: NVIDIA's and libtorch's initialisers may run at any time; nothing unloads what they have registered.
    match unsafe { Library::new(name) } {
        Ok(library) => {
            std::mem::forget(library);
            Ok(())
        }
        // The error itself says no more than "dlopen failed": the missing file's name is in its source.
        Err(error) => Err(std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string)),
    }
}

/// The version of NVIDIA's kernel module.
pub fn driver() -> Option<String> {
    driver_in(&fs::read_to_string("/proc/driver/nvidia/version").ok()?)
}

/// Finds it in a text such as `NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 ...`.
fn driver_in(text: &str) -> Option<String> {
    let is_version = |word: &&str| word.contains('.') && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.lines().next()?.split_whitespace().find(is_version).map(str::to_owned)
}

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let index = text.strip_prefix("cuda:").and_then(|index| index.parse().ok());
                index.map(Self::Cuda).ok_or_else(|| UnknownDevice(text.to_owned()))
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => write!(out, "auto"),
            Self::Cpu => write!(out, "cpu"),
            Self::Cuda(index) => write!(out, "cuda:{index}"),
        }
    }
}

impl fmt::Display for UnknownDevice {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "'{}' is no device: write auto, cpu, cuda or cuda:N, where N counts the GPUs from 0", self.0)
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoCuda { asked, reason } => {
                write!(out, "the device {asked} cannot be used: {reason} Or ask for --device cpu.")
            }
            Self::NoSuchGpu { asked, count } => {
                let last = count - 1;
                write!(out, "there is no device cuda:{asked}: this machine's GPUs are cuda:0 to cuda:{last}.")
            }
        }
    }
}

impl fmt::Display for NoCuda {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoDriver => write!(
                out,
                "there is no NVIDIA driver (no libcuda.so.1). Use a machine with a GPU; in a container, let it see the GPU \
                 (docker run --gpus all)."
            ),
            Self::CpuFlavour { folder } => write!(
                out,
                "the libtorch in {} is made for the CPU only. Run `APD_LIBTORCH=cuda scripts/set-up`; a libtorch of \
                 your own (LIBTORCH) must have libtorch_cuda.so.",
                folder.display()
            ),
            Self::NotLoadable { reason } => write!(
                out,
                "libtorch's CUDA half does not load: {reason}. Run `rm .libtorch/wheel/installed` and \
                 `APD_LIBTORCH=cuda scripts/set-up` to install it anew."
            ),
            Self::NoUsableGpu { driver: Some(version) } if is_too_old(version) => write!(
                out,
                "NVIDIA's driver {version} is too old: libtorch {} needs {OLDEST_DRIVER} or newer. Update the driver.",
                libtorch::NEEDED_VERSION
            ),
            Self::NoUsableGpu { .. } => write!(
                out,
                "NVIDIA's driver is there, but libtorch finds no GPU that it can use. See what `nvidia-smi` says and \
                 whether CUDA_VISIBLE_DEVICES hides the GPUs."
            ),
        }
    }
}

fn is_too_old(driver: &str) -> bool {
    driver.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major < OLDEST_DRIVER)
}

impl std::error::Error for UnknownDevice {}
impl std::error::Error for DeviceError {}
impl std::error::Error for NoCuda {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_as_it_is_written() {
        for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(0), DeviceChoice::Cuda(12)] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
    }

    #[test]
    fn another_word_is_answered_with_the_allowed_ones() {
        for word in ["gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", ""] {
            let error = word.parse::<DeviceChoice>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("'{word}' is no device: write auto, cpu, cuda or cuda:N, where N counts the GPUs from 0")
            );
        }
    }

    #[test]
    fn auto_takes_a_gpu_exactly_where_there_is_one() {
        let expected = if count_gpus().is_ok() { Device::Cuda(0) } else { Device::Cpu };
        assert_eq!(open(DeviceChoice::Auto), Ok(expected));
        assert_eq!(open(DeviceChoice::Cpu), Ok(Device::Cpu));
    }

    #[test]
    fn memory_of_a_gpu_is_in_use_exactly_where_there_is_one() {
        assert_eq!(used_gpu_memory().is_some(), count_gpus().is_ok());
    }

    #[test]
    fn a_gpu_that_is_not_there_is_an_error_with_its_reason() {
        let asked = DeviceChoice::Cuda(1000);
        let expected = match count_gpus() {
            Ok(count) => DeviceError::NoSuchGpu { asked: 1000, count },
            Err(reason) => DeviceError::NoCuda { asked, reason },
        };
        assert_eq!(open(asked), Err(expected));
    }

    #[test]
    fn every_reason_says_what_to_do() {
        let asked = DeviceChoice::Cuda(1);
        let no_cuda = |reason| DeviceError::NoCuda { asked, reason }.to_string();
        assert_eq!(
            no_cuda(NoCuda::NoDriver),
            "the device cuda:1 cannot be used: there is no NVIDIA driver (no libcuda.so.1). Use a machine with a GPU; \
             in a container, let it see the GPU (docker run --gpus all). Or ask for --device cpu."
        );
        assert_eq!(
            no_cuda(NoCuda::CpuFlavour { folder: "/torch/lib".into() }),
            "the device cuda:1 cannot be used: the libtorch in /torch/lib is made for the CPU only. Run \
             `APD_LIBTORCH=cuda scripts/set-up`; a libtorch of your own (LIBTORCH) must have libtorch_cuda.so. Or ask \
             for --device cpu."
        );
        assert_eq!(
            no_cuda(NoCuda::NotLoadable { reason: "libnccl.so.2: cannot open shared object file".into() }),
            "the device cuda:1 cannot be used: libtorch's CUDA half does not load: libnccl.so.2: cannot open shared \
             object file. Run `rm .libtorch/wheel/installed` and `APD_LIBTORCH=cuda scripts/set-up` to install it \
             anew. Or ask for --device cpu."
        );
        assert_eq!(
            no_cuda(NoCuda::NoUsableGpu { driver: Some("535.104.05".into()) }),
            "the device cuda:1 cannot be used: NVIDIA's driver 535.104.05 is too old: libtorch 2.11.0 needs 580 or \
             newer. Update the driver. Or ask for --device cpu."
        );
        assert_eq!(
            no_cuda(NoCuda::NoUsableGpu { driver: Some("580.65.06".into()) }),
            "the device cuda:1 cannot be used: NVIDIA's driver is there, but libtorch finds no GPU that it can use. \
             See what `nvidia-smi` says and whether CUDA_VISIBLE_DEVICES hides the GPUs. Or ask for --device cpu."
        );
        assert_eq!(
            DeviceError::NoSuchGpu { asked: 4, count: 2 }.to_string(),
            "there is no device cuda:4: this machine's GPUs are cuda:0 to cuda:1."
        );
    }

    #[test]
    fn the_reason_for_a_library_that_does_not_load_names_it() {
        let reason = load("libno-such-library.so").unwrap_err();
        assert_eq!(reason, "libno-such-library.so: cannot open shared object file: No such file or directory");
    }

    #[test]
    fn the_drivers_version_is_found_in_both_of_its_texts() {
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 07:10:40 UTC 2025\nGCC version:  12.2.0\n";
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.104.05  Release Build  (builder)\n";
        assert_eq!(driver_in(closed).as_deref(), Some("580.65.06"));
        assert_eq!(driver_in(open).as_deref(), Some("535.104.05"));
        assert_eq!(driver_in(""), None);
    }

    #[test]
    fn the_number_of_threads_is_what_was_set() {
        let before = tch::get_num_threads();
        set_threads(NonZeroU16::new(1).unwrap());
        assert_eq!(tch::get_num_threads(), 1);
        tch::set_num_threads(before);
    }
}
