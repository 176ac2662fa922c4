//! Alerts: overlapping flags of an app, with a life-cycle.

use serde::{Deserialize, Serialize};

use crate::{
    app::AppId,
    flag::Flag,
    time::{Minute, Timestamp},
};

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Flagged, not yet for long enough to tell anybody.
    Pending,
    /// Flagged again: somebody is told.
    Firing,
    /// No longer flagged. Final.
    Resolved,
}

impl AlertState {
    /// Its name in answers and notifications.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// Overlapping flags of one app, as one thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Rising within an app, from 1.
    pub id: u64,
    pub app: AppId,
    pub state: AlertState,
    /// The first flagged minute.
    pub began: Minute,
    /// The last flagged minute.
    pub last_flagged: Minute,
    /// How many of its minutes were flagged.
    pub minutes_flagged: u32,
    /// The most telling flag so far: the alert's headline.
    pub lead: Flag,
    /// How many series were flagged in it at once, at the most.
    pub series_max: u32,
    /// Each change of state, in order; the first is to pending.
    pub changes: Vec<AlertChange>,
}

/// One change of an alert's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertChange {
    pub state: AlertState,
    pub at: Timestamp,
    pub delivery: Delivery,
}

/// Whether the world has been told of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Delivery {
    /// Nobody is to be told.
    NotNeeded,
    /// To be told; survives restarts.
    Due,
    /// Told.
    Done { at: Timestamp },
    /// Given up after the configured attempts.
    Failed { at: Timestamp },
}
