//! What a run tells: while it goes on, and in the end.

use std::{fmt, sync::atomic::Ordering, time::Duration};

use service::clock::Stopwatch;

use super::shared::Shared;
use crate::truth::{Account, Fates, Truth, TruthOptions};

/// How far a run is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Requests answered for good so far.
    pub done: u64,
    /// Those answered each second, since the last report.
    pub per_second: f64,
    /// Deliveries that failed and are being tried again.
    pub retrying: u64,
    /// The share of the run that is dispatched, in [0, 1]; `None` for one without an end.
    pub share: Option<f64>,
    pub elapsed: Duration,
    /// How long it still takes at the mean pace so far.
    pub left: Option<Duration>,
}

/// What a run did.
#[derive(Debug)]
pub struct Summary {
    /// Page views made; those at the end may not have been sent.
    pub page_views: u64,
    /// Requests that were answered, whatever the answer.
    pub attempts: u64,
    /// Requests without an answer.
    pub lost: u64,
    /// Answers that asked to try again.
    pub put_off: u64,
    /// Bytes of the bodies of answered requests.
    pub body_bytes: u64,
    pub elapsed: Duration,
    /// Requests answered for good each second.
    pub per_second: f64,
    /// Half of the answers took no longer than this.
    pub answer_p50: Duration,
    /// All answers but one in a hundred took no longer than this.
    pub answer_p99: Duration,
    /// Why it ended before it was done, unless it was told to.
    pub gave_up: Option<String>,
    /// What the server must have counted; by dimensions as the options asked.
    pub truth: Truth,
}

/// Takes the times of a run.
#[derive(Debug)]
pub(crate) struct Reporter {
    watch: Stopwatch,
    last: (Duration, u64),
}

impl Reporter {
    pub(crate) fn start() -> Self {
        Self { watch: Stopwatch::start(), last: (Duration::ZERO, 0) }
    }

    pub(crate) fn progress(&mut self, shared: &Shared) -> Progress {
        let (done, elapsed, share) = (done(&shared.ledger().truth.account), self.watch.elapsed(), shared.share());
        let since = (elapsed - self.last.0).as_secs_f64().max(1e-9);
        let per_second = (done - self.last.1) as f64 / since;
        self.last = (elapsed, done);
        let left = share.filter(|share| *share > 0.0).map(|share| elapsed.mul_f64((1.0 - share) / share));
        Progress { done, per_second, retrying: shared.retrying(), share, elapsed, left }
    }

    /// The end of the run; takes the truth out of `shared`.
    pub(crate) fn summary(&self, shared: &Shared) -> Summary {
        let mut ledger = shared.ledger();
        let empty = Truth::new(ledger.truth.account.app.clone(), &TruthOptions::FATES);
        let truth = std::mem::replace(&mut ledger.truth, empty);
        let elapsed = self.watch.elapsed();
        let answers = ledger.answer_us.quantiles(&[0.5, 0.99], ledger.answer_us.total());
        let answer = |i: usize| Duration::from_micros(answers.as_ref().map_or(0, |answers| answers[i].value));
        Summary {
            page_views: shared.page_views.load(Ordering::Relaxed),
            attempts: ledger.attempts,
            lost: ledger.lost,
            put_off: ledger.put_off,
            body_bytes: ledger.body_bytes,
            elapsed,
            per_second: done(&truth.account) as f64 / elapsed.as_secs_f64().max(1e-9),
            answer_p50: answer(0),
            answer_p99: answer(1),
            gave_up: shared.gave_up(),
            truth,
        }
    }
}

fn done(account: &Account) -> u64 {
    account.acknowledged + account.refused_requests()
}

impl fmt::Display for Progress {
    /// One line: `42.0 % · 812331 requests · 15233/s · 58 s left`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(share) = self.share {
            write!(f, "{:.1} % · ", share * 100.0)?;
        }
        write!(f, "{} requests · {:.0}/s", self.done, self.per_second)?;
        if self.retrying > 0 {
            write!(f, " · {} tried again", self.retrying)?;
        }
        match self.left {
            Some(left) => write!(f, " · {} s left", left.as_secs()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Summary {
    /// Some lines for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Account { acknowledged, fates, ambiguous, unknown, surprises, surprising, .. } = &self.truth.account;
        let refused = self.truth.account.refused_requests();
        writeln!(f, "{acknowledged} beacons acknowledged and {refused} requests refused, of {} page views", self.page_views)?;
        let Fates { rolled_up, too_late, duplicate, .. } = fates;
        writeln!(f, "events: {rolled_up} rolled up, {too_late} too late, {duplicate} duplicate, {} rejected", fates.rejected())?;
        let (p50, p99) = (self.answer_p50.as_secs_f64() * 1e3, self.answer_p99.as_secs_f64() * 1e3);
        let seconds = self.elapsed.as_secs_f64();
        writeln!(f, "{:.0} requests a second for {seconds:.1} s; answers within {p50:.1} ms (p50) and {p99:.1} ms (p99)", self.per_second)?;
        writeln!(f, "{} requests without an answer, {} put off, {} beacons of unknown fate", self.lost, self.put_off, unknown.len())?;
        write!(f, "{ambiguous} beacons whose minute is not certain, {surprises} answers that must not be")?;
        for what in surprising {
            write!(f, "\n  {what}")?;
        }
        match &self.gave_up {
            Some(why) => write!(f, "\ngave up: {why}"),
            None => Ok(()),
        }
    }
}
