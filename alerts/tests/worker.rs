//! The worker with a real store and a real webhook: once for each change, across failures and restarts.
#![expect(clippy::unwrap_used, reason = "a test")]

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
use axum::{Json, Router, http::StatusCode, routing::post};
use schemas::{
    alert::{AlertState, Delivery},
    app::AppId,
    flag::{Flag, Rule},
    metric::{Metric, MetricName},
    series::{Group, Series},
    time::{Minute, MinuteRange, Timestamp},
    unit::Unit,
};
use serde_json::Value;
use store::{
    AlertQuery, Store,
    embedded::{self, EmbeddedStore},
};

const START: Minute = Minute(29_395_320);

/// A webhook that keeps what it was told, and fails the first `failures` times.
struct Hook {
    told: Arc<Mutex<Vec<Value>>>,
    failures: Arc<AtomicUsize>,
    url: String,
}

impl Hook {
    async fn start() -> Self {
        let (told, failures) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let state = (Arc::clone(&told), Arc::clone(&failures));
        let take = move |Json(body): Json<Value>| {
            let (told, failures) = state.clone();
            async move {
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
        Self { told, failures, url }
    }

    fn statuses(&self) -> Vec<String> {
        self.told.lock().unwrap().iter().map(|body| body["status"].as_str().unwrap().to_owned()).collect()
    }
}

fn shop() -> AppId {
    AppId::new("shop").unwrap()
}

fn worker(store: &Arc<EmbeddedStore>, hook: &Hook) -> Worker<EmbeddedStore> {
    let webhook = WebhookConfig {
        url: hook.url.clone(),
        dashboard_url: "http://localhost:7070".into(),
        timeout: Duration::from_secs(5),
        give_up_after: Duration::from_secs(3_600),
    };
    Worker::new(Arc::clone(store), vec![shop()], Config { policy: Policy::default(), webhook: Some(webhook) }).unwrap()
}

fn open(dir: &tempfile::TempDir) -> Arc<EmbeddedStore> {
    Arc::new(EmbeddedStore::open(embedded::config::Config::new(dir.path().to_owned()), START.start()).unwrap())
}

async fn tested(store: &EmbeddedStore, minute: Minute, flagged: bool) {
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

fn at(minute: u32) -> Timestamp {
    START.plus(minute + 1).start()
}

#[tokio::test]
async fn an_incident_is_told_once_when_it_fires_and_once_when_it_is_over() {
    let (dir, hook) = (tempfile::tempdir().unwrap(), Hook::start().await);
    let store = open(&dir);
    let mut worker = worker(&store, &hook);
    for minute in 0..20 {
        tested(&store, START.plus(minute), (3..10).contains(&minute)).await;
        worker.step(at(minute)).await.unwrap();
        worker.step(at(minute)).await.unwrap();
    }
    assert_eq!(hook.statuses(), ["firing", "resolved"]);
    let told = hook.told.lock().unwrap()[0].clone();
    assert_eq!((&told["alert"]["slice"]["route"], &told["key"]), (&"/checkout".into(), &"shop-1-firing".into()));
    assert!(told["text"].as_str().unwrap().contains("slower") && told["url"].as_str().unwrap().ends_with("/apps/shop/alerts/1"), "{told}");
    let alerts = store.alerts(&AlertQuery::default()).await.unwrap();
    assert_eq!((alerts.len(), alerts[0].state), (1, AlertState::Resolved));
    assert!(matches!(alerts[0].changes[1].delivery, Delivery::Done { .. }));
}

#[tokio::test]
async fn a_restart_neither_forgets_a_change_nor_tells_it_twice() {
    let (dir, hook) = (tempfile::tempdir().unwrap(), Hook::start().await);
    hook.failures.store(1, Ordering::SeqCst);
    for minute in 0..20 {
        // Every minute is a new process.
        let store = open(&dir);
        tested(&store, START.plus(minute), (3..10).contains(&minute)).await;
        worker(&store, &hook).step(at(minute)).await.unwrap();
    }
    assert_eq!(hook.statuses(), ["firing", "resolved"]);
}

#[tokio::test]
async fn a_webhook_that_is_down_is_tried_again_in_order_and_given_up_in_the_end() {
    let (dir, hook) = (tempfile::tempdir().unwrap(), Hook::start().await);
    let store = open(&dir);
    let mut worker = worker(&store, &hook);
    hook.failures.store(3, Ordering::SeqCst);
    for minute in 0..20 {
        tested(&store, START.plus(minute), (3..5).contains(&minute)).await;
        worker.step(at(minute)).await.unwrap();
    }
    assert_eq!(hook.statuses(), ["firing", "resolved"]);

    hook.failures.store(usize::MAX, Ordering::SeqCst);
    for minute in 20..40 {
        tested(&store, START.plus(minute), (20..23).contains(&minute)).await;
        worker.step(at(minute)).await.unwrap();
    }
    worker.step(at(40 + 120)).await.unwrap();
    let alerts = store.alerts(&AlertQuery::default()).await.unwrap();
    assert!(alerts[0].changes[1..].iter().all(|change| matches!(change.delivery, Delivery::Failed { .. })), "{:?}", alerts[0].changes);
}

#[tokio::test]
async fn without_a_webhook_alerts_live_and_nobody_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut worker = Worker::new(Arc::clone(&store), vec![shop()], Config { policy: Policy::default(), webhook: None }).unwrap();
    for minute in 0..20 {
        tested(&store, START.plus(minute), (3..10).contains(&minute)).await;
        worker.step(at(minute)).await.unwrap();
    }
    let alerts = store.alerts(&AlertQuery::default()).await.unwrap();
    assert_eq!(alerts[0].state, AlertState::Resolved);
    assert!(alerts[0].changes.iter().all(|change| change.delivery == Delivery::NotNeeded));
}
