//! The spool's part of the configuration: as written, and as checked.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    config::{self, ConfigError, at_least, range, usize_of},
    embedded::OVERHEAD_BYTES_MAX,
    metrics::Teller,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// A partition's records are spread over so many files if all fill alike: what was sent on is deleted by
/// whole files.
const SEGMENTS_EACH: u64 = 8;
const SEGMENT_BYTES_MIN: u64 = 4 << 10;
const SEGMENT_BYTES_MAX: u64 = 64 * MIB;
/// What was sent on is gone after this and an eighth of it, or when its room is needed.
const SENT_AGE_MAX: Duration = Duration::from_secs(8 * 60);
/// How many records of a partition may wait for the disk: more than the log may have under way when it
/// ceases to answer, for all of them come at once.
const QUEUE_RECORDS_MAX: usize = 1 << 18;
/// How many bytes of them.
const QUEUE_BYTES_MAX: u64 = 128 * MIB;

/// As written by the user; keys that are left out have the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RawConfig {
    /// The directory that holds the spool; `spool` in the data directory if not given. Each process has
    /// one of its own.
    pub dir: Option<PathBuf>,
    /// How much disk the records that wait may take, in [1 B, 1 PiB], and at least two of the largest records
    /// a partition. Past it records are refused.
    pub bytes_max: u64,
    /// How long the log may take to acknowledge a record before the spool does, in [10 ms, 1 min].
    #[serde(with = "humantime_serde")]
    pub after: Duration,
    /// How long a stop waits for what waits to be sent on, in [0 s, 10 min]. The rest is sent after the next
    /// start.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self { dir: None, bytes_max: 8 * GIB, after: Duration::from_secs(1), drain: Duration::from_secs(5) }
    }
}

/// A configuration within its bounds. Made by [`RawConfig::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub(super) log: config::Config,
    pub(super) after: Duration,
    pub(super) drain: Duration,
}

impl RawConfig {
    /// The checked configuration of a spool before a log with so many `partitions`, whose records have at most
    /// `record_bytes_max` bytes; `data_dir` is where the spool stands when it has no `dir` of its own.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn check(&self, data_dir: &Path, partitions: u32, record_bytes_max: usize) -> Result<Config, Vec<ConfigError>> {
        let mut errors = Vec::new();
        errors.extend(range("bytes_max", self.bytes_max, 1, 1 << 50));
        errors.extend(between("after", self.after, Duration::from_millis(10), Duration::from_secs(60)));
        errors.extend(between("drain", self.drain, Duration::ZERO, Duration::from_secs(600)));
        let largest = (record_bytes_max as u64 + OVERHEAD_BYTES_MAX).max(SEGMENT_BYTES_MIN);
        let files = 2 * u64::from(partitions);
        if errors.is_empty() {
            errors.extend(at_least("bytes_max", self.bytes_max, files * largest, "is room for two of the largest records a partition"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let segment_bytes = (self.bytes_max / (SEGMENTS_EACH * u64::from(partitions))).clamp(largest, SEGMENT_BYTES_MAX.max(largest));
        Ok(Config {
            log: config::Config {
                dir: self.dir.clone().unwrap_or_else(|| data_dir.join("spool")),
                partitions,
                segment_bytes,
                retention_bytes: self.bytes_max,
                retention_age: SENT_AGE_MAX,
                replay_margin: 0,
                record_bytes_max,
                queue_records_max: QUEUE_RECORDS_MAX,
                queue_bytes_max: usize_of(QUEUE_BYTES_MAX.max(record_bytes_max as u64)),
                teller: Teller::Spool,
            },
            after: self.after,
            drain: self.drain,
        })
    }
}

impl Config {
    /// The directory that holds the spool.
    pub fn dir(&self) -> &Path {
        self.log.dir()
    }

    /// How much disk the records that wait may take.
    pub const fn bytes_max(&self) -> u64 {
        self.log.retention_bytes
    }
}

fn between(key: &'static str, value: Duration, min: Duration, max: Duration) -> Option<ConfigError> {
    (!(min..=max).contains(&value)).then_some(ConfigError::DurationOutOfRange { key, value, min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_within_its_own_bounds() {
        let config = RawConfig::default().check(Path::new("/data"), 1_024, 1 << 20).unwrap();
        assert_eq!((config.dir(), config.bytes_max()), (Path::new("/data/spool"), 8 << 30));
    }

    #[test]
    fn every_value_out_of_bounds_is_named() {
        let default = RawConfig::default;
        let table = [
            (RawConfig { bytes_max: 0, ..default() }, "bytes_max"),
            (RawConfig { bytes_max: 8 << 20, ..default() }, "bytes_max"),
            (RawConfig { after: Duration::from_millis(9), ..default() }, "after"),
            (RawConfig { drain: Duration::from_secs(601), ..default() }, "drain"),
        ];
        for (raw, key) in table {
            let errors = raw.check(Path::new(""), 4, 1 << 20).unwrap_err();
            assert_eq!(errors.iter().map(ConfigError::key).collect::<Vec<_>>(), [key], "{errors:?}");
        }
    }

    #[test]
    fn files_are_small_enough_to_be_deleted_one_by_one_and_large_enough_for_any_record() {
        for (bytes_max, partitions, record_bytes_max) in [(16_384, 1, 1_000), (1 << 40, 1_024, 1 << 20), (9 << 20, 4, 1 << 20)] {
            let config = RawConfig { bytes_max, ..RawConfig::default() }.check(Path::new(""), partitions, record_bytes_max).unwrap();
            assert!(config.log.segment_bytes >= record_bytes_max as u64 + OVERHEAD_BYTES_MAX);
            assert!(2 * u64::from(partitions) * config.log.segment_bytes <= bytes_max, "{config:?}");
        }
    }
}
