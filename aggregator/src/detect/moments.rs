//! The mean and the spread of values' logarithms. They merge exactly, so that minutes make windows and
//! hours make baselines.

use schemas::{histogram::midpoint, rollup::Rollup};

/// Count, mean and spread of `ln(1 + value)`, the value in its recorded scale. The one added keeps
/// zeros, which are many for layout shifts, in the count, and changes nothing for latencies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Moments {
    /// Samples before weights: what certainty comes from.
    pub(super) samples: f64,
    pub(super) mean: f64,
    /// Sum of squared distances from the mean.
    spread: f64,
}

impl Moments {
    /// Those of a rollup.
    #[expect(clippy::cast_precision_loss, reason = "counts of a window are far below 2^53")]
    pub(super) fn of(rollup: &Rollup) -> Self {
        let (mut count, mut mean, mut spread) = (0.0, 0.0, 0.0);
        for bucket in rollup.histogram.buckets() {
            let (weight, value) = (bucket.count as f64, (midpoint(bucket.index) as f64).ln_1p());
            count += weight;
            let distance = value - mean;
            mean += distance * weight / count;
            spread += weight * distance * (value - mean);
        }
        if count == 0.0 {
            return Self::default();
        }
        let samples = rollup.samples as f64;
        Self { samples, mean, spread: spread * samples / count }
    }

    /// Adds `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        let samples = self.samples + other.samples;
        if samples == 0.0 {
            return;
        }
        let distance = other.mean - self.mean;
        self.spread += other.spread + distance * distance * self.samples * other.samples / samples;
        self.mean += distance * other.samples / samples;
        self.samples = samples;
    }

    /// Keeps a `share` of what it counts.
    pub(super) fn fade(&mut self, share: f64) {
        self.samples *= share;
        self.spread *= share;
    }

    /// The variance of a single value; 0 below two samples.
    pub(super) fn variance(&self) -> f64 {
        if self.samples < 2.0 { 0.0 } else { self.spread / (self.samples - 1.0) }
    }

    /// The geometric mean, in the recorded scale.
    pub(super) fn geometric_mean(&self) -> f64 {
        self.mean.exp_m1()
    }
}

#[cfg(test)]
impl Moments {
    /// Samples that all have one logarithm.
    pub(super) fn at(mean: f64, samples: f64) -> Self {
        Self { samples, mean, spread: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollup(values: &[u64], weight: u64) -> Rollup {
        let mut rollup = Rollup::default();
        for value in values {
            rollup.record(*value, weight);
        }
        rollup
    }

    #[test]
    fn merged_moments_are_those_of_all_values() {
        let (a, b) = ([1_000, 5_000, 900_000], [70, 2_000_000]);
        let mut merged = Moments::of(&rollup(&a, 1));
        merged.merge(&Moments::of(&rollup(&b, 1)));
        let all = Moments::of(&rollup(&[&a[..], &b].concat(), 1));
        assert!((merged.mean - all.mean).abs() < 1e-9 && (merged.variance() - all.variance()).abs() < 1e-9);
        assert_eq!(merged.samples, 5.0);
    }

    #[test]
    fn weights_change_neither_the_mean_nor_the_certainty() {
        let values = [1_000, 5_000, 900_000];
        let (plain, weighted) = (Moments::of(&rollup(&values, 1)), Moments::of(&rollup(&values, 50)));
        assert!((plain.mean - weighted.mean).abs() < 1e-12 && (plain.variance() - weighted.variance()).abs() < 1e-9);
        assert_eq!(plain.samples, weighted.samples);
    }

    #[test]
    fn zeros_count_and_the_geometric_mean_is_read_back() {
        let moments = Moments::of(&rollup(&[0, 0, 0], 1));
        assert_eq!((moments.samples, moments.geometric_mean()), (3.0, 0.0));
        let latency = Moments::of(&rollup(&[2_000_000], 1));
        assert!((latency.geometric_mean() / 2_000_000.0 - 1.0).abs() < 0.01);
        assert_eq!(Moments::of(&Rollup::default()), Moments::default());
    }
}
