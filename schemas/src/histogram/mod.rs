//! The mergeable latency histogram: HdrHistogram's log-linear layout with two significant digits.
//!
//! A value falls into one of [`BUCKETS`] buckets whose width is at most 1/128 of the value, so that
//! a quantile read back from a bucket's midpoint is within 0.4 % of the true one. Counts are exact,
//! and merging adds counts: order of arrival, replay and merging change no bit.
//!
//! Most series see under twenty values a minute, so a histogram begins as a sorted list of the
//! buckets it has, and becomes dense (`hdrhistogram::Histogram`) when it has many. Both count in the
//! same buckets; the form can't be told from outside.

mod bucket;
mod quantile;

use std::cmp::Ordering;

pub use bucket::{BUCKETS, Binning, VALUE_MAX, bucket_of, highest, lowest, midpoint};
pub use quantile::{Interval, Quantile, quantile_of};

/// How many values fell into one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// In `[0, BUCKETS)`.
    pub index: u16,
    /// At least 1.
    pub count: u64,
}

/// How many distinct buckets a sorted list may have before the dense form is smaller and faster.
const SPARSE_MAX: usize = 512;

/// Counts of values by bucket.
#[derive(Debug, Clone)]
pub struct Histogram(Form);

#[derive(Debug, Clone)]
enum Form {
    /// Sorted by index, each index once.
    Sparse(Vec<Bucket>),
    Dense(Box<hdrhistogram::Histogram<u64>>),
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.buckets().eq(other.buckets())
    }
}

impl Eq for Histogram {}

impl Histogram {
    /// One without values. Allocates nothing.
    pub const fn new() -> Self {
        Self(Form::Sparse(Vec::new()))
    }

    /// The histogram of `buckets`, in any order, repeated indices added together. Indices outside
    /// the layout and counts of zero are left out.
    pub fn from_buckets(mut buckets: Vec<Bucket>) -> Self {
        buckets.retain(|bucket| bucket.count > 0 && usize::from(bucket.index) < BUCKETS);
        if !buckets.is_sorted_by(|a, b| a.index < b.index) {
            buckets.sort_unstable_by_key(|bucket| bucket.index);
        }
        buckets.dedup_by(|next, kept| {
            let same = next.index == kept.index;
            if same {
                kept.count = kept.count.saturating_add(next.count);
            }
            same
        });
        let mut histogram = Self(Form::Sparse(buckets));
        histogram.densify_if_large();
        histogram
    }

    /// Counts `value` (clamped to [`VALUE_MAX`]) `count` times.
    pub fn record(&mut self, value: u64, count: u64) {
        self.add(Bucket { index: bucket_of(value), count });
    }

    /// Adds one bucket's count.
    pub fn add(&mut self, bucket: Bucket) {
        if bucket.count == 0 || usize::from(bucket.index) >= BUCKETS {
            return;
        }
        match &mut self.0 {
            Form::Sparse(buckets) => match buckets.binary_search_by_key(&bucket.index, |own| own.index) {
                Ok(at) => buckets[at].count = buckets[at].count.saturating_add(bucket.count),
                Err(at) => {
                    buckets.insert(at, bucket);
                    self.densify_if_large();
                }
            },
            Form::Dense(dense) => dense.saturating_record_n(lowest(bucket.index), bucket.count),
        }
    }

    /// Adds all of `other`'s counts.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (Form::Sparse(own), Form::Sparse(others)) => {
                if own.is_empty() {
                    own.clone_from(others);
                } else {
                    *own = merge_sorted(own, others);
                }
                self.densify_if_large();
            }
            (Form::Dense(own), Form::Dense(others)) => own.add(others.as_ref()).expect("every dense histogram has the same bounds"),
            (Form::Dense(own), Form::Sparse(others)) => {
                for bucket in others {
                    own.saturating_record_n(lowest(bucket.index), bucket.count);
                }
            }
            (Form::Sparse(own), Form::Dense(others)) => {
                let mut dense = others.clone();
                for bucket in own {
                    dense.saturating_record_n(lowest(bucket.index), bucket.count);
                }
                self.0 = Form::Dense(dense);
            }
        }
    }

    /// How many values it counts.
    pub fn total(&self) -> u64 {
        match &self.0 {
            Form::Sparse(buckets) => buckets.iter().fold(0, |total, bucket| total.saturating_add(bucket.count)),
            Form::Dense(dense) => dense.len(),
        }
    }

    /// Whether it counts nothing.
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Form::Sparse(buckets) => buckets.is_empty(),
            Form::Dense(dense) => dense.is_empty(),
        }
    }

    /// Its buckets, by rising index, those with a count only.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        let (sparse, dense) = match &self.0 {
            Form::Sparse(buckets) => (Some(buckets.iter().copied()), None),
            Form::Dense(dense) => (
                None,
                Some(dense.iter_recorded().map(|step| Bucket { index: bucket_of(step.value_iterated_to()), count: step.count_at_value() })),
            ),
        };
        sparse.into_iter().flatten().chain(dense.into_iter().flatten())
    }

    /// How many values are at most `limit`, counting all of the bucket that `limit` falls into.
    pub fn count_within(&self, limit: u64) -> u64 {
        let last = bucket_of(limit);
        self.buckets().take_while(|bucket| bucket.index <= last).fold(0, |total, bucket| total.saturating_add(bucket.count))
    }

    /// The sum over all values of what exceeds `limit`, from the buckets' midpoints.
    pub fn excess_over(&self, limit: u64) -> u64 {
        self.buckets()
            .fold(0, |total, bucket| total.saturating_add(midpoint(bucket.index).saturating_sub(limit).saturating_mul(bucket.count)))
    }

    /// The same counts in wider bins: the number of each bin that has a count, rising, and the count.
    pub fn binned(&self, binning: Binning) -> Vec<(u16, u64)> {
        let mut bins: Vec<(u16, u64)> = Vec::new();
        for bucket in self.buckets() {
            let bin = binning.of(bucket.index);
            match bins.last_mut() {
                Some((last, count)) if *last == bin => *count = count.saturating_add(bucket.count),
                _ => bins.push((bin, bucket.count)),
            }
        }
        bins
    }

    fn densify_if_large(&mut self) {
        if let Form::Sparse(buckets) = &self.0
            && buckets.len() > SPARSE_MAX
        {
            let mut dense = hdrhistogram::Histogram::new_with_bounds(1, VALUE_MAX, 2).expect("the bounds are the layout's");
            for bucket in buckets {
                dense.saturating_record_n(lowest(bucket.index), bucket.count);
            }
            self.0 = Form::Dense(Box::new(dense));
        }
    }
}

fn merge_sorted(a: &[Bucket], b: &[Bucket]) -> Vec<Bucket> {
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        match a[i].index.cmp(&b[j].index) {
            Ordering::Less => {
                merged.push(a[i]);
                i += 1;
            }
            Ordering::Greater => {
                merged.push(b[j]);
                j += 1;
            }
            Ordering::Equal => {
                merged.push(Bucket { index: a[i].index, count: a[i].count.saturating_add(b[j].count) });
                i += 1;
                j += 1;
            }
        }
    }
    merged.extend_from_slice(&a[i..]);
    merged.extend_from_slice(&b[j..]);
    merged
}

#[cfg(test)]
mod tests;
