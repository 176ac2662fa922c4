//! What no cuboid covers, answered from samples: over HTTP, on a store whose samples are known.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{ApiState, KnownApp, Retention, router::router};
use async_trait::async_trait;
use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt;
use schemas::{
    alert::Alert,
    app::{App, AppId},
    dimension::{Dimension, OTHER},
    fate::FateCount,
    flag::Flag,
    metric::{Metric, MetricName},
    query::{MetricEntry, RollupQuery, RollupRow},
    rollup::{Cell, GroupRollups, Rollup},
    sample::{Rank, Sample, SampledBeacon, SampledEvent, StrataQuery, Stratum},
    series::Group,
    time::{Minute, MinuteRange, Resolution, Timestamp},
    unit::Unit,
};
use serde_json::{Value, json};
use service::clock::Clock;
use store::{
    AlertQuery, Audit, Batch, Cube, SeriesWindows, Size, Source, Store, StoreError, Upkeep,
    embedded::{EmbeddedStore, config::Config},
};
use tower::ServiceExt;

/// 2025-11-21T10:00:00Z
const NOW: Timestamp = Timestamp::from_ms(1_763_719_200_000);

/// The embedded store, but for strata and samples.
struct Known {
    embedded: EmbeddedStore,
    strata: Vec<Stratum>,
    samples: Vec<Sample>,
}

#[async_trait]
impl Store for Known {
    async fn strata(&self, query: &StrataQuery) -> Result<Vec<Stratum>, StoreError> {
        Ok(self.strata.iter().filter(|stratum| query.asks_for(stratum.minute, &stratum.route)).cloned().collect())
    }
    async fn samples(&self, query: &StrataQuery, slots: u16) -> Result<Vec<Sample>, StoreError> {
        let asked = |sample: &&Sample| query.asks_for(sample.minute, &sample.route) && sample.rank.slot() < slots;
        Ok(self.samples.iter().filter(asked).cloned().collect())
    }
    async fn applied(&self) -> Result<Option<BTreeMap<u32, u64>>, StoreError> {
        self.embedded.applied().await
    }
    async fn write(&self, batch: Arc<Batch>) -> Result<(), StoreError> {
        self.embedded.write(batch).await
    }
    async fn rollups(&self, query: &RollupQuery) -> Result<Vec<RollupRow>, StoreError> {
        self.embedded.rollups(query).await
    }
    async fn cube(&self, cube: &Cube, resolution: Resolution, windows: &[Minute]) -> Result<Vec<SeriesWindows>, StoreError> {
        self.embedded.cube(cube, resolution, windows).await
    }
    async fn metrics(&self, app: &AppId) -> Result<Vec<MetricEntry>, StoreError> {
        self.embedded.metrics(app).await
    }
    async fn values(&self, app: &AppId, dimension: &Dimension) -> Result<Vec<String>, StoreError> {
        self.embedded.values(app, dimension).await
    }
    async fn fates(&self, app: &AppId, range: MinuteRange) -> Result<Vec<FateCount>, StoreError> {
        self.embedded.fates(app, range).await
    }
    async fn write_flags(&self, app: &AppId, minute: Minute, flags: &[Flag]) -> Result<(), StoreError> {
        self.embedded.write_flags(app, minute, flags).await
    }
    async fn tested(&self, app: &AppId) -> Result<Option<Minute>, StoreError> {
        self.embedded.tested(app).await
    }
    async fn flags(&self, app: &AppId, range: MinuteRange) -> Result<Vec<Flag>, StoreError> {
        self.embedded.flags(app, range).await
    }
    async fn write_alerts(&self, app: &AppId, grouped: Option<Minute>, alerts: &[Alert]) -> Result<(), StoreError> {
        self.embedded.write_alerts(app, grouped, alerts).await
    }
    async fn grouped(&self, app: &AppId) -> Result<Option<Minute>, StoreError> {
        self.embedded.grouped(app).await
    }
    async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, StoreError> {
        self.embedded.alerts(query).await
    }
    async fn upkeep(&self, now: Timestamp) -> Result<Upkeep, StoreError> {
        self.embedded.upkeep(now).await
    }
    async fn audit(&self, range: MinuteRange) -> Result<Option<Audit>, StoreError> {
        self.embedded.audit(range).await
    }
    async fn size(&self) -> Result<Size, StoreError> {
        self.embedded.size().await
    }
}

