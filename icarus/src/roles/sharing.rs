//! Which part of a job is this process's own, as the log says.

use std::{future::Future, sync::Arc, time::Duration};

use event_log::{Elapsed, Jobs, LogError, Member, SHARES};
use service::shares::{Holder, Shares};

/// How long to wait before the job is joined anew.
const PAUSE: Duration = Duration::from_secs(1);

/// The shares of `job`, and the task that keeps them as `jobs` gives them, until `shutdown` resolves.
pub(super) fn share(
    jobs: Arc<dyn Jobs>,
    job: &'static str,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> (Shares, impl Future<Output = ()> + Send + 'static) {
    let (holder, shares) = Shares::divided(SHARES);
    let keep = async move {
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                error = hold(&*jobs, job, &holder) => {
                    holder.own(&Default::default(), None);
                    tracing::warn!(job, %error, "it is not known which work is this process's own: asking again");
                }
            }
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    };
    (shares, keep)
}

/// Takes part in the job until that is no longer possible.
async fn hold(jobs: &dyn Jobs, job: &str, holder: &Holder) -> LogError {
    let mut member: Box<dyn Member> = match jobs.member(job, Elapsed::new(holder.elapsed())).await {
        Ok(member) => member,
        Err(error) => return error,
    };
    loop {
        match member.changed().await {
            Ok(owned) => holder.own(&owned.shares, owned.until),
            Err(error) => return error,
        }
    }
}
