//! Rollups as the answers show them.

use schemas::{
    histogram::{Binning, Histogram},
    metric::{Metric, known},
    rollup::Rollup,
    unit::Unit,
};

use crate::answer::{Bin, Bounds, Quantile, Ratings, Summary};

/// The summary of a rollup with the quantiles asked for.
pub(crate) fn summary(rollup: &Rollup, unit: Unit, quantiles: &[f64]) -> Summary {
    #[expect(clippy::cast_precision_loss, reason = "scales are small")]
    let scale = unit.scale() as f64;
    let found = rollup.histogram.quantiles(quantiles, rollup.samples).unwrap_or_default();
    let quantile = |(q, found): (&f64, schemas::histogram::Quantile)| Quantile {
        q: *q,
        value: unit.shown(found.value),
        low: found.interval.map(|interval| unit.shown(interval.low)),
        high: found.interval.map(|interval| unit.shown(interval.high)),
    };
    Summary {
        n: rollup.count(),
        samples: rollup.samples,
        mean: rollup.mean().map(|mean| mean / scale),
        quantiles: quantiles.iter().zip(found).map(quantile).collect(),
    }
}

/// How many values are good, in between and poor; `None` for metrics without thresholds.
pub(crate) fn ratings(histogram: &Histogram, metric: &Metric) -> Option<Ratings> {
    let (good, poor) = thresholds(metric)?;
    let (within_good, within_poor) = (histogram.count_within(good), histogram.count_within(poor));
    Some(Ratings { good: within_good, needs_improvement: within_poor - within_good, poor: histogram.total() - within_poor })
}

/// What values exceed the good threshold by, summed, in the shown unit.
pub(crate) fn over_good(histogram: &Histogram, metric: &Metric) -> Option<f64> {
    let (good, _) = thresholds(metric)?;
    Some(metric.unit.shown(histogram.excess_over(good)))
}

fn thresholds(metric: &Metric) -> Option<(u64, u64)> {
    let known = known(metric.name.as_str()).filter(|known| known.unit == metric.unit)?;
    Some((metric.unit.record(known.good?).ok()?, metric.unit.record(known.poor?).ok()?))
}

/// The bins of a histogram.
pub(crate) fn bins(histogram: &Histogram, unit: Unit, binning: Binning) -> Vec<Bin> {
    let bin = |(bin, n): (u16, u64)| {
        let Bounds { from, to } = bounds(bin, unit, binning);
        Bin { from, to, n }
    };
    histogram.binned(binning).into_iter().map(bin).collect()
}

/// The bounds of a bin, in the shown unit.
pub(crate) fn bounds(bin: u16, unit: Unit, binning: Binning) -> Bounds {
    let (from, to) = binning.bounds(bin);
    Bounds { from: unit.shown(from), to: unit.shown(to) }
}

#[cfg(test)]
mod tests {
    use schemas::metric::MetricName;

    use super::*;

    fn lcp(values_ms: &[u64]) -> (Rollup, Metric) {
        let mut rollup = Rollup::default();
        for value in values_ms {
            rollup.record(value * 1_000, 1);
        }
        (rollup, Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration })
    }

    #[test]
    fn a_summary_is_in_the_shown_unit() {
        let (rollup, metric) = lcp(&[1_000, 2_000, 3_000]);
        let summary = summary(&rollup, metric.unit, &[0.5]);
        assert_eq!((summary.n, summary.mean), (3, Some(2_000.0)));
        assert!((summary.quantiles[0].value - 2_000.0).abs() < 20.0);
        assert_eq!(summary.quantiles[0].low, None);
    }

    #[test]
    fn ratings_count_the_thresholds_themselves_as_the_better_side() {
        let (rollup, metric) = lcp(&[1_000, 2_500, 3_000, 4_000, 9_000]);
        assert_eq!(ratings(&rollup.histogram, &metric), Some(Ratings { good: 2, needs_improvement: 2, poor: 1 }));
        let over = over_good(&rollup.histogram, &metric).unwrap();
        assert!((over - 8_500.0).abs() < 85.0, "{over}");
        let own = Metric { name: MetricName::new("ttft").unwrap(), unit: Unit::Duration };
        assert_eq!(ratings(&rollup.histogram, &own), None);
    }
}