fn metric(name: &str, unit: Unit) -> Metric {
    Metric { name: MetricName::new(name).unwrap(), unit }
}

fn shop() -> AppId {
    AppId::new("shop").unwrap()
}

/// What is kept of a stratum, `ago` minutes before now.
fn sample(ago: u32, stratum: &str, given: [(Dimension, &str); 3], lcp_ms: u64) -> Sample {
    let minute = NOW.minute().minus(ago);
    let event = |name, unit, value, age_ms, attribution: &str| SampledEvent {
        metric: metric(name, unit),
        value,
        age_ms,
        attribution: attribution.into(),
    };
    let id = format!("view-{ago}");
    Sample {
        app: shop(),
        minute,
        route: stratum.into(),
        rank: Rank::of(id.as_bytes()),
        beacon: SampledBeacon {
            received: minute.start().plus(Duration::from_secs(40)),
            weight: 1,
            dimensions: given.into_iter().map(|(dimension, value)| (dimension, value.into())).collect(),
            experiments: [("hero".into(), "video".into())].into(),
            view_id: id.into(),
            session_id: "".into(),
            url: "https://shop.example/".into(),
            events: vec![
                event("LCP", Unit::Duration, lcp_ms * 1_000, 15_000, r#"{"target":"img.hero"}"#),
                event("CLS", Unit::Score, 1_200, 10_000, ""),
            ],
        },
    }
}

/// Six beacons of the last hour, each kept alone of its stratum: two of routes that are among the less frequent ones.
fn samples() -> Vec<Sample> {
    use Dimension::{Browser, Country, Route};
    let given = |route, browser, country| [(Route, route), (Browser, browser), (Country, country)];
    vec![
        sample(30, "/", given("/", "Safari", "BR"), 4_000),
        sample(25, "/", given("/", "Safari", "DE"), 1_000),
        sample(20, "/", given("/", "Chrome", "BR"), 1_500),
        sample(15, "/checkout", given("/checkout", "Safari", "BR"), 2_000),
        sample(10, OTHER, given("/rare", "Safari", "BR"), 9_000),
        sample(5, OTHER, given("/", "Safari", "BR"), 3_000),
    ]
}

async fn api(samples: Vec<Sample>, beacons: u64) -> (Router, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let embedded = EmbeddedStore::open(Config::new(dir.path().to_owned()), NOW).unwrap();
    let mut rollup = Rollup::default();
    rollup.record(2_000_000, 7);
    let group = Arc::new(Group { app: shop(), cuboid: "".parse().unwrap(), values: Box::default() });
    let cells = vec![Cell { metric: Arc::new(metric("LCP", Unit::Duration)), minute: NOW.minute().minus(30), rollup }];
    let sources = vec![Source { partition: 0, start: 0, end: 1 }];
    embedded.write(Arc::new(Batch { sources, rollups: vec![GroupRollups { group, cells }], ..Batch::default() })).await.unwrap();
    let stratum = |sample: &Sample| Stratum { app: shop(), minute: sample.minute, route: sample.route.clone(), beacons };
    let store = Known { embedded, strata: samples.iter().map(stratum).collect(), samples };
    let app = KnownApp { app: App::new(shop(), Vec::new()), key: "pk_shop".into(), metrics: BTreeMap::new() };
    let retention = Retention { minutes: Duration::from_secs(8 * 86_400), hours: Duration::from_secs(400 * 86_400) };
    (router(ApiState::new(Arc::new(store), vec![app], retention, Clock::manual(NOW.as_ms()))), dir)
}

async fn get(router: &Router, question: &str) -> Value {
    let path = format!("/api/v1/{question}");
    let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

const TOGETHER: &str = "app=shop&metric=LCP&filter=browser:Safari&filter=country:BR";

#[tokio::test]
async fn what_no_cuboid_has_together_is_answered_from_samples_by_every_question() {
    let (api, _dir) = api(samples(), 1).await;
    let whole = get(&api, &format!("histogram?{TOGETHER}&quantiles=0.5")).await;
    assert_eq!(
        (&whole["source"], &whole["sampled"], &whole["cuboid"]),
        (&json!("samples"), &json!({ "beacons": 6, "samples": 6 }), &json!([]))
    );
    assert_eq!((&whole["n"], &whole["samples"], &whole["ratings"]["poor"]), (&json!(4), &json!(4), &json!(1)));
    let median = whole["quantiles"][0]["value"].as_f64().unwrap();
    assert!((median - 3_000.0).abs() < 30.0, "{median}");

    let by_route = get(&api, &format!("breakdown?{TOGETHER}&by=route&order=over_good")).await;
    let rows: Vec<_> = by_route["rows"].as_array().unwrap().iter().map(|row| (row["value"].clone(), row["n"].clone())).collect();
    assert_eq!(rows, [("/rare".into(), 1.into()), ("/".into(), 2.into()), ("/checkout".into(), 1.into())]);
    assert_eq!((&by_route["n"], &by_route["source"]), (&json!(4), &json!("samples")));

    let series = get(&api, &format!("timeseries?{TOGETHER}&step=10m&group_by=route")).await;
    assert_eq!(
        (&series["series"][0]["value"], &series["series"][0]["n"], &series["resolution"]),
        (&json!("/"), &json!(2), &json!("minute"))
    );
    let at: Vec<_> = series["series"][0]["points"].as_array().unwrap().iter().map(|point| point["at"].clone()).collect();
    assert_eq!(at, ["2025-11-21T09:30:00Z", "2025-11-21T09:50:00Z"]);
    let hourly = get(&api, &format!("timeseries?{TOGETHER}&step=1h")).await;
    assert_eq!((&hourly["series"][0]["n"], &hourly["resolution"]), (&json!(4), &json!("minute")));

    let map = get(&api, &format!("heatmap?{TOGETHER}&step=10m")).await;
    let columns: Vec<_> = map["columns"].as_array().unwrap().iter().map(|column| column["n"].clone()).collect();
    assert_eq!((columns, &map["source"]), (vec![1.into(), 1.into(), 2.into()], &json!("samples")));
}

#[tokio::test]
async fn a_filter_on_the_route_looks_into_its_strata_and_those_of_the_less_frequent_ones() {
    let (api, _dir) = api(samples(), 1).await;
    let only = |route: &str| format!("histogram?{TOGETHER}&filter=route:{route}");
    let home = get(&api, &only("/")).await;
    assert_eq!((&home["n"], &home["sampled"]), (&json!(2), &json!({ "beacons": 5, "samples": 5 })));
    assert_eq!(get(&api, &only("/rare")).await["n"], 1);
    // Those that a breakdown of rollups calls __other__.
    assert_eq!(get(&api, &only(OTHER)).await["n"], 2);
    // Nobody is an answer where samples are kept.
    assert_eq!(get(&api, &only("/never")).await["n"], 0);
}

#[tokio::test]
async fn estimates_stand_for_all_beacons_of_their_strata() {
    let (api, _dir) = api(samples(), 1_000).await;
    let whole = get(&api, &format!("histogram?{TOGETHER}")).await;
    assert_eq!((&whole["n"], &whole["samples"], &whole["sampled"]["beacons"]), (&json!(4_000), &json!(4), &json!(6_000)));
    // In a breakdown by experiment a page view may stand twice, but not in the total.
    let by = get(&api, &format!("breakdown?{TOGETHER}&by=experiment")).await;
    assert_eq!((&by["n"], &by["rows"][0]["value"], &by["rows"][0]["share"]), (&json!(4_000), &json!("hero"), &json!(1.0)));
}

#[tokio::test]
async fn rollups_answer_where_they_can_and_say_nothing_of_samples() {
    let (api, _dir) = api(samples(), 1).await;
    let everyone = get(&api, "histogram?app=shop&metric=LCP").await;
    assert_eq!((&everyone["n"], &everyone["source"], everyone.get("sampled")), (&json!(7), &json!("rollups"), None));
}

#[tokio::test]
async fn without_samples_the_error_says_why_and_what_to_do() {
    let (without, _dir) = api(Vec::new(), 1).await;
    let (with, _other_dir) = api(samples(), 1).await;
    for (api, question, detail, hint) in [
        (&without, format!("histogram?{TOGETHER}"), "no samples are kept of this range either", "browser,browser_version,os"),
        (&with, format!("histogram?{TOGETHER}&from=now-9d"), "it begins too early", "samples are kept for 8days"),
        (&with, format!("timeseries?{TOGETHER}&from=now-9d"), "it begins too early", "samples are kept for 8days"),
        (&with, format!("heatmap?{TOGETHER}&from=now-3h&to=now-2h"), "no samples are kept of this range either", "range"),
        (&with, format!("breakdown?{TOGETHER}&by=os&filter=device:{OTHER}"), "which device is among the less frequent", "leave out"),
    ] {
        let error = &get(api, &question).await["error"];
        assert_eq!(error["reason"], "not_together", "{question}: {error}");
        assert!(error["detail"].as_str().unwrap().contains(detail), "{question}: {error}");
        assert!(error["hint"].as_str().unwrap().contains(hint), "{question}: {error}");
    }
}

#[tokio::test]
async fn more_than_one_answer_can_read_is_refused_with_the_remedy() {
    use Dimension::{Browser, Country, Route};
    let one = sample(5, "/", [(Route, "/"), (Browser, "Safari"), (Country, "BR")], 3_000);
    let routes = (0..120_000).map(|i| Sample { route: format!("/{i}").into(), ..one.clone() }).collect();
    let (api, _dir) = api(routes, 10_000).await;
    for question in ["samples", "histogram"] {
        let error = get(&api, &format!("{question}?{TOGETHER}")).await["error"].clone();
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("shorter range")), "{error}");
    }
    assert_eq!(get(&api, &format!("histogram?{TOGETHER}&filter=route:/7")).await["sampled"]["beacons"], 10_000);
}

