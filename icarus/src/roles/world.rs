//! The log and the store of a process, whichever engines they run on.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aggregator::worker::AtEnd;
use anyhow::{Context, Result, bail};
use event_log::{EventLog, Jobs, LogError, embedded::Embedded, kafka::Kafka, spool::Spool};
use schemas::time::Timestamp;
use service::{
    clock::{Clock, Stopwatch},
    pace::Pace,
    shutdown::Shutdown,
};
use store::{Store, StoreError, clickhouse::ClickHouseStore, embedded::EmbeddedStore};

use crate::config;

/// How often a server that doesn't answer is asked again.
const ASK_INTERVAL: Duration = Duration::from_secs(1);
/// What is said of a topic that is not as configured.
const UNFIT: &str = "the log does not fit (log.kafka)";

/// Where records go.
#[derive(Clone)]
pub(super) enum Log {
    Embedded(Arc<Embedded>),
    Kafka {
        kafka: Arc<Kafka>,
        /// Of a process that takes beacons: what Kafka doesn't take in time.
        spool: Option<Arc<Spool>>,
        /// Whether the topic was found to be as configured.
        fits: Arc<AtomicBool>,
    },
}

impl Log {
    /// Opens the log. While Kafka does not answer, a process that takes beacons keeps them, and others wait.
    pub(super) async fn open(config: &config::Log, takes_beacons: bool, clock: &Clock, shutdown: &Shutdown) -> Result<Self> {
        match config {
            config::Log::Embedded(config) => {
                let log = Embedded::open(config.clone(), log_clock(clock)).context("the log can't be opened")?;
                Ok(Self::Embedded(Arc::new(log)))
            }
            config::Log::Kafka { kafka, spool } => {
                let kafka = Arc::new(Kafka::connect((**kafka).clone()).context("the log can't be opened")?);
                if !takes_beacons {
                    let passing = |error: &LogError| matches!(error, LogError::Unavailable { .. });
                    once_there("Kafka", shutdown, || kafka.check(), passing).await.context(UNFIT)?;
                    return Ok(Self::Kafka { kafka, spool: None, fits: Arc::new(true.into()) });
                }
                let fits = match kafka.check().await {
                    Ok(()) => true,
                    Err(error @ LogError::Unavailable { .. }) => {
                        tracing::warn!(error = error_chain(&error), "Kafka does not answer: beacons are kept in the spool until it does");
                        false
                    }
                    Err(error) => return Err(error).context(UNFIT),
                };
                let log = Arc::clone(&kafka) as Arc<dyn EventLog>;
                let spool = Spool::open(log, spool.clone(), log_clock(clock)).await.context("the spool can't be opened (log.spool)")?;
                Ok(Self::Kafka { kafka, spool: Some(Arc::new(spool)), fits: Arc::new(fits.into()) })
            }
        }
    }

    pub(super) fn events(&self) -> Arc<dyn EventLog> {
        match self {
            Self::Embedded(log) => Arc::clone(log) as Arc<dyn EventLog>,
            Self::Kafka { spool: Some(spool), .. } => Arc::clone(spool) as Arc<dyn EventLog>,
            Self::Kafka { kafka, .. } => Arc::clone(kafka) as Arc<dyn EventLog>,
        }
    }

    /// Which work is this process's own: all of it on the embedded log.
    pub(super) fn jobs(&self) -> Option<Arc<dyn Jobs>> {
        match self {
            Self::Embedded(_) => None,
            Self::Kafka { kafka, .. } => Some(Arc::clone(kafka) as Arc<dyn Jobs>),
        }
    }

    /// What the last aggregator of this process leaves in it.
    pub(super) const fn at_end(&self) -> AtEnd {
        match self {
            Self::Embedded(_) => AtEnd::Drain,
            Self::Kafka { .. } => AtEnd::Leave,
        }
    }

    /// Deletes what is past its retention at `now`; Kafka does so by itself, and is looked at if it did not answer at
    /// the start.
    pub(super) async fn look_after(&self, now: Timestamp) -> Result<(), LogError> {
        match self {
            Self::Embedded(log) => {
                let log = Arc::clone(log);
                tokio::task::spawn_blocking(move || log.retain(now)).await.map_err(|_| LogError::Closed)?.map(drop)
            }
            Self::Kafka { fits, .. } if fits.load(Ordering::Relaxed) => Ok(()),
            Self::Kafka { kafka, fits, .. } => match kafka.check().await {
                // The spool takes what comes meanwhile.
                Err(LogError::Unavailable { .. }) => Ok(()),
                checked => {
                    fits.store(checked.is_ok(), Ordering::Relaxed);
                    checked
                }
            },
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Embedded(log) => log.close(),
            Self::Kafka { kafka, spool, .. } => {
                if let Some(spool) = spool {
                    spool.close().await;
                }
                kafka.close().await;
            }
        }
    }
}

/// Opens the store; waits while ClickHouse does not answer.
pub(super) async fn open_store(config: &config::Store, clock: &Clock, shutdown: &Shutdown) -> Result<Arc<dyn Store>> {
    match config {
        config::Store::Embedded(config) => {
            let now = Timestamp::from_ms(clock.now_ms());
            Ok(Arc::new(EmbeddedStore::open(config.clone(), now).context("the store can't be opened")?))
        }
        config::Store::ClickHouse(config) => {
            let passing = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
            let open = || ClickHouseStore::open(config.clone());
            Ok(Arc::new(once_there("ClickHouse", shutdown, open, passing).await.context("the store does not fit (store.clickhouse)")?))
        }
    }
}

/// What `ask` answers, once it is no longer a `passing` error.
async fn once_there<T, E, F>(server: &str, shutdown: &Shutdown, ask: impl Fn() -> F, passing: impl Fn(&E) -> bool) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
    F: Future<Output = Result<T, E>>,
{
    let mut pace = Pace::new(ASK_INTERVAL, shutdown.begun());
    while pace.next().await {
        match ask().await {
            Ok(there) => return Ok(there),
            Err(error) if passing(&error) => tracing::warn!(error = error_chain(&error), "{server} does not answer: asking again"),
            Err(error) => return Err(error.into()),
        }
    }
    bail!("asked to stop before {server} answered")
}

fn error_chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn log_clock(clock: &Clock) -> event_log::embedded::Clock {
    let (clock, since_start) = (clock.clone(), Stopwatch::start());
    event_log::embedded::Clock::new(move || Timestamp::from_ms(clock.now_ms()), move || since_start.elapsed())
}
