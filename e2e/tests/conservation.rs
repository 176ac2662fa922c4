//! Conservation: every acknowledged event is counted exactly once, whatever happens on the way.

use std::time::Duration;

use e2e::{
    api::Api,
    conservation::assert_conserved,
    server::Server,
    traffic::{Run, awkward, options},
};
use generator::{Mode, Rates, Summary, Traffic};
use rand::RngExt as _;
use service::shutdown::Shutdown;

/// How often the process is killed.
const KILLS: u32 = 40;

/// Everything is small, so that a short run has many flushes, merges, segments and their crashes.
const SMALL: &str = r#"
[log.embedded]
segment_bytes = 2_000_000
[aggregator]
flush_interval = "20ms"
[store.embedded]
fresh_rows_max = 5_000
"#;

/// Stops the server, so that all is folded, and compares what it says after a start with what is true.
async fn assert_conserved_after_a_restart(server: &mut Server, summary: &Summary) -> usize {
    assert_eq!(summary.gave_up, None, "{summary}");
    server.stop().await;
    server.restart().await;
    assert_conserved(&Api::of(server), &summary.truth).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_counts_what_was_acknowledged_with_late_repeated_invalid_and_hostile_beacons() {
    let mut server = Server::start("").await;
    let traffic = options(server.url(), awkward(1_200.0), Mode::Count { page_views: 6_000 });
    let summary = generator::run(traffic, Shutdown::new()).await.unwrap();
    let fates = &summary.truth.account.fates;
    assert!(fates.rolled_up > 30_000 && fates.too_late > 500 && fates.duplicate > 2_000 && fates.rejected() > 1_000, "{fates:#?}");
    let compared = assert_conserved_after_a_restart(&mut server, &summary).await;
    assert!(compared > 10_000, "{compared} counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_count_as_many_values_and_as_one_sample() {
    let mut server = Server::start("").await;
    let traffic = Traffic { weight: 25, ..awkward(25.0 * 600.0) };
    let summary = generator::run(options(server.url(), traffic, Mode::Count { page_views: 1_000 }), Shutdown::new()).await.unwrap();
    assert!(assert_conserved_after_a_restart(&mut server, &summary).await > 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_counted_twice_when_the_process_is_killed_again_and_again() {
    let mut server = Server::start(SMALL).await;
    // More than can be sent in all the lives of the process; the run is stopped after the last kill.
    let history = Mode::History { span: Duration::from_secs(40 * 3_600), until: None };
    let traffic = options(server.url(), Traffic { rates: Rates { hostile: 0.005, ..awkward(1.0).rates }, ..awkward(6_000.0) }, history);
    let run = Run::start(traffic);
    for _ in 0..KILLS {
        let life = Duration::from_millis(rand::rng().random_range(50..500));
        server.kill_after(life).await;
        server.restart().await;
    }
    let summary = run.end().await;
    assert!(summary.lost > u64::from(KILLS), "hardly a request was under way when the process was killed: {summary}");
    let fates = &summary.truth.account.fates;
    assert!(fates.rolled_up > 20_000 && fates.too_late > 100 && fates.duplicate > 500, "{summary}");
    let compared = assert_conserved_after_a_restart(&mut server, &summary).await;
    assert!(compared > 1_000, "{compared} counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_asked_to_stop_answers_what_it_took_and_counts_it() {
    let mut server = Server::start("").await;
    let history = Mode::History { span: Duration::from_secs(40 * 3_600), until: None };
    let traffic = options(server.url(), Traffic { rates: Rates::NONE, ..awkward(6_000.0) }, history);
    let mut run = Run::start(traffic);
    for _ in 0..3 {
        run.answered(200).await;
        server.stop().await;
        server.restart().await;
    }
    let summary = run.end().await;
    assert_conserved_after_a_restart(&mut server, &summary).await;
    // A request without an answer was not stored: no beacon that was sent again for want of one came twice.
    let outcomes = Api::of(&server).get("outcomes", &[("from", "now-24h")]).await;
    assert_eq!(outcomes["duplicate"], 0, "{summary}");
    server.stop().await;
}
