//! A log and a store in whose calls a worker dies, or that don't answer.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use event_log::{
    AppendError, Appended, Assignment, Committed, Consumer, EventLog, Extent, LogError, Offset, Partition, Polled,
    config::RawConfig,
    embedded::{Clock, Embedded},
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use schemas::{
    alert::Alert,
    app::AppId,
    dimension::Dimension,
    fate::FateCount,
    flag::Flag,
    query::{MetricEntry, RollupQuery, RollupRow},
    sample::{Sample, StrataQuery, Stratum},
    time::{Minute, MinuteRange, Resolution, Timestamp},
};
use store::{AlertQuery, Batch, Cube, SeriesWindows, Size, Store, StoreError, Upkeep};
use tokio::sync::{Notify, watch};

/// Where workers die: at some of the points that they pass, as a seed decides.
#[derive(Debug, Clone)]
pub(crate) struct Deaths(Arc<(Mutex<Option<ChaCha8Rng>>, Notify)>);

impl Deaths {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new((Mutex::new(Some(ChaCha8Rng::seed_from_u64(seed))), Notify::new())))
    }

    /// From now on nobody dies.
    pub(crate) fn end(&self) {
        *self.0.0.lock().unwrap() = None;
    }

    /// Waits until a worker has come to its end.
    pub(crate) async fn next(&self) {
        self.0.1.notified().await;
    }

    fn strike(&self, chance: f64) -> bool {
        self.0.0.lock().unwrap().as_mut().is_some_and(|rng| rng.random_bool(chance))
    }

    /// A call of the log, which now and then gets no answer, whether or not it was carried out.
    fn answers(&self) -> Result<(), LogError> {
        if self.strike(0.03) {
            return Err(LogError::Unavailable { context: "as a test".to_owned(), source: std::io::ErrorKind::TimedOut.into() });
        }
        Ok(())
    }

    /// A point at which a worker may die: then this never returns, and the test aborts it.
    async fn pass(&self) {
        if self.strike(0.15) {
            self.0.1.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// A log in `dir`.
pub(crate) fn open(dir: &Path, partitions: u32) -> Embedded {
    let raw = RawConfig { partitions, replay_margin: 100_000, ..RawConfig::default() };
    let now = || Timestamp::from_ms(1_763_719_300_000);
    Embedded::open(raw.check(dir).unwrap(), Clock::new(now, || Duration::ZERO)).unwrap()
}

/// A log whose readers die around their commits.
pub(crate) struct Mortal {
    log: Embedded,
    deaths: Deaths,
}

impl Mortal {
    pub(crate) fn new(log: Embedded, deaths: Deaths) -> Self {
        Self { log, deaths }
    }
}

#[async_trait]
impl EventLog for Mortal {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    async fn append(&self, partition: Partition, record: Bytes) -> Result<Appended, AppendError> {
        self.log.append(partition, record).await
    }

    async fn extent(&self, partition: Partition) -> Result<Extent, LogError> {
        self.deaths.answers()?;
        self.log.extent(partition).await
    }

    async fn consumer(&self, group: &str) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(MortalConsumer { consumer: self.log.consumer(group).await?, deaths: self.deaths.clone() }))
    }
}

struct MortalConsumer {
    consumer: Box<dyn Consumer>,
    deaths: Deaths,
}

#[async_trait]
impl Consumer for MortalConsumer {
    async fn poll(&mut self, wait: Duration) -> Result<Polled, LogError> {
        let polled = self.consumer.poll(wait).await?;
        if let Polled::Assigned(assigned) = &polled {
            assert!(assigned.iter().all(|Assignment { committed, extent, .. }| {
                committed.as_ref().is_none_or(|committed| extent.start <= committed.offset && committed.offset <= extent.end)
            }));
        }
        Ok(polled)
    }

    async fn seek(&mut self, partition: Partition, offset: Offset) -> Result<(), LogError> {
        self.deaths.answers()?;
        self.consumer.seek(partition, offset).await
    }

    async fn commit(&mut self, positions: &[(Partition, Committed)]) -> Result<(), LogError> {
        self.deaths.pass().await;
        self.deaths.answers()?;
        self.consumer.commit(positions).await?;
        self.deaths.pass().await;
        self.deaths.answers()
    }
}

/// A store that keeps no offsets, and knows a batch again by its range of the log, as ClickHouse does by tokens.
#[derive(Debug)]
pub(crate) struct RangeStore {
    remembers: bool,
    deaths: Option<Deaths>,
    /// How long the first write takes.
    pause: Mutex<Duration>,
    ranges: Mutex<HashSet<(u32, u64, u64)>>,
    counted: watch::Sender<u64>,
}

