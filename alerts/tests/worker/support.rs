//! A real store and a real webhook to work with.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use alerts::{
    config::{Config, WebhookConfig},
    lifecycle::Policy,
    worker::Worker,
};
use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use schemas::{
    app::AppId,
    flag::{Flag, Rule},
    metric::{Metric, MetricName},
    series::{Group, Series},
    time::{Minute, MinuteRange, Timestamp},
    unit::Unit,
};
use serde_json::Value;
use store::{
    Store,
    embedded::{self, EmbeddedStore},
};
use tokio::sync::{Semaphore, watch};

pub(crate) const START: Minute = Minute(29_395_320);

/// A webhook that keeps what it was told, and fails the first `failures` times.
pub(crate) struct Hook {
    pub(crate) told: Arc<Mutex<Vec<Value>>>,
    pub(crate) failures: Arc<AtomicUsize>,
    /// The keys of all requests, of those too that were not answered.
    asked: watch::Receiver<Vec<String>>,
    gate: Arc<Semaphore>,
    url: String,
}

impl Hook {
    pub(crate) async fn start() -> Self {
        let hook = Self::silent().await;
        hook.answer();
        hook
    }

    /// One that answers nobody until it is told to.
    pub(crate) async fn silent() -> Self {
        let (told, failures) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (gate, (asking, asked)) = (Arc::new(Semaphore::new(0)), watch::channel(Vec::new()));
        let state = (Arc::clone(&told), Arc::clone(&failures), Arc::clone(&gate), Arc::new(asking));
        let take = move |headers: HeaderMap, Json(body): Json<Value>| {
            let (told, failures, gate, asking) = state.clone();
            async move {
                asking.send_modify(|asked| asked.push(headers["idempotency-key"].to_str().unwrap().to_owned()));
                let _open = gate.acquire().await.unwrap();
                if failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    return StatusCode::SERVICE_UNAVAILABLE;
                }
                told.lock().unwrap().push(body);
                StatusCode::NO_CONTENT
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(take))).await.unwrap() });
        Self { told, failures, asked, gate, url }
    }

    pub(crate) fn answer(&self) {
        self.gate.add_permits(1);
    }

    pub(crate) fn statuses(&self) -> Vec<String> {
        self.told.lock().unwrap().iter().map(|body| body["status"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits for so many requests, and gives their keys.
    pub(crate) async fn asked(&self, requests: usize) -> Vec<String> {
        let mut asked = self.asked.clone();
        asked.wait_for(|asked| asked.len() >= requests).await.unwrap().clone()
    }
}

pub(crate) fn shop() -> AppId {
    AppId::new("shop").unwrap()
}

pub(crate) fn worker(store: &Arc<EmbeddedStore>, hook: &Hook) -> Worker<EmbeddedStore> {
    let webhook = WebhookConfig {
        url: hook.url.clone(),
        dashboard_url: "http://localhost:7070".into(),
        timeout: Duration::from_secs(5),
        give_up_after: Duration::from_secs(3_600),
    };
    Worker::new(Arc::clone(store), vec![shop()], Config { policy: Policy::default(), webhook: Some(webhook) }).unwrap()
}

pub(crate) fn open(dir: &tempfile::TempDir) -> Arc<EmbeddedStore> {
    Arc::new(EmbeddedStore::open(embedded::config::Config::new(dir.path().to_owned()), START.start()).unwrap())
}

pub(crate) async fn tested(store: &EmbeddedStore, minute: Minute, flagged: bool) {
    let group = Group { app: shop(), cuboid: "route".parse().unwrap(), values: ["/checkout".into()].into() };
    let flag = Flag {
        series: Series { metric: Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration }, group },
        window: MinuteRange::new(minute, minute.plus(1)),
        rule: Rule::Shift,
        observed: 4_000.0,
        expected: 2_000.0,
        effect: 1.0,
        n: 100,
        p_value: 1e-9,
    };
    store.write_flags(&shop(), minute, if flagged { std::slice::from_ref(&flag) } else { &[] }).await.unwrap();
}

pub(crate) fn at(minute: u32) -> Timestamp {
    START.plus(minute + 1).start()
}
