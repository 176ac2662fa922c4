//! One series under watch: its last minutes, its baselines, and how much it varies.

use std::collections::VecDeque;

use schemas::{
    flag::Rule,
    metric::{ERROR, Metric},
    rollup::Rollup,
    time::{Minute, MinuteRange},
    unit::Unit,
};

use super::{
    Thresholds,
    baseline::{Lately, SameHour},
    moments::Moments,
    rules::{self, Departure},
};

/// Windows that are tested, in minutes.
pub(super) const WINDOWS: [u32; 4] = [1, 2, 5, 15];
/// The longest of them.
const KEPT: u32 = 15;
/// A departure that lasts longer than this, in minutes, is taken for the new usual.
const NEW_USUAL_AFTER: u32 = 24 * 60;
/// How much the minutes of a series are taken to vary beyond chance while that is not known, and for
/// how many minutes that counts.
const DISPERSION: (f64, f64) = (1.5, 60.0);
/// The dispersion is learned from about this many minutes.
const DISPERSION_MEMORY: f64 = 500.0;
/// Events that a counter's window must have.
const EVENTS_MIN: f64 = 10.0;

/// What is remembered of one minute.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    minute: Minute,
    moments: Moments,
    count: u64,
    tail_seen: f64,
    tail_expected: f64,
    events: f64,
    exposure: f64,
    flagged: bool,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.moments.merge(&other.moments);
        self.count += other.count;
        self.tail_seen += other.tail_seen;
        self.tail_expected += other.tail_expected;
        self.events += other.events;
        self.exposure += other.exposure;
    }
}

/// A window of a series that may be a flag, if it holds among all series of the minute.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) window: MinuteRange,
    pub(super) rule: Rule,
    pub(super) observed: f64,
    pub(super) expected: f64,
    pub(super) effect: f64,
    pub(super) n: u64,
    /// Corrected for the windows and rules tried on this series.
    pub(super) p_value: f64,
    /// Whether the effect is large enough to matter.
    pub(super) matters: bool,
}

/// A series under watch.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    kind: Kind,
    unit: Unit,
    recent: VecDeque<Seen>,
    lately: Lately,
    pub(super) same_hour: Option<SameHour>,
    /// Mean of squared standardised distances of minutes from lately, and how many it comes from.
    dispersion: (f64, f64),
    flagged_since: Option<Minute>,
    /// The last minute that came.
    pub(super) last: Minute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Values whose size matters.
    Values,
    /// Events whose number matters.
    Events,
}

impl Watched {
    /// A new series of `metric`; `None` for counters whose number says nothing about how users fare.
    pub(super) fn new(metric: &Metric) -> Option<Self> {
        let kind = match (metric.unit, metric.name.as_str()) {
            (Unit::Count, ERROR) => Kind::Events,
            (Unit::Count, _) => return None,
            _ => Kind::Values,
        };
        Some(Self {
            kind,
            unit: metric.unit,
            recent: VecDeque::new(),
            lately: Lately::default(),
            same_hour: None,
            dispersion: DISPERSION,
            flagged_since: None,
            last: Minute::default(),
        })
    }

    /// A minute of the series: what came, and for events what they are counted against (page views).
    pub(super) fn see(&mut self, minute: Minute, rollup: &Rollup, exposure: f64) {
        while self.last != Minute::default() && self.last.plus(1) < minute && self.last.plus(KEPT * 8) >= minute {
            self.advance(self.last.plus(1));
        }
        self.advance(minute);
        let moments = Moments::of(rollup);
        let tail = self.same_hour.as_ref().and_then(|usual| usual.tail);
        #[expect(clippy::cast_precision_loss, reason = "counts of a minute are far below 2^53")]
        let seen = Seen {
            minute,
            count: rollup.count(),
            tail_seen: tail.map_or(0.0, |tail| tail.share_of(rollup) * moments.samples),
            tail_expected: tail.map_or(0.0, |tail| tail.share * moments.samples),
            events: rollup.samples as f64,
            exposure,
            moments,
            flagged: false,
        };
        self.learn_dispersion(&seen);
        if let Some(last) = self.recent.back_mut() {
            *last = seen;
        }
    }

    /// Tests the windows that end at the last minute, and gives the strongest candidate.
    pub(super) fn test(&self, thresholds: &Thresholds) -> Option<Candidate> {
        let mut strongest: Option<Candidate> = None;
        let mut tried = 0.0;
        for width in WINDOWS {
            let window = self.window(width);
            let newest = self.window(width.div_ceil(3));
            for (rule, departure) in self.departures(&window, thresholds) {
                tried += 1.0;
                // A longer window still holds what is over already: the newest part has to show it, too.
                let goes_on = width == 1
                    || self
                        .departures(&newest, &Thresholds { samples_min: 1, ..thresholds.clone() })
                        .any(|(other, part)| other == rule && part.effect >= departure.effect * 0.6);
                let candidate = self.candidate(width, &window, rule, departure, goes_on, thresholds);
                if strongest.as_ref().is_none_or(|known| better(&candidate, known)) {
                    strongest = Some(candidate);
                }
            }
        }
        strongest.map(|candidate| Candidate { p_value: (candidate.p_value * tried).min(1.0), ..candidate })
    }

    /// Notes that the last minute was flagged: it is no baseline.
    pub(super) fn flag(&mut self) {
        self.flag_minute(self.last);
    }

