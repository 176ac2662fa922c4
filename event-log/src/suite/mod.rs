//! What every implementation of the log has to do, as tests.
//!
//! An implementation gives a [`Bed`] and lets [`conformance!`](crate::conformance) make a test of each
//! check:
//!
//! ```text
//! event_log::conformance!(EmbeddedBed::default());
//! ```
//!
//! Checks wait for events, never for time to pass: what doesn't come within [`PATIENCE`] is a failure.

mod append;
pub mod broker;
mod group;
mod jobs;
mod read;

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

pub use self::{append::*, group::*, jobs::*, read::*};
use crate::{Appended, Assignment, Consumer, EventLog, LogRecord, Offset, Partition, Polled};

/// How long anything may take before it is called missing. Kafka's groups take seconds.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long one poll waits within a loop.
const POLL: Duration = Duration::from_millis(50);

/// Where logs to be tested come from.
#[async_trait]
pub trait Bed: Send + Sync {
    /// A new, empty log with that many partitions, which takes records of [`record_bytes_max`](Self::record_bytes_max).
    async fn fresh(&self, partitions: u32) -> Arc<dyn EventLog>;

    /// The same log, after everything in memory is gone. No consumer of `log` lives any more.
    async fn reopen(&self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog>;

    /// The largest record that its logs take.
    fn record_bytes_max(&self) -> usize;

    /// A group's name that no other log of this bed uses, nor an earlier run.
    fn group(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// Makes a test of each check of the suite, on the bed that the expression gives.
#[macro_export]
macro_rules! conformance {
    ($bed:expr) => {
        $crate::conformance! { @each $bed;
            offsets_count_from_zero_without_gaps_in_each_partition,
            a_record_past_the_limit_is_refused_and_one_at_it_is_taken,
            concurrent_appenders_each_find_their_bytes_at_their_offset,
            one_callers_records_keep_their_order,
            an_unknown_partition_is_refused,
            records_survive_reopening_and_offsets_go_on,
            the_extent_grows_with_each_append,
            records_are_read_in_order_with_their_bytes,
            reading_can_start_at_any_offset,
            a_partition_gives_nothing_before_it_is_sought,
            seeking_outside_the_extent_is_refused,
            a_waiting_consumer_wakes_up_on_an_append,
            an_idle_poll_ends_when_its_time_is_over,
            a_poll_that_is_dropped_loses_nothing,
            partitions_take_turns,
            two_groups_do_not_disturb_each_other,
            a_group_that_never_committed_is_told_so,
            commits_come_back_with_their_notes,
            commits_survive_reopening,
            a_note_past_the_limit_is_refused,
            a_commit_with_a_foreign_partition_changes_nothing,
            members_share_the_partitions_and_inherit_them,
            a_member_cannot_commit_what_was_revoked,
            positions_go_to_the_next_reader,
        }
    };
    (@each $bed:expr; $($check:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                $crate::suite::$check(&$bed).await;
            }
        )+
    };
}

/// Appends `record` and expects that it is taken, by the log itself.
async fn append(log: &Arc<dyn EventLog>, partition: u32, record: impl Into<Bytes>) -> Offset {
    match within("an append", log.append(Partition(partition), record.into())).await.expect("the record is appended") {
        Appended::At(offset) => offset,
        Appended::Spooled => panic!("the log works, and a record went to a spool"),
    }
}

/// What comes of `future`, which comes in good time.
async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

/// A consumer, and what it was told so far.
struct Member {
    consumer: Box<dyn Consumer>,
    assigned: BTreeMap<Partition, Assignment>,
    records: BTreeMap<Partition, Vec<LogRecord>>,
}

impl Member {
    async fn join(log: &Arc<dyn EventLog>, group: &str) -> Self {
        let consumer = log.consumer(group).await.expect("a group can be joined");
        Self { consumer, assigned: BTreeMap::new(), records: BTreeMap::new() }
    }

    /// A member that has all partitions of `log`, alone.
    async fn alone(log: &Arc<dyn EventLog>, group: &str) -> Self {
        let mut member = Self::join(log, group).await;
        let all = log.partitions() as usize;
        member.until("all partitions", |member| member.assigned.len() == all).await;
        member
    }

    /// Takes in what happens next.
    async fn step(&mut self) {
        match within("the end of a poll", self.consumer.poll(POLL)).await.expect("the log can be polled") {
            Polled::Assigned(assignments) => {
                for assignment in assignments {
                    let before = self.assigned.insert(assignment.partition, assignment);
                    assert!(before.is_none(), "a partition is assigned once until it is revoked");
                }
            }
            Polled::Revoked(partitions) => {
                for partition in partitions {
                    assert!(self.assigned.remove(&partition).is_some(), "only what was assigned is revoked");
                }
            }
            Polled::Records { partition, records } => {
                assert!(self.assigned.contains_key(&partition), "records come of assigned partitions");
                assert!(!records.is_empty(), "records are at least one");
                self.records.entry(partition).or_default().extend(records);
            }
            Polled::Idle => {}
        }
    }

    /// Goes on until `enough`.
    async fn until(&mut self, what: &str, enough: impl Fn(&Self) -> bool) {
        within(what, async {
            while !enough(self) {
                self.step().await;
            }
        })
        .await;
    }

    async fn seek(&mut self, partition: u32, offset: u64) {
        self.consumer.seek(Partition(partition), Offset(offset)).await.expect("an assigned partition can be sought");
    }

    /// The records of `partition` from `offset` to its present end.
    async fn read_from(&mut self, log: &Arc<dyn EventLog>, partition: u32, offset: u64) -> Vec<LogRecord> {
        let end = log.extent(Partition(partition)).await.expect("the partition exists").end.0;
        self.records.remove(&Partition(partition));
        self.seek(partition, offset).await;
        let wanted = usize::try_from(end - offset).expect("tests append few records");
        self.until("the records", |member| member.records.get(&Partition(partition)).map_or(0, Vec::len) >= wanted).await;
        self.records.remove(&Partition(partition)).unwrap_or_default()
    }
}

/// Lets all members poll in turn until each is content with its share.
async fn settle(members: &mut [&mut Member], what: &str, settled: impl Fn(&[&mut Member]) -> bool) {
    within(what, async {
        while !settled(members) {
            for member in &mut *members {
                member.step().await;
            }
        }
    })
    .await;
}

fn offsets(records: &[LogRecord]) -> Vec<u64> {
    records.iter().map(|record| record.offset.0).collect()
}
