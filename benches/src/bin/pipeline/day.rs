//! A day of history through all roles, and what its rows take in ClickHouse.

use std::error::Error;

use benches::deployment::Deployment;
use generator::Mode;

use crate::{Arguments, Roles, all, load::Load, report::Report};

/// The tables that the day fills, and what one row of each is.
pub(crate) const FILLED: [(&str, &str); 8] = [
    ("rollup_minute", "series-minute"),
    ("rollup_hour", "series-hour"),
    ("fates", "minute, kind and reason"),
    ("strata", "minute and route with its beacons"),
    ("samples", "beacon kept whole"),
    ("metrics", "metric"),
    ("dimension_values", "value"),
    ("applied", "range of the log"),
];
/// Those that live traffic fills.
pub(crate) const FOUND: [(&str, &str); 2] = [("tested", "tested minute with its flags"), ("alerts", "alert")];
const SEED: u64 = 1;

/// Beacons of each page view, as they were in the day.
pub(crate) struct Views {
    pub(crate) beacons_per_view: f64,
    pub(crate) events_per_beacon: f64,
}

/// Sends the day, and waits until it is counted.
pub(crate) async fn write(
    deployment: &Deployment,
    roles: &Roles,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<Views, Box<dyn Error>> {
    let phase = "history";
    eprintln!("{phase}: {} at {} page views a minute", humantime::format_duration(arguments.history), arguments.page_views_per_minute);
    let meter = all(deployment, roles);
    let (start, inserted) = (meter.read()?, deployment.inserted().await?);
    let mode = Mode::History { span: arguments.history, until: None };
    let summary = Load::start(roles.ingest.url(), mode, SEED, arguments.page_views_per_minute)?.finish().await?;
    deployment.counted().await?;
    let taken = meter.since(&start)?;
    let now = deployment.inserted().await?;
    let account = &summary.truth.account;
    report.costs(phase, account.fates.accepted() as f64, &taken);
    let (inserts, rows) = (now.queries - inserted.queries, now.rows - inserted.rows);
    report.line(phase, "inserts", format!("{inserts}, of {:.0} rows on average", rows as f64 / inserts as f64));
    Ok(Views {
        beacons_per_view: account.acknowledged as f64 / summary.page_views as f64,
        events_per_beacon: account.fates.accepted() as f64 / account.acknowledged as f64,
    })
}

/// What a row takes in each table, once all its parts are merged.
pub(crate) async fn sizes(deployment: &Deployment, tables: &[(&str, &str)], report: &mut Report) -> Result<(), Box<dyn Error>> {
    for (table, row) in tables {
        deployment.ask(&format!("optimize table {table} final")).await?;
        let sql = format!(
            "select sum(rows), sum(data_compressed_bytes), sum(data_uncompressed_bytes) from system.parts \
             where active and database = currentDatabase() and table = '{table}'"
        );
        let answer = &deployment.ask(&sql).await?[0];
        let [rows, compressed, plain]: [f64; 3] = [answer[0].parse()?, answer[1].parse()?, answer[2].parse()?];
        let figure = if rows > 0.0 {
            format!("{:.1} bytes a row ({row}), {:.1} before compression; {rows} rows", compressed / rows, plain / rows)
        } else {
            "no rows".to_owned()
        };
        report.line("tables", table, figure);
    }
    Ok(())
}

/// How much is in a series-minute: what it takes depends on it.
pub(crate) async fn samples(deployment: &Deployment, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let sql = "select round(avg(samples), 1), quantileExact(0.5)(samples), round(avg(length(histMap.bucket)), 1) from rollup_minute";
    let answer = &deployment.ask(sql).await?[0];
    let figure = format!("{} samples on average, at most {} in half of them, {} buckets on average", answer[0], answer[1], answer[2]);
    report.line("tables", "a series-minute", figure);
    Ok(())
}
