//! Adam with moments that we own, so that a training can be resumed exactly, and a learning rate for every replica.
//!
//! A replica is no longer updated once one of its numbers is not finite, or so large that sums of squares of such numbers
//! are not; its values stay as they were before.

mod group;
mod guard;

use std::{
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

pub use group::Group;
pub use guard::Fault;
use guard::Guard;
use tch::{Device, Kind, Tensor};

use crate::{
    kernel::{
        Kernel,
        adam::{EPSILON, Entries, FIRST_DECAY, Lengthwise, Moving, SECOND_DECAY, Update},
        simd, threads,
    },
    slices::{numbers_on, slice, slice_mut},
};

/// Values and derivatives beyond this magnitude are of no use: their squares, summed, soon leave single precision.
const LARGEST: f32 = 1e15;

/// A trained tensor with its gradient; both share their storage with whoever computes the gradient.
#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    /// [replica, ...].
    pub value: Tensor,
    /// As `value`; whoever computes it adds to it.
    pub gradient: Tensor,
    /// What the value itself counts in its derivative, `gradient + lengthwise * value`: numbers that are the same for all
    /// rows, [replica, 1, ..., part], or for all entries of a row, [replica, ..., part, 1], where the value is a factor and its
    /// columns or rows are the rank-one parts of components.
    pub lengthwise: Option<Tensor>,
    /// Which of the objective's groups it belongs to.
    pub group: usize,
}

impl Parameter {
    /// The derivative, both its parts together.
    pub fn derivative(&self) -> Tensor {
        let along = self.lengthwise.as_ref().map(|lengthwise| &self.value * lengthwise);
        along.map_or_else(|| self.gradient.shallow_clone(), |along| &self.gradient + along)
    }
}

/// What one update needs to know of a replica.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub learning_rate: f64,
    /// Decoupled weight decay: the values shrink by learning_rate * weight_decay.
    pub weight_decay: f64,
}

impl Rate {
    /// The numbers of the `number`-th update, counted from 1.
    fn update(self, number: u64) -> Update {
        let correction = |decay: f64| 1.0 - decay.powf(number as f64);
        Update {
            step_size: (self.learning_rate / correction(FIRST_DECAY)) as f32,
            root_correction: (1.0 / correction(SECOND_DECAY).sqrt()) as f32,
            shrinkage: (1.0 - self.learning_rate * self.weight_decay) as f32,
        }
    }
}

struct Slot {
    parameter: Parameter,
    first_moment: Tensor,
    second_moment: Tensor,
    /// The values' largest magnitude in each replica, known from their last update; in main memory only.
    largest: Vec<f32>,
}

/// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019).
pub struct Adam {
    slots: Vec<Slot>,
    groups: Vec<Group>,
    guard: Guard,
    /// `None`: all.
    parts: Option<usize>,
}

impl Adam {
    /// One group of all parameters.
    pub fn new(parameters: Vec<Parameter>) -> Self {
        let replicas = parameters.first().map_or(0, |parameter| parameter.value.size()[0]);
        Self::of_groups(parameters, vec![Group::plain(replicas as usize)])
    }

    /// Of parameters that name their groups by their places in `groups`.
    pub fn of_groups(parameters: Vec<Parameter>, groups: Vec<Group>) -> Self {
        let slots = parameters.into_iter().map(|parameter| {
            let moments = [parameter.value.zeros_like(), parameter.value.zeros_like()];
            Slot::new(parameter, moments)
        });
        Self::of_slots(slots.collect(), groups)
    }

    fn of_slots(slots: Vec<Slot>, groups: Vec<Group>) -> Self {
        let (replicas, device) = slots.first().map_or((0, Device::Cpu), |slot| {
            let value = &slot.parameter.value;
            (value.size()[0], value.device())
        });
        Self { guard: Guard::new(replicas, device), slots, groups, parts: None }
    }

    /// Until further notice only the first rank-one parts of each component have a derivative, so many of them, and the others
    /// never had one; `None`: all have. Saves the time for the others and changes no result.
    pub fn expect_parts(&mut self, parts: Option<usize>) {
        self.parts = parts;
    }

