//! Encoded records of a population whose number of live series is known.

use rand::{Rng, RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use schemas::{
    app::{App, AppId},
    dimension::DimensionName,
    record::{Arm, BeaconRecord, CustomDimension, Event, Message, Unit},
};

/// How many values the dimensions have.
#[derive(Debug, Clone, Copy)]
pub struct Population {
    pub routes: usize,
    pub countries: usize,
}

/// Ten metrics: the five web vitals and five phases of a navigation.
const METRICS: [(&str, Unit, f64); 10] = [
    ("LCP", Unit::UNIT_DURATION, 2.0e6),
    ("FCP", Unit::UNIT_DURATION, 1.2e6),
    ("TTFB", Unit::UNIT_DURATION, 0.4e6),
    ("INP", Unit::UNIT_DURATION, 0.12e6),
    ("CLS", Unit::UNIT_SCORE, 500.0),
    ("navigation.dns", Unit::UNIT_DURATION, 0.02e6),
    ("navigation.connect", Unit::UNIT_DURATION, 0.05e6),
    ("navigation.request", Unit::UNIT_DURATION, 0.2e6),
    ("navigation.response", Unit::UNIT_DURATION, 0.03e6),
    ("navigation.load", Unit::UNIT_DURATION, 2.5e6),
];

/// Events in each record.
pub const EVENTS: usize = METRICS.len();

impl Population {
    /// About 10,000 live series in the default cuboids.
    pub const SERIES_10_000: Self = Self { routes: 10, countries: 20 };
    /// About 100,000 live series in the default cuboids.
    pub const SERIES_100_000: Self = Self { routes: 70, countries: 40 };

    /// The app that the records belong to, with one dimension of its own.
    #[expect(clippy::missing_panics_doc, reason = "the names are constants")]
    pub fn app() -> App {
        App::new(AppId::new("shop").expect("a constant"), vec![DimensionName::new("plan").expect("a constant")])
    }

    /// `n` encoded records, received within one second, their events within the last two minutes.
    pub fn records(self, n: usize, seed: u64) -> Vec<Vec<u8>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| self.record(&mut rng).encode_to_vec()).collect()
    }

    fn record(self, rng: &mut impl Rng) -> BeaconRecord {
        let (route, country) = (rng.random_range(0..self.routes), rng.random_range(0..self.countries));
        let browser = rng.random_range(0..6);
        let age_ms = rng.random_range(0..90_000);
        let event = |rng: &mut _, (metric, unit, median): (&str, Unit, f64)| {
            // A sum of uniforms is near enough to normal; its exponential to log-normal.
            let normal: f64 = (0..4).map(|_| f64::from(RngExt::random::<f32>(rng))).sum::<f64>() - 2.0;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and far below 2^40")]
            let value = (median * (1.5 * normal).exp()) as u64;
            Event { metric: metric.into(), unit: unit.into(), value, age_ms, id: format!("v6-{value}-{age_ms}"), ..Event::default() }
        };
        BeaconRecord {
            app: "shop".into(),
            beacon_id: rng.random::<u128>().to_le_bytes().to_vec(),
            received_ms: 1_763_719_200_000 + rng.random_range(0..1_000),
            lateness_max_s: 172_800,
            weight: 1,
            route: format!("/section/{route}/:id"),
            country: format!("C{country}"),
            network: format!("AS{}", country * 10 + rng.random_range(0..3)),
            browser: format!("Browser {browser}"),
            browser_version: format!("Browser {browser} {}", 140 + rng.random_range(0..3)),
            os: format!("OS {}", rng.random_range(0..3)),
            device: (*["desktop", "mobile", "tablet"].choose(rng).expect("not empty")).into(),
            connection: (*["4g", "3g", "2g", "slow-2g"].choose(rng).expect("not empty")).into(),
            release: format!("4.12.{}", rng.random_range(0..3)),
            navigation_type: "navigate".into(),
            experiments: vec![Arm { experiment: "checkout".into(), arm: (*["A", "B"].choose(rng).expect("not empty")).into() }],
            custom: vec![CustomDimension { name: "plan".into(), value: (*["free", "pro"].choose(rng).expect("not empty")).into() }],
            view_id: format!("{:032x}", rng.random::<u128>()),
            session_id: format!("{:032x}", rng.random::<u128>()),
            url: format!("https://shop.example/section/{route}/4711"),
            events: METRICS.iter().map(|metric| event(rng, *metric)).collect(),
            ..BeaconRecord::default()
        }
    }
}
