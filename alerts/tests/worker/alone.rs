//! One worker: once for each change, across failures and restarts.

use std::sync::{Arc, atomic::Ordering};

use alerts::{config::Config, lifecycle::Policy, worker::Worker};
use schemas::alert::{AlertState, Delivery};
use store::{AlertQuery, Store};

use super::support::{Hook, START, at, open, shop, tested, worker};

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