    /// The `number`-th update (from 1) with one rate for every replica; leaves the gradients zero. Replicas with a fault
    /// are left as they are.
    pub fn update(&mut self, number: u64, rates: &[Rate]) {
        for (index, group) in self.groups.iter().enumerate() {
            group.cut(self.slots.iter_mut().filter(|slot| slot.parameter.group == index));
        }
        let of_group =
            |group: &Group| -> Vec<Update> { group.rates(rates).into_iter().map(|rate| rate.update(number)).collect() };
        let updates: Vec<Vec<Update>> = self.groups.iter().map(of_group).collect();
        // Decay moves values that have no derivative, too.
        let parts = self.parts.filter(|_| rates.iter().all(|rate| rate.weight_decay == 0.0));
        match &mut self.guard {
            Guard::InMainMemory(faults) => {
                for (replica, fault) in faults.iter_mut().enumerate().filter(|(_, fault)| fault.0 == 0) {
                    if let Some(slot) = self.slots.iter().position(|slot| !slot.is_sound(replica, parts)) {
                        *fault = (number, slot);
                    }
                }
                let sound: Vec<bool> = faults.iter().map(|fault| fault.0 == 0).collect();
                for slot in &mut self.slots {
                    let updates = &updates[slot.parameter.group];
                    if Kernel::Adam.is_on() {
                        slot.update_loop(updates, &sound, parts);
                    } else {
                        slot.update_composed(&UpdatesOnDevice::new(updates, &Tensor::from_slice(&sound)));
                        slot.look_at_values();
                    }
                }
            }
            Guard::OnDevice { updates: since, slots } => {
                let unsound = are_sound(&self.slots).logical_not();
                let found = unsound.any_dim(0, false).logical_and(&since.less_equal(0));
                let first = unsound.to_kind(Kind::Uint8).argmax(0, false);
                *slots = first.where_self(&found, slots);
                let _ = since.masked_fill_(&found, number as i64);
                let moving = since.less_equal(0);
                let updates: Vec<_> = updates.iter().map(|updates| UpdatesOnDevice::new(updates, &moving)).collect();
                for slot in &mut self.slots {
                    slot.update_composed(&updates[slot.parameter.group]);
                }
            }
        }
    }

    /// The replicas that are no longer updated. Waits for the device.
    pub fn faults(&self) -> Vec<Fault> {
        let faults = self.guard.read().into_iter().enumerate().filter(|(_, (update, _))| *update > 0);
        let name = |slot: usize| self.slots[slot].parameter.name.clone();
        faults.map(|(replica, (update, slot))| Fault { replica, update, parameter: name(slot) }).collect()
    }

    /// Makes no further update of a replica, from the `number`-th on.
    pub fn halt(&mut self, replica: usize, number: u64) {
        match &mut self.guard {
            Guard::InMainMemory(faults) => faults[replica] = (number, 0),
            Guard::OnDevice { updates, .. } => {
                let _ = updates.get(replica as i64).fill_(number as i64);
            }
        }
    }

    /// The optimizer of some of the replicas; it shares its tensors with this one.
    pub fn of_replicas(&self, replicas: Range<usize>) -> Self {
        let view = |tensor: &Tensor| tensor.narrow(0, replicas.start as i64, replicas.len() as i64);
        let slots = self.slots.iter().map(|Slot { parameter, first_moment, second_moment, .. }| {
            let parameter = Parameter {
                name: parameter.name.clone(),
                value: view(&parameter.value),
                gradient: view(&parameter.gradient),
                lengthwise: parameter.lengthwise.as_ref().map(view),
                group: parameter.group,
            };
            Slot::new(parameter, [view(first_moment), view(second_moment)])
        });
        let groups = self.groups.iter().map(|group| group.of_replicas(replicas.clone())).collect();
        Self::of_slots(slots.collect(), groups)
    }

    /// Everything that an exact resume needs, under readable names; the clones share their storage.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        self.slots.iter().flat_map(Slot::state).collect()
    }

    /// Takes over a state with the same names and shapes; says what is wrong with it otherwise.
    pub fn restore(&mut self, state: &[(String, Tensor)]) -> Result<(), String> {
        restore(self.state(), state)?;
        self.slots.iter_mut().for_each(Slot::look_at_values);
        Ok(())
    }
}

