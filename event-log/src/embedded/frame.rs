//! A record's frame in a segment file.
//!
//! | bytes    | field |
//! |----------|-------|
//! | 0..4     | CRC-32 (IEEE) of the segment's base offset, of bytes 4..20 and of the payload |
//! | 4..8     | payload length in bytes; the top bit is set on the first frame of a group |
//! | 8..12    | the record's offset less the segment's base offset |
//! | 12..20   | when it was appended, in milliseconds since the Unix epoch |
//! | 20..     | payload |
//!
//! All numbers are little-endian. The base offset is part of the checksum, so that a frame that a
//! file system brings back from a deleted segment is no frame here. The first frame of a group says
//! that everything before it had been synced when it was written: that is how damage to durable
//! records is told from a torn tail.

use bytes::Bytes;
use schemas::time::Timestamp;

/// What a frame has besides its payload.
pub(super) const HEADER_BYTES: usize = 20;
const BEGINS_GROUP: u32 = 1 << 31;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// The record's offset less the segment's base offset.
    pub relative: u32,
    pub appended: Timestamp,
    pub begins_group: bool,
    pub payload: &'a [u8],
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undecodable {
    /// The frame may go on behind them, up to this many bytes in all.
    Short {
        needed: usize,
    },
    Damaged,
}

impl<'a> Frame<'a> {
    /// How many bytes it takes in the file.
    pub(super) const fn bytes(&self) -> usize {
        HEADER_BYTES + self.payload.len()
    }

    /// Adds the frame of a segment that begins at offset `base` to `into`.
    pub(super) fn encode(&self, base: u64, into: &mut Vec<u8>) {
        let length = u32::try_from(self.payload.len()).expect("records have at most 64 MiB");
        let mut header = [0; HEADER_BYTES];
        header[4..8].copy_from_slice(&(length | if self.begins_group { BEGINS_GROUP } else { 0 }).to_le_bytes());
        header[8..12].copy_from_slice(&self.relative.to_le_bytes());
        header[12..20].copy_from_slice(&self.appended.as_ms().to_le_bytes());
        let crc = checksum(base, &header, self.payload);
        header[0..4].copy_from_slice(&crc.to_le_bytes());
        into.extend_from_slice(&header);
        into.extend_from_slice(self.payload);
    }

    /// The frame that `bytes` begin with, in a segment that begins at offset `base`.
    #[inline]
    pub(super) fn decode(bytes: &'a [u8], base: u64) -> Result<Self, Undecodable> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(Undecodable::Short { needed: HEADER_BYTES })?;
        let flagged = u32_at(header, 4);
        let end = HEADER_BYTES + (flagged & !BEGINS_GROUP) as usize;
        let payload = bytes.get(HEADER_BYTES..end).ok_or(Undecodable::Short { needed: end })?;
        if u32_at(header, 0) != checksum(base, header, payload) {
            return Err(Undecodable::Damaged);
        }
        let appended = i64::from_le_bytes(*header[12..].first_chunk().expect("the header has 20 bytes"));
        let begins_group = flagged & BEGINS_GROUP != 0;
        Ok(Self { relative: u32_at(header, 8), appended: Timestamp::from_ms(appended), begins_group, payload })
    }
}

fn checksum(base: u64, header: &[u8; HEADER_BYTES], payload: &[u8]) -> u32 {
    let mut fixed = [0; 24];
    fixed[..8].copy_from_slice(&base.to_le_bytes());
    fixed[8..].copy_from_slice(&header[4..]);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&fixed);
    hasher.update(payload);
    hasher.finalize()
}

fn u32_at(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes(*header[at..].first_chunk().expect("fields lie within the header"))
}

/// How far [`walk`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walked {
    /// Bytes of whole frames that were passed.
    pub bytes: usize,
    /// The relative offset of the next frame.
    pub relative: u32,
    pub stop: Stop,
}

/// Why [`walk`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// At the end of the bytes.
    End,
    /// Within a frame that has this many bytes or more.
    Short { needed: usize },
    /// What comes next is not the frame that was written there.
    Damaged,
}

