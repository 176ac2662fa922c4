//! Loading a page: the phases of the navigation, the paints, and how it moves and answers.
//!
//! Browsers tell these times to a tenth of a millisecond, so that is what is counted in here, in
//! integers: the phases before the first byte add up to TTFB exactly.

use crate::{
    draw::Draw,
    population::{
        agent::{Agent, Device, Engine},
        route::Route,
        visitor::Visitor,
    },
};

/// A time in tenths of a millisecond.
pub(crate) type Tenths = u64;

/// How a page was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Navigation {
    Navigate,
    Reload,
    BackForward,
    BackForwardCache,
    Prerender,
}

/// Times since the navigation began, but for the phases, which are lengths.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timing {
    /// `None` where the document came from memory.
    pub(crate) phases: Option<Phases>,
    pub(crate) ttfb: Tenths,
    pub(crate) fcp: Tenths,
    pub(crate) lcp: Tenths,
    /// In ten-thousandths.
    pub(crate) cls: u64,
    /// `None` without an interaction.
    pub(crate) inp: Option<Tenths>,
}

/// Phases before the first byte, and the marks after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phases {
    pub(crate) redirect: Tenths,
    pub(crate) dns: Tenths,
    pub(crate) connect: Tenths,
    pub(crate) tls: Tenths,
    pub(crate) request: Tenths,
    pub(crate) response: Tenths,
    pub(crate) dom_interactive: Tenths,
    pub(crate) dom_content_loaded: Tenths,
    pub(crate) load: Tenths,
}

impl Navigation {
    /// How a page was reached: the first of a visit or a later one.
    pub(crate) fn draw(first: bool, engine: Engine, draw: &mut Draw) -> Self {
        let of_all = draw.unit();
        match of_all {
            _ if of_all < 0.05 => Self::Reload,
            _ if first => Self::Navigate,
            _ if of_all < 0.12 => Self::BackForward,
            _ if of_all < 0.18 => Self::BackForwardCache,
            _ if of_all < 0.22 && engine == Engine::Chromium => Self::Prerender,
            _ => Self::Navigate,
        }
    }

    /// Its name as browsers tell it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Navigate => "navigate",
            Self::Reload => "reload",
            Self::BackForward => "back-forward",
            Self::BackForwardCache => "back-forward-cache",
            Self::Prerender => "prerender",
        }
    }
}

impl Timing {
    /// The timing of one page view of `visitor`, where servers take `load` times as long as on average.
    pub(crate) fn draw(visitor: &Visitor, route: &Route, navigation: Navigation, load: f64, draw: &mut Draw) -> Self {
        let cpu = visitor.cpu;
        let (phases, ttfb) = match navigation {
            Navigation::BackForwardCache | Navigation::Prerender => (None, 0),
            Navigation::Navigate | Navigation::Reload | Navigation::BackForward => {
                let (phases, ttfb) = Phases::draw(visitor, route, navigation, load, draw);
                (Some(phases), ttfb)
            }
        };
        let (fcp, lcp) = match &phases {
            None => {
                let fcp = tenths(draw.log_normal(28.0 * cpu, 0.5));
                (fcp, fcp + tenths(draw.log_normal(20.0 * cpu, 0.7)))
            }
            Some(phases) => {
                let fcp = ttfb + phases.response / 3 + tenths(draw.log_normal(170.0 * cpu.sqrt() * route.script, 0.42));
                (fcp, fcp + content_delay(visitor, route, draw))
            }
        };
        let cls = layout_shift(visitor.agent.device, draw);
        // Event timing counts in steps of 8 ms.
        let steps = (draw.log_normal(42.0 * cpu * route.script, 0.75) / 8.0).round().clamp(1.0, 1_500.0);
        let inp = draw.chance(route.interacts).then_some(80 * steps as Tenths);
        Self { phases, ttfb, fcp, lcp, cls, inp }
    }
}

