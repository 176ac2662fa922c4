//! Which metrics and values of dimensions an app has. Entries are maxima: writing one twice changes
//! nothing, so they need no token, and what was written lately is not written again.

use std::{
    collections::{BTreeMap, HashSet},
    sync::PoisonError,
};

use schemas::{
    app::AppId,
    dimension::Dimension,
    metric::{Metric, MetricName},
    query::MetricEntry,
    time::{Hour, MINUTES_PER_DAY, Minute},
    unit::Unit,
};

use super::{
    Inner, named,
    rows::{MetricIn, MetricOut, ValueIn},
    seconds,
};
use crate::{Batch, StoreError};

/// Entries remembered; when there are more, all are forgotten and written again as they come.
const KNOWN_MAX: usize = 500_000;

/// Entries that stand in the tables.
#[derive(Debug, Default)]
pub(super) struct Known {
    metrics: HashSet<(AppId, Metric, Hour)>,
    values: HashSet<(AppId, Dimension, Box<str>, u32)>,
}

impl Inner {
    /// Enters what a batch has and the catalog lacks.
    pub(super) async fn enter(&self, batch: &Batch) -> Result<(), StoreError> {
        let new = self.unknown(batch);
        let metrics: Result<Vec<_>, _> = new.metrics.iter().map(|(app, metric, hour)| metric_row(app, metric, *hour)).collect();
        self.insert::<MetricIn<'_>>("entering metrics", "metrics", 0, &metrics?, None).await?;
        let values: Result<Vec<_>, _> =
            new.values.iter().map(|(app, dimension, value, day)| value_row(app, dimension, value, *day)).collect();
        self.insert::<ValueIn<'_>>("entering values", "dimension_values", 0, &values?, None).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.metrics.len() + known.values.len() > KNOWN_MAX {
            *known = Known::default();
        }
        known.metrics.extend(new.metrics);
        known.values.extend(new.values);
        Ok(())
    }

    /// The metrics of an app, by name and unit.
    pub(super) async fn metrics(&self, app: &AppId) -> Result<Vec<MetricEntry>, StoreError> {
        let sql = "select metric, unit, toUInt32(intDiv(toUnixTimestamp(max(last_hour)), 3600)) as hour from ? where app = ? group by metric, unit";
        let rows: Vec<MetricOut> =
            self.all("reading metrics", self.ask(sql).bind(named(&self.table("metrics"))).bind(app.as_str())).await?;
        let entry = |row: MetricOut| {
            let name = MetricName::new(&row.metric).ok()?;
            let unit = Unit::ALL.into_iter().find(|unit| unit.name() == row.unit)?;
            Some(MetricEntry { metric: Metric { name, unit }, last_hour: Hour(row.hour) })
        };
        let entries: Option<Vec<_>> = rows.into_iter().map(entry).collect();
        let mut entries =
            entries.ok_or_else(|| StoreError::Corrupt("a metric in ClickHouse has a name or unit that is none".to_owned()))?;
        entries.sort_by(|a, b| a.metric.cmp(&b.metric));
        Ok(entries)
    }

    /// The values of a dimension of an app, rising.
    pub(super) async fn values(&self, app: &AppId, dimension: &Dimension) -> Result<Vec<String>, StoreError> {
        let sql = "select distinct value from ? where app = ? and dimension = ? order by value";
        let query = self.ask(sql).bind(named(&self.table("dimension_values"))).bind(app.as_str()).bind(dimension.name());
        self.all("reading values", query).await
    }

    fn unknown(&self, batch: &Batch) -> Known {
        // The latest of each, so that a batch with many hours enters one row.
        let mut metrics: BTreeMap<(&AppId, &Metric), Hour> = BTreeMap::new();
        let mut values: BTreeMap<(&AppId, &Dimension, &str), u32> = BTreeMap::new();
        for rollups in &batch.rollups {
            let mut last = Hour(0);
            for cell in &rollups.cells {
                let hour = cell.minute.hour();
                last = last.max(hour);
                let known = metrics.entry((&rollups.group.app, &cell.metric)).or_insert(hour);
                *known = (*known).max(hour);
            }
            for (dimension, value) in rollups.group.slice() {
                let known = values.entry((&rollups.group.app, dimension, value)).or_insert(0);
                *known = (*known).max(last.day());
            }
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = metrics.into_iter().map(|((app, metric), hour)| (app.clone(), metric.clone(), hour));
        let values = values.into_iter().map(|((app, dimension, value), day)| (app.clone(), dimension.clone(), value.into(), day));
        Known {
            metrics: metrics.filter(|entry| !known.metrics.contains(entry)).collect(),
            values: values.filter(|entry| !known.values.contains(entry)).collect(),
        }
    }
}

fn metric_row<'a>(app: &'a AppId, metric: &'a Metric, hour: Hour) -> Result<MetricIn<'a>, StoreError> {
    let last_hour = seconds(hour.first_minute())?;
    Ok(MetricIn { app: app.as_str(), metric: metric.name.as_str(), unit: metric.unit.name(), last_hour })
}

fn value_row<'a>(app: &'a AppId, dimension: &'a Dimension, value: &'a str, day: u32) -> Result<ValueIn<'a>, StoreError> {
    let last_day = seconds(Minute(day.saturating_mul(MINUTES_PER_DAY)))?;
    Ok(ValueIn { app: app.as_str(), dimension: dimension.name(), value, last_day })
}
