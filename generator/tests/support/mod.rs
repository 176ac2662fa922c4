//! An intake of a hundred lines, written from the contract alone: what the generator's truth is held against.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(unreachable_pub, reason = "a module of each test program")]

pub mod server;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use generator::{Delivery, Rates, Stream, Traffic, delivery::fate::EVENTS_MAX};
use schemas::{
    app::AppId,
    beacon::{Beacon, BeaconEvent, ClientTime, RawEvent, Text, WebVital},
    dimension::clean_value,
    metric::{self, MetricName},
    time::{Minute, Timestamp},
    unit::{GivenUnit, Unit},
};

pub const APP: &str = "shop";
pub const KEY: &str = "pk_shop";

/// A Tuesday.
pub fn tuesday() -> Timestamp {
    "2026-11-17T00:00:00Z".parse().unwrap()
}

pub fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

/// Traffic without anything unusual, `page_views` a minute.
pub fn plain(page_views: f64) -> Traffic {
    Traffic { page_views_per_minute: page_views, rates: Rates::NONE, ..Traffic::new(AppId::new(APP).unwrap(), KEY) }
}

/// Traffic with a lot that is unusual.
pub fn awkward(page_views: f64) -> Traffic {
    let rates = Rates { late: 0.1, too_late: 0.03, repeated: 0.1, bots: 0.08, hostile: 0.08, bare: 0.08 };
    Traffic { rates, too_large_bytes: BODY_BYTES_MAX + 1, ..plain(page_views) }
}

/// All deliveries of the page views within `length` of Tuesday.
pub fn deliveries(traffic: Traffic, length: Duration) -> Stream {
    Stream::new(traffic, tuesday()..tuesday().plus(length), tuesday().plus(length)).unwrap()
}

/// The largest body that the intake takes.
pub const BODY_BYTES_MAX: usize = 100_000;

