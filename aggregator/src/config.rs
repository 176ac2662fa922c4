//! How the aggregator is configured.

use std::{collections::BTreeMap, time::Duration};

use schemas::dimension::Dimension;
use serde::Deserialize;

/// As written: the keys under `[aggregator]`.
#[derive(Debug, Clone, Deserialize)]
pub struct RawConfig {
    #[serde(with = "humantime_serde")]
    pub flush_interval: Duration,
    pub flush_cells_max: usize,
    pub duplicate_window: u64,
    pub groups_max: usize,
    pub samples: bool,
    pub values_max: BTreeMap<String, usize>,
}

/// Checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// How often rollups are written.
    pub flush_interval: Duration,
    /// Rollups are written earlier when this many cells (a group in a minute) wait.
    pub flush_cells_max: usize,
    /// A beacon is recognised as repeated among this many records of its partition.
    pub duplicate_window: u64,
    pub limits: Limits,
}

/// Bounds on what clients can make the aggregator keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Groups of one app and cuboid that may be live at once; more count as `__other__`.
    pub groups_max: usize,
    /// Values that a dimension may have, by its name; the key `default` is for the others.
    pub values_max: BTreeMap<String, usize>,
    /// Whether some beacons are kept whole: at most [`schemas::sample::SLOTS`] of a route and minute.
    pub samples: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            groups_max: 50_000,
            values_max: BTreeMap::from([("default".to_owned(), 200), ("route".to_owned(), 1_000), ("network".to_owned(), 500)]),
            samples: true,
        }
    }
}

impl Limits {
    /// How many values `dimension` may have.
    pub fn values_max(&self, dimension: &Dimension) -> usize {
        let of = |name: &str| self.values_max.get(name).copied();
        of(dimension.name()).or_else(|| of("default")).unwrap_or(200)
    }
}

/// A key whose value can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct ConfigError {
    /// Within `[aggregator]`.
    pub key: String,
    pub what: String,
}

impl RawConfig {
    /// The configuration, or everything that is wrong with it.
    ///
    /// # Errors
    /// When a value is outside its range.
    pub fn check(self) -> Result<Config, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let mut at_least_one = |key: &str, value: u64| {
            if value == 0 {
                errors.push(ConfigError { key: key.to_owned(), what: "must be at least 1".to_owned() });
            }
        };
        at_least_one("flush_cells_max", self.flush_cells_max as u64);
        at_least_one("duplicate_window", self.duplicate_window);
        at_least_one("groups_max", self.groups_max as u64);
        for (dimension, values) in &self.values_max {
            at_least_one(&format!("values_max.{dimension}"), *values as u64);
        }
        if self.flush_interval.is_zero() {
            errors.push(ConfigError { key: "flush_interval".to_owned(), what: "must be longer than 0".to_owned() });
        }
        for name in self.values_max.keys().filter(|name| *name != "default") {
            if let Err(error) = name.parse::<Dimension>() {
                errors.push(ConfigError { key: format!("values_max.{name}"), what: error.to_string() });
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Config {
            flush_interval: self.flush_interval,
            flush_cells_max: self.flush_cells_max,
            duplicate_window: self.duplicate_window,
            limits: Limits { groups_max: self.groups_max, values_max: self.values_max, samples: self.samples },
        })
    }
}
