//! Checks of jobs: who owns which shares.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::within;
use crate::{Elapsed, Jobs, LogError, Member, Owned, SHARES};

/// Where givers of shares to be tested come from.
#[async_trait]
pub trait JobsBed: Send + Sync {
    /// A log of which no job has a member.
    async fn jobs(&self) -> Arc<dyn Jobs>;
}

/// Makes a test of each check of jobs, on the bed that the expression gives.
#[macro_export]
macro_rules! jobs_conformance {
    ($bed:expr) => {
        $crate::jobs_conformance! { @each $bed;
            a_member_alone_has_all_shares,
            members_never_have_the_same_share_and_together_have_all,
            a_member_that_is_dropped_is_replaced,
            two_jobs_do_not_disturb_each_other,
            an_answer_that_is_not_waited_for_is_not_lost,
            a_job_without_a_proper_name_is_refused,
        }
    };
    (@each $bed:expr; $($check:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                $crate::suite::$check(&$bed).await;
            }
        )+
    };
}

/// The time since the test began.
#[expect(clippy::disallowed_methods, reason = "loans end by a real clock")]
fn now() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed()
}

fn clock() -> Elapsed {
    // It begins before what is measured by it.
    now();
    Elapsed::new(now)
}

/// A member, and what it was told last.
struct Worker {
    member: Box<dyn Member>,
    owned: Owned,
}

impl Worker {
    async fn join(jobs: &Arc<dyn Jobs>, job: &str) -> Self {
        Self { member: jobs.member(job, clock()).await.expect("a job can be joined"), owned: Owned::default() }
    }

    /// Takes in what it is told, if that comes soon.
    async fn step(&mut self) {
        if let Ok(owned) = tokio::time::timeout(Duration::from_millis(50), self.member.changed()).await {
            self.owned = owned.expect("the member is not refused");
        }
    }

    /// Whether somebody vouches for its shares now.
    fn has(&self, shares: usize) -> bool {
        self.owned.shares.len() == shares && self.owned.until.is_none_or(|until| now() < until)
    }
}

fn all() -> BTreeSet<u32> {
    (0..SHARES).collect()
}

/// Lets all be told in turn until it is so; no share has two owners meanwhile.
async fn until(workers: &mut [&mut Worker], what: &str, so: impl Fn(&[&mut Worker]) -> bool) {
    within(what, async {
        while !so(workers) {
            for at in 0..workers.len() {
                workers[at].step().await;
                disjoint(workers);
            }
        }
    })
    .await;
}

fn disjoint(workers: &[&mut Worker]) {
    let mut seen = BTreeSet::new();
    for share in workers.iter().flat_map(|worker| &worker.owned.shares) {
        assert!(*share < SHARES && seen.insert(*share), "share {share} has two owners or is none");
    }
}

fn everything(workers: &[&mut Worker]) -> bool {
    workers.iter().flat_map(|worker| worker.owned.shares.iter().copied()).collect::<BTreeSet<_>>() == all()
}

/// Nobody else is there to do it.
pub async fn a_member_alone_has_all_shares(bed: &dyn JobsBed) {
    let jobs = bed.jobs().await;
    let mut worker = Worker::join(&jobs, "alone").await;
    until(&mut [&mut worker], "all shares", |workers| workers[0].has(SHARES as usize)).await;
    assert_eq!(worker.owned.shares, all());
}

/// At any time each share has one owner at most, and in the end exactly one.
pub async fn members_never_have_the_same_share_and_together_have_all(bed: &dyn JobsBed) {
    let jobs = bed.jobs().await;
    let mut first = Worker::join(&jobs, "shared").await;
    until(&mut [&mut first], "all shares", everything).await;
    let (mut second, mut third) = (Worker::join(&jobs, "shared").await, Worker::join(&jobs, "shared").await);
    // What the second is told it has, the first has let go; a third takes part for a while.
    until(&mut [&mut first, &mut second, &mut third], "all shares among three", everything).await;
    drop(third);
    until(&mut [&mut first, &mut second], "all shares among two", everything).await;
}

/// Another goes on with its shares.
pub async fn a_member_that_is_dropped_is_replaced(bed: &dyn JobsBed) {
    let jobs = bed.jobs().await;
    let mut first = Worker::join(&jobs, "inherited").await;
    until(&mut [&mut first], "all shares", |workers| workers[0].has(SHARES as usize)).await;
    let mut second = Worker::join(&jobs, "inherited").await;
    second.step().await;
    drop(first);
    until(&mut [&mut second], "the inheritance", |workers| workers[0].has(SHARES as usize)).await;
}

/// Each job has all shares.
pub async fn two_jobs_do_not_disturb_each_other(bed: &dyn JobsBed) {
    let jobs = bed.jobs().await;
    let (mut one, mut other) = (Worker::join(&jobs, "one").await, Worker::join(&jobs, "other").await);
    for worker in [&mut one, &mut other] {
        until(&mut [worker], "all shares of a job", |workers| workers[0].has(SHARES as usize)).await;
    }
    one.step().await;
    assert_eq!((one.owned.shares, other.owned.shares), (all(), all()));
}

/// A loop that does other things, too, drops the future again and again.
pub async fn an_answer_that_is_not_waited_for_is_not_lost(bed: &dyn JobsBed) {
    let jobs = bed.jobs().await;
    let mut worker = Worker::join(&jobs, "impatient").await;
    within("all shares", async {
        while !worker.has(SHARES as usize) {
            if let Ok(owned) = tokio::time::timeout(Duration::from_millis(1), worker.member.changed()).await {
                worker.owned = owned.expect("the member is not refused");
            }
        }
    })
    .await;
}

/// It would be a group's, and a file's.
pub async fn a_job_without_a_proper_name_is_refused(bed: &dyn JobsBed) {
    let jobs = bed.jobs().await;
    for name in ["", "a b", "../a"] {
        let refused = jobs.member(name, clock()).await.map(|_| ());
        assert!(matches!(refused, Err(LogError::Mismatch(_))), "{refused:?}");
    }
}
