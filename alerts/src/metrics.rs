//! The alerts' self-metrics.

use service::metrics::{Kind, SelfMetric};

/// Changes of state.
pub const CHANGES: &str = "icarus_alerts_changes_total";
/// Attempts to tell a change.
pub const DELIVERIES: &str = "icarus_alerts_deliveries_total";

/// Whether this process works at them.
pub const ACTIVE: &str = "icarus_alerts_active";

/// All of them.
pub const ALL: [SelfMetric; 3] = [
    SelfMetric { name: CHANGES, kind: Kind::Counter, help: "Changes of alerts, by state: pending, firing, resolved." },
    SelfMetric {
        name: DELIVERIES,
        kind: Kind::Counter,
        help: "Notifications, by outcome: done, retried, given_up. Alert when given_up rises: somebody was not told.",
    },
    SelfMetric {
        name: ACTIVE,
        kind: Kind::Gauge,
        help: "1 where flags are grouped and changes told, 0 where another process does it. Alert when the sum is 0 for a minute.",
    },
];
