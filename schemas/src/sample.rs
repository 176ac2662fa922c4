//! Samples: some beacons kept as they were, for what no cuboid can answer, and to look at.
//!
//! They are drawn within each **stratum**, the beacons of an app with events of one route and minute. A beacon has a
//! **rank**, a hash of its id; the rank also names one of [`SLOTS`] slots of the stratum, and of the beacons of a slot
//! the one of the greatest rank is kept. So at most so many stay, each as likely as any other, and which they are
//! depends neither on the order in which they came nor on who saw them: two halves of a sample merge to the whole.
//! (Bottom-k sketches, one slot each: Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007.)

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    app::AppId,
    dimension::Dimension,
    metric::Metric,
    time::{Minute, MinuteRange, Timestamp},
};

/// How many beacons of a stratum are kept at most.
pub const SLOTS: u16 = 16;
/// What a client says about the cause of an event is kept with it up to this length, in bytes; a longer text is left out.
pub const ATTRIBUTION_BYTES_MAX: usize = 2_048;

/// Sets ranks apart from other hashes of beacons, such as that which chooses the log's partition.
const SEED: u64 = 0x1CA2_0005_A4B1_E5ED;

/// Decides which beacons are kept: a number that is as good as random, and the same for every copy of a beacon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rank(pub u64);

impl Rank {
    /// The rank of the beacon called `id`.
    #[inline]
    pub fn of(id: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64_with_seed(id, SEED))
    }

    /// The slot for which it competes, in `[0, SLOTS)`. By its lowest bits: what wins is decided by the others.
    #[inline]
    pub fn slot(self) -> u16 {
        u16::try_from(self.0 % u64::from(SLOTS)).expect("a remainder of a u16")
    }
}

/// How many beacons had events of one route in one minute. Partial counts add up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stratum {
    pub app: AppId,
    /// The minute of the events.
    pub minute: Minute,
    /// [`crate::dimension::OTHER`] for those whose route has no place among the app's most frequent ones.
    pub route: Box<str>,
    /// Before sampling weights.
    pub beacons: u64,
}

/// What one beacon said about one minute: the events that it has of that minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub app: AppId,
    /// The minute of the events.
    pub minute: Minute,
    /// Its stratum's; what the beacon itself said stands among the dimensions.
    pub route: Box<str>,
    pub rank: Rank,
    pub beacon: SampledBeacon,
}

/// The beacon of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledBeacon {
    /// When the intake took it.
    pub received: Timestamp,
    /// How many page views it stands for (sampling in the client); at least 1.
    pub weight: u32,
    /// Its values but for the experiments; a dimension about which it said nothing is left out.
    pub dimensions: BTreeMap<Dimension, Box<str>>,
    /// The arm by the name of the experiment.
    pub experiments: BTreeMap<Box<str>, Box<str>>,
    /// The client's names; empty when it gave none.
    pub view_id: Box<str>,
    pub session_id: Box<str>,
    pub url: Box<str>,
    /// Only those of the sample's minute.
    pub events: Vec<SampledEvent>,
}

/// An event of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledEvent {
    pub metric: Metric,
    /// As recorded, see [`crate::unit::Unit::record`].
    pub value: u64,
    /// How long before the beacon was received it happened, in milliseconds.
    pub age_ms: u64,
    /// What the client knows of the cause, as JSON; empty when it said nothing, or more than
    /// [`ATTRIBUTION_BYTES_MAX`].
    pub attribution: Box<str>,
}

impl SampledBeacon {
    /// Whether it has one of `values` in `dimension`, where an empty value asks for a beacon that said nothing.
    pub fn has(&self, dimension: &Dimension, values: &[String]) -> bool {
        self.values(dimension).iter().any(|own| values.iter().any(|value| value == own))
    }

    /// Its values of a dimension: one, but for experiments and their arms, of which there may be several.
    pub fn values(&self, dimension: &Dimension) -> Vec<&str> {
        match dimension {
            Dimension::Experiment | Dimension::Arm if self.experiments.is_empty() => vec![""],
            Dimension::Experiment => self.experiments.keys().map(AsRef::as_ref).collect(),
            Dimension::Arm => self.experiments.values().map(AsRef::as_ref).collect(),
            other => vec![self.dimensions.get(other).map_or("", AsRef::as_ref)],
        }
    }
}

/// Which strata are asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrataQuery {
    pub app: AppId,
    pub range: MinuteRange,
    /// Only those of these routes.
    pub routes: Option<Vec<String>>,
}

impl StrataQuery {
    /// Whether it asks about the stratum of `route` in `minute`; the app is another matter.
    pub fn asks_for(&self, minute: Minute, route: &str) -> bool {
        self.range.contains(minute) && self.routes.as_ref().is_none_or(|routes| routes.iter().any(|asked| asked == route))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_same_everywhere_and_spread_over_all_slots() {
        // Pinned: samples of other versions would not merge.
        assert_eq!(Rank::of(b"0123456789abcdef"), Rank(0x5EBE_EB30_0E24_7582));
        let mut slots = [0; SLOTS as usize];
        for id in 0..16_000u32 {
            slots[usize::from(Rank::of(&id.to_be_bytes()).slot())] += 1;
        }
        assert!(slots.iter().all(|beacons| (900..1_100).contains(beacons)), "{slots:?}");
    }

    #[test]
    fn a_beacon_without_experiments_has_the_empty_one() {
        let mut beacon = SampledBeacon {
            received: Timestamp::from_ms(0),
            weight: 1,
            dimensions: BTreeMap::from([(Dimension::Country, "BR".into())]),
            experiments: BTreeMap::new(),
            view_id: "".into(),
            session_id: "".into(),
            url: "".into(),
            events: Vec::new(),
        };
        let one = |value: &str| [value.to_owned()];
        assert!(beacon.has(&Dimension::Country, &one("BR")) && !beacon.has(&Dimension::Country, &one("")));
        assert!(beacon.has(&Dimension::Browser, &one("")) && beacon.has(&Dimension::Experiment, &one("")));
        beacon.experiments = [("price", "low"), ("hero", "video")].map(|(name, arm)| (name.into(), arm.into())).into();
        assert!(beacon.has(&Dimension::Experiment, &one("hero")) && beacon.has(&Dimension::Arm, &one("low")));
        assert!(!beacon.has(&Dimension::Experiment, &one("")));
    }
}
