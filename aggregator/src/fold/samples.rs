//! Draws samples: counts the beacons of each stratum, and keeps the one of the greatest rank in each slot; see
//! [`schemas::sample`].
//!
//! A fold sees a part of a stratum at a time, and what it keeps of that part competes in the store with what other
//! parts kept. Where a route is busy most beacons can't win there, and the fold keeps only those of high ranks, so that
//! few rows are written for the few that stay.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use schemas::{
    app::AppId,
    dimension::{Dimension, DimensionName},
    histogram::VALUE_MAX,
    metric::Metric,
    record::{BeaconRecordView, EventView},
    sample::{ATTRIBUTION_BYTES_MAX, Rank, SLOTS, Sample, SampledBeacon, SampledEvent, Stratum},
    time::{Minute, Timestamp},
};

use super::{cells::WEIGHT_MAX, dictionary::ValueId, metrics::Metrics, minute_of, unit_of, value_of};

/// How many beacons are to compete for a slot of a busy route's minute. With 4 a slot in sixty (e^-4) stays empty though
/// it had beacons: all were left out.
const CANDIDATES: u64 = 4;
/// For how long it is remembered how busy a stratum was, in minutes of received time since its last beacon.
const PACE_MINUTES: u32 = 2;
/// Of how many strata, about, it is remembered; when there are more, all are forgotten and a few more rows are written.
const PACES_MAX: usize = 100_000;

/// The strata and samples of one app since the last drain.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// As they were first seen.
    strata: Vec<OfStratum>,
    /// Indices into `strata`.
    places: HashMap<Place, usize, FixedState>,
    paces: HashMap<Place, Pace, FixedState>,
}

/// Names a stratum of the app.
type Place = (Minute, ValueId);

#[derive(Debug)]
struct OfStratum {
    place: Place,
    beacons: u64,
    /// How many were drained before.
    drained: u64,
    /// How many the route had a minute before.
    before: u64,
    slots: [Option<(Rank, Box<SampledBeacon>)>; SLOTS as usize],
}

/// How many beacons of a stratum were drained in all, and the newest minute of received time at the last of the drains.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    beacons: u64,
    last: Minute,
}

impl OfStratum {
    /// The smallest rank with which a beacon can still win, if the stratum is as busy as it was so far, or as the route
    /// was a minute before.
    fn floor(&self) -> Rank {
        let (busy, candidates) = ((self.drained + self.beacons).max(self.before), CANDIDATES * u64::from(SLOTS));
        Rank(if busy > candidates { u64::MAX - u64::MAX / busy * candidates } else { 0 })
    }
}

impl Samples {
    /// Counts a beacon in the stratum of `route` and `minute`, and keeps what `beacon` makes if its rank can win the slot.
    #[inline]
    pub(super) fn add(&mut self, route: ValueId, minute: Minute, rank: Rank, beacon: impl FnOnce() -> SampledBeacon) {
        let place = (minute, route);
        let index = match self.places.get(&place) {
            Some(index) => *index,
            None => self.begin(place),
        };
        let stratum = &mut self.strata[index];
        stratum.beacons += 1;
        let slot = usize::from(rank.slot());
        if stratum.slots[slot].as_ref().is_none_or(|kept| kept.0 < rank) && rank >= stratum.floor() {
            stratum.slots[slot] = Some((rank, Box::new(beacon())));
        }
    }

    /// Begins a stratum, and tells where it is.
    #[cold]
    fn begin(&mut self, place: Place) -> usize {
        let (minute, route) = place;
        let beacons = |place| self.paces.get(&place).map_or(0, |pace| pace.beacons);
        let (drained, before) = (beacons(place), beacons((minute.minus(1), route)));
        self.places.insert(place, self.strata.len());
        self.strata.push(OfStratum { place, beacons: 0, drained, before, slots: Default::default() });
        self.strata.len() - 1
    }

    /// Takes the strata and samples; `name` gives a route's, `newest` is the newest minute of received time.
    pub(super) fn drain(
        &mut self,
        app: &AppId,
        newest: Minute,
        name: impl Fn(ValueId) -> Box<str>,
        strata: &mut Vec<Stratum>,
        samples: &mut Vec<Sample>,
    ) {
        if self.paces.len() >= PACES_MAX {
            self.paces.clear();
        }
        self.places.clear();
        for OfStratum { place, beacons, drained, slots, .. } in self.strata.drain(..) {
            self.paces.insert(place, Pace { beacons: drained + beacons, last: newest });
            let (minute, route) = (place.0, name(place.1));
            for (rank, beacon) in slots.into_iter().flatten() {
                samples.push(Sample { app: app.clone(), minute, route: route.clone(), rank, beacon: *beacon });
            }
            strata.push(Stratum { app: app.clone(), minute, route, beacons });
        }
        self.paces.retain(|_, pace| pace.last >= newest.minus(PACE_MINUTES));
    }

    /// Forgets all paces: routes get other numbers.
    pub(super) fn forget_all(&mut self) {
        self.paces.clear();
    }
}

/// What a beacon said about `minute`.
pub(super) fn sampled(record: &BeaconRecordView<'_>, received: Timestamp, minute: Minute, metrics: &mut Metrics) -> SampledBeacon {
    let built_in = Dimension::built_in().filter(|dimension| !matches!(dimension, Dimension::Experiment | Dimension::Arm));
    let built_in = built_in.map(|dimension| (value_of(record, &dimension), dimension));
    let custom = record.custom.iter().filter_map(|custom| Some((custom.value, Dimension::Custom(DimensionName::new(custom.name).ok()?))));
    let dimensions = built_in.chain(custom).filter(|(value, _)| !value.is_empty()).map(|(value, dimension)| (dimension, value.into()));
    let age_max_ms = u64::from(record.lateness_max_s) * 1_000;
    let counted = record.events.iter().filter(|event| event.age_ms <= age_max_ms && minute_of(event, received) == minute);
    let mut event = |event: &EventView<'_>| {
        let metric = metrics.id(event.metric, unit_of(event)?);
        let metric = Metric::clone(&metrics.names()[usize::from(metric)]);
        let attribution = std::str::from_utf8(event.attribution_json).ok().filter(|text| text.len() <= ATTRIBUTION_BYTES_MAX);
        let value = event.value.min(VALUE_MAX);
        Some(SampledEvent { metric, value, age_ms: event.age_ms, attribution: attribution.unwrap_or_default().into() })
    };
    SampledBeacon {
        received,
        weight: record.weight.clamp(1, WEIGHT_MAX),
        dimensions: dimensions.collect(),
        experiments: record.experiments.iter().map(|arm| (arm.experiment.into(), arm.arm.into())).collect(),
        view_id: record.view_id.into(),
        session_id: record.session_id.into(),
        url: record.url.into(),
        events: counted.filter_map(&mut event).collect(),
    }
}
