//! Several watchers on one store: each minute of each app is tested once, whoever dies, and by one that knows
//! the minutes before.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use aggregator::detect::{
    Tester, Thresholds,
    watcher::{JOB, Watcher},
};
use async_trait::async_trait;
use schemas::{
    app::{App, AppId},
    dimension::Dimension,
    fate::FateCount,
    flag::Flag,
    metric::{Metric, MetricName},
    query::{MetricEntry, RollupQuery, RollupRow},
    rollup::Rollup,
    sample::{Sample, StrataQuery, Stratum},
    series::Group,
    time::{Minute, MinuteRange, Resolution, Timestamp},
    unit::Unit,
};
use service::{
    clock::Clock,
    health::{Health, State},
    shares::{Holder, Shares},
};
use store::{AlertQuery, Batch, Cube, SeriesWindows, Size, Store, StoreError, Upkeep};

const SHARES: u32 = 16;
const START: Minute = Minute(29_395_320);
/// What doesn't come within this time doesn't come.
const PATIENCE: Duration = Duration::from_secs(30);

type Tests = BTreeMap<(AppId, Minute), Vec<&'static str>>;

/// What one watcher sees of the store that all share.
struct View {
    /// Whose it is.
    name: &'static str,
    /// Who wrote the test of each minute.
    tests: Arc<Mutex<Tests>>,
    /// The minutes that were read of each app.
    read: Mutex<BTreeMap<AppId, BTreeSet<Minute>>>,
    /// What happens while the next minute is read.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl View {
    fn of(name: &'static str, tests: &Arc<Mutex<Tests>>) -> Arc<Self> {
        Arc::new(Self { name, tests: Arc::clone(tests), read: Mutex::default(), meanwhile: Mutex::default() })
    }
}

fn lcp() -> Metric {
    Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration }
}

#[async_trait]
impl Store for View {
    /// Each minute of each app has some values.
    async fn cube(&self, cube: &Cube, resolution: Resolution, windows: &[Minute]) -> Result<Vec<SeriesWindows>, StoreError> {
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile();
        }
        if resolution != Resolution::Minute || !cube.cuboid.dimensions().is_empty() {
            return Ok(Vec::new());
        }
        self.read.lock().unwrap().entry(cube.app.clone()).or_default().extend(windows);
        let mut rollup = Rollup::default();
        (1..50).for_each(|i| rollup.record(i * 40_000, 1));
        let group = Group { app: cube.app.clone(), cuboid: cube.cuboid.clone(), values: [].into() };
        Ok(vec![SeriesWindows { group, windows: windows.iter().map(|minute| (*minute, rollup.clone())).collect() }])
    }

    async fn metrics(&self, _: &AppId) -> Result<Vec<MetricEntry>, StoreError> {
        Ok(vec![MetricEntry { metric: lcp(), last_hour: START.hour() }])
    }

    async fn write_flags(&self, app: &AppId, minute: Minute, _: &[Flag]) -> Result<(), StoreError> {
        self.tests.lock().unwrap().entry((app.clone(), minute)).or_default().push(self.name);
        Ok(())
    }

    async fn tested(&self, app: &AppId) -> Result<Option<Minute>, StoreError> {
        Ok(self.tests.lock().unwrap().keys().filter(|(of, _)| of == app).map(|(_, minute)| *minute).max())
    }

    async fn flags(&self, _: &AppId, _: MinuteRange) -> Result<Vec<Flag>, StoreError> {
        Ok(Vec::new())
    }

    async fn applied(&self) -> Result<Option<BTreeMap<u32, u64>>, StoreError> {
        unreachable!("watchers don't write rollups")
    }

    async fn write(&self, _: Arc<Batch>) -> Result<(), StoreError> {
        unreachable!("watchers don't write rollups")
    }

    async fn rollups(&self, _: &RollupQuery) -> Result<Vec<RollupRow>, StoreError> {
        unreachable!("watchers read cubes")
    }

    async fn values(&self, _: &AppId, _: &Dimension) -> Result<Vec<String>, StoreError> {
        unreachable!("watchers read cubes")
    }

    async fn fates(&self, _: &AppId, _: MinuteRange) -> Result<Vec<FateCount>, StoreError> {
        unreachable!("watchers read cubes")
    }

    async fn strata(&self, _: &StrataQuery) -> Result<Vec<Stratum>, StoreError> {
        unreachable!("watchers read cubes")
    }

    async fn samples(&self, _: &StrataQuery, _: u16) -> Result<Vec<Sample>, StoreError> {
        unreachable!("watchers read cubes")
    }

    async fn write_alerts(&self, _: &AppId, _: Option<Minute>, _: &[schemas::alert::Alert]) -> Result<(), StoreError> {
        unreachable!("alerts are others'")
    }

    async fn grouped(&self, _: &AppId) -> Result<Option<Minute>, StoreError> {
        unreachable!("alerts are others'")
    }

    async fn alerts(&self, _: &AlertQuery) -> Result<Vec<schemas::alert::Alert>, StoreError> {
        unreachable!("alerts are others'")
    }

    async fn upkeep(&self, _: Timestamp) -> Result<Upkeep, StoreError> {
        unreachable!("upkeep is others'")
    }

    async fn size(&self) -> Result<Size, StoreError> {
        unreachable!("upkeep is others'")
    }
}

fn apps() -> Vec<App> {
    (0..12).map(|i| App::new(AppId::new(&format!("app-{i}")).unwrap(), Vec::new())).collect()
}

struct Process {
    watcher: Watcher,
    view: Arc<View>,
    holder: Arc<Holder>,
}

