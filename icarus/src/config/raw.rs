//! The configuration as written.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use serde::Deserialize;
use service::logging::LogFormat;

/// The whole file. Every key stands, with its meaning, in `default.toml`.
#[derive(Debug, Deserialize)]
pub(super) struct RawConfig {
    pub(super) server: RawServer,
    pub(super) data: RawData,
    pub(super) logging: RawLogging,
    #[serde(default)]
    pub(super) apps: BTreeMap<String, RawApp>,
    pub(super) ingest: RawIngest,
    pub(super) log: RawLog,
    pub(super) aggregator: aggregator::config::RawConfig,
    pub(super) detection: RawDetection,
    pub(super) alerts: RawAlerts,
    pub(super) store: RawStore,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawServer {
    pub(super) listen: SocketAddr,
    pub(super) public_url: String,
    #[serde(with = "humantime_serde")]
    pub(super) shutdown_grace: Duration,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawData {
    pub(super) dir: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawLogging {
    pub(super) level: String,
    pub(super) format: LogFormat,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawApp {
    pub(super) key: String,
    #[serde(default)]
    pub(super) origins: Vec<String>,
    #[serde(default)]
    pub(super) routes: Vec<String>,
    #[serde(default)]
    pub(super) dimensions: Vec<String>,
    #[serde(default)]
    pub(super) cuboids: Vec<String>,
    #[serde(default = "lateness_default", with = "humantime_serde")]
    pub(super) lateness_max: Duration,
    #[serde(default = "yes")]
    pub(super) reject_bots: bool,
    #[serde(default)]
    pub(super) metrics: BTreeMap<String, String>,
}

const fn lateness_default() -> Duration {
    Duration::from_secs(48 * 3_600)
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
pub(super) struct RawLog {
    pub(super) engine: LogEngine,
    pub(super) embedded: event_log::config::RawConfig,
    pub(super) kafka: event_log::kafka::RawConfig,
    pub(super) spool: event_log::spool::RawConfig,
}

/// Where records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogEngine {
    Embedded,
    Kafka,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawIngest {
    pub(super) body_bytes_max: usize,
    pub(super) events_max: usize,
    pub(super) requests_max: usize,
    #[serde(with = "humantime_serde")]
    pub(super) body_timeout: Duration,
    pub(super) route_spread: u32,
    pub(super) edge_headers: RawEdgeHeaders,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawEdgeHeaders {
    pub(super) country: String,
    pub(super) region: String,
    pub(super) network: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawDetection {
    pub(super) enabled: bool,
    #[serde(with = "humantime_serde")]
    pub(super) settle: Duration,
    pub(super) samples_min: u64,
    pub(super) effect_min: f64,
    pub(super) count_effect_min: f64,
    pub(super) duration_change_min_ms: f64,
    pub(super) score_change_min: f64,
    pub(super) false_discovery_rate: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawAlerts {
    pub(super) firing_flagged: u32,
    pub(super) firing_of_minutes: u32,
    pub(super) resolved_after_minutes: u32,
    pub(super) webhook_url: String,
    #[serde(with = "humantime_serde")]
    pub(super) webhook_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub(super) webhook_give_up_after: Duration,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawStore {
    pub(super) engine: StoreEngine,
    #[serde(with = "humantime_serde")]
    pub(super) minute_retention: Duration,
    #[serde(with = "humantime_serde")]
    pub(super) hour_retention: Duration,
    pub(super) embedded: RawEmbeddedStore,
    pub(super) clickhouse: store::clickhouse::raw::RawConfig,
}

/// Where rollups, flags and alerts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StoreEngine {
    Embedded,
    ClickHouse,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawEmbeddedStore {
    pub(super) disk_bytes_max: u64,
    pub(super) cache_bytes: u64,
    pub(super) fresh_rows_max: usize,
    #[serde(with = "humantime_serde")]
    pub(super) fresh_age_max: Duration,
}
