//! How the intake is configured.

use std::{collections::BTreeMap, time::Duration};

use schemas::{
    app::AppId,
    dimension::DimensionName,
    metric::{MetricName, known},
    unit::Unit,
};

use crate::route::RouteRules;

/// Checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Bytes of a body that are read; a longer one is refused.
    pub body_bytes_max: usize,
    /// Events of one beacon that are taken; the others are rejected.
    pub events_max: usize,
    /// Requests worked on at once; more are refused with 503.
    pub requests_max: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Neighbouring partitions that one route's beacons go to (see [`schemas::record::partition`]).
    pub route_spread: u32,
    /// Headers that tell where a client is, set by a proxy that is trusted. None by default: whoever
    /// can reach the intake could set them.
    pub edge_headers: EdgeHeaders,
    pub apps: BTreeMap<AppId, AppPolicy>,
}

/// Names of headers, in lower case; `None` for what no proxy tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EdgeHeaders {
    pub country: Option<String>,
    pub region: Option<String>,
    pub network: Option<String>,
}

/// What the intake decides for one app.
#[derive(Debug, Clone)]
pub struct AppPolicy {
    pub id: AppId,
    /// The public write key. It tells apps apart; it is no secret.
    pub key: String,
    pub origins: Origins,
    pub routes: RouteRules,
    /// The dimensions of its own.
    pub dimensions: Vec<DimensionName>,
    /// Metrics of its own whose unit is declared; values in another are rejected.
    pub metrics: BTreeMap<MetricName, Unit>,
    /// Events older than this when they arrive are too late.
    pub lateness_max: Duration,
    /// Whether beacons of known robots are rejected.
    pub reject_bots: bool,
}

impl AppPolicy {
    /// The unit that the metric `name` must have, if it is known or declared.
    pub fn unit_of(&self, name: &str) -> Option<Unit> {
        known(name).map(|metric| metric.unit).or_else(|| self.metrics.get(name).copied())
    }
}

/// The pages that may send beacons, by origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    Any,
    /// Such as `https://shop.example`.
    Only(Vec<String>),
}

impl Origins {
    /// Whether a page of `origin` may send.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(origins) => origins.iter().any(|allowed| allowed == origin),
        }
    }
}
