//! The log as a topic of Apache Kafka, for any number of processes.
//!
//! A record's way: [`Kafka::append`](EventLog::append) hands it to the `producer`, which batches,
//! compresses and sends it, and answers when all in-sync replicas have it. Consumers are members of a
//! Kafka consumer group; `rebalance` keeps the coordinator's decisions until the owner was told of
//! them, `offsets` reads and commits positions, `admin` makes the topics and checks that they fit. The
//! members of a job (`jobs`) are a consumer group, too: on a topic beside the log's, named with `.shares`
//! behind, whose partitions stand for the shares and never hold a record.
//!
//! What holds:
//! - Partitions, offsets and groups are Kafka's own; a record is a message's value, without a key.
//! - An append that was answered with an offset stands on `in_sync_replicas_min` brokers at least.
//! - A producer doubles nothing and keeps each partition's order, through its own retries. What it gave
//!   up (`Unavailable`) may have been written.
//! - A partition that is revoked goes to another member when its owner was told and polls again. What
//!   an owner that doesn't poll for `poll_interval_max` commits is refused.
//! - Brokers that are away end neither the log nor its consumers: appends fail after `append_timeout`,
//!   polls are idle, and both go on when the brokers are back.
//! - Brokers that refuse us (password, certificate, rights), or that we don't trust, do: whatever was asked, by the end
//!   of its timeout, says why and what to mend, and so does [`failing`](EventLog::failing) until one
//!   answers; where it is about rights, until one takes a record.

mod admin;
mod config;
mod consumer;
mod error;
mod jobs;
mod offsets;
mod producer;
mod rebalance;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use rdkafka::admin::AdminClient;

pub use self::{
    admin::Created,
    config::{Compression, Config, RawConfig, SaslMechanism, Security},
};
use self::{consumer::KafkaConsumer, error::Ear, jobs::KafkaMember, producer::Producer};
use crate::{
    consumer::Consumer,
    embedded::check_group_name,
    error::{AppendError, LogError},
    jobs::{Elapsed, Jobs, Member},
    log::EventLog,
    metrics,
    record::{Appended, Extent, Offset, Partition},
};

/// A log on Kafka's brokers.
pub struct Kafka {
    config: Config,
    ear: Ear,
    producer: Arc<Producer>,
    admin: Arc<AdminClient<Ear>>,
    closed: AtomicBool,
}

impl Kafka {
    /// The log, if its topics are there and fit the configuration.
    ///
    /// # Errors
    /// When the brokers can't be asked, or a topic is missing or another; with the remedy.
    pub async fn open(config: Config) -> Result<Self, LogError> {
        let log = Self::connect(config)?;
        log.check().await?;
        Ok(log)
    }

    /// The log, whether or not any broker can be reached now.
    ///
    /// # Errors
    /// When the client library refuses the configuration.
    pub fn connect(config: Config) -> Result<Self, LogError> {
        let ear = Ear::default();
        let refused = |error| error::unmade("the client of Kafka can't be made", &error);
        let producer = Arc::new(Producer::new(&config, &ear).map_err(refused)?);
        let admin = Arc::new(admin::client(&config, &ear).map_err(refused)?);
        Ok(Self { config, ear, producer, admin, closed: AtomicBool::new(false) })
    }

    /// Makes the topic as configured, and that of the shares beside it, and waits until the brokers know both.
    /// One that is there is left as it is.
    ///
    /// # Errors
    /// When the brokers can't be asked, or refuse.
    pub async fn create_topic(&self) -> Result<Created, LogError> {
        let mut created = Created::Present;
        for config in [self.config.clone(), self.config.of_shares()] {
            if admin::create(&self.admin, &config).await? == Created::New {
                created = Created::New;
            }
            let client = Arc::clone(&self.admin);
            blocking(move || admin::await_topic(&client, &config)).await?;
        }
        self.ear.let_in();
        Ok(created)
    }

