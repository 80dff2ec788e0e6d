//! Which components are active on which sample.

mod largest;

use std::ops::Range;

use largest::largest_entries;
use schemars::JsonSchema;
use serde::Serialize;
use tch::{Kind, Tensor};

use crate::{
    settings::{Choice, TableReader, Variant},
    slices::{numbers_on, slice, tensor_from},
};

/// Every selection rule that the spec can name, `[method.apd.selection.<rule>]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    BatchTopK(BatchTopK),
    /// The k largest attributions of every sample.
    SampleTopK {
        /// Number of active components on every sample.
        k: usize,
    },
    /// As many of the largest attributions of the whole batch as there are active inputs in it.
    Exact {},
    /// No selection: in the L_p form A_c(x)^p takes the place of s_c(x) (Braun et al. 2025, appendix on the L_p form).
    Lp {
        /// The power p.
        power: f64,
    },
}

impl Choice for Selection {
    const VARIANTS: &'static [Variant<Self>] = &[
        Variant::Table("batch_top_k", |table| Self::BatchTopK(BatchTopK::read(table))),
        Variant::Table("sample_top_k", |table| Self::SampleTopK { k: table.size("k").such_as(1) }),
        Variant::Table("exact", |_| Self::Exact {}),
        Variant::Table("lp", |table| Self::Lp { power: table.number("power").above(0.0).at_most(2.0).such_as(0.9) }),
    ];
}

/// The floor(k * batch) largest attributions of the whole batch x component table (Braun et al. 2025, section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BatchTopK {
    /// Number of active components per sample on average.
    pub k: f64,
}

/// How many (sample, component) pairs of a replica's table are selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    OfBatch(usize),
    OfEachSample(usize),
}

/// The [`Budget`] of every replica, `[replica]` on the device. Replicas share whether it is of the batch.
#[derive(Debug)]
pub enum BudgetsOnDevice {
    OfBatch(Tensor),
    OfEachSample(Tensor),
}

impl BudgetsOnDevice {
    /// Of one selection for every replica, given `switches` [replica, sample, feature] as for [`Selection::budget`].
    pub fn new<'a>(selections: impl Iterator<Item = &'a Selection>, switches: &Tensor) -> Self {
        let counted = |number: usize| number as i64;
        let (mut numbers, mut exact, mut of_each_sample) = (Vec::new(), Vec::new(), false);
        for selection in selections {
            let (number, is_exact) = match selection {
                Selection::BatchTopK(rule) => (rule.pairs(switches.size()[1] as usize), false),
                Selection::SampleTopK { k } => (*k, false),
                Selection::Exact {} => (0, true),
                Selection::Lp { .. } => panic!("the L_p form selects nothing"),
            };
            let is_of_sample = matches!(selection, Selection::SampleTopK { .. });
            assert!(numbers.is_empty() || of_each_sample == is_of_sample, "replicas share their rule");
            of_each_sample = is_of_sample;
            numbers.push(counted(number));
            exact.push(counted(usize::from(is_exact)));
        }
        let mut counts = numbers_on(&numbers, Kind::Int64, switches.device());
        if exact.contains(&1) {
            let active = switches.not_equal(0.0).sum_dim_intlist([1, 2].as_slice(), false, Kind::Int64);
            counts += active * numbers_on(&exact, Kind::Int64, switches.device());
        }
        if of_each_sample { Self::OfEachSample(counts) } else { Self::OfBatch(counts) }
    }
}

impl BatchTopK {
    fn read(table: &mut TableReader) -> Self {
        Self { k: table.number("k").above(0.0).such_as(0.211) }
    }
}

impl Selection {
    /// Of one replica, given those of its inputs that set a mechanism to work, `switches` [sample, feature].
    pub fn budget(&self, switches: &Tensor) -> Budget {
        match self {
            Selection::BatchTopK(rule) => Budget::OfBatch(rule.pairs(switches.size()[0] as usize)),
            Selection::SampleTopK { k } => Budget::OfEachSample(*k),
            Selection::Exact {} => Budget::OfBatch(switches.not_equal(0.0).sum(Kind::Int64).int64_value(&[]) as usize),
            Selection::Lp { .. } => panic!("the L_p form selects nothing"),
        }
    }

