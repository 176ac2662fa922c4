//! Batches that are sent again when the server has forgotten their tokens.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::Arc;

use store::{
    Batch, Source, Store, StoreError,
    clickhouse::{ClickHouseStore, config::Config, migrate},
    suite::{
        batches,
        contents::{contents, tsv},
    },
};

use self::support::Database;

/// A store that remembers `window` inserts into each table.
async fn remembering(window: u32) -> Option<(Config, ClickHouseStore)> {
    let config = Config { deduplication_window: window, ..Database::new().0? };
    migrate(config.clone()).await.unwrap();
    let store = ClickHouseStore::open(config.clone()).await.unwrap();
    Some((config, store))
}

fn again(batch: &Batch) -> Arc<Batch> {
    Arc::new(Batch { replay: true, ..batch.clone() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_of_a_whole_batch_changes_nothing_when_its_tokens_are_forgotten() {
    let Some((config, store)) = remembering(1).await else { return };
    let (own, _) = batches(1, 0, 2);
    store.write(Arc::clone(&own[0])).await.unwrap();
    for other in batches(1, 1, 8).0 {
        store.write(other).await.unwrap();
    }
    let before = contents(&config).await.unwrap();
    store.write(again(&own[0])).await.unwrap();
    // By a process that never wrote before, even if it doesn't say that it is a replay.
    let other = ClickHouseStore::open(config.clone()).await.unwrap();
    other.write(Arc::clone(&own[0])).await.unwrap();
    assert_eq!(contents(&config).await.unwrap(), before);
    other.write(Arc::clone(&own[1])).await.unwrap();
    // What that guards against: the tokens are gone indeed.
    store.write(Arc::clone(&own[0])).await.unwrap();
    assert_ne!(contents(&config).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_batch_is_completed_while_it_is_remembered_and_refused_with_the_remedy_after() {
    for (window, forgotten) in [(10_000, false), (20, true)] {
        let Some((config, store)) = remembering(window).await else { return };
        let (own, range) = batches(2, 0, 2);
        store.write(Arc::clone(&own[0])).await.unwrap();
        store.write(Arc::clone(&own[1])).await.unwrap();
        let whole = contents(&config).await.unwrap();
        // As if its writer had died before the last inserts.
        let Source { start, end, .. } = own[1].sources[0];
        for table in ["applied", "rollup_hour", "fates", "strata", "samples"] {
            tsv(&config, &format!("truncate table {table}")).await.unwrap();
        }
        let (others, _) = batches(2, 1, 8);
        for other in &others {
            store.write(Arc::clone(other)).await.unwrap();
        }
        assert_ne!(store.audit(range).await.unwrap().unwrap().drift(), 0);
        let replayed = store.write(again(&own[1])).await;
        if forgotten {
            let remedy = format!("position of the partition to {start}, without metadata, to count them, or to {end} to leave them");
            assert!(matches!(&replayed, Err(StoreError::Mismatch(text)) if text.contains(&remedy)), "{replayed:?}");
        } else {
            replayed.unwrap();
            let minutes = |of: &store::suite::contents::Contents, app: &str| {
                let own = of.minutes.iter().filter(|(key, _)| key.app.contains(app));
                own.map(|(_, sums)| sums.samples).sum::<u64>()
            };
            let others_samples: u64 =
                others.iter().flat_map(|batch| &batch.rollups).flat_map(|group| &group.cells).map(|cell| cell.rollup.samples).sum();
            let after = contents(&config).await.unwrap();
            assert_eq!(minutes(&after, ""), minutes(&whole, "") + others_samples);
            // Strata were cut off, too: those of the replayed batch are there again.
            let strata = [&own[1]].into_iter().chain(&others).flat_map(|batch| &batch.strata);
            assert_eq!(after.strata.values().sum::<u64>(), strata.map(|stratum| stratum.beacons).sum::<u64>());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_log_of_the_same_name_is_refused() {
    let Some((config, store)) = remembering(1_000).await else { return };
    for batch in batches(3, 0, 3).0 {
        store.write(batch).await.unwrap();
    }
    let before = contents(&config).await.unwrap();
    let fresh = ClickHouseStore::open(config.clone()).await.unwrap();
    let mut other = (*batches(4, 0, 1).0[0]).clone();
    other.sources[0].end += 1_000_000;
    let refused = fresh.write(Arc::new(other)).await;
    assert!(matches!(&refused, Err(StoreError::Mismatch(text)) if text.contains("needs another name")), "{refused:?}");
    assert_eq!(contents(&config).await.unwrap(), before);
}
