//! Torn tails are cut; damage to durable records is told, and what comes behind it is kept.

use std::ops::Range;

use proptest::{collection::vec, prelude::*};

use super::{super::frame::Frame, *};
use crate::Polled;

/// Groups of records, as lengths.
type Groups = Vec<Vec<usize>>;

/// A record of the last segment, as it was written.
#[derive(Debug, Clone, PartialEq)]
struct Written {
    bytes: Vec<u8>,
    group: usize,
    place: Range<usize>,
}

/// A log whose partition 0 has the groups of records in its one segment, closed.
fn written(groups: &Groups) -> (tempfile::TempDir, PathBuf, Vec<Written>) {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&small(), dir.path()).unwrap());
    let path = segments(dir.path(), 0).remove(0);
    let (mut file, mut records) = (fs::read(&path).unwrap(), Vec::new());
    for (group, lengths) in groups.iter().enumerate() {
        for (i, &length) in lengths.iter().enumerate() {
            let number = records.len();
            let (bytes, start) = (vec![number as u8 + 1; length], file.len());
            let frame =
                Frame { relative: number as u32, appended: Timestamp::from_ms(number as i64), begins_group: i == 0, payload: &bytes };
            frame.encode(0, &mut file);
            records.push(Written { bytes, group, place: start..file.len() });
        }
    }
    fs::write(&path, &file).unwrap();
    (dir, path, records)
}

fn bytes(records: &[LogRecord]) -> Vec<Vec<u8>> {
    records.iter().map(|record| record.bytes.to_vec()).collect()
}

fn expected(records: &[Written]) -> Vec<Vec<u8>> {
    records.iter().map(|record| record.bytes.clone()).collect()
}

fn append(log: &Embedded, record: &[u8]) -> Offset {
    log.enqueue(Partition(0), Bytes::copy_from_slice(record)).unwrap().blocking_recv().unwrap().unwrap()
}

fn groups() -> impl Strategy<Value = Groups> {
    vec(vec(0_usize..60, 1..5), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever of the last group got lost: the groups before it are all there, of the last one a part at
    /// most, and the log goes on from there.
    #[test]
    fn a_torn_tail_costs_nothing_that_was_synced(groups in groups(), torn: prop::sample::Index, cut: bool, bit in 0u8..8, rest in 0usize..3) {
        let (dir, path, records) = written(&groups);
        let synced = records.iter().filter(|record| record.group + 1 < groups.len()).count();
        let original = fs::read(&path).unwrap();
        let mut file = original.clone();
        let last_group = records[synced].place.start;
        let at = last_group + torn.index(file.len() - last_group);
        if cut { file.truncate(at) } else { file[at] ^= 1 << bit }
        // Blocks that the file was given and nothing was written to.
        file.extend(vec![0; rest * 700]);
        fs::write(&path, &file).unwrap();
        let sound = records.iter().take_while(|record| file.get(record.place.clone()) == original.get(record.place.clone())).count();

        for _ in 0..2 {
            let log = open(&small(), dir.path()).unwrap();
            prop_assert!(synced <= sound);
            prop_assert_eq!(bytes(&read(&log, 0).unwrap()), expected(&records[..sound]));
            prop_assert_eq!(fs::metadata(&path).unwrap().len(), if sound == 0 { 48 } else { records[sound - 1].place.end as u64 });
        }
        let log = open(&small(), dir.path()).unwrap();
        prop_assert_eq!(append(&log, b"next"), Offset(sound as u64));
        drop(log);
        let log = open(&small(), dir.path()).unwrap();
        prop_assert_eq!(bytes(&read_from(&log, 0, sound as u64).unwrap()), [b"next"]);
    }

    /// A flipped bit in a group that others came after is no torn tail: nothing is cut, readers get all
    /// before it, are told the file and the byte, and can go on where they are told.
    #[test]
    fn damage_to_durable_records_is_told_and_what_comes_behind_is_kept(groups in vec(vec(0_usize..60, 1..5), 2..6), at: prop::sample::Index, bit in 0u8..8) {
        let (dir, path, records) = written(&groups);
        let last_group = records.iter().find(|record| record.group + 1 == groups.len()).unwrap().place.start;
        let mut file = fs::read(&path).unwrap();
        let at = 48 + at.index(last_group - 48);
        file[at] ^= 1 << bit;
        fs::write(&path, &file).unwrap();
        let damaged = records.iter().position(|record| record.place.contains(&at)).unwrap();
        let next = records.iter().position(|record| record.group == records[damaged].group + 1).unwrap();

        let log = open(&small(), dir.path()).unwrap();
        prop_assert_eq!(fs::read(&path).unwrap(), file, "nothing is cut");
        prop_assert_eq!(append(&log, b"next"), Offset(records.len() as u64));
        let partition = &log.core.partitions[0];
        let mut cursor = Cursor::at(Offset(0));
        let mut before = vec![];
        let told = loop {
            match cursor.clone().read(partition) {
                Ok((_, records)) if records.is_empty() => break "nothing".to_owned(),
                Ok((next, records)) => { cursor = next; before.extend(records); }
                Err(error) => break error.to_string(),
            }
        };
        prop_assert_eq!(bytes(&before), expected(&records[..damaged]));
        let place = format!("{} is damaged at byte {}: offset {damaged} of partition 0", path.display(), records[damaged].place.start);
        prop_assert!(told.contains(&place), "{} should have said: {}", told, place);
        let remedy = format!("before offset {next}, the next");
        prop_assert!(told.contains(&remedy), "{} should have said: {}", told, remedy);
        let behind = bytes(&read_from(&log, 0, next as u64).unwrap());
        prop_assert_eq!(behind, [expected(&records[next..]), vec![b"next".to_vec()]].concat());
    }
}

/// A log with five segments of 30 records in partition 0, closed. Record n holds n.
fn sealed() -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&small(), dir.path()).unwrap();
    for i in 0..150_u32 {
        append(&log, &i.to_be_bytes().repeat(537));
    }
    drop(log);
    let paths = segments(dir.path(), 0);
    assert_eq!(paths.len(), 5);
    (dir, paths)
}

