//! Versions of browsers: which one is current on a day, and how long people stay behind it.

use schemas::time::Timestamp;

use crate::draw::Draw;

const MS_PER_DAY: f64 = 86_400_000.0;

/// How a browser's versions follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cadence {
    /// Major version `first` came on `day` (days since 1970), and another every `every` days.
    Regular { first: u32, day: f64, every: f64 },
    /// These majors came on these days, in order of time.
    Listed(&'static [(f64, u32)]),
}

/// Chrome 131 came on 12 November 2024.
pub(crate) const CHROME: Cadence = Cadence::Regular { first: 131, day: 20_039.0, every: 28.0 };
/// Edge 131 came two days after Chrome's.
pub(crate) const EDGE: Cadence = Cadence::Regular { first: 131, day: 20_041.0, every: 28.0 };
/// Firefox 132 came on 29 October 2024.
pub(crate) const FIREFOX: Cadence = Cadence::Regular { first: 132, day: 20_025.0, every: 28.0 };
/// Samsung Internet 27 came on 6 November 2024.
pub(crate) const SAMSUNG: Cadence = Cadence::Regular { first: 27, day: 20_033.0, every: 168.0 };
/// Safari comes in September; after 18 its number became the year's.
pub(crate) const SAFARI: Cadence = Cadence::Listed(&[(19_618.0, 17), (19_982.0, 18), (20_346.0, 26), (20_710.0, 27)]);

impl Cadence {
    /// The major version that was current at `at`; the first one before it came.
    pub(crate) fn major(self, at: Timestamp) -> u32 {
        let today = at.as_ms() as f64 / MS_PER_DAY;
        match self {
            Self::Regular { first, day, every } => first + ((today - day) / every).floor().max(0.0) as u32,
            Self::Listed(releases) => {
                releases.iter().rev().find(|(day, _)| *day <= today).or(releases.first()).map_or(1, |(_, major)| *major)
            }
        }
    }

    /// The major version of somebody who is `lag_days` behind.
    pub(crate) fn major_behind(self, at: Timestamp, lag_days: f64) -> u32 {
        self.major(Timestamp::from_ms(at.as_ms() - (lag_days * MS_PER_DAY) as i64))
    }
}

/// How many days somebody is behind the current version, whose browser takes `mean_days` to update
/// itself. A few can't update any more.
pub(crate) fn lag_days(mean_days: f64, draw: &mut Draw) -> f64 {
    let (stuck, lag) = (draw.chance(0.04), draw.exponential(mean_days));
    if stuck { 150.0 + 30.0 * lag.min(20.0) } else { lag.min(150.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str) -> Timestamp {
        format!("{date}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn versions_change_over_weeks() {
        assert_eq!(CHROME.major(day("2024-11-12")), 131);
        assert_eq!(CHROME.major(day("2024-12-10")), 132);
        assert_eq!(CHROME.major(day("2020-01-01")), 131);
        assert_eq!(SAFARI.major(day("2026-09-13")), 26);
        assert_eq!(SAFARI.major(day("2026-11-21")), 27);
        assert_eq!(SAFARI.major_behind(day("2026-11-21"), 90.0), 26);
        assert_eq!(SAFARI.major(day("2001-01-01")), 17);
    }
}
