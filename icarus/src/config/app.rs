//! Checking one app's part.

use std::collections::BTreeMap;

use api::KnownApp;
use ingest::{
    config::{AppPolicy, Origins},
    route::RouteRules,
};
use schemas::{
    app::{App, AppId},
    cuboid::{self, CUBOIDS_MAX, Cuboid},
    dimension::{CUSTOM_MAX, Dimension, DimensionName},
    metric::{MetricName, known},
    unit::Unit,
};

use super::{Check, raw::RawApp};

/// An app as the rooms know it.
#[derive(Debug, Clone)]
pub(crate) struct CheckedApp {
    pub(crate) app: App,
    pub(crate) policy: AppPolicy,
    pub(crate) known: KnownApp,
}

/// The app called `id`; `None` when something is wrong, which `check` then knows.
pub(super) fn check_app(id: &str, raw: RawApp, hour_retention: std::time::Duration, check: &mut Check<'_>) -> Option<CheckedApp> {
    let key = |name: &str| format!("apps.{id}.{name}");
    let before = check.problems();
    let app_id = check.parsed(&format!("apps.{id}"), AppId::new(id));
    if raw.key.is_empty() {
        check.problem(&key("key"), "must not be empty: pages send it with their beacons");
    }
    if raw.lateness_max > hour_retention {
        check.problem(&key("lateness_max"), "is longer than store.hour_retention: such late events would be deleted at once");
    }
    for origin in raw.origins.iter().filter(|origin| !is_origin(origin)) {
        check.problem(&key("origins"), &format!("`{origin}` is no origin: write https://host, without a path, or *"));
    }
    let routes = check.parsed(&key("routes"), RouteRules::new(raw.routes.iter().map(String::as_str)));
    let dimensions: Vec<DimensionName> =
        raw.dimensions.iter().filter_map(|name| check.parsed(&key("dimensions"), DimensionName::new(name))).collect();
    if dimensions.len() > CUSTOM_MAX {
        check.problem(&key("dimensions"), &format!("an app may have {CUSTOM_MAX}"));
    }
    let cuboids = check_cuboids(&raw.cuboids, &dimensions, &key("cuboids"), check);
    let metrics = check_metrics(&raw.metrics, &key("metrics"), check);
    if check.problems() > before {
        return None;
    }
    let app = App { id: app_id?, custom: dimensions.clone(), cuboids };
    let origins = if raw.origins.iter().any(|origin| origin == "*") { Origins::Any } else { Origins::Only(raw.origins) };
    let policy = AppPolicy {
        id: app.id.clone(),
        key: raw.key,
        origins,
        routes: routes?,
        dimensions,
        metrics: metrics.clone(),
        lateness_max: raw.lateness_max,
        reject_bots: raw.reject_bots,
    };
    Some(CheckedApp { known: KnownApp { app: app.clone(), key: policy.key.clone(), metrics }, app, policy })
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' ']))
}

/// The cuboids named, with the total among them; the defaults when none is.
fn check_cuboids(given: &[String], own: &[DimensionName], key: &str, check: &mut Check<'_>) -> Vec<Cuboid> {
    if given.is_empty() {
        return cuboid::defaults(own);
    }
    let mut cuboids: Vec<Cuboid> = given.iter().filter_map(|names| check.parsed(key, names.parse::<Cuboid>())).collect();
    for dimension in cuboids.iter().flat_map(Cuboid::dimensions) {
        if let Dimension::Custom(name) = dimension
            && !own.contains(name)
        {
            check.problem(key, &format!("`{}` is no dimension: add it to the app's `dimensions`, or correct its name", name.as_str()));
        }
    }
    if !cuboids.contains(&Cuboid::default()) {
        cuboids.insert(0, Cuboid::default());
    }
    if cuboids.len() > CUBOIDS_MAX {
        check.problem(key, &format!("an app may have {CUBOIDS_MAX}"));
    }
    cuboids
}

fn check_metrics(given: &BTreeMap<String, String>, key: &str, check: &mut Check<'_>) -> BTreeMap<MetricName, Unit> {
    let mut metrics = BTreeMap::new();
    for (name, unit) in given {
        let key = format!("{key}.{name}");
        if known(name).is_some() {
            check.problem(&key, "has a unit of its own in every app");
        }
        let found = Unit::ALL.into_iter().find(|known| known.name() == unit);
        if found.is_none() {
            check.problem(&key, &format!("`{unit}` is no unit: ms, score, bytes, count or per_second"));
        }
        if let (Some(name), Some(unit)) = (check.parsed(&key, MetricName::new(name)), found) {
            metrics.insert(name, unit);
        }
    }
    metrics
}
