//! Several workers on one store: one is active, another goes on where it ended, and no change is left untold.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use alerts::worker::{JOB, Worker};
use schemas::{
    alert::{AlertState, Delivery},
    time::Timestamp,
};
use service::{
    clock::Clock,
    health::{Health, State},
    shares::{Holder, Shares},
};
use store::{AlertQuery, Store, embedded::EmbeddedStore};

use super::support::{Hook, START, at, open, shop, tested, worker};

const SHARES: u32 = 16;
/// What doesn't come within this time doesn't come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A worker, and who says whether the work is its own: not yet.
fn standby(store: &Arc<EmbeddedStore>, hook: &Hook) -> (Worker<EmbeddedStore>, Holder) {
    let (holder, shares) = Shares::divided(SHARES);
    (worker(store, hook).sharing(shares), holder)
}

fn give(holder: &Holder) {
    holder.own(&(0..SHARES).collect(), None);
}

fn take(holder: &Holder) {
    holder.own(&BTreeSet::new(), None);
}

/// A store with an app whose alert fires when minute 1 is grouped.
async fn incident(dir: &tempfile::TempDir) -> Arc<EmbeddedStore> {
    let store = open(dir);
    tested(&store, START, true).await;
    tested(&store, START.plus(1), true).await;
    store.write_alerts(&shop(), Some(START.minus(1)), &[]).await.unwrap();
    store
}

async fn deliveries(store: &EmbeddedStore) -> Vec<(AlertState, Delivery)> {
    let alerts = store.alerts(&AlertQuery::default()).await.unwrap();
    alerts[0].changes.iter().map(|change| (change.state, change.delivery)).collect()
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

#[tokio::test]
async fn of_two_workers_the_one_whose_work_it_is_does_it() {
    let (dir, hook) = (tempfile::tempdir().unwrap(), Hook::start().await);
    let store = open(&dir);
    let mut workers = [standby(&store, &hook), standby(&store, &hook)];
    for minute in 0..20 {
        tested(&store, START.plus(minute), (3..10).contains(&minute)).await;
        // The work goes to and fro.
        let (active, passive) = if minute / 4 % 2 == 0 { (0, 1) } else { (1, 0) };
        take(&workers[passive].1);
        give(&workers[active].1);
        let before = store.grouped(&shop()).await.unwrap();
        workers[passive].0.step(at(minute)).await.unwrap();
        assert_eq!(store.grouped(&shop()).await.unwrap(), before, "one that stands by does nothing");
        workers[active].0.step(at(minute)).await.unwrap();
        assert_eq!(store.grouped(&shop()).await.unwrap(), Some(START.plus(minute)));
    }
    assert_eq!(hook.statuses(), ["firing", "resolved"]);
}

#[tokio::test]
async fn a_change_that_was_written_when_its_worker_died_is_told_by_the_next() {
    let (dir, hook) = (tempfile::tempdir().unwrap(), Hook::silent().await);
    let store = incident(&dir).await;
    let ((mut one, ones), (mut other, others)) = (standby(&store, &hook), standby(&store, &hook));
    give(&ones);
    let dying = tokio::spawn(async move { one.step(at(1)).await });
    let first = within("the request", hook.asked(1)).await;
    assert_eq!(deliveries(&store).await[1], (AlertState::Firing, Delivery::Due), "written and not told");
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    drop(ones);

    hook.answer();
    give(&others);
    other.step(at(1)).await.unwrap();
    assert_eq!(hook.statuses().last().unwrap(), "firing");
    assert!(matches!(deliveries(&store).await[1], (AlertState::Firing, Delivery::Done { .. })));
    let keys = hook.asked(2).await;
    assert_eq!((keys.len(), &keys[1]), (2, &first[0]), "whoever heard the first one knows it again");
}

/// The one that loses the work in the midst of telling doesn't know what the other has written since.
#[tokio::test]
async fn a_worker_that_loses_the_work_while_it_tells_writes_nothing_even_if_it_gets_it_back() {
    let (dir, hook) = (tempfile::tempdir().unwrap(), Hook::silent().await);
    let store = incident(&dir).await;
    let (mut one, ones) = standby(&store, &hook);
    give(&ones);
    let telling = tokio::spawn(async move { (one.step(at(1)).await, one) });
    within("the request", hook.asked(1)).await;
    take(&ones);
    give(&ones);
    hook.answer();
    let (done, mut one) = within("the answer", telling).await.unwrap();
    done.unwrap();
    assert_eq!(deliveries(&store).await[1], (AlertState::Firing, Delivery::Due));
    // It begins anew, by what is in the store, and under the same key.
    one.step(at(1)).await.unwrap();
    assert!(matches!(deliveries(&store).await[1], (AlertState::Firing, Delivery::Done { .. })));
    let keys = hook.asked(2).await;
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn a_running_worker_stands_by_and_takes_over_when_it_is_given_the_work() {
    let (dir, hook) = (tempfile::tempdir().unwrap(), Hook::start().await);
    let store = incident(&dir).await;
    let ((other, others), health) = (standby(&store, &hook), Health::default());
    let clock = Clock::manual(Timestamp::as_ms(at(1)));
    let running = tokio::spawn(other.run(clock, health.part(JOB), std::future::pending()));
    within("the first look", async {
        while health.report().1[JOB] == State::Starting {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(matches!(&health.report(), (true, parts) if matches!(&parts[JOB], State::StandingBy(_))), "{:?}", health.report());
    assert!(store.grouped(&shop()).await.unwrap() < Some(START));
    give(&others);
    within("the change", hook.asked(1)).await;
    take(&others);
    within("its standing by", async {
        while !matches!(health.report().1[JOB], State::StandingBy(_)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    running.abort();
}
