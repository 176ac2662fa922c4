//! One visitor: a person at a device, for the length of a visit.

use std::sync::Arc;

use schemas::time::Timestamp;

use super::{
    agent::{Agent, Class, Device, Engine},
    connection::Connection,
    country::Country,
};
use crate::draw::Draw;

/// The experiment that every visitor is in.
pub(crate) const EXPERIMENT: &str = "checkout";
/// The shop's own dimension.
pub(crate) const PLAN: &str = "plan";

/// Who visits, with what.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) agent: Agent,
    pub(crate) country: &'static Country,
    pub(crate) connection: Connection,
    /// `free` or `pro`.
    pub(crate) plan: &'static str,
    /// The arm of the experiment.
    pub(crate) arm: &'static str,
    /// How much longer scripts take than on a good desktop computer.
    pub(crate) cpu: f64,
    /// When a roll-out reaches this visitor, in [0, 1).
    pub(crate) place: f64,
    /// How far the device's clock is ahead, in milliseconds.
    pub(crate) clock_ahead_ms: i64,
    /// Whether the page's script tells times by the device's clock, not by age.
    pub(crate) tells_times: bool,
    /// Whether the page's script knows its route; else the intake has to make it from the address.
    pub(crate) knows_route: bool,
    /// Whether beacons are sent as JSON, not as plain text.
    pub(crate) sends_json: bool,
    /// Where durations of the page's own are given in seconds.
    pub(crate) measures_seconds: bool,
    pub(crate) session_id: String,
}

impl Visitor {
    /// A visitor from `country` at `at`; a robot with probability `bots`.
    pub(crate) fn draw(country: &'static Country, at: Timestamp, bots: f64, draw: &mut Draw) -> Arc<Self> {
        let class = match draw.unit() {
            of_all if of_all < country.phones => {
                if draw.chance(country.iphones) {
                    Class::IPhone
                } else {
                    Class::AndroidPhone
                }
            }
            of_all if of_all < country.phones + 0.05 => Class::Tablet,
            _ => Class::Desktop,
        };
        let agent = if draw.chance(bots) { Agent::draw_bot(draw) } else { Agent::draw(class, at, draw) };
        let cpu = match (agent.device, agent.engine) {
            (Device::Desktop, _) => draw.log_normal(1.0, 0.30),
            (Device::Tablet, _) => draw.log_normal(1.6, 0.35),
            (Device::Mobile, Engine::WebKit) => draw.log_normal(1.3, 0.30),
            (Device::Mobile, _) => draw.log_normal(2.3, 0.50),
        };
        // Most clocks are right to a second; some are off by hours.
        let clock_ahead_ms = if draw.chance(0.05) { draw.between(-2e7, 2e7) } else { draw.between(-900.0, 900.0) } as i64;
        Arc::new(Self {
            connection: Connection::draw(agent.device == Device::Mobile, country.slow, draw),
            agent,
            country,
            plan: if draw.chance(0.18) { "pro" } else { "free" },
            arm: if draw.chance(0.5) { "A" } else { "B" },
            cpu,
            place: draw.unit(),
            clock_ahead_ms,
            tells_times: draw.chance(0.05),
            knows_route: draw.chance(0.9),
            sends_json: draw.chance(0.25),
            measures_seconds: draw.chance(0.3),
            session_id: format!("s-{:016x}", draw.bits()),
        })
    }

    /// The connection's class as the browser tells it: only Chromium does.
    pub(crate) fn effective_type(&self) -> &'static str {
        if self.agent.engine == Engine::Chromium { self.connection.effective_type } else { "" }
    }
}
