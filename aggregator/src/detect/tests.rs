//! Detection on made series whose truth is known: quiet days are quiet, incidents are found in time.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::{
    app::AppId,
    cuboid::Cuboid,
    flag::{Flag, Rule},
    metric::{Metric, MetricName},
    rollup::Rollup,
    time::Minute,
    unit::Unit,
};

use super::{
    Thresholds,
    tester::{Days, Observation, Tester},
};

const START: Minute = Minute(29_000_000);

/// A made population: series of LCP with log-normal values whose level has a daily cycle.
struct World {
    rng: ChaCha8Rng,
    series: Vec<Made>,
}

#[derive(Clone)]
struct Made {
    name: Box<[Box<str>]>,
    /// Median in microseconds, and the spread of its logarithm.
    median: f64,
    sigma: f64,
    /// Values a minute.
    rate: f64,
    /// Larger than 1 while something is wrong: for this share of the values.
    slow: (f64, f64),
}

impl World {
    fn new(seed: u64, n: usize, rate: f64) -> Self {
        let made = |i: usize| Made {
            name: [format!("/{i}").into()].into(),
            median: 1.0e6 * (1.0 + i as f64 * 0.05),
            sigma: 0.8,
            rate: rate * (0.3 + (i % 7) as f64 / 4.0),
            slow: (1.0, 1.0),
        };
        Self { rng: ChaCha8Rng::seed_from_u64(seed), series: (0..n).map(made).collect() }
    }

    fn values(&mut self, at: usize, minutes: f64, minute: Minute, slow: (f64, f64)) -> Rollup {
        let made = self.series[at].clone();
        // A tenth slower at midnight than at noon, and a third of the traffic.
        let of_day = f64::from(minute.0 % 1_440) / 1_440.0 * std::f64::consts::TAU;
        let (level, volume) = (1.0 + 0.05 * of_day.cos(), 0.66 - 0.33 * of_day.cos());
        let expected = made.rate * volume * minutes;
        let n = (expected + expected.sqrt() * self.normal()).round().max(0.0) as u64;
        let mut rollup = Rollup::default();
        for _ in 0..n {
            let slow = if self.rng.random_bool(slow.1) { slow.0 } else { 1.0 };
            rollup.record((made.median * level * slow * (made.sigma * self.normal()).exp()) as u64, 1);
        }
        rollup
    }

    fn normal(&mut self) -> f64 {
        let (u, v): (f64, f64) = (self.rng.random_range(f64::MIN_POSITIVE..1.0), self.rng.random());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    fn days(&mut self, minute: Minute) -> Days {
        let hours: Vec<Minute> = (1..=21).map(|day| minute.minus(day * 1_440)).collect();
        (0..self.series.len())
            .map(|at| (self.series[at].name.clone(), hours.iter().map(|hour| (self.values(at, 60.0, *hour, (1.0, 0.0)), 60.0)).collect()))
            .collect()
    }

    fn observations(&mut self, minute: Minute) -> Vec<Observation> {
        let of = |world: &mut Self, at: usize| Observation {
            values: world.series[at].name.clone(),
            rollup: world.values(at, 1.0, minute, world.series[at].slow),
            exposure: 1.0,
        };
        (0..self.series.len()).map(|at| of(self, at)).filter(|observation| observation.rollup.samples > 0).collect()
    }
}

fn lcp() -> Metric {
    Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration }
}

/// Lets `minutes` go by, and gives each minute's flags.
fn run(tester: &mut Tester, world: &mut World, from: Minute, minutes: u32) -> Vec<(Minute, Vec<Flag>)> {
    let cuboid: Cuboid = "route".parse().unwrap();
    let mut flags = Vec::new();
    for minute in (0..minutes).map(|i| from.plus(i)) {
        let observations = world.observations(minute);
        tester.see(&lcp(), &cuboid, minute, observations);
        if tester.needs_baselines(&lcp(), &cuboid, minute) && minute.of_hour() % 60 == 0 || minute == from {
            let days = world.days(minute);
            tester.set_baselines(&lcp(), &cuboid, minute, days);
        }
        flags.push((minute, tester.test(minute).1));
    }
    flags
}

