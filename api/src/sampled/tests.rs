use proptest::prelude::*;
use schemas::{
    app::AppId,
    metric::MetricName,
    sample::{Rank, SampledBeacon},
    time::Resolution,
    unit::Unit,
};

use super::*;

/// A beacon of an imagined app.
#[derive(Debug, Clone)]
struct Visit {
    minute: Minute,
    route: &'static str,
    browser: &'static str,
    weight: u32,
    values: Vec<u64>,
    experiments: Vec<(&'static str, &'static str)>,
}

fn visit(minute: u32, route: &'static str, value: u64) -> Visit {
    Visit { minute: Minute(minute), route, browser: "Chrome", weight: 1, values: vec![value], experiments: Vec::new() }
}

fn lcp() -> Metric {
    Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration }
}

fn app() -> AppId {
    AppId::new("shop").unwrap()
}

fn sample(visit: &Visit, rank: Rank) -> Sample {
    let event = |value: &u64| SampledEvent { metric: lcp(), value: *value, age_ms: 0, attribution: "".into() };
    Sample {
        app: app(),
        minute: visit.minute,
        route: visit.route.into(),
        rank,
        beacon: SampledBeacon {
            received: visit.minute.start(),
            weight: visit.weight,
            dimensions: [(Dimension::Route, visit.route.into()), (Dimension::Browser, visit.browser.into())].into(),
            experiments: visit.experiments.iter().map(|(name, arm)| ((*name).into(), (*arm).into())).collect(),
            view_id: "".into(),
            session_id: "".into(),
            url: "".into(),
            events: visit.values.iter().map(event).collect(),
        },
    }
}

/// What a store keeps of `visits` whose ids come from `seed`, and a read of `slots` slots finds.
fn draw(visits: &[Visit], seed: u32, slots: u16) -> Drawn {
    let mut strata: BTreeMap<(Minute, &str), u64> = BTreeMap::new();
    let mut best: BTreeMap<(Minute, &str, u16), (Rank, &Visit)> = BTreeMap::new();
    for (i, visit) in visits.iter().enumerate() {
        *strata.entry((visit.minute, visit.route)).or_default() += 1;
        let rank = Rank::of(format!("{seed}-{i}").as_bytes());
        let kept = best.entry((visit.minute, visit.route, rank.slot())).or_insert((rank, visit));
        if rank > kept.0 {
            *kept = (rank, visit);
        }
    }
    let strata = strata.into_iter().map(|((minute, route), beacons)| Stratum { app: app(), minute, route: route.into(), beacons });
    let samples = best.into_iter().filter(|((_, _, slot), _)| *slot < slots).map(|(_, (rank, visit))| sample(visit, rank));
    Drawn::new(strata.collect(), samples.collect(), slots)
}

const RANGE: MinuteRange = MinuteRange::new(Minute(0), Minute(1_000));

fn ask(drawn: &Drawn, windows: Windows, filters: &[Filter], group_by: Option<&Dimension>) -> Vec<RollupRow> {
    drawn.rows(&Wanted { metric: &lcp(), range: RANGE, windows, filters, group_by })
}

fn whole(drawn: &Drawn, filters: &[Filter]) -> Rollup {
    ask(drawn, Windows::Whole, filters, None).into_iter().next().map(|row| row.rollup).unwrap_or_default()
}

fn only(dimension: Dimension, value: &str) -> Filter {
    Filter { dimension, values: vec![value.to_owned()] }
}

fn counts(rows: Vec<RollupRow>) -> Vec<(String, u32, u64)> {
    rows.into_iter().map(|row| (row.value.into(), row.window.0, row.rollup.count())).collect()
}

const HOURLY: Windows = Windows::Step { minutes: 60, resolution: Resolution::Minute };

