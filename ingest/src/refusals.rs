//! Requests refused as a whole, counted until they are told to the log.
//!
//! A refused beacon has no record that could carry the count, so the counts of each second go to the
//! log as records of their own. They are for the app's owner to see, and may be lost with a crash: the
//! client was told of each.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use schemas::{
    app::AppId,
    record::{BeaconRecord, Message, Rejection},
    time::Timestamp,
};

use crate::arrival::Arrivals;

/// Refused requests by app and reason. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Refusals(Arc<Mutex<BTreeMap<AppId, BTreeMap<&'static str, u64>>>>);

impl Refusals {
    /// Counts a refused request of `app`.
    pub fn count(&self, app: &AppId, reason: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts.contains_key(app) {
            counts.insert(app.clone(), BTreeMap::new());
        }
        if let Some(reasons) = counts.get_mut(app) {
            *reasons.entry(reason).or_default() += 1;
        }
    }

    /// Takes the counts, as a record for each app.
    pub fn take(&self, received: Timestamp, arrivals: &Arrivals) -> Vec<(AppId, Bytes)> {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let record = |(app, reasons): (AppId, BTreeMap<&'static str, u64>)| {
            let refusals = reasons.into_iter().map(|(reason, count)| Rejection { reason: reason.into(), count }).collect();
            let arrival = arrivals.next().get();
            let record = BeaconRecord {
                app: app.as_str().into(),
                beacon_id: arrival.to_be_bytes().to_vec(),
                arrival,
                received_ms: u64::try_from(received.as_ms()).unwrap_or(0),
                refusals,
                ..BeaconRecord::default()
            };
            (app, record.encode_to_bytes())
        };
        counts.into_iter().map(record).collect()
    }
}
