//! The answers of the API, as they stand in JSON. OpenAPI is generated from these types.
//!
//! Every number says what it is: values are in the metric's `unit`, every quantile stands beside the
//! count it comes from, and an interval is the 95 % one of the population's quantile.

use std::collections::BTreeMap;

use schemas::time::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A point in time, as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T10:00:00Z")]
pub struct At(pub Timestamp);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// `GET /api/v1/apps`
#[derive(Debug, Serialize, ToSchema)]
pub struct Apps {
    pub apps: Vec<App>,
}

/// An app that the configuration declares.
#[derive(Debug, Serialize, ToSchema)]
pub struct App {
    pub id: String,
    /// The public write key that its pages send with their beacons. It is no secret.
    pub key: String,
    /// When the newest beacon that is in the answers was received; missing before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_received: Option<At>,
    /// The dimensions that it can be asked about.
    pub dimensions: Vec<String>,
    /// Sets of dimensions that can be asked about together, by `filter` and `group_by`.
    pub together: Vec<Vec<String>>,
    /// For how long rollups of a minute are kept, in seconds.
    pub minute_retention_s: u64,
    /// For how long rollups of an hour are kept, in seconds.
    pub hour_retention_s: u64,
}

/// `GET /api/v1/metrics`
#[derive(Debug, Serialize, ToSchema)]
pub struct Metrics {
    pub app: String,
    pub metrics: Vec<Metric>,
}

/// A metric that the app has values of.
#[derive(Debug, Serialize, ToSchema)]
pub struct Metric {
    pub name: String,
    /// In words, for a heading; the name where nothing better is known.
    pub title: String,
    /// `ms`, `score`, `bytes`, `count` or `per_second`.
    pub unit: &'static str,
    /// Up to this value it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good: Option<f64>,
    /// Above this value it is poor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poor: Option<f64>,
    /// The end of the last hour that has a value; now, while that goes on.
    pub last_seen: At,
}

/// `GET /api/v1/dimensions`
#[derive(Debug, Serialize, ToSchema)]
pub struct Dimensions {
    pub app: String,
    pub dimensions: Vec<Dimension>,
}

/// A dimension with its values.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dimension {
    pub name: String,
    /// Rising; at most `limit`. `""` are page views that said nothing about it, `__other__` the
    /// values beyond the most frequent.
    pub values: Vec<String>,
    /// How many there are in all.
    pub values_total: usize,
}

/// What was asked, as it was understood; stands in every answer about a metric.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Asked {
    pub app: String,
    pub metric: String,
    /// The unit of every value in the answer.
    pub unit: &'static str,
    /// Inclusive; rounded down to the width of the windows that answer.
    pub from: At,
    /// Exclusive; rounded up.
    pub to: At,
    /// The filters that were applied: for each dimension the values that pass.
    pub filter: BTreeMap<String, Vec<String>>,
    /// The set of dimensions whose rollups answered; empty for samples.
    pub cuboid: Vec<String>,
    /// `rollups`: all users, exact counts. `samples`: no rollups are kept of what was asked about together; counts are
    /// estimates from a sample of the beacons, and so are shares, means and quantiles.
    pub source: &'static str,
    /// What the estimates come from; missing for rollups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled: Option<Sampled>,
}

/// How many beacons of the asked range and routes were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sampled {
    /// Beacons that the samples stand for, before the other filters. One with events of two minutes counts in both.
    pub beacons: u64,
    /// Samples that were read of them.
    pub samples: usize,
}

/// A quantile with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Quantile {
    /// In [0, 1].
    pub q: f64,
    /// Within 1 % of the sample's.
    pub value: f64,
    /// The interval's lower end; missing when there are too few samples to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The interval's upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// How many values are good, in between, and poor by the metric's thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ratings {
    pub good: u64,
    pub needs_improvement: u64,
    pub poor: u64,
}

/// What is known of a set of values.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Summary {
    /// Values, after sampling weights; an estimate where `source` is `samples`.
    pub n: u64,
    /// Values as they arrived, before sampling weights; intervals come from these. Where `source` is `samples`: as many
    /// sampled values of equal weight as would tell as much as those that were read.
    pub samples: u64,
    /// Missing when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// One for each asked for; empty when there are no values.
    pub quantiles: Vec<Quantile>,
}

