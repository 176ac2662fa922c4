//! What an incident does to a page view.

use schemas::{dimension::Dimension, time::Timestamp};

use super::timing::Timing;
use crate::{
    draw::Draw,
    population::release::rolled_out,
    scenario::{Incident, Scenario},
};

/// Keeps the draws for incidents apart from all others of a page view.
const INCIDENT: u64 = 1;

/// A scenario whose times are resolved.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    scenario: Scenario,
    /// For each incident when it starts and ends.
    spans: Vec<(Timestamp, Timestamp)>,
}

/// By what the measurements of one page view are multiplied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effect {
    pub(crate) ttfb: f64,
    pub(crate) fcp: f64,
    pub(crate) lcp: f64,
    pub(crate) inp: f64,
    pub(crate) cls: f64,
    pub(crate) ttft: f64,
    pub(crate) errors: f64,
}

impl Effect {
    /// No effect.
    pub(crate) const NONE: Self = Self { ttfb: 1.0, fcp: 1.0, lcp: 1.0, inp: 1.0, cls: 1.0, ttft: 1.0, errors: 1.0 };
}

impl Course {
    pub(crate) fn new(scenario: Scenario, reference: Timestamp) -> Self {
        let span = |incident: &Incident| {
            let start = incident.start.resolve(reference);
            (start, start.plus(incident.duration))
        };
        Self { spans: scenario.incidents.iter().map(span).collect(), scenario }
    }

    fn active(&self, at: Timestamp) -> impl Iterator<Item = (usize, &Incident)> {
        let within = move |(i, _): &(usize, &Incident)| self.spans[*i].0 <= at && at < self.spans[*i].1;
        self.scenario.incidents.iter().enumerate().filter(within)
    }

    /// The release at `at` of a visitor whose place in roll-outs is `place`.
    pub(crate) fn release(&self, at: Timestamp, place: f64) -> String {
        let brought = self.active(at).find_map(|(i, incident)| {
            let release = incident.release.as_ref()?;
            (place < rolled_out(at.since(self.spans[i].0), incident.rollout)).then(|| release.clone())
        });
        brought.unwrap_or_else(|| self.scenario.releases.at(at, place))
    }

    /// What happens at `at` to a page view that has `value` in each dimension. `seed` is the page view's.
    pub(crate) fn effect<'a>(&self, at: Timestamp, seed: u64, value: impl Fn(&Dimension) -> &'a str) -> Effect {
        let mut effect = Effect::NONE;
        for (i, incident) in self.active(at) {
            let has_release = incident.release.as_deref().is_none_or(|release| release == value(&Dimension::Release));
            let in_slice = || incident.slice.iter().all(|(dimension, values)| values.iter().any(|wanted| wanted == value(dimension)));
            // A draw of its own for each incident, so that nothing else depends on there being one.
            let in_share = || Draw::new(seed, &[INCIDENT, i as u64]).chance(incident.share);
            if has_release && in_slice() && in_share() {
                effect.multiply(incident);
            }
        }
        effect
    }
}

impl Effect {
    fn multiply(&mut self, incident: &Incident) {
        let factor = |metric: &str| incident.latency.get(metric).copied().unwrap_or(1.0);
        self.ttfb *= factor("TTFB");
        self.fcp *= factor("FCP");
        self.lcp *= factor("LCP");
        self.inp *= factor("INP");
        self.cls *= factor("CLS");
        self.ttft *= factor("ttft");
        self.errors *= incident.errors;
    }

    /// Changes `timing`. Time on top of TTFB is spent waiting for the answer and delays all that
    /// follows; time on top of FCP delays LCP; the others change alone.
    pub(crate) fn apply(&self, timing: &mut Timing) {
        let scale = |value: u64, factor: f64| (value as f64 * factor).round() as u64;
        let shift = |value: &mut u64, before: u64, after: u64| *value = (*value + after).saturating_sub(before);
        if let Some(phases) = &mut timing.phases
            && self.ttfb != 1.0
        {
            // Only waiting can shrink, and not below nothing.
            let before = timing.ttfb;
            let after = scale(before, self.ttfb).max(before - phases.request);
            let later = [&mut phases.dom_interactive, &mut phases.dom_content_loaded, &mut phases.load, &mut timing.fcp, &mut timing.lcp];
            later.into_iter().for_each(|mark| shift(mark, before, after));
            shift(&mut phases.request, before, after);
            timing.ttfb = after;
        }
        let (before, after) = (timing.fcp, scale(timing.fcp, self.fcp));
        shift(&mut timing.lcp, before, after);
        timing.fcp = after;
        timing.lcp = scale(timing.lcp, self.lcp);
        timing.cls = scale(timing.cls, self.cls);
        timing.inp = timing.inp.map(|inp| scale(inp, self.inp));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::timing::Phases;

    fn timing() -> Timing {
        let phases = Phases {
            redirect: 0,
            dns: 100,
            connect: 200,
            tls: 200,
            request: 1_500,
            response: 300,
            dom_interactive: 4_000,
            dom_content_loaded: 5_000,
            load: 9_000,
        };
        Timing { phases: Some(phases), ttfb: 2_000, fcp: 6_000, lcp: 12_000, cls: 300, inp: Some(800) }
    }

    #[test]
    fn time_on_top_of_the_first_byte_is_spent_waiting_and_delays_what_follows() {
        let mut slow = timing();
        Effect { ttfb: 3.0, ..Effect::NONE }.apply(&mut slow);
        let phases = slow.phases.unwrap();
        assert_eq!((slow.ttfb, phases.request, phases.load, slow.fcp, slow.lcp), (6_000, 5_500, 13_000, 10_000, 16_000));
        assert_eq!(phases.redirect + phases.dns + phases.connect + phases.tls + phases.request, slow.ttfb);
        let mut fast = timing();
        Effect { ttfb: 0.0, ..Effect::NONE }.apply(&mut fast);
        assert_eq!((fast.ttfb, fast.phases.unwrap().request, fast.lcp), (500, 0, 10_500));
    }

    #[test]
    fn the_other_metrics_change_alone_and_no_effect_changes_nothing() {
        let mut changed = timing();
        Effect { lcp: 2.0, inp: 3.0, cls: 0.5, ..Effect::NONE }.apply(&mut changed);
        assert_eq!(changed, Timing { lcp: 24_000, inp: Some(2_400), cls: 150, ..timing() });
        let mut same = timing();
        Effect::NONE.apply(&mut same);
        assert_eq!(same, timing());
    }
}
