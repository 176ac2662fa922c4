//! What a body becomes: the golden fixtures of the contract, and each rule of validation.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{fs, path::Path};

use ingest::{
    enrich::Edge,
    intake::{Accepted, Intake, Refused, Request},
};
use proptest::prelude::*;
use schemas::{
    record::{BeaconRecord, Message},
    time::Timestamp,
};
use serde_json::{Value, json};
use support::{config, intake};

const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";

fn request(body: &[u8]) -> Request<'_> {
    Request {
        body,
        app: Some("shop"),
        key: Some("pk_shop_example"),
        origin: Some("https://shop.example"),
        user_agent: SAFARI,
        referer: "https://shop.example/product/4711?utm=1",
        edge: Edge { country: "BR".into(), ..Edge::default() },
        received: "2026-11-21T10:00:11Z".parse().unwrap(),
        ..Request::default()
    }
}

fn accept(body: &str) -> Accepted {
    let (intake, _) = intake(config());
    intake.accept(&request(body.as_bytes())).unwrap()
}

fn record(accepted: &Accepted) -> BeaconRecord {
    BeaconRecord::decode_from_slice(&accepted.record).unwrap()
}

fn rejections(accepted: &Accepted) -> Vec<(usize, &'static str)> {
    accepted.receipt.rejected.iter().map(|rejected| (rejected.index, rejected.reason.name())).collect()
}

/// A record as JSON, without what is empty.
fn as_json(accepted: &Accepted) -> Value {
    let record = record(accepted);
    let pairs = |pairs: Vec<(String, String)>| Value::from_iter(pairs.into_iter().map(|(name, value)| (name, Value::from(value))));
    let mut json = json!({
        "app": record.app, "beacon_id": String::from_utf8_lossy(&record.beacon_id), "received_ms": record.received_ms,
        "lateness_max_s": record.lateness_max_s, "weight": record.weight, "route": record.route, "country": record.country, "browser": record.browser,
        "browser_version": record.browser_version, "os": record.os, "device": record.device, "connection": record.connection, "release": record.release,
        "navigation_type": record.navigation_type, "view_id": record.view_id, "session_id": record.session_id, "url": record.url,
        "experiments": pairs(record.experiments.into_iter().map(|arm| (arm.experiment, arm.arm)).collect()),
        "custom": pairs(record.custom.into_iter().map(|custom| (custom.name, custom.value)).collect()),
        "rejections": record.rejections.into_iter().map(|rejection| json!([rejection.reason, rejection.count])).collect::<Vec<_>>(),
        "events": record.events.into_iter().map(|event| json!({
            "metric": event.metric, "unit": format!("{:?}", event.unit.as_known().unwrap()), "value": event.value, "age_ms": event.age_ms, "id": event.id,
            "attribution": serde_json::from_slice::<Value>(&event.attribution_json).unwrap_or(Value::Null),
        })).collect::<Vec<_>>(),
    });
    let empty = |value: &Value| matches!(value, Value::Null) || value == "" || value == &json!([]) || value == &json!({});
    for event in json["events"].as_array_mut().unwrap() {
        event.as_object_mut().unwrap().retain(|_, value| !empty(value));
    }
    json.as_object_mut().unwrap().retain(|_, value| !empty(value));
    json
}