    /// The power of the L_p form, if it is that.
    pub fn lp_power(&self) -> Option<f64> {
        if let Selection::Lp { power } = self { Some(*power) } else { None }
    }
}

impl BatchTopK {
    /// Number of (sample, component) pairs selected from a batch; the small term lets 1.28 * 100 be 128 in binary too.
    pub fn pairs(&self, batch: usize) -> usize {
        (self.k * batch as f64 + 1e-9).floor() as usize
    }
}

/// The active (sample, component) pairs of all replicas, grouped by component. In main memory.
#[derive(Debug)]
pub struct ActivePairs {
    batch: usize,
    components: usize,
    /// For every replica and component, where its samples begin; and the end.
    starts: Vec<usize>,
    /// The samples of all pairs, ascending for each component.
    samples: Vec<u32>,
}

impl ActivePairs {
    /// The largest entries of each replica's table in `attributions` [replica, sample, component], as many as its budget
    /// says. A tie across the cut goes to the lower (sample, component) index.
    pub fn largest(attributions: &Tensor, budgets: &[Budget]) -> Self {
        let [_, batch, components] = attributions.size()[..] else { panic!("attributions have three axes") };
        let (batch, components) = (batch as usize, components as usize);
        let mut pairs = Self { batch, components, starts: Vec::new(), samples: Vec::new() };
        for (table, &budget) in slice(attributions).chunks_exact(batch * components).zip(budgets) {
            pairs.push_replica(&match budget {
                Budget::OfBatch(count) => largest_entries(table, count),
                Budget::OfEachSample(count) => {
                    let samples = table.chunks_exact(components).enumerate();
                    let of_sample = |(sample, row)| {
                        largest_entries(row, count).into_iter().map(move |entry| sample * components + entry)
                    };
                    samples.flat_map(of_sample).collect()
                }
            });
        }
        pairs.starts.push(pairs.samples.len());
        pairs
    }

    /// `active` lists entries of the replica's table, ascending.
    fn push_replica(&mut self, active: &[usize]) {
        // Counted along, because divisions would take longer than all the rest.
        let (mut sample, mut first_of_sample) = (0, 0);
        let mut pair = |&entry: &usize| {
            while entry - first_of_sample >= self.components {
                sample += 1;
                first_of_sample += self.components;
            }
            (sample, entry - first_of_sample)
        };
        let active: Vec<(u32, usize)> = active.iter().map(&mut pair).collect();
        let mut next = vec![0; self.components];
        active.iter().for_each(|&(_, component)| next[component] += 1);
        let mut start = self.samples.len();
        for next in &mut next {
            self.starts.push(start);
            start += std::mem::replace(next, start);
        }
        self.samples.resize(start, 0);
        for (sample, component) in active {
            self.samples[next[component]] = sample;
            next[component] += 1;
        }
    }

    /// With one more component, the last, that is active on every sample.
    pub fn with_one_always_active(&self) -> Self {
        let (before, components) = (self.components, self.components + 1);
        let mut pairs = Self { batch: self.batch, components, starts: Vec::new(), samples: Vec::new() };
        for replica in 0..self.replicas() {
            for group in self.starts[replica * before..=(replica + 1) * before].windows(2) {
                pairs.starts.push(pairs.samples.len());
                pairs.samples.extend(&self.samples[group[0]..group[1]]);
            }
            pairs.starts.push(pairs.samples.len());
            pairs.samples.extend(0..self.batch as u32);
        }
        pairs.starts.push(pairs.samples.len());
        pairs
    }

    /// Number of pairs of all replicas.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The pairs of every component that is active at all.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let groups = self.starts.windows(2).enumerate().filter(|(_, range)| range[0] < range[1]);
        groups.map(|(group, range)| {
            let replica = group / self.components;
            Group {
                replica,
                component: group % self.components,
                pairs: range[0]..range[1],
                first_row: replica * self.batch,
                samples: &self.samples[range[0]..range[1]],
            }
        })
    }

    /// How many samples each component is active on, [replica, component].
    pub fn counts(&self) -> Tensor {
        let shape = [self.replicas() as i64, self.components as i64];
        tensor_from(&shape, self.starts.windows(2).map(|range| (range[1] - range[0]) as f32))
    }

    /// The same as zeros and ones [replica, sample, component].
    pub fn to_mask(&self) -> Tensor {
        let mut mask = vec![0.0; self.replicas() * self.batch * self.components];
        for group in self.groups() {
            group.rows().for_each(|row| mask[row * self.components + group.component] = 1.0);
        }
        let shape = [self.replicas(), self.batch, self.components].map(|length| length as i64);
        tensor_from(&shape, mask.into_iter())
    }

    fn replicas(&self) -> usize {
        (self.starts.len() - 1) / self.components
    }
}

