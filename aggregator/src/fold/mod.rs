//! The fold: records in, rollups out. Pure: what it gives depends on the records alone, not on the
//! clock, nor on how they were cut into batches. Only which samples it gives besides depends on what the fold saw before:
//! the more it saw, the fewer that can't stay.
//!
//! A beacon's series are looked up once for all its events: its dimensions become numbers, each
//! cuboid's numbers name a group, and the events, packed into a word each, are appended to the
//! group's list for their minute. No text and no allocation per event on that way.

mod cells;
mod dictionary;
mod duplicates;
mod fates;
mod groups;
mod metrics;
mod samples;

use std::{collections::BTreeMap, ops::Range};

pub use duplicates::{Duplicates, Seen};
use schemas::{
    app::{App, AppId, AppIdError},
    cuboid::{Cuboid, DIMENSIONS_MAX},
    dimension::{Dimension, OTHER},
    fate::FateCount,
    histogram::VALUE_MAX,
    record::{BeaconRecordView, EventView},
    rollup::GroupRollups,
    sample::{Rank, Sample, Stratum},
    series::Group,
    time::{Minute, Timestamp},
    unit::Unit,
};

use self::{
    cells::{Cells, Entry},
    dictionary::{Dictionary, OTHER_ID, ValueId},
    fates::Fates,
    groups::{GroupKey, Groups},
    metrics::Metrics,
    samples::{Samples, sampled},
};
use crate::config::Limits;

/// How long a group may be idle before its place is free, in minutes of received time.
const IDLE_MINUTES: u32 = 15;
/// How often dictionaries decide anew which values are frequent, in minutes of received time.
const ROTATION_MINUTES: u32 = 10;

/// What became of one record's events. Whoever folds a record must count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "events whose fate is not counted are lost"]
pub struct Outcome {
    pub rolled_up: u64,
    pub too_late: u64,
    pub duplicate: u64,
    /// In a unit that this version doesn't know.
    pub unknown: u64,
}

impl std::ops::AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.rolled_up += other.rolled_up;
        self.too_late += other.too_late;
        self.duplicate += other.duplicate;
        self.unknown += other.unknown;
    }
}

/// What a flush takes.
#[derive(Debug, Default, PartialEq)]
pub struct Drained {
    pub rollups: Vec<GroupRollups>,
    pub fates: Vec<FateCount>,
    pub strata: Vec<Stratum>,
    pub samples: Vec<Sample>,
}

/// The rollups that are being made, of all apps.
#[derive(Debug)]
pub struct Fold {
    limits: Limits,
    apps: BTreeMap<AppId, AppFold>,
}

impl Fold {
    /// One for `apps`. Records of an app that is not among them are folded into the default cuboids:
    /// they were accepted, so they count.
    pub fn new(apps: &[App], limits: Limits) -> Self {
        let apps = apps.iter().map(|app| (app.id.clone(), AppFold::new(app, limits.clone()))).collect();
        Self { limits, apps }
    }

    /// Adds a record. `repeated` says that its beacon was counted before.
    ///
    /// # Errors
    /// When the record's app can't be one's id; nothing was counted then.
    pub fn add(&mut self, record: &BeaconRecordView<'_>, repeated: bool) -> Result<Outcome, AppIdError> {
        if !self.apps.contains_key(record.app) {
            let id = AppId::new(record.app)?;
            self.apps.insert(id.clone(), AppFold::new(&App::new(id, Vec::new()), self.limits.clone()));
        }
        let app = self.apps.get_mut(record.app).expect("inserted above if it was missing");
        Ok(app.add(record, repeated))
    }

    /// Takes what has been added since the last time: apps by id, groups as they were first seen.
    pub fn drain(&mut self) -> Drained {
        let mut drained = Drained::default();
        for (id, app) in &mut self.apps {
            app.drain(id, &mut drained);
        }
        drained
    }

    /// How many rollup cells (a group in a minute) wait to be drained.
    pub fn cells(&self) -> usize {
        self.apps.values().map(|app| app.cells.len()).sum()
    }

    /// How many groups are live.
    pub fn groups(&self) -> usize {
        self.apps.values().map(|app| app.groups.len()).sum()
    }
}

/// The rollups of one app.
#[derive(Debug)]
struct AppFold {
    limits: Limits,
    /// The dimensions that stand in a cuboid, each with its values.
    dimensions: Vec<(Dimension, Dictionary)>,
    cuboids: Vec<CuboidPlan>,
    metrics: Metrics,
    groups: Groups,
    cells: Cells,
    fates: Fates,
    samples: Samples,
    /// Where the route stands among the dimensions, if a cuboid has it.
    route: Option<usize>,
    rotated: Minute,
    // Reused from record to record.
    values: Vec<ValueId>,
    events: Vec<(Minute, Entry)>,
    entries: Vec<Entry>,
    runs: Vec<(Minute, Range<usize>)>,
}

