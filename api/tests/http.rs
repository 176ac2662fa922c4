//! The API over HTTP, on an embedded store with values that are known.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{ApiState, KnownApp, Retention, router::router};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt;
use schemas::{
    alert::{Alert, AlertChange, AlertState, Delivery},
    app::{App, AppId},
    fate::{FateCount, FateKind},
    flag::{Flag, Rule},
    metric::{Metric, MetricName},
    rollup::{Cell, GroupRollups, Rollup},
    series::{Group, Series},
    time::{Minute, MinuteRange, Timestamp},
    unit::Unit,
};
use serde_json::Value;
use service::clock::Clock;
use store::{
    Batch, Source, Store,
    embedded::{EmbeddedStore, config::Config},
};
use tower::ServiceExt;

/// 2025-11-21T10:00:00Z
const NOW: Timestamp = Timestamp::from_ms(1_763_719_200_000);

fn shop() -> AppId {
    AppId::new("shop").unwrap()
}

fn metric(name: &str, unit: Unit) -> Metric {
    Metric { name: MetricName::new(name).unwrap(), unit }
}

fn group(cuboid: &str, values: &[&str]) -> Arc<Group> {
    Arc::new(Group { app: shop(), cuboid: cuboid.parse().unwrap(), values: values.iter().map(|value| (*value).into()).collect() })
}

fn rollups(group: Arc<Group>, metric: &Metric, minute: Minute, values: &[u64]) -> GroupRollups {
    let mut rollup = Rollup::default();
    for value in values {
        rollup.record(*value, 1);
    }
    GroupRollups { group, cells: vec![Cell { metric: Arc::new(metric.clone()), minute, rollup }] }
}

/// LCP of two browsers on two routes in two minutes of the last hour, and of everyone three weeks ago.
async fn api() -> (Router, Arc<EmbeddedStore>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(Config::new(dir.path().to_owned()), NOW).unwrap());
    let (lcp, ttft) = (metric("LCP", Unit::Duration), metric("ttft", Unit::Duration));
    let (first, second) = (NOW.minute().minus(10), NOW.minute().minus(5));
    let mut batch = Batch { sources: vec![Source { partition: 0, start: 0, end: 1 }], ..Batch::default() };
    for (route, browser, minute, values) in [
        ("/", "Chrome", first, &[1_000_000, 1_200_000, 3_000_000][..]),
        ("/", "Safari", first, &[2_000_000]),
        ("/checkout", "Safari", second, &[9_000_000, 8_000_000]),
    ] {
        batch.rollups.push(rollups(group("route,browser", &[route, browser]), &lcp, minute, values));
        batch.rollups.push(rollups(group("", &[]), &lcp, minute, values));
        batch.rollups.push(rollups(
            group("release,route,device", &[route, "mobile", if minute == first { "4.11" } else { "4.12" }]),
            &lcp,
            minute,
            values,
        ));
    }
    batch.rollups.push(rollups(group("", &[]), &lcp, NOW.minute().minus(21 * 24 * 60), &[500_000]));
    batch.rollups.push(rollups(group("", &[]), &ttft, second, &[400_000]));
    let fate =
        |kind, reason: &str, events| FateCount { app: shop(), minute: second, kind, reason: reason.into(), events, newest: second.start() };
    batch.fates = vec![
        fate(FateKind::RolledUp, "", 6),
        fate(FateKind::TooLate, "", 1),
        fate(FateKind::Rejected, "bot", 2),
        fate(FateKind::Refused, "wrong_key", 3),
    ];
    store.write(Arc::new(batch)).await.unwrap();
    let app = KnownApp { app: App::new(shop(), Vec::new()), key: "pk_shop".into(), metrics: BTreeMap::new() };
    let retention = Retention { minutes: Duration::from_secs(8 * 86_400), hours: Duration::from_secs(400 * 86_400) };
    let state = ApiState::new(Arc::clone(&store) as Arc<dyn Store>, vec![app], retention, Clock::manual(NOW.as_ms()));
    (router(state), store, dir)
}

