//! A member of a job: one of a consumer group on a topic without records.
//!
//! The group's coordinator gives the topic's partitions, which are the shares, to the members, and takes
//! them from one that is silent for `takeover_timeout`. A member that is paused or cut off can't hear of
//! that, so each share is its own on loan: it asks the coordinator again and again whether it still
//! counts as a member, by a commit that says nothing else, and only a yes lets it go on for as long as
//! the coordinator waits for a silent member, reckoned from before it asked. What the coordinator gives
//! away earlier it asks back first, and gets it when the owner was told and has come back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use rdkafka::{
    consumer::{CommitMode, Consumer as _, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::task::{self, JoinHandle};

use super::{
    config::Config,
    consumer::Hold,
    error::{Ear, unmade},
    joined,
    offsets::Link,
    rebalance::{Member as Heard, Turn},
};
use crate::{
    error::LogError,
    jobs::{Elapsed, Member, Owned},
    record::{Committed, Partition},
};

/// A loan is renewed when this part of it is over; what was not renewed is tried again a quarter of this later.
const RENEWALS_PER_TERM: u32 = 4;

#[derive(Debug)]
pub(super) struct KafkaMember {
    link: Hold,
    group: String,
    elapsed: Elapsed,
    /// How long a loan lasts: how long the coordinator waits for a silent member.
    term: Duration,
    owned: Owned,
    /// The last answer.
    told: Option<Owned>,
    /// Revoked; to be let go once that was told.
    going: Vec<Partition>,
    /// A question whether it is a member, when it was asked, and what is to come of it.
    asking: Option<(Duration, JoinHandle<Result<bool, LogError>>)>,
    /// When to ask next.
    ask_at: Duration,
}

impl KafkaMember {
    pub(super) fn join(config: &Config, ear: &Ear, job: &str, elapsed: Elapsed) -> Result<Self, LogError> {
        let config = config.of_shares();
        let group = format!("{}.{job}", config.topic());
        let refused = |error| unmade(&format!("group {group} can't be joined"), &error);
        let consumer: StreamConsumer<Heard> = settings(&config, &group).create_with_context(Heard::new(ear.clone())).map_err(refused)?;
        consumer.subscribe(&[config.topic()]).map_err(refused)?;
        let link = Link { consumer, topic: config.topic().to_owned(), request_timeout: config.raw.request_timeout };
        let nothing = Owned { shares: BTreeSet::new(), until: Some(Duration::ZERO) };
        Ok(Self {
            link: Hold::new(link),
            group,
            elapsed,
            term: config.raw.takeover_timeout,
            owned: nothing,
            told: None,
            going: Vec::new(),
            asking: None,
            ask_at: Duration::ZERO,
        })
    }

    fn heard(&self) -> Arc<Heard> {
        self.link.consumer.client().context().clone()
    }

    /// Takes in what the coordinator decided.
    fn absorb(&mut self) {
        for turn in self.heard().take() {
            match turn {
                Turn::Assigned(partitions) => {
                    // There is nothing to be read in them.
                    if let Err(error) = self.link.consumer.pause(&self.link.list(partitions.iter().copied())) {
                        tracing::debug!(group = self.group, %error, "shares are read although they hold nothing");
                    }
                    self.owned.shares.extend(partitions.iter().map(|partition| partition.0));
                    self.ask_at = Duration::ZERO;
                }
                Turn::Revoked(partitions) => {
                    for partition in &partitions {
                        self.owned.shares.remove(&partition.0);
                    }
                    self.going.extend(partitions);
                }
            }
        }
    }

    /// What was revoked is told: others may have it.
    fn let_go(&mut self) {
        if self.going.is_empty() {
            return;
        }
        let list = self.link.list(self.going.drain(..));
        if let Err(error) = self.link.consumer.incremental_unassign(&list) {
            tracing::warn!(group = self.group, %error, "shares can't be let go");
        }
    }

    /// Begins to ask the coordinator whether this is still a member, if it is time to.
    fn ask(&mut self) {
        let (asked, Some(&share)) = (self.elapsed.now(), self.owned.shares.first()) else { return };
        if self.asking.is_none() && asked >= self.ask_at {
            let link = Arc::clone(&self.link);
            self.asking = Some((asked, task::spawn_blocking(move || link.is_member(Partition(share)))));
        }
    }

    /// Takes in what the coordinator said to what was asked at `asked`.
    fn answered(&mut self, asked: Duration, member: bool) {
        let wait = self.term / RENEWALS_PER_TERM;
        if member {
            // Whatever was assigned meanwhile was so after the question: its time ends later still.
            self.owned.until = Some(asked + self.term);
            self.ask_at = asked + wait;
        } else {
            self.ask_at = self.elapsed.now() + wait / RENEWALS_PER_TERM;
        }
    }

    /// Waits for whatever comes next: a decision, an answer, or the time to ask.
    async fn next(&mut self) -> Result<(), LogError> {
        let (link, heard) = (Arc::clone(&self.link), self.heard());
        let mut stream = link.consumer.stream();
        let wait = self.ask_at.saturating_sub(self.elapsed.now());
        let idle = self.asking.is_none() && !self.owned.shares.is_empty();
        tokio::select! {
            biased;
            () = heard.decided() => {}
            read = stream.next() => if let Some(Err(error)) = read { self.failed(error)? },
            (asked, done) = answer(&mut self.asking) => {
                self.asking = None;
                self.answered(asked, joined(done)?);
            }
            () = tokio::time::sleep(wait), if idle => {}
        }
        Ok(())
    }

    fn failed(&self, error: KafkaError) -> Result<(), LogError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::PollExceeded) => {
                tracing::warn!(group = self.group, "this member was busy for too long and has lost its shares");
            }
            _ if self.link.ear().needs_person(&error) => {
                return Err(self.link.ear().log_error(&format!("topic {} can't be used", self.link.topic), error));
            }
            // A broker is away: the library goes on by itself.
            _ => tracing::debug!(group = self.group, %error, "a member is interrupted"),
        }
        Ok(())
    }
}

