//! Metrics: what is measured, under which name, in which unit.

use std::{borrow::Borrow, fmt};

use serde::{Deserialize, Serialize};

use crate::unit::Unit;

/// A metric's name: 1 to 64 characters of `A-Z a-z 0-9 _ . : / -`, the first a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MetricName(Box<str>);

/// A text that can't name a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a metric's name has 1 to 64 characters of A-Z a-z 0-9 _ . : / - and begins with a letter")]
pub struct MetricNameError;

impl MetricName {
    /// Takes `name` if it can name a metric.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn new(name: &str) -> Result<Self, MetricNameError> {
        Self::check(name)?;
        Ok(Self(name.into()))
    }

    /// Whether `name` can name a metric, without keeping it.
    ///
    /// # Errors
    /// When it can't.
    pub fn check(name: &str) -> Result<(), MetricNameError> {
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'/' | b'-');
        match name.as_bytes() {
            [first, rest @ ..] if first.is_ascii_alphabetic() && rest.len() < 64 && rest.iter().all(|b| known(*b)) => Ok(()),
            _ => Err(MetricNameError),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MetricName {
    type Error = MetricNameError;
    fn try_from(name: String) -> Result<Self, MetricNameError> {
        Self::new(&name)
    }
}

impl From<MetricName> for String {
    fn from(name: MetricName) -> Self {
        name.0.into()
    }
}

impl Borrow<str> for MetricName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One metric of an app. The unit is part of what it is: values of two units never share a
/// histogram, whatever clients send under one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Metric {
    pub name: MetricName,
    pub unit: Unit,
}

/// A metric that every app has, with what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct KnownMetric {
    pub name: &'static str,
    /// In words, for a page's heading.
    pub title: &'static str,
    pub unit: Unit,
    /// Up to this value (inclusive) it is good, in the shown unit; `None` where no threshold is agreed on.
    /// Source: the thresholds of the web-vitals library.
    pub good: Option<f64>,
    /// Above this value it is poor, in the shown unit.
    pub poor: Option<f64>,
}

const fn vital(name: &'static str, title: &'static str, unit: Unit, good: f64, poor: f64) -> KnownMetric {
    KnownMetric { name, title, unit, good: Some(good), poor: Some(poor) }
}

const fn phase(name: &'static str, title: &'static str) -> KnownMetric {
    KnownMetric { name, title, unit: Unit::Duration, good: None, poor: None }
}

const fn counter(name: &'static str, title: &'static str) -> KnownMetric {
    KnownMetric { name, title, unit: Unit::Count, good: None, poor: None }
}

/// The name of the counter of page views: one event, of value 1, for each.
pub const PAGE_VIEW: &str = "page_view";
/// The name of the counter of errors: one event, of value 1, for each.
pub const ERROR: &str = "error";

/// The metrics that every app has.
pub const KNOWN: [KnownMetric; 16] = [
    vital("LCP", "Largest Contentful Paint", Unit::Duration, 2_500.0, 4_000.0),
    vital("INP", "Interaction to Next Paint", Unit::Duration, 200.0, 500.0),
    vital("CLS", "Cumulative Layout Shift", Unit::Score, 0.1, 0.25),
    vital("FCP", "First Contentful Paint", Unit::Duration, 1_800.0, 3_000.0),
    vital("TTFB", "Time to First Byte", Unit::Duration, 800.0, 1_800.0),
    phase("navigation.redirect", "Redirects"),
    phase("navigation.dns", "DNS lookup"),
    phase("navigation.connect", "Connecting, without TLS"),
    phase("navigation.tls", "TLS handshake"),
    phase("navigation.request", "Request sent to first byte"),
    phase("navigation.response", "First to last byte of the document"),
    phase("navigation.dom_interactive", "Navigation to DOM interactive"),
    phase("navigation.dom_content_loaded", "Navigation to DOMContentLoaded"),
    phase("navigation.load", "Navigation to load"),
    counter(ERROR, "Errors"),
    counter(PAGE_VIEW, "Page views"),
];

/// What is known about the metric called `name`; `None` for an app's own.
pub fn known(name: &str) -> Option<&'static KnownMetric> {
    KNOWN.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["LCP", "ttft", "navigation.dns", "cart/add:time-1"] {
            assert!(MetricName::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", "1st", "två", "a b", "_x", long.as_str()] {
            assert!(MetricName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn known_metrics_have_names_that_pass_and_ordered_thresholds() {
        for metric in &KNOWN {
            assert!(MetricName::new(metric.name).is_ok(), "{}", metric.name);
            if let (Some(good), Some(poor)) = (metric.good, metric.poor) {
                assert!(good < poor, "{}", metric.name);
            }
        }
    }
}