async fn get(router: &Router, path: &str) -> (StatusCode, Value) {
    let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn ok(router: &Router, path: &str) -> Value {
    let (status, body) = get(router, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

#[tokio::test]
async fn apps_metrics_and_dimensions_are_listed() {
    let (api, ..) = api().await;
    let apps = ok(&api, "/api/v1/apps").await;
    assert_eq!((&apps["apps"][0]["id"], &apps["apps"][0]["last_received"]), (&"shop".into(), &"2025-11-21T09:55:00Z".into()));
    let metrics = ok(&api, "/api/v1/metrics?app=shop").await;
    let names: Vec<_> =
        metrics["metrics"].as_array().unwrap().iter().map(|metric| (metric["name"].clone(), metric["unit"].clone())).collect();
    assert_eq!(names, [("LCP".into(), "ms".into()), ("ttft".into(), "ms".into())]);
    assert_eq!(metrics["metrics"][0]["good"], 2_500.0);
    let dimensions = ok(&api, "/api/v1/dimensions?app=shop&dimension=browser&limit=1").await;
    assert_eq!(
        (&dimensions["dimensions"][0]["values"], &dimensions["dimensions"][0]["values_total"]),
        (&serde_json::json!(["Chrome"]), &2.into())
    );
}

#[tokio::test]
async fn a_time_series_has_n_and_quantiles_in_the_metrics_unit() {
    let (api, ..) = api().await;
    let series = ok(&api, "/api/v1/timeseries?app=shop&metric=LCP&from=now-1h&step=60s&quantiles=0.5").await;
    assert_eq!((&series["unit"], &series["step_s"], &series["cuboid"]), (&"ms".into(), &60.into(), &serde_json::json!([])));
    let points = series["series"][0]["points"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    assert_eq!((&points[0]["at"], &points[0]["n"]), (&"2025-11-21T09:50:00Z".into(), &4.into()));
    let median = points[0]["quantiles"][0]["value"].as_f64().unwrap();
    assert!((median - 1_200.0).abs() < 12.0, "{median}");
}

#[tokio::test]
async fn filters_and_groups_pick_their_slices() {
    let (api, ..) = api().await;
    let by_browser = ok(&api, "/api/v1/timeseries?app=shop&metric=LCP&from=now-1h&group_by=browser&filter=route:/").await;
    let counts: Vec<_> =
        by_browser["series"].as_array().unwrap().iter().map(|series| (series["value"].clone(), series["n"].clone())).collect();
    assert_eq!(counts, [("Chrome".into(), 3.into()), ("Safari".into(), 1.into())]);
    let either =
        ok(&api, "/api/v1/histogram?app=shop&metric=LCP&from=now-1h&filter=browser:Safari&filter=browser:Chrome&filter=route:/").await;
    assert_eq!(either["n"], 4);
    let one = ok(&api, "/api/v1/timeseries?app=shop&metric=LCP&from=now-1h&group_by=browser&limit=1").await;
    assert_eq!((one["series"].as_array().unwrap().len(), &one["series_total"]), (1, &2.into()));
}

#[tokio::test]
async fn a_histogram_has_bins_and_ratings_that_add_up() {
    let (api, ..) = api().await;
    let histogram = ok(&api, "/api/v1/histogram?app=shop&metric=LCP&from=now-1h").await;
    assert_eq!(histogram["ratings"], serde_json::json!({ "good": 3, "needs_improvement": 1, "poor": 2 }));
    let n: u64 = histogram["bins"].as_array().unwrap().iter().map(|bin| bin["n"].as_u64().unwrap()).sum();
    assert_eq!(n, histogram["n"].as_u64().unwrap());
}

#[tokio::test]
async fn a_breakdown_has_shares_and_the_time_lost() {
    let (api, ..) = api().await;
    let breakdown = ok(&api, "/api/v1/breakdown?app=shop&metric=LCP&from=now-1h&by=route&order=over_good&quantiles=0.75").await;
    let rows = breakdown["rows"].as_array().unwrap();
    assert_eq!((&rows[0]["value"], &rows[0]["n"]), (&"/checkout".into(), &2.into()));
    let lost = rows[0]["over_good"].as_f64().unwrap();
    assert!((lost - 12_000.0).abs() < 120.0, "{lost}");
    let shares: f64 = rows.iter().map(|row| row["share"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_heat_map_has_columns_rows_and_the_releases_that_are_new() {
    let (api, ..) = api().await;
    let map = ok(&api, "/api/v1/heatmap?app=shop&metric=LCP&from=now-1h&step=5m").await;
    let rows = map["rows"].as_array().unwrap();
    assert!(rows.windows(2).all(|pair| pair[0]["to"] == pair[1]["from"]));
    let cells: u64 = map["columns"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|column| column["cells"].as_array().unwrap())
        .map(|cell| cell[1].as_u64().unwrap())
        .sum();
    assert_eq!((cells, &map["n"]), (6, &6.into()));
    // To the minute, whatever the windows.
    let wider = ok(&api, "/api/v1/heatmap?app=shop&metric=LCP&from=now-1h&step=2m").await;
    for map in [&map, &wider] {
        assert_eq!(map["releases"], serde_json::json!([{ "release": "4.12", "first_seen": "2025-11-21T09:55:00Z" }]));
    }
    let empty = ok(&api, "/api/v1/heatmap?app=shop&metric=LCP&from=now-50m&to=now-40m").await;
    assert_eq!((&empty["rows"], &empty["columns"]), (&serde_json::json!([]), &serde_json::json!([])));
}

#[tokio::test]
async fn before_the_first_minute_kept_the_hours_answer() {
    let (api, ..) = api().await;
    let series = ok(&api, "/api/v1/timeseries?app=shop&metric=LCP&from=now-22d&step=1h").await;
    assert_eq!((&series["resolution"], &series["series"][0]["n"]), (&"hour".into(), &7.into()));
    assert_eq!(ok(&api, "/api/v1/histogram?app=shop&metric=LCP&from=now-22d").await["n"], 7);
    let (status, body) = get(&api, "/api/v1/timeseries?app=shop&metric=LCP&from=now-22d&step=1m").await;
    assert_eq!((status, &body["error"]["reason"]), (StatusCode::BAD_REQUEST, &"invalid_parameter".into()));
    assert!(body["error"]["hint"].as_str().unwrap().contains("step=1h"));
}

#[tokio::test]
async fn errors_name_the_reason_and_what_would_work() {
    let (api, ..) = api().await;
    for (path, status, reason, hint) in [
        ("/api/v1/metrics?app=shpo", 404, "unknown_app", "shop"),
        ("/api/v1/histogram?app=shop&metric=LPC", 404, "unknown_metric", "LCP"),
        ("/api/v1/breakdown?app=shop&metric=LCP&by=browsers", 400, "unknown_dimension", "browser"),
        ("/api/v1/breakdown?app=shop&metric=LCP&by=route&filter=os:iOS&filter=country:BR", 400, "not_together", "route,country,device"),
        ("/api/v1/breakdown?app=shop&metric=LCP&by=route&filter=os:iOS&filter=country:BR", 400, "not_together", "or use a range of which"),
        ("/api/v1/samples?app=shop&metric=LCP&from=now-9d", 400, "invalid_parameter", "samples are kept for 8days"),
        ("/api/v1/samples?app=shop&metric=LCP&order=n", 400, "invalid_parameter", "slowest or latest"),
        ("/api/v1/histogram?app=shop&metric=LCP&from=soon", 400, "invalid_parameter", "now-1h"),
        ("/api/v1/histogram?app=shop&metric=LCP&form=now-1h", 400, "invalid_parameter", "from"),
        ("/api/v1/histogram?app=shop&metric=LCP&from=now&to=now-1h", 400, "invalid_parameter", "before"),
        ("/api/v1/nothing", 404, "not_found", "openapi"),
    ] {
        let (found, body) = get(&api, path).await;
        assert_eq!((found.as_u16(), &body["error"]["reason"]), (status, &reason.into()), "{path}: {body}");
        assert!(body["error"]["hint"].as_str().unwrap().contains(hint), "{path}: {body}");
    }
    // A known metric without values is no error: it may come.
    assert_eq!(ok(&api, "/api/v1/histogram?app=shop&metric=INP").await["n"], 0);
}

#[tokio::test]
async fn outcomes_add_up() {
    let (api, ..) = api().await;
    let outcomes = ok(&api, "/api/v1/outcomes?app=shop&from=now-1h").await;
    let number = |name: &str| outcomes[name].as_u64().unwrap();
    assert_eq!(number("received"), number("accepted") + number("rejected"));
    assert_eq!(number("accepted"), number("rolled_up") + number("too_late") + number("duplicate"));
    assert_eq!((&outcomes["reasons"][0]["reason"], &outcomes["refused"][0]["count"]), (&"bot".into(), &3.into()));
}

fn flag(minute: u32, p_value: f64) -> Flag {
    Flag {
        series: Series { metric: metric("LCP", Unit::Duration), group: (*group("route,browser", &["/checkout", "Safari"])).clone() },
        window: MinuteRange::new(Minute(minute), Minute(minute + 1)),
        rule: Rule::Shift,
        observed: 4_000.0,
        expected: 2_000.0,
        effect: 1.0,
        n: 120,
        p_value,
    }
}

#[tokio::test]
async fn neighbouring_flags_are_one_anomaly_and_alerts_tell_their_story() {
    let (api, store, _dir) = api().await;
    let first = NOW.minute().0 - 60;
    for (minute, p_value) in [(first, 1e-5), (first + 1, 1e-9), (first + 4, 1e-6), (first + 30, 1e-7)] {
        store.write_flags(&shop(), Minute(minute), &[flag(minute, p_value)]).await.unwrap();
    }
    let anomalies = ok(&api, "/api/v1/anomalies?app=shop").await;
    assert_eq!(anomalies["anomalies_total"], 2);
    let strongest = &anomalies["anomalies"][0];
    assert_eq!((&strongest["minutes"], &strongest["p_value"], &strongest["slice"]["browser"]), (&3.into(), &1e-9.into(), &"Safari".into()));
    assert_eq!((&strongest["from"], &strongest["to"]), (&"2025-11-21T09:00:00Z".into(), &"2025-11-21T09:05:00Z".into()));
    assert_eq!(ok(&api, "/api/v1/anomalies?app=shop&metric=INP").await["anomalies_total"], 0);

    let change = |state, delivery| AlertChange { state, at: Minute(first).start(), delivery };
    let alert = Alert {
        id: 1,
        app: shop(),
        state: AlertState::Firing,
        began: Minute(first),
        last_flagged: Minute(first + 4),
        minutes_flagged: 3,
        lead: flag(first + 1, 1e-9),
        series_max: 2,
        changes: vec![change(AlertState::Pending, Delivery::NotNeeded), change(AlertState::Firing, Delivery::Done { at: NOW })],
    };
    store.write_alerts(&shop(), None, &[alert]).await.unwrap();
    let alerts = ok(&api, "/api/v1/alerts?app=shop&state=firing").await;
    assert_eq!(alerts["alerts_total"], 1);
    let told = &alerts["alerts"][0];
    assert_eq!((&told["state"], &told["changes"][1]["delivery"]), (&"firing".into(), &"done".into()));
    assert!(told["sentence"].as_str().unwrap().contains("/checkout"), "{told}");
    assert_eq!(ok(&api, "/api/v1/alerts?state=resolved").await["alerts_total"], 0);
}

#[tokio::test]
async fn every_documented_parameter_is_read_and_every_answer_has_a_schema() {
    let (api, ..) = api().await;
    let document = ok(&api, "/api/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 11);
    let example = |path: &str, name: &str| match name {
        "app" => "shop",
        "metric" => "LCP",
        "unit" => "ms",
        "from" => "now-2h",
        "to" => "now",
        "step" => "10m",
        "quantiles" => "0.5",
        "filter" => "route:/",
        "group_by" | "by" | "dimension" => "browser",
        "limit" => "5",
        "bins_per_octave" => "8",
        "order" if path.ends_with("/samples") => "latest",
        "order" => "n",
        "state" => "firing",
        other => panic!("no example for {other}"),
    };
    for (path, operations) in paths {
        let operation = &operations["get"];
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let query: Vec<String> = parameters
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .map(|name| format!("{name}={}", example(path, name)))
            .collect();
        ok(&api, &format!("{path}?{}", query.join("&"))).await;
        let (_, refused) = get(&api, &format!("{path}?{}&nonsense=1", query.join("&"))).await;
        assert_eq!(refused["error"]["reason"], "invalid_parameter", "{path}");
        assert!(operation["responses"]["200"]["content"]["application/json"]["schema"].is_object(), "{path}");
    }
}
