//! Flags: statements that a series departs from its baseline.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    series::Series,
    time::{Minute, MinuteRange},
};

/// What a flag's test compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The whole distribution moved: the mean of the values' logarithms. Observed and expected are
    /// geometric means in the metric's shown unit, the effect is their ratio less one.
    Shift,
    /// More values lie above the baseline's 90th percentile than a tenth of them should. Observed and
    /// expected are shares in [0, 1], the effect is their ratio less one.
    Tail,
    /// More events than expected of a counter. Observed and expected are events in the window, the
    /// effect is their ratio less one.
    Count,
}

impl Rule {
    /// Its name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shift => "shift",
            Self::Tail => "tail",
            Self::Count => "count",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A statement that `series` departed from its baseline in `window`. One for each series, rule and
/// minute in which the window ends; testing a minute again replaces it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    pub series: Series,
    /// The minutes that were tested together.
    pub window: MinuteRange,
    pub rule: Rule,
    pub observed: f64,
    pub expected: f64,
    /// `observed / expected - 1`; greater than 0.
    pub effect: f64,
    /// Weighted count of values in the window.
    pub n: u64,
    /// Probability, in [0, 1], of a departure at least as large if nothing had changed.
    pub p_value: f64,
}

impl Flag {
    /// The minute that was under test: the last of the window.
    pub fn minute(&self) -> Minute {
        self.window.end.minus(1)
    }
}
