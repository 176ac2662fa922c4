//! Chaos: everything dies, again and again, while traffic comes in; and then the law.
//!
//! The law: what the generator knows that was acknowledged is what the tables have, every table, every
//! minute, nothing lost and nothing twice.

use std::{collections::BTreeMap, fmt, fmt::Write as _, sync::Arc, time::Duration};

use generator::{Mode, Rates, Summary, Traffic};
use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use schemas::{
    sample::SLOTS,
    time::{Minute, MinuteRange},
};
use service::{clock::Stopwatch, pace::Pace};
use store::{
    Store as _,
    suite::{
        contents::{RollupKey, RollupSums, contents},
        proxy::Faults,
    },
};

use crate::{
    api::Api,
    conservation::compared,
    fleet::{Fleet, Setup, Size},
    process::{PATIENCE, Process},
    traffic::{Run, awkward, options},
};

const SIZE: Size = Size { ingests: 2, aggregators: 3, alerts: 2 };
/// Differences that are told.
const TOLD_MAX: usize = 10;

/// How much chaos.
#[derive(Debug, Clone)]
pub struct Plan {
    /// All chance comes from it, but for when threads run.
    pub seed: u64,
    /// It ends after so many SIGKILLs of processes and servers.
    pub kills: u32,
    /// ... or after this time, whichever is first.
    pub at_most: Duration,
    /// ClickHouse takes each insert for a new one: then the law must be broken.
    pub forgetful: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    KillAggregator,
    KillIngest,
    KillAlerts,
    KillApi,
    Rebalance,
    KillBroker,
    PauseBroker,
    KillClickHouse,
    RefuseInserts,
    CutInserts,
    CutAnswers,
}

/// The events, each as often as it is here.
const EVENTS: [(Event, u32); 11] = [
    (Event::KillAggregator, 40),
    (Event::KillIngest, 12),
    (Event::KillAlerts, 4),
    (Event::KillApi, 2),
    (Event::Rebalance, 12),
    (Event::KillBroker, 3),
    (Event::PauseBroker, 3),
    (Event::KillClickHouse, 8),
    (Event::RefuseInserts, 4),
    (Event::CutInserts, 8),
    (Event::CutAnswers, 8),
];

/// What was done, and what came of it.
#[derive(Debug)]
pub struct Report {
    pub kills: u32,
    events: BTreeMap<Event, u32>,
    /// Connections to ClickHouse cut in the middle of an insert, or of its answer.
    pub cuts: u64,
    pub elapsed: Duration,
    /// From the last kill until all that was acknowledged was counted.
    pub recovery: Duration,
    pub summary: Summary,
    /// Counts that were compared with the truth.
    pub compared: usize,
    /// What is not as it must be, a line each.
    pub wrong: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs();
        writeln!(f, "{} kills and {} cut connections in {seconds} s of chaos: {:?}", self.kills, self.cuts, self.events)?;
        writeln!(f, "{}", self.summary)?;
        writeln!(f, "all of it was counted {:.1} s after the last kill", self.recovery.as_secs_f64())?;
        match self.wrong.as_str() {
            "" => write!(f, "{} counts are as they must be: nothing lost, nothing twice", self.compared),
            wrong => write!(f, "of {} counts some are wrong:\n{wrong}", self.compared),
        }
    }
}

