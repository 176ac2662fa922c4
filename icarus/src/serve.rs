//! `icarus serve`: all roles in one process, on the embedded log and store.

use std::{future::Future, sync::Arc, thread, time::Duration};

use anyhow::{Context, Result, anyhow};
use api::{ApiState, Retention};
use axum::Router;
use event_log::{EventLog, embedded::Embedded};
use ingest::{
    intake::Intake,
    router::{IntakeState, router as intake_router},
};
use schemas::{
    app::{App, AppId},
    time::Timestamp,
};
use service::{
    clock::{Clock, Stopwatch},
    health::{Health, Part},
    logging,
    metrics::{Recorder, SelfMetric, describe},
    pace::Pace,
    server,
    shutdown::Shutdown,
};
use store::{Store, embedded::EmbeddedStore};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    assets,
    cli::ServeArgs,
    config::{self, Config},
    metrics,
};

/// How often the log and the store are looked after.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(30);

const SELF_METRICS: [&[SelfMetric]; 5] =
    [&ingest::metrics::ALL, &aggregator::metrics::ALL, &alerts::metrics::ALL, &api::metrics::ALL, &metrics::ALL];

/// Runs until a signal asks to stop.
pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let config = config::check(&config::merge(args.file.config.clone(), args.flags())?)?;
    logging::init(config.log_format, &config.log_level)?;
    tokio::runtime::Runtime::new().context("the runtime can't be started")?.block_on(serve(config))
}

/// The rooms of one process.
struct House {
    clock: Clock,
    health: Health,
    log: Arc<Embedded>,
    store: Arc<EmbeddedStore>,
    /// Asked for by a signal, or by a part that can't go on.
    shutdown: Shutdown,
    /// Begins once no beacon is being taken any more.
    intake_ended: Shutdown,
}

async fn serve(config: Config) -> Result<()> {
    let recorder = Recorder::global();
    SELF_METRICS.into_iter().for_each(describe);
    event_log::metrics::describe();
    let house = House::open(&config)?;
    house.shutdown.on_signal().context("signals can't be received")?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("{} can't be listened on: set server.listen or --listen", config.listen))?;

    let intake =
        IntakeState::new(Intake::new(Arc::new(config.ingest.clone()), house.log.clone() as Arc<dyn EventLog>), house.clock.clone());
    let told = tokio::spawn(intake.clone().tell_refusals(house.log.clone(), begun(&house.intake_ended)));
    let folding = house.fold(&config)?;
    let watching = house.watch(&config);
    let alerting = house.alert(&config)?;
    let upkeep = house.upkeep();
    let router = house.router(&config, intake, recorder);

    tracing::info!(address = %listener.local_addr()?, apps = config.apps.len(), "icarus serves");
    if config.apps.is_empty() {
        tracing::warn!(
            "no app is configured: every beacon is refused until one is added as [apps.<id>]; `icarus config default` shows how"
        );
    }
    server::run(listener, router, begun(&house.shutdown), config.shutdown_grace).await.context("the server failed")?;

    // What was acknowledged is folded and written before the process ends.
    house.shutdown.begin();
    house.intake_ended.begin();
    told.await.context("refused requests could not be told")?;
    let folded = tokio::task::spawn_blocking(move || folding.join().unwrap_or_else(|_| Err(anyhow!("the aggregator died")))).await?;
    for part in watching.into_iter().chain([alerting, upkeep]) {
        part.await.context("a part died")?;
    }
    house.log.close();
    tracing::info!("icarus has stopped");
    folded
}

fn begun(shutdown: &Shutdown) -> impl Future<Output = ()> + Send + 'static {
    let shutdown = shutdown.clone();
    async move { shutdown.begun().await }
}

impl House {
    fn open(config: &Config) -> Result<Self> {
        let (clock, health) = (Clock::system(), Health::default());
        let log = Embedded::open(config.log.clone(), log_clock(&clock)).context("the log can't be opened")?;
        let store = EmbeddedStore::open(config.store.clone(), Timestamp::from_ms(clock.now_ms())).context("the store can't be opened")?;
        Ok(Self { clock, health, log: Arc::new(log), store: Arc::new(store), shutdown: Shutdown::new(), intake_ended: Shutdown::new() })
    }

