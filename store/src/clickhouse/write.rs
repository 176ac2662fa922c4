//! Writing a batch: one insert into each table, known to the server by the range of the log.

use std::collections::{BTreeMap, HashMap};

use clickhouse::RowWrite;
use schemas::{
    cuboid::Cuboid,
    fate::FateCount,
    metric::Metric,
    rollup::Rollup,
    series::Group,
    time::{Hour, Minute},
};

use super::{
    Inner,
    audit::{Counts, SAMPLES},
    ddl,
    error::error,
    replay::Sending,
    rows::{AppliedIn, FateIn, RollupIn, SampleIn, StratumIn},
    samples::{sample_row, stratum_row},
    seconds,
};
use crate::{Batch, Source, StoreError};

/// Pinned for each insert, whatever the server's or the user's defaults are. An insert must be one block for
/// each of the table's partitions: tokens are of blocks, and a batch that was cut elsewhere would not be
/// recognised.
const PINNED: [(&str, &str); 9] = [
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    ("deduplicate_insert", "enable"),
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("max_insert_block_size", "1000000000"),
    ("min_insert_block_size_rows", "1000000000"),
    ("min_insert_block_size_bytes", "1000000000000"),
    ("max_insert_threads", "1"),
    // Late events may be of many days; an insert that is refused for that would be refused for ever.
    ("max_partitions_per_insert_block", "0"),
];

impl Inner {
    /// Adds a batch, once.
    pub(super) async fn write_batch(&self, batch: &Batch) -> Result<(), StoreError> {
        let [source] = batch.sources.as_slice() else {
            return Err(StoreError::Mismatch(format!(
                "a batch of {} partitions can't be written to ClickHouse, which knows a batch by its one range of the log: write each alone",
                batch.sources.len()
            )));
        };
        let shard = source.partition as usize % self.shards.len();
        if self.is_applied(*source, shard, batch).await? {
            return Ok(());
        }
        let sending = Sending::begin();
        // The catalog first: what has rows is listed.
        self.enter(batch).await?;
        let [minute_table, hour_table, fate_table, stratum_table, sample_table, applied_table] = ddl::ONCE;
        let token = |table| Some(self.token(*source, table));
        let names = cuboid_names(batch);
        let minutes = minute_rows(batch, &names)?;
        sending.goes_on()?;
        self.insert::<RollupIn<'_>>("writing rollups of minutes", minute_table, shard, &minutes, token(minute_table)).await?;
        let by_hour = by_hour(batch);
        let hours = hour_rows(&by_hour, &names)?;
        sending.goes_on()?;
        self.insert::<RollupIn<'_>>("writing rollups of hours", hour_table, shard, &hours, token(hour_table)).await?;
        let fates = batch.fates.iter().map(fate_row).collect::<Result<Vec<_>, _>>()?;
        sending.goes_on()?;
        self.insert::<FateIn<'_>>("writing fates", fate_table, shard, &fates, token(fate_table)).await?;
        let strata = batch.strata.iter().map(stratum_row).collect::<Result<Vec<_>, _>>()?;
        sending.goes_on()?;
        self.insert::<StratumIn<'_>>("writing strata", stratum_table, shard, &strata, token(stratum_table)).await?;
        let samples = batch.samples.iter().map(sample_row).collect::<Result<Vec<_>, _>>()?;
        sending.goes_on()?;
        self.insert::<SampleIn<'_>>("writing samples", sample_table, shard, &samples, token(sample_table)).await?;
        sending.goes_on()?;
        let applied = [applied_row(&self.config.log, *source, &applied_counts(batch))?];
        self.insert::<AppliedIn<'_>>("noting a batch", applied_table, shard, &applied, token(applied_table)).await
    }

    /// Inserts rows into a table of a shard; nothing when there are none.
    pub(super) async fn insert<'a, T>(
        &self,
        what: &str,
        table: &str,
        shard: usize,
        rows: &[T::Value<'a>],
        token: Option<String>,
    ) -> Result<(), StoreError>
    where
        T: clickhouse::Row + RowWrite,
    {
        if rows.is_empty() {
            return Ok(());
        }
        let mut insert = self.in_time(what, self.shards[shard].insert::<T>(table)).await?;
        insert = insert.with_timeouts(Some(self.config.timeout), Some(self.config.timeout));
        for (name, value) in PINNED {
            insert = insert.with_setting(name, value);
        }
        if let Some(token) = token {
            insert = insert.with_setting("insert_deduplication_token", token);
        }
        for row in rows {
            insert.write(row).await.map_err(error(what))?;
        }
        insert.end().await.map_err(error(what))
    }

