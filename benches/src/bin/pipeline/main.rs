//! What the roles take on a real Kafka and a real ClickHouse engine, each by itself and all together: `cargo build
//! --release --locked -p icarus -p benches && target/release/pipeline`. `--help` has its options.
//!
//! The servers, the load and whatever else this machine does share its cores. So each phase counts the CPU time of each
//! process: events for a second of it are what one core would do, and bear less noise than those for a second of the
//! clock.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints its figures")]

mod backlog;
mod day;
mod load;
mod report;
mod steady;

use std::{error::Error, time::Duration};

use benches::{charts, client::Times, deployment::Deployment, role::Role};
use clap::Parser;

use self::report::{Report, Role as Cost};

/// Figures of the pipeline on Kafka and ClickHouse. Takes some ten minutes.
#[derive(Debug, Parser)]
struct Arguments {
    /// The history whose rows are measured.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
    history: Duration,
    /// Page views a minute in that history.
    #[arg(long, value_name = "N", default_value_t = 300.0)]
    page_views_per_minute: f64,
    /// How long the load is as great as the intake bears, for each flush interval.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration)]
    full_load: Duration,
    /// How long all roles are on at a moderate load: this long for what they take, and again for how fresh answers are.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    steady: Duration,
    /// That load, in beacons a second.
    #[arg(long, value_name = "N", default_value_t = 1_000.0)]
    beacons_per_second: f64,
    /// Beacons that are looked for at once, for freshness. Each is a load on the engine; one at a time, a minute has few.
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u8).range(1..))]
    markers: u8,
    /// How often each question is asked for each of four metrics.
    #[arg(long, value_name = "N", default_value_t = 20)]
    rounds: usize,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut report = Report::begin()?;
    let deployment = Deployment::start().await?;

    let roles = Roles::start(&deployment).await?;
    let views = day::write(&deployment, &roles, &arguments, &mut report).await?;
    day::sizes(&deployment, &day::FILLED, &mut report).await?;
    day::samples(&deployment, &mut report).await?;
    questions(&roles, arguments.rounds, &mut report).await?;
    steady::run(&deployment, &roles, &arguments, views, &mut report).await?;
    day::sizes(&deployment, &day::FOUND, &mut report).await?;
    roles.stop().await?;

    for flush_interval in ["1s", "5s"] {
        let backlog = backlog::append(&deployment, &arguments, flush_interval, &mut report).await?;
        backlog::fold(&deployment, &backlog, flush_interval, &mut report).await?;
    }
    println!("{report}");
    Ok(())
}

/// One process of each role.
struct Roles {
    ingest: Role,
    aggregator: Role,
    alerts: Role,
    api: Role,
}

impl Roles {
    async fn start(deployment: &Deployment) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            ingest: deployment.role("ingest", &[]).await?,
            aggregator: deployment.role("aggregator", &[]).await?,
            alerts: deployment.role("alerts", &[]).await?,
            api: deployment.role("api", &[]).await?,
        })
    }

    async fn stop(self) -> Result<(), Box<dyn Error>> {
        for role in [self.ingest, self.aggregator, self.alerts, self.api] {
            role.stop().await?;
        }
        Ok(())
    }
}

/// How long the API takes over what is in the tables, while nothing is written.
async fn questions(roles: &Roles, rounds: usize, report: &mut Report) -> Result<(), Box<dyn Error>> {
    eprintln!("questions: {rounds} rounds");
    let answered = charts::ask(&roles.api.client()?, rounds).await?;
    for charts::Answered { question, times, points, bytes } in &answered {
        report.line("questions", question, format!("{times}; up to {points} points, {} kB", bytes / 1024));
    }
    report.line("questions", "together", Times::together(answered.into_iter().map(|answered| answered.times)).to_string());
    Ok(())
}

/// The processes whose CPU time is of interest while all roles are on.
fn all(deployment: &Deployment, roles: &Roles) -> report::Meter {
    report::Meter::of(&[
        (Cost::Ingest, roles.ingest.pid()),
        (Cost::Broker, deployment.broker),
        (Cost::Aggregator, roles.aggregator.pid()),
        (Cost::Engine, deployment.engine),
        (Cost::Alerts, roles.alerts.pid()),
        (Cost::Api, roles.api.pid()),
    ])
}
