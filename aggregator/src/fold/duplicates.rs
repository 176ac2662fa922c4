//! Recognises a beacon that stands in the log twice.
//!
//! A client that got no answer sends again, and both copies may have been kept. A beacon is a
//! duplicate when its id stands in one of the `window` records before it in the same partition. A record
//! that the log got twice is none of the client's doing and counts as nothing. That is a function of the log alone, so that a replay decides the same: to continue at some offset, the
//! ids of the `window` records before it are read again first.

use std::collections::VecDeque;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::hash::BuildHasher;

/// What the records before it say of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Its beacon stands in none of them.
    First,
    /// Its beacon came before, by another request.
    Beacon,
    /// It is one of them, which the log has twice.
    Record,
}

/// The ids of the last records of one partition.
#[derive(Debug)]
pub struct Duplicates {
    window: u64,
    /// By offset; the last is that of `next - 1`.
    ring: VecDeque<Entry>,
    next: u64,
    /// Where each id stands last.
    last: HashMap<u64, u64, FixedState>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// Of the app and the beacon's id; 0 for a record without an id.
    hash: u64,
    /// Of the request; 0 if it has none.
    arrival: u64,
    /// How many records before stands the last one with the same id; 0 if there is none.
    back: u32,
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

    /// Notes the record at `offset`, and tells what the remembered ones say of it. Offsets rise. An empty `id`
    /// was never seen.
    pub fn note(&mut self, offset: u64, app: &str, id: &[u8], arrival: u64) -> Seen {
        debug_assert!(self.ring.is_empty() || offset >= self.next, "offsets rise within a partition");
        self.forget_before(offset.saturating_sub(self.window));
        if self.ring.is_empty() {
            self.next = offset;
        }
        while self.next < offset {
            self.push(Entry::default());
        }
        let hash = if id.is_empty() { 0 } else { hash(app, id) };
        let before = if hash == 0 { None } else { self.last.insert(hash, offset) };
        let seen = match before {
            None => Seen::First,
            Some(before) if arrival != 0 && self.has_arrival(before, arrival) => Seen::Record,
            Some(_) => Seen::Beacon,
        };
        let back = before.and_then(|before| u32::try_from(offset - before).ok()).unwrap_or(0);
        self.push(Entry { hash, arrival, back });
        seen
    }

    /// Whether the record at `offset`, or one of those before it with its id, is of the request.
    fn has_arrival(&self, mut offset: u64, arrival: u64) -> bool {
        let first = self.next - self.ring.len() as u64;
        while let Some(entry) = offset.checked_sub(first).and_then(|index| self.ring.get(usize::try_from(index).ok()?)) {
            if entry.arrival == arrival {
                return true;
            }
            if entry.back == 0 || u64::from(entry.back) > offset {
                return false;
            }
            offset -= u64::from(entry.back);
        }
        false
    }

    fn push(&mut self, entry: Entry) {
        self.ring.push_back(entry);
        self.next += 1;
    }

    fn forget_before(&mut self, first_kept: u64) {
        while !self.ring.is_empty() && self.next - (self.ring.len() as u64) < first_kept {
            let offset = self.next - self.ring.len() as u64;
            if let Some(Entry { hash, .. }) = self.ring.pop_front()
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
        assert_eq!(duplicates.note(10, "shop", b"a", 1), Seen::First);
        assert_eq!(duplicates.note(11, "shop", b"a", 2), Seen::Beacon);
        assert_eq!(duplicates.note(12, "blog", b"a", 3), Seen::First);
        assert_eq!(duplicates.note(13, "shop", b"", 4), Seen::First);
        assert_eq!(duplicates.note(14, "shop", b"", 4), Seen::First);
        assert_eq!(duplicates.note(15, "shop", b"a", 5), Seen::First, "its last copy stands 4 records back");
    }

    #[test]
    fn a_record_that_the_log_has_twice_is_told_from_a_beacon_that_was_sent_twice() {
        let mut duplicates = Duplicates::new(6);
        assert_eq!(duplicates.note(0, "shop", b"a", 1), Seen::First);
        assert_eq!(duplicates.note(1, "shop", b"a", 2), Seen::Beacon);
        assert_eq!(duplicates.note(2, "shop", b"b", 3), Seen::First);
        assert_eq!(duplicates.note(3, "shop", b"a", 1), Seen::Record, "behind another copy of the beacon");
        assert_eq!(duplicates.note(4, "shop", b"a", 0), Seen::Beacon, "an intake that gives no numbers");
        assert_eq!(duplicates.note(5, "shop", b"b", 3), Seen::Record);
        assert_eq!(duplicates.note(9, "shop", b"a", 2), Seen::Beacon, "its copy is forgotten, the beacon isn't");
    }

    proptest! {
        #[test]
        fn continuing_after_warming_decides_as_if_never_stopped(
            records in vec((0u8..6, 0u64..3), 1..60),
            window in 1u64..8,
            stop in 0usize..60,
        ) {
            let stop = stop.min(records.len());
            let note = {
                let records = records.clone();
                move |duplicates: &mut Duplicates, at: usize| duplicates.note(at as u64, "shop", &[records[at].0], records[at].1)
            };
            let mut whole = Duplicates::new(window);
            let expected: Vec<_> = (0..records.len()).map(|at| note(&mut whole, at)).collect();
            let mut resumed = Duplicates::new(window);
            for at in usize::try_from(Duplicates::warm_from(window, stop as u64)).unwrap()..stop {
                note(&mut resumed, at);
            }
            let continued: Vec<_> = (stop..records.len()).map(|at| note(&mut resumed, at)).collect();
            prop_assert_eq!(&continued[..], &expected[stop..]);
            prop_assert!(resumed.last.len() <= usize::try_from(window).unwrap() + 1);
        }
    }
}
