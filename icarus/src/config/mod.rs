//! The configuration: read in layers, checked whole, and handed to the rooms as they want it.

mod app;
mod raw;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use aggregator::detect::Thresholds;
use alerts::{config::WebhookConfig, lifecycle::Policy};
use api::Retention;
use ingest::config::EdgeHeaders;
use service::{
    config::{FlagValue, Layers, Merged, Problem, Problems},
    logging::LogFormat,
};

pub(crate) use self::app::CheckedApp;
use self::{
    app::check_app,
    raw::{LogEngine, RawConfig, StoreEngine},
};

/// The documented default, which is compiled in.
pub(crate) const DEFAULT: &str = include_str!("default.toml");

/// Everything that the process has to know.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) shutdown_grace: Duration,
    pub(crate) log_level: String,
    pub(crate) log_format: LogFormat,
    pub(crate) apps: Vec<CheckedApp>,
    pub(crate) ingest: ingest::config::Config,
    pub(crate) log: Log,
    pub(crate) aggregator: aggregator::config::Config,
    /// `None` when nothing is to be tested.
    pub(crate) detection: Option<Detection>,
    pub(crate) alerts: alerts::config::Config,
    pub(crate) store: Store,
    pub(crate) retention: Retention,
}

/// The log, as configured.
#[derive(Debug, Clone)]
pub(crate) enum Log {
    Embedded(event_log::config::Config),
    Kafka {
        kafka: Box<event_log::kafka::Config>,
        /// Of a process that takes beacons.
        spool: event_log::spool::Config,
    },
}

/// The store, as configured.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Embedded(store::embedded::config::Config),
    ClickHouse(store::clickhouse::config::Config),
}

/// How minutes are tested.
#[derive(Debug, Clone)]
pub(crate) struct Detection {
    pub(crate) thresholds: Thresholds,
    pub(crate) settle: Duration,
}

/// Collects what is wrong.
pub(crate) struct Check<'a> {
    merged: &'a Merged,
    found: Vec<Problem>,
}

impl Check<'_> {
    fn problem(&mut self, key: &str, what: &str) {
        let problem = self.merged.locate(Problem::new(key, what));
        self.found.push(problem);
    }

    fn parsed<T, E: std::fmt::Display>(&mut self, key: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.problem(key, &error.to_string())).ok()
    }

    fn problems(&self) -> usize {
        self.found.len()
    }
}

/// Merges the default, `file`, the environment and `flags`.
pub(crate) fn merge(file: Option<PathBuf>, flags: Vec<FlagValue>) -> Result<Merged, Problems> {
    Layers { default: DEFAULT, file, flags }.merge()
}

/// The configuration, or everything that is wrong with it.
pub(crate) fn check(merged: &Merged) -> Result<Config, Problems> {
    let raw: RawConfig = merged.extract()?;
    let mut check = Check { merged, found: Vec::new() };
    let data_dir = raw.data.dir;
    let hour_retention = raw.store.hour_retention;
    let apps: Vec<CheckedApp> = raw.apps.into_iter().filter_map(|(id, app)| check_app(&id, app, hour_retention, &mut check)).collect();
    let retention = check_retention(&raw.store, &mut check);
    let log = check_log(&raw.log, &data_dir, &mut check);
    let log_name = if raw.log.engine == LogEngine::Kafka { &raw.log.kafka.topic } else { "embedded" };
    let store = check_store(&raw.store, data_dir.join("store"), log_name, &mut check);
    let aggregator = raw.aggregator.check().map_err(|errors| {
        for error in errors {
            check.problem(&format!("aggregator.{}", error.key), &error.what);
        }
    });
    if let (Some(Log::Embedded(log)), Ok(aggregator)) = (&log, &aggregator)
        && log.replay_margin() < aggregator.duplicate_window
    {
        check.problem(
            "log.embedded.replay_margin",
            "is less than aggregator.duplicate_window: repeated beacons could not be recognised after a restart",
        );
    }
    let ingest = check_ingest(raw.ingest, &apps, &mut check);
    let detection = check_detection(&raw.detection, &mut check);
    let public_url = if raw.server.public_url.is_empty() { format!("http://{}", raw.server.listen) } else { raw.server.public_url };
    let alerts = check_alerts(raw.alerts, public_url, &mut check);
    let (Some(log), Some(store), Ok(aggregator), true) = (log, store, aggregator, check.found.is_empty()) else {
        return Err(Problems(check.found));
    };
    Ok(Config {
        listen: raw.server.listen,
        shutdown_grace: raw.server.shutdown_grace,
        log_level: raw.logging.level,
        log_format: raw.logging.format,
        apps,
        ingest,
        log,
        aggregator,
        detection: raw.detection.enabled.then_some(detection),
        alerts,
        store,
        retention,
    })
}

fn check_log(raw: &raw::RawLog, data_dir: &Path, check: &mut Check<'_>) -> Option<Log> {
    let mut problems = |part: &str, errors: Vec<event_log::config::ConfigError>| {
        errors.iter().for_each(|error| check.problem(&format!("log.{part}.{}", error.key()), &error.to_string()));
    };
    match raw.engine {
        LogEngine::Embedded => raw.embedded.check(data_dir).map(Log::Embedded).map_err(|errors| problems("embedded", errors)).ok(),
        LogEngine::Kafka => {
            let kafka = raw.kafka.check().map(Box::new).map_err(|errors| problems("kafka", errors)).ok()?;
            let spool = raw.spool.check(data_dir, kafka.partitions(), kafka.record_bytes_max());
            let spool = spool.map_err(|errors| problems("spool", errors)).ok()?;
            Some(Log::Kafka { kafka, spool })
        }
    }
}

