//! The shape of the traffic, measured from the truth: cycles, modes, browsers, releases and incidents.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod support;

use std::{collections::BTreeMap, time::Duration};

use generator::{Scenario, Stream, Traffic, Truth, TruthOptions};
use schemas::{
    cuboid::Cuboid,
    time::{Minute, MinuteRange, Timestamp},
};
use support::{hours, plain, tuesday};

const ALWAYS: MinuteRange = MinuteRange::new(Minute(0), Minute(u32::MAX));

fn by(dimensions: &str) -> Cuboid {
    dimensions.parse().unwrap()
}

/// The truth of all page views within `length` of Tuesday, counted by the sets of dimensions named.
fn truth(traffic: Traffic, length: Duration, sets: &[&str]) -> Truth {
    truth_from(Duration::ZERO, traffic, length, sets)
}

/// The same of the page views that start `from` later.
fn truth_from(from: Duration, traffic: Traffic, length: Duration, sets: &[&str]) -> Truth {
    let options = TruthOptions { by: [""].iter().chain(sets).map(|set| by(set)).collect(), values: true };
    let mut truth = Truth::new(traffic.app.clone(), &options);
    // Relative times of the scenario count from Tuesday.
    let start = tuesday().plus(from);
    for delivery in Stream::new(traffic, start..start.plus(length), tuesday()).unwrap() {
        truth.acknowledge(&delivery, delivery.made_at);
    }
    truth
}

fn within(from: Duration, to: Duration) -> MinuteRange {
    MinuteRange::covering(tuesday().plus(from), tuesday().plus(to))
}

fn log_mean(recorded: &[u64]) -> f64 {
    recorded.iter().map(|value| (*value.max(&1) as f64).ln()).sum::<f64>() / recorded.len() as f64
}

#[test]
fn volume_is_as_asked_over_a_week_and_follows_the_day_and_the_weekend() {
    let day = 24;
    let truth = truth(plain(30.0), hours(7 * day), &["country"]);
    let count = |from, to| truth.total("page_view", within(hours(from), hours(to))).count as f64;
    let mean = count(0, 7 * day) / (7.0 * 24.0 * 60.0);
    assert!((mean / 30.0 - 1.0).abs() < 0.03, "{mean} a minute");
    // Germany's clock is an hour ahead: its evening is 18 to 21 h UTC, its night 1 to 4 h.
    let german = |range| truth.groups(&by("country"), "page_view", range)[&vec!["DE"]].count as f64;
    let (evening, night) = (german(within(hours(18), hours(21))), german(within(hours(1), hours(4))));
    assert!(evening > 5.0 * night, "{evening} {night}");
    // Tuesday is the first day, Saturday the fifth.
    assert!(count(4 * day, 5 * day) > 1.1 * count(0, day));
    let countries = truth.groups(&by("country"), "page_view", ALWAYS);
    let mut shares: Vec<_> = countries.iter().map(|(country, tally)| (tally.count, country[0])).collect();
    shares.sort_unstable();
    assert_eq!(shares.len(), 14);
    assert_eq!(shares.last().unwrap().1, "US");
}

#[test]
fn latency_follows_the_day_mildly_and_not_at_all_without_cycles() {
    // Brazil alone, so that the mix of countries doesn't change; its evening is 21 to 24 h UTC, its night 5 to 8 h.
    let ratio = |cycles| {
        let waiting = |from| {
            let truth = truth_from(hours(from), Traffic { cycles, ..plain(800.0) }, hours(3), &["country"]);
            log_mean(&truth.groups(&by("country"), "navigation.request", ALWAYS)[&vec!["BR"]].recorded)
        };
        (waiting(21) - waiting(5)).exp()
    };
    let (with, without) = (ratio(true), ratio(false));
    assert!((1.03..1.25).contains(&with), "{with}");
    assert!((0.96..1.03).contains(&without), "{without}");
}

#[test]
fn the_phases_before_the_first_byte_add_up_to_it_in_every_slice() {
    let truth = truth(plain(200.0), hours(2), &["route,device,country"]);
    let of = |metric: &str| truth.groups(&by("route,device,country"), metric, ALWAYS);
    let phases = ["redirect", "dns", "connect", "tls", "request"].map(|phase| of(&format!("navigation.{phase}")));
    for (group, ttfb) in of("TTFB") {
        let sum: u64 = phases.iter().filter_map(|phase| phase.get(&group)).map(|tally| tally.sum).sum();
        assert_eq!(sum, ttfb.sum, "{group:?}");
    }
    let mark = |metric: &str| truth.total(metric, ALWAYS).recorded;
    let (interactive, loaded) = (mark("navigation.dom_interactive"), mark("navigation.load"));
    assert!(log_mean(&interactive) < log_mean(&loaded));
}

