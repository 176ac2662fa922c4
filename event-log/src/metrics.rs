//! What the log says of itself.

use std::time::Duration;

use crate::{error::AppendError, record::Partition};

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
const ACKNOWLEDGED_RECORDS: &str = "icarus_log_acknowledged_records_total";
const SPOOL_RECORDS: &str = "icarus_log_spool_waiting_records";
const SPOOL_BYTES: &str = "icarus_log_spool_waiting_bytes";
const SPOOL_AGE_SECONDS: &str = "icarus_log_spool_oldest_age_seconds";
const SPOOL_SENT_RECORDS: &str = "icarus_log_spool_sent_records_total";
const SPOOL_REFUSED_RECORDS: &str = "icarus_log_spool_refused_records_total";

/// All of them.
pub const ALL: [SelfMetric; 20] = [
    SelfMetric { name: APPENDED_RECORDS, kind: Kind::Counter, help: "Records that became durable." },
    SelfMetric { name: APPENDED_BYTES, kind: Kind::Counter, help: "Bytes of records that became durable, without frames." },
    SelfMetric {
        name: APPEND_FAILURES,
        kind: Kind::Counter,
        help: "Records that were refused, by kind: too_large, full (a bound or the disk), unavailable (the disk fails), closed. \
               Alert on any full or unavailable: senders are being turned away. Where a spool stands before the log they are not: \
               alert on icarus_log_spool_refused_records_total there.",
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
        help: "Partitions that take no records until a restart, because the disk failed; the spool's, too. Alert above 0.",
    },
    SelfMetric {
        name: ACKNOWLEDGED_RECORDS,
        kind: Kind::Counter,
        help: "Records that were acknowledged where a spool stands before the log, by who did: log or spool. All by the spool: the log is \
               away or slow.",
    },
    SelfMetric {
        name: SPOOL_RECORDS,
        kind: Kind::Gauge,
        help: "Records that were acknowledged by the spool and that the log doesn't have yet. Zero at rest.",
    },
    SelfMetric {
        name: SPOOL_BYTES,
        kind: Kind::Gauge,
        help: "Bytes on disk of the records that wait in the spool, frames included. Alert at half of spool.bytes_max: past it records \
               are refused.",
    },
    SelfMetric {
        name: SPOOL_AGE_SECONDS,
        kind: Kind::Gauge,
        help: "How long the oldest record in the spool has waited; 0 if none does. Alert above 60: charts lack what the spool has.",
    },
    SelfMetric {
        name: SPOOL_SENT_RECORDS,
        kind: Kind::Counter,
        help: "Records that were sent on from the spool to the log. After a crash some are sent, and counted, twice.",
    },
    SelfMetric {
        name: SPOOL_REFUSED_RECORDS,
        kind: Kind::Counter,
        help: "Records that neither log nor spool took, by kind: too_large, full (spool.bytes_max or the disk), unavailable, closed. \
               Alert on any full or unavailable: senders are being turned away.",
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

impl Refused {
    pub(crate) const fn of(error: &AppendError) -> Self {
        match error {
            AppendError::TooLarge { .. } => Self::TooLarge,
            AppendError::Full(_) => Self::Full,
            AppendError::Unavailable(_) => Self::Unavailable,
            AppendError::Closed => Self::Closed,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Full => "full",
            Self::Unavailable => "unavailable",
            Self::Closed => "closed",
        }
    }
}

/// Who acknowledged a record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Log,
    Spool,
}

/// Why records were deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DeletedBy {
    Age,
    Size,
}

/// Whose records they are that an embedded log tells of. A spool has metrics of its own, and what its log does
/// would be taken for what the log before which it stands does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Teller {
    Log,
    Spool,
}

impl Teller {
    fn tells(self) -> bool {
        self == Self::Log
    }

    pub(crate) fn appended(self, partition: Partition, records: usize, bytes: usize, end: u64) {
        if self.tells() {
            metrics::counter!(APPENDED_RECORDS).increment(records as u64);
            metrics::counter!(APPENDED_BYTES).increment(bytes as u64);
            metrics::histogram!(GROUP_RECORDS).record(records as f64);
            self.end_offset(partition, end);
        }
    }

    pub(crate) fn refused(self, kind: Refused, records: usize) {
        if self.tells() {
            refused(kind, records);
        }
    }

    pub(crate) fn synced(self, took: Duration) {
        if self.tells() {
            metrics::histogram!(SYNC_SECONDS).record(took.as_secs_f64());
        }
    }

    pub(crate) fn queued(self, partition: Partition, bytes: usize) {
        if self.tells() {
            metrics::gauge!(QUEUE_BYTES, "partition" => partition.to_string()).set(bytes as f64);
        }
    }

    pub(crate) fn start_offset(self, partition: Partition, offset: u64) {
        if self.tells() {
            metrics::gauge!(START_OFFSET, "partition" => partition.to_string()).set(offset as f64);
        }
    }

    pub(crate) fn end_offset(self, partition: Partition, offset: u64) {
        if self.tells() {
            metrics::gauge!(END_OFFSET, "partition" => partition.to_string()).set(offset as f64);
        }
    }

    pub(crate) fn committed_offset(self, group: &str, partition: u32, offset: u64) {
        if self.tells() {
            committed_offset(group, partition, offset);
        }
    }

    pub(crate) fn disk_bytes(self, bytes: u64) {
        if self.tells() {
            metrics::gauge!(DISK_BYTES).set(bytes as f64);
        }
    }

    pub(crate) fn deleted(self, by: DeletedBy, records: u64) {
        if self.tells() {
            let reason = match by {
                DeletedBy::Age => "age",
                DeletedBy::Size => "size",
            };
            metrics::counter!(DELETED_SEGMENTS, "reason" => reason).increment(1);
            metrics::counter!(DELETED_RECORDS, "reason" => reason).increment(records);
        }
    }
}

/// A broker acknowledged one record.
pub(crate) fn acknowledged(bytes: usize) {
    metrics::counter!(APPENDED_RECORDS).increment(1);
    metrics::counter!(APPENDED_BYTES).increment(bytes as u64);
}

pub(crate) fn refused(kind: Refused, records: usize) {
    metrics::counter!(APPEND_FAILURES, "kind" => kind.name()).increment(records as u64);
}

pub(crate) fn committed_offset(group: &str, partition: u32, offset: u64) {
    metrics::gauge!(COMMITTED_OFFSET, "group" => group.to_owned(), "partition" => partition.to_string()).set(offset as f64);
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

/// A record was acknowledged where a spool stands before the log.
pub(crate) fn acknowledged_by(by: By) {
    let by = match by {
        By::Log => "log",
        By::Spool => "spool",
    };
    metrics::counter!(ACKNOWLEDGED_RECORDS, "by" => by).increment(1);
}

/// A record was taken neither by the log nor by the spool.
pub(crate) fn spool_refused(kind: Refused) {
    metrics::counter!(SPOOL_REFUSED_RECORDS, "kind" => kind.name()).increment(1);
}

/// What waits in the spool.
pub(crate) fn spool_waits(records: u64, bytes: u64, oldest: Duration) {
    metrics::gauge!(SPOOL_RECORDS).set(records as f64);
    metrics::gauge!(SPOOL_BYTES).set(bytes as f64);
    metrics::gauge!(SPOOL_AGE_SECONDS).set(oldest.as_secs_f64());
}

pub(crate) fn spool_sent(records: u64) {
    metrics::counter!(SPOOL_SENT_RECORDS).increment(records);
}
