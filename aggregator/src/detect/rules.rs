//! The tests: how improbable a window is if nothing had changed.

use statrs::{
    distribution::{ContinuousCDF, Normal, StudentsT},
    function::beta::checked_beta_reg,
};

use super::{
    baseline::{Lately, SameHour},
    moments::Moments,
};

/// A window that departs from a baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Departure {
    pub(super) observed: f64,
    pub(super) expected: f64,
    /// By what share of it the observed exceeds the expected; finite.
    pub(super) effect: f64,
    pub(super) p_value: f64,
}

impl Departure {
    /// Of departures from two baselines the one that is less of one.
    fn weaker(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.p_value > self.p_value => other,
            _ => self,
        }
    }
}

/// Samples that a baseline must have to be one.
const BASELINE_SAMPLES_MIN: f64 = 100.0;
/// What a logarithm varies by within a bucket, which is at most 1/128 wide. Values that all lie in one are
/// known no better than that; and it keeps values that never vary from making t 0 / 0.
const BUCKET_VARIANCE: f64 = 1.0 / (128.0 * 128.0 * 12.0);
/// p-values are not told apart below this.
const P_MIN: f64 = 1e-300;

/// Whether the window's values as a whole are larger than usual. Observed and expected are geometric
/// means in the recorded scale. `None` when there is no baseline.
///
/// A window's mean logarithm is compared with that of a baseline by Student's t, the variance of the
/// difference being that of chance, times `dispersion` (how much the series' minutes vary beyond
/// chance, at least 1), and that of one day to another.
pub(super) fn shift(window: &Moments, same_hour: Option<&SameHour>, lately: &Lately, dispersion: f64) -> Option<Departure> {
    let against = |baseline: &Moments, between: f64| {
        if baseline.samples < BASELINE_SAMPLES_MIN {
            return None;
        }
        let variance = window.variance().max(baseline.variance()).max(BUCKET_VARIANCE);
        let of_difference = variance * (1.0 / window.samples + 1.0 / baseline.samples) * dispersion + between;
        let difference = window.mean - baseline.mean;
        let t = difference / of_difference.sqrt();
        let distribution = StudentsT::new(0.0, 1.0, (window.samples - 1.0).max(1.0)).ok()?;
        let p_value = distribution.sf(t).max(P_MIN);
        // Of the means of 1 + value: a baseline of zeros can be exceeded, too.
        let effect = difference.exp_m1();
        Some(Departure { observed: window.geometric_mean(), expected: baseline.geometric_mean(), effect, p_value })
    };
    let from_same_hour = same_hour.and_then(|usual| against(&usual.moments, usual.day_to_day));
    let from_lately = against(&lately.moments, 0.0);
    both(from_same_hour, from_lately)
}

/// Whether more of the window's values than usual lie in the tail. Observed and expected are shares.
/// `seen` of `samples` lie there where `expected` would usually, as known from `usual_samples`.
pub(super) fn tail(samples: f64, seen: f64, expected: f64, usual_samples: f64, lately: &Lately, dispersion: f64) -> Option<Departure> {
    if samples < 1.0 || expected <= 0.0 || usual_samples < BASELINE_SAMPLES_MIN {
        return None;
    }
    // What was usual at this hour on other days may not be what is usual lately: the larger counts.
    let drift = if lately.tail_expected * 10.0 < BASELINE_SAMPLES_MIN { 1.0 } else { (lately.tail_seen / lately.tail_expected).max(1.0) };
    let share = (expected * drift / samples).min(0.95);
    // The usual share is itself only known as well as its samples tell: the difference of two shares
    // varies by this much more than the window's alone.
    let two_shares = 1.0 + samples / usual_samples;
    let p_value = spread_out(binomial_sf(seen, samples, share), dispersion * two_shares);
    let observed = seen / samples;
    Some(Departure { observed, expected: share, effect: observed / share - 1.0, p_value })
}

/// Whether there are more events than usual for their exposure. Observed and expected are numbers of
/// events. The rate is not known but estimated from the baseline's events: the predictive distribution
/// is negative binomial.
pub(super) fn count(events: f64, exposure: f64, same_hour: Option<&SameHour>, lately: &Lately, dispersion: f64) -> Option<Departure> {
    let against = |usual_events: f64, usual_exposure: f64| {
        if usual_exposure <= exposure || exposure <= 0.0 {
            return None;
        }
        let expected = usual_events.max(0.5) / usual_exposure * exposure;
        let share = exposure / (exposure + usual_exposure);
        let p_value = if events < 1.0 { 1.0 } else { checked_beta_reg(events, usual_events + 0.5, share).ok()? };
        Some(Departure { observed: events, expected, effect: events / expected - 1.0, p_value: spread_out(p_value, dispersion) })
    };
    let from_same_hour = same_hour.and_then(|usual| against(usual.events, usual.exposure));
    both(from_same_hour, against(lately.events, lately.exposure))
}

