//! Icarus' log and store on a real Kafka and a real ClickHouse engine, both of this machine.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use event_log::{
    EventLog as _, Partition,
    kafka::{self, Kafka},
    suite::broker::Broker,
};
use service::pace::Pace;
use store::{
    clickhouse::config::Config as ClickHouse,
    suite::{contents::tsv, engine::Engine},
};
use tempfile::TempDir;

use crate::{
    cpu::Pid,
    role::{self, Role},
};

/// The topic's partitions.
pub const PARTITIONS: u32 = 4;
/// How often it is looked how far the aggregators are.
const LOOK: Duration = Duration::from_millis(100);
/// How often it is looked whether the engine still merges.
const LOOK_FOR_MERGES: Duration = Duration::from_secs(1);

/// The servers, with topic and tables. They end with it.
#[derive(Debug)]
pub struct Deployment {
    pub broker: Pid,
    pub engine: Pid,
    log: Kafka,
    clickhouse: ClickHouse,
    config: PathBuf,
    // Before the folder: the servers must end before it goes.
    _servers: (Broker, Engine),
    dir: TempDir,
}

/// What the engine has inserted since it started, by its own count.
#[derive(Debug, Clone, Copy)]
pub struct Inserted {
    pub queries: u64,
    pub rows: u64,
}

impl Deployment {
    /// Starts the servers and makes topic and tables.
    ///
    /// # Errors
    /// When there can't be servers on this machine, with the reason.
    pub async fn start() -> Result<Self, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().to_owned();
        let servers = tokio::task::spawn_blocking(move || start_servers(&path)).await?.map_err(|error| error as Box<dyn Error>)?;
        let config = dir.path().join("icarus.toml");
        fs::write(&config, configuration(&servers.0.address(), &servers.1.url()))?;
        role::migrate(&config).await?;
        let raw = kafka::RawConfig { brokers: servers.0.address(), partitions: PARTITIONS, ..kafka::RawConfig::default() };
        let topic = raw.topic.clone();
        let log = Kafka::connect(raw.check().map_err(|errors| format!("{errors:?}"))?)?;
        let place = dir.path().display().to_string();
        Ok(Self {
            broker: Pid::of("java", &format!("{place}/kafka"))?,
            engine: Pid::of("python", &format!("{place}/clickhouse"))?,
            log,
            clickhouse: ClickHouse { log: topic, ..ClickHouse::new(&servers.1.url()) },
            config,
            _servers: servers,
            dir,
        })
    }

    /// Starts a role, with more of the configuration as the environment has it.
    ///
    /// # Errors
    /// When it can't be started.
    pub async fn role(&self, name: &'static str, environment: &[(&str, &str)]) -> Result<Role, Box<dyn Error>> {
        Role::start(name, &self.config, environment, &self.dir.path().join(name)).await
    }

    /// The lines of ClickHouse's answer, their columns with tabs between them.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn ask(&self, sql: &str) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
        let text = tsv(&self.clickhouse, sql).await?;
        Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
    }

    /// Records in the log.
    ///
    /// # Errors
    /// When the broker doesn't answer.
    pub async fn records(&self) -> Result<u64, Box<dyn Error>> {
        Ok(self.ends().await?.values().sum())
    }

    /// Records of the log that are not in ClickHouse yet.
    ///
    /// # Errors
    /// When a server doesn't answer.
    pub async fn waiting(&self) -> Result<u64, Box<dyn Error>> {
        // In this order: what is written meanwhile makes it less, never more than it was.
        let (records, applied) = (self.records().await?, self.applied().await?);
        Ok(records.saturating_sub(applied.values().sum()))
    }

    /// Waits until every record that the log has now is in ClickHouse.
    ///
    /// # Errors
    /// When a server doesn't answer.
    pub async fn counted(&self) -> Result<(), Box<dyn Error>> {
        let ends = self.ends().await?;
        let mut pace = Pace::new(LOOK, std::future::pending());
        while pace.next().await {
            let applied = self.applied().await?;
            if ends.iter().all(|(partition, end)| applied.get(partition) >= Some(end)) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits until the engine has merged what it wants to.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub async fn merged(&self) -> Result<(), Box<dyn Error>> {
        let mut pace = Pace::new(LOOK_FOR_MERGES, std::future::pending());
        let mut quiet = 0;
        // Between two merges is no rest.
        while quiet < 3 && pace.next().await {
            let merging = self.ask("select count() from system.merges").await?[0][0] != "0";
            quiet = if merging { 0 } else { quiet + 1 };
        }
        Ok(())
    }

    /// See [`Inserted`].
    ///
    /// # Errors
    /// When the engine doesn't answer.
    pub async fn inserted(&self) -> Result<Inserted, Box<dyn Error>> {
        let sql = "select sumIf(value, event = 'InsertQuery'), sumIf(value, event = 'InsertedRows') from system.events";
        let counts = &self.ask(sql).await?[0];
        Ok(Inserted { queries: counts[0].parse()?, rows: counts[1].parse()? })
    }

    /// Where each partition of the log ends that has records.
    async fn ends(&self) -> Result<BTreeMap<u32, u64>, Box<dyn Error>> {
        let mut ends = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let end = self.log.extent(Partition(partition)).await?.end.0;
            if end > 0 {
                ends.insert(partition, end);
            }
        }
        Ok(ends)
    }

    /// Where the last range ends that is in ClickHouse, by partition.
    async fn applied(&self) -> Result<BTreeMap<u32, u64>, Box<dyn Error>> {
        let lines = self.ask("select log_partition, max(end_offset) from applied group by log_partition").await?;
        lines.iter().map(|line| Ok((line[0].parse()?, line[1].parse()?))).collect()
    }
}

fn start_servers(dir: &Path) -> Result<(Broker, Engine), Box<dyn Error + Send + Sync>> {
    Ok((Broker::start(&dir.join("kafka"))?, Engine::start(&dir.join("clickhouse"))?))
}

/// The defaults but for the engines, and an app as the generator knows it.
fn configuration(brokers: &str, clickhouse: &str) -> String {
    format!(
        "[apps.shop]
key = \"pk_demo_shop\"
origins = [\"*\"]
dimensions = [\"plan\"]
[ingest.edge_headers]
country = \"cf-ipcountry\"
[log]
engine = \"kafka\"
[log.kafka]
brokers = \"{brokers}\"
partitions = {PARTITIONS}
[store]
engine = \"clickhouse\"
[store.clickhouse]
urls = [\"{clickhouse}\"]
"
    )
}
