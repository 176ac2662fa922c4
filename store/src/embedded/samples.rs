//! Strata and samples: counts that add up, and in each slot of a stratum the beacon of the greatest rank.
//!
//! They are written where they stay, in the flush's atomic batch. What a batch says of minutes that are past
//! their retention is left out: a sample is of a minute, and nothing of it is kept by the hour.

use std::collections::{HashMap, hash_map::Entry};

use fjall::{Keyspace, OwnedWriteBatch};
use schemas::{
    sample::{Rank, SLOTS, Sample, StrataQuery, Stratum},
    time::{MINUTES_PER_DAY, Minute, MinuteRange},
};

use super::{
    Inner, disk, from_json,
    keys::{self, Kind, Stretch},
    to_json,
};
use crate::StoreError;

/// The length of a rank on disk.
const RANK_BYTES: usize = 8;

impl Inner {
    /// Adds a batch's strata to what is known of them.
    pub(super) fn add_strata(&self, strata: &[Stratum], from: Minute, writes: &mut OwnedWriteBatch) -> Result<(), StoreError> {
        let mut after: HashMap<(Stretch, Vec<u8>), u64> = HashMap::new();
        for stratum in strata.iter().filter(|stratum| stratum.minute >= from) {
            let stretch = stretch_of(stratum.minute);
            match after.entry((stretch, keys::stratum(&stratum.app, stratum.minute, &stratum.route))) {
                Entry::Occupied(mut known) => *known.get_mut() += stratum.beacons,
                Entry::Vacant(new) => {
                    let known = self.stretch(stretch)?.get(&new.key().1).map_err(disk("reading a stratum"))?;
                    let known = known.as_deref().map(count).transpose()?.unwrap_or(0);
                    new.insert(known + stratum.beacons);
                }
            }
        }
        for ((stretch, key), beacons) in after {
            writes.insert(&self.stretch(stretch)?, key, beacons.to_be_bytes());
        }
        Ok(())
    }

    /// Puts a batch's samples into their slots, but for those that meet one of at least their rank. A beacon has
    /// one rank: two of the same are one.
    pub(super) fn add_samples(&self, samples: &[Sample], from: Minute, writes: &mut OwnedWriteBatch) -> Result<(), StoreError> {
        let mut after: HashMap<(Stretch, Vec<u8>), &Sample> = HashMap::new();
        for sample in samples.iter().filter(|sample| sample.minute >= from) {
            let stretch = stretch_of(sample.minute);
            match after.entry((stretch, keys::sample(&sample.app, sample.rank.slot(), sample.minute, &sample.route))) {
                Entry::Occupied(mut known) if known.get().rank < sample.rank => drop(known.insert(sample)),
                Entry::Occupied(_) => {}
                Entry::Vacant(new) => {
                    let known = self.stretch(stretch)?.get(&new.key().1).map_err(disk("reading a sample"))?;
                    let known = known.as_deref().map(|value| parts(value).map(|(rank, _)| rank)).transpose()?;
                    if known.is_none_or(|known| known < sample.rank) {
                        new.insert(sample);
                    }
                }
            }
        }
        for ((stretch, key), sample) in after {
            let mut value = sample.rank.0.to_be_bytes().to_vec();
            value.extend(to_json(&sample.beacon)?);
            writes.insert(&self.stretch(stretch)?, key, value);
        }
        Ok(())
    }

    /// The strata asked about, by minute and route.
    pub(super) fn strata(&self, query: &StrataQuery) -> Result<Vec<Stratum>, StoreError> {
        let prefix = keys::strata_from(&query.app, Minute(0)).len() - 4;
        let mut strata = Vec::new();
        for (keyspace, range) in self.days(query.range) {
            for entry in keyspace.range(keys::strata_from(&query.app, range.start)..keys::strata_from(&query.app, range.end)) {
                let (key, value) = entry.into_inner().map_err(disk("reading strata"))?;
                let (minute, route) = keys::minute_and_route(&key, prefix).ok_or_else(unreadable)?;
                if query.asks_for(minute, route) {
                    strata.push(Stratum { app: query.app.clone(), minute, route: route.into(), beacons: count(&value)? });
                }
            }
        }
        Ok(strata)
    }

    /// The samples of those strata in slots below `slots`, by minute, route and slot.
    pub(super) fn samples(&self, query: &StrataQuery, slots: u16) -> Result<Vec<Sample>, StoreError> {
        let prefix = keys::samples_from(&query.app, 0, Minute(0)).len() - 4;
        let mut samples = Vec::new();
        for (keyspace, range) in self.days(query.range) {
            for slot in 0..slots.min(SLOTS) {
                let of = |minute| keys::samples_from(&query.app, slot, minute);
                for entry in keyspace.range(of(range.start)..of(range.end)) {
                    let (key, value) = entry.into_inner().map_err(disk("reading samples"))?;
                    let (minute, route) = keys::minute_and_route(&key, prefix).ok_or_else(unreadable)?;
                    if query.asks_for(minute, route) {
                        let (rank, beacon) = parts(&value)?;
                        samples.push(Sample { app: query.app.clone(), minute, route: route.into(), rank, beacon: from_json(beacon)? });
                    }
                }
            }
        }
        samples.sort_by(|a, b| (a.minute, &a.route, a.rank.slot()).cmp(&(b.minute, &b.route, b.rank.slot())));
        Ok(samples)
    }

    /// The keyspaces of the days of `range`, by day, each with what of the range it has.
    fn days(&self, range: MinuteRange) -> Vec<(Keyspace, MinuteRange)> {
        let of_day = |(stretch, keyspace): (&Stretch, &Keyspace)| {
            let part = range.intersection(MinuteRange::new(stretch.end().minus(MINUTES_PER_DAY), stretch.end()));
            (stretch.kind == Kind::Samples && !part.is_empty()).then(|| (keyspace.clone(), part))
        };
        self.stretches().iter().filter_map(of_day).collect()
    }
}

fn stretch_of(minute: Minute) -> Stretch {
    Stretch::of(Kind::Samples, minute.hour())
}

fn count(value: &[u8]) -> Result<u64, StoreError> {
    value.try_into().map(u64::from_be_bytes).map_err(|_| unreadable())
}

/// A sample's rank, and the JSON of its beacon.
fn parts(value: &[u8]) -> Result<(Rank, &[u8]), StoreError> {
    let (rank, beacon) = value.split_first_chunk::<RANK_BYTES>().ok_or_else(unreadable)?;
    Ok((Rank(u64::from_be_bytes(*rank)), beacon))
}

fn unreadable() -> StoreError {
    StoreError::Corrupt("a stratum or a sample can't be read".to_owned())
}
