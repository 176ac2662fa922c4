//! A plain model of a store, and a seeded script of batches and questions for both.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use schemas::{
    app::AppId,
    cuboid::Cuboid,
    dimension::Dimension,
    fate::{FateCount, FateKind},
    metric::{Metric, MetricName},
    query::{Filter, MetricEntry, RollupQuery, RollupRow, Windows},
    rollup::{Cell, GroupRollups, Rollup},
    series::{Group, Series},
    time::{Hour, Minute, MinuteRange, Resolution, Timestamp},
    unit::Unit,
};

use super::samples::Samples;
use crate::{Batch, Cube, SeriesWindows, Source};

/// The present of the script.
pub(super) const NOW: Timestamp = Timestamp::from_ms(1_763_719_200_000);
pub(super) const APPS: [&str; 2] = ["shop", "blog"];
const CUBOIDS: [&str; 3] = ["", "route,browser", "os,device"];
pub(super) const VALUES: [&str; 5] = ["", "a", "b", "with\nbreak", "ünïcode"];
pub(super) const METRICS: [(&str, Unit); 3] = [("LCP", Unit::Duration), ("CLS", Unit::Score), ("error", Unit::Count)];
/// The script's minutes lie this far back at most; all within any store's retention of minutes.
pub(super) const MINUTES_BACK: u32 = 2 * 24 * 60;

/// The app called `name` of one test.
pub(super) fn app(name: &str, of: u64) -> AppId {
    AppId::new(&format!("{name}-{of}")).expect("well-formed")
}

/// Every row as it came.
#[derive(Default)]
pub(super) struct Model {
    rows: BTreeMap<Series, BTreeMap<Minute, Rollup>>,
    pub(super) samples: Samples,
}

impl Model {
    pub(super) fn add(&mut self, batch: &Batch) {
        for group in &batch.rollups {
            for cell in &group.cells {
                let series = Series { metric: (*cell.metric).clone(), group: (*group.group).clone() };
                self.rows.entry(series).or_default().entry(cell.minute).or_default().merge(&cell.rollup);
            }
        }
        self.samples.add(batch);
    }

    pub(super) fn rollups(&self, query: &RollupQuery) -> Vec<RollupRow> {
        let mut rows: BTreeMap<(Box<str>, Minute), Rollup> = BTreeMap::new();
        for (series, minutes) in &self.rows {
            let group = &series.group;
            let passes = query.filters.iter().all(|filter| filter.values.iter().any(|value| group.value(&filter.dimension) == Some(value)));
            if group.app != query.app || series.metric != query.metric || group.cuboid != query.cuboid || !passes {
                continue;
            }
            let value: Box<str> = query.group_by.as_ref().and_then(|dimension| group.value(dimension)).unwrap_or_default().into();
            for (minute, rollup) in minutes.iter().filter(|(minute, _)| query.range.contains(**minute)) {
                rows.entry((value.clone(), query.windows.start_of(*minute, query.range))).or_default().merge(rollup);
            }
        }
        rows.into_iter().map(|((value, window), rollup)| RollupRow { value, window, rollup }).collect()
    }

    pub(super) fn cube(&self, cube: &Cube, resolution: Resolution, windows: &[Minute]) -> Vec<SeriesWindows> {
        let of_cube = |series: &&Series| series.group.app == cube.app && series.metric == cube.metric && series.group.cuboid == cube.cuboid;
        let mut all: Vec<SeriesWindows> = Vec::new();
        for (series, minutes) in self.rows.iter().filter(|(series, _)| of_cube(series)) {
            let mut merged: BTreeMap<Minute, Rollup> = BTreeMap::new();
            for (minute, rollup) in minutes {
                let window = Minute(minute.0 / resolution.minutes() * resolution.minutes());
                if windows.contains(&window) {
                    merged.entry(window).or_default().merge(rollup);
                }
            }
            if !merged.is_empty() {
                all.push(SeriesWindows { group: series.group.clone(), windows: merged.into_iter().collect() });
            }
        }
        all
    }

    pub(super) fn metrics(&self, app: &AppId) -> Vec<MetricEntry> {
        let mut last: BTreeMap<Metric, Hour> = BTreeMap::new();
        for (series, minutes) in self.rows.iter().filter(|(series, _)| series.group.app == *app) {
            let newest = minutes.keys().map(|minute| minute.hour()).max().unwrap_or_default();
            let known = last.entry(series.metric.clone()).or_default();
            *known = (*known).max(newest);
        }
        last.into_iter().map(|(metric, last_hour)| MetricEntry { metric, last_hour }).collect()
    }

    pub(super) fn values(&self, app: &AppId, dimension: &Dimension) -> Vec<String> {
        let values: BTreeSet<String> = self
            .rows
            .keys()
            .filter(|series| series.group.app == *app)
            .filter_map(|series| series.group.value(dimension))
            .map(str::to_owned)
            .collect();
        values.into_iter().collect()
    }
}

/// Batches and questions from a seed.
pub(super) struct Script(pub(super) ChaCha8Rng);

