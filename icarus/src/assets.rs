//! The dashboard and the SDK, which are part of the binary.

use std::borrow::Cow;

use axum::{
    body::Bytes,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

/// The dashboard as it was built by `make web`.
#[derive(RustEmbed)]
#[folder = "../dashboard/dist"]
#[allow_missing = true]
struct Dashboard;

/// The SDK as it was built by `make web`.
#[derive(RustEmbed)]
#[folder = "../sdk/dist"]
#[include = "icarus.js"]
#[allow_missing = true]
struct Sdk;

const INDEX: &str = "index.html";
const NOT_BUILT: &str = "The dashboard is not part of this binary. Run `make web`, then build the binary again.\n";
/// What the dashboard may load: only itself.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

/// The SDK for pages; a script that says what is missing when it was not built.
pub(crate) fn sdk() -> Bytes {
    match Sdk::get("icarus.js") {
        Some(file) => bytes(file.data),
        None => Bytes::from_static(
            b"console.warn(\"icarus: the SDK is not part of this server: run `make web`, then build the binary again\");\n",
        ),
    }
}

/// A page of the dashboard, or a file of its.
pub(crate) async fn serve(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let page = path.rsplit('/').next().is_none_or(|name| !name.contains('.'));
    let (name, cache) = if page { (INDEX, "no-cache") } else { (path, "public, max-age=31536000, immutable") };
    match Dashboard::get(name) {
        Some(file) => {
            let kind = file.metadata.mimetype().to_owned();
            let headers: [(HeaderName, HeaderValue); 5] = [
                (header::CONTENT_TYPE, HeaderValue::from_str(&kind).unwrap_or(HeaderValue::from_static("application/octet-stream"))),
                (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
                (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
                (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            ];
            (headers, bytes(file.data)).into_response()
        }
        None if page => (StatusCode::NOT_FOUND, NOT_BUILT).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    }
}

fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    }
}
