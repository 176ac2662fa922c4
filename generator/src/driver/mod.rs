//! The driver: sends a stream of deliveries to an intake over HTTP, each until it is answered for good,
//! and keeps the truth about those that were acknowledged.

mod answer;
mod connection;
mod courier;
mod dispatch;
mod ledger;
mod shared;
pub mod summary;

use std::{sync::Arc, time::Duration};

use schemas::time::Timestamp;
use service::{clock::Clock, shutdown::Shutdown};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::MissedTickBehavior,
};

pub use self::summary::{Progress, Summary};
use self::{connection::Target, dispatch::Pace, shared::Shared, summary::Reporter};
use crate::{
    options::{Mode, Options, OptionsError},
    stream::Stream,
    truth::{Truth, TruthFileError},
};

/// How often progress is reported.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// How far before its start a live run looks for visits that still go on.
const LEAD: Duration = Duration::from_secs(1_800);
/// How long a stream may be that ends by its number of page views.
const ENDLESS: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Why a run failed. That the intake was out of reach for too long is no failure of the run: see
/// [`Summary::gave_up`].
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error("the truth can't be written to {path}: {source}")]
    Truth { path: String, source: TruthFileError },
}

/// Sends what `options` say until it is done or `shutdown` begins, reporting progress to the log.
///
/// # Errors
/// When an option makes no sense, or the truth can't be written.
pub async fn run(options: Options, shutdown: Shutdown) -> Result<Summary, RunError> {
    run_reporting(options, shutdown, |progress| tracing::info!("{progress}")).await
}

/// The same, reporting progress to `report` once a second.
///
/// # Errors
/// When an option makes no sense, or the truth can't be written.
pub async fn run_reporting(options: Options, shutdown: Shutdown, mut report: impl FnMut(&Progress)) -> Result<Summary, RunError> {
    let clock = Clock::system();
    let now = Timestamp::from_ms(clock.now_ms());
    options.check(now)?;
    let target = Target::parse(&options.url)?;
    let (stream, pace) = plan(&options, now)?;

    let truth = Truth::new(options.traffic.app.clone(), &options.truth_options);
    let shared = Arc::new(Shared::new(&options, target, clock, truth));
    let mut reporter = Reporter::start();
    let (to_couriers, from_dispatch) = mpsc::channel(2 * options.connections);
    let from_dispatch = Arc::new(Mutex::new(from_dispatch));
    let mut couriers: JoinSet<()> =
        (0..options.connections).map(|_| courier::work(Arc::clone(&shared), Arc::clone(&from_dispatch))).collect();

    let mut dispatch = std::pin::pin!(dispatch::run(stream, pace, Arc::clone(&shared), to_couriers));
    let mut ticks = tokio::time::interval(REPORT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut dispatching, mut stopping) = (true, false);
    // The channel closes when dispatching ends, and then the couriers leave one by one.
    while dispatching || !couriers.is_empty() {
        tokio::select! {
            () = &mut dispatch, if dispatching => dispatching = false,
            Some(left) = couriers.join_next() => left.expect("a courier doesn't panic"),
            () = shutdown.begun(), if !stopping => {
                stopping = true;
                shared.stop.begin();
            }
            _ = ticks.tick() => report(&reporter.progress(&shared)),
        }
    }
    report(&reporter.progress(&shared));
    finish(&options, &shared, &reporter)
}

/// The stream and the pace that `options` ask for.
fn plan(options: &Options, now: Timestamp) -> Result<(Stream, Pace), OptionsError> {
    let mut traffic = options.traffic.clone();
    let planned = match options.mode {
        Mode::Live { from, duration } => {
            let (from, until) = (from.unwrap_or(now), duration.map(|duration| now.plus(duration)));
            let stream = Stream::new(traffic, from.minus(LEAD)..until.unwrap_or(now.plus(ENDLESS)), now)?;
            (stream, Pace::Live { from, until })
        }
        Mode::History { span, until } => {
            let until = until.unwrap_or(now);
            // Those count when they are received, and so not in the past.
            traffic.rates.bare = 0.0;
            let from = until.minus(span);
            (Stream::new(traffic, from..until, until)?, Pace::History { from, until })
        }
        Mode::Count { page_views } => {
            let stream = Stream::new(traffic, now..now.plus(ENDLESS), now)?.at_most(page_views);
            (stream, Pace::Now { page_views })
        }
    };
    Ok(planned)
}

fn finish(options: &Options, shared: &Shared, reporter: &Reporter) -> Result<Summary, RunError> {
    let summary = reporter.summary(shared);
    if let Some(path) = &options.truth {
        summary.truth.save(path).map_err(|source| RunError::Truth { path: path.display().to_string(), source })?;
    }
    Ok(summary)
}
