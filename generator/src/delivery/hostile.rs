//! Requests that are broken or meant to harm.

use std::{borrow::Cow, sync::Arc};

use schemas::fate::DiscardReason;
use serde_json::value::RawValue;

use super::{context::Context, fate::Broken, fate::EVENTS_MAX, post::LONG_TASK};
use crate::{draw::Draw, page::measurement::Measurement, traffic::Traffic};

/// How a request is broken or hostile. Those up to [`Self::DeepNesting`] must be refused as a whole, or
/// at least have no event; of the others some events count, all of them of the metric `long_task`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hostility {
    /// No JSON at all.
    NotJson,
    /// A beacon whose end is missing.
    Truncated,
    /// A beacon with a value of `NaN`, which JSON doesn't have.
    NotANumber,
    /// JSON of another form.
    WrongType,
    Empty,
    WrongKey,
    UnknownApp,
    /// More bytes than an intake should take.
    TooLarge,
    /// Thousands of arrays in each other, in a field that must be ignored.
    DeepNesting,
    /// Some events good, some broken in every way.
    BrokenEvents,
    /// More events than a beacon may have.
    TooManyEvents,
    /// HTML, control characters and long texts in every dimension.
    Markup,
    /// One of ten thousand routes.
    Flood,
}

/// How many routes a flood has.
pub const FLOOD_ROUTES: u64 = 10_000;

const ALL: [Hostility; 13] = [
    Hostility::NotJson,
    Hostility::Truncated,
    Hostility::NotANumber,
    Hostility::WrongType,
    Hostility::Empty,
    Hostility::WrongKey,
    Hostility::UnknownApp,
    Hostility::TooLarge,
    Hostility::DeepNesting,
    Hostility::BrokenEvents,
    Hostility::TooManyEvents,
    Hostility::Markup,
    Hostility::Flood,
];

impl Hostility {
    /// All of them.
    pub const ALL: [Self; 13] = ALL;

    /// One of them; floods come oftener and large bodies more seldom than the others.
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        *draw.pick(&Self::ALL, |hostility| match hostility {
            Self::Flood => 6.0,
            Self::TooLarge => 0.2,
            _ => 1.0,
        })
    }

    /// Its name in the truth and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::Truncated => "truncated",
            Self::NotANumber => "not_a_number",
            Self::WrongType => "wrong_type",
            Self::Empty => "empty",
            Self::WrongKey => "wrong_key",
            Self::UnknownApp => "unknown_app",
            Self::TooLarge => "too_large",
            Self::DeepNesting => "deep_nesting",
            Self::BrokenEvents => "broken_events",
            Self::TooManyEvents => "too_many_events",
            Self::Markup => "markup",
            Self::Flood => "flood",
        }
    }

    /// The statuses that are right for an answer.
    pub const fn statuses(self) -> &'static [u16] {
        match self {
            Self::NotJson | Self::Truncated | Self::NotANumber | Self::WrongType | Self::Empty => &[400],
            Self::WrongKey => &[401, 403],
            Self::UnknownApp => &[400, 401, 403, 404],
            Self::TooLarge => &[413],
            Self::DeepNesting => &[202, 400],
            Self::BrokenEvents | Self::TooManyEvents | Self::Markup | Self::Flood => &[202],
        }
    }
}

/// A request that must be refused, or has no event.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) hostility: Hostility,
    pub(crate) context: Arc<Context>,
}

