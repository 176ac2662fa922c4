//! Merging fresh rows into blocks, cube by cube.
//!
//! Each cube is one atomic batch that also notes how far the merge has come, so that a process that is
//! killed in between continues there: rows of cubes up to the mark stand in blocks and are not taken
//! from the flushes again. The flushes are deleted at the end.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError},
};

use schemas::{rollup::Rollup, time::Resolution};

use super::{
    Inner, Sealed,
    block::Block,
    catalog::{CubeId, GroupId},
    disk,
    fresh::{self, CubeRows, Fresh},
    keys::{self, BlockPlace, Stretch},
};
use crate::StoreError;

/// How far a merge has come: the last flush it takes in (8 bytes), and the last cube done (4 bytes).
const MARK: &str = "merging";

impl Inner {
    /// Merges what is in memory into blocks. One merge runs at a time; a second waits for it.
    pub(super) fn merge_fresh(&self) -> Result<(), StoreError> {
        let _merging = self.merging.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut state = self.change();
            if state.active.rows() == 0 {
                return Ok(());
            }
            let rows = Arc::new(std::mem::take(&mut state.active));
            state.active_since = None;
            state.sealed = Some(Sealed { rows, last_flush: state.next_flush - 1, merged: None });
        }
        self.finish_merge()
    }

    /// Merges the sealed rows and deletes their flushes.
    fn finish_merge(&self) -> Result<(), StoreError> {
        let Some(sealed) = self.read().sealed.clone() else { return Ok(()) };
        for (cube, rows) in sealed.rows.cubes() {
            self.merge_cube(cube, rows, sealed.last_flush)?;
        }
        let mut writes = self.db.batch();
        for entry in self.fresh.range(..=sealed.last_flush.to_be_bytes()) {
            writes.remove(&self.fresh, entry.key().map_err(disk("reading flushes"))?);
        }
        writes.remove(&self.meta, MARK);
        writes.commit().map_err(disk("deleting merged flushes"))?;
        self.change().sealed = None;
        Ok(())
    }

    pub(super) fn merge_cube(&self, cube: CubeId, rows: &CubeRows, last_flush: u64) -> Result<(), StoreError> {
        let mut writes = self.db.batch();
        let mut added: BTreeMap<Stretch, u64> = BTreeMap::new();
        for ((stretch, number), groups) in blocks_of(rows) {
            let keyspace = self.stretch(stretch)?;
            for (group, part) in groups {
                let key = keys::block(cube, number, group);
                let mut block = match keyspace.get(key).map_err(disk("reading a block"))? {
                    Some(bytes) => Block::decode(&bytes).map_err(|error| StoreError::Corrupt(error.to_string()))?,
                    None => Block::default(),
                };
                let before = block.0.len();
                for (slot, rollup) in &part.0 {
                    block.merge(*slot, rollup);
                }
                *added.entry(stretch).or_default() += (block.0.len() - before) as u64;
                writes.insert(&keyspace, key, block.encode());
            }
        }
        for (stretch, added) in added {
            let (key, known) = self.windows_kept(stretch)?;
            writes.insert(&self.meta, key, (known + added).to_be_bytes());
        }
        let mut mark = [0; 12];
        mark[..8].copy_from_slice(&last_flush.to_be_bytes());
        mark[8..].copy_from_slice(&cube.0.to_be_bytes());
        writes.insert(&self.meta, MARK, mark);
        // Whoever asks sees the rows either in memory or in blocks.
        let mut state = self.change();
        writes.commit().map_err(disk("writing merged blocks"))?;
        if let Some(sealed) = &mut state.sealed {
            sealed.merged = Some(cube);
        }
        Ok(())
    }

    /// Makes memory again from the flushes that stand on disk, and finishes a merge that was cut off.
    pub(super) fn load_fresh(&self) -> Result<(), StoreError> {
        let mark = self.meta.get(MARK).map_err(disk("reading the merge's mark"))?;
        let mark =
            mark.as_deref().and_then(|bytes| Some((u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?), CubeId(keys::u32_at(bytes, 8)?))));
        let (mut active, mut sealed) = (Fresh::default(), Fresh::default());
        let mut next = 0;
        for entry in self.fresh.iter() {
            let (key, value) = entry.into_inner().map_err(disk("reading flushes"))?;
            let flush = <[u8; 8]>::try_from(&*key)
                .map(u64::from_be_bytes)
                .map_err(|_| StoreError::Corrupt("a flush's key can't be read".to_owned()))?;
            next = flush + 1;
            for row in fresh::decode(&value).map_err(|error| StoreError::Corrupt(error.to_string()))? {
                match mark {
                    Some((last_flush, merged)) if flush <= last_flush => {
                        if row.cube > merged {
                            sealed.add(row);
                        }
                    }
                    _ => active.add(row),
                }
            }
        }
        let mut state = self.change();
        state.next_flush = next.max(mark.map_or(0, |(last_flush, _)| last_flush + 1));
        state.active_since = (active.rows() > 0).then_some(state.now);
        state.active = active;
        if let Some((last_flush, merged)) = mark {
            state.sealed = Some(Sealed { rows: Arc::new(sealed), last_flush, merged: Some(merged) });
        }
        drop(state);
        self.finish_merge()
    }

    /// The key under which it stands how many windows of series a stretch keeps, and the number.
    pub(super) fn windows_kept(&self, stretch: Stretch) -> Result<(String, u64), StoreError> {
        let key = format!("windows/{}", stretch.name());
        let known = self.meta.get(&key).map_err(disk("reading the size"))?;
        let known = known.as_deref().and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        Ok((key, known))
    }
}

type Blocks = BTreeMap<(Stretch, u32), HashMap<GroupId, Block>>;

/// The rows as parts of the blocks that they belong to: those of minutes in two.
fn blocks_of(rows: &CubeRows) -> Blocks {
    let mut blocks = Blocks::new();
    let mut add = |resolution, window, group, rollup: &Rollup| {
        let place = BlockPlace::of(resolution, window);
        blocks.entry((place.stretch, place.number)).or_default().entry(group).or_default().merge(place.slot, rollup);
    };
    for (resolution, window, group, rollup) in rows.rows() {
        if resolution == Resolution::Minute {
            add(Resolution::Minute, window, group, rollup);
        }
        add(Resolution::Hour, window.hour().first_minute(), group, rollup);
    }
    blocks
}
