//! Upkeep: merging fresh rows in time, and deleting what is past its retention or over the bound on
//! disk space.

use std::collections::HashSet;

use schemas::time::{Minute, Timestamp};

use super::{
    Inner,
    catalog::GroupId,
    disk,
    keys::{self, Kind, Stretch},
};
use crate::{Size, StoreError, Upkeep};

/// Keys deleted in one batch.
const DELETE_BATCH: usize = 10_000;

impl Inner {
    /// One round of upkeep.
    pub(super) fn upkeep(&self, now: Timestamp) -> Result<Upkeep, StoreError> {
        let due = {
            let mut state = self.change();
            state.now = now;
            state.minutes_from = self.config.minutes_from(now);
            state.active_since.is_some_and(|since| now.since(since) >= self.config.fresh_age_max)
        };
        if due {
            self.merge_fresh()?;
        }
        let mut done = Upkeep::default();
        let (minutes_from, hours_from) = (self.config.minutes_from(now), self.config.hours_from(now));
        let expired: Vec<Stretch> =
            self.stretches().keys().copied().filter(|stretch| stretch.end() <= kept_from(*stretch, minutes_from, hours_from)).collect();
        for stretch in expired {
            self.delete_stretch(stretch)?;
            done.expired += 1;
        }
        while self.disk_bytes()? > self.config.disk_bytes_max {
            let Some(oldest) = self.evictable(now) else { break };
            self.delete_stretch(oldest)?;
            done.evicted += 1;
        }
        if done.expired > 0 || done.evicted > 0 {
            self.forget_dead_groups()?;
            self.delete_old_documents(hours_from)?;
        }
        Ok(done)
    }

    /// What the store costs.
    pub(super) fn size(&self) -> Result<Size, StoreError> {
        let (mut series_minutes, mut minute_bytes) = (0, 0);
        let stretches: Vec<_> = self.stretches().iter().map(|(stretch, keyspace)| (*stretch, keyspace.clone())).collect();
        for (stretch, keyspace) in stretches.into_iter().filter(|(stretch, _)| stretch.kind == Kind::Minutes) {
            series_minutes += self.windows_kept(stretch)?.1;
            minute_bytes += keyspace.disk_space();
        }
        Ok(Size { disk_bytes: self.disk_bytes()?, minute_bytes, groups: self.read().catalog.groups() as u64, series_minutes })
    }

    /// Merges everything into as few tables as possible.
    pub(super) fn compact(&self) -> Result<(), StoreError> {
        self.merge_fresh()?;
        let keyspaces: Vec<_> = self.stretches().values().cloned().collect();
        for keyspace in keyspaces {
            keyspace.rotate_memtable_and_wait().and_then(|()| keyspace.major_compact()).map_err(disk("compacting"))?;
        }
        Ok(())
    }

    fn disk_bytes(&self) -> Result<u64, StoreError> {
        self.db.disk_space().map_err(disk("measuring the store"))
    }

    /// The stretch to delete when space is short: the oldest of samples, else the oldest of minutes, else
    /// the oldest of hours, but never the present.
    pub(super) fn evictable(&self, now: Timestamp) -> Option<Stretch> {
        self.stretches().keys().copied().filter(|stretch| stretch.end() <= now.minute()).min()
    }

    pub(super) fn delete_stretch(&self, stretch: Stretch) -> Result<(), StoreError> {
        // A batch adds to what it read: not to what is deleted in between.
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Whoever asks meanwhile has its own handle; its files go when the last handle does.
        if let Some(keyspace) = self.stretches().remove(&stretch) {
            self.db.delete_keyspace(keyspace).map_err(disk("deleting a stretch"))?;
        }
        self.meta.remove(self.windows_kept(stretch)?.0).map_err(disk("deleting a stretch"))
    }

    /// Forgets the groups that no rollup belongs to any more.
    fn forget_dead_groups(&self) -> Result<(), StoreError> {
        let stretches = self.stretches().clone();
        let mut live: HashSet<GroupId> = HashSet::new();
        for (_, keyspace) in stretches.into_iter().filter(|(stretch, _)| stretch.kind != Kind::Samples) {
            for entry in keyspace.iter() {
                live.extend(keys::group_of(&entry.key().map_err(disk("reading keys"))?));
            }
        }
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut state = self.change();
        for fresh in [Some(&state.active), state.sealed.as_ref().map(|sealed| &*sealed.rows)].into_iter().flatten() {
            live.extend(fresh.cubes().flat_map(|(_, rows)| rows.rows()).map(|(_, _, group, _)| group));
        }
        let dead = state.catalog.forget_groups(|id| live.contains(&id));
        let mut writes = self.db.batch();
        for id in dead {
            writes.remove(&self.groups, id.0.to_be_bytes());
        }
        writes.commit().map_err(disk("forgetting groups"))
    }

    /// Deletes fates and flags of minutes before `first`. Alerts are few and stay.
    fn delete_old_documents(&self, first: Minute) -> Result<(), StoreError> {
        for keyspace in [&self.fates, &self.flags] {
            let mut writes = self.db.batch();
            for entry in keyspace.iter() {
                let key = entry.key().map_err(disk("reading keys"))?;
                let minute = key.iter().position(|byte| *byte == 0).and_then(|end| keys::u32_at(&key, end + 1));
                if minute.is_some_and(|minute| minute < first.0) {
                    writes.remove(keyspace, key);
                }
                if writes.len() >= DELETE_BATCH {
                    break;
                }
            }
            writes.commit().map_err(disk("deleting old entries"))?;
        }
        Ok(())
    }
}

fn kept_from(stretch: Stretch, minutes_from: Minute, hours_from: Minute) -> Minute {
    match stretch.kind {
        Kind::Samples | Kind::Minutes => minutes_from,
        Kind::Hours => hours_from,
    }
}
