//! Numbers for requests, so that a record is known again that the log got twice: by a retry within, or by the
//! spool and the brokers.

use std::{
    hash::{BuildHasher, RandomState},
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Gives numbers. Cheap to clone; all clones give from one.
#[derive(Debug, Clone)]
pub struct Arrivals(Arc<AtomicU64>);

impl Default for Arrivals {
    /// One that begins anywhere in 2^64, so that processes don't give the same.
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(RandomState::new().hash_one(0))))
    }
}

impl Arrivals {
    /// One that was not given before.
    pub fn next(&self) -> NonZeroU64 {
        NonZeroU64::new(self.0.fetch_add(1, Ordering::Relaxed)).unwrap_or(NonZeroU64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_given_twice() {
        let (one, other) = (Arrivals::default(), Arrivals::default());
        let given = [one.next(), one.clone().next(), one.next(), other.next(), other.next()];
        assert_eq!(std::collections::BTreeSet::from(given).len(), given.len());
    }
}
