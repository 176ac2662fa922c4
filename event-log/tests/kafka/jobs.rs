//! Jobs: who falls silent is replaced, and knows by its own clock that it may be.

use std::time::Instant;

use event_log::{Elapsed, Jobs, Member as Worker, Owned, SHARES};

use super::*;

const TERM: Duration = Duration::from_secs(1);

#[expect(clippy::disallowed_methods, reason = "loans end by a real clock")]
fn clock() -> (Instant, Elapsed) {
    let began = Instant::now();
    (began, Elapsed::new(move || began.elapsed()))
}

async fn jobs(brokers: &str) -> Kafka {
    made(&RawConfig { takeover_timeout: TERM, ..small(brokers, 1) }).await
}

/// Waits until it is told of so many shares that are lent beyond `after`.
async fn lent(worker: &mut dyn Worker, shares: usize, after: Duration) -> Owned {
    within("the shares", async {
        loop {
            let owned = worker.changed().await.unwrap();
            if owned.shares.len() == shares && owned.until.unwrap() > after {
                return owned;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_have_half_each() {
    let Some(brokers) = shared() else { return };
    let (log, (_, clock)) = (jobs(&brokers).await, clock());
    let mut one = log.member("job", clock.clone()).await.unwrap();
    lent(&mut *one, SHARES as usize, Duration::ZERO).await;
    let mut other = log.member("job", clock).await.unwrap();
    let (mut ones, mut others) = (Owned::default(), Owned::default());
    within("two halves", async {
        while ones.shares.len() != others.shares.len() || ones.shares.is_empty() {
            tokio::select! {
                owned = one.changed() => ones = owned.unwrap(),
                owned = other.changed() => others = owned.unwrap(),
            }
        }
    })
    .await;
    assert_eq!(ones.shares.union(&others.shares).count(), SHARES as usize);
}

/// As a process that is stopped, or cut off: nothing is heard of it, and it hears nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_falls_silent_is_replaced_and_its_loan_is_over_before_that() {
    let Some(brokers) = shared() else { return };
    let (log, (began, clock)) = (jobs(&brokers).await, clock());
    let mut silent = log.member("job", clock.clone()).await.unwrap();
    lent(&mut *silent, SHARES as usize, Duration::ZERO).await;
    let mut heir = log.member("job", clock).await.unwrap();
    // The last thing that it hears is that it keeps a half.
    let last = lent(&mut *silent, SHARES as usize / 2, Duration::ZERO).await;
    lent(&mut *heir, SHARES as usize, Duration::ZERO).await;
    assert!(last.until.unwrap() <= began.elapsed(), "{last:?} at {:?}", began.elapsed());
    // When it is back it is told that it has nothing, and then gets its share as a new member does.
    let back = within("the news", silent.changed()).await.unwrap();
    assert!(back.shares.is_empty() || back.until.unwrap() < began.elapsed(), "{back:?}");
    tokio::select! {
        half = lent(&mut *silent, SHARES as usize / 2, began.elapsed()) => assert_eq!(half.shares.len(), SHARES as usize / 2),
        never = async { loop { heir.changed().await.unwrap(); } } => never,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loan_is_renewed_for_as_long_as_the_member_asks() {
    let Some(brokers) = shared() else { return };
    let (log, (_, clock)) = (jobs(&brokers).await, clock());
    let mut worker = log.member("job", clock).await.unwrap();
    let first = lent(&mut *worker, SHARES as usize, Duration::ZERO).await.until.unwrap();
    let later = lent(&mut *worker, SHARES as usize, first + 2 * TERM).await;
    assert_eq!(later.shares.len(), SHARES as usize);
}

/// Nobody is asked, so nobody vouches: the loan ends though no other member came.
#[tokio::test(flavor = "multi_thread")]
async fn without_brokers_the_loan_ends_and_with_them_it_comes_back() {
    let Some(broker) = usable(start()) else { return };
    let (log, (began, clock)) = (jobs(&broker.address()).await, clock());
    let mut worker = log.member("job", clock).await.unwrap();
    let mut until = lent(&mut *worker, SHARES as usize, Duration::ZERO).await.until.unwrap();
    broker.kill();
    let killed = began.elapsed();
    within("the loan's end", async {
        while began.elapsed() <= until {
            if let Ok(owned) = tokio::time::timeout(TERM, worker.changed()).await {
                until = owned.unwrap().until.unwrap();
            }
        }
    })
    .await;
    assert!(until <= killed + TERM + Duration::from_millis(200), "lent until {until:?}, killed at {killed:?}");
    broker.resume();
    lent(&mut *worker, SHARES as usize, began.elapsed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_the_topic_of_its_shares_is_refused_with_the_remedy() {
    let Some(brokers) = shared() else { return };
    let raw = small(&brokers, 1);
    let kafka = rdkafka::ClientConfig::new().set("bootstrap.servers", &brokers).create::<rdkafka::admin::AdminClient<_>>().unwrap();
    made(&raw).await;
    let shares = format!("{}.shares", raw.topic);
    for done in kafka.delete_topics(&[&shares], &rdkafka::admin::AdminOptions::new()).await.unwrap() {
        done.unwrap();
    }
    let told = within("the topic's end", async {
        loop {
            match Kafka::connect(checked(&raw)).unwrap().check().await {
                Ok(()) => {}
                Err(event_log::LogError::Mismatch(told)) => return told,
                Err(error) => panic!("{error:?}"),
            }
        }
    })
    .await;
    assert!(told.contains(&shares) && told.contains("icarus migrate"), "{told}");
    assert_eq!(Kafka::connect(checked(&raw)).unwrap().create_topic().await.unwrap(), event_log::kafka::Created::New);
    Kafka::open(checked(&raw)).await.unwrap();
}
