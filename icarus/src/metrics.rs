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

/// All of them.
pub(crate) const ALL: [SelfMetric; 4] = [
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
