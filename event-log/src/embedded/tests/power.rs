//! What was acknowledged survives the loss of power at any moment, and syncs that fail.
//!
//! The log runs on a disk that forgets what was not synced. It appends, commits, deletes and is stopped
//! after some number of disk operations: its process is killed, or the power is cut; or it ends in good
//! order. Then it begins anew, again and again.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::{sim_disk::SimDisk, *};
use crate::{Assignment, Committed, Polled};

const PARTITIONS: u32 = 2;
const MARGIN: u64 = 5;

fn raw() -> RawConfig {
    RawConfig {
        partitions: PARTITIONS,
        segment_bytes: 8 << 10,
        record_bytes_max: 3 << 10,
        retention_bytes: 48 << 10,
        replay_margin: MARGIN,
        ..RawConfig::default()
    }
}

/// What must be true of the log, whatever happens.
#[derive(Default)]
struct Law {
    next: u64,
    /// Every record that was handed to the log.
    handed: BTreeSet<String>,
    /// What was acknowledged or read once, by partition and offset.
    durable: BTreeMap<(u32, u64), String>,
    /// The last commit that was acknowledged and the last that was tried.
    committed: u64,
    tried: u64,
    /// The furthest positions that were tried to be committed.
    done: [u64; PARTITIONS as usize],
}

impl Law {
    /// A new record: no other has its text.
    fn record(&mut self, rng: &mut ChaCha8Rng) -> String {
        self.next += 1;
        let length = if rng.random_range(0..8) == 0 { rng.random_range(0..2_900) } else { rng.random_range(0..200) };
        let record = format!("{}:{}", self.next, "x".repeat(length));
        self.handed.insert(record.clone());
        record
    }

    fn appended(&mut self, partition: u32, offset: Offset, record: &str) {
        let before = self.durable.insert((partition, offset.0), record.to_owned());
        assert!(before.is_none_or(|before| before == record), "offset {offset} of partition {partition} was given twice");
    }

    /// All of the log is read, and compared to what is known. What is found now must stay.
    fn check(&mut self, log: &Embedded) {
        let mut found = BTreeSet::new();
        for partition in 0..PARTITIONS {
            let extent = log.core.partitions[partition as usize].extent();
            let done = self.done[partition as usize];
            assert!(extent.start.0 == 0 || extent.start.0 + MARGIN <= done, "{extent:?}, but a group is at {done}");
            let records = read(log, partition).unwrap();
            assert_eq!(records.len() as u64, extent.end.0 - extent.start.0);
            for (offset, record) in (extent.start.0..).zip(texts(&records)) {
                assert!(self.handed.contains(&record), "invented: {record}");
                assert!(found.insert(record.clone()), "twice: {record}");
                self.appended(partition, Offset(offset), &record);
            }
            let beyond = self.durable.range((partition, extent.end.0)..=(partition, u64::MAX)).next();
            assert_eq!(beyond, None, "partition {partition} ends at {}", extent.end);
        }
    }
}

/// Finds the group's positions, which are those of one commit in all partitions: the note tells which.
async fn check_commit(consumer: &mut Box<dyn Consumer>, law: &mut Law) {
    let Polled::Assigned(assigned) = consumer.poll(Duration::ZERO).await.unwrap() else { panic!("nothing is assigned") };
    let number = |assignment: &Assignment| assignment.committed.as_ref().map_or(0, |found| found.metadata.parse().unwrap());
    let numbers: BTreeSet<u64> = assigned.iter().map(number).collect();
    assert_eq!(numbers.len(), 1, "a commit came back in parts: {assigned:?}");
    let number = numbers.into_iter().min().unwrap();
    assert!((law.committed..=law.tried).contains(&number), "{number} is not in {}..={}", law.committed, law.tried);
    law.committed = number;
}

/// Commits further positions than ever before.
async fn commit(log: &Embedded, consumer: &mut Box<dyn Consumer>, law: &mut Law, rng: &mut ChaCha8Rng) {
    law.tried += 1;
    let positions: Vec<_> = (0..PARTITIONS)
        .map(|partition| {
            let end = log.core.partitions[partition as usize].end();
            let done = &mut law.done[partition as usize];
            *done = rng.random_range(*done..=end);
            (Partition(partition), Committed { offset: Offset(*done), metadata: law.tried.to_string() })
        })
        .collect();
    if consumer.commit(&positions).await.is_ok() {
        law.committed = law.tried;
    }
}

