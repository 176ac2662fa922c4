//! Points and windows of time. Time is always an argument here: nothing reads a clock.
//!
//! Windows are half-open, `[start, end)`, and aligned to the Unix epoch, so that any two
//! processes cut time at the same places.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch, UTC. May lie before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

const MS_PER_MINUTE: i64 = 60_000;
/// Minutes in an hour.
pub const MINUTES_PER_HOUR: u32 = 60;
/// Minutes in a day.
pub const MINUTES_PER_DAY: u32 = 24 * MINUTES_PER_HOUR;

impl Timestamp {
    /// The point `ms` milliseconds after the Unix epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// The minute that contains this point. Points before 1970 fall into the first minute.
    pub fn minute(self) -> Minute {
        Minute(u32::try_from(self.0.div_euclid(MS_PER_MINUTE).max(0)).unwrap_or(u32::MAX))
    }

    /// How long `self` lies after `earlier`; zero if it does not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `self` moved forward by `by`.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// `self` moved back by `by`.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds when there are any: `2026-11-21T10:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => at.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A text that is no RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-11-21T10:00:00Z: {0}")]
pub struct ParseTimestampError(#[source] jiff::Error);

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at: jiff::Timestamp = text.parse().map_err(ParseTimestampError)?;
        Ok(Self(at.as_millisecond()))
    }
}

/// A minute of event time, counted from the Unix epoch: `[start, start + 60 s)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minute(pub u32);

impl Minute {
    /// Its first millisecond.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * MS_PER_MINUTE)
    }

    /// The first millisecond after it.
    pub fn end(self) -> Timestamp {
        Timestamp((i64::from(self.0) + 1) * MS_PER_MINUTE)
    }

    /// The hour that contains it.
    pub const fn hour(self) -> Hour {
        Hour(self.0 / MINUTES_PER_HOUR)
    }

    /// Minutes since the hour began, in [0, 59].
    pub const fn of_hour(self) -> u32 {
        self.0 % MINUTES_PER_HOUR
    }

    /// The minute `minutes` later.
    #[must_use]
    pub const fn plus(self, minutes: u32) -> Self {
        Self(self.0.saturating_add(minutes))
    }

    /// The minute `minutes` earlier, not before the epoch.
    #[must_use]
    pub const fn minus(self, minutes: u32) -> Self {
        Self(self.0.saturating_sub(minutes))
    }
}

/// An hour of event time, counted from the Unix epoch, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hour(pub u32);

impl Hour {
    /// Its first minute.
    pub const fn first_minute(self) -> Minute {
        Minute(self.0 * MINUTES_PER_HOUR)
    }

    /// The day that contains it, counted from the Unix epoch, in UTC.
    pub const fn day(self) -> u32 {
        self.0 / 24
    }

    /// Hours since midnight UTC, in [0, 23].
    pub const fn of_day(self) -> u32 {
        self.0 % 24
    }
}

/// How wide the windows of stored rollups are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// One rollup a minute.
    Minute,
    /// One rollup an hour, of all its minutes.
    Hour,
}

impl Resolution {
    /// The width of a window, in minutes.
    pub const fn minutes(self) -> u32 {
        match self {
            Self::Minute => 1,
            Self::Hour => MINUTES_PER_HOUR,
        }
    }
}

/// A half-open range of whole minutes, `[start, end)`. Empty when `end <= start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MinuteRange {
    pub start: Minute,
    pub end: Minute,
}

impl MinuteRange {
    /// The range `[start, end)`.
    pub const fn new(start: Minute, end: Minute) -> Self {
        Self { start, end }
    }

    /// The smallest range of whole minutes that covers `[from, to)`.
    pub fn covering(from: Timestamp, to: Timestamp) -> Self {
        let last = Timestamp(to.0.saturating_sub(1)).minute();
        if to <= from { Self::new(from.minute(), from.minute()) } else { Self::new(from.minute(), last.plus(1)) }
    }

    /// How many minutes it has.
    pub const fn len(self) -> u32 {
        self.end.0.saturating_sub(self.start.0)
    }

    /// Whether it holds no minute.
    pub const fn is_empty(self) -> bool {
        self.end.0 <= self.start.0
    }

    /// Whether `minute` lies in it.
    pub fn contains(self, minute: Minute) -> bool {
        self.start <= minute && minute < self.end
    }

    /// Whether the two have a minute in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The minutes that both have.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self::new(self.start.max(other.start), self.end.min(other.end).max(self.start.max(other.start)))
    }

    /// Splits it into minutes before the first whole hour, the whole hours, and minutes after the
    /// last, so that the middle can be answered from hour rollups. The outer parts may be empty.
    pub fn split_by_hour(self) -> (Self, Self, Self) {
        let hours_start = Minute(self.start.0.div_ceil(MINUTES_PER_HOUR) * MINUTES_PER_HOUR);
        let hours_end = self.end.hour().first_minute();
        if self.is_empty() || hours_end <= hours_start {
            return (self, Self::new(self.end, self.end), Self::new(self.end, self.end));
        }
        (Self::new(self.start, hours_start), Self::new(hours_start, hours_end), Self::new(hours_end, self.end))
    }

    /// Its minutes, in order.
    pub fn minutes(self) -> impl DoubleEndedIterator<Item = Minute> {
        (self.start.0..self.end.0).map(Minute)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_timestamp_prints_and_parses_as_rfc_3339() {
        let at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        assert_eq!(at.to_string(), "2026-11-21T10:00:00Z");
        assert_eq!("2026-11-21T11:00:00+01:00".parse::<Timestamp>().unwrap(), at);
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    proptest! {
        #[test]
        fn a_minute_contains_the_times_it_was_made_from(ms in 0i64..4_000_000_000_000) {
            let at = Timestamp::from_ms(ms);
            let minute = at.minute();
            prop_assert!(minute.start() <= at && at < minute.end());
            prop_assert_eq!(minute.hour().first_minute().plus(minute.of_hour()), minute);
        }

        #[test]
        fn split_by_hour_keeps_every_minute_once(start in 0u32..10_000, len in 0u32..1_000) {
            let range = MinuteRange::new(Minute(start), Minute(start + len));
            let (head, hours, tail) = range.split_by_hour();
            prop_assert_eq!(head.len() + hours.len() + tail.len(), range.len());
            prop_assert_eq!(hours.start.0 % 60 + hours.len() % 60, if hours.is_empty() { hours.start.0 % 60 } else { 0 });
            let minutes: Vec<_> = head.minutes().chain(hours.minutes()).chain(tail.minutes()).collect();
            prop_assert_eq!(minutes, range.minutes().collect::<Vec<_>>());
        }

        #[test]
        fn covering_holds_every_millisecond_of_the_range(from in 0i64..10_000_000, len in 0i64..10_000_000) {
            let range = MinuteRange::covering(Timestamp::from_ms(from), Timestamp::from_ms(from + len));
            prop_assert_eq!(range.is_empty(), len == 0);
            if len > 0 {
                prop_assert!(range.start.start().as_ms() <= from);
                prop_assert!(from + len <= range.end.start().as_ms());
                prop_assert!(range.len() <= u32::try_from(len / 60_000).unwrap() + 2);
            }
        }
    }
}
