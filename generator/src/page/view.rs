//! One page view: what it is about, and what is measured until its page is hidden, and after it was
//! seen again.

use std::{sync::Arc, sync::LazyLock, time::Duration};

use schemas::{dimension::Dimension, metric, time::Timestamp};
use serde_json::value::RawValue;

use super::{
    effect::Course,
    measurement::{Measurement, aligned},
    timing::{Navigation, Timing, reports_paints, reports_shifts},
};
use crate::{
    cycle,
    delivery::context::Context,
    draw::Draw,
    population::{
        route::{self, ASSISTANT, ROUTES, RouteIndex},
        visitor::Visitor,
    },
    traffic::Traffic,
};

/// The own metric of the shop: the time to the first token of an answer of its assistant.
pub const TTFT: &str = "ttft";

/// How many page views are looked at again after they were hidden.
const SEEN_AGAIN: f64 = 0.15;

/// What is decided of a page view before it is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) route: RouteIndex,
    /// Whether it is the first of its visit.
    pub(crate) first: bool,
    pub(crate) start: Timestamp,
    pub(crate) stay: Duration,
    /// The seed of all that is drawn for it.
    pub(crate) seed: u64,
}

/// A page view and its one or two parts.
pub(crate) struct View {
    pub(crate) context: Arc<Context>,
    pub(crate) first: Part,
    pub(crate) second: Option<Part>,
}

/// What is sent when the page is hidden.
pub(crate) struct Part {
    pub(crate) sent: Timestamp,
    pub(crate) measurements: Vec<Measurement>,
}

impl View {
    /// The page view that `visitor` has at `step`.
    pub(crate) fn draw(visitor: &Arc<Visitor>, step: &Step, course: &Course, traffic: &Traffic, draw: &mut Draw) -> Self {
        let route = &ROUTES[step.route];
        let navigation = Navigation::draw(step.first, visitor.agent.engine, draw);
        let load = if traffic.cycles { cycle::load(step.start, visitor.country.utc_offset_min) } else { 1.0 };
        let mut timing = Timing::draw(visitor, route, navigation, load, draw);
        let context = Arc::new(Context {
            path: route.path(draw),
            route: route.template.into(),
            sends_route: visitor.knows_route,
            view_id: format!("v-{:016x}", draw.bits()),
            started: step.start,
            navigation_type: navigation.name().into(),
            release: course.release(step.start, visitor.place).into(),
            connection: visitor.effective_type().into(),
            plan: visitor.plan.into(),
            arm: visitor.arm.into(),
            visitor: Arc::clone(visitor),
            flooded: false,
        });
        let effect = course.effect(step.start, step.seed, |dimension: &Dimension| context.as_sent(dimension));
        effect.apply(&mut timing);

        let loaded = timing.phases.as_ref().map_or(timing.lcp, |phases| phases.load.max(timing.lcp));
        let hidden = step.start.plus(step.stay.max(Duration::from_millis(loaded / 10 + 500)));
        let again = draw.chance(SEEN_AGAIN).then(|| {
            let seen = hidden.plus(Duration::from_secs_f64(draw.exponential(90.0).min(600.0)));
            (seen, seen.plus(Duration::from_secs_f64(draw.log_normal(15.0, 0.8).clamp(1.0, 300.0))))
        });
        let mut first = Measurements { hidden, start: step.start, draw, all: Vec::with_capacity(18) };
        first.load(&timing, visitor, step.route);
        let mut second = Vec::new();
        if let Some(inp) = timing.inp.filter(|_| reports_paints(&visitor.agent)) {
            let value = inp as f64 / 10.0;
            let attribution = &route::attributions(step.route).inp;
            match again {
                Some((seen, sent)) if first.draw.chance(0.5) => {
                    let at = aligned(between(seen, sent, first.draw), sent);
                    second.push(Measurement::new("INP", value, at).with_id(first.draw.bits()).with_attribution(attribution));
                }
                _ => first.push_vital("INP", value, None, Some(attribution)),
            }
        }
        if route.template == ASSISTANT {
            first.answers(visitor.measures_seconds, effect.ttft);
        }
        // Errors are drawn last, so that an incident which multiplies them changes nothing else.
        for _ in 0..first.draw.poisson(route.errors * effect.errors) {
            match again {
                Some((seen, sent)) if first.draw.chance(0.5) => {
                    let at = aligned(between(seen, sent, first.draw), sent);
                    second.push(error(at, first.draw));
                }
                _ => first.error(),
            }
        }
        let first = Part { sent: hidden, measurements: first.all };
        let second = again.filter(|_| !second.is_empty()).map(|(_, sent)| Part { sent, measurements: second });
        Self { context, first, second }
    }
}