    /// What an insert of a range into a table is known by.
    fn token(&self, source: Source, table: &str) -> String {
        format!("{}/{}/{}-{}/{table}", self.config.log, source.partition, source.start, source.end)
    }
}

/// The cuboids of a batch by their names, which its many rows borrow.
type Names<'a> = HashMap<&'a Cuboid, String>;

fn cuboid_names(batch: &Batch) -> Names<'_> {
    let mut names = Names::new();
    for rollups in &batch.rollups {
        names.entry(&rollups.group.cuboid).or_insert_with(|| rollups.group.cuboid.to_string());
    }
    names
}

fn minute_rows<'a>(batch: &'a Batch, names: &'a Names<'a>) -> Result<Vec<RollupIn<'a>>, StoreError> {
    let cells = batch.rollups.iter().flat_map(|rollups| rollups.cells.iter().map(|cell| (&*rollups.group, cell)));
    cells.map(|(group, cell)| rollup_row(names, group, &cell.metric, cell.minute, &cell.rollup)).collect()
}

/// The rollups of a batch by the hour, in an order of their own: a batch sent again is the same to the byte.
type Hours<'a> = BTreeMap<(&'a Group, &'a Metric, Hour), Rollup>;

fn by_hour(batch: &Batch) -> Hours<'_> {
    let mut hours = Hours::new();
    for rollups in &batch.rollups {
        for cell in &rollups.cells {
            hours.entry((&*rollups.group, &*cell.metric, cell.minute.hour())).or_default().merge(&cell.rollup);
        }
    }
    hours
}

fn hour_rows<'a>(hours: &'a Hours<'a>, names: &'a Names<'a>) -> Result<Vec<RollupIn<'a>>, StoreError> {
    hours.iter().map(|((group, metric, hour), rollup)| rollup_row(names, group, metric, hour.first_minute(), rollup)).collect()
}

fn rollup_row<'a>(
    names: &'a Names<'a>,
    group: &'a Group,
    metric: &'a Metric,
    window: Minute,
    rollup: &Rollup,
) -> Result<RollupIn<'a>, StoreError> {
    let value = |at: usize| group.values.get(at).map_or("", AsRef::as_ref);
    let (buckets, counts) = rollup.histogram.buckets().map(|bucket| (bucket.index, bucket.count)).unzip();
    Ok(RollupIn {
        app: group.app.as_str(),
        metric: metric.name.as_str(),
        unit: metric.unit.name(),
        cuboid: &names[&group.cuboid],
        v1: value(0),
        v2: value(1),
        v3: value(2),
        v4: value(3),
        time: seconds(window)?,
        samples: rollup.samples,
        count: rollup.count(),
        sum: rollup.sum.into(),
        buckets,
        counts,
    })
}

fn fate_row(fate: &FateCount) -> Result<FateIn<'_>, StoreError> {
    Ok(FateIn {
        app: fate.app.as_str(),
        minute: seconds(fate.minute)?,
        kind: fate.kind.name(),
        reason: &fate.reason,
        events: fate.events,
        newest: fate.newest.as_ms(),
    })
}

/// What a batch puts into the tables, by kind and hour.
fn applied_counts(batch: &Batch) -> Counts<&'static str> {
    let mut counts = Counts::new();
    for group in batch.rollups.iter().filter(|rollups| rollups.group.cuboid.dimensions().is_empty()) {
        for cell in &group.cells {
            *counts.entry((SAMPLES, cell.minute.hour())).or_default() += cell.rollup.samples;
        }
    }
    for fate in &batch.fates {
        *counts.entry((fate.kind.name(), fate.minute.hour())).or_default() += fate.events;
    }
    counts
}

fn applied_row<'a>(log: &'a str, source: Source, counts: &Counts<&'static str>) -> Result<AppliedIn<'a>, StoreError> {
    Ok(AppliedIn {
        log,
        log_partition: source.partition,
        start_offset: source.start,
        end_offset: source.end,
        kinds: counts.keys().map(|(kind, _)| *kind).collect(),
        hours: counts.keys().map(|(_, hour)| seconds(hour.first_minute())).collect::<Result<_, _>>()?,
        events: counts.values().copied().collect(),
    })
}
