//! A partition's way past the spool: who takes its records now, and which are under way.
//!
//! ```text
//!           the log fails, or doesn't answer in time
//!      Log ──────────────────────────────────────────▶ Spool
//!       ▲                                             │    ▲
//!       │ all was sent on                little waits │    │ the log fails again
//!       └──────────────────── Turning ◀───────────────┘    │
//!                                └─────────────────────────┘
//! ```
//! Records that come while it is `Turning` wait in memory, some milliseconds, until the last ones have left
//! the spool: under load there is always one on its way to the disk, and the spool would never be empty.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use schemas::time::Timestamp;
use tokio::sync::{Notify, oneshot};

use crate::{
    embedded::{Answer, Embedded, answered},
    error::AppendError,
    log::EventLog,
    record::{Appended, Partition},
};

/// New records are held back when no more than so many wait in the spool, for the turn to the log.
const TURN_RECORDS: u64 = 2_000;
/// How many are held back before the spool takes them after all.
const HELD_RECORDS_MAX: usize = 65_536;

pub(super) struct Lane {
    pub(super) partition: Partition,
    log: Arc<dyn EventLog>,
    spool: Arc<Embedded>,
    state: Mutex<State>,
    /// The offset in the spool before which all was sent on.
    sent: AtomicU64,
    /// When the oldest record that waits came, in milliseconds since the Unix epoch; `NONE` if none does.
    oldest_ms: AtomicI64,
    /// There is something for the sender to see to.
    pub(super) stirred: Notify,
}

const NONE: i64 = i64::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taker {
    Log,
    Turning,
    Spool,
}

struct State {
    taker: Taker,
    closed: bool,
    next_id: u64,
    /// The log has them, or is to have them, and has not answered; in their order.
    flights: VecDeque<Flight>,
    /// The spool did not take a record since the log was left.
    refused: bool,
    /// The log took the last record that was sent on, and quickly. Known only since it was left.
    quick: bool,
    /// Why the log was left, or can't be returned to.
    trouble: Option<String>,
}

struct Flight {
    id: u64,
    record: Bytes,
    /// It is held back, and this lets it go.
    released: Option<oneshot::Sender<LogAppend>>,
    moved: oneshot::Sender<Moved>,
}

/// An append to the log that has its place there.
type LogAppend = Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send>>;
/// A record that the spool is to keep.
type Moved = Result<oneshot::Receiver<Answer>, AppendError>;

/// How an append begins.
enum Begun {
    Done(Result<Appended, AppendError>),
    Spooled(Moved),
    UnderWay { id: u64, direct: Direct, moved: oneshot::Receiver<Moved> },
}

enum Direct {
    Begun(LogAppend),
    Held(oneshot::Receiver<LogAppend>),
}

