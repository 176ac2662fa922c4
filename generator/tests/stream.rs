//! The stream: the same from the same seed, cut anywhere, by the contract, and as unusual as asked.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use generator::{
    Delivery, Kind, Rates, Stream, Traffic,
    delivery::hostile::{FLOOD_ROUTES, Hostility},
};
use support::{awkward, deliveries, hours, plain, tuesday};

fn bytes(delivery: &Delivery) -> Vec<u8> {
    let headers: Vec<String> = delivery.headers().map(|(name, value)| format!("{name}: {value}")).collect();
    let head = format!("{} {} {:?} {headers:?}", delivery.at, delivery.number, delivery.query());
    [head.into_bytes(), delivery.body(delivery.made_at)].concat()
}

#[test]
fn the_same_seed_and_span_make_the_same_bytes_and_another_seed_makes_others() {
    let all = |seed| deliveries(Traffic { seed, ..awkward(60.0) }, hours(1)).map(|delivery| bytes(&delivery)).collect::<Vec<_>>();
    let once = all(1);
    assert!(once.len() > 2_000, "{}", once.len());
    assert!(once == all(1), "the same seed made other bytes");
    assert!(once != all(2), "another seed made the same bytes");
}

#[test]
fn adjacent_spans_have_exactly_the_beacons_of_the_whole() {
    let ids = |from, to| {
        let span = tuesday().plus(hours(from))..tuesday().plus(hours(to));
        let stream = Stream::new(awkward(40.0), span, tuesday()).unwrap();
        stream.filter(|delivery| delivery.kind != Kind::Repeat).map(|d| d.id().to_owned()).collect::<Vec<_>>()
    };
    let (mut parts, mut whole) = ([ids(0, 1), ids(1, 3)].concat(), ids(0, 3));
    parts.sort();
    whole.sort();
    assert!(whole.len() > 2_000);
    assert!(parts == whole, "{} beacons in parts, {} in the whole", parts.len(), whole.len());
}

#[test]
fn deliveries_come_in_the_order_in_which_they_are_sent_and_none_tells_of_the_future() {
    let mut last = tuesday();
    for delivery in deliveries(awkward(60.0), hours(1)) {
        assert!(delivery.at >= last, "{} after {last}", delivery.at);
        last = delivery.at;
        let body: serde_json::Value = serde_json::from_slice(&delivery.body(delivery.made_at)).unwrap_or_default();
        for event in body["events"].as_array().into_iter().flatten() {
            let since = event["at"].as_f64().map_or(0.0, |at| body["sent_at"].as_f64().unwrap() - at);
            assert!(since >= 0.0, "{event} at {}", delivery.at);
        }
        assert!(delivery.is_certain(delivery.made_at, delivery.made_at.plus(std::time::Duration::from_secs(19))));
    }
}

#[test]
fn every_well_formed_body_is_valid_by_the_schema_and_every_broken_one_is_not() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../schemas/beacon.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut checked = BTreeMap::<_, u64>::new();
    let traffic = Traffic { weight: 10, ..awkward(1_000.0) };
    for delivery in deliveries(traffic, hours(1)) {
        let body: Option<serde_json::Value> = serde_json::from_slice(&delivery.body(delivery.made_at)).ok();
        let own = |body: &serde_json::Value| validator.validate(body).map_err(|error| error.to_string());
        *checked.entry(delivery.kind.name()).or_default() += 1;
        match delivery.kind {
            Kind::Beacon | Kind::Late | Kind::TooLate | Kind::Repeat | Kind::Hostile(Hostility::Markup | Hostility::Flood) => {
                own(&body.expect("a beacon is JSON")).unwrap_or_else(|error| panic!("{}: {error}", delivery.kind.name()));
            }
            Kind::Hostile(Hostility::BrokenEvents | Hostility::TooManyEvents | Hostility::WrongType) => {
                own(&body.expect("JSON")).expect_err("a broken beacon is valid by the schema");
            }
            Kind::Hostile(Hostility::NotJson | Hostility::Truncated | Hostility::NotANumber | Hostility::Empty) => assert_eq!(body, None),
            // A robot's may be any of those; of the others the form is right, or not a beacon's.
            Kind::Bot | Kind::Bare => {}
            Kind::Hostile(Hostility::WrongKey | Hostility::UnknownApp | Hostility::TooLarge) => own(&body.expect("JSON")).unwrap(),
            Kind::Hostile(Hostility::DeepNesting) => {}
        }
    }
    let expected: BTreeSet<_> =
        ["beacon", "late", "too_late", "repeat", "bare", "bot"].into_iter().chain(Hostility::ALL.map(Hostility::name)).collect();
    assert_eq!(checked.keys().copied().collect::<BTreeSet<_>>(), expected, "{checked:?}");
}

