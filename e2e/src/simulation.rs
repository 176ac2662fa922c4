//! All rooms of one process under a clock that the test turns: three weeks go by in a minute or two.
//!
//! Traffic goes the way of every beacon (intake, log, fold, store), without HTTP. Detection and alerts are
//! asked once for each simulated minute, as if their clocks had ticked.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use aggregator::{
    config::Limits,
    detect::{Thresholds, watcher::Watcher},
};
use alerts::{config::WebhookConfig, lifecycle::Policy};
use axum::{Json, Router, http::StatusCode, routing::post};
use event_log::{EventLog, embedded::Embedded};
use generator::{Stream, Traffic};
use ingest::{
    config::{AppPolicy, EdgeHeaders, Origins},
    enrich::Edge,
    intake::{Accepted, Intake, Request},
    route::RouteRules,
};
use schemas::{
    app::{App, AppId},
    dimension::DimensionName,
    flag::Flag,
    time::{Minute, MinuteRange, Timestamp},
};
use serde_json::Value;
use service::{clock::Clock, health::Health};
use store::{
    Store,
    embedded::{EmbeddedStore, config::Config as StoreConfig},
};
use tokio::{net::TcpListener, task::JoinSet};

use crate::server::{APP, KEY};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How long after its end a minute is tested.
const SETTLE: Duration = Duration::from_secs(30);
/// Records that wait for the disk at once.
const APPENDS_AT_ONCE: usize = 512;
/// Repeated beacons come seconds to minutes after the first.
const DUPLICATE_WINDOW: u64 = 4_096;

/// The rooms, and what time it is.
pub struct Simulation {
    clock: Clock,
    app: App,
    intake: Intake,
    log: Arc<Embedded>,
    store: Arc<EmbeddedStore>,
    detection: Option<Watcher>,
    alerting: alerts::worker::Worker<EmbeddedStore>,
    told: Arc<Mutex<Vec<Value>>>,
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("now_ms", &self.clock.now_ms()).finish_non_exhaustive()
    }
}

/// The app's id.
pub fn app() -> AppId {
    AppId::new(APP).unwrap()
}

impl Simulation {
    /// Opens the rooms at `now` on what is in `dir`. Without `detection` no minute is ever tested.
    pub async fn open(dir: &Path, now: Timestamp, detection: bool) -> Self {
        let clock = Clock::manual(now.as_ms());
        let plan = DimensionName::new("plan").unwrap();
        let app = App::new(app(), vec![plan.clone()]);
        let raw = event_log::config::RawConfig { partitions: 1, replay_margin: DUPLICATE_WINDOW, ..Default::default() };
        let (turned, waited) = (clock.clone(), service::clock::Stopwatch::start());
        let log_clock = event_log::embedded::Clock::new(move || Timestamp::from_ms(turned.now_ms()), move || waited.elapsed());
        let log = Arc::new(Embedded::open(raw.check(dir).unwrap(), log_clock).unwrap());
        let kept = StoreConfig { minute_retention: 2 * DAY, ..StoreConfig::new(dir.join("store")) };
        let store = Arc::new(EmbeddedStore::open(kept, now).unwrap());
        let policy = AppPolicy {
            id: app.id.clone(),
            key: KEY.into(),
            origins: Origins::Any,
            routes: RouteRules::new([]).unwrap(),
            dimensions: vec![plan],
            metrics: BTreeMap::new(),
            lateness_max: 30 * DAY,
            reject_bots: true,
        };
        let config = ingest::config::Config {
            body_bytes_max: 131_072,
            events_max: 200,
            requests_max: 10_000,
            body_timeout: Duration::from_secs(10),
            route_spread: 1,
            edge_headers: EdgeHeaders::default(),
            apps: BTreeMap::from([(app.id.clone(), policy)]),
        };
        let (webhook, told) = webhook().await;
        let alerts = alerts::config::Config { policy: Policy::default(), webhook: Some(webhook) };
        Self {
            intake: Intake::new(Arc::new(config), log.clone() as Arc<dyn EventLog>),
            alerting: alerts::worker::Worker::new(store.clone(), vec![app.id.clone()], alerts).unwrap(),
            detection: detection.then(|| Watcher::new(store.clone(), vec![app.clone()], Thresholds::default(), SETTLE)),
            clock,
            app,
            log,
            store,
            told,
        }
    }

