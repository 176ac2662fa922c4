//! All that the tables on ClickHouse count, for tests that know what it should be.

use std::collections::BTreeMap;

use clickhouse::{Client, Row};
use schemas::time::Minute;
use serde::Deserialize;

use crate::{StoreError, clickhouse::config::Config};

/// Which rollups are added up: those of an app's metric in one cuboid and window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RollupKey {
    pub app: String,
    pub metric: String,
    /// Its dimensions' names with commas between them.
    pub cuboid: String,
    /// The window's start.
    pub window: Minute,
}

/// What they add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RollupSums {
    pub samples: u64,
    /// After sampling weights.
    pub count: u64,
    /// Of the recorded integers times their weights.
    pub sum: u128,
    /// Of the histograms' buckets: equal to `count`.
    pub buckets: u64,
}

/// Which events are added up: those of an app received in one minute, of one kind and reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FateKey {
    pub app: String,
    pub minute: Minute,
    pub kind: String,
    pub reason: String,
}

/// Which beacons are added up: those of an app with events of one route and minute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StratumKey {
    pub app: String,
    pub minute: Minute,
    pub route: String,
}

/// The tables in which each event or beacon counts once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    pub minutes: BTreeMap<RollupKey, RollupSums>,
    pub hours: BTreeMap<RollupKey, RollupSums>,
    pub fates: BTreeMap<FateKey, u64>,
    /// Beacons, before sampling weights.
    pub strata: BTreeMap<StratumKey, u64>,
    /// In how many slots there is a sample.
    pub samples: BTreeMap<StratumKey, u64>,
}

#[derive(Debug, Row, Deserialize)]
struct RollupLine {
    app: String,
    metric: String,
    cuboid: String,
    /// In minutes.
    window: u32,
    samples_total: u64,
    count_total: u64,
    sum_total: u128,
    buckets_total: u64,
}

#[derive(Debug, Row, Deserialize)]
struct FateLine {
    app: String,
    /// In minutes.
    received: u32,
    kind: String,
    reason: String,
    events_total: u64,
}

#[derive(Debug, Row, Deserialize)]
struct StratumLine {
    app: String,
    /// In minutes.
    of: u32,
    route: String,
    beacons_total: u64,
}

/// What the tables of one server count now.
///
/// # Errors
/// When they can't be read.
pub async fn contents(config: &Config) -> Result<Contents, StoreError> {
    let client = client(config)?;
    let rollups = async |table: &str| -> Result<BTreeMap<RollupKey, RollupSums>, StoreError> {
        let sql = format!(
            "select toString(app) as app, toString(metric) as metric, toString(cuboid) as cuboid, \
             toUInt32(intDiv(toUnixTimestamp(time), 60)) as window, sum(samples) as samples_total, sum(count) as count_total, \
             sum(sum) as sum_total, sum(arraySum(histMap.count)) as buckets_total from {table} group by app, metric, cuboid, window"
        );
        let lines: Vec<RollupLine> = client.query(&sql).fetch_all().await.map_err(unreadable)?;
        let entry = |line: RollupLine| {
            let key = RollupKey { app: line.app, metric: line.metric, cuboid: line.cuboid, window: Minute(line.window) };
            let (samples, count, sum, buckets) = (line.samples_total, line.count_total, line.sum_total, line.buckets_total);
            (key, RollupSums { samples, count, sum, buckets })
        };
        Ok(lines.into_iter().map(entry).collect())
    };
    let strata = async |table: &str, counted: &str| -> Result<BTreeMap<StratumKey, u64>, StoreError> {
        let sql = format!(
            "select toString(app) as app, toUInt32(intDiv(toUnixTimestamp(minute), 60)) as of, toString(route) as route, \
             toUInt64({counted}) as beacons_total from {table} group by app, of, route"
        );
        let lines: Vec<StratumLine> = client.query(&sql).fetch_all().await.map_err(unreadable)?;
        let key = |line: StratumLine| (StratumKey { app: line.app, minute: Minute(line.of), route: line.route }, line.beacons_total);
        Ok(lines.into_iter().map(key).collect())
    };
    let sql = "select toString(app) as app, toUInt32(intDiv(toUnixTimestamp(minute), 60)) as received, toString(kind) as kind, \
               toString(reason) as reason, sum(events) as events_total from fates group by app, received, kind, reason";
    let lines: Vec<FateLine> = client.query(sql).fetch_all().await.map_err(unreadable)?;
    let entry = |line: FateLine| {
        let key = FateKey { app: line.app, minute: Minute(line.received), kind: line.kind, reason: line.reason };
        (key, line.events_total)
    };
    Ok(Contents {
        minutes: rollups("rollup_minute").await?,
        hours: rollups("rollup_hour").await?,
        fates: lines.into_iter().map(entry).collect(),
        strata: strata("strata", "sum(beacons)").await?,
        samples: strata("samples", "uniqExact(slot)").await?,
    })
}

/// The answer to any question or statement, its columns with tabs between them.
///
/// # Errors
/// When the server refuses it.
pub async fn tsv(config: &Config, sql: &str) -> Result<String, StoreError> {
    let mut answer = client(config)?.query_raw(sql).fetch_bytes("TabSeparated").map_err(unreadable)?;
    let bytes = answer.collect().await.map_err(unreadable)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn client(config: &Config) -> Result<Client, StoreError> {
    config.clients().into_iter().next().ok_or_else(|| StoreError::Mismatch("a configuration without a server".to_owned()))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn unreadable(error: clickhouse::error::Error) -> StoreError {
    StoreError::Unavailable(format!("reading all that is counted: {error}"))
}
