//! The aggregator's self-metrics.

use service::metrics::{Kind, SelfMetric};

/// Records read from the log and folded.
pub const RECORDS: &str = "icarus_aggregator_records_total";
/// Records that the log has twice.
pub const TWICE: &str = "icarus_aggregator_records_twice_total";
/// Records that could not be decoded.
pub const UNDECODABLE: &str = "icarus_aggregator_undecodable_records_total";
/// Events by fate.
pub const EVENTS: &str = "icarus_aggregator_events_total";
/// Rollup cells written.
pub const ROLLUPS: &str = "icarus_aggregator_rollups_total";
/// How long writing a flush took.
pub const FLUSH_SECONDS: &str = "icarus_aggregator_flush_seconds";
/// Flushes that had to be tried again.
pub const FLUSH_RETRIES: &str = "icarus_aggregator_flush_retries_total";
/// Records in the log that are not yet in the store.
pub const LAG_RECORDS: &str = "icarus_aggregator_lag_records";
/// From a record's receipt to its being in the store.
pub const FRESHNESS_SECONDS: &str = "icarus_aggregator_freshness_seconds";
/// Live groups.
pub const GROUPS: &str = "icarus_aggregator_live_groups";
/// Series tested.
pub const SERIES_TESTED: &str = "icarus_aggregator_series_tested_total";
/// Flags raised.
pub const FLAGS: &str = "icarus_aggregator_flags_total";
/// Minutes whose test failed.
pub const MINUTES_SKIPPED: &str = "icarus_aggregator_minutes_skipped_total";
/// Apps whose minutes this process tests.
pub const APPS_OWNED: &str = "icarus_aggregator_apps_owned";
/// How long testing a minute took.
pub const TEST_SECONDS: &str = "icarus_aggregator_test_seconds";

/// All of them.
pub const ALL: [SelfMetric; 15] = [
    SelfMetric { name: RECORDS, kind: Kind::Counter, help: "Records folded." },
    SelfMetric {
        name: TWICE,
        kind: Kind::Counter,
        help: "Records that the log got twice, mostly when brokers or intakes died; the second is not counted in any way.",
    },
    SelfMetric {
        name: UNDECODABLE,
        kind: Kind::Counter,
        help: "Records that could not be decoded and were skipped: their events are lost. Alert when it is not 0.",
    },
    SelfMetric { name: EVENTS, kind: Kind::Counter, help: "Events by fate: rolled_up, too_late, duplicate, unknown_unit." },
    SelfMetric { name: ROLLUPS, kind: Kind::Counter, help: "Partial rollups (series and minute) written." },
    SelfMetric {
        name: FLUSH_SECONDS,
        kind: Kind::Histogram,
        help: "How long the store took to write a flush. Alert when it stays above the flush interval.",
    },
    SelfMetric {
        name: FLUSH_RETRIES,
        kind: Kind::Counter,
        help: "Flushes that the store refused for the moment. Alert when it rises for minutes.",
    },
    SelfMetric {
        name: LAG_RECORDS,
        kind: Kind::Gauge,
        help: "Records in the log that are not yet in the store. Alert when it rises for minutes.",
    },
    SelfMetric {
        name: FRESHNESS_SECONDS,
        kind: Kind::Histogram,
        help: "From a beacon's receipt to its being visible to queries, for the oldest of each flush.",
    },
    SelfMetric { name: GROUPS, kind: Kind::Gauge, help: "Groups (slices) that were seen in the last quarter of an hour." },
    SelfMetric { name: SERIES_TESTED, kind: Kind::Counter, help: "Series and minutes tested against their baseline." },
    SelfMetric { name: FLAGS, kind: Kind::Counter, help: "Flags raised, by rule." },
    SelfMetric {
        name: MINUTES_SKIPPED,
        kind: Kind::Counter,
        help: "Minutes of an app whose test failed and that were skipped. Alert when it is not 0.",
    },
    SelfMetric {
        name: APPS_OWNED,
        kind: Kind::Gauge,
        help: "Apps whose minutes are tested by this process. Alert when the sum over all is below the number of apps for a minute.",
    },
    SelfMetric {
        name: TEST_SECONDS,
        kind: Kind::Histogram,
        help: "How long testing all series of an app's minute took. Alert when it nears 60.",
    },
];