/// The samples on which one component is active.
pub struct Group<'a> {
    pub replica: usize,
    pub component: usize,
    /// The numbers of the pairs.
    pub pairs: Range<usize>,
    first_row: usize,
    samples: &'a [u32],
}

impl Group<'_> {
    /// For every pair, its sample's row in a value [replica, sample, width] seen as a matrix.
    pub fn rows(&self) -> impl Iterator<Item = usize> {
        self.samples.iter().map(|&sample| self.first_row + sample as usize)
    }

    /// Its pairs whose rows lie in a range.
    pub fn within(&self, rows: Range<usize>) -> Self {
        let before = |end: usize| self.samples.partition_point(|&sample| self.first_row + (sample as usize) < end);
        let (first, end) = (before(rows.start), before(rows.end));
        let (pairs, samples) = (self.pairs.start + first..self.pairs.start + end, &self.samples[first..end]);
        Self { pairs, samples, ..*self }
    }
}

/// As [`ActivePairs::largest`], as zeros and ones, in tensor operations whose shapes do not depend on the data and that nothing
/// waits for.
pub fn largest_as_mask(attributions: &Tensor, budgets: &BudgetsOnDevice) -> Tensor {
    let (tables, counts) = match budgets {
        BudgetsOnDevice::OfBatch(counts) => (attributions.flatten(1, 2), counts.shallow_clone()),
        BudgetsOnDevice::OfEachSample(counts) => {
            (attributions.flatten(0, 1), counts.repeat_interleave_self_int(attributions.size()[1], 0, None))
        }
    };
    let order = tables.sort_stable(true, 1, true).1;
    let ranks = Tensor::arange(tables.size()[1], (Kind::Int64, tables.device())).unsqueeze(0);
    let chosen = ranks.lt_tensor(&counts.unsqueeze(1)).to_kind(attributions.kind());
    tables.zeros_like().scatter(1, &order, &chosen).view_as(attributions)
}

