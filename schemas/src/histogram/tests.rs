//! The laws of the histogram, against the `hdrhistogram` crate and against exact quantiles.

use proptest::{collection::vec, prelude::*};

use super::*;

fn reference() -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new_with_bounds(1, VALUE_MAX, 2).unwrap()
}

fn of(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    for &value in values {
        histogram.record(value, 1);
    }
    histogram
}

/// Values spread over all octaves, as latencies are.
fn value() -> impl Strategy<Value = u64> {
    (0u32..40, any::<u64>()).prop_map(|(octave, noise)| (1u64 << octave) + noise % (1u64 << octave))
}

/// Enough values, close enough together, that the dense form is reached now and then.
fn values() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![vec(value(), 0..60), vec(value(), 0..1_500)]
}

#[test]
fn the_layout_is_as_large_as_the_crates() {
    assert_eq!(reference().distinct_values(), BUCKETS);
    assert_eq!(usize::from(bucket_of(VALUE_MAX)), BUCKETS - 1);
    assert_eq!(bucket_of(u64::MAX), bucket_of(VALUE_MAX));
}

#[test]
fn every_bucket_is_the_crates_bucket() {
    let crates = reference();
    for index in 0..u16::try_from(BUCKETS).unwrap() {
        let low = lowest(index);
        assert_eq!(bucket_of(low), index);
        assert_eq!(bucket_of(highest(index)), index);
        assert_eq!(crates.lowest_equivalent(low), low);
        assert_eq!(crates.highest_equivalent(low), highest(index));
        assert_eq!(crates.median_equivalent(low), midpoint(index));
    }
}

#[test]
fn an_empty_histogram_has_no_quantile() {
    assert_eq!(Histogram::new().quantiles(&[0.5], 0), None);
    assert_eq!(quantile_of(&Histogram::new(), 0.5), None);
}

#[test]
fn an_interval_needs_enough_samples() {
    let few = of(&(1..=10).collect::<Vec<_>>());
    assert_eq!(few.quantiles(&[0.75], 10).unwrap()[0].interval, None);
    let many = of(&(1..=100).collect::<Vec<_>>());
    let quantile = many.quantiles(&[0.75], 100).unwrap()[0];
    // Ranks 66 and 85 of 100, from the binomial by the normal approximation.
    assert_eq!(quantile, Quantile { value: 75, interval: Some(Interval { low: 66, high: 85 }) });
}

#[test]
fn counts_within_and_excess_over_a_limit() {
    let histogram = of(&[10, 20, 30, 200]);
    assert_eq!(histogram.count_within(20), 2);
    assert_eq!(histogram.count_within(5), 0);
    assert_eq!(histogram.excess_over(20), 10 + 180);
}

proptest! {
    #[test]
    fn counts_by_bucket_are_the_crates(values in values()) {
        let mut crates = reference();
        for &value in &values {
            crates.record(value).unwrap();
        }
        let theirs: Vec<_> = crates.iter_recorded().map(|step| Bucket { index: bucket_of(step.value_iterated_to()), count: step.count_at_value() }).collect();
        let own = of(&values);
        prop_assert_eq!(own.buckets().collect::<Vec<_>>(), theirs);
        prop_assert_eq!(own.total(), crates.len());
        for q in [0.0, 0.5, 0.75, 0.95, 0.99, 1.0] {
            let ours = quantile_of(&own, q).map(bucket_of);
            let theirs = (!values.is_empty()).then(|| bucket_of(crates.value_at_quantile(q)));
            prop_assert_eq!(ours, theirs, "quantile {}", q);
        }
    }

    #[test]
    fn a_quantile_is_within_one_percent_of_the_exact_one(mut values in vec(value(), 1..800), q in 0.0f64..=1.0) {
        let histogram = of(&values);
        values.sort_unstable();
        let rank = ((q * values.len() as f64).ceil() as usize).clamp(1, values.len());
        let exact = values[rank - 1] as f64;
        let read = quantile_of(&histogram, q).unwrap() as f64;
        prop_assert!((read - exact).abs() <= exact * 0.01, "{read} for {exact}");
    }

    #[test]
    fn merging_is_associative_and_commutative_to_the_bit(a in values(), b in values(), c in values()) {
        let (a, b, c) = (of(&a), of(&b), of(&c));
        let merged = |parts: &[&Histogram]| parts.iter().fold(Histogram::new(), |mut all, part| { all.merge(part); all });
        let left = merged(&[&merged(&[&a, &b]), &c]);
        prop_assert_eq!(&left, &merged(&[&a, &merged(&[&b, &c])]));
        prop_assert_eq!(&left, &merged(&[&c, &b, &a]));
        prop_assert_eq!(left.total(), a.total() + b.total() + c.total());
    }

    #[test]
    fn merging_is_recording_together(a in values(), b in values()) {
        let mut merged = of(&a);
        merged.merge(&of(&b));
        prop_assert_eq!(merged, of(&[a, b].concat()));
    }

    #[test]
    fn from_buckets_takes_any_order(values in values()) {
        let recorded = of(&values);
        let mut buckets: Vec<_> = values.iter().map(|&value| Bucket { index: bucket_of(value), count: 1 }).collect();
        buckets.reverse();
        prop_assert_eq!(Histogram::from_buckets(buckets), recorded);
    }

    #[test]
    fn bins_hold_the_values_between_their_bounds(values in values()) {
        let histogram = of(&values);
        for binning in [1, 4, 8, 128].map(|per_octave| Binning::new(per_octave).unwrap()) {
            let bins = histogram.binned(binning);
            prop_assert_eq!(bins.iter().map(|(_, count)| count).sum::<u64>(), histogram.total());
            for (bin, count) in bins {
                let (from, to) = binning.bounds(bin);
                prop_assert_eq!(values.iter().filter(|value| (from..to).contains(value)).count() as u64, count);
                prop_assert_eq!(binning.bounds(bin + 1).0, to);
            }
        }
    }
}
