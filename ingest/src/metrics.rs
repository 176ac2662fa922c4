//! The intake's self-metrics.

use service::metrics::{Kind, SelfMetric};

/// Requests by outcome.
pub const REQUESTS: &str = "icarus_ingest_requests_total";
/// Events by outcome.
pub const EVENTS: &str = "icarus_ingest_events_total";
/// From the request's arrival to its answer.
pub const REQUEST_SECONDS: &str = "icarus_ingest_request_seconds";
/// Bytes of bodies read.
pub const BODY_BYTES: &str = "icarus_ingest_body_bytes_total";

/// All of them.
pub const ALL: [SelfMetric; 4] = [
    SelfMetric {
        name: REQUESTS,
        kind: Kind::Counter,
        help: "Beacon requests. outcome: taken, or the reason of the refusal. Alert when not_kept or overloaded rises: beacons are not kept.",
    },
    SelfMetric { name: EVENTS, kind: Kind::Counter, help: "Events of taken beacons. outcome: accepted, or the reason of the rejection." },
    SelfMetric {
        name: REQUEST_SECONDS,
        kind: Kind::Histogram,
        help: "From a beacon's arrival to its answer, which waits for the disk. Alert when the 99th percentile stays above 0.5 s.",
    },
    SelfMetric { name: BODY_BYTES, kind: Kind::Counter, help: "Bytes of beacon bodies read." },
];
