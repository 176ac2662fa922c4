//! The intake's HTTP: `POST /v1/beacons` with its preflight, and the SDK at `/icarus.js`.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use event_log::{EventLog, Partition};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use schemas::{dimension::clean_value, time::Timestamp};
use serde::Deserialize;
use serde_json::json;
use service::clock::{Clock, Stopwatch};
use tokio::sync::Semaphore;

use crate::{
    arrival::Arrivals,
    config::EdgeHeaders,
    enrich::Edge,
    error::Refusal,
    intake::{Intake, Receipt, Refused, Request},
    metrics,
    refusals::Refusals,
};

/// Rejected events that are told one by one; the others only count.
const REJECTED_TOLD_MAX: usize = 100;
/// How long a browser may remember the answer to a preflight.
const PREFLIGHT_MAX_AGE_S: &str = "86400";
/// How often counts of refused requests go to the log.
const REFUSALS_INTERVAL: Duration = Duration::from_secs(1);

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct IntakeState {
    intake: Intake,
    clock: Clock,
    refusals: Refusals,
    arrivals: Arrivals,
    places: Arc<Semaphore>,
}

impl IntakeState {
    /// The state of a router.
    pub fn new(intake: Intake, clock: Clock) -> Self {
        let places = Arc::new(Semaphore::new(intake.config().requests_max));
        Self { intake, clock, refusals: Refusals::default(), arrivals: Arrivals::default(), places }
    }

    /// Tells the log of refused requests until `shutdown` resolves, and then once more.
    pub async fn tell_refusals(self, log: Arc<dyn EventLog>, shutdown: impl Future<Output = ()>) {
        let mut ticks = tokio::time::interval(REFUSALS_INTERVAL);
        tokio::pin!(shutdown);
        loop {
            let last = tokio::select! {
                () = &mut shutdown => true,
                _ = ticks.tick() => false,
            };
            for (app, record) in self.refusals.take(Timestamp::from_ms(self.clock.now_ms()), &self.arrivals) {
                if let Err(error) = log.append(Partition(0), record).await {
                    tracing::warn!(%app, %error, "counts of refused requests were lost");
                }
            }
            if last {
                return;
            }
        }
    }
}

/// The intake's routes. `sdk` is the script served at `/icarus.js`.
pub fn router(state: IntakeState, sdk: Bytes) -> Router {
    let script = Script::new(sdk);
    Router::new()
        .route("/v1/beacons", post(take).options(preflight).with_state(state))
        .route("/icarus.js", get(move |headers: HeaderMap| async move { script.answer(&headers) }))
}

/// What may stand in the URL.
#[derive(Debug, Default, Deserialize)]
struct UrlQuery {
    app: Option<String>,
    key: Option<String>,
}

async fn take(
    State(state): State<IntakeState>,
    query: Result<Query<UrlQuery>, QueryRejection>,
    request: axum::extract::Request,
) -> Response {
    let watch = Stopwatch::start();
    let Query(query) = query.unwrap_or_default();
    let (parts, body) = request.into_parts();
    let taken = take_body(&state, &query, &parts, body).await;
    let (mut response, outcome) = match taken {
        Ok(receipt) => {
            count_events(&receipt);
            (told(&receipt), "taken")
        }
        Err(Refused { app, refusal }) => {
            let reason = refusal.reason();
            match (&refusal, app) {
                (Refusal::NotKept(error), app) => tracing::warn!(?app, %error, "a beacon was not kept"),
                (_, Some(app)) => state.refusals.count(&app, reason),
                (_, None) => {}
            }
            (refusal.into_response(), reason)
        }
    };
    ::metrics::counter!(metrics::REQUESTS, "outcome" => outcome).increment(1);
    ::metrics::histogram!(metrics::REQUEST_SECONDS).record(watch.elapsed());
    if let Some(origin) = parts.headers.get(header::ORIGIN).filter(|origin| state.allows(query.app.as_deref(), origin)) {
        share_with(origin, response.headers_mut());
    }
    response
}