impl Process {
    fn new(name: &'static str, tests: &Arc<Mutex<Tests>>) -> Self {
        let ((holder, shares), view) = (Shares::divided(SHARES), View::of(name, tests));
        let watcher = Watcher::new(view.clone(), apps(), Thresholds::default(), Duration::ZERO).sharing(shares);
        Self { watcher, view, holder: Arc::new(holder) }
    }

    fn own(&self, shares: impl Fn(u32) -> bool) {
        self.holder.own(&(0..SHARES).filter(|share| shares(*share)).collect(), None);
    }

    /// Lets it be that `minute` is complete.
    async fn complete(&mut self, minute: Minute) {
        self.watcher.advance(minute.plus(1).start()).await.unwrap();
    }

    fn read(&self) -> BTreeMap<AppId, BTreeSet<Minute>> {
        std::mem::take(&mut *self.view.read.lock().unwrap())
    }
}

#[tokio::test]
async fn each_minute_of_each_app_is_tested_by_one_and_after_a_death_none_is_left_out() {
    let tests = Arc::default();
    let (mut one, mut other) = (Process::new("one", &tests), Process::new("other", &tests));
    one.own(|share| share % 2 == 0);
    other.own(|share| share % 2 == 1);
    for minute in 0..10 {
        one.complete(START.plus(minute)).await;
        other.complete(START.plus(minute)).await;
    }
    // For five minutes nobody misses it.
    drop(one);
    for minute in 10..15 {
        other.complete(START.plus(minute)).await;
    }
    other.own(|_| true);
    for minute in 15..20 {
        other.complete(START.plus(minute)).await;
    }
    let tests = tests.lock().unwrap();
    for app in apps() {
        let of_app: Vec<_> = tests.iter().filter(|((id, _), _)| *id == app.id).collect();
        assert_eq!(of_app.iter().map(|((_, minute), _)| *minute).collect::<Vec<_>>(), (0..20).map(|i| START.plus(i)).collect::<Vec<_>>());
        assert!(of_app.iter().all(|(_, writers)| writers.len() == 1), "{of_app:?}");
        // It changed hands at most once, when one of them died.
        assert!(of_app[..10].windows(2).all(|pair| pair[0].1 == pair[1].1), "{of_app:?}");
        assert!(of_app[10..].iter().all(|(_, writers)| **writers == ["other"]), "{of_app:?}");
    }
    let at_first: BTreeSet<_> = tests.iter().filter(|((_, minute), _)| *minute == START).map(|(_, writers)| writers[0]).collect();
    assert_eq!(at_first, BTreeSet::from(["one", "other"]), "both had some");
}

#[tokio::test]
async fn an_app_that_was_anothers_meanwhile_is_tested_by_a_tester_that_has_seen_every_minute() {
    let tests = Arc::default();
    let (mut one, mut other) = (Process::new("one", &tests), Process::new("other", &tests));
    one.own(|_| true);
    for minute in 0..5 {
        one.complete(START.plus(minute)).await;
        let seen = one.read();
        let minutes = if minute == 0 { Tester::warm_up_minutes() as usize + 1 } else { 1 };
        assert!(seen.len() == apps().len() && seen.values().all(|seen| seen.len() == minutes), "one that goes on reads what is new");
    }
    one.own(|_| false);
    other.own(|_| true);
    // It goes on elsewhere while the first doesn't even look.
    for minute in 5..10 {
        other.complete(START.plus(minute)).await;
    }
    other.own(|_| false);
    one.own(|_| true);
    one.complete(START.plus(10)).await;
    let wanted: BTreeSet<Minute> = MinuteRange::new(START.plus(10).minus(Tester::warm_up_minutes()), START.plus(11)).minutes().collect();
    let seen = one.read();
    assert!(seen.len() == apps().len() && seen.values().all(|seen| *seen == wanted));
    assert!(tests.lock().unwrap().values().all(|writers| writers.len() == 1));
}

#[tokio::test]
async fn a_watcher_that_loses_an_app_while_it_tests_writes_nothing_even_if_it_gets_it_back() {
    let tests = Arc::default();
    let mut one = Process::new("one", &tests);
    one.own(|_| true);
    let holder = Arc::clone(&one.holder);
    *one.view.meanwhile.lock().unwrap() = Some(Box::new(move || {
        holder.own(&BTreeSet::new(), None);
        holder.own(&(0..SHARES).collect(), None);
    }));
    one.complete(START).await;
    let lost = apps()[0].id.clone();
    assert_eq!(tests.lock().unwrap().keys().filter(|(app, _)| *app == lost).count(), 0);
    assert_eq!(tests.lock().unwrap().len(), apps().len() - 1, "the others were claimed after that");
    one.complete(START).await;
    assert_eq!(tests.lock().unwrap()[&(lost, START)], ["one"]);
}

#[tokio::test]
async fn a_running_watcher_stands_by_until_an_app_is_its_own() {
    let (tests, health) = (Arc::default(), Health::default());
    let Process { watcher, holder, .. } = Process::new("one", &tests);
    let clock = Clock::manual(START.plus(1).start().as_ms());
    let running = tokio::spawn(watcher.run(clock, health.part(JOB), std::future::pending()));
    let is = |state: fn(&State) -> bool| {
        let health = health.clone();
        tokio::time::timeout(PATIENCE, async move {
            while !state(&health.report().1[JOB]) {
                tokio::task::yield_now().await;
            }
        })
    };
    is(|state| matches!(state, State::StandingBy(_))).await.unwrap();
    assert!(health.report().0 && tests.lock().unwrap().is_empty());
    holder.own(&(0..SHARES).collect(), None);
    is(|state| *state == State::Ready).await.unwrap();
    assert_eq!(tests.lock().unwrap().len(), apps().len());
    holder.own(&BTreeSet::new(), None);
    is(|state| matches!(state, State::StandingBy(_))).await.unwrap();
    running.abort();
}