fn check_retention(raw: &raw::RawStore, check: &mut Check<'_>) -> Retention {
    if raw.minute_retention < Duration::from_secs(2 * 3_600) {
        check.problem("store.minute_retention", "must be at least 2h: detection looks that far back");
    }
    if raw.hour_retention < raw.minute_retention {
        check.problem("store.hour_retention", "is shorter than store.minute_retention");
    }
    Retention { minutes: raw.minute_retention, hours: raw.hour_retention }
}

fn check_store(raw: &raw::RawStore, dir: PathBuf, log: &str, check: &mut Check<'_>) -> Option<Store> {
    match raw.engine {
        StoreEngine::Embedded => {
            let raw::RawEmbeddedStore { disk_bytes_max, cache_bytes, fresh_rows_max, fresh_age_max } = raw.embedded;
            if fresh_rows_max == 0 {
                check.problem("store.embedded.fresh_rows_max", "must be at least 1");
            }
            let (minute_retention, hour_retention) = (raw.minute_retention, raw.hour_retention);
            Some(Store::Embedded(store::embedded::config::Config {
                dir,
                minute_retention,
                hour_retention,
                disk_bytes_max,
                cache_bytes,
                fresh_rows_max,
                fresh_age_max,
            }))
        }
        StoreEngine::ClickHouse => {
            let mut problems = |errors: Vec<store::clickhouse::config::ConfigError>| {
                errors.iter().for_each(|error| check.problem(&format!("store.clickhouse.{}", error.key), &error.what));
            };
            let checked = raw.clickhouse.check().map_err(&mut problems).ok()?;
            let (minute_retention, hour_retention) = (raw.minute_retention, raw.hour_retention);
            let config = store::clickhouse::config::Config { log: log.to_owned(), minute_retention, hour_retention, ..checked };
            // The retentions belong to every store.
            config.check().map_err(|error| check.problem("store", &error.to_string())).ok()?;
            Some(Store::ClickHouse(config))
        }
    }
}

fn check_ingest(raw: raw::RawIngest, apps: &[CheckedApp], check: &mut Check<'_>) -> ingest::config::Config {
    for (key, value) in [
        ("body_bytes_max", raw.body_bytes_max),
        ("events_max", raw.events_max),
        ("requests_max", raw.requests_max),
        ("route_spread", raw.route_spread as usize),
    ] {
        if value == 0 {
            check.problem(&format!("ingest.{key}"), "must be at least 1");
        }
    }
    let mut header = |key: &str, name: String| {
        let known = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !name.bytes().all(known) {
            check.problem(&format!("ingest.edge_headers.{key}"), &format!("`{name}` can't be a header's name"));
        }
        (!name.is_empty()).then(|| name.to_ascii_lowercase())
    };
    let edge_headers = EdgeHeaders {
        country: header("country", raw.edge_headers.country),
        region: header("region", raw.edge_headers.region),
        network: header("network", raw.edge_headers.network),
    };
    ingest::config::Config {
        body_bytes_max: raw.body_bytes_max,
        events_max: raw.events_max,
        requests_max: raw.requests_max,
        body_timeout: raw.body_timeout,
        route_spread: raw.route_spread,
        edge_headers,
        apps: apps.iter().map(|app| (app.app.id.clone(), app.policy.clone())).collect(),
    }
}

fn check_detection(raw: &raw::RawDetection, check: &mut Check<'_>) -> Detection {
    if raw.samples_min < 2 {
        check.problem("detection.samples_min", "must be at least 2");
    }
    if !(raw.false_discovery_rate > 0.0 && raw.false_discovery_rate < 1.0) {
        check.problem("detection.false_discovery_rate", "must lie between 0 and 1");
    }
    for (key, value) in [
        ("effect_min", raw.effect_min),
        ("count_effect_min", raw.count_effect_min),
        ("duration_change_min_ms", raw.duration_change_min_ms),
        ("score_change_min", raw.score_change_min),
    ] {
        if !(value >= 0.0 && value.is_finite()) {
            check.problem(&format!("detection.{key}"), "must not be negative");
        }
    }
    let thresholds = Thresholds {
        samples_min: raw.samples_min,
        effect_min: raw.effect_min,
        duration_change_min_ms: raw.duration_change_min_ms,
        score_change_min: raw.score_change_min,
        count_effect_min: raw.count_effect_min,
        false_discovery_rate: raw.false_discovery_rate,
    };
    Detection { thresholds, settle: raw.settle }
}

fn check_alerts(raw: raw::RawAlerts, dashboard_url: String, check: &mut Check<'_>) -> alerts::config::Config {
    if !(1..=raw.firing_of_minutes).contains(&raw.firing_flagged) {
        check.problem("alerts.firing_flagged", "must be at least 1 and at most alerts.firing_of_minutes");
    }
    if raw.firing_of_minutes > 60 {
        check.problem("alerts.firing_of_minutes", "must be at most 60");
    }
    if raw.resolved_after_minutes == 0 {
        check.problem("alerts.resolved_after_minutes", "must be at least 1");
    }
    if !raw.webhook_url.is_empty() && !raw.webhook_url.starts_with("http://") && !raw.webhook_url.starts_with("https://") {
        check.problem("alerts.webhook_url", "must begin with http:// or https://");
    }
    let webhook = (!raw.webhook_url.is_empty()).then_some(WebhookConfig {
        url: raw.webhook_url,
        dashboard_url,
        timeout: raw.webhook_timeout,
        give_up_after: raw.webhook_give_up_after,
    });
    let policy = Policy {
        firing_flagged: raw.firing_flagged,
        firing_of_minutes: raw.firing_of_minutes,
        resolved_after_minutes: raw.resolved_after_minutes,
        tell: webhook.is_some(),
    };
    alerts::config::Config { policy, webhook }
}

#[cfg(test)]
mod tests;
