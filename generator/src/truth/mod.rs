//! The truth: what the server must have counted of all that it acknowledged.
//!
//! A beacon enters when it is acknowledged, once; what was answered otherwise, or not at all, doesn't.
//! A beacon without an answer is sent again under the same id, so that whether the server had stored it
//! before makes no difference to what it must have counted.

pub mod account;
mod file;
pub mod tally;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use hashbrown::HashMap;
use schemas::{
    app::AppId,
    cuboid::Cuboid,
    dimension::{Dimension, DimensionName},
    time::{Minute, MinuteRange, Timestamp},
    unit::Unit,
};

pub use self::{
    account::{Account, Fates, Refusal},
    file::TruthFileError,
    tally::{Row, Tally},
};
use crate::{
    delivery::{Delivery, Kind, fate::Fate},
    population::visitor::PLAN,
};

/// What a truth keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthOptions {
    /// The sets of dimensions that it counts by; the empty one is the total.
    pub by: Vec<Cuboid>,
    /// Whether it keeps every value, so that quantiles can be checked.
    pub values: bool,
}

impl TruthOptions {
    /// Nothing but fates.
    pub const FATES: Self = Self { by: Vec::new(), values: false };
}

impl Default for TruthOptions {
    /// By every single dimension, the experiment's arms together with the experiment, without values.
    fn default() -> Self {
        let plan = Dimension::Custom(DimensionName::new(PLAN).expect("a good name"));
        let unknown_here = [Dimension::Region, Dimension::Network, Dimension::Experiment, Dimension::Arm];
        let single = Dimension::built_in().filter(|dimension| !unknown_here.contains(dimension)).chain([plan]).map(|one| vec![one]);
        let several = [Vec::new(), vec![Dimension::Experiment, Dimension::Arm]];
        let cuboid = |dimensions| Cuboid::new(dimensions).expect("few and distinct");
        Self { by: several.into_iter().chain(single).map(cuboid).collect(), values: false }
    }
}

/// What the server must have counted.
#[derive(Debug)]
pub struct Truth {
    pub account: Account,
    cuboids: Vec<Cuboid>,
    keeps_values: bool,
    metrics: Vec<Counted>,
    groups: Groups,
}

/// What was counted of one metric.
#[derive(Debug)]
struct Counted {
    name: Box<str>,
    unit: Unit,
    /// The tallies, by cuboid.
    by: Vec<Tallies>,
}

type Tallies = HashMap<Cell, Tally, foldhash::fast::FixedState>;

/// Where a tally of a metric and a cuboid belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Cell {
    group: u32,
    minute: Minute,
}

/// Numbers for groups: the values of a cuboid's dimensions.
#[derive(Debug, Default)]
struct Groups {
    numbers: HashMap<Box<str>, u32, foldhash::fast::FixedState>,
    /// By number.
    joined: Vec<Box<str>>,
}

/// Stands between the values of a group; no value has one, because cleaning takes control characters out.
const BETWEEN: char = '\u{1f}';

impl Truth {
    /// One of `app` that knows of nothing yet.
    pub fn new(app: AppId, options: &TruthOptions) -> Self {
        Self {
            account: Account::new(app),
            cuboids: options.by.clone(),
            keeps_values: options.values,
            metrics: Vec::new(),
            groups: Groups::default(),
        }
    }

    /// `delivery`, whose body was made at `made`, was answered with 202: for the first time of its number,
    /// or it is a repeat of one that was.
    pub fn acknowledge(&mut self, delivery: &Delivery, made: Timestamp) {
        self.account.acknowledged += 1;
        let repeated = delivery.kind == Kind::Repeat;
        let groups = if repeated { Vec::new() } else { self.groups_of(delivery) };
        let weight = u64::from(delivery.weight());
        let mut minutes = BTreeSet::new();
        for fate in delivery.fates(made) {
            match fate {
                Fate::Rejected(reason) => self.account.fates.reject(reason),
                Fate::RolledUp { .. } | Fate::TooLate if repeated => self.account.fates.duplicate += 1,
                Fate::TooLate => self.account.fates.too_late += 1,
                Fate::RolledUp { measurement, minute } => {
                    self.account.fates.rolled_up += 1;
                    minutes.insert(minute);
                    let keep = self.keeps_values;
                    let metric = self.metric(measurement.metric, measurement.unit);
                    for (tallies, &group) in metric.by.iter_mut().zip(&groups) {
                        tallies.entry(Cell { group, minute }).or_default().record(measurement.recorded, weight, keep);
                    }
                }
            }
        }
        for minute in minutes {
            *self.account.beacons.entry(minute).or_default() += 1;
        }
    }

    /// `delivery` was answered with `status`, which is no success and won't become one.
    pub fn refuse(&mut self, delivery: &Delivery, status: u16) {
        self.account.refuse(delivery.kind.name(), status);
    }

    /// The attempt to send `delivery`, whose body was made at `made`, had no answer: whether the server
    /// stored it is not known.
    pub fn lose(&mut self, delivery: &Delivery, made: Timestamp) {
        for fate in delivery.fates(made) {
            match fate {
                Fate::Rejected(reason) => self.account.uncertain.reject(reason),
                Fate::RolledUp { .. } | Fate::TooLate => self.account.uncertain.duplicate += 1,
            }
        }
    }

    /// The sets of dimensions that it counts by.
    pub fn cuboids(&self) -> &[Cuboid] {
        &self.cuboids
    }

