//! Tensors seen as slices, for the loops that are faster than a chain of tensor operations.
//!
//! The memory always stays libtorch's own: its alignment decides the order in which a product sums, and with it the last
//! bits of a result.

use tch::{Device, Kind, Scalar, Tensor, kind::Element};

/// The entries of a contiguous float32 tensor on the CPU.
pub fn slice(tensor: &Tensor) -> &[f32] {
    let length = checked_length(tensor);
    // SAFETY: the tensor is contiguous, float32 and in main memory, and lives as long as the borrow.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), length) }
}

/// The entries of a contiguous float32 tensor on the CPU, for writing. The tensor must not share its storage with one that
/// is read at the same time.
pub fn slice_mut(tensor: &mut Tensor) -> &mut [f32] {
    let length = checked_length(tensor);
    // SAFETY: as above, and the exclusive borrow stands for the storage.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), length) }
}

fn checked_length(tensor: &Tensor) -> usize {
    assert_eq!(tensor.kind(), Kind::Float, "only float32 tensors are seen as slices");
    assert_eq!(tensor.device(), Device::Cpu, "only tensors in main memory are seen as slices");
    assert!(tensor.is_contiguous(), "only contiguous tensors are seen as slices");
    tensor.numel()
}

/// A tensor of this shape with entries from `values`, in memory of libtorch's.
pub fn tensor_from(shape: &[i64], values: impl Iterator<Item = f32>) -> Tensor {
    let mut tensor = Tensor::empty(shape, (Kind::Float, Device::Cpu));
    let entries = slice_mut(&mut tensor);
    let filled = entries.iter_mut().zip(values).map(|(entry, value)| *entry = value).count();
    assert_eq!(filled, entries.len(), "too few values for the shape {shape:?}");
    tensor
}

/// A few numbers on a device, whose earlier work is not waited for.
pub fn numbers_on<T: Element + Copy + PartialEq + Into<Scalar>>(numbers: &[T], kind: Kind, device: Device) -> Tensor {
    match numbers {
        // Written there, so that nothing has to travel.
        [first, rest @ ..] if rest.iter().all(|number| number == first) => {
            Tensor::full([numbers.len() as i64], *first, (kind, device))
        }
        _ => without_waiting(&Tensor::from_slice(numbers).to_kind(kind), device),
    }
}

/// A tensor of main memory on a device, whose earlier work is not waited for: the tensor is small or [`pinned`], else the
/// driver waits all the same.
pub fn without_waiting(tensor: &Tensor, device: Device) -> Tensor {
    tensor.to_device_(device, tensor.kind(), device.is_cuda(), false)
}

/// A copy in memory from which a device fetches by itself; on the CPU the tensor itself.
pub fn pinned(tensor: Tensor, device: Device) -> Tensor {
    if device.is_cuda() { tensor.pin_memory(device) } else { tensor }
}
