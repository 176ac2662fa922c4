//! What is usual for a series: at the same hour of the days before, and lately.

use schemas::{
    histogram::{bucket_of, quantile_of},
    rollup::Rollup,
};

use super::moments::Moments;

/// Days with fewer samples in the hour say too little to be compared with each other.
const DAY_SAMPLES_MIN: f64 = 20.0;
/// Days farther from the others than this many typical distances had an incident of their own.
const OUTLIER: f64 = 5.0;
/// How much a series' level is taken to differ from day to day while that is not known: 5 %.
const USUAL_DAY_TO_DAY: f64 = 0.05;
/// The quantile beyond which values are the tail.
const TAIL_QUANTILE: f64 = 0.9;

/// The same hour of the days before.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct SameHour {
    pub(super) moments: Moments,
    /// How much the hour's mean differs from day to day beyond chance: a variance.
    pub(super) day_to_day: f64,
    /// Values in higher buckets are the tail, and their share of all.
    pub(super) tail: Option<Tail>,
    /// Events, for counters, and what they are counted against.
    pub(super) events: f64,
    pub(super) exposure: f64,
}

/// Where the tail begins, and how much of all is usually in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    bucket: u16,
    pub(super) share: f64,
    /// From how many samples that is known.
    pub(super) samples: f64,
}

impl Tail {
    /// The share of a rollup's values that lie in the tail.
    #[expect(clippy::cast_precision_loss, reason = "counts of a window are far below 2^53")]
    pub(super) fn share_of(&self, rollup: &Rollup) -> f64 {
        let total = rollup.count();
        let within: u64 = rollup.histogram.buckets().take_while(|bucket| bucket.index <= self.bucket).map(|bucket| bucket.count).sum();
        if total == 0 { 0.0 } else { (total - within) as f64 / total as f64 }
    }
}

impl SameHour {
    /// That of the hour's rollups of some days, each with its exposure; `None` when there is nothing.
    pub(super) fn of_days(days: &[(Rollup, f64)]) -> Option<Self> {
        let all: Vec<(Moments, &Rollup, f64)> =
            days.iter().map(|(rollup, exposure)| (Moments::of(rollup), rollup, *exposure)).filter(|day| day.0.samples > 0.0).collect();
        let kept = without_outliers(all);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let events: f64 = days.iter().map(|(rollup, _)| rollup.samples as f64).sum();
        let exposure: f64 = days.iter().map(|(_, exposure)| exposure).sum();
        if kept.is_empty() && exposure == 0.0 {
            return None;
        }
        let (mut moments, mut rollup) = (Moments::default(), Rollup::default());
        for (day, of_day, _) in &kept {
            moments.merge(day);
            rollup.merge(of_day);
        }
        let tail = quantile_of(&rollup.histogram, TAIL_QUANTILE).map(|value| {
            let tail = Tail { bucket: bucket_of(value), share: 0.0, samples: moments.samples };
            Tail { share: tail.share_of(&rollup), ..tail }
        });
        Some(Self { day_to_day: day_to_day(&kept, &moments), moments, tail, events, exposure })
    }
}

type Day<'a> = (Moments, &'a Rollup, f64);

/// The days without those that lie far from the median of all: incidents are no baseline.
fn without_outliers(mut days: Vec<Day<'_>>) -> Vec<Day<'_>> {
    let mut means: Vec<f64> = days.iter().filter(|day| day.0.samples >= DAY_SAMPLES_MIN).map(|day| day.0.mean).collect();
    if means.len() < 4 {
        return days;
    }
    let middle = median(&mut means);
    let mut distances: Vec<f64> = means.iter().map(|mean| (mean - middle).abs()).collect();
    let typical = median(&mut distances).max(USUAL_DAY_TO_DAY / OUTLIER);
    days.retain(|day| {
        let chance = (day.0.variance() / day.0.samples).sqrt();
        (day.0.mean - middle).abs() <= OUTLIER * (typical + chance)
    });
    days
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The variance of the days' means beyond what chance makes of them.
fn day_to_day(days: &[Day<'_>], all: &Moments) -> f64 {
    let telling: Vec<&Moments> = days.iter().map(|day| &day.0).filter(|day| day.samples >= DAY_SAMPLES_MIN).collect();
    let unknown = USUAL_DAY_TO_DAY * USUAL_DAY_TO_DAY;
    if telling.len() < 3 {
        return unknown;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of days")]
    let n = telling.len() as f64;
    let mean = telling.iter().map(|day| day.mean).sum::<f64>() / n;
    let seen = telling.iter().map(|day| (day.mean - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let chance = telling.iter().map(|day| all.variance() / day.samples).sum::<f64>() / n;
    // Few days tell little about how different days are: the usual counts as three of them.
    ((seen - chance).max(0.0) * (n - 1.0) + unknown * 3.0) / (n + 2.0)
}

/// The last hours, fading by half every half hour, without what was flagged.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Lately {
    pub(super) moments: Moments,
    /// Tail values seen and expected.
    pub(super) tail_seen: f64,
    pub(super) tail_expected: f64,
    pub(super) events: f64,
    pub(super) exposure: f64,
}

/// What a half-life of half an hour leaves after a minute.
const FADE: f64 = 0.977_159_968_434_245_9; // 2^(-1/30)

impl Lately {
    /// A minute goes by.
    pub(super) fn fade(&mut self) {
        self.moments.fade(FADE);
        for sum in [&mut self.tail_seen, &mut self.tail_expected, &mut self.events, &mut self.exposure] {
            *sum *= FADE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(level: u64, n: u64) -> (Rollup, f64) {
        let mut rollup = Rollup::default();
        for i in 0..n {
            rollup.record(level * (50 + i % 100) / 100, 1);
        }
        (rollup, 10.0)
    }

    #[test]
    fn the_same_hour_is_that_of_all_days_but_those_with_an_incident() {
        let mut days: Vec<_> = (0..10).map(|i| day(1_000_000 + i * 3_000, 200)).collect();
        let usual = SameHour::of_days(&days).unwrap();
        days.push(day(5_000_000, 200));
        let with_incident = SameHour::of_days(&days).unwrap();
        assert!((usual.moments.mean - with_incident.moments.mean).abs() < 1e-9);
        assert_eq!(SameHour::of_days(&[]), None);
    }

    #[test]
    fn days_that_differ_make_the_baseline_wider() {
        let like: Vec<_> = (0..10).map(|_| day(1_000_000, 500)).collect();
        let unlike: Vec<_> = (0..10).map(|i| day(1_000_000 + i * 60_000, 500)).collect();
        assert!(SameHour::of_days(&unlike).unwrap().day_to_day > 4.0 * SameHour::of_days(&like).unwrap().day_to_day);
    }

    #[test]
    fn a_tenth_is_in_the_tail() {
        let days: Vec<_> = (0..5).map(|_| day(1_000_000, 1_000)).collect();
        let tail = SameHour::of_days(&days).unwrap().tail.unwrap();
        assert!((tail.share - 0.1).abs() < 0.02, "{}", tail.share);
        assert!(tail.share_of(&day(2_000_000, 1_000).0) > 0.5);
    }

    #[test]
    fn half_of_lately_is_left_after_half_an_hour() {
        let mut lately = Lately { events: 100.0, ..Lately::default() };
        for _ in 0..30 {
            lately.fade();
        }
        assert!((lately.events - 50.0).abs() < 1e-6);
    }
}
