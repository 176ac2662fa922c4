//! The rollup: what is known of one series in one window.

use std::sync::Arc;

use crate::{histogram::Histogram, metric::Metric, series::Group, time::Minute};

/// Counts, sum and histogram of the values that fell into one window. Rollups of the same series
/// merge: a window may be written in any number of parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollup {
    /// Values as they arrived, before sampling weights.
    pub samples: u64,
    /// Sum of the recorded integers times their weights; saturates.
    pub sum: u64,
    /// Weighted counts by bucket.
    pub histogram: Histogram,
}

impl Rollup {
    /// Counts one value, as recorded (see [`crate::unit::Unit::record`]), `weight` times.
    pub fn record(&mut self, value: u64, weight: u64) {
        self.samples += 1;
        self.sum = self.sum.saturating_add(value.saturating_mul(weight));
        self.histogram.record(value, weight);
    }

    /// Adds `other` to it.
    pub fn merge(&mut self, other: &Self) {
        self.samples = self.samples.saturating_add(other.samples);
        self.sum = self.sum.saturating_add(other.sum);
        self.histogram.merge(&other.histogram);
    }

    /// How many values it stands for, after sampling weights.
    pub fn count(&self) -> u64 {
        self.histogram.total()
    }

    /// The weighted mean of the recorded integers; `None` when empty.
    #[expect(clippy::cast_precision_loss, reason = "a mean of more than 2^53 loses only its last digits")]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum as f64 / count as f64)
    }
}

/// The partial rollups of one group, as one flush of the aggregator has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRollups {
    pub group: Arc<Group>,
    pub cells: Vec<Cell>,
}

/// A partial rollup of one metric in one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub metric: Arc<Metric>,
    /// The minute of event time.
    pub minute: Minute,
    pub rollup: Rollup,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_count_in_the_total_and_the_sum_but_not_in_the_samples() {
        let mut rollup = Rollup::default();
        rollup.record(100, 10);
        rollup.record(200, 1);
        assert_eq!((rollup.samples, rollup.count(), rollup.sum), (2, 11, 1_200));
        let mut twice = rollup.clone();
        twice.merge(&rollup);
        assert_eq!((twice.samples, twice.count(), twice.sum), (4, 22, 2_400));
        assert_eq!(Rollup::default().mean(), None);
    }
}
