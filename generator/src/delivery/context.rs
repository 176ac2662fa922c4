//! What a beacon says about its page view, and what the intake makes of it.

use std::{borrow::Cow, sync::Arc};

use schemas::{
    dimension::{Dimension, clean_value},
    time::Timestamp,
};

use crate::population::visitor::{EXPERIMENT, PLAN, Visitor};

/// Stands in the truth for every one of the made-up routes that a client floods the intake with: which of
/// them the intake keeps and which it folds into `__other__` depends on how many it saw before.
pub const FLOODED: &str = "__flooded__";

/// The context of a page view: what its beacons say beside their measurements. Empty texts are not sent.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) visitor: Arc<Visitor>,
    /// Of the address, such as `/product/4711`.
    pub(crate) path: String,
    /// The route as sent, or as the intake is to make it from the address.
    pub(crate) route: Cow<'static, str>,
    pub(crate) sends_route: bool,
    pub(crate) view_id: String,
    pub(crate) started: Timestamp,
    pub(crate) navigation_type: Cow<'static, str>,
    pub(crate) release: Cow<'static, str>,
    pub(crate) connection: Cow<'static, str>,
    pub(crate) plan: Cow<'static, str>,
    /// Of the experiment; empty when the beacon tells of none.
    pub(crate) arm: Cow<'static, str>,
    /// Whether the route is one of a flood.
    pub(crate) flooded: bool,
}

impl Context {
    /// What is sent for `dimension`, in the body or otherwise; empty for nothing.
    pub(crate) fn as_sent(&self, dimension: &Dimension) -> &str {
        let agent = &self.visitor.agent;
        match dimension {
            Dimension::Route => &self.route,
            Dimension::Country => self.visitor.country.code,
            Dimension::Region | Dimension::Network => "",
            Dimension::Browser => agent.browser,
            Dimension::BrowserVersion => &agent.browser_version,
            Dimension::Os => agent.os,
            Dimension::Device => agent.device.name(),
            Dimension::Connection => &self.connection,
            Dimension::Release => &self.release,
            Dimension::NavigationType => &self.navigation_type,
            Dimension::Experiment if self.arm.is_empty() => "",
            Dimension::Experiment => EXPERIMENT,
            Dimension::Arm => &self.arm,
            Dimension::Custom(name) if name.as_str() == PLAN => &self.plan,
            Dimension::Custom(_) => "",
        }
    }

    /// The value of `dimension` as the intake shows it.
    pub(crate) fn value(&self, dimension: &Dimension) -> Cow<'_, str> {
        if self.flooded && *dimension == Dimension::Route { FLOODED.into() } else { clean_value(self.as_sent(dimension)) }
    }
}