/// Overwrites each of these tensors with the one of its name in a saved state; says what is wrong with that otherwise.
pub fn restore(tensors: Vec<(String, Tensor)>, state: &[(String, Tensor)]) -> Result<(), String> {
    for (name, mut own) in tensors {
        let Some((_, saved)) = state.iter().find(|(saved_name, _)| *saved_name == name) else {
            return Err(format!("it holds no tensor `{name}`"));
        };
        if saved.size() != own.size() {
            return Err(format!("`{name}` has shape {:?} instead of {:?}", saved.size(), own.size()));
        }
        own.copy_(saved);
    }
    Ok(())
}

impl Slot {
    fn new(parameter: Parameter, [first_moment, second_moment]: [Tensor; 2]) -> Self {
        let mut slot = Self { parameter, first_moment, second_moment, largest: Vec::new() };
        slot.look_at_values();
        slot
    }

    fn look_at_values(&mut self) {
        let value = &self.parameter.value;
        if !value.device().is_cuda() {
            let length = value.numel() / value.size()[0] as usize;
            self.largest = slice(value).chunks_exact(length).map(simd::largest_magnitude).collect();
        }
    }

    /// Which entries of a replica are in the first `parts` of their components.
    fn moving(&self, parts: Option<usize>) -> Moving {
        let Parameter { value, lengthwise, .. } = &self.parameter;
        let (Some(parts), Some(lengthwise)) = (parts, lengthwise) else { return Moving::ALL };
        let (shape, numbers) = (value.size(), lengthwise.size());
        let axis = if numbers.last() == Some(&1) { numbers.len() - 2 } else { numbers.len() - 1 };
        let width = shape[axis + 1..].iter().product::<i64>() as usize;
        Moving { first: parts * width, of: shape[axis] as usize * width }
    }

    /// Whether a replica can be updated.
    fn is_sound(&self, replica: usize, parts: Option<usize>) -> bool {
        let replicas = self.largest.len();
        let largest = |tensor: &Tensor, moving: Moving| {
            let length = tensor.numel() / replicas;
            moving.largest_magnitude(&slice(tensor)[replica * length..(replica + 1) * length])
        };
        let Parameter { gradient, lengthwise, .. } = &self.parameter;
        let value = self.largest[replica];
        let along = lengthwise.as_ref().map_or(0.0, |lengthwise| largest(lengthwise, Moving::ALL) * value);
        value < LARGEST && along < LARGEST && largest(gradient, self.moving(parts)) < LARGEST
    }

    fn state(&self) -> [(String, Tensor); 3] {
        let name = &self.parameter.name;
        [
            (name.clone(), self.parameter.value.shallow_clone()),
            (format!("{name}.first_moment"), self.first_moment.shallow_clone()),
            (format!("{name}.second_moment"), self.second_moment.shallow_clone()),
        ]
    }

    /// One pass over the memory, on as many threads as that is worth.
    fn update_loop(&mut self, updates: &[Update], sound: &[bool], parts: Option<usize>) {
        let replicas = updates.len();
        let moving = self.moving(parts);
        let Parameter { value, gradient, lengthwise, .. } = &mut self.parameter;
        let length = value.numel() / replicas;
        let lengthwise = lengthwise.as_ref().map(|numbers| {
            let of_rows = numbers.size()[1] == value.size()[1];
            (of_rows, slice(numbers).chunks_exact(numbers.numel() / replicas))
        });
        let (width, lengthwise): (usize, Vec<Lengthwise>) = match lengthwise {
            None => (length, vec![Lengthwise::Nothing; replicas]),
            Some((true, replicas)) => {
                let rows = replicas.clone().next().map_or(1, <[f32]>::len);
                (length / rows, replicas.map(Lengthwise::OfRows).collect())
            }
            Some((false, replicas)) => {
                let columns = replicas.clone().next().map_or(1, <[f32]>::len);
                (columns, replicas.map(Lengthwise::OfColumns).collect())
            }
        };
        let rows = (length / width).div_ceil(threads::worth_having(length * moving.first / moving.of));
        let rows = rows.next_multiple_of(moving.of.div_ceil(width));
        let part = rows * width;
        let values = slice_mut(value).chunks_exact_mut(length);
        let gradients = slice_mut(gradient).chunks_exact_mut(length);
        let first = slice_mut(&mut self.first_moment).chunks_exact_mut(length);
        let second = slice_mut(&mut self.second_moment).chunks_exact_mut(length);
        let replicas = values.zip(gradients).zip(first.zip(second)).zip(updates.iter().zip(lengthwise));
        let replicas = replicas.zip(sound.iter().zip(&mut self.largest));
        for ((((values, gradients), (first, second)), (&update, lengthwise)), (&is_sound, largest)) in replicas {
            if !is_sound {
                gradients.fill(0.0);
                continue;
            }
            let largest_bits = AtomicU32::new(0);
            let parts = values.chunks_mut(part).zip(gradients.chunks_mut(part));
            let parts = parts.zip(first.chunks_mut(part).zip(second.chunks_mut(part))).enumerate();
            threads::for_each_part(parts, |(number, ((values, gradients), (first, second)))| {
                let lengthwise = lengthwise.after(number * rows);
                let entries = Entries { values, gradients, first, second };
                let bits = simd::widest(|| entries.update(update, lengthwise, width, moving));
                largest_bits.fetch_max(bits, Ordering::Relaxed);
            });
            let of_moved = f32::from_bits(largest_bits.into_inner());
            // The others are no larger than what was largest before.
            *largest = if moving.are_all() { of_moved } else { largest.max(of_moved) };
        }
    }

