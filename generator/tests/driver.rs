//! The driver, against an intake that fails, delays, drops connections and dies: the truth stays exact.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod support;

use std::time::Duration;

use generator::{Mode, Options, Progress, Rates, Summary, Traffic, Truth, TruthOptions, run_reporting};
use schemas::time::Timestamp;
use service::{clock::Clock, shutdown::Shutdown};
use support::{
    Intake, assert_same, awkward, counts_of, hours, plain,
    server::{Server, Trouble},
};

fn options(server: &Server, traffic: Traffic, mode: Mode) -> Options {
    let truth_options = TruthOptions::default();
    Options { mode, connections: 8, truth_options, answer_timeout: Duration::from_secs(5), ..Options::new(server.url(), traffic) }
}

async fn run(options: Options) -> Summary {
    run_reporting(options, Shutdown::new(), |_| ()).await.unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_ms(Clock::system().now_ms())
}

/// Traffic with a lot unusual, but nothing that has to wait for its part of the minute.
fn prompt() -> Traffic {
    let traffic = awkward(600.0);
    Traffic { rates: Rates { bare: 0.0, ..traffic.rates }, ..traffic }
}

/// Fails unless the intake counted what is true: exactly what was rolled up, and duplicates and
/// rejections as far as attempts without an answer leave them open.
fn assert_exact(summary: &Summary, intake: &Intake) {
    let account = &summary.truth.account;
    assert_eq!((account.ambiguous, account.surprises), (0, 0), "{summary}");
    assert_eq!((&account.unknown, &summary.gave_up), (&Vec::new(), &None), "{summary}");
    assert_same(&intake.counts, &counts_of(&summary.truth));
    assert_eq!(account.fates.too_late, intake.too_late);
    let duplicate = account.fates.duplicate..=account.fates.duplicate + account.uncertain.duplicate;
    assert!(duplicate.contains(&intake.duplicate), "{} not in {duplicate:?}", intake.duplicate);
    for (reason, &counted) in &intake.rejected {
        let of = |rejected: &std::collections::BTreeMap<schemas::fate::DiscardReason, u64>| {
            rejected.iter().find(|(own, _)| own.name() == *reason).map_or(0, |(_, count)| *count)
        };
        let rejected = of(&account.fates.rejected)..=of(&account.fates.rejected) + of(&account.uncertain.rejected);
        assert!(rejected.contains(&counted), "{reason}: {counted} not in {rejected:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_truth_is_what_the_intake_counted_whatever_goes_wrong_on_the_way() {
    let traffic = prompt();
    let server = Server::start(traffic.lateness_max, |n| match n % 41 {
        3 => Trouble::LostRequest,
        11 => Trouble::LostAnswer,
        19 => Trouble::StoredYetFailed,
        29 => Trouble::Slow,
        _ => Trouble::None,
    });
    let summary = run(options(&server, traffic, Mode::Count { page_views: 2_000 })).await;
    assert_exact(&summary, &server.into_intake());
    let account = &summary.truth.account;
    assert!(summary.lost > 50 && summary.put_off > 20 && account.uncertain.duplicate > 500, "{summary}");
    assert!(account.fates.rolled_up > 20_000 && account.fates.duplicate > 1_000 && account.fates.too_late > 200, "{summary}");
    assert_eq!(summary.page_views, 2_000);
    assert!(summary.answer_p50 < summary.answer_p99 && summary.answer_p99 < Duration::from_secs(5), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_truth_stays_exact_when_the_intake_is_killed_again_and_again() {
    let traffic = prompt();
    let mut server = Server::start(traffic.lateness_max, |_| Trouble::None);
    let history = Mode::History { span: hours(1), until: Some(now().minus(hours(1))) };
    let sending = tokio::spawn(run(options(&server, Traffic { page_views_per_minute: 60.0, ..traffic }, history)));
    for life in 1..=8 {
        server.has_seen(400 * life).await;
        server.kill();
        server.restart();
    }
    let summary = sending.await.unwrap();
    assert!(server.seen() > 3_300, "it ended before the last kill");
    assert_exact(&summary, &server.into_intake());
    assert!(summary.truth.account.acknowledged > 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_lies_in_its_span_and_progress_goes_to_the_end() {
    let traffic = Traffic { weight: 10, ..plain(100.0) };
    let server = Server::start(traffic.lateness_max, |_| Trouble::None);
    let until = now().minus(hours(2));
    let mut shares = Vec::new();
    let report = |progress: &Progress| shares.push(progress.share.unwrap_or_default());
    let history = Mode::History { span: hours(20), until: Some(until) };
    let summary = run_reporting(options(&server, traffic, history), Shutdown::new(), report).await.unwrap();
    assert_exact(&summary, &server.into_intake());
    let range = summary.truth.range().unwrap();
    assert!(range.start.plus(1) >= until.minus(hours(20)).minute() && range.end.start() <= until.minute().end(), "{range:?}");
    assert!(range.len() > 19 * 60);
    assert!(shares.is_sorted() && *shares.last().unwrap() > 0.99, "{shares:?}");
    let page_views = summary.truth.total("page_view", range).count as f64 / (20.0 * 60.0);
    assert!((50.0..180.0).contains(&page_views), "{page_views} a minute");
}

#[tokio::test(flavor = "multi_thread")]
async fn live_traffic_comes_when_it_happens_and_ends_when_told_to() {
    let traffic = prompt();
    let mut server = Server::start(traffic.lateness_max, |_| Trouble::None);
    let (began, shutdown) = (now(), Shutdown::new());
    let live = options(&server, Traffic { page_views_per_minute: 2_400.0, ..traffic }, Mode::Live { from: None, duration: None });
    let asked = shutdown.clone();
    let sending = tokio::spawn(async move { run_reporting(live, asked, |_| ()).await.unwrap() });
    server.has_seen(120).await;
    let took = now().since(began);
    shutdown.begin();
    let summary = sending.await.unwrap();
    assert_exact(&summary, &server.into_intake());
    // Two page views and a half in three are sent within a minute or so, and those of before go on.
    assert!(took > Duration::from_millis(700), "120 beacons within {took:?}");
    let range = summary.truth.range().unwrap();
    assert!(range.end >= began.minute());
}

#[tokio::test(flavor = "multi_thread")]
async fn live_traffic_ends_after_its_duration() {
    let traffic = plain(1_200.0);
    let server = Server::start(traffic.lateness_max, |_| Trouble::None);
    let summary = run(options(&server, traffic, Mode::Live { from: None, duration: Some(Duration::from_secs(2)) })).await;
    assert_exact(&summary, &server.into_intake());
    assert!(summary.elapsed < Duration::from_secs(10), "{summary}");
    assert!(summary.truth.account.acknowledged > 5, "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn live_traffic_that_begins_where_a_history_ended_leaves_no_gap() {
    let traffic = prompt();
    let server = Server::start(traffic.lateness_max, |_| Trouble::None);
    let seam = now().minus(Duration::from_secs(600));
    let history = run(options(&server, traffic.clone(), Mode::History { span: Duration::from_secs(900), until: Some(seam) })).await;
    let live = run(options(&server, traffic, Mode::Live { from: Some(seam), duration: Some(Duration::from_secs(1)) })).await;
    let mut minutes = counts_of(&history.truth);
    for (key, more) in counts_of(&live.truth) {
        let count = minutes.entry(key).or_default();
        *count = (count.0 + more.0, count.1 + more.1, count.2 + more.2);
    }
    assert_same(&server.into_intake().counts, &minutes);
    let page_views = |minute: i64| {
        let at = Timestamp::from_ms(seam.as_ms() + minute * 60_000).minute();
        minutes.get(&("page_view".to_owned(), at, "", String::new())).map_or(0, |count| count.0)
    };
    // Six hundred a minute on average over the week; no minute near the seam has much less than those around it.
    let around = (page_views(-8) + page_views(-7) + page_views(-6)) / 3;
    for minute in -5..=3 {
        assert!(page_views(minute) > around * 3 / 5, "{minute} minutes after: {} of {around}", page_views(minute));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_web_vitals_count_when_they_are_received_even_if_an_answer_is_lost() {
    let traffic = awkward(600.0);
    let traffic = Traffic { rates: Rates { bare: 1.0, ..Rates::NONE }, ..traffic };
    let server = Server::start(traffic.lateness_max, |n| if n % 17 == 5 { Trouble::LostAnswer } else { Trouble::None });
    let summary = run(options(&server, traffic, Mode::Count { page_views: 300 })).await;
    assert_exact(&summary, &server.into_intake());
    assert!(summary.truth.account.acknowledged > 250 && summary.lost > 10, "{summary}");
    let metrics: Vec<_> = summary.truth.metrics().into_iter().map(|(metric, _)| metric).collect();
    assert_eq!(metrics, ["CLS", "FCP", "INP", "LCP", "TTFB"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intake_that_asks_for_a_pause_gets_it() {
    let traffic = plain(600.0);
    let server = Server::start(traffic.lateness_max, |n| if n < 5 { Trouble::PutOff } else { Trouble::None });
    let summary = run(options(&server, traffic, Mode::Count { page_views: 200 })).await;
    assert_exact(&summary, &server.into_intake());
    assert_eq!(summary.put_off, 5);
    assert!(summary.elapsed >= Duration::from_secs(1), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_intake_the_run_ends_after_the_time_set_and_nothing_is_unknown() {
    let traffic = plain(600.0);
    let mut server = Server::start(traffic.lateness_max, |_| Trouble::None);
    server.kill();
    let give_up_after = Duration::from_millis(300);
    let summary = run(Options { give_up_after, ..options(&server, traffic, Mode::Count { page_views: 50 }) }).await;
    let why = summary.gave_up.as_ref().unwrap();
    assert!(why.contains("took nothing for 300ms") && why.contains("refused"), "{why}");
    let account = &summary.truth.account;
    assert_eq!((account.acknowledged, account.unknown.len(), summary.attempts), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn beacons_that_were_taken_but_never_acknowledged_are_listed() {
    let traffic = plain(600.0);
    let server = Server::start(traffic.lateness_max, |_| Trouble::StoredYetFailed);
    let give_up_after = Duration::from_millis(300);
    let summary = run(Options { give_up_after, ..options(&server, traffic, Mode::Count { page_views: 50 }) }).await;
    let intake = server.into_intake();
    let account = &summary.truth.account;
    assert!(summary.gave_up.as_ref().unwrap().contains("status 500"));
    assert_eq!((account.acknowledged, account.unknown.len()), (0, 8), "{summary}");
    assert!(intake.samples("page_view") > 0 && summary.truth.range().is_none());
    assert!(account.uncertain.duplicate > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_must_not_be_are_told() {
    let traffic = plain(600.0);
    let server = Server::start(traffic.lateness_max, |n| match n {
        7 => Trouble::Wrong,
        9 => Trouble::Refused,
        _ => Trouble::None,
    });
    let summary = run(options(&server, traffic, Mode::Count { page_views: 50 })).await;
    let account = &summary.truth.account;
    assert_eq!(account.surprises, 2, "{summary}");
    let told = account.surprising.join("\n");
    assert!(told.contains("events accepted, not") && told.contains("beacon: status 400, not one of [202]"), "{told}");
    assert_eq!(account.refused.len(), 1);
    assert!(summary.to_string().contains("2 answers that must not be"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_truth_is_written_to_the_file_asked_for() {
    let traffic = prompt();
    let server = Server::start(traffic.lateness_max, |_| Trouble::None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.jsonl");
    let mode = Mode::Count { page_views: 100 };
    let summary = run(Options { truth: Some(path.clone()), ..options(&server, traffic, mode) }).await;
    let read = Truth::load(&path).unwrap();
    assert_eq!((&read.account, read.rows()), (&summary.truth.account, summary.truth.rows()));
    assert!(!read.rows().is_empty());
}
