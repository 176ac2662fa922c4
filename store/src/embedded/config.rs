//! How the embedded store is configured.

use std::{path::PathBuf, time::Duration};

use schemas::time::{Minute, Timestamp};

/// Checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that holds the database.
    pub dir: PathBuf,
    /// For how long rollups of a minute are kept, and samples.
    pub minute_retention: Duration,
    /// For how long rollups of an hour, fates, flags and alerts are kept; at least as long as minutes.
    pub hour_retention: Duration,
    /// Past this size on disk the oldest samples are deleted early, then the oldest minutes, then hours.
    pub disk_bytes_max: u64,
    /// Memory for blocks read from disk.
    pub cache_bytes: u64,
    /// Rollups kept in memory before they are merged into blocks.
    pub fresh_rows_max: usize,
    /// How long rollups wait at most before they are merged into blocks.
    pub fresh_age_max: Duration,
}

impl Config {
    /// One for `dir` with the values of the default configuration file.
    pub fn new(dir: PathBuf) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3_600);
        Self {
            dir,
            minute_retention: 8 * DAY,
            hour_retention: 400 * DAY,
            disk_bytes_max: 50 << 30,
            cache_bytes: 128 << 20,
            fresh_rows_max: 200_000,
            fresh_age_max: Duration::from_secs(600),
        }
    }

    /// The first minute that is kept by the minute at `now`.
    pub(super) fn minutes_from(&self, now: Timestamp) -> Minute {
        now.minus(self.minute_retention).minute()
    }

    /// The first minute of which anything is kept at `now`.
    pub(super) fn hours_from(&self, now: Timestamp) -> Minute {
        now.minus(self.hour_retention).minute()
    }
}