fn both(a: Option<Departure>, b: Option<Departure>) -> Option<Departure> {
    match (a, b) {
        (Some(a), b) => Some(a.weaker(b)),
        (None, b) => b,
    }
}

/// The probability of at least `k` of `n` with probability `p` each.
fn binomial_sf(k: f64, n: f64, p: f64) -> f64 {
    if k <= 0.0 {
        return 1.0;
    }
    checked_beta_reg(k, (n - k).max(0.0) + 1.0, p).unwrap_or(1.0)
}

/// A p-value whose statistic varies `dispersion` times as much as it was computed for.
fn spread_out(p_value: f64, dispersion: f64) -> f64 {
    let normal = Normal::standard();
    let p_value = p_value.clamp(P_MIN, 1.0);
    if p_value > 0.5 {
        return p_value;
    }
    let z = -normal.inverse_cdf(p_value);
    normal.sf(z / dispersion.max(1.0).sqrt()).max(P_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_distributions_are_right_where_they_are_small() {
        // P(X >= 20) for Binomial(50, 0.1), and P(X >= 30) for Binomial(100, 0.1), from exact sums.
        assert!((binomial_sf(20.0, 50.0, 0.1) / 2.368_6e-8 - 1.0).abs() < 0.01, "{}", binomial_sf(20.0, 50.0, 0.1));
        assert!((binomial_sf(30.0, 100.0, 0.1) / 2.445_1e-8 - 1.0).abs() < 0.01, "{}", binomial_sf(30.0, 100.0, 0.1));
        assert_eq!(binomial_sf(0.0, 50.0, 0.1), 1.0);
    }

    #[test]
    fn a_known_rate_makes_the_count_poisson() {
        // 10 expected, 25 seen: P(X >= 25) for Poisson(10) is 4.7e-5.
        let usual = SameHour { events: 1e7, exposure: 1e6, ..SameHour::default() };
        let departure = count(25.0, 1.0, Some(&usual), &Lately::default(), 1.0).unwrap();
        assert!((departure.p_value / 4.7e-5 - 1.0).abs() < 0.02, "{}", departure.p_value);
        assert!((departure.expected - 10.0).abs() < 1e-6 && (departure.effect - 1.5).abs() < 1e-6);
    }

    #[test]
    fn a_share_that_few_samples_tell_is_weaker_evidence() {
        let p_value = |usual_samples| tail(120.0, 34.0, 7.2, usual_samples, &Lately::default(), 1.0).map(|departure| departure.p_value);
        assert_eq!(p_value(99.0), None);
        // Two shares of as many samples: the difference varies twice as much, so z is smaller by the root of two.
        let (few, many) = (p_value(120.0).unwrap(), p_value(1e9).unwrap());
        let z = |p: f64| -Normal::standard().inverse_cdf(p);
        assert!((z(many) / z(few) - 2f64.sqrt()).abs() < 1e-3, "{few} {many}");
    }

    #[test]
    fn what_varies_more_than_chance_needs_more() {
        assert!((spread_out(1e-9, 1.0) / 1e-9 - 1.0).abs() < 0.01);
        assert!(spread_out(1e-9, 4.0) > 1e-3);
        assert_eq!(spread_out(0.7, 4.0), 0.7);
    }

    #[test]
    fn both_baselines_must_be_left_behind() {
        let at = |mean, samples| {
            let mut moments = Moments::at(mean - 0.3, samples / 2.0);
            moments.merge(&Moments::at(mean + 0.3, samples / 2.0));
            moments
        };
        let (spread, baseline) = (at(8.3, 200.0), |mean| at(mean, 1_000.0));
        let usual = SameHour { moments: baseline(7.0), day_to_day: 0.000_1, ..SameHour::default() };
        let higher_lately = Lately { moments: baseline(8.29), ..Lately::default() };
        let lower_lately = Lately { moments: baseline(7.2), ..Lately::default() };
        assert!(shift(&spread, Some(&usual), &higher_lately, 1.0).unwrap().p_value > 0.05);
        assert!(shift(&spread, Some(&usual), &lower_lately, 1.0).unwrap().p_value < 1e-9);
        assert_eq!(shift(&spread, None, &Lately::default(), 1.0), None);
    }
}
