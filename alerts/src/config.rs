//! How alerts are configured.

use std::time::Duration;

use crate::lifecycle::Policy;

/// Checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub policy: Policy,
    /// Where changes are told; nobody is told without one.
    pub webhook: Option<WebhookConfig>,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// `http` or `https`.
    pub url: String,
    /// Where people reach the dashboard, for the links in notifications.
    pub dashboard_url: String,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// A change that could not be told for this long is given up.
    pub give_up_after: Duration,
}
