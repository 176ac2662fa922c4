//! Fates, flags and alerts: few and small, found by app and time.
//!
//! What replaces something is one more row with a greater version; a question takes the row with the
//! greatest. Each kind should have one writer at a time (who owns the minutes' tests, who leads the alerts),
//! but one that was paused may not know yet that it is no longer the one. So a version is claimed: it is the
//! greatest one and one more, and the token of its insert. Of two that claim the same, the first stands,
//! and the other is told so. Alerts are decided from alerts, so there the greatest one must still be that
//! which the decision was made from.

use std::sync::PoisonError;

use schemas::{
    alert::{Alert, Delivery},
    app::AppId,
    fate::{FateCount, FateKind},
    flag::Flag,
    time::{Minute, MinuteRange, Timestamp},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Inner, bound, named,
    rows::{AlertIn, FateOut, TestedIn},
    seconds,
};
use crate::{AlertQuery, StoreError};

/// The id under which the table of alerts has the minute up to which flags are grouped; alerts begin at 1.
const GROUPED: u64 = 0;

impl Inner {
    /// What became of events received in `range`.
    pub(super) async fn fates(&self, app: &AppId, range: MinuteRange) -> Result<Vec<FateCount>, StoreError> {
        let sql = "select toUInt32(intDiv(toUnixTimestamp(minute), 60)) as minute_number, kind, reason, sum(events) as events_total, \
                   toUnixTimestamp64Milli(max(newest)) as newest_ms from ? \
                   where app = ? and minute >= toDateTime(?, 'UTC') and minute < toDateTime(?, 'UTC') group by minute_number, kind, reason";
        let table = self.table("fates");
        let query = self.ask(sql).bind(named(&table)).bind(app.as_str()).bind(bound(range.start)).bind(bound(range.end));
        let rows: Vec<FateOut> = self.all("reading fates", query).await?;
        let fate = |row: FateOut| {
            let kind = FateKind::ALL.into_iter().find(|kind| kind.name() == row.kind)?;
            let newest = Timestamp::from_ms(row.newest_ms);
            Some(FateCount {
                app: app.clone(),
                minute: Minute(row.minute_number),
                kind,
                reason: row.reason.into(),
                events: row.events_total,
                newest,
            })
        };
        let fates: Option<Vec<_>> = rows.into_iter().map(fate).collect();
        let mut fates = fates.ok_or_else(|| StoreError::Corrupt("ClickHouse has a kind of fate that is none".to_owned()))?;
        fates.sort();
        Ok(fates)
    }

    /// Notes a tested minute with its flags.
    pub(super) async fn write_flags(&self, app: &AppId, minute: Minute, flags: &[Flag]) -> Result<(), StoreError> {
        let of = "from tested where app = ? and minute = toDateTime(?, 'UTC')";
        let ask = |what: &str| self.ask(&format!("select {what} {of}")).bind(app.as_str()).bind(bound(minute));
        let version = self.number("reading the last version of flags", ask("max(version)")).await? + 1;
        let flags = flags.iter().map(to_json).collect::<Result<Vec<_>, _>>()?;
        let row = TestedIn { app: app.as_str(), minute: seconds(minute)?, flags, version, writer: self.writer };
        let token = format!("{app}/{}/{version}", minute.0);
        self.insert::<TestedIn<'_>>("writing flags", "tested", 0, &[row], Some(token)).await?;
        let own = ask(&format!("countIf(version = {version} and writer = {})", self.writer));
        self.claimed("the flags of a minute", own).await
    }

    /// The last tested minute of `app`.
    pub(super) async fn tested(&self, app: &AppId) -> Result<Option<Minute>, StoreError> {
        let sql = "select toUInt32(intDiv(toUnixTimestamp(max(minute)), 60)) from tested where app = ? having count() > 0";
        let last = self.ask(sql).bind(app.as_str()).fetch_optional::<u32>();
        Ok(self.in_time("reading the last tested minute", last).await?.map(Minute))
    }

    /// The flags whose tested minute lies in `range`.
    pub(super) async fn flags(&self, app: &AppId, range: MinuteRange) -> Result<Vec<Flag>, StoreError> {
        let sql = "select arrayJoin(argMax(flags, version)) from tested \
                   where app = ? and minute >= toDateTime(?, 'UTC') and minute < toDateTime(?, 'UTC') group by minute order by minute";
        let query = self.ask(sql).bind(app.as_str()).bind(bound(range.start)).bind(bound(range.end));
        let flags: Vec<String> = self.all("reading flags", query).await?;
        flags.iter().map(|flag| from_json(flag)).collect()
    }

