//! The one binary. It puts the rooms together and knows nothing that they do.

mod assets;
mod cli;
mod config;
mod generate;
mod health;
mod metrics;
mod migrate;
mod roles;
mod send;
mod show;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    cli::{Cli, Command, ConfigCommand},
    roles::Role,
};

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Serve(args) => roles::run(Role::All, &args),
        Command::Ingest(args) => roles::run(Role::Ingest, &args),
        Command::Aggregator(args) => roles::run(Role::Aggregator, &args),
        Command::Alerts(args) => roles::run(Role::Alerts, &args),
        Command::Api(args) => roles::run(Role::Api, &args),
        Command::Migrate(file) => migrate::run(file),
        Command::Health(args) => health::run(&args),
        Command::Config(ConfigCommand::Check(file)) => show::check(file),
        Command::Config(ConfigCommand::Show(file)) => show::show(file),
        Command::Config(ConfigCommand::Default) => show::default(),
        Command::Send(args) => send::run(&args),
        Command::Generate(args) => generate::run(&args),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::error(&error);
            ExitCode::FAILURE
        }
    }
}
