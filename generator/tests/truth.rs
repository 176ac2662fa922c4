//! The truth: what an intake written from the contract alone counts, to the last digit.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod support;

use std::collections::BTreeMap;

use generator::{Delivery, Kind, Stream, Traffic, Truth, TruthOptions, delivery::fate::Fate};
use schemas::{cuboid::Cuboid, time::Minute, time::MinuteRange, unit::Unit};
use support::{Intake, assert_same, awkward, counts_of, deliveries, headers, hours, plain, tuesday};

/// Every minute there is.
const ALWAYS: MinuteRange = MinuteRange::new(Minute(0), Minute(u32::MAX));

/// Sends all of `stream` to an intake, each `way_ms(delivery)` under way, and keeps the truth.
fn simulate(stream: Stream, traffic: &Traffic, options: &TruthOptions, way_ms: impl Fn(&Delivery) -> u64) -> (Intake, Truth) {
    let mut intake = Intake::default();
    let mut truth = Truth::new(traffic.app.clone(), options);
    for delivery in stream {
        let received = delivery.at.plus(std::time::Duration::from_millis(way_ms(&delivery)));
        let body = delivery.body(delivery.made_at);
        let answer = intake.take(delivery.query().as_deref(), &headers(&delivery), &body, received, traffic.lateness_max);
        let status = answer.as_ref().map_or_else(|status| *status, |_| 202);
        assert!(delivery.statuses().contains(&status), "{}: {status}", delivery.kind.name());
        match answer {
            Ok((accepted, reasons)) => {
                let fates = delivery.fates(delivery.made_at);
                let rejected: Vec<_> =
                    fates.iter().filter_map(|fate| if let Fate::Rejected(reason) = fate { Some(reason.name()) } else { None }).collect();
                assert_eq!((accepted as usize, &reasons), (fates.len() - rejected.len(), &rejected), "{}", delivery.kind.name());
                truth.acknowledge(&delivery, delivery.made_at);
            }
            Err(status) => truth.refuse(&delivery, status),
        }
    }
    (intake, truth)
}

#[test]
fn an_intake_written_from_the_contract_counts_what_the_truth_says_whatever_the_way_takes() {
    let traffic = Traffic { weight: 7, ..awkward(800.0) };
    // Up to 19 seconds, but nothing to speak of where the minute is that of the arrival.
    let way = |delivery: &Delivery| if delivery.kind == Kind::Bare { delivery.number % 900 } else { (delivery.number * 7_919) % 19_000 };
    let (intake, truth) = simulate(deliveries(traffic.clone(), hours(1)), &traffic, &TruthOptions::default(), way);
    assert_same(&intake.counts, &counts_of(&truth));
    assert_eq!(truth.account.beacons, intake.beacons);
    let fates = &truth.account.fates;
    assert_eq!((fates.too_late, fates.duplicate), (intake.too_late, intake.duplicate));
    let rejected: BTreeMap<_, _> = fates.rejected.iter().map(|(reason, count)| (reason.name(), *count)).collect();
    assert_eq!(rejected, intake.rejected);
    // Every fate there is has been met.
    assert!(fates.rolled_up > 50_000 && fates.too_late > 500 && fates.duplicate > 1_000, "{fates:?}");
    assert_eq!(rejected.len(), schemas::fate::DiscardReason::ALL.len(), "{rejected:?}");
    assert!(truth.account.refused.iter().any(|refusal| refusal.kind == "too_large" && refusal.status == 413));
}

#[test]
fn a_way_of_more_than_twenty_seconds_would_be_noticed() {
    let traffic = plain(50.0);
    let (intake, truth) = simulate(deliveries(traffic.clone(), hours(1)), &traffic, &TruthOptions::default(), |_| 45_000);
    assert_ne!(intake.counts, counts_of(&truth));
    let delivery = deliveries(traffic, hours(1)).next().unwrap();
    let after = |seconds| delivery.is_certain(delivery.at, delivery.at.plus(std::time::Duration::from_secs(seconds)));
    assert!(after(19) && !after(45));
}

#[test]
fn the_sum_over_any_dimension_is_the_total() {
    let mut traffic = Traffic { weight: 3, ..awkward(600.0) };
    // These have no weight.
    traffic.rates.bare = 0.0;
    let (_, truth) = simulate(deliveries(traffic.clone(), hours(1)), &traffic, &TruthOptions::default(), |_| 0);
    assert_eq!(truth.cuboids().len(), 12);
    for (metric, _) in truth.metrics() {
        let total = truth.total(metric, ALWAYS);
        assert!(total.samples > 0 && total.count == 3 * total.samples, "{metric}: {total:?}");
        for cuboid in truth.cuboids() {
            let groups = truth.groups(cuboid, metric, ALWAYS);
            let sum = groups.values().fold((0, 0, 0), |sum, tally| (sum.0 + tally.samples, sum.1 + tally.count, sum.2 + tally.sum));
            assert_eq!(sum, (total.samples, total.count, total.sum), "{metric} by {cuboid}");
        }
    }
    let rolled_up: u64 = truth.metrics().iter().map(|(metric, _)| truth.total(metric, ALWAYS).samples).sum();
    assert_eq!(rolled_up, truth.account.fates.rolled_up);
}

