//! A world that doesn't fit is refused, with the remedy.

use event_log::{LogError, kafka::Created};

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

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_cannot_be_reached_are_named() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let raw = RawConfig { request_timeout: Duration::from_millis(500), ..small(&nobody, 1) };
    let refused = within("an answer", Kafka::open(checked(&raw))).await;
    assert!(matches!(&refused, Err(LogError::Unavailable { context, .. }) if context.contains(&nobody)), "{refused:?}");
}
