//! Kafka's part of the configuration: as written, as checked, and as librdkafka wants it.

use std::{fs, path::PathBuf, time::Duration};

use rdkafka::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    config::{ConfigError, range, usize_of},
    jobs::SHARES,
};

const MIB: u64 = 1 << 20;
/// What a batch of one record takes besides the record, at most: its header and the record's lengths.
pub(super) const OVERHEAD_BYTES_MAX: usize = 1 << 10;

/// What the topic of a log's shares has behind the log's own name.
const SHARES_SUFFIX: &str = ".shares";
const TOPIC_BYTES_MAX: usize = 249 - SHARES_SUFFIX.len();

/// As written by the user; keys that are left out have the defaults.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct RawConfig {
    /// `host:port`, with commas between several. Any broker of the cluster will do, for a start.
    pub brokers: String,
    pub topic: String,
    /// In [1, 1024]. Can't be changed once the topic exists, for a beacon's partition depends on it.
    pub partitions: u32,
    /// On how many brokers each record stands, in [1, 15]. A topic with more is accepted.
    pub replication: u16,
    /// How many of them must have a record before it is acknowledged, in [1, `replication`].
    pub in_sync_replicas_min: u16,
    /// How old records may grow, in [1 s, 3660 days]. A topic that keeps them longer is accepted.
    #[serde(with = "humantime_serde")]
    pub retention_age: Duration,
    /// The largest record, in [1 B, 64 MiB].
    pub record_bytes_max: u64,
    pub compression: Compression,
    /// How long records wait for others to share a batch with, in [0 s, 1 s].
    #[serde(with = "humantime_serde")]
    pub linger: Duration,
    /// How long an append waits for its acknowledgement, in [100 ms, 5 min].
    #[serde(with = "humantime_serde")]
    pub append_timeout: Duration,
    /// How long any other question waits for its answer, in [100 ms, 5 min].
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// How long a member of a group may be silent before its partitions go to others, in [500 ms, 5 min].
    /// The brokers have bounds of their own (`group.min.session.timeout.ms`, 6 s if not set).
    #[serde(with = "humantime_serde")]
    pub session_timeout: Duration,
    /// How long the owner of a share of a job (detection, alerts) may be silent before another takes it over,
    /// in [500 ms, 5 min]. The brokers' bounds are those of `session_timeout`.
    #[serde(with = "humantime_serde")]
    pub takeover_timeout: Duration,
    /// How long a member may be busy between two polls, in [`session_timeout`, 1 h].
    #[serde(with = "humantime_serde")]
    pub poll_interval_max: Duration,
    /// How many records may wait to be sent, in [1, 10,000,000].
    pub queue_records_max: u64,
    /// How many bytes of records may wait to be sent, in [`record_bytes_max`, 1 GiB].
    pub queue_bytes_max: u64,
    pub security: Security,
    /// The authorities that sign the brokers' certificates, as PEM; the system's if not given.
    pub tls_ca_file: Option<PathBuf>,
    /// This client's certificate and its key, as PEM, where the brokers want one.
    pub tls_certificate_file: Option<PathBuf>,
    pub tls_key_file: Option<PathBuf>,
    pub tls_key_password: Option<SecretString>,
    pub sasl_mechanism: SaslMechanism,
    pub sasl_username: Option<String>,
    pub sasl_password: Option<SecretString>,
    /// A file with the password, instead of `sasl_password`.
    pub sasl_password_file: Option<PathBuf>,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic: "icarus.records".to_owned(),
            partitions: 4,
            replication: 1,
            in_sync_replicas_min: 1,
            retention_age: Duration::from_secs(7 * 24 * 3_600),
            record_bytes_max: MIB,
            compression: Compression::Lz4,
            linger: Duration::from_millis(5),
            append_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            session_timeout: Duration::from_secs(15),
            takeover_timeout: Duration::from_secs(6),
            poll_interval_max: Duration::from_secs(60),
            queue_records_max: 100_000,
            queue_bytes_max: 64 * MIB,
            security: Security::Plaintext,
            tls_ca_file: None,
            tls_certificate_file: None,
            tls_key_file: None,
            tls_key_password: None,
            sasl_mechanism: SaslMechanism::ScramSha512,
            sasl_username: None,
            sasl_password: None,
            sasl_password_file: None,
        }
    }
}

