//! Which part of a job is this process's own, where several processes do the job together.

use std::{
    collections::{BTreeMap, BTreeSet},
    future,
    time::Duration,
};

use tokio::sync::watch;
use xxhash_rust::xxh3::xxh3_64;

use crate::clock::Stopwatch;

/// Says whether the work under a key is this process's own. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shares(Option<Divided>);

#[derive(Debug, Clone)]
struct Divided {
    total: u32,
    clock: Stopwatch,
    owned: watch::Receiver<Owned>,
}

/// Says what the [`Shares`] are. When it is dropped they are none.
#[derive(Debug)]
pub struct Holder {
    clock: Stopwatch,
    owned: watch::Sender<Owned>,
}

/// Work under one key that was found to be this process's own. It is asked whether it still is before every
/// effect; a share that went and came back is claimed anew, for others may have worked on it meanwhile.
#[derive(Debug, Clone)]
pub struct Claim(Option<(Divided, u32, Term)>);

/// One time of owning a share.
type Term = u64;

#[derive(Debug, Default)]
struct Owned {
    shares: BTreeMap<u32, Term>,
    /// By the clock of both; `None` is for ever.
    until: Option<Duration>,
    last_term: Term,
}

impl Owned {
    /// What is owned at `now`: nothing from the moment that nobody vouches for it any more, even if nothing
    /// was heard until then.
    fn live(&self, now: Duration) -> BTreeMap<u32, Term> {
        if self.until.is_none_or(|until| now < until) { self.shares.clone() } else { BTreeMap::new() }
    }

    fn term(&self, share: u32, now: Duration) -> Option<Term> {
        self.shares.get(&share).copied().filter(|_| self.until.is_none_or(|until| now < until))
    }
}

impl Shares {
    /// All that there is: for a process that does the job alone.
    pub const fn all() -> Self {
        Self(None)
    }

    /// None of `total` shares, which is at least 1, until the holder says otherwise.
    pub fn divided(total: u32) -> (Holder, Self) {
        debug_assert!(total > 0, "a job has at least one share");
        let (clock, (sender, owned)) = (Stopwatch::start(), watch::channel(Owned::default()));
        (Holder { clock, owned: sender }, Self(Some(Divided { total, clock, owned })))
    }

    /// Whether what belongs to `key` is to be done here now.
    pub fn owns(&self, key: &str) -> bool {
        self.claim(key).is_some()
    }

    /// The claim to what belongs to `key`, if that is to be done here now.
    pub fn claim(&self, key: &str) -> Option<Claim> {
        let Some(divided) = &self.0 else { return Some(Claim(None)) };
        let share = share_of(key, divided.total);
        divided.term(share).map(|term| Claim(Some((divided.clone(), share, term))))
    }

    /// Comes when there are other shares than at the last call, or there are some again.
    pub async fn changed(&mut self) {
        if let Some(divided) = &mut self.0
            && divided.owned.changed().await.is_ok()
        {
            return;
        }
        future::pending::<()>().await;
    }
}

impl Claim {
    /// Whether it was this process's own all the time since it was claimed.
    pub fn holds(&self) -> bool {
        self.0.as_ref().is_none_or(|(divided, share, term)| divided.term(*share) == Some(*term))
    }
}

impl Divided {
    fn term(&self, share: u32) -> Option<Term> {
        self.owned.borrow().term(share, self.clock.elapsed())
    }
}

/// The share that `key` falls into: the same in every process and version.
fn share_of(key: &str, total: u32) -> u32 {
    let share = xxh3_64(key.as_bytes()) % u64::from(total.max(1));
    u32::try_from(share).expect("a remainder is smaller than what it was divided by")
}

