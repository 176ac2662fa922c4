//! Strata and samples: the plain model's part of them, and the script's.

use std::{collections::BTreeMap, time::Duration};

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use schemas::{
    app::AppId,
    dimension::Dimension,
    metric::{Metric, MetricName},
    sample::{Rank, SLOTS, Sample, SampledBeacon, SampledEvent, StrataQuery, Stratum},
    time::{Minute, MinuteRange},
};

use super::model::{APPS, METRICS, MINUTES_BACK, NOW, Script, VALUES, app};
use crate::Batch;

/// How many beacons there are that could be sampled: few enough for the same one to come again.
const BEACONS: u32 = 600;
/// How many minutes have strata, all over the script's time.
const MINUTES: u32 = 5;
const DIMENSIONS: [&str; 5] = ["route", "country", "browser", "release", "plan"];
const ATTRIBUTIONS: [&str; 4] = ["", "{}", r#"{"target":"div>a[title=\"x\"]","url":"https://a.example/ü"}"#, "{\"a\":\"\\n\\u0000\"}"];

/// What samples are drawn within.
type Place = (AppId, Minute, Box<str>);

/// Every stratum and every slot as they must be.
#[derive(Default)]
pub(super) struct Samples {
    strata: BTreeMap<Place, u64>,
    samples: BTreeMap<(Place, u16), Sample>,
}

impl Samples {
    pub(super) fn add(&mut self, batch: &Batch) {
        for stratum in &batch.strata {
            *self.strata.entry((stratum.app.clone(), stratum.minute, stratum.route.clone())).or_default() += stratum.beacons;
        }
        for sample in &batch.samples {
            let place = (sample.app.clone(), sample.minute, sample.route.clone());
            let kept = self.samples.entry((place, sample.rank.slot())).or_insert_with(|| sample.clone());
            if kept.rank < sample.rank {
                *kept = sample.clone();
            }
        }
    }

    pub(super) fn strata(&self, query: &StrataQuery) -> Vec<Stratum> {
        let asked = self.strata.iter().filter(|((app, minute, route), _)| *app == query.app && query.asks_for(*minute, route));
        asked.map(|((app, minute, route), beacons)| stratum(app, *minute, route, *beacons)).collect()
    }

    pub(super) fn samples(&self, query: &StrataQuery, slots: u16) -> Vec<Sample> {
        let asked = |((app, minute, route), slot): &(Place, u16)| *app == query.app && query.asks_for(*minute, route) && *slot < slots;
        self.samples.iter().filter(|(key, _)| asked(key)).map(|(_, sample)| sample.clone()).collect()
    }
}

fn stratum(app: &AppId, minute: Minute, route: &str, beacons: u64) -> Stratum {
    Stratum { app: app.clone(), minute, route: route.into(), beacons }
}

impl Script {
    /// Some strata of the apps of one test, each in parts at times, with samples: several batches hit the same
    /// slots, now with a greater rank and now with a smaller, now with the same beacon.
    pub(super) fn strata(&mut self, of: u64) -> (Vec<Stratum>, Vec<Sample>) {
        let (mut strata, mut samples) = (Vec::new(), BTreeMap::new());
        for _ in 0..self.0.random_range(2..8) {
            let app = app(self.pick::<&str>(&APPS), of);
            let minute = NOW.minute().minus(self.0.random_range(0..MINUTES) * (MINUTES_BACK / MINUTES));
            let route = *self.pick::<&str>(&VALUES);
            strata.push(stratum(&app, minute, route, self.0.random_range(1..1_000)));
            for _ in 0..self.0.random_range(0..12) {
                let rank = Rank::of(&self.0.random_range(0..BEACONS).to_be_bytes());
                let sample = Sample { app: app.clone(), minute, route: route.into(), rank, beacon: beacon(rank, minute) };
                let kept = samples.entry((app.clone(), minute, route, rank.slot())).or_insert_with(|| sample.clone());
                if kept.rank < rank {
                    *kept = sample;
                }
            }
        }
        (strata, samples.into_values().collect())
    }

    /// A question about strata, and how many slots it asks for: also none, and more than there are.
    pub(super) fn strata_query(&mut self, of: u64) -> (StrataQuery, u16) {
        let start = NOW.minute().minus(self.0.random_range(0..=MINUTES_BACK));
        let routes = match self.0.random_range(0..2) {
            0 => Some((0..self.0.random_range(0..4)).map(|_| (*self.pick(&VALUES)).to_owned()).collect()),
            _ => None,
        };
        let range = MinuteRange::new(start, start.plus(self.0.random_range(0..=MINUTES_BACK + 1)));
        let slots = *self.pick(&[0, 1, 3, SLOTS, u16::MAX]);
        (StrataQuery { app: app(self.pick::<&str>(&APPS), of), range, routes }, slots)
    }
}

/// The beacon of a rank, as it says about a minute: the same whenever it comes.
fn beacon(rank: Rank, minute: Minute) -> SampledBeacon {
    let mut rng = ChaCha8Rng::seed_from_u64(rank.0);
    let text = |rng: &mut ChaCha8Rng| Box::from(*VALUES.choose(rng).expect("not empty"));
    let mut some = |names: &[&'static str]| -> Vec<(&'static str, Box<str>)> {
        let said = names.iter().filter(|_| rng.random_range(0..2) == 0).copied().collect::<Vec<_>>();
        said.into_iter().map(|name| (name, text(&mut rng))).collect()
    };
    let dimensions = some(&DIMENSIONS).into_iter().map(|(name, value)| (name.parse::<Dimension>().expect("a constant"), value)).collect();
    let experiments = some(&["price", "hero", "ünïcode"]).into_iter().map(|(name, arm)| (name.into(), arm)).collect();
    let event = |rng: &mut ChaCha8Rng| {
        let (name, unit) = *METRICS.choose(rng).expect("not empty");
        SampledEvent {
            metric: Metric { name: MetricName::new(name).expect("a constant"), unit },
            value: rng.random_range(0..1 << 40),
            age_ms: rng.random_range(0..1 << 33),
            attribution: (*ATTRIBUTIONS.choose(rng).expect("not empty")).into(),
        }
    };
    SampledBeacon {
        received: minute.start().plus(Duration::from_millis(rng.random_range(0..1 << 33))),
        weight: rng.random_range(1..=10_000),
        dimensions,
        experiments,
        view_id: text(&mut rng),
        session_id: text(&mut rng),
        url: format!("https://shop.example/{}", text(&mut rng)).into(),
        events: (0..rng.random_range(0..5)).map(|_| event(&mut rng)).collect(),
    }
}
