//! What a group's coordinator decides about a member's partitions.
//!
//! A decision comes while the owner polls, on the owner's own task. It isn't carried out there but kept
//! for the consumer: what is revoked goes to other members only when the owner was told and has come
//! back to poll once more (bounded by `poll_interval_max`). Until then nobody else can read it.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rdkafka::{
    TopicPartitionList,
    client::ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError,
    topic_partition_list::Offset,
    types::RDKafkaRespErr,
};
use tokio::sync::Notify;

use super::error::Ear;
use crate::record::Partition;

/// One decision.
#[derive(Debug)]
pub(super) enum Turn {
    Assigned(Vec<Partition>),
    Revoked(Vec<Partition>),
}

/// A member as the client library sees it.
#[derive(Debug, Default)]
pub(super) struct Member {
    ear: Ear,
    turns: Mutex<VecDeque<Turn>>,
    came: Notify,
    /// Nobody takes the decisions any more.
    leaving: AtomicBool,
}

impl Member {
    pub(super) fn new(ear: Ear) -> Self {
        Self { ear, ..Self::default() }
    }

    pub(super) const fn ear(&self) -> &Ear {
        &self.ear
    }

    /// The decisions that came, in order.
    pub(super) fn take(&self) -> VecDeque<Turn> {
        std::mem::take(&mut *self.turns.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Comes when there is a decision.
    pub(super) async fn decided(&self) {
        self.came.notified().await;
    }

    /// Whatever is revoked from now on is let go at once.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    fn push(&self, turn: Turn) {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).push_back(turn);
        self.came.notify_one();
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.ear.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions = partitions(list);
        let done = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            // Where to begin is the owner's decision; up to then only what is new would be fetched.
            let done = list.set_all_offsets(Offset::End).and_then(|()| consumer.incremental_assign(list));
            if !partitions.is_empty() {
                self.push(Turn::Assigned(partitions));
            }
            done
        } else if self.leaving.load(Ordering::SeqCst) {
            consumer.incremental_unassign(list)
        } else {
            self.push(Turn::Revoked(partitions));
            Ok(())
        };
        if let Err(error) = done {
            tracing::warn!(%error, "a decision about this member's partitions can't be carried out");
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    let numbers = list.elements().into_iter().filter_map(|element| u32::try_from(element.partition()).ok());
    numbers.map(Partition).collect()
}
