//! Keyspaces and keys. Numbers are big-endian, so that keys sort as the numbers do.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `meta` | a name | a number or JSON |
//! | `cubes`, `groups` | number (4) | JSON |
//! | `fresh` | sequence (8) | the rows of a flush not yet merged into blocks |
//! | `minutes-<day>` | cube (4) hour (4) group (4) | block of an hour's minutes |
//! | `hours-<span>` | cube (4) day (4) group (4) | block of a day's hours |
//! | `fates` | app 0 minute (4) kind (1) reason | events (8) newest (8) |
//! | `flags` | app 0 minute (4) | JSON: all flags of the minute |
//! | `alerts` | app 0 id (8) | JSON |
//!
//! Rollups of a day's minutes, and of thirty-two days' hours, have a keyspace of their own, because a
//! whole keyspace is deleted at once and leaves no tombstones.

use schemas::{
    app::AppId,
    time::{Hour, MINUTES_PER_DAY, Minute, Resolution},
};

use super::catalog::{CubeId, GroupId};

/// Days whose hours share a keyspace.
const HOURS_SPAN_DAYS: u32 = 32;

/// A stretch of time whose rollups share a keyspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stretch {
    pub(super) resolution: Resolution,
    /// The day, or the number of the span, counted from the Unix epoch.
    pub(super) number: u32,
}

impl Stretch {
    /// The one that keeps the rollups of `hour` at `resolution`.
    pub(super) const fn of(resolution: Resolution, hour: Hour) -> Self {
        let number = match resolution {
            Resolution::Minute => hour.day(),
            Resolution::Hour => hour.day() / HOURS_SPAN_DAYS,
        };
        Self { resolution, number }
    }

    /// The first minute after it.
    pub(super) const fn end(self) -> Minute {
        let days = match self.resolution {
            Resolution::Minute => self.number + 1,
            Resolution::Hour => (self.number + 1) * HOURS_SPAN_DAYS,
        };
        Minute(days.saturating_mul(MINUTES_PER_DAY))
    }

    /// Its keyspace's name.
    pub(super) fn name(self) -> String {
        match self.resolution {
            Resolution::Minute => format!("minutes-{}", self.number),
            Resolution::Hour => format!("hours-{}", self.number),
        }
    }

    /// The one whose keyspace is called `name`; `None` for another keyspace.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let (kind, number) = name.split_once('-')?;
        let resolution = match kind {
            "minutes" => Resolution::Minute,
            "hours" => Resolution::Hour,
            _ => return None,
        };
        Some(Self { resolution, number: number.parse().ok()? })
    }
}

/// The block that keeps one window: which it is within its cube, and the window's slot in it. A block
/// of minutes is numbered by its hour, a block of hours by its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BlockPlace {
    pub(super) stretch: Stretch,
    pub(super) number: u32,
    pub(super) slot: u8,
}

impl BlockPlace {
    /// Where the window that begins at `minute` is kept.
    pub(super) fn of(resolution: Resolution, minute: Minute) -> Self {
        let hour = minute.hour();
        let (number, slot) = match resolution {
            Resolution::Minute => (hour.0, minute.of_hour()),
            Resolution::Hour => (hour.day(), hour.of_day()),
        };
        Self { stretch: Stretch::of(resolution, hour), number, slot: u8::try_from(slot).expect("at most 59") }
    }

    /// The start of the window at `slot` of block `number`.
    pub(super) fn window(resolution: Resolution, number: u32, slot: u8) -> Minute {
        match resolution {
            Resolution::Minute => Hour(number).first_minute().plus(u32::from(slot)),
            Resolution::Hour => Hour(number * 24 + u32::from(slot)).first_minute(),
        }
    }
}

/// The key of a block.
pub(super) fn block(cube: CubeId, number: u32, group: GroupId) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&block_prefix(cube, number));
    key[8..].copy_from_slice(&group.0.to_be_bytes());
    key
}

/// What the keys of all groups' blocks of one number begin with.
pub(super) fn block_prefix(cube: CubeId, number: u32) -> [u8; 8] {
    let mut key = [0; 8];
    key[..4].copy_from_slice(&cube.0.to_be_bytes());
    key[4..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The group of a block's key.
pub(super) fn group_of(key: &[u8]) -> Option<GroupId> {
    key.get(8..12).and_then(|bytes| bytes.try_into().ok()).map(|bytes| GroupId(u32::from_be_bytes(bytes)))
}

/// What an app's keys begin with.
pub(super) fn app_prefix(app: &AppId) -> Vec<u8> {
    let mut key = Vec::with_capacity(app.as_str().len() + 16);
    key.extend_from_slice(app.as_str().as_bytes());
    key.push(0);
    key
}

/// An app's key of a minute.
pub(super) fn app_minute(app: &AppId, minute: Minute) -> Vec<u8> {
    let mut key = app_prefix(app);
    key.extend_from_slice(&minute.0.to_be_bytes());
    key
}

/// The big-endian number at `at`.
pub(super) fn u32_at(key: &[u8], at: usize) -> Option<u32> {
    key.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_is_found_again_from_its_block_and_slot(minute in 0u32..100_000_000) {
            for resolution in [Resolution::Minute, Resolution::Hour] {
                let start = Minute(minute / resolution.minutes() * resolution.minutes());
                let place = BlockPlace::of(resolution, start);
                prop_assert_eq!(BlockPlace::window(resolution, place.number, place.slot), start);
                prop_assert!(start < place.stretch.end());
                prop_assert_eq!(Stretch::from_name(&place.stretch.name()), Some(place.stretch));
            }
        }

        #[test]
        fn keys_sort_as_their_numbers_do(a in any::<(u32, u32, u32)>(), b in any::<(u32, u32, u32)>()) {
            let key = |(cube, number, group)| block(CubeId(cube), number, GroupId(group));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert_eq!(group_of(&key(a)), Some(GroupId(a.2)));
        }
    }

    #[test]
    fn other_keyspaces_are_no_stretch() {
        assert_eq!(Stretch::from_name("groups"), None);
        assert_eq!(Stretch::from_name("minutes-x"), None);
    }
}
