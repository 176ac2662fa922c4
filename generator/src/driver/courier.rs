//! A courier: takes deliveries one at a time and sends each until it is answered for good.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use schemas::time::Timestamp;
use service::clock::Stopwatch;
use tokio::sync::{Mutex, mpsc::Receiver};

use super::{
    connection::{Answered, Connection, Unanswered},
    ledger::{Attempt, Made, Turn},
    shared::Shared,
};
use crate::{
    delivery::{Delivery, Kind},
    draw::Draw,
};

/// The shortest and the longest wait before an attempt is repeated.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// The longest wait that an intake may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Sends what comes from `queue` until that ends.
pub(crate) async fn work(shared: Arc<Shared>, queue: Arc<Mutex<Receiver<Delivery>>>) {
    let mut connection = Connection::default();
    loop {
        let taken = queue.lock().await.recv().await;
        let Some(delivery) = taken else { return };
        let mut next = Some(delivery);
        while let Some(delivery) = next.take()
            && !shared.stop.has_begun()
        {
            next = deliver(delivery, &mut connection, &shared).await;
        }
    }
}

/// What is known of a delivery's earlier attempts.
#[derive(Default)]
struct Earlier {
    attempts: u32,
    /// When the first was sent of those that may have been taken.
    maybe_taken: Option<Timestamp>,
    doubtful: bool,
}

/// Sends `delivery` until it is answered for good or the run ends. Returns the repeat that waited for it.
async fn deliver(mut delivery: Delivery, connection: &mut Connection, shared: &Shared) -> Option<Delivery> {
    let mut remade = None;
    if delivery.kind == Kind::Repeat {
        let turn = shared.ledger().turn(&delivery);
        let Turn::Now(Made { at, shift_ms }) = turn else { return None };
        delivery.shift_ms = shift_ms;
        remade = Some(at);
    }
    let mut earlier = Earlier::default();
    let mut retrying = None;
    loop {
        shared.unpaused().await;
        let (sent, watch) = (shared.now(), Stopwatch::start());
        let made = remade.unwrap_or(sent);
        let body = Bytes::from(delivery.body(made));
        let body_bytes = body.len();
        let request = shared.target.request(&delivery, body);
        let why = match connection.post(&shared.target, request, shared.answer_timeout).await {
            Ok(Answered { status, retry_after, body }) => {
                let mut ledger = shared.ledger();
                ledger.answered(watch.elapsed(), body_bytes);
                match status {
                    429 | 500.. => {
                        ledger.put_off += 1;
                        drop(ledger);
                        if let Some(asked) = retry_after {
                            shared.pause(asked.min(RETRY_AFTER_MAX));
                        }
                        if status >= 500 {
                            earlier.may_be_taken(&delivery, made, sent, shared);
                        }
                        format!("status {status}")
                    }
                    200..300 => {
                        let (sent, doubtful) = earlier.seen_from(&delivery, sent);
                        let attempt = Attempt { made, sent, answered: shared.now(), doubtful };
                        let waiting = ledger.acknowledge(&delivery, attempt, &body);
                        drop(ledger);
                        shared.succeeded();
                        return waiting;
                    }
                    _ => {
                        ledger.refuse(&delivery, status, &body);
                        drop(ledger);
                        shared.succeeded();
                        return None;
                    }
                }
            }
            Err(Unanswered::Lost(why)) => {
                shared.ledger().lost += 1;
                if !delivery.statuses().contains(&202) {
                    // Nothing of it can count. A server that stops reading a body too large may close the connection
                    // before its answer is read.
                    shared.ledger().refuse(&delivery, 0, &[]);
                    return None;
                }
                earlier.may_be_taken(&delivery, made, sent, shared);
                why
            }
            Err(Unanswered::NotSent(why)) => why,
        };
        shared.failed(&why);
        retrying.get_or_insert_with(|| shared.retry());
        if !shared.stop.has_begun() {
            shared.wait(earlier.backoff(&delivery, shared.seed)).await;
        }
        if shared.stop.has_begun() {
            if earlier.maybe_taken.is_some() {
                shared.ledger().give_up(&delivery);
            }
            return None;
        }
    }
}

impl Earlier {
    /// The attempt of which the body was made at `made`, sent at `sent`, may have been taken.
    fn may_be_taken(&mut self, delivery: &Delivery, made: Timestamp, sent: Timestamp, shared: &Shared) {
        self.maybe_taken.get_or_insert(sent);
        self.doubtful |= !delivery.is_certain(sent, shared.now());
        shared.ledger().truth.lose(delivery, made);
    }

    /// From when on an attempt sent at `sent` may have been taken, and whether earlier ones leave a minute
    /// open. Bare objects count when they are received: in which attempt that was, is not known.
    fn seen_from(&self, delivery: &Delivery, sent: Timestamp) -> (Timestamp, bool) {
        match (delivery.kind, self.maybe_taken) {
            (Kind::Bare, Some(first)) => (first, self.doubtful),
            _ => (sent, self.doubtful),
        }
    }

    /// How long to wait before the next attempt: longer each time, and not all at once.
    fn backoff(&mut self, delivery: &Delivery, seed: u64) -> Duration {
        let doubled = BACKOFF.0.saturating_mul(1 << self.attempts.min(10)).min(BACKOFF.1);
        self.attempts += 1;
        doubled.mul_f64(Draw::new(seed, &[delivery.number, u64::from(self.attempts)]).between(0.5, 1.0))
    }
}
