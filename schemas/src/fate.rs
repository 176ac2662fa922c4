//! What became of an event. Every event has exactly one fate, and each is counted:
//!
//! `received = accepted + rejected`, and `accepted = rolled up + too late + duplicate`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    app::AppId,
    time::{Minute, Timestamp},
};

/// Why the intake refuses an event, or a whole beacon with all its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscardReason {
    /// The event is no JSON object of the right form.
    MalformedEvent,
    /// The metric's name has other characters than allowed, or none.
    InvalidMetric,
    /// The value is missing, not a number, negative, or beyond the unit's limit.
    InvalidValue,
    /// The unit is not known.
    UnknownUnit,
    /// The metric is declared, or known, in another kind of unit.
    UnitMismatch,
    /// The event's time can't be read.
    InvalidTime,
    /// A web-vitals report that corrects an earlier one of the same page view; the first is kept.
    Superseded,
    /// The beacon has more events than allowed; the first ones are kept.
    TooManyEvents,
    /// The user agent is a known robot's.
    Bot,
}

impl DiscardReason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::MalformedEvent,
        Self::InvalidMetric,
        Self::InvalidValue,
        Self::UnknownUnit,
        Self::UnitMismatch,
        Self::InvalidTime,
        Self::Superseded,
        Self::TooManyEvents,
        Self::Bot,
    ];

    /// Its name in answers, records and self-metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MalformedEvent => "malformed_event",
            Self::InvalidMetric => "invalid_metric",
            Self::InvalidValue => "invalid_value",
            Self::UnknownUnit => "unknown_unit",
            Self::UnitMismatch => "unit_mismatch",
            Self::InvalidTime => "invalid_time",
            Self::Superseded => "superseded",
            Self::TooManyEvents => "too_many_events",
            Self::Bot => "bot",
        }
    }
}

impl fmt::Display for DiscardReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kind of a fate, as counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FateKind {
    RolledUp,
    TooLate,
    Duplicate,
    Rejected,
    /// Counts requests, not events: they were refused before their events could be read.
    Refused,
}

impl FateKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::RolledUp, Self::TooLate, Self::Duplicate, Self::Rejected, Self::Refused];

    /// Its name in answers and self-metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RolledUp => "rolled_up",
            Self::TooLate => "too_late",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
        }
    }
}

/// How many events of one app, received in one minute, met one fate. Counts add up, of
/// `newest` the later one stays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FateCount {
    pub app: AppId,
    /// The minute of the received time.
    pub minute: Minute,
    pub kind: FateKind,
    /// Empty but for rejected events and refused requests. A text, because a record may come from a
    /// newer intake with reasons of its own.
    pub reason: Box<str>,
    /// Events before sampling weights; for [`FateKind::Refused`] requests.
    pub events: u64,
    /// When the newest of them was received.
    pub newest: Timestamp,
}
