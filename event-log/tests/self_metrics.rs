//! The log says of itself what its list of self-metrics promises, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use event_log::{
    AppendError, Appended, Committed, Consumer, EventLog, Extent, LogError, Offset, Partition, Polled,
    config::RawConfig,
    embedded::{Clock, Embedded},
    metrics::{ALL, Kind},
    spool::{self, Spool},
};
use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use schemas::time::Timestamp;

/// Keeps what it is told, by kind, name and labels.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<BTreeMap<String, (&'static str, f64)>>>);

struct One(Told, String, &'static str);

impl One {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut told = self.0.0.lock().expect("nobody panics with the lock");
        let value = told.entry(self.1.clone()).or_insert((self.2, 0.0));
        value.1 = change(value.1);
    }
}

impl CounterFn for One {
    fn increment(&self, by: u64) {
        self.change(|value| value + by as f64);
    }
    fn absolute(&self, to: u64) {
        self.change(|_| to as f64);
    }
}

impl GaugeFn for One {
    fn increment(&self, by: f64) {
        self.change(|value| value + by);
    }
    fn decrement(&self, by: f64) {
        self.change(|value| value - by);
    }
    fn set(&self, to: f64) {
        self.change(|_| to);
    }
}

impl HistogramFn for One {
    /// The number of samples.
    fn record(&self, _: f64) {
        self.change(|value| value + 1.0);
    }
}

impl Told {
    fn one(&self, key: &Key, kind: &'static str) -> Arc<One> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(One(self.clone(), format!("{}{{{}}}", key.name(), labels.join(",")), kind))
    }

    fn value(&self, name_and_labels: &str) -> f64 {
        let told = self.0.lock().expect("nobody panics with the lock");
        told.get(name_and_labels).unwrap_or_else(|| panic!("{name_and_labels} is not among {:#?}", told.keys())).1
    }
}

impl Recorder for Told {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.one(key, "Counter"))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.one(key, "Gauge"))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.one(key, "Histogram"))
    }
}

/// A log that takes nothing.
struct Away;

#[async_trait]
impl EventLog for Away {
    fn partitions(&self) -> u32 {
        1
    }
    async fn append(&self, _: Partition, _: Bytes) -> Result<Appended, AppendError> {
        Err(AppendError::Unavailable("away".to_owned()))
    }
    async fn extent(&self, _: Partition) -> Result<Extent, LogError> {
        Err(LogError::Closed)
    }
    async fn consumer(&self, _: &str) -> Result<Box<dyn Consumer>, LogError> {
        Err(LogError::Closed)
    }
}

