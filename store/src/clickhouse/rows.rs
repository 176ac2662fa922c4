//! Rows on their way in and out. Names and types are checked against the tables by the client.

use std::collections::BTreeMap;

use clickhouse::Row;
use schemas::{
    histogram::{Bucket, Histogram},
    rollup::Rollup,
};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// How many values of dimensions a row has room for.
pub(super) const VALUES: usize = schemas::cuboid::DIMENSIONS_MAX;

/// Of `rollup_minute` and `rollup_hour`.
#[derive(Debug, Row, Serialize)]
pub(super) struct RollupIn<'a> {
    pub(super) app: &'a str,
    pub(super) metric: &'a str,
    pub(super) unit: &'static str,
    pub(super) cuboid: &'a str,
    pub(super) v1: &'a str,
    pub(super) v2: &'a str,
    pub(super) v3: &'a str,
    pub(super) v4: &'a str,
    /// Seconds.
    pub(super) time: u32,
    pub(super) samples: u64,
    pub(super) count: u64,
    pub(super) sum: u128,
    #[serde(rename = "histMap.bucket")]
    pub(super) buckets: Vec<u16>,
    #[serde(rename = "histMap.count")]
    pub(super) counts: Vec<u64>,
}

/// A merged rollup of a question.
#[derive(Debug, Row, Deserialize)]
pub(super) struct RollupOut {
    pub(super) value: String,
    /// In minutes.
    pub(super) window: u32,
    pub(super) samples_total: u64,
    pub(super) sum_total: u64,
    pub(super) buckets: Vec<u16>,
    pub(super) counts: Vec<u64>,
}

/// A merged rollup of a cube.
#[derive(Debug, Row, Deserialize)]
pub(super) struct CubeOut {
    pub(super) values: Vec<String>,
    /// In minutes.
    pub(super) window: u32,
    pub(super) samples_total: u64,
    pub(super) sum_total: u64,
    pub(super) buckets: Vec<u16>,
    pub(super) counts: Vec<u64>,
}

#[derive(Debug, Row, Serialize, Deserialize)]
pub(super) struct FateIn<'a> {
    pub(super) app: &'a str,
    pub(super) minute: u32,
    pub(super) kind: &'a str,
    pub(super) reason: &'a str,
    pub(super) events: u64,
    /// Milliseconds.
    pub(super) newest: i64,
}

/// A batch that is in all other tables.
#[derive(Debug, Row, Serialize)]
pub(super) struct AppliedIn<'a> {
    pub(super) log: &'a str,
    pub(super) log_partition: u32,
    pub(super) start_offset: u64,
    pub(super) end_offset: u64,
    #[serde(rename = "counts.kind")]
    pub(super) kinds: Vec<&'static str>,
    /// Seconds.
    #[serde(rename = "counts.hour")]
    pub(super) hours: Vec<u32>,
    #[serde(rename = "counts.events")]
    pub(super) events: Vec<u64>,
}

/// How many events of a kind there are in an hour.
#[derive(Debug, Row, Deserialize)]
pub(super) struct CountOut {
    pub(super) kind: String,
    /// Seconds.
    pub(super) hour: u32,
    pub(super) events: u64,
}

/// How the applied ranges of a partition cover its records.
#[derive(Debug, Row, Deserialize)]
pub(super) struct CoverOut {
    pub(super) log: String,
    pub(super) log_partition: u32,
    pub(super) batches: u64,
    pub(super) end: u64,
    pub(super) missing: u64,
    pub(super) repeated: u64,
}

#[derive(Debug, Row, Deserialize)]
pub(super) struct FateOut {
    /// In minutes.
    pub(super) minute_number: u32,
    pub(super) kind: String,
    pub(super) reason: String,
    pub(super) events_total: u64,
    /// Milliseconds.
    pub(super) newest_ms: i64,
}

#[derive(Debug, Row, Serialize)]
pub(super) struct StratumIn<'a> {
    pub(super) app: &'a str,
    pub(super) route: &'a str,
    /// Seconds.
    pub(super) minute: u32,
    pub(super) beacons: u64,
}

#[derive(Debug, Row, Deserialize)]
pub(super) struct StratumOut {
    /// In minutes.
    pub(super) minute_number: u32,
    pub(super) route: String,
    pub(super) beacons_total: u64,
}

