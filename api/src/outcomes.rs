//! What became of an app's events, for its owner to see.

use std::{collections::BTreeMap, time::Duration};

use axum::{Json, extract::State, http::Uri};
use schemas::{fate::FateKind, time::MinuteRange};

use crate::{
    ApiState,
    answer::{At, ErrorBody, Outcomes, Reason},
    error::ApiError,
    params::Params,
};

/// The fates of an app's events, and why requests were refused.
#[utoipa::path(get, path = "/api/v1/outcomes", tag = "catalogue", params(
    ("app" = String, Query, description = "The app's id."),
    ("from" = Option<String>, Query, description = "By received time. RFC 3339, seconds since 1970, now, or now-24h, which is the default."),
    ("to" = Option<String>, Query, description = "As from; now by default."),
), responses((status = 200, body = Outcomes), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn outcomes(State(state): State<ApiState>, uri: Uri) -> Result<Json<Outcomes>, ApiError> {
    let mut params = Params::of_query(uri.query());
    let app = state.app(&mut params)?;
    let (from, to) = state.range(&mut params, Duration::from_secs(86_400))?;
    params.finish()?;
    let range = MinuteRange::covering(from, to);
    let mut kinds: BTreeMap<FateKind, u64> = BTreeMap::new();
    let mut reasons: BTreeMap<(FateKind, Box<str>), u64> = BTreeMap::new();
    for fate in state.store.fates(&app.app.id, range).await? {
        *kinds.entry(fate.kind).or_default() += fate.events;
        if matches!(fate.kind, FateKind::Rejected | FateKind::Refused) {
            *reasons.entry((fate.kind, fate.reason)).or_default() += fate.events;
        }
    }
    let of = |kind| kinds.get(&kind).copied().unwrap_or_default();
    let listed = |wanted: FateKind| {
        let mut listed: Vec<Reason> = reasons
            .iter()
            .filter(|((kind, _), _)| *kind == wanted)
            .map(|((_, reason), count)| Reason { reason: reason.to_string(), meaning: meaning(reason).to_owned(), count: *count })
            .collect();
        listed.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        listed
    };
    let (rolled_up, too_late, duplicate, rejected) =
        (of(FateKind::RolledUp), of(FateKind::TooLate), of(FateKind::Duplicate), of(FateKind::Rejected));
    let accepted = rolled_up + too_late + duplicate;
    Ok(Json(Outcomes {
        app: app.app.id.to_string(),
        from: At(range.start.start()),
        to: At(range.end.start()),
        received: accepted + rejected,
        accepted,
        rejected,
        rolled_up,
        too_late,
        duplicate,
        reasons: listed(FateKind::Rejected),
        refused: listed(FateKind::Refused),
    }))
}

/// What a discard reason means, and what to do about it.
fn meaning(reason: &str) -> &'static str {
    match reason {
        "malformed_event" => "An event is no object of the right form. Compare it with the schema.",
        "invalid_metric" => "A metric's name is missing or has other characters than A-Z a-z 0-9 _ . : / -.",
        "invalid_value" => "A value is missing, negative, not a number, or beyond its unit's limit.",
        "unknown_unit" => "A unit is not one of ms, s, us, score, bytes, kB, MB, count, per_second.",
        "unit_mismatch" => "A metric came in another kind of unit than it is known or declared in.",
        "invalid_time" => "An event's time can't be read, or lies more than ten years back.",
        "superseded" => {
            "A web vital was reported again with a larger value; its first one was counted. Send each once, when the page is hidden."
        }
        "too_many_events" => "A beacon had more events than allowed; the first ones were kept.",
        "bot" => "The user agent is a known robot's. Set `reject_bots = false` for the app to count robots.",
        "invalid_json" => "A body was no JSON.",
        "not_a_beacon" => "A body had neither `events` nor a web-vitals `name`.",
        "invalid_beacon" => "A beacon's form was wrong; the answer to the request says where.",
        "wrong_key" => "The write key was not the app's.",
        "origin_not_allowed" => "A page of an origin that is not among the app's `origins` sent it.",
        "too_large" => "A body was larger than the intake reads. Send fewer events in one beacon.",
        "body_timeout" => "A body did not arrive in time.",
        "body_broken" => "A connection broke while the body was read.",
        "overloaded" => "More requests than allowed were being worked on. Add capacity, or raise `ingest.requests_max`.",
        _ => "A reason of another version of the intake.",
    }
}

#[cfg(test)]
mod tests {
    use schemas::fate::DiscardReason;

    use super::*;

    #[test]
    fn every_discard_reason_has_a_meaning() {
        for reason in DiscardReason::ALL {
            assert_ne!(meaning(reason.name()), meaning("from the future"), "{reason}");
        }
    }
}
