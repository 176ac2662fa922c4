//! Errors: what the caller is told. What went wrong on our side goes to the log.

use std::time::Duration;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use schemas::dimension::Dimension;
use store::StoreError;

use crate::answer::{ErrorBody, ErrorDetail};

/// How far a name may be from a known one to be offered, in edits.
const NEAR_MAX: usize = 3;
/// Names that are offered.
const OFFERED_MAX: usize = 5;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("there is no app `{0}`")]
    UnknownApp(String, Vec<String>),
    #[error("app `{app}` has no metric `{metric}`")]
    UnknownMetric { app: String, metric: String, near: Vec<String> },
    #[error("`{0}` is no dimension of the app")]
    UnknownDimension(String, Vec<String>),
    #[error("no rollups are kept for {} together, and {unsampled}", asked.join(", "))]
    NotTogether { asked: Vec<String>, together: Vec<String>, unsampled: Unsampled },
    #[error("parameter `{name}`: {what}")]
    InvalidParameter { name: String, what: String, hint: String },
    #[error("there is no such path")]
    NotFound,
    #[error("the store does not answer")]
    Store(#[from] StoreError),
}

/// Why samples don't answer what no cuboid can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsampled {
    #[error("no samples are kept of this range either")]
    NoneKept,
    /// The range begins before the first that are kept, for so long.
    #[error("no samples are kept of this range either: it begins too early")]
    BeforeRetention(Duration),
    /// A sample says its own value, and nobody knows which ones became `__other__`.
    #[error("samples don't tell which {0} is among the less frequent ones")]
    Folded(Dimension),
}

impl Unsampled {
    fn hint(&self) -> String {
        match self {
            Self::NoneKept => "or use a range of which there are samples".to_owned(),
            Self::BeforeRetention(kept) => {
                format!("or use a later from: samples are kept for {}", humantime::format_duration(*kept))
            }
            Self::Folded(dimension) => format!("or leave out filter={dimension}:__other__"),
        }
    }
}

impl ApiError {
    /// A parameter that can't be understood.
    pub fn invalid(name: &str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::InvalidParameter { name: name.to_owned(), what: what.into(), hint: hint.into() }
    }

    const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownApp(..) => "unknown_app",
            Self::UnknownMetric { .. } => "unknown_metric",
            Self::UnknownDimension(..) => "unknown_dimension",
            Self::NotTogether { .. } => "not_together",
            Self::InvalidParameter { .. } => "invalid_parameter",
            Self::NotFound => "not_found",
            Self::Store(StoreError::Unavailable(_)) => "unavailable",
            Self::Store(_) => "internal",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::UnknownApp(..) | Self::UnknownMetric { .. } | Self::NotFound => StatusCode::NOT_FOUND,
            Self::UnknownDimension(..) | Self::NotTogether { .. } | Self::InvalidParameter { .. } => StatusCode::BAD_REQUEST,
            Self::Store(StoreError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownApp(_, near) | Self::UnknownMetric { near, .. } | Self::UnknownDimension(_, near) => offer(near),
            Self::NotTogether { together, unsampled, .. } => {
                Some(format!("together can be asked: {}; {}", together.join("; "), unsampled.hint()))
            }
            Self::InvalidParameter { hint, .. } => (!hint.is_empty()).then(|| hint.clone()),
            Self::NotFound => Some("the paths stand in /api/openapi.json".to_owned()),
            Self::Store(StoreError::Unavailable(_)) => Some("try again in a moment".to_owned()),
            Self::Store(_) => Some("the server's log has the cause".to_owned()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            tracing::error!(%error, "the store failed to answer");
        }
        let detail = ErrorDetail { reason: self.reason(), detail: self.to_string(), hint: self.hint() };
        (self.status(), Json(ErrorBody { error: detail })).into_response()
    }
}

fn offer(near: &[String]) -> Option<String> {
    (!near.is_empty()).then(|| format!("known: {}", near.join(", ")))
}

/// The known names nearest to `name`; all of them (up to a bound) when none is near.
pub(crate) fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let lower = name.to_lowercase();
    let mut by_distance: Vec<(usize, &str)> =
        known.into_iter().map(|known| (strsim::damerau_levenshtein(&lower, &known.to_lowercase()), known)).collect();
    by_distance.sort_unstable();
    by_distance.dedup();
    let close: Vec<String> =
        by_distance.iter().filter(|(distance, _)| *distance <= NEAR_MAX).take(OFFERED_MAX).map(|(_, name)| (*name).to_owned()).collect();
    if close.is_empty() { by_distance.into_iter().take(2 * OFFERED_MAX).map(|(_, name)| name.to_owned()).collect() } else { close }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_near_an_unknown_one_are_offered_and_all_when_none_is_near() {
        assert_eq!(near("lpc", ["LCP", "CLS", "navigation.dns"]), ["LCP", "CLS"]);
        assert_eq!(near("weather", ["LCP", "CLS"]), ["CLS", "LCP"]);
    }
}
