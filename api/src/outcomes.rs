//! What became of an app's events, for its owner to see.

use std::{collections::BTreeMap, time::Duration};

use axum::{Json, extract::State, http::Uri};
use schemas::{fate::FateKind, time::MinuteRange};

use crate::{
    ApiState,
    answer::{At, ErrorBody, Outcomes, Reason},
    error::ApiError,
    params::Params,
    words::meaning,
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