    /// The same in tensor operations.
    fn update_composed(&mut self, updates: &UpdatesOnDevice) {
        let Parameter { value, gradient, lengthwise, .. } = &mut self.parameter;
        let shape: Vec<i64> = (0..value.dim()).map(|axis| if axis == 0 { -1 } else { 1 }).collect();
        let of_replica = |numbers: &Tensor| numbers.view(shape.as_slice());
        if let Some(lengthwise) = lengthwise {
            let _ = gradient.addcmul_(value, lengthwise);
        }
        let _ = gradient.masked_fill_(&of_replica(&updates.halted), 0.0);
        let _ = self.first_moment.lerp_(gradient, 1.0 - FIRST_DECAY);
        let _ = self.second_moment.lerp_(&gradient.square(), 1.0 - SECOND_DECAY);
        let root_correction = of_replica(&updates.root_correction);
        let mut step = self.second_moment.sqrt().g_mul_(&root_correction).g_add_scalar_(EPSILON).reciprocal_();
        let _ = step.g_mul_(&self.first_moment).g_mul_(&of_replica(&updates.step_size));
        let _ = value.g_mul_(&of_replica(&updates.shrinkage)).g_sub_(&step);
        let _ = gradient.zero_();
    }
}

/// Whether each slot of each replica can be updated, [slot, replica] on the device.
fn are_sound(slots: &[Slot]) -> Tensor {
    let largest = |tensor: &Tensor| {
        let entries = tensor.flatten(1, -1);
        entries.norm_scalaropt_dim(f64::INFINITY, [1].as_slice(), false)
    };
    let magnitudes = slots.iter().flat_map(|Slot { parameter, .. }| {
        let value = largest(&parameter.value);
        let along =
            parameter.lengthwise.as_ref().map_or_else(|| value.shallow_clone(), |numbers| largest(numbers) * &value);
        [value, along, largest(&parameter.gradient)]
    });
    let magnitudes = Tensor::stack(&magnitudes.collect::<Vec<_>>(), 0).unflatten(0, [-1, 3]);
    magnitudes.less(f64::from(LARGEST)).all_dim(1, false)
}

/// What one update is to each replica, `[replica]` on the device; nothing to one that is no longer updated.
struct UpdatesOnDevice {
    halted: Tensor,
    step_size: Tensor,
    shrinkage: Tensor,
    root_correction: Tensor,
}

