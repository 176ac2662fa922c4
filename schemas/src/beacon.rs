//! The beacon: what a browser sends. Untrusted; the intake turns it into a [`crate::record`].
//!
//! The contract for people is `beacon.schema.json` in this crate, with examples in `fixtures/`.
//! Everything but the events is optional on the wire, unknown fields are ignored, and where a text is
//! expected a number or a truth value is taken for its text.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};
use serde_json::value::RawValue;

/// Our own beacon. `E` is how its events are held: as [`RawEvent`] by a reader, so that one broken
/// event doesn't refuse the others, and as [`BeaconEvent`] by a writer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "E: Deserialize<'de>"))]
pub struct Beacon<'a, E> {
    /// Names the beacon across retries; unique within the app. Without one, a retry counts twice.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// The app's id; may stand in the URL instead.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub app: Option<Text<'a>>,
    /// The app's public write key; may stand in the URL instead.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Text<'a>>,
    /// The client's clock when it sent; needed only for events that have `at`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<ClientTime<'a>>,
    /// How many page views this one stands for, where the client samples: a whole number in
    /// [1, 10000].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Page<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session<'a>>,
    /// The app's own version.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Text<'a>>,
    /// The effective connection type, such as `4g`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Text<'a>>,
    /// Experiments and the arm of each.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub experiments: Option<BTreeMap<Text<'a>, Text<'a>>>,
    /// Values of dimensions that the app's configuration names; others are ignored.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<BTreeMap<Text<'a>, Text<'a>>>,
    /// `None` in what is no beacon.
    #[serde(default)]
    pub events: Option<Vec<E>>,
}

/// An event not yet looked into.
pub type RawEvent<'a> = &'a RawValue;

/// The page that the beacon comes from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Page<'a> {
    /// Its address; the intake keeps neither query nor fragment.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Text<'a>>,
    /// Its template, such as `/product/:id`; made from the URL when missing.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub view_id: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub navigation_type: Option<Text<'a>>,
}

/// The visit that the page view belongs to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Session<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
}

/// One measurement.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BeaconEvent<'a> {
    #[serde(borrow, default)]
    pub metric: Option<Text<'a>>,
    #[serde(default)]
    pub value: Option<f64>,
    /// `ms` when missing, or the unit that the metric is known or declared in.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Text<'a>>,
    /// How long before sending it happened, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<f64>,
    /// When it happened by the client's clock; read against the beacon's `sent_at`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub at: Option<ClientTime<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// What the client knows of the cause: an object, kept as it is.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<&'a RawValue>,
}

/// An object of the web-vitals library, as `navigator.sendBeacon('...', JSON.stringify(metric))`
/// sends it. Fields that Icarus doesn't use are left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebVital<'a> {
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    #[serde(default)]
    pub value: Option<f64>,
    /// What the value grew by since the last report of the same `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<f64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub navigation_type: Option<Text<'a>>,
    /// The page's address for soft navigations.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none", rename = "navigationURL")]
    pub navigation_url: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<&'a RawValue>,
}

/// A text; a JSON number or truth value is taken for its text. Borrows from the body unless escapes
/// had to be resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor(PhantomData))
    }
}

struct TextVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Borrowed(if truth { "true" } else { "false" })))
    }
}

/// A time by the client's clock: milliseconds since the Unix epoch, or RFC 3339.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClientTime<'a> {
    Ms(f64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

impl ClientTime<'_> {
    /// Milliseconds since the Unix epoch; `None` for a text that is no RFC 3339 time, or no finite
    /// number.
    pub fn as_ms(&self) -> Option<f64> {
        match self {
            Self::Ms(ms) => ms.is_finite().then_some(*ms),
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are below 2^53 for 285,000 years")]
            Self::Text(text) => text.parse::<crate::time::Timestamp>().ok().map(|at| at.as_ms() as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beacon_borrows_and_takes_scalars_for_texts() {
        let body =
            r#"{"app":"shop","release":412,"experiments":{"checkout":true},"unknown":[1],"events":[{"metric":"LCP","value":1200.5},7]}"#;
        let beacon: Beacon<'_, RawEvent<'_>> = serde_json::from_str(body).unwrap();
        assert!(matches!(beacon.app, Some(Text(Cow::Borrowed("shop")))));
        assert_eq!(beacon.release.unwrap().as_str(), "412");
        assert_eq!(beacon.experiments.unwrap().values().next().unwrap().as_str(), "true");
        let events = beacon.events.unwrap();
        assert_eq!(events.len(), 2);
        let event: BeaconEvent<'_> = serde_json::from_str(events[0].get()).unwrap();
        assert_eq!(event.value, Some(1200.5));
        assert!(serde_json::from_str::<BeaconEvent<'_>>(events[1].get()).is_err());
    }

    #[test]
    fn client_times_are_milliseconds_or_rfc_3339() {
        assert_eq!(ClientTime::Text("1970-01-01T00:00:01Z".into()).as_ms(), Some(1_000.0));
        assert_eq!(ClientTime::Ms(5.0).as_ms(), Some(5.0));
        assert_eq!(ClientTime::Text("noon".into()).as_ms(), None);
    }
}
