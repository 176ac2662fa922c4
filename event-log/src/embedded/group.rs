//! Consumer groups: who reads which partitions, and how far each group has come.
//!
//! All members live in this process. Each has a contiguous range of the partitions; when one comes or
//! goes the ranges are cut anew, and only partitions whose reader changes are revoked. A partition
//! gets a new term with every new reader: what a member does in an old term is refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use super::{
    commits::{self, Positions},
    core::Changes,
    disk::Disk,
    note::WriteError,
};
use crate::{
    config::Config,
    error::LogError,
    metrics::Teller,
    record::{Committed, Partition},
};

/// One reader's time with a partition.
pub(super) type Term = u64;
pub(super) type MemberId = u64;

/// All groups that have a member or ever committed.
#[derive(Debug)]
pub(super) struct Groups {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    changes: Changes,
    partitions: u32,
    teller: Teller,
    by_name: Mutex<BTreeMap<String, Arc<Group>>>,
}

#[derive(Debug)]
pub(super) struct Group {
    name: String,
    path: PathBuf,
    disk: Arc<dyn Disk>,
    changes: Changes,
    teller: Teller,
    state: Mutex<State>,
    /// Held while positions are written, by one commit at a time.
    writing: Mutex<()>,
    /// Why it takes no commits until the log is opened again.
    failed: OnceLock<String>,
}

#[derive(Debug)]
struct State {
    members: BTreeSet<MemberId>,
    next_member: MemberId,
    /// Who reads each partition.
    readers: Vec<Reader>,
    committed: Positions,
    /// A commit is being written. Readers don't change meanwhile: the next reader of a partition must
    /// begin with what its last one committed.
    committing: bool,
    /// Members came or went during a commit.
    unsettled: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Reader {
    member: Option<MemberId>,
    term: Term,
}

/// How a member's share differs from what it knows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub revoked: Vec<Partition>,
    pub assigned: Vec<(Partition, Term, Option<Committed>)>,
}

impl Groups {
    /// The groups whose positions were read from `dir`.
    pub(super) fn new(dir: PathBuf, disk: Arc<dyn Disk>, changes: Changes, config: &Config, found: BTreeMap<String, Positions>) -> Self {
        let groups = Self { dir, disk, changes, partitions: config.partitions, teller: config.teller, by_name: Mutex::default() };
        for (name, committed) in found {
            groups.lock().insert(name.clone(), groups.group(&name, committed));
        }
        groups
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Group>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn group(&self, name: &str, committed: Positions) -> Arc<Group> {
        let (path, disk, changes) = (commits::path(&self.dir, name), Arc::clone(&self.disk), self.changes.clone());
        let state = State {
            members: BTreeSet::new(),
            next_member: 0,
            readers: vec![Reader::default(); self.partitions as usize],
            committed,
            committing: false,
            unsettled: false,
        };
        let (name, state) = (name.to_owned(), Mutex::new(state));
        Arc::new(Group { name, path, disk, changes, teller: self.teller, state, writing: Mutex::default(), failed: OnceLock::new() })
    }

    /// The group of that name, and a new member of it.
    pub(super) fn join(&self, name: &str) -> Result<(Arc<Group>, MemberId), LogError> {
        commits::check_name(name)?;
        let mut groups = self.lock();
        let group = Arc::clone(groups.entry(name.to_owned()).or_insert_with(|| self.group(name, Positions::new())));
        drop(groups);
        let member = group.join();
        Ok((group, member))
    }

    /// The group that has come the least far in `partition` and the offset up to which it is done;
    /// `None` if no group ever committed anything.
    pub(super) fn hindmost(&self, partition: Partition) -> Option<(u64, String)> {
        let groups = self.lock();
        groups.values().filter_map(|group| Some((group.done_before(partition)?, group.name.clone()))).min()
    }
}

impl Group {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self) -> MemberId {
        let mut state = self.lock();
        let member = state.next_member;
        state.next_member += 1;
        state.members.insert(member);
        self.settle(state);
        member
    }

    /// Gives the member's partitions to the others.
    pub(super) fn leave(&self, member: MemberId) {
        let mut state = self.lock();
        state.members.remove(&member);
        self.settle(state);
    }

    /// Cuts the ranges anew, after the commit that is under way if there is one.
    fn settle(&self, mut state: MutexGuard<'_, State>) {
        if state.committing {
            state.unsettled = true;
            return;
        }
        state.unsettled = false;
        let members: Vec<_> = state.members.iter().copied().collect();
        let partitions = state.readers.len();
        for (i, reader) in state.readers.iter_mut().enumerate() {
            let member = members.get(i * members.len() / partitions).copied();
            if reader.member != member {
                *reader = Reader { member, term: reader.term + 1 };
            }
        }
        drop(state);
        self.changes.tell();
    }

    /// What changed for `member`, which knows the partitions and terms `held`.
    pub(super) fn turn(&self, member: MemberId, held: impl Fn(Partition) -> Option<Term>) -> Turn {
        let state = self.lock();
        let mut turn = Turn::default();
        for (number, reader) in (0..).zip(&state.readers) {
            let partition = Partition(number);
            let now = (reader.member == Some(member)).then_some(reader.term);
            let before = held(partition);
            if before == now {
                continue;
            }
            if before.is_some() {
                turn.revoked.push(partition);
            }
            if let Some(term) = now {
                turn.assigned.push((partition, term, state.committed.get(&number).cloned()));
            }
        }
        turn
    }

    /// Makes `positions` durable if the partitions are still the member's, in the terms it knows.
    /// Waits for the disk.
    pub(super) fn commit(&self, member: MemberId, positions: &[(Partition, Term, Committed)]) -> Result<(), LogError> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = self.failed.get() {
            return Err(LogError::Io { context: why.clone(), source: io::Error::other("a sync that failed is not trusted again") });
        }
        let next = self.begin_commit(member, positions)?;
        let written = commits::write(&*self.disk, &self.path, &self.name, &next);
        let mut state = self.lock();
        state.committing = false;
        if written.is_ok() {
            state.committed = next;
        }
        if state.unsettled {
            self.settle(state);
        }
        written.map_err(|error| self.not_written(error))?;
        for (partition, _, committed) in positions {
            self.teller.committed_offset(&self.name, partition.0, committed.offset.0);
        }
        Ok(())
    }

    /// All positions of the group as they will be, while the readers stay as they are.
    fn begin_commit(&self, member: MemberId, positions: &[(Partition, Term, Committed)]) -> Result<Positions, LogError> {
        let mut state = self.lock();
        let mut next = state.committed.clone();
        for (partition, term, committed) in positions {
            let reader = state.readers.get(partition.0 as usize).filter(|reader| reader.member == Some(member) && reader.term == *term);
            reader.ok_or(LogError::NotAssigned(*partition))?;
            next.insert(partition.0, committed.clone());
        }
        state.committing = true;
        Ok(next)
    }

    fn not_written(&self, error: WriteError) -> LogError {
        if let WriteError::Unknown(error) = &error {
            let why = format!("group {}: {} can't be synced: {error}; see to the disk, then restart", self.name, self.path.display());
            tracing::error!(group = self.name, why, "the group takes no commits until a restart");
            let _ = self.failed.set(why);
        }
        error.into_log_error(&self.path)
    }

    /// The offset before which it is done with `partition`; `None` if it never committed anything.
    fn done_before(&self, partition: Partition) -> Option<u64> {
        let state = self.lock();
        let committed = state.committed.get(&partition.0).map_or(0, |committed| committed.offset.0);
        (!state.committed.is_empty()).then_some(committed)
    }
}
