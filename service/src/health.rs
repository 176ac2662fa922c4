//! Whether the process lives, and whether each of its parts can do its work.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The states of a process's parts. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, State>>>);

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum State {
    /// It has not begun to work yet.
    Starting,
    Ready,
    /// It could do its work, and another process does it; which work is for people.
    StandingBy(String),
    /// It can't do its work now; the reason is for people.
    Failing(String),
}

/// The handle by which one part reports.
#[derive(Debug, Clone)]
pub struct Part {
    health: Health,
    name: &'static str,
}

impl Health {
    /// Adds a part, which is [`State::Starting`] until it reports.
    pub fn part(&self, name: &'static str) -> Part {
        let part = Part { health: self.clone(), name };
        part.set(State::Starting);
        part
    }

    /// Every part's state, and whether all are ready; those that stand by are.
    pub fn report(&self) -> (bool, BTreeMap<&'static str, State>) {
        let states = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (states.values().all(|state| matches!(state, State::Ready | State::StandingBy(_))), states)
    }
}

impl Part {
    /// Reports how the part is.
    pub fn set(&self, state: State) {
        self.health.0.lock().unwrap_or_else(PoisonError::into_inner).insert(self.name, state);
    }

    /// Notes what a step of the part came to: ready, or failing with what `could_not` be done, which is
    /// logged. A later step tries again.
    pub fn note<E: std::fmt::Display>(&self, could_not: &str, step: Result<(), E>) {
        match step {
            Ok(()) => self.ready(),
            Err(error) => {
                tracing::warn!(%error, "{could_not}: trying again");
                self.failing(error.to_string());
            }
        }
    }

    /// Reports that it works.
    pub fn ready(&self) {
        self.set(State::Ready);
    }

    /// Reports that another process does its work, and which.
    pub fn standing_by(&self, what: impl Into<String>) {
        self.set(State::StandingBy(what.into()));
    }

    /// Reports that it can't work, and why.
    pub fn failing(&self, why: impl Into<String>) {
        self.set(State::Failing(why.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_all_its_parts_are() {
        let health = Health::default();
        let (log, store) = (health.part("log"), health.part("store"));
        log.ready();
        assert!(!health.report().0);
        store.ready();
        assert!(health.report().0);
        log.standing_by("another process reads it");
        assert!(health.report().0, "it would take over");
        store.failing("disk full");
        assert_eq!(health.report().1["store"], State::Failing("disk full".into()));
    }
}
