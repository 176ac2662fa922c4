//! The embedded store: everything in one `fjall` database on disk, in this process.
//!
//! A flush is written as one small value, in one atomic batch with the log's offsets, and kept in
//! memory beside that, so that it can be asked for at once; every few minutes what has gathered is
//! merged into blocks of a series' hour or day. So a chart reads few keys, and a block is written a few
//! times an hour instead of every second.
//!
//! After an error of the disk nothing is trusted any more: each later call fails until a restart.

mod block;
mod catalog;
pub mod config;
mod documents;
mod fresh;
mod keys;
mod merge;
mod read;
mod samples;
mod upkeep;
mod write;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode,
    config::{BlockSizePolicy, CompressionPolicy},
};
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

use self::{
    catalog::{Additions, Catalog, CubeEntry, CubeId, GroupId},
    config::Config,
    fresh::Fresh,
    keys::{Kind, Stretch},
};
use crate::{AlertQuery, Batch, Cube, SeriesWindows, Size, Store, StoreError, Upkeep};

/// The number of the format on disk.
const FORMAT: u32 = 1;

/// A store on disk, of this process alone. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct EmbeddedStore(Arc<Inner>);

struct Inner {
    config: Config,
    db: Database,
    meta: Keyspace,
    cubes: Keyspace,
    groups: Keyspace,
    fresh: Keyspace,
    fates: Keyspace,
    flags: Keyspace,
    alerts: Keyspace,
    stretches: Mutex<BTreeMap<Stretch, Keyspace>>,
    state: RwLock<State>,
    /// Held by whoever writes a batch: numbers of new groups are given out one batch at a time.
    writing: Mutex<()>,
    /// Held by whoever merges fresh rows into blocks.
    merging: Mutex<()>,
}

/// What is written and not yet in tables stands in journals on disk, and in memory: a bound for both.
const JOURNAL_BYTES_MAX: u64 = 128 << 20;
/// What is compressed together of samples.
const SAMPLES_BLOCK_BYTES: u32 = 64 << 10;

/// What is in memory.
#[derive(Default)]
struct State {
    catalog: Catalog,
    active: Fresh,
    /// Rows that are being merged into blocks.
    sealed: Option<Sealed>,
    /// When the oldest active row came.
    active_since: Option<Timestamp>,
    applied: BTreeMap<u32, u64>,
    /// The sequence number of the next flush.
    next_flush: u64,
    /// Rollups of windows before this minute are kept by the hour only.
    minutes_from: Minute,
    /// The time of the last upkeep.
    now: Timestamp,
}

/// Rows that are being merged into blocks, cube by cube.
#[derive(Clone)]
struct Sealed {
    rows: Arc<Fresh>,
    /// Their flushes have numbers up to this one.
    last_flush: u64,
    /// Cubes up to this one stand in blocks already.
    merged: Option<CubeId>,
}

