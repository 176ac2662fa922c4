//! An intake of one app, and a log that tests look into.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use event_log::{AppendError, Appended, Consumer, EventLog, Extent, LogError, Offset, Partition};
use ingest::{
    config::{AppPolicy, Config, EdgeHeaders, Origins},
    intake::Intake,
    route::RouteRules,
};
use schemas::{app::AppId, dimension::DimensionName, metric::MetricName, unit::Unit};

/// Keeps records in memory, or refuses them.
#[derive(Default)]
pub(crate) struct TestLog {
    pub(crate) records: Mutex<Vec<(Partition, Bytes)>>,
    pub(crate) broken: AtomicBool,
}

#[async_trait]
impl EventLog for TestLog {
    fn partitions(&self) -> u32 {
        4
    }

    async fn append(&self, partition: Partition, record: Bytes) -> Result<Appended, AppendError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(AppendError::Unavailable("the test broke it".into()));
        }
        let mut records = self.records.lock().unwrap();
        records.push((partition, record));
        Ok(Appended::At(Offset(records.len() as u64 - 1)))
    }

    async fn extent(&self, _: Partition) -> Result<Extent, LogError> {
        Err(LogError::Closed)
    }

    async fn consumer(&self, _: &str) -> Result<Box<dyn Consumer>, LogError> {
        Err(LogError::Closed)
    }
}

pub(crate) fn config() -> Config {
    let id = AppId::new("shop").unwrap();
    let app = AppPolicy {
        id: id.clone(),
        key: "pk_shop_example".into(),
        origins: Origins::Only(vec!["https://shop.example".into()]),
        routes: RouteRules::new(["/product/:id"]).unwrap(),
        dimensions: vec![DimensionName::new("plan").unwrap()],
        metrics: BTreeMap::from([(MetricName::new("basket").unwrap(), Unit::Count)]),
        lateness_max: Duration::from_secs(48 * 3_600),
        reject_bots: true,
    };
    Config {
        body_bytes_max: 10_000,
        events_max: 5,
        requests_max: 10,
        body_timeout: Duration::from_secs(10),
        route_spread: 2,
        edge_headers: EdgeHeaders { country: Some("cf-ipcountry".into()), ..EdgeHeaders::default() },
        apps: BTreeMap::from([(id, app)]),
    }
}

pub(crate) fn intake(config: Config) -> (Intake, Arc<TestLog>) {
    let log = Arc::new(TestLog::default());
    (Intake::new(Arc::new(config), Arc::clone(&log) as Arc<dyn EventLog>), log)
}
