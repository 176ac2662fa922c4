//! When releases were first seen: the markers on a time axis.

use std::collections::BTreeMap;

use schemas::{
    cuboid,
    dimension::{Dimension, OTHER},
    query::{RollupQuery, Windows},
    time::{Minute, MinuteRange},
};

use crate::{
    ApiState,
    answer::{At, Release},
    error::ApiError,
    question::{Scope, Step},
};

/// Releases that have their first values within `range`, among all users of the app, by time. One
/// that is seen in the range's first window was there before.
pub(crate) async fn first_seen(state: &ApiState, scope: &Scope, range: MinuteRange, step: Step) -> Result<Vec<Release>, ApiError> {
    let app = &scope.app.app;
    let Some(cuboid) = cuboid::covering(&app.cuboids, &[Dimension::Release]) else { return Ok(Vec::new()) };
    let rows = state
        .ask(&RollupQuery {
            app: app.id.clone(),
            metric: scope.metric.clone(),
            cuboid: cuboid.clone(),
            range,
            windows: Windows::Step { minutes: step.minutes, resolution: step.resolution },
            filters: Vec::new(),
            group_by: Some(Dimension::Release),
        })
        .await?;
    let first_window = rows.iter().map(|row| row.window).min();
    let mut first: BTreeMap<Box<str>, Minute> = BTreeMap::new();
    for row in rows {
        first.entry(row.value).or_insert(row.window);
    }
    let mut seen: Vec<(Minute, Box<str>)> = first
        .into_iter()
        .filter(|(release, window)| !release.is_empty() && **release != *OTHER && Some(*window) != first_window)
        .map(|(release, window)| (window, release))
        .collect();
    seen.sort();
    Ok(seen.into_iter().map(|(window, release)| Release { release: release.into(), first_seen: At(window.start()) }).collect())
}
