//! What an error of the client means to who called.

use clickhouse::error::Error;

use crate::StoreError;

/// Exceptions that pass: time, memory, disk or connections run short, Keeper or replicas are away, the
/// server stops. Source: ErrorCodes.cpp of ClickHouse.
const PASSING: [u32; 25] =
    [74, 75, 76, 159, 160, 198, 201, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 285, 319, 373, 394, 425, 439, 745, 999];
/// The database, or a table, column or function of it, is missing.
const MISSING: [u32; 5] = [16, 46, 47, 60, 81];

/// The error of doing `what`.
pub(super) fn error(what: &str) -> impl FnOnce(Error) -> StoreError {
    move |error| match &error {
        Error::Network(_) | Error::TimedOut => StoreError::Unavailable(format!("{what}: {}", chain(&error))),
        Error::BadResponse(text) => match code(text) {
            // Not the server's words: a proxy's, or the server's end.
            None => StoreError::Unavailable(format!("{what}: {error}")),
            Some(code) if PASSING.contains(&code) => StoreError::Unavailable(format!("{what}: {error}")),
            Some(code) if MISSING.contains(&code) => {
                StoreError::Mismatch(format!("{what}: {error}: the tables are not those of this version, run `icarus migrate`"))
            }
            Some(_) => StoreError::Mismatch(format!("{what}: {error}")),
        },
        Error::SchemaMismatch(_) | Error::InvalidColumnsHeader(_) => {
            StoreError::Mismatch(format!("{what}: {error}: the tables are not those of this version, run `icarus migrate`"))
        }
        Error::InvalidParams(_) | Error::Unsupported(_) => StoreError::Mismatch(format!("{what}: {error}")),
        _ => StoreError::Corrupt(format!("{what}: {}", chain(&error))),
    }
}

/// No answer within the configured time.
pub(super) fn late(what: &str) -> StoreError {
    StoreError::Unavailable(format!("{what}: no answer in time"))
}

/// The number in `Code: 60. DB::Exception: ...`.
fn code(text: &str) -> Option<u32> {
    let (_, after) = text.split_once("Code: ")?;
    after.split_once(|c: char| !c.is_ascii_digit()).map_or(after, |(digits, _)| digits).parse().ok()
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_may_be_tried_again_and_what_does_not_names_the_remedy() {
        let of = |text: &str| error("writing")(Error::BadResponse(text.to_owned()));
        for passing in ["Code: 252. DB::Exception: Too many parts", "Code: 999. Coordination::Exception", "502 Bad Gateway"] {
            assert!(matches!(of(passing), StoreError::Unavailable(_)), "{passing}");
        }
        let missing = of("Code: 60. DB::Exception: Unknown table");
        assert!(matches!(&missing, StoreError::Mismatch(text) if text.contains("icarus migrate")), "{missing}");
        assert!(matches!(of("Code: 516. DB::Exception: Authentication failed"), StoreError::Mismatch(_)));
        assert!(matches!(error("reading")(Error::NotEnoughData), StoreError::Corrupt(_)));
    }
}
