//! Ids for what names itself not.
//!
//! The log may get a record twice (by a retry within, or by the spool and the brokers), and its readers
//! know it again by the beacon's id. What has none of its own gets one that nothing else has.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// An id of our own.
pub type ArrivalId = [u8; 16];

/// Gives ids. Cheap to clone; all clones give from one.
#[derive(Debug, Clone)]
pub struct Arrivals {
    /// Of this process, by chance.
    process: u64,
    next: Arc<AtomicU64>,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { process: RandomState::new().hash_one(0), next: Arc::default() }
    }
}

impl Arrivals {
    /// One that was not given before, here or by another process.
    pub fn next(&self) -> ArrivalId {
        let number = u128::from(self.next.fetch_add(1, Ordering::Relaxed));
        (u128::from(self.process) << 64 | number).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_is_given_twice() {
        let (one, other) = (Arrivals::default(), Arrivals::default());
        let ids = [one.next(), one.clone().next(), one.next(), other.next(), other.next()];
        assert_eq!(std::collections::BTreeSet::from(ids).len(), ids.len());
    }
}