fn tester() -> Tester {
    Tester::new(AppId::new("shop").unwrap(), Thresholds::default())
}

#[test]
fn a_quiet_day_of_many_series_has_hardly_a_flag() {
    let (mut tester, mut world) = (tester(), World::new(1, 40, 40.0));
    let flagged: usize = run(&mut tester, &mut world, START, 1_440).iter().map(|(_, flags)| flags.len()).sum();
    // 57,600 series-minutes.
    assert!(flagged <= 2, "{flagged} flags");
}

#[test]
fn a_slower_release_is_flagged_within_three_minutes_for_its_series_alone_and_for_as_long_as_it_lasts() {
    let (mut tester, mut world) = (tester(), World::new(2, 40, 40.0));
    run(&mut tester, &mut world, START, 90);
    world.series[5].slow = (2.0, 1.0);
    let during = run(&mut tester, &mut world, START.plus(90), 180);
    let first = during.iter().find(|(_, flags)| !flags.is_empty()).unwrap();
    assert!(first.0 < START.plus(93), "first flag after {} minutes", first.0.0 - START.0 - 90);
    let flag = &first.1[0];
    assert_eq!((flag.rule, &flag.series.group.values), (Rule::Shift, &world.series[5].name));
    assert!((flag.effect - 1.0).abs() < 0.6 && flag.observed > flag.expected && flag.p_value < 2e-5, "{flag:?}");
    let minutes = during.iter().filter(|(_, flags)| flags.iter().any(|flag| flag.series.group.values == world.series[5].name)).count();
    assert!(minutes > 165, "flagged in {minutes} of 180 minutes");
    let others = during.iter().flat_map(|(_, flags)| flags).filter(|flag| flag.series.group.values != world.series[5].name).count();
    assert!(others <= 1, "{others} flags on other series");

    world.series[5].slow = (1.0, 1.0);
    let after = run(&mut tester, &mut world, START.plus(270), 60);
    let last = after.iter().rposition(|(_, flags)| !flags.is_empty()).map_or(0, |last| last + 1);
    assert!(last <= 6, "still flagged {last} minutes after the end");
}

#[test]
fn a_tenth_of_users_with_thrice_the_latency_is_found_by_the_tail_or_the_shift() {
    let (mut tester, mut world) = (tester(), World::new(3, 20, 120.0));
    run(&mut tester, &mut world, START, 60);
    world.series[3].slow = (4.0, 0.15);
    let during = run(&mut tester, &mut world, START.plus(60), 30);
    let first = during.iter().find(|(_, flags)| flags.iter().any(|flag| flag.series.group.values == world.series[3].name)).unwrap();
    assert!(first.0 < START.plus(60 + 15), "after {} minutes", first.0.0 - START.0 - 60);
}

#[test]
fn a_change_too_small_to_matter_is_no_flag() {
    let (mut tester, mut world) = (tester(), World::new(4, 5, 2_000.0));
    run(&mut tester, &mut world, START, 60);
    world.series[1].slow = (1.08, 1.0);
    let flagged: usize = run(&mut tester, &mut world, START.plus(60), 60).iter().map(|(_, flags)| flags.len()).sum();
    assert_eq!(flagged, 0);
}

#[test]
fn too_few_values_are_never_flagged() {
    let (mut tester, mut world) = (tester(), World::new(5, 10, 0.5));
    run(&mut tester, &mut world, START, 60);
    for made in &mut world.series {
        made.slow = (20.0, 1.0);
    }
    let flags = run(&mut tester, &mut world, START.plus(60), 20);
    assert!(flags.iter().flat_map(|(_, flags)| flags).all(|flag| flag.n >= 30));
}