/// The share of the cuts, one a batch or one a sample where each has its own, on both sides of which equal attributions above
/// zero lie: there the order of the components decides. A scalar, of `attributions` and the `mask` of zeros and ones that was
/// made of them, both [replica, sample, component].
pub fn share_of_tied_cuts(attributions: &Tensor, mask: &Tensor, of_each_sample: bool) -> Tensor {
    let axes: &[i64] = if of_each_sample { &[2] } else { &[1, 2] };
    let selected = mask.greater(0.0);
    let least_selected = attributions.where_scalarother(&selected, f64::INFINITY).amin(axes, false);
    let largest_other = attributions.where_scalarother(&selected.logical_not(), 0.0).amax(axes, false);
    let tied = least_selected.eq_tensor(&largest_other).logical_and(&largest_other.greater(0.0));
    tied.to_kind(Kind::Double).mean(Kind::Double)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Tensor {
        tensor_from(&[2, 3, 2], [0.0, 5.0, 2.0, 2.0, 2.0, 1.0, 7.0, 0.0, 0.0, 0.0, 0.0, 8.0].into_iter())
    }

    fn on_device(budgets: &[Budget]) -> BudgetsOnDevice {
        let numbers = budgets.iter().map(|&budget| match budget {
            Budget::OfBatch(count) | Budget::OfEachSample(count) => count as i64,
        });
        let counts = Tensor::from_slice(&numbers.collect::<Vec<_>>());
        let of_batch = matches!(budgets[0], Budget::OfBatch(_));
        if of_batch { BudgetsOnDevice::OfBatch(counts) } else { BudgetsOnDevice::OfEachSample(counts) }
    }

    #[test]
    fn budgets_on_a_device_are_those_in_main_memory() {
        let switches = table().not_equal(2.0).to_kind(Kind::Float);
        let [top, other] = [0.5, 1.0].map(|k| Selection::BatchTopK(BatchTopK { k }));
        let (exact, of_sample) = (Selection::Exact {}, Selection::SampleTopK { k: 2 });
        for selections in [[top, top], [top, other], [exact, exact], [exact, top], [of_sample, of_sample]] {
            let of_replica =
                |(replica, selection): (usize, &Selection)| selection.budget(&switches.select(0, replica as i64));
            let expected: Vec<Budget> = selections.iter().enumerate().map(of_replica).collect();
            match (BudgetsOnDevice::new(selections.iter(), &switches), on_device(&expected)) {
                (BudgetsOnDevice::OfBatch(found), BudgetsOnDevice::OfBatch(expected))
                | (BudgetsOnDevice::OfEachSample(found), BudgetsOnDevice::OfEachSample(expected)) => {
                    assert_eq!(found, expected, "{selections:?}");
                }
                (found, _) => panic!("{selections:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn where_more_are_to_be_selected_than_there_are_all_are() {
        let budgets = [Budget::OfBatch(7); 2];
        assert_eq!(ActivePairs::largest(&table(), &budgets).to_mask(), table().ones_like());
        assert_eq!(largest_as_mask(&table(), &on_device(&budgets)), table().ones_like());
    }

    #[test]
    fn pairs_are_grouped_by_component_with_ascending_samples() {
        let pairs = ActivePairs::largest(&table(), &[Budget::OfBatch(3), Budget::OfBatch(2)]);
        let listed = pairs
            .groups()
            .map(|group| (group.replica, group.component, group.pairs.clone(), group.rows().collect::<Vec<usize>>()));
        let expected = [(0, 0, 0..1, vec![1]), (0, 1, 1..3, vec![0, 1]), (1, 0, 3..4, vec![3]), (1, 1, 4..5, vec![5])];
        assert!(listed.eq(expected));
        assert_eq!(slice(&pairs.counts()), [1.0, 2.0, 1.0, 1.0]);
        let within = pairs.groups().nth(1).unwrap().within(1..5);
        assert_eq!((within.pairs.clone(), within.rows().collect::<Vec<usize>>()), (2..3, vec![1]));
    }

    #[test]
    fn loops_and_tensor_operations_select_the_same() {
        for counts in [[3, 2], [0, 6], [4, 3], [1, 1]] {
            for budgets in [counts.map(Budget::OfBatch), counts.map(|count| Budget::OfEachSample(count.min(2)))] {
                let mask = ActivePairs::largest(&table(), &budgets).to_mask();
                assert_eq!(mask, largest_as_mask(&table(), &on_device(&budgets)), "{budgets:?}");
            }
        }
    }

    #[test]
    fn only_equal_attributions_above_zero_on_both_sides_of_a_cut_are_a_tie() {
        let share = |budgets: [Budget; 2]| {
            let mask = largest_as_mask(&table(), &on_device(&budgets));
            share_of_tied_cuts(&table(), &mask, matches!(budgets[0], Budget::OfEachSample(_))).double_value(&[])
        };
        // Of the first table three entries are 2, of the second four are 0.
        assert_eq!(share([Budget::OfBatch(2), Budget::OfBatch(4)]), 0.5);
        assert_eq!(share([Budget::OfBatch(4), Budget::OfBatch(2)]), 0.0);
        assert_eq!(share([Budget::OfBatch(0), Budget::OfBatch(6)]), 0.0);
        // Of six samples one has 2 twice.
        assert_eq!(share([Budget::OfEachSample(1); 2]), 1.0 / 6.0);
    }

    #[test]
    fn a_component_that_is_always_active_comes_last() {
        let pairs = ActivePairs::largest(&table(), &[Budget::OfBatch(1), Budget::OfBatch(0)]).with_one_always_active();
        assert_eq!(slice(&pairs.counts()), [0.0, 1.0, 3.0, 0.0, 0.0, 3.0]);
        assert_eq!(pairs.to_mask().select(2, 2), Tensor::ones([2, 3], (Kind::Float, tch::Device::Cpu)));
    }

    #[test]
    fn the_number_of_pairs_is_rounded_down_in_double_precision() {
        assert_eq!(BatchTopK { k: 0.211 }.pairs(2048), 432);
        assert_eq!(BatchTopK { k: 1.28 }.pairs(100), 128);
    }
}
