//! Quantiles of a histogram, and how sure they are.

use super::{Histogram, midpoint};

/// A quantile: a value and the interval that holds the population's with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantile {
    /// Within 0.4 % of the sample's true quantile.
    pub value: u64,
    /// `None` when there are too few samples to bound it on both sides.
    pub interval: Option<Interval>,
}

/// A closed interval of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub low: u64,
    pub high: u64,
}

/// Two-sided 95 % of the normal distribution.
const Z_95: f64 = 1.959_964;

/// The 1-based rank of quantile `q`, in [0, 1], among `total` values: the smallest rank that has at
/// least that share of the values at or below it.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "q x total is in [0, total]; beyond 2^53 values a rank is off by parts in 10^16"
)]
fn rank(q: f64, total: u64) -> u64 {
    ((q.clamp(0.0, 1.0) * total as f64).ceil() as u64).clamp(1, total)
}

/// The ranks, as quantiles, between which the population's quantile `q` lies with 95 % confidence
/// whatever the distribution: order statistics of a sample of `samples` independent values, by the
/// normal approximation of the binomial. `None` when one would lie outside the sample.
#[expect(clippy::cast_precision_loss, reason = "counts of samples are far below 2^53")]
fn ranks_95(q: f64, samples: u64) -> Option<(f64, f64)> {
    let n = samples as f64;
    let half_width = Z_95 * (n * q * (1.0 - q)).sqrt();
    let (low, high) = ((n * q - half_width).floor(), (n * q + half_width).ceil() + 1.0);
    (samples > 0 && low >= 1.0 && high <= n).then_some((low / n, high / n))
}

/// The value at quantile `q` in [0, 1] of `histogram`: the midpoint of the bucket that holds it.
/// `None` when it is empty.
pub fn quantile_of(histogram: &Histogram, q: f64) -> Option<u64> {
    at_ranks(histogram, &[q]).map(|values| values[0])
}

impl Histogram {
    /// Its quantiles at each of `qs`, in [0, 1], with intervals for a sample of `samples` independent
    /// values (fewer than the total where values were weighted). `None` when it is empty.
    pub fn quantiles(&self, qs: &[f64], samples: u64) -> Option<Vec<Quantile>> {
        let mut wanted = Vec::with_capacity(qs.len() * 3);
        for &q in qs {
            let (low, high) = ranks_95(q, samples).unwrap_or((q, q));
            wanted.extend([q, low, high]);
        }
        let values = at_ranks(self, &wanted)?;
        let quantile = |(i, &q): (usize, &f64)| Quantile {
            value: values[3 * i],
            interval: ranks_95(q, samples).map(|_| Interval { low: values[3 * i + 1], high: values[3 * i + 2] }),
        };
        Some(qs.iter().enumerate().map(quantile).collect())
    }
}

/// The values at each of `qs`, in the order given, in one walk over the buckets.
fn at_ranks(histogram: &Histogram, qs: &[f64]) -> Option<Vec<u64>> {
    let total = histogram.total();
    if total == 0 {
        return None;
    }
    let mut order: Vec<(u64, usize)> = qs.iter().enumerate().map(|(i, &q)| (rank(q, total), i)).collect();
    order.sort_unstable();
    let mut values = vec![0; qs.len()];
    let mut wanted = order.into_iter().peekable();
    let mut seen = 0u64;
    for bucket in histogram.buckets() {
        seen = seen.saturating_add(bucket.count);
        while let Some((_, i)) = wanted.next_if(|(rank, _)| *rank <= seen) {
            values[i] = midpoint(bucket.index);
        }
    }
    Some(values)
}