#[test]
fn as_many_beacons_are_kept_as_slots_are_taken() {
    assert!((kept(1) - 1.0).abs() < 1e-9 && (kept(2) - (1.0 + 15.0 / 16.0)).abs() < 1e-9);
    assert!((kept(10_000_000) - 16.0).abs() < 1e-9);
    for beacons in [3, 20, 60] {
        let visits: Vec<Visit> = (0..beacons).map(|value| visit(0, "/", value)).collect();
        let found: usize = (0..2_000).map(|seed| draw(&visits, seed, SLOTS).samples().len()).sum();
        let mean = found as f64 / 2_000.0;
        assert!((mean - kept(beacons)).abs() < 0.15, "{mean} of {beacons}, not {}", kept(beacons));
    }
}

#[test]
fn slots_are_read_up_to_the_aim_and_at_least_one() {
    let strata = |count: u32, beacons| {
        let stratum = |minute| Stratum { app: app(), minute: Minute(minute), route: "/".into(), beacons };
        (0..count).map(stratum).collect::<Vec<_>>()
    };
    for (count, beacons, expected) in [
        (0, 0, Some(16)),
        (1_000, 500, Some(16)),
        (2_000, 500, Some(10)),
        (15_000, 1, Some(16)),
        (50_000, 500, Some(1)),
        (200_000, 500, None),
    ] {
        assert_eq!(slots(&strata(count, beacons)), expected, "{count} strata of {beacons}");
    }
}

#[test]
fn all_of_a_few_beacons_are_no_estimate() {
    let mut visits: Vec<Visit> = (0..120).map(|i| visit(i, if i % 3 == 0 { "/" } else { "/cart" }, u64::from(i) * 1_000)).collect();
    visits[7].weight = 10;
    visits[8].values = vec![5_000, 6_000];
    let mut expected = Rollup::default();
    for visit in &visits[60..] {
        expected.record(visit.values[0], 1);
    }
    let rows = ask(&draw(&visits, 1, SLOTS), HOURLY, &[], None);
    assert_eq!((rows.len(), rows[0].rollup.count(), rows[0].rollup.samples), (2, 60 + 9 + 1, 61));
    assert_eq!((rows[1].window, &rows[1].rollup), (Minute(60), &expected));
    let cart = whole(&draw(&visits, 1, SLOTS), &[only(Dimension::Route, "/cart")]);
    assert_eq!(cart.count(), 80 + 9 + 1);
}

/// Strata by how many beacons they have, and every which of those is from Safari.
type Strata = [(u64, u64); 7];
/// Few beacons of many strata that differ in size.
const QUIET: Strata = [(3, 1), (90, 10), (40, 2), (1, 1), (60, 5), (12, 3), (2, 2)];
/// Most beacons of a few strata.
const BUSY: Strata = [(3, 1), (900, 10), (40, 2), (1, 1), (300, 5), (12, 3), (2, 2)];

/// Users that differ: Safari is slow, and rare where there is much traffic.
fn uneven(strata: Strata) -> Vec<Visit> {
    let mut visits = Vec::new();
    for (minute, (beacons, safari_every)) in strata.into_iter().cycle().take(70).enumerate() {
        for i in 0..beacons {
            let safari = i % safari_every == 0;
            // Spread over a factor of ten, and never in step with anything.
            let spread = 1.0 + 9.0 * ((i * 7_919 + minute as u64 * 104_729) % 1_000) as f64 / 1_000.0;
            let value = (if safari { 400_000.0 } else { 200_000.0 } * spread) as u64;
            let browser = if safari { "Safari" } else { "Chrome" };
            visits.push(Visit { browser, ..visit(u32::try_from(minute).unwrap(), "/", value) });
        }
    }
    visits
}