    /// Takes the deliveries of `stream` that are sent before `until`, and folds them. The stream goes on from there.
    pub async fn take(&self, stream: &mut std::iter::Peekable<Stream>, until: Timestamp) {
        let mut accepted = Vec::with_capacity(APPENDS_AT_ONCE);
        while let Some(delivery) = stream.next_if(|delivery| delivery.at < until) {
            let header = |wanted: &str| delivery.headers().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value);
            let body = delivery.body(delivery.made_at);
            let request = Request {
                body: &body,
                app: Some(APP),
                key: Some(KEY),
                user_agent: header("User-Agent"),
                edge: Edge { country: header("CF-IPCountry").to_owned(), ..Edge::default() },
                received: delivery.at,
                ..Request::default()
            };
            // What is refused is not kept, as ever.
            accepted.extend(self.intake.accept(&request));
            if accepted.len() == APPENDS_AT_ONCE {
                self.publish(&mut accepted).await;
            }
        }
        self.publish(&mut accepted).await;
        self.fold().await;
    }

    async fn publish(&self, accepted: &mut Vec<Accepted>) {
        let mut appends: JoinSet<_> = accepted
            .drain(..)
            .map(|one| {
                let intake = self.intake.clone();
                async move { intake.publish(one).await }
            })
            .collect();
        while let Some(appended) = appends.join_next().await {
            let (_, _receipt) = appended.unwrap().unwrap();
        }
    }

    /// Folds what the log has: a worker that is asked to stop finishes that first.
    async fn fold(&self) {
        let config = aggregator::config::Config {
            flush_interval: Duration::from_secs(1),
            flush_cells_max: 50_000,
            duplicate_window: DUPLICATE_WINDOW,
            limits: Limits::default(),
        };
        let (log, store) = (self.log.clone() as Arc<dyn EventLog>, self.store.clone() as Arc<dyn Store>);
        let part = Health::default().part("aggregator");
        let worker = aggregator::worker::Worker::new(log, store, vec![self.app.clone()], config, self.clock.clone(), part);
        worker.run(std::future::ready(())).await.unwrap();
    }

    /// Lets time go by to `to`: each minute's traffic is taken, and once it has settled it is tested and told of.
    pub async fn live(&mut self, stream: &mut std::iter::Peekable<Stream>, to: Timestamp) {
        let now = Timestamp::from_ms(self.clock.now_ms());
        for minute in MinuteRange::new(now.minute(), to.minute()).minutes() {
            let looked = minute.end().plus(SETTLE);
            self.take(stream, looked).await;
            self.clock.set_ms(looked.as_ms());
            if let Some(watcher) = &mut self.detection {
                watcher.advance(looked).await.unwrap();
            }
            self.alerting.step(looked).await.unwrap();
            self.clock.set_ms(minute.end().as_ms());
        }
    }

    /// The flags of the minutes in `range`.
    pub async fn flags(&self, range: MinuteRange) -> Vec<Flag> {
        self.store.flags(&self.app.id, range).await.unwrap()
    }

    /// The last minute that was tested.
    pub async fn tested(&self) -> Option<Minute> {
        self.store.tested(&self.app.id).await.unwrap()
    }

    /// What the webhook was told, in order.
    pub fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap().clone()
    }
}

/// A webhook that keeps what it is told.
async fn webhook() -> (WebhookConfig, Arc<Mutex<Vec<Value>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let take = move |Json(body): Json<Value>| {
        kept.lock().unwrap().push(body);
        async { StatusCode::NO_CONTENT }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/told", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/told", post(take))).await.unwrap() });
    let (timeout, give_up_after) = (Duration::from_secs(10), DAY);
    (WebhookConfig { url, dashboard_url: "http://127.0.0.1:7070".into(), timeout, give_up_after }, told)
}

/// The traffic of `days` before `until`, taken into a new folder below `parent`.
pub async fn history(parent: &Path, traffic: Traffic, days: u32, until: Timestamp) -> PathBuf {
    let dir = parent.join("history");
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    let simulation = Simulation::open(&dir, until, false).await;
    let mut stream = Stream::new(traffic, until.minus(DAY * days)..until, until).unwrap().peekable();
    for day in (0..days).rev() {
        simulation.take(&mut stream, until.minus(DAY * day)).await;
        simulation.store.upkeep(until).await.unwrap();
    }
    simulation.log.close();
    dir
}

/// Copies a folder with all that is in it.
///
/// # Errors
/// When a file can't be read or written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() { copy(&entry.path(), &target)? } else { _ = fs::copy(entry.path(), target)? }
    }
    Ok(())
}

/// `minutes` after `from`.
pub fn after(from: Timestamp, minutes: u32) -> Timestamp {
    from.plus(MINUTE * minutes)
}
