//! Two processes that write the same documents of ClickHouse, of which each believes that it is the only one.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use schemas::{alert::AlertState, app::AppId, time::MinuteRange};
use store::{
    AlertQuery, StoreError,
    suite::{World, a_firing_alert, a_flag},
};

use self::support::{Database, client};

fn shop() -> AppId {
    AppId::new("shop").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_paused_does_not_overwrite_what_its_successor_has_yet_to_tell() {
    let world = Database::new();
    if world.missing() {
        return;
    }
    let (old, new) = (world.open().await, world.open().await);
    let open = AlertQuery { open: true, ..AlertQuery::default() };
    // Both decide from the same alerts; the new one writes first.
    assert_eq!((old.alerts(&open).await.unwrap(), new.alerts(&open).await.unwrap()), (vec![], vec![]));
    let due = a_firing_alert("shop", 1);
    new.write_alerts(&shop(), None, std::slice::from_ref(&due)).await.unwrap();
    let mut stale = due.clone();
    (stale.state, stale.changes) = (AlertState::Resolved, Vec::new());
    let refused = old.write_alerts(&shop(), None, std::slice::from_ref(&stale)).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable(text)) if text.contains("another process")), "{refused:?}");
    assert_eq!(new.alerts(&open).await.unwrap(), [due]);
    // Who reads again may write again.
    assert_eq!(old.alerts(&open).await.unwrap().len(), 1);
    old.write_alerts(&shop(), None, std::slice::from_ref(&stale)).await.unwrap();
    assert_eq!(old.alerts(&AlertQuery::default()).await.unwrap(), [stale]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_write_the_same_version_at_once_one_stands_and_knows_it() {
    let world = Database::new();
    let Some(config) = world.0.clone() else { return };
    let mut writers = Vec::new();
    for _ in 0..6 {
        writers.push(world.open().await);
    }
    let open = AlertQuery { open: true, ..AlertQuery::default() };
    for writer in &writers {
        writer.alerts(&open).await.unwrap();
    }
    let writing = writers.iter().zip(1..).map(|(writer, id)| {
        let writer = std::sync::Arc::clone(writer);
        tokio::spawn(async move { writer.write_alerts(&shop(), None, &[a_firing_alert("shop", id)]).await.is_ok() })
    });
    let mut stood = Vec::new();
    for (id, write) in (1..).zip(writing.collect::<Vec<_>>()) {
        if write.await.unwrap() {
            stood.push(id);
        }
    }
    let alerts: Vec<u64> = writers[0].alerts(&open).await.unwrap().iter().map(|alert| alert.id).collect();
    assert_eq!((alerts, stood.len()), (stood.clone(), 1));
    let versions: Vec<u64> = client(&config).query("select version from alerts").fetch_all().await.unwrap();
    assert_eq!(versions, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_tests_of_a_minute_at_once_one_stands_whole() {
    let world = Database::new();
    if world.missing() {
        return;
    }
    let (one, other) = (world.open().await, world.open().await);
    for number in 4..12 {
        let (minute, flag) = a_flag("shop", number);
        let tested = [(&one, vec![flag.clone()]), (&other, vec![flag.clone(), flag])].map(|(store, flags)| {
            let store = std::sync::Arc::clone(store);
            tokio::spawn(async move { store.write_flags(&shop(), minute, &flags).await.is_ok() })
        });
        let [first, second] = tested;
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        let flags = one.flags(&shop(), MinuteRange::new(minute, minute.plus(1))).await.unwrap().len();
        // One after the other is possible, too: then both are taken, and the later one counts.
        assert!(matches!((first, second, flags), (true, false, 1) | (false, true, 2) | (true, true, 1 | 2)), "{first} {second} {flags}");
    }
}