#[test]
fn values_are_kept_when_asked_for_and_give_exact_quantiles() {
    let traffic = plain(100.0);
    let options = TruthOptions { by: vec![Cuboid::default(), "device".parse().unwrap()], values: true };
    let (_, truth) = simulate(deliveries(traffic.clone(), hours(1)), &traffic, &options, |_| 0);
    let mobile = &truth.groups(&"device".parse().unwrap(), "LCP", ALWAYS)[&vec!["mobile"]];
    let mut recorded = mobile.recorded.clone();
    recorded.sort_unstable();
    assert_eq!((recorded.len() as u64, recorded.iter().sum::<u64>()), (mobile.samples, mobile.sum));
    let p75 = mobile.quantile(0.75).unwrap();
    let within = recorded.iter().filter(|value| **value <= p75).count() as f64 / recorded.len() as f64;
    assert!((0.75..0.76).contains(&within), "{within}");
    assert_eq!((mobile.quantile(0.0), mobile.quantile(1.0)), (recorded.first().copied(), recorded.last().copied()));
    let mean = mobile.mean(Unit::Duration).unwrap();
    assert!((200.0..20_000.0).contains(&mean), "{mean} ms");
}

#[test]
fn a_truth_is_read_back_from_its_file_as_it_was_written() {
    let traffic = awkward(300.0);
    let options = TruthOptions { values: true, ..TruthOptions::default() };
    let (_, mut truth) = simulate(deliveries(traffic.clone(), hours(1)), &traffic, &options, |_| 0);
    truth.account.unknown.push("b-1".into());
    let folder = tempfile::tempdir().unwrap();
    let (path, again) = (folder.path().join("truth.jsonl"), folder.path().join("again.jsonl"));
    truth.save(&path).unwrap();
    let read = Truth::load(&path).unwrap();
    assert_eq!((&read.account, read.rows()), (&truth.account, truth.rows()));
    assert_eq!(read.range(), truth.range());
    read.save(&again).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap());

    std::fs::write(&again, "").unwrap();
    assert_eq!(Truth::load(&again).unwrap_err().to_string(), "the file is empty");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&again, text.replacen("\"icarus_truth\":1", "\"icarus_truth\":9", 1)).unwrap();
    assert!(Truth::load(&again).unwrap_err().to_string().contains("version 9"));
    std::fs::write(&again, format!("{}\nnonsense\n", text.lines().next().unwrap())).unwrap();
    assert!(Truth::load(&again).unwrap_err().to_string().starts_with("line 2"));
}

#[test]
fn thinned_traffic_stands_for_as_many_page_views() {
    let count = |weight| {
        let traffic = Traffic { weight, ..plain(2_000.0) };
        let mut truth = Truth::new(traffic.app.clone(), &TruthOptions { by: vec![Cuboid::default()], values: false });
        deliveries(traffic, hours(4)).for_each(|delivery| truth.acknowledge(&delivery, delivery.made_at));
        truth.total("page_view", ALWAYS)
    };
    let (all, tenth) = (count(1), count(10));
    assert_eq!((all.count, tenth.count), (all.samples, 10 * tenth.samples));
    let ratio = tenth.count as f64 / all.count as f64;
    assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
}

#[test]
fn minutes_of_a_group_add_up_to_it() {
    let traffic = plain(100.0);
    let (_, truth) = simulate(deliveries(traffic.clone(), hours(1)), &traffic, &TruthOptions::default(), |_| 0);
    let by: Cuboid = "route".parse().unwrap();
    let minutes = truth.minutes(&by, &["/checkout"], "page_view");
    let sum: u64 = minutes.values().map(|tally| tally.count).sum();
    assert_eq!(sum, truth.groups(&by, "page_view", ALWAYS)[&vec!["/checkout"]].count);
    assert!(minutes.len() > 20 && minutes.keys().all(|minute| tuesday().minute() <= minute.plus(1)));
    assert!(truth.minutes(&by, &["/nowhere"], "page_view").is_empty());
    assert_eq!(truth.groups(&"region".parse().unwrap(), "page_view", ALWAYS).len(), 0);
}
