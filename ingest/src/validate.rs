//! Validation: each event of a beacon is accepted, as an integer in its unit's scale with its age, or
//! rejected with the reason.

use std::borrow::Cow;

use schemas::{
    beacon::{BeaconEvent, ClientTime, RawEvent, Text, WebVital},
    fate::DiscardReason,
    metric::MetricName,
    time::Timestamp,
    unit::{GivenUnit, Unit},
};

use crate::config::AppPolicy;

/// Longer attributions are left out.
const ATTRIBUTION_BYTES_MAX: usize = 2_048;
/// Longer ids are cut.
pub(crate) const ID_BYTES_MAX: usize = 64;
/// Ages beyond this are no ages: a client's clock was off.
const AGE_MS_MAX: f64 = 10.0 * 365.0 * 24.0 * 3_600_000.0;

/// An event whose measurement can be counted.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidEvent<'a> {
    pub metric: Cow<'a, str>,
    pub unit: Unit,
    /// In the unit's integer scale.
    pub value: u64,
    /// How long before the beacon was received it happened.
    pub age_ms: u64,
    pub id: Cow<'a, str>,
    /// A JSON object, or empty.
    pub attribution: &'a str,
}

/// Why one event is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the beacon.
    pub index: usize,
    pub reason: DiscardReason,
    pub detail: String,
}

/// The beacon's times, against which events' are read.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub received: Timestamp,
    /// The client's clock when it sent, in milliseconds since the Unix epoch.
    pub sent_ms: Option<f64>,
}

/// Validates an event of our own beacon.
///
/// # Errors
/// With the reason and a sentence for the developer.
pub fn event<'a>(raw: RawEvent<'a>, app: &AppPolicy, times: Times) -> Result<ValidEvent<'a>, (DiscardReason, String)> {
    let event: BeaconEvent<'a> = parse(raw)?;
    let metric = event.metric.map(|text| text.0).unwrap_or_default();
    let unit = event.unit.as_ref().map(Text::as_str);
    let (unit, value) = measurement(&metric, event.value, unit, app)?;
    let age_ms = age(event.age_ms, event.at.as_ref(), times)?;
    let id = cut(event.id.map(|text| text.0).unwrap_or_default());
    let attribution = event.attribution.map_or("", |object| object.get());
    Ok(ValidEvent { metric, unit, value, age_ms, id, attribution: bounded(attribution) })
}

/// Validates a bare web-vitals object, which happened when it was received.
///
/// # Errors
/// With the reason and a sentence for the developer.
pub fn vital<'a>(raw: RawEvent<'a>, app: &AppPolicy) -> Result<(ValidEvent<'a>, WebVital<'a>), (DiscardReason, String)> {
    let vital: WebVital<'a> = parse(raw)?;
    let metric = vital.name.as_ref().map(|text| text.0.clone()).unwrap_or_default();
    let (unit, value) = measurement(&metric, vital.value, None, app)?;
    // The library reports a metric again when its value grew, with the same id. The rollups have
    // counted the first value by then and can't take it back. (The first report's delta is its value,
    // but for rounding.)
    if let (Some(delta), Some(value)) = (vital.delta, vital.value)
        && value - delta > value * 1e-6
    {
        let detail = format!(
            "{metric} {value} corrects an earlier report of the same id by {delta}: send each metric once, when the page is hidden"
        );
        return Err((DiscardReason::Superseded, detail));
    }
    let id = cut(vital.id.as_ref().map(|text| text.0.clone()).unwrap_or_default());
    let attribution = bounded(vital.attribution.map_or("", |object| object.get()));
    Ok((ValidEvent { metric, unit, value, age_ms: 0, id, attribution }, vital))
}

fn parse<'a, T: serde::Deserialize<'a>>(raw: RawEvent<'a>) -> Result<T, (DiscardReason, String)> {
    // The library would take an array for the fields in order.
    if !raw.get().starts_with('{') {
        return Err((DiscardReason::MalformedEvent, "an event is an object".to_owned()));
    }
    serde_json::from_str(raw.get()).map_err(|error| (DiscardReason::MalformedEvent, error.to_string()))
}

/// The unit and the recorded integer of a value.
fn measurement(metric: &str, value: Option<f64>, unit: Option<&str>, app: &AppPolicy) -> Result<(Unit, u64), (DiscardReason, String)> {
    MetricName::check(metric).map_err(|error| (DiscardReason::InvalidMetric, error.to_string()))?;
    let value = value.ok_or_else(|| (DiscardReason::InvalidValue, "the value is missing".to_owned()))?;
    let expected = app.unit_of(metric);
    let given = match unit {
        None => GivenUnit { unit: expected.unwrap_or(Unit::Duration), factor: 1.0 },
        Some(name) => name.parse().map_err(|error: schemas::unit::UnknownUnit| (DiscardReason::UnknownUnit, error.to_string()))?,
    };
    if let Some(expected) = expected
        && given.unit != expected
    {
        return Err((DiscardReason::UnitMismatch, format!("{metric} is measured in {expected}, not in {}", given.unit)));
    }
    let value = given.unit.record(value * given.factor).map_err(|error| (DiscardReason::InvalidValue, error.to_string()))?;
    Ok((given.unit, value))
}

/// How long before it was received an event happened. Ages are preferred: they need no right clock.
/// What would lie in the future happened when it was received.
fn age(age_ms: Option<f64>, at: Option<&ClientTime<'_>>, times: Times) -> Result<u64, (DiscardReason, String)> {
    let age = match (age_ms, at) {
        (Some(age), _) => age,
        (None, None) => return Ok(0),
        (None, Some(at)) => {
            let at = at
                .as_ms()
                .ok_or_else(|| (DiscardReason::InvalidTime, "`at` is neither milliseconds since 1970 nor RFC 3339".to_owned()))?;
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
            let sent = times.sent_ms.unwrap_or(times.received.as_ms() as f64);
            sent - at
        }
    };
    if !age.is_finite() || age > AGE_MS_MAX {
        return Err((DiscardReason::InvalidTime, format!("an age of {age} ms is beyond ten years")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in [0, ten years], checked above")]
    Ok(age.max(0.0).round() as u64)
}

fn bounded(attribution: &str) -> &str {
    if attribution.len() <= ATTRIBUTION_BYTES_MAX && attribution.starts_with('{') { attribution } else { "" }
}

/// `id` cut to its first [`ID_BYTES_MAX`] bytes, at a character's end.
pub(crate) fn cut(id: Cow<'_, str>) -> Cow<'_, str> {
    if id.len() <= ID_BYTES_MAX {
        return id;
    }
    let mut end = ID_BYTES_MAX;
    while !id.is_char_boundary(end) {
        end -= 1;
    }
    match id {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(text) => Cow::Owned(text[..end].to_owned()),
    }
}
