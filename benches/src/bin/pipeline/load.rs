//! The generator's traffic.

use std::error::Error;

use generator::{Mode, Options, Progress, Rates, Summary, Traffic, run_reporting};
use schemas::app::AppId;
use service::shutdown::Shutdown;
use tokio::{sync::watch, task::JoinHandle};

/// Connections to the intake, each with one request at a time.
const CONNECTIONS: usize = 64;

/// Traffic on its way.
pub(crate) struct Load {
    sending: JoinHandle<Result<Summary, String>>,
    progress: watch::Receiver<Option<Progress>>,
    stop: Shutdown,
}

impl Load {
    /// Begins to send to `url`. `seed` makes the users: the same ones would send the same beacons again.
    pub(crate) fn start(url: &str, mode: Mode, seed: u64, page_views_per_minute: f64) -> Result<Self, Box<dyn Error>> {
        // Bare objects wait for the right part of a minute, and would hold the run up.
        let rates = Rates { bare: 0.0, ..Rates::REAL };
        let traffic = Traffic { seed, page_views_per_minute, rates, ..Traffic::new(AppId::new("shop")?, "pk_demo_shop") };
        let traffic = Traffic { cycles: matches!(mode, Mode::History { .. }), ..traffic };
        let options = Options { mode, connections: CONNECTIONS, ..Options::new(url, traffic) };
        let (reported, progress) = watch::channel(None);
        let stop = Shutdown::new();
        let told = stop.clone();
        let send = async move {
            let run = run_reporting(options, told, move |progress| _ = reported.send(Some(progress.clone())));
            run.await.map_err(|error| error.to_string())
        };
        Ok(Self { sending: tokio::spawn(send), progress, stop })
    }

    /// Waits until the first requests are answered: before, users are made whose visits go on.
    pub(crate) async fn begun(&mut self) -> Result<(), Box<dyn Error>> {
        self.progress.wait_for(|progress| progress.as_ref().is_some_and(|now| now.done > 0)).await?;
        Ok(())
    }

    /// Waits until the pace is no faster than `per_second`: what lay in the past is sent.
    pub(crate) async fn at_pace(&mut self, per_second: f64) -> Result<(), Box<dyn Error>> {
        let slow = |progress: &Option<Progress>| progress.as_ref().is_some_and(|now| now.done > 0 && now.per_second < per_second);
        self.progress.wait_for(slow).await?;
        Ok(())
    }

    /// Requests answered so far, just when that is known: it is told once a second.
    pub(crate) async fn done(&mut self) -> Result<u64, Box<dyn Error>> {
        self.progress.changed().await?;
        Ok(self.progress.borrow().as_ref().map_or(0, |progress| progress.done))
    }

    /// Waits until all is sent.
    pub(crate) async fn finish(self) -> Result<Summary, Box<dyn Error>> {
        let summary = self.sending.await??;
        match &summary.gave_up {
            Some(why) => Err(why.clone().into()),
            None => Ok(summary),
        }
    }

    /// Ends it before all is sent.
    pub(crate) async fn stop(self) -> Result<Summary, Box<dyn Error>> {
        self.stop.begin();
        self.finish().await
    }
}
