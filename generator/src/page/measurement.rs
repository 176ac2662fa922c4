//! One measurement of a page view, as the page's script gives it.

use schemas::{
    metric,
    time::{Minute, Timestamp},
    unit::{GivenUnit, Unit},
};
use serde_json::value::RawValue;

/// What a page tells about one metric.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// The metric's name, such as `LCP`.
    pub metric: &'static str,
    /// The metric's unit.
    pub unit: Unit,
    /// The integer that the value is recorded as (see [`Unit::record`]).
    pub recorded: u64,
    /// When it happened: between the 20th and the 40th second of its minute (see [`aligned`]).
    pub at: Timestamp,
    /// The value as sent, in the unit as sent.
    pub(crate) value: f64,
    pub(crate) given_unit: Option<&'static str>,
    /// Tells it from others of its page view.
    pub(crate) id: Option<u64>,
    pub(crate) attribution: Option<&'static RawValue>,
}

impl Measurement {
    /// A value of a metric that every app has, or of an own one, which is then a duration in milliseconds.
    pub(crate) fn new(metric: &'static str, value: f64, at: Timestamp) -> Self {
        let unit = metric::known(metric).map_or(Unit::Duration, |known| known.unit);
        let recorded = unit.record(value).expect("the model's values are finite, not negative and within the unit's limit");
        Self { metric, unit, recorded, at, value, given_unit: None, id: None, attribution: None }
    }

    /// The same, with its value in `given` (a name of the same kind of unit, such as `s`) when sent.
    pub(crate) fn given_in(mut self, given: &'static str) -> Self {
        let GivenUnit { unit, factor } = given.parse().expect("the name of a unit");
        debug_assert_eq!(unit, self.unit, "a metric is given in its own kind of unit");
        self.value /= factor;
        self.recorded = unit.record(self.value * factor).expect("the same value");
        self.given_unit = Some(given);
        self
    }

    pub(crate) fn with_id(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }

    pub(crate) fn with_attribution(mut self, attribution: &'static RawValue) -> Self {
        self.attribution = Some(attribution);
        self
    }

    /// The minute that it counts in.
    pub fn minute(&self) -> Minute {
        self.at.minute()
    }
}

/// How much of a minute, on each side, no measurement happens in.
pub const MARGIN_MS: i64 = 20_000;

/// `at` moved towards the middle third of its minute, keeping the order within the minute, and not
/// after `sent`.
///
/// The server takes an event's age from the time at which it received the beacon. Whatever the way there
/// takes, up to [`MARGIN_MS`], the event then counts in the minute that the truth says.
pub(crate) fn aligned(at: Timestamp, sent: Timestamp) -> Timestamp {
    let start = at.minute().start().as_ms();
    let moved = start + MARGIN_MS + (at.as_ms() - start) / 3;
    Timestamp::from_ms(if moved > sent.as_ms() { moved - 60_000 } else { moved })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_lie_in_the_middle_of_a_minute_in_order_and_not_after_they_are_sent() {
        let minute = 28_000_000 * 60_000;
        let mut last = 0;
        for ms in (0..60_000).step_by(977) {
            let at = Timestamp::from_ms(minute + ms);
            let moved = aligned(at, at.plus(std::time::Duration::from_secs(60)));
            assert_eq!(moved.minute(), at.minute());
            let within = moved.as_ms() - minute;
            assert!((20_000..40_000).contains(&within) && within >= last, "{within}");
            last = within;
            let at_once = aligned(at, at);
            assert!(at_once <= at && (20_000..40_000).contains(&at_once.as_ms().rem_euclid(60_000)));
        }
    }

    #[test]
    fn a_value_in_seconds_is_recorded_as_the_same_in_milliseconds() {
        let at = Timestamp::from_ms(0);
        for tenths in (1..40_000u64).step_by(37) {
            let ms = tenths as f64 / 10.0;
            assert_eq!(Measurement::new("ttft", ms, at).given_in("s").recorded, tenths * 100);
        }
    }
}
