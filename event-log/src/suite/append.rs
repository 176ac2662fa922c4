//! Checks of the writing end.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::{Bed, Member, append, offsets, within};
use crate::{AppendError, Extent, Offset, Partition};

/// Offsets of a partition are 0, 1, 2 ..., whatever goes on in the others.
pub async fn offsets_count_from_zero_without_gaps_in_each_partition(bed: &dyn Bed) {
    let log = bed.fresh(3).await;
    assert_eq!(log.partitions(), 3);
    for round in 0..5 {
        assert_eq!(append(&log, 0, "a").await, Offset(2 * round));
        assert_eq!(append(&log, 2, "b").await, Offset(round));
        assert_eq!(append(&log, 0, "c").await, Offset(2 * round + 1));
    }
    assert_eq!(append(&log, 1, "").await, Offset(0));
}

/// The limit on a record is exact, and what is refused leaves no trace.
pub async fn a_record_past_the_limit_is_refused_and_one_at_it_is_taken(bed: &dyn Bed) {
    let log = bed.fresh(1).await;
    let limit = bed.record_bytes_max();
    let refused = log.append(Partition(0), Bytes::from(vec![1; limit + 1])).await;
    assert!(matches!(refused, Err(AppendError::TooLarge { bytes, max }) if bytes == limit + 1 && max == limit), "{refused:?}");
    let largest = Bytes::from(vec![2; limit]);
    assert_eq!(append(&log, 0, largest.clone()).await, Offset(0));
    let records = Member::alone(&log, &bed.group("limit")).await.read_from(&log, 0, 0).await;
    assert_eq!(records.len(), 1);
    assert!(records[0].bytes == largest, "the largest record is read as it was appended");
}

/// Many tasks append at once; every offset that one was told holds its record, and nothing else is there.
pub async fn concurrent_appenders_each_find_their_bytes_at_their_offset(bed: &dyn Bed) {
    const APPENDERS: u32 = 40;
    const EACH: u32 = 50;
    let log = bed.fresh(2).await;
    let appenders: Vec<_> = (0..APPENDERS)
        .map(|appender| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut told = Vec::new();
                for i in 0..EACH {
                    let (partition, record) = ((appender + i) % 2, format!("{appender}/{i}"));
                    told.push(((Partition(partition), append(&log, partition, record.clone()).await), record));
                }
                told
            })
        })
        .collect();
    let mut told = BTreeMap::new();
    for appender in appenders {
        for (place, record) in within("an appender's end", appender).await.expect("appenders don't panic") {
            assert_eq!(told.insert(place, record), None, "an offset is given once");
        }
    }
    let mut member = Member::alone(&log, &bed.group("concurrent")).await;
    let mut found = BTreeMap::new();
    for partition in 0..2 {
        for record in member.read_from(&log, partition, 0).await {
            let text = String::from_utf8(record.bytes.to_vec()).expect("records are as appended");
            found.insert((Partition(partition), record.offset), text);
        }
    }
    assert_eq!(found, told);
}

/// Records that a caller appends one after the other, without waiting in between, keep that order.
pub async fn one_callers_records_keep_their_order(bed: &dyn Bed) {
    const RECORDS: u32 = 500;
    let log = bed.fresh(1).await;
    let mut under_way = tokio::task::JoinSet::new();
    for i in 0..RECORDS {
        let (log, (begun, begins)) = (Arc::clone(&log), tokio::sync::oneshot::channel());
        under_way.spawn(async move {
            let mut appending = log.append(Partition(0), Bytes::from(i.to_string()));
            // Once polled it has its place; then the next may come.
            let first = std::future::poll_fn(|context| std::task::Poll::Ready(appending.as_mut().poll(context))).await;
            begun.send(()).expect("the caller waits");
            match first {
                std::task::Poll::Ready(done) => done,
                std::task::Poll::Pending => appending.await,
            }
        });
        begins.await.expect("the append was begun");
    }
    while let Some(done) = within("an append", under_way.join_next()).await {
        done.expect("appends don't panic").expect("the record is appended");
    }
    let records = Member::alone(&log, &bed.group("order")).await.read_from(&log, 0, 0).await;
    let expected: Vec<_> = (0..RECORDS).map(|i| i.to_string()).collect();
    assert_eq!(records.iter().map(|record| String::from_utf8_lossy(&record.bytes).into_owned()).collect::<Vec<_>>(), expected);
}

/// Partitions are numbered from 0; others don't exist.
pub async fn an_unknown_partition_is_refused(bed: &dyn Bed) {
    let log = bed.fresh(2).await;
    let refused = within("an answer", log.append(Partition(2), Bytes::from_static(b"x"))).await;
    assert!(refused.is_err(), "{refused:?}");
    assert!(within("an answer", log.extent(Partition(2))).await.is_err());
}

/// After everything in memory is gone, the records are there, and the next offset is the next.
pub async fn records_survive_reopening_and_offsets_go_on(bed: &dyn Bed) {
    let log = bed.fresh(2).await;
    for i in 0..20 {
        append(&log, 1, format!("before {i}")).await;
    }
    let log = bed.reopen(log).await;
    assert_eq!(log.partitions(), 2);
    assert_eq!(append(&log, 1, "after").await, Offset(20));
    assert_eq!(append(&log, 0, "after").await, Offset(0));
    let records = Member::alone(&log, &bed.group("reopening")).await.read_from(&log, 1, 0).await;
    assert_eq!(offsets(&records), (0..21).collect::<Vec<_>>());
    assert!(records[..20].iter().enumerate().all(|(i, record)| record.bytes == format!("before {i}")) && records[20].bytes == "after");
}

/// The extent ends behind the last record that was acknowledged.
pub async fn the_extent_grows_with_each_append(bed: &dyn Bed) {
    let log = bed.fresh(2).await;
    for end in 0..10 {
        let extent = log.extent(Partition(1)).await.expect("the partition exists");
        assert_eq!(extent, Extent { start: Offset(0), end: Offset(end) });
        append(&log, 1, "x").await;
    }
    let other = log.extent(Partition(0)).await.expect("the partition exists");
    assert_eq!(other, Extent { start: Offset(0), end: Offset(0) });
}
