//! Answers about a metric: time series, histogram, breakdown and heat map.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::Uri};
use schemas::{
    dimension::Dimension,
    histogram::Binning,
    query::{RollupRow, Windows},
};

use crate::{
    ApiState,
    answer::{At, Breakdown, BreakdownRow, Column, ErrorBody, Heatmap, Histogram, Point, Timeseries, TimeseriesSeries},
    error::ApiError,
    params::Params,
    question::{Scope, ScopeParams, dimension, quantiles},
    releases,
    source::Source,
    summary::{bins, bounds, over_good, ratings, summary},
};

/// Series that a grouped time series may have.
const SERIES_MAX: usize = 50;
/// Rows that a breakdown may have.
const ROWS_MAX: usize = 500;

/// A metric over time: counts and quantiles of each window, for everyone or by the values of a
/// dimension.
#[utoipa::path(get, path = "/api/v1/timeseries", tag = "measures", params(
    ScopeParams,
    ("step" = Option<String>, Query, description = "The width of a window in whole minutes, such as 60s, 10m or 1h; fitting the range by default."),
    ("quantiles" = Option<String>, Query, description = "In [0, 1], with commas between; 0.5,0.75,0.95 by default."),
    ("group_by" = Option<String>, Query, description = "A dimension: one series for each of its values."),
    ("limit" = Option<u32>, Query, description = "How many series at the most, by falling n; 10 by default, at most 50."),
), responses((status = 200, body = Timeseries), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn timeseries(State(state): State<ApiState>, uri: Uri) -> Result<Json<Timeseries>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let scope = state.scope(&mut params).await?;
    let (step, range) = scope.step(&mut params)?;
    let quantiles = quantiles(&mut params)?;
    let group_by = params.optional("group_by")?.map(|name| dimension(&name, &scope.app)).transpose()?;
    let limit = params.number("limit", 10, 1, SERIES_MAX)?;
    params.finish()?;
    let source = Source::of(&state, &scope, range, group_by.as_ref()).await?;
    let windows = Windows::Step { minutes: step.minutes, resolution: step.resolution };
    let rows = source.rows(windows, group_by.clone()).await?;

    let mut by_value: BTreeMap<Box<str>, Vec<RollupRow>> = BTreeMap::new();
    for row in rows {
        by_value.entry(row.value.clone()).or_default().push(row);
    }
    let total = |rows: &[RollupRow]| rows.iter().map(|row| row.rollup.count()).sum::<u64>();
    let mut ranked: Vec<(Box<str>, u64, Vec<RollupRow>)> = by_value.into_iter().map(|(value, rows)| (value, total(&rows), rows)).collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let series_total = ranked.len();
    let point = |row: RollupRow| Point { at: At(row.window.start()), summary: summary(&row.rollup, scope.metric.unit, &quantiles) };
    let series = |(value, n, rows): (Box<str>, u64, Vec<RollupRow>)| TimeseriesSeries {
        value: group_by.as_ref().map(|_| value.into()),
        n,
        points: rows.into_iter().map(point).collect(),
    };
    Ok(Json(Timeseries {
        asked: source.asked(),
        step_s: step.seconds(),
        resolution: source.resolution_name(step),
        series: ranked.into_iter().take(limit).map(series).collect(),
        series_total,
        group_by: group_by.map(String::from),
    }))
}

/// The distribution of a metric over the whole range.
#[utoipa::path(get, path = "/api/v1/histogram", tag = "measures", params(
    ScopeParams,
    ("quantiles" = Option<String>, Query, description = "In [0, 1], with commas between; 0.5,0.75,0.95 by default."),
    ("bins_per_octave" = Option<u32>, Query, description = "Bins for each doubling of the value: a power of two, at most 128, which are the stored buckets; 8 by default."),
), responses((status = 200, body = Histogram), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn histogram(State(state): State<ApiState>, uri: Uri) -> Result<Json<Histogram>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let scope = state.scope(&mut params).await?;
    let quantiles = quantiles(&mut params)?;
    let binning = binning(&mut params, 8)?;
    params.finish()?;
    let source = Source::of(&state, &scope, scope.whole(), None).await?;
    let rows = source.rows(Windows::Whole, None).await?;
    let rollup = rows.into_iter().next().map(|row| row.rollup).unwrap_or_default();
    Ok(Json(Histogram {
        asked: source.asked(),
        summary: summary(&rollup, scope.metric.unit, &quantiles),
        ratings: ratings(&rollup.histogram, &scope.metric),
        bins: bins(&rollup.histogram, scope.metric.unit, binning),
    }))
}

