//! Values to buckets and back. The layout is HdrHistogram's with the lowest discernible value 1 and
//! two significant digits: 256 buckets of width 1, then 128 for each doubling of the value.
//! Source: Gil Tene's HdrHistogram; the index is `countsArrayIndex` of its implementations.

/// The largest value that has a bucket of its own; larger ones count in its bucket.
pub const VALUE_MAX: u64 = (1 << 40) - 1;
/// How many buckets there are.
pub const BUCKETS: usize = 4_352;

const HALF_BITS: u32 = 7;
const HALF: u64 = 1 << HALF_BITS;
const MASK: u64 = 2 * HALF - 1;

/// The bucket of `value`, in `[0, BUCKETS)`.
#[inline]
pub fn bucket_of(value: u64) -> u16 {
    let value = value.min(VALUE_MAX);
    let octave = 64 - (HALF_BITS + 1) - (value | MASK).leading_zeros();
    let within = value >> octave;
    #[expect(clippy::cast_possible_truncation, reason = "octave is at most 32 and within at most 255, so the index is below 4352")]
    let index = ((u64::from(octave) << HALF_BITS) + within) as u16;
    index
}

/// The lowest value of a bucket.
#[inline]
pub fn lowest(bucket: u16) -> u64 {
    let (octave, within) = split(bucket);
    within << octave
}

/// The highest value of a bucket.
#[inline]
pub fn highest(bucket: u16) -> u64 {
    let (octave, within) = split(bucket);
    ((within + 1) << octave) - 1
}

/// The value that stands for a bucket: its middle, rounded up.
#[inline]
pub fn midpoint(bucket: u16) -> u64 {
    let (octave, within) = split(bucket);
    (within << octave) + ((1 << octave) >> 1)
}

#[inline]
fn split(bucket: u16) -> (u32, u64) {
    let bucket = u64::from(bucket);
    // The first two halves share the octave of width 1.
    let octave = (bucket >> HALF_BITS).saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, reason = "a u16 shifted right by seven")]
    (octave as u32, bucket - (octave << HALF_BITS))
}

/// Wider bins for drawing, each made of whole buckets, so that their counts are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binning {
    /// Buckets in a bin.
    width: u16,
}

impl Binning {
    /// `per_octave` bins for each doubling of the value: a power of two in [1, 128]; `None` else.
    pub const fn new(per_octave: u16) -> Option<Self> {
        if per_octave.is_power_of_two() && per_octave <= 128 { Some(Self { width: 128 / per_octave }) } else { None }
    }

    /// The number of the bin that a bucket falls into. Neighbouring bins have neighbouring numbers.
    pub const fn of(self, bucket: u16) -> u16 {
        bucket / self.width
    }

    /// The values of a bin: the lowest, and the lowest above it.
    pub fn bounds(self, bin: u16) -> (u64, u64) {
        let first = bin * self.width;
        (lowest(first), highest(first + self.width - 1) + 1)
    }
}
