//! All roles on, at a load that they bear.

use std::{error::Error, time::Duration};

use aggregator::metrics::LAG_RECORDS;
use benches::{client::Times, deployment::Deployment, markers};
use futures_util::future::try_join_all;
use generator::Mode;
use service::{clock::Stopwatch, pace::Pace};

use crate::{Arguments, Roles, all, day::Views, load::Load, report::Report};

/// Not those of the day.
const SEED: u64 = 2;
/// The pace is that of live traffic once it is below this many times it: what is made at its start goes faster.
const AT_PACE: f64 = 1.25;
/// How often it is asked whether a marker is counted: as exact as freshness is, and a load on the engine itself.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How often the lag is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Lets live traffic run for a while, and looks at everything.
pub(crate) async fn run(
    deployment: &Deployment,
    roles: &Roles,
    arguments: &Arguments,
    views: Views,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let phase = "steady";
    let mode = Mode::Live { from: None, duration: None };
    let mut load = Load::start(roles.ingest.url(), mode, SEED, arguments.beacons_per_second * 60.0 / views.beacons_per_view)?;
    eprintln!("{phase}: waiting for the pace of {} beacons a second", arguments.beacons_per_second);
    load.at_pace(arguments.beacons_per_second * AT_PACE).await?;
    deployment.counted().await?;

    // What looks at freshness is a load, too: what the roles take is counted before.
    let meter = all(deployment, roles);
    let (inserted, sent, start) = (deployment.inserted().await?, load.done().await?, meter.read()?);
    let (intake, api, aggregator) = (roles.ingest.client()?, roles.api.client()?, roles.aggregator.client()?);
    let told = sample(for_a_while(arguments.steady), async || aggregator.self_metric(LAG_RECORDS).await).await?;
    let (beacons, taken) = (load.done().await? - sent, meter.since(&start)?);
    let now = deployment.inserted().await?;

    let over = for_a_while(arguments.steady);
    let (waiting, fresh) = tokio::join!(
        sample(&over, async || Ok(deployment.waiting().await? as f64)),
        try_join_all((0..arguments.markers).map(|_| markers::freshness(&intake, &api, ASK_EVERY, |_| over())))
    );
    let summary = load.stop().await?;

    let seconds = taken.wall.as_secs_f64();
    report.line(phase, "beacons", format!("{:.0}/s, {:.1} events each", beacons as f64 / seconds, views.events_per_beacon));
    report.costs(phase, beacons as f64 * views.events_per_beacon, &taken);
    let (inserts, rows) = (now.queries - inserted.queries, now.rows - inserted.rows);
    let figure = format!("{:.1}/s, of {:.0} rows on average", inserts as f64 / seconds, rows as f64 / inserts as f64);
    report.line(phase, "inserts", figure);
    report.line(phase, "lag after each flush, by the self-metric", quantiles(told));
    report.line(phase, "lag at any time: in the log, not in ClickHouse", quantiles(waiting?));
    report.line(phase, "freshness", Times::together(fresh?).to_string());
    let answers = format!("p50 {:.1?}, p99 {:.1?}, with those of its start", summary.answer_p50, summary.answer_p99);
    report.line(phase, "answers to beacons", answers);
    Ok(())
}

/// Tells when `duration` is over.
fn for_a_while(duration: Duration) -> impl Fn() -> bool {
    let watch = Stopwatch::start();
    move || watch.elapsed() >= duration
}

/// What `look` sees, again and again until it is `over`.
async fn sample(over: impl Fn() -> bool, look: impl AsyncFn() -> Result<f64, Box<dyn Error>>) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut pace = Pace::new(LOOK, std::future::pending());
    let mut seen = Vec::new();
    while pace.next().await && !over() {
        seen.push(look().await?);
    }
    Ok(seen)
}

fn quantiles(mut records: Vec<f64>) -> String {
    records.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| records.get(((records.len() as f64 * q).ceil() as usize).saturating_sub(1)).copied().unwrap_or_default();
    format!("p50 {:.0}, p99 {:.0} records, n {}", at(0.5), at(0.99), records.len())
}
