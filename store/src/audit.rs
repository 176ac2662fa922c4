//! The audit: whether what is counted is what the log's records say.

use std::collections::BTreeMap;

use schemas::time::MinuteRange;

/// How far what a store has counted is from what was sent to it. At rest all its differences are zero, or
/// events were lost or counted twice.
///
/// Batches that are being written while it is made are no difference: it allows what came in meanwhile,
/// so under load each difference is the least that it can be, and in hours that no longer change it is exact. A
/// batch that was begun and not finished (its writer died) is a difference until the partition's next
/// owner has sent it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The whole hours compared: of event time for rollups, of receipt for fates. Less than was asked
    /// for where rollups of minutes are no longer kept.
    pub range: MinuteRange,
    /// Events in those hours, by what was sent.
    pub events: u64,
    /// Batches that cover them.
    pub batches: u64,
    /// Events too many or too few in rollups of minutes.
    pub minutes: u64,
    /// Events too many or too few in rollups of hours.
    pub hours: u64,
    /// Events too many or too few among the fates.
    pub fates: u64,
    /// Records of the log between two batches that stand in none.
    pub missing: u64,
    /// Records of the log that stand in more than one batch, once for each batch too many.
    pub repeated: u64,
    /// Where the last batch of each partition of this store's log ends.
    pub ends: BTreeMap<u32, u64>,
}

impl Audit {
    /// All differences together: events counted wrongly, and records.
    pub const fn drift(&self) -> u64 {
        self.minutes + self.hours + self.fates + self.missing + self.repeated
    }
}
