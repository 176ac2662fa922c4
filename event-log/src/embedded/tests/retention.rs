//! Old records are deleted, but none that a group still needs; and when nothing may be, the log is full.

use tempfile::TempDir;

use super::{
    faulty_disk::{FaultyDisk, Op},
    *,
};
use crate::{Committed, Polled};

const HOUR: Duration = Duration::from_secs(3_600);

const FRAME_BYTES: u64 = 20 + 1_000;
const HEADER_BYTES: u64 = 48;
const SEGMENT_BYTES: u64 = HEADER_BYTES + 8 * FRAME_BYTES;

/// Eight records fill a segment, and all partitions together may have eight segments.
fn raw() -> RawConfig {
    RawConfig {
        segment_bytes: SEGMENT_BYTES,
        record_bytes_max: 1_000,
        retention_bytes: 8 * SEGMENT_BYTES,
        retention_age: 16 * HOUR,
        replay_margin: 0,
        ..small()
    }
}

struct Bench {
    dir: TempDir,
    clock: TestClock,
    disk: Arc<FaultyDisk>,
    log: Embedded,
}

impl Bench {
    fn new(raw: &RawConfig) -> Self {
        let (dir, clock, disk) = (tempfile::tempdir().unwrap(), TestClock::new(), Arc::new(FaultyDisk::default()));
        let log = Embedded::open_on(raw.check(dir.path()).unwrap(), clock.clock(), Arc::clone(&disk) as _).unwrap();
        Self { dir, clock, disk, log }
    }

    async fn append(&self, partition: u32) -> Result<Offset, AppendError> {
        self.log.append_at(Partition(partition), Bytes::from(vec![7; 1_000])).await
    }

    async fn append_segments(&self, partition: u32, segments: u32) {
        for _ in 0..8 * segments {
            self.append(partition).await.unwrap();
        }
    }

    fn retain(&self) -> Deleted {
        self.log.retain(self.clock.now()).unwrap()
    }

    fn starts(&self) -> [u64; 2] {
        [0, 1].map(|partition| self.log.core.partitions[partition].extent().start.0)
    }

    async fn join(&self, group: &str) -> Box<dyn Consumer> {
        let mut consumer = self.log.consumer(group).await.unwrap();
        assert!(matches!(consumer.poll(Duration::ZERO).await.unwrap(), Polled::Assigned(_)));
        consumer
    }
}

async fn commit(consumer: &mut Box<dyn Consumer>, partition: u32, offset: u64) {
    consumer.commit(&[(Partition(partition), Committed { offset: Offset(offset), metadata: String::new() })]).await.unwrap();
}

#[tokio::test]
async fn whole_segments_are_deleted_when_their_last_record_is_too_old() {
    let bench = Bench::new(&raw());
    bench.append_segments(0, 2).await;
    bench.clock.advance(HOUR);
    bench.append_segments(0, 1).await;
    bench.append(1).await.unwrap();
    bench.clock.advance(15 * HOUR);
    bench.append(0).await.unwrap();
    assert_eq!(bench.retain(), Deleted::default(), "the oldest record is just as old as it may be");
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(bench.retain(), Deleted { segments: 2, records: 16, bytes: 2 * SEGMENT_BYTES });
    assert_eq!(bench.starts(), [16, 0]);
    assert_eq!(bench.log.bytes(), SEGMENT_BYTES + 2 * (HEADER_BYTES + FRAME_BYTES));
    assert_eq!(segments(bench.dir.path(), 0).len(), 2);
    assert_eq!(read(&bench.log, 0).unwrap().len(), 9);
    let dir = bench.dir;
    drop(bench.log);
    let log = open_at(&raw(), dir.path(), &bench.clock).unwrap();
    assert_eq!(log.extent(Partition(0)).await.unwrap(), Extent { start: Offset(16), end: Offset(25) });
    assert_eq!(log.append_at(Partition(0), Bytes::new()).await.unwrap(), Offset(25));
}

#[tokio::test]
async fn records_of_a_partition_that_nothing_comes_to_any_more_grow_too_old_as_well() {
    let bench = Bench::new(&raw());
    bench.append(1).await.unwrap();
    bench.clock.advance(16 * HOUR);
    assert_eq!(bench.retain().records, 0);
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(bench.retain(), Deleted { segments: 1, records: 1, bytes: HEADER_BYTES + FRAME_BYTES });
    assert_eq!(bench.starts(), [0, 1]);
    assert_eq!(bench.retain(), Deleted::default());
    assert_eq!(segments(bench.dir.path(), 1).len(), 1, "an empty segment is not begun again and again");
    assert_eq!(bench.append(1).await.unwrap(), Offset(1));
}

#[tokio::test]
async fn a_segment_takes_records_for_an_eighth_of_the_age_at_most() {
    let bench = Bench::new(&raw());
    for hours in 0..5 {
        bench.append(0).await.unwrap();
        assert_eq!(segments(bench.dir.path(), 0).len(), 1 + hours / 3);
        bench.clock.advance(HOUR);
    }
}

#[tokio::test]
async fn the_oldest_are_deleted_when_there_is_no_room_whichever_partition_they_are_in() {
    let bench = Bench::new(&raw());
    bench.append_segments(1, 2).await;
    bench.clock.advance(Duration::from_secs(1));
    bench.append_segments(0, 6).await;
    assert_eq!(bench.starts(), [0, 0]);
    bench.append_segments(0, 1).await;
    assert_eq!(bench.starts(), [0, 8]);
    bench.append_segments(0, 1).await;
    assert_eq!(bench.starts(), [8, 8], "the segment that is written stays");
    assert_eq!(bench.log.bytes(), 8 * SEGMENT_BYTES);
    assert_eq!(bench.retain(), Deleted::default(), "appending made room by itself");
}

