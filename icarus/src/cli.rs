//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use service::config::FlagValue;

use crate::{generate::GenerateArgs, send::SendArgs};

/// Icarus: what your users' browsers really felt.
#[derive(Debug, Parser)]
#[command(name = "icarus", version, max_term_width = 120)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in this process: take beacons, fold them, watch them, show them.
    Serve(ServeArgs),
    /// Only take beacons and write them to the log. Any number of these may run; wants log.engine = "kafka".
    Ingest(ServeArgs),
    /// Only fold records into rollups, and test their minutes. Up to one for each partition of the log shares the work.
    Aggregator(ServeArgs),
    /// Only turn flags into alerts, and tell of them. Of several one is active, the others stand by.
    Alerts(ServeArgs),
    /// Only answer questions and show the dashboard. Any number of these may run.
    Api(ServeArgs),
    /// Make the topic on Kafka and the tables on ClickHouse that the configuration names; what is there is kept, its limits are raised.
    Migrate(ConfigFile),
    /// Ask a running process whether it is ready: exits with 0 if it is, with 1 if not, and says what is missing.
    Health(HealthArgs),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Send one measurement, to try it by hand.
    Send(SendArgs),
    /// Send the traffic of an imagined shop's users, made from a seed.
    Generate(Box<GenerateArgs>),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file; without one the documented default holds.
    #[arg(long, value_name = "FILE", env = "ICARUS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Where the process serves.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7070")]
    pub(crate) url: String,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Where HTTP is served [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The folder for everything that is kept [default: data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
}

impl ServeArgs {
    /// The keys that flags set.
    pub(crate) fn flags(&self) -> Vec<FlagValue> {
        let flag = |flag, key, value: &Option<String>| value.clone().map(|value| FlagValue { flag, key, value });
        [flag("--listen", "server.listen", &self.listen), flag("--data-dir", "data.dir", &self.data_dir)].into_iter().flatten().collect()
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print what is wrong with the configuration, if anything is.
    Check(ConfigFile),
    /// Print every value that is in force, and where it comes from.
    Show(ConfigFile),
    /// Print the documented default, to begin a file with.
    Default,
}
