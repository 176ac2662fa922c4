//! Keyspaces and keys. Numbers are big-endian, so that keys sort as the numbers do.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `meta` | a name | a number or JSON |
//! | `cubes`, `groups` | number (4) | JSON |
//! | `fresh` | sequence (8) | the rows of a flush not yet merged into blocks |
//! | `minutes-<day>` | cube (4) hour (4) group (4) | block of an hour's minutes |
//! | `hours-<span>` | cube (4) day (4) group (4) | block of a day's hours |
//! | `samples-<day>` | `0` app 0 minute (4) route | beacons of a stratum (8) |
//! | | `1` app 0 slot (2) minute (4) route | rank (8) JSON of the beacon |
//! | `fates` | app 0 minute (4) kind (1) reason | events (8) newest (8) |
//! | `flags` | app 0 minute (4) | JSON: all flags of the minute |
//! | `alerts` | app 0 id (8) | JSON |
//!
//! Rollups of a day's minutes, those of thirty-two days' hours, and the samples of a day have a keyspace
//! each, because a whole keyspace is deleted at once and leaves no tombstones.

use schemas::{
    app::AppId,
    time::{Hour, MINUTES_PER_DAY, Minute, Resolution},
};

use super::catalog::{CubeId, GroupId};

/// Days whose hours share a keyspace.
const HOURS_SPAN_DAYS: u32 = 32;
/// What the keys of strata begin with.
const STRATA: u8 = b'0';
/// What the keys of samples begin with.
const SAMPLES: u8 = b'1';

/// What a stretch keeps, in the order in which it is given up when space is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Strata and samples of a day.
    Samples,
    /// Rollups of a day's minutes.
    Minutes,
    /// Rollups of hours.
    Hours,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Samples, Self::Minutes, Self::Hours];

    /// What the names of its keyspaces begin with.
    const fn name(self) -> &'static str {
        match self {
            Self::Samples => "samples",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        }
    }
}

impl From<Resolution> for Kind {
    fn from(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Minute => Self::Minutes,
            Resolution::Hour => Self::Hours,
        }
    }
}

/// A stretch of time whose rollups or samples share a keyspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stretch {
    pub(super) kind: Kind,
    /// The day, or the number of the span, counted from the Unix epoch.
    pub(super) number: u32,
}

impl Stretch {
    /// The one of a kind that keeps `hour`.
    pub(super) const fn of(kind: Kind, hour: Hour) -> Self {
        let number = match kind {
            Kind::Samples | Kind::Minutes => hour.day(),
            Kind::Hours => hour.day() / HOURS_SPAN_DAYS,
        };
        Self { kind, number }
    }

    /// The first minute after it.
    pub(super) const fn end(self) -> Minute {
        let days = match self.kind {
            Kind::Samples | Kind::Minutes => self.number + 1,
            Kind::Hours => (self.number + 1) * HOURS_SPAN_DAYS,
        };
        Minute(days.saturating_mul(MINUTES_PER_DAY))
    }

    /// Its keyspace's name.
    pub(super) fn name(self) -> String {
        format!("{}-{}", self.kind.name(), self.number)
    }

    /// The one whose keyspace is called `name`; `None` for another keyspace.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let (kind, number) = name.split_once('-')?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        Some(Self { kind, number: number.parse().ok()? })
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
        Self { stretch: Stretch::of(resolution.into(), hour), number, slot: u8::try_from(slot).expect("at most 59") }
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

/// The key of the count of a stratum.
pub(super) fn stratum(app: &AppId, minute: Minute, route: &str) -> Vec<u8> {
    let mut key = strata_from(app, minute);
    key.extend_from_slice(route.as_bytes());
    key
}

/// What the keys of the strata of one minute begin with.
pub(super) fn strata_from(app: &AppId, minute: Minute) -> Vec<u8> {
    let mut key = vec![STRATA];
    key.extend(app_minute(app, minute));
    key
}

/// The key of a sample.
pub(super) fn sample(app: &AppId, slot: u16, minute: Minute, route: &str) -> Vec<u8> {
    let mut key = samples_from(app, slot, minute);
    key.extend_from_slice(route.as_bytes());
    key
}

/// What the keys of the samples of one slot and minute begin with.
pub(super) fn samples_from(app: &AppId, slot: u16, minute: Minute) -> Vec<u8> {
    let mut key = vec![SAMPLES];
    key.extend(app_prefix(app));
    key.extend_from_slice(&slot.to_be_bytes());
    key.extend_from_slice(&minute.0.to_be_bytes());
    key
}

/// The minute and the route at the end of a key, whose first `prefix` bytes are something else.
pub(super) fn minute_and_route(key: &[u8], prefix: usize) -> Option<(Minute, &str)> {
    let minute = Minute(u32_at(key, prefix)?);
    Some((minute, std::str::from_utf8(key.get(prefix + 4..)?).ok()?))
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
            }
            for kind in Kind::ALL {
                let stretch = Stretch::of(kind, Minute(minute).hour());
                prop_assert!(Minute(minute) < stretch.end());
                prop_assert_eq!(Stretch::from_name(&stretch.name()), Some(stretch));
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
    fn the_names_of_stretches_are_those_on_disk() {
        let names = Kind::ALL.map(|kind| Stretch { kind, number: 7 }.name());
        assert_eq!(names, ["samples-7", "minutes-7", "hours-7"]);
    }

    #[test]
    fn other_keyspaces_are_no_stretch() {
        assert_eq!(Stretch::from_name("groups"), None);
        assert_eq!(Stretch::from_name("minutes-x"), None);
    }
}
