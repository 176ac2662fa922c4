//! The fold's laws: every event has one fate, every cuboid has the same total, and neither batching
//! nor merging changes a count.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use schemas::{
    record::{Arm, BeaconRecord, CustomDimension, Event, Message, MessageView, Rejection, Unit as WireUnit},
    rollup::Rollup,
    sample::ATTRIBUTION_BYTES_MAX,
};

use super::*;

const NOW_MS: u64 = 1_763_719_200_000;

fn app() -> App {
    App::new(AppId::new("shop").unwrap(), vec![schemas::dimension::DimensionName::new("plan").unwrap()])
}

fn event(metric: &str, value: u64, age_ms: u64) -> Event {
    Event { metric: metric.into(), unit: WireUnit::UNIT_DURATION.into(), value, age_ms, ..Event::default() }
}

fn record(events: Vec<Event>) -> BeaconRecord {
    BeaconRecord {
        app: "shop".into(),
        received_ms: NOW_MS,
        lateness_max_s: 3_600,
        weight: 1,
        route: "/checkout".into(),
        browser: "Safari".into(),
        device: "mobile".into(),
        events,
        ..BeaconRecord::default()
    }
}

fn add(fold: &mut Fold, record: &BeaconRecord, repeated: bool) -> Outcome {
    let bytes = record.encode_to_vec();
    fold.add(&BeaconRecordView::decode_view(&bytes).unwrap(), repeated).unwrap()
}

/// All rollups by cuboid, slice, metric and minute.
type Merged = BTreeMap<(String, Vec<Box<str>>, String, Minute), Rollup>;

fn merged(drained: impl IntoIterator<Item = Drained>) -> Merged {
    let mut all: BTreeMap<_, Rollup> = BTreeMap::new();
    for group in drained.into_iter().flat_map(|drained| drained.rollups) {
        for cell in group.cells {
            let key = (group.group.cuboid.to_string(), group.group.values.to_vec(), cell.metric.name.to_string(), cell.minute);
            all.entry(key).or_default().merge(&cell.rollup);
        }
    }
    all
}

#[test]
fn an_event_counts_once_in_each_cuboid_with_its_weight_and_its_own_minute() {
    let mut fold = Fold::new(&[app()], Limits::default());
    let beacon = BeaconRecord { weight: 10, ..record(vec![event("LCP", 2_000_000, 0), event("LCP", 3_000_000, 120_000)]) };
    assert_eq!(add(&mut fold, &beacon, false), Outcome { rolled_up: 2, ..Outcome::default() });
    let all = merged([fold.drain()]);
    assert_eq!(all.len(), 2 * app().cuboids.len());
    let minute = Timestamp::from_ms(NOW_MS.cast_signed()).minute();
    let late = &all[&("route,browser".to_owned(), vec!["/checkout".into(), "Safari".into()], "LCP".to_owned(), minute.minus(2))];
    assert_eq!((late.samples, late.count(), late.sum), (1, 10, 30_000_000));
}

#[test]
fn late_and_repeated_events_are_counted_and_not_rolled_up() {
    let mut fold = Fold::new(&[app()], Limits::default());
    let beacon = record(vec![event("LCP", 1, 3_600_000), event("LCP", 1, 3_600_001)]);
    assert_eq!(add(&mut fold, &beacon, false), Outcome { rolled_up: 1, too_late: 1, ..Outcome::default() });
    assert_eq!(add(&mut fold, &beacon, true), Outcome { duplicate: 2, ..Outcome::default() });
    let drained = fold.drain();
    let fates: BTreeMap<_, _> = drained.fates.iter().map(|fate| (fate.kind.name(), fate.events)).collect();
    assert_eq!(fates, BTreeMap::from([("rolled_up", 1), ("too_late", 1), ("duplicate", 2)]));
    assert_eq!(merged([drained]).values().map(Rollup::count).max(), Some(1));
}

#[test]
fn what_the_intake_rejected_and_refused_is_counted_by_reason() {
    let mut fold = Fold::new(&[app()], Limits::default());
    let rejections = vec![Rejection { reason: "invalid_value".into(), count: 3 }];
    let refusals = vec![Rejection { reason: "wrong_key".into(), count: 2 }];
    let _ = add(&mut fold, &BeaconRecord { rejections, refusals, ..record(vec![]) }, false);
    let drained = fold.drain();
    let fates: Vec<_> = drained.fates.iter().map(|fate| (fate.kind.name(), &*fate.reason, fate.events)).collect();
    assert_eq!(fates, [("rejected", "invalid_value", 3), ("refused", "wrong_key", 2)]);
    assert!(drained.rollups.is_empty());
}

