//! The spool is full, or its disk fails.

use super::*;

/// Room for some dozens of records of a kilobyte.
fn tight() -> RawConfig {
    RawConfig { bytes_max: 128 << 10, ..roomy() }
}

async fn open_tight(log: &Arc<Fake>, dir: &Path) -> Arc<Spool> {
    let config = tight().check(dir, log.partitions(), 1_000).unwrap();
    Arc::new(Spool::open(Arc::clone(log) as Arc<dyn EventLog>, config, clock()).await.unwrap())
}

fn record(i: u32) -> String {
    format!("{i:0>1000}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_refuses_and_keeps_what_it_acknowledged() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open_tight(&log, dir.path()).await;
    log.is(Mood::Away);
    let mut taken = Vec::new();
    let mut warned = false;
    let refused = loop {
        let next = record(taken.len() as u32);
        match append(&spool, next.clone()).await {
            Ok(appended) => {
                assert_eq!(appended, Appended::Spooled);
                taken.push(next);
            }
            Err(refused) => break refused,
        }
        warned |= spool.failing().is_some();
        assert!(taken.len() < 1_000, "there is a bound");
    };
    assert!(matches!(&refused, AppendError::Full(why) if why.contains("raise the spool's bytes_max")), "{refused}");
    assert!(warned, "it was told while there was room");
    assert!(spool.failing().unwrap().contains("the fake is away"));
    assert!((100..=128).contains(&taken.len()), "{} records in 128 KiB", taken.len());
    let on_disk = spool.shared.spool.bytes();
    assert!(on_disk <= 128 << 10, "{on_disk}");
    for _ in 0..3 {
        assert!(matches!(append(&spool, record(0)).await, Err(AppendError::Full(_))));
    }

    log.is(Mood::Fine);
    until("the spool's end", || spool.waiting().records == 0).await;
    assert_eq!(log.texts(0), taken);
    assert_eq!(spool.failing(), None);
    // Room is made by what was sent on, once that is committed.
    log.is(Mood::Away);
    within("room", async {
        for i in 0..100 {
            while append(&spool, record(1_000 + i)).await.is_err() {}
        }
    })
    .await;
    log.is(Mood::Fine);
    until("the spool's end", || spool.waiting().records == 0).await;
    assert_eq!(log.texts(0)[taken.len()..], (1_000..1_100).map(record).collect::<Vec<_>>());
}

/// What a spool has no room for stays with the log, which may answer yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_under_way_that_the_spool_cannot_take_waits_for_the_log() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let config = RawConfig { after: Duration::from_millis(50), ..tight() }.check(dir.path(), 1, 1_000).unwrap();
    let spool = Arc::new(Spool::open(Arc::clone(&log) as Arc<dyn EventLog>, config, clock()).await.unwrap());
    log.is(Mood::Silent);
    let answers = begun(&spool, (0..300).map(record)).await;
    until("a full spool", || spool.failing().is_some() && spool.shared.spool.queued(Partition(0)) == 0).await;
    log.is(Mood::Fine);
    let mut by_log = 0;
    for done in answers {
        by_log += u32::from(within("an answer", done).await.unwrap().unwrap() != Appended::Spooled);
    }
    assert!((150..=200).contains(&by_log), "{by_log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_is_refused_and_disturbs_nothing() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(1));
    let spool = open_tight(&log, dir.path()).await;
    for mood in [Mood::Fine, Mood::Away] {
        log.is(mood);
        let refused = append(&spool, "x".repeat(1_001)).await;
        assert!(matches!(refused, Err(AppendError::TooLarge { bytes: 1_001, max: 1_000 })), "{refused:?}");
    }
    log.is(Mood::Fine);
    assert_eq!(append(&spool, "next").await.unwrap(), Appended::At(Offset(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_and_a_log_of_different_partitions_are_refused() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Fake::new(2));
    let config = roomy().check(dir.path(), 3, 1_000).unwrap();
    let refused = Spool::open(log, config, clock()).await;
    assert!(matches!(&refused, Err(LogError::Mismatch(why)) if why.contains("2 partitions")), "{refused:?}");
}
