//! The account of a run: how many events met which fate, and what could not be told.

use std::collections::BTreeMap;

use schemas::{app::AppId, fate::DiscardReason, time::Minute};
use serde::{Deserialize, Serialize};

/// How many surprises are kept in words.
const SURPRISES_MAX: usize = 20;

/// What became of all deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub app: AppId,
    /// Deliveries answered with 202.
    pub acknowledged: u64,
    /// What became of the events of those.
    pub fates: Fates,
    /// How many deliveries had events that were rolled up, by the minute of the events: one counts in each minute that
    /// it has events of.
    pub beacons: BTreeMap<Minute, u64>,
    /// What the server may have counted beyond [`Account::fates`]: events of attempts without an answer. In
    /// it, `duplicate` are events that count as duplicates if the attempt was stored after all.
    pub uncertain: Fates,
    /// Requests that were refused as a whole.
    pub refused: Vec<Refusal>,
    /// Acknowledged deliveries whose answer took so long that the minute of an event is not certain.
    pub ambiguous: u64,
    /// Ids of beacons that were sent and never acknowledged: whether they count is not known.
    pub unknown: Vec<String>,
    /// Answers that were not what they must be.
    pub surprises: u64,
    /// The first of them in words.
    pub surprising: Vec<String>,
}

/// Events by what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fates {
    pub rolled_up: u64,
    pub too_late: u64,
    pub duplicate: u64,
    pub rejected: BTreeMap<DiscardReason, u64>,
}

/// How many requests of one kind were refused with one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// See [`crate::Kind::name`].
    pub kind: String,
    /// Of the answer; 0 where the connection was closed without one, as happens to bodies too large.
    pub status: u16,
    pub requests: u64,
}

impl Account {
    pub(crate) fn new(app: AppId) -> Self {
        Self {
            app,
            acknowledged: 0,
            fates: Fates::default(),
            beacons: BTreeMap::new(),
            uncertain: Fates::default(),
            refused: Vec::new(),
            ambiguous: 0,
            unknown: Vec::new(),
            surprises: 0,
            surprising: Vec::new(),
        }
    }

    pub(crate) fn refuse(&mut self, kind: &str, status: u16) {
        match self.refused.iter_mut().find(|refusal| refusal.kind == kind && refusal.status == status) {
            Some(refusal) => refusal.requests += 1,
            None => self.refused.push(Refusal { kind: kind.to_owned(), status, requests: 1 }),
        }
    }

    pub(crate) fn surprise(&mut self, what: impl FnOnce() -> String) {
        self.surprises += 1;
        if self.surprising.len() < SURPRISES_MAX {
            self.surprising.push(what());
        }
    }

    /// How many requests were refused as a whole.
    pub fn refused_requests(&self) -> u64 {
        self.refused.iter().map(|refusal| refusal.requests).sum()
    }
}

impl Fates {
    pub(crate) fn reject(&mut self, reason: DiscardReason) {
        *self.rejected.entry(reason).or_default() += 1;
    }

    /// Events that the intake took.
    pub fn accepted(&self) -> u64 {
        self.rolled_up + self.too_late + self.duplicate
    }

    /// Events that the intake rejected.
    pub fn rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// All events.
    pub fn received(&self) -> u64 {
        self.accepted() + self.rejected()
    }
}
