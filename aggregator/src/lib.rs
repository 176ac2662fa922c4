//! The aggregator: records are folded into rollups, and fresh rollups are tested against their
//! baseline.
//!
//! [`fold`] is pure: records in, rollups and the fate of every event out. Workers read the log, fold,
//! and write to the store exactly once. The aggregator knows nothing of HTTP.

pub mod config;
pub mod fold;