impl Lane {
    /// A lane whose records in the spool were sent on before the offset `sent`.
    pub(super) fn new(partition: Partition, log: Arc<dyn EventLog>, spool: Arc<Embedded>, sent: u64) -> Self {
        let taker = if spool.end(partition) > sent { Taker::Spool } else { Taker::Log };
        let state = State { taker, closed: false, next_id: 0, flights: VecDeque::new(), refused: false, quick: false, trouble: None };
        let (sent, oldest_ms) = (AtomicU64::new(sent), AtomicI64::new(NONE));
        Self { partition, log, spool, state: Mutex::new(state), sent, oldest_ms, stirred: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `record` to the log, or to the spool if the log has not answered `after` that time.
    pub(super) async fn append(&self, record: Bytes, after: Duration) -> Result<Appended, AppendError> {
        match poll_fn(|context| Poll::Ready(self.begin(&record, context))).await {
            Begun::Done(done) => done,
            Begun::Spooled(moved) => self.kept(moved).await,
            Begun::UnderWay { id, direct, moved } => {
                let _leaves = Leaves { lane: self, id };
                self.either(id, direct, moved, after).await
            }
        }
    }

    /// Gives the record its place, in the log or in the spool.
    fn begin(&self, record: &Bytes, context: &mut Context<'_>) -> Begun {
        let mut state = self.lock();
        if state.closed {
            return Begun::Done(Err(AppendError::Closed));
        }
        if state.taker == Taker::Turning && state.flights.len() >= HELD_RECORDS_MAX {
            self.leave_log(&mut state, "too many records wait for the turn to the log");
        }
        match state.taker {
            Taker::Spool => Begun::Spooled(self.push(&mut state, record.clone())),
            Taker::Turning => {
                let (release, released) = oneshot::channel();
                state.fly(record, Some(release), Direct::Held(released))
            }
            Taker::Log => {
                let mut append = self.log_append(record.clone());
                match append.as_mut().poll(context) {
                    Poll::Pending => state.fly(record, None, Direct::Begun(append)),
                    Poll::Ready(Err(error)) if diverts(&error) => {
                        self.leave_log(&mut state, &error.to_string());
                        Begun::Spooled(self.push(&mut state, record.clone()).map_err(|refusal| worse(error, refusal)))
                    }
                    Poll::Ready(done) => Begun::Done(done),
                }
            }
        }
    }

    fn log_append(&self, record: Bytes) -> LogAppend {
        let (log, partition) = (Arc::clone(&self.log), self.partition);
        Box::pin(async move { log.append(partition, record).await })
    }

    /// The first of the two that keeps the record.
    async fn either(&self, id: u64, direct: Direct, mut moved: oneshot::Receiver<Moved>, after: Duration) -> Result<Appended, AppendError> {
        let direct = async {
            match direct {
                Direct::Begun(append) => append.await,
                Direct::Held(released) => match released.await {
                    Ok(append) => append.await,
                    Err(_) => Err(AppendError::Full("the log was never asked".to_owned())),
                },
            }
        };
        let spooled = async {
            let moved = match tokio::time::timeout(after, &mut moved).await {
                Ok(moved) => moved,
                Err(_) => {
                    self.divert(id, &format!("it has not answered for {after:?}"));
                    moved.await
                }
            };
            self.kept(moved.unwrap_or(Err(AppendError::Closed))).await
        };
        tokio::pin!(direct, spooled);
        tokio::select! {
            biased;
            answer = &mut direct => match answer {
                Err(error) if diverts(&error) => {
                    self.divert(id, &error.to_string());
                    spooled.await.map_err(|refusal| worse(error, refusal))
                }
                answer => answer,
            },
            kept = &mut spooled => match kept {
                Ok(appended) => Ok(appended),
                Err(refusal) => direct.await.map_err(|error| worse(error, refusal)),
            },
        }
    }

    /// Puts `record` behind those that the spool has.
    fn push(&self, state: &mut State, record: Bytes) -> Moved {
        self.spool.enqueue(self.partition, record).inspect_err(|_| {
            state.refused = true;
            self.stirred.notify_one();
        })
    }

    async fn kept(&self, moved: Moved) -> Result<Appended, AppendError> {
        let kept = match moved {
            Ok(receiver) => answered(self.partition, receiver).await,
            Err(refusal) => return Err(refusal),
        };
        if kept.is_err() {
            self.lock().refused = true;
            self.stirred.notify_one();
        }
        kept.map(|_| Appended::Spooled)
    }

    /// Leaves the log because of the record `id`, unless it was left since.
    fn divert(&self, id: u64, why: &str) {
        let mut state = self.lock();
        if state.place_of(id).is_some() {
            self.leave_log(&mut state, why);
        }
    }

    /// Gives all records that are under way to the spool, in their order, and all that come.
    fn leave_log(&self, state: &mut State, why: &str) {
        (state.taker, state.refused, state.quick, state.trouble) = (Taker::Spool, false, false, Some(why.to_owned()));
        let under_way = std::mem::take(&mut state.flights);
        tracing::warn!(partition = self.partition.0, why, records = under_way.len(), "the log is left: records go to the spool");
        for flight in under_way {
            let moved = self.push(state, flight.record);
            // Who waited may have been answered by the log meanwhile.
            let _ = flight.moved.send(moved);
        }
        self.stirred.notify_one();
    }

    /// Notes that the log took everything before the offset `sent` of the spool, and when the next came that
    /// waits.
    pub(super) fn sent_on(&self, sent: u64, oldest: Option<Timestamp>) {
        self.sent.store(sent, Ordering::Release);
        self.oldest(oldest);
    }

    pub(super) fn oldest(&self, oldest: Option<Timestamp>) {
        self.oldest_ms.store(oldest.map_or(NONE, Timestamp::as_ms), Ordering::Release);
    }

    /// Returns to the log, or comes nearer to that, if nothing or little is left to be sent on and the log is
    /// quick, which may be known anew. Whether nothing is left.
    pub(super) fn settle(&self, quick: Option<bool>) -> bool {
        let mut state = self.lock();
        let quick = quick.unwrap_or(state.quick);
        state.quick = quick;
        // In this order: what is not queued any more is before the end.
        let queued = self.spool.queued(self.partition) as u64;
        let waiting = self.spool.end(self.partition) - self.sent() + queued;
        match state.taker {
            Taker::Spool | Taker::Turning if waiting == 0 && (quick || state.refused) => self.return_to_log(&mut state),
            Taker::Spool if quick && waiting <= TURN_RECORDS => state.taker = Taker::Turning,
            Taker::Turning if !quick => self.leave_log(&mut state, "it is slow"),
            Taker::Log | Taker::Turning | Taker::Spool => {}
        }
        waiting == 0
    }

    /// Lets the log take records again, those that were held back first.
    fn return_to_log(&self, state: &mut State) {
        (state.taker, state.trouble) = (Taker::Log, None);
        tracing::info!(partition = self.partition.0, records = state.flights.len(), "the spool is empty: records go to the log");
        for flight in &mut state.flights {
            let Some(released) = flight.released.take() else { continue };
            let mut append = self.log_append(flight.record.clone());
            // It has its place now; who waits for it polls it again and is woken then.
            if let Poll::Ready(done) = append.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
                append = Box::pin(std::future::ready(done));
            }
            let _ = released.send(append);
        }
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    /// How many records wait to be sent on, and since when.
    pub(super) fn waiting(&self) -> (u64, Option<Timestamp>) {
        let oldest = self.oldest_ms.load(Ordering::Acquire);
        let queued = self.spool.queued(self.partition) as u64;
        let records = self.spool.end(self.partition).saturating_sub(self.sent()) + queued;
        (records, (oldest != NONE).then(|| Timestamp::from_ms(oldest)))
    }

    /// Why the log is not what takes the records.
    pub(super) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    pub(super) fn in_trouble(&self, why: &str) {
        self.lock().trouble = Some(why.to_owned());
    }

    /// Takes no more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.stirred.notify_one();
    }
}

impl State {
    fn fly(&mut self, record: &Bytes, released: Option<oneshot::Sender<LogAppend>>, direct: Direct) -> Begun {
        let (id, (moves, moved)) = (self.next_id, oneshot::channel());
        self.next_id += 1;
        self.flights.push_back(Flight { id, record: record.clone(), released, moved: moves });
        Begun::UnderWay { id, direct, moved }
    }

    fn place_of(&self, id: u64) -> Option<usize> {
        self.flights.binary_search_by_key(&id, |flight| flight.id).ok()
    }
}

/// Takes a record out of those under way when nobody waits for it any more.
struct Leaves<'a> {
    lane: &'a Lane,
    id: u64,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        let mut state = self.lane.lock();
        if let Some(place) = state.place_of(self.id) {
            state.flights.remove(place);
        }
    }
}

/// Whether the spool takes what the log refused so.
const fn diverts(error: &AppendError) -> bool {
    match error {
        AppendError::Unavailable(_) | AppendError::Full(_) => true,
        AppendError::TooLarge { .. } | AppendError::Closed => false,
    }
}

/// What to tell when both refused: what the log refused as unavailable may still turn up there.
fn worse(log: AppendError, spool: AppendError) -> AppendError {
    match log {
        AppendError::Unavailable(why) => AppendError::Unavailable(format!("{why}; and {spool}")),
        AppendError::Full(_) | AppendError::TooLarge { .. } | AppendError::Closed => spool,
    }
}
