//! The cycles of a day and a week: how many people visit at a local time, and how busy the servers are then.

use schemas::time::Timestamp;

/// How many visit at each full hour of the local day, relative to the evening's; between them linear.
const HOURS: [f64; 24] = [
    0.38, 0.26, 0.18, 0.14, 0.12, 0.15, 0.26, 0.46, 0.68, 0.82, 0.90, 0.95, 0.98, 0.96, 0.93, 0.93, 0.97, 1.03, 1.12, 1.24, 1.30, 1.18,
    0.88, 0.58,
];
/// How many visit on each day of the week, Monday first: a shop is busier at weekends.
const DAYS: [f64; 7] = [1.0, 0.96, 0.95, 0.97, 1.0, 1.14, 1.22];

/// How much slower the servers answer when twice as many visit as on average.
const LOAD: f64 = 0.12;

const MS_PER_HOUR: i64 = 3_600_000;
const MS_PER_DAY: i64 = 24 * MS_PER_HOUR;

/// How many visit at `at`, where clocks are `utc_offset_min` minutes ahead of UTC, relative to the
/// mean over a week, which is 1. In [0.1, 2.2].
pub(crate) fn volume(at: Timestamp, utc_offset_min: i32) -> f64 {
    let local = at.as_ms() + i64::from(utc_offset_min) * 60_000;
    let of_day = local.rem_euclid(MS_PER_DAY);
    let (hour, within) = ((of_day / MS_PER_HOUR) as usize, (of_day % MS_PER_HOUR) as f64 / MS_PER_HOUR as f64);
    let hourly = HOURS[hour] * (1.0 - within) + HOURS[(hour + 1) % 24] * within;
    // 1 January 1970 was a Thursday.
    let day = (local.div_euclid(MS_PER_DAY) + 3).rem_euclid(7) as usize;
    hourly * DAYS[day] / (mean(&HOURS) * mean(&DAYS))
}

/// How much longer servers take at `at` because of how many visit: a factor near 1.
pub(crate) fn load(at: Timestamp, utc_offset_min: i32) -> f64 {
    1.0 + LOAD * (volume(at, utc_offset_min) - 1.0)
}

const fn mean<const N: usize>(values: &[f64; N]) -> f64 {
    let (mut sum, mut i) = (0.0, 0);
    while i < N {
        sum += values[i];
        i += 1;
    }
    sum / N as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_over_a_week_is_one_and_the_evening_is_busier_than_the_night() {
        let minutes = 7 * 24 * 60;
        let sum: f64 = (0..minutes).map(|minute| volume(Timestamp::from_ms(minute * 60_000), 0)).sum();
        assert!((sum / minutes as f64 - 1.0).abs() < 0.01, "mean {}", sum / minutes as f64);
        // Friday, 2 January 1970.
        let at = |hour| Timestamp::from_ms(MS_PER_DAY + hour * MS_PER_HOUR);
        assert!(volume(at(20), 0) > 5.0 * volume(at(4), 0));
        assert_eq!(volume(at(20), 0), volume(at(17), 180));
        // Saturday's noon against Friday's.
        assert!(volume(at(36), 0) > 1.1 * volume(at(12), 0));
    }

    #[test]
    fn load_follows_volume_mildly() {
        let at = |hour| Timestamp::from_ms(hour * MS_PER_HOUR);
        let (night, evening) = (load(at(4), 0), load(at(20), 0));
        assert!(evening / night > 1.08 && evening / night < 1.3, "{night} {evening}");
    }
}
