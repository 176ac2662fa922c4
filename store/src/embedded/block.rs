//! How rollups stand on disk: a block holds the rollups of one series in the windows of one stretch
//! of time (the minutes of an hour, or the hours of a day), so that a day's chart reads tens of keys.
//!
//! ```text
//! block  = version, slot*
//! slot   = number of the window within the stretch (1 byte), rollup
//! rollup = buckets (varint), bucket*, sum, weight
//! bucket = varint of the distance from the bucket before << 1, the last bit set if a count follows;
//!          count - 2 as a varint when it does, else the count is 1
//! sum    = zigzag varint of the sum less what the buckets' midpoints add up to
//! weight = varint of the count less the samples
//! ```
//! Most series see few values a minute, most buckets hold one: a value costs about a byte.

use schemas::{
    histogram::{BUCKETS, Bucket, Histogram, midpoint},
    rollup::Rollup,
};

const VERSION: u8 = 1;

/// Bytes that are no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a block of rollups can't be read: {0}")]
pub(super) struct BlockError(&'static str);

/// The rollups of one series in one stretch, by slot, rising.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Block(pub(super) Vec<(u8, Rollup)>);

impl Block {
    /// Adds `rollup` to the one at `slot`.
    pub(super) fn merge(&mut self, slot: u8, rollup: &Rollup) {
        match self.0.binary_search_by_key(&slot, |(own, _)| *own) {
            Ok(at) => self.0[at].1.merge(rollup),
            Err(at) => self.0.insert(at, (slot, rollup.clone())),
        }
    }

    /// The block as bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + self.0.len() * 16);
        bytes.push(VERSION);
        for (slot, rollup) in &self.0 {
            bytes.push(*slot);
            encode_rollup(rollup, &mut bytes);
        }
        bytes
    }

    /// Reads a whole block.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BlockError> {
        slots(bytes)?.collect::<Result<_, _>>().map(Self)
    }
}

/// The slots of a block, one after the other.
pub(super) fn slots(bytes: &[u8]) -> Result<impl Iterator<Item = Result<(u8, Rollup), BlockError>>, BlockError> {
    let Some((&VERSION, mut rest)) = bytes.split_first() else { return Err(BlockError("its version is not known")) };
    Ok(std::iter::from_fn(move || {
        let (slot, after) = rest.split_first()?;
        rest = after;
        let rollup = decode_rollup(&mut rest);
        if rollup.is_err() {
            rest = &[];
        }
        Some(rollup.map(|rollup| (*slot, rollup)))
    }))
}

/// Appends a rollup.
pub(super) fn encode_rollup(rollup: &Rollup, bytes: &mut Vec<u8>) {
    let at = bytes.len();
    let (mut buckets, mut count, mut estimate, mut last) = (0u64, 0u64, 0u64, 0u16);
    let mut body = |bytes: &mut Vec<u8>| {
        for bucket in rollup.histogram.buckets() {
            buckets += 1;
            count = count.saturating_add(bucket.count);
            estimate = estimate.wrapping_add(midpoint(bucket.index).wrapping_mul(bucket.count));
            let distance = u64::from(bucket.index - last) << 1;
            last = bucket.index;
            if bucket.count == 1 {
                put_varint(bytes, distance);
            } else {
                put_varint(bytes, distance | 1);
                put_varint(bytes, bucket.count - 2);
            }
        }
    };
    // The number of buckets is known only after the walk; it nearly always fits into one byte.
    bytes.push(0);
    body(bytes);
    if buckets < 0x80 {
        bytes[at] = u8::try_from(buckets).expect("below 0x80");
    } else {
        let mut number = Vec::with_capacity(3);
        put_varint(&mut number, buckets);
        bytes.splice(at..=at, number);
    }
    put_varint(bytes, zigzag(rollup.sum.wrapping_sub(estimate).cast_signed()));
    put_varint(bytes, count.saturating_sub(rollup.samples));
}

/// Reads a rollup and moves `bytes` behind it.
pub(super) fn decode_rollup(bytes: &mut &[u8]) -> Result<Rollup, BlockError> {
    let length = usize::try_from(varint(bytes)?).map_err(|_| BlockError("too many buckets"))?;
    if length > BUCKETS {
        return Err(BlockError("more buckets than the layout has"));
    }
    let mut buckets = Vec::with_capacity(length);
    let (mut count, mut estimate, mut index) = (0u64, 0u64, 0u64);
    for _ in 0..length {
        let step = varint(bytes)?;
        index += step >> 1;
        let own = if step & 1 == 0 { 1 } else { varint(bytes)?.saturating_add(2) };
        let index =
            u16::try_from(index).ok().filter(|index| usize::from(*index) < BUCKETS).ok_or(BlockError("a bucket outside the layout"))?;
        count = count.saturating_add(own);
        estimate = estimate.wrapping_add(midpoint(index).wrapping_mul(own));
        buckets.push(Bucket { index, count: own });
    }
    let sum = estimate.wrapping_add(unzigzag(varint(bytes)?).cast_unsigned());
    let samples = count.saturating_sub(varint(bytes)?);
    Ok(Rollup { samples, sum, histogram: Histogram::from_buckets(buckets) })
}

/// Appends a number in groups of seven bits, the lowest first.
pub(super) fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Reads a number and moves `bytes` behind it.
pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64, BlockError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(BlockError("it ends too early"))?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BlockError("a number is too long"))
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn rollup() -> impl Strategy<Value = Rollup> {
        vec((0u64..1 << 40, 1u64..10_000), 0..300).prop_map(|values| {
            let mut rollup = Rollup::default();
            for (value, weight) in values {
                rollup.record(value, weight);
            }
            rollup
        })
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(rollups in vec(rollup(), 0..6)) {
            let block = Block((0..).zip(rollups).collect());
            prop_assert_eq!(Block::decode(&block.encode()), Ok(block));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = Block::decode(&bytes);
            let mut versioned = vec![VERSION];
            versioned.extend(bytes);
            let _ = Block::decode(&versioned);
        }

        #[test]
        fn a_cut_block_is_an_error_or_ends_at_a_slot(rollups in vec(rollup(), 1..4), cut in any::<prop::sample::Index>()) {
            let block = Block((0..).zip(rollups).collect());
            let bytes = block.encode();
            if let Ok(part) = Block::decode(&bytes[..cut.index(bytes.len())]) {
                prop_assert_eq!(&part.0[..], &block.0[..part.0.len()]);
            }
        }
    }

    #[test]
    fn a_saturated_sum_survives() {
        let rollup =
            Rollup { samples: 1, sum: u64::MAX, histogram: Histogram::from_buckets(vec![Bucket { index: 4_351, count: u64::MAX }]) };
        let block = Block(vec![(59, rollup)]);
        assert_eq!(Block::decode(&block.encode()), Ok(block));
    }

    #[test]
    fn a_value_costs_little_more_than_a_byte() {
        let mut rollup = Rollup::default();
        for i in 0..11u64 {
            rollup.record(1_000_000 + i * 170_000, 1);
        }
        let mut bytes = Vec::new();
        encode_rollup(&rollup, &mut bytes);
        assert!(bytes.len() <= 20, "{} bytes for 11 values", bytes.len());
    }
}
