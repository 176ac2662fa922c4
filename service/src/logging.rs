//! Structured logs on standard error.
//!
//! ERROR: data was lost or a person is needed. WARN: recovered. INFO: life-cycle. Nothing per event
//! above TRACE.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, fmt};

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A filter that can't be understood.
#[derive(Debug, thiserror::Error)]
#[error("`{filter}` is no log filter: use a level such as info, or module=level with commas between: {source}")]
pub struct FilterError {
    filter: String,
    source: tracing_subscriber::filter::ParseError,
}

/// Sends the process's logs to standard error. `filter` is a level, or `module=level` with commas
/// between. A second call changes nothing.
///
/// # Errors
/// When the filter can't be understood.
pub fn init(format: LogFormat, filter: &str) -> Result<(), FilterError> {
    let parsed = EnvFilter::try_new(filter).map_err(|source| FilterError { filter: filter.to_owned(), source })?;
    let lines = fmt().with_env_filter(parsed).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    // An error here means that logs go somewhere already.
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