/// Where a cuboid's values are found among the record's.
#[derive(Debug)]
struct CuboidPlan {
    cuboid: Cuboid,
    /// Indices into the app's dimensions.
    positions: Vec<usize>,
    /// Where in `positions` the experiment and its arm stand: a beacon counts once for each
    /// experiment that it is in.
    experiment: Option<(usize, Option<usize>)>,
    overflow: GroupKey,
}

impl AppFold {
    fn new(app: &App, limits: Limits) -> Self {
        let dimensions = app.dimensions();
        let plan = |(number, cuboid): (u32, &Cuboid)| {
            let positions: Vec<usize> = cuboid.dimensions().iter().filter_map(|own| dimensions.iter().position(|all| all == own)).collect();
            let experiment = cuboid.position(&Dimension::Experiment).map(|at| (at, cuboid.position(&Dimension::Arm)));
            let overflow = GroupKey { cuboid: number, values: [OTHER_ID; DIMENSIONS_MAX] };
            CuboidPlan { cuboid: cuboid.clone(), positions, experiment, overflow }
        };
        Self {
            cuboids: (0..).zip(&app.cuboids).map(plan).collect(),
            metrics: Metrics::default(),
            groups: Groups::new(app.cuboids.len(), limits.groups_max),
            cells: Cells::default(),
            fates: Fates::default(),
            samples: Samples::default(),
            route: dimensions.iter().position(|dimension| *dimension == Dimension::Route),
            rotated: Minute(0),
            values: Vec::new(),
            events: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            dimensions: dimensions
                .into_iter()
                .map(|dimension| {
                    let values_max = limits.values_max(&dimension);
                    (dimension, Dictionary::new(values_max))
                })
                .collect(),
            limits,
        }
    }

    fn add(&mut self, record: &BeaconRecordView<'_>, repeated: bool) -> Outcome {
        let received = Timestamp::from_ms(i64::try_from(record.received_ms).unwrap_or(i64::MAX));
        let outcome = if repeated {
            Outcome { duplicate: record.events.len() as u64, ..Outcome::default() }
        } else {
            let outcome = self.pack_events(record, received);
            if outcome.rolled_up > 0 {
                self.number_values(record);
                self.append(record, received.minute());
                self.sample(record, received);
            }
            outcome
        };
        self.fates.count(record, received, outcome);
        outcome
    }

    /// Packs the record's events and cuts them into runs of one minute.
    fn pack_events(&mut self, record: &BeaconRecordView<'_>, received: Timestamp) -> Outcome {
        let mut outcome = Outcome::default();
        let age_max_ms = u64::from(record.lateness_max_s) * 1_000;
        self.events.clear();
        for event in &record.events {
            let Some(unit) = unit_of(event) else {
                outcome.unknown += 1;
                continue;
            };
            if event.age_ms > age_max_ms {
                outcome.too_late += 1;
                continue;
            }
            outcome.rolled_up += 1;
            let minute = minute_of(event, received);
            let metric = self.metrics.id(event.metric, unit);
            self.events.push((minute, Entry::new(metric, event.value.min(VALUE_MAX), record.weight)));
        }
        if !self.events.is_sorted_by_key(|(minute, _)| *minute) {
            self.events.sort_by_key(|(minute, _)| *minute);
        }
        self.entries.clear();
        self.entries.extend(self.events.iter().map(|(_, entry)| *entry));
        self.runs.clear();
        let mut start = 0;
        for run in self.events.chunk_by(|a, b| a.0 == b.0) {
            self.runs.push((run[0].0, start..start + run.len()));
            start += run.len();
        }
        outcome
    }

    /// Turns the record's value of each dimension into its number. The experiment and its arm come
    /// later, as there may be several.
    fn number_values(&mut self, record: &BeaconRecordView<'_>) {
        self.values.clear();
        for (dimension, dictionary) in &mut self.dimensions {
            let id = match dimension {
                Dimension::Experiment | Dimension::Arm => OTHER_ID,
                other => dictionary.id(value_of(record, other)),
            };
            self.values.push(id);
        }
    }

