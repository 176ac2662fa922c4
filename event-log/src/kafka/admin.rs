//! The topics, of records and of shares: made once, and checked before they are used.

use std::{io, time::Duration};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{config::Config, error::Ear};
use crate::error::LogError;

/// How long to wait before the brokers are asked again.
const PACE: Duration = Duration::from_millis(20);

/// Whether the topics were there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    New,
    Present,
}

pub(super) fn client(config: &Config, ear: &Ear) -> Result<AdminClient<Ear>, KafkaError> {
    let settings: ClientConfig = config.client();
    settings.create_with_context(ear.clone())
}

fn options(config: &Config) -> AdminOptions {
    let timeout = config.raw.request_timeout;
    AdminOptions::new().request_timeout(Some(timeout)).operation_timeout(Some(timeout))
}

/// Makes the topic as configured; one that is there is left as it is.
pub(super) async fn create(admin: &AdminClient<Ear>, config: &Config) -> Result<Created, LogError> {
    let raw = &config.raw;
    let (retention_ms, batch_bytes_max) = (raw.retention_age.as_millis().to_string(), config.batch_bytes_max().to_string());
    let in_sync_replicas_min = raw.in_sync_replicas_min.to_string();
    let partitions = i32::try_from(raw.partitions).expect("there are at most 1024 partitions");
    let topic = NewTopic::new(config.topic(), partitions, TopicReplication::Fixed(raw.replication.into()))
        .set("cleanup.policy", "delete")
        .set("retention.ms", &retention_ms)
        .set("retention.bytes", "-1")
        .set("max.message.bytes", &batch_bytes_max)
        .set("min.insync.replicas", &in_sync_replicas_min)
        // The broker dates records: a replay, and every reader, sees the same time.
        .set("message.timestamp.type", "LogAppendTime")
        .set("unclean.leader.election.enable", "false")
        // Batches are kept as the producer compressed them.
        .set("compression.type", "producer");
    let context = format!("topic {} can't be made", config.topic());
    let results =
        admin.create_topics([&topic], &options(config)).await.map_err(|error| admin.inner().context().log_error(&context, error))?;
    match results.into_iter().next() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(Created::Present),
        Some(Err((_, code))) => Err(admin.inner().context().log_error(&context, KafkaError::AdminOp(code))),
        Some(Ok(_)) | None => Ok(Created::New),
    }
}

/// Waits until the brokers know the topic and who leads its partitions: a controller answers earlier. Blocks.
pub(super) fn await_topic(admin: &AdminClient<Ear>, config: &Config) -> Result<(), LogError> {
    let (name, timeout) = (config.topic(), config.raw.request_timeout);
    let context = format!("the brokers don't know topic {name} yet");
    for _ in 0..=timeout.as_millis() / PACE.as_millis() {
        let metadata =
            admin.inner().fetch_metadata(Some(name), timeout).map_err(|error| admin.inner().context().log_error(&context, error))?;
        let topic = metadata.topics().iter().find(|topic| topic.name() == name && !topic.partitions().is_empty());
        if topic.is_some_and(|topic| topic.partitions().iter().all(|partition| partition.leader() >= 0)) {
            return Ok(());
        }
        std::thread::sleep(PACE);
    }
    Err(LogError::Unavailable { context, source: io::ErrorKind::TimedOut.into() })
}

/// Whether the topic is what the configuration says.
pub(super) async fn check(admin: &AdminClient<Ear>, config: &Config) -> Result<(), LogError> {
    let context = format!("topic {} can't be looked at", config.topic());
    let resource = ResourceSpecifier::Topic(config.topic());
    let mut described =
        admin.describe_configs([&resource], &options(config)).await.map_err(|error| admin.inner().context().log_error(&context, error))?;
    match described.pop() {
        Some(Ok(topic)) => settings(&topic, config).map_or(Ok(()), |wrong| Err(LogError::Mismatch(wrong))),
        Some(Err(RDKafkaErrorCode::UnknownTopicOrPartition)) | None => Err(LogError::Mismatch(missing(config))),
        Some(Err(code)) => Err(admin.inner().context().log_error(&context, KafkaError::AdminOp(code))),
    }
}

