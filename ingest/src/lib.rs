//! The intake: a beacon comes in by HTTP and leaves as a durable record in the log.
//!
//! [`intake::Intake::take`] is the way: decode, authorise, validate, enrich, publish. Up to the last
//! step it is pure: the same body at the same time becomes the same record. The answer is given only
//! once the record is durable, and says for each event that was refused why.
//!
//! It knows nothing of windows, rollups or the store, and keeps no address of a client.

pub mod agent;
pub mod arrival;
pub mod config;
pub mod decode;
pub mod enrich;
pub mod error;
pub mod intake;
pub mod metrics;
pub mod refusals;
pub mod route;
pub mod router;
pub mod validate;
