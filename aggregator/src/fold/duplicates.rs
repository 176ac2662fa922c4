//! Recognises a beacon that stands in the log twice.
//!
//! A client that got no answer sends again, and both copies may have been kept. A beacon is a
//! duplicate when its id stands in one of the `window` records before it in the same partition. That
//! is a function of the log alone, so that a replay decides the same: to continue at some offset, the
//! ids of the `window` records before it are read again first.

use std::collections::VecDeque;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::hash::BuildHasher;

/// The ids of the last records of one partition.
#[derive(Debug)]
pub struct Duplicates {
    window: u64,
    /// The ids' hashes by offset; 0 for a record without an id. The last is that of `next - 1`.
    ring: VecDeque<u64>,
    next: u64,
    /// Where each id stands last.
    last: HashMap<u64, u64, FixedState>,
}

impl Duplicates {
    /// One that remembers `window` records (at least 1).
    pub fn new(window: u64) -> Self {
        Self { window: window.max(1), ring: VecDeque::new(), next: 0, last: HashMap::default() }
    }

    /// Where to begin reading ids so that records from `offset` on are judged right.
    pub const fn warm_from(window: u64, offset: u64) -> u64 {
        offset.saturating_sub(window)
    }

    /// Notes the record at `offset` and tells whether its beacon is one of the remembered ones.
    /// Offsets rise. An empty `id` is never a duplicate.
    pub fn note(&mut self, offset: u64, app: &str, id: &[u8]) -> bool {
        debug_assert!(self.ring.is_empty() || offset >= self.next, "offsets rise within a partition");
        self.forget_before(offset.saturating_sub(self.window));
        if self.ring.is_empty() {
            self.next = offset;
        }
        while self.next < offset {
            self.push(0);
        }
        let hash = if id.is_empty() { 0 } else { hash(app, id) };
        let repeated = hash != 0 && self.last.insert(hash, offset).is_some();
        self.push(hash);
        repeated
    }

    fn push(&mut self, hash: u64) {
        self.ring.push_back(hash);
        self.next += 1;
    }

    fn forget_before(&mut self, first_kept: u64) {
        while !self.ring.is_empty() && self.next - (self.ring.len() as u64) < first_kept {
            let offset = self.next - self.ring.len() as u64;
            if let Some(hash) = self.ring.pop_front()
                && self.last.get(&hash) == Some(&offset)
            {
                self.last.remove(&hash);
            }
        }
    }
}

/// Never 0. Two beacons of a window share a hash once in 10^13 windows.
fn hash(app: &str, id: &[u8]) -> u64 {
    FixedState::default().hash_one((app, id)).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn a_repeated_id_is_a_duplicate_within_the_window_only() {
        let mut duplicates = Duplicates::new(3);
        assert!(!duplicates.note(10, "shop", b"a"));
        assert!(duplicates.note(11, "shop", b"a"));
        assert!(!duplicates.note(12, "blog", b"a"));
        assert!(!duplicates.note(13, "shop", b""));
        assert!(!duplicates.note(14, "shop", b""));
        assert!(!duplicates.note(15, "shop", b"a"), "its last copy stands 4 records back");
    }

    proptest! {
        #[test]
        fn continuing_after_warming_decides_as_if_never_stopped(ids in vec(0u8..6, 1..60), window in 1u64..8, stop in 0usize..60) {
            let stop = stop.min(ids.len());
            let mut whole = Duplicates::new(window);
            let expected: Vec<_> = ids.iter().zip(0..).map(|(id, offset)| whole.note(offset, "shop", &[*id])).collect();
            let mut resumed = Duplicates::new(window);
            let from = usize::try_from(Duplicates::warm_from(window, stop as u64)).unwrap();
            for (id, offset) in ids.iter().zip(0..).take(stop).skip(from) {
                resumed.note(offset, "shop", &[*id]);
            }
            let continued: Vec<_> = ids.iter().zip(0..).skip(stop).map(|(id, offset)| resumed.note(offset, "shop", &[*id])).collect();
            prop_assert_eq!(&continued[..], &expected[stop..]);
            prop_assert!(resumed.last.len() <= usize::try_from(window).unwrap() + 1);
        }
    }
}