/// Runs the plan; `None` where there can't be servers.
pub async fn run(plan: &Plan) -> Option<Report> {
    let setup = Setup { seed: plan.seed, forgetful: plan.forgetful, ..Setup::default() };
    let mut fleet = Fleet::new(SIZE, setup).await?;
    fleet.start().await;
    // More than can be sent in the time; the run is stopped after the last kill.
    let history = Mode::History { span: Duration::from_secs(40 * 3_600), until: None };
    let traffic = Traffic { rates: Rates { hostile: 0.001, ..awkward(1.0).rates }, ..awkward(12_000.0) };
    let mut sending = Run::start(options(fleet.balancer.url(), traffic, history));
    sending.answered(100).await;

    let watch = Stopwatch::start();
    let (kills, events) = disturb(&mut fleet, plan, &watch).await;
    let elapsed = watch.elapsed();

    fleet.proxy.set(Faults::default());
    fleet.start().await;
    let watch = Stopwatch::start();
    let summary = sending.end().await;
    fleet.survives(Duration::from_millis(100)).await;
    spools_are_empty(&fleet).await;
    fleet.counted().await;
    let recovery = watch.elapsed();
    let (compared, wrong) = law(&fleet, &summary).await;
    Some(Report { kills, events, cuts: fleet.proxy.cuts(), elapsed, recovery, summary, compared, wrong })
}

async fn disturb(fleet: &mut Fleet, plan: &Plan, watch: &Stopwatch) -> (u32, BTreeMap<Event, u32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let (mut kills, mut events) = (0, BTreeMap::new());
    while kills < plan.kills && watch.elapsed() < plan.at_most {
        let event = EVENTS.choose_weighted(&mut rng, |(_, weight)| *weight).unwrap().0;
        *events.entry(event).or_default() += 1;
        match event {
            Event::KillAggregator => kills += kill_one(&mut fleet.aggregators, &mut rng).await,
            Event::KillIngest => kills += kill_one(&mut fleet.ingests, &mut rng).await,
            Event::KillAlerts => kills += kill_one(&mut fleet.alerts, &mut rng).await,
            Event::KillApi => kills += kill_one(std::slice::from_mut(&mut fleet.api), &mut rng).await,
            Event::Rebalance => rebalance(&mut fleet.aggregators, &mut rng).await,
            Event::KillBroker => {
                let broker = Arc::clone(&fleet.broker);
                blocking(move || broker.kill()).await;
                kills += 1;
                fleet.survives(Duration::from_millis(rng.random_range(0..3_000))).await;
                let broker = Arc::clone(&fleet.broker);
                blocking(move || broker.resume()).await;
            }
            Event::PauseBroker => {
                fleet.broker.pause();
                fleet.survives(Duration::from_millis(rng.random_range(500..5_000))).await;
                fleet.broker.unpause();
            }
            Event::KillClickHouse => {
                let engine = Arc::clone(&fleet.engine);
                let away = Duration::from_millis(rng.random_range(0..1_500));
                engine.kill().unwrap();
                kills += 1;
                fleet.survives(away).await;
                blocking(move || engine.restart().unwrap()).await;
            }
            Event::RefuseInserts => disturb_inserts(fleet, &mut rng, Faults { refuse: true, ..Faults::default() }).await,
            Event::CutInserts => {
                let faults = Faults { cut_requests: Some(1..400_000), ..Faults::default() };
                disturb_inserts(fleet, &mut rng, faults).await;
            }
            Event::CutAnswers => {
                let faults = Faults { cut_answers: Some(1..2_000), ..Faults::default() };
                disturb_inserts(fleet, &mut rng, faults).await;
            }
        }
        fleet.survives(Duration::from_millis(rng.random_range(20..600))).await;
    }
    (kills, events)
}

/// Kills one of those that run, if any does, and starts it again. Returns how many were killed.
async fn kill_one(processes: &mut [Process], rng: &mut ChaCha8Rng) -> u32 {
    let mut running: Vec<_> = processes.iter_mut().filter(|process| process.runs()).collect();
    if running.is_empty() {
        return 0;
    }
    let process = running.swap_remove(rng.random_range(0..running.len()));
    process.kill().await;
    process.spawn();
    1
}

/// Stops some aggregators and starts others, so that one to all of them run.
async fn rebalance(aggregators: &mut [Process], rng: &mut ChaCha8Rng) {
    let wanted = rng.random_range(1..=aggregators.len());
    for (number, aggregator) in aggregators.iter_mut().enumerate() {
        match (number < wanted, aggregator.runs()) {
            (true, false) => aggregator.spawn(),
            (false, true) => {
                aggregator.serves().await;
                aggregator.stop().await;
            }
            _ => {}
        }
    }
}

