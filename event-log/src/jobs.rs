//! Who does what, among processes that share one log: a job is divided into shares, and each share has
//! one owner at a time.
//!
//! The log decides it because it has to know anyway who lives: on Kafka the coordinator of a consumer
//! group misses a member that died and gives its shares to the others.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::error::LogError;

/// How many shares each job has; they are numbered from 0. A key's share has to be the same for all
/// members, so that the number is no configuration.
pub const SHARES: u32 = 16;

/// Gives out the shares of jobs.
#[async_trait]
pub trait Jobs: Send + Sync + 'static {
    /// A new member of `job`. `elapsed` is the clock by which it is told how long its shares are its own.
    ///
    /// # Errors
    /// When the log can't have a job of that name, which has the same bounds as a group's.
    async fn member(&self, job: &str, elapsed: Elapsed) -> Result<Box<dyn Member>, LogError>;
}

/// One of those who do a job. When it is dropped, its shares go to the members that are left.
#[async_trait]
pub trait Member: Send {
    /// What is its own, whenever that changes; at first at once. Asking again is the leave to give away
    /// what is missing in the last answer, so that the work on it must be over by then, and it is the
    /// sign of life that keeps the rest: a member that is not asked has no shares after a while. Dropping
    /// the future loses nothing.
    ///
    /// # Errors
    /// When the log is closed, or refuses this member; another one has to be made then.
    async fn changed(&mut self) -> Result<Owned, LogError>;
}

/// What is a member's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owned {
    /// Each in [0, [`SHARES`]).
    pub shares: BTreeSet<u32>,
    /// When nobody vouches any more for their being its own, by the member's clock, unless a later answer
    /// says otherwise. `None`: never.
    pub until: Option<Duration>,
}

/// The time since any fixed moment, by a clock that is never set. Cheap to clone.
#[derive(Clone)]
pub struct Elapsed(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Elapsed {
    pub fn new(elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(elapsed))
    }

    /// How long it is since that moment.
    pub fn now(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elapsed").finish_non_exhaustive()
    }
}
