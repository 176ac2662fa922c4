//! What is found at opening, and what is refused with which remedy.

use super::*;
use crate::Committed;

async fn append(log: &Embedded, partition: u32, text: &str) -> Offset {
    log.append_at(Partition(partition), Bytes::from(text.to_owned())).await.unwrap()
}

/// A log with a record in each partition, closed.
async fn written() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&small(), dir.path()).unwrap();
    append(&log, 0, "zero").await;
    append(&log, 1, "one").await;
    dir
}

fn refusal(raw: &RawConfig, dir: &Path) -> LogError {
    open(raw, dir).unwrap_err()
}

#[tokio::test]
async fn a_log_is_open_once_at_a_time() {
    let dir = written().await;
    let log = open(&small(), dir.path()).unwrap();
    let error = refusal(&small(), dir.path());
    let (pid, place) = (std::process::id().to_string(), dir.path().join("log"));
    let text = error.to_string();
    assert!(matches!(error, LogError::Mismatch(_)) && text.contains(&pid) && text.contains(place.to_str().unwrap()), "{text}");
    // A consumer that outlives the log doesn't keep it.
    let mut consumer = log.consumer("reader").await.unwrap();
    drop(log);
    assert!(matches!(consumer.poll(Duration::ZERO).await, Err(LogError::Closed)));
    let committed = consumer.commit(&[]).await;
    assert!(matches!(committed, Err(LogError::Closed)), "{committed:?}");
    open(&small(), dir.path()).unwrap();
}

#[tokio::test]
async fn the_number_of_partitions_cannot_change_and_the_remedy_is_told() {
    let dir = written().await;
    let error = refusal(&RawConfig { partitions: 3, ..small() }, dir.path());
    assert!(
        matches!(&error, LogError::Mismatch(text) if text.contains("has 2 partitions") && text.contains("set partitions = 2")),
        "{error}"
    );
    open(&small(), dir.path()).unwrap();
}

#[tokio::test]
async fn a_log_whose_making_was_interrupted_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&small(), dir.path()).unwrap());
    fs::remove_file(dir.path().join("log/meta.json")).unwrap();
    fs::remove_dir_all(dir.path().join("log/p00001")).unwrap();
    fs::write(&segments(dir.path(), 0)[0], [0; 17]).unwrap();
    let log = open(&small(), dir.path()).unwrap();
    assert_eq!(append(&log, 1, "x").await, Offset(0));
}

#[tokio::test]
async fn files_that_are_missing_or_damaged_are_named() {
    type Break = fn(&Path);
    let table: [(Break, &str); 7] = [
        (|dir| fs::remove_file(dir.join("log/meta.json")).unwrap(), "meta.json is missing, but"),
        (|dir| fs::write(dir.join("log/meta.json"), "{}\n").unwrap(), "meta.json is damaged: restore it"),
        (|dir| fs::remove_file(&segments(dir, 1)[0]).unwrap(), "p00001 has no segment: restore it"),
        (|dir| fs::remove_dir_all(dir.join("log/p00001")).unwrap(), "p00001 can't be read"),
        (|dir| flip(&segments(dir, 0)[0], 20), "00000000000000000000.seg is damaged: restore"),
        (|dir| fs::write(&segments(dir, 0)[0], fs::read(&segments(dir, 1)[0]).unwrap()).unwrap(), "was written as offset 0 of partition 1"),
        (|dir| fs::write(dir.join("log/groups/reader.json"), "12").unwrap(), "reader.json is damaged: restore it"),
    ];
    for (break_it, text) in table {
        let dir = written().await;
        break_it(dir.path());
        let error = refusal(&small(), dir.path()).to_string();
        assert!(error.contains(text), "{error} should have said: {text}");
    }
}

#[tokio::test]
async fn a_group_that_is_further_than_the_log_is_an_error_and_not_passed_over() {
    let dir = written().await;
    let log = open(&small(), dir.path()).unwrap();
    let mut consumer = log.consumer("reader").await.unwrap();
    consumer.poll(Duration::ZERO).await.unwrap();
    let ahead = consumer.commit(&[(Partition(1), Committed { offset: Offset(2), metadata: String::new() })]).await;
    assert!(matches!(ahead, Err(LogError::OutOfRange { offset: Offset(2), .. })), "{ahead:?}");
    consumer.commit(&[(Partition(1), Committed { offset: Offset(1), metadata: String::new() })]).await.unwrap();
    drop((consumer, log));
    let file = fs::File::options().write(true).open(&segments(dir.path(), 1)[0]).unwrap();
    file.set_len(49).unwrap();
    let error = refusal(&small(), dir.path());
    let text = "group reader committed offset 1 of partition 1, which ends at 0";
    assert!(matches!(&error, LogError::Corrupt(why) if why.contains(text) && why.contains("reader.json")), "{error}");
}

#[tokio::test]
async fn a_segment_whose_beginning_was_interrupted_is_begun_anew() {
    let dir = written().await;
    for torn in [0, 7, 48] {
        fs::write(dir.path().join("log/p00000/00000000000000000001.seg"), vec![0; torn]).unwrap();
        let log = open(&small(), dir.path()).unwrap();
        assert_eq!(texts(&read(&log, 0).unwrap()), ["zero"]);
        drop(log);
    }
    let log = open(&small(), dir.path()).unwrap();
    assert_eq!(append(&log, 0, "next").await, Offset(1));
    assert_eq!(texts(&read(&log, 0).unwrap()), ["zero", "next"]);
    assert_eq!(segments(dir.path(), 0).len(), 2);
}

#[tokio::test]
async fn records_are_dated_by_the_clock_and_never_go_back() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::new());
    let begun = clock.now();
    let log = open_at(&small(), dir.path(), &clock).unwrap();
    append(&log, 0, "a").await;
    clock.advance(Duration::from_secs(60));
    append(&log, 0, "b").await;
    drop(log);
    // The machine's clock was set back.
    let log = open_at(&small(), dir.path(), &TestClock::new()).unwrap();
    append(&log, 0, "c").await;
    let dates: Vec<_> = read(&log, 0).unwrap().iter().map(|record| record.appended.since(begun).as_secs()).collect();
    assert_eq!(dates, [0, 60, 60]);
}
