//! The log's part of the configuration: as written, and as checked.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::metrics::Teller;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// As written by the user; keys that are left out have the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RawConfig {
    /// The directory that holds the log; `log` in the data directory if not given.
    pub dir: Option<PathBuf>,
    /// In [1, 1024]. Can't be changed once the log exists, for a beacon's partition depends on it.
    pub partitions: u32,
    /// How long a file of records grows before the next is begun, in [4 KiB, 1 GiB]. Retention deletes
    /// whole files.
    pub segment_bytes: u64,
    /// How much disk all records together may take; at least two segments a partition.
    pub retention_bytes: u64,
    /// How old records may grow, in [1 s, 3660 days]. They stay an eighth of it longer at most.
    #[serde(with = "humantime_serde")]
    pub retention_age: Duration,
    /// How many records before a group's committed position are kept for it, in each partition.
    pub replay_margin: u64,
    /// The largest record, in [1 B, 64 MiB]; a segment must have room for it.
    pub record_bytes_max: u64,
    /// How many records may wait for the disk in each partition, in [1, 1,048,576].
    pub queue_records_max: u64,
    /// How many bytes of records may wait for the disk in each partition, in [`record_bytes_max`, 1 GiB].
    pub queue_bytes_max: u64,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            dir: None,
            partitions: 4,
            segment_bytes: 64 * MIB,
            retention_bytes: 8 * GIB,
            retention_age: Duration::from_secs(7 * 24 * 3_600),
            replay_margin: 262_144,
            record_bytes_max: MIB,
            queue_records_max: 32_768,
            queue_bytes_max: 16 * MIB,
        }
    }
}

/// A configuration within its bounds. Made by [`RawConfig::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub(crate) dir: PathBuf,
    pub(crate) partitions: u32,
    pub(crate) segment_bytes: u64,
    pub(crate) retention_bytes: u64,
    pub(crate) retention_age: Duration,
    pub(crate) replay_margin: u64,
    pub(crate) record_bytes_max: usize,
    pub(crate) queue_records_max: usize,
    pub(crate) queue_bytes_max: usize,
    pub(crate) teller: Teller,
}

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("{value} is not in [{min}, {max}]")]
    OutOfRange { key: &'static str, value: u64, min: u64, max: u64 },
    #[error("{} is not in [{}, {}]", seconds(value), seconds(min), seconds(max))]
    DurationOutOfRange { key: &'static str, value: Duration, min: Duration, max: Duration },
    /// Another key's value asks for more.
    #[error("{value} is less than {min}, which {why}")]
    TooSmall { key: &'static str, value: u64, min: u64, why: &'static str },
    /// Something else; what, and the remedy.
    #[error("{what}")]
    Invalid { key: &'static str, what: String },
}

impl ConfigError {
    /// The key whose value it is, within the log's part.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::OutOfRange { key, .. }
            | Self::DurationOutOfRange { key, .. }
            | Self::TooSmall { key, .. }
            | Self::Invalid { key, .. } => key,
        }
    }
}

fn seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

impl RawConfig {
    /// The checked configuration; `data_dir` is where the log stands when it has no `dir` of its own.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn check(&self, data_dir: &Path) -> Result<Config, Vec<ConfigError>> {
        let mut errors = Vec::new();
        errors.extend(range("partitions", u64::from(self.partitions), 1, 1_024));
        errors.extend(range("segment_bytes", self.segment_bytes, 4 * KIB, GIB));
        errors.extend(range("record_bytes_max", self.record_bytes_max, 1, 64 * MIB));
        errors.extend(range("queue_records_max", self.queue_records_max, 1, MIB));
        errors.extend(range("queue_bytes_max", self.queue_bytes_max, 1, GIB));
        let (min, max) = (Duration::from_secs(1), Duration::from_secs(3_660 * 24 * 3_600));
        if !(min..=max).contains(&self.retention_age) {
            errors.push(ConfigError::DurationOutOfRange { key: "retention_age", value: self.retention_age, min, max });
        }
        if errors.is_empty() {
            let largest = self.record_bytes_max + crate::embedded::OVERHEAD_BYTES_MAX;
            errors.extend(at_least("segment_bytes", self.segment_bytes, largest, "the largest record takes (record_bytes_max)"));
            errors.extend(at_least("queue_bytes_max", self.queue_bytes_max, self.record_bytes_max, "is record_bytes_max"));
            let segments = 2 * u64::from(self.partitions) * self.segment_bytes;
            errors.extend(at_least("retention_bytes", self.retention_bytes, segments, "is two segments (segment_bytes) a partition"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Config {
            dir: self.dir.clone().unwrap_or_else(|| data_dir.join("log")),
            partitions: self.partitions,
            segment_bytes: self.segment_bytes,
            retention_bytes: self.retention_bytes,
            retention_age: self.retention_age,
            replay_margin: self.replay_margin,
            record_bytes_max: usize_of(self.record_bytes_max),
            queue_records_max: usize_of(self.queue_records_max),
            queue_bytes_max: usize_of(self.queue_bytes_max),
            teller: Teller::Log,
        })
    }
}

/// A segment takes records for this part of the retention age at most, so that none stays much longer.
const SEGMENTS_PER_AGE: u32 = 8;

impl Config {
    /// How long a segment takes records.
    pub(crate) fn segment_span(&self) -> Duration {
        self.retention_age / SEGMENTS_PER_AGE
    }