#[test]
fn each_kind_of_awkwardness_is_as_frequent_as_asked() {
    let count = |rates: Rates| {
        let mut stream = deliveries(Traffic { rates, ..plain(400.0) }, hours(2));
        let mut kinds = BTreeMap::<_, f64>::new();
        let mut firsts = 0.0;
        for delivery in &mut stream {
            let name = if matches!(delivery.kind, Kind::Hostile(_)) { "hostile" } else { delivery.kind.name() };
            *kinds.entry(name).or_default() += 1.0;
            firsts += f64::from(u8::from(!matches!(delivery.kind, Kind::Repeat | Kind::Hostile(_))));
        }
        (kinds, firsts, stream.page_views() as f64)
    };
    let near = |got: f64, wanted: f64, of: f64, what: &str| {
        // Five standard deviations of a binomial; visits come in bundles, so the deviation is doubled.
        let allowed = 10.0 * (wanted * (1.0 - wanted) / of).sqrt();
        assert!((got / of - wanted).abs() < allowed, "{what}: {got} of {of}, not {wanted}");
    };
    let none = count(Rates::NONE);
    assert_eq!(none.0.keys().copied().collect::<Vec<_>>(), ["beacon"]);
    let alone = |rates: Rates, kind: &str| {
        let (kinds, firsts, page_views) = count(rates);
        (kinds[kind], firsts, page_views)
    };
    let (late, of, _) = alone(Rates { late: 0.05, ..Rates::NONE }, "late");
    near(late, 0.05, of, "late");
    let (too_late, of, _) = alone(Rates { too_late: 0.02, ..Rates::NONE }, "too_late");
    near(too_late, 0.02, of, "too late");
    let (repeated, of, _) = alone(Rates { repeated: 0.03, ..Rates::NONE }, "repeat");
    near(repeated, 0.03, of, "repeated");
    let (bots, of, _) = alone(Rates { bots: 0.1, ..Rates::NONE }, "bot");
    near(bots, 0.1, of, "bots");
    let (hostile, _, of) = alone(Rates { hostile: 0.04, ..Rates::NONE }, "hostile");
    near(hostile, 0.04, of, "hostile");
    let (bare, _, of) = alone(Rates { bare: 0.06, ..Rates::NONE }, "bare");
    near(bare, 0.06, of, "bare");
}

#[test]
fn late_beacons_have_a_long_tail_within_what_the_app_allows() {
    let traffic = Traffic { rates: Rates { late: 1.0, ..Rates::NONE }, ..plain(200.0) };
    let allowed = traffic.lateness_max;
    let mut ages: Vec<f64> = deliveries(traffic, hours(2))
        .map(|delivery| {
            let body: serde_json::Value = serde_json::from_slice(&delivery.body(delivery.made_at)).unwrap();
            let first = &body["events"][0];
            first["age_ms"].as_f64().unwrap_or_else(|| body["sent_at"].as_f64().unwrap() - first["at"].as_f64().unwrap()) / 1e3
        })
        .collect();
    ages.sort_by(f64::total_cmp);
    let at = |share: f64| ages[(share * (ages.len() - 1) as f64) as usize];
    assert!((300.0..1_200.0).contains(&at(0.5)), "median {} s", at(0.5));
    assert!(at(0.99) > 10.0 * 3_600.0, "p99 {} s", at(0.99));
    assert!(at(1.0) <= allowed.as_secs_f64(), "max {} s", at(1.0));
}

#[test]
fn a_repeat_has_the_bytes_of_its_first_and_comes_seconds_to_minutes_later() {
    let traffic = Traffic { rates: Rates { repeated: 0.2, late: 0.1, ..Rates::NONE }, ..plain(60.0) };
    let mut firsts = BTreeMap::new();
    let mut repeats = 0;
    for delivery in deliveries(traffic, hours(1)) {
        if delivery.kind == Kind::Repeat {
            let first: Delivery = firsts.remove(&delivery.number).expect("its first came before, once");
            assert_eq!(delivery.body(delivery.made_at), first.body(first.made_at));
            let after = delivery.at.since(first.at).as_secs();
            assert!((1..=600).contains(&after), "{after} s");
            repeats += 1;
        } else if delivery.will_repeat {
            firsts.insert(delivery.number, delivery);
        }
    }
    assert!(repeats > 100 && firsts.is_empty(), "{repeats} repeats, {} missing", firsts.len());
}

#[test]
fn a_flood_has_thousands_of_routes_and_never_more_than_it_says() {
    let traffic = Traffic { rates: Rates { hostile: 1.0, ..Rates::NONE }, ..plain(1_000.0) };
    let mut routes = BTreeSet::new();
    for delivery in deliveries(traffic, hours(1)).filter(|d| d.kind == Kind::Hostile(Hostility::Flood)) {
        let body: serde_json::Value = serde_json::from_slice(&delivery.body(delivery.made_at)).unwrap();
        routes.insert(body["page"]["route"].as_str().unwrap().to_owned());
    }
    assert!(routes.len() > 5_000 && routes.len() as u64 <= FLOOD_ROUTES, "{}", routes.len());
}

#[test]
fn a_page_view_is_one_or_two_beacons_that_share_its_id() {
    let mut beacons = BTreeMap::<String, Vec<serde_json::Value>>::new();
    for delivery in deliveries(plain(200.0), hours(1)) {
        let body: serde_json::Value = serde_json::from_slice(&delivery.body(delivery.made_at)).unwrap();
        beacons.entry(body["page"]["view_id"].as_str().unwrap().to_owned()).or_default().push(body);
    }
    let metrics = |body: &serde_json::Value| -> Vec<String> {
        body["events"].as_array().unwrap().iter().map(|event| event["metric"].as_str().unwrap().to_owned()).collect()
    };
    let mut twice = 0;
    for bodies in beacons.values() {
        let all: Vec<String> = bodies.iter().flat_map(&metrics).collect();
        let once = |metric: &str| all.iter().filter(|own| *own == metric).count();
        assert_eq!(once("page_view"), 1, "{bodies:#?}");
        assert!(["LCP", "INP", "CLS", "TTFB", "FCP"].iter().all(|vital| once(vital) <= 1), "{all:?}");
        assert!(bodies.len() <= 2);
        twice += usize::from(bodies.len() == 2);
    }
    let share = twice as f64 / beacons.len() as f64;
    assert!((0.02..0.15).contains(&share), "{share} of {} have two", beacons.len());
}