impl RangeStore {
    pub(crate) fn new() -> Self {
        Self { remembers: true, deaths: None, pause: Mutex::default(), ranges: Mutex::default(), counted: watch::Sender::new(0) }
    }

    /// One that knows nothing again.
    pub(crate) fn forgetful() -> Self {
        Self { remembers: false, ..Self::new() }
    }

    /// One whose first write takes so long.
    #[allow(dead_code, reason = "not every test file has a use for it")]
    pub(crate) fn pausing(pause: Duration) -> Self {
        Self { pause: Mutex::new(pause), ..Self::new() }
    }

    /// The ranges written, by partition.
    #[allow(dead_code, reason = "not every test file has a use for it")]
    pub(crate) fn ranges(&self) -> Vec<(u32, u64, u64)> {
        let mut ranges: Vec<_> = self.ranges.lock().unwrap().iter().copied().collect();
        ranges.sort_unstable();
        ranges
    }

    pub(crate) fn mortal(self, deaths: Deaths) -> Self {
        Self { deaths: Some(deaths), ..self }
    }

    /// The events counted, by their rollups in the total.
    pub(crate) fn counted(&self) -> u64 {
        *self.counted.borrow()
    }

    /// Waits until at least `events` are counted.
    pub(crate) async fn has_counted(&self, events: u64) {
        let mut counted = self.counted.subscribe();
        counted.wait_for(|counted| *counted >= events).await.unwrap();
    }

    fn strike(&self) -> bool {
        self.deaths.as_ref().is_some_and(|deaths| deaths.strike(0.03))
    }
}

#[async_trait]
impl Store for RangeStore {
    async fn applied(&self) -> Result<Option<BTreeMap<u32, u64>>, StoreError> {
        Ok(None)
    }

    async fn write(&self, batch: Arc<Batch>) -> Result<(), StoreError> {
        let [source] = batch.sources[..] else { panic!("a token names one range, not {:?}", batch.sources) };
        if let Some(deaths) = &self.deaths {
            deaths.pass().await;
        }
        let pause = std::mem::take(&mut *self.pause.lock().unwrap());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        if self.strike() {
            return Err(StoreError::Unavailable("refused".into()));
        }
        if self.ranges.lock().unwrap().insert((source.partition, source.start, source.end)) || !self.remembers {
            let total = batch.rollups.iter().filter(|group| group.group.cuboid.dimensions().is_empty());
            let events: u64 = total.flat_map(|group| &group.cells).map(|cell| cell.rollup.samples).sum();
            self.counted.send_modify(|counted| *counted += events);
        }
        if self.strike() {
            return Err(StoreError::Unavailable("written, but the answer was lost".into()));
        }
        if let Some(deaths) = &self.deaths {
            deaths.pass().await;
        }
        Ok(())
    }

    async fn rollups(&self, _: &RollupQuery) -> Result<Vec<RollupRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn cube(&self, _: &Cube, _: Resolution, _: &[Minute]) -> Result<Vec<SeriesWindows>, StoreError> {
        Ok(Vec::new())
    }

    async fn metrics(&self, _: &AppId) -> Result<Vec<MetricEntry>, StoreError> {
        Ok(Vec::new())
    }

    async fn values(&self, _: &AppId, _: &Dimension) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn fates(&self, _: &AppId, _: MinuteRange) -> Result<Vec<FateCount>, StoreError> {
        Ok(Vec::new())
    }

    async fn strata(&self, _: &StrataQuery) -> Result<Vec<Stratum>, StoreError> {
        Ok(Vec::new())
    }

    async fn samples(&self, _: &StrataQuery, _: u16) -> Result<Vec<Sample>, StoreError> {
        Ok(Vec::new())
    }

    async fn write_flags(&self, _: &AppId, _: Minute, _: &[Flag]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn tested(&self, _: &AppId) -> Result<Option<Minute>, StoreError> {
        Ok(None)
    }

    async fn flags(&self, _: &AppId, _: MinuteRange) -> Result<Vec<Flag>, StoreError> {
        Ok(Vec::new())
    }

    async fn write_alerts(&self, _: &AppId, _: Option<Minute>, _: &[Alert]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn grouped(&self, _: &AppId) -> Result<Option<Minute>, StoreError> {
        Ok(None)
    }

    async fn alerts(&self, _: &AlertQuery) -> Result<Vec<Alert>, StoreError> {
        Ok(Vec::new())
    }

    async fn upkeep(&self, _: Timestamp) -> Result<Upkeep, StoreError> {
        Ok(Upkeep::default())
    }

    async fn size(&self) -> Result<Size, StoreError> {
        Ok(Size::default())
    }
}
