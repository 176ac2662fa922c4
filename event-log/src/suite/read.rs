//! Checks of the reading end.

use std::time::Duration;

use super::{Bed, Member, PATIENCE, append, offsets, within};
use crate::{LogError, Offset, Partition, Polled};

/// Records come in order, each once, with the bytes that were appended.
pub async fn records_are_read_in_order_with_their_bytes(bed: &dyn Bed) {
    let log = bed.fresh(1).await;
    // Of all sizes, so that they cross whatever borders there are; the empty one among them.
    let record = |i: usize| vec![i as u8; (i * 131) % 9_000];
    for i in 0..300 {
        append(&log, 0, record(i)).await;
    }
    let records = Member::alone(&log, &bed.group("in-order")).await.read_from(&log, 0, 0).await;
    assert_eq!(offsets(&records), (0..300).collect::<Vec<_>>());
    for (i, read) in records.iter().enumerate() {
        assert!(read.bytes == record(i), "record {i}");
    }
    assert!(records.iter().all(|record| record.appended.as_ms() > 0), "records are dated");
}

/// Any offset can be sought, back and forth, any number of times.
pub async fn reading_can_start_at_any_offset(bed: &dyn Bed) {
    let log = bed.fresh(1).await;
    for i in 0..60_u64 {
        append(&log, 0, i.to_string()).await;
    }
    let mut member = Member::alone(&log, &bed.group("any-offset")).await;
    for start in [59, 0, 30, 1, 58, 0, 0, 59, 17] {
        let records = member.read_from(&log, 0, start).await;
        assert_eq!(offsets(&records), (start..60).collect::<Vec<_>>());
        assert!(records.iter().all(|record| record.bytes == record.offset.0.to_string()));
    }
    member.seek(0, 60).await;
    append(&log, 0, "60").await;
    member.until("the record behind the end", |member| member.records.contains_key(&Partition(0))).await;
    assert_eq!(offsets(&member.records[&Partition(0)]), [60]);
}

/// Where to begin is the consumer's decision: nothing comes before it is made.
pub async fn a_partition_gives_nothing_before_it_is_sought(bed: &dyn Bed) {
    let log = bed.fresh(2).await;
    for partition in [0, 0, 1] {
        append(&log, partition, "x").await;
    }
    let mut member = Member::alone(&log, &bed.group("unsought")).await;
    assert_eq!(member.assigned[&Partition(0)].extent.end, Offset(2));
    member.seek(1, 0).await;
    member.until("the sought partition's record", |member| !member.records.is_empty()).await;
    member.step().await;
    assert_eq!(member.records.keys().collect::<Vec<_>>(), [&Partition(1)]);
}

/// Only what the partition holds, or its end, can be sought; and only in an assigned partition.
pub async fn seeking_outside_the_extent_is_refused(bed: &dyn Bed) {
    let log = bed.fresh(1).await;
    append(&log, 0, "x").await;
    let mut member = Member::join(&log, &bed.group("outside")).await;
    let early = member.consumer.seek(Partition(0), Offset(0)).await;
    assert!(matches!(early, Err(LogError::NotAssigned(Partition(0)))), "{early:?}");
    member.until("the partition", |member| !member.assigned.is_empty()).await;
    let refused = member.consumer.seek(Partition(0), Offset(2)).await;
    assert!(matches!(refused, Err(LogError::OutOfRange { partition: Partition(0), offset: Offset(2), .. })), "{refused:?}");
    member.seek(0, 1).await;
}

/// A poll that waits returns when a record comes, long before its time is over.
pub async fn a_waiting_consumer_wakes_up_on_an_append(bed: &dyn Bed) {
    let log = bed.fresh(2).await;
    let mut member = Member::alone(&log, &bed.group("waking")).await;
    for partition in [0, 1] {
        member.seek(partition, 0).await;
    }
    for round in 0..3 {
        let partition = round % 2;
        let mut consumer = member.consumer;
        let polling = tokio::spawn(async move {
            let polled = consumer.poll(10 * PATIENCE).await;
            (consumer, polled)
        });
        append(&log, partition, "wake").await;
        let (consumer, polled) = within("the record", polling).await.expect("polling doesn't panic");
        assert!(matches!(polled, Ok(Polled::Records { partition: Partition(p), .. }) if p == partition), "{polled:?}");
        member.consumer = consumer;
    }
}

/// Nothing comes: the poll says so, after the time that it was given and not before.
pub async fn an_idle_poll_ends_when_its_time_is_over(bed: &dyn Bed) {
    let log = bed.fresh(1).await;
    append(&log, 0, "x").await;
    let mut member = Member::alone(&log, &bed.group("idle")).await;
    member.seek(0, 1).await;
    let wait = Duration::from_millis(120);
    let early = tokio::time::timeout(wait / 2, member.consumer.poll(wait)).await;
    assert!(early.is_err(), "{early:?} came too early");
    let polled = within("the end of the poll", member.consumer.poll(wait)).await;
    assert!(matches!(polled, Ok(Polled::Idle)), "{polled:?}");
}

/// Dropping a poll at any moment skips no record.
pub async fn a_poll_that_is_dropped_loses_nothing(bed: &dyn Bed) {
    let log = bed.fresh(1).await;
    for i in 0..50 {
        append(&log, 0, i.to_string()).await;
    }
    let mut member = Member::alone(&log, &bed.group("dropped")).await;
    member.seek(0, 0).await;
    let mut got = Vec::new();
    let mut patience_us = 0;
    within("all records", async {
        while got.len() < 50 {
            // From a poll that is hardly begun to one that ends.
            patience_us += 20;
            if let Ok(polled) = tokio::time::timeout(Duration::from_micros(patience_us), member.consumer.poll(PATIENCE)).await {
                let Ok(Polled::Records { records, .. }) = polled else { panic!("{polled:?}") };
                got.extend(offsets(&records));
            }
        }
    })
    .await;
    assert_eq!(got, (0..50).collect::<Vec<_>>());
}

/// A partition with much to read doesn't keep the others waiting until it is done.
pub async fn partitions_take_turns(bed: &dyn Bed) {
    for (busy, quiet) in [(0, 1), (1, 0)] {
        let log = bed.fresh(2).await;
        let large = bed.record_bytes_max() / 2;
        for _ in 0..40 {
            append(&log, busy, vec![0; large]).await;
        }
        append(&log, quiet, "small").await;
        let mut member = Member::alone(&log, &bed.group(&format!("turns-{quiet}"))).await;
        for partition in [0, 1] {
            member.seek(partition, 0).await;
        }
        member.until("both partitions", |member| member.records.len() == 2).await;
        assert!(member.records[&Partition(busy)].len() < 40, "the small record waited for all of the large ones");
    }
}