/// How batches of records are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    None,
    Lz4,
    Zstd,
}

/// How brokers are talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Security {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// How this client says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

/// A configuration within its bounds, its secrets read. Made by [`RawConfig::check`].
#[derive(Debug, Clone)]
pub struct Config {
    pub(super) raw: RawConfig,
    pub(super) record_bytes_max: usize,
    password: Option<SecretString>,
}

impl RawConfig {
    /// The checked configuration. Reads the password's file, if one is named.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn check(&self) -> Result<Config, Vec<ConfigError>> {
        let mut errors: Vec<_> = [
            range("partitions", u64::from(self.partitions), 1, 1_024),
            range("replication", u64::from(self.replication), 1, 15),
            range("in_sync_replicas_min", u64::from(self.in_sync_replicas_min), 1, u64::from(self.replication)),
            range("record_bytes_max", self.record_bytes_max, 1, 64 * MIB),
            range("queue_records_max", self.queue_records_max, 1, 10_000_000),
            range("queue_bytes_max", self.queue_bytes_max, self.record_bytes_max, 1_024 * MIB),
            between("retention_age", self.retention_age, Duration::from_secs(1), Duration::from_secs(3_660 * 24 * 3_600)),
            between("linger", self.linger, Duration::ZERO, Duration::from_secs(1)),
            between("append_timeout", self.append_timeout, Duration::from_millis(100).max(self.linger), Duration::from_secs(300)),
            between("request_timeout", self.request_timeout, Duration::from_millis(100), Duration::from_secs(300)),
            between("session_timeout", self.session_timeout, Duration::from_millis(500), Duration::from_secs(300)),
            between("takeover_timeout", self.takeover_timeout, Duration::from_millis(500), Duration::from_secs(300)),
            between("poll_interval_max", self.poll_interval_max, self.session_timeout, Duration::from_secs(3_600)),
            self.brokers.trim().is_empty().then(|| invalid("brokers", "name at least one broker, as host:port")),
            (!topic_name(&self.topic)).then(|| invalid("topic", "it has 1 to 242 letters, digits, dots, dashes or underscores")),
        ]
        .into_iter()
        .flatten()
        .collect();
        let password = self.password().unwrap_or_else(|error| {
            errors.push(error);
            None
        });
        errors.extend(self.security_error(password.is_some(), cfg!(feature = "kafka-tls")));
        errors.extend(self.unreadable());
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Config { raw: self.clone(), record_bytes_max: usize_of(self.record_bytes_max), password })
    }

    fn password(&self) -> Result<Option<SecretString>, ConfigError> {
        match (&self.sasl_password, &self.sasl_password_file) {
            (Some(_), Some(_)) => Err(invalid("sasl_password_file", "give either sasl_password or sasl_password_file")),
            (given, None) => Ok(given.clone()),
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).into())),
                Err(error) => Err(invalid("sasl_password_file", format!("{} can't be read: {error}", path.display()))),
            },
        }
    }

    /// A named file that this process can't read.
    fn unreadable(&self) -> Vec<ConfigError> {
        let files = [
            ("tls_ca_file", &self.tls_ca_file),
            ("tls_certificate_file", &self.tls_certificate_file),
            ("tls_key_file", &self.tls_key_file),
        ];
        let named = files.into_iter().filter_map(|(key, file)| Some((key, file.as_ref().filter(|_| self.security.tls())?)));
        let refused = named.filter_map(|(key, file)| Some((key, file, fs::File::open(file).err()?)));
        refused.map(|(key, file, error)| invalid(key, format!("{} can't be read: {error}", file.display()))).collect()
    }

    /// `built` is whether this build has TLS and SCRAM.
    fn security_error(&self, password: bool, built: bool) -> Option<ConfigError> {
        let (tls, sasl) = (self.security.tls(), self.security.sasl());
        let scram = sasl && self.sasl_mechanism != SaslMechanism::Plain;
        if (tls || scram) && !built {
            return Some(invalid("security", "this build has neither TLS nor SCRAM: build with the feature kafka-tls"));
        }
        if sasl && (self.sasl_username.is_none() || !password) {
            return Some(invalid("sasl_username", "SASL wants sasl_username, and sasl_password or sasl_password_file"));
        }
        let wrong = self.tls_certificate_file.is_some() != self.tls_key_file.is_some();
        wrong.then(|| invalid("tls_certificate_file", "tls_certificate_file and tls_key_file go together"))
    }
}

