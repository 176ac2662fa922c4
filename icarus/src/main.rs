//! The one binary. It puts the rooms together and knows nothing that they do.

mod assets;
mod cli;
mod config;
mod generate;
mod metrics;
mod send;
mod serve;
mod show;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, ConfigCommand};

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
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
