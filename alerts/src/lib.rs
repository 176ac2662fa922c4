//! Alerts: overlapping flags of an app become one alert, whose changes are told once.
//!
//! [`lifecycle`] is pure: flags and time in, the alert as it stands out. The [`worker`] takes it through
//! the minutes that were tested, writes what changed, and has the [`webhook`] tell what is due. What is
//! due stands in the store, so that a restart neither forgets a change nor tells it twice.

pub mod config;
pub mod lifecycle;
pub mod metrics;
pub mod webhook;
pub mod worker;
