//! When releases were first seen: the markers on a time axis.

use std::collections::BTreeMap;

use schemas::{
    cuboid,
    dimension::{Dimension, OTHER},
    query::{Filter, RollupQuery, Windows},
    time::{Minute, MinuteRange, Resolution},
};

use crate::{
    ApiState,
    answer::{At, Release},
    error::ApiError,
    question::{Scope, Step},
};

/// Releases that have their first values within `range`, among all users of the app, by time: to the minute
/// where minutes are kept. One that is seen in the range's first window was there before.
pub(crate) async fn first_seen(state: &ApiState, scope: &Scope, range: MinuteRange, step: Step) -> Result<Vec<Release>, ApiError> {
    let Some(cuboid) = cuboid::covering(&scope.app.app.cuboids, &[Dimension::Release]) else { return Ok(Vec::new()) };
    let query = RollupQuery {
        app: scope.app.app.id.clone(),
        metric: scope.metric.clone(),
        cuboid: cuboid.clone(),
        range,
        windows: Windows::Step { minutes: step.minutes, resolution: step.resolution },
        filters: Vec::new(),
        group_by: Some(Dimension::Release),
    };
    let rows = state.ask(&query).await?;
    let first_window = rows.iter().map(|row| row.window).min();
    let mut first: BTreeMap<Box<str>, Minute> = BTreeMap::new();
    for row in rows {
        first.entry(row.value).or_insert(row.window);
    }
    first.retain(|release, window| !release.is_empty() && **release != *OTHER && Some(*window) != first_window);
    let mut seen = Vec::with_capacity(first.len());
    for (release, window) in first {
        let minute = if scope.keeps_minutes_of(window) { first_minute(state, &query, &release, window, step).await? } else { None };
        seen.push((minute.unwrap_or(window), release));
    }
    seen.sort();
    Ok(seen.into_iter().map(|(minute, release)| Release { release: release.into(), first_seen: At(minute.start()) }).collect())
}

/// The first minute of `release` in the window that it was found in.
async fn first_minute(
    state: &ApiState,
    query: &RollupQuery,
    release: &str,
    window: Minute,
    step: Step,
) -> Result<Option<Minute>, ApiError> {
    let of_release = RollupQuery {
        range: MinuteRange::new(window, window.plus(step.minutes)),
        windows: Windows::Step { minutes: 1, resolution: Resolution::Minute },
        filters: vec![Filter { dimension: Dimension::Release, values: vec![release.to_owned()] }],
        group_by: None,
        ..query.clone()
    };
    Ok(state.ask(&of_release).await?.into_iter().map(|row| row.window).min())
}
