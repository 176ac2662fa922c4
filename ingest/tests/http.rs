//! The intake over HTTP: statuses, limits, CORS, and that an answer waits for the log.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, Response, StatusCode, header},
};
use event_log::EventLog;
use http_body_util::BodyExt;
use ingest::router::{IntakeState, router};
use schemas::record::{BeaconRecord, Message};
use serde_json::Value;
use service::clock::Clock;
use support::{TestLog, config, intake};
use tower::ServiceExt;

fn app() -> (Router, Arc<TestLog>, IntakeState) {
    let (intake, log) = intake(config());
    let state = IntakeState::new(intake, Clock::manual(1_763_719_200_000));
    (router(state.clone(), Bytes::from_static(b"/* sdk */")), log, state)
}

const PATH: &str = "/v1/beacons?app=shop&key=pk_shop_example";

fn post(body: impl Into<Body>) -> Request<Body> {
    Request::post(PATH)
        .header(header::ORIGIN, "https://shop.example")
        .header(header::CONTENT_TYPE, "text/plain;charset=UTF-8")
        .body(body.into())
        .unwrap()
}

async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

async fn json(response: Response<Body>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn a_beacon_is_answered_with_what_became_of_its_events() {
    let (router, log, _) = app();
    let response = send(&router, post(r#"{"events":[{"metric":"LCP","value":1},{"metric":"LCP"}]}"#)).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
    let answer = json(response).await;
    assert_eq!(
        (&answer["accepted"], &answer["rejected"][0]["index"], &answer["rejected"][0]["reason"]),
        (&1.into(), &1.into(), &"invalid_value".into())
    );
    assert_eq!(log.records.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_log_does_not_keep_is_never_acknowledged() {
    let (router, log, _) = app();
    log.broken.store(true, Ordering::SeqCst);
    let response = send(&router, post(r#"{"events":[{"metric":"LCP","value":1}]}"#)).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(response.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS], "retry-after");
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_while_they_arrive_whatever_they_claim() {
    let (router, ..) = app();
    let response = send(&router, post(chunks(20, 1_000))).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(json(response).await["error"]["reason"], "too_large");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let (router, ..) = app();
    let (_sender, body) = channel_body();
    let response = send(&router, post(body)).await;
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn requests_beyond_the_bound_are_turned_away_at_once() {
    let (router, ..) = app();
    let mut waiting = Vec::new();
    let mut senders = Vec::new();
    for _ in 0..10 {
        let (sender, body) = channel_body();
        senders.push(sender);
        let router = router.clone();
        waiting.push(tokio::spawn(async move { send(&router, post(body)).await.status() }));
    }
    tokio::task::yield_now().await;
    let response = send(&router, post(r#"{"events":[]}"#)).await;
    assert_eq!(
        (response.status(), json(response).await["error"]["reason"].clone()),
        (StatusCode::SERVICE_UNAVAILABLE, "overloaded".into())
    );
    for first in waiting {
        assert_eq!(first.await.unwrap(), StatusCode::REQUEST_TIMEOUT);
    }
    assert_eq!(send(&router, post(r#"{"events":[]}"#)).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_missing_content_type_and_a_json_one_are_taken_alike() {
    let (router, ..) = app();
    for kind in [None, Some("application/json; charset=utf-8"), Some("text/plain")] {
        let mut request = post(r#"{"events":[]}"#);
        request.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(kind) = kind {
            request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        }
        assert_eq!(send(&router, request).await.status(), StatusCode::ACCEPTED, "{kind:?}");
    }
}

#[tokio::test]
async fn preflights_are_answered_for_allowed_origins_only() {
    let (router, ..) = app();
    let preflight = |origin: &str, path: &str| {
        let request = Request::builder()
            .method("OPTIONS")
            .uri(path)
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
        send(&router, request.body(Body::empty()).unwrap())
    };
    let allowed = preflight("https://shop.example", "/v1/beacons").await;
    assert_eq!(allowed.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
    assert!(allowed.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("content-type"));
    for (origin, path) in [("https://evil.example", "/v1/beacons"), ("https://shop.example", "/v1/beacons?app=blog")] {
        assert!(!preflight(origin, path).await.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}

#[tokio::test]
async fn refusals_tell_the_reason_and_the_remedy() {
    let (router, ..) = app();
    let request = Request::post("/v1/beacons?app=shop&key=wrong").body(Body::from(r#"{"events":[]}"#)).unwrap();
    let response = send(&router, request).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let error = json(response).await["error"].clone();
    assert_eq!(error["reason"], "wrong_key");
    assert!(error["hint"].as_str().unwrap().contains("key"));
    let broken = send(&router, post("{\"events\":[}")).await;
    assert_eq!(broken.status(), StatusCode::BAD_REQUEST);
    assert!(json(broken).await["error"]["detail"].as_str().unwrap().contains("line 1 column 12"));
}

#[tokio::test]
async fn refused_requests_of_an_app_are_told_to_the_log() {
    let (router, log, state) = app();
    for key in ["wrong", "also-wrong"] {
        let path = format!("/v1/beacons?app=shop&key={key}");
        send(&router, Request::post(path).body(Body::from(r#"{"events":[]}"#)).unwrap()).await;
    }
    state.tell_refusals(Arc::clone(&log) as Arc<dyn EventLog>, std::future::ready(())).await;
    let records = log.records.lock().unwrap();
    let counts: Vec<_> = records
        .iter()
        .flat_map(|(_, bytes)| BeaconRecord::decode_from_slice(bytes).unwrap().refusals)
        .map(|refusal| (refusal.reason, refusal.count))
        .collect();
    assert_eq!(counts, [("wrong_key".to_owned(), 2)]);
}

#[tokio::test]
async fn the_country_comes_from_the_configured_header_alone() {
    let (router, log, _) = app();
    let mut request = post(r#"{"events":[]}"#);
    request.headers_mut().insert("cf-ipcountry", "BR".parse().unwrap());
    request.headers_mut().insert("x-region", "SP".parse().unwrap());
    send(&router, request).await;
    let record = BeaconRecord::decode_from_slice(&log.records.lock().unwrap()[0].1).unwrap();
    assert_eq!((&*record.country, &*record.region), ("BR", ""));
}

#[tokio::test]
async fn the_sdk_is_served_with_a_tag() {
    let (router, ..) = app();
    let first = send(&router, Request::get("/icarus.js").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (first.status(), &first.headers()[header::CONTENT_TYPE]),
        (StatusCode::OK, &"text/javascript; charset=utf-8".parse().unwrap())
    );
    let tag = first.headers()[header::ETAG].clone();
    let again = send(&router, Request::get("/icarus.js").header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap()).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

/// A body of `n` chunks without a length.
fn chunks(n: usize, bytes: usize) -> Body {
    let (sender, body) = channel_body();
    tokio::spawn(async move {
        for _ in 0..n {
            if sender.send(Bytes::from(vec![b' '; bytes])).await.is_err() {
                return;
            }
        }
    });
    body
}

/// A body that arrives by a channel, and ends when the sender is dropped.
fn channel_body() -> (tokio::sync::mpsc::Sender<Bytes>, Body) {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    (sender, Body::new(ChannelBody(receiver)))
}

struct ChannelBody(tokio::sync::mpsc::Receiver<Bytes>);

impl axum::body::HttpBody for ChannelBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|bytes| Ok(http_body::Frame::data(bytes))))
    }
}