impl UpdatesOnDevice {
    /// `moving`: which replicas are updated.
    fn new(updates: &[Update], moving: &Tensor) -> Self {
        let numbers = |number: fn(&Update) -> f32| {
            let numbers: Vec<f64> = updates.iter().map(|update| f64::from(number(update))).collect();
            numbers_on(&numbers, Kind::Float, moving.device())
        };
        let halted = moving.logical_not();
        Self {
            step_size: numbers(|update| update.step_size).masked_fill_(&halted, 0.0),
            shrinkage: numbers(|update| update.shrinkage).masked_fill_(&halted, 1.0),
            root_correction: numbers(|update| update.root_correction),
            halted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slices::{slice, tensor_from};

    fn parameter(values: [f32; 4]) -> Parameter {
        let value = tensor_from(&[2, 2], values.into_iter());
        Parameter { name: "w".into(), gradient: value.zeros_like(), lengthwise: None, group: 0, value }
    }

    fn set(tensor: &mut Tensor, values: [f32; 4]) {
        slice_mut(tensor).copy_from_slice(&values);
    }

    const RATES: [Rate; 2] =
        [Rate { learning_rate: 0.1, weight_decay: 0.0 }, Rate { learning_rate: 0.01, weight_decay: 0.5 }];

    #[test]
    fn the_first_update_moves_every_value_by_its_replicas_learning_rate() {
        let mut adam = Adam::new(vec![parameter([1.0, 1.0, 1.0, 1.0])]);
        set(&mut adam.slots[0].parameter.gradient, [3.0, -0.2, 5.0, 0.0]);
        adam.update(1, &RATES);
        let expected = [0.9, 1.1, 0.995 - 0.01, 0.995];
        for (value, expected) in slice(&adam.slots[0].parameter.value).iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{value} instead of {expected}");
        }
        assert_eq!(slice(&adam.slots[0].parameter.gradient), [0.0; 4]);
    }

    #[test]
    fn loop_and_tensor_operations_agree() {
        let (mut looped, mut composed) =
            (Adam::new(vec![parameter([1.0, -2.0, 3.0, 0.5])]), Adam::new(vec![parameter([1.0, -2.0, 3.0, 0.5])]));
        for number in 1..20 {
            let gradient = [1.0, 2.0, 3.0, 4.0].map(|base: f32| (base * number as f32).sin());
            let updates = RATES.map(|rate| rate.update(number));
            set(&mut looped.slots[0].parameter.gradient, gradient);
            set(&mut composed.slots[0].parameter.gradient, gradient);
            looped.slots[0].update_loop(&updates, &[true; 2], None);
            composed.slots[0].update_composed(&UpdatesOnDevice::new(&updates, &Tensor::from_slice(&[true; 2])));
        }
        for ((name, left), (_, right)) in looped.state().into_iter().zip(composed.state()) {
            assert!((left - right).abs().max().double_value(&[]) < 1e-6, "{name}");
        }
    }

    #[test]
    fn what_the_values_count_in_their_derivative_is_added_row_by_row_or_column_by_column() {
        threads::give_each_lane(2, true);
        // The second is spread over two threads.
        for (rows, columns, of_rows) in [(3, 2, true), (701, 102, true), (3, 2, false), (701, 102, false)] {
            let shape = if of_rows { [2, rows, 1] } else { [2, 1, columns] };
            let entries = |step: i64| (0..2 * rows * columns).map(move |entry| (entry * step % 11) as f32 - 5.0);
            let (value, gradient) =
                (tensor_from(&[2, rows, columns], entries(1)), tensor_from(&[2, rows, columns], entries(3)));
            let lengthwise = tensor_from(&shape, entries(4));
            let slot = |gradient: Tensor, lengthwise: Option<Tensor>| {
                let parameter = Parameter { name: "w".into(), value: value.copy(), gradient, lengthwise, group: 0 };
                Slot::new(parameter, [value.zeros_like(), value.zeros_like()])
            };
            let updates = RATES.map(|rate| rate.update(1));
            let mut whole = slot(&gradient + &value * &lengthwise, None);
            let mut looped = slot(gradient.copy(), Some(lengthwise.shallow_clone()));
            let mut composed = slot(gradient.copy(), Some(lengthwise));
            assert_eq!(looped.parameter.derivative(), whole.parameter.gradient, "{shape:?}");
            whole.update_loop(&updates, &[true; 2], None);
            looped.update_loop(&updates, &[true; 2], None);
            composed.update_composed(&UpdatesOnDevice::new(&updates, &Tensor::from_slice(&[true; 2])));
            for other in [&looped, &composed] {
                let difference = &whole.first_moment - &other.first_moment;
                assert!(difference.abs().max().double_value(&[]) < 1e-6, "{shape:?}");
                let difference = &whole.parameter.value - &other.parameter.value;
                assert!(difference.abs().max().double_value(&[]) < 1e-6, "{shape:?}");
            }
        }
    }

    #[test]
    fn a_replica_with_a_derivative_that_is_not_finite_stays_as_it_is_and_its_neighbour_moves() {
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -2.0 * LARGEST] {
            let mut adam = Adam::new(vec![parameter([1.0; 4])]);
            for number in 1..4 {
                set(&mut adam.slots[0].parameter.gradient, [3.0, wrong, 5.0, 1.0]);
                adam.update(number, &RATES);
            }
            let values = slice(&adam.slots[0].parameter.value);
            assert_eq!(values[..2], [1.0; 2], "{wrong}");
            assert!(values[2] < 1.0 && values[3] < 1.0, "{wrong}");
            assert_eq!(slice(&adam.slots[0].parameter.gradient), [0.0; 4], "{wrong}");
            assert_eq!(adam.faults(), [Fault { replica: 0, update: 1, parameter: "w".into() }], "{wrong}");
        }
    }

