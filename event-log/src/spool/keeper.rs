//! Keeps a spool's books: what was sent on is committed and deleted, and told.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use super::Shared;
use crate::{
    consumer::{Consumer, Polled},
    error::LogError,
    metrics,
    record::{Committed, Offset, Partition},
};

/// How often what was sent on is committed. What was sent since is sent again after a crash.
const TICK: Duration = Duration::from_millis(250);
/// How often what is committed is looked through for files to delete, in ticks.
const RETAIN_TICKS: u64 = 120;
/// How long the spool's own log may take to say what is committed; it reads no disk for that.
const ASSIGNED_WITHIN: Duration = Duration::from_secs(10);

pub(super) const GROUP: &str = "sender";

/// The positions up to which the spool was sent on, as committed.
pub(super) struct Positions {
    consumer: Box<dyn Consumer>,
    committed: Vec<u64>,
}

impl Positions {
    /// Reads them, and commits them for all partitions: retention keeps for a group what it has not committed
    /// only if it ever did.
    pub(super) async fn read(mut consumer: Box<dyn Consumer>) -> Result<Self, LogError> {
        let Polled::Assigned(assigned) = consumer.poll(ASSIGNED_WITHIN).await? else {
            return Err(LogError::Mismatch("the spool's log does not say what was sent on".to_owned()));
        };
        let begin = |assignment: &crate::Assignment| {
            let committed = assignment.committed.as_ref().map_or(0, |committed| committed.offset.0);
            committed.max(assignment.extent.start.0)
        };
        let mut positions = Self { consumer, committed: assigned.iter().map(begin).collect() };
        if assigned.iter().any(|assignment| assignment.committed.is_none()) {
            let all = positions.committed.clone();
            positions.consumer.commit(&numbered(all.iter().copied().enumerate())).await?;
        }
        Ok(positions)
    }

    pub(super) fn of(&self, partition: usize) -> u64 {
        self.committed[partition]
    }

    /// Commits what was sent on since. Returns how many records.
    async fn commit(&mut self, shared: &Shared) -> Result<u64, LogError> {
        let sent: Vec<_> = shared.lanes.iter().map(|lane| lane.sent()).collect();
        let changed = sent.iter().copied().enumerate().filter(|&(partition, sent)| sent != self.committed[partition]);
        let changed = numbered(changed);
        if changed.is_empty() {
            return Ok(0);
        }
        self.consumer.commit(&changed).await?;
        let records = sent.iter().zip(&self.committed).map(|(sent, committed)| sent - committed).sum();
        self.committed = sent;
        Ok(records)
    }
}

fn numbered(positions: impl Iterator<Item = (usize, u64)>) -> Vec<(Partition, Committed)> {
    let partition = |number: usize| Partition(u32::try_from(number).expect("there are at most 1024 partitions"));
    positions.map(|(number, offset)| (partition(number), Committed { offset: Offset(offset), metadata: String::new() })).collect()
}

/// Keeps the books until `stop` is told, and once more then.
pub(super) async fn keep(shared: Arc<Shared>, mut positions: Positions, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut count, mut failing) = (0_u64, false);
    loop {
        let last = tokio::select! {
            _ = ticks.tick() => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        let committed = positions.commit(&shared).await;
        if let Err(error) = &committed
            && !failing
        {
            tracing::error!(%error, "what was sent on from the spool can't be committed: it is sent again after a restart");
        }
        failing = committed.is_err();
        metrics::spool_sent(committed.unwrap_or(0));
        let waiting = shared.waiting();
        metrics::spool_waits(waiting.records, waiting.bytes, waiting.oldest);
        if last {
            return;
        }
        if count.is_multiple_of(RETAIN_TICKS) {
            retain(&shared).await;
        }
        count += 1;
    }
}

async fn retain(shared: &Arc<Shared>) {
    let spool = Arc::clone(&shared.spool);
    match tokio::task::spawn_blocking(move || spool.retain(spool.now())).await {
        Ok(Ok(_) | Err(LogError::Closed)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "what was sent on from the spool can't be deleted"),
        Err(error) => tracing::error!(%error, "the spool can't be looked after"),
    }
}