#[tokio::test]
async fn what_a_group_has_not_committed_is_never_deleted_nor_the_margin_before_it() {
    let bench = Bench::new(&RawConfig { replay_margin: 3, ..raw() });
    let mut slow = bench.join("slow").await;
    let mut fast = bench.join("fast").await;
    bench.append_segments(0, 3).await;
    bench.append_segments(1, 1).await;
    for partition in [0, 1, 1, 1] {
        bench.append(partition).await.unwrap();
    }
    bench.clock.advance(17 * HOUR);
    commit(&mut fast, 0, 25).await;
    commit(&mut slow, 0, 18).await;
    assert_eq!(bench.retain().records, 8, "18 less 3 lies within the second segment");
    commit(&mut slow, 0, 19).await;
    assert_eq!(bench.retain().records, 8, "19 less 3 is where the third begins");
    assert_eq!(bench.starts(), [16, 0], "nobody committed anything of the other partition");
    commit(&mut slow, 0, 25).await;
    commit(&mut slow, 1, 11).await;
    assert_eq!(bench.retain().records, 0, "the other group has come to 25 but in one partition");
    commit(&mut fast, 1, 11).await;
    assert_eq!(bench.retain().records, 8, "the margin keeps the last records of both");
    assert_eq!(bench.starts(), [16, 8]);
}

#[tokio::test]
async fn a_group_is_known_after_a_restart_before_it_has_a_member() {
    let bench = Bench::new(&raw());
    bench.append_segments(0, 2).await;
    bench.append(0).await.unwrap();
    commit(&mut bench.join("reader").await, 0, 8).await;
    let (dir, clock) = (bench.dir, bench.clock);
    drop(bench.log);
    clock.advance(17 * HOUR);
    let log = open_at(&raw(), dir.path(), &clock).unwrap();
    assert_eq!(log.retain(clock.now()).unwrap().records, 8);
}

#[tokio::test]
async fn a_full_log_refuses_records_until_a_group_catches_up() {
    let bench = Bench::new(&raw());
    let mut reader = bench.join("aggregator").await;
    commit(&mut reader, 0, 0).await;
    bench.append_segments(0, 7).await;
    let mut taken = 56;
    let refused = loop {
        match bench.append(0).await {
            Ok(offset) => assert_eq!(offset.0, taken),
            Err(error) => break error,
        }
        taken += 1;
        assert!(taken < 64, "64 records and their frames don't fit");
    };
    let text = refused.to_string();
    let expected = [
        &format!("retention_bytes = {}", 8 * SEGMENT_BYTES),
        "group aggregator has come to offset 0 of partition 0",
        "raise retention_bytes",
    ];
    assert!(matches!(refused, AppendError::Full(_)) && expected.iter().all(|part| text.contains(part)), "{text}");
    assert!(matches!(bench.append(1).await, Err(AppendError::Full(_))), "the bound is that of all partitions");
    bench.clock.advance(17 * HOUR);
    assert_eq!(bench.retain(), Deleted::default());
    assert!(matches!(bench.append(0).await, Err(AppendError::Full(_))));
    assert_eq!(read(&bench.log, 0).unwrap().len() as u64, taken, "nothing that was acknowledged is gone");
    commit(&mut reader, 0, 8).await;
    assert_eq!(bench.append(0).await.unwrap(), Offset(taken));
    assert_eq!(bench.starts(), [8, 0]);
}

#[tokio::test]
async fn a_file_that_cannot_be_deleted_stays_a_part_of_the_log() {
    let bench = Bench::new(&raw());
    bench.append_segments(0, 2).await;
    bench.append(0).await.unwrap();
    let bytes = bench.log.bytes();
    bench.clock.advance(17 * HOUR);
    bench.disk.fail(Op::Remove, std::io::ErrorKind::PermissionDenied);
    let failed = bench.log.retain(bench.clock.now());
    assert!(matches!(&failed, Err(error) if error.to_string().contains("00000.seg can't be deleted")), "{failed:?}");
    assert_eq!((bench.starts()[0], bench.log.bytes()), (0, bytes + HEADER_BYTES), "another segment was begun");
    assert_eq!(read(&bench.log, 0).unwrap().len(), 17);
    bench.disk.heal();
    assert_eq!(bench.retain().records, 17);
}

#[tokio::test]
async fn a_reader_whose_records_were_deleted_is_told_where_the_log_begins() {
    let bench = Bench::new(&raw());
    let mut reader = bench.join("late").await;
    reader.seek(Partition(0), Offset(0)).await.unwrap();
    bench.append_segments(0, 2).await;
    bench.append(0).await.unwrap();
    bench.clock.advance(17 * HOUR);
    bench.append(0).await.unwrap();
    bench.retain();
    let Err(LogError::OutOfRange { partition: Partition(0), offset: Offset(0), extent }) = reader.poll(Duration::ZERO).await else {
        panic!("it was to read what is deleted")
    };
    assert_eq!(extent, Extent { start: Offset(17), end: Offset(18) });
    reader.seek(Partition(0), extent.start).await.unwrap();
    let Polled::Records { records, .. } = reader.poll(Duration::ZERO).await.unwrap() else { panic!("no records") };
    assert_eq!(records[0].offset, Offset(17));
}
