//! The watcher: tests each minute of each app once it is complete, from what the store has.
//!
//! Several watchers share the apps: each app is tested by the one that owns its share, as a whole, for
//! false discoveries are bounded over all series of an app's minute and its flags are written together.
//! How far an app is tested stands in the store, so that whoever takes it over goes on there. A watcher
//! asks before it writes whether the app is still its own; one that loses it in the midst of a write
//! writes what its successor writes, for flags replace those of the same app and minute.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt as _;
use schemas::{
    app::{App, AppId},
    metric::{Metric, MetricName, PAGE_VIEW},
    rollup::Rollup,
    time::{Hour, Minute, MinuteRange, Resolution, Timestamp},
    unit::Unit,
};
use service::{
    clock::{Clock, Stopwatch},
    health::Part,
    pace::Pace,
    shares::{Claim, Shares},
};
use store::{Cube, SeriesWindows, Store, StoreError};

use super::{
    Thresholds,
    tester::{Days, Observation, Tester},
};
use crate::metrics;

/// The job that watchers share; an app's id is the key of its work.
pub const JOB: &str = "detection";
/// How often the watcher looks whether a minute is complete.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Minutes that were not tested in time are tested later, but no older ones than this many.
const CATCH_UP_MAX: u32 = 60;
/// Days before that make the baseline of an hour.
const DAYS: u32 = 21;

/// Tests the minutes of all apps.
pub struct Watcher {
    store: Arc<dyn Store>,
    apps: Vec<App>,
    thresholds: Thresholds,
    /// How long after its end a minute is tested: most of its events are there by then.
    settle: Duration,
    shares: Shares,
    testers: HashMap<AppId, Seasoned>,
}

/// A tester that has seen all minutes before `next`.
struct Seasoned {
    tester: Tester,
    next: Minute,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher").field("apps", &self.apps.len()).finish_non_exhaustive()
    }
}

impl Watcher {
    /// A watcher of `apps` in `store`, which tests all of them.
    pub fn new(store: Arc<dyn Store>, apps: Vec<App>, thresholds: Thresholds, settle: Duration) -> Self {
        Self { store, apps, thresholds, settle, shares: Shares::all(), testers: HashMap::new() }
    }

    /// One of several watchers: it tests the apps that are its own in [`JOB`].
    #[must_use]
    pub fn sharing(self, shares: Shares) -> Self {
        Self { shares, ..self }
    }

    /// Watches until `shutdown` resolves. An error of the store is logged and shown by `health`; the
    /// minute is tested again later.
    pub async fn run(mut self, clock: Clock, health: Part, shutdown: impl Future<Output = ()>) {
        let mut pace = Pace::new(LOOK_INTERVAL, shutdown);
        let mut shares = self.shares.clone();
        loop {
            tokio::select! {
                goes_on = pace.next() => if !goes_on { break },
                // Whoever takes an app over doesn't wait for a tick.
                () = shares.changed() => {}
            }
            let tested = self.advance(Timestamp::from_ms(clock.now_ms())).await;
            let owned = self.apps.iter().filter(|app| shares.owns(app.id.as_str())).count();
            ::metrics::gauge!(metrics::APPS_OWNED).set(f64::from(u32::try_from(owned).unwrap_or(u32::MAX)));
            if owned > 0 || self.apps.is_empty() {
                health.note("a minute could not be tested", tested);
            } else {
                health.standing_by("other processes test all apps");
            }
        }
    }

