//! A tally: what was counted of one metric for one group.

use schemas::{cuboid::Cuboid, time::Minute, unit::Unit};
use serde::{Deserialize, Serialize};

/// Counts of values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Values as sent, before weights.
    pub samples: u64,
    /// Values after weights.
    pub count: u64,
    /// The sum of the recorded integers times their weights.
    pub sum: u64,
    /// The recorded integers, where the truth keeps them; in no order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<u64>,
}

/// A tally and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Of event time, counted from the Unix epoch.
    pub minute: Minute,
    pub metric: Box<str>,
    pub unit: Unit,
    /// The dimensions counted by, with commas between; empty for the total.
    pub by: Cuboid,
    /// Their values, in canonical order.
    pub values: Vec<Box<str>>,
    #[serde(flatten)]
    pub tally: Tally,
}

impl Tally {
    pub(crate) fn record(&mut self, recorded: u64, weight: u64, keep: bool) {
        self.samples += 1;
        self.count += weight;
        self.sum += recorded * weight;
        if keep {
            self.recorded.push(recorded);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.samples += other.samples;
        self.count += other.count;
        self.sum += other.sum;
        self.recorded.extend_from_slice(&other.recorded);
    }

    /// The mean in the unit's shown form; `None` when empty.
    pub fn mean(&self, unit: Unit) -> Option<f64> {
        (self.count > 0).then(|| unit.shown(self.sum) / self.count as f64)
    }

    /// The exact value, as recorded, at quantile `q` in [0, 1]: the smallest one that at least that share of the
    /// values does not exceed. `None` when empty or values were not kept. All values of a truth have the same weight.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let mut sorted = self.recorded.clone();
        sorted.sort_unstable();
        let rank = (q.clamp(0.0, 1.0) * sorted.len() as f64).ceil().max(1.0) as usize;
        sorted.get(rank - 1).copied()
    }
}
