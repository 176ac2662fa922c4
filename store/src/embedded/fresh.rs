//! Rollups not yet merged into blocks: in memory for queries, and as the bytes of each flush on disk,
//! from which memory is made again at a start.

use std::collections::{BTreeMap, HashMap};

use schemas::{
    rollup::Rollup,
    time::{Minute, Resolution},
};

use super::{
    block::{self, BlockError, put_varint, varint},
    catalog::{CubeId, GroupId},
};

/// One row of a flush.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) cube: CubeId,
    pub(super) group: GroupId,
    /// [`Resolution::Hour`] for what is too old to be kept by the minute.
    pub(super) resolution: Resolution,
    /// The start of its window.
    pub(super) window: Minute,
    pub(super) rollup: Rollup,
}

/// The rollups of one cube, by window and group.
#[derive(Debug, Default)]
pub(super) struct CubeRows {
    minutes: BTreeMap<Minute, HashMap<GroupId, Rollup>>,
    hours: BTreeMap<Minute, HashMap<GroupId, Rollup>>,
}

/// Rollups by cube.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    cubes: BTreeMap<CubeId, CubeRows>,
    rows: usize,
}

impl Fresh {
    /// Adds a row.
    pub(super) fn add(&mut self, row: Row) {
        let cube = self.cubes.entry(row.cube).or_default();
        let windows = match row.resolution {
            Resolution::Minute => &mut cube.minutes,
            Resolution::Hour => &mut cube.hours,
        };
        match windows.entry(row.window).or_default().entry(row.group) {
            std::collections::hash_map::Entry::Occupied(mut known) => known.get_mut().merge(&row.rollup),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(row.rollup);
                self.rows += 1;
            }
        }
    }

    /// How many rollups it holds.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of a cube.
    pub(super) fn cube(&self, cube: CubeId) -> Option<&CubeRows> {
        self.cubes.get(&cube)
    }

    /// The cubes that have rows, rising, with these.
    pub(super) fn cubes(&self) -> impl Iterator<Item = (CubeId, &CubeRows)> {
        self.cubes.iter().map(|(cube, rows)| (*cube, rows))
    }
}

impl CubeRows {
    /// Its rollups at `resolution` in windows that begin in `[start, end)`. An hour's rollup comes in
    /// parts: its minutes, and what came by the hour.
    pub(super) fn range(&self, resolution: Resolution, start: Minute, end: Minute) -> impl Iterator<Item = (Minute, GroupId, &Rollup)> {
        let (end, hours) = match resolution {
            Resolution::Minute => (end, None),
            // The last hour's minutes belong to it.
            Resolution::Hour => (Minute(end.0.div_ceil(60) * 60), Some(&self.hours)),
        };
        let range = start.min(end)..end;
        let minutes = self.minutes.range(range.clone()).map(move |(minute, groups)| match resolution {
            Resolution::Minute => (*minute, groups),
            Resolution::Hour => (minute.hour().first_minute(), groups),
        });
        let hours = hours.into_iter().flat_map(move |hours| hours.range(range.clone())).map(|(hour, groups)| (*hour, groups));
        minutes.chain(hours).flat_map(|(window, groups)| groups.iter().map(move |(group, rollup)| (window, *group, rollup)))
    }

    /// All its rollups, each with the resolution it is kept at.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Resolution, Minute, GroupId, &Rollup)> {
        let of = |resolution, windows| Self::flatten(windows).map(move |(window, group, rollup)| (resolution, window, group, rollup));
        of(Resolution::Minute, &self.minutes).chain(of(Resolution::Hour, &self.hours))
    }

    fn flatten(windows: &BTreeMap<Minute, HashMap<GroupId, Rollup>>) -> impl Iterator<Item = (Minute, GroupId, &Rollup)> {
        windows.iter().flat_map(|(window, groups)| groups.iter().map(move |(group, rollup)| (*window, *group, rollup)))
    }
}

/// The rows of a flush as bytes.
pub(super) fn encode(rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * 24);
    for row in rows {
        put_varint(&mut bytes, u64::from(row.cube.0));
        put_varint(&mut bytes, u64::from(row.group.0));
        put_varint(&mut bytes, u64::from(row.window.0) << 1 | u64::from(row.resolution == Resolution::Hour));
        block::encode_rollup(&row.rollup, &mut bytes);
    }
    bytes
}

/// Reads the rows of a flush.
pub(super) fn decode(mut bytes: &[u8]) -> Result<Vec<Row>, BlockError> {
    let mut rows = Vec::new();
    while !bytes.is_empty() {
        let mut number = || varint(&mut bytes);
        let (cube, group, window) = (number()?, number()?, number()?);
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let resolution = if window & 1 == 1 { Resolution::Hour } else { Resolution::Minute };
        let rollup = block::decode_rollup(&mut bytes)?;
        rows.push(Row { cube: CubeId(small(cube)), group: GroupId(small(group)), resolution, window: Minute(small(window >> 1)), rollup });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: u32, resolution: Resolution, window: u32, value: u64) -> Row {
        let mut rollup = Rollup::default();
        rollup.record(value, 1);
        Row { cube: CubeId(3), group: GroupId(group), resolution, window: Minute(window), rollup }
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let rows = vec![row(1, Resolution::Minute, 29_395_321, 5), row(700, Resolution::Hour, 29_395_320, 1 << 39)];
        assert_eq!(decode(&encode(&rows)), Ok(rows));
        assert!(decode(&[0x80]).is_err());
    }

    #[test]
    fn an_hour_is_its_minutes_and_what_came_by_the_hour() {
        let mut fresh = Fresh::default();
        for row in [
            row(1, Resolution::Minute, 60, 1),
            row(1, Resolution::Minute, 119, 1),
            row(1, Resolution::Minute, 120, 1),
            row(1, Resolution::Hour, 60, 1),
        ] {
            fresh.add(row);
        }
        let cube = fresh.cube(CubeId(3)).unwrap();
        let hours: Vec<_> = cube.range(Resolution::Hour, Minute(60), Minute(120)).map(|(window, _, _)| window.0).collect();
        assert_eq!(hours, [60, 60, 60]);
        let minutes: Vec<_> = cube.range(Resolution::Minute, Minute(60), Minute(120)).map(|(window, _, _)| window.0).collect();
        assert_eq!(minutes, [60, 119]);
        assert_eq!(fresh.rows(), 4);
    }
}
