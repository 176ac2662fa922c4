//! Reading: a member of a consumer group.
//!
//! All that waits for the brokers runs on a thread for such work, one thing at a time; what a dropped
//! future began is ended before anything else is. So no decision of the coordinator is taken while a
//! commit or a seek is on its way.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::{
        Bound::{Excluded, Unbounded},
        Deref,
    },
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use rdkafka::{
    Message as _,
    consumer::{Consumer as _, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use schemas::time::Timestamp;
use tokio::task::{self, JoinHandle};

use super::{
    config::{Config, OVERHEAD_BYTES_MAX},
    error::{Ear, unmade},
    joined,
    offsets::{CommitError, Link},
    rebalance::{Member, Turn},
};
use crate::{
    consumer::{Assignment, Consumer, Polled},
    error::LogError,
    metrics,
    record::{Committed, LogRecord, METADATA_BYTES_MAX, Offset, Partition},
};

/// How much one poll returns, about.
const BATCH_RECORDS_MAX: usize = 1_000;
const BATCH_BYTES_MAX: usize = 1 << 20;
/// How much of one partition is fetched before it is another's turn.
const FETCH_BYTES: usize = 1 << 20;
/// How much is fetched ahead by the library, and how much of it is taken in to find whose turn it is;
/// each for all partitions together.
const FETCHED_BYTES_MAX: usize = 32 << 20;
const AHEAD_BYTES: usize = 16 << 20;
/// How long to wait before brokers that didn't answer are asked again.
const PACE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct KafkaConsumer {
    link: Hold,
    group: String,
    /// The partitions that the owner was told are its own, and what it reads next; `None` until it is sought.
    held: BTreeMap<Partition, Option<Offset>>,
    /// Assigned; the owner doesn't know yet.
    coming: BTreeSet<Partition>,
    /// Revoked; the owner doesn't know yet.
    untold: Vec<Partition>,
    /// Revoked; to be let go once the owner knows.
    going: Vec<Partition>,
    /// What is being asked about partitions that come.
    preparing: Option<JoinHandle<Result<Vec<Assignment>, LogError>>>,
    /// A commit or a seek that is on its way.
    under_way: Option<JoinHandle<Result<(), CommitError>>>,
    /// Read and not delivered yet; without empty ones.
    ahead: BTreeMap<Partition, VecDeque<LogRecord>>,
    ahead_bytes: usize,
    /// The partition whose turn was last.
    last: Partition,
    /// A partition's next offset isn't there.
    astray: bool,
    /// The partition, and its next offset, behind which something else came last.
    gap: Option<(Partition, Offset)>,
}

impl KafkaConsumer {
    pub(super) fn join(config: &Config, ear: &Ear, group: &str) -> Result<Self, LogError> {
        let refused = |error| unmade(&format!("group {group} can't be joined"), &error);
        let consumer: StreamConsumer<Member> = settings(config, group).create_with_context(Member::new(ear.clone())).map_err(refused)?;
        consumer.subscribe(&[config.topic()]).map_err(refused)?;
        let link = Link { consumer, topic: config.topic().to_owned(), request_timeout: config.raw.request_timeout };
        Ok(Self {
            link: Hold::new(link),
            group: group.to_owned(),
            held: BTreeMap::new(),
            coming: BTreeSet::new(),
            untold: Vec::new(),
            going: Vec::new(),
            preparing: None,
            under_way: None,
            ahead: BTreeMap::new(),
            ahead_bytes: 0,
            last: Partition(0),
            astray: false,
            gap: None,
        })
    }

    fn member(&self) -> Arc<Member> {
        self.link.consumer.client().context().clone()
    }

    /// Takes in what the coordinator decided.
    fn absorb(&mut self) {
        for turn in self.member().take() {
            match turn {
                Turn::Assigned(partitions) => self.coming.extend(partitions),
                Turn::Revoked(partitions) => {
                    for partition in &partitions {
                        self.coming.remove(partition);
                        self.lose(*partition);
                    }
                    self.going.extend(partitions);
                }
            }
        }
    }

    /// From here on nothing of the partition is delivered or committed.
    fn lose(&mut self, partition: Partition) {
        if self.held.remove(&partition).is_some() {
            self.untold.push(partition);
        }
        self.forget(partition);
    }

    /// Drops what was read ahead of the partition.
    fn forget(&mut self, partition: Partition) {
        let forgotten = self.ahead.remove(&partition).unwrap_or_default();
        self.ahead_bytes -= forgotten.iter().map(|record| record.bytes.len()).sum::<usize>();
    }

    /// The group has gone on without this member. What it still has, or gets again, comes anew.
    fn fenced(&mut self) {
        let held: Vec<_> = self.held.keys().copied().collect();
        for partition in held {
            self.lose(partition);
        }
        if self.link.consumer.assignment_lost() {
            return;
        }
        if let Ok(assignment) = self.link.consumer.assignment() {
            let assigned = assignment.elements().into_iter().filter_map(|element| u32::try_from(element.partition()).ok());
            self.coming.extend(assigned.map(Partition).filter(|partition| !self.going.contains(partition)));
        }
    }

    /// Waits for what an earlier call began.
    async fn settle(&mut self) -> Result<(), CommitError> {
        let Some(under_way) = &mut self.under_way else { return Ok(()) };
        let done = under_way.await;
        self.under_way = None;
        joined(done)
    }

    async fn run(&mut self, work: impl FnOnce(&Link) -> Result<(), CommitError> + Send + 'static) -> Result<(), CommitError> {
        let link = Arc::clone(&self.link);
        self.under_way = Some(task::spawn_blocking(move || work(&link)));
        self.settle().await
    }

    /// The next thing that happens.
    async fn next(&mut self) -> Result<Polled, LogError> {
        // Only what is there of all partitions shows whose turn it is.
        let mut looked = false;
        loop {
            if matches!(self.settle().await, Err(CommitError::Fenced)) {
                self.fenced();
            }
            self.absorb();
            if !self.untold.is_empty() {
                return Ok(Polled::Revoked(std::mem::take(&mut self.untold)));
            }
            self.let_go();
            if let Some(assigned) = self.prepare().await? {
                return Ok(Polled::Assigned(assigned));
            }
            if self.astray {
                self.find_astray().await?;
            }
            if looked && let Some(records) = self.in_turn() {
                return Ok(records);
            }
            self.read().await?;
            looked = true;
        }
    }

    /// The owner knows: others may have them.
    fn let_go(&mut self) {
        if self.going.is_empty() {
            return;
        }
        let list = self.link.list(self.going.drain(..));
        if let Err(error) = self.link.consumer.incremental_unassign(&list) {
            tracing::warn!(group = self.group, %error, "partitions can't be let go");
        }
    }

    /// Asks what the owner has to know of the partitions that come; `None` if none do, or it's not known yet.
    async fn prepare(&mut self) -> Result<Option<Vec<Assignment>>, LogError> {
        if self.coming.is_empty() && self.preparing.is_none() {
            return Ok(None);
        }
        let (link, partitions) = (Arc::clone(&self.link), self.coming.iter().copied().collect::<Vec<_>>());
        let preparing = self.preparing.get_or_insert_with(|| task::spawn_blocking(move || link.assignments(&partitions)));
        let done = preparing.await;
        self.preparing = None;
        let assigned: Vec<_> = match joined(done) {
            Ok(assignments) => assignments.into_iter().filter(|assignment| self.coming.remove(&assignment.partition)).collect(),
            Err(LogError::Unavailable { context, source }) => {
                tracing::warn!(group = self.group, context, %source, "the brokers don't answer; asking again");
                tokio::time::sleep(PACE).await;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.held.extend(assigned.iter().map(|assignment| (assignment.partition, None)));
        Ok((!assigned.is_empty()).then_some(assigned))
    }

    /// Takes in all records that are there; waits for the first, or a decision, if nothing is left to
    /// deliver. Between its waits nothing is half done.
    async fn read(&mut self) -> Result<(), LogError> {
        let (link, member) = (Arc::clone(&self.link), self.member());
        let mut stream = link.consumer.stream();
        let mut upcoming = if self.ahead.is_empty() {
            tokio::select! {
                biased;
                () = member.decided() => None,
                message = stream.next() => message,
            }
        } else {
            stream.next().now_or_never().flatten()
        };
        while let Some(message) = upcoming {
            match message {
                Ok(message) => self.keep(&message),
                Err(error) => self.failed(error)?,
            }
            if self.ahead_bytes >= AHEAD_BYTES {
                break;
            }
            upcoming = stream.next().now_or_never().flatten();
        }
        Ok(())
    }

    fn keep(&mut self, message: &BorrowedMessage<'_>) {
        // All are sought again first.
        if self.astray {
            return;
        }
        let partition = Partition(u32::try_from(message.partition()).unwrap_or(u32::MAX));
        let offset = Offset(u64::try_from(message.offset()).unwrap_or(0));
        // What was fetched before a seek, or of a partition that isn't sought or went, is of no interest.
        let Some(Some(next)) = self.held.get_mut(&partition).filter(|next| next.is_some_and(|next| offset >= next)) else { return };
        // The log has no gaps: what comes too far ahead was fetched by an older position. Once, for one that stays is one.
        if offset > *next && self.gap != Some((partition, *next)) {
            tracing::warn!(group = self.group, %partition, awaited = %next, came = %offset, "records came from elsewhere: seeking again");
            self.gap = Some((partition, *next));
            self.astray = true;
            return;
        }
        *next = Offset(offset.0 + 1);
        let appended = Timestamp::from_ms(message.timestamp().to_millis().unwrap_or(0));
        let bytes = Bytes::copy_from_slice(message.payload().unwrap_or_default());
        self.ahead_bytes += bytes.len();
        self.ahead.entry(partition).or_default().push_back(LogRecord { offset, appended, bytes });
    }

    /// The next records of the partition whose turn it is.
    fn in_turn(&mut self) -> Option<Polled> {
        let last = self.last;
        let (&partition, _) = self.ahead.range((Excluded(last), Unbounded)).chain(self.ahead.range(..=last)).next()?;
        self.last = partition;
        self.link.ear().let_in();
        let waiting = self.ahead.get_mut(&partition)?;
        let (mut records, mut bytes) = (Vec::new(), 0);
        while records.len() < BATCH_RECORDS_MAX
            && bytes < BATCH_BYTES_MAX
            && let Some(record) = waiting.pop_front()
        {
            bytes += record.bytes.len();
            records.push(record);
        }
        if waiting.is_empty() {
            self.ahead.remove(&partition);
        }
        self.ahead_bytes -= bytes;
        Some(Polled::Records { partition, records })
    }

    /// What to do about an error that came instead of a record.
    fn failed(&mut self, error: KafkaError) -> Result<(), LogError> {
        let code = error.rdkafka_error_code();
        let context = format!("topic {} can't be read", self.link.topic);
        match code {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => self.astray = true,
            Some(RDKafkaErrorCode::PollExceeded) => {
                tracing::warn!(group = self.group, "this member was busy for longer than poll_interval_max and has left its group");
            }
            Some(RDKafkaErrorCode::BadMessage | RDKafkaErrorCode::InvalidMessage) => {
                return Err(LogError::Corrupt(format!("{context}: {error}: a batch's checksum is wrong; seek behind it")));
            }
            _ if self.link.ear().needs_person(&error) || matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                return Err(self.link.ear().log_error(&context, error));
            }
            // A broker is away, or has lost its lead: the library goes on by itself.
            _ => tracing::debug!(group = self.group, %error, "reading is interrupted"),
        }
        Ok(())
    }

    /// Finds the partition whose next offset isn't in its extent.
    async fn find_astray(&mut self) -> Result<(), LogError> {
        let sought: Vec<_> = self.held.iter().filter_map(|(partition, next)| Some((*partition, (*next)?))).collect();
        let link = Arc::clone(&self.link);
        let found = super::blocking(move || {
            for (partition, offset) in sought {
                let extent = link.extent(partition)?;
                if !(extent.start..=extent.end).contains(&offset) {
                    return Ok(Some((partition, offset, extent)));
                }
                // The library has stopped reading one of them, and doesn't say which.
                link.seek(partition, offset)?;
            }
            Ok(None)
        });
        match found.await {
            Ok(Some((partition, offset, extent))) => {
                self.held.insert(partition, None);
                self.forget(partition);
                Err(LogError::OutOfRange { partition, offset, extent })
            }
            Ok(None) => {
                self.astray = false;
                Ok(())
            }
            // The brokers don't answer: to be asked again.
            Err(LogError::Unavailable { .. }) => {
                tokio::time::sleep(PACE).await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn checked(&self, positions: &[(Partition, Committed)]) -> Result<BTreeMap<Partition, Committed>, LogError> {
        for (partition, committed) in positions {
            if !self.held.contains_key(partition) {
                return Err(LogError::NotAssigned(*partition));
            }
            let bytes = committed.metadata.len();
            if bytes > METADATA_BYTES_MAX {
                return Err(LogError::Mismatch(format!("a commit's note has {bytes} bytes: it may have {METADATA_BYTES_MAX}")));
            }
        }
        Ok(positions.iter().cloned().collect())
    }
}

fn settings(config: &Config, group: &str) -> rdkafka::ClientConfig {
    let raw = &config.raw;
    let mut settings = config.client();
    let fetch_bytes = FETCH_BYTES.max(config.record_bytes_max + OVERHEAD_BYTES_MAX);
    let heartbeat = (raw.session_timeout / 4).min(Duration::from_secs(3));
    settings
        .set("group.id", group)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", raw.session_timeout.as_millis().to_string())
        .set("heartbeat.interval.ms", heartbeat.as_millis().to_string())
        .set("max.poll.interval.ms", raw.poll_interval_max.as_millis().to_string())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("check.crcs", "true")
        // The end that a seek may go to is the end that is read to.
        .set("isolation.level", "read_uncommitted")
        .set("fetch.message.max.bytes", fetch_bytes.to_string())
        .set("fetch.wait.max.ms", "100")
        .set("queued.max.messages.kbytes", (FETCHED_BYTES_MAX >> 10).to_string());
    settings
}

#[async_trait]
impl Consumer for KafkaConsumer {
    async fn poll(&mut self, wait: Duration) -> Result<Polled, LogError> {
        tokio::select! {
            biased;
            polled = self.next() => polled,
            () = tokio::time::sleep(wait) => Ok(Polled::Idle),
        }
    }

    async fn seek(&mut self, partition: Partition, offset: Offset) -> Result<(), LogError> {
        if matches!(self.settle().await, Err(CommitError::Fenced)) {
            self.fenced();
        }
        self.absorb();
        if !self.held.contains_key(&partition) {
            return Err(LogError::NotAssigned(partition));
        }
        let link = Arc::clone(&self.link);
        let extent = super::blocking(move || link.extent(partition)).await?;
        if !(extent.start..=extent.end).contains(&offset) {
            return Err(LogError::OutOfRange { partition, offset, extent });
        }
        // Until it is there, nothing is delivered.
        self.held.insert(partition, None);
        self.forget(partition);
        match self.run(move |link| link.seek(partition, offset).map_err(CommitError::Other)).await {
            Ok(()) => self.held.insert(partition, Some(offset)),
            Err(CommitError::Other(error)) => return Err(error),
            Err(CommitError::Fenced) => return Err(LogError::NotAssigned(partition)),
        };
        Ok(())
    }

    async fn commit(&mut self, positions: &[(Partition, Committed)]) -> Result<(), LogError> {
        if matches!(self.settle().await, Err(CommitError::Fenced)) {
            self.fenced();
        }
        self.absorb();
        let positions = self.checked(positions)?;
        let Some((&first, _)) = positions.first_key_value() else { return Ok(()) };
        let to_commit = positions.clone();
        match self.run(move |link| link.commit(&to_commit)).await {
            Ok(()) => {
                for (partition, committed) in &positions {
                    metrics::committed_offset(&self.group, partition.0, committed.offset.0);
                }
                Ok(())
            }
            Err(CommitError::Other(error)) => Err(error),
            Err(CommitError::Fenced) => {
                self.fenced();
                Err(LogError::NotAssigned(first))
            }
        }
    }
}

impl From<LogError> for CommitError {
    fn from(error: LogError) -> Self {
        Self::Other(error)
    }
}

impl Drop for KafkaConsumer {
    /// Leaves the group, so that others needn't wait until this member is missed.
    fn drop(&mut self) {
        self.member().leave();
        self.absorb();
        self.let_go();
    }
}

/// A member's hold on its link. Leaving the group waits for the brokers, so that it is done where
/// one may wait; a runtime that is shut down lets it end.
#[derive(Debug)]
pub(super) struct Hold(Option<Arc<Link>>);

impl Hold {
    pub(super) fn new(link: Link) -> Self {
        Self(Some(Arc::new(link)))
    }
}

impl Deref for Hold {
    type Target = Arc<Link>;

    fn deref(&self) -> &Arc<Link> {
        self.0.as_ref().expect("it is taken only when it is dropped")
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let link = self.0.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(link));
        }
    }
}
