//! Fates, flags and alerts: few and small, found by app and time.

use schemas::{
    alert::Alert,
    app::AppId,
    fate::{FateCount, FateKind},
    flag::Flag,
    time::{Minute, MinuteRange, Timestamp},
};

use super::{Inner, disk, from_json, keys, to_json, write::kind_number};
use crate::{AlertQuery, StoreError};

/// The mark of the last tested minute.
pub(super) const TESTED: &str = "tested/";
/// The mark of the minute up to which flags are grouped.
pub(super) const GROUPED: &str = "grouped/";

const KINDS: [FateKind; 5] = [FateKind::RolledUp, FateKind::TooLate, FateKind::Duplicate, FateKind::Rejected, FateKind::Refused];

impl Inner {
    /// What became of events received in `range`.
    pub(super) fn fates(&self, app: &AppId, range: MinuteRange) -> Result<Vec<FateCount>, StoreError> {
        let prefix = keys::app_prefix(app).len();
        let mut fates = Vec::new();
        for entry in self.fates.range(keys::app_minute(app, range.start)..keys::app_minute(app, range.end)) {
            let (key, value) = entry.into_inner().map_err(disk("reading fates"))?;
            let parsed = || {
                let minute = Minute(keys::u32_at(&key, prefix)?);
                let kind = KINDS.into_iter().find(|kind| Some(&kind_number(*kind)) == key.get(prefix + 4))?;
                let reason = std::str::from_utf8(key.get(prefix + 5..)?).ok()?.into();
                let (events, newest) = fate_value(&value)?;
                Some(FateCount { app: app.clone(), minute, kind, reason, events, newest })
            };
            fates.push(parsed().ok_or_else(|| StoreError::Corrupt("a count of fates can't be read".to_owned()))?);
        }
        Ok(fates)
    }

    /// Notes a tested minute with its flags.
    pub(super) fn write_flags(&self, app: &AppId, minute: Minute, flags: &[Flag]) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut writes = self.durable_batch();
        let key = keys::app_minute(app, minute);
        if flags.is_empty() {
            writes.remove(&self.flags, key);
        } else {
            writes.insert(&self.flags, key, to_json(&flags)?);
        }
        let last = self.minute_mark(TESTED, app)?;
        writes.insert(&self.meta, mark_key(TESTED, app), last.map_or(minute, |last| last.max(minute)).0.to_be_bytes());
        writes.commit().map_err(disk("writing flags"))
    }

    /// The flags whose tested minute lies in `range`.
    pub(super) fn flags(&self, app: &AppId, range: MinuteRange) -> Result<Vec<Flag>, StoreError> {
        let mut flags = Vec::new();
        for entry in self.flags.range(keys::app_minute(app, range.start)..keys::app_minute(app, range.end)) {
            let of_minute: Vec<Flag> = from_json(&entry.value().map_err(disk("reading flags"))?)?;
            flags.extend(of_minute);
        }
        Ok(flags)
    }

    /// Writes alerts, and how far flags are grouped.
    pub(super) fn write_alerts(&self, app: &AppId, grouped: Option<Minute>, alerts: &[Alert]) -> Result<(), StoreError> {
        let mut writes = self.durable_batch();
        for alert in alerts {
            writes.insert(&self.alerts, alert_key(alert), to_json(alert)?);
        }
        if let Some(minute) = grouped {
            writes.insert(&self.meta, mark_key(GROUPED, app), minute.0.to_be_bytes());
        }
        writes.commit().map_err(disk("writing alerts"))
    }

    /// The alerts asked for, by app and falling id.
    pub(super) fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, StoreError> {
        let prefix = query.app.as_ref().map(keys::app_prefix).unwrap_or_default();
        let mut alerts: Vec<Alert> = Vec::new();
        for entry in self.alerts.prefix(prefix) {
            let alert: Alert = from_json(&entry.value().map_err(disk("reading alerts"))?)?;
            if query.asks_for(&alert) {
                alerts.push(alert);
            }
        }
        alerts.sort_by(|a, b| a.app.cmp(&b.app).then(b.id.cmp(&a.id)));
        Ok(alerts)
    }

    /// A minute that is noted for an app.
    pub(super) fn minute_mark(&self, mark: &str, app: &AppId) -> Result<Option<Minute>, StoreError> {
        let known = self.meta.get(mark_key(mark, app)).map_err(disk("reading a mark"))?;
        Ok(known.as_deref().and_then(|bytes| keys::u32_at(bytes, 0)).map(Minute))
    }
}

/// The number and the newest time of a count of fates.
pub(super) fn fate_value(bytes: &[u8]) -> Option<(u64, Timestamp)> {
    let events = u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
    let newest = i64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?);
    Some((events, Timestamp::from_ms(newest)))
}

fn mark_key(mark: &str, app: &AppId) -> String {
    format!("{mark}{app}")
}

fn alert_key(alert: &Alert) -> Vec<u8> {
    let mut key = keys::app_prefix(&alert.app);
    key.extend_from_slice(&alert.id.to_be_bytes());
    key
}
