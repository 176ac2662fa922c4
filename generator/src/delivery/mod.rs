//! A delivery: one request to the intake, and what is expected to become of it.

pub(crate) mod bare;
mod body;
pub(crate) mod context;
pub mod fate;
pub mod hostile;
pub(crate) mod post;

use std::{borrow::Cow, sync::Arc};

use schemas::time::Timestamp;

pub use crate::page::measurement::Measurement;
use crate::traffic::Traffic;
use {bare::Bare, context::Context, fate::Broken, hostile::Hostility};

/// One request, in the order in which they are sent.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// When the client sends it.
    pub at: Timestamp,
    /// Numbers the beacons of a stream; a repeated one has the number of its first delivery.
    pub number: u64,
    pub kind: Kind,
    /// As of when its body is made, unless the driver sends it at another time: `at`, but for a
    /// repeated one that of its first delivery, whose bytes it has.
    pub made_at: Timestamp,
    /// Whether the same will come again as [`Kind::Repeat`].
    pub will_repeat: bool,
    /// How much later than the model says its events happen, in milliseconds.
    pub(crate) shift_ms: i64,
    pub(crate) content: Arc<Content>,
    pub(crate) traffic: Arc<Traffic>,
}

/// What is unusual about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Nothing.
    Beacon,
    /// It comes minutes to days after its page was hidden.
    Late,
    /// Its events are older than the app allows.
    TooLate,
    /// It came before, byte for byte.
    Repeat,
    /// Bare web-vitals objects, without a beacon around them.
    Bare,
    /// A robot sends it.
    Bot,
    /// It is broken or hostile.
    Hostile(Hostility),
}

impl Kind {
    /// Its name in the truth and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Beacon => "beacon",
            Self::Late => "late",
            Self::TooLate => "too_late",
            Self::Repeat => "repeat",
            Self::Bare => "bare",
            Self::Bot => "bot",
            Self::Hostile(hostility) => hostility.name(),
        }
    }
}

/// What a body is made of.
#[derive(Debug)]
pub(crate) enum Content {
    Beacon(OwnBeacon),
    Bare(Bare),
    Refused(hostile::Refused),
}

/// A beacon of our own kind.
#[derive(Debug)]
pub(crate) struct OwnBeacon {
    pub(crate) id: String,
    pub(crate) context: Arc<Context>,
    pub(crate) measurements: Vec<Measurement>,
    /// Events that must be rejected; they stand after the others.
    pub(crate) broken: Vec<Broken>,
}

impl Delivery {
    /// What stands in the address after `?`; `None` for nothing.
    pub fn query(&self) -> Option<String> {
        matches!(*self.content, Content::Bare(_)).then(|| format!("app={}&key={}", self.traffic.app, self.traffic.key))
    }

    /// The headers, by name; among them the one that tells the country.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let context = self.context();
        let json = context.visitor.sends_json && !matches!(*self.content, Content::Bare(_));
        let content_type = if json { "application/json" } else { "text/plain;charset=UTF-8" };
        let always = [
            ("Content-Type", content_type),
            ("User-Agent", context.visitor.agent.user_agent.as_str()),
            ("Origin", self.traffic.origin.as_str()),
            (self.traffic.country_header.as_str(), context.visitor.country.code),
        ];
        let key = match &*self.content {
            Content::Bare(bare) => Some(("Idempotency-Key", bare.id.as_str())),
            Content::Beacon(_) | Content::Refused(_) => None,
        };
        always.into_iter().chain(key)
    }

    /// The body, as a client makes it that sends it at `sent`.
    pub fn body(&self, sent: Timestamp) -> Vec<u8> {
        body::of(self, sent)
    }

    /// The same with its events `by_ms` later; whole minutes, or they would leave the middle of theirs.
    #[must_use]
    pub(crate) fn shifted(self, by_ms: i64) -> Self {
        debug_assert_eq!(by_ms % 60_000, 0, "events stay in the middle of their minutes");
        Self { shift_ms: self.shift_ms + by_ms, ..self }
    }

    /// How many page views it stands for. Bare web-vitals objects can't say, and so stand for one.
    pub fn weight(&self) -> u32 {
        if matches!(*self.content, Content::Bare(_)) { 1 } else { self.traffic.weight }
    }

    /// What names the beacon across retries; empty when nothing does.
    pub fn id(&self) -> &str {
        match &*self.content {
            Content::Beacon(beacon) => &beacon.id,
            Content::Bare(bare) => &bare.id,
            Content::Refused(_) => "",
        }
    }

    /// The value of `dimension` that its events count under, as the intake shows it.
    pub fn value(&self, dimension: &schemas::dimension::Dimension) -> Cow<'_, str> {
        self.context().value(dimension)
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        match &*self.content {
            Content::Beacon(beacon) => &beacon.context,
            Content::Bare(bare) => &bare.context,
            Content::Refused(refused) => &refused.context,
        }
    }
}
