//! Sends on what waits in a partition's spool, in order.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::sync::watch;

use super::lane::Lane;
use crate::{
    embedded::{Embedded, Reader},
    error::AppendError,
    log::EventLog,
    record::{Appended, LogRecord, Offset, Partition},
};

/// How many records are on their way to a log that takes them.
const WINDOW_RECORDS: usize = 2_000;
/// How many bytes of them, beyond which no further one is begun.
const WINDOW_BYTES: usize = 4 << 20;
/// How long the sender waits after the first failure; twice as long after each further one.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

pub(super) struct Sender {
    pub(super) lane: Arc<Lane>,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) spool: Arc<Embedded>,
    /// How soon the log has to acknowledge records to get them again without the spool.
    pub(super) quick: Duration,
    /// Told whenever the lane has nothing left.
    pub(super) emptied: watch::Sender<()>,
}

/// A record on its way.
struct Sending<'a> {
    record: LogRecord,
    begun: Duration,
    append: Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + 'a>>,
    done: Option<Result<Appended, AppendError>>,
}

impl<'a> Sending<'a> {
    /// Gives `record` its place in the log.
    async fn begin(log: &'a dyn EventLog, partition: Partition, record: LogRecord, now: Duration) -> Self {
        let mut append = log.append(partition, record.bytes.clone());
        let done = poll_fn(|context| match append.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Ready(None),
        });
        let done = done.await;
        Self { record, begun: now, append, done }
    }

    async fn answer(&mut self) -> Result<Appended, AppendError> {
        match self.done.take() {
            Some(done) => done,
            None => self.append.as_mut().await,
        }
    }
}

/// What is read and not acknowledged by the log.
struct Under<'a> {
    reader: Reader,
    /// Read, and not begun.
    unsent: VecDeque<LogRecord>,
    window: VecDeque<Sending<'a>>,
    window_bytes: usize,
    /// How many records may be on their way: one, until it is known that the log takes them.
    width: usize,
}

impl Sender {
    /// Sends until it is dropped, which loses nothing: what was not acknowledged is sent by the next one.
    pub(super) async fn run(self) {
        let reader = self.spool.reader(self.lane.partition, Offset(self.lane.sent()));
        let mut under = Under { reader, unsent: VecDeque::new(), window: VecDeque::new(), window_bytes: 0, width: 1 };
        let (mut changes, mut backoff) = (self.spool.changes(), BACKOFF_MIN);
        loop {
            changes.borrow_and_update();
            let filled = self.fill(&mut under).await;
            // What was begun is seen to first, even if no more can be read.
            let failed = match (under.window.front_mut(), filled) {
                (Some(first), _) => match first.answer().await {
                    Ok(_) => {
                        self.acknowledged(&mut under);
                        backoff = BACKOFF_MIN;
                        None
                    }
                    Err(error) => Some(told(&error, first.record.offset)),
                },
                (None, Err(error)) => Some(error),
                (None, Ok(())) => {
                    self.settle(None);
                    tokio::select! {
                        changed = changes.changed() => if changed.is_err() { return },
                        () = self.lane.stirred.notified() => {}
                    }
                    None
                }
            };
            if let Some(why) = failed {
                self.failed(&mut under, &why, backoff).await;
                tokio::time::sleep(backoff).await;
                backoff = (2 * backoff).min(BACKOFF_MAX);
            }
        }
    }

    /// Begins to send as many as may be on their way.
    async fn fill<'a>(&'a self, under: &mut Under<'a>) -> Result<(), String> {
        while under.window.len() < under.width && under.window_bytes < WINDOW_BYTES {
            if under.unsent.is_empty() {
                let next = under.window.back().map_or(self.lane.sent(), |last| last.record.offset.0 + 1);
                if next >= self.spool.end(self.lane.partition) {
                    return Ok(());
                }
                under.unsent = under.reader.read().await.map_err(|error| error.to_string())?.into();
            }
            let Some(record) = under.unsent.pop_front() else { return Ok(()) };
            if under.window.is_empty() {
                self.lane.oldest(Some(record.appended));
            }
            under.window_bytes += record.bytes.len();
            let sending = Sending::begin(&*self.log, self.lane.partition, record, self.spool.elapsed()).await;
            under.window.push_back(sending);
        }
        Ok(())
    }

    /// The log has the first of those on their way.
    fn acknowledged(&self, under: &mut Under<'_>) {
        let Some(first) = under.window.pop_front() else { return };
        under.window_bytes -= first.record.bytes.len();
        under.width = WINDOW_RECORDS;
        let next = under.window.front().map(|next| &next.record).or(under.unsent.front());
        self.lane.sent_on(first.record.offset.0 + 1, next.map(|next| next.appended));
        self.settle(Some(self.spool.elapsed().saturating_sub(first.begun) < self.quick));
    }

    fn settle(&self, quick: Option<bool>) {
        if self.lane.settle(quick) {
            self.emptied.send_replace(());
        }
    }

    /// Waits for what becomes of the others, so that no copy of them is on its way when they are sent again, and
    /// goes back to the first that was not acknowledged.
    async fn failed(&self, under: &mut Under<'_>, why: &str, backoff: Duration) {
        if backoff == BACKOFF_MIN {
            tracing::warn!(partition = self.lane.partition.0, why, "the spool can't be sent on: trying again");
        }
        self.lane.in_trouble(why);
        self.settle(Some(false));
        let mut again = VecDeque::with_capacity(under.window.len());
        for (i, mut sending) in under.window.drain(..).enumerate() {
            if i > 0 {
                // Even if the log has it: it has to come behind the first.
                let _ = sending.answer().await;
            }
            again.push_back(sending.record);
        }
        again.append(&mut under.unsent);
        (under.unsent, under.window_bytes, under.width) = (again, 0, 1);
    }
}

/// Why a record is not taken, with the remedy if it never will be.
fn told(error: &AppendError, offset: Offset) -> String {
    match error {
        AppendError::TooLarge { .. } => {
            tracing::error!(%error, "a record of the spool is larger than the log takes: let the log take it");
            format!("{error}: let the log take the spool's record {offset} (Kafka: record_bytes_max, and the topic's max.message.bytes)")
        }
        AppendError::Full(_) | AppendError::Unavailable(_) | AppendError::Closed => error.to_string(),
    }
}
