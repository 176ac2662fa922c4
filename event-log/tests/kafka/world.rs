//! A world that doesn't fit is refused, with the remedy.

use event_log::{LogError, kafka::Created};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ConfigSource, ResourceSpecifier};

use super::*;

async fn refusal(raw: &RawConfig) -> String {
    match within("an answer", Kafka::open(checked(raw))).await {
        Err(LogError::Mismatch(remedy)) => remedy,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_is_refused_and_nothing_makes_it_by_the_way() {
    let Some(brokers) = shared() else { return };
    let raw = small(&brokers, 3);
    for _ in 0..2 {
        let remedy = refusal(&raw).await;
        assert!(
            remedy.contains(&format!("there is no topic {}: run `icarus migrate`, or create it with 3 partitions", raw.topic)),
            "{remedy}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn making_the_topic_twice_leaves_it_as_it_is() {
    let Some(brokers) = shared() else { return };
    let raw = small(&brokers, 2);
    let log = Kafka::connect(checked(&raw)).unwrap();
    assert_eq!(log.create_topic().await.unwrap(), Created::New);
    let other = Kafka::connect(checked(&RawConfig { partitions: 5, ..raw.clone() })).unwrap();
    assert_eq!(other.create_topic().await.unwrap(), Created::Present);
    log.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_differs_is_refused_with_the_remedy() {
    let Some(brokers) = shared() else { return };
    let raw = small(&brokers, 2);
    made(&raw).await;
    let default = || raw.clone();
    let week = Duration::from_secs(7 * 24 * 3_600);
    let table = [
        (RawConfig { partitions: 4, ..default() }, "set partitions = 2".to_owned()),
        (RawConfig { replication: 2, ..default() }, "set replication = 1".to_owned()),
        (RawConfig { retention_age: 2 * week, ..default() }, format!("--add-config retention.ms={}", 2 * week.as_millis())),
        (RawConfig { record_bytes_max: 512 << 10, ..default() }, format!("--add-config max.message.bytes={}", 513 << 10)),
    ];
    for (other, remedy) in table {
        let told = refusal(&other).await;
        assert!(told.contains(&remedy), "{told}");
    }
    Kafka::open(checked(&RawConfig { retention_age: week / 2, ..default() })).await.expect("what is kept longer is no problem");
}

/// Retention and the largest record are raised, once; what else somebody set stays, and nothing is lowered.
#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_topic_are_raised_and_its_other_settings_stay() {
    let Some(brokers) = shared() else { return };
    let (day, kept) = (Duration::from_secs(24 * 3_600), "segment.ms");
    let raw = RawConfig { retention_age: day, ..small(&brokers, 2) };
    made(&raw).await;
    let admin: AdminClient<_> = rdkafka::ClientConfig::new().set("bootstrap.servers", &brokers).create().unwrap();
    let settings = async || {
        let topic = admin.describe_configs([&ResourceSpecifier::Topic(&raw.topic)], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
        let own = topic.entries.into_iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
        own.map(|entry| (entry.name, entry.value.unwrap())).collect::<BTreeMap<_, _>>()
    };
    let mut wanted = settings().await;
    let mut altered = AlterConfig::new(ResourceSpecifier::Topic(&raw.topic)).set(kept, "123456");
    altered.entries.extend(wanted.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    admin.alter_configs([&altered], &AdminOptions::new()).await.unwrap();
    // The controller answers before the brokers know.
    within("the setting", async { while !settings().await.contains_key(kept) {} }).await;

    let more = RawConfig { retention_age: 9 * day, record_bytes_max: 1 << 20, ..raw.clone() };
    let raised = [("retention.ms", (9 * day).as_millis().to_string()), ("max.message.bytes", ((1 << 20) + (1 << 10)).to_string())];
    let log = Kafka::connect(checked(&more)).unwrap();
    assert_eq!(log.raise_limits().await.unwrap(), raised.clone().map(|(key, value)| format!("{key}={value}")));
    log.check().await.unwrap();
    assert!(log.raise_limits().await.unwrap().is_empty(), "nothing is left to be raised");
    assert!(Kafka::connect(checked(&raw)).unwrap().raise_limits().await.unwrap().is_empty(), "nothing is lowered");
    wanted.insert(kept.to_owned(), "123456".to_owned());
    wanted.extend(raised.map(|(key, value)| (key.to_owned(), value)));
    assert_eq!(settings().await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_cannot_be_reached_are_named() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let raw = RawConfig { request_timeout: Duration::from_millis(500), ..small(&nobody, 1) };
    let refused = within("an answer", Kafka::open(checked(&raw))).await;
    assert!(matches!(&refused, Err(LogError::Unavailable { context, .. }) if context.contains(&nobody)), "{refused:?}");
}
