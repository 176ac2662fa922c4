//! An intake behind HTTP that fails, delays, drops connections and dies; what it stored stays.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{HeaderMap, Response, StatusCode, header::RETRY_AFTER},
    routing::post,
};
use hyper::body::Frame;
use schemas::time::Timestamp;
use service::clock::Clock;
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};

use super::{Intake, headers_of};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trouble {
    None,
    /// The connection is closed before the beacon is stored.
    LostRequest,
    /// The beacon is stored, and the connection closed before the answer.
    LostAnswer,
    /// 503 with `Retry-After: 1`; nothing is stored.
    PutOff,
    /// Stored, but answered with 500.
    StoredYetFailed,
    /// Stored, and answered 80 ms later.
    Slow,
    /// Stored and answered, but with a wrong count.
    Wrong,
    /// Refused though nothing is wrong.
    Refused,
}

/// The server, running or not.
pub struct Server {
    state: Shared,
    address: SocketAddr,
    runtime: Option<Runtime>,
    requests: watch::Receiver<u64>,
}

#[derive(Clone)]
struct Shared {
    intake: Arc<Mutex<Intake>>,
    requests: Arc<watch::Sender<u64>>,
    /// What goes wrong with the `n`th request.
    trouble: fn(u64) -> Trouble,
    lateness_max: Duration,
}

impl Server {
    /// Starts one.
    pub fn start(lateness_max: Duration, trouble: fn(u64) -> Trouble) -> Self {
        let (requests, seen) = watch::channel(0);
        let state = Shared { intake: Arc::default(), requests: Arc::new(requests), trouble, lateness_max };
        let mut server = Self { state, address: ([127, 0, 0, 1], 0).into(), runtime: None, requests: seen };
        server.restart();
        server
    }

    /// Where it listens, or did.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens again, at the same address.
    pub fn restart(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (address, state) = (self.address, self.state.clone());
        let (bound, listening) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            bound.send(listener.local_addr().unwrap()).unwrap();
            let router = Router::new().route("/v1/beacons", post(take)).layer(DefaultBodyLimit::max(10 << 20)).with_state(state);
            axum::serve(listener, router).await.unwrap();
        });
        self.address = listening.recv().unwrap();
        self.runtime = Some(runtime);
    }

    /// Stops at once, wherever requests under way are.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // On a thread of its own: a test's may not wait. Returns as soon as nothing of it runs any more.
            let stopped = std::thread::spawn(|| runtime.shutdown_timeout(Duration::from_secs(10))).join();
            stopped.expect("the server's runtime stops");
        }
    }

    /// Waits until `n` requests came in all.
    pub async fn has_seen(&mut self, n: u64) {
        self.requests.wait_for(|seen| *seen >= n).await.unwrap();
    }

    /// How many requests came in all.
    pub fn seen(&self) -> u64 {
        *self.requests.borrow()
    }

    /// What it counted, once it is dead.
    pub fn into_intake(mut self) -> Intake {
        self.kill();
        std::mem::take(&mut *self.state.intake.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn take(State(server): State<Shared>, RawQuery(query): RawQuery, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let mut n = 0;
    server.requests.send_modify(|seen| {
        n = *seen;
        *seen += 1;
    });
    let trouble = (server.trouble)(n);
    let empty = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap()).body(Body::empty()).unwrap();
    match trouble {
        Trouble::LostRequest => return cut(),
        Trouble::Refused => return empty(400),
        Trouble::PutOff => {
            let mut answer = empty(503);
            answer.headers_mut().insert(RETRY_AFTER, "1".parse().unwrap());
            return answer;
        }
        Trouble::Slow => tokio::time::sleep(Duration::from_millis(80)).await,
        Trouble::None | Trouble::LostAnswer | Trouble::StoredYetFailed | Trouble::Wrong => {}
    }
    let headers: BTreeMap<_, _> = headers_of(headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())));
    let received = Timestamp::from_ms(Clock::system().now_ms());
    let answer = server.intake.lock().unwrap().take(query.as_deref(), &headers, &body, received, server.lateness_max);
    match (trouble, answer) {
        (Trouble::LostAnswer, _) => cut(),
        (Trouble::StoredYetFailed, _) => empty(500),
        (_, Err(status)) => empty(status),
        (_, Ok((accepted, reasons))) => {
            let rejected: Vec<_> = reasons.iter().map(|reason| serde_json::json!({ "index": 0, "reason": reason, "detail": "" })).collect();
            let accepted = accepted + u64::from(trouble == Trouble::Wrong);
            let body = serde_json::json!({ "accepted": accepted, "rejected": rejected });
            Response::builder().status(StatusCode::ACCEPTED).body(Body::from(body.to_string())).unwrap()
        }
    }
}

/// An answer that can't be sent, so that the connection is closed.
fn cut() -> Response<Body> {
    Response::new(Body::new(Unsendable))
}

struct Unsendable;

impl hyper::body::Body for Unsendable {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
