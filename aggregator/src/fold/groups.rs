//! Which group a beacon counts in, for each cuboid: found once for all its events.

use std::{hash::BuildHasher, sync::Arc};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use schemas::{cuboid::DIMENSIONS_MAX, series::Group, time::Minute};

use super::{
    cells::{CellIndex, Cells},
    dictionary::ValueId,
};

/// A group by numbers: which cuboid, and the number of its value in each of the cuboid's dimensions;
/// those that the cuboid lacks are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    pub(super) cuboid: u32,
    pub(super) values: [ValueId; DIMENSIONS_MAX],
}

/// The groups of one app that were seen lately.
#[derive(Debug)]
pub(super) struct Groups {
    table: HashTable<u32>,
    groups: Vec<Known>,
    /// Places in `groups` that are free.
    free: Vec<u32>,
    /// How many of each cuboid are known.
    live: Vec<usize>,
    /// How many of one cuboid may be.
    live_max: usize,
    /// Counts drains: cells of an earlier one are gone.
    drain: u32,
}

#[derive(Debug)]
struct Known {
    key: GroupKey,
    /// Its name in words, made at the first drain that has it.
    group: Option<Arc<Group>>,
    /// The minute of received time in which it was last seen.
    seen: Minute,
    /// The two cells used last: most values fall into the current minute or the one before.
    recent: [Recent; 2],
}

#[derive(Debug, Clone, Copy)]
struct Recent {
    drain: u32,
    minute: Minute,
    cell: CellIndex,
}

impl Groups {
    /// None yet, of `cuboids` cuboids, each of which may have `live_max` (at least 1).
    pub(super) fn new(cuboids: usize, live_max: usize) -> Self {
        Self { table: HashTable::new(), groups: Vec::new(), free: Vec::new(), live: vec![0; cuboids], live_max: live_max.max(1), drain: 1 }
    }

    /// The place of a group; of `overflow` when its cuboid is full.
    #[inline]
    pub(super) fn place(&mut self, key: GroupKey, overflow: GroupKey, seen: Minute) -> u32 {
        if let Some(&at) = self.table.find(hash(&key), |at| self.groups[*at as usize].key == key) {
            self.groups[at as usize].seen = seen;
            return at;
        }
        self.add(key, overflow, seen)
    }

    #[cold]
    fn add(&mut self, key: GroupKey, overflow: GroupKey, seen: Minute) -> u32 {
        let live = &mut self.live[key.cuboid as usize];
        // The overflow group itself always finds a place.
        if *live >= self.live_max && key != overflow {
            return self.place(overflow, overflow, seen);
        }
        *live += 1;
        let nowhere = Recent { drain: 0, minute: Minute(0), cell: CellIndex::default() };
        let known = Known { key, group: None, seen, recent: [nowhere; 2] };
        let at = match self.free.pop() {
            Some(at) => {
                self.groups[at as usize] = known;
                at
            }
            None => {
                self.groups.push(known);
                u32::try_from(self.groups.len() - 1).expect("live groups are capped far below 2^32")
            }
        };
        self.table.insert_unique(hash(&key), at, |at| hash(&self.groups[*at as usize].key));
        at
    }

    /// The cell of the group at `at` for `minute`.
    #[inline]
    pub(super) fn cell(&mut self, at: u32, minute: Minute, cells: &mut Cells) -> CellIndex {
        let drain = self.drain;
        let recent = &mut self.groups[at as usize].recent;
        if let Some(found) = recent.iter().find(|recent| recent.drain == drain && recent.minute == minute) {
            return found.cell;
        }
        let cell = cells.at(at, minute);
        recent[1] = recent[0];
        recent[0] = Recent { drain, minute, cell };
        cell
    }

    /// Begins a new flush: the cells handed out so far are gone.
    pub(super) fn drained(&mut self) {
        self.drain = self.drain.wrapping_add(1).max(1);
    }

    /// The group at `at` in words, by `name` the first time.
    pub(super) fn name(&mut self, at: u32, name: impl FnOnce(&GroupKey) -> Group) -> Arc<Group> {
        let known = &mut self.groups[at as usize];
        Arc::clone(known.group.get_or_insert_with(|| Arc::new(name(&known.key))))
    }

    /// Forgets the groups last seen before `first_kept`. Only right after a drain.
    pub(super) fn forget_before(&mut self, first_kept: Minute) {
        let Self { table, groups, free, live, .. } = self;
        table.retain(|at| {
            let known = &mut groups[*at as usize];
            let keep = known.seen >= first_kept;
            if !keep {
                known.group = None;
                live[known.key.cuboid as usize] -= 1;
                free.push(*at);
            }
            keep
        });
    }

    /// Forgets all. Only right after a drain.
    pub(super) fn forget_all(&mut self) {
        *self = Self::new(self.live.len(), self.live_max);
    }

    /// How many are known.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}

#[inline]
fn hash(key: &GroupKey) -> u64 {
    FixedState::default().hash_one(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: ValueId) -> GroupKey {
        GroupKey { cuboid: 0, values: [value, 0, 0, 0] }
    }

    #[test]
    fn past_the_cap_new_groups_are_the_overflow_group_until_idle_ones_are_forgotten() {
        let mut groups = Groups::new(1, 2);
        let overflow = key(0);
        let (a, b) = (groups.place(key(1), overflow, Minute(1)), groups.place(key(2), overflow, Minute(5)));
        let folded = groups.place(key(3), overflow, Minute(5));
        assert_eq!(folded, groups.place(key(4), overflow, Minute(5)));
        assert!(folded != a && folded != b);
        assert_eq!(groups.place(key(1), overflow, Minute(1)), a);
        groups.forget_before(Minute(5));
        // The overflow group counts as one: a place is free again only when that is idle, too.
        groups.forget_before(Minute(6));
        assert_eq!(groups.len(), 0);
        let again = groups.place(key(3), overflow, Minute(7));
        assert_ne!(again, groups.place(key(4), overflow, Minute(7)));
    }

    #[test]
    fn cells_of_an_earlier_flush_are_not_handed_out_again() {
        let (mut groups, mut cells) = (Groups::new(1, 10), Cells::default());
        let at = groups.place(key(1), key(0), Minute(1));
        let first = groups.cell(at, Minute(9), &mut cells);
        assert_eq!(groups.cell(at, Minute(9), &mut cells), first);
        groups.cell(at, Minute(8), &mut cells);
        groups.cell(at, Minute(7), &mut cells);
        assert_eq!(groups.cell(at, Minute(9), &mut cells), first);
        cells.drain(&[]);
        groups.drained();
        groups.cell(at, Minute(9), &mut cells);
        assert_eq!(cells.len(), 1);
    }
}
