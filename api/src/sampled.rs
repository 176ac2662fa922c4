//! Answers estimated from samples, as the rows that rollups would give.
//!
//! A **stratum** of N beacons keeps one beacon in each of K = [`SLOTS`] slots that got any, in expectation
//! m(N) = K (1 - (1 - 1/K)^N) of them. So a sample found in the first s slots was included with probability
//! m(N)/N x s/K, and stands for its inverse, w = N K / (m(N) s) beacons (Horvitz and Thompson, "A generalization of
//! sampling without replacement from a finite universe", 1952), each of them for as many page views as its own weight
//! says.
//!
//! How many slots got a beacon is chance, so the w of a window add up to its beacons only on average. But how many
//! beacons it had is known: all w of a window are scaled by one factor to add up to them (Hájek's ratio, in the
//! comment on Basu's essay, "Foundations of statistical inference", 1971). Strata of which no sample was read then stand
//! in the total, as if they were like those that were read.
//!
//! Where strata differ, a few samples that stand for many beacons decide a quantile, and n samples tell less than n
//! equal ones would: as much as (sum of w)^2 / sum of w^2 of them (Kish, "Survey Sampling", 1965). That number is the
//! `samples` of a row, from which its intervals follow as they do for rollups. With n itself, 95 % intervals of the
//! uneven strata of the tests held the truth in 86 to 91 of 100 draws, with this one in 97 to 99.
//!
//! Histograms count in integers. What rounding leaves over is carried to the next value, in the order of the rows and
//! in a row in the order of the samples, so that each row, each value's windows together, and the whole are within 1 of
//! the estimate. (Carried in the order of the samples alone, a group that always comes second would lose each time.)

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemas::{
    dimension::{Dimension, OTHER},
    metric::Metric,
    query::{Filter, RollupRow, Windows},
    rollup::Rollup,
    sample::{SLOTS, Sample, SampledEvent, Stratum},
    time::{Minute, MinuteRange},
};

/// How many samples an answer reads, about: all slots of strata that have so many, fewer slots where there are more.
pub(crate) const SAMPLES_AIM: f64 = 20_000.0;
/// How many it reads at most, in expectation, where one slot of each stratum is more than the aim.
pub(crate) const SAMPLES_MAX: f64 = 100_000.0;

/// The strata of a question with the samples that were read of them.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// How many beacons each stratum had.
    strata: BTreeMap<(Minute, Box<str>), u64>,
    /// In the store's order; each of one of the strata.
    samples: Vec<Sample>,
    /// How many slots of each stratum were read, in `[1, SLOTS]`.
    slots: u16,
}

/// What is asked of the samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) metric: &'a Metric,
    pub(crate) range: MinuteRange,
    pub(crate) windows: Windows,
    /// All must pass; one for each dimension at most.
    pub(crate) filters: &'a [Filter],
    pub(crate) group_by: Option<&'a Dimension>,
}

/// How many of a stratum's beacons are kept, in expectation.
#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 beacons all slots are taken")]
fn kept(beacons: u64) -> f64 {
    let slots = f64::from(SLOTS);
    -slots * (beacons as f64 * (-slots.recip()).ln_1p()).exp_m1()
}

/// How many beacons a sample in the first `slots` slots of a stratum of `beacons` stands for.
#[expect(clippy::cast_precision_loss, reason = "a weight")]
fn stands_for(beacons: u64, slots: u16) -> f64 {
    beacons as f64 * f64::from(SLOTS) / (kept(beacons) * f64::from(slots))
}

/// The most slots whose samples of `strata` are about [`SAMPLES_AIM`], at least one; `None` when one slot has more than
/// [`SAMPLES_MAX`].
pub(crate) fn slots(strata: &[Stratum]) -> Option<u16> {
    let of_one: f64 = strata.iter().map(|stratum| kept(stratum.beacons)).sum::<f64>() / f64::from(SLOTS);
    let fits = (1..=SLOTS).rev().find(|slots| of_one * f64::from(*slots) <= SAMPLES_AIM);
    fits.or_else(|| (of_one <= SAMPLES_MAX).then_some(1))
}

impl Drawn {
    /// The samples that were read in the first `slots` slots of `strata`. One of another stratum is left out: it came
    /// after the strata had been asked for.
    pub(crate) fn new(strata: Vec<Stratum>, mut samples: Vec<Sample>, slots: u16) -> Self {
        debug_assert!((1..=SLOTS).contains(&slots), "an answer reads some slots");
        let mut beacons: BTreeMap<(Minute, Box<str>), u64> = BTreeMap::new();
        for Stratum { minute, route, beacons: more, .. } in strata {
            *beacons.entry((minute, route)).or_default() += more;
        }
        samples.retain(|sample| beacons.contains_key(&(sample.minute, sample.route.clone())));
        Self { strata: beacons, samples, slots }
    }

    /// How many beacons the strata had.
    pub(crate) fn beacons(&self) -> u64 {
        self.strata.values().sum()
    }