impl Refused {
    pub(crate) fn body(&self, traffic: &Traffic) -> Vec<u8> {
        let (app, key) = (traffic.app.as_str(), traffic.key.as_str());
        let beacon = |app: &str, key: &str, rest: &str| format!(r#"{{"app":"{app}","key":"{key}",{rest}}}"#);
        let event = r#""events":[{"metric":"long_task","value":80}]"#;
        let body = match self.hostility {
            Hostility::NotJson => "<?xml version=\"1.0\"?><beacon/>\u{0}\u{1b}".to_owned(),
            Hostility::Truncated => beacon(app, key, event).split_at(40).0.to_owned(),
            Hostility::NotANumber => beacon(app, key, r#""events":[{"metric":"long_task","value":NaN}]"#),
            Hostility::WrongType => beacon(app, key, r#""events":7"#),
            Hostility::Empty => String::new(),
            Hostility::WrongKey => beacon(app, "pk_of_somebody_else", event),
            Hostility::UnknownApp => beacon("no-such-app", key, event),
            Hostility::TooLarge => beacon(app, key, &format!(r#""padding":"{}",{event}"#, "x".repeat(traffic.too_large_bytes))),
            Hostility::DeepNesting => beacon(app, key, &format!(r#""nested":{}{},"events":[]"#, "[".repeat(5_000), "]".repeat(5_000))),
            Hostility::BrokenEvents | Hostility::TooManyEvents | Hostility::Markup | Hostility::Flood => {
                unreachable!("these are beacons whose events are looked into")
            }
        };
        body.into_bytes()
    }
}

/// Events broken in every way, each in one way only, with the reason for which they must be rejected.
pub(crate) fn broken_events() -> Vec<Broken> {
    let too_long = format!(r#"{{"metric":"{}","value":1}}"#, "x".repeat(65));
    let broken = [
        ("7", DiscardReason::MalformedEvent),
        (r#"["LCP",1200]"#, DiscardReason::MalformedEvent),
        (r#"{"value":1}"#, DiscardReason::InvalidMetric),
        (r#"{"metric":"","value":1}"#, DiscardReason::InvalidMetric),
        (r#"{"metric":"1st","value":1}"#, DiscardReason::InvalidMetric),
        (r#"{"metric":"<script>alert(1)</script>","value":1}"#, DiscardReason::InvalidMetric),
        (r#"{"metric":"två","value":1}"#, DiscardReason::InvalidMetric),
        (too_long.as_str(), DiscardReason::InvalidMetric),
        (r#"{"metric":"long_task"}"#, DiscardReason::InvalidValue),
        (r#"{"metric":"long_task","value":-5}"#, DiscardReason::InvalidValue),
        (r#"{"metric":"long_task","value":1e300}"#, DiscardReason::InvalidValue),
        (r#"{"metric":"long_task","value":86400001}"#, DiscardReason::InvalidValue),
        (r#"{"metric":"long_task","value":1,"unit":"parsec"}"#, DiscardReason::UnknownUnit),
        (r#"{"metric":"LCP","value":1,"unit":"bytes"}"#, DiscardReason::UnitMismatch),
        (r#"{"metric":"long_task","value":1,"at":"noon"}"#, DiscardReason::InvalidTime),
    ];
    let raw = |(json, reason): (&str, DiscardReason)| {
        let json: &RawValue = serde_json::from_str(json).expect("broken as an event, but JSON");
        Broken { json: json.to_owned(), reason }
    };
    broken.into_iter().map(raw).collect()
}

/// More long tasks than a beacon may tell of.
pub(crate) fn too_many(at: schemas::time::Timestamp) -> Vec<Measurement> {
    (0..EVENTS_MAX + 30).map(|i| Measurement::new(LONG_TASK, 50.0 + i as f64, at)).collect()
}

impl Context {
    /// The same with values that would harm a page that shows them as they are.
    pub(crate) fn with_markup(&self) -> Self {
        Self {
            route: "/<img src=x onerror=alert(1)>".into(),
            sends_route: true,
            release: "4.0\u{0}\u{7}\r\n\"';--".into(),
            connection: Cow::Owned("é".repeat(150)),
            plan: "  <script>alert('plan')</script>\t".into(),
            arm: "\u{202e}B<b>".into(),
            navigation_type: "${jndi:ldap://x}".into(),
            ..self.clone()
        }
    }

    /// The same on one of [`FLOOD_ROUTES`] routes.
    pub(crate) fn flooded(&self, draw: &mut Draw) -> Self {
        // Letters only, so that no rule can collapse them.
        let number = draw.below(FLOOD_ROUTES);
        let letters: String = (0..4).map(|place| char::from(b'a' + (number / 10u64.pow(place) % 10) as u8)).collect();
        let path = format!("/wp-{letters}");
        Self { route: path.clone().into(), path, sends_route: true, flooded: true, ..self.clone() }
    }
}
