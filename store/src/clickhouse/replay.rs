//! Batches that may have been sent before.
//!
//! Within the deduplication window the server drops what it has. A batch that was begun before that is told by
//! the list of applied batches: who stands there is in all tables. One that does not, and whose tokens the server may have
//! forgotten, may be there in part; nobody can tell then, so it is refused rather than counted twice.

use std::{sync::PoisonError, time::Duration};

use clickhouse::Row;
use serde::Deserialize;
use tokio::time::Instant;

use super::{Inner, ddl};
use crate::{Batch, Source, StoreError};

/// How long after its beginning a batch may still be sent: whoever comes back from a longer pause may have
/// lost the partition to one who has sent it.
const SENDING_MAX: Duration = Duration::from_secs(4 * 60);
/// How far the clocks that events are received by may be ahead of the server's, in seconds.
const SKEW: i64 = 600;

/// A batch on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending(Instant);

impl Sending {
    #[expect(clippy::disallowed_methods, reason = "a bound on how long something takes")]
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether another insert of it may be sent.
    pub(super) fn goes_on(self) -> Result<(), StoreError> {
        if self.0.elapsed() < SENDING_MAX {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!(
            "a batch was not sent within {} s: who still owns its partition begins again",
            SENDING_MAX.as_secs()
        )))
    }
}

/// What the list says about a partition and a range of it.
#[derive(Debug, Row, Deserialize)]
struct StandingOut {
    /// Rows of exactly the range.
    same: u64,
    /// Where the last batch ends.
    end: u64,
    /// When the batch before it was listed, in seconds.
    before: u32,
}

/// What was inserted since a time, at the most.
#[derive(Debug, Row, Deserialize)]
struct SinceOut {
    blocks: u64,
    seconds: u32,
}

impl Inner {
    /// Whether a batch is in all tables. Asks the server only about replays, and once about each partition.
    pub(super) async fn is_applied(&self, source: Source, shard: usize, batch: &Batch) -> Result<bool, StoreError> {
        let known = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).contains(&source.partition);
        if known && !batch.replay {
            return Ok(false);
        }
        let Source { partition, start, end } = source;
        let sql = "select countIf(start_offset = ? and end_offset = ?) as same, max(end_offset) as end, \
                   toUnixTimestamp(maxIf(at, end_offset <= ?)) as before from applied where log = ? and log_partition = ?";
        let query = self.shards[shard].query(sql).bind(start).bind(end).bind(start).bind(&self.config.log).bind(partition);
        let standing = self.in_time("looking for a batch", query.fetch_one::<StandingOut>()).await?;
        if standing.same == 0 && standing.end > start {
            return Err(StoreError::Mismatch(format!(
                "records of partition {partition} of log {} up to {} are in the store, and [{start}, {end}) is not among their batches: it is \
                 another log, which needs another name, or its positions were set back, and belong at {}",
                self.config.log, standing.end, standing.end
            )));
        }
        if standing.same == 0 && batch.replay {
            self.check_remembered(source, shard, began_after(batch).max(standing.before)).await?;
        }
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).insert(partition);
        Ok(standing.same > 0)
    }

    /// That a batch whose first try was after `since` (in seconds) would be recognised. An insert has a token in
    /// each of a table's partitions, of which none is less than a day.
    async fn check_remembered(&self, source: Source, shard: usize, since: u32) -> Result<(), StoreError> {
        let sql = "select sum(1 + length(arrayDistinct(arrayMap(hour -> toDate(hour), counts.hour)))) as blocks, \
                   toUInt32(toUInt32(now()) - least(?, toUInt32(now()))) as seconds from applied where at >= toDateTime(?, 'UTC')";
        let query = self.shards[shard].query(sql).bind(since).bind(since);
        let inserted = self.in_time("counting what was inserted since", query.fetch_one::<SinceOut>()).await?;
        let late = self.config.cluster.is_some() && inserted.seconds >= ddl::DEDUPLICATION_SECONDS;
        if inserted.blocks < u64::from(self.config.deduplication_window) && !late {
            return Ok(());
        }
        let Source { partition, start, end } = source;
        Err(StoreError::Mismatch(format!(
            "records [{start}, {end}) of partition {partition} were begun and not finished, and since then the server may have forgotten \
             which tables have them ({} inserts, {} s): stop the aggregators and set the group's position of the partition to {start}, \
             without metadata, to count them, or to {end} to leave them; the audit tells by how much that is wrong",
            inserted.blocks, inserted.seconds
        )))
    }
}

/// A time, in seconds, before which nobody can have sent the batch: that of its newest record.
fn began_after(batch: &Batch) -> u32 {
    let newest = batch.fates.iter().map(|fate| fate.newest.as_ms() / 1_000).max().unwrap_or(0);
    u32::try_from(newest - SKEW).unwrap_or(0)
}