    /// Tests every minute of its apps that is complete at `now` and was not tested yet.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub async fn advance(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let complete = now.minus(self.settle).minute().minus(1);
        for app in self.apps.clone() {
            let Some(claim) = self.shares.claim(app.id.as_str()) else {
                self.testers.remove(&app.id);
                continue;
            };
            let first = match self.store.tested(&app.id).await? {
                Some(tested) => tested.plus(1).max(complete.minus(CATCH_UP_MAX)),
                None => complete,
            };
            for minute in MinuteRange::new(first, complete.plus(1)).minutes() {
                if !claim.holds() {
                    break;
                }
                // A minute that brings the statistics down must not bring the intake down, nor come again for ever.
                match AssertUnwindSafe(self.test(&claim, &app, minute)).catch_unwind().await {
                    Ok(tested) => tested?,
                    Err(_) => self.skip(&claim, &app, minute).await?,
                }
            }
        }
        Ok(())
    }

    /// Leaves a minute untested whose test panicked; the next one begins with a new tester.
    async fn skip(&mut self, claim: &Claim, app: &App, minute: Minute) -> Result<(), StoreError> {
        let (app_id, at) = (&app.id, minute.start());
        tracing::error!(app = %app_id, minute = %at, "a minute could not be tested and is skipped: a defect of Icarus, please report it");
        ::metrics::counter!(metrics::MINUTES_SKIPPED).increment(1);
        self.testers.remove(&app.id);
        if !claim.holds() {
            return Ok(());
        }
        self.store.write_flags(&app.id, minute, &[]).await
    }

    async fn test(&mut self, claim: &Claim, app: &App, minute: Minute) -> Result<(), StoreError> {
        let watch = Stopwatch::start();
        let mut tester = match self.testers.remove(&app.id) {
            Some(Seasoned { tester, next }) if next == minute => tester,
            // None yet, or minutes between were tested by another or by nobody.
            _ => self.warmed(app, minute).await?,
        };
        self.show(&mut tester, app, MinuteRange::new(minute, minute.plus(1))).await?;
        self.read_baselines(&mut tester, app, minute).await?;
        let (tested, flags) = tester.test(minute);
        if !claim.holds() {
            return Ok(());
        }
        self.store.write_flags(&app.id, minute, &flags).await?;
        // Only a minute that is written counts as seen: after an error the tester is made anew.
        self.testers.insert(app.id.clone(), Seasoned { tester, next: minute.plus(1) });
        ::metrics::counter!(metrics::SERIES_TESTED).increment(tested as u64);
        for flag in &flags {
            ::metrics::counter!(metrics::FLAGS, "rule" => flag.rule.name()).increment(1);
        }
        ::metrics::histogram!(metrics::TEST_SECONDS).record(watch.elapsed());
        Ok(())
    }

    /// A tester that has seen the minutes before `minute`.
    async fn warmed(&self, app: &App, minute: Minute) -> Result<Tester, StoreError> {
        let mut tester = Tester::new(app.id.clone(), self.thresholds.clone());
        let before = MinuteRange::new(minute.minus(Tester::warm_up_minutes()), minute);
        self.show(&mut tester, app, before).await?;
        for flag in self.store.flags(&app.id, before).await? {
            tester.recall(&flag);
        }
        Ok(tester)
    }

    /// Shows the tester the minutes of `range`, all series.
    async fn show(&self, tester: &mut Tester, app: &App, range: MinuteRange) -> Result<(), StoreError> {
        let minutes: Vec<Minute> = range.minutes().collect();
        for cube in self.cubes(app).await? {
            let exposures = self.exposures(&cube, Resolution::Minute, &minutes).await?;
            let mut by_minute: HashMap<Minute, Vec<Observation>> = HashMap::new();
            let mut seen = HashSet::new();
            for SeriesWindows { group, windows } in self.store.cube(&cube, Resolution::Minute, &minutes).await? {
                for (minute, rollup) in windows {
                    let exposure = exposures.of(&group.values, minute);
                    seen.insert((group.values.clone(), minute));
                    by_minute.entry(minute).or_default().push(Observation { values: group.values.clone(), rollup, exposure });
                }
            }
            // A minute with page views and no event is one with no events.
            for (values, minute, exposure) in exposures.all().filter(|(values, minute, _)| !seen.contains(&((*values).clone(), *minute))) {
                by_minute.entry(minute).or_default().push(Observation { values: values.clone(), rollup: Rollup::default(), exposure });
            }
            for minute in &minutes {
                if let Some(observations) = by_minute.remove(minute) {
                    tester.see(&cube.metric, &cube.cuboid, *minute, observations);
                }
            }
        }
        Ok(())
    }

    async fn read_baselines(&self, tester: &mut Tester, app: &App, minute: Minute) -> Result<(), StoreError> {
        let hour = minute.hour();
        let hours: Vec<Minute> =
            (1..=DAYS).filter_map(|days| hour.0.checked_sub(days * 24)).map(|hour| Hour(hour).first_minute()).collect();
        for cube in self.cubes(app).await? {
            if !tester.needs_baselines(&cube.metric, &cube.cuboid, minute) {
                continue;
            }
            let exposures = self.exposures(&cube, Resolution::Hour, &hours).await?;
            let mut days = Days::new();
            let mut seen = HashSet::new();
            for SeriesWindows { group, windows } in self.store.cube(&cube, Resolution::Hour, &hours).await? {
                seen.extend(windows.iter().map(|(hour, _)| (group.values.clone(), *hour)));
                let with_exposure = windows.into_iter().map(|(hour, rollup)| (rollup, exposures.of(&group.values, hour))).collect();
                days.insert(group.values, with_exposure);
            }
            for (values, _, exposure) in exposures.all().filter(|(values, hour, _)| !seen.contains(&((*values).clone(), *hour))) {
                days.entry(values.clone()).or_default().push((Rollup::default(), exposure));
            }
            tester.set_baselines(&cube.metric, &cube.cuboid, minute, days);
        }
        Ok(())
    }

    /// The cubes of an app whose series are watched.
    async fn cubes(&self, app: &App) -> Result<Vec<Cube>, StoreError> {
        let metrics = self.store.metrics(&app.id).await?;
        let watched = metrics.into_iter().map(|entry| entry.metric).filter(Tester::watches);
        Ok(watched
            .flat_map(|metric| {
                app.cuboids.iter().map(move |cuboid| Cube { app: app.id.clone(), metric: metric.clone(), cuboid: cuboid.clone() })
            })
            .collect())
    }

    /// What the events of a cube are counted against in each window.
    async fn exposures(&self, cube: &Cube, resolution: Resolution, windows: &[Minute]) -> Result<Exposures, StoreError> {
        if !Tester::needs_exposure(&cube.metric) {
            return Ok(Exposures(HashMap::new()));
        }
        let page_views = Metric { name: MetricName::new(PAGE_VIEW).expect("a constant"), unit: Unit::Count };
        let views = self.store.cube(&Cube { metric: page_views, ..cube.clone() }, resolution, windows).await?;
        #[expect(clippy::cast_precision_loss, reason = "counts of a window are far below 2^53")]
        let of_group = |series: SeriesWindows| {
            (series.group.values, series.windows.into_iter().map(|(window, rollup)| (window, rollup.samples as f64)).collect())
        };
        Ok(Exposures(views.into_iter().map(of_group).collect()))
    }
}

/// Page views by group and window.
struct Exposures(HashMap<Box<[Box<str>]>, HashMap<Minute, f64>>);

impl Exposures {
    /// The page views of a group in a window; 1 where none are known, as for clients that send none.
    fn of(&self, values: &[Box<str>], window: Minute) -> f64 {
        self.0.get(values).and_then(|windows| windows.get(&window)).copied().unwrap_or(1.0)
    }

    fn all(&self) -> impl Iterator<Item = (&Box<[Box<str>]>, Minute, f64)> {
        self.0.iter().flat_map(|(values, windows)| windows.iter().map(move |(window, exposure)| (values, *window, *exposure)))
    }
}
