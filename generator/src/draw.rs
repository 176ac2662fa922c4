//! Chance: every draw of the model comes from here, and so from the seed.
//!
//! Each thing that is drawn (a session, a page view) has a generator of its own, seeded by what it is
//! rather than by what was drawn before. So a page view is the same whichever span it is made in,
//! and the same with or without an incident.

use rand::{Rng, RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution, Exp1, Poisson, StandardNormal};

/// A source of draws.
#[derive(Debug, Clone)]
pub(crate) struct Draw(Xoshiro256PlusPlus);

impl Draw {
    /// The source that belongs to `seed` and `parts`, such as a minute and a number within it.
    pub(crate) fn new(seed: u64, parts: &[u64]) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(mix(seed, parts)))
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform in [0, `end`); `end` must not be zero.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.random_range(0..end)
    }

    /// Uniform in [`from`, `to`).
    pub(crate) fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// Log-normal with the given median; `sigma` is the standard deviation of the logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let z: f64 = StandardNormal.sample(&mut self.0);
        median * (sigma * z).exp()
    }

    /// Exponential with the given mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        let e: f64 = Exp1.sample(&mut self.0);
        mean * e
    }

    /// Poisson with the given mean; zero for a mean that is not positive.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        Poisson::new(mean).map_or(0, |distribution| distribution.sample(&mut self.0) as u64)
    }

    /// One of `choices`, as likely as its weight among all. Weights must not be negative and not all zero.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T], weight: impl Fn(&T) -> f64) -> &'a T {
        let total: f64 = choices.iter().map(&weight).sum();
        let mut left = self.unit() * total;
        for choice in choices {
            left -= weight(choice);
            if left < 0.0 {
                return choice;
            }
        }
        choices.last().expect("there is something to pick from")
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// One number from several, by SplitMix64's finaliser over each.
pub(crate) fn mix(seed: u64, parts: &[u64]) -> u64 {
    parts.iter().fold(finalise(seed), |mixed, part| finalise(mixed ^ finalise(part.wrapping_add(0x9e37_79b9_7f4a_7c15))))
}

const fn finalise(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_the_seed_and_on_every_part() {
        let bits = |seed, parts: &[u64]| Draw::new(seed, parts).bits();
        assert_eq!(bits(1, &[2, 3]), bits(1, &[2, 3]));
        let others = [bits(0, &[2, 3]), bits(1, &[3, 2]), bits(1, &[2]), bits(1, &[2, 4]), bits(1, &[0, 2, 3])];
        assert!(others.iter().all(|other| *other != bits(1, &[2, 3])));
    }

    #[test]
    fn the_distributions_have_the_parameters_they_are_given() {
        let mut draw = Draw::new(7, &[]);
        let n = 40_000;
        let mut latencies: Vec<f64> = (0..n).map(|_| draw.log_normal(200.0, 0.5)).collect();
        latencies.sort_by(f64::total_cmp);
        assert!((latencies[n / 2] / 200.0 - 1.0).abs() < 0.02, "median {}", latencies[n / 2]);
        let spread = (latencies[n * 84 / 100] / latencies[n / 2]).ln();
        assert!((spread - 0.5).abs() < 0.02, "sigma {spread}");
        let errors: u64 = (0..n).map(|_| draw.poisson(0.3)).sum();
        assert!((errors as f64 / n as f64 - 0.3).abs() < 0.02, "mean {errors}");
        let waits: f64 = (0..n).map(|_| draw.exponential(5.0)).sum();
        assert!((waits / n as f64 / 5.0 - 1.0).abs() < 0.03, "mean {waits}");
        let picked = (0..n).filter(|_| *draw.pick(&[1.0, 3.0], |w| *w) == 3.0).count();
        assert!((picked as f64 / n as f64 - 0.75).abs() < 0.02, "share {picked}");
        assert_eq!(draw.poisson(0.0), 0);
    }
}
