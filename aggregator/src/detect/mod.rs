//! Detection: which series departed from their baseline in a minute.
//!
//! Each minute of each series, alone and with the minutes before it, is compared with two baselines of
//! its own: the last hours, and the same hour of the days before. Only what departs from both is a
//! flag, so that neither the daily cycle nor a slow drift is one. The statistic is of the whole
//! histogram: the mean of the values' logarithms, which finds a shift of everyone, and the share of
//! values beyond the usual 90th percentile, which finds a change of the slowest; for counters the number
//! of events. How much a series varies beyond chance is learned from it, and over all series of a
//! minute the share of false discoveries is bounded.
//!
//! All but [`watcher`] is pure: time is an argument.

mod baseline;
mod discovery;
mod moments;
mod rules;
mod series;
mod tester;
pub mod watcher;

pub use tester::{Observation, Tester};

/// What a departure must reach to be flagged.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// Samples that a window must have, before weights.
    pub samples_min: u64,
    /// The smallest relative effect, such as 0.15 for a sixth slower.
    pub effect_min: f64,
    /// The smallest change of a duration's geometric mean, in milliseconds.
    pub duration_change_min_ms: f64,
    /// The smallest change of a score's.
    pub score_change_min: f64,
    /// The smallest relative effect on a counter.
    pub count_effect_min: f64,
    /// The share of false flags among all flags of a minute, at the most, on average.
    pub false_discovery_rate: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            samples_min: 30,
            effect_min: 0.15,
            duration_change_min_ms: 20.0,
            score_change_min: 0.01,
            count_effect_min: 0.5,
            false_discovery_rate: 0.000_5,
        }
    }
}

#[cfg(test)]
mod tests;