/// Shows `each` frame of `bytes` with its place in them, beginning with the one of `relative`.
pub(super) fn walk(bytes: &Bytes, base: u64, mut relative: u32, mut each: impl FnMut(usize, &Frame<'_>)) -> Walked {
    let mut at = 0;
    let stop = loop {
        if at == bytes.len() {
            break Stop::End;
        }
        match Frame::decode(&bytes[at..], base) {
            Ok(frame) if frame.relative == relative => {
                each(at, &frame);
                at += frame.bytes();
                relative += 1;
            }
            Ok(_) | Err(Undecodable::Damaged) => break Stop::Damaged,
            Err(Undecodable::Short { needed }) => break Stop::Short { needed },
        }
    };
    Walked { bytes: at, relative, stop }
}

/// The first frame in `bytes` that begins a group and comes after the one of relative offset `after`:
/// its place and its relative offset. For finding the way again behind damage; the place is not
/// known, but how many frames fit before it is.
pub(super) fn find_group(bytes: &[u8], base: u64, after: u32) -> Option<(usize, u32)> {
    (1..bytes.len().saturating_sub(HEADER_BYTES) + 1).find_map(|at| {
        let header: &[u8; HEADER_BYTES] = bytes[at..].first_chunk()?;
        let ahead = u32_at(header, 8).checked_sub(after)?;
        let plausible = u32_at(header, 4) & BEGINS_GROUP != 0 && ahead > 0 && ahead as usize <= at / HEADER_BYTES;
        let frame = plausible.then(|| Frame::decode(&bytes[at..], base).ok())??;
        Some((at, frame.relative))
    })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const BASE: u64 = 7_000;

    fn encoded(payloads: &[Vec<u8>], group: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (i, payload) in payloads.iter().enumerate() {
            let frame = Frame {
                relative: u32::try_from(i).unwrap(),
                appended: Timestamp::from_ms(-5 + i as i64),
                begins_group: i % group == 0,
                payload,
            };
            frame.encode(BASE, &mut bytes);
        }
        bytes
    }

    proptest! {
        #[test]
        fn a_decoded_frame_is_the_one_that_was_encoded(relative: u32, ms: i64, begins_group: bool, payload in vec(any::<u8>(), 0..300), base: u64) {
            let frame = Frame { relative, appended: Timestamp::from_ms(ms), begins_group, payload: &payload };
            let mut bytes = vec![];
            frame.encode(base, &mut bytes);
            prop_assert_eq!(bytes.len(), frame.bytes());
            prop_assert_eq!(Frame::decode(&bytes, base), Ok(frame));
            for shorter in 0..bytes.len() {
                let short = matches!(Frame::decode(&bytes[..shorter], base), Err(Undecodable::Short { needed }) if needed <= bytes.len());
                prop_assert!(short);
            }
            prop_assert_eq!(Frame::decode(&bytes, base.wrapping_add(1)), Err(Undecodable::Damaged));
        }

        #[test]
        fn a_flipped_bit_is_noticed(payload in vec(any::<u8>(), 0..100), at: prop::sample::Index, bit in 0u8..8) {
            let mut bytes = encoded(&[payload], 1);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(Frame::decode(&bytes, BASE).is_err());
        }

        #[test]
        fn walking_shows_every_whole_frame_once_and_no_other(payloads in vec(vec(any::<u8>(), 0..40), 1..30), cut: prop::sample::Index) {
            let bytes = encoded(&payloads, 3);
            let cut = cut.index(bytes.len() + 1);
            let mut seen = vec![];
            let walked = walk(&Bytes::copy_from_slice(&bytes[..cut]), BASE, 0, |at, frame| seen.push((at, frame.payload.to_vec())));
            prop_assert_eq!(seen.len(), walked.relative as usize);
            prop_assert!(walked.bytes <= cut && walked.stop != Stop::Damaged);
            prop_assert_eq!(walked.stop == Stop::End, walked.bytes == cut);
            let mut expected_at = 0;
            for ((at, payload), expected) in seen.iter().zip(&payloads) {
                prop_assert_eq!(*at, expected_at);
                prop_assert_eq!(payload, expected);
                expected_at += HEADER_BYTES + expected.len();
            }
        }

        #[test]
        fn the_next_group_is_found_behind_damage(payloads in vec(vec(any::<u8>(), 0..40), 7..30), damaged: prop::sample::Index) {
            let mut bytes = encoded(&payloads, 3);
            let starts: Vec<usize> = payloads.iter().scan(0, |at, payload| { let start = *at; *at += HEADER_BYTES + payload.len(); Some(start) }).collect();
            let damaged = damaged.index(payloads.len());
            bytes[starts[damaged]] ^= 0xff;
            let next = (damaged / 3 + 1) * 3;
            let expected = starts.get(next).map(|&at| (at - starts[damaged], u32::try_from(next).unwrap()));
            prop_assert_eq!(find_group(&bytes[starts[damaged]..], BASE, u32::try_from(damaged).unwrap()), expected);
        }
    }

    #[test]
    fn zeros_are_no_frame() {
        assert_eq!(Frame::decode(&[0; 64], 0), Err(Undecodable::Damaged));
    }

    #[test]
    fn a_frame_out_of_its_place_is_damage() {
        let bytes = Bytes::from(encoded(&[vec![1], vec![2]], 1));
        let second = bytes.slice(HEADER_BYTES + 1..);
        assert_eq!(walk(&second, BASE, 0, |_, _| unreachable!()).stop, Stop::Damaged);
        assert_eq!(walk(&second, BASE, 1, |_, _| ()).stop, Stop::End);
    }
}
