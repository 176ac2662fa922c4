//! Enrichment: validated events get the dimensions of the page view that they belong to, and become a
//! record.

use std::borrow::Cow;

use bytes::Bytes;
use schemas::{
    beacon::{Beacon, RawEvent, Text, WebVital},
    dimension::clean_value,
    record::{self, ArmView, BeaconRecordView, CustomDimensionView, EventView, RejectionView, ViewEncode},
    time::Timestamp,
};

use crate::{
    agent::Agent,
    config::AppPolicy,
    route::{path_of, public_url},
    validate::{Rejected, ValidEvent, cut},
};

/// Experiments of one page view that are kept, in the order of their names.
const EXPERIMENTS_MAX: usize = 8;
/// Longer addresses are cut.
const URL_BYTES_MAX: usize = 2_048;

/// What a trusted proxy told of the client. Empty where it told nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    pub country: String,
    pub region: String,
    pub network: String,
}

/// The page view that events belong to, as text that may be kept.
#[derive(Debug, Default)]
pub struct Context<'a> {
    pub beacon_id: Cow<'a, [u8]>,
    /// Of the request; 0 if it has none.
    pub arrival: u64,
    pub weight: u32,
    pub route: Cow<'a, str>,
    pub url: Cow<'a, str>,
    pub view_id: Cow<'a, str>,
    pub session_id: Cow<'a, str>,
    pub navigation_type: Cow<'a, str>,
    pub release: Cow<'a, str>,
    pub connection: Cow<'a, str>,
    pub experiments: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub custom: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Context<'a> {
    /// The context of one of our beacons.
    pub fn of_beacon(beacon: &'a Beacon<'a, RawEvent<'a>>, app: &'a AppPolicy, weight: u32) -> Self {
        let page = beacon.page.as_ref();
        let url = text(page.and_then(|page| page.url.as_ref()));
        let given_route = clean(page.and_then(|page| page.route.as_ref()));
        let route = if given_route.is_empty() && !url.is_empty() { route_of(app, url) } else { given_route };
        let arms = beacon.experiments.iter().flatten().take(EXPERIMENTS_MAX);
        let own = |name: &'a schemas::dimension::DimensionName| {
            let value = beacon.dimensions.as_ref()?.get(&Text::from(name.as_str()))?;
            Some((name.as_str(), clean_value(value.as_str())))
        };
        Self {
            beacon_id: Cow::Borrowed(text(beacon.id.as_ref()).as_bytes()),
            arrival: 0,
            weight,
            route,
            url: bounded_url(url),
            view_id: cut(Cow::Borrowed(text(page.and_then(|page| page.view_id.as_ref())))),
            session_id: cut(Cow::Borrowed(text(beacon.session.as_ref().and_then(|session| session.id.as_ref())))),
            navigation_type: clean(page.and_then(|page| page.navigation_type.as_ref())),
            release: clean(beacon.release.as_ref()),
            connection: clean(beacon.connection.as_ref()),
            experiments: arms.map(|(experiment, arm)| (clean_value(experiment.as_str()), clean_value(arm.as_str()))).collect(),
            custom: app.dimensions.iter().filter_map(own).collect(),
        }
    }

    /// The context of bare web-vitals objects: what they say themselves, and the page they were sent
    /// from by the `Referer` header. The same objects sent again are the same beacon.
    pub fn of_vitals(vitals: &[WebVital<'a>], referer: &'a str, app: &'a AppPolicy) -> Self {
        let first = vitals.first();
        let navigation_url = first.and_then(|vital| vital.navigation_url.as_ref()).map_or("", |url| url.as_str());
        let url = if navigation_url.is_empty() { referer } else { navigation_url }.to_owned();
        let all_named = !vitals.is_empty() && vitals.iter().all(|vital| vital.id.is_some());
        let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
        for vital in vitals {
            for part in [vital.name.as_ref(), vital.id.as_ref()] {
                hasher.update(text(part).as_bytes());
                hasher.update(&[0]);
            }
            hasher.update(&vital.value.unwrap_or_default().to_le_bytes());
        }
        let route = if url.is_empty() { String::new() } else { route_of(app, &url).into_owned() };
        Self {
            beacon_id: if all_named { Cow::Owned(hasher.digest128().to_le_bytes().to_vec()) } else { Cow::Borrowed(&[]) },
            weight: 1,
            route: Cow::Owned(route),
            url: Cow::Owned(bounded_url(&url).into_owned()),
            navigation_type: first
                .and_then(|vital| vital.navigation_type.as_ref())
                .map_or(Cow::Borrowed(""), |kind| Cow::Owned(clean_value(kind.as_str()).into_owned())),
            ..Self::default()
        }
    }

    /// The record of the events, encoded.
    pub fn record(
        &self,
        app: &AppPolicy,
        agent: &Agent,
        edge: &Edge,
        received: Timestamp,
        events: &[ValidEvent<'_>],
        rejected: &[Rejected],
    ) -> Bytes {
        let view = BeaconRecordView {
            app: app.id.as_str(),
            beacon_id: &self.beacon_id,
            received_ms: u64::try_from(received.as_ms()).unwrap_or(0),
            lateness_max_s: u32::try_from(app.lateness_max.as_secs()).unwrap_or(u32::MAX),
            weight: self.weight,
            arrival: self.arrival,
            route: &self.route,
            country: &edge.country,
            region: &edge.region,
            network: &edge.network,
            browser: &agent.browser,
            browser_version: &agent.browser_version,
            os: &agent.os,
            device: agent.device,
            connection: &self.connection,
            release: &self.release,
            navigation_type: &self.navigation_type,
            experiments: self.experiments.iter().map(|(experiment, arm)| ArmView { experiment, arm }).collect(),
            custom: self.custom.iter().map(|(name, value)| CustomDimensionView { name, value }).collect(),
            view_id: &self.view_id,
            session_id: &self.session_id,
            url: &self.url,
            events: events.iter().map(event_view).collect(),
            rejections: by_reason(rejected).into_iter().map(|(reason, count)| RejectionView { reason, count }).collect(),
            ..BeaconRecordView::default()
        };
        view.encode_to_bytes()
    }
}

fn event_view<'a>(event: &'a ValidEvent<'a>) -> EventView<'a> {
    EventView {
        metric: &event.metric,
        unit: record::Unit::into(event.unit.to_wire()),
        value: event.value,
        age_ms: event.age_ms,
        id: &event.id,
        attribution_json: event.attribution.as_bytes(),
    }
}

/// How many events were rejected for each reason.
fn by_reason(rejected: &[Rejected]) -> Vec<(&'static str, u64)> {
    let mut counts: Vec<(&'static str, u64)> = Vec::new();
    for name in rejected.iter().map(|rejected| rejected.reason.name()) {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts
}

fn text<'a>(text: Option<&'a Text<'_>>) -> &'a str {
    text.map_or("", Text::as_str)
}

fn clean<'a>(given: Option<&'a Text<'_>>) -> Cow<'a, str> {
    clean_value(text(given))
}

fn route_of<'a>(app: &'a AppPolicy, url: &'a str) -> Cow<'a, str> {
    match app.routes.route(path_of(url)) {
        Cow::Borrowed(route) => clean_value(route),
        Cow::Owned(route) => Cow::Owned(clean_value(&route).into_owned()),
    }
}

fn bounded_url(url: &str) -> Cow<'_, str> {
    let url = public_url(url);
    if url.len() <= URL_BYTES_MAX { url } else { Cow::Borrowed("") }
}