    /// Writes alerts, and how far flags are grouped, in one insert of one part.
    pub(super) async fn write_alerts(&self, app: &AppId, grouped: Option<Minute>, alerts: &[Alert]) -> Result<(), StoreError> {
        let last = self.alerts_version().await?;
        let seen = self.alerts_seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        if seen.is_some_and(|seen| seen != last) {
            return Err(changed("alerts"));
        }
        let (version, writer) = (last + 1, self.writer);
        let mut rows = alerts.iter().map(|alert| alert_row(alert, version, writer)).collect::<Result<Vec<_>, _>>()?;
        if let Some(minute) = grouped {
            let (began, app) = (seconds(minute)?, app.as_str());
            rows.push(AlertIn {
                app,
                id: GROUPED,
                state: "",
                began,
                last_flagged: 0,
                untold: false,
                alert: String::new(),
                version,
                writer,
            });
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.insert::<AlertIn<'_>>("writing alerts", "alerts", 0, &rows, Some(version.to_string())).await?;
        self.claimed("alerts", self.ask(&format!("select countIf(version = {version} and writer = {writer}) from alerts"))).await?;
        self.decide_from(version);
        Ok(())
    }

    /// The minute of `app` up to which flags are grouped.
    pub(super) async fn grouped(&self, app: &AppId) -> Result<Option<Minute>, StoreError> {
        self.decide_from(self.alerts_version().await?);
        let sql =
            "select toUInt32(intDiv(toUnixTimestamp(argMax(began, version)), 60)) from alerts where app = ? and id = ? having count() > 0";
        let minute = self.ask(sql).bind(app.as_str()).bind(GROUPED).fetch_optional::<u32>();
        Ok(self.in_time("reading how far flags are grouped", minute).await?.map(Minute))
    }

    /// The alerts asked for, by app and falling id.
    pub(super) async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, StoreError> {
        // The server leaves out most of what isn't asked for; the rule itself stands in one place for all stores.
        let mut conditions = String::new();
        if query.app.is_some() {
            conditions.push_str(" and app = ?");
        }
        if query.open {
            self.decide_from(self.alerts_version().await?);
            conditions.push_str(" and (state != 'resolved' or untold)");
        }
        let sql = format!("select alert from alerts final where id > 0{conditions} order by app, id desc");
        let mut ask = self.ask(&sql);
        if let Some(app) = &query.app {
            ask = ask.bind(app.as_str());
        }
        let alerts: Vec<String> = self.all("reading alerts", ask).await?;
        let alerts = alerts.iter().map(|alert| from_json(alert)).collect::<Result<Vec<Alert>, _>>()?;
        Ok(alerts.into_iter().filter(|alert| query.asks_for(alert)).collect())
    }

    /// The version of the alerts; read before them, so that it is never newer than what was read.
    async fn alerts_version(&self) -> Result<u64, StoreError> {
        self.number("reading the version of the alerts", self.ask("select max(version) from alerts")).await
    }

    /// Notes which version of the alerts the next decision about them is made from. Whoever decides asks how
    /// far flags are grouped or which alerts are open; the API asks neither.
    fn decide_from(&self, version: u64) {
        *self.alerts_seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    }

    /// That the rows just inserted are this process's, by how many of them there are.
    async fn claimed(&self, what: &str, own: clickhouse::query::Query) -> Result<(), StoreError> {
        match self.number("reading what was written", own).await? {
            0 => Err(changed(what)),
            _ => Ok(()),
        }
    }

    async fn number(&self, what: &str, query: clickhouse::query::Query) -> Result<u64, StoreError> {
        self.in_time(what, query.fetch_one::<u64>()).await
    }
}

fn changed(what: &str) -> StoreError {
    StoreError::Unavailable(format!("another process wrote {what} meanwhile: what there is now has to be read again"))
}

fn alert_row(alert: &Alert, version: u64, writer: u64) -> Result<AlertIn<'_>, StoreError> {
    Ok(AlertIn {
        app: alert.app.as_str(),
        id: alert.id,
        state: alert.state.name(),
        began: seconds(alert.began)?,
        last_flagged: seconds(alert.last_flagged)?,
        untold: alert.changes.iter().any(|change| change.delivery == Delivery::Due),
        alert: to_json(alert)?,
        version,
        writer,
    })
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("an entry in ClickHouse can't be read: {error}")))
}

fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("an entry can't be written to ClickHouse: {error}")))
}
