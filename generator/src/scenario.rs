//! What goes wrong, and when: incidents and releases, as a scenario file declares them.

use std::{collections::BTreeMap, fmt, path::Path, str::FromStr, time::Duration};

use figment::{
    Figment,
    providers::{Format, Toml},
};
use schemas::{dimension::Dimension, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::population::release::Releases;

/// The metrics whose values an incident may multiply.
pub const MULTIPLIED: [&str; 6] = ["TTFB", "FCP", "LCP", "INP", "CLS", "ttft"];

/// Releases and incidents. The default has no incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    pub releases: Releases,
    pub incidents: Vec<Incident>,
}

/// Something that goes wrong for some of the visitors for some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// For people.
    pub name: String,
    pub start: When,
    #[serde(with = "humantime_serde")]
    pub duration: Duration,
    /// Whom it hits: page views that have one of the values in each dimension named. Values are as the
    /// intake shows them, such as `Safari`. Empty hits everybody.
    #[serde(default)]
    pub slice: BTreeMap<Dimension, Vec<String>>,
    /// The share of those page views, in (0, 1].
    #[serde(default = "one")]
    pub share: f64,
    /// By what the values of each metric are multiplied, of [`MULTIPLIED`]; at least 0. What comes
    /// later in loading a page is shifted by what came on top.
    #[serde(default)]
    pub latency: BTreeMap<String, f64>,
    /// By what the mean number of errors is multiplied; at least 0.
    #[serde(default = "one")]
    pub errors: f64,
    /// The release that brings it: rolled out from the start, rolled back at the end, and nobody
    /// without it is hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// How long that release's roll-out takes.
    #[serde(default, with = "humantime_serde")]
    pub rollout: Duration,
}

const fn one() -> f64 {
    1.0
}

/// A point in time, given or relative to the moment that a run calls its present: the start of live
/// traffic, the end of a history. In files `2026-11-21T10:00:00Z`, `+4m` or `-2d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum When {
    At(Timestamp),
    After(Duration),
    Before(Duration),
}

/// Why a scenario can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("the scenario can't be read: {0}")]
    Unreadable(Box<figment::Error>),
    #[error("incident `{name}`: {problem}")]
    Incident { name: String, problem: String },
    #[error("releases.every is {0:?}: use at least a minute")]
    ReleasesTooOften(Duration),
}

impl Scenario {
    /// The scenario in the TOML file at `path`.
    ///
    /// # Errors
    /// When there is no such file, it is no TOML, has unknown keys, or makes no sense.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        Self::extract(&Figment::from(Toml::file_exact(path)))
    }

    fn extract(figment: &Figment) -> Result<Self, ScenarioError> {
        let scenario: Self = figment.extract().map_err(|error| ScenarioError::Unreadable(Box::new(error)))?;
        scenario.check()?;
        Ok(scenario)
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// With the first thing that doesn't.
    pub fn check(&self) -> Result<(), ScenarioError> {
        if self.releases.every < Duration::from_secs(60) {
            return Err(ScenarioError::ReleasesTooOften(self.releases.every));
        }
        self.incidents.iter().try_for_each(Incident::check)
    }
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(toml: &str) -> Result<Self, ScenarioError> {
        Self::extract(&Figment::from(Toml::string(toml)))
    }
}

impl Incident {
    fn check(&self) -> Result<(), ScenarioError> {
        let problem = |problem: String| Err(ScenarioError::Incident { name: self.name.clone(), problem });
        if let Some(metric) = self.latency.keys().find(|metric| !MULTIPLIED.contains(&metric.as_str())) {
            return problem(format!("latency of `{metric}` can't be multiplied: use one of {}", MULTIPLIED.join(", ")));
        }
        if !self.latency.values().chain([&self.errors]).all(|factor| factor.is_finite() && *factor >= 0.0) {
            return problem("a factor is negative or not a number".into());
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            return problem(format!("share is {}: use more than 0 and at most 1", self.share));
        }
        if self.duration.is_zero() {
            return problem("duration is zero".into());
        }
        Ok(())
    }
}

impl When {
    /// The point in time, where the run's present is `reference`.
    pub fn resolve(self, reference: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::After(after) => reference.plus(after),
            Self::Before(before) => reference.minus(before),
        }
    }
}

/// A text that is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time: use +4m, -2d or 2026-11-21T10:00:00Z")]
pub struct WhenError(String);

impl FromStr for When {
    type Err = WhenError;

    fn from_str(text: &str) -> Result<Self, WhenError> {
        let error = || WhenError(text.to_owned());
        match text.split_at_checked(1) {
            Some(("+", after)) => humantime::parse_duration(after).map(Self::After).map_err(|_| error()),
            Some(("-", before)) => humantime::parse_duration(before).map(Self::Before).map_err(|_| error()),
            _ => text.parse().map(Self::At).map_err(|_| error()),
        }
    }
}

impl TryFrom<String> for When {
    type Error = WhenError;
    fn try_from(text: String) -> Result<Self, WhenError> {
        text.parse()
    }
}

impl From<When> for String {
    fn from(when: When) -> Self {
        when.to_string()
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::After(after) => write!(f, "+{}", humantime::format_duration(*after)),
            Self::Before(before) => write!(f, "-{}", humantime::format_duration(*before)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_scenario_is_read() {
        let scenario: Scenario = include_str!("../scenarios/demo.toml").parse().unwrap();
        let live = &scenario.incidents[0];
        assert_eq!(live.start, When::After(Duration::from_secs(120)));
        assert_eq!(live.slice[&Dimension::Route], ["/checkout"]);
        assert_eq!(live.latency.keys().collect::<Vec<_>>(), ["INP", "LCP"]);
        assert!(live.release.is_some());
    }

    #[test]
    fn scenarios_that_make_no_sense_are_refused_with_the_remedy() {
        let refused = |toml: &str| toml.parse::<Scenario>().unwrap_err().to_string();
        let incident = "[[incidents]]\nname = \"x\"\nstart = \"+1m\"\n";
        assert!(refused("speed = 1").contains("speed"));
        assert!(refused(&format!("{incident}duration = \"1m\"\nlatency = {{ LPC = 2.0 }}")).contains("use one of TTFB"));
        assert!(refused(&format!("{incident}duration = \"1m\"\nshare = 0.0")).contains("more than 0"));
        assert!(refused(&format!("{incident}duration = \"0s\"")).contains("zero"));
        assert!(refused(&format!("{incident}duration = \"1m\"\nerrors = -1.0")).contains("negative"));
        assert!(refused(&format!("{incident}duration = \"1m\"\nslice = {{ Route = [\"/\"] }}")).contains("Route"));
        assert!(refused("[releases]\nevery = \"1s\"").contains("at least a minute"));
        assert!(refused("[[incidents]]\nname = \"x\"\nstart = \"soon\"\nduration = \"1m\"").contains("use +4m"));
    }

    #[test]
    fn times_are_given_or_relative_to_the_runs_present() {
        let present = Timestamp::from_ms(1_000_000);
        assert_eq!("+2s".parse::<When>().unwrap().resolve(present).as_ms(), 1_002_000);
        assert_eq!("-2s".parse::<When>().unwrap().resolve(present).as_ms(), 998_000);
        assert_eq!("1970-01-01T00:00:07Z".parse::<When>().unwrap().resolve(present).as_ms(), 7_000);
        for text in ["+4m", "-2days", "2026-11-21T10:00:00Z"] {
            let when: When = text.parse().unwrap();
            assert_eq!(when.to_string().parse(), Ok(when));
        }
    }
}