/// The measurements of the first part while they are collected.
struct Measurements<'a> {
    start: Timestamp,
    hidden: Timestamp,
    draw: &'a mut Draw,
    all: Vec<Measurement>,
}

impl Measurements<'_> {
    /// Adds what is measured while the page loads.
    fn load(&mut self, timing: &Timing, visitor: &Visitor, route: RouteIndex) {
        self.push(metric::PAGE_VIEW, 1.0, 0);
        self.push_vital("TTFB", timing.ttfb as f64 / 10.0, Some(timing.ttfb / 10), None);
        self.push_vital("FCP", timing.fcp as f64 / 10.0, Some(timing.fcp / 10), None);
        if reports_paints(&visitor.agent) {
            let attribution = &route::attributions(route).lcp;
            self.push_vital("LCP", timing.lcp as f64 / 10.0, Some(timing.lcp / 10), Some(attribution));
        }
        if reports_shifts(&visitor.agent) {
            self.push_vital("CLS", timing.cls as f64 / 10_000.0, None, None);
        }
        if let Some(phases) = &timing.phases {
            let lengths_and_marks = [
                ("navigation.redirect", phases.redirect),
                ("navigation.dns", phases.dns),
                ("navigation.connect", phases.connect),
                ("navigation.tls", phases.tls),
                ("navigation.request", phases.request),
                ("navigation.response", phases.response),
                ("navigation.dom_interactive", phases.dom_interactive),
                ("navigation.dom_content_loaded", phases.dom_content_loaded),
                ("navigation.load", phases.load),
            ];
            for (metric, tenths) in lengths_and_marks {
                self.push(metric, tenths as f64 / 10.0, phases.load / 10);
            }
        }
    }

    /// Adds the times to the first token of the answers of the assistant: short where it had thought
    /// of the question before, else long.
    fn answers(&mut self, in_seconds: bool, factor: f64) {
        for _ in 0..=self.draw.poisson(0.8) {
            let known = self.draw.chance(0.65);
            let ms = if known { self.draw.log_normal(380.0, 0.35) } else { self.draw.log_normal(1_900.0, 0.4) };
            let value = (ms * factor * 10.0).round() / 10.0;
            let at = aligned(between(self.start, self.hidden, self.draw), self.hidden);
            let measurement = Measurement::new(TTFT, value, at);
            self.all.push(if in_seconds { measurement.given_in("s") } else { measurement });
        }
    }

    fn error(&mut self) {
        let at = aligned(between(self.start, self.hidden, self.draw), self.hidden);
        let error = error(at, self.draw);
        self.all.push(error);
    }

    fn push(&mut self, metric: &'static str, value: f64, after_ms: u64) {
        let at = aligned(self.start.plus(Duration::from_millis(after_ms)), self.hidden);
        self.all.push(Measurement::new(metric, value, at));
    }

    /// Adds one of the web vitals, which was final `after_ms`, or when the page was hidden.
    fn push_vital(&mut self, metric: &'static str, value: f64, after_ms: Option<u64>, attribution: Option<&'static RawValue>) {
        let at = after_ms.map_or(self.hidden, |ms| self.start.plus(Duration::from_millis(ms)));
        let measurement = Measurement::new(metric, value, aligned(at, self.hidden)).with_id(self.draw.bits());
        self.all.push(match attribution {
            Some(attribution) => measurement.with_attribution(attribution),
            None => measurement,
        });
    }
}

fn error(at: Timestamp, draw: &mut Draw) -> Measurement {
    static MESSAGES: LazyLock<Vec<Box<RawValue>>> = LazyLock::new(|| {
        let texts = ["TypeError: undefined is not a function", "NetworkError: failed to fetch", "RangeError: invalid array length"];
        let raw = |text: &str| serde_json::value::to_raw_value(&serde_json::json!({ "message": text }));
        texts.into_iter().map(|text| raw(text).expect("a JSON value is JSON")).collect()
    });
    let message = &MESSAGES[draw.below(MESSAGES.len() as u64) as usize];
    Measurement::new(metric::ERROR, 1.0, at).with_attribution(message)
}

fn between(from: Timestamp, to: Timestamp, draw: &mut Draw) -> Timestamp {
    from.plus(to.since(from).mul_f64(draw.unit()))
}
