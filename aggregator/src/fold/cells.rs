//! What a flush collects: for each group and minute the values that fell into it.
//!
//! Adding a beacon's events to a group is one copy of a few words to the end of a list. Lists become
//! histograms when they are long, or when they are drained: sorting a handful of numbers that lie
//! together costs less than finding a histogram's bucket in memory for each of them.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use schemas::{
    histogram::{Bucket, Histogram, VALUE_MAX, bucket_of},
    metric::Metric,
    rollup::{Cell, Rollup},
    time::Minute,
};

/// The number of a metric within its app.
pub(super) type MetricId = u16;
/// How many metrics an app may have; the number has ten bits in an [`Entry`].
pub(super) const METRICS_MAX: usize = 1 << METRIC_BITS;
/// The greatest sampling weight that is counted as given.
pub(super) const WEIGHT_MAX: u32 = (1 << WEIGHT_BITS) - 1;

const METRIC_BITS: u32 = 10;
const VALUE_BITS: u32 = 40;
const WEIGHT_BITS: u32 = 14;
const _: () = assert!(METRIC_BITS + VALUE_BITS + WEIGHT_BITS == 64 && VALUE_MAX == (1 << VALUE_BITS) - 1, "an entry is one word");

/// A list longer than this is folded into histograms before the flush.
const ENTRIES_MAX: usize = 4_096;

/// One value: metric, recorded integer and weight in one word, so that sorting words sorts by metric
/// and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u64);

impl Entry {
    pub(super) fn new(metric: MetricId, value: u64, weight: u32) -> Self {
        debug_assert!(usize::from(metric) < METRICS_MAX, "metric numbers have ten bits");
        let weight = weight.clamp(1, WEIGHT_MAX);
        Self(u64::from(metric) << (VALUE_BITS + WEIGHT_BITS) | value.min(VALUE_MAX) << WEIGHT_BITS | u64::from(weight))
    }

    fn metric(self) -> MetricId {
        (self.0 >> (VALUE_BITS + WEIGHT_BITS)) as MetricId
    }

    fn value(self) -> u64 {
        self.0 >> WEIGHT_BITS & VALUE_MAX
    }

    fn weight(self) -> u64 {
        self.0 & u64::from(WEIGHT_MAX)
    }
}

/// Where a group's values of one minute are collected; valid until the next drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CellIndex(u32);

/// The values of all groups since the last drain.
#[derive(Debug, Default)]
pub(super) struct Cells {
    cells: Vec<Collected>,
    index: HashMap<(u32, Minute), CellIndex, FixedState>,
    /// Emptied lists, kept for the next flush.
    spare: Vec<Vec<Entry>>,
}

#[derive(Debug)]
struct Collected {
    group: u32,
    minute: Minute,
    entries: Vec<Entry>,
    /// What was folded before the flush, by metric.
    folded: Vec<(MetricId, Rollup)>,
}

impl Cells {
    /// The cell of a group and minute, which is made if there is none.
    pub(super) fn at(&mut self, group: u32, minute: Minute) -> CellIndex {
        *self.index.entry((group, minute)).or_insert_with(|| {
            let at = u32::try_from(self.cells.len()).expect("a flush has far fewer than 2^32 cells");
            let entries = self.spare.pop().unwrap_or_default();
            self.cells.push(Collected { group, minute, entries, folded: Vec::new() });
            CellIndex(at)
        })
    }

    /// Adds values to a cell.
    #[inline]
    pub(super) fn extend(&mut self, at: CellIndex, entries: &[Entry]) {
        let cell = &mut self.cells[at.0 as usize];
        cell.entries.extend_from_slice(entries);
        if cell.entries.len() > ENTRIES_MAX {
            cell.fold();
        }
    }

