//! Counts what became of events, by the minute in which they were received.

use std::collections::BTreeMap;

use schemas::{
    app::AppId,
    fate::{DiscardReason, FateCount, FateKind},
    record::BeaconRecordView,
    time::{Minute, Timestamp},
};

use super::Outcome;

/// The fates of one app's events since the last drain.
#[derive(Debug, Default)]
pub(super) struct Fates(BTreeMap<Minute, OfMinute>);

#[derive(Debug, Default)]
struct OfMinute {
    outcome: Outcome,
    rejected: BTreeMap<Box<str>, u64>,
    refused: BTreeMap<Box<str>, u64>,
    newest: Timestamp,
}

impl Fates {
    /// Counts a record's events, and what the intake rejected of its beacon.
    pub(super) fn count(&mut self, record: &BeaconRecordView<'_>, received: Timestamp, outcome: Outcome) {
        let minute = self.0.entry(received.minute()).or_default();
        minute.newest = minute.newest.max(received);
        minute.outcome += outcome;
        for rejection in &record.rejections {
            *minute.rejected.entry(rejection.reason.into()).or_default() += rejection.count;
        }
        for refusal in &record.refusals {
            *minute.refused.entry(refusal.reason.into()).or_default() += refusal.count;
        }
    }

    /// Takes the counts, and tells the newest minute among them.
    pub(super) fn drain(&mut self, app: &AppId, drained: &mut Vec<FateCount>) -> Option<Minute> {
        let last = self.0.last_key_value().map(|(minute, _)| *minute);
        for (minute, counts) in std::mem::take(&mut self.0) {
            let mut push = |kind, reason: &str, events| {
                if events > 0 {
                    drained.push(FateCount { app: app.clone(), minute, kind, reason: reason.into(), events, newest: counts.newest });
                }
            };
            push(FateKind::RolledUp, "", counts.outcome.rolled_up);
            push(FateKind::TooLate, "", counts.outcome.too_late);
            push(FateKind::Duplicate, "", counts.outcome.duplicate);
            push(FateKind::Rejected, DiscardReason::UnknownUnit.name(), counts.outcome.unknown);
            for (reason, events) in &counts.rejected {
                push(FateKind::Rejected, reason, *events);
            }
            for (reason, requests) in &counts.refused {
                push(FateKind::Refused, reason, *requests);
            }
        }
        last
    }
}
