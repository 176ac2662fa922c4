//! One connection to the intake: HTTP/1.1, kept open, one request at a time.
//!
//! On hyper's connection itself and not on a client above it: a request costs 9 us of CPU instead of 15.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Uri,
    client::conn::http1::{SendRequest, handshake},
    header::{HOST, HeaderValue, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::AbortHandle};

use crate::{delivery::Delivery, options::OptionsError};

/// How large an answer may be, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Where beacons are sent to, below the intake's address.
const PATH: &str = "/v1/beacons";

/// Where the intake is.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Host and port, to connect to.
    authority: String,
    host: HeaderValue,
    path: String,
}

/// The intake's answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// Nothing of the request was sent.
    NotSent(String),
    /// The request may have been taken.
    Lost(String),
}

/// A connection, open or to be opened.
#[derive(Debug, Default)]
pub(crate) struct Connection(Option<Open>);

#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    /// The task that reads and writes; ends with the connection.
    driver: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Target {
    /// The intake at `url`, such as `http://127.0.0.1:7070`.
    pub(crate) fn parse(url: &str) -> Result<Self, OptionsError> {
        let error = || OptionsError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| error())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(error)?;
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self {
            authority: format!("{}:{port}", authority.host()),
            host: HeaderValue::from_str(authority.as_str()).map_err(|_| error())?,
            path: format!("{}{PATH}", uri.path().trim_end_matches('/')),
        })
    }

    /// The request that `delivery` is, with `body`.
    pub(crate) fn request(&self, delivery: &Delivery, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::post(match delivery.query() {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        })
        .header(HOST, self.host.clone());
        for (name, value) in delivery.headers() {
            request = request.header(name, value);
        }
        request.body(Full::new(body)).expect("the model's headers are visible ASCII")
    }
}

impl Connection {
    /// Sends `request` to `target` and waits for the answer, at most for `timeout`. After a failure, the next
    /// request opens the connection anew.
    pub(crate) async fn post(&mut self, target: &Target, request: Request<Full<Bytes>>, timeout: Duration) -> Result<Answered, Unanswered> {
        // Out of `self` while it is used, so that it is closed should this future end early.
        let mut open = match self.0.take() {
            Some(open) if !open.sender.is_closed() => open,
            _ => match tokio::time::timeout(timeout, Open::to(target)).await {
                Ok(opened) => opened.map_err(Unanswered::NotSent)?,
                Err(_) => return Err(Unanswered::NotSent(format!("no connection within {timeout:?}"))),
            },
        };
        let answered = match tokio::time::timeout(timeout, open.post(request)).await {
            Ok(answered) => answered?,
            Err(_) => return Err(Unanswered::Lost(format!("no answer within {timeout:?}"))),
        };
        self.0 = Some(open);
        Ok(answered)
    }
}

impl Open {
    async fn to(target: &Target) -> Result<Self, String> {
        let stream = TcpStream::connect(&target.authority).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the intake ended");
            }
        });
        Ok(Self { sender, driver: driver.abort_handle() })
    }

    async fn post(&mut self, request: Request<Full<Bytes>>) -> Result<Answered, Unanswered> {
        self.sender.ready().await.map_err(|error| Unanswered::NotSent(error.to_string()))?;
        let response = self.sender.try_send_request(request).await.map_err(|mut error| {
            let why = error.error().to_string();
            if error.take_message().is_some() { Unanswered::NotSent(why) } else { Unanswered::Lost(why) }
        })?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| Unanswered::Lost(error.to_string()))?.to_bytes();
        Ok(Answered { status, retry_after: retry_after.map(Duration::from_secs), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_tls_are_taken_and_others_refused() {
        let target = Target::parse("http://127.0.0.1:7070").unwrap();
        assert_eq!((target.authority.as_str(), target.path.as_str()), ("127.0.0.1:7070", "/v1/beacons"));
        let below = Target::parse("http://intake.example/icarus/").unwrap();
        assert_eq!((below.authority.as_str(), below.path.as_str()), ("intake.example:80", "/icarus/v1/beacons"));
        for url in ["https://intake.example", "intake.example:80", "http://", "", "ftp://x"] {
            assert!(Target::parse(url).unwrap_err().to_string().contains("http://host:port"), "{url}");
        }
    }
}