fn fixtures() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/fixtures");
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "json") && !path.to_string_lossy().ends_with(".record.json"));
    found.sort();
    found.into_iter().map(|path| (path.to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_fixture_becomes_the_record_beside_it() {
    assert!(fixtures().len() >= 4);
    for (path, body) in fixtures() {
        let mut own = as_json(&accept(&body));
        if path.contains("web-vitals") {
            // Made from the objects' ids; another test pins its meaning.
            own.as_object_mut().unwrap().remove("beacon_id").unwrap();
        }
        let golden = path.replace(".json", ".record.json");
        let expected: Value = serde_json::from_str(&fs::read_to_string(&golden).unwrap_or_default()).unwrap_or_default();
        assert_eq!(own, expected, "{golden} should be\n{own:#}");
    }
}

#[test]
fn the_schema_allows_the_fixtures_and_forbids_what_the_intake_rejects() {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/beacon.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (path, body) in fixtures().into_iter().filter(|(path, _)| path.contains("beacon-")) {
        assert!(schema.is_valid(&serde_json::from_str(&body).unwrap()), "{path}");
    }
    for event in [
        json!({ "value": 1 }),
        json!({ "metric": "LCP" }),
        json!({ "metric": "1st", "value": 1 }),
        json!({ "metric": "LCP", "value": -1 }),
        json!({ "metric": "LCP", "value": "fast" }),
        json!({ "metric": "LCP", "value": 1, "unit": "parsec" }),
    ] {
        let beacon = json!({ "events": [event] });
        assert!(!schema.is_valid(&beacon), "{beacon}");
        assert_eq!(accept(&beacon.to_string()).receipt.accepted, 0, "{beacon}");
    }
}

#[test]
fn each_event_is_judged_alone_and_told_why() {
    let accepted = accept(
        r#"{"events":[{"metric":"LCP","value":1},{"metric":"","value":1},{"metric":"LCP","value":-1},{"metric":"LCP","value":1,"unit":"bytes"},["LCP",1],{"metric":"x","value":1}]}"#,
    );
    assert_eq!(accepted.receipt.accepted, 1);
    assert_eq!(
        rejections(&accepted),
        [(1, "invalid_metric"), (2, "invalid_value"), (3, "unit_mismatch"), (4, "malformed_event"), (5, "too_many_events")]
    );
    let counted: Vec<_> = record(&accepted).rejections.into_iter().map(|rejection| (rejection.reason, rejection.count)).collect();
    assert_eq!(counted.iter().map(|(_, count)| count).sum::<u64>(), 5);
}

#[test]
fn deep_nesting_harms_nothing() {
    let accepted = accept(&["[".repeat(4_000), "]".repeat(4_000)].concat());
    assert_eq!((accepted.receipt.accepted, rejections(&accepted)), (0, vec![(0, "malformed_event")]));
    let accepted = accept(&format!(r#"{{"events":[{{"metric":"LCP","value":1,"x":{}{}}}]}}"#, "[".repeat(2_000), "]".repeat(2_000)));
    assert_eq!(accepted.receipt.accepted, 1, "fields that are not known are skipped without recursion");
}

#[test]
fn units_are_converted_and_metrics_keep_the_one_they_are_declared_in() {
    let accepted = accept(
        r#"{"events":[{"metric":"a","value":1.5,"unit":"s"},{"metric":"b","value":2,"unit":"kB"},{"metric":"basket","value":3},{"metric":"basket","value":3,"unit":"ms"},{"metric":"c","value":1,"unit":"parsec"}]}"#,
    );
    let events: Vec<_> = record(&accepted).events.into_iter().map(|event| (event.metric, event.value)).collect();
    assert_eq!(events, [("a".to_owned(), 1_500_000), ("b".to_owned(), 2_000), ("basket".to_owned(), 3)]);
    assert_eq!(rejections(&accepted), [(3, "unit_mismatch"), (4, "unknown_unit")]);
}

#[test]
fn ages_need_no_clock_and_times_are_read_against_the_clients_own() {
    // The client's clock is a day ahead: only the difference counts.
    let accepted = accept(
        r#"{"sent_at":"2026-11-22T10:00:00Z","events":[
            {"metric":"a","value":1,"age_ms":1500.4},{"metric":"a","value":1,"at":"2026-11-22T09:59:57Z"},{"metric":"a","value":1,"at":"2026-11-22T10:00:09Z"},
            {"metric":"a","value":1,"age_ms":-5},{"metric":"a","value":1,"at":"noon"}]}"#,
    );
    assert_eq!(record(&accepted).events.iter().map(|event| event.age_ms).collect::<Vec<_>>(), [1_500, 3_000, 0, 0]);
    assert_eq!(rejections(&accepted), [(4, "invalid_time")]);
    let without_sent_at = accept(r#"{"events":[{"metric":"a","value":1,"at":"2026-11-21T10:00:01Z"}]}"#);
    assert_eq!(record(&without_sent_at).events[0].age_ms, 10_000);
}

#[test]
fn a_web_vital_reported_again_is_rejected_because_the_first_value_was_counted() {
    let accepted = accept(r#"[{"name":"CLS","value":0.3,"delta":0.1,"id":"v6-1"},{"name":"CLS","value":0.3,"delta":0.3,"id":"v6-2"}]"#);
    assert_eq!((accepted.receipt.accepted, rejections(&accepted)), (1, vec![(0, "superseded")]));
}

#[test]
fn the_same_web_vitals_sent_again_are_the_same_beacon() {
    let id = |body: &str| record(&accept(body)).beacon_id;
    let (first, again) = (id(r#"{"name":"LCP","value":1,"id":"v6-1"}"#), id(r#"[{"value":1,"id":"v6-1","name":"LCP","rating":"good"}]"#));
    assert_eq!(first, again);
    assert_ne!(first, id(r#"{"name":"LCP","value":2,"id":"v6-1"}"#));
    assert!(id(r#"{"name":"LCP","value":1}"#).is_empty());
}

#[test]
fn the_route_is_the_pages_own_or_made_from_its_address() {
    let route = |body: &str| record(&accept(body)).route;
    assert_eq!(route(r#"{"page":{"route":"/p/:slug","url":"https://x/p/1"},"events":[]}"#), "/p/:slug");
    assert_eq!(route(r#"{"page":{"url":"https://x/product/red?y=1"},"events":[]}"#), "/product/:id");
    assert_eq!(route(r#"{"page":{"url":"https://x/orders/20931/pay"},"events":[]}"#), "/orders/:id/pay");
    assert_eq!(route(r#"{"events":[]}"#), "/product/:id", "from the Referer header");
}

#[test]
fn a_robots_events_are_rejected_unless_the_app_keeps_them() {
    let body = br#"{"events":[{"metric":"LCP","value":1},{"metric":"LCP","value":-1}]}"#;
    let robot = Request { user_agent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ..request(body) };
    let accepted = intake(config()).0.accept(&robot).unwrap();
    assert_eq!((accepted.receipt.accepted, rejections(&accepted)), (0, vec![(0, "bot"), (1, "bot")]));
    let mut keeping = config();
    keeping.apps.values_mut().for_each(|app| app.reject_bots = false);
    assert_eq!(intake(keeping).0.accept(&robot).unwrap().receipt.accepted, 1);
}

#[test]
fn a_request_without_the_right_app_key_or_origin_is_refused() {
    let (intake, _) = intake(config());
    let body = br#"{"events":[]}"#;
    let reason = |request: Request<'_>| intake.accept(&request).unwrap_err().refusal.reason();
    assert_eq!(reason(Request { app: None, ..request(body) }), "missing_app");
    assert_eq!(reason(Request { app: Some("blog"), ..request(body) }), "unknown_app");
    assert_eq!(reason(Request { key: Some("guess"), ..request(body) }), "wrong_key");
    assert_eq!(reason(Request { key: None, ..request(body) }), "wrong_key");
    assert_eq!(reason(Request { origin: Some("https://evil.example"), ..request(body) }), "origin_not_allowed");
    assert!(intake.accept(&Request { origin: None, ..request(body) }).is_ok(), "servers have no origin");
    let inside = br#"{"app":"shop","key":"pk_shop_example","events":[]}"#;
    assert!(intake.accept(&Request { app: None, key: None, ..request(inside) }).is_ok());
    assert_eq!(reason(request(br#"{"weight":2.5,"events":[]}"#)), "invalid_beacon");
    assert_eq!(reason(request(format!(r#"{{"id":"{}","events":[]}}"#, "x".repeat(65)).as_bytes())), "invalid_beacon");
}

#[test]
fn a_retry_goes_to_the_partition_of_its_first_copy() {
    let (intake, _) = intake(config());
    let body = br#"{"id":"b-1","page":{"route":"/"},"events":[{"metric":"LCP","value":1,"age_ms":5}]}"#;
    let first = intake.accept(&request(body)).unwrap();
    let later = intake.accept(&Request { received: Timestamp::from_ms(first_received() + 60_000), ..request(body) }).unwrap();
    assert_eq!(first.partition, later.partition);
    let by_header = Request { idempotency_key: Some("b-1"), ..request(br#"{"page":{"route":"/"},"events":[]}"#) };
    assert_eq!(intake.accept(&by_header).unwrap().partition, first.partition);
}

fn first_received() -> i64 {
    request(b"").received.as_ms()
}

fn total(taken: &Result<Accepted, Refused>) -> Option<usize> {
    taken.as_ref().ok().map(|accepted| accepted.receipt.accepted + accepted.receipt.rejected.len())
}

fn shared() -> &'static Intake {
    static INTAKE: std::sync::OnceLock<Intake> = std::sync::OnceLock::new();
    INTAKE.get_or_init(|| intake(config()).0)
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = shared().accept(&request(&body));
    }

    #[test]
    fn every_event_is_accepted_or_rejected(events in prop::collection::vec(prop_oneof![
        Just(json!({ "metric": "LCP", "value": 1 })), Just(json!({ "metric": "LCP" })), Just(json!([1])), Just(json!({ "metric": "x y", "value": 1 })), Just(json!(null)),
    ], 0..12)) {
        let n = events.len();
        let body = json!({ "events": events }).to_string();
        let taken = shared().accept(&request(body.as_bytes()));
        prop_assert_eq!(total(&taken), Some(n));
        let record = BeaconRecord::decode_from_slice(&taken.unwrap().record).unwrap();
        prop_assert_eq!(record.events.len() as u64 + record.rejections.iter().map(|rejection| rejection.count).sum::<u64>(), n as u64);
    }
}
