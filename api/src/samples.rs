//! Page views as they were: some of the beacons that the counts come from.

use axum::{Json, extract::State, http::Uri};
use schemas::{
    dimension::Dimension,
    metric::Metric,
    sample::{Sample, SampledBeacon, SampledEvent},
    time::{MinuteRange, Timestamp},
};
use serde_json::Value;

use crate::{
    ApiState,
    answer::{self, At, ErrorBody, Samples},
    error::ApiError,
    params::Params,
    question::{Scope, ScopeParams},
    sampled::{events_of, passes},
    source::{asked_of, draw},
};

/// Samples that one answer may have.
const LISTED_MAX: usize = 200;

/// Sampled beacons with a value of the metric, as they were: with all dimensions, all events of the minute, and what the
/// client knows of the cause.
#[utoipa::path(get, path = "/api/v1/samples", tag = "measures", params(
    ScopeParams,
    ("order" = Option<String>, Query, description = "slowest (default): by falling value of the metric; latest: by falling time."),
    ("limit" = Option<u32>, Query, description = "How many samples at the most; 20 by default, at most 200."),
), responses((status = 200, body = Samples), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn samples(State(state): State<ApiState>, uri: Uri) -> Result<Json<Samples>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let scope = state.scope(&mut params).await?;
    let order = order(&mut params)?;
    let limit = params.number("limit", 20, 1, LISTED_MAX)?;
    params.finish()?;
    let range = kept_range(&scope)?;
    let drawn = draw(&state, &scope, range).await?;
    let passing = drawn.samples().iter().filter(|sample| passes(sample, &scope.filters));
    let mut found: Vec<Found<'_>> = passing.filter_map(|sample| Found::of(sample, &scope.metric)).collect();
    found.sort_by(|a, b| order.compare(b, a).then_with(|| a.sample.rank.cmp(&b.sample.rank)));
    let samples_total = found.len();
    let samples = found.into_iter().take(limit).map(|found| shown(found, &scope.metric)).collect();
    Ok(Json(Samples { asked: asked_of(&drawn, &scope, range), samples, samples_total }))
}

/// The range of the question, if samples are kept of all of it.
fn kept_range(scope: &Scope) -> Result<MinuteRange, ApiError> {
    match scope.begins_before_minutes() {
        None => Ok(MinuteRange::covering(scope.from, scope.to)),
        Some(kept) => {
            let hint = format!("samples are kept for {}: use a later from", humantime::format_duration(kept));
            Err(ApiError::invalid("from", "the range begins before the first sample", hint))
        }
    }
}

/// A sample with its greatest value of the metric.
struct Found<'a> {
    sample: &'a Sample,
    event: &'a SampledEvent,
    at: Timestamp,
}

impl<'a> Found<'a> {
    fn of(sample: &'a Sample, metric: &'a Metric) -> Option<Self> {
        let event = events_of(sample, metric).max_by_key(|event| event.value)?;
        Some(Self { sample, event, at: happened(&sample.beacon, event) })
    }
}

fn happened(beacon: &SampledBeacon, event: &SampledEvent) -> Timestamp {
    beacon.received.minus(std::time::Duration::from_millis(event.age_ms))
}

/// What samples are sorted by, falling.
#[derive(Debug, Clone, Copy)]
enum Order {
    Slowest,
    Latest,
}

impl Order {
    fn compare(self, a: &Found<'_>, b: &Found<'_>) -> std::cmp::Ordering {
        let (value, at) = (a.event.value.cmp(&b.event.value), a.at.cmp(&b.at));
        match self {
            Self::Slowest => value.then(at),
            Self::Latest => at.then(value),
        }
    }
}

fn order(params: &mut Params) -> Result<Order, ApiError> {
    match params.optional("order")?.as_deref() {
        None | Some("slowest") => Ok(Order::Slowest),
        Some("latest") => Ok(Order::Latest),
        Some(other) => Err(ApiError::invalid("order", format!("`{other}` is no order"), "slowest or latest")),
    }
}

fn shown(Found { sample, event, at }: Found<'_>, metric: &Metric) -> answer::Sample {
    let beacon = &sample.beacon;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let event_shown = |event: &SampledEvent| answer::SampleEvent {
        metric: event.metric.name.to_string(),
        unit: event.metric.unit.name(),
        value: event.metric.unit.shown(event.value),
        at: At(happened(beacon, event)),
    };
    answer::Sample {
        at: At(at),
        route: beacon.values(&Dimension::Route)[0].to_owned(),
        dimensions: beacon.dimensions.iter().map(|(dimension, value)| (dimension.to_string(), value.to_string())).collect(),
        experiments: beacon.experiments.iter().map(|(name, arm)| (name.to_string(), arm.to_string())).collect(),
        weight: beacon.weight,
        view_id: given(&beacon.view_id),
        session_id: given(&beacon.session_id),
        url: given(&beacon.url),
        value: metric.unit.shown(event.value),
        attribution: attribution(&event.attribution),
        events: beacon.events.iter().map(event_shown).collect(),
    }
}

/// What a client said about a cause, as it stands in the answer.
fn attribution(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { serde_json::from_str(text).unwrap_or_else(|_| text.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_said_about_the_cause_is_shown_even_when_it_is_no_json() {
        assert_eq!(attribution(""), Value::Null);
        assert_eq!(attribution(r#"{"target":"img.hero"}"#), serde_json::json!({ "target": "img.hero" }));
        assert_eq!(attribution("{half"), Value::String("{half".to_owned()));
    }
}