fn mean_and_error(estimates: &[f64]) -> (f64, f64) {
    let n = estimates.len() as f64;
    let mean = estimates.iter().sum::<f64>() / n;
    let variance = estimates.iter().map(|estimate| (estimate - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[test]
fn estimates_are_right_on_average_however_many_slots_are_read() {
    for (strata, slots) in [(QUIET, SLOTS), (QUIET, 5), (BUSY, SLOTS), (BUSY, 5)] {
        right_on_average(&uneven(strata), slots);
    }
}

fn right_on_average(visits: &[Visit], slots: u16) {
    let mut truth = Rollup::default();
    for safari in visits.iter().filter(|visit| visit.browser == "Safari") {
        truth.record(safari.values[0], 1);
    }
    let p75 = |rollup: &Rollup| schemas::histogram::quantile_of(&rollup.histogram, 0.75).unwrap() as f64;
    let safari = |seed| whole(&draw(visits, seed, slots), &[only(Dimension::Browser, "Safari")]);
    let estimates: Vec<Rollup> = (0..300).map(safari).collect();
    let (count, error) = mean_and_error(&estimates.iter().map(|rollup| rollup.count() as f64).collect::<Vec<_>>());
    let expected = truth.count() as f64;
    // Four standard errors of the mean; a ratio is off by a little more, which falls with the samples.
    assert!((count - expected).abs() < 4.0 * error + 0.005 * expected, "{slots} slots: {count} +- {error}, not {expected}");
    assert!(error < 0.02 * expected, "the test is too coarse: {error} of {expected}");
    let (value, error) = mean_and_error(&estimates.iter().map(p75).collect::<Vec<_>>());
    assert!((value - p75(&truth)).abs() < 4.0 * error + 0.01 * p75(&truth), "{slots} slots: {value} +- {error}, not {}", p75(&truth));
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say_where_weights_are_uneven() {
    let visits = uneven(BUSY);
    let mut truth = Rollup::default();
    for visit in &visits {
        truth.record(visit.values[0], 1);
    }
    for (slots, q) in [(SLOTS, 0.5), (SLOTS, 0.75), (SLOTS, 0.95), (5, 0.5), (5, 0.75)] {
        let expected = schemas::histogram::quantile_of(&truth.histogram, q).unwrap();
        let held = |seed: &u32| {
            let rollup = whole(&draw(&visits, *seed, slots), &[]);
            let interval = rollup.histogram.quantiles(&[q], rollup.samples).unwrap()[0].interval.unwrap();
            interval.low <= expected && expected <= interval.high
        };
        let share = (0..300).filter(held).count() as f64 / 300.0;
        assert!(share > 0.94, "{slots} slots, quantile {q}: {share}");
    }
}

#[test]
fn a_page_view_counts_once_in_each_experiment_and_once_without() {
    let in_two = Visit { experiments: vec![("hero", "video"), ("price", "low")], ..visit(0, "/", 1_000) };
    let in_one = Visit { experiments: vec![("hero", "still")], ..visit(1, "/", 1_000) };
    let drawn = draw(&[in_two, in_one, visit(2, "/", 1_000)], 1, SLOTS);
    let by = |dimension: Dimension, filters: &[Filter]| {
        let rows = ask(&drawn, Windows::Whole, filters, Some(&dimension));
        rows.into_iter().map(|row| (row.value.to_string(), row.rollup.count())).collect::<Vec<_>>()
    };
    let row = |value: &str, n: u64| (value.to_owned(), n);
    assert_eq!(by(Dimension::Experiment, &[]), [row("", 1), row("hero", 2), row("price", 1)]);
    assert_eq!(by(Dimension::Arm, &[only(Dimension::Experiment, "hero")]), [row("still", 1), row("video", 1)]);
    assert_eq!(by(Dimension::Browser, &[]), [row("Chrome", 3)]);
    // The low price is no arm of the other experiment.
    assert_eq!(whole(&drawn, &[only(Dimension::Experiment, "hero"), only(Dimension::Arm, "low")]).count(), 0);
    assert_eq!(whole(&drawn, &[only(Dimension::Experiment, "")]).count(), 1);
}

#[test]
fn the_less_frequent_routes_are_found_by_their_own_name_and_by_their_strata() {
    let mut drawn = draw(&[visit(0, "/", 1_000), visit(1, OTHER, 1_000)], 1, SLOTS);
    for sample in drawn.samples.iter_mut().filter(|sample| &*sample.route == OTHER) {
        sample.beacon.dimensions.insert(Dimension::Route, "/rare".into());
    }
    for route in ["/", "/rare", OTHER] {
        assert_eq!(whole(&drawn, &[only(Dimension::Route, route)]).count(), 1, "{route}");
    }
    assert_eq!(counts(ask(&drawn, Windows::Whole, &[], Some(&Dimension::Route))), [("/".into(), 0, 1), ("/rare".into(), 0, 1)]);
}

#[test]
fn a_sample_that_came_after_its_strata_were_asked_for_is_left_out() {
    let drawn = draw(&[visit(0, "/", 1_000), visit(1, "/", 9_000)], 1, SLOTS);
    let first = Stratum { app: app(), minute: Minute(0), route: "/".into(), beacons: 1 };
    let drawn = Drawn::new(vec![first], drawn.samples, SLOTS);
    assert_eq!((drawn.beacons(), drawn.samples().len(), whole(&drawn, &[]).count()), (1, 1, 1));
}

fn visits() -> impl Strategy<Value = Vec<Visit>> {
    let one = (0u32..200, prop::sample::select(vec!["/", "/cart", OTHER]), prop::sample::select(vec!["Chrome", "Safari"]), 1u64..5_000_000);
    prop::collection::vec((one, 1usize..60), 1..40).prop_map(|strata| {
        let of_one = |((minute, route, browser, value), beacons): ((u32, &'static str, &'static str, u64), usize)| {
            std::iter::repeat_n(Visit { browser, ..visit(minute, route, value) }, beacons)
        };
        strata.into_iter().flat_map(of_one).collect()
    })
}

proptest! {
    #[test]
    fn counts_add_up_to_the_beacons_of_the_strata(visits in visits(), seed in 0u32..100, slots in 1..=SLOTS) {
        let drawn = draw(&visits, seed, slots);
        if drawn.samples().is_empty() {
            prop_assert!(ask(&drawn, Windows::Whole, &[], None).is_empty());
            return Ok(());
        }
        let total: u64 = ask(&drawn, Windows::Whole, &[], Some(&Dimension::Browser)).iter().map(|row| row.rollup.count()).sum();
        prop_assert!(total.abs_diff(drawn.beacons()) <= 1, "{} of {}", total, drawn.beacons());
        let sampled: std::collections::BTreeSet<_> = drawn.samples().iter().map(|sample| HOURLY.start_of(sample.minute, RANGE)).collect();
        for (_, window, count) in counts(ask(&drawn, HOURLY, &[], None)) {
            let of_window = visits.iter().filter(|visit| HOURLY.start_of(visit.minute, RANGE) == Minute(window)).count() as u64;
            prop_assert!(sampled.contains(&Minute(window)) && count.abs_diff(of_window) <= 1, "{} of {}", count, of_window);
        }
    }

    #[test]
    fn the_order_of_the_samples_moves_a_count_by_one_at_most(visits in visits(), seed in 0u32..100, slots in 1..=SLOTS, turn in 0usize..500) {
        let drawn = draw(&visits, seed, slots);
        let mut samples = drawn.samples.clone();
        samples.reverse();
        let len = samples.len().max(1);
        samples.rotate_left(turn % len);
        let turned = Drawn { samples, strata: drawn.strata.clone(), slots };
        let by_browser = |drawn: &Drawn| -> BTreeMap<(String, u32), u64> {
            let rows = counts(ask(drawn, HOURLY, &[], Some(&Dimension::Browser)));
            rows.into_iter().map(|(value, window, count)| ((value, window), count)).collect()
        };
        let (one, other) = (by_browser(&drawn), by_browser(&turned));
        for row in one.keys().chain(other.keys()) {
            let count = |rows: &BTreeMap<(String, u32), u64>| rows.get(row).copied().unwrap_or_default();
            prop_assert!(count(&one).abs_diff(count(&other)) <= 1, "{:?}: {} and {}", row, count(&one), count(&other));
        }
    }
}
