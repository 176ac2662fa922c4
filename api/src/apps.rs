//! What can be asked about: apps, their metrics, their dimensions.

use std::time::Duration;

use axum::{Json, extract::State, http::Uri};
use schemas::{
    metric::known,
    time::{MinuteRange, Timestamp},
};

use crate::{
    ApiState, KnownApp,
    answer::{App, Apps, At, Dimension, Dimensions, ErrorBody, Metric, Metrics},
    error::ApiError,
    params::Params,
    question::dimension,
};

/// How far back the newest beacon is looked for, at first and then.
const LOOK_BACK: [Duration; 2] = [Duration::from_secs(3_600), Duration::from_secs(7 * 86_400)];

/// The apps that the configuration declares.
#[utoipa::path(get, path = "/api/v1/apps", tag = "catalogue", responses((status = 200, body = Apps), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn apps(State(state): State<ApiState>, uri: Uri) -> Result<Json<Apps>, ApiError> {
    Params::of_query(uri.query()).finish()?;
    let mut apps = Vec::with_capacity(state.apps.len());
    for KnownApp { app, key, .. } in state.apps.values() {
        apps.push(App {
            id: app.id.to_string(),
            key: key.clone(),
            last_received: last_received(&state, app).await?.map(At),
            dimensions: app.dimensions().into_iter().map(String::from).collect(),
            together: app
                .cuboids
                .iter()
                .filter(|cuboid| !cuboid.dimensions().is_empty())
                .map(|cuboid| cuboid.dimensions().iter().map(ToString::to_string).collect())
                .collect(),
            minute_retention_s: state.retention.minutes.as_secs(),
            hour_retention_s: state.retention.hours.as_secs(),
        });
    }
    Ok(Json(Apps { apps }))
}

async fn last_received(state: &ApiState, app: &schemas::app::App) -> Result<Option<Timestamp>, ApiError> {
    let now = state.now();
    for back in LOOK_BACK {
        // A clock that is ahead must not hide the newest.
        let range = MinuteRange::new(now.minus(back).minute(), now.minute().plus(10));
        let fates = state.store.fates(&app.id, range).await?;
        if let Some(newest) = fates.iter().map(|fate| fate.newest).max() {
            return Ok(Some(newest));
        }
    }
    Ok(None)
}

/// The metrics that an app has values of.
#[utoipa::path(get, path = "/api/v1/metrics", tag = "catalogue", params(("app" = String, Query, description = "The app's id.")),
    responses((status = 200, body = Metrics), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn metrics(State(state): State<ApiState>, uri: Uri) -> Result<Json<Metrics>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let app = state.app(&mut params)?;
    params.finish()?;
    let entries = state.store.metrics(&app.app.id).await?;
    let now = state.now();
    let metric = |entry: schemas::query::MetricEntry| {
        let name = entry.metric.name.as_str();
        let known = known(name).filter(|known| known.unit == entry.metric.unit);
        Metric {
            title: known.map_or(name, |known| known.title).to_owned(),
            unit: entry.metric.unit.name(),
            good: known.and_then(|known| known.good),
            poor: known.and_then(|known| known.poor),
            last_seen: At(entry.last_hour.first_minute().plus(60).start().min(now)),
            name: name.to_owned(),
        }
    };
    Ok(Json(Metrics { app: app.app.id.to_string(), metrics: entries.into_iter().map(metric).collect() }))
}

/// The dimensions of an app, with their values.
#[utoipa::path(get, path = "/api/v1/dimensions", tag = "catalogue", params(
    ("app" = String, Query, description = "The app's id."),
    ("dimension" = Option<String>, Query, description = "Only this one."),
    ("limit" = Option<u32>, Query, description = "How many values of each at the most; 100 by default, at most 10000."),
), responses((status = 200, body = Dimensions), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn dimensions(State(state): State<ApiState>, uri: Uri) -> Result<Json<Dimensions>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let app = state.app(&mut params)?;
    let only = params.optional("dimension")?.map(|name| dimension(&name, app)).transpose()?;
    let limit = params.number("limit", 100, 1, 10_000)?;
    params.finish()?;
    let wanted = only.map_or_else(|| app.app.dimensions(), |one| vec![one]);
    let mut dimensions = Vec::with_capacity(wanted.len());
    for dimension in wanted {
        let mut values = state.store.values(&app.app.id, &dimension).await?;
        let values_total = values.len();
        values.truncate(limit);
        dimensions.push(Dimension { name: dimension.into(), values, values_total });
    }
    Ok(Json(Dimensions { app: app.app.id.to_string(), dimensions }))
}
