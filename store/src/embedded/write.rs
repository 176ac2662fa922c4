//! Writing a flush: rows, fates, samples and the log's offsets in one atomic batch.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use schemas::{
    app::AppId,
    cuboid::Cuboid,
    fate::{FateCount, FateKind},
    metric::Metric,
    rollup::Rollup,
    time::{Hour, Minute, Resolution, Timestamp},
};

use super::{
    Inner, State,
    catalog::{Additions, CubeId},
    disk,
    fresh::{self, Fresh, Row},
    keys, to_json,
};
use crate::{Batch, Cube, Source, StoreError};

/// What the keys of applied offsets begin with.
pub(super) const APPLIED: &[u8] = b"applied/";

/// What is to be done with a batch.
enum Standing {
    New,
    Applied,
}

impl Inner {
    /// Adds a batch, once.
    pub(super) fn write_batch(&self, batch: &Batch) -> Result<(), StoreError> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (rows, additions, flush, minutes_from) = {
            let state = self.read();
            match standing(&state, &batch.sources)? {
                Standing::Applied => return Ok(()),
                Standing::New => {}
            }
            let mut additions = Additions::default();
            let rows = self.rows_of(&state, batch, &mut additions);
            (rows, additions, state.next_flush, state.minutes_from)
        };
        self.commit(batch, &rows, &additions, flush, minutes_from)?;
        let full = {
            let mut state = self.change();
            let now = state.now;
            state.catalog.apply(additions);
            state.applied.extend(batch.sources.iter().map(|source| (source.partition, source.end)));
            if !rows.is_empty() {
                state.next_flush = flush + 1;
                state.active_since.get_or_insert(now);
            }
            for row in rows {
                state.active.add(row);
            }
            state.active.rows() >= self.config.fresh_rows_max
        };
        drop(writing);
        // Whoever writes faster than rows can be merged waits here: memory has a bound.
        if full { self.merge_fresh() } else { Ok(()) }
    }

    fn commit(&self, batch: &Batch, rows: &[Row], additions: &Additions, flush: u64, minutes_from: Minute) -> Result<(), StoreError> {
        let mut writes = self.durable_batch();
        for (id, entry) in &additions.cubes {
            writes.insert(&self.cubes, id.0.to_be_bytes(), to_json(entry)?);
        }
        for (id, group) in &additions.groups {
            writes.insert(&self.groups, id.0.to_be_bytes(), to_json(&**group)?);
        }
        if !rows.is_empty() {
            writes.insert(&self.fresh, flush.to_be_bytes(), fresh::encode(rows));
        }
        for (key, (events, newest)) in self.fates_after(&batch.fates)? {
            let mut value = [0; 16];
            value[..8].copy_from_slice(&events.to_be_bytes());
            value[8..].copy_from_slice(&newest.as_ms().to_be_bytes());
            writes.insert(&self.fates, key, value);
        }
        self.add_strata(&batch.strata, minutes_from, &mut writes)?;
        self.add_samples(&batch.samples, minutes_from, &mut writes)?;
        for source in &batch.sources {
            let key = [APPLIED, &source.partition.to_be_bytes()].concat();
            writes.insert(&self.meta, key, source.end.to_be_bytes());
        }
        writes.commit().map_err(disk("writing a flush"))
    }

    /// The rows of a batch, its cubes and groups numbered.
    fn rows_of(&self, state: &State, batch: &Batch, additions: &mut Additions) -> Vec<Row> {
        let mut cubes = CubeNumbers::default();
        let mut rows = Vec::with_capacity(batch.rollups.iter().map(|group| group.cells.len()).sum());
        // A cube's entry on disk tells its last hour: it is numbered once, with the latest of the batch.
        for group in &batch.rollups {
            for cell in &group.cells {
                cubes.note(&group.group.app, &group.group.cuboid, &cell.metric, cell.minute.hour());
            }
        }
        cubes.number(state, additions);
        for group in &batch.rollups {
            let id = state.catalog.group_for_write(&group.group, additions);
            let of_cuboid = cubes.of(&group.group.app, &group.group.cuboid);
            for cell in &group.cells {
                let cube = of_cuboid.iter().find(|known| known.is(&cell.metric)).expect("noted above").id;
                let (resolution, window) = if cell.minute >= state.minutes_from {
                    (Resolution::Minute, cell.minute)
                } else {
                    (Resolution::Hour, cell.minute.hour().first_minute())
                };
                rows.push(Row { cube, group: id, resolution, window, rollup: cell.rollup.clone() });
            }
        }
        // What was folded by the minute may be one row by the hour.
        if rows.iter().any(|row| row.resolution == Resolution::Hour) {
            rows = merged(rows);
        }
        rows
    }

    /// The counts of fates as they are to be after the batch.
    fn fates_after(&self, fates: &[FateCount]) -> Result<HashMap<Vec<u8>, (u64, Timestamp)>, StoreError> {
        let mut after: HashMap<Vec<u8>, (u64, Timestamp)> = HashMap::new();
        for fate in fates {
            let key = fate_key(fate);
            if !after.contains_key(&key) {
                let known = self.fates.get(&key).map_err(disk("reading fates"))?;
                after.insert(key.clone(), known.as_deref().and_then(super::documents::fate_value).unwrap_or_default());
            }
            let (events, newest) = after.get_mut(&key).expect("inserted above");
            *events += fate.events;
            *newest = (*newest).max(fate.newest);
        }
        Ok(after)
    }
}

