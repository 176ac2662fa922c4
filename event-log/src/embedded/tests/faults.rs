//! What the log does when the disk is full, fails, or is slow.

use std::io::ErrorKind::{InvalidInput, Other, StorageFull};

use tempfile::TempDir;

use super::{
    faulty_disk::{FaultyDisk, Op},
    *,
};
use crate::{Committed, Polled};

struct Bench {
    dir: TempDir,
    disk: Arc<FaultyDisk>,
    log: Arc<Embedded>,
}

impl Bench {
    fn new(raw: &RawConfig) -> Self {
        let (dir, disk) = (tempfile::tempdir().unwrap(), Arc::new(FaultyDisk::default()));
        let log = Embedded::open_on(raw.check(dir.path()).unwrap(), TestClock::new().clock(), Arc::clone(&disk) as _).unwrap();
        Self { dir, disk, log: Arc::new(log) }
    }

    async fn append(&self, partition: u32, text: impl Into<String>) -> Result<Offset, AppendError> {
        self.log.append_at(Partition(partition), Bytes::from(text.into())).await
    }

    /// Begins an append in the background.
    fn begin(&self, text: &str) -> tokio::task::JoinHandle<Result<Offset, AppendError>> {
        let answer = self.log.enqueue(Partition(0), Bytes::from(text.to_owned())).unwrap();
        tokio::spawn(async { answer.await.unwrap() })
    }

    fn texts(&self, partition: u32) -> Vec<String> {
        texts(&read(&self.log, partition).unwrap())
    }

    /// What the log holds after it was closed and opened by a healthy system.
    fn texts_after_restart(self, raw: &RawConfig) -> Vec<String> {
        drop(Arc::into_inner(self.log).unwrap());
        texts(&read(&open(raw, self.dir.path()).unwrap(), 0).unwrap())
    }
}

#[tokio::test]
async fn a_full_disk_refuses_records_and_takes_them_again_when_there_is_room() {
    let bench = Bench::new(&small());
    bench.append(0, "first").await.unwrap();
    bench.disk.fail(Op::Write, StorageFull);
    for _ in 0..3 {
        let refused = bench.append(0, "never").await;
        assert!(matches!(&refused, Err(AppendError::Full(why)) if why.contains(".seg can't be written")), "{refused:?}");
    }
    assert_eq!(bench.log.failing(), None);
    let file = fs::metadata(&segments(bench.dir.path(), 0)[0]).unwrap().len();
    assert_eq!(file, 48 + 20 + 5, "what was half written is cut off");
    assert_eq!(bench.log.bytes(), 2 * 48 + 20 + 5);
    bench.disk.heal();
    assert_eq!(bench.append(0, "second").await.unwrap(), Offset(1));
    assert_eq!(bench.texts(0), ["first", "second"]);
    assert_eq!(bench.texts_after_restart(&small()), ["first", "second"]);
}

#[tokio::test]
async fn a_write_that_fails_otherwise_is_unavailable_and_tried_again_with_the_next_record() {
    let bench = Bench::new(&small());
    bench.disk.fail(Op::Write, Other);
    assert!(matches!(bench.append(0, "never").await, Err(AppendError::Unavailable(_))));
    bench.disk.heal();
    assert_eq!(bench.append(0, "first").await.unwrap(), Offset(0));
    assert_eq!(bench.texts_after_restart(&small()), ["first"]);
}

#[tokio::test]
async fn a_sync_that_failed_is_never_trusted_again() {
    let bench = Bench::new(&small());
    bench.append(0, "first").await.unwrap();
    bench.disk.fail(Op::Sync, Other);
    assert!(matches!(bench.append(0, "unknown").await, Err(AppendError::Unavailable(_))));
    bench.disk.heal();
    let refused = bench.append(0, "refused").await;
    assert!(matches!(&refused, Err(AppendError::Unavailable(why)) if why.contains("restart")), "{refused:?}");
    let why = bench.log.failing().unwrap();
    assert!(why.contains("partition 0") && why.contains("restart"), "{why}");
    assert_eq!(bench.log.extent(Partition(0)).await.unwrap().end, Offset(1));
    assert_eq!(bench.texts(0), ["first"], "what may not be durable is not shown");
    assert_eq!(bench.append(1, "elsewhere").await.unwrap(), Offset(0), "other partitions go on");
    let dir = bench.dir.path().to_owned();
    drop(Arc::into_inner(bench.log).unwrap());
    let log = open(&small(), &dir).unwrap();
    assert_eq!(log.failing(), None);
    assert_eq!(texts(&read(&log, 0).unwrap())[0], "first");
    let next = log.append_at(Partition(0), Bytes::from_static(b"after")).await.unwrap();
    assert_eq!(texts(&read_from(&log, 0, next.0).unwrap()), ["after"]);
}