async fn take_body(state: &IntakeState, query: &UrlQuery, parts: &Parts, body: Body) -> Result<Receipt, Refused> {
    let refused = |refusal| Refused { app: None, refusal };
    let _place = state.places.try_acquire().map_err(|_| refused(Refusal::Overloaded))?;
    let body = read(body, state.intake.config().body_bytes_max, state.intake.config().body_timeout).await.map_err(refused)?;
    ::metrics::counter!(metrics::BODY_BYTES).increment(body.len() as u64);
    let text = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let request = Request {
        body: &body,
        app: query.app.as_deref(),
        key: query.key.as_deref(),
        origin: text(&header::ORIGIN),
        user_agent: text(&header::USER_AGENT).unwrap_or_default(),
        referer: text(&header::REFERER).unwrap_or_default(),
        idempotency_key: text(&HeaderName::from_static("idempotency-key")).filter(|key| key.len() <= 64),
        arrival: Some(state.arrivals.next()),
        edge: edge_of(&state.intake.config().edge_headers, &parts.headers),
        received: Timestamp::from_ms(state.clock.now_ms()),
    };
    state.intake.take(&request).await.map(|(_, receipt)| receipt)
}

/// Reads a body of at most `bytes_max` bytes within `timeout`.
async fn read(body: Body, bytes_max: usize, timeout: Duration) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(timeout, Limited::new(body, bytes_max).collect()).await {
        Err(_) => Err(Refusal::BodyTimeout),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge(bytes_max)),
        Ok(Err(_)) => Err(Refusal::BodyBroken),
    }
}

fn edge_of(names: &EdgeHeaders, headers: &HeaderMap) -> Edge {
    let value = |name: &Option<String>| {
        let value = name.as_ref().and_then(|name| headers.get(name)).and_then(|value| value.to_str().ok());
        value.map_or_else(String::new, |value| clean_value(value).into_owned())
    };
    Edge { country: value(&names.country), region: value(&names.region), network: value(&names.network) }
}

fn count_events(receipt: &Receipt) {
    if receipt.accepted > 0 {
        ::metrics::counter!(metrics::EVENTS, "outcome" => "accepted").increment(receipt.accepted as u64);
    }
    for rejected in &receipt.rejected {
        ::metrics::counter!(metrics::EVENTS, "outcome" => rejected.reason.name()).increment(1);
    }
}

fn told(receipt: &Receipt) -> Response {
    let told: Vec<_> = receipt
        .rejected
        .iter()
        .take(REJECTED_TOLD_MAX)
        .map(|rejected| json!({ "index": rejected.index, "reason": rejected.reason.name(), "detail": rejected.detail }))
        .collect();
    let mut answer = json!({ "accepted": receipt.accepted, "rejected": told });
    if receipt.rejected.len() > REJECTED_TOLD_MAX {
        answer["rejected_total"] = receipt.rejected.len().into();
    }
    (StatusCode::ACCEPTED, Json(answer)).into_response()
}

impl IntakeState {
    /// Whether a page of `origin` may read the answer: that of the named app, or of any app when none
    /// is named, as in the preflight of a beacon that names its app in the body.
    fn allows(&self, app: Option<&str>, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let apps = &self.intake.config().apps;
        match app {
            Some(app) => apps.get(app).is_some_and(|app| app.origins.allow(origin)),
            None => apps.values().any(|app| app.origins.allow(origin)),
        }
    }
}

async fn preflight(State(state): State<IntakeState>, query: Result<Query<UrlQuery>, QueryRejection>, headers: HeaderMap) -> Response {
    let Query(query) = query.unwrap_or_default();
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(origin) = headers.get(header::ORIGIN).filter(|origin| state.allows(query.app.as_deref(), origin)) {
        let answer = response.headers_mut();
        share_with(origin, answer);
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, idempotency-key"));
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_MAX_AGE_S));
    }
    response
}

fn share_with(origin: &HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    headers.insert(header::VARY, HeaderValue::from_name(header::ORIGIN));
}

/// The SDK with its tag, so that a page that has it asks only whether it changed.
#[derive(Clone)]
struct Script {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Script {
    fn new(bytes: Bytes) -> Self {
        let tag = format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(&bytes));
        Self { bytes, tag: HeaderValue::try_from(tag).expect("hexadecimal digits between quotes") }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let common = [
            (header::ETAG, self.tag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        ];
        if headers.get(header::IF_NONE_MATCH) == Some(&self.tag) {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        (common, [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], self.bytes.clone()).into_response()
    }
}
