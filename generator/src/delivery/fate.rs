//! What must become of a delivery and of each of its events.

use schemas::{
    fate::DiscardReason,
    time::{Minute, Timestamp},
};
use serde_json::value::RawValue;

use super::{Content, Delivery, Kind, Measurement};

/// How many events of a beacon the intake takes; the ones after are rejected.
pub const EVENTS_MAX: usize = 200;

/// What must become of one event, when its beacon is no duplicate.
#[derive(Debug, Clone, Copy)]
pub enum Fate<'a> {
    /// It counts in `minute`.
    RolledUp {
        measurement: &'a Measurement,
        minute: Minute,
    },
    /// It is older than the app allows.
    TooLate,
    Rejected(DiscardReason),
}

/// An event that must be rejected.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) json: Box<RawValue>,
    pub(crate) reason: DiscardReason,
}

impl Delivery {
    /// The statuses that are right for an answer to it.
    pub fn statuses(&self) -> &'static [u16] {
        match &*self.content {
            Content::Beacon(_) | Content::Bare(_) => &[202],
            Content::Refused(refused) => refused.hostility.statuses(),
        }
    }

    /// What must become of each of its events when its body was made at `made` (for bare web-vitals
    /// objects, which carry no time: when it is received). Empty for what must be refused as a whole.
    pub fn fates(&self, made: Timestamp) -> Vec<Fate<'_>> {
        let bot = self.kind == Kind::Bot;
        match &*self.content {
            Content::Beacon(beacon) => {
                debug_assert!(!bot || beacon.broken.is_empty(), "which reason would count for a robot's broken event is not said");
                let measured = beacon.measurements.iter().enumerate().map(|(i, measurement)| match i {
                    _ if bot => Fate::Rejected(DiscardReason::Bot),
                    _ if i >= EVENTS_MAX => Fate::Rejected(DiscardReason::TooManyEvents),
                    _ => self.fate(measurement, made),
                });
                measured.chain(beacon.broken.iter().map(|broken| Fate::Rejected(broken.reason))).collect()
            }
            Content::Bare(bare) => bare
                .reports
                .iter()
                .map(|report| match report.corrects {
                    Some(_) => Fate::Rejected(DiscardReason::Superseded),
                    None => Fate::RolledUp { measurement: &report.measurement, minute: made.minute() },
                })
                .collect(),
            Content::Refused(_) => Vec::new(),
        }
    }

    fn fate<'a>(&self, measurement: &'a Measurement, made: Timestamp) -> Fate<'a> {
        let happened = self.happened(measurement);
        if made.since(happened) > self.traffic.lateness_max {
            Fate::TooLate
        } else {
            Fate::RolledUp { measurement, minute: happened.minute() }
        }
    }

    /// When an event of it happened.
    pub(crate) fn happened(&self, measurement: &Measurement) -> Timestamp {
        Timestamp::from_ms(measurement.at.as_ms() + self.shift_ms)
    }

    /// Whether every event that counts has the same minute for whatever time in [`sent`, `answered`] the
    /// intake received it at, when its body was made at `sent`.
    pub fn is_certain(&self, sent: Timestamp, answered: Timestamp) -> bool {
        let way = answered.since(sent);
        match &*self.content {
            Content::Beacon(beacon) => beacon.measurements.iter().all(|measurement| {
                let happened = self.happened(measurement);
                happened.minute() == happened.plus(way).minute()
            }),
            Content::Bare(_) => sent.minute() == answered.minute(),
            Content::Refused(_) => true,
        }
    }
}