#[derive(Debug, Row, Serialize)]
pub(super) struct SampleIn<'a> {
    pub(super) app: &'a str,
    pub(super) slot: u16,
    /// Seconds.
    pub(super) minute: u32,
    pub(super) route: &'a str,
    pub(super) rank: u64,
    /// Milliseconds.
    pub(super) received: i64,
    pub(super) weight: u32,
    pub(super) dimensions: BTreeMap<&'a str, &'a str>,
    pub(super) experiments: BTreeMap<&'a str, &'a str>,
    pub(super) view_id: &'a str,
    pub(super) session_id: &'a str,
    pub(super) url: &'a str,
    #[serde(rename = "events.metric")]
    pub(super) metrics: Vec<&'a str>,
    #[serde(rename = "events.unit")]
    pub(super) units: Vec<&'static str>,
    #[serde(rename = "events.value")]
    pub(super) values: Vec<u64>,
    #[serde(rename = "events.age_ms")]
    pub(super) ages_ms: Vec<u64>,
    #[serde(rename = "events.attribution")]
    pub(super) attributions: Vec<&'a str>,
}

#[derive(Debug, Row, Deserialize)]
pub(super) struct SampleOut {
    /// In minutes.
    pub(super) minute_number: u32,
    pub(super) route: String,
    pub(super) rank: u64,
    /// Milliseconds.
    pub(super) received: i64,
    pub(super) weight: u32,
    pub(super) dimensions: Vec<(String, String)>,
    pub(super) experiments: Vec<(String, String)>,
    pub(super) view_id: String,
    pub(super) session_id: String,
    pub(super) url: String,
    #[serde(rename = "events.metric")]
    pub(super) metrics: Vec<String>,
    #[serde(rename = "events.unit")]
    pub(super) units: Vec<String>,
    #[serde(rename = "events.value")]
    pub(super) values: Vec<u64>,
    #[serde(rename = "events.age_ms")]
    pub(super) ages_ms: Vec<u64>,
    #[serde(rename = "events.attribution")]
    pub(super) attributions: Vec<String>,
}

#[derive(Debug, Row, Serialize)]
pub(super) struct MetricIn<'a> {
    pub(super) app: &'a str,
    pub(super) metric: &'a str,
    pub(super) unit: &'static str,
    pub(super) last_hour: u32,
}

#[derive(Debug, Row, Deserialize)]
pub(super) struct MetricOut {
    pub(super) metric: String,
    pub(super) unit: String,
    /// In hours.
    pub(super) hour: u32,
}

#[derive(Debug, Row, Serialize)]
pub(super) struct ValueIn<'a> {
    pub(super) app: &'a str,
    pub(super) dimension: &'a str,
    pub(super) value: &'a str,
    pub(super) last_day: u32,
}

#[derive(Debug, Row, Serialize)]
pub(super) struct TestedIn<'a> {
    pub(super) app: &'a str,
    pub(super) minute: u32,
    pub(super) flags: Vec<String>,
    pub(super) version: u64,
    pub(super) writer: u64,
}

#[derive(Debug, Row, Serialize)]
pub(super) struct AlertIn<'a> {
    pub(super) app: &'a str,
    pub(super) id: u64,
    pub(super) state: &'static str,
    pub(super) began: u32,
    pub(super) last_flagged: u32,
    pub(super) untold: bool,
    pub(super) alert: String,
    pub(super) version: u64,
    pub(super) writer: u64,
}

/// What the server says about the tables.
#[derive(Debug, Row, Deserialize)]
pub(super) struct TableOut {
    pub(super) name: String,
    pub(super) engine_full: String,
}

#[derive(Debug, Row, Deserialize)]
pub(super) struct MigrationOut {
    pub(super) version: u32,
    pub(super) checksum: u64,
}

#[derive(Debug, Row, Serialize)]
pub(super) struct MigrationIn<'a> {
    pub(super) version: u32,
    pub(super) name: &'a str,
    pub(super) checksum: u64,
}

/// A rollup from its columns.
pub(super) fn rollup(samples: u64, sum: u64, buckets: &[u16], counts: &[u64]) -> Result<Rollup, StoreError> {
    if buckets.len() != counts.len() || buckets.iter().any(|index| usize::from(*index) >= schemas::histogram::BUCKETS) {
        return Err(StoreError::Corrupt("a histogram in ClickHouse is not of this project's layout".to_owned()));
    }
    let buckets = buckets.iter().zip(counts).map(|(&index, &count)| Bucket { index, count });
    Ok(Rollup { samples, sum, histogram: Histogram::from_buckets(buckets.collect()) })
}
