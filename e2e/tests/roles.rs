//! Roles alone, all pairs of engines in one process, and what happens when one of several dies.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::Path, time::Duration};

use e2e::{
    api::Api,
    binary,
    conservation::assert_conserved,
    fleet::{Fleet, Setup, Size},
    process::{PATIENCE, Process},
    server::{Server, with_app},
    traffic::{awkward, options},
};
use generator::{Mode, Summary, truth::Fates};
use service::{pace::Pace, shutdown::Shutdown};
use tokio::process::Command;

const ONE_EACH: Size = Size { ingests: 1, aggregators: 1, alerts: 1 };

async fn send(url: String, page_views: u64) -> Summary {
    let summary = generator::run(options(url, awkward(1_200.0), Mode::Count { page_views }), Shutdown::new()).await.unwrap();
    assert_eq!(summary.gave_up, None, "{summary}");
    summary
}

/// What `icarus <role>` says when it ends by itself, as it must.
async fn refusal(role: &str, config: &Path) -> String {
    let mut command = Command::new(binary::icarus());
    command.arg(role).arg("--config").arg(config).args(["--listen", "127.0.0.1:0"]).kill_on_drop(true);
    let ended = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    assert!(!ended.status.success());
    String::from_utf8(ended.stderr).unwrap()
}

/// Waits until `name` is `value` at exactly one of the processes that run, and says at which.
async fn the_one(processes: &[Process], name: &str, value: f64) -> usize {
    let mut pace = Pace::new(Duration::from_millis(50), std::future::pending());
    let found = async {
        while pace.next().await {
            let mut having = Vec::new();
            for (number, process) in processes.iter().enumerate().filter(|(_, process)| process.runs()) {
                if process.metric(name).await == Some(value) {
                    having.push(number);
                }
            }
            if let [only] = having[..] {
                return only;
            }
        }
        unreachable!("the pace has no end")
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("{name} is {value} at none or several"))
}

#[tokio::test(flavor = "multi_thread")]
async fn separate_roles_count_what_was_acknowledged() {
    let Some(mut fleet) = Fleet::new(ONE_EACH, Setup::default()).await else { return };
    fleet.start().await;
    let summary = send(fleet.balancer.url(), 2_000).await;
    fleet.counted().await;
    assert!(assert_conserved(&Api::of(&fleet.api), &summary.truth).await > 1_000);
    for process in fleet.processes() {
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_runs_on_every_pair_of_engines() {
    let Some(fleet) = Fleet::new(ONE_EACH, Setup::default()).await else { return };
    let (kafka, clickhouse) = (fleet.kafka_config(), fleet.clickhouse_config("pairs"));
    for (pair, engines) in [
        ("Kafka and embedded", kafka.clone()),
        ("embedded and ClickHouse", clickhouse),
        ("Kafka and ClickHouse", format!("{kafka}\n{}", fleet.clickhouse_config("both"))),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Each pair has a topic of its own.
        fs::write(file.path(), with_app(&engines.replace("icarus.records", &format!("records.{}", pair.replace(' ', "-"))))).unwrap();
        let migrate = || Command::new(binary::icarus()).arg("migrate").arg("--config").arg(file.path()).output();
        assert!(migrate().await.unwrap().status.success(), "{pair}");
        let again = migrate().await.unwrap();
        assert!(again.status.success() && !String::from_utf8(again.stdout).unwrap().contains(": made"), "{pair}: made twice");
        let data = tempfile::tempdir().unwrap();
        let mut server = Process::new("serve", file.path(), data.path());
        server.start().await;
        let summary = send(server.url(), 500).await;
        server.stop().await;
        server.start().await;
        let api = Api::of(&server);
        all_counted(&api, &summary).await;
        assert!(assert_conserved(&api, &summary.truth).await > 300, "{pair}");
        server.stop().await;
    }
}

/// Waits until as many events are counted as were sent.
async fn all_counted(api: &Api, summary: &Summary) {
    let Fates { rolled_up, too_late, duplicate, .. } = summary.truth.account.fates;
    let accepted = rolled_up + too_late + duplicate;
    let mut pace = Pace::new(Duration::from_millis(100), std::future::pending());
    let counted = async { while pace.next().await && api.get("outcomes", &[("from", "now-24h")]).await["accepted"] != accepted {} };
    tokio::time::timeout(PATIENCE, counted).await.unwrap_or_else(|_| panic!("not all of {summary} is counted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_one_tells_of_alerts_and_one_tests_an_app_and_another_takes_over() {
    let size = Size { ingests: 1, aggregators: 2, alerts: 2 };
    let config = "takeover_timeout = \"1s\"".to_owned();
    let Some(mut fleet) = Fleet::new(size, Setup { kafka: config, ..Setup::default() }).await else { return };
    fleet.start().await;
    for (processes, metric) in [(&mut fleet.alerts, "icarus_alerts_active"), (&mut fleet.aggregators, "icarus_aggregator_apps_owned")] {
        let active = the_one(processes, metric, 1.0).await;
        processes[active].kill().await;
        let heir = the_one(processes, metric, 1.0).await;
        assert_ne!(heir, active);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_refuses_a_world_that_does_not_fit_and_says_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = dir.path().join("embedded.toml");
    fs::write(&embedded, with_app("")).unwrap();
    for role in ["ingest", "aggregator", "alerts"] {
        assert!(refusal(role, &embedded).await.contains("log.engine = \"kafka\""));
    }
    assert!(refusal("api", &embedded).await.contains("store.engine = \"clickhouse\""));

    let Some(fleet) = Fleet::new(ONE_EACH, Setup::default()).await else { return };
    let unmade = dir.path().join("unmade.toml");
    let engines = format!("{}\n{}", fleet.kafka_config(), fleet.clickhouse_config("unmade"));
    fs::write(&unmade, with_app(&engines.replace("icarus.records", "unmade"))).unwrap();
    for role in ["ingest", "aggregator", "alerts", "api", "serve"] {
        assert!(refusal(role, &unmade).await.contains("icarus migrate"), "{role}");
    }
    let other = dir.path().join("other.toml");
    fs::write(&other, with_app(&engines.replace("partitions = 6", "partitions = 7"))).unwrap();
    assert!(refusal("ingest", &other).await.contains("set partitions = 6"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_default_needs_no_migration_and_is_ready() {
    let server = Server::start("").await;
    let ask = || Command::new(binary::icarus()).args(["health", "--url", &server.url()]).output();
    let mut pace = Pace::new(Duration::from_millis(100), std::future::pending());
    let ready = async { while pace.next().await && !ask().await.unwrap().status.success() {} };
    tokio::time::timeout(PATIENCE, ready).await.unwrap();
    let nobody = Command::new(binary::icarus()).args(["health", "--url", "http://127.0.0.1:9"]).output().await.unwrap();
    assert!(!nobody.status.success());
}