#[tokio::test]
async fn each_self_metric_is_told_with_its_kind_and_no_other() {
    let told = Told::default();
    metrics::set_global_recorder(told.clone()).unwrap_or_else(|_| panic!("this process has one test"));
    let dir = tempfile::tempdir().unwrap();
    let raw =
        RawConfig { partitions: 2, segment_bytes: 4 << 10, record_bytes_max: 1_000, retention_bytes: 16 << 10, ..RawConfig::default() };
    let open = || Embedded::open(raw.check(dir.path()).unwrap(), Clock::new(|| Timestamp::from_ms(5), || Duration::ZERO)).unwrap();

    let log = open();
    for _ in 0..4 {
        log.append(Partition(1), Bytes::from(vec![1; 1_000])).await.unwrap();
    }
    log.append(Partition(1), Bytes::from(vec![1; 1_001])).await.unwrap_err();
    log.append(Partition(9), Bytes::new()).await.unwrap_err();
    assert_eq!(told.value("icarus_log_appended_records_total{}"), 4.0);
    assert_eq!(told.value("icarus_log_appended_bytes_total{}"), 4_000.0);
    assert_eq!(told.value("icarus_log_group_records{}"), 4.0);
    assert_eq!(told.value("icarus_log_sync_seconds{}"), 4.0);
    assert_eq!(told.value("icarus_log_end_offset{partition=1}"), 4.0);
    assert_eq!(told.value("icarus_log_queue_bytes{partition=1}"), 0.0);
    assert_eq!(told.value("icarus_log_append_failures_total{kind=too_large}"), 1.0);
    assert_eq!(told.value("icarus_log_append_failures_total{kind=unavailable}"), 1.0);
    assert_eq!(told.value("icarus_log_disk_bytes{}"), log.bytes() as f64);

    let mut consumer = log.consumer("reader").await.unwrap();
    assert!(matches!(consumer.poll(Duration::ZERO).await.unwrap(), Polled::Assigned(_)));
    consumer.commit(&[(Partition(1), Committed { offset: Offset(4), metadata: String::new() })]).await.unwrap();
    assert_eq!(told.value("icarus_log_committed_offset{group=reader,partition=1}"), 4.0);
    drop((consumer, log));

    // A torn tail, and more records than there is room for, with a group that needs none.
    let segment = dir.path().join("log/p00001/00000000000000000003.seg");
    let torn = [std::fs::read(&segment).unwrap(), vec![7; 33]].concat();
    std::fs::write(&segment, torn).unwrap();
    let raw = RawConfig { replay_margin: 0, ..raw.clone() };
    let log = Embedded::open(raw.check(dir.path()).unwrap(), Clock::new(|| Timestamp::from_ms(5), || Duration::ZERO)).unwrap();
    assert_eq!(told.value("icarus_log_cut_bytes_total{}"), 33.0);
    let refused = loop {
        if let Err(refused) = log.append(Partition(0), Bytes::from(vec![1; 1_000])).await {
            break refused;
        }
    };
    assert_eq!(told.value("icarus_log_append_failures_total{kind=full}"), 1.0, "{refused}");
    assert_eq!(told.value("icarus_log_deleted_segments_total{reason=size}"), 1.0);
    assert_eq!(told.value("icarus_log_deleted_records_total{reason=size}"), 3.0);
    assert_eq!(told.value("icarus_log_start_offset{partition=1}"), 3.0);
    assert_eq!(told.value("icarus_log_failed_partitions{}"), 0.0);
    let appended = told.value("icarus_log_appended_records_total{}");

    // A log that is away, with a spool before it.
    let config = spool::RawConfig { drain: Duration::ZERO, ..spool::RawConfig::default() }.check(dir.path(), 1, 1_000).unwrap();
    let spooled = Spool::open(Arc::new(Away), config, Clock::new(|| Timestamp::from_ms(5), || Duration::ZERO)).await.unwrap();
    assert_eq!(spooled.append(Partition(0), Bytes::from(vec![1; 900])).await.unwrap(), Appended::Spooled);
    spooled.append(Partition(0), Bytes::from(vec![1; 1_001])).await.unwrap_err();
    spooled.close().await;
    assert_eq!(told.value("icarus_log_acknowledged_records_total{by=spool}"), 1.0);
    assert_eq!(told.value("icarus_log_spool_refused_records_total{kind=too_large}"), 1.0);
    assert_eq!(told.value("icarus_log_spool_waiting_records{}"), 1.0);
    assert_eq!(told.value("icarus_log_spool_waiting_bytes{}"), 920.0);
    assert_eq!(told.value("icarus_log_spool_sent_records_total{}"), 0.0);
    assert_eq!(told.value("icarus_log_appended_records_total{}"), appended, "the spool's own log says nothing of itself");

    let kinds: BTreeSet<_> =
        told.0.lock().unwrap().iter().map(|(key, (kind, _))| (key.split('{').next().unwrap().to_owned(), (*kind).to_owned())).collect();
    let listed: BTreeSet<_> = ALL.iter().map(|metric| (metric.name.to_owned(), format!("{:?}", metric.kind))).collect();
    assert_eq!(kinds, listed);
    for metric in ALL {
        assert!(metric.name.starts_with("icarus_log_") && !metric.help.is_empty());
        assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
    }
}
