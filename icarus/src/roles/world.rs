//! The log and the store of a process, whichever engines they run on.

use std::{future::Future, sync::Arc, time::Duration};

use aggregator::worker::AtEnd;
use anyhow::{Context, Result, bail};
use event_log::{EventLog, LogError, embedded::Embedded, kafka::Kafka};
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

/// Where records go.
#[derive(Clone)]
pub(super) enum Log {
    Embedded(Arc<Embedded>),
    Kafka(Arc<Kafka>),
}

impl Log {
    /// Opens the log; waits while Kafka does not answer.
    pub(super) async fn open(config: &config::Log, clock: &Clock, shutdown: &Shutdown) -> Result<Self> {
        match config {
            config::Log::Embedded(config) => {
                let log = Embedded::open(config.clone(), log_clock(clock)).context("the log can't be opened")?;
                Ok(Self::Embedded(Arc::new(log)))
            }
            config::Log::Kafka(config) => {
                let log = Kafka::connect(config.clone()).context("the log can't be opened")?;
                let passing = |error: &LogError| matches!(error, LogError::Unavailable { .. });
                once_there("Kafka", shutdown, || log.check(), passing).await.context("the log does not fit (log.kafka)")?;
                Ok(Self::Kafka(Arc::new(log)))
            }
        }
    }

    pub(super) fn events(&self) -> Arc<dyn EventLog> {
        match self {
            Self::Embedded(log) => Arc::clone(log) as Arc<dyn EventLog>,
            Self::Kafka(log) => Arc::clone(log) as Arc<dyn EventLog>,
        }
    }

    /// What the last aggregator of this process leaves in it.
    pub(super) const fn at_end(&self) -> AtEnd {
        match self {
            Self::Embedded(_) => AtEnd::Drain,
            Self::Kafka(_) => AtEnd::Leave,
        }
    }

    /// Deletes what is past its retention at `now`; Kafka does so by itself.
    pub(super) async fn retain(&self, now: Timestamp) -> Result<(), LogError> {
        let Self::Embedded(log) = self else { return Ok(()) };
        let log = Arc::clone(log);
        tokio::task::spawn_blocking(move || log.retain(now)).await.map_err(|_| LogError::Closed)?.map(drop)
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Embedded(log) => log.close(),
            Self::Kafka(log) => log.close().await,
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