    /// The samples that were read.
    pub(crate) fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Estimates: one row for each value and window that has any, both rising.
    pub(crate) fn rows(&self, wanted: &Wanted<'_>) -> Vec<RollupRow> {
        let factors = self.factors(wanted);
        let mut weighed: BTreeMap<(&str, Minute), Vec<Weighed>> = BTreeMap::new();
        for sample in &self.samples {
            let values = group_values(sample, wanted.filters, wanted.group_by);
            let window = wanted.windows.start_of(sample.minute, wanted.range);
            let beacons = self.stands_for(sample) * factors[&window];
            for event in events_of(sample, wanted.metric) {
                for value in &values {
                    let weighed = weighed.entry((value, window)).or_default();
                    weighed.push(Weighed { value: event.value, beacons, weight: sample.beacon.weight });
                }
            }
        }
        let mut carry = 0.0;
        let row = |((value, window), values): ((&str, Minute), Vec<Weighed>)| RollupRow {
            value: value.into(),
            window,
            rollup: Rollup { samples: effective(&values), ..rounded(&values, &mut carry) },
        };
        weighed.into_iter().map(row).filter(|row| row.rollup.count() > 0).collect()
    }

    /// By what the weights of each window's samples are scaled, so that they add up to its beacons.
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    fn factors(&self, wanted: &Wanted<'_>) -> BTreeMap<Minute, f64> {
        let window = |minute| wanted.windows.start_of(minute, wanted.range);
        let (mut beacons, mut weights) = (BTreeMap::<Minute, u64>::new(), BTreeMap::<Minute, f64>::new());
        for ((minute, _), more) in &self.strata {
            *beacons.entry(window(*minute)).or_default() += more;
        }
        for sample in &self.samples {
            *weights.entry(window(sample.minute)).or_default() += self.stands_for(sample);
        }
        weights.into_iter().map(|(window, weight)| (window, beacons[&window] as f64 / weight)).collect()
    }

    fn stands_for(&self, sample: &Sample) -> f64 {
        let beacons = self.strata[&(sample.minute, sample.route.clone())];
        // A sample is one beacon, whatever was counted when it was asked for.
        stands_for(beacons.max(1), self.slots)
    }
}

/// The events of a sample that are of `metric`.
pub(crate) fn events_of<'a>(sample: &'a Sample, metric: &'a Metric) -> impl Iterator<Item = &'a SampledEvent> {
    sample.beacon.events.iter().filter(move |event| event.metric == *metric)
}

/// Whether a sample passes all filters.
pub(crate) fn passes(sample: &Sample, filters: &[Filter]) -> bool {
    !group_values(sample, filters, None).is_empty()
}

/// Under which values of the dimension grouped by a sample counts: once in each experiment that it is in, else once
/// (under the empty value where nothing is grouped by), and not at all when it fails a filter.
fn group_values<'a>(sample: &'a Sample, filters: &[Filter], group_by: Option<&Dimension>) -> Vec<&'a str> {
    let of_arms = |dimension: &Dimension| matches!(dimension, Dimension::Experiment | Dimension::Arm);
    if !filters.iter().filter(|filter| !of_arms(&filter.dimension)).all(|filter| has(sample, filter)) {
        return Vec::new();
    }
    // An experiment and its arm belong together, so filters on both have to hold of one pair.
    let none = sample.beacon.experiments.is_empty().then_some(("", ""));
    let pairs = sample.beacon.experiments.iter().map(|(experiment, arm)| (&**experiment, &**arm)).chain(none);
    let of_pair = |(experiment, arm): (&'a str, &'a str), dimension: &Dimension| match dimension {
        Dimension::Experiment => Some(experiment),
        Dimension::Arm => Some(arm),
        _ => None,
    };
    let holds = |pair, filter: &Filter| of_pair(pair, &filter.dimension).is_none_or(|own| filter.values.iter().any(|value| value == own));
    let passing = pairs.filter(|pair| filters.iter().all(|filter| holds(*pair, filter)));
    let value = |pair| match group_by {
        None => "",
        Some(dimension) => of_pair(pair, dimension).unwrap_or_else(|| sample.beacon.values(dimension)[0]),
    };
    let mut values: Vec<&str> = passing.map(value).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Whether a sample has one of the filter's values. Which routes are the less frequent ones, its stratum says.
fn has(sample: &Sample, filter: &Filter) -> bool {
    let folded = filter.dimension == Dimension::Route && &*sample.route == OTHER && filter.values.iter().any(|value| value == OTHER);
    folded || sample.beacon.has(&filter.dimension, &filter.values)
}

/// A sampled value.
#[derive(Debug, Clone, Copy)]
struct Weighed {
    value: u64,
    /// How many beacons it stands for.
    beacons: f64,
    /// How many page views each of them stands for.
    weight: u32,
}

/// The rollup of sampled values; what rounding leaves over is added to `carry`, which stays in [-0.5, 0.5].
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded number, not below zero")]
fn rounded(values: &[Weighed], carry: &mut f64) -> Rollup {
    let mut rollup = Rollup::default();
    for Weighed { value, beacons, weight } in values {
        *carry += beacons * f64::from(*weight);
        let whole = carry.round().max(0.0);
        *carry -= whole;
        rollup.record(*value, whole as u64);
    }
    rollup
}

/// As many values that stand for equally many beacons as would tell as much as these: their number, where they do.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1, at most how many there are")]
fn effective(values: &[Weighed]) -> u64 {
    let sum: f64 = values.iter().map(|value| value.beacons).sum();
    let squares: f64 = values.iter().map(|value| value.beacons.powi(2)).sum();
    (sum.powi(2) / squares).round() as u64
}