/// Whether the batch's sources continue what was applied, or were applied already.
fn standing(state: &State, sources: &[Source]) -> Result<Standing, StoreError> {
    let (mut new, mut applied) = (0, 0);
    for source in sources {
        match state.applied.get(&source.partition) {
            Some(end) if source.end <= *end && source.start < source.end => applied += 1,
            Some(end) if source.start != *end => {
                return Err(StoreError::Mismatch(format!(
                    "records [{}, {}) of partition {} do not continue the {end} that are in the store: the log and the store don't belong together, \
                     use the data directories that do",
                    source.start, source.end, source.partition
                )));
            }
            _ => new += 1,
        }
    }
    match (new, applied) {
        (_, 0) => Ok(Standing::New),
        (0, _) => Ok(Standing::Applied),
        _ => Err(StoreError::Mismatch("part of a batch is in the store already: a batch must be sent again as it was".to_owned())),
    }
}

fn fate_key(fate: &FateCount) -> Vec<u8> {
    let mut key = keys::app_minute(&fate.app, fate.minute);
    key.push(kind_number(fate.kind));
    key.extend_from_slice(fate.reason.as_bytes());
    key
}

/// A kind's number on disk.
pub(super) const fn kind_number(kind: FateKind) -> u8 {
    match kind {
        FateKind::RolledUp => 0,
        FateKind::TooLate => 1,
        FateKind::Duplicate => 2,
        FateKind::Rejected => 3,
        FateKind::Refused => 4,
    }
}

/// Rows of the same series and window as one.
fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut fresh = Fresh::default();
    for row in rows {
        fresh.add(row);
    }
    let row =
        |cube, (resolution, window, group, rollup): (_, _, _, &Rollup)| Row { cube, group, resolution, window, rollup: rollup.clone() };
    fresh.cubes().flat_map(|(cube, rows)| rows.rows().map(move |kept| row(cube, kept))).collect()
}

/// The cubes of one batch: few metrics in few cuboids, met very often.
#[derive(Default)]
struct CubeNumbers(HashMap<AppId, HashMap<Cuboid, Vec<Numbered>>>);

struct Numbered {
    metric: Arc<Metric>,
    last: Hour,
    id: CubeId,
}

impl Numbered {
    fn is(&self, metric: &Arc<Metric>) -> bool {
        Arc::ptr_eq(&self.metric, metric) || self.metric == *metric
    }
}

impl CubeNumbers {
    fn note(&mut self, app: &AppId, cuboid: &Cuboid, metric: &Arc<Metric>, hour: Hour) {
        if !self.0.get(app).is_some_and(|cuboids| cuboids.contains_key(cuboid)) {
            self.0.entry(app.clone()).or_default().insert(cuboid.clone(), Vec::new());
        }
        let known = self.0.get_mut(app).and_then(|cuboids| cuboids.get_mut(cuboid)).expect("inserted above");
        match known.iter_mut().find(|known| known.is(metric)) {
            Some(known) => known.last = known.last.max(hour),
            None => known.push(Numbered { metric: Arc::clone(metric), last: hour, id: CubeId(u32::MAX) }),
        }
    }

    fn number(&mut self, state: &State, additions: &mut Additions) {
        for (app, cuboids) in &mut self.0 {
            for (cuboid, known) in cuboids {
                for cube in known {
                    let named = Cube { app: app.clone(), metric: (*cube.metric).clone(), cuboid: cuboid.clone() };
                    cube.id = state.catalog.cube_for_write(&named, cube.last, additions);
                }
            }
        }
    }

    fn of(&self, app: &AppId, cuboid: &Cuboid) -> &[Numbered] {
        self.0.get(app).and_then(|cuboids| cuboids.get(cuboid)).map_or(&[], Vec::as_slice)
    }
}