/// A metric by the values of a dimension, each with its share, quantiles and distribution.
#[utoipa::path(get, path = "/api/v1/breakdown", tag = "measures", params(
    ScopeParams,
    ("by" = String, Query, description = "The dimension."),
    ("quantiles" = Option<String>, Query, description = "In [0, 1], with commas between; 0.5,0.75,0.95 by default."),
    ("order" = Option<String>, Query, description = "What rows are sorted by, falling: n (default), over_good, or quantile (the first asked for)."),
    ("limit" = Option<u32>, Query, description = "How many rows at the most; 20 by default, at most 500."),
    ("bins_per_octave" = Option<u32>, Query, description = "Bins for each doubling of the value: a power of two, at most 128; 4 by default."),
), responses((status = 200, body = Breakdown), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn breakdown(State(state): State<ApiState>, uri: Uri) -> Result<Json<Breakdown>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let scope = state.scope(&mut params).await?;
    let by = params.required("by", "a dimension, such as by=route")?;
    let by = dimension(&by, &scope.app)?;
    let quantiles = quantiles(&mut params)?;
    let order = order(&mut params)?;
    let limit = params.number("limit", 20, 1, ROWS_MAX)?;
    let binning = binning(&mut params, 4)?;
    params.finish()?;
    let source = Source::of(&state, &scope, scope.whole(), Some(&by)).await?;
    let rows = source.rows(Windows::Whole, Some(by.clone())).await?;
    // By experiment a page view may stand more than once: the total is not the rows' sum.
    let n = if matches!(by, Dimension::Experiment | Dimension::Arm) {
        source.everyone().await?
    } else {
        rows.iter().map(|row| row.rollup.count()).sum()
    };
    let rows_total = rows.len();
    let mut rows: Vec<BreakdownRow> = rows.into_iter().map(|row| breakdown_row(&row, &scope, n, &quantiles, binning)).collect();
    rows.sort_by(|a, b| order.rank(b).total_cmp(&order.rank(a)).then_with(|| a.value.cmp(&b.value)));
    rows.truncate(limit);
    Ok(Json(Breakdown { asked: source.asked(), by: by.into(), n, rows, rows_total }))
}

fn breakdown_row(row: &RollupRow, scope: &Scope, n: u64, quantiles: &[f64], binning: Binning) -> BreakdownRow {
    let RollupRow { value, rollup, .. } = row;
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = if n == 0 { 0.0 } else { rollup.count() as f64 / n as f64 };
    BreakdownRow {
        value: value.to_string(),
        share,
        summary: summary(rollup, scope.metric.unit, quantiles),
        ratings: ratings(&rollup.histogram, &scope.metric),
        over_good: over_good(&rollup.histogram, &scope.metric),
        bins: bins(&rollup.histogram, scope.metric.unit, binning),
    }
}

/// What the rows of a breakdown are sorted by.
#[derive(Debug, Clone, Copy)]
enum Order {
    N,
    OverGood,
    Quantile,
}

impl Order {
    #[expect(clippy::cast_precision_loss, reason = "a rank")]
    fn rank(self, row: &BreakdownRow) -> f64 {
        match self {
            Self::N => row.summary.n as f64,
            Self::OverGood => row.over_good.unwrap_or_default(),
            Self::Quantile => row.summary.quantiles.first().map_or(0.0, |quantile| quantile.value),
        }
    }
}

fn order(params: &mut Params) -> Result<Order, ApiError> {
    match params.optional("order")?.as_deref() {
        None | Some("n") => Ok(Order::N),
        Some("over_good") => Ok(Order::OverGood),
        Some("quantile") => Ok(Order::Quantile),
        Some(other) => Err(ApiError::invalid("order", format!("`{other}` is no order"), "n, over_good or quantile")),
    }
}

fn binning(params: &mut Params, default: usize) -> Result<Binning, ApiError> {
    let per_octave = params.number("bins_per_octave", default, 1, 128)?;
    let binning = u16::try_from(per_octave).ok().and_then(Binning::new);
    binning.ok_or_else(|| ApiError::invalid("bins_per_octave", format!("{per_octave} is no power of two"), "1, 2, 4, 8, 16, 32, 64 or 128"))
}

/// The distribution of a metric over time, with the releases first seen in the range.
#[utoipa::path(get, path = "/api/v1/heatmap", tag = "measures", params(
    ScopeParams,
    ("step" = Option<String>, Query, description = "The width of a column in whole minutes; fitting the range by default."),
    ("bins_per_octave" = Option<u32>, Query, description = "Rows for each doubling of the value: a power of two, at most 128; 8 by default."),
), responses((status = 200, body = Heatmap), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn heatmap(State(state): State<ApiState>, uri: Uri) -> Result<Json<Heatmap>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let scope = state.scope(&mut params).await?;
    let (step, range) = scope.step(&mut params)?;
    let binning = binning(&mut params, 8)?;
    params.finish()?;
    let source = Source::of(&state, &scope, range, None).await?;
    let windows = Windows::Step { minutes: step.minutes, resolution: step.resolution };
    let rows = source.rows(windows, None).await?;
    let binned: Vec<Vec<(u16, u64)>> = rows.iter().map(|row| row.rollup.histogram.binned(binning)).collect();
    let used = || binned.iter().flatten().map(|(bin, _)| *bin);
    let (first, last) = (used().min().unwrap_or(1), used().max().unwrap_or(0));
    let column = |(row, bins): (&RollupRow, &Vec<(u16, u64)>)| Column {
        at: At(row.window.start()),
        n: row.rollup.count(),
        cells: bins.iter().map(|(bin, n)| (u32::from(bin - first), *n)).collect(),
    };
    Ok(Json(Heatmap {
        step_s: step.seconds(),
        resolution: source.resolution_name(step),
        n: rows.iter().map(|row| row.rollup.count()).sum(),
        samples: rows.iter().map(|row| row.rollup.samples).sum(),
        rows: (first..=last).map(|bin| bounds(bin, scope.metric.unit, binning)).collect(),
        columns: rows.iter().zip(&binned).map(column).collect(),
        releases: releases::first_seen(&state, &scope, range, step).await?,
        asked: source.asked(),
    }))
}
