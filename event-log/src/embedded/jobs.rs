//! Jobs of one process: who asks first has all shares of a job, until it is dropped.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::core::{Change, Core};
use crate::{
    error::LogError,
    jobs::{Member, Owned, SHARES},
};

/// For each job that ever had a member, the permit to do it.
#[derive(Debug, Default)]
pub(super) struct Permits(Mutex<BTreeMap<String, Arc<Semaphore>>>);

impl Permits {
    fn of(&self, job: &str) -> Arc<Semaphore> {
        let mut permits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(permits.entry(job.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }
}

#[derive(Debug)]
pub(super) struct EmbeddedMember {
    permits: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    /// It was told that it has nothing yet.
    told: bool,
    changes: watch::Receiver<Change>,
}

impl EmbeddedMember {
    pub(super) fn join(core: &Core, job: &str) -> Result<Self, LogError> {
        super::commits::check_name(job)?;
        Ok(Self { permits: core.permits.of(job), permit: None, told: false, changes: core.changes.subscribe() })
    }

    async fn turn(&mut self) -> Owned {
        if self.permit.is_some() {
            return std::future::pending().await;
        }
        let permit = if self.told {
            Arc::clone(&self.permits).acquire_owned().await.ok()
        } else {
            self.told = true;
            Arc::clone(&self.permits).try_acquire_owned().ok()
        };
        self.permit = permit;
        let shares = if self.permit.is_some() { (0..SHARES).collect() } else { Default::default() };
        Owned { shares, until: None }
    }
}

#[async_trait]
impl Member for EmbeddedMember {
    async fn changed(&mut self) -> Result<Owned, LogError> {
        let mut changes = self.changes.clone();
        tokio::select! {
            biased;
            _ = changes.wait_for(|change| change.closed) => Err(LogError::Closed),
            owned = self.turn() => Ok(owned),
        }
    }
}