    /// The directory that holds the log.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many partitions it has.
    pub const fn partitions(&self) -> u32 {
        self.partitions
    }

    /// The largest record, in bytes.
    pub const fn record_bytes_max(&self) -> usize {
        self.record_bytes_max
    }

    /// How many records before a group's committed position are kept for it.
    pub const fn replay_margin(&self) -> u64 {
        self.replay_margin
    }
}

pub(crate) fn range(key: &'static str, value: u64, min: u64, max: u64) -> Option<ConfigError> {
    (!(min..=max).contains(&value)).then_some(ConfigError::OutOfRange { key, value, min, max })
}

pub(crate) fn at_least(key: &'static str, value: u64, min: u64, why: &'static str) -> Option<ConfigError> {
    (value < min).then_some(ConfigError::TooSmall { key, value, min, why })
}

pub(crate) fn usize_of(bounded: u64) -> usize {
    usize::try_from(bounded).expect("it was checked to be at most a gigabyte")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_within_its_own_bounds() {
        let config = RawConfig::default().check(Path::new("/data")).unwrap();
        assert_eq!(config.dir(), Path::new("/data/log"));
    }

    #[test]
    fn what_is_left_out_has_its_default_and_ages_are_written_as_people_say_them() {
        let raw: RawConfig = serde_json::from_str(r#"{"partitions": 8, "retention_age": "36h"}"#).unwrap();
        assert_eq!(raw, RawConfig { partitions: 8, retention_age: Duration::from_secs(36 * 3_600), ..RawConfig::default() });
    }

    #[test]
    fn every_value_out_of_bounds_is_named() {
        let default = RawConfig::default;
        let table = [
            (RawConfig { partitions: 0, ..default() }, "partitions", "0 is not in [1, 1024]"),
            (RawConfig { partitions: 1_025, ..default() }, "partitions", "1025 is not in [1, 1024]"),
            (RawConfig { segment_bytes: 4_095, ..default() }, "segment_bytes", "4095 is not in"),
            (RawConfig { segment_bytes: MIB, ..default() }, "segment_bytes", "the largest record takes"),
            (RawConfig { queue_bytes_max: MIB - 1, ..default() }, "queue_bytes_max", "is record_bytes_max"),
            (RawConfig { queue_records_max: 0, ..default() }, "queue_records_max", "0 is not in"),
            (RawConfig { retention_bytes: 512 * MIB - 1, ..default() }, "retention_bytes", "less than 536870912"),
            (RawConfig { retention_age: Duration::ZERO, ..default() }, "retention_age", "0 s is not in [1 s,"),
        ];
        for (raw, key, text) in table {
            let errors = raw.check(Path::new("")).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert_eq!(errors[0].key(), key);
            assert!(errors[0].to_string().contains(text), "{}", errors[0]);
        }
    }

    #[test]
    fn all_problems_come_at_once() {
        let raw = RawConfig { partitions: 0, record_bytes_max: 0, ..RawConfig::default() };
        assert_eq!(raw.check(Path::new("")).unwrap_err().len(), 2);
    }
}
