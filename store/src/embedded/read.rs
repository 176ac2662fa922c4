//! Answering questions about rollups: from blocks on disk and from the fresh rows in memory.

use std::collections::{BTreeMap, HashMap};

use schemas::{
    query::{RollupQuery, RollupRow, Windows},
    rollup::Rollup,
    time::{MINUTES_PER_DAY, MINUTES_PER_HOUR, Minute, MinuteRange, Resolution},
};

use super::{
    Inner, State, block,
    catalog::{CubeId, GroupId},
    disk,
    keys::{self, BlockPlace},
};
use crate::{Cube, SeriesWindows, StoreError};

/// Blocks are looked up one by one when at most one in this many is wanted, and read in a row else.
const LOOKUP_SHARE: usize = 4;

impl Inner {
    /// The rows of a question.
    pub(super) fn rollups(&self, query: &RollupQuery) -> Result<Vec<RollupRow>, StoreError> {
        let state = self.read();
        let cube = Cube { app: query.app.clone(), metric: query.metric.clone(), cuboid: query.cuboid.clone() };
        let Some(cube) = state.catalog.cube(&cube) else { return Ok(Vec::new()) };
        let matching = state.catalog.matching(&query.app, &query.cuboid, &query.filters, query.group_by.as_ref());
        let mut values: Vec<&str> = matching.iter().map(|(_, value)| *value).collect();
        values.sort_unstable();
        values.dedup();
        let wanted = Wanted {
            groups: matching.iter().map(|(group, value)| (*group, values.binary_search(value).expect("it is one of them"))).collect(),
            all: state.catalog.groups_of(&query.app, &query.cuboid),
        };
        let mut merged: Vec<BTreeMap<Minute, Rollup>> = vec![BTreeMap::new(); values.len()];
        for (resolution, range) in parts(query) {
            self.visit(&state, cube, &wanted, resolution, range, |value, window, rollup| {
                merged[value].entry(query.windows.start_of(window, query.range)).or_default().merge(rollup);
            })?;
        }
        let row = |value: &str, (window, rollup)| RollupRow { value: value.into(), window, rollup };
        Ok(values.into_iter().zip(merged).flat_map(|(value, windows)| windows.into_iter().map(move |window| row(value, window))).collect())
    }

    /// All series of a cube in the given windows.
    pub(super) fn series_windows(&self, cube: &Cube, resolution: Resolution, windows: &[Minute]) -> Result<Vec<SeriesWindows>, StoreError> {
        let state = self.read();
        let Some(id) = state.catalog.cube(cube) else { return Ok(Vec::new()) };
        let groups: Vec<GroupId> = state.catalog.matching(&cube.app, &cube.cuboid, &[], None).into_iter().map(|(group, _)| group).collect();
        let wanted = Wanted { groups: groups.iter().enumerate().map(|(at, group)| (*group, at)).collect(), all: groups.len() };
        let mut found: Vec<BTreeMap<Minute, Rollup>> = vec![BTreeMap::new(); groups.len()];
        for range in runs(windows, resolution) {
            self.visit(&state, id, &wanted, resolution, range, |at, window, rollup| found[at].entry(window).or_default().merge(rollup))?;
        }
        let named = |(group, windows): (GroupId, BTreeMap<Minute, Rollup>)| {
            let group = state.catalog.group(group)?;
            (!windows.is_empty()).then(|| SeriesWindows { group: (**group).clone(), windows: windows.into_iter().collect() })
        };
        let mut series: Vec<SeriesWindows> = groups.into_iter().zip(found).filter_map(named).collect();
        series.sort_by(|a, b| a.group.values.cmp(&b.group.values));
        Ok(series)
    }

    /// Shows every rollup of the wanted groups in windows of `resolution` that begin in `range`. One
    /// window may come in several parts.
    fn visit(
        &self,
        state: &State,
        cube: CubeId,
        wanted: &Wanted,
        resolution: Resolution,
        range: MinuteRange,
        mut show: impl FnMut(usize, Minute, &Rollup),
    ) -> Result<(), StoreError> {
        if range.is_empty() || wanted.groups.is_empty() {
            return Ok(());
        }
        let sealed = state.sealed.as_ref().filter(|sealed| sealed.merged.is_none_or(|merged| merged < cube));
        for fresh in [Some(&state.active), sealed.map(|sealed| &*sealed.rows)].into_iter().flatten() {
            for (window, group, rollup) in fresh.cube(cube).into_iter().flat_map(|rows| rows.range(resolution, range.start, range.end)) {
                if let Some(at) = wanted.groups.get(&group) {
                    show(*at, window, rollup);
                }
            }
        }
        let mut show_block = |number, at, bytes: &[u8]| -> Result<(), StoreError> {
            for slot in block::slots(bytes).map_err(corrupt)? {
                let (slot, rollup) = slot.map_err(corrupt)?;
                let window = BlockPlace::window(resolution, number, slot);
                if range.contains(window) {
                    show(at, window, &rollup);
                }
            }
            Ok(())
        };
        let keyspaces = self.stretches().clone();
        for (stretch, number) in blocks(resolution, range) {
            let Some(keyspace) = keyspaces.get(&stretch) else { continue };
            if wanted.groups.len() * LOOKUP_SHARE <= wanted.all {
                for (group, at) in &wanted.groups {
                    if let Some(bytes) = keyspace.get(keys::block(cube, number, *group)).map_err(disk("reading a block"))? {
                        show_block(number, *at, &bytes)?;
                    }
                }
            } else {
                for entry in keyspace.prefix(keys::block_prefix(cube, number)) {
                    let (key, bytes) = entry.into_inner().map_err(disk("reading blocks"))?;
                    if let Some(at) = keys::group_of(&key).and_then(|group| wanted.groups.get(&group)) {
                        show_block(number, *at, &bytes)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Which groups are wanted.
struct Wanted {
    /// Each with the place of what it is merged into.
    groups: HashMap<GroupId, usize>,
    /// How many groups the cuboid has.
    all: usize,
}

/// The parts of a question: which resolution answers which stretch of its range.
fn parts(query: &RollupQuery) -> Vec<(Resolution, MinuteRange)> {
    match query.windows {
        Windows::Step { resolution, .. } => vec![(resolution, query.range)],
        Windows::Whole => {
            let (head, hours, tail) = query.range.split_by_hour();
            vec![(Resolution::Minute, head), (Resolution::Hour, hours), (Resolution::Minute, tail)]
        }
    }
}

/// Windows as ranges of neighbours.
fn runs(windows: &[Minute], resolution: Resolution) -> Vec<MinuteRange> {
    let mut sorted = windows.to_vec();
    sorted.sort_unstable();
    let mut runs: Vec<MinuteRange> = Vec::new();
    for start in sorted {
        let end = start.plus(resolution.minutes());
        match runs.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => runs.push(MinuteRange::new(start, end)),
        }
    }
    runs
}

/// The blocks that hold the windows beginning in `range`, with the stretch of each.
fn blocks(resolution: Resolution, range: MinuteRange) -> impl Iterator<Item = (keys::Stretch, u32)> {
    let width = match resolution {
        Resolution::Minute => MINUTES_PER_HOUR,
        Resolution::Hour => MINUTES_PER_DAY,
    };
    (range.start.0 / width..range.end.0.div_ceil(width))
        .map(move |number| (BlockPlace::of(resolution, Minute(number * width)).stretch, number))
}

fn corrupt(error: block::BlockError) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
