//! How the store on ClickHouse is configured.

use std::{fmt, sync::Arc, time::Duration};

use clickhouse::{Client, Compression};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore};
use schemas::time::MINUTES_PER_DAY;
use secrecy::{ExposeSecret, SecretString};

use crate::StoreError;

const DAY: Duration = Duration::from_secs(MINUTES_PER_DAY as u64 * 60);
const SECOND: Duration = Duration::from_secs(1);
/// The tables count seconds in 32 bits, which end in 2106: a row and its retention must lie before.
const RETENTION_MAX: Duration = Duration::from_secs(20 * 365 * 24 * 3_600);
/// A token that left the window would be taken for new: one for each insert, of all partitions of the log.
const DEDUPLICATION_WINDOW: u32 = 100_000;

/// How long an idle connection is kept: less than the 3 s of a server's default.
const IDLE_MAX: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_secs(60);

/// A setting that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct ConfigError {
    /// The setting's own name, without the section that it stands in.
    pub key: &'static str,
    /// What is wrong, or what to do.
    pub what: String,
}

impl ConfigError {
    pub(super) fn new(key: &'static str, what: impl Into<String>) -> Self {
        Self { key, what: what.into() }
    }
}

/// Made by [`RawConfig::check`](super::raw::RawConfig::check), and checked again when a store is opened.
#[derive(Clone)]
pub struct Config {
    /// The HTTP interfaces, `http://host:8123` or `https://host:8443`: one of each shard, in an order that
    /// never changes, because it decides which shard gets which partition of the log. All but rollups,
    /// fates and samples stands in the first.
    pub urls: Vec<String>,
    /// Where the tables are; letters, digits and `_`.
    pub database: String,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// The authorities that may sign the servers' certificates; the system's if not given.
    pub tls_roots: Option<Arc<RootCertStore>>,
    /// LZ4 on the way, for servers that are not next door.
    pub compress: bool,
    /// The log that offsets belong to, such as its topic. Part of what a batch is known by.
    pub log: String,
    /// The servers' cluster, as they call it. With one, tables are replicated and questions go to all shards.
    pub cluster: Option<String>,
    /// For how long rollups of a minute and samples are kept, in whole days, by the server's clock.
    pub minute_retention: Duration,
    /// For how long all else but alerts is kept, in whole days; at least as long as minutes.
    pub hour_retention: Duration,
    /// How many of the last inserts into a table are remembered at least; at least 1. The longest time from a
    /// batch's first try to its last must see fewer.
    pub deduplication_window: u32,
    /// How long to wait for an answer before the call counts as failed.
    pub timeout: Duration,
}

impl Config {
    /// One for `url` with the values of the default configuration file.
    pub fn new(url: &str) -> Self {
        Self {
            urls: vec![url.to_owned()],
            database: "icarus".to_owned(),
            user: None,
            password: None,
            tls_roots: None,
            compress: false,
            log: "events".to_owned(),
            cluster: None,
            minute_retention: 8 * DAY,
            hour_retention: 400 * DAY,
            deduplication_window: DEDUPLICATION_WINDOW,
            timeout: Duration::from_secs(60),
        }
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// `Mismatch` with all settings that are wrong.
    pub fn check(&self) -> Result<(), StoreError> {
        let wrong: Vec<_> = self.wrong().iter().map(ToString::to_string).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(StoreError::Mismatch(format!("the configuration of ClickHouse is wrong: {}", wrong.join("; "))))
    }

    /// All settings that are wrong.
    pub(super) fn wrong(&self) -> Vec<ConfigError> {
        let plain = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let whole = |time: Duration| time >= DAY && time <= RETENTION_MAX && time.as_secs().is_multiple_of(DAY.as_secs());
        let http = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        let kept = whole(self.minute_retention) && whole(self.hour_retention) && self.hour_retention >= self.minute_retention;
        let tls = self.urls.iter().all(|url| url.starts_with("https://"));
        let checks = [
            (
                !self.urls.is_empty() && self.urls.iter().all(http),
                "urls",
                "name the HTTP interface of each shard, such as http://127.0.0.1:8123",
            ),
            (self.urls.len() < 2 || self.cluster.is_some(), "cluster", "several urls are shards of a cluster, and questions need its name"),
            (plain(&self.database), "database", "use letters, digits and _"),
            (self.cluster.as_deref().is_none_or(plain), "cluster", "use letters, digits and _"),
            (kept, "retention", "use whole days, from 1 to 7300, of hours at least as many as of minutes"),
            (self.deduplication_window > 0, "deduplication_window", "without one a batch sent again counts twice; use 100000"),
            ((SECOND..=SECOND * 3_600).contains(&self.timeout), "timeout", "use 1 s to 1 h"),
            (self.password.is_none() || self.user.is_some(), "user", "a password needs one"),
            (self.tls_roots.is_none() || tls, "tls_ca_file", "it is for urls that begin with https://"),
        ];
        checks.into_iter().filter(|(good, _, _)| !good).map(|(_, key, what)| ConfigError::new(key, what)).collect()
    }

    /// For how long the list of applied ranges is kept: longer than the minutes that it is compared with, and
    /// than a log keeps records by default, which could be sent again.
    pub(super) fn applied_retention(&self) -> Duration {
        (self.minute_retention + 2 * DAY).max(10 * DAY)
    }

    /// The days of a retention.
    pub(super) fn days(retention: Duration) -> u64 {
        retention.as_secs() / DAY.as_secs()
    }

    /// A client of each shard, which has yet to connect.
    pub(crate) fn clients(&self) -> Vec<Client> {
        let client = |url: &String| {
            let compression = if self.compress { Compression::Lz4 } else { Compression::None };
            let client = self.tls_roots.as_ref().map_or_else(Client::default, trusting);
            let mut client = client.with_url(url).with_database(&self.database).with_compression(compression);
            if let Some(user) = &self.user {
                client = client.with_user(user);
            }
            if let Some(password) = &self.password {
                client = client.with_password(password.expose_secret());
            }
            client
        };
        self.urls.iter().map(client).collect()
    }
}

/// A client that trusts these authorities alone.
fn trusting(roots: &Arc<RootCertStore>) -> Client {
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the versions that are the default")
        .with_root_certificates(Arc::clone(roots))
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.set_keepalive(Some(KEEPALIVE));
    http.enforce_http(false);
    let https = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().wrap_connector(http);
    Client::with_http_client(HttpClient::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_MAX).build(https))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("urls", &self.urls)
            .field("database", &self.database)
            .field("log", &self.log)
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let good = Config::new("http://127.0.0.1:8123");
        good.check().unwrap();
        type Change = fn(&mut Config);
        let wrong: [(&str, Change); 8] = [
            ("urls", |config| config.urls.clear()),
            ("urls", |config| config.urls = vec!["127.0.0.1:8123".to_owned()]),
            ("cluster", |config| config.urls = vec!["http://a".to_owned(), "http://b".to_owned()]),
            ("database", |config| config.database = "a; drop".to_owned()),
            ("retention", |config| config.minute_retention = Duration::from_secs(100_000)),
            ("deduplication_window", |config| config.deduplication_window = 0),
            ("timeout", |config| config.timeout = Duration::ZERO),
            ("user", |config| config.password = Some("s3cret".into())),
        ];
        for (setting, change) in wrong {
            let mut config = good.clone();
            change(&mut config);
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(&format!("wrong: {setting}: ")), "{error}");
        }
    }
}
