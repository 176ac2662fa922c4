//! Who may commit what, when members come and go in bad moments.

use super::{
    faulty_disk::{FaultyDisk, Op},
    *,
};
use crate::{Committed, Polled};

fn position(partition: u32, offset: u64, note: &str) -> (Partition, Committed) {
    (Partition(partition), Committed { offset: Offset(offset), metadata: note.to_owned() })
}

async fn polled(consumer: &mut Box<dyn Consumer>) -> String {
    match consumer.poll(Duration::ZERO).await.unwrap() {
        Polled::Assigned(assigned) => {
            let one = |assignment: &crate::Assignment| {
                let committed = assignment.committed.as_ref().map_or("", |committed| committed.metadata.as_str());
                format!(" {}:{committed}", assignment.partition)
            };
            format!("assigned{}", assigned.iter().map(one).collect::<String>())
        }
        Polled::Revoked(revoked) => format!("revoked{}", revoked.iter().map(|partition| format!(" {partition}")).collect::<String>()),
        Polled::Records { partition, records } => format!("{} records of {partition}", records.len()),
        Polled::Idle => "idle".to_owned(),
    }
}

fn log_with(disk: Arc<FaultyDisk>, partitions: u32) -> (tempfile::TempDir, Embedded) {
    let dir = tempfile::tempdir().unwrap();
    let log = Embedded::open_on(RawConfig { partitions, ..small() }.check(dir.path()).unwrap(), TestClock::new().clock(), disk).unwrap();
    (dir, log)
}

#[tokio::test]
async fn only_partitions_whose_reader_changes_are_revoked() {
    let (_dir, log) = log_with(Arc::default(), 4);
    let mut first = log.consumer("g").await.unwrap();
    assert_eq!(polled(&mut first).await, "assigned 0: 1: 2: 3:");
    let mut second = log.consumer("g").await.unwrap();
    assert_eq!(polled(&mut first).await, "revoked 2 3");
    assert_eq!(polled(&mut second).await, "assigned 2: 3:");
    drop(second);
    assert_eq!(polled(&mut first).await, "assigned 2: 3:");
    assert_eq!(polled(&mut first).await, "idle");
}

#[tokio::test]
async fn members_beyond_the_partitions_wait_for_their_turn() {
    let (_dir, log) = log_with(Arc::default(), 1);
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(log.consumer("g").await.unwrap());
    }
    for expected in ["assigned 0:", "idle", "idle"] {
        assert_eq!(polled(&mut members[0]).await, expected);
        members.rotate_left(1);
    }
    members.remove(0);
    for expected in ["assigned 0:", "idle"] {
        assert_eq!(polled(&mut members[0]).await, expected);
        members.rotate_left(1);
    }
}

#[tokio::test]
async fn a_partition_that_went_and_came_back_unnoticed_cannot_be_committed_by_the_old_term() {
    let (_dir, log) = log_with(Arc::default(), 2);
    for _ in 0..3 {
        log.append(Partition(1), Bytes::from_static(b"x")).await.unwrap();
    }
    let mut first = log.consumer("g").await.unwrap();
    assert_eq!(polled(&mut first).await, "assigned 0: 1:");
    // Partition 1 goes to the second member, which gets further, and comes back.
    let mut second = log.consumer("g").await.unwrap();
    assert_eq!(polled(&mut second).await, "assigned 1:");
    second.commit(&[position(1, 3, "further")]).await.unwrap();
    drop(second);
    let stale = first.commit(&[position(1, 1, "stale")]).await;
    assert!(matches!(stale, Err(LogError::NotAssigned(Partition(1)))), "{stale:?}");
    assert_eq!(polled(&mut first).await, "revoked 1");
    assert_eq!(polled(&mut first).await, "assigned 1:further");
    first.commit(&[position(1, 3, "again")]).await.unwrap();
}

#[tokio::test]
async fn who_inherits_a_partition_begins_with_the_commit_that_was_under_way() {
    let disk = Arc::new(FaultyDisk::default());
    let (_dir, log) = log_with(Arc::clone(&disk), 2);
    log.append(Partition(1), Bytes::from_static(b"x")).await.unwrap();
    let mut first = log.consumer("g").await.unwrap();
    polled(&mut first).await;
    let gate = disk.gate(Op::Rename);
    let committing = tokio::spawn(async move {
        let committed = first.commit(&[position(1, 1, "under way")]).await;
        (first, committed)
    });
    let gate = tokio::task::spawn_blocking(move || {
        gate.reached();
        gate
    });
    let gate = gate.await.unwrap();
    let mut second = log.consumer("g").await.unwrap();
    assert_eq!(polled(&mut second).await, "idle", "readers don't change during a commit");
    drop(gate);
    let (mut first, committed) = committing.await.unwrap();
    committed.unwrap();
    assert_eq!(polled(&mut second).await, "assigned 1:under way");
    assert_eq!(polled(&mut first).await, "revoked 1");
}