#[test]
fn the_largest_paint_has_more_than_one_mode_and_phones_are_slower() {
    let truth = truth(plain(800.0), hours(3), &["route,device,country"]);
    let product = |device: &str| {
        let groups = truth.groups(&by("route,device,country"), "LCP", ALWAYS);
        groups
            .get(&vec!["/product/:id", "US", device])
            .or_else(|| groups.get(&vec!["/product/:id", device, "US"]))
            .unwrap()
            .recorded
            .clone()
    };
    let (desktop, mobile) = (product("desktop"), product("mobile"));
    assert!(log_mean(&mobile) - log_mean(&desktop) > 0.2);
    // Counted in bins of a sixth of a doubling: a valley at least a fifth lower than the hills beside it.
    let mut bins = BTreeMap::<i64, usize>::new();
    desktop.iter().for_each(|value| *bins.entry(((*value as f64).log2() * 4.0) as i64).or_default() += 1);
    let heights: Vec<_> = bins.values().copied().collect();
    let is_valley = |i: usize| {
        let hill = |side: &[usize]| side.iter().copied().max().unwrap_or(0) as f64;
        let height = heights[i] as f64;
        height < 0.8 * hill(&heights[..i]) && height < 0.8 * hill(&heights[i + 1..])
    };
    assert!((0..heights.len()).any(is_valley), "{bins:?}");
}

#[test]
fn browsers_leave_out_the_metrics_that_they_do_not_have() {
    let truth = truth(plain(400.0), hours(2), &["browser"]);
    let of = |metric: &str, browser: &str| truth.groups(&by("browser"), metric, ALWAYS).get(&vec![browser]).map_or(0, |tally| tally.count);
    let share = |metric: &str, browser: &str| of(metric, browser) as f64 / of("page_view", browser) as f64;
    assert_eq!((of("CLS", "Safari"), of("CLS", "Firefox")), (0, 0));
    assert_eq!(share("CLS", "Edge"), 1.0);
    let safari = share("LCP", "Safari");
    assert!(safari > 0.9 && safari < 1.0, "{safari}");
    assert!((0.4..0.9).contains(&share("INP", "Chrome")), "{}", share("INP", "Chrome"));
    let cls = &truth.total("CLS", ALWAYS).recorded;
    let zeros = cls.iter().filter(|value| **value == 0).count() as f64 / cls.len() as f64;
    let poor = cls.iter().filter(|value| **value > 2_500).count() as f64 / cls.len() as f64;
    assert!((0.35..0.55).contains(&zeros) && (0.005..0.1).contains(&poor), "{zeros} {poor}");
}

#[test]
fn errors_and_answers_are_as_frequent_as_their_pages_say() {
    let truth = truth(plain(800.0), hours(3), &["route"]);
    let of = |metric: &str, route: &str| truth.groups(&by("route"), metric, ALWAYS).get(&vec![route]).map_or(0, |tally| tally.count) as f64;
    let errors = of("error", "/search") / of("page_view", "/search");
    assert!((0.008..0.012).contains(&errors), "{errors}");
    let answers = of("ttft", "/assistant") / of("page_view", "/assistant");
    assert!((1.7..1.9).contains(&answers), "{answers}");
    assert_eq!(of("ttft", "/"), 0.0);
}

#[test]
fn a_release_reaches_everybody_within_its_rollout() {
    // One comes on that Tuesday at 10:00 UTC.
    let truth = truth(plain(120.0), hours(14), &["release"]);
    let share = |from: f64, to: f64| {
        let at = |hours: f64| Duration::from_secs_f64(3_600.0 * hours);
        let groups = truth.groups(&by("release"), "page_view", within(at(from), at(to)));
        let all: u64 = groups.values().map(|tally| tally.count).sum();
        let newest = groups.iter().max_by_key(|(release, _)| release[0].split('.').nth(1).unwrap().parse::<u32>().unwrap()).unwrap();
        (newest.0[0].to_owned(), newest.1.count as f64 / all as f64, groups.len())
    };
    let before = share(8.0, 9.9);
    assert_eq!((before.1, before.2), (1.0, 1));
    let (release, during, _) = share(10.0, 11.0);
    assert_ne!(release, before.0);
    assert!((0.4..0.6).contains(&during), "{during}");
    let after = share(11.2, 13.0);
    assert_eq!((after.0, after.1), (release, 1.0));
}

const INCIDENT: &str = r#"
    [[incidents]]
    name = "slow checkout in Safari"
    start = "+60m"
    duration = "40m"
    slice = { route = ["/checkout"], browser = ["Safari"] }
    latency = { LCP = 2.5, INP = 3.0 }
    errors = 8.0
"#;