#[test]
fn a_page_view_counts_once_for_each_experiment_and_under_none_without() {
    let mut fold = Fold::new(&[app()], Limits::default());
    let arm = |experiment: &str, arm: &str| Arm { experiment: experiment.into(), arm: arm.into() };
    let _ = add(
        &mut fold,
        &BeaconRecord { experiments: vec![arm("checkout", "B"), arm("search", "A")], ..record(vec![event("LCP", 5, 0)]) },
        false,
    );
    let _ = add(&mut fold, &record(vec![event("LCP", 5, 0)]), false);
    let slices: Vec<_> =
        merged([fold.drain()]).into_keys().filter(|key| key.0 == "device,experiment,arm").map(|key| key.1.join("/")).collect();
    assert_eq!(slices, ["mobile//", "mobile/checkout/B", "mobile/search/A"]);
}

#[test]
fn custom_dimensions_count_and_unknown_ones_do_not() {
    let mut fold = Fold::new(&[app()], Limits::default());
    let custom = |name: &str, value: &str| CustomDimension { name: name.into(), value: value.into() };
    let _ = add(
        &mut fold,
        &BeaconRecord { custom: vec![custom("colour", "red"), custom("plan", "pro")], ..record(vec![event("LCP", 5, 0)]) },
        false,
    );
    let all = merged([fold.drain()]);
    assert!(all.keys().any(|key| key.0 == "device,plan" && key.1 == vec!["mobile".into(), "pro".into()]));
    assert!(!all.keys().any(|key| key.1.contains(&"red".into())));
}

#[test]
fn totals_add_up_when_a_client_sends_endless_routes() {
    let limits = Limits { groups_max: 10, values_max: BTreeMap::from([("default".to_owned(), 5)]), ..Limits::default() };
    let mut fold = Fold::new(&[app()], limits);
    for i in 0..1_000 {
        let _ = add(&mut fold, &BeaconRecord { route: format!("/{i}"), ..record(vec![event("LCP", 5, 0)]) }, false);
    }
    assert!(fold.groups() <= 11 * app().cuboids.len());
    let mut by_cuboid: BTreeMap<String, u64> = BTreeMap::new();
    let mut other = 0;
    for (key, rollup) in merged([fold.drain()]) {
        other += if key.0 == "route,browser" && &*key.1[0] == OTHER { rollup.count() } else { 0 };
        *by_cuboid.entry(key.0).or_default() += rollup.count();
    }
    assert!(by_cuboid.values().all(|count| *count == 1_000), "{by_cuboid:?}");
    assert_eq!(other, 995);
}

#[test]
fn an_app_that_is_not_configured_is_folded_into_the_default_cuboids() {
    let mut fold = Fold::new(&[], Limits::default());
    assert_eq!(add(&mut fold, &record(vec![event("LCP", 5, 0)]), false).rolled_up, 1);
    let bytes = BeaconRecord { app: "NOT AN APP".into(), ..record(vec![]) }.encode_to_vec();
    assert!(fold.add(&BeaconRecordView::decode_view(&bytes).unwrap(), false).is_err());
}

