//! Releases of the imagined shop: one every few days, rolled out over a while.

use std::time::Duration;

use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

/// When releases come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Releases {
    /// The time from one release to the next; at least a minute.
    #[serde(with = "humantime_serde")]
    pub every: Duration,
    /// How long it takes until everybody has a new one, at an even pace. Zero is at once.
    #[serde(with = "humantime_serde")]
    pub rollout: Duration,
}

impl Default for Releases {
    /// Every three days, within an hour.
    fn default() -> Self {
        Self { every: Duration::from_secs(3 * 86_400), rollout: Duration::from_secs(3_600) }
    }
}

/// 2 January 2025, 10:00 UTC: when release 4.0.0 came.
const FIRST: Timestamp = Timestamp::from_ms(1_735_812_000_000);

impl Releases {
    /// The release at `at` of a visitor whose place in a roll-out is `place`, in [0, 1).
    pub(crate) fn at(&self, at: Timestamp, place: f64) -> String {
        let every = i64::try_from(self.every.as_millis()).unwrap_or(i64::MAX).max(60_000);
        let since_first = (at.as_ms() - FIRST.as_ms()).max(0);
        let (newest, age) = (since_first / every, since_first % every);
        let has_newest = newest == 0 || rolled_out(Duration::from_millis(age.unsigned_abs()), self.rollout) > place;
        format!("4.{}.0", if has_newest { newest } else { newest - 1 })
    }
}

/// The share of visitors, in [0, 1], that a roll-out over `rollout` has reached after `elapsed`.
pub(crate) fn rolled_out(elapsed: Duration, rollout: Duration) -> f64 {
    if elapsed >= rollout { 1.0 } else { elapsed.as_secs_f64() / rollout.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_reaches_more_and_more_until_the_next_one() {
        let releases = Releases::default();
        let after = |hours: f64| FIRST.plus(Duration::from_secs_f64(3_600.0 * hours));
        assert_eq!(releases.at(after(0.0), 0.99), "4.0.0");
        assert_eq!(releases.at(after(72.5), 0.4), "4.1.0");
        assert_eq!(releases.at(after(72.5), 0.6), "4.0.0");
        assert_eq!(releases.at(after(73.0), 0.99), "4.1.0");
        assert_eq!(releases.at(after(144.0), 0.0), "4.1.0");
        assert_eq!(releases.at(Timestamp::from_ms(0), 0.5), "4.0.0");
    }
}
