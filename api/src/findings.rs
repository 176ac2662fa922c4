//! What was found: anomalies and alerts.

use std::{collections::BTreeMap, time::Duration};

use axum::{Json, extract::State, http::Uri};
use schemas::{
    alert::{self, AlertState, Delivery},
    flag::{Flag, Rule},
    sentence,
    series::Series,
    time::MinuteRange,
};
use store::AlertQuery;

use crate::{
    ApiState,
    answer::{Alert, AlertChange, Alerts, Anomalies, Anomaly, At, ErrorBody},
    error::ApiError,
    params::Params,
};

/// Flags of one series and rule that are at most this many minutes apart are one anomaly.
const GAP_MAX: u32 = 5;

/// Series that departed from their baseline: neighbouring flags of a series and rule as one.
#[utoipa::path(get, path = "/api/v1/anomalies", tag = "findings", params(
    ("app" = String, Query, description = "The app's id."),
    ("metric" = Option<String>, Query, description = "Only those of this metric."),
    ("from" = Option<String>, Query, description = "RFC 3339, seconds since 1970, now, or now-24h, which is the default."),
    ("to" = Option<String>, Query, description = "As from; now by default."),
    ("limit" = Option<u32>, Query, description = "How many at the most, by falling significance; 100 by default, at most 1000."),
), responses((status = 200, body = Anomalies), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn anomalies(State(state): State<ApiState>, uri: Uri) -> Result<Json<Anomalies>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let app = state.app(&mut params)?;
    let (from, to) = state.range(&mut params, Duration::from_secs(86_400))?;
    let metric = params.optional("metric")?;
    let limit = params.number("limit", 100, 1, 1_000)?;
    params.finish()?;
    let range = MinuteRange::covering(from, to);
    let flags = state.store.flags(&app.app.id, range).await?;
    let wanted = flags.into_iter().filter(|flag| metric.as_deref().is_none_or(|metric| flag.series.metric.name.as_str() == metric));
    let mut anomalies = neighbours(wanted);
    anomalies.sort_by(|a, b| a.p_value.total_cmp(&b.p_value).then_with(|| b.n.cmp(&a.n)));
    let anomalies_total = anomalies.len();
    anomalies.truncate(limit);
    Ok(Json(Anomalies {
        app: app.app.id.to_string(),
        from: At(range.start.start()),
        to: At(range.end.start()),
        anomalies,
        anomalies_total,
        tested_to: state.store.tested(&app.app.id).await?.map(|minute| At(minute.end())),
    }))
}

/// Flags, by minute, as anomalies: neighbours of one series and rule together.
fn neighbours(flags: impl Iterator<Item = Flag>) -> Vec<Anomaly> {
    let mut open: BTreeMap<(Series, Rule), (MinuteRange, u32, Flag)> = BTreeMap::new();
    let mut done = Vec::new();
    for flag in flags {
        let (key, minute) = ((flag.series.clone(), flag.rule), flag.minute());
        match open.get_mut(&key) {
            Some((span, minutes, strongest)) if minute.0 <= span.end.0 + GAP_MAX => {
                span.end = minute.plus(1);
                *minutes += 1;
                if flag.p_value < strongest.p_value {
                    *strongest = flag;
                }
            }
            _ => done.extend(open.insert(key, (MinuteRange::new(minute, minute.plus(1)), 1, flag))),
        }
    }
    done.extend(open.into_values());
    done.iter().map(|(span, minutes, flag)| anomaly(flag, *span, *minutes)).collect()
}

fn anomaly(flag: &Flag, span: MinuteRange, minutes: u32) -> Anomaly {
    Anomaly {
        metric: flag.series.metric.name.to_string(),
        unit: flag.series.metric.unit.name(),
        slice: flag.series.group.slice().map(|(dimension, value)| (dimension.to_string(), value.to_owned())).collect(),
        rule: flag.rule.name(),
        from: At(span.start.start()),
        to: At(span.end.start()),
        minutes,
        observed: flag.observed,
        expected: flag.expected,
        effect: flag.effect,
        n: flag.n,
        p_value: flag.p_value,
    }
}

/// Alerts: overlapping flags of an app as one thing that happened, with its life-cycle.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "findings", params(
    ("app" = Option<String>, Query, description = "Only those of this app."),
    ("state" = Option<String>, Query, description = "Only those in this state: pending, firing or resolved; repeat it for several."),
    ("from" = Option<String>, Query, description = "Not those that were over before. RFC 3339, seconds since 1970, now, or now-7d, which is the default."),
    ("to" = Option<String>, Query, description = "Not those that began later; now by default."),
    ("limit" = Option<u32>, Query, description = "How many at the most, the latest first; 100 by default, at most 1000."),
), responses((status = 200, body = Alerts), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn alerts(State(state): State<ApiState>, uri: Uri) -> Result<Json<Alerts>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let app = if params.optional("app")?.is_some() { Some(state.app(&mut params)?.app.id.clone()) } else { None };
    let states = params.all("state").iter().map(|name| alert_state(name)).collect::<Result<Vec<_>, _>>()?;
    let (from, to) = state.range(&mut params, Duration::from_secs(7 * 86_400))?;
    let limit = params.number("limit", 100, 1, 1_000)?;
    params.finish()?;
    let query = AlertQuery { app, range: Some(MinuteRange::covering(from, to)), open: false };
    let mut found = state.store.alerts(&query).await?;
    found.retain(|alert| states.is_empty() || states.contains(&alert.state));
    found.sort_by_key(|alert| std::cmp::Reverse(alert.began));
    let alerts_total = found.len();
    found.truncate(limit);
    Ok(Json(Alerts { alerts: found.iter().map(shown).collect(), alerts_total }))
}

fn alert_state(name: &str) -> Result<AlertState, ApiError> {
    let all = [AlertState::Pending, AlertState::Firing, AlertState::Resolved];
    let found = all.into_iter().find(|state| state.name() == name);
    found.ok_or_else(|| ApiError::invalid("state", format!("`{name}` is no state"), "pending, firing or resolved"))
}

fn shown(alert: &alert::Alert) -> Alert {
    let delivery = |delivery: &Delivery| match delivery {
        Delivery::NotNeeded => "not_needed",
        Delivery::Due => "due",
        Delivery::Done { .. } => "done",
        Delivery::Failed { .. } => "failed",
    };
    let change =
        |change: &alert::AlertChange| AlertChange { state: change.state.name(), at: At(change.at), delivery: delivery(&change.delivery) };
    let resolved = alert.changes.iter().find(|change| change.state == AlertState::Resolved);
    Alert {
        id: alert.id,
        app: alert.app.to_string(),
        state: alert.state.name(),
        sentence: sentence::of_alert(alert),
        began: At(alert.began.start()),
        last_flagged: At(alert.last_flagged.end()),
        resolved: resolved.map(|change| At(change.at)),
        minutes_flagged: alert.minutes_flagged,
        series_max: alert.series_max,
        lead: anomaly(&alert.lead, MinuteRange::new(alert.began, alert.last_flagged.plus(1)), alert.minutes_flagged),
        changes: alert.changes.iter().map(change).collect(),
    }
}
