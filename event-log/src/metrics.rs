//! What the log says of itself.

use std::time::Duration;

use crate::record::Partition;

/// What a self-metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A self-metric: its name, and what it means, its labels and when to be alarmed.
#[derive(Debug, Clone, Copy)]
pub struct SelfMetric {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
}

const APPENDED_RECORDS: &str = "icarus_log_appended_records_total";
const APPENDED_BYTES: &str = "icarus_log_appended_bytes_total";
const APPEND_FAILURES: &str = "icarus_log_append_failures_total";
const GROUP_RECORDS: &str = "icarus_log_group_records";
const SYNC_SECONDS: &str = "icarus_log_sync_seconds";
const QUEUE_BYTES: &str = "icarus_log_queue_bytes";
const START_OFFSET: &str = "icarus_log_start_offset";
const END_OFFSET: &str = "icarus_log_end_offset";
const COMMITTED_OFFSET: &str = "icarus_log_committed_offset";
const DISK_BYTES: &str = "icarus_log_disk_bytes";
const DELETED_SEGMENTS: &str = "icarus_log_deleted_segments_total";
const DELETED_RECORDS: &str = "icarus_log_deleted_records_total";
const CUT_BYTES: &str = "icarus_log_cut_bytes_total";
const FAILED_PARTITIONS: &str = "icarus_log_failed_partitions";

/// All of them.
pub const ALL: [SelfMetric; 14] = [
    SelfMetric { name: APPENDED_RECORDS, kind: Kind::Counter, help: "Records that became durable." },
    SelfMetric { name: APPENDED_BYTES, kind: Kind::Counter, help: "Bytes of records that became durable, without frames." },
    SelfMetric {
        name: APPEND_FAILURES,
        kind: Kind::Counter,
        help: "Records that were refused, by kind: too_large, full (a bound or the disk), unavailable (the disk fails), closed. \
               Alert on any full or unavailable: senders are being turned away.",
    },
    SelfMetric { name: GROUP_RECORDS, kind: Kind::Histogram, help: "Records made durable by one sync." },
    SelfMetric {
        name: SYNC_SECONDS,
        kind: Kind::Histogram,
        help: "How long one sync took. Every append waits for one to two of them: alert when p99 passes 0.1.",
    },
    SelfMetric {
        name: QUEUE_BYTES,
        kind: Kind::Gauge,
        help: "Bytes of records that wait for the disk, by partition, after the last sync. Alert when near queue_bytes_max.",
    },
    SelfMetric { name: START_OFFSET, kind: Kind::Gauge, help: "Offset of the oldest record kept, by partition." },
    SelfMetric { name: END_OFFSET, kind: Kind::Gauge, help: "Offset after the last durable record, by partition." },
    SelfMetric {
        name: COMMITTED_OFFSET,
        kind: Kind::Gauge,
        help: "Offset up to which a group is done, by group and partition. Alert when its distance to the end offset keeps growing.",
    },
    SelfMetric {
        name: DISK_BYTES,
        kind: Kind::Gauge,
        help: "Bytes of all segment files. Near retention_bytes it should level off: records are refused when it can't.",
    },
    SelfMetric { name: DELETED_SEGMENTS, kind: Kind::Counter, help: "Segments deleted by retention, by reason: age or size." },
    SelfMetric { name: DELETED_RECORDS, kind: Kind::Counter, help: "Records deleted by retention, by reason: age or size." },
    SelfMetric {
        name: CUT_BYTES,
        kind: Kind::Counter,
        help: "Bytes cut off at opening: records that a crash tore before they were durable. Nobody was told that they were kept.",
    },
    SelfMetric {
        name: FAILED_PARTITIONS,
        kind: Kind::Gauge,
        help: "Partitions that take no records until a restart, because the disk failed. Alert above 0.",
    },
];

/// Makes their meaning part of what `/metrics` says.
pub fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

/// Why records were refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refused {
    TooLarge,
    Full,
    Unavailable,
    Closed,
}

/// Why records were deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DeletedBy {
    Age,
    Size,
}

pub(crate) fn appended(partition: Partition, records: usize, bytes: usize, end: u64) {
    metrics::counter!(APPENDED_RECORDS).increment(records as u64);
    metrics::counter!(APPENDED_BYTES).increment(bytes as u64);
    metrics::histogram!(GROUP_RECORDS).record(records as f64);
    end_offset(partition, end);
}

/// A broker acknowledged one record.
pub(crate) fn acknowledged(bytes: usize) {
    metrics::counter!(APPENDED_RECORDS).increment(1);
    metrics::counter!(APPENDED_BYTES).increment(bytes as u64);
}

pub(crate) fn refused(kind: Refused, records: usize) {
    let kind = match kind {
        Refused::TooLarge => "too_large",
        Refused::Full => "full",
        Refused::Unavailable => "unavailable",
        Refused::Closed => "closed",
    };
    metrics::counter!(APPEND_FAILURES, "kind" => kind).increment(records as u64);
}

pub(crate) fn synced(took: Duration) {
    metrics::histogram!(SYNC_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn queued(partition: Partition, bytes: usize) {
    metrics::gauge!(QUEUE_BYTES, "partition" => partition.to_string()).set(bytes as f64);
}

pub(crate) fn start_offset(partition: Partition, offset: u64) {
    metrics::gauge!(START_OFFSET, "partition" => partition.to_string()).set(offset as f64);
}

pub(crate) fn end_offset(partition: Partition, offset: u64) {
    metrics::gauge!(END_OFFSET, "partition" => partition.to_string()).set(offset as f64);
}

pub(crate) fn committed_offset(group: &str, partition: u32, offset: u64) {
    metrics::gauge!(COMMITTED_OFFSET, "group" => group.to_owned(), "partition" => partition.to_string()).set(offset as f64);
}

pub(crate) fn disk_bytes(bytes: u64) {
    metrics::gauge!(DISK_BYTES).set(bytes as f64);
}

pub(crate) fn deleted(by: DeletedBy, records: u64) {
    let reason = match by {
        DeletedBy::Age => "age",
        DeletedBy::Size => "size",
    };
    metrics::counter!(DELETED_SEGMENTS, "reason" => reason).increment(1);
    metrics::counter!(DELETED_RECORDS, "reason" => reason).increment(records);
}

pub(crate) fn cut(bytes: u64) {
    metrics::counter!(CUT_BYTES).increment(bytes);
}

/// A log was opened: no partition has failed.
pub(crate) fn opened() {
    metrics::gauge!(FAILED_PARTITIONS).set(0.0);
}

pub(crate) fn failed_partition() {
    metrics::gauge!(FAILED_PARTITIONS).increment(1.0);
}