#[test]
fn damage_in_a_sealed_segment_is_found_when_it_is_read_and_passed_by_a_seek() {
    let (dir, paths) = sealed();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(read_past_damage(dir.path(), &paths));
}

async fn read_past_damage(dir: &Path, paths: &[PathBuf]) {
    flip(&paths[1], 48 + 10 * 2_168 + 1_000);
    let log = open(&small(), dir).unwrap();
    let mut consumer = log.consumer("reader").await.unwrap();
    consumer.poll(Duration::ZERO).await.unwrap();
    consumer.seek(Partition(0), Offset(0)).await.unwrap();
    let mut seen = Vec::new();
    let error = loop {
        match consumer.poll(Duration::ZERO).await {
            Ok(Polled::Records { records, .. }) => seen.extend(records),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(seen.last().unwrap().offset, Offset(39));
    let text = format!("{} is damaged at byte {}: offset 40 of partition 0", paths[1].display(), 48 + 10 * 2_168);
    assert!(matches!(&error, LogError::Corrupt(told) if told.contains(&text) && told.contains("before offset 41")), "{error}");
    consumer.seek(Partition(0), Offset(41)).await.unwrap();
    let Polled::Records { records, .. } = consumer.poll(Duration::ZERO).await.unwrap() else { panic!("nothing behind it") };
    assert_eq!((records[0].offset, &records[0].bytes[..4]), (Offset(41), &41_u32.to_be_bytes()[..]));
}

#[test]
fn a_sealed_segment_that_ends_early_is_damage() {
    let (dir, paths) = sealed();
    for length in [48 + 29 * 2_168 + 5, 48 + 29 * 2_168] {
        fs::File::options().write(true).open(&paths[2]).unwrap().set_len(length).unwrap();
        let log = open(&small(), dir.path()).unwrap();
        let error = read(&log, 0).unwrap_err().to_string();
        assert!(error.contains("offset 89 of partition 0 can't be read") && error.contains("before offset 90"), "{error}");
        assert_eq!(read_from(&log, 0, 90).unwrap().len(), 60);
    }
}

#[test]
fn any_offset_is_found_in_segments_that_were_never_read() {
    let (dir, _) = sealed();
    for offset in [0, 29, 30, 31, 89, 90, 149, 150] {
        let log = open(&small(), dir.path()).unwrap();
        let records = read_from(&log, 0, offset).unwrap();
        assert_eq!(records.len() as u64, 150 - offset);
        assert!(records.iter().all(|record| record.bytes[..4] == u32::try_from(record.offset.0).unwrap().to_be_bytes()));
    }
}

#[test]
fn records_larger_than_what_is_read_at_once_are_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let raw = RawConfig { segment_bytes: 8 << 20, record_bytes_max: 3 << 20, partitions: 1, ..small() };
    let log = open(&raw, dir.path()).unwrap();
    let records: Vec<_> = [3 << 20, 1, (1 << 20) - 20, 1 << 20, 2 << 20, 0].map(|length| vec![length as u8 ^ 7; length]).into();
    for record in &records {
        append(&log, record);
    }
    assert!(bytes(&read(&log, 0).unwrap()) == records);
    drop(log);
    // What recovery reads is read in the same pieces.
    let log = open(&raw, dir.path()).unwrap();
    assert_eq!(append(&log, b"next"), Offset(6));
    assert!(bytes(&read(&log, 0).unwrap())[..6] == records);
}

#[test]
fn a_place_is_looked_up_in_the_index_after_appending_opening_and_reading() {
    let dir = tempfile::tempdir().unwrap();
    let raw = RawConfig { segment_bytes: 4 << 20, partitions: 1, ..small() };
    let near = |log: &Embedded, offset: u64| {
        let segment = log.core.partitions[0].segment_of(offset).unwrap();
        let relative = (offset - segment.base) as u32;
        relative - segment.nearest(relative).relative <= 256
    };
    let log = open(&raw, dir.path()).unwrap();
    let answers: Vec<_> = (0..5_000_u32).map(|i| log.enqueue(Partition(0), Bytes::from(i.to_be_bytes().repeat(251))).unwrap()).collect();
    for answer in answers {
        answer.blocking_recv().unwrap().unwrap();
    }
    assert_eq!(segments(dir.path(), 0).len(), 2);
    assert!([1_000, 4_000, 4_500, 4_999].iter().all(|&offset| near(&log, offset)), "after appending");
    drop(log);
    let log = open(&raw, dir.path()).unwrap();
    assert!(near(&log, 4_999), "after opening");
    assert!(!near(&log, 3_000), "sealed segments are not read at opening");
    let records = read_from(&log, 0, 3_000).unwrap();
    assert_eq!((records.len(), &records[0].bytes[..4]), (2_000, &3_000_u32.to_be_bytes()[..]));
    assert!(near(&log, 3_000) && near(&log, 1_000), "after reading");
}
