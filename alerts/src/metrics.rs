//! The alerts' self-metrics.

use service::metrics::{Kind, SelfMetric};

/// Changes of state.
pub const CHANGES: &str = "icarus_alerts_changes_total";
/// Attempts to tell a change.
pub const DELIVERIES: &str = "icarus_alerts_deliveries_total";

/// All of them.
pub const ALL: [SelfMetric; 2] = [
    SelfMetric { name: CHANGES, kind: Kind::Counter, help: "Changes of alerts, by state: pending, firing, resolved." },
    SelfMetric {
        name: DELIVERIES,
        kind: Kind::Counter,
        help: "Notifications, by outcome: done, retried, given_up. Alert when given_up rises: somebody was not told.",
    },
];
