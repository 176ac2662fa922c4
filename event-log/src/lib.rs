//! The log: records are appended to it durably, read in order, and read positions are committed.
//!
//! [`EventLog`] and [`Consumer`] are the edge that the other rooms see; each implementation stands
//! in a module of its own and passes the same `suite` (behind the feature of that name). The log
//! knows nothing of what a record holds: the intake chose the partition, the aggregator decides what
//! a position means. [`Jobs`] divides work other than reading among the processes that share a log.
//!
//! [`embedded`] keeps the records in files of one directory, for one process. [`kafka`] keeps them in a
//! topic of Apache Kafka, for any number of processes. [`spool`] stands before such a log and takes its
//! records while it is away.

pub mod config;
mod consumer;
pub mod embedded;
mod error;
mod jobs;
pub mod kafka;
mod log;
pub mod metrics;
mod record;
pub mod spool;
#[cfg(any(test, feature = "suite"))]
pub mod suite;

pub use self::{
    consumer::{Assignment, Consumer, Polled},
    error::{AppendError, LogError},
    jobs::{Elapsed, Jobs, Member, Owned, SHARES},
    log::EventLog,
    record::{Appended, Committed, Extent, LogRecord, METADATA_BYTES_MAX, Offset, Partition},
};