fn beacons() -> impl Strategy<Value = Vec<(BeaconRecord, bool)>> {
    let events = vec((0u8..3, 0u64..5_000_000, 0u64..7_200_000), 0..6).prop_map(|events| {
        events.into_iter().map(|(metric, value, age)| event(["LCP", "INP", "TTFB"][usize::from(metric)], value, age)).collect::<Vec<_>>()
    });
    vec((events, 0u8..4, 0u8..3, 0u32..20, any::<bool>()), 0..40).prop_map(|beacons| {
        beacons
            .into_iter()
            .map(|(events, route, browser, weight, repeated)| {
                (BeaconRecord { route: format!("/{route}"), browser: format!("b{browser}"), weight, ..record(events) }, repeated)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn every_event_has_one_fate_and_every_cuboid_the_same_total(beacons in beacons()) {
        let mut fold = Fold::new(&[app()], Limits::default());
        let mut counted = Outcome::default();
        let mut weighted = 0;
        for (beacon, repeated) in &beacons {
            let outcome = add(&mut fold, beacon, *repeated);
            prop_assert_eq!(outcome.rolled_up + outcome.too_late + outcome.duplicate + outcome.unknown, beacon.events.len() as u64);
            counted.rolled_up += outcome.rolled_up;
            weighted += outcome.rolled_up * u64::from(beacon.weight.max(1));
        }
        let drained = fold.drain();
        let fates: u64 = drained.fates.iter().map(|fate| fate.events).sum();
        prop_assert_eq!(fates, beacons.iter().map(|(beacon, _)| beacon.events.len() as u64).sum::<u64>());
        let mut totals: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (key, rollup) in merged([drained]) {
            let total = totals.entry(key.0).or_default();
            *total = (total.0 + rollup.samples, total.1 + rollup.count());
        }
        prop_assert!(totals.values().all(|total| *total == (counted.rolled_up, weighted)), "{:?}", totals);
    }

    #[test]
    fn how_records_are_cut_into_flushes_changes_nothing(beacons in beacons(), cut in 0usize..40) {
        let mut once = Fold::new(&[app()], Limits::default());
        let mut twice = Fold::new(&[app()], Limits::default());
        let mut parts = Vec::new();
        for (i, (beacon, repeated)) in beacons.iter().enumerate() {
            let _ = add(&mut once, beacon, *repeated);
            let _ = add(&mut twice, beacon, *repeated);
            if i == cut {
                parts.push(twice.drain());
            }
        }
        parts.push(twice.drain());
        prop_assert_eq!(merged([once.drain()]), merged(parts));
    }
}

fn beacon(number: u64) -> BeaconRecord {
    BeaconRecord { beacon_id: number.to_be_bytes().to_vec(), ..record(vec![event("LCP", number, 0)]) }
}

/// The sample that a store keeps of each slot.
fn kept(drained: impl IntoIterator<Item = Drained>) -> BTreeMap<(Minute, Box<str>, u16), Sample> {
    let mut kept: BTreeMap<_, Sample> = BTreeMap::new();
    for sample in drained.into_iter().flat_map(|drained| drained.samples) {
        let place = (sample.minute, sample.route.clone(), sample.rank.slot());
        if kept.get(&place).is_none_or(|other| other.rank < sample.rank) {
            kept.insert(place, sample);
        }
    }
    kept
}

#[test]
fn a_sample_has_what_its_beacon_said_about_one_minute() {
    let mut fold = Fold::new(&[app()], Limits::default());
    let with_cause = Event { attribution_json: br#"{"element":"img"}"#.to_vec(), ..event("LCP", 2_000_000, 0) };
    let long = Event { attribution_json: vec![b'x'; ATTRIBUTION_BYTES_MAX + 1], ..event("CLS", 7, 0) };
    let unknown = Event { unit: WireUnit::UNIT_UNSPECIFIED.into(), ..event("new", 1, 0) };
    let beacon = BeaconRecord {
        beacon_id: b"b1".to_vec(),
        weight: 10,
        custom: vec![CustomDimension { name: "plan".into(), value: "pro".into() }],
        experiments: vec![Arm { experiment: "hero".into(), arm: "video".into() }],
        view_id: "v1".into(),
        url: "https://shop.example/checkout".into(),
        ..record(vec![with_cause, long, unknown, event("TTFB", 5, 120_000), event("FCP", 5, 3_600_001)])
    };
    let _ = add(&mut fold, &beacon, false);
    let _ = add(&mut fold, &beacon, true);
    let drained = fold.drain();
    let minute = Timestamp::from_ms(NOW_MS.cast_signed()).minute();
    let strata: Vec<_> = drained.strata.iter().map(|stratum| (stratum.minute, &*stratum.route, stratum.beacons)).collect();
    assert_eq!(strata, [(minute.minus(2), "/checkout", 1), (minute, "/checkout", 1)]);
    let [early, sample] = drained.samples.as_slice() else { panic!("one of each minute: {:?}", drained.samples) };
    let events = |sample: &Sample| sample.beacon.events.iter().map(|event| event.metric.name.to_string()).collect::<Vec<_>>();
    assert_eq!((events(early), events(sample)), (vec!["TTFB".to_owned()], vec!["LCP".to_owned(), "CLS".to_owned()]));
    let beacon = &sample.beacon;
    let dimensions: Vec<_> = beacon.dimensions.iter().map(|(dimension, value)| format!("{dimension}={value}")).collect();
    assert_eq!(dimensions, ["route=/checkout", "browser=Safari", "device=mobile", "plan=pro"]);
    assert_eq!((beacon.weight, &*beacon.view_id, &*beacon.url), (10, "v1", "https://shop.example/checkout"));
    assert_eq!(beacon.experiments, BTreeMap::from([("hero".into(), "video".into())]));
    assert_eq!((&*beacon.events[0].attribution, &*beacon.events[1].attribution), (r#"{"element":"img"}"#, ""));
}

#[test]
fn routes_without_a_place_are_one_stratum_whose_samples_know_their_own() {
    let limits = Limits { values_max: BTreeMap::from([("default".to_owned(), 1)]), ..Limits::default() };
    let mut fold = Fold::new(&[app()], limits);
    for (number, route) in (0..).zip(["/", "/a", "/b"]) {
        let _ = add(&mut fold, &BeaconRecord { route: route.into(), ..beacon(number) }, false);
    }
    let drained = fold.drain();
    let strata: BTreeMap<_, _> = drained.strata.iter().map(|stratum| (&*stratum.route, stratum.beacons)).collect();
    assert_eq!(strata, BTreeMap::from([("/", 1), (OTHER, 2)]));
    let own = |sample: &Sample| (sample.route.to_string(), sample.beacon.dimensions[&Dimension::Route].to_string());
    assert!(drained.samples.iter().map(own).all(|(stratum, route)| (stratum == "/") == (route == "/")), "{:?}", drained.samples);
}

#[test]
fn few_candidates_are_given_of_a_busy_route_and_the_best_are_among_them() {
    let mut fold = Fold::new(&[app()], Limits::default());
    let mut all = Vec::new();
    for second in 0..60 {
        for number in 0..500 {
            let beacon = beacon(second * 500 + number);
            let _ = add(&mut fold, &beacon, false);
        }
        all.push(fold.drain());
    }
    let given: usize = all.iter().map(|drained| drained.samples.len()).sum();
    // 64 (1 + ln(30,000 / 64)) are expected.
    assert!(given < 700, "{given}");
    assert_eq!(all.iter().flat_map(|drained| &drained.strata).map(|stratum| stratum.beacons).sum::<u64>(), 30_000);
    let mut best = BTreeMap::new();
    for rank in (0..30_000u64).map(|number| Rank::of(&number.to_be_bytes())) {
        let known = best.entry(rank.slot()).or_insert(rank);
        *known = rank.max(*known);
    }
    let kept: BTreeMap<_, _> = kept(all).into_values().map(|sample| (sample.rank.slot(), sample.rank)).collect();
    assert_eq!(kept, best);
}

#[test]
fn a_history_that_is_sent_at_once_has_samples_of_every_minute() {
    let mut fold = Fold::new(&[app()], Limits::default());
    for number in 0..3_000 {
        let lateness_max_s = 86_400;
        let _ =
            add(&mut fold, &BeaconRecord { lateness_max_s, events: vec![event("LCP", 5, number / 50 * 60_000)], ..beacon(number) }, false);
    }
    let drained = fold.drain();
    assert_eq!(drained.strata.len(), 60);
    // 50 beacons take 15.4 of 16 slots.
    let samples = drained.samples.len();
    assert!((880..=960).contains(&samples), "{samples}");
}

#[test]
fn without_samples_there_are_none() {
    let mut fold = Fold::new(&[app()], Limits { samples: false, ..Limits::default() });
    let _ = add(&mut fold, &beacon(1), false);
    let drained = fold.drain();
    assert_eq!((drained.strata, drained.samples), (Vec::new(), Vec::new()));
    assert!(!drained.rollups.is_empty());
}

proptest! {
    #[test]
    fn samples_do_not_depend_on_order_or_on_who_folds(numbers in vec(any::<u64>(), 1..60), cut in any::<prop::sample::Index>(), half in any::<u64>()) {
        let whole = {
            let mut fold = Fold::new(&[app()], Limits::default());
            for number in &numbers {
                let _ = add(&mut fold, &beacon(*number), false);
            }
            kept([fold.drain()])
        };
        let mut folds = [Fold::new(&[app()], Limits::default()), Fold::new(&[app()], Limits::default())];
        let mut drained = Vec::new();
        for (at, number) in numbers.iter().rev().enumerate() {
            if at == cut.index(numbers.len()) {
                drained.extend(folds.iter_mut().map(Fold::drain));
            }
            let _ = add(&mut folds[usize::from(number & half == 0)], &beacon(*number), false);
        }
        drained.extend(folds.iter_mut().map(Fold::drain));
        let beacons: u64 = drained.iter().flat_map(|drained| &drained.strata).map(|stratum| stratum.beacons).sum();
        prop_assert_eq!(beacons, numbers.len() as u64);
        prop_assert_eq!(kept(drained), whole);
    }
}
