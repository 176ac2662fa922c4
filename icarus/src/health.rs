//! `icarus health`: asks a running process whether it is ready, for health checks of containers.
#![expect(clippy::print_stdout, reason = "a command talks to people")]

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cli::HealthArgs;

/// How long the process has to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Prints what the process says of its parts; fails unless all of them are ready.
pub(crate) fn run(args: &HealthArgs) -> Result<()> {
    let url = format!("{}/readyz", args.url.trim_end_matches('/'));
    let asked = async {
        let client = alerts::webhook::client_builder().timeout(TIMEOUT).build()?;
        let answer = client.get(&url).send().await?;
        let ready = answer.status().is_success();
        Ok::<_, reqwest::Error>((ready, answer.text().await?))
    };
    let (ready, said) = tokio::runtime::Runtime::new()
        .context("the runtime can't be started")?
        .block_on(asked)
        .with_context(|| format!("{url} does not answer"))?;
    println!("{said}");
    if ready { Ok(()) } else { bail!("not ready") }
}
