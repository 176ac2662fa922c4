//! A member of a group, reading the files of the log.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::watch, task};

use super::{
    core::{Change, Core},
    cursor::Cursor,
    group::{Group, MemberId, Term},
};
use crate::{
    consumer::{Assignment, Consumer, Polled},
    error::LogError,
    record::{Committed, METADATA_BYTES_MAX, Offset, Partition},
};

#[derive(Debug)]
pub(super) struct EmbeddedConsumer {
    core: Arc<Core>,
    group: Arc<Group>,
    member: MemberId,
    changes: watch::Receiver<Change>,
    /// The partitions that it was told are its own.
    held: BTreeMap<Partition, Held>,
    /// The partition whose turn to be read was last.
    last: Partition,
}

#[derive(Debug)]
struct Held {
    term: Term,
    /// `None` until it is sought.
    cursor: Option<Cursor>,
}

impl EmbeddedConsumer {
    pub(super) fn join(core: &Arc<Core>, group: &str) -> Result<Self, LogError> {
        if core.changes.closed() {
            return Err(LogError::Closed);
        }
        let changes = core.changes.subscribe();
        let (group, member) = core.groups.join(group)?;
        Ok(Self { core: Arc::clone(core), group, member, changes, held: BTreeMap::new(), last: Partition(0) })
    }

    /// What changed about its partitions, if anything did.
    fn turn(&mut self) -> Option<Polled> {
        let turn = self.group.turn(self.member, |partition| self.held.get(&partition).map(|held| held.term));
        if !turn.revoked.is_empty() {
            for partition in &turn.revoked {
                self.held.remove(partition);
            }
            return Some(Polled::Revoked(turn.revoked));
        }
        let assigned = turn.assigned.into_iter().filter_map(|(partition, term, committed)| {
            self.held.insert(partition, Held { term, cursor: None });
            let extent = self.core.partition(partition).ok()?.extent();
            Some(Assignment { partition, committed, extent })
        });
        let assigned: Vec<_> = assigned.collect();
        (!assigned.is_empty()).then_some(Polled::Assigned(assigned))
    }

    /// The next partition in turn that has records to read.
    fn ready(&self) -> Option<(Partition, Cursor)> {
        let in_turn = self.held.range((Excluded(self.last), Unbounded)).chain(self.held.range(..=self.last));
        in_turn.filter_map(|(&partition, held)| Some((partition, held.cursor.as_ref()?))).find_map(|(partition, cursor)| {
            let behind = self.core.partition(partition).ok()?.end() > cursor.next();
            behind.then(|| (partition, cursor.clone()))
        })
    }

    async fn read(&mut self, number: Partition, cursor: Cursor) -> Result<Polled, LogError> {
        // Even if it can't be read, the others have their turn.
        self.last = number;
        let partition = Arc::clone(self.core.partition(number)?);
        let (cursor, records) = blocking(move || cursor.read(&partition)).await?;
        let held = self.held.get_mut(&number).ok_or(LogError::NotAssigned(number))?;
        held.cursor = Some(cursor);
        Ok(Polled::Records { partition: number, records })
    }
}

/// Runs what waits for the disk where it may.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, LogError> + Send + 'static) -> Result<T, LogError> {
    match task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is being shut down.
        Err(_) => Err(LogError::Closed),
    }
}

#[async_trait]
impl Consumer for EmbeddedConsumer {
    async fn poll(&mut self, wait: Duration) -> Result<Polled, LogError> {
        let timeout = tokio::time::sleep(wait);
        tokio::pin!(timeout);
        loop {
            if self.changes.borrow_and_update().closed {
                return Err(LogError::Closed);
            }
            if let Some(turn) = self.turn() {
                return Ok(turn);
            }
            if let Some((partition, cursor)) = self.ready() {
                return self.read(partition, cursor).await;
            }
            tokio::select! {
                biased;
                // First, for others' partitions may change all the time.
                () = &mut timeout => return Ok(Polled::Idle),
                changed = self.changes.changed() => changed.map_err(|_| LogError::Closed)?,
            }
        }
    }

    async fn seek(&mut self, partition: Partition, offset: Offset) -> Result<(), LogError> {
        let held = self.held.get_mut(&partition).ok_or(LogError::NotAssigned(partition))?;
        let extent = self.core.partition(partition)?.extent();
        if !(extent.start..=extent.end).contains(&offset) {
            return Err(LogError::OutOfRange { partition, offset, extent });
        }
        held.cursor = Some(Cursor::at(offset));
        Ok(())
    }

    async fn commit(&mut self, positions: &[(Partition, Committed)]) -> Result<(), LogError> {
        let mut in_terms = Vec::with_capacity(positions.len());
        for (partition, committed) in positions {
            let held = self.held.get(partition).ok_or(LogError::NotAssigned(*partition))?;
            let (offset, extent) = (committed.offset, self.core.partition(*partition)?.extent());
            if offset > extent.end {
                return Err(LogError::OutOfRange { partition: *partition, offset, extent });
            }
            if committed.metadata.len() > METADATA_BYTES_MAX {
                let bytes = committed.metadata.len();
                return Err(LogError::Mismatch(format!("a commit's note has {bytes} bytes: it may have {METADATA_BYTES_MAX}")));
            }
            in_terms.push((*partition, held.term, committed.clone()));
        }
        let (core, group, member) = (Arc::clone(&self.core), Arc::clone(&self.group), self.member);
        blocking(move || {
            let _ours = core.ours()?;
            group.commit(member, &in_terms)
        })
        .await
    }
}

impl Drop for EmbeddedConsumer {
    fn drop(&mut self) {
        self.group.leave(self.member);
    }
}
