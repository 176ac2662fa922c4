//! Chaos for as long as one likes; `tests/chaos.rs` has a short run of the same.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to people")]

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use e2e::chaos::{Plan, run};

/// Kills every role of Icarus and its servers again and again under load, and compares what is counted with what is true.
#[derive(Debug, Parser)]
struct Args {
    /// SIGKILLs before it ends.
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Ends after this time, however many kills there were.
    #[arg(long, value_name = "TIME", default_value = "20m", value_parser = humantime::parse_duration)]
    at_most: Duration,
    /// What happens when is drawn from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// ClickHouse takes each insert for a new one: then the law is broken, which shows that it would be noticed.
    #[arg(long)]
    forgetful: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Args { kills, at_most, seed, forgetful } = Args::parse();
    let Some(report) = run(&Plan { seed, kills, at_most, forgetful }).await else { return ExitCode::FAILURE };
    println!("seed {seed}: {report}");
    if report.wrong.is_empty() == forgetful {
        eprintln!("{}", if forgetful { "nothing is wrong without deduplication: the test has no teeth" } else { "the law is broken" });
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
