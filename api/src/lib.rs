//! The API: questions about an app's users come in by HTTP, answers go out as JSON.
//!
//! A request's parameters become a [`question`]: which rollups, in which windows, from which cuboid. The
//! store answers with merged rollups, or, where no cuboid has what was asked about together, with samples, from which
//! rollups are estimated (`sampled`); the `source` is one to the handlers. The [`answer`] says of each number what it
//! is. It talks to the store alone.

pub mod answer;
mod apps;
pub mod error;
mod findings;
mod measures;
pub mod metrics;
mod outcomes;
mod params;
mod question;
mod releases;
pub mod router;
mod sampled;
mod samples;
mod source;
mod summary;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use schemas::{
    app::{App, AppId},
    metric::MetricName,
    time::Timestamp,
    unit::Unit,
};
use service::clock::Clock;
use store::Store;

/// What the API knows of an app.
#[derive(Debug, Clone)]
pub struct KnownApp {
    pub app: App,
    /// Its public write key.
    pub key: String,
    /// Metrics of its own whose unit is declared.
    pub metrics: BTreeMap<MetricName, Unit>,
}

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    store: Arc<dyn Store>,
    apps: Arc<BTreeMap<AppId, KnownApp>>,
    retention: Retention,
    clock: Clock,
}

/// For how long rollups are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    pub minutes: Duration,
    pub hours: Duration,
}

impl std::fmt::Debug for ApiState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiState").field("apps", &self.apps).finish_non_exhaustive()
    }
}

impl ApiState {
    /// The state of a router that answers from `store` about `apps`.
    pub fn new(store: Arc<dyn Store>, apps: Vec<KnownApp>, retention: Retention, clock: Clock) -> Self {
        let apps = apps.into_iter().map(|known| (known.app.id.clone(), known)).collect();
        Self { store, apps: Arc::new(apps), retention, clock }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.clock.now_ms())
    }
}