/// What comes of a question that was asked; nothing if none was.
async fn answer(
    asking: &mut Option<(Duration, JoinHandle<Result<bool, LogError>>)>,
) -> (Duration, Result<Result<bool, LogError>, task::JoinError>) {
    match asking {
        Some((asked, asking)) => (*asked, asking.await),
        None => std::future::pending().await,
    }
}

impl Link {
    /// Whether the coordinator takes this consumer for a member of the group's present generation; blocks.
    fn is_member(&self, of: Partition) -> Result<bool, LogError> {
        let context = || format!("a share of topic {} can't be renewed", self.topic);
        let list =
            self.positions(&BTreeMap::from([(of, Committed::default())])).map_err(|error| self.ear().log_error(&context(), error))?;
        // One that is out of the group must not ask: a group without members takes commits from anybody.
        if self.consumer.assignment_lost() {
            return Ok(false);
        }
        match self.consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => {
                self.ear().let_in();
                Ok(!self.consumer.assignment_lost())
            }
            Err(error) if self.ear().needs_person(&error) => Err(self.ear().log_error(&context(), error)),
            Err(error) => {
                tracing::debug!(%error, "a share is not renewed");
                Ok(false)
            }
        }
    }
}

fn settings(config: &Config, group: &str) -> rdkafka::ClientConfig {
    let term = config.raw.takeover_timeout;
    let mut settings = config.client();
    settings
        .set("group.id", group)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", term.as_millis().to_string())
        .set("heartbeat.interval.ms", (term / RENEWALS_PER_TERM).as_millis().to_string())
        // Whoever comes back to a rebalance late loses its shares after this time. It began at most a term
        // before the last loan: a loan ends earlier.
        .set("max.poll.interval.ms", (2 * term).as_millis().to_string())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "latest");
    settings
}

#[async_trait]
impl Member for KafkaMember {
    async fn changed(&mut self) -> Result<Owned, LogError> {
        loop {
            self.absorb();
            if self.told.as_ref() != Some(&self.owned) {
                self.told = Some(self.owned.clone());
                return Ok(self.owned.clone());
            }
            self.let_go();
            self.ask();
            self.next().await?;
        }
    }
}

impl Drop for KafkaMember {
    /// Leaves the group, so that others needn't wait until this member is missed.
    fn drop(&mut self) {
        self.heard().leave();
        self.absorb();
        self.let_go();
    }
}