    /// Raises the topic's retention and its limit on records where the configuration wants more, and says which
    /// settings it changed, as `key=value`. Who changes others of the topic's settings at the same time may lose that.
    ///
    /// # Errors
    /// When the brokers can't be asked, or refuse, and when there is no such topic.
    pub async fn raise_limits(&self) -> Result<Vec<String>, LogError> {
        admin::raise(&self.admin, &self.config).await
    }

    /// Whether the topic is there and fits the configuration: partitions, replication, retention, and
    /// what records may be; and whether there are the shares beside it.
    ///
    /// # Errors
    /// When the brokers can't be asked, or a topic is missing or another; with the remedy.
    pub async fn check(&self) -> Result<(), LogError> {
        let (client, config) = (Arc::clone(&self.admin), self.config.clone());
        blocking(move || {
            admin::check_layout(&client, &config)?;
            admin::check_shares(&client, &config)
        })
        .await?;
        self.ear.let_in();
        admin::check(&self.admin, &self.config).await
    }

    /// Takes no more records, and waits until those that wait are acknowledged or given up.
    pub async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let (producer, timeout) = (Arc::clone(&self.producer), self.config.raw.append_timeout);
        // Only a runtime that is being shut down doesn't wait.
        let _ = tokio::task::spawn_blocking(move || producer.flush(timeout)).await;
    }

    fn known(&self, partition: Partition) -> Result<(), String> {
        let partitions = self.config.partitions();
        if partition.0 < partitions {
            return Ok(());
        }
        Err(format!("there is no partition {partition}: topic {} has {partitions}", self.config.topic()))
    }

    async fn try_append(&self, partition: Partition, record: Bytes) -> Result<Offset, AppendError> {
        let (bytes, max) = (record.len(), self.config.record_bytes_max);
        if bytes > max {
            return Err(AppendError::TooLarge { bytes, max });
        }
        self.known(partition).map_err(AppendError::Unavailable)?;
        if self.closed.load(Ordering::SeqCst) {
            return Err(AppendError::Closed);
        }
        let delivery = self.producer.enqueue(partition, &record)?;
        drop(record);
        self.producer.delivered(delivery, bytes).await
    }
}

#[async_trait]
impl EventLog for Kafka {
    fn partitions(&self) -> u32 {
        self.config.partitions()
    }

    async fn append(&self, partition: Partition, record: Bytes) -> Result<Appended, AppendError> {
        let bytes = record.len();
        let appended = self.try_append(partition, record).await;
        match &appended {
            Ok(_) => metrics::acknowledged(bytes),
            Err(error) => metrics::refused(metrics::Refused::of(error), 1),
        }
        appended.map(Appended::At)
    }

    async fn extent(&self, partition: Partition) -> Result<Extent, LogError> {
        self.known(partition).map_err(LogError::Mismatch)?;
        let (client, topic, timeout) = (Arc::clone(&self.admin), self.config.raw.topic.clone(), self.config.raw.request_timeout);
        let ear = self.ear.clone();
        blocking(move || offsets::extent(client.inner(), &ear, &topic, partition, timeout)).await
    }

    async fn consumer(&self, group: &str) -> Result<Box<dyn Consumer>, LogError> {
        check_group_name(group)?;
        Ok(Box::new(KafkaConsumer::join(&self.config, &self.ear, group)?))
    }

    fn failing(&self) -> Option<String> {
        self.ear.failing()
    }
}

#[async_trait]
impl Jobs for Kafka {
    async fn member(&self, job: &str, elapsed: Elapsed) -> Result<Box<dyn Member>, LogError> {
        check_group_name(job)?;
        Ok(Box::new(KafkaMember::join(&self.config, &self.ear, job, elapsed)?))
    }
}

/// Runs what waits for the brokers where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, LogError> + Send + 'static) -> Result<T, LogError> {
    joined(tokio::task::spawn_blocking(work).await)
}

fn joined<T, E: From<LogError>>(done: Result<Result<T, E>, tokio::task::JoinError>) -> Result<T, E> {
    match done {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is being shut down.
        Err(_) => Err(LogError::Closed.into()),
    }
}

impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kafka").field("config", &self.config).finish_non_exhaustive()
    }
}