    /// How many cells hold values.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Takes everything: the number of each group with its rollups, groups in the order in which
    /// they were first seen, their rollups by minute and metric.
    pub(super) fn drain(&mut self, metrics: &[Arc<Metric>]) -> Vec<(u32, Vec<Cell>)> {
        self.index.clear();
        let mut order: HashMap<u32, usize, FixedState> = HashMap::with_capacity_and_hasher(self.cells.len(), FixedState::default());
        let mut groups: Vec<(u32, Vec<Cell>)> = Vec::new();
        for mut cell in self.cells.drain(..) {
            cell.fold();
            let at = *order.entry(cell.group).or_insert_with(|| {
                groups.push((cell.group, Vec::with_capacity(cell.folded.len())));
                groups.len() - 1
            });
            let minute = cell.minute;
            groups[at].1.extend(cell.folded.drain(..).map(|(metric, rollup)| Cell {
                metric: Arc::clone(&metrics[usize::from(metric)]),
                minute,
                rollup,
            }));
            self.spare.push(cell.entries);
        }
        // One busy moment must not hold its memory for ever.
        self.spare.truncate(order.len());
        groups
    }
}

impl Collected {
    /// Turns the list into rollups. The list is empty afterwards and keeps its memory.
    fn fold(&mut self) {
        self.entries.sort_unstable();
        let first = self.folded.is_empty();
        for run in self.entries.chunk_by(|a, b| a.metric() == b.metric()) {
            let (metric, rollup) = (run[0].metric(), rollup_of(run));
            if first {
                self.folded.push((metric, rollup));
            } else {
                match self.folded.binary_search_by_key(&metric, |(own, _)| *own) {
                    Ok(at) => self.folded[at].1.merge(&rollup),
                    Err(at) => self.folded.insert(at, (metric, rollup)),
                }
            }
        }
        self.entries.clear();
    }
}

/// The rollup of one metric's values, which rise.
fn rollup_of(run: &[Entry]) -> Rollup {
    let mut buckets: Vec<Bucket> = Vec::with_capacity(run.len());
    let mut sum = 0u64;
    for entry in run {
        let (value, weight) = (entry.value(), entry.weight());
        sum = sum.saturating_add(value.saturating_mul(weight));
        let index = bucket_of(value);
        match buckets.last_mut() {
            Some(last) if last.index == index => last.count += weight,
            _ => buckets.push(Bucket { index, count: weight }),
        }
    }
    Rollup { samples: run.len() as u64, sum, histogram: Histogram::from_buckets(buckets) }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use schemas::{metric::MetricName, unit::Unit};

    use super::*;

    fn metrics(n: usize) -> Vec<Arc<Metric>> {
        (0..n).map(|i| Arc::new(Metric { name: MetricName::new(&format!("m{i}")).unwrap(), unit: Unit::Duration })).collect()
    }

    proptest! {
        #[test]
        fn lists_fold_to_what_recording_each_value_gives(values in vec((0u16..3, 0u32..2, 0u64..VALUE_MAX, 1u32..WEIGHT_MAX), 0..300), repeat in 1usize..40) {
            let names = metrics(3);
            let mut cells = Cells::default();
            let mut expected: std::collections::BTreeMap<(u32, u16), Rollup> = Default::default();
            for _ in 0..repeat {
                for &(metric, minute, value, weight) in &values {
                    let at = cells.at(7, Minute(minute));
                    cells.extend(at, &[Entry::new(metric, value, weight)]);
                    expected.entry((minute, metric)).or_default().record(value, u64::from(weight));
                }
            }
            let drained = cells.drain(&names);
            prop_assert_eq!(cells.len(), 0);
            let folded: std::collections::BTreeMap<(u32, u16), Rollup> = drained
                .into_iter()
                .flat_map(|(group, cells)| { assert_eq!(group, 7); cells })
                .map(|cell| ((cell.minute.0, names.iter().position(|name| *name == cell.metric).unwrap() as u16), cell.rollup))
                .collect();
            prop_assert_eq!(folded, expected);
        }
    }
}