impl Security {
    const fn tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    const fn sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

fn invalid(key: &'static str, what: impl Into<String>) -> ConfigError {
    ConfigError::Invalid { key, what: what.into() }
}

fn between(key: &'static str, value: Duration, min: Duration, max: Duration) -> Option<ConfigError> {
    (!(min..=max).contains(&value)).then_some(ConfigError::DurationOutOfRange { key, value, min, max })
}

fn topic_name(topic: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=TOPIC_BYTES_MAX).contains(&topic.len()) && topic.bytes().all(allowed) && !matches!(topic, "." | "..")
}

impl Config {
    /// How many partitions the topic has.
    pub const fn partitions(&self) -> u32 {
        self.raw.partitions
    }

    /// The largest record, in bytes.
    pub const fn record_bytes_max(&self) -> usize {
        self.record_bytes_max
    }

    /// The topic that holds the log.
    pub fn topic(&self) -> &str {
        &self.raw.topic
    }

    /// The same, for the topic whose partitions are the shares of jobs.
    pub(super) fn of_shares(&self) -> Self {
        let raw = RawConfig { topic: format!("{}{SHARES_SUFFIX}", self.raw.topic), partitions: SHARES, ..self.raw.clone() };
        Self { raw, ..self.clone() }
    }

    /// The largest batch that the topic has to take.
    pub(super) const fn batch_bytes_max(&self) -> usize {
        self.record_bytes_max + OVERHEAD_BYTES_MAX
    }

    /// What every client of the brokers is told.
    pub(super) fn client(&self) -> ClientConfig {
        let raw = &self.raw;
        let mut client = ClientConfig::new();
        let request_ms = raw.request_timeout.as_millis().to_string();
        client
            .set("bootstrap.servers", &raw.brokers)
            .set("client.id", "icarus")
            .set("socket.timeout.ms", &request_ms)
            .set("socket.keepalive.enable", "true")
            // A broker that comes back is found within a second.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("allow.auto.create.topics", "false")
            .set("security.protocol", self.raw.security.name());
        let (tls, sasl) = (raw.security.tls(), raw.security.sasl());
        let text = |path: &Option<PathBuf>| path.as_ref().filter(|_| tls).map(|path| path.to_string_lossy().into_owned());
        let secret = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let optional = [
            ("ssl.ca.location", text(&raw.tls_ca_file)),
            ("ssl.certificate.location", text(&raw.tls_certificate_file)),
            ("ssl.key.location", text(&raw.tls_key_file)),
            ("ssl.key.password", secret(&raw.tls_key_password).filter(|_| tls)),
            ("sasl.mechanism", sasl.then(|| raw.sasl_mechanism.name().to_owned())),
            ("sasl.username", raw.sasl_username.clone().filter(|_| sasl)),
            ("sasl.password", secret(&self.password).filter(|_| sasl)),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                client.set(key, value);
            }
        }
        client
    }
}

impl Security {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }
}