/// Appends a burst of records, all of which are under way together.
async fn append(log: &Embedded, law: &mut Law, rng: &mut ChaCha8Rng) {
    let mut under_way = Vec::new();
    for _ in 0..rng.random_range(1..8) {
        let (partition, record) = (rng.random_range(0..PARTITIONS), law.record(rng));
        under_way.push((partition, log.enqueue(Partition(partition), Bytes::from(record.clone())), record));
    }
    for (partition, queued, record) in under_way {
        let answer = match queued {
            Ok(answer) => answer.await.unwrap(),
            Err(refused) => Err(refused),
        };
        match answer {
            Ok(offset) => law.appended(partition, offset, &record),
            // What was refused for want of room must never appear.
            Err(AppendError::Full(_)) => assert!(law.handed.remove(&record)),
            Err(AppendError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Uses the log until the disk stops or it had enough.
async fn work(log: &Embedded, disk: &SimDisk, law: &mut Law, rng: &mut ChaCha8Rng) {
    let mut consumer = log.consumer("group").await.unwrap();
    check_commit(&mut consumer, law).await;
    for _ in 0..rng.random_range(1..60) {
        match rng.random_range(0..10) {
            _ if disk.has_stopped() => return,
            0 => commit(log, &mut consumer, law, rng).await,
            1 => drop(log.retain(Timestamp::from_ms(0))),
            _ => append(log, law, rng).await,
        }
    }
}

async fn live_through(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut law, mut dir) = (Law::default(), tempfile::tempdir().unwrap());
    let mut disk = SimDisk::holding(dir.path(), ChaCha8Rng::seed_from_u64(rng.random()));
    let open = |dir: &TempDir, disk: &SimDisk| {
        Embedded::open_on(raw().check(dir.path()).unwrap(), TestClock::new().clock(), Arc::new(disk.clone()))
    };
    // From its first commit on, a group's records are kept for it.
    while law.committed == 0 {
        let log = open(&dir, &disk).unwrap();
        let mut consumer = log.consumer("group").await.unwrap();
        check_commit(&mut consumer, &mut law).await;
        commit(&log, &mut consumer, &mut law, &mut rng).await;
    }
    for _ in 0..8 {
        // The process ends in good order, is killed, or the power is cut.
        let (killed, cut) = [(false, false), (true, false), (true, true), (true, true)][rng.random_range(0..4)];
        if killed {
            disk.stop_after(rng.random_range(1..150));
        }
        disk.fail_syncs(if rng.random_range(0..3) == 0 { 20 } else { 0 });
        match open(&dir, &disk) {
            Ok(log) => {
                law.check(&log);
                work(&log, &disk, &mut law, &mut rng).await;
            }
            Err(LogError::Io { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        if cut {
            let found = tempfile::tempdir().unwrap();
            disk.image_after_power_cut(dir.path(), found.path());
            dir = found;
            disk = SimDisk::holding(dir.path(), ChaCha8Rng::seed_from_u64(rng.random()));
        }
        disk.go_on();
    }
    disk.fail_syncs(0);
    law.check(&open(&dir, &disk).unwrap());
}

#[test]
fn what_was_acknowledged_or_read_survives_kills_power_cuts_and_failing_syncs() {
    for seed in 0..60 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let lived = std::panic::catch_unwind(|| runtime.block_on(live_through(seed)));
        assert!(lived.is_ok(), "it went wrong with seed {seed}");
    }
}

/// The positions of a group in partition 0, by opening and closing the log.
async fn committed(dir: &TempDir, disk: &SimDisk) -> u64 {
    let log = Embedded::open_on(raw().check(dir.path()).unwrap(), TestClock::new().clock(), Arc::new(disk.clone())).unwrap();
    let mut consumer = log.consumer("group").await.unwrap();
    let mut law = Law { tried: u64::MAX, ..Law::default() };
    check_commit(&mut consumer, &mut law).await;
    law.committed
}

#[tokio::test]
async fn positions_that_were_found_after_a_kill_are_still_there_after_a_power_cut() {
    let mut kills_between = 0;
    for operations in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let disk = SimDisk::holding(dir.path(), ChaCha8Rng::seed_from_u64(operations));
        let (mut law, mut rng) = (Law::default(), ChaCha8Rng::seed_from_u64(operations));
        {
            let log = Embedded::open_on(raw().check(dir.path()).unwrap(), TestClock::new().clock(), Arc::new(disk.clone())).unwrap();
            let mut consumer = log.consumer("group").await.unwrap();
            check_commit(&mut consumer, &mut law).await;
            commit(&log, &mut consumer, &mut law, &mut rng).await;
            disk.stop_after(operations);
            commit(&log, &mut consumer, &mut law, &mut rng).await;
        }
        let done = law.committed == 2;
        disk.go_on();
        let found = committed(&dir, &disk).await;
        assert!((law.committed..=2).contains(&found), "{found}");
        kills_between += u32::from(found == 2 && !done);
        for _ in 0..10 {
            let image = tempfile::tempdir().unwrap();
            disk.image_after_power_cut(dir.path(), image.path());
            let disk = SimDisk::holding(image.path(), ChaCha8Rng::seed_from_u64(0));
            assert_eq!(committed(&image, &disk).await, found, "killed after {operations} operations");
        }
        if done {
            break;
        }
    }
    assert!(kills_between > 0, "no kill fell between the new name and its sync");
}
