//! Who acknowledges, and that the order holds.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_works_acknowledges_itself_and_the_spool_stays_empty() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open(&log, &roomy(), dir.path()).await;
    for i in 0..3 {
        assert_eq!(append(&spool, i.to_string()).await.unwrap(), Appended::At(Offset(i)));
    }
    assert_eq!(spool.waiting().records, 0);
    assert_eq!(spool.shared.spool.end(Partition(0)), 0, "nothing ever went to the spool");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_away_is_left_at_once_and_gets_all_in_order_when_it_is_back() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open(&log, &roomy(), dir.path()).await;
    append(&spool, "0").await.unwrap();
    log.is(Mood::Away);
    for i in 1..200 {
        assert_eq!(append(&spool, i.to_string()).await.unwrap(), Appended::Spooled);
    }
    let waiting = spool.waiting();
    assert_eq!((waiting.records, waiting.why.as_deref()), (199, Some("the log can't be written: the fake is away")));
    assert!(waiting.bytes > 0 && waiting.bytes < 20_000, "{waiting:?}");
    assert_eq!(spool.failing(), None, "beacons are taken");
    log.is(Mood::Fine);
    until("the spool's end", || spool.waiting().records == 0).await;
    assert_eq!(spool.waiting(), Waiting { records: 0, bytes: 0, oldest: Duration::ZERO, why: None });
    assert_eq!(append(&spool, "200").await.unwrap(), Appended::At(Offset(200)), "the log takes them again");
    assert_eq!(log.texts(0), numbers(0..201));
}

/// While the log is away only the sender asks it, ever more seldom.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_away_is_not_asked_for_every_record() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open(&log, &roomy(), dir.path()).await;
    log.is(Mood::Away);
    for done in begun(&spool, numbers(0..5_000)).await {
        assert_eq!(within("an answer", done).await.unwrap().unwrap(), Appended::Spooled);
    }
    assert!(log.attempts() < 100, "{} attempts", log.attempts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_log_is_left_after_the_time_given_with_all_that_is_under_way_in_its_order() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open(&log, &RawConfig { after: Duration::from_millis(200), ..roomy() }, dir.path()).await;
    log.is(Mood::Silent);
    let mut answers = begun(&spool, numbers(0..50)).await;
    // The first one's time is over long before the last one's.
    for done in answers.drain(..) {
        assert_eq!(within("an answer", done).await.unwrap().unwrap(), Appended::Spooled);
    }
    until("the sender's try", || log.pending() == 51).await;
    for i in 50..60 {
        assert_eq!(append(&spool, i.to_string()).await.unwrap(), Appended::Spooled);
    }
    assert_eq!(log.pending(), 51, "they didn't try the log");
    log.is(Mood::Fine);
    until("the spool's end", || spool.waiting().records == 0).await;
    let texts = log.texts(0);
    assert_eq!(texts[..50], numbers(0..50), "what was under way was there before");
    assert_eq!(texts[50..], numbers(0..60));
}

/// One record fails while those behind it are taken: it is sent again, and so are they, behind it.
#[tokio::test(flavor = "multi_thread")]
async fn sending_begins_again_at_the_first_that_was_not_acknowledged() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open(&log, &roomy(), dir.path()).await;
    log.is(Mood::Away);
    for i in 0..100 {
        append(&spool, i.to_string()).await.unwrap();
    }
    log.is(Mood::Silent);
    until("the first try", || log.pending() == 1).await;
    log.answers_the_first(Mood::Fine);
    until("all others", || log.pending() == 99).await;
    log.answers_the_first(Mood::Away);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(log.pending(), 98, "while copies are on their way, none is sent again");
    log.is(Mood::Fine);
    until("the spool's end", || spool.waiting().records == 0).await;
    let texts = log.texts(0);
    assert_eq!(texts[..1], ["0"]);
    assert_eq!(texts[1..99], numbers(2..100), "they were on their way");
    assert_eq!(texts[99..], numbers(1..100));
}

/// Before the log acknowledges a record, the next one has come: the spool is never empty while it takes them. The
/// log is returned to nevertheless, and the order holds.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_returned_to_while_records_keep_coming() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open(&log, &roomy(), dir.path()).await;
    log.is(Mood::Away);
    let mut next = 100;
    let mut answers = begun(&spool, numbers(0..next)).await;
    log.is(Mood::Silent);
    'sending: loop {
        answers.extend(begun(&spool, numbers(next..next + 1)).await);
        next += 1;
        until("a record on its way to the log", || log.pending() > 0).await;
        log.answers_the_first(Mood::Fine);
        let (done, under_way): (Vec<_>, Vec<_>) = answers.into_iter().partition(JoinHandle::is_finished);
        answers = under_way;
        for done in done {
            if done.await.unwrap().unwrap() != Appended::Spooled {
                break 'sending;
            }
        }
        assert!(next < 10_000, "the log is not returned to");
    }
    log.is(Mood::Fine);
    for done in answers {
        within("an answer", done).await.unwrap().unwrap();
    }
    assert_eq!(log.texts(0), numbers(0..next), "none twice: none was under way when the log was left");
}

/// A log that answers, but later than the spool may wait, isn't returned to only to be left again.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_log_is_not_returned_to_before_it_is_quick() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let after = Duration::from_millis(100);
    let spool = open(&log, &RawConfig { after, ..roomy() }, dir.path()).await;
    log.is(Mood::Silent);
    assert_eq!(append(&spool, "0").await.unwrap(), Appended::Spooled);
    until("the try", || log.pending() == 2).await;
    tokio::time::sleep(after).await;
    log.is(Mood::Fine);
    until("the spool's end", || spool.waiting().records == 0).await;
    assert_eq!(append(&spool, "1").await.unwrap(), Appended::Spooled, "the last answer took too long");
    until("the spool's end", || spool.waiting().records == 0).await;
    assert_eq!(append(&spool, "2").await.unwrap(), Appended::At(Offset(3)), "this one did not");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_left_and_returned_to_for_themselves() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(2));
    let spool = open(&log, &roomy(), dir.path()).await;
    log.is(Mood::Away);
    assert_eq!(append(&spool, "0").await.unwrap(), Appended::Spooled);
    log.is(Mood::Silent);
    let other = tokio::spawn({
        let spool = Arc::clone(&spool);
        async move { spool.append(Partition(1), "other".into()).await }
    });
    until("the log's second record", || log.pending() == 2).await;
    log.is(Mood::Fine);
    assert_eq!(within("the answer", other).await.unwrap().unwrap(), Appended::At(Offset(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_sender_went_away_is_forgotten() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open(&log, &roomy(), dir.path()).await;
    log.is(Mood::Silent);
    for done in begun(&spool, numbers(0..10)).await {
        done.abort();
        let _ = done.await;
    }
    log.is(Mood::Away);
    assert_eq!(append(&spool, "kept").await.unwrap(), Appended::Spooled);
    log.is(Mood::Fine);
    until("the spool's end", || spool.waiting().records == 0).await;
    assert_eq!(log.texts(0), ["kept"]);
}
