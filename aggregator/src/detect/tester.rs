//! Tests all series of an app's minute, together.

use std::collections::{HashMap, hash_map::Entry};

use schemas::{
    app::AppId,
    cuboid::Cuboid,
    flag::Flag,
    metric::{ERROR, Metric},
    rollup::Rollup,
    series::{Group, Series},
    time::Minute,
};

use super::{
    Thresholds,
    baseline::SameHour,
    discovery::discoveries,
    series::{Candidate, WINDOWS, Watched},
};

/// A series that has not come for this many minutes is forgotten.
const FORGET_AFTER: u32 = 180;
/// For how many minutes a baseline of the same hour is used before it is read again.
const BASELINE_AGE_MAX: u32 = 10;

/// A minute of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Its group's values.
    pub values: Box<[Box<str>]>,
    /// Empty for a minute without events.
    pub rollup: Rollup,
    /// What events are counted against: page views of the same group, or 1 where they are not known.
    pub exposure: f64,
}

/// The series of one app under watch.
#[derive(Debug)]
pub struct Tester {
    app: AppId,
    thresholds: Thresholds,
    cubes: HashMap<(Metric, Cuboid), CubeWatch>,
}

#[derive(Debug, Default)]
struct CubeWatch {
    series: HashMap<Box<[Box<str>]>, Watched>,
    /// When the baselines of the same hour were read.
    baseline_of: Option<Minute>,
}

/// The days of one hour, for each series of a cube: what a baseline is made of.
pub(super) type Days = HashMap<Box<[Box<str>]>, Vec<(Rollup, f64)>>;

impl Tester {
    /// One that has seen nothing yet.
    pub fn new(app: AppId, thresholds: Thresholds) -> Self {
        Self { app, thresholds, cubes: HashMap::new() }
    }

    /// Whether the series of a cube are to be watched at all.
    pub fn watches(metric: &Metric) -> bool {
        Watched::new(metric).is_some()
    }

    /// Whether events of this metric are counted against page views.
    pub fn needs_exposure(metric: &Metric) -> bool {
        metric.name.as_str() == ERROR
    }

    /// Shows a minute of a cube's series.
    pub fn see(&mut self, metric: &Metric, cuboid: &Cuboid, minute: Minute, observations: impl IntoIterator<Item = Observation>) {
        let cube = self.cubes.entry((metric.clone(), cuboid.clone())).or_default();
        for Observation { values, rollup, exposure } in observations {
            let watched = match cube.series.entry(values) {
                Entry::Occupied(known) => known.into_mut(),
                // What never had an event needs no watch.
                Entry::Vacant(_) if rollup.samples == 0 => continue,
                Entry::Vacant(new) => match Watched::new(metric) {
                    Some(watched) => new.insert(watched),
                    None => return,
                },
            };
            watched.see(minute, &rollup, exposure);
        }
        cube.series.retain(|_, watched| watched.last.plus(FORGET_AFTER) > minute);
    }

    /// Whether a cube's baselines of the same hour are missing or old, and some series has enough values
    /// in `minute` to be tested against them.
    pub fn needs_baselines(&self, metric: &Metric, cuboid: &Cuboid, minute: Minute) -> bool {
        let Some(cube) = self.cubes.get(&(metric.clone(), cuboid.clone())) else { return false };
        let fresh = cube.baseline_of.is_some_and(|read| read.hour() == minute.hour() && read.plus(BASELINE_AGE_MAX) > minute);
        !fresh && cube.series.values().any(|watched| watched.last == minute)
    }

    /// Gives a cube its baselines: the hours of `minute` on the days before.
    pub(super) fn set_baselines(&mut self, metric: &Metric, cuboid: &Cuboid, minute: Minute, mut days: Days) {
        let Some(cube) = self.cubes.get_mut(&(metric.clone(), cuboid.clone())) else { return };
        cube.baseline_of = Some(minute);
        for (values, watched) in &mut cube.series {
            watched.same_hour = days.remove(values).and_then(|days| SameHour::of_days(&days));
        }
    }

    /// Notes what was flagged in an earlier minute, when minutes are shown again after a restart.
    pub fn recall(&mut self, flag: &Flag) {
        let key = (flag.series.metric.clone(), flag.series.group.cuboid.clone());
        if let Some(watched) = self.cubes.get_mut(&key).and_then(|cube| cube.series.get_mut(&flag.series.group.values)) {
            watched.flag_minute(flag.minute());
        }
    }

    /// Tests every series that came in `minute`: how many there were, and which are flagged.
    pub fn test(&mut self, minute: Minute) -> (usize, Vec<Flag>) {
        let mut candidates: Vec<(Series, Candidate)> = Vec::new();
        for ((metric, cuboid), cube) in &self.cubes {
            for (values, watched) in cube.series.iter().filter(|(_, watched)| watched.last == minute) {
                if let Some(candidate) = watched.test(&self.thresholds) {
                    let group = Group { app: self.app.clone(), cuboid: cuboid.clone(), values: values.clone() };
                    candidates.push((Series { metric: metric.clone(), group }, candidate));
                }
            }
        }
        // The tables' order is arbitrary; what is written must not be.
        candidates.sort_by(|a, b| a.0.cmp(&b.0));
        let p_values: Vec<f64> = candidates.iter().map(|(_, candidate)| candidate.p_value).collect();
        let found = discoveries(&p_values, self.thresholds.false_discovery_rate);
        let tested = candidates.len();
        let flags: Vec<Flag> = candidates
            .into_iter()
            .zip(found)
            .filter(|((_, candidate), found)| *found && candidate.matters)
            .map(|((series, candidate), _)| flag(series, &candidate))
            .collect();
        for flag in &flags {
            let key = (flag.series.metric.clone(), flag.series.group.cuboid.clone());
            if let Some(watched) = self.cubes.get_mut(&key).and_then(|cube| cube.series.get_mut(&flag.series.group.values)) {
                watched.flag();
            }
        }
        (tested, flags)
    }

    /// Minutes that have to be shown before a test is as good as it gets.
    pub const fn warm_up_minutes() -> u32 {
        WINDOWS[WINDOWS.len() - 1] + 105
    }
}

fn flag(series: Series, candidate: &Candidate) -> Flag {
    let Candidate { window, rule, observed, expected, effect, n, p_value, .. } = *candidate;
    Flag { series, window, rule, observed, expected, effect, n, p_value }
}
