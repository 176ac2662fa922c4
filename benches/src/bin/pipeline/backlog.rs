//! Intake and aggregator each by itself: the one fills the log, the other empties it.

use std::{error::Error, time::Duration};

use aggregator::metrics::RECORDS;
use benches::{client::Client, deployment::Deployment};
use generator::Mode;
use service::pace::Pace;

use crate::{
    Arguments,
    load::Load,
    report::{Meter, Report, Role},
};

/// As many page views as are never all sent.
const ENDLESS: u64 = u64::MAX;
/// What is sent as fast as it goes is made as this much traffic, which decides how many users visit at once; those of the
/// hour before are made at the start.
const PAGE_VIEWS_PER_MINUTE: f64 = 2_000.0;
/// How often it is looked whether the aggregator has begun.
const LOOK: Duration = Duration::from_millis(20);

/// What waits in the log.
pub(crate) struct Backlog {
    events: u64,
    records: u64,
}

/// Fills the log, with nobody reading it, as fast as one generator and one intake can.
pub(crate) async fn append(
    deployment: &Deployment,
    arguments: &Arguments,
    flush_interval: &str,
    report: &mut Report,
) -> Result<Backlog, Box<dyn Error>> {
    let phase = format!("intake alone, before {flush_interval}");
    let before = deployment.records().await?;
    let ingest = deployment.role("ingest", &[]).await?;
    let meter = Meter::of(&[(Role::Ingest, ingest.pid()), (Role::Broker, deployment.broker)]);
    // Others than those that filled it before.
    let mut load = Load::start(ingest.url(), Mode::Count { page_views: ENDLESS }, before, PAGE_VIEWS_PER_MINUTE)?;
    load.begun().await?;
    let (done, start) = (load.done().await?, meter.read()?);
    tokio::time::sleep(arguments.full_load).await;
    let (done, taken) = (load.done().await? - done, meter.since(&start)?);
    let summary = load.stop().await?;
    ingest.stop().await?;
    let account = &summary.truth.account;
    let share = done as f64 / (account.acknowledged + account.refused_requests()) as f64;
    let (all, beacons) = (account.fates.accepted(), account.acknowledged as f64);
    let events = all as f64 * share;
    report.costs(&phase, events, &taken);
    report.line(&phase, "answers", format!("p50 {:.1?}, p99 {:.1?}", summary.answer_p50, summary.answer_p99));
    let sizes = format!(
        "{:.0}/s, {:.1} events each, {:.0} bytes of body each",
        beacons * share / taken.wall.as_secs_f64(),
        all as f64 / beacons,
        summary.body_bytes as f64 / summary.attempts as f64
    );
    report.line(&phase, "beacons", sizes);
    Ok(Backlog { events: all, records: deployment.records().await? - before })
}

/// Folds what waits, from the first record that is folded until all is written.
pub(crate) async fn fold(
    deployment: &Deployment,
    backlog: &Backlog,
    flush_interval: &str,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let phase = format!("aggregator alone, {flush_interval}");
    let process = deployment.role("aggregator", &[("ICARUS_AGGREGATOR__FLUSH_INTERVAL", flush_interval)]).await?;
    let meter = Meter::of(&[(Role::Aggregator, process.pid()), (Role::Broker, deployment.broker), (Role::Engine, deployment.engine)]);
    let client = process.client()?;
    let begun = begun(&client).await?;
    let (start, inserted) = (meter.read()?, deployment.inserted().await?);
    deployment.counted().await?;
    let taken = meter.since(&start)?;
    let now = deployment.inserted().await?;
    let rollups = client.self_metric(aggregator::metrics::ROLLUPS).await?;
    deployment.merged().await?;
    let merged = meter.since(&start)?;
    process.stop().await?;

    let share = 1.0 - begun / backlog.records as f64;
    let events = backlog.events as f64 * share;
    report.costs(&phase, events, &taken);
    let (inserts, rows) = (now.queries - inserted.queries, now.rows - inserted.rows);
    let figure = format!(
        "{inserts}, of {:.0} rows on average; {:.1} events a partial rollup",
        rows as f64 / inserts as f64,
        backlog.events as f64 / rollups
    );
    report.line(&phase, "inserts", figure);
    let engine = |(role, cpu): &(Role, Duration)| (*role == Role::Engine).then_some(cpu.as_secs_f64());
    let engine = merged.cpu.iter().find_map(engine).unwrap_or_default();
    report.line(&phase, "engine, with the merges after it", format!("{:.2} CPU s a million events", engine * 1e6 / events));
    Ok(())
}

/// Waits until the first records are folded; returns how many are. Before, it joins its group and reads the ids of the
/// records before its own.
async fn begun(client: &Client) -> Result<f64, Box<dyn Error>> {
    let mut pace = Pace::new(LOOK, std::future::pending());
    while pace.next().await {
        match client.self_metric(RECORDS).await {
            Ok(records) if records > 0.0 => return Ok(records),
            // A counter that never counted isn't shown.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(0.0)
}
