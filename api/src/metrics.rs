//! The API's self-metrics.

use service::metrics::{Kind, SelfMetric};

/// How long answers took, by path and status.
pub const REQUEST_SECONDS: &str = "icarus_api_request_seconds";

/// All of them.
pub const ALL: [SelfMetric; 1] = [SelfMetric {
    name: REQUEST_SECONDS,
    kind: Kind::Histogram,
    help: "How long answers took. path: the route; status: the HTTP status. Alert when the 95th percentile stays above 0.5 s.",
}];
