//! The ledger: the truth, and what has to be known of deliveries under way to keep it.

use std::{collections::HashMap, time::Duration};

use schemas::{histogram::Histogram, time::Timestamp};

use super::answer;
use crate::{
    delivery::{Delivery, Kind},
    truth::Truth,
};

/// How the bytes of a beacon came about, so that they can be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) at: Timestamp,
    pub(crate) shift_ms: i64,
}

/// An attempt that was answered for good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) made: Timestamp,
    pub(crate) sent: Timestamp,
    pub(crate) answered: Timestamp,
    /// Whether an earlier attempt, which may have been taken, leaves the minute of an event open.
    pub(crate) doubtful: bool,
}

/// What a repeated delivery can do.
pub(crate) enum Turn {
    /// Be sent, with these bytes.
    Now(Made),
    /// Wait until its first one is acknowledged. It was taken.
    Wait,
}

/// The truth and the counts of a run.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) truth: Truth,
    /// Of acknowledged beacons that will be repeated, by number.
    first: HashMap<u64, Made>,
    /// Repeats whose first is not yet acknowledged.
    waiting: HashMap<u64, Delivery>,
    pub(crate) attempts: u64,
    pub(crate) lost: u64,
    /// Answers that asked to try again.
    pub(crate) put_off: u64,
    pub(crate) body_bytes: u64,
    /// Times until the answer, in microseconds.
    pub(crate) answer_us: Histogram,
}

impl Ledger {
    pub(crate) fn new(truth: Truth) -> Self {
        Self {
            truth,
            first: HashMap::new(),
            waiting: HashMap::new(),
            attempts: 0,
            lost: 0,
            put_off: 0,
            body_bytes: 0,
            answer_us: Histogram::new(),
        }
    }

    /// Whether `repeat` may be sent yet.
    pub(crate) fn turn(&mut self, repeat: &Delivery) -> Turn {
        match self.first.remove(&repeat.number) {
            Some(made) => Turn::Now(made),
            None => {
                self.waiting.insert(repeat.number, repeat.clone());
                Turn::Wait
            }
        }
    }

    /// An answer came after `took`.
    pub(crate) fn answered(&mut self, took: Duration, body_bytes: usize) {
        self.attempts += 1;
        self.body_bytes += body_bytes as u64;
        self.answer_us.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), 1);
    }

    /// `attempt` to send `delivery` was answered with 202 and `body`. Returns the repeat that waited for it.
    pub(crate) fn acknowledge(&mut self, delivery: &Delivery, attempt: Attempt, body: &[u8]) -> Option<Delivery> {
        self.truth.acknowledge(delivery, attempt.made);
        if delivery.kind != Kind::Repeat && (attempt.doubtful || !delivery.is_certain(attempt.sent, attempt.answered)) {
            self.truth.account.ambiguous += 1;
        }
        let expected = delivery.statuses();
        if !expected.contains(&202) {
            self.truth.account.surprise(|| format!("{}: status 202, not one of {expected:?}", delivery.kind.name()));
        } else if let Err(other) = answer::check(body, &delivery.fates(attempt.made)) {
            self.truth.account.surprise(|| format!("{}: {other}", delivery.kind.name()));
        }
        if !delivery.will_repeat {
            return None;
        }
        self.first.insert(delivery.number, Made { at: attempt.made, shift_ms: delivery.shift_ms });
        self.waiting.remove(&delivery.number)
    }

    /// `delivery` was refused for good with `status`, and `body` tells why.
    pub(crate) fn refuse(&mut self, delivery: &Delivery, status: u16, body: &[u8]) {
        self.truth.refuse(delivery, status);
        let expected = delivery.statuses();
        if status != 0 && !expected.contains(&status) {
            let body = String::from_utf8_lossy(&body[..body.len().min(300)]);
            self.truth.account.surprise(|| format!("{}: status {status}, not one of {expected:?}: {body}", delivery.kind.name()));
        }
        self.waiting.remove(&delivery.number);
    }

    /// `delivery` won't be sent again; whether it was taken is not known.
    pub(crate) fn give_up(&mut self, delivery: &Delivery) {
        if delivery.kind != Kind::Repeat {
            self.truth.account.unknown.push(delivery.id().to_owned());
        }
    }
}