/// Whether the topic has as many partitions and replicas as configured; blocks.
pub(super) fn check_layout(admin: &AdminClient<Ear>, config: &Config) -> Result<(), LogError> {
    let (raw, name) = (&config.raw, config.topic());
    let context = unasked(config, name);
    let metadata = admin
        .inner()
        .fetch_metadata(Some(name), raw.request_timeout)
        .map_err(|error| admin.inner().context().log_error(&context, error))?;
    let topic = metadata.topics().iter().find(|topic| topic.name() == name && !topic.partitions().is_empty());
    let topic = topic.ok_or_else(|| LogError::Mismatch(missing(config)))?;
    let (there, wanted) = (topic.partitions().len(), raw.partitions);
    if there != wanted as usize {
        return Err(LogError::Mismatch(format!(
            "topic {name} has {there} partitions, the configuration says {wanted}: set partitions = {there}"
        )));
    }
    let replicas = topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
    if replicas < usize::from(raw.replication) {
        let wanted = raw.replication;
        let remedy = format!("reassign its partitions (kafka-reassign-partitions.sh), or set replication = {replicas}");
        return Err(LogError::Mismatch(format!("topic {name} stands on {replicas} brokers, the configuration says {wanted}: {remedy}")));
    }
    Ok(())
}

/// Whether the topic of the shares is there, with as many as all processes count on; blocks.
pub(super) fn check_shares(admin: &AdminClient<Ear>, config: &Config) -> Result<(), LogError> {
    let shares = config.of_shares();
    let (name, wanted) = (shares.topic(), shares.partitions());
    let context = unasked(config, name);
    let metadata = admin
        .inner()
        .fetch_metadata(Some(name), shares.raw.request_timeout)
        .map_err(|error| admin.inner().context().log_error(&context, error))?;
    match metadata.topics().iter().find(|topic| topic.name() == name).map_or(0, |topic| topic.partitions().len()) {
        there if there == wanted as usize => Ok(()),
        0 => Err(LogError::Mismatch(format!(
            "there is no topic {name}, by which detection and alerts are shared: run `icarus migrate`, or create it with {wanted} partitions"
        ))),
        there => Err(LogError::Mismatch(format!(
            "topic {name} has {there} partitions instead of {wanted}: stop all roles, delete it (it holds no records) and run `icarus migrate`"
        ))),
    }
}

/// Brokers that listen for TLS, or for none, cut what comes the other way without a word: so it is said how they are asked.
fn unasked(config: &Config, name: &str) -> String {
    let (brokers, security) = (&config.raw.brokers, config.raw.security.name());
    format!("the brokers at {brokers} can't be asked for topic {name} by security = {security}")
}

fn missing(config: &Config) -> String {
    let raw = &config.raw;
    format!(
        "there is no topic {}: run `icarus migrate`, or create it with {} partitions and a replication factor of {}, or set topic to one \
         that is there",
        raw.topic, raw.partitions, raw.replication
    )
}

/// What is wrong with the topic's settings, and the remedy.
fn settings(topic: &ConfigResource, config: &Config) -> Option<String> {
    let raw = &config.raw;
    let value = |key| topic.get(key).and_then(|entry| entry.value.as_deref());
    let number = |key| value(key).and_then(|value| value.parse::<i128>().ok());
    // Negative is without bound.
    let below =
        |key: &'static str, wanted: i128| number(key).is_some_and(|is| (0..wanted).contains(&is)).then(|| (key, wanted.to_string()));
    let other = |key: &'static str, wanted: &str| value(key).is_some_and(|is| is != wanted).then(|| (key, wanted.to_owned()));
    let retention_ms = i128::try_from(raw.retention_age.as_millis()).unwrap_or(i128::MAX);
    let wrong = [
        other("cleanup.policy", "delete"),
        other("message.timestamp.type", "LogAppendTime"),
        other("unclean.leader.election.enable", "false"),
        below("retention.ms", retention_ms),
        below("max.message.bytes", config.batch_bytes_max() as i128),
        below("min.insync.replicas", raw.in_sync_replicas_min.into()),
    ];
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    if wrong.is_empty() {
        return None;
    }
    let is: Vec<_> = wrong.iter().map(|(key, _)| format!("{key}={}", value(key).unwrap_or("?"))).collect();
    let wanted: Vec<_> = wrong.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let (name, is, wanted) = (&raw.topic, is.join(", "), wanted.join(","));
    Some(format!("topic {name} has {is}: kafka-configs.sh --alter --topic {name} --add-config {wanted}, or adapt the configuration"))
}
