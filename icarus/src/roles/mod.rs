//! `icarus serve`, with all roles in one process, and `icarus ingest`, `aggregator`, `alerts` and `api`, with one.

mod audit;
mod sharing;
mod upkeep;
mod world;

use std::{future::Future, sync::Arc, thread};

use aggregator::{
    detect::watcher::{self, Watcher},
    worker,
};
use anyhow::{Context, Result, anyhow};
use api::ApiState;
use axum::Router;
use ingest::{
    intake::Intake,
    router::{IntakeState, router as intake_router},
};
use schemas::app::{App, AppId};
use service::{
    clock::Clock,
    health::Health,
    logging,
    metrics::{Recorder, SelfMetric, describe},
    server,
    shares::Shares,
    shutdown::Shutdown,
};
use store::Store;
use tokio::{net::TcpListener, task::JoinHandle};

use self::{
    audit::Audit,
    sharing::share,
    upkeep::Upkeep,
    world::{Log, open_store},
};
use crate::{
    assets,
    cli::ServeArgs,
    config::{self, Config},
    metrics,
};

const SELF_METRICS: [&[SelfMetric]; 5] =
    [&ingest::metrics::ALL, &aggregator::metrics::ALL, &alerts::metrics::ALL, &api::metrics::ALL, &metrics::ALL];

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    All,
    Ingest,
    Aggregator,
    Alerts,
    Api,
}

impl Role {
    /// As the command line calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::All => "serve",
            Self::Ingest => "ingest",
            Self::Aggregator => "aggregator",
            Self::Alerts => "alerts",
            Self::Api => "api",
        }
    }

    /// Whether the process does `work`, which is a role itself.
    fn does(self, work: Self) -> bool {
        self == Self::All || self == work
    }

    const fn needs_log(self) -> bool {
        !matches!(self, Self::Api)
    }

    const fn needs_store(self) -> bool {
        !matches!(self, Self::Ingest)
    }

    /// Why the role can't run alone on what is configured, with the remedy.
    fn unfit(self, config: &Config) -> Option<&'static str> {
        let (log, store) = (matches!(config.log, config::Log::Embedded(_)), matches!(config.store, config::Store::Embedded(_)));
        match self {
            Self::All => None,
            _ if self.needs_log() && log => {
                Some("the embedded log belongs to one process: run `icarus serve`, or set log.engine = \"kafka\"")
            }
            _ if self.needs_store() && store => {
                Some("the embedded store belongs to one process: run `icarus serve`, or set store.engine = \"clickhouse\"")
            }
            _ => None,
        }
    }
}

/// Runs until a signal asks to stop.
pub(crate) fn run(role: Role, args: &ServeArgs) -> Result<()> {
    let config = config::check(&config::merge(args.file.config.clone(), args.flags())?)?;
    if let Some(why) = role.unfit(&config) {
        return Err(anyhow!("`icarus {}` can't run: {why}", role.name()));
    }
    logging::init(config.log_format, &config.log_level)?;
    tokio::runtime::Runtime::new().context("the runtime can't be started")?.block_on(serve(role, config))
}

/// The rooms of one process.
struct House {
    role: Role,
    config: Config,
    clock: Clock,
    health: Health,
    /// Of a role that needs it.
    log: Option<Log>,
    store: Option<Arc<dyn Store>>,
    /// Asked for by a signal, or by a part that can't go on.
    shutdown: Shutdown,
    /// Begins once no beacon is being taken any more.
    intake_ended: Shutdown,
}

async fn serve(role: Role, config: Config) -> Result<()> {
    let recorder = Recorder::global();
    SELF_METRICS.into_iter().for_each(describe);
    event_log::metrics::describe();
    let shutdown = Shutdown::new();
    shutdown.on_signal().context("signals can't be received")?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("{} can't be listened on: set server.listen or --listen", config.listen))?;
    let house = House::open(role, config, shutdown).await?;

    let (mut router, mut parts) = (server::router(house.health.clone(), recorder), Vec::new());
    if role.does(Role::Ingest) {
        let (intake, told) = house.take()?;
        router = router.merge(intake);
        parts.push(told);
    }
    let folding = role.does(Role::Aggregator).then(|| house.fold()).transpose()?;
    if role.does(Role::Aggregator) {
        parts.extend(house.watch()?);
    }
    if role.does(Role::Alerts) {
        parts.extend(house.alert()?);
    }
    if role.does(Role::Api) {
        router = router.merge(house.answer()?).fallback(assets::serve);
    }
    parts.push(house.look_after());

    tracing::info!(role = role.name(), address = %listener.local_addr()?, apps = house.config.apps.len(), "icarus serves");
    if house.config.apps.is_empty() {
        tracing::warn!(
            "no app is configured: every beacon is refused until one is added as [apps.<id>]; `icarus config default` shows how"
        );
    }
    server::run(listener, router, begun(&house.shutdown), house.config.shutdown_grace).await.context("the server failed")?;

    // What was acknowledged is folded and written before the process ends.
    house.shutdown.begin();
    house.intake_ended.begin();
    let folded = match folding {
        Some(folding) => {
            tokio::task::spawn_blocking(move || folding.join().unwrap_or_else(|_| Err(anyhow!("the aggregator died")))).await?
        }
        None => Ok(()),
    };
    for part in parts {
        part.await.context("a part died")?;
    }
    if let Some(log) = &house.log {
        log.close().await;
    }
    tracing::info!("icarus has stopped");
    folded
}