#[tokio::test]
async fn a_write_that_cannot_be_taken_back_fails_the_partition() {
    for op in [Op::SetLen, Op::Sync] {
        let bench = Bench::new(&small());
        bench.disk.rule(move |now, _| if now == Op::Write || now == op { Err(StorageFull.into()) } else { Ok(()) });
        assert!(matches!(bench.append(0, "never").await, Err(AppendError::Unavailable(_))));
        bench.disk.heal();
        assert!(matches!(bench.append(0, "refused").await, Err(AppendError::Unavailable(_))));
        assert!(bench.log.failing().unwrap().contains("nor cut back"));
    }
}

#[tokio::test]
async fn a_segment_that_cannot_be_begun_refuses_records_until_it_can() {
    for op in [Op::Create, Op::Write] {
        let bench = Bench::new(&small());
        let large = "x".repeat(32 << 10);
        bench.append(0, &large).await.unwrap();
        bench.disk.rule(
            move |now, path| {
                if now == op && path.to_string_lossy().ends_with("00000001.seg") { Err(StorageFull.into()) } else { Ok(()) }
            },
        );
        assert!(matches!(bench.append(0, &large).await, Err(AppendError::Full(_))), "{op:?}");
        assert_eq!(bench.append(0, "small").await.unwrap(), Offset(1), "the old segment has room for it");
        bench.disk.heal();
        assert_eq!(bench.append(0, &large).await.unwrap(), Offset(2));
        assert_eq!(segments(bench.dir.path(), 0).len(), 2);
        assert_eq!(bench.texts_after_restart(&small()), [&large, "small", &large]);
    }
}

#[tokio::test]
async fn a_segment_whose_name_is_not_durable_fails_the_partition() {
    for op in [Op::Sync, Op::SyncDir] {
        let bench = Bench::new(&small());
        let large = "x".repeat(32 << 10);
        bench.append(0, &large).await.unwrap();
        bench.disk.fail(op, Other);
        assert!(matches!(bench.append(0, &large).await, Err(AppendError::Unavailable(_))));
        bench.disk.heal();
        assert!(matches!(bench.append(0, "refused").await, Err(AppendError::Unavailable(_))));
        assert_eq!(bench.texts_after_restart(&small()), [large]);
    }
}

#[tokio::test]
async fn nothing_is_answered_nor_shown_before_it_is_synced() {
    let bench = Bench::new(&small());
    let mut consumer = bench.log.consumer("reader").await.unwrap();
    assert!(matches!(consumer.poll(Duration::ZERO).await.unwrap(), Polled::Assigned(_)));
    consumer.seek(Partition(0), Offset(0)).await.unwrap();
    let gate = bench.disk.gate(Op::Sync);
    let appending = bench.begin("held up");
    gate.reached();
    assert!(matches!(consumer.poll(Duration::from_millis(30)).await.unwrap(), Polled::Idle));
    assert_eq!(bench.log.extent(Partition(0)).await.unwrap().end, Offset(0));
    assert!(!appending.is_finished());
    gate.pass();
    assert_eq!(appending.await.unwrap().unwrap(), Offset(0));
    assert!(matches!(consumer.poll(Duration::ZERO).await.unwrap(), Polled::Records { .. }));
}

#[tokio::test]
async fn all_that_came_in_during_a_sync_is_made_durable_by_one_write_and_one_sync() {
    let bench = Bench::new(&small());
    let gate = bench.disk.gate(Op::Sync);
    let first = bench.begin("first");
    gate.reached();
    let rest: Vec<_> = (0..100).map(|i| bench.begin(&i.to_string())).collect();
    gate.pass();
    gate.reached();
    gate.pass();
    assert_eq!(first.await.unwrap().unwrap(), Offset(0));
    for (i, appending) in rest.into_iter().enumerate() {
        assert_eq!(appending.await.unwrap().unwrap(), Offset(i as u64 + 1));
    }
    assert_eq!(gate.seen(), [Op::Write, Op::Sync, Op::Write, Op::Sync]);
}