    #[test]
    fn on_a_device_too_a_replica_at_fault_stays_as_it_is() {
        let mut adam = Adam::new(vec![parameter([1.0; 4])]);
        let zeros = || Tensor::zeros([2], (Kind::Int64, tch::Device::Cpu));
        adam.guard = Guard::OnDevice { updates: zeros(), slots: zeros() };
        for number in 1..4 {
            set(&mut adam.slots[0].parameter.gradient, [3.0, 2.0, 5.0, if number < 2 { 1.0 } else { f32::NAN }]);
            adam.update(number, &RATES);
            if number == 1 {
                assert_eq!(adam.faults(), []);
            }
        }
        let values = slice(&adam.slots[0].parameter.value);
        assert!(values[0] < 0.8, "three updates: {values:?}");
        assert!((values[2] - 0.985).abs() < 1e-6, "one update: {values:?}");
        assert_eq!(adam.faults(), [Fault { replica: 1, update: 2, parameter: "w".into() }]);
    }

    #[test]
    fn a_group_moves_at_its_own_rate_and_each_replica_is_cut_by_the_length_of_the_whole_group() {
        let parameter = |group| Parameter { group, ..parameter([1.0; 4]) };
        let slow = Group { rate: vec![0.5, 2.0], largest_norm: Some(vec![1.0, 50.0]) };
        let mut adam = Adam::of_groups(vec![parameter(0), parameter(1), parameter(1)], vec![Group::plain(2), slow]);
        // In the second group lengths of 10 and 20, over both its parameters.
        for (slot, gradient) in
            [[30.0, 40.0, 50.0, 60.0], [6.0, 0.0, 0.0, 12.0], [0.0, 8.0, 16.0, 0.0]].iter().enumerate()
        {
            set(&mut adam.slots[slot].parameter.gradient, *gradient);
        }
        adam.update(1, &[Rate { learning_rate: 0.1, weight_decay: 0.0 }; 2]);
        let moments = |slot: usize| slice(&adam.slots[slot].first_moment).iter().map(|moment| moment * 10.0);
        let near = |found: Vec<f32>, expected: [f32; 4]| {
            assert!(found.iter().zip(expected).all(|(found, wanted)| (found - wanted).abs() < 1e-4), "{found:?}");
        };
        near(moments(0).collect(), [30.0, 40.0, 50.0, 60.0]);
        near(moments(1).collect(), [0.6, 0.0, 0.0, 12.0]);
        near(moments(2).collect(), [0.0, 0.8, 16.0, 0.0]);
        near(slice(&adam.slots[0].parameter.value).to_vec(), [0.9; 4]);
        near(slice(&adam.slots[1].parameter.value).to_vec(), [0.95, 1.0, 1.0, 0.8]);
        // A part of the replicas is cut as before.
        let mut second = adam.of_replicas(1..2);
        assert_eq!(second.groups[1], Group { rate: vec![2.0], largest_norm: Some(vec![50.0]) });
        set(&mut adam.slots[1].parameter.gradient, [0.0, 0.0, f32::NAN, 0.0]);
        second.update(2, &[Rate { learning_rate: 0.1, weight_decay: 0.0 }]);
        assert_eq!(second.faults(), [Fault { replica: 0, update: 2, parameter: "w".into() }]);
    }

    #[test]
    fn a_state_of_another_shape_is_refused() {
        let mut adam = Adam::new(vec![parameter([0.0; 4])]);
        let state = vec![("w".to_string(), Tensor::zeros([2, 3], (tch::Kind::Float, tch::Device::Cpu)))];
        assert_eq!(adam.restore(&state), Err("`w` has shape [2, 3] instead of [2, 2]".into()));
        assert_eq!(adam.restore(&[]), Err("it holds no tensor `w`".into()));
    }
}