    /// Notes that a minute was flagged, if it is still remembered.
    pub(super) fn flag_minute(&mut self, minute: Minute) {
        self.flagged_since.get_or_insert(minute);
        if let Some(seen) = self.recent.iter_mut().rev().find(|seen| seen.minute == minute) {
            seen.flagged = true;
        }
    }

    /// One minute on: the oldest remembered one becomes part of what is usual lately.
    fn advance(&mut self, minute: Minute) {
        self.lately.fade();
        self.recent.push_back(Seen { minute, ..Seen::default() });
        self.last = minute;
        if self.recent.iter().all(|seen| !seen.flagged) {
            self.flagged_since = None;
        }
        if self.recent.len() <= KEPT as usize {
            return;
        }
        let Some(oldest) = self.recent.pop_front() else { return };
        let new_usual = self.flagged_since.is_some_and(|since| minute.0 - since.0.min(minute.0) > NEW_USUAL_AFTER);
        if !oldest.flagged || new_usual {
            self.lately.moments.merge(&oldest.moments);
            self.lately.tail_seen += oldest.tail_seen;
            self.lately.tail_expected += oldest.tail_expected;
            self.lately.events += oldest.events;
            self.lately.exposure += oldest.exposure;
        }
    }

    fn window(&self, width: u32) -> Seen {
        let mut window = Seen::default();
        for seen in self.recent.iter().rev().take_while(|seen| seen.minute.0 + width > self.last.0) {
            window.add(seen);
        }
        window
    }

    fn departures<'a>(&'a self, window: &'a Seen, thresholds: &Thresholds) -> impl Iterator<Item = (Rule, Departure)> + use<'a> {
        #[expect(clippy::cast_precision_loss, reason = "a threshold")]
        let enough = window.moments.samples >= thresholds.samples_min as f64;
        let dispersion = self.dispersion();
        let values = enough && self.kind == Kind::Values;
        let shift = values.then(|| rules::shift(&window.moments, self.same_hour.as_ref(), &self.lately, dispersion)).flatten();
        let usual = self.same_hour.as_ref().and_then(|usual| usual.tail).map_or(0.0, |tail| tail.samples);
        let tail = values
            .then(|| rules::tail(window.moments.samples, window.tail_seen, window.tail_expected, usual, &self.lately, dispersion))
            .flatten();
        let count = (self.kind == Kind::Events && window.events >= EVENTS_MIN)
            .then(|| rules::count(window.events, window.exposure, self.same_hour.as_ref(), &self.lately, dispersion))
            .flatten();
        [(Rule::Shift, shift), (Rule::Tail, tail), (Rule::Count, count)]
            .into_iter()
            .filter_map(|(rule, departure)| Some((rule, departure?)))
    }

    fn candidate(&self, width: u32, window: &Seen, rule: Rule, departure: Departure, goes_on: bool, thresholds: &Thresholds) -> Candidate {
        #[expect(clippy::cast_precision_loss, reason = "scales are small")]
        let scale = if rule == Rule::Shift { self.unit.scale() as f64 } else { 1.0 };
        let (observed, expected) = (departure.observed / scale, departure.expected / scale);
        let effect = departure.effect;
        let large = match rule {
            Rule::Shift => effect >= thresholds.effect_min && observed - expected >= self.change_min(thresholds),
            // Half as many again, and at least one value in twenty.
            Rule::Tail => effect >= 0.5 && observed - expected >= 0.05,
            Rule::Count => effect >= thresholds.count_effect_min,
        };
        Candidate {
            window: MinuteRange::new(self.last.plus(1).minus(width), self.last.plus(1)),
            rule,
            observed,
            expected,
            effect,
            n: window.count,
            p_value: departure.p_value,
            matters: large && goes_on,
        }
    }

    fn change_min(&self, thresholds: &Thresholds) -> f64 {
        match self.unit {
            Unit::Duration => thresholds.duration_change_min_ms,
            Unit::Score => thresholds.score_change_min,
            Unit::Bytes | Unit::Count | Unit::Rate => 0.0,
        }
    }

    fn dispersion(&self) -> f64 {
        self.dispersion.0.max(1.0)
    }

    /// Learns from a minute that is not flagged how far minutes lie from what is usual lately. Far ones
    /// count as if they were less far: an incident must not make its own excuse.
    fn learn_dispersion(&mut self, seen: &Seen) {
        let expected = match self.kind {
            Kind::Values if seen.moments.samples >= 5.0 && self.lately.moments.samples >= 50.0 => {
                let variance = self.lately.moments.variance().max(1e-9);
                let chance = variance * (1.0 / seen.moments.samples + 1.0 / self.lately.moments.samples);
                Some((seen.moments.mean - self.lately.moments.mean).powi(2) / chance)
            }
            Kind::Events if self.lately.exposure > 0.0 && seen.exposure > 0.0 => {
                let expected = self.lately.events / self.lately.exposure * seen.exposure;
                (expected >= 1.0).then(|| (seen.events - expected).powi(2) / expected)
            }
            _ => None,
        };
        if let Some(squared) = expected
            && self.flagged_since.is_none()
        {
            let (mean, minutes) = self.dispersion;
            let minutes = (minutes + 1.0).min(DISPERSION_MEMORY);
            self.dispersion = (mean + (squared.min(9.0 * mean.max(1.0)) - mean) / minutes, minutes);
        }
    }
}

/// What matters comes first, then what is less probable.
fn better(a: &Candidate, b: &Candidate) -> bool {
    (a.matters, b.p_value) > (b.matters, a.p_value)
}
