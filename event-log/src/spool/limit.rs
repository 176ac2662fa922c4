//! How large the records that wait may be: the log has to take them when it is back.

use serde::{Deserialize, Serialize};

use super::config::Config;
use crate::{embedded::Embedded, error::LogError};

const NAME: &str = "limit.json";

/// What the records of a spool were taken under.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Limit {
    record_bytes_max: usize,
}

/// Sets the limit to the configuration's. Waits for the disk.
///
/// # Errors
/// When records wait that may be larger, which would be refused for ever, and those behind them with them.
pub(super) fn set(spool: &Embedded, config: &Config, waiting: u64) -> Result<(), LogError> {
    let now = Limit { record_bytes_max: config.log.record_bytes_max };
    let before: Option<Limit> = spool.noted(NAME, "delete it")?;
    if before.as_ref() == Some(&now) {
        return Ok(());
    }
    if let Some(Limit { record_bytes_max: before }) = before
        && waiting > 0
        && before > now.record_bytes_max
    {
        let (dir, now) = (config.dir().display(), now.record_bytes_max);
        return Err(LogError::Mismatch(format!(
            "{waiting} records wait in the spool at {dir} that may have {before} B, and the log is to take {now} B: set record_bytes_max = \
             {before} until they are sent on"
        )));
    }
    spool.note(NAME, &now)
}
