//! The aggregator: records are folded into rollups, and fresh rollups are tested against their
//! baseline.
//!
//! [`fold`] is pure: records in, rollups and the fate of every event out. The [`worker`] reads the log,
//! folds, and writes to the store exactly once. [`detect`] tests each minute of each series once it is
//! complete, from what the store has. The aggregator knows nothing of HTTP.

pub mod config;
pub mod detect;
pub mod fold;
pub mod metrics;
pub mod worker;
