//! The API's routes, and the OpenAPI document that is generated from them.

use axum::{
    Router,
    body::Bytes,
    extract::{MatchedPath, Request},
    http::header::CONTENT_TYPE,
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use service::clock::Stopwatch;
use utoipa::{OpenApi, openapi};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{ApiState, apps, error::ApiError, findings, measures, metrics, outcomes, samples};

/// The document's frame; its paths come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(title = "Icarus", description = "Questions about what an app's users experienced. Counts are of all users; quantiles are within 1 % and come with their 95 % interval. What no rollups are kept of is estimated from samples of beacons, and the answer says so: source, sampled."),
    tags(
        (name = "catalogue", description = "What can be asked about."),
        (name = "measures", description = "Metrics over time, by dimension, and as distributions; and some of the beacons that they come from."),
        (name = "findings", description = "What departed from its baseline.")
    )
)]
struct Document;

fn documented() -> (Router<ApiState>, openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(apps::apps))
        .routes(routes!(apps::metrics))
        .routes(routes!(apps::dimensions))
        .routes(routes!(measures::timeseries))
        .routes(routes!(measures::histogram))
        .routes(routes!(measures::breakdown))
        .routes(routes!(measures::heatmap))
        .routes(routes!(samples::samples))
        .routes(routes!(findings::anomalies))
        .routes(routes!(findings::alerts))
        .routes(routes!(outcomes::outcomes))
        .split_for_parts()
}

/// The OpenAPI document.
pub fn document() -> openapi::OpenApi {
    documented().1
}

/// The API's routes, below `/api`.
pub fn router(state: ApiState) -> Router {
    let (routes, document) = documented();
    // Written once: the routes are cloned for every connection, and the document is megabytes of small parts.
    let document: Bytes = document.to_json().expect("a document made of types can be written").into();
    let answer = move || async move { ([(CONTENT_TYPE, "application/json")], document) };
    routes
        .route("/api/openapi.json", get(answer))
        .route("/api/{*rest}", get(|| async { ApiError::NotFound }))
        .layer(middleware::from_fn(measure))
        .with_state(state)
}

async fn measure(request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let path = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    ::metrics::histogram!(metrics::REQUEST_SECONDS, "path" => path, "status" => status).record(watch.elapsed());
    response
}
