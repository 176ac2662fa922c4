//! Refusals: why a request is not taken, and which status the client gets.
//!
//! The client learns the reason and the remedy; what went wrong on our side goes to the log.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use event_log::AppendError;
use serde_json::json;

/// Seconds after which a client may try again.
const RETRY_AFTER_S: u16 = 5;

/// Why a request was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the body is not JSON: {0}")]
    InvalidJson(String),
    #[error("{0}")]
    NotABeacon(&'static str),
    #[error("{0}")]
    InvalidBeacon(String),
    #[error("the beacon does not say which app it belongs to")]
    MissingApp,
    #[error("there is no app `{0}` here")]
    UnknownApp(String),
    #[error("the write key is not that of app `{0}`")]
    WrongKey(String),
    #[error("pages of {origin} may not send beacons of app `{app}`")]
    OriginNotAllowed { app: String, origin: String },
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive in time")]
    BodyTimeout,
    #[error("the body could not be read")]
    BodyBroken,
    #[error("too many requests are being worked on")]
    Overloaded,
    #[error("the beacon can't be kept right now")]
    NotKept(#[source] AppendError),
}

impl Refusal {
    /// Its name in answers and self-metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::InvalidJson(_) => "invalid_json",
            Self::NotABeacon(_) => "not_a_beacon",
            Self::InvalidBeacon(_) => "invalid_beacon",
            Self::MissingApp => "missing_app",
            Self::UnknownApp(_) => "unknown_app",
            Self::WrongKey(_) => "wrong_key",
            Self::OriginNotAllowed { .. } => "origin_not_allowed",
            Self::TooLarge(_) => "too_large",
            Self::BodyTimeout => "body_timeout",
            Self::BodyBroken => "body_broken",
            Self::Overloaded => "overloaded",
            Self::NotKept(_) => "not_kept",
        }
    }

    /// The status that the client gets. Whatever is our fault is 503: the client may try again.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::InvalidJson(_) | Self::NotABeacon(_) | Self::InvalidBeacon(_) | Self::MissingApp | Self::BodyBroken => {
                StatusCode::BAD_REQUEST
            }
            Self::UnknownApp(_) | Self::WrongKey(_) => StatusCode::UNAUTHORIZED,
            Self::OriginNotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::TooLarge(_) | Self::NotKept(AppendError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded | Self::NotKept(AppendError::Full(_) | AppendError::Unavailable(_) | AppendError::Closed) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// What would work.
    const fn hint(&self) -> &'static str {
        match self {
            Self::InvalidJson(_) => "send one JSON beacon, or web-vitals objects, as application/json or text/plain",
            Self::NotABeacon(_) => "a beacon has `events`; a web-vitals object has `name` and `value`",
            Self::InvalidBeacon(_) => "the form of a beacon stands in schemas/beacon.schema.json",
            Self::MissingApp => "put `app` and `key` into the beacon, or ?app=&key= into the URL",
            Self::UnknownApp(_) => "declare it in the configuration as [apps.<id>], or correct `app`",
            Self::WrongKey(_) => "use the `key` that the configuration has for this app",
            Self::OriginNotAllowed { .. } => "add the origin to the app's `origins` in the configuration",
            Self::TooLarge(_) | Self::NotKept(AppendError::TooLarge { .. }) => "send fewer events in one beacon",
            Self::BodyTimeout | Self::BodyBroken => "send it again with the same id",
            Self::Overloaded | Self::NotKept(_) => "send it again with the same id after the time in Retry-After",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({ "error": { "reason": self.reason(), "detail": self.to_string(), "hint": self.hint() } });
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_our_fault_may_be_tried_again_and_what_is_not_may_not() {
        let ours = [Refusal::Overloaded, Refusal::NotKept(AppendError::Full("disk".into())), Refusal::NotKept(AppendError::Closed)];
        for refusal in ours {
            let response = refusal.into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(response.headers().contains_key(header::RETRY_AFTER));
        }
        let response = Refusal::NotKept(AppendError::TooLarge { bytes: 2, max: 1 }).into_response();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert!(!response.headers().contains_key(header::RETRY_AFTER));
    }
}
