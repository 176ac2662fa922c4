//! Everything dies again and again, and nothing is lost or counted twice.

use std::time::Duration;

use e2e::chaos::{Plan, run};

/// `make chaos` has a longer one.
const SHORT: Plan = Plan { seed: 7, kills: 20, at_most: Duration::from_secs(120), forgetful: false };

#[tokio::test(flavor = "multi_thread")]
async fn every_role_and_server_may_die_and_every_table_has_what_is_true() {
    let Some(report) = run(&SHORT).await else { return };
    assert_eq!(report.wrong, "", "{report}");
    assert!(report.kills >= 10 && report.compared > 1_000, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_deduplication_the_same_chaos_counts_twice() {
    let Some(report) = run(&Plan { forgetful: true, ..SHORT }).await else { return };
    let twice = report.wrong.lines().find(|line| line.contains("instead of")).map(str::to_owned);
    assert!(twice.is_some() && report.wrong.contains("the audit"), "{report}");
}