#[test]
fn more_errors_for_each_page_view_are_flagged_and_more_page_views_are_not() {
    let (mut tester, mut rng) = (tester(), ChaCha8Rng::seed_from_u64(6));
    let error = Metric { name: MetricName::new("error").unwrap(), unit: Unit::Count };
    let total = Cuboid::default();
    let mut minute = START;
    let mut step = |tester: &mut Tester, views: u64, rate: f64| {
        let mut rollup = Rollup::default();
        for _ in 0..(0..views).filter(|_| rng.random_bool(rate)).count() {
            rollup.record(1, 1);
        }
        tester.see(&error, &total, minute, [Observation { values: [].into(), rollup, exposure: views as f64 }]);
        minute = minute.plus(1);
        tester.test(minute.minus(1)).1
    };
    let mut quiet = 0;
    for i in 0..240 {
        quiet += step(&mut tester, 400 + i, 0.01).len();
    }
    for _ in 0..30 {
        quiet += step(&mut tester, 4_000, 0.01).len();
    }
    assert_eq!(quiet, 0, "ten times the traffic has ten times the errors");
    let flags: Vec<Flag> = (0..3).flat_map(|_| step(&mut tester, 500, 0.05)).collect();
    assert_eq!(flags[0].rule, Rule::Count);
    assert!(flags[0].observed > 2.0 * flags[0].expected);
}

#[test]
fn the_same_minutes_give_the_same_flags() {
    let flags = || {
        let (mut tester, mut world) = (tester(), World::new(7, 12, 60.0));
        run(&mut tester, &mut world, START, 40);
        world.series[2].slow = (2.0, 1.0);
        run(&mut tester, &mut world, START.plus(40), 20)
    };
    assert_eq!(flags(), flags());
}

/// Values as awkward as clients send them: all zero, all the same, the largest, few and many.
fn awkward_minute() -> impl Strategy<Value = Vec<u64>> {
    let value = prop_oneof![Just(0), Just(1), Just(1_000_000), Just(schemas::histogram::VALUE_MAX), 0..5_000_000u64];
    prop_oneof![
        Just(Vec::new()),
        (value.clone(), 1..200usize).prop_map(|(value, n)| vec![value; n]),
        proptest::collection::vec(value, 1..60),
    ]
}

proptest! {
    #[test]
    fn whatever_values_come_p_values_are_probabilities(
        days in proptest::collection::vec(awkward_minute(), 0..6),
        minutes in proptest::collection::vec(awkward_minute(), 1..80),
        exposed in proptest::collection::vec(0.0..500.0f64, 80),
    ) {
        let rollup = |values: &[u64]| {
            let mut rollup = Rollup::default();
            values.iter().for_each(|value| rollup.record(*value, 1));
            rollup
        };
        let (layout_shift, error) = (
            Metric { name: MetricName::new("CLS").unwrap(), unit: Unit::Score },
            Metric { name: MetricName::new("error").unwrap(), unit: Unit::Count },
        );
        // Everything is tested and nothing is too small to matter.
        let thresholds = Thresholds { samples_min: 1, effect_min: 0.0, count_effect_min: 0.0, false_discovery_rate: 1.0, ..Thresholds::default() };
        let mut tester = Tester::new(AppId::new("shop").unwrap(), thresholds);
        for (i, (values, exposure)) in minutes.iter().zip(exposed).enumerate() {
            let minute = START.plus(i as u32);
            for metric in [&lcp(), &layout_shift, &error] {
                let observation = Observation { values: [].into(), rollup: rollup(values), exposure };
                tester.see(metric, &Cuboid::default(), minute, [observation]);
                let days: Days = [([].into(), days.iter().map(|values| (rollup(values), exposure)).collect())].into();
                tester.set_baselines(metric, &Cuboid::default(), minute, days);
            }
            for flag in tester.test(minute).1 {
                prop_assert!((0.0..=1.0).contains(&flag.p_value), "{flag:?}");
                prop_assert!(flag.observed.is_finite() && flag.expected.is_finite() && flag.effect.is_finite(), "{flag:?}");
            }
        }
    }
}
