//! How the store on ClickHouse is configured.

use std::{fmt, time::Duration};

use clickhouse::{Client, Compression};
use schemas::time::MINUTES_PER_DAY;

use crate::StoreError;

const DAY: Duration = Duration::from_secs(MINUTES_PER_DAY as u64 * 60);
/// The tables count seconds in 32 bits, which end in 2106: a row and its retention must lie before.
const RETENTION_MAX: Duration = Duration::from_secs(20 * 365 * 24 * 3_600);
/// A token that left the window would be taken for new: one for each insert, of all partitions of the log.
const DEDUPLICATION_WINDOW: u32 = 100_000;

/// Checked by [`Config::check`].
#[derive(Clone)]
pub struct Config {
    /// The HTTP interfaces, `http://host:8123` or `https://host:8443`: one of each shard, in an order that
    /// never changes, because it decides which shard gets which partition of the log. All but rollups
    /// and fates stands in the first.
    pub urls: Vec<String>,
    /// Where the tables are; letters, digits and `_`.
    pub database: String,
    pub user: Option<String>,
    /// Never printed.
    pub password: Option<String>,
    /// LZ4 on the way, for servers that are not next door.
    pub compress: bool,
    /// The log that offsets belong to, such as its topic. Part of what a batch is known by.
    pub log: String,
    /// The servers' cluster, as they call it. With one, tables are replicated and questions go to all shards.
    pub cluster: Option<String>,
    /// For how long rollups of a minute are kept, in whole days, by the server's clock.
    pub minute_retention: Duration,
    /// For how long all else but alerts is kept, in whole days; at least as long as minutes.
    pub hour_retention: Duration,
    /// How many of the last inserts into a table are remembered; at least 1. The longest time from a
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
    /// `Mismatch` with the setting that is wrong.
    pub fn check(&self) -> Result<(), StoreError> {
        let plain = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let whole = |time: Duration| time >= DAY && time <= RETENTION_MAX && time.as_secs().is_multiple_of(DAY.as_secs());
        let wrong = if self.urls.is_empty() || !self.urls.iter().all(|url| url.starts_with("http://") || url.starts_with("https://")) {
            "urls: name the HTTP interface of each shard, such as http://127.0.0.1:8123"
        } else if self.urls.len() > 1 && self.cluster.is_none() {
            "cluster: several urls are shards of a cluster, and questions need its name"
        } else if !plain(&self.database) {
            "database: use letters, digits and _"
        } else if self.cluster.as_deref().is_some_and(|cluster| !plain(cluster)) {
            "cluster: use letters, digits and _"
        } else if !whole(self.minute_retention) || !whole(self.hour_retention) || self.hour_retention < self.minute_retention {
            "retention: use whole days, from 1 to 7300, of hours at least as many as of minutes"
        } else if self.deduplication_window == 0 {
            "deduplication_window: without one a batch sent again counts twice; use 100000"
        } else {
            return Ok(());
        };
        Err(StoreError::Mismatch(format!("the configuration of ClickHouse is wrong: {wrong}")))
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
            let mut client = Client::default().with_url(url).with_database(&self.database).with_compression(compression);
            if let Some(user) = &self.user {
                client = client.with_user(user);
            }
            if let Some(password) = &self.password {
                client = client.with_password(password);
            }
            client
        };
        self.urls.iter().map(client).collect()
    }
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
        let wrong: [(&str, Change); 6] = [
            ("urls", |config| config.urls.clear()),
            ("urls", |config| config.urls = vec!["127.0.0.1:8123".to_owned()]),
            ("cluster", |config| config.urls = vec!["http://a".to_owned(), "http://b".to_owned()]),
            ("database", |config| config.database = "a; drop".to_owned()),
            ("retention", |config| config.minute_retention = Duration::from_secs(100_000)),
            ("deduplication_window", |config| config.deduplication_window = 0),
        ];
        for (setting, change) in wrong {
            let mut config = good.clone();
            change(&mut config);
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(&format!("wrong: {setting}: ")), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let config = Config { password: Some("s3cret".to_owned()), ..Config::new("http://a") };
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
