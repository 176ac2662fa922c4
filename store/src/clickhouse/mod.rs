//! The store on ClickHouse: rollups in SummingMergeTree tables, merged by the server.
//!
//! It can't keep the log's offsets in one atomic batch with the rows. What makes a batch count once is its
//! name, the log's range `[start, end)` it was folded from: each insert carries it as deduplication token,
//! and the server drops what it has. So a batch may be sent any number of times, by any process, as long
//! as its range is the same; who writes must fix the range before its first try, in the log's commit.

mod audit;
mod catalog;
pub mod config;
mod ddl;
mod documents;
mod error;
mod migrate;
pub mod raw;
mod read;
mod replay;
mod rows;
mod samples;
mod write;

use std::{
    collections::{BTreeMap, HashSet},
    future::Future,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clickhouse::{Client, query::Query, sql::Identifier};
use schemas::{
    alert::Alert,
    app::AppId,
    dimension::Dimension,
    fate::FateCount,
    flag::Flag,
    query::{MetricEntry, RollupQuery, RollupRow},
    sample::{Sample, StrataQuery, Stratum},
    time::{Minute, MinuteRange, Resolution, Timestamp},
};

pub use self::migrate::{Migrated, migrate};
use self::{
    catalog::Known,
    config::Config,
    error::{error, late},
};
use crate::{AlertQuery, Audit, Batch, Cube, SeriesWindows, Size, Store, StoreError, Upkeep};

/// A store on a ClickHouse server, or on a cluster of them. Cheap to clone.
#[derive(Clone)]
pub struct ClickHouseStore(Arc<Inner>);

struct Inner {
    config: Config,
    /// One of each shard, in the configuration's order.
    shards: Vec<Client>,
    /// What the catalog was told already.
    known: Mutex<Known>,
    /// The version of the alerts that the last decision about them was made from.
    alerts_seen: Mutex<Option<u64>>,
    /// Partitions of the log of which the list of applied batches was looked at.
    looked_at: Mutex<HashSet<u32>>,
    /// Tells this process's inserts of documents from others'.
    writer: u64,
}

impl std::fmt::Debug for ClickHouseStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClickHouseStore").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl ClickHouseStore {
    /// Connects, and checks that the server and its tables are what this version needs.
    ///
    /// # Errors
    /// `Mismatch`, with the remedy, when the configuration is wrong, the server too old, a table missing,
    /// of another version or without deduplication; `Unavailable` when there is no answer.
    pub async fn open(config: Config) -> Result<Self, StoreError> {
        config.check()?;
        let inner = Inner::new(config);
        for shard in &inner.shards {
            inner.check(shard).await?;
        }
        Ok(Self(Arc::new(inner)))
    }
}

#[async_trait]
impl Store for ClickHouseStore {
    async fn applied(&self) -> Result<Option<BTreeMap<u32, u64>>, StoreError> {
        Ok(None)
    }

    async fn write(&self, batch: Arc<Batch>) -> Result<(), StoreError> {
        self.0.write_batch(&batch).await
    }

    async fn rollups(&self, query: &RollupQuery) -> Result<Vec<RollupRow>, StoreError> {
        self.0.rollups(query).await
    }

    async fn cube(&self, cube: &Cube, resolution: Resolution, windows: &[Minute]) -> Result<Vec<SeriesWindows>, StoreError> {
        self.0.series_windows(cube, resolution, windows).await
    }

    async fn metrics(&self, app: &AppId) -> Result<Vec<MetricEntry>, StoreError> {
        self.0.metrics(app).await
    }

    async fn values(&self, app: &AppId, dimension: &Dimension) -> Result<Vec<String>, StoreError> {
        self.0.values(app, dimension).await
    }

    async fn fates(&self, app: &AppId, range: MinuteRange) -> Result<Vec<FateCount>, StoreError> {
        self.0.fates(app, range).await
    }

    async fn strata(&self, query: &StrataQuery) -> Result<Vec<Stratum>, StoreError> {
        self.0.strata(query).await
    }

    async fn samples(&self, query: &StrataQuery, slots: u16) -> Result<Vec<Sample>, StoreError> {
        self.0.samples(query, slots).await
    }

    async fn write_flags(&self, app: &AppId, minute: Minute, flags: &[Flag]) -> Result<(), StoreError> {
        self.0.write_flags(app, minute, flags).await
    }

    async fn tested(&self, app: &AppId) -> Result<Option<Minute>, StoreError> {
        self.0.tested(app).await
    }

    async fn flags(&self, app: &AppId, range: MinuteRange) -> Result<Vec<Flag>, StoreError> {
        self.0.flags(app, range).await
    }

    async fn write_alerts(&self, app: &AppId, grouped: Option<Minute>, alerts: &[Alert]) -> Result<(), StoreError> {
        self.0.write_alerts(app, grouped, alerts).await
    }

    async fn grouped(&self, app: &AppId) -> Result<Option<Minute>, StoreError> {
        self.0.grouped(app).await
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, StoreError> {
        self.0.alerts(query).await
    }

    /// The server merges and expires by itself: nothing is to be done.
    async fn upkeep(&self, _now: Timestamp) -> Result<Upkeep, StoreError> {
        Ok(Upkeep::default())
    }

    async fn audit(&self, range: MinuteRange) -> Result<Option<Audit>, StoreError> {
        self.0.audit(range).await.map(Some)
    }

    async fn size(&self) -> Result<Size, StoreError> {
        self.0.size().await
    }
}

impl Inner {
    fn new(config: Config) -> Self {
        // Seeded by the system for each one.
        let writer = RandomState::new().hash_one(std::process::id());
        Self {
            shards: config.clients(),
            known: Mutex::default(),
            alerts_seen: Mutex::default(),
            looked_at: Mutex::default(),
            writer,
            config,
        }
    }

    /// Where the tables that are not sharded stand, and where questions go.
    fn first(&self) -> &Client {
        &self.shards[0]
    }

    /// A question to the first shard. Its text has a `?` for each value that is bound to it.
    fn ask(&self, sql: &str) -> Query {
        // The answer is complete before it is sent, so that an error never comes after rows; values of
        // filters stand in the question's text.
        self.first().query(sql).with_setting("wait_end_of_query", "1").with_setting("max_query_size", "16777216")
    }

    /// A table, as it is to be asked for.
    fn table(&self, name: &str) -> String {
        ddl::asked(name, &self.config)
    }

    /// The rows of an answer.
    async fn all<T>(&self, what: &str, query: Query) -> Result<Vec<T>, StoreError>
    where
        T: clickhouse::RowOwned + clickhouse::RowRead,
    {
        self.in_time(what, query.fetch_all()).await
    }

    /// The result of a call, if it comes in time.
    async fn in_time<T>(&self, what: &str, call: impl Future<Output = clickhouse::error::Result<T>>) -> Result<T, StoreError> {
        tokio::time::timeout(self.config.timeout, call).await.map_err(|_| late(what))?.map_err(error(what))
    }
}

/// The seconds at which `minute` starts, as the tables have them: up to 2106.
fn seconds(minute: Minute) -> Result<u32, StoreError> {
    minute
        .0
        .checked_mul(60)
        .ok_or_else(|| StoreError::Mismatch(format!("minute {} lies after 2106, which the tables can't hold", minute.0)))
}

/// The same for a bound of a range, which may lie anywhere.
fn bound(minute: Minute) -> u32 {
    minute.0.saturating_mul(60)
}

/// A name, to be bound.
fn named(table: &str) -> Identifier<'_> {
    Identifier(table)
}
