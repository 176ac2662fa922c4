//! Positions: what a group committed, what a partition holds, where to read next. Everything here waits
//! for the brokers, and blocks.

use std::{collections::BTreeMap, io, time::Duration};

use rdkafka::{
    TopicPartitionList,
    client::{Client, ClientContext},
    consumer::{CommitMode, Consumer as _, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    topic_partition_list::{Offset as At, TopicPartitionListElem},
};

use super::{
    error::{Ear, is_fenced},
    rebalance::Member,
};
use crate::{
    consumer::Assignment,
    error::LogError,
    record::{Committed, Extent, Offset, Partition},
};

/// How long to wait before asking again what a broker or the library isn't ready for.
const PACE: Duration = Duration::from_millis(10);

/// A member's way to the brokers.
pub(super) struct Link {
    pub consumer: StreamConsumer<Member>,
    pub topic: String,
    pub request_timeout: Duration,
}

/// Why positions were not committed.
#[derive(Debug)]
pub(super) enum CommitError {
    /// This consumer is no member of the group's present generation.
    Fenced,
    Other(LogError),
}

/// What `partition` of `topic` holds.
pub(super) fn extent<C: ClientContext>(
    client: &Client<C>,
    ear: &Ear,
    topic: &str,
    partition: Partition,
    timeout: Duration,
) -> Result<Extent, LogError> {
    use RDKafkaErrorCode as Code;
    // While a partition's lead goes to another broker, none of them can say.
    let leaderless =
        |code| matches!(code, Code::NotLeaderForPartition | Code::LeaderNotAvailable | Code::FencedLeaderEpoch | Code::UnknownLeaderEpoch);
    let mut tries = tries(timeout);
    let (start, end) = loop {
        tries -= 1;
        match client.fetch_watermarks(topic, number(partition), timeout) {
            Ok(marks) => break marks,
            Err(error) if error.rdkafka_error_code().is_some_and(leaderless) && tries > 0 => std::thread::sleep(PACE),
            Err(error) => return Err(ear.log_error(&format!("the extent of partition {partition} of topic {topic} is not known"), error)),
        }
    };
    ear.let_in();
    Ok(Extent { start: offset(start), end: offset(end) })
}

/// How often something may be asked within `timeout`, at that pace.
fn tries(timeout: Duration) -> u128 {
    1 + timeout.as_millis() / PACE.as_millis()
}

fn number(partition: Partition) -> i32 {
    i32::try_from(partition.0).expect("there are at most 1024 partitions")
}

fn offset(raw: i64) -> Offset {
    Offset(u64::try_from(raw).unwrap_or(0))
}

fn at(offset: Offset) -> At {
    At::Offset(i64::try_from(offset.0).unwrap_or(i64::MAX))
}

impl Link {
    pub(super) fn extent(&self, partition: Partition) -> Result<Extent, LogError> {
        extent(self.consumer.client(), self.ear(), &self.topic, partition, self.request_timeout)
    }

    pub(super) fn list(&self, partitions: impl IntoIterator<Item = Partition>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, number(partition));
        }
        list
    }

    /// What the owner has to know of partitions that it gets.
    pub(super) fn assignments(&self, partitions: &[Partition]) -> Result<Vec<Assignment>, LogError> {
        let committed = self.committed(partitions.iter().copied())?;
        let of = |&partition: &Partition| {
            Ok(Assignment { partition, committed: committed.get(&partition).cloned(), extent: self.extent(partition)? })
        };
        partitions.iter().map(of).collect()
    }

    /// What the consumer's own threads heard.
    pub(super) fn ear(&self) -> &Ear {
        self.consumer.client().context().ear()
    }

    fn committed(&self, partitions: impl IntoIterator<Item = Partition>) -> Result<BTreeMap<Partition, Committed>, LogError> {
        let context = "the group's positions can't be read";
        let found = self.consumer.committed_offsets(self.list(partitions), self.request_timeout);
        let found = found.map_err(|error| self.ear().log_error(context, error))?;
        self.ear().let_in();
        let mut committed = BTreeMap::new();
        for element in found.elements() {
            element.error().map_err(|error| self.ear().log_error(context, error))?;
            if let (Ok(partition), At::Offset(raw)) = (u32::try_from(element.partition()), element.offset()) {
                committed.insert(Partition(partition), Committed { offset: offset(raw), metadata: element.metadata().to_owned() });
            }
        }
        Ok(committed)
    }

    /// Commits by one request. While the group is between two generations it is asked again, up to the
    /// request timeout: until this member has let a partition go nobody else can have it.
    pub(super) fn commit(&self, positions: &BTreeMap<Partition, Committed>) -> Result<(), CommitError> {
        let list =
            self.positions(positions).map_err(|error| CommitError::Other(self.ear().log_error("positions can't be committed", error)))?;
        let mut tries = tries(self.request_timeout);
        loop {
            // A consumer that is out of the group must not ask at all: a group without members would take it.
            if self.consumer.assignment_lost() {
                return Err(CommitError::Fenced);
            }
            tries -= 1;
            let error = match self.consumer.commit(&list, CommitMode::Sync) {
                Ok(()) => return self.verify(positions),
                Err(error) => error,
            };
            let code = error.rdkafka_error_code();
            let between = matches!(code, Some(RDKafkaErrorCode::RebalanceInProgress | RDKafkaErrorCode::IllegalGeneration));
            if !(between && tries > 0) {
                let fenced = code.is_some_and(is_fenced);
                return Err(if fenced {
                    CommitError::Fenced
                } else {
                    CommitError::Other(self.ear().log_error("positions can't be committed", error))
                });
            }
            std::thread::sleep(PACE);
        }
    }

    pub(super) fn positions(&self, positions: &BTreeMap<Partition, Committed>) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        for (&partition, committed) in positions {
            let mut element = list.add_partition(&self.topic, number(partition));
            element.set_offset(at(committed.offset))?;
            element.set_metadata(&committed.metadata);
        }
        Ok(list)
    }

    /// The answer to a commit says only whether all of its partitions were refused. So what the group has
    /// now is read back.
    fn verify(&self, positions: &BTreeMap<Partition, Committed>) -> Result<(), CommitError> {
        let now = self.committed(positions.keys().copied()).map_err(CommitError::Other)?;
        let Some((partition, _)) = positions.iter().find(|(partition, committed)| now.get(partition) != Some(committed)) else {
            return Ok(());
        };
        if self.consumer.assignment_lost() {
            return Err(CommitError::Fenced);
        }
        let context = format!("the position of partition {partition} was not kept (is offset.metadata.max.bytes of the brokers 4096?)");
        Err(CommitError::Other(LogError::Unavailable { context, source: io::Error::other("refused by the group's coordinator") }))
    }

    pub(super) fn seek(&self, partition: Partition, offset: Offset) -> Result<(), LogError> {
        let context = format!("partition {partition} can't be read from offset {offset}");
        let mut tries = tries(self.request_timeout);
        loop {
            tries -= 1;
            match self.try_seek(partition, offset) {
                Ok(()) => return Ok(()),
                // A partition that has just come isn't begun yet.
                Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::State) && tries > 0 => std::thread::sleep(PACE),
                Err(error) => return Err(self.ear().log_error(&context, error)),
            }
        }
    }

    fn try_seek(&self, partition: Partition, offset: Offset) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, number(partition), at(offset))?;
        let sought = self.consumer.seek_partitions(list, self.request_timeout)?;
        sought.elements().iter().try_for_each(TopicPartitionListElem::error)
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("topic", &self.topic).finish_non_exhaustive()
    }
}
