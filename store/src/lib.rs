//! The store: keeps rollups, the counts of fates, samples, flags and alerts, and answers questions about them.
//!
//! [`Store`] is the edge that the other rooms see; each implementation stands in a module of its own,
//! passes the same suite, and gives the same answer, to the bit, to the same question. A store obeys:
//! which cuboid answers, what is a flag, when an alert fires is decided by others.

mod audit;
pub mod clickhouse;
pub mod embedded;
#[cfg(feature = "suite")]
#[expect(clippy::unwrap_used, reason = "the suite is a test")]
pub mod suite;

use std::{collections::BTreeMap, sync::Arc};

pub use self::audit::Audit;
use async_trait::async_trait;
use schemas::{
    alert::{Alert, AlertState, Delivery},
    app::AppId,
    cuboid::Cuboid,
    dimension::Dimension,
    fate::FateCount,
    flag::Flag,
    metric::Metric,
    query::{MetricEntry, RollupQuery, RollupRow},
    rollup::{GroupRollups, Rollup},
    sample::{Sample, StrataQuery, Stratum},
    series::Group,
    time::{Minute, MinuteRange, Resolution, Timestamp},
};

/// A range of a log's partition: records `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    pub partition: u32,
    pub start: u64,
    pub end: u64,
}

/// What the aggregator made of some ranges of the log: written once however often it is sent; wholly or
/// not at all where the store keeps offsets, see [`Store::write`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// At most one for each partition.
    pub sources: Vec<Source>,
    pub rollups: Vec<GroupRollups>,
    pub fates: Vec<FateCount>,
    pub strata: Vec<Stratum>,
    /// At most one for each slot of a stratum; a store keeps the one of the greatest rank.
    pub samples: Vec<Sample>,
    /// Some of it may have been sent before: by another process, or long ago. A store that knows batches only
    /// for a while then looks first whether it has this one.
    pub replay: bool,
}

/// The rollups of one metric in one cuboid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cube {
    pub app: AppId,
    pub metric: Metric,
    pub cuboid: Cuboid,
}

/// The rollups of one series in some of the windows asked for, by rising window; those without a
/// value are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesWindows {
    pub group: Group,
    pub windows: Vec<(Minute, Rollup)>,
}

/// Which alerts are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertQuery {
    /// Only those of this app.
    pub app: Option<AppId>,
    /// Only those that were not resolved before this range began, and began before it ended.
    pub range: Option<MinuteRange>,
    /// Only those that are not resolved, or have a change yet to be told.
    pub open: bool,
}

impl AlertQuery {
    /// Whether it asks for `alert`.
    pub fn asks_for(&self, alert: &Alert) -> bool {
        let in_range = self.range.is_none_or(|range| {
            let over = alert.state == AlertState::Resolved && alert.last_flagged < range.start;
            alert.began < range.end && !over
        });
        let untold = alert.changes.iter().any(|change| change.delivery == Delivery::Due);
        self.app.as_ref().is_none_or(|app| *app == alert.app) && in_range && (!self.open || alert.state != AlertState::Resolved || untold)
    }
}

/// What a round of upkeep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upkeep {
    /// Stretches of time (days of minutes or samples, months of hours) deleted because their retention ended.
    pub expired: u32,
    /// Stretches deleted early because the disk bound was reached. Data was lost to a limit.
    pub evicted: u32,
}

/// What it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Everything, with journals of what is not merged yet.
    pub disk_bytes: u64,
    /// The tables that hold rollups of a minute.
    pub minute_bytes: u64,
    /// Groups (slices) known.
    pub groups: u64,
    /// Rollups of a series and minute on disk.
    pub series_minutes: u64,
}

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{context}: {source}")]
    Io { context: String, source: std::io::Error },
    /// What stands on disk is not what was written.
    #[error("{0}")]
    Corrupt(String),
    /// The world doesn't fit the configuration, or a batch what was applied; the remedy stands in the text.
    #[error("{0}")]
    Mismatch(String),
    /// It can't be reached or is overloaded; the same call may succeed later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

