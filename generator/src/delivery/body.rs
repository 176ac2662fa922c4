//! Bodies: our own beacon by the contract's types, broken events as they are.

use std::collections::BTreeMap;

use schemas::{
    beacon::{Beacon, BeaconEvent, ClientTime, Page, Session, Text},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Content, Delivery, Measurement, OwnBeacon};
use crate::population::visitor::{EXPERIMENT, PLAN};

/// The body of `delivery` as sent at `sent`.
pub(crate) fn of(delivery: &Delivery, sent: Timestamp) -> Vec<u8> {
    match &*delivery.content {
        Content::Beacon(beacon) => own(delivery, beacon, sent),
        Content::Bare(bare) => bare.body(),
        Content::Refused(refused) => refused.body(&delivery.traffic),
    }
}

/// An event as sent: by the contract's type, or as broken as it was meant to be.
#[derive(Serialize)]
#[serde(untagged)]
enum Event<'a> {
    Good(BeaconEvent<'a>),
    Broken(&'a RawValue),
}

fn own(delivery: &Delivery, own: &OwnBeacon, sent: Timestamp) -> Vec<u8> {
    let (context, traffic) = (&own.context, &delivery.traffic);
    let visitor = &context.visitor;
    let url = format!("{}{}", traffic.origin, context.path);
    // The device's clock is wrong in the same way for all times that it tells.
    let clock = |at: Timestamp| ClientTime::Ms((at.as_ms() + visitor.clock_ahead_ms) as f64);
    let event = |measurement: &Measurement| {
        let happened = delivery.happened(measurement);
        let age_ms = (sent.as_ms() - happened.as_ms()).max(0) as f64;
        Event::Good(BeaconEvent {
            metric: Some(measurement.metric.into()),
            value: Some(measurement.value),
            unit: measurement.given_unit.map(Text::from),
            age_ms: (!visitor.tells_times).then_some(age_ms),
            at: visitor.tells_times.then(|| clock(happened)),
            id: measurement.id.map(|id| web_vitals_id(context.started, id).into()),
            attribution: measurement.attribution,
        })
    };
    let beacon = Beacon {
        id: Some(own.id.as_str().into()),
        app: Some(traffic.app.as_str().into()),
        key: Some(traffic.key.as_str().into()),
        sent_at: visitor.tells_times.then(|| clock(sent)),
        weight: (traffic.weight > 1).then_some(f64::from(traffic.weight)),
        page: Some(Page {
            url: Some(url.as_str().into()),
            route: context.sends_route.then(|| Text::from(&*context.route)),
            view_id: Some(context.view_id.as_str().into()),
            navigation_type: text(&context.navigation_type),
        }),
        session: Some(Session { id: Some(visitor.session_id.as_str().into()) }),
        release: text(&context.release),
        connection: text(&context.connection),
        experiments: text(&context.arm).map(|arm| BTreeMap::from([(EXPERIMENT.into(), arm)])),
        dimensions: text(&context.plan).map(|plan| BTreeMap::from([(PLAN.into(), plan)])),
        events: Some(own.measurements.iter().map(event).chain(own.broken.iter().map(|broken| Event::Broken(&broken.json))).collect()),
    };
    let mut body = Vec::with_capacity(512 + 128 * (own.measurements.len() + own.broken.len()));
    serde_json::to_writer(&mut body, &beacon).expect("numbers are finite, keys are texts, and memory doesn't fail");
    body
}

/// `value`, unless it is empty.
fn text(value: &str) -> Option<Text<'_>> {
    (!value.is_empty()).then(|| value.into())
}

/// An id in the form of the web-vitals library: `v6-1763719200000-4382917364510`.
pub(crate) fn web_vitals_id(started: Timestamp, number: u64) -> String {
    format!("v6-{}-{:013}", started.as_ms(), number % 10_000_000_000_000)
}
