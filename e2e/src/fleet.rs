//! Icarus as separate roles on a real Kafka and a real ClickHouse engine, with traffic coming in by one address.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path, sync::Arc, time::Duration};

use event_log::{
    EventLog as _, Partition,
    kafka::{self, Kafka},
    suite::broker::Broker,
};
use futures_util::future::select_all;
use service::pace::Pace;
use store::{
    clickhouse::{ClickHouseStore, config::Config as ClickHouseConfig},
    suite::{contents::tsv, engine::Engine, proxy::Proxy},
};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{balancer::Balancer, binary, process::Process, server::with_app};

/// The topic's partitions: more than aggregators, so that they are shared out unevenly.
pub const PARTITIONS: u32 = 6;
/// How long everything that was acknowledged may take to be counted once all is well.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often it is looked whether it is.
const LOOK: Duration = Duration::from_millis(200);

/// How many processes of each role there are at the most.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub ingests: usize,
    pub aggregators: usize,
    pub alerts: usize,
}

/// What a fleet is made with.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Seeds the faults on the way to ClickHouse.
    pub seed: u64,
    /// ClickHouse takes each insert for a new one.
    pub forgetful: bool,
    /// More keys under `[log.kafka]`.
    pub kafka: String,
}

/// The servers and the processes. All end with it.
#[derive(Debug)]
pub struct Fleet {
    pub ingests: Vec<Process>,
    pub aggregators: Vec<Process>,
    pub alerts: Vec<Process>,
    pub api: Process,
    pub balancer: Balancer,
    pub broker: Arc<Broker>,
    pub engine: Arc<Engine>,
    /// Between the aggregators and ClickHouse.
    pub proxy: Proxy,
    // Last: the processes must end before their folder goes.
    _dir: TempDir,
}