    /// Appends the packed events to the record's group in each cuboid.
    fn append(&mut self, record: &BeaconRecordView<'_>, seen: Minute) {
        for (number, plan) in (0..).zip(&self.cuboids) {
            let mut key = GroupKey { cuboid: number, values: [OTHER_ID; DIMENSIONS_MAX] };
            for (at, position) in plan.positions.iter().enumerate() {
                key.values[at] = self.values[*position];
            }
            let mut append = |key| {
                let group = self.groups.place(key, plan.overflow, seen);
                for (minute, run) in &self.runs {
                    let cell = self.groups.cell(group, *minute, &mut self.cells);
                    self.cells.extend(cell, &self.entries[run.clone()]);
                }
            };
            let Some((experiment_at, arm_at)) = plan.experiment else {
                append(key);
                continue;
            };
            let none = [("", "")];
            let arms = record.experiments.iter().map(|arm| (arm.experiment, arm.arm));
            let none = none.into_iter().take(usize::from(record.experiments.is_empty()));
            for (experiment, arm) in arms.chain(none) {
                key.values[experiment_at] = self.dimensions[plan.positions[experiment_at]].1.id(experiment);
                if let Some(arm_at) = arm_at {
                    key.values[arm_at] = self.dimensions[plan.positions[arm_at]].1.id(arm);
                }
                append(key);
            }
        }
    }

    /// Counts the beacon in the strata of its events' minutes, and keeps it if it is among their samples.
    fn sample(&mut self, record: &BeaconRecordView<'_>, received: Timestamp) {
        if !self.limits.samples {
            return;
        }
        let route = self.route.map_or(OTHER_ID, |at| self.values[at]);
        let rank = Rank::of(record.beacon_id);
        for (minute, _) in &self.runs {
            let beacon = || sampled(record, received, *minute, &mut self.metrics);
            self.samples.add(route, *minute, rank, beacon);
        }
    }

    fn drain(&mut self, app: &AppId, drained: &mut Drained) {
        for (at, cells) in self.cells.drain(self.metrics.names()) {
            let name = |key: &GroupKey| group_in_words(app, &self.cuboids[key.cuboid as usize], key, &self.dimensions);
            drained.rollups.push(GroupRollups { group: self.groups.name(at, name), cells });
        }
        self.groups.drained();
        let route = |id| self.route.map_or_else(|| OTHER.into(), |at| self.dimensions[at].1.name(id).as_ref().into());
        let newest = self.fates.drain(app, &mut drained.fates);
        if let Some(newest) = newest {
            self.samples.drain(app, newest, route, &mut drained.strata, &mut drained.samples);
            self.groups.forget_before(newest.minus(IDLE_MINUTES));
            self.rotate(newest);
        }
    }

    fn rotate(&mut self, newest: Minute) {
        if newest < self.rotated.plus(ROTATION_MINUTES) {
            return;
        }
        self.rotated = newest;
        for (_, dictionary) in &mut self.dimensions {
            dictionary.rotate();
        }
        // Names of values that lost their place are kept for the groups that have them; when they
        // have become many, both begin anew.
        if self.dimensions.iter().any(|(_, dictionary)| dictionary.is_worn()) {
            self.groups.forget_all();
            self.samples.forget_all();
            for (dimension, dictionary) in &mut self.dimensions {
                *dictionary = Dictionary::new(self.limits.values_max(dimension));
            }
        }
    }
}

fn group_in_words(app: &AppId, plan: &CuboidPlan, key: &GroupKey, dimensions: &[(Dimension, Dictionary)]) -> Group {
    let value = |(at, position): (usize, &usize)| -> Box<str> { dimensions[*position].1.name(key.values[at]).as_ref().into() };
    Group { app: app.clone(), cuboid: plan.cuboid.clone(), values: plan.positions.iter().enumerate().map(value).collect() }
}

/// The event's unit; `None` for one that this version doesn't know.
fn unit_of(event: &EventView<'_>) -> Option<Unit> {
    event.unit.as_known().and_then(Unit::from_wire)
}

fn minute_of(event: &EventView<'_>, received: Timestamp) -> Minute {
    Timestamp::from_ms(received.as_ms() - i64::try_from(event.age_ms).unwrap_or(i64::MAX)).minute()
}

/// The record's value of a dimension other than the experiment and its arm.
fn value_of<'a>(record: &BeaconRecordView<'a>, dimension: &Dimension) -> &'a str {
    match dimension {
        Dimension::Route => record.route,
        Dimension::Country => record.country,
        Dimension::Region => record.region,
        Dimension::Network => record.network,
        Dimension::Browser => record.browser,
        Dimension::BrowserVersion => record.browser_version,
        Dimension::Os => record.os,
        Dimension::Device => record.device,
        Dimension::Connection => record.connection,
        Dimension::Release => record.release,
        Dimension::NavigationType => record.navigation_type,
        Dimension::Experiment | Dimension::Arm => OTHER,
        Dimension::Custom(name) => record.custom.iter().find(|custom| custom.name == name.as_str()).map_or("", |custom| custom.value),
    }
}

#[cfg(test)]
mod tests;
