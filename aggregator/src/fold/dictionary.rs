//! Which values of a dimension get a name of their own.
//!
//! A client may send any text as a route or a release, so each dimension of an app keeps a bounded
//! number of values and counts the rest as [`OTHER`]. The most frequent ones stay: newcomers to a
//! full dictionary are counted as candidates (Space-Saving: Metwally, Agrawal, El Abbadi 2005), and
//! take the place of what is no longer seen at once, of what is seen less at the next rotation.

use std::sync::Arc;

use hashbrown::HashMap;
use schemas::dimension::OTHER;

/// The number of a value in its dictionary. Numbers are not used again for other values.
pub(super) type ValueId = u32;

/// The number of [`OTHER`].
pub(super) const OTHER_ID: ValueId = 0;

/// How many newcomers to a full dictionary are counted.
const CANDIDATES_MAX: usize = 128;
/// A candidate must have been seen this many times as often as the value whose place it takes, so
/// that two values of like frequency don't take turns.
const LEAD: u64 = 2;

/// The values of one dimension of one app.
#[derive(Debug)]
pub(super) struct Dictionary {
    values_max: usize,
    admitted: HashMap<Arc<str>, Admitted, foldhash::fast::FixedState>,
    /// Values by number, also of those that lost their place: series in flight still name them.
    names: Vec<Arc<str>>,
    candidates: Vec<(Box<str>, u64)>,
    /// Admitted values that were not seen in the last period.
    idle: Vec<Arc<str>>,
}

#[derive(Debug)]
struct Admitted {
    id: ValueId,
    /// How often it was seen, halved at each rotation.
    seen: u64,
}

impl Dictionary {
    /// One that admits `values_max` values (at least 1) beside [`OTHER`].
    pub(super) fn new(values_max: usize) -> Self {
        Self {
            values_max: values_max.max(1),
            admitted: HashMap::default(),
            names: vec![OTHER.into()],
            candidates: Vec::new(),
            idle: Vec::new(),
        }
    }

    /// The number of `value`, or [`OTHER_ID`] when it has no place.
    #[inline]
    pub(super) fn id(&mut self, value: &str) -> ValueId {
        match self.admitted.get_mut(value) {
            Some(admitted) => {
                admitted.seen += 1;
                admitted.id
            }
            None => self.newcomer(value),
        }
    }

    /// The value with number `id`.
    pub(super) fn name(&self, id: ValueId) -> &Arc<str> {
        &self.names[id as usize]
    }

    /// Ends a period: candidates that were seen more take the places of those seen least, and what
    /// counts as frequent ages by half.
    pub(super) fn rotate(&mut self) {
        self.candidates.sort_by_key(|(_, seen)| std::cmp::Reverse(*seen));
        let mut by_seen: Vec<_> = self.admitted.iter().map(|(name, admitted)| (admitted.seen, Arc::clone(name))).collect();
        by_seen.sort();
        let mut weakest = by_seen.into_iter();
        for (name, seen) in std::mem::take(&mut self.candidates) {
            match weakest.next() {
                Some((least, loser)) if seen > LEAD * least => {
                    self.admitted.remove(&loser);
                    self.admit(&name, seen);
                }
                _ => break,
            }
        }
        self.idle.clear();
        for (name, admitted) in &mut self.admitted {
            if admitted.seen == 0 {
                self.idle.push(Arc::clone(name));
            }
            admitted.seen /= 2;
        }
        // The table's order is arbitrary; which place is given away must not be.
        self.idle.sort();
    }

    /// Whether it remembers so many values that lost their place that it should be made anew.
    pub(super) fn is_worn(&self) -> bool {
        self.names.len() > 16 * self.values_max + 1_024
    }

    fn newcomer(&mut self, value: &str) -> ValueId {
        if value == OTHER {
            return OTHER_ID;
        }
        if self.admitted.len() < self.values_max {
            return self.admit(value, 1);
        }
        while let Some(idle) = self.idle.pop() {
            if self.admitted.get(&idle).is_some_and(|admitted| admitted.seen == 0) {
                self.admitted.remove(&idle);
                return self.admit(value, 1);
            }
        }
        self.count_candidate(value);
        OTHER_ID
    }

    fn admit(&mut self, value: &str, seen: u64) -> ValueId {
        let id = ValueId::try_from(self.names.len()).expect("a dictionary is renewed long before it has named 2^32 values");
        let name: Arc<str> = value.into();
        self.names.push(Arc::clone(&name));
        self.admitted.insert(name, Admitted { id, seen });
        id
    }

    fn count_candidate(&mut self, value: &str) {
        if let Some((_, seen)) = self.candidates.iter_mut().find(|(name, _)| **name == *value) {
            *seen += 1;
        } else if self.candidates.len() < CANDIDATES_MAX {
            self.candidates.push((value.into(), 1));
        } else if let Some(least) = self.candidates.iter_mut().min_by_key(|(_, seen)| *seen) {
            *least = (value.into(), least.1 + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_the_bound_are_other_and_keep_their_numbers_until_then() {
        let mut dictionary = Dictionary::new(2);
        let (a, b) = (dictionary.id("a"), dictionary.id("b"));
        assert_ne!(a, b);
        assert_eq!(dictionary.id("c"), OTHER_ID);
        assert_eq!(dictionary.id("a"), a);
        assert_eq!((&**dictionary.name(a), &**dictionary.name(OTHER_ID)), ("a", OTHER));
    }

    #[test]
    fn a_frequent_newcomer_takes_the_place_of_a_rare_value_at_rotation() {
        let mut dictionary = Dictionary::new(2);
        for _ in 0..100 {
            dictionary.id("often");
        }
        dictionary.id("noise");
        for i in 0..1_000 {
            dictionary.id(&format!("one-off-{i}"));
            dictionary.id("newcomer");
        }
        assert_eq!(dictionary.id("newcomer"), OTHER_ID);
        dictionary.rotate();
        assert_ne!(dictionary.id("newcomer"), OTHER_ID);
        assert_ne!(dictionary.id("often"), OTHER_ID);
        assert_eq!(dictionary.id("noise"), OTHER_ID);
    }

    #[test]
    fn the_place_of_a_value_no_longer_seen_is_given_away_at_once() {
        let mut dictionary = Dictionary::new(1);
        let old = dictionary.id("4.11.0");
        dictionary.rotate();
        dictionary.rotate();
        let new = dictionary.id("4.12.0");
        assert_ne!(new, OTHER_ID);
        assert_eq!(&**dictionary.name(old), "4.11.0");
        assert_eq!(dictionary.id("4.11.0"), OTHER_ID);
    }

    #[test]
    fn values_of_like_frequency_do_not_take_turns() {
        let mut dictionary = Dictionary::new(1);
        let a = dictionary.id("a");
        for _ in 0..3 {
            for _ in 0..50 {
                dictionary.id("a");
                dictionary.id("b");
            }
            dictionary.rotate();
        }
        assert_eq!(dictionary.id("a"), a);
    }
}