impl SaslMechanism {
    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Compression {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_within_its_own_bounds() {
        assert_eq!(RawConfig::default().check().unwrap().partitions(), 4);
    }

    #[test]
    fn every_value_out_of_bounds_is_named() {
        let default = RawConfig::default;
        let table = [
            (RawConfig { partitions: 0, ..default() }, "partitions"),
            (RawConfig { in_sync_replicas_min: 2, ..default() }, "in_sync_replicas_min"),
            (RawConfig { queue_bytes_max: MIB - 1, ..default() }, "queue_bytes_max"),
            (RawConfig { poll_interval_max: Duration::from_secs(14), ..default() }, "poll_interval_max"),
            (RawConfig { brokers: " ".to_owned(), ..default() }, "brokers"),
            (RawConfig { topic: "a b".to_owned(), ..default() }, "topic"),
            (RawConfig { sasl_password_file: Some("/not/there".into()), ..default() }, "sasl_password_file"),
            (RawConfig { tls_key_file: Some("key.pem".into()), ..default() }, "tls_certificate_file"),
            (RawConfig { security: Security::SaslPlaintext, sasl_mechanism: SaslMechanism::Plain, ..default() }, "sasl_username"),
        ];
        for (raw, key) in table {
            let errors = raw.check().unwrap_err();
            assert_eq!(errors.iter().map(ConfigError::key).collect::<Vec<_>>(), [key], "{errors:?}");
        }
    }

    #[test]
    fn secrets_are_read_from_files_and_shown_nowhere() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "open sesame\n").unwrap();
        let raw = RawConfig {
            security: Security::SaslPlaintext,
            sasl_mechanism: SaslMechanism::Plain,
            sasl_username: Some("ali".to_owned()),
            sasl_password_file: Some(file.path().to_owned()),
            tls_key_password: Some("barley".into()),
            ..RawConfig::default()
        };
        let config = raw.check().unwrap();
        assert_eq!(config.client().get("sasl.password"), Some("open sesame"));
        let shown = format!("{config:?} {raw:?}");
        assert!(!shown.contains("sesame") && !shown.contains("barley"), "{shown}");
    }

    #[test]
    fn a_build_without_tls_refuses_it_and_scram_and_says_what_to_build() {
        use SaslMechanism::{Plain, ScramSha512};
        let table = [
            (Security::Plaintext, ScramSha512, false),
            (Security::SaslPlaintext, Plain, false),
            (Security::SaslPlaintext, ScramSha512, true),
            (Security::Ssl, Plain, true),
            (Security::SaslSsl, Plain, true),
        ];
        for (security, sasl_mechanism, wanted) in table {
            let raw = RawConfig { security, sasl_mechanism, sasl_username: Some("ali".to_owned()), ..RawConfig::default() };
            assert_eq!(raw.security_error(true, true), None, "{security:?}");
            let told = raw.security_error(true, false).map(|error| error.to_string());
            assert_eq!(
                told.is_some_and(|told| told.contains("build with the feature kafka-tls")),
                wanted,
                "{security:?} {sasl_mechanism:?}"
            );
        }
        let raw = RawConfig { security: Security::Ssl, ..RawConfig::default() };
        assert_eq!(raw.check().is_ok(), cfg!(feature = "kafka-tls"));
    }

    #[test]
    fn what_only_tls_uses_is_read_and_told_to_the_client_only_with_tls() {
        let raw = RawConfig { tls_ca_file: Some("/not/there".into()), tls_key_password: Some("barley".into()), ..RawConfig::default() };
        let client = raw.check().unwrap().client();
        assert_eq!((client.get("ssl.ca.location"), client.get("ssl.key.password")), (None, None));
        let unreadable = RawConfig { security: Security::Ssl, ..raw }.unreadable();
        assert_eq!(unreadable.iter().map(ConfigError::key).collect::<Vec<_>>(), ["tls_ca_file"]);
        assert!(unreadable[0].to_string().starts_with("/not/there can't be read: "), "{unreadable:?}");
    }

    #[test]
    fn names_are_those_that_kafka_uses() {
        let raw: RawConfig = serde_json::from_str(r#"{"security": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-256"}"#).unwrap();
        assert_eq!((raw.security, raw.sasl_mechanism), (Security::SaslSsl, SaslMechanism::ScramSha256));
    }
}
