//! The options of a run: which traffic, to where, at which pace.

use std::{path::PathBuf, time::Duration};

use schemas::time::Timestamp;

use crate::{
    traffic::{Traffic, TrafficError},
    truth::TruthOptions,
};

/// What to send, and how. Each field is a flag of `icarus generate`, by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where the intake is, such as `http://127.0.0.1:7070`; without TLS.
    pub url: String,
    pub mode: Mode,
    pub traffic: Traffic,
    /// How many connections are kept open, each with one request at a time; in [1, 1024].
    pub connections: usize,
    /// How long an answer may take before the beacon is sent again. With less than 20 s, the minute in which an
    /// event counts is certain.
    pub answer_timeout: Duration,
    /// How long the intake may be out of reach, or refuse for the moment, before the run ends.
    pub give_up_after: Duration,
    /// The file that the truth is written to at the end.
    pub truth: Option<PathBuf>,
    /// What the truth counts by, apart from fates. Takes memory for each minute, metric and value.
    pub truth_options: TruthOptions,
}

/// At which pace to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it happens, from `from` (now, when `None`), for `duration` from now or until told to stop. What lies
    /// in the past is sent at once, so that a run can begin where another ended.
    Live { from: Option<Timestamp>, duration: Option<Duration> },
    /// What happened in the `span` before `until` (now, when `None`), as fast as the intake takes it. Only what
    /// was sent before `until` belongs to it: a live run from then on sends the rest.
    History { span: Duration, until: Option<Timestamp> },
    /// This many page views as fast as the intake takes them, as if they happened just now.
    Count { page_views: u64 },
}

/// Why a run can't begin.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("`{0}` is no address of an intake: use http://host:port")]
    Url(String),
    #[error("connections are {0}: use 1 to 1024")]
    Connections(usize),
    #[error("{0} is still to come: traffic can't start and a history can't end there")]
    Future(Timestamp),
    #[error(
        "the traffic begins {} ago, but the app allows events to be {} late: set the app's allowed lateness, and --lateness-max, \
         to at least {}",
        humantime::format_duration(*.age), humantime::format_duration(*.allowed), humantime::format_duration(*.needed)
    )]
    TooOld { age: Duration, allowed: Duration, needed: Duration },
    #[error(transparent)]
    Traffic(#[from] TrafficError),
}

/// How much older than the beginning of traffic in the past an event may be when it arrives.
const MARGIN: Duration = Duration::from_secs(3_600);

impl Options {
    /// Live traffic to `url` until told to stop, without a truth but for fates.
    pub fn new(url: impl Into<String>, traffic: Traffic) -> Self {
        Self {
            url: url.into(),
            mode: Mode::Live { from: None, duration: None },
            traffic,
            connections: 32,
            answer_timeout: Duration::from_secs(10),
            give_up_after: Duration::from_secs(60),
            truth: None,
            truth_options: TruthOptions::FATES,
        }
    }

    /// Whether a run at `now` makes sense.
    ///
    /// # Errors
    /// With the first thing that doesn't, and the remedy.
    pub fn check(&self, now: Timestamp) -> Result<(), OptionsError> {
        self.traffic.check()?;
        if !(1..=1024).contains(&self.connections) {
            return Err(OptionsError::Connections(self.connections));
        }
        let (start, end) = match self.mode {
            Mode::Live { from, .. } => (from.unwrap_or(now), from.unwrap_or(now)),
            Mode::History { span, until } => (until.unwrap_or(now).minus(span), until.unwrap_or(now)),
            Mode::Count { .. } => (now, now),
        };
        if end > now {
            return Err(OptionsError::Future(end));
        }
        let age = Duration::from_secs(now.since(start).as_secs());
        let needed = age + MARGIN;
        if start < now && needed > self.traffic.lateness_max {
            return Err(OptionsError::TooOld { age, allowed: self.traffic.lateness_max, needed });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use schemas::app::AppId;

    use super::*;

    #[test]
    fn runs_that_make_no_sense_are_refused_with_the_remedy() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let good = Options::new("http://localhost:7070", Traffic::new(AppId::new("shop").unwrap(), "k"));
        good.check(now).unwrap();
        let day = Duration::from_secs(86_400);
        let history = |span, until| Options { mode: Mode::History { span, until }, ..good.clone() };
        history(day, None).check(now).unwrap();
        let refused = |options: Options| options.check(now).unwrap_err().to_string();
        assert!(refused(Options { connections: 0, ..good.clone() }).contains("1 to 1024"));
        assert!(refused(history(21 * day, None)).contains("to at least 21days 1h"));
        assert!(refused(history(day, Some(now.minus(2 * day)))).contains("begins 3days ago"));
        assert!(refused(history(day, Some(now.plus(day)))).contains("still to come"));
        let live = |from| Options { mode: Mode::Live { from: Some(from), duration: None }, ..good.clone() };
        live(now.minus(day)).check(now).unwrap();
        assert!(refused(live(now.minus(3 * day))).contains("begins 3days ago"));
        assert!(refused(live(now.plus(day))).contains("still to come"));
    }
}
