//! What traffic to make: the options of the model, which knows neither clock nor network.

use std::time::Duration;

use schemas::app::AppId;

use crate::scenario::{Scenario, ScenarioError};

/// The greatest weight that a beacon may have.
pub const WEIGHT_MAX: u32 = 10_000;
/// The greatest mean number of page views a minute.
pub const PAGE_VIEWS_PER_MINUTE_MAX: f64 = 1e7;

/// What traffic to make. Each field is a flag of `icarus generate`, by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// The app whose users are imagined.
    pub app: AppId,
    /// Its public write key.
    pub key: String,
    /// All chance comes from it: the same seed and span make the same bytes.
    pub seed: u64,
    /// Page views a minute, robots' among them, as the mean over a week; in (0, 10^7]. Each is one or two
    /// beacons.
    pub page_views_per_minute: f64,
    /// How many page views each one that is sent stands for: only every `weight`th is made. In [1, 10000].
    /// Bare web-vitals objects have no weight, so those are fewer then.
    pub weight: u32,
    /// Whether volume and latency follow the day and the week.
    pub cycles: bool,
    pub rates: Rates,
    pub scenario: Scenario,
    /// Where the pages are: the `Origin` header and the beginning of each address.
    pub origin: String,
    /// The header that tells the visitor's country, as a content delivery network would.
    pub country_header: String,
    /// The lateness that the app's configuration allows: older events count as too late.
    pub lateness_max: Duration,
    /// How large a body is that must be refused for its size, in bytes.
    pub too_large_bytes: usize,
}

/// How often clients do what they should not; each in [0, 1]. All zero is traffic of the best kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// The share of beacons that are sent late, by minutes to days, within the allowed lateness.
    pub late: f64,
    /// The share of beacons whose events are older than the allowed lateness.
    pub too_late: f64,
    /// The share of beacons that are sent again, byte for byte, seconds to minutes later.
    pub repeated: f64,
    /// The share of sessions that are a robot's.
    pub bots: f64,
    /// How many hostile or broken requests there are for each page view of a person.
    pub hostile: f64,
    /// The share of page views that are sent as bare web-vitals objects. Those carry no time and count
    /// when they are received, so a history has none.
    pub bare: f64,
}

impl Rates {
    /// Clients that do all as they should.
    pub const NONE: Self = Self { late: 0.0, too_late: 0.0, repeated: 0.0, bots: 0.0, hostile: 0.0, bare: 0.0 };
    /// What an app on the open internet sees, roughly.
    pub const REAL: Self = Self { late: 0.02, too_late: 0.001, repeated: 0.01, bots: 0.03, hostile: 0.004, bare: 0.01 };
}

/// Why traffic can't be made.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    #[error("page views a minute are {0}: use more than 0 and at most {PAGE_VIEWS_PER_MINUTE_MAX}")]
    PageViews(f64),
    #[error("weight is {0}: use 1 to {WEIGHT_MAX}")]
    Weight(u32),
    #[error("rate `{name}` is {rate}: use 0 to 1")]
    Rate { name: &'static str, rate: f64 },
    #[error("the allowed lateness is {0:?}: use at least a minute")]
    Lateness(Duration),
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

impl Traffic {
    /// Traffic for `app` with nothing unusual about it.
    pub fn new(app: AppId, key: impl Into<String>) -> Self {
        Self {
            app,
            key: key.into(),
            seed: 1,
            page_views_per_minute: 300.0,
            weight: 1,
            cycles: true,
            rates: Rates::REAL,
            scenario: Scenario::default(),
            origin: "https://shop.example".into(),
            country_header: "CF-IPCountry".into(),
            lateness_max: Duration::from_secs(48 * 3_600),
            too_large_bytes: 2 * 1024 * 1024,
        }
    }

    /// Whether all options are in their range.
    ///
    /// # Errors
    /// With the first that is not.
    pub fn check(&self) -> Result<(), TrafficError> {
        let Rates { late, too_late, repeated, bots, hostile, bare } = self.rates;
        let rates = [("late", late), ("too_late", too_late), ("repeated", repeated), ("bots", bots), ("hostile", hostile), ("bare", bare)];
        if !(self.page_views_per_minute > 0.0 && self.page_views_per_minute <= PAGE_VIEWS_PER_MINUTE_MAX) {
            return Err(TrafficError::PageViews(self.page_views_per_minute));
        }
        if !(1..=WEIGHT_MAX).contains(&self.weight) {
            return Err(TrafficError::Weight(self.weight));
        }
        if let Some((name, rate)) = rates.into_iter().find(|(_, rate)| !(0.0..=1.0).contains(rate)) {
            return Err(TrafficError::Rate { name, rate });
        }
        if self.lateness_max < Duration::from_secs(60) {
            return Err(TrafficError::Lateness(self.lateness_max));
        }
        Ok(self.scenario.check()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_are_refused_with_the_remedy() {
        let good = Traffic::new(AppId::new("shop").unwrap(), "k");
        good.check().unwrap();
        let refused = |change: fn(&mut Traffic)| {
            let mut traffic = good.clone();
            change(&mut traffic);
            traffic.check().unwrap_err().to_string()
        };
        assert!(refused(|t| t.page_views_per_minute = 0.0).contains("more than 0"));
        assert!(refused(|t| t.page_views_per_minute = f64::NAN).contains("NaN"));
        assert!(refused(|t| t.weight = 0).contains("1 to 10000"));
        assert!(refused(|t| t.rates.bots = 1.5).contains("`bots` is 1.5"));
        assert!(refused(|t| t.rates.late = -0.1).contains("`late`"));
        assert!(refused(|t| t.lateness_max = Duration::from_secs(1)).contains("at least a minute"));
        assert!(refused(|t| t.scenario.releases.every = Duration::ZERO).contains("releases.every"));
    }
}
