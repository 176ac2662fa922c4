//! The worker: takes each app's alert through the minutes that were tested, and tells what is due.
//!
//! Of several one works and the others stand by. All that a worker knows stands in the store, so that
//! another goes on where it ended. It asks before each effect whether the work is still its own. One that
//! loses it in the midst of an effect may repeat what its successor does: a change is told again under
//! the same `Idempotency-Key`.

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use schemas::{
    alert::{Alert, AlertState, Delivery},
    app::AppId,
    time::{MinuteRange, Timestamp},
};
use service::{
    clock::Clock,
    health::Part,
    pace::Pace,
    shares::{Claim, Shares},
};
use store::{AlertQuery, Store, StoreError};

use crate::{
    config::Config,
    lifecycle::{Policy, advance},
    metrics,
    webhook::Webhook,
};

/// The job that workers share, and the key of all its work.
pub const JOB: &str = "alerts";
/// How often the worker looks whether a minute was tested or a change is due.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait before an alert is told again after an attempt that failed, at first and at the most.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// Groups flags into alerts, and tells of them.
#[derive(Debug)]
pub struct Worker<S: Store + ?Sized> {
    store: Arc<S>,
    apps: Vec<AppId>,
    policy: Policy,
    webhook: Option<Webhook>,
    shares: Shares,
    /// When an alert whose telling failed is tried again, and how long was waited for that.
    retries: HashMap<(AppId, u64), (Timestamp, Duration)>,
}

impl<S: Store + ?Sized> Worker<S> {
    /// A worker for `apps` on `store`, which works alone.
    ///
    /// # Errors
    /// When no TLS client can be made on this machine.
    pub fn new(store: Arc<S>, apps: Vec<AppId>, config: Config) -> Result<Self, reqwest::Error> {
        let webhook = config.webhook.map(Webhook::new).transpose()?;
        let policy = Policy { tell: webhook.is_some(), ..config.policy };
        Ok(Self { store, apps, policy, webhook, shares: Shares::all(), retries: HashMap::new() })
    }

    /// One of several workers: it works while [`JOB`] is its own.
    #[must_use]
    pub fn sharing(self, shares: Shares) -> Self {
        Self { shares, ..self }
    }

    /// Works until `shutdown` resolves. Errors of the store are logged and shown by `health`; what was
    /// not done is done later.
    pub async fn run(mut self, clock: Clock, health: Part, shutdown: impl Future<Output = ()>) {
        let mut pace = Pace::new(LOOK_INTERVAL, shutdown);
        let mut shares = self.shares.clone();
        loop {
            tokio::select! {
                goes_on = pace.next() => if !goes_on { break },
                // Whoever takes over doesn't wait for a tick.
                () = shares.changed() => {}
            }
            let done = self.step(Timestamp::from_ms(clock.now_ms())).await;
            if shares.owns(JOB) {
                ::metrics::gauge!(metrics::ACTIVE).set(1.0);
                health.note("alerts could not be brought up to date", done);
            } else {
                ::metrics::gauge!(metrics::ACTIVE).set(0.0);
                health.standing_by("another process works at the alerts");
            }
        }
    }

    /// One round: groups what was tested, and tells what is due; nothing while the work is another's.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub async fn step(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let Some(claim) = self.shares.claim(JOB) else {
            // Whoever has the work now tries for itself.
            self.retries.clear();
            return Ok(());
        };
        for app in self.apps.clone() {
            self.group(&claim, &app, now).await?;
        }
        self.tell(&claim, now).await
    }

    /// Takes the app's alert through every tested minute that it has not seen.
    async fn group(&self, claim: &Claim, app: &AppId, now: Timestamp) -> Result<(), StoreError> {
        let Some(tested) = self.store.tested(app).await? else { return Ok(()) };
        let first = self.store.grouped(app).await?.map_or(tested, |grouped| grouped.plus(1));
        if first > tested {
            return Ok(());
        }
        let mut alerts = self.store.alerts(&AlertQuery { app: Some(app.clone()), ..AlertQuery::default() }).await?;
        for minute in MinuteRange::new(first, tested.plus(1)).minutes() {
            let open = alerts.first().filter(|alert| alert.state != AlertState::Resolved).cloned();
            let next_id = alerts.first().map_or(1, |last| last.id + 1);
            let flags = self.store.flags(app, self.policy.looks_at(minute)).await?;
            let was_open = open.is_some();
            let before = open.as_ref().map(|alert| alert.changes.len()).unwrap_or_default();
            let changed = advance(&self.policy, app, open, next_id, minute, &flags, now);
            if !claim.holds() {
                return Ok(());
            }
            self.store.write_alerts(app, Some(minute), changed.as_slice()).await?;
            if let Some(alert) = changed {
                count_changes(&alert, before);
                if was_open {
                    alerts[0] = alert;
                } else {
                    alerts.insert(0, alert);
                }
            }
        }
        Ok(())
    }

    /// Tells every change that is due, those of one alert in order.
    async fn tell(&mut self, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
        let Some(webhook) = self.webhook.clone() else { return Ok(()) };
        let open = AlertQuery { open: true, ..AlertQuery::default() };
        for mut alert in self.store.alerts(&open).await? {
            let key = (alert.app.clone(), alert.id);
            if self.retries.get(&key).is_some_and(|(at, _)| now < *at) {
                continue;
            }
            while let Some(due) = alert.changes.iter().position(|change| change.delivery == Delivery::Due) {
                let change = alert.changes[due];
                if !claim.holds() {
                    return Ok(());
                }
                match webhook.tell(&alert, &change).await {
                    Ok(()) => {
                        self.retries.remove(&key);
                        alert.changes[due].delivery = Delivery::Done { at: now };
                        ::metrics::counter!(metrics::DELIVERIES, "outcome" => "done").increment(1);
                    }
                    Err(error) if now.since(change.at) >= webhook.config().give_up_after => {
                        tracing::error!(app = %alert.app, alert = alert.id, %error, "nobody was told of an alert: given up");
                        self.retries.remove(&key);
                        alert.changes[due].delivery = Delivery::Failed { at: now };
                        ::metrics::counter!(metrics::DELIVERIES, "outcome" => "given_up").increment(1);
                    }
                    Err(error) => {
                        let wait = self.retries.get(&key).map_or(RETRY_WAIT.0, |(_, waited)| (*waited * 2).min(RETRY_WAIT.1));
                        tracing::warn!(app = %alert.app, alert = alert.id, %error, wait_s = wait.as_secs(), "an alert could not be told: trying again");
                        self.retries.insert(key.clone(), (now.plus(wait), wait));
                        ::metrics::counter!(metrics::DELIVERIES, "outcome" => "retried").increment(1);
                        break;
                    }
                }
                if !claim.holds() {
                    return Ok(());
                }
                self.store.write_alerts(&alert.app, None, std::slice::from_ref(&alert)).await?;
            }
        }
        Ok(())
    }
}

fn count_changes(alert: &Alert, before: usize) {
    for change in &alert.changes[before..] {
        tracing::info!(app = %alert.app, alert = alert.id, state = change.state.name(), "an alert changed");
        ::metrics::counter!(metrics::CHANGES, "state" => change.state.name()).increment(1);
    }
}