async fn disturb_inserts(fleet: &mut Fleet, rng: &mut ChaCha8Rng, faults: Faults) {
    fleet.proxy.set(faults);
    fleet.survives(Duration::from_millis(rng.random_range(200..2_000))).await;
    fleet.proxy.set(Faults::default());
}

async fn blocking(work: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(work).await.unwrap();
}

/// Waits until no intake has records that are not sent on.
async fn spools_are_empty(fleet: &Fleet) {
    const WAITING: &str = "icarus_log_spool_waiting_records";
    let empty = async {
        let mut pace = Pace::new(Duration::from_millis(100), std::future::pending());
        for ingest in &fleet.ingests {
            while pace.next().await && ingest.metric(WAITING).await != Some(0.0) {}
        }
    };
    tokio::time::timeout(PATIENCE, empty).await.expect("the spools were not sent on");
}

/// How many counts were compared, and what is wrong.
async fn law(fleet: &Fleet, summary: &Summary) -> (usize, String) {
    assert_eq!(summary.gave_up, None, "{summary}");
    let (by_api, mut wrong) = compared(&Api::of(&fleet.api), &summary.truth).await;
    let contents = contents(&fleet.clickhouse()).await.unwrap();
    let mut by_hour: BTreeMap<RollupKey, RollupSums> = BTreeMap::new();
    for (key, sums) in &contents.minutes {
        let hour = by_hour.entry(RollupKey { window: key.window.hour().first_minute(), ..key.clone() }).or_default();
        hour.samples += sums.samples;
        hour.count += sums.count;
        hour.sum += sums.sum;
        hour.buckets += sums.buckets;
    }
    let keys = by_hour.keys().chain(contents.hours.keys());
    let differ = keys.filter(|key| by_hour.get(key) != contents.hours.get(key));
    for key in differ.take(TOLD_MAX) {
        let (minutes, hours) = (by_hour.get(key), contents.hours.get(key));
        writeln!(wrong, "{key:?}: its minutes add up to {minutes:?}, its hour has {hours:?}").unwrap();
    }
    let uneven = contents.minutes.iter().chain(&contents.hours).filter(|(_, sums)| sums.count != sums.buckets);
    for (key, sums) in uneven.take(TOLD_MAX) {
        writeln!(wrong, "{key:?}: the histogram's buckets don't add up: {sums:?}").unwrap();
    }
    let mut beacons: BTreeMap<Minute, u64> = BTreeMap::new();
    for (stratum, count) in &contents.strata {
        *beacons.entry(stratum.minute).or_default() += count;
        let kept = contents.samples.get(stratum).copied().unwrap_or(0);
        if kept > (*count).min(SLOTS.into()) {
            writeln!(wrong, "{stratum:?} has {kept} samples of {count} beacons").unwrap();
        }
    }
    let truth = &summary.truth.account.beacons;
    for minute in beacons.keys().chain(truth.keys()).filter(|minute| beacons.get(minute) != truth.get(minute)).take(TOLD_MAX) {
        let (counted, sent) = (beacons.get(minute), truth.get(minute));
        writeln!(wrong, "{minute:?}: its strata have {counted:?} beacons instead of {sent:?}").unwrap();
    }
    if let Some(stray) = contents.samples.keys().find(|stratum| !contents.strata.contains_key(stratum)) {
        writeln!(wrong, "{stray:?} has samples and no beacons").unwrap();
    }
    let all = MinuteRange::new(Minute(0), Minute(u32::MAX));
    let audit = fleet.store().await.audit(all).await.unwrap().unwrap();
    if audit.drift() != 0 {
        writeln!(wrong, "the audit: {audit:?}").unwrap();
    }
    (by_api + contents.hours.len() + contents.strata.len(), wrong)
}