impl std::fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// Opens the store in `config.dir`, which is made if it is missing. `now` is the present: rows
    /// that came before a crash are kept at the resolution that it asks for.
    ///
    /// # Errors
    /// When another process has it open, when it was written in another format, or when the disk
    /// can't be read.
    pub fn open(config: Config, now: Timestamp) -> Result<Self, StoreError> {
        let database = Database::builder(&config.dir).cache_size(config.cache_bytes).max_journaling_size(JOURNAL_BYTES_MAX);
        let db = database.open().map_err(|error| open_error(&config.dir, error))?;
        let keyspace = |name: &str| db.keyspace(name, KeyspaceCreateOptions::default).map_err(disk("opening a keyspace"));
        let inner = Inner {
            meta: keyspace("meta")?,
            cubes: keyspace("cubes")?,
            groups: keyspace("groups")?,
            fresh: keyspace("fresh")?,
            fates: keyspace("fates")?,
            flags: keyspace("flags")?,
            alerts: keyspace("alerts")?,
            stretches: Mutex::default(),
            state: RwLock::new(State { minutes_from: config.minutes_from(now), now, ..State::default() }),
            writing: Mutex::default(),
            merging: Mutex::default(),
            config,
            db,
        };
        inner.check_format()?;
        inner.open_stretches()?;
        inner.load_catalog()?;
        inner.load_applied()?;
        inner.load_fresh()?;
        Ok(Self(Arc::new(inner)))
    }

    /// Merges everything into as few tables as possible, which takes a while. Nobody has to: tables are
    /// merged as they grow. What a rollup takes on disk can be told afterwards.
    ///
    /// # Errors
    /// When the disk can't be read or written.
    pub async fn compact(&self) -> Result<(), StoreError> {
        self.blocking(Inner::compact).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner)).await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn applied(&self) -> Result<Option<BTreeMap<u32, u64>>, StoreError> {
        Ok(Some(self.0.read().applied.clone()))
    }

    async fn write(&self, batch: Arc<Batch>) -> Result<(), StoreError> {
        self.blocking(move |inner| inner.write_batch(&batch)).await
    }

    async fn rollups(&self, query: &RollupQuery) -> Result<Vec<RollupRow>, StoreError> {
        let query = query.clone();
        self.blocking(move |inner| inner.rollups(&query)).await
    }

    async fn cube(&self, cube: &Cube, resolution: Resolution, windows: &[Minute]) -> Result<Vec<SeriesWindows>, StoreError> {
        let (cube, windows) = (cube.clone(), windows.to_vec());
        self.blocking(move |inner| inner.series_windows(&cube, resolution, &windows)).await
    }

    async fn metrics(&self, app: &AppId) -> Result<Vec<MetricEntry>, StoreError> {
        Ok(self.0.read().catalog.metrics(app))
    }

    async fn values(&self, app: &AppId, dimension: &Dimension) -> Result<Vec<String>, StoreError> {
        Ok(self.0.read().catalog.values(app, dimension))
    }

    async fn fates(&self, app: &AppId, range: MinuteRange) -> Result<Vec<FateCount>, StoreError> {
        let app = app.clone();
        self.blocking(move |inner| inner.fates(&app, range)).await
    }

    async fn strata(&self, query: &StrataQuery) -> Result<Vec<Stratum>, StoreError> {
        let query = query.clone();
        self.blocking(move |inner| inner.strata(&query)).await
    }

    async fn samples(&self, query: &StrataQuery, slots: u16) -> Result<Vec<Sample>, StoreError> {
        let query = query.clone();
        self.blocking(move |inner| inner.samples(&query, slots)).await
    }

    async fn write_flags(&self, app: &AppId, minute: Minute, flags: &[Flag]) -> Result<(), StoreError> {
        let (app, flags) = (app.clone(), flags.to_vec());
        self.blocking(move |inner| inner.write_flags(&app, minute, &flags)).await
    }

    async fn tested(&self, app: &AppId) -> Result<Option<Minute>, StoreError> {
        let app = app.clone();
        self.blocking(move |inner| inner.minute_mark(documents::TESTED, &app)).await
    }

    async fn flags(&self, app: &AppId, range: MinuteRange) -> Result<Vec<Flag>, StoreError> {
        let app = app.clone();
        self.blocking(move |inner| inner.flags(&app, range)).await
    }

    async fn write_alerts(&self, app: &AppId, grouped: Option<Minute>, alerts: &[Alert]) -> Result<(), StoreError> {
        let (app, alerts) = (app.clone(), alerts.to_vec());
        self.blocking(move |inner| inner.write_alerts(&app, grouped, &alerts)).await
    }

    async fn grouped(&self, app: &AppId) -> Result<Option<Minute>, StoreError> {
        let app = app.clone();
        self.blocking(move |inner| inner.minute_mark(documents::GROUPED, &app)).await
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, StoreError> {
        let query = query.clone();
        self.blocking(move |inner| inner.alerts(&query)).await
    }

    async fn upkeep(&self, now: Timestamp) -> Result<Upkeep, StoreError> {
        self.blocking(move |inner| inner.upkeep(now)).await
    }

    async fn size(&self) -> Result<Size, StoreError> {
        self.blocking(Inner::size).await
    }
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn stretches(&self) -> MutexGuard<'_, BTreeMap<Stretch, Keyspace>> {
        self.stretches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let known = self.meta.get("format").map_err(disk("reading the format"))?;
        match known.as_deref().map(|bytes| keys::u32_at(bytes, 0)) {
            None => self.meta.insert("format", FORMAT.to_be_bytes()).map_err(disk("writing the format")),
            Some(Some(FORMAT)) => Ok(()),
            Some(other) => Err(StoreError::Mismatch(format!(
                "the store in {} has format {}, this version reads {FORMAT}: use the version that wrote it, or another data directory",
                self.config.dir.display(),
                other.map_or("unknown".to_owned(), |number| number.to_string())
            ))),
        }
    }

    fn open_stretches(&self) -> Result<(), StoreError> {
        let mut stretches = self.stretches();
        for name in self.db.list_keyspace_names() {
            if let Some(stretch) = Stretch::from_name(&name) {
                let keyspace = self.db.keyspace(&name, || stretch_options(stretch)).map_err(disk("opening a stretch"))?;
                stretches.insert(stretch, keyspace);
            }
        }
        Ok(())
    }

    fn load_catalog(&self) -> Result<(), StoreError> {
        let mut additions = Additions::default();
        for entry in self.cubes.iter() {
            let (key, value) = entry.into_inner().map_err(disk("reading the catalog"))?;
            let entry: CubeEntry = from_json(&value)?;
            additions.cubes.push((CubeId(number(&key)?), entry));
        }
        for entry in self.groups.iter() {
            let (key, value) = entry.into_inner().map_err(disk("reading the catalog"))?;
            additions.groups.push((GroupId(number(&key)?), Arc::new(from_json(&value)?)));
        }
        self.change().catalog.apply(additions);
        Ok(())
    }

    fn load_applied(&self) -> Result<(), StoreError> {
        let mut applied = BTreeMap::new();
        for entry in self.meta.prefix(write::APPLIED) {
            let (key, value) = entry.into_inner().map_err(disk("reading the applied offsets"))?;
            let partition = keys::u32_at(&key, write::APPLIED.len());
            let offset = <[u8; 8]>::try_from(&*value).map(u64::from_be_bytes);
            let (Some(partition), Ok(offset)) = (partition, offset) else {
                return Err(StoreError::Corrupt("an applied offset can't be read".to_owned()));
            };
            applied.insert(partition, offset);
        }
        self.change().applied = applied;
        Ok(())
    }

    /// The keyspace of a stretch, which is made if it is missing.
    fn stretch(&self, stretch: Stretch) -> Result<Keyspace, StoreError> {
        let mut stretches = self.stretches();
        if let Some(keyspace) = stretches.get(&stretch) {
            return Ok(keyspace.clone());
        }
        let keyspace = self.db.keyspace(&stretch.name(), || stretch_options(stretch)).map_err(disk("making a stretch"))?;
        stretches.insert(stretch, keyspace.clone());
        Ok(keyspace)
    }

    /// A batch that is on disk when it is committed.
    fn durable_batch(&self) -> fjall::OwnedWriteBatch {
        self.db.batch().durability(Some(PersistMode::SyncData))
    }
}

