//! Self-metrics of the process as a whole.

use service::metrics::{Kind, SelfMetric};

/// Bytes of the store on disk.
pub(crate) const STORE_DISK_BYTES: &str = "icarus_store_disk_bytes";
/// Slices that the store knows.
pub(crate) const STORE_GROUPS: &str = "icarus_store_groups";
/// Rollups of a series and minute on disk.
pub(crate) const STORE_SERIES_MINUTES: &str = "icarus_store_series_minutes";
/// Stretches deleted because of the bound on disk.
pub(crate) const STORE_EVICTED: &str = "icarus_store_evicted_stretches_total";

/// How far what is counted is from what the log's records say.
pub(crate) const AUDIT_DRIFT: &str = "icarus_audit_drift_events";

/// All of them.
pub(crate) const ALL: [SelfMetric; 5] = [
    SelfMetric {
        name: AUDIT_DRIFT,
        kind: Kind::Gauge,
        help: "Events that ClickHouse counts too many or too few, by the ranges of the log that were written to it; 0 where rows and \
               offsets are one batch, and where another process does the audit. Alert when it stays above 0 for 15 minutes.",
    },
    SelfMetric {
        name: STORE_DISK_BYTES,
        kind: Kind::Gauge,
        help: "Bytes of the store on disk. Near store.embedded.disk_bytes_max the oldest minutes are deleted early.",
    },
    SelfMetric { name: STORE_GROUPS, kind: Kind::Gauge, help: "Slices that the store has rollups of." },
    SelfMetric { name: STORE_SERIES_MINUTES, kind: Kind::Gauge, help: "Rollups of a series and minute in the store's blocks." },
    SelfMetric {
        name: STORE_EVICTED,
        kind: Kind::Counter,
        help: "Stretches of rollups deleted before their retention ended, for want of disk. Alert when it rises.",
    },
];