#[tokio::test]
async fn samples_are_listed_as_they_were_slowest_or_latest_first() {
    let (api, _dir) = api(samples(), 1).await;
    let slowest = get(&api, &format!("samples?{TOGETHER}&limit=2")).await;
    let values = |answer: &Value| answer["samples"].as_array().unwrap().iter().map(|sample| sample["value"].clone()).collect::<Vec<_>>();
    assert_eq!((values(&slowest), &slowest["samples_total"]), (vec![9_000.0.into(), 4_000.0.into()], &json!(4)));
    assert_eq!((&slowest["source"], &slowest["sampled"]), (&json!("samples"), &json!({ "beacons": 6, "samples": 6 })));
    assert_eq!(
        slowest["samples"][0],
        json!({
            "at": "2025-11-21T09:50:25Z",
            "route": "/rare",
            "dimensions": { "route": "/rare", "browser": "Safari", "country": "BR" },
            "experiments": { "hero": "video" },
            "weight": 1,
            "view_id": "view-10",
            "url": "https://shop.example/",
            "value": 9_000.0,
            "attribution": { "target": "img.hero" },
            "events": [
                { "metric": "LCP", "unit": "ms", "value": 9_000.0, "at": "2025-11-21T09:50:25Z" },
                { "metric": "CLS", "unit": "score", "value": 0.12, "at": "2025-11-21T09:50:30Z" },
            ],
        })
    );
    let latest = get(&api, &format!("samples?{TOGETHER}&order=latest")).await;
    assert_eq!(values(&latest), [3_000.0, 9_000.0, 2_000.0, 4_000.0]);
    let shifts = get(&api, "samples?app=shop&metric=CLS&limit=1").await;
    assert_eq!((&shifts["samples"][0]["attribution"], &shifts["samples_total"]), (&Value::Null, &json!(6)));
    assert_eq!(get(&api, "samples?app=shop&metric=INP").await["samples_total"], 0);
}