/// Many stretches are open at once: each may keep little unwritten.
fn stretch_options(stretch: Stretch) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default().max_memtable_size(16 * 1024 * 1024);
    match stretch.kind {
        // Samples say much that their neighbours say, too, and are read in long runs. A day's are soon merged to few tables,
        // which the defaults leave uncompressed.
        Kind::Samples => options
            .data_block_size_policy(BlockSizePolicy::all(SAMPLES_BLOCK_BYTES))
            .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4)),
        Kind::Minutes | Kind::Hours => options,
    }
}

fn open_error(dir: &Path, error: fjall::Error) -> StoreError {
    match error {
        fjall::Error::Locked => {
            StoreError::Mismatch(format!("another process has the store in {} open: stop it, or use another data directory", dir.display()))
        }
        other => disk("opening the store")(other),
    }
}

/// What a failure of the database while doing `what` is to the caller.
fn disk(what: &str) -> impl FnOnce(fjall::Error) -> StoreError {
    move |error| match error {
        fjall::Error::Io(source) => StoreError::Io { context: what.to_owned(), source },
        other => StoreError::Corrupt(format!("{what}: {other}")),
    }
}

fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Corrupt(format!("an entry of the store can't be read: {error}")))
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Corrupt(format!("an entry of the store can't be written: {error}")))
}

fn number(key: &[u8]) -> Result<u32, StoreError> {
    keys::u32_at(key, 0).ok_or_else(|| StoreError::Corrupt("a key of the catalog can't be read".to_owned()))
}
