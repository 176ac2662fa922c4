//! What waits outlives the process.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn records_that_wait_are_sent_on_after_a_restart_before_those_that_come() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    log.is(Mood::Away);
    for round in 0..3 {
        // Dropped without a word, as by a crash.
        let spool = open(&log, &roomy(), dir.path()).await;
        for i in round * 100..(round + 1) * 100 {
            assert_eq!(append(&spool, i.to_string()).await.unwrap(), Appended::Spooled);
        }
    }
    let spool = open(&log, &roomy(), dir.path()).await;
    assert_eq!(spool.waiting().records, 300);
    log.is(Mood::Silent);
    assert_eq!(append(&spool, "300").await.unwrap(), Appended::Spooled, "not before the others");
    log.is(Mood::Fine);
    until("the spool's end", || spool.waiting().records == 0).await;
    assert_eq!(log.texts(0), numbers(0..301));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_on_is_not_sent_again_after_a_stop() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    log.is(Mood::Away);
    let spool = open(&log, &RawConfig { drain: PATIENCE, ..roomy() }, dir.path()).await;
    for i in 0..100 {
        append(&spool, i.to_string()).await.unwrap();
    }
    log.is(Mood::Fine);
    within("the stop", spool.close()).await;
    assert_eq!(log.texts(0), numbers(0..100), "a stop sends what waits");
    assert!(matches!(append(&spool, "late").await, Err(AppendError::Closed)));
    drop(spool);
    let spool = open(&log, &roomy(), dir.path()).await;
    assert_eq!(spool.waiting().records, 0);
    append(&spool, "100").await.unwrap();
    assert_eq!(log.texts(0), numbers(0..101));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_without_the_log_takes_no_longer_than_it_may_and_loses_nothing() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    log.is(Mood::Away);
    let spool = open(&log, &RawConfig { drain: Duration::from_millis(50), ..roomy() }, dir.path()).await;
    append(&spool, "0").await.unwrap();
    within("the stop", spool.close()).await;
    within("the second stop", spool.close()).await;
    drop(spool);
    let spool = open(&log, &roomy(), dir.path()).await;
    log.is(Mood::Fine);
    until("the spool's end", || spool.waiting().records == 0).await;
    assert_eq!(log.texts(0), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_has_one_spool_at_a_time() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open(&log, &roomy(), dir.path()).await;
    let config = roomy().check(dir.path(), 1, 32 << 10).unwrap();
    let second = Spool::open(Arc::clone(&log) as Arc<dyn EventLog>, config, clock()).await;
    assert!(second.is_err(), "{second:?}");
    drop(spool);
    open(&log, &roomy(), dir.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_wait_are_not_left_to_a_log_that_is_to_take_smaller_ones() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let limited = |max| Spool::open(Arc::clone(&log) as Arc<dyn EventLog>, roomy().check(dir.path(), 1, max).unwrap(), clock());
    log.is(Mood::Away);
    let spool = limited(2_000).await.unwrap();
    let largest = "x".repeat(2_000);
    assert_eq!(append(&spool, &largest).await.unwrap(), Appended::Spooled);
    drop(spool);
    let Err(LogError::Mismatch(told)) = limited(1_999).await else { panic!("it would be refused for ever") };
    assert!(told.starts_with("1 records wait") && told.contains("set record_bytes_max = 2000 until"), "{told}");
    drop(limited(3_000).await.expect("larger ones may come"));
    let Err(LogError::Mismatch(told)) = limited(2_999).await else { panic!("they may have come") };
    assert!(told.contains("set record_bytes_max = 3000 until"), "{told}");
    log.is(Mood::Fine);
    let spool = limited(3_000).await.unwrap();
    until("the spool's end", || spool.waiting().records == 0).await;
    within("the stop", spool.close()).await;
    drop(limited(10).await.expect("nothing waits any more"));
    assert_eq!(log.texts(0), [largest]);
}
