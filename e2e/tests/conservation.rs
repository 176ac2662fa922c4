//! Conservation: every acknowledged event is counted exactly once, whatever happens on the way.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use e2e::{
    api::Api,
    conservation::assert_conserved,
    server::{APP, KEY, Server},
};
use generator::{Mode, Options, Progress, Rates, Summary, Traffic, TruthOptions, run_reporting};
use rand::RngExt as _;
use schemas::app::AppId;
use service::shutdown::Shutdown;
use tokio::{sync::watch, task::JoinHandle};

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

/// Traffic with a lot of what clients should not do.
fn awkward(page_views_per_minute: f64) -> Traffic {
    let rates = Rates { late: 0.1, too_late: 0.03, repeated: 0.1, bots: 0.05, hostile: 0.05, bare: 0.05 };
    Traffic { page_views_per_minute, rates, ..Traffic::new(AppId::new(APP).unwrap(), KEY) }
}

fn options(server: &Server, traffic: Traffic, mode: Mode) -> Options {
    Options { mode, connections: 16, truth_options: TruthOptions::default(), ..Options::new(server.url(), traffic) }
}

/// Traffic on its way.
struct Run {
    sending: JoinHandle<Summary>,
    progress: watch::Receiver<Option<Progress>>,
    stop: Shutdown,
}

impl Run {
    fn start(options: Options) -> Self {
        let (reported, progress) = watch::channel(None);
        let report = move |progress: &Progress| _ = reported.send(Some(progress.clone()));
        let stop = Shutdown::new();
        let told = stop.clone();
        Self { sending: tokio::spawn(async move { run_reporting(options, told, report).await.unwrap() }), progress, stop }
    }

    /// Waits until `more` requests than now are answered.
    async fn answered(&mut self, more: u64) {
        let done = |progress: &Option<Progress>| progress.as_ref().map_or(0, |progress| progress.done);
        let before = done(&self.progress.borrow());
        self.progress.wait_for(|progress| done(progress) > before + more).await.unwrap();
    }

    /// Ends it once every request that was sent has an answer: before, it could not be said what must be counted.
    async fn end(mut self) -> Summary {
        self.answered(0).await;
        self.progress.wait_for(|progress| progress.as_ref().is_some_and(|progress| progress.retrying == 0)).await.unwrap();
        assert!(!self.sending.is_finished(), "all was sent before the test was over");
        self.stop.begin();
        self.sending.await.unwrap()
    }
}

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
    let traffic = options(&server, awkward(1_200.0), Mode::Count { page_views: 6_000 });
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
    let summary = generator::run(options(&server, traffic, Mode::Count { page_views: 1_000 }), Shutdown::new()).await.unwrap();
    assert!(assert_conserved_after_a_restart(&mut server, &summary).await > 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_counted_twice_when_the_process_is_killed_again_and_again() {
    let mut server = Server::start(SMALL).await;
    // More than can be sent in all the lives of the process; the run is stopped after the last kill.
    let history = Mode::History { span: Duration::from_secs(40 * 3_600), until: None };
    let traffic = options(&server, Traffic { rates: Rates { hostile: 0.005, ..awkward(1.0).rates }, ..awkward(6_000.0) }, history);
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
    let traffic = options(&server, Traffic { rates: Rates::NONE, ..awkward(6_000.0) }, history);
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
