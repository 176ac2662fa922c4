//! Units, and the integers that values become.
//!
//! A histogram counts integers, so each unit has a scale: a value times the scale, rounded, is
//! what is recorded. Scales are part of the stored format and never change.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{histogram::VALUE_MAX, record};

/// What a metric's values are measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// A length of time. Recorded in microseconds, shown in milliseconds, at most 24 h.
    #[serde(rename = "ms")]
    Duration,
    /// A unitless score such as CLS. Recorded in ten-thousandths.
    #[serde(rename = "score")]
    Score,
    /// Bytes.
    #[serde(rename = "bytes")]
    Bytes,
    /// A number of things; for counters such as `error` usually 1 an event.
    #[serde(rename = "count")]
    Count,
    /// Something per second. Recorded in thousandths.
    #[serde(rename = "per_second")]
    Rate,
}

/// Why a value can't be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("the value is not a finite number")]
    NotFinite,
    #[error("the value is negative")]
    Negative,
    #[error("the value is greater than {max} {unit}")]
    TooLarge { max: u64, unit: Unit },
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Duration, Self::Score, Self::Bytes, Self::Count, Self::Rate];

    /// How many recorded integers make one shown unit (one millisecond, one byte ...).
    pub const fn scale(self) -> u64 {
        match self {
            Self::Duration | Self::Rate => 1_000,
            Self::Score => 10_000,
            Self::Bytes | Self::Count => 1,
        }
    }

    /// The largest value that is accepted, in the shown unit.
    pub const fn max(self) -> u64 {
        match self {
            Self::Duration => 24 * 3_600 * 1_000,
            Self::Score | Self::Rate => 1_000_000,
            Self::Bytes | Self::Count => VALUE_MAX,
        }
    }

    /// The integer that `value`, in the shown unit, is recorded as.
    ///
    /// # Errors
    /// When `value` is not finite, negative, or above [`Unit::max`].
    pub fn record(self, value: f64) -> Result<u64, ValueError> {
        if !value.is_finite() {
            return Err(ValueError::NotFinite);
        }
        if value < 0.0 {
            return Err(ValueError::Negative);
        }
        #[expect(clippy::cast_precision_loss, reason = "limits and scales are far below 2^53")]
        let (max, scale) = (self.max() as f64, self.scale() as f64);
        if value > max {
            return Err(ValueError::TooLarge { max: self.max(), unit: self });
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in [0, max x scale], checked above")]
        Ok((value * scale).round() as u64)
    }

    /// The value, in the shown unit, that was recorded as `recorded`.
    #[expect(clippy::cast_precision_loss, reason = "recorded values are below 2^40; sums lose at most the last digits")]
    pub fn shown(self, recorded: u64) -> f64 {
        recorded as f64 / self.scale() as f64
    }

    /// The unit's name in the API and in beacons.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duration => "ms",
            Self::Score => "score",
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::Rate => "per_second",
        }
    }

    /// The unit's number in the record.
    pub const fn to_wire(self) -> record::Unit {
        match self {
            Self::Duration => record::Unit::UNIT_DURATION,
            Self::Score => record::Unit::UNIT_SCORE,
            Self::Bytes => record::Unit::UNIT_BYTES,
            Self::Count => record::Unit::UNIT_COUNT,
            Self::Rate => record::Unit::UNIT_RATE,
        }
    }

    /// The unit of a record's number; `None` for one that this version doesn't know.
    pub const fn from_wire(unit: record::Unit) -> Option<Self> {
        match unit {
            record::Unit::UNIT_UNSPECIFIED => None,
            record::Unit::UNIT_DURATION => Some(Self::Duration),
            record::Unit::UNIT_SCORE => Some(Self::Score),
            record::Unit::UNIT_BYTES => Some(Self::Bytes),
            record::Unit::UNIT_COUNT => Some(Self::Count),
            record::Unit::UNIT_RATE => Some(Self::Rate),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A unit as a client writes it, such as `s`: a [`Unit`] and how many of it one makes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenUnit {
    pub unit: Unit,
    /// Times this the given value is in the shown unit.
    pub factor: f64,
}

/// A unit's name that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown unit `{0}`: use one of ms, s, us, score, bytes, kB, MB, count, per_second")]
pub struct UnknownUnit(pub String);

impl FromStr for GivenUnit {
    type Err = UnknownUnit;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let (unit, factor) = match name {
            "ms" | "millisecond" | "milliseconds" => (Unit::Duration, 1.0),
            "s" | "second" | "seconds" => (Unit::Duration, 1_000.0),
            "us" | "µs" | "microsecond" | "microseconds" => (Unit::Duration, 0.001),
            "score" | "ratio" => (Unit::Score, 1.0),
            "byte" | "bytes" | "B" => (Unit::Bytes, 1.0),
            "kB" | "kilobyte" | "kilobytes" => (Unit::Bytes, 1e3),
            "MB" | "megabyte" | "megabytes" => (Unit::Bytes, 1e6),
            "count" | "1" => (Unit::Count, 1.0),
            "per_second" | "rate" | "1/s" => (Unit::Rate, 1.0),
            other => return Err(UnknownUnit(other.to_owned())),
        };
        Ok(Self { unit, factor })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_outside_the_range_are_refused_with_the_reason() {
        assert_eq!(Unit::Duration.record(-1.0), Err(ValueError::Negative));
        assert_eq!(Unit::Duration.record(f64::NAN), Err(ValueError::NotFinite));
        assert_eq!(Unit::Duration.record(f64::INFINITY), Err(ValueError::NotFinite));
        assert_eq!(Unit::Duration.record(86_400_001.0), Err(ValueError::TooLarge { max: 86_400_000, unit: Unit::Duration }));
    }

    #[test]
    fn every_name_of_a_unit_is_understood_again() {
        for unit in Unit::ALL {
            assert_eq!(unit.name().parse(), Ok(GivenUnit { unit, factor: 1.0 }));
            assert_eq!(Unit::from_wire(unit.to_wire()), Some(unit));
        }
        assert!("parsec".parse::<GivenUnit>().is_err());
    }

    proptest! {
        #[test]
        fn a_recorded_value_reads_back_within_half_a_step_and_below_the_histograms_limit(value in 0.0f64..1_000_000.0) {
            for unit in Unit::ALL {
                let recorded = unit.record(value).unwrap();
                prop_assert!(recorded <= VALUE_MAX);
                let step = 1.0 / unit.scale() as f64;
                prop_assert!((unit.shown(recorded) - value).abs() <= step * 0.5001);
            }
        }
    }
}