    /// The metrics that something was counted of, with their units, by name.
    pub fn metrics(&self) -> Vec<(&str, Unit)> {
        let mut metrics: Vec<_> = self.metrics.iter().map(|metric| (&*metric.name, metric.unit)).collect();
        metrics.sort_unstable();
        metrics
    }

    /// The minutes from the first to the last with an event; `None` without any.
    pub fn range(&self) -> Option<MinuteRange> {
        let minutes = || self.metrics.iter().flat_map(|metric| &metric.by).flat_map(HashMap::keys).map(|cell| cell.minute);
        Some(MinuteRange::new(minutes().min()?, minutes().max()?.plus(1)))
    }

    /// All of `metric` in `range`.
    pub fn total(&self, metric: &str, range: MinuteRange) -> Tally {
        self.groups(&Cuboid::default(), metric, range).into_values().next().unwrap_or_default()
    }

    /// What was counted of `metric` in `range` for each group of `cuboid`, by the values of its dimensions in
    /// canonical order. Empty when the truth doesn't count by it.
    pub fn groups(&self, cuboid: &Cuboid, metric: &str, range: MinuteRange) -> BTreeMap<Vec<&str>, Tally> {
        let mut merged: BTreeMap<_, Tally> = BTreeMap::new();
        for (cell, tally) in self.tallies(cuboid, metric).filter(|(cell, _)| range.contains(cell.minute)) {
            merged.entry(cell.group).or_default().merge(tally);
        }
        merged.into_iter().map(|(group, tally)| (self.values(cuboid, group), tally)).collect()
    }

    /// What was counted of `metric` in each minute for the group of `cuboid` with these values.
    pub fn minutes(&self, cuboid: &Cuboid, values: &[&str], metric: &str) -> BTreeMap<Minute, Tally> {
        let joined = join(values.iter().map(|value| Cow::Borrowed(*value)));
        let group = self.groups.numbers.get(&*joined).copied();
        let of_group = self.tallies(cuboid, metric).filter(|(cell, _)| Some(cell.group) == group);
        of_group.map(|(cell, tally)| (cell.minute, tally.clone())).collect()
    }

    /// Every tally, in the order of minute, metric, cuboid and values.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for metric in &self.metrics {
            for (by, tallies) in self.cuboids.iter().zip(&metric.by) {
                rows.extend(tallies.iter().map(|(cell, tally)| Row {
                    minute: cell.minute,
                    metric: metric.name.clone(),
                    unit: metric.unit,
                    by: by.clone(),
                    values: self.values(by, cell.group).into_iter().map(Box::from).collect(),
                    tally: tally.clone(),
                }));
            }
        }
        rows.sort_by(|a, b| (a.minute, &a.metric, a.unit, &a.by, &a.values).cmp(&(b.minute, &b.metric, b.unit, &b.by, &b.values)));
        rows
    }

    /// Adds `row`, as read from a file; `false` when the truth doesn't count by its dimensions.
    fn insert(&mut self, row: &Row) -> bool {
        let Some(cuboid) = self.cuboids.iter().position(|own| *own == row.by) else { return false };
        let group = self.groups.number(&join(row.values.iter().map(|value| Cow::Borrowed(&**value))));
        let cell = Cell { group, minute: row.minute };
        self.metric(&row.metric, row.unit).by[cuboid].entry(cell).or_default().merge(&row.tally);
        true
    }

    fn tallies(&self, cuboid: &Cuboid, metric: &str) -> impl Iterator<Item = (&Cell, &Tally)> {
        let cuboid = self.cuboids.iter().position(|own| own == cuboid);
        let counted = self.metrics.iter().filter(move |own| &*own.name == metric);
        counted.filter_map(move |metric| Some(&metric.by[cuboid?])).flatten()
    }

    /// The number of the group that `delivery` counts in, for each cuboid.
    fn groups_of(&mut self, delivery: &Delivery) -> Vec<u32> {
        let Self { cuboids, groups, .. } = self;
        let number = |cuboid: &Cuboid| match cuboid.dimensions() {
            [only] => groups.number(&delivery.value(only)),
            several => groups.number(&join(several.iter().map(|dimension| delivery.value(dimension)))),
        };
        cuboids.iter().map(number).collect()
    }

    fn metric(&mut self, name: &str, unit: Unit) -> &mut Counted {
        let known = self.metrics.iter().position(|own| &*own.name == name && own.unit == unit);
        let number = known.unwrap_or_else(|| {
            let by = self.cuboids.iter().map(|_| Tallies::default()).collect();
            self.metrics.push(Counted { name: name.into(), unit, by });
            self.metrics.len() - 1
        });
        &mut self.metrics[number]
    }

    /// The values of a group of `cuboid`.
    fn values(&self, cuboid: &Cuboid, group: u32) -> Vec<&str> {
        let joined = &self.groups.joined[group as usize];
        if cuboid.dimensions().is_empty() { Vec::new() } else { joined.split(BETWEEN).collect() }
    }
}

fn join<'a>(values: impl Iterator<Item = Cow<'a, str>>) -> String {
    let mut joined = String::new();
    for (i, value) in values.enumerate() {
        if i > 0 {
            joined.push(BETWEEN);
        }
        joined.push_str(&value);
    }
    joined
}

impl Groups {
    fn number(&mut self, joined: &str) -> u32 {
        if let Some(&number) = self.numbers.get(joined) {
            return number;
        }
        let number = u32::try_from(self.joined.len()).expect("the model has thousands of groups");
        self.numbers.insert(joined.into(), number);
        self.joined.push(joined.into());
        number
    }
}
