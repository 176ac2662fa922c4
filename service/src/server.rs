//! The HTTP side of the shell: liveness, readiness and self-metrics, and running a router until told
//! to stop.

use std::{future::Future, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use tokio::net::TcpListener;

use crate::{health::Health, metrics::Recorder};

/// `/livez`, `/readyz` and `/metrics`.
pub fn router(health: Health, recorder: Recorder) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready).with_state(health))
        .route("/metrics", get(render).with_state(recorder))
}

async fn ready(State(health): State<Health>) -> Response {
    let (ready, parts) = health.report();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(serde_json::json!({ "ready": ready, "parts": parts }))).into_response()
}

async fn render(State(recorder): State<Recorder>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder.render()).into_response()
}

/// Serves `router` until `shutdown` resolves; then takes no new connection and gives those under way
/// `grace` to finish.
///
/// # Errors
/// When the listener fails.
pub async fn run(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> std::io::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let listener = listener.tap_io(|stream| {
        // Small answers must not wait for more to be sent with them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection without TCP_NODELAY");
        }
    });
    let served = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        let _ = stopping.send(());
    });
    tokio::select! {
        result = served => result,
        () = async { let _ = stopped.await; tokio::time::sleep(grace).await } => {
            tracing::warn!(grace_s = grace.as_secs_f64(), "connections were still open at the end of the grace period");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn readiness_follows_the_parts_and_liveness_does_not() {
        let health = Health::default();
        let part = health.part("log");
        let app = router(health, Recorder::global());
        let status = |path: &'static str| {
            let app = app.clone();
            async move { app.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap().status() }
        };
        assert_eq!(status("/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status("/livez").await, StatusCode::OK);
        part.ready();
        assert_eq!(status("/readyz").await, StatusCode::OK);
    }

    #[tokio::test]
    async fn self_metrics_are_rendered_with_their_meaning() {
        let recorder = Recorder::global();
        crate::metrics::describe(&[crate::metrics::SelfMetric {
            name: "icarus_test_things_total",
            kind: crate::metrics::Kind::Counter,
            help: "Things.",
        }]);
        metrics::counter!("icarus_test_things_total").increment(3);
        let app = router(Health::default(), recorder);
        let response = app.oneshot(Request::get("/metrics").body(Body::empty()).unwrap()).await.unwrap();
        let text = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        assert!(text.contains("# HELP icarus_test_things_total Things.") && text.contains("icarus_test_things_total 3"), "{text}");
    }
}