impl Script {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A batch of one record, `offset`, of the apps of one test.
    pub(super) fn batch(&mut self, of: u64, offset: u64) -> Batch {
        let mut groups: BTreeMap<Group, Vec<Cell>> = BTreeMap::new();
        for _ in 0..self.0.random_range(0..60) {
            let cube = self.pick_cube(of);
            let values = cube.cuboid.dimensions().iter().map(|_| (*self.pick(&VALUES)).into()).collect();
            let mut rollup = Rollup::default();
            for _ in 0..self.0.random_range(1..20) {
                let octave = self.0.random_range(0..40u32);
                rollup.record(self.0.random_range(0..1u64 << octave) + (1 << octave) / 2, self.0.random_range(1..5));
            }
            let minute = NOW.minute().minus(self.0.random_range(0..MINUTES_BACK));
            let group = Group { app: cube.app, cuboid: cube.cuboid, values };
            groups.entry(group).or_default().push(Cell { metric: Arc::new(cube.metric), minute, rollup });
        }
        let rollups = groups.into_iter().map(|(group, cells)| GroupRollups { group: Arc::new(group), cells }).collect();
        let (strata, samples) = self.strata(of);
        Batch { sources: vec![Source { partition: 0, start: offset, end: offset + 1 }], rollups, strata, samples, ..Batch::default() }
    }

    /// Fates of the apps of one test, received lately.
    pub(super) fn fates(&mut self, of: u64) -> Vec<FateCount> {
        let fate = |rng: &mut ChaCha8Rng| {
            let newest = NOW.minus(Duration::from_secs(rng.random_range(0..7_200)));
            FateCount {
                app: app(APPS.choose(rng).expect("not empty"), of),
                minute: newest.minute(),
                kind: *FateKind::ALL.choose(rng).expect("not empty"),
                reason: "".into(),
                events: rng.random_range(1..1_000),
                newest,
            }
        };
        (0..self.0.random_range(0..10)).map(|_| fate(&mut self.0)).collect()
    }

    /// How many records a batch has.
    pub(super) fn records(&mut self) -> u64 {
        self.0.random_range(1..100)
    }

    /// Any question.
    pub(super) fn query(&mut self, of: u64) -> RollupQuery {
        let cube = self.pick_cube(of);
        let start = NOW.minute().minus(self.0.random_range(0..MINUTES_BACK));
        let range = MinuteRange::new(start, start.plus(self.0.random_range(0..MINUTES_BACK)));
        let hours = MinuteRange::new(start.hour().first_minute(), range.end.hour().first_minute());
        let (range, windows) = match self.0.random_range(0..4) {
            0 => (range, Windows::Step { minutes: 1, resolution: Resolution::Minute }),
            1 => (range, Windows::Step { minutes: 10, resolution: Resolution::Minute }),
            2 => (hours, Windows::Step { minutes: 120, resolution: Resolution::Hour }),
            _ => (range, Windows::Whole),
        };
        let dimensions = cube.cuboid.dimensions();
        let mut filters = Vec::new();
        for dimension in dimensions {
            if self.0.random_range(0..3) == 0 {
                let values = (0..self.0.random_range(1..3)).map(|_| (*self.pick(&VALUES)).to_owned()).collect();
                filters.push(Filter { dimension: dimension.clone(), values });
            }
        }
        let group_by = dimensions.choose(&mut self.0).filter(|_| self.0.random_range(0..2) == 0).cloned();
        RollupQuery { app: cube.app, metric: cube.metric, cuboid: cube.cuboid, range, windows, filters, group_by }
    }

    /// The total of one metric over everything.
    pub(super) fn total(&mut self, of: u64) -> RollupQuery {
        let (name, unit) = METRICS[0];
        let metric = Metric { name: MetricName::new(name).expect("a constant"), unit };
        let range = MinuteRange::new(NOW.minute().minus(MINUTES_BACK), NOW.minute().plus(1));
        RollupQuery {
            app: app(APPS[0], of),
            metric,
            cuboid: Cuboid::default(),
            range,
            windows: Windows::Whole,
            filters: Vec::new(),
            group_by: None,
        }
    }

    /// A cube with some windows of a resolution.
    pub(super) fn cube(&mut self, of: u64) -> (Cube, Resolution, Vec<Minute>) {
        let resolution = *self.pick(&[Resolution::Minute, Resolution::Hour]);
        let start = NOW.minute().0 / resolution.minutes() * resolution.minutes();
        let windows = (0..self.0.random_range(0..40))
            .map(|_| Minute(start - self.0.random_range(0..MINUTES_BACK / resolution.minutes()) * resolution.minutes()));
        let windows: BTreeSet<Minute> = windows.collect();
        (self.pick_cube(of), resolution, windows.into_iter().collect())
    }

    fn pick_cube(&mut self, of: u64) -> Cube {
        let (name, unit) = *self.pick(&METRICS);
        Cube {
            app: app(self.pick::<&str>(&APPS), of),
            metric: Metric { name: MetricName::new(name).expect("a constant"), unit },
            cuboid: self.pick::<&str>(&CUBOIDS).parse().expect("a constant"),
        }
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        from.choose(&mut self.0).expect("not empty")
    }
}
