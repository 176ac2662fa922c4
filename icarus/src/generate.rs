//! `icarus generate`: the flags of the traffic generator.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "commands talk to people")]

use std::{io::IsTerminal as _, path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use generator::{Mode, Options, Progress, Rates, Scenario, Traffic, TruthOptions};
use schemas::{app::AppId, time::Timestamp};
use service::{clock::Clock, shutdown::Shutdown};

/// Progress is reported once a second; what is no terminal gets every tenth.
const REPORTS_SKIPPED: u32 = 10;

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    #[command(subcommand)]
    pace: Pace,
    /// Where Icarus is, without TLS.
    #[arg(long, global = true, value_name = "URL", env = "ICARUS_URL", default_value = "http://127.0.0.1:7070")]
    server: String,
    /// The app's id.
    #[arg(long, global = true, default_value = "shop")]
    app: String,
    /// The app's public write key.
    #[arg(long, global = true, env = "ICARUS_KEY", default_value = "pk_demo_shop")]
    key: String,
    /// All chance comes from it: the same seed makes the same users.
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// Page views a minute, as the mean over a week.
    #[arg(long, global = true, value_name = "N", default_value_t = 300.0)]
    page_views_per_minute: f64,
    /// How many page views each one that is sent stands for, a whole number in [1, 10000].
    #[arg(long, global = true, value_name = "N", default_value_t = 1)]
    weight: u32,
    /// Leaves out the cycles of day and week.
    #[arg(long, global = true)]
    no_cycles: bool,
    /// Releases and incidents, as a TOML file.
    #[arg(long, global = true, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Where the pages are: their origin.
    #[arg(long, global = true, value_name = "URL", default_value = "https://shop.example")]
    origin: String,
    /// The header that tells a visitor's country.
    #[arg(long, global = true, value_name = "NAME", default_value = "CF-IPCountry")]
    country_header: String,
    /// The lateness that the app's configuration allows.
    #[arg(long, global = true, value_name = "TIME", default_value = "48h", value_parser = humantime::parse_duration)]
    lateness_max: Duration,
    /// Leaves out everything that clients should not do; the rates below count then.
    #[arg(long, global = true)]
    well_behaved: bool,
    /// The share of beacons that are sent late.
    #[arg(long, global = true, value_name = "SHARE")]
    late: Option<f64>,
    /// The share of beacons that are sent later than allowed.
    #[arg(long, global = true, value_name = "SHARE")]
    too_late: Option<f64>,
    /// The share of beacons that are sent twice.
    #[arg(long, global = true, value_name = "SHARE")]
    repeated: Option<f64>,
    /// The share of visits that are a robot's.
    #[arg(long, global = true, value_name = "SHARE")]
    bots: Option<f64>,
    /// Hostile or broken requests for each page view.
    #[arg(long, global = true, value_name = "SHARE")]
    hostile: Option<f64>,
    /// The share of page views that are sent as bare web-vitals objects.
    #[arg(long, global = true, value_name = "SHARE")]
    bare: Option<f64>,
    /// Connections that are kept open, in [1, 1024].
    #[arg(long, global = true, value_name = "N", default_value_t = 32)]
    connections: usize,
    /// How long an answer may take before the beacon is sent again.
    #[arg(long, global = true, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    answer_timeout: Duration,
    /// How long the server may be out of reach before the run ends.
    #[arg(long, global = true, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    give_up_after: Duration,
    /// Writes what the server must have counted to this file, as JSON lines.
    #[arg(long, global = true, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Prints nothing while it runs.
    #[arg(long, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Pace {
    /// As it happens, until told to stop.
    Live {
        /// Begins at this time in the past, such as where a history ended.
        #[arg(long, value_name = "RFC3339")]
        from: Option<Timestamp>,
        /// Ends after this time.
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        duration: Option<Duration>,
    },
    /// What happened before, as fast as the server takes it.
    History {
        /// How far back it goes.
        #[arg(long, value_name = "TIME", default_value = "21days", value_parser = humantime::parse_duration)]
        span: Duration,
        /// Ends at this time; now when left out.
        #[arg(long, value_name = "RFC3339")]
        until: Option<Timestamp>,
    },
    /// A number of page views, as fast as the server takes them.
    Count {
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        page_views: u64,
    },
}

impl GenerateArgs {
    fn options(&self) -> Result<Options> {
        let usual = if self.well_behaved { Rates::NONE } else { Rates::REAL };
        let traffic = Traffic {
            seed: self.seed,
            page_views_per_minute: self.page_views_per_minute,
            weight: self.weight,
            cycles: !self.no_cycles,
            rates: Rates {
                late: self.late.unwrap_or(usual.late),
                too_late: self.too_late.unwrap_or(usual.too_late),
                repeated: self.repeated.unwrap_or(usual.repeated),
                bots: self.bots.unwrap_or(usual.bots),
                hostile: self.hostile.unwrap_or(usual.hostile),
                bare: self.bare.unwrap_or(usual.bare),
            },
            scenario: self.scenario.as_deref().map(Scenario::load).transpose()?.unwrap_or_default(),
            origin: self.origin.clone(),
            country_header: self.country_header.clone(),
            lateness_max: self.lateness_max,
            ..Traffic::new(AppId::new(&self.app)?, self.key.clone())
        };
        let mode = match &self.pace {
            Pace::Live { from, duration } => Mode::Live { from: *from, duration: *duration },
            Pace::History { span, until } => Mode::History { span: *span, until: *until },
            Pace::Count { page_views } => Mode::Count { page_views: *page_views },
        };
        Ok(Options {
            mode,
            connections: self.connections,
            answer_timeout: self.answer_timeout,
            give_up_after: self.give_up_after,
            truth: self.truth.clone(),
            truth_options: if self.truth.is_some() { TruthOptions::default() } else { TruthOptions::FATES },
            ..Options::new(self.server.clone(), traffic)
        })
    }
}

/// Sends what the arguments say, and prints what became of it.
pub(crate) fn run(args: &GenerateArgs) -> Result<()> {
    let options = args.options()?;
    options.check(Timestamp::from_ms(Clock::system().now_ms()))?;
    // Making and sending is work for one core; the server has the others.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        let shutdown = Shutdown::new();
        shutdown.on_signal()?;
        let mut reports = 0u32;
        let terminal = std::io::stderr().is_terminal();
        let report = |progress: &Progress| {
            if !args.quiet && terminal {
                // One line that changes.
                eprint!("\r{progress}\x1b[K");
            } else if !args.quiet && reports.is_multiple_of(REPORTS_SKIPPED) {
                eprintln!("{progress}");
            }
            reports += 1;
        };
        anyhow::Ok(generator::run_reporting(options, shutdown, report).await?)
    })?;
    if !args.quiet && std::io::stderr().is_terminal() {
        eprintln!();
    }
    println!("{summary}");
    match summary.gave_up {
        Some(why) => bail!("{why}"),
        None => Ok(()),
    }
}