/// `GET /api/v1/timeseries`
#[derive(Debug, Serialize, ToSchema)]
pub struct Timeseries {
    #[serde(flatten)]
    pub asked: Asked,
    /// The width of a window, in seconds.
    pub step_s: u32,
    /// The width of the rollups that answered, `minute` or `hour`; of samples `minute`.
    pub resolution: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
    /// One without `group_by`; with it one for each value, by falling `n`, at most `limit`.
    pub series: Vec<TimeseriesSeries>,
    /// How many series there are in all.
    pub series_total: usize,
}

/// One line of a time series.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimeseriesSeries {
    /// The value of the dimension grouped by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Over the whole range.
    pub n: u64,
    /// By rising time; windows without a value are left out.
    pub points: Vec<Point>,
}

/// A window of a time series.
#[derive(Debug, Serialize, ToSchema)]
pub struct Point {
    /// Where the window starts.
    pub at: At,
    #[serde(flatten)]
    pub summary: Summary,
}

/// `GET /api/v1/histogram`
#[derive(Debug, Serialize, ToSchema)]
pub struct Histogram {
    #[serde(flatten)]
    pub asked: Asked,
    #[serde(flatten)]
    pub summary: Summary,
    /// Missing for metrics without thresholds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratings: Option<Ratings>,
    /// By rising value; those without a count are left out.
    pub bins: Vec<Bin>,
}

/// Values in `[from, to)`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Bin {
    pub from: f64,
    pub to: f64,
    pub n: u64,
}

/// `GET /api/v1/breakdown`
#[derive(Debug, Serialize, ToSchema)]
pub struct Breakdown {
    #[serde(flatten)]
    pub asked: Asked,
    pub by: String,
    /// All values, of the rows shown and the others.
    pub n: u64,
    /// By the order asked for, at most `limit`.
    pub rows: Vec<BreakdownRow>,
    /// How many there are in all.
    pub rows_total: usize,
}

/// One value of the dimension broken down by.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakdownRow {
    pub value: String,
    /// Its part of all values, in [0, 1].
    pub share: f64,
    #[serde(flatten)]
    pub summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratings: Option<Ratings>,
    /// What its values exceed the metric's `good` threshold by, summed: for durations the time that
    /// users waited beyond the budget. Missing for metrics without thresholds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_good: Option<f64>,
    pub bins: Vec<Bin>,
}

/// `GET /api/v1/heatmap`
#[derive(Debug, Serialize, ToSchema)]
pub struct Heatmap {
    #[serde(flatten)]
    pub asked: Asked,
    pub step_s: u32,
    pub resolution: &'static str,
    pub n: u64,
    pub samples: u64,
    /// The rows: the bounds of every bin that a column refers to, by rising value, without gaps.
    pub rows: Vec<Bounds>,
    /// By rising time; windows without a value are left out.
    pub columns: Vec<Column>,
    /// When each release was first seen within the range, by time.
    pub releases: Vec<Release>,
}

/// `[from, to)`
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Bounds {
    pub from: f64,
    pub to: f64,
}

/// A window of a heat map: the distribution of its values.
#[derive(Debug, Serialize, ToSchema)]
pub struct Column {
    pub at: At,
    pub n: u64,
    /// Pairs of a row's index and its count; rows without a count are left out.
    pub cells: Vec<(u32, u64)>,
}

/// The first values of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Release {
    pub release: String,
    pub first_seen: At,
}

/// `GET /api/v1/samples`
#[derive(Debug, Serialize, ToSchema)]
pub struct Samples {
    #[serde(flatten)]
    pub asked: Asked,
    /// Those with a value of the metric that pass the filters, by the order asked for, at most `limit`.
    pub samples: Vec<Sample>,
    /// How many there are in all among those that were read.
    pub samples_total: usize,
}

/// One beacon as it was: what it said about one minute.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sample {
    /// When the event happened that `value` is from.
    pub at: At,
    /// What the beacon said; `""` when nothing.
    pub route: String,
    /// Its values, the route among them; one about which it said nothing is missing.
    pub dimensions: BTreeMap<String, String>,
    /// The arm by the name of the experiment.
    pub experiments: BTreeMap<String, String>,
    /// How many page views it stands for (sampling in the client).
    pub weight: u32,
    /// The client's name of the page view; missing when it gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The metric's value; the greatest when there are several.
    pub value: f64,
    /// What the client knows of the cause of `value`: an object; a text if it sent no JSON; null if it said nothing.
    pub attribution: serde_json::Value,
    /// All its events of that minute, as they stood in the beacon.
    pub events: Vec<SampleEvent>,
}

