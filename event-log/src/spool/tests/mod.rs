//! The suite on a spooled log, and what only a spool has to do.

mod bounds;
mod conformance;
mod fake;
mod order;
mod restart;

use std::{path::Path, sync::Arc, time::Duration};

use schemas::time::Timestamp;

use self::fake::{Fake, Mood};
use super::*;
use crate::suite::PATIENCE;

/// Long enough that it doesn't pass by chance.
const NEVER: Duration = Duration::from_secs(60);

#[expect(clippy::disallowed_methods, reason = "the spool's clock in a test is the machine's")]
fn clock() -> Clock {
    let begun = std::time::Instant::now();
    Clock::new(move || Timestamp::from_ms(1_763_719_300_000).plus(begun.elapsed()), move || begun.elapsed())
}

/// A spool with room enough, that is patient with its log.
fn roomy() -> RawConfig {
    RawConfig { bytes_max: 64 << 20, after: NEVER, drain: Duration::ZERO, ..RawConfig::default() }
}

async fn open(log: &Arc<Fake>, raw: &RawConfig, dir: &Path) -> Arc<Spool> {
    let config = raw.check(dir, log.partitions(), 32 << 10).unwrap();
    Arc::new(Spool::open(Arc::clone(log) as Arc<dyn EventLog>, config, clock()).await.unwrap())
}

async fn append(spool: &Spool, text: impl Into<String>) -> Result<Appended, AppendError> {
    within("an answer", spool.append(Partition(0), Bytes::from(text.into()))).await
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

/// Lets the spool work until it is so. What is waited for has no event of its own.
async fn until(what: &str, so: impl Fn() -> bool) {
    within(what, async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Begins appends of the texts in their order, each in a task, and gives their answers.
async fn begun(spool: &Arc<Spool>, texts: impl IntoIterator<Item = String>) -> Vec<JoinHandle<Result<Appended, AppendError>>> {
    let mut under_way = Vec::new();
    for text in texts {
        let (spool, (begun, begins)) = (Arc::clone(spool), tokio::sync::oneshot::channel());
        under_way.push(tokio::spawn(async move {
            let mut appending = spool.append(Partition(0), Bytes::from(text));
            let first = std::future::poll_fn(|context| std::task::Poll::Ready(appending.as_mut().poll(context))).await;
            begun.send(()).unwrap();
            match first {
                std::task::Poll::Ready(done) => done,
                std::task::Poll::Pending => appending.await,
            }
        }));
        begins.await.unwrap();
    }
    under_way
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|i| i.to_string()).collect()
}