impl Phases {
    /// The phases and TTFB.
    fn draw(visitor: &Visitor, route: &Route, navigation: Navigation, load: f64, draw: &mut Draw) -> (Self, Tenths) {
        let (cpu, link) = (visitor.cpu, visitor.connection);
        let rtt = (visitor.country.rtt_ms + link.rtt_ms) * draw.log_normal(1.0, 0.22);
        let fresh = navigation == Navigation::Navigate;
        let maybe = |happens: bool, median: f64, sigma: f64, draw: &mut Draw| {
            let length = tenths(draw.log_normal(median, sigma));
            if happens { length } else { 0 }
        };
        let (redirects, resolves, connects) = (fresh && draw.chance(0.06), fresh && draw.chance(0.45), fresh && draw.chance(0.55));
        let redirect = maybe(redirects, 2.2 * rtt, 0.5, draw);
        let dns = maybe(resolves, 12.0 + 0.4 * rtt, 0.7, draw);
        let connect = maybe(connects, rtt, 0.15, draw);
        let tls = maybe(connects, 1.1 * rtt, 0.2, draw);
        // Three modes: the browser's own cache, the cache near the visitor, the shop's servers.
        let wait = match navigation {
            Navigation::BackForward => draw.log_normal(3.0, 0.4),
            _ if draw.chance(route.cached) => rtt + draw.log_normal(9.0, 0.4),
            _ => 1.6 * rtt + draw.log_normal(route.server_ms * load, 0.42),
        };
        let request = tenths(wait);
        let response = tenths(route.document_kb * 8_000.0 / link.kbps * draw.log_normal(1.0, 0.3) + 1.0);
        let ttfb = redirect + dns + connect + tls + request;
        let dom_interactive = ttfb + response + tenths(draw.log_normal(90.0 * cpu * route.script, 0.4));
        let dom_content_loaded = dom_interactive + tenths(draw.log_normal(45.0 * cpu * route.script, 0.5));
        let load = dom_content_loaded + tenths(draw.log_normal(260.0 + 2.0 * rtt + route.image_kb * 8_000.0 / link.kbps, 0.5));
        (Self { redirect, dns, connect, tls, request, response, dom_interactive, dom_content_loaded, load }, ttfb)
    }
}

/// From the first paint to the largest: none where it is text, little for an image in the cache,
/// more for one that is fetched.
fn content_delay(visitor: &Visitor, route: &Route, draw: &mut Draw) -> Tenths {
    let of_all = draw.unit();
    let delay = match of_all {
        _ if route.image_kb == 0.0 || of_all < 0.25 => 0.0,
        _ if of_all < 0.55 => draw.log_normal(60.0 * visitor.cpu.sqrt(), 0.5),
        _ => {
            let rtt = visitor.country.rtt_ms + visitor.connection.rtt_ms;
            let fetch = 320.0 + 3.0 * rtt + route.image_kb * 8_000.0 / visitor.connection.kbps;
            draw.log_normal(fetch, 0.45)
        }
    };
    tenths(delay)
}

/// CLS: many pages don't move at all, and a few move a lot.
fn layout_shift(device: Device, draw: &mut Draw) -> u64 {
    let (still, median) = match device {
        Device::Desktop => (0.48, 0.022),
        Device::Mobile | Device::Tablet => (0.42, 0.038),
    };
    let shift = draw.log_normal(median, 1.25).min(3.0);
    if draw.chance(still) { 0 } else { (shift * 10_000.0).round() as u64 }
}

/// Whether a browser reports `LCP` and `INP`: Safari does since version 26.
pub(crate) fn reports_paints(agent: &Agent) -> bool {
    agent.engine != Engine::WebKit || agent.major >= 26
}

/// Whether a browser reports `CLS`: only Chromium does.
pub(crate) fn reports_shifts(agent: &Agent) -> bool {
    agent.engine == Engine::Chromium
}

/// Milliseconds in tenths; nothing takes longer than an hour here.
fn tenths(ms: f64) -> Tenths {
    (ms * 10.0).round().clamp(0.0, 36_000_000.0) as Tenths
}