/// An event of a sample.
#[derive(Debug, Serialize, ToSchema)]
pub struct SampleEvent {
    pub metric: String,
    /// `ms`, `score`, `bytes`, `count` or `per_second`.
    pub unit: &'static str,
    /// In `unit`.
    pub value: f64,
    pub at: At,
}

/// `GET /api/v1/anomalies`
#[derive(Debug, Serialize, ToSchema)]
pub struct Anomalies {
    pub app: String,
    pub from: At,
    pub to: At,
    /// By falling significance, at most `limit`.
    pub anomalies: Vec<Anomaly>,
    pub anomalies_total: usize,
    /// Minutes up to this one have been tested; missing before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tested_to: Option<At>,
}

/// Neighbouring flags of one series by one rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct Anomaly {
    pub metric: String,
    pub unit: &'static str,
    /// The slice of users: a value for each dimension. Empty for everyone.
    pub slice: BTreeMap<String, String>,
    /// `shift`: the whole distribution moved; `tail`: more slow ones; `count`: more events.
    pub rule: &'static str,
    /// The start of the first flagged minute.
    pub from: At,
    /// The end of the last flagged minute.
    pub to: At,
    /// How many minutes were flagged in it.
    pub minutes: u32,
    /// In the rule's terms: a geometric mean in `unit`, a share in [0, 1], or a number of events.
    pub observed: f64,
    pub expected: f64,
    /// `observed / expected - 1`.
    pub effect: f64,
    /// Values in the window that was tested.
    pub n: u64,
    /// The smallest of its flags.
    pub p_value: f64,
}

/// `GET /api/v1/alerts`
#[derive(Debug, Serialize, ToSchema)]
pub struct Alerts {
    /// By falling time of beginning, at most `limit`.
    pub alerts: Vec<Alert>,
    pub alerts_total: usize,
}

/// Overlapping flags of an app, as one thing that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alert {
    /// Rising within an app, from 1.
    pub id: u64,
    pub app: String,
    /// `pending`, `firing` or `resolved`.
    pub state: &'static str,
    /// What a colleague would say.
    pub sentence: String,
    pub began: At,
    /// The end of the last flagged minute.
    pub last_flagged: At,
    /// Missing while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<At>,
    pub minutes_flagged: u32,
    /// How many series were flagged at once, at the most.
    pub series_max: u32,
    /// Its most telling anomaly.
    pub lead: Anomaly,
    pub changes: Vec<AlertChange>,
}

/// One change of an alert's state.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertChange {
    pub state: &'static str,
    pub at: At,
    /// `not_needed`, `due`, `done` or `failed`: whether the world was told.
    pub delivery: &'static str,
}

/// `GET /api/v1/outcomes`
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcomes {
    pub app: String,
    /// By received time.
    pub from: At,
    pub to: At,
    /// Events in beacons that were answered with 202: `accepted + rejected`.
    pub received: u64,
    /// `rolled_up + too_late + duplicate`.
    pub accepted: u64,
    pub rejected: u64,
    pub rolled_up: u64,
    pub too_late: u64,
    pub duplicate: u64,
    /// Why events were rejected, by falling number.
    pub reasons: Vec<Reason>,
    /// Requests refused as a whole, before their events could be counted, by falling number.
    pub refused: Vec<Reason>,
}

/// A reason with how often it applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    pub reason: String,
    /// What it means, and what to do about it.
    pub meaning: String,
    /// Events; of `refused` requests.
    pub count: u64,
}

/// Every error of the API.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    pub error: ErrorDetail,
}

/// What went wrong and what to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// For programs: `unknown_app`, `unknown_metric`, `unknown_dimension`, `not_together`,
    /// `invalid_parameter`, `unavailable` ...
    pub reason: &'static str,
    /// For people.
    pub detail: String,
    /// What would work, such as names near an unknown one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