    /// The aggregator has a thread of its own: folding is work, and must not make requests wait.
    fn fold(&self, config: &Config) -> Result<thread::JoinHandle<Result<()>>> {
        let worker = aggregator::worker::Worker::new(
            self.log.clone(),
            self.store.clone(),
            apps(config),
            config.aggregator.clone(),
            self.clock.clone(),
            self.health.part("aggregator"),
        );
        let (intake_ended, ends) = (begun(&self.intake_ended), self.shutdown.ends_with());
        let folding = move || {
            let _ends = ends;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let ended = runtime.block_on(worker.run(intake_ended)).context("the aggregator can't go on");
            if let Err(error) = &ended {
                tracing::error!(error = format!("{error:#}"), "stopping: the aggregator can't go on");
            }
            ended
        };
        thread::Builder::new().name("aggregator".to_owned()).spawn(folding).context("the aggregator can't be started")
    }

    fn watch(&self, config: &Config) -> Option<JoinHandle<()>> {
        let detection = config.detection.clone()?;
        let watcher = aggregator::detect::watcher::Watcher::new(self.store.clone(), apps(config), detection.thresholds, detection.settle);
        Some(self.spawn(watcher.run(self.clock.clone(), self.health.part("detection"), begun(&self.shutdown))))
    }

    fn alert(&self, config: &Config) -> Result<JoinHandle<()>> {
        let apps: Vec<AppId> = config.apps.iter().map(|app| app.app.id.clone()).collect();
        let worker = alerts::worker::Worker::new(self.store.clone(), apps, config.alerts.clone())
            .context("the alerts' HTTP client can't be made")?;
        Ok(self.spawn(worker.run(self.clock.clone(), self.health.part("alerts"), begun(&self.shutdown))))
    }

    fn upkeep(&self) -> JoinHandle<()> {
        let (log_part, store_part) = (self.health.part("log"), self.health.part("store"));
        let (log, store, clock) = (self.log.clone(), self.store.clone(), self.clock.clone());
        let mut pace = Pace::new(UPKEEP_INTERVAL, begun(&self.shutdown));
        self.spawn(async move {
            while pace.next().await {
                let now = Timestamp::from_ms(clock.now_ms());
                look_after_log(&log, now, &log_part).await;
                look_after_store(&*store, now, &store_part).await;
            }
        })
    }

    /// Runs a part of the process, which stops when the part does, were it by a panic.
    fn spawn(&self, part: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let ends = self.shutdown.ends_with();
        tokio::spawn(async move {
            let _ends = ends;
            part.await;
        })
    }

    fn router(&self, config: &Config, intake: IntakeState, recorder: Recorder) -> Router {
        let retention = Retention { minutes: config.store.minute_retention, hours: config.store.hour_retention };
        let known = config.apps.iter().map(|app| app.known.clone()).collect();
        let api = ApiState::new(self.store.clone(), known, retention, self.clock.clone());
        intake_router(intake, assets::sdk())
            .merge(api::router::router(api))
            .merge(server::router(self.health.clone(), recorder))
            .fallback(assets::serve)
    }
}

fn apps(config: &Config) -> Vec<App> {
    config.apps.iter().map(|app| app.app.clone()).collect()
}

fn log_clock(clock: &Clock) -> event_log::embedded::Clock {
    let (clock, since_start) = (clock.clone(), Stopwatch::start());
    event_log::embedded::Clock::new(move || Timestamp::from_ms(clock.now_ms()), move || since_start.elapsed())
}

async fn look_after_log(log: &Arc<Embedded>, now: Timestamp, part: &Part) {
    let retained = {
        let log = Arc::clone(log);
        tokio::task::spawn_blocking(move || log.retain(now)).await
    };
    match (log.failing(), retained) {
        (Some(why), _) => part.failing(why),
        (None, Ok(Ok(_))) => part.ready(),
        (None, Ok(Err(error))) => part.failing(error.to_string()),
        (None, Err(error)) => part.failing(error.to_string()),
    }
}

async fn look_after_store(store: &dyn Store, now: Timestamp, part: &Part) {
    match store.upkeep(now).await {
        Ok(done) => {
            if done.expired > 0 {
                tracing::info!(stretches = done.expired, "rollups past their retention were deleted");
            }
            if done.evicted > 0 {
                tracing::warn!(
                    stretches = done.evicted,
                    "rollups were deleted early: raise store.disk_bytes_max, or shorten store.minute_retention"
                );
            }
            ::metrics::counter!(metrics::STORE_EVICTED).increment(u64::from(done.evicted));
            part.ready();
        }
        Err(error) => {
            tracing::error!(%error, "the store could not be looked after");
            part.failing(error.to_string());
        }
    }
    if let Ok(size) = store.size().await {
        for (name, value) in [
            (metrics::STORE_DISK_BYTES, size.disk_bytes),
            (metrics::STORE_GROUPS, size.groups),
            (metrics::STORE_SERIES_MINUTES, size.series_minutes),
        ] {
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            ::metrics::gauge!(name).set(value as f64);
        }
    }
}
