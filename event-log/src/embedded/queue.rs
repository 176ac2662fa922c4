//! The records of a partition that wait for its writer, within bounds.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc},
};

use bytes::Bytes;
use schemas::time::Timestamp;
use tokio::sync::oneshot;

use crate::{
    error::AppendError,
    record::{Offset, Partition},
};

/// What the caller of an append is told.
pub(crate) type Answer = Result<Offset, AppendError>;

/// A record, and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub record: Bytes,
    pub done: oneshot::Sender<Answer>,
}

/// What a writer does next.
#[derive(Debug)]
pub(super) enum Work {
    /// Append what is in the group now.
    Group,
    /// Begin another segment if all records of the current one are older than this, and answer whether
    /// that was done.
    Seal { older_than: Timestamp, done: mpsc::Sender<bool> },
    /// Nothing is left and nothing will come.
    Closed,
}

#[derive(Debug)]
pub(super) struct Queue {
    partition: Partition,
    /// `queue_records_max`
    records_max: usize,
    /// `queue_bytes_max`
    bytes_max: usize,
    state: Mutex<State>,
    /// Something to do came, or the end.
    filled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Waiting>,
    /// Those waiting and those being written.
    records: usize,
    bytes: usize,
    seal: Option<(Timestamp, mpsc::Sender<bool>)>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(partition: Partition, records_max: usize, bytes_max: usize) -> Self {
        Self { partition, records_max, bytes_max, state: Mutex::default(), filled: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `record` behind the others; what became of it comes by the channel.
    pub(super) fn push(&self, record: Bytes) -> Result<oneshot::Receiver<Answer>, AppendError> {
        let (done, receiver) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return Err(AppendError::Closed);
        }
        if state.records == self.records_max {
            let (partition, max) = (self.partition, self.records_max);
            return Err(AppendError::Full(format!("{max} records wait to be written to partition {partition} (queue_records_max)")));
        }
        if state.bytes + record.len() > self.bytes_max {
            let (partition, bytes, max) = (self.partition, state.bytes, self.bytes_max);
            return Err(AppendError::Full(format!("{bytes} B wait to be written to partition {partition} (queue_bytes_max = {max})")));
        }
        state.records += 1;
        state.bytes += record.len();
        state.waiting.push(Waiting { record, done });
        if state.waiting.len() == 1 {
            self.filled.notify_one();
        }
        Ok(receiver)
    }

    /// Asks the writer to begin another segment. Whether it did comes by the channel, which breaks if
    /// the writer is gone.
    pub(super) fn ask_to_seal(&self, older_than: Timestamp) -> mpsc::Receiver<bool> {
        let (done, receiver) = mpsc::channel();
        let mut state = self.lock();
        if !state.closed {
            state.seal = Some((older_than, done));
            self.filled.notify_one();
        }
        receiver
    }

    /// Waits for something to do. `group`, which is empty, takes everything that waits.
    pub(super) fn next(&self, group: &mut Vec<Waiting>) -> Work {
        debug_assert!(group.is_empty(), "the last group was answered");
        let mut state = self.lock();
        loop {
            if let Some((older_than, done)) = state.seal.take() {
                return Work::Seal { older_than, done };
            }
            if !state.waiting.is_empty() {
                mem::swap(group, &mut state.waiting);
                return Work::Group;
            }
            if state.closed {
                return Work::Closed;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Makes room: so many records were answered. Returns the bytes that still wait.
    pub(super) fn answered(&self, records: usize, bytes: usize) -> usize {
        let mut state = self.lock();
        state.records -= records;
        state.bytes -= bytes;
        state.bytes
    }

    /// How many records wait or are being written.
    pub(super) fn records(&self) -> usize {
        self.lock().records
    }

    /// Takes no more; what waits is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: usize) -> Bytes {
        Bytes::from(vec![0; bytes])
    }

    fn refusal(queue: &Queue, bytes: usize) -> String {
        queue.push(record(bytes)).unwrap_err().to_string()
    }

    #[test]
    fn a_record_past_a_bound_is_refused_until_those_before_it_are_answered() {
        let queue = Queue::new(Partition(1), 3, 100);
        let mut group = vec![];
        let _first = queue.push(record(60)).unwrap();
        assert!(refusal(&queue, 41).contains("queue_bytes_max = 100"));
        let _second = queue.push(record(40)).unwrap();
        let _third = queue.push(record(0)).unwrap();
        assert!(refusal(&queue, 0).contains("3 records wait to be written to partition 1 (queue_records_max)"));
        assert!(matches!(queue.next(&mut group), Work::Group));
        assert_eq!(group.len(), 3);
        assert!(queue.push(record(0)).is_err(), "records that are being written are in memory, too");
        assert_eq!(queue.answered(3, 100), 0);
        assert!(queue.push(record(100)).is_ok());
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_then_ends() {
        let queue = Queue::new(Partition(0), 3, 100);
        let _receiver = queue.push(record(1)).unwrap();
        queue.close();
        assert!(matches!(queue.push(record(1)), Err(AppendError::Closed)));
        assert!(queue.ask_to_seal(Timestamp::default()).recv().is_err());
        let mut group = vec![];
        assert!(matches!(queue.next(&mut group), Work::Group));
        group.clear();
        assert!(matches!(queue.next(&mut group), Work::Closed));
    }
}
