//! The record: one beacon as accepted, as it stands in the log. The types are generated from
//! `proto/record.proto`, which is the public contract.
//!
//! A `...View` borrows from the record's bytes, so that reading one copies nothing.

#[expect(clippy::all, clippy::pedantic, clippy::restriction, unreachable_pub, reason = "generated from proto/record.proto")]
mod wire {
    include!(concat!(env!("OUT_DIR"), "/wire.rs"));
}

pub use buffa::{DecodeError, Message, MessageView, ViewEncode};
pub use wire::icarus::v1::{
    Arm, ArmView, BeaconRecord, BeaconRecordView, CustomDimension, CustomDimensionView, Event, EventView, Rejection, RejectionView, Unit,
};

/// The partition of a beacon: a pure function of app, route and beacon id, so that a retry meets its
/// first copy, in whichever process it arrives.
///
/// A route's beacons go to `spread` neighbouring partitions (at least 1): few, so that its series
/// are flushed in few places, but more than one, so that a busy route doesn't wait for one worker.
pub fn partition(app: &str, route: &str, beacon_id: &[u8], partitions: u32, spread: u32) -> u32 {
    debug_assert!(partitions > 0 && spread > 0, "a log has at least one partition");
    let home = stable_hash(&[app.as_bytes(), route.as_bytes()]) % u64::from(partitions);
    let step = stable_hash(&[app.as_bytes(), beacon_id]) % u64::from(spread);
    u32::try_from((home + step) % u64::from(partitions)).expect("a remainder of a u32")
}

/// 64-bit XXH3 of `parts`, each preceded by its length. The same in every process and version.
fn stable_hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_reads_what_was_written() {
        let record = BeaconRecord {
            app: "shop".into(),
            route: "/checkout".into(),
            weight: 10,
            events: vec![Event {
                metric: "LCP".into(),
                unit: Unit::UNIT_DURATION.into(),
                value: 2_500_000,
                age_ms: 1_200,
                ..Default::default()
            }],
            ..Default::default()
        };
        let bytes = record.encode_to_vec();
        let view = BeaconRecordView::decode_view(&bytes).unwrap();
        assert_eq!((view.app, view.route, view.weight), ("shop", "/checkout", 10));
        assert_eq!((view.events[0].metric, view.events[0].value), ("LCP", 2_500_000));
        assert_eq!(view.to_owned_message().unwrap(), record);
    }

    #[test]
    fn the_partition_depends_on_app_route_and_id_alone_and_keeps_to_the_spread() {
        let of = |id: &[u8], spread| partition("shop", "/", id, 12, spread);
        assert_eq!(of(b"a", 3), of(b"a", 3));
        let reached: std::collections::BTreeSet<_> = (0..200u32).map(|i| of(&i.to_le_bytes(), 3)).collect();
        assert_eq!(reached.len(), 3);
        // Pinned: another value would send retries of beacons in flight to another partition.
        assert_eq!(partition("shop", "/checkout", b"0123456789abcdef", 12, 4), 10);
    }
}
