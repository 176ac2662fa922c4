//! Telling a webhook of an alert's change.

use rustls::crypto::ring;
use schemas::{
    alert::{Alert, AlertChange},
    sentence,
};
use serde_json::{Value, json};

use crate::config::WebhookConfig;

/// Why a change could not be told. It may work later.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("the webhook can't be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    #[error("the webhook answered {0}")]
    Refused(reqwest::StatusCode),
}

/// A webhook that is told of changes by POST.
#[derive(Debug, Clone)]
pub struct Webhook {
    config: WebhookConfig,
    client: reqwest::Client,
}

impl Webhook {
    /// One for `config`.
    ///
    /// # Errors
    /// When no TLS client can be made on this machine.
    pub fn new(config: WebhookConfig) -> Result<Self, reqwest::Error> {
        let client = client_builder().timeout(config.timeout).build()?;
        Ok(Self { config, client })
    }

    /// How it is configured.
    pub fn config(&self) -> &WebhookConfig {
        &self.config
    }

    /// Tells one change. The same change told again has the same `Idempotency-Key`.
    ///
    /// # Errors
    /// When the webhook can't be reached or does not answer with a 2xx.
    pub async fn tell(&self, alert: &Alert, change: &AlertChange) -> Result<(), WebhookError> {
        let request = self.client.post(&self.config.url).header("idempotency-key", key(alert, change)).json(&body(
            alert,
            change,
            &self.config.dashboard_url,
        ));
        let response = request.send().await.map_err(|error| WebhookError::Unreachable(error.without_url()))?;
        if response.status().is_success() { Ok(()) } else { Err(WebhookError::Refused(response.status())) }
    }
}

/// An HTTP client that names itself and can speak TLS.
pub fn client_builder() -> reqwest::ClientBuilder {
    // An error means that the process has a provider already.
    let _ = ring::default_provider().install_default();
    reqwest::Client::builder().user_agent(concat!("icarus/", env!("CARGO_PKG_VERSION")))
}

/// Names a change for ever.
fn key(alert: &Alert, change: &AlertChange) -> String {
    format!("{}-{}-{}", alert.app, alert.id, change.state.name())
}

/// What the webhook gets. `status` and `alert` are for programs, `text` is for people.
fn body(alert: &Alert, change: &AlertChange, dashboard_url: &str) -> Value {
    let lead = &alert.lead;
    let slice: serde_json::Map<String, Value> =
        lead.series.group.slice().map(|(dimension, value)| (dimension.to_string(), value.into())).collect();
    json!({
        "version": "1",
        "key": key(alert, change),
        "status": change.state.name(),
        "at": change.at.to_string(),
        "text": sentence::of_alert(alert),
        "url": format!("{}/apps/{}/alerts/{}", dashboard_url.trim_end_matches('/'), alert.app, alert.id),
        "alert": {
            "app": alert.app.as_str(),
            "id": alert.id,
            "began": alert.began.start().to_string(),
            "last_flagged": alert.last_flagged.end().to_string(),
            "minutes_flagged": alert.minutes_flagged,
            "series_max": alert.series_max,
            "metric": lead.series.metric.name.as_str(),
            "unit": lead.series.metric.unit.name(),
            "slice": slice,
            "rule": lead.rule.name(),
            "observed": lead.observed,
            "expected": lead.expected,
            "effect": lead.effect,
            "n": lead.n,
            "p_value": lead.p_value,
        },
    })
}
