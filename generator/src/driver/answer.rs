//! What the intake says of a beacon that it took, against what it must say.

use std::borrow::Cow;

use schemas::fate::DiscardReason;
use serde::Deserialize;

use crate::delivery::fate::Fate;

#[derive(Deserialize)]
struct Answer<'a> {
    accepted: u64,
    #[serde(borrow)]
    rejected: Vec<Rejected<'a>>,
}

#[derive(Deserialize)]
struct Rejected<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
}

/// Whether `body`, the answer to a beacon whose events must meet `fates`, says so.
///
/// # Errors
/// With what it says instead.
pub(crate) fn check(body: &[u8], fates: &[Fate<'_>]) -> Result<(), String> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| format!("an answer that can't be read: {error}"))?;
    let reason = |fate: &Fate<'_>| match fate {
        Fate::Rejected(reason) => Some(*reason),
        Fate::RolledUp { .. } | Fate::TooLate => None,
    };
    let reasons: Vec<DiscardReason> = fates.iter().filter_map(reason).collect();
    let accepted = (fates.len() - reasons.len()) as u64;
    if answer.accepted != accepted {
        let rejected: Vec<_> = answer.rejected.iter().map(|rejected| &rejected.reason).collect();
        return Err(format!("{} of {} events accepted, not {accepted}; rejected for {rejected:?}", answer.accepted, fates.len()));
    }
    match answer.rejected.iter().find(|rejected| !reasons.iter().any(|reason| reason.name() == rejected.reason)) {
        Some(other) => Err(format!("an event rejected for {}, not for {reasons:?}", other.reason)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_must_accept_as_many_events_and_reject_the_others_for_their_reasons() {
        let fates = [Fate::TooLate, Fate::Rejected(DiscardReason::InvalidValue)];
        let check = |body: &str| check(body.as_bytes(), &fates);
        check(r#"{"accepted":1,"rejected":[{"index":1,"reason":"invalid_value","detail":"x"}]}"#).unwrap();
        assert!(check(r#"{"accepted":2,"rejected":[]}"#).unwrap_err().contains("2 of 2 events accepted, not 1"));
        assert!(check(r#"{"accepted":1,"rejected":[{"index":1,"reason":"bot"}]}"#).unwrap_err().contains("rejected for bot"));
        assert!(check("ok").unwrap_err().contains("can't be read"));
    }
}
