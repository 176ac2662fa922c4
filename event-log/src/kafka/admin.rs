//! The topics, of records and of shares: made once, and checked before they are used.

use std::{io, time::Duration};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewTopic, ResourceSpecifier, TopicReplication},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{config::Config, error::Ear};
use crate::error::LogError;

/// How long to wait before the brokers are asked again.
const PACE: Duration = Duration::from_millis(20);

/// What nobody loses by when it is raised. Who must have a record before it is acknowledged is the owner's decision.
const RAISED: [&str; 2] = ["retention.ms", "max.message.bytes"];

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
    let topic = describe(admin, config).await?;
    settings(&topic, config).map_or(Ok(()), |wrong| Err(LogError::Mismatch(wrong)))
}

/// Raises what bounds the topic below the configuration, and says what: `key=value`. All other settings stay.
pub(super) async fn raise(admin: &AdminClient<Ear>, config: &Config) -> Result<Vec<String>, LogError> {
    let topic = describe(admin, config).await?;
    let low: Vec<_> = low(&topic, config).filter(|(key, _)| RAISED.contains(key)).collect();
    if low.is_empty() {
        return Ok(Vec::new());
    }
    // The library can only replace all of a topic's own settings: those that stay are sent along.
    let own = topic.entries.iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
    let mut altered = AlterConfig::new(ResourceSpecifier::Topic(config.topic()));
    altered.entries = own.filter_map(|entry| Some((&*entry.name, entry.value.as_deref()?))).collect();
    altered.entries.extend(low.iter().map(|(key, value)| (*key, value.as_str())));
    let context = format!("the settings of topic {} can't be changed", config.topic());
    admin.alter_configs([&altered], &options(config)).await.map_err(|error| admin.inner().context().log_error(&context, error))?;
    // It doesn't tell what the brokers said of the topic itself, and the controller answers before they know.
    let wanted: Vec<_> = low.iter().map(|(key, value)| format!("{key}={value}")).collect();
    for _ in 0..=config.raw.request_timeout.as_millis() / PACE.as_millis() {
        if !self::low(&describe(admin, config).await?, config).any(|(key, _)| RAISED.contains(&key)) {
            return Ok(wanted);
        }
        tokio::time::sleep(PACE).await;
    }
    Err(LogError::Mismatch(format!("{context}: the brokers did not take {}", wanted.join(", "))))
}

async fn describe(admin: &AdminClient<Ear>, config: &Config) -> Result<ConfigResource, LogError> {
    let context = format!("topic {} can't be looked at", config.topic());
    let resource = ResourceSpecifier::Topic(config.topic());
    let mut described =
        admin.describe_configs([&resource], &options(config)).await.map_err(|error| admin.inner().context().log_error(&context, error))?;
    match described.pop() {
        Some(Ok(topic)) => Ok(topic),
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

/// What the topic bounds more narrowly than the configuration, and where the bound has to be.
fn low(topic: &ConfigResource, config: &Config) -> impl Iterator<Item = (&'static str, String)> {
    let raw = &config.raw;
    let bounds = [
        ("retention.ms", i128::try_from(raw.retention_age.as_millis()).unwrap_or(i128::MAX)),
        ("max.message.bytes", config.batch_bytes_max() as i128),
        ("min.insync.replicas", raw.in_sync_replicas_min.into()),
    ];
    let number = |key| topic.get(key).and_then(|entry| entry.value.as_deref()).and_then(|value| value.parse::<i128>().ok());
    // Negative is without bound.
    let low = |(key, wanted): &(&'static str, i128)| number(*key).is_some_and(|is| (0..*wanted).contains(&is));
    bounds.into_iter().filter(low).map(|(key, wanted)| (key, wanted.to_string())).collect::<Vec<_>>().into_iter()
}

/// What is wrong with the topic's settings, and the remedy.
fn settings(topic: &ConfigResource, config: &Config) -> Option<String> {
    let raw = &config.raw;
    let value = |key| topic.get(key).and_then(|entry| entry.value.as_deref());
    let other = |key: &'static str, wanted: &str| value(key).is_some_and(|is| is != wanted).then(|| (key, wanted.to_owned()));
    let wrong = [
        other("cleanup.policy", "delete"),
        other("message.timestamp.type", "LogAppendTime"),
        other("unclean.leader.election.enable", "false"),
    ];
    let wrong: Vec<_> = wrong.into_iter().flatten().chain(low(topic, config)).collect();
    if wrong.is_empty() {
        return None;
    }
    let is: Vec<_> = wrong.iter().map(|(key, _)| format!("{key}={}", value(key).unwrap_or("?"))).collect();
    let wanted: Vec<_> = wrong.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let (name, is, wanted) = (&raw.topic, is.join(", "), wanted.join(","));
    Some(format!("topic {name} has {is}: kafka-configs.sh --alter --topic {name} --add-config {wanted}, or adapt the configuration"))
}