/// What was counted: by metric, minute and one dimension's value the samples, count and sum.
pub type Counts = BTreeMap<Key, Count>;
type Key = (String, Minute, &'static str, String);
type Count = (u64, u64, u64);

/// An intake that counts.
#[derive(Default)]
pub struct Intake {
    pub counts: Counts,
    pub too_late: u64,
    pub duplicate: u64,
    pub rejected: BTreeMap<&'static str, u64>,
    /// Beacons by the minutes of their events.
    pub beacons: BTreeMap<Minute, u64>,
    /// Beacons taken, by id.
    seen: HashMap<String, ()>,
}

/// Its answer: the status, and for 202 the events accepted and the reasons of those rejected.
pub type Answer = Result<(u64, Vec<&'static str>), u16>;

struct Event {
    metric: String,
    recorded: u64,
    age_ms: u64,
}

impl Intake {
    /// Takes one request, received at `received`.
    pub fn take(
        &mut self,
        query: Option<&str>,
        headers: &BTreeMap<String, String>,
        body: &[u8],
        received: Timestamp,
        lateness_max: Duration,
    ) -> Answer {
        if body.len() > BODY_BYTES_MAX {
            return Err(413);
        }
        let agent = &headers["user-agent"];
        let is_bot = agent.contains("bot/") || agent.contains("Bot/");
        let bare = query == Some(&format!("app={APP}&key={KEY}"));
        let silent = ["route", "navigation_type", "release", "connection", "plan", "arm"].map(|name| (name, String::new()));
        let mut dimensions = BTreeMap::from(silent);
        dimensions.insert("country", headers["cf-ipcountry"].clone());
        let (id, weight, events) = if bare {
            let (vitals, events) = Self::bare(body)?;
            let first = &vitals[0];
            dimensions.insert("navigation_type", text(&first.navigation_type));
            dimensions.insert("route", collapsed(&text(&first.navigation_url)));
            (headers["idempotency-key"].clone(), 1, events)
        } else {
            let beacon: Beacon<'_, RawEvent<'_>> = serde_json::from_slice(body).map_err(|_| 400u16)?;
            match (text(&beacon.app).as_str(), text(&beacon.key).as_str()) {
                (APP, KEY) => {}
                (APP, _) => return Err(401),
                _ => return Err(404),
            }
            let page = beacon.page.clone().unwrap_or_default();
            dimensions.insert("route", page.route.as_ref().map_or_else(|| collapsed(&text(&page.url)), |route| route.as_str().to_owned()));
            dimensions.insert("navigation_type", text(&page.navigation_type));
            dimensions.insert("release", text(&beacon.release));
            dimensions.insert("connection", text(&beacon.connection));
            let named = |map: &Option<BTreeMap<Text<'_>, Text<'_>>>, name: &str| {
                map.as_ref().and_then(|map| map.get(&Text::from(name.to_owned()))).map_or(String::new(), |value| value.as_str().to_owned())
            };
            dimensions.insert("plan", named(&beacon.dimensions, "plan"));
            dimensions.insert("arm", named(&beacon.experiments, "checkout"));
            let sent_at = beacon.sent_at.as_ref().and_then(ClientTime::as_ms);
            let events: Vec<_> = beacon.events.iter().flatten().enumerate().map(|(i, raw)| event(i, raw, sent_at)).collect();
            (text(&beacon.id), beacon.weight.unwrap_or(1.0) as u64, events)
        };
        let events: Vec<_> = if is_bot { events.into_iter().map(|_| Err("bot")).collect() } else { events };
        let duplicate = !id.is_empty() && self.seen.insert(id, ()).is_some();
        let (mut accepted, mut reasons, mut minutes) = (0, Vec::new(), BTreeSet::new());
        for event in events {
            match event {
                Err(reason) => {
                    *self.rejected.entry(reason).or_default() += 1;
                    reasons.push(reason);
                    continue;
                }
                Ok(_) if duplicate => self.duplicate += 1,
                Ok(event) if Duration::from_millis(event.age_ms) > lateness_max => self.too_late += 1,
                Ok(event) => {
                    minutes.insert(self.count(&event, received, weight, &dimensions));
                }
            }
            accepted += 1;
        }
        minutes.into_iter().for_each(|minute| *self.beacons.entry(minute).or_default() += 1);
        Ok((accepted, reasons))
    }

    fn count(&mut self, event: &Event, received: Timestamp, weight: u64, dimensions: &BTreeMap<&'static str, String>) -> Minute {
        let minute = received.minus(Duration::from_millis(event.age_ms)).minute();
        let total = ("", String::new());
        let sliced = dimensions.iter().map(|(name, value)| (*name, clean_value(value).into_owned()));
        for (name, value) in sliced.chain([total]) {
            let flooded = name == "route" && value.starts_with("/wp-");
            let value = if flooded { generator::FLOODED.to_owned() } else { value };
            let count = self.counts.entry((event.metric.clone(), minute, name, value)).or_default();
            *count = (count.0 + 1, count.1 + weight, count.2 + weight * event.recorded);
        }
        minute
    }

    #[expect(clippy::type_complexity, reason = "a test's helper")]
    fn bare(body: &[u8]) -> Result<(Vec<WebVital<'_>>, Vec<Result<Event, &'static str>>), u16> {
        let vitals: Vec<WebVital<'_>> =
            serde_json::from_slice(body).or_else(|_| serde_json::from_slice(body).map(|one| vec![one])).map_err(|_| 400u16)?;
        let event = |vital: &WebVital<'_>| {
            let unit = metric::known(&text(&vital.name)).ok_or("invalid_metric")?.unit;
            let value = vital.value.ok_or("invalid_value")?;
            if vital.delta != vital.value {
                return Err("superseded");
            }
            Ok(Event { metric: text(&vital.name), recorded: unit.record(value).map_err(|_| "invalid_value")?, age_ms: 0 })
        };
        let events = vitals.iter().map(event).collect();
        Ok((vitals, events))
    }

    /// The samples of `metric` in all minutes.
    pub fn samples(&self, metric: &str) -> u64 {
        self.counts.iter().filter(|((name, _, by, _), _)| name == metric && by.is_empty()).map(|(_, count)| count.0).sum()
    }
}

fn event(i: usize, raw: &RawEvent<'_>, sent_at: Option<f64>) -> Result<Event, &'static str> {
    if i >= EVENTS_MAX {
        return Err("too_many_events");
    }
    let event: BeaconEvent<'_> =
        Some(raw.get()).filter(|raw| raw.starts_with('{')).and_then(|raw| serde_json::from_str(raw).ok()).ok_or("malformed_event")?;
    let name = text(&event.metric);
    MetricName::check(&name).map_err(|_| "invalid_metric")?;
    let unit = metric::known(&name).map_or(Unit::Duration, |known| known.unit);
    let given: GivenUnit = match &event.unit {
        Some(given) => given.as_str().parse().map_err(|_| "unknown_unit")?,
        None => GivenUnit { unit, factor: 1.0 },
    };
    if given.unit != unit {
        return Err("unit_mismatch");
    }
    let recorded = unit.record(event.value.ok_or("invalid_value")? * given.factor).map_err(|_| "invalid_value")?;
    let age_ms = match (event.age_ms, &event.at) {
        (Some(age_ms), _) => age_ms,
        (None, Some(at)) => sent_at.ok_or("invalid_time")? - at.as_ms().ok_or("invalid_time")?,
        (None, None) => 0.0,
    };
    Ok(Event { metric: name, recorded, age_ms: age_ms as u64 })
}

/// The route of an address: its path with numbers collapsed.
fn collapsed(url: &str) -> String {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let parts: Vec<_> = path.split('/').map(|part| if part.parse::<u64>().is_ok() { ":id" } else { part }).collect();
    format!("/{}", parts.join("/"))
}

fn text(text: &Option<Text<'_>>) -> String {
    text.as_ref().map_or(String::new(), |text| text.as_str().to_owned())
}

/// The headers of `delivery`, by lower-case name.
pub fn headers(delivery: &Delivery) -> BTreeMap<String, String> {
    headers_of(delivery.headers())
}

/// The same of any pairs.
pub fn headers_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect()
}

/// What `truth` says, in the form of an intake's counts.
pub fn counts_of(truth: &generator::Truth) -> Counts {
    let mut counts = Counts::new();
    for row in truth.rows() {
        let dimensions: Vec<_> = row.by.dimensions().iter().map(ToString::to_string).collect();
        let known = ["country", "route", "navigation_type", "release", "connection", "plan", "arm"];
        let (name, value) = match (dimensions.last(), row.values.last()) {
            (None, _) => ("", ""),
            (Some(name), Some(value)) => match known.iter().find(|known| *known == name) {
                Some(name) => (*name, &**value),
                None => continue,
            },
            (Some(_), None) => panic!("a group without values"),
        };
        let count = counts.entry((row.metric.to_string(), row.minute, name, value.to_owned())).or_default();
        *count = (count.0 + row.tally.samples, count.1 + row.tally.count, count.2 + row.tally.sum);
    }
    counts
}

/// Fails with the first differences between what was counted and what is true.
pub fn assert_same(counted: &Counts, truth: &Counts) {
    let differs = |(key, count): &(&Key, &Count)| truth.get(*key) != Some(*count);
    let wrong: Vec<_> = counted.iter().filter(differs).take(5).map(|(key, count)| (key, count, truth.get(key))).collect();
    let missing: Vec<_> = truth.iter().filter(|(key, _)| !counted.contains_key(*key)).take(5).collect();
    assert!(wrong.is_empty() && missing.is_empty(), "counted but not true: {wrong:#?}\ntrue but not counted: {missing:#?}");
}