impl Fleet {
    /// The servers, their topic and tables, and the processes, none of which is started. `None` where there can't
    /// be a server; then a line on standard error said why.
    pub async fn new(size: Size, setup: Setup) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let servers = {
            let dir = dir.path().to_owned();
            let start = move || start_servers(&dir, setup.forgetful);
            tokio::task::spawn_blocking(start).await.unwrap()
        };
        let (broker, engine) = match servers {
            Ok(servers) => servers,
            Err(why) => {
                // Not by the macro: what a passing test prints by it is never seen.
                let _ = writeln!(std::io::stderr(), "skipped: a test of roles on Kafka and ClickHouse, for want of a server: {why}");
                return None;
            }
        };
        let proxy = Proxy::start(&engine.url(), setup.seed).unwrap();
        let config = dir.path().join("icarus.toml");
        let kafka = on_kafka(&broker.address(), &setup.kafka);
        let text = |url: &str| with_app(&format!("{kafka}\n{}", on_clickhouse(url, "icarus")));
        fs::write(&config, text(&proxy.url())).unwrap();
        let migrated = Command::new(binary::icarus()).arg("migrate").arg("--config").arg(&config).output().await.unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        // People look at charts whatever happens to the aggregators.
        let undisturbed = dir.path().join("undisturbed.toml");
        fs::write(&undisturbed, text(&engine.url())).unwrap();
        let process = |role, number: usize, config: &Path| Process::new(role, config, &dir.path().join(format!("{role}-{number}")));
        let several = |role, count| (0..count).map(|number| process(role, number, &config)).collect::<Vec<_>>();
        let ingests = several("ingest", size.ingests);
        let balancer = Balancer::start(ingests.iter().map(Process::port).collect()).await;
        Some(Self {
            ingests,
            aggregators: several("aggregator", size.aggregators),
            alerts: several("alerts", size.alerts),
            api: process("api", 0, &undisturbed),
            balancer,
            broker: Arc::new(broker),
            engine: Arc::new(engine),
            proxy,
            _dir: dir,
        })
    }

    /// Every process.
    pub fn processes(&mut self) -> impl Iterator<Item = &mut Process> {
        self.ingests.iter_mut().chain(&mut self.aggregators).chain(&mut self.alerts).chain([&mut self.api])
    }

    /// Starts every process that doesn't run, and waits until all serve.
    pub async fn start(&mut self) {
        self.processes().filter(|process| !process.runs()).for_each(Process::spawn);
        for process in self.processes() {
            process.serves().await;
        }
    }

    /// Lets all go on for `duration`, which every process that runs must survive.
    pub async fn survives(&mut self, duration: Duration) {
        let ended = select_all(self.processes().map(|process| Box::pin(process.ended())));
        if let Ok((status, ..)) = tokio::time::timeout(duration, ended).await {
            panic!("a process ended by itself, with {status}: what it said is above");
        }
    }

    /// ClickHouse, as a program reaches it that nothing disturbs.
    pub fn clickhouse(&self) -> ClickHouseConfig {
        let topic = kafka::RawConfig::default().topic;
        ClickHouseConfig { log: topic, ..ClickHouseConfig::new(&self.engine.url()) }
    }

    /// The store on it.
    pub async fn store(&self) -> ClickHouseStore {
        ClickHouseStore::open(self.clickhouse()).await.unwrap()
    }

    /// The log, as a program reaches it.
    fn log(&self) -> Kafka {
        let raw = kafka::RawConfig { brokers: self.broker.address(), partitions: PARTITIONS, ..kafka::RawConfig::default() };
        Kafka::connect(raw.check().unwrap()).unwrap()
    }

    /// Where each partition of the log ends that has records.
    async fn log_ends(log: &Kafka) -> BTreeMap<u32, u64> {
        let mut ends = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let extent = log.extent(Partition(partition)).await.unwrap();
            if extent.end.0 > 0 {
                ends.insert(partition, extent.end.0);
            }
        }
        ends
    }

    /// Where the last range ends that is in ClickHouse, by partition.
    async fn applied_ends(&self) -> BTreeMap<u32, u64> {
        let lines = tsv(&self.clickhouse(), "select log_partition, max(end_offset) from applied group by log_partition").await.unwrap();
        let number = |text: &str| text.parse::<u64>().unwrap();
        lines
            .lines()
            .map(|line| line.split_once('\t').unwrap())
            .map(|(partition, end)| (u32::try_from(number(partition)).unwrap(), number(end)))
            .collect()
    }

    /// Waits until every record of the log is counted. No beacon is sent any more; an intake may still tell of those
    /// that it refused.
    pub async fn counted(&self) {
        let log = self.log();
        let all_counted = async {
            let mut pace = Pace::new(LOOK, std::future::pending());
            while pace.next().await && self.applied_ends().await != Self::log_ends(&log).await {}
        };
        if tokio::time::timeout(PATIENCE, all_counted).await.is_err() {
            panic!("the log ends at {:?}, counted is up to {:?}", Self::log_ends(&log).await, self.applied_ends().await);
        }
    }

    /// A configuration of the log on this fleet's Kafka.
    pub fn kafka_config(&self) -> String {
        on_kafka(&self.broker.address(), "")
    }

    /// A configuration of the store on this fleet's ClickHouse.
    pub fn clickhouse_config(&self, database: &str) -> String {
        on_clickhouse(&self.engine.url(), database)
    }
}

fn start_servers(dir: &Path, forgetful: bool) -> Result<(Broker, Engine), String> {
    let engine = if forgetful { Engine::start_forgetful(&dir.join("clickhouse")) } else { Engine::start(&dir.join("clickhouse")) };
    let engine = engine.map_err(|error| error.to_string())?;
    Ok((Broker::start(&dir.join("kafka"))?, engine))
}

/// Everything is small and hurried, so that a short run has many flushes, generations and retries.
fn on_kafka(brokers: &str, more: &str) -> String {
    format!(
        "[aggregator]
flush_interval = \"50ms\"
[log]
engine = \"kafka\"
[log.kafka]
brokers = \"{brokers}\"
topic = \"icarus.records\"
partitions = {PARTITIONS}
append_timeout = \"3s\"
request_timeout = \"3s\"
session_timeout = \"2s\"
poll_interval_max = \"6s\"
{more}"
    )
}

fn on_clickhouse(url: &str, database: &str) -> String {
    format!(
        "[store]
engine = \"clickhouse\"
[store.clickhouse]
urls = [\"{url}\"]
database = \"{database}\"
"
    )
}
