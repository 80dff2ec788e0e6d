//! Which replicas are still updated.

use tch::{Device, Kind, Tensor};

/// What keeps a replica from being updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub replica: usize,
    /// The first update that was not made, counted from 1.
    pub update: u64,
    /// The name of a parameter with a value or a derivative that is not finite or too large.
    pub parameter: String,
}

/// Which replicas are no longer updated: since which update, or 0, and the index of the parameter that is the reason.
pub(super) enum Guard {
    InMainMemory(Vec<(u64, usize)>),
    /// Both `[replica]`, on the device, so that no step waits for them.
    OnDevice {
        updates: Tensor,
        slots: Tensor,
    },
}

impl Guard {
    /// Of replicas that are all updated.
    pub fn new(replicas: i64, device: Device) -> Self {
        if device.is_cuda() {
            let zeros = Tensor::zeros([replicas], (Kind::Int64, device));
            return Self::OnDevice { slots: zeros.copy(), updates: zeros };
        }
        Self::InMainMemory(vec![(0, 0); replicas as usize])
    }

    /// By replica; waits for the device.
    pub fn read(&self) -> Vec<(u64, usize)> {
        match self {
            Self::InMainMemory(faults) => faults.clone(),
            Self::OnDevice { updates, slots } => {
                let read = |tensor: &Tensor| Vec::<i64>::try_from(tensor.to_device(Device::Cpu)).expect("one axis");
                let pairs = read(updates).into_iter().zip(read(slots));
                pairs.map(|(update, slot)| (update as u64, slot as usize)).collect()
            }
        }
    }
}