impl Holder {
    /// The clock of [`own`](Self::own): the time since these shares were made.
    pub fn elapsed(&self) -> impl Fn() -> Duration + Send + Sync + 'static {
        let clock = self.clock;
        move || clock.elapsed()
    }

    /// From now on `shares` are this process's own, until the time given by [`elapsed`](Self::elapsed), or
    /// for ever.
    pub fn own(&self, shares: &BTreeSet<u32>, until: Option<Duration>) {
        let now = self.clock.elapsed();
        self.owned.send_if_modified(|owned| {
            let before = owned.live(now);
            let term = owned.last_term + 1;
            let shares = shares.iter().map(|share| (*share, before.get(share).copied().unwrap_or(term))).collect();
            *owned = Owned { shares, until, last_term: term };
            before != owned.live(now)
        });
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.own(&BTreeSet::new(), None);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn share(key: &str) -> BTreeSet<u32> {
        BTreeSet::from([share_of(key, 16)])
    }

    #[test]
    fn one_process_has_everything() {
        assert!(Shares::all().owns("shop") && Shares::all().owns(""));
    }

    #[test]
    fn a_key_is_in_the_same_share_in_every_process_and_version() {
        for (key, share) in [("alerts", 12), ("shop", 9), ("blog", 9)] {
            assert_eq!(share_of(key, 16), share, "{key}");
        }
        let hit: BTreeSet<u32> = (0..200).map(|i| share_of(&format!("app-{i}"), 16)).collect();
        assert_eq!(hit, (0..16).collect());
    }

    #[test]
    fn what_is_owned_is_what_was_given_last() {
        let (holder, shares) = Shares::divided(16);
        assert!(!shares.owns("shop"), "nothing was given yet");
        holder.own(&share("shop"), None);
        assert!(shares.owns("shop") && shares.clone().owns("shop"));
        let others = (0..16).filter(|other| !share("shop").contains(other)).collect();
        holder.own(&others, None);
        assert!(!shares.owns("shop"));
    }

    #[test]
    fn what_nobody_vouches_for_any_more_is_not_owned_though_nothing_was_heard() {
        let (holder, shares) = Shares::divided(16);
        let now = holder.elapsed();
        holder.own(&share("shop"), Some(now() + HOUR));
        assert!(shares.owns("shop"));
        holder.own(&share("shop"), Some(now()));
        assert!(!shares.owns("shop"));
    }

    #[test]
    fn a_claim_ends_with_the_share_and_does_not_come_back_with_it() {
        let (holder, shares) = Shares::divided(16);
        let now = holder.elapsed();
        assert!(Shares::all().claim("shop").unwrap().holds());
        assert!(shares.claim("shop").is_none());
        holder.own(&share("shop"), Some(now() + HOUR));
        let claim = shares.claim("shop").unwrap();
        holder.own(&share("shop"), Some(now() + 2 * HOUR));
        holder.own(&(0..16).collect(), Some(now() + HOUR));
        assert!(claim.holds(), "renewed, and with others");
        holder.own(&BTreeSet::new(), Some(now() + HOUR));
        assert!(!claim.holds());
        holder.own(&share("shop"), Some(now() + HOUR));
        assert!(!claim.holds() && shares.owns("shop"), "another may have had it");
        let claim = shares.claim("shop").unwrap();
        holder.own(&share("shop"), Some(now()));
        assert!(!claim.holds(), "nobody vouches for it");
        holder.own(&share("shop"), Some(now() + HOUR));
        assert!(!claim.holds() && shares.owns("shop"));
    }

    #[test]
    fn shares_whose_holder_is_gone_are_none() {
        let (holder, shares) = Shares::divided(16);
        holder.own(&share("shop"), None);
        drop(holder);
        assert!(!shares.owns("shop"));
    }

    #[test]
    fn a_loop_is_woken_by_other_shares_and_by_shares_that_are_back_and_by_no_renewal() {
        let (holder, mut shares) = Shares::divided(16);
        let now = holder.elapsed();
        let mut woken = |what: &str, expected: bool| assert_eq!(shares.changed().now_or_never().is_some(), expected, "{what}");
        woken("at first", false);
        holder.own(&share("shop"), Some(now() + HOUR));
        woken("given", true);
        woken("told once", false);
        holder.own(&share("shop"), Some(now() + 2 * HOUR));
        woken("renewed", false);
        holder.own(&share("shop"), Some(now()));
        woken("withdrawn", true);
        holder.own(&share("shop"), Some(now() + HOUR));
        woken("back", true);
        drop(holder);
        woken("gone", true);
        woken("and stays so", false);
    }
}
