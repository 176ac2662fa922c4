//! Stopping: one token for the whole process, set by a signal or by a part that can't go on.

use tokio_util::sync::{CancellationToken, DropGuard};

/// Asks every part to stop: intake first, then what has to be flushed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// One that nobody has asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// What asks to stop when it is dropped: for a part without which the process must not go on, so that it
    /// is asked for also when that part panics.
    pub fn ends_with(&self) -> DropGuard {
        self.0.clone().drop_guard()
    }

    /// Whether it was asked for.
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Resolves once it was asked for.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }

    /// Begins at SIGINT or SIGTERM.
    ///
    /// # Errors
    /// When the process can't receive signals.
    pub fn on_signal(&self) -> std::io::Result<()> {
        let shutdown = self.clone();
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            tokio::spawn(async move {
                tokio::select! {
                    _ = interrupt.recv() => {},
                    _ = terminate.recv() => {},
                }
                tracing::info!("asked to stop");
                shutdown.begin();
            });
        }
        #[cfg(not(unix))]
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                shutdown.begin();
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_learns_of_it() {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.begun().await }
        });
        assert!(!shutdown.has_begun());
        shutdown.begin();
        waiting.await.unwrap();
        assert!(shutdown.has_begun());
    }

    #[tokio::test]
    async fn it_begins_when_a_part_that_it_ends_with_panics() {
        let shutdown = Shutdown::new();
        let ends = shutdown.ends_with();
        let part = tokio::spawn(async move {
            let _ends = ends;
            panic!("as a test");
        });
        shutdown.begun().await;
        assert!(part.await.is_err());
    }
}