fn with(scenario: &str, page_views: f64) -> Truth {
    let scenario: Scenario = scenario.parse().unwrap();
    truth(Traffic { scenario, ..plain(page_views) }, hours(2), &["route,browser", "release"])
}

/// The sum of a metric on `/checkout`, in Safari or in others, during the incident and around it.
fn sums(truth: &Truth, metric: &str) -> [u64; 4] {
    let minutes = |from: u64, to: u64| within(Duration::from_secs(60 * from), Duration::from_secs(60 * to));
    let sum = |range, hit: bool| {
        let groups = truth.groups(&by("route,browser"), metric, range);
        let is_hit = |group: &[&str]| group[0] == "/checkout" && group[1].contains("Safari");
        groups.iter().filter(|(group, _)| is_hit(group) == hit).map(|(_, tally)| tally.sum).sum::<u64>()
    };
    // What starts in the first minute may count in the one before, what starts in the last some minutes later.
    let around = |hit| sum(ALWAYS, hit) - sum(minutes(59, 115), hit);
    [sum(minutes(62, 98), true), sum(minutes(62, 98), false), around(true), around(false)]
}

#[test]
fn an_incident_multiplies_what_it_says_for_its_slice_and_its_time_and_changes_nothing_else() {
    let (calm, hit) = (with("", 1_500.0), with(INCIDENT, 1_500.0));
    for (metric, factor) in [("LCP", 2.5), ("INP", 3.0), ("TTFB", 1.0), ("FCP", 1.0), ("CLS", 1.0), ("page_view", 1.0)] {
        let ([slice, others, slice_around, others_around], was) = (sums(&hit, metric), sums(&calm, metric));
        let ratio = slice as f64 / was[0].max(1) as f64;
        // At both edges, what takes longer is measured later.
        assert!((ratio / factor - 1.0).abs() < 0.03 || was[0] == 0, "{metric}: {ratio}");
        assert_eq!((others, slice_around, others_around), (was[1], was[2], was[3]), "{metric}");
    }
    let ([slice, others, ..], was) = (sums(&hit, "error"), sums(&calm, "error"));
    assert!(slice > 4 * was[0] && slice < 14 * was[0].max(1), "{slice} {}", was[0]);
    assert_eq!(others, was[1]);
}

#[test]
fn an_incident_may_hit_a_share_of_its_slice() {
    let all = INCIDENT.replace("errors = 8.0", "");
    let lcp = |scenario: &str| sums(&with(scenario, 1_500.0), "LCP")[0] as f64;
    let (calm, whole, half) = (lcp(""), lcp(&all), lcp(&format!("{all}\nshare = 0.5")));
    let excess = (half - calm) / (whole - calm);
    assert!((0.35..0.65).contains(&excess), "{excess}");
}

#[test]
fn an_incident_of_a_release_hits_only_those_who_have_it_and_ends_with_a_rollback() {
    let scenario = format!("{INCIDENT}\nrelease = \"9.9.9\"\nrollout = \"20m\"");
    let (calm, hit) = (with("", 1_500.0), with(&scenario, 1_500.0));
    let share = |from: u64, to: u64| {
        let groups = hit.groups(&by("release"), "page_view", within(Duration::from_secs(60 * from), Duration::from_secs(60 * to)));
        let all: u64 = groups.values().map(|tally| tally.count).sum();
        groups.get(&vec!["9.9.9"]).map_or(0.0, |tally| tally.count as f64 / all as f64)
    };
    assert_eq!((share(0, 59), share(101, 119)), (0.0, 0.0));
    assert!((0.4..0.6).contains(&share(60, 80)), "{}", share(60, 80));
    assert!(share(82, 98) > 0.99, "{}", share(82, 98));
    let ratio = sums(&hit, "LCP")[0] as f64 / sums(&calm, "LCP")[0] as f64;
    // Half of the first 20 minutes, all of the other 20.
    assert!((1.9..2.4).contains(&ratio), "{ratio}");
}

#[test]
fn relative_times_count_from_the_runs_present() {
    let scenario: Scenario = INCIDENT.replace("+60m", "-60m").parse().unwrap();
    let present: Timestamp = tuesday().plus(hours(2));
    let traffic = Traffic { scenario, ..plain(300.0) };
    let slow = |traffic: Traffic| {
        let span = tuesday()..tuesday().plus(hours(2));
        let mut truth = Truth::new(traffic.app.clone(), &TruthOptions { by: vec![by("route,browser")], values: false });
        Stream::new(traffic, span, present).unwrap().for_each(|delivery| truth.acknowledge(&delivery, delivery.made_at));
        sums(&truth, "LCP")[0]
    };
    assert!(slow(traffic.clone()) > 2 * slow(Traffic { scenario: Scenario::default(), ..traffic }));
}