/// Where rollups, flags and alerts are kept.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// For each partition of the log the offset up to which its records are in the store, if the
    /// store keeps it in the same atomic batch as the rows. `None` when it can't: then the log's
    /// commit has to carry it.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn applied(&self) -> Result<Option<BTreeMap<u32, u64>>, StoreError>;

    /// Adds a batch. Sending a batch again whose sources were applied changes nothing.
    ///
    /// A store that can't keep offsets (see [`Store::applied`]) knows a batch by its source: it takes
    /// batches of exactly one, and never two that begin at the same record and end at different ones.
    /// After an error part of such a batch may be in; sending it again adds the rest.
    ///
    /// # Errors
    /// `Mismatch` when a source neither continues what was applied nor was applied already, when there are
    /// several and the store takes one, or when part of a replay may be in and it can't be told any more.
    async fn write(&self, batch: Arc<Batch>) -> Result<(), StoreError>;

    /// The rows of a question, by value and window, both rising. Windows without a value are left out.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn rollups(&self, query: &RollupQuery) -> Result<Vec<RollupRow>, StoreError>;

    /// All series of a cube in the given windows, each the start of a window of `resolution`.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn cube(&self, cube: &Cube, resolution: Resolution, windows: &[Minute]) -> Result<Vec<SeriesWindows>, StoreError>;

    /// The metrics that `app` has rollups of, by name and unit.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn metrics(&self, app: &AppId) -> Result<Vec<MetricEntry>, StoreError>;

    /// The values that `dimension` has in the rollups of `app`, rising.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn values(&self, app: &AppId, dimension: &Dimension) -> Result<Vec<String>, StoreError>;

    /// What became of the events of `app` received in `range`, by minute, kind and reason.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn fates(&self, app: &AppId, range: MinuteRange) -> Result<Vec<FateCount>, StoreError>;

    /// The strata asked about, by minute and route. They and their samples are kept as long as rollups of a minute.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn strata(&self, query: &StrataQuery) -> Result<Vec<Stratum>, StoreError>;

    /// The samples of those strata in slots below `slots`, by minute, route and slot: of each slot the one of the
    /// greatest rank that was written. A stratum may have fewer than it has slots.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn samples(&self, query: &StrataQuery, slots: u16) -> Result<Vec<Sample>, StoreError>;

    /// Notes that `minute` of `app` was tested, with what was flagged in it; replaces an earlier
    /// test of the same minute.
    ///
    /// # Errors
    /// When the store can't be written.
    async fn write_flags(&self, app: &AppId, minute: Minute, flags: &[Flag]) -> Result<(), StoreError>;

    /// The last tested minute of `app`.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn tested(&self, app: &AppId) -> Result<Option<Minute>, StoreError>;

    /// The flags of `app` whose tested minute lies in `range`, by that minute.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn flags(&self, app: &AppId, range: MinuteRange) -> Result<Vec<Flag>, StoreError>;

    /// Writes alerts, each replacing the one with its app and id, all or none; and the minute of
    /// `app` up to which flags have been grouped.
    ///
    /// # Errors
    /// When the store can't be written.
    async fn write_alerts(&self, app: &AppId, grouped: Option<Minute>, alerts: &[Alert]) -> Result<(), StoreError>;

    /// The minute of `app` up to which flags have been grouped into alerts.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn grouped(&self, app: &AppId) -> Result<Option<Minute>, StoreError>;

    /// The alerts asked for, by app and falling id.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, StoreError>;

    /// Merges what can be merged and deletes what is past its retention at `now`. To be called
    /// about once a minute.
    ///
    /// # Errors
    /// When the store can't be written.
    async fn upkeep(&self, now: Timestamp) -> Result<Upkeep, StoreError>;

    /// Compares what is counted in the hours that `range` touches with what was sent: to be called about
    /// once a minute with some hours, and now and then with all days that minutes are kept. `None` where rows
    /// and offsets are one atomic batch: then there is nothing that could differ.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn audit(&self, range: MinuteRange) -> Result<Option<Audit>, StoreError> {
        let _ = range;
        Ok(None)
    }

    /// What it costs now.
    ///
    /// # Errors
    /// When the store can't be read.
    async fn size(&self) -> Result<Size, StoreError>;
}