#[tokio::test]
async fn records_past_the_queues_bounds_are_refused_while_the_disk_is_slow() {
    for (raw, text) in [
        (RawConfig { queue_records_max: 3, ..small() }, "queue_records_max"),
        (RawConfig { queue_bytes_max: 32 << 10, ..small() }, "queue_bytes_max"),
    ] {
        let bench = Bench::new(&raw);
        let gate = bench.disk.gate(Op::Sync);
        let record = "x".repeat(10 << 10);
        let waiting: Vec<_> = (0..3).map(|_| bench.begin(&record)).collect();
        gate.reached();
        let refused = bench.append(0, &record).await;
        assert!(matches!(&refused, Err(AppendError::Full(why)) if why.contains(text)), "{refused:?}");
        drop(gate);
        for appending in waiting {
            appending.await.unwrap().unwrap();
        }
        assert_eq!(bench.append(0, &record).await.unwrap(), Offset(3));
    }
}

#[tokio::test]
async fn closing_waits_until_what_was_taken_is_durable() {
    let bench = Bench::new(&small());
    let gate = bench.disk.gate(Op::Sync);
    let appending: Vec<_> = (0..10).map(|i| bench.begin(&i.to_string())).collect();
    gate.reached();
    let closing = tokio::task::spawn_blocking({
        let log = Arc::clone(&bench.log);
        move || log.close()
    });
    drop(gate);
    closing.await.unwrap();
    for appending in appending {
        appending.await.unwrap().unwrap();
    }
    assert!(matches!(bench.append(0, "late").await, Err(AppendError::Closed)));
    let retained = bench.log.retain(Timestamp::default());
    assert!(matches!(retained, Err(LogError::Closed)), "{retained:?}");
    assert_eq!(bench.texts_after_restart(&small()).len(), 10);
}

/// A group with one position committed, and what a further commit came to.
async fn commit_with_fault(op: Op) -> (Bench, Box<dyn Consumer>, Result<(), LogError>) {
    let bench = Bench::new(&small());
    bench.append(0, "x").await.unwrap();
    let mut consumer = bench.log.consumer("reader").await.unwrap();
    assert!(matches!(consumer.poll(Duration::ZERO).await.unwrap(), Polled::Assigned(_)));
    consumer.commit(&[(Partition(0), Committed { offset: Offset(0), metadata: "old".into() })]).await.unwrap();
    bench.disk.fail(op, InvalidInput);
    let committed = consumer.commit(&[(Partition(0), Committed { offset: Offset(1), metadata: "new".into() })]).await;
    bench.disk.heal();
    (bench, consumer, committed)
}

async fn committed(log: &Embedded) -> String {
    let mut consumer = log.consumer("reader").await.unwrap();
    let Polled::Assigned(assigned) = consumer.poll(Duration::ZERO).await.unwrap() else { panic!("not assigned") };
    assigned[0].committed.clone().unwrap().metadata
}

#[tokio::test]
async fn a_commit_that_fails_leaves_the_positions_as_they_were_and_can_be_tried_again() {
    for op in [Op::Create, Op::Write, Op::Sync, Op::Rename] {
        let (bench, mut consumer, result) = commit_with_fault(op).await;
        assert!(matches!(result, Err(LogError::Io { .. })), "{op:?}: {result:?}");
        drop(consumer);
        assert_eq!(committed(&bench.log).await, "old");
        consumer = bench.log.consumer("reader").await.unwrap();
        assert!(matches!(consumer.poll(Duration::ZERO).await.unwrap(), Polled::Assigned(_)));
        consumer.commit(&[(Partition(0), Committed { offset: Offset(1), metadata: "newer".into() })]).await.unwrap();
        drop(consumer);
        drop(Arc::into_inner(bench.log).unwrap());
        assert_eq!(committed(&open(&small(), bench.dir.path()).unwrap()).await, "newer");
    }
}

#[tokio::test]
async fn a_group_takes_no_commits_once_it_is_not_known_what_the_disk_holds() {
    let (bench, mut consumer, result) = commit_with_fault(Op::SyncDir).await;
    assert!(result.is_err());
    let again = consumer.commit(&[(Partition(0), Committed { offset: Offset(1), metadata: "newer".into() })]).await;
    assert!(matches!(&again, Err(error) if error.to_string().contains("restart")), "{again:?}");
    drop(consumer);
    drop(Arc::into_inner(bench.log).unwrap());
    assert!(["old", "new"].contains(&committed(&open(&small(), bench.dir.path()).unwrap()).await.as_str()));
}
