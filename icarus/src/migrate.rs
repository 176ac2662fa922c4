//! `icarus migrate`: makes the topic on Kafka and the tables on ClickHouse as the configuration says.
#![expect(clippy::print_stdout, reason = "a command talks to people")]

use anyhow::{Context, Result};
use event_log::kafka::{Created, Kafka};
use service::logging;

use crate::{
    cli::ConfigFile,
    config::{self, Log, Store},
};

/// Makes what is missing, raises the topic's limits and changes the tables' retention where the configuration says so, and checks all of it.
pub(crate) fn run(file: ConfigFile) -> Result<()> {
    let config = config::check(&config::merge(file.config, Vec::new())?)?;
    logging::init(config.log_format, &config.log_level)?;
    tokio::runtime::Runtime::new().context("the runtime can't be started")?.block_on(async {
        migrate_log(&config.log).await?;
        migrate_store(config.store).await
    })
}

async fn migrate_log(log: &Log) -> Result<()> {
    let Log::Kafka { kafka: config, .. } = log else {
        println!("log: embedded, nothing to make");
        return Ok(());
    };
    let kafka = Kafka::connect((**config).clone()).context("the client of Kafka can't be made")?;
    let created = kafka.create_topic().await.context("the topic can't be made (log.kafka)")?;
    for setting in kafka.raise_limits().await.context("the topic can't be changed (log.kafka)")? {
        println!("log: topic {}: {setting}: raised", config.topic());
    }
    kafka.check().await.context("the topic does not fit (log.kafka)")?;
    let what = if created == Created::New { "made" } else { "there already" };
    println!("log: topic {} with {} partitions: {what}", config.topic(), config.partitions());
    Ok(())
}

async fn migrate_store(store: Store) -> Result<()> {
    let Store::ClickHouse(config) = store else {
        println!("store: embedded, nothing to make");
        return Ok(());
    };
    let migrated = store::clickhouse::migrate(config).await.context("the tables can't be made (store.clickhouse)")?;
    if migrated.made.is_empty() {
        println!("store: all migrations were made already");
    }
    for migration in migrated.made {
        println!("store: migration {migration}: made");
    }
    for table in migrated.retained {
        println!("store: table {table}: retention changed");
    }
    Ok(())
}
