//! A log in memory that can be away, slow, or full.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::oneshot;

use super::*;

/// How the log answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// At once.
    Fine,
    /// At once that it can't.
    Away,
    /// Not before it is told to go on.
    Silent,
}

#[derive(Debug)]
pub(super) struct Fake {
    state: Mutex<State>,
    partitions: u32,
}

type Pending = (Partition, Bytes, oneshot::Sender<Result<Appended, AppendError>>);

#[derive(Debug)]
struct State {
    mood: Mood,
    records: Vec<Vec<Bytes>>,
    /// In the order in which they came.
    pending: VecDeque<Pending>,
    attempts: u64,
}

impl Fake {
    pub(super) fn new(partitions: u32) -> Arc<Self> {
        let records = vec![Vec::new(); partitions as usize];
        let state = State { mood: Mood::Fine, records, pending: VecDeque::new(), attempts: 0 };
        Arc::new(Self { state: Mutex::new(state), partitions })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes its mood, and answers all who wait by the new one.
    pub(super) fn is(&self, mood: Mood) {
        let mut state = self.lock();
        state.mood = mood;
        if mood != Mood::Silent {
            for (partition, record, done) in std::mem::take(&mut state.pending) {
                let _ = done.send(state.answer(partition, record));
            }
        }
    }

    /// Answers the first who waits as it would in that mood, and nobody else.
    pub(super) fn answers_the_first(&self, mood: Mood) {
        let mut state = self.lock();
        let (partition, record, done) = state.pending.pop_front().unwrap();
        let before = std::mem::replace(&mut state.mood, mood);
        let _ = done.send(state.answer(partition, record));
        state.mood = before;
    }

    pub(super) fn texts(&self, partition: u32) -> Vec<String> {
        let state = self.lock();
        state.records[partition as usize].iter().map(|record| String::from_utf8_lossy(record).into_owned()).collect()
    }

    pub(super) fn attempts(&self) -> u64 {
        self.lock().attempts
    }

    pub(super) fn pending(&self) -> usize {
        self.lock().pending.len()
    }
}

impl State {
    fn answer(&mut self, partition: Partition, record: Bytes) -> Result<Appended, AppendError> {
        if self.mood == Mood::Away {
            return Err(AppendError::Unavailable("the fake is away".to_owned()));
        }
        let records = &mut self.records[partition.0 as usize];
        records.push(record);
        Ok(Appended::At(Offset(records.len() as u64 - 1)))
    }
}

#[async_trait]
impl EventLog for Fake {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    async fn append(&self, partition: Partition, record: Bytes) -> Result<Appended, AppendError> {
        let answer = {
            let mut state = self.lock();
            state.attempts += 1;
            if state.mood != Mood::Silent {
                return state.answer(partition, record);
            }
            let (done, answer) = oneshot::channel();
            state.pending.push_back((partition, record, done));
            answer
        };
        answer.await.unwrap()
    }

    async fn extent(&self, _: Partition) -> Result<Extent, LogError> {
        Err(LogError::Closed)
    }

    async fn consumer(&self, _: &str) -> Result<Box<dyn Consumer>, LogError> {
        Err(LogError::Closed)
    }

    fn failing(&self) -> Option<String> {
        (self.lock().mood == Mood::Away).then(|| "the fake is away".to_owned())
    }
}
