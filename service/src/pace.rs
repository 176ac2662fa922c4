//! The pace of a loop that looks at the world again and again until the process stops.

use std::{pin::Pin, time::Duration};

use tokio::time::{Interval, MissedTickBehavior};

/// Ticks at once and then every so often, until a shutdown.
#[derive(Debug)]
pub struct Pace<S> {
    ticks: Interval,
    shutdown: Pin<Box<S>>,
}

impl<S: Future<Output = ()>> Pace<S> {
    /// Ticks every `interval` until `shutdown` resolves. A tick that came too late puts the later ones off.
    pub fn new(interval: Duration, shutdown: S) -> Self {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, shutdown: Box::pin(shutdown) }
    }

    /// Waits for the next tick; `false` when the loop is to end instead.
    pub async fn next(&mut self) -> bool {
        tokio::select! {
            biased;
            () = &mut self.shutdown => false,
            _ = self.ticks.tick() => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shutdown::Shutdown;

    #[tokio::test]
    async fn it_ticks_until_the_shutdown() {
        let shutdown = Shutdown::new();
        let mut pace = Pace::new(Duration::from_millis(1), shutdown.begun());
        assert!(pace.next().await && pace.next().await);
        shutdown.begin();
        assert!(!pace.next().await);
    }
}
