//! The generator's traffic on its way to a server that a test kills meanwhile.

use generator::{Mode, Options, Progress, Rates, Summary, Traffic, TruthOptions, run_reporting};
use schemas::app::AppId;
use service::shutdown::Shutdown;
use tokio::{sync::watch, task::JoinHandle};

use crate::server::{APP, KEY};

/// Traffic on its way.
#[derive(Debug)]
pub struct Run {
    sending: JoinHandle<Summary>,
    progress: watch::Receiver<Option<Progress>>,
    stop: Shutdown,
}

impl Run {
    /// Begins to send.
    pub fn start(options: Options) -> Self {
        let (reported, progress) = watch::channel(None);
        let report = move |progress: &Progress| _ = reported.send(Some(progress.clone()));
        let stop = Shutdown::new();
        let told = stop.clone();
        Self { sending: tokio::spawn(async move { run_reporting(options, told, report).await.unwrap() }), progress, stop }
    }

    /// How many requests are answered.
    pub fn done(&self) -> u64 {
        self.progress.borrow().as_ref().map_or(0, |progress| progress.done)
    }

    /// Waits until `more` requests than now are answered.
    pub async fn answered(&mut self, more: u64) {
        let before = self.done();
        self.progress.wait_for(|progress| progress.as_ref().map_or(0, |progress| progress.done) > before + more).await.unwrap();
    }

    /// Ends it once every request that was sent has an answer: before, it could not be said what must be counted.
    pub async fn end(mut self) -> Summary {
        self.answered(0).await;
        self.progress.wait_for(|progress| progress.as_ref().is_some_and(|progress| progress.retrying == 0)).await.unwrap();
        assert!(!self.sending.is_finished(), "all was sent before the test was over");
        self.stop.begin();
        self.sending.await.unwrap()
    }
}

/// Traffic with a lot of what clients should not do.
pub fn awkward(page_views_per_minute: f64) -> Traffic {
    let rates = Rates { late: 0.1, too_late: 0.03, repeated: 0.1, bots: 0.05, hostile: 0.05, bare: 0.05 };
    Traffic { page_views_per_minute, rates, ..Traffic::new(AppId::new(APP).unwrap(), KEY) }
}

/// A run to `url` that knows by which dimensions everything must be counted.
pub fn options(url: String, traffic: Traffic, mode: Mode) -> Options {
    Options { mode, connections: 16, truth_options: TruthOptions::default(), ..Options::new(url, traffic) }
}
