//! The contract between the rooms: what a beacon, a record, a rollup, a flag and an alert are.
//!
//! A datum changes its type when its standing changes, and the modules stand in that order:
//! a [`beacon`] comes from a browser and is not to be trusted; the intake turns it into a
//! [`record`] of events; the aggregator folds events into a [`rollup`] for each series and minute,
//! whose values are a [`histogram`]; a rollup that departs from its baseline gets a [`flag`];
//! overlapping flags become an [`alert`]. A [`query`] asks for rollups again. Some beacons are kept whole, as
//! [`sample`]s. What became of every
//! event is its [`fate`].
//!
//! Nothing here does I/O, reads a clock, or knows of another crate of this workspace.

pub mod alert;
pub mod app;
pub mod beacon;
pub mod clickhouse;
pub mod cuboid;
pub mod dimension;
pub mod fate;
pub mod flag;
pub mod histogram;
pub mod metric;
pub mod query;
pub mod record;
pub mod rollup;
pub mod sample;
pub mod sentence;
pub mod series;
pub mod time;
pub mod unit;