fn begun(shutdown: &Shutdown) -> impl Future<Output = ()> + Send + 'static {
    let shutdown = shutdown.clone();
    async move { shutdown.begun().await }
}

impl House {
    async fn open(role: Role, config: Config, shutdown: Shutdown) -> Result<Self> {
        let clock = Clock::system();
        let log = if role.needs_log() { Some(Log::open(&config.log, role.does(Role::Ingest), &clock, &shutdown).await?) } else { None };
        let store = if role.needs_store() { Some(open_store(&config.store, &clock, &shutdown).await?) } else { None };
        Ok(Self { role, config, clock, health: Health::default(), log, store, shutdown, intake_ended: Shutdown::new() })
    }

    fn log(&self) -> Result<&Log> {
        self.log.as_ref().with_context(|| format!("`icarus {}` has no log", self.role.name()))
    }

    fn store(&self) -> Result<Arc<dyn Store>> {
        self.store.clone().with_context(|| format!("`icarus {}` has no store", self.role.name()))
    }

    fn apps(&self) -> Vec<App> {
        self.config.apps.iter().map(|app| app.app.clone()).collect()
    }

    /// The intake's routes, and the task that tells the log of refused requests.
    fn take(&self) -> Result<(Router, JoinHandle<()>)> {
        let log = self.log()?.events();
        let intake = IntakeState::new(Intake::new(Arc::new(self.config.ingest.clone()), Arc::clone(&log)), self.clock.clone());
        let told = self.spawn(intake.clone().tell_refusals(log, begun(&self.intake_ended)));
        Ok((intake_router(intake, assets::sdk()), told))
    }

    /// The aggregator has a thread of its own: folding is work, and must not make requests wait.
    fn fold(&self) -> Result<thread::JoinHandle<Result<()>>> {
        let log = self.log()?;
        let worker = worker::Worker::new(
            log.events(),
            self.store()?,
            self.apps(),
            self.config.aggregator.clone(),
            self.clock.clone(),
            self.health.part("aggregator"),
        );
        let worker = worker.at_end(log.at_end());
        let (intake_ended, ends) = (begun(&self.intake_ended), self.shutdown.ends_with());
        let folding = move || {
            let _ends = ends;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let ended = runtime.block_on(worker.run(intake_ended)).context("the aggregator can't go on");
            if let Err(error) = &ended {
                tracing::error!(error = format!("{error:#}"), "stopping: the aggregator can't go on");
            }
            ended
        };
        thread::Builder::new().name("aggregator".to_owned()).spawn(folding).context("the aggregator can't be started")
    }

    /// Detection, and the audit: both are shared among the aggregators.
    fn watch(&self) -> Result<Vec<JoinHandle<()>>> {
        let (shares, mut parts) = self.share(watcher::JOB)?;
        let audit = Audit { store: self.store()?, shares: shares.clone(), minutes: self.config.retention.minutes };
        parts.push(self.spawn(audit.run(self.clock.clone(), self.health.part("audit"), begun(&self.shutdown))));
        if let Some(detection) = self.config.detection.clone() {
            let watcher = Watcher::new(self.store()?, self.apps(), detection.thresholds, detection.settle).sharing(shares);
            parts.push(self.spawn(watcher.run(self.clock.clone(), self.health.part("detection"), begun(&self.shutdown))));
        }
        Ok(parts)
    }

    fn alert(&self) -> Result<Vec<JoinHandle<()>>> {
        let (shares, mut parts) = self.share(alerts::worker::JOB)?;
        let apps: Vec<AppId> = self.config.apps.iter().map(|app| app.app.id.clone()).collect();
        let worker = alerts::worker::Worker::new(self.store()?, apps, self.config.alerts.clone())
            .context("the alerts' HTTP client can't be made")?
            .sharing(shares);
        parts.push(self.spawn(worker.run(self.clock.clone(), self.health.part("alerts"), begun(&self.shutdown))));
        Ok(parts)
    }

    /// This process's shares of a job, and the task that keeps them.
    fn share(&self, job: &'static str) -> Result<(Shares, Vec<JoinHandle<()>>)> {
        let Some(jobs) = self.log()?.jobs() else { return Ok((Shares::all(), Vec::new())) };
        let (shares, keep) = share(jobs, job, begun(&self.shutdown));
        Ok((shares, vec![self.spawn(keep)]))
    }

    /// The API's routes.
    fn answer(&self) -> Result<Router> {
        let known = self.config.apps.iter().map(|app| app.known.clone()).collect();
        Ok(api::router::router(ApiState::new(self.store()?, known, self.config.retention, self.clock.clone())))
    }

    fn look_after(&self) -> JoinHandle<()> {
        let upkeep = Upkeep {
            log: self.log.clone().map(|log| (log, self.health.part("log"))),
            store: self.store.clone().map(|store| (store, self.health.part("store"))),
        };
        self.spawn(upkeep.run(self.clock.clone(), begun(&self.shutdown)))
    }

    /// Runs a part of the process, which stops when the part does, were it by a panic.
    fn spawn(&self, part: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let ends = self.shutdown.ends_with();
        tokio::spawn(async move {
            let _ends = ends;
            part.await;
        })
    }
}
