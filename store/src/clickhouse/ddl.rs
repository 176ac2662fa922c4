//! From the SQL files' placeholders to statements for one server or for a cluster.

use schemas::{clickhouse::Migration, dimension::Dimension};

use super::config::Config;

/// The tables that are sharded by the log's partitions, and in which each insert counts once; in the order in which
/// they are written.
pub(super) const ONCE: [&str; 6] = ["rollup_minute", "rollup_hour", "fates", "strata", "samples", "applied"];
/// The tables in which an insert of a version that there is already must do nothing.
pub(super) const VERSIONED: [&str; 2] = ["tested", "alerts"];
/// The tables of which each shard has a part. They are asked for by their names with `_all`.
const SHARDED: [&str; 8] = ["rollup_minute", "rollup_hour", "fates", "strata", "samples", "applied", "metrics", "dimension_values"];
/// The tables of what there is, written before anything of it is.
const CATALOG: [&str; 2] = ["metrics", "dimension_values"];
/// For how long a replicated table remembers an insert: longer than any batch is tried.
pub(super) const DEDUPLICATION_SECONDS: u32 = 7 * 24 * 3_600;
/// Power may fail after an insert was answered.
const DURABLE: [(&str, u64); 2] = [("fsync_after_insert", 1), ("fsync_part_directory", 1)];

/// The statements of a migration, without their semicolons.
pub(super) fn statements(migration: &Migration, config: &Config) -> Vec<String> {
    let filled = fill(migration.sql, config);
    let statement = |text: &str| {
        let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("--") && !line.trim().is_empty()).collect();
        lines.join("\n").trim().to_owned()
    };
    filled.split(";\n").map(statement).filter(|text| !text.is_empty()).collect()
}

/// The tables through which all shards are asked; none without a cluster.
pub(super) fn distributed(config: &Config) -> Vec<String> {
    let Some(cluster) = &config.cluster else { return Vec::new() };
    let database = &config.database;
    let table = |name: &&str| {
        format!(
            "create table if not exists {database}.{name}_all on cluster {cluster} as {database}.{name} \
             engine = Distributed({cluster}, {database}, {name})"
        )
    };
    SHARDED.iter().map(table).collect()
}

/// The name under which all rows of a table are asked for.
pub(super) fn asked(table: &str, config: &Config) -> String {
    if config.cluster.is_some() && SHARDED.contains(&table) { format!("{table}_all") } else { table.to_owned() }
}

/// What a table must remember and sync for a batch to count once: each setting with the least that it must be.
/// `replicated` is what the table is, whatever the configuration says.
pub(super) fn required(table: &str, replicated: bool, config: &Config) -> Vec<(&'static str, u64)> {
    let once = if ONCE.contains(&table) || VERSIONED.contains(&table) { once(replicated, config) } else { Vec::new() };
    let durable = if once.is_empty() && !CATALOG.contains(&table) { &[] } else { DURABLE.as_slice() };
    once.into_iter().chain(durable.iter().copied()).collect()
}

/// The tables that have required settings.
pub(super) fn required_tables() -> impl Iterator<Item = &'static str> {
    ONCE.into_iter().chain(VERSIONED).chain(CATALOG)
}

/// For how many inserts, and how long, a table remembers that it has them. A replay reckons with what is configured.
fn once(replicated: bool, config: &Config) -> Vec<(&'static str, u64)> {
    let window = u64::from(config.deduplication_window);
    if replicated {
        vec![("replicated_deduplication_window", window), ("replicated_deduplication_window_seconds", DEDUPLICATION_SECONDS.into())]
    } else {
        vec![("non_replicated_deduplication_window", window)]
    }
}

/// Settings as a statement has them.
pub(super) fn listed(settings: &[(&str, u64)]) -> String {
    settings.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
}

/// The database that the tables stand in.
pub(super) fn database(config: &Config) -> String {
    format!("create database if not exists {} {}", config.database, on_cluster(config))
}

/// Gives a table another retention.
pub(super) fn retain(table: &str, ttl: &str, config: &Config) -> String {
    format!("alter table {}.{table} {} modify ttl {ttl}", config.database, on_cluster(config))
}

/// Gives a table other settings.
pub(super) fn set(table: &str, settings: &[(&str, u64)], config: &Config) -> String {
    let on_cluster = config.cluster.as_ref().map_or_else(String::new, |cluster| format!(" on cluster {cluster}"));
    format!("alter table {}.{table}{on_cluster} modify setting {}", config.database, listed(settings))
}

/// What makes a table keep rows for so long.
pub(super) fn ttl(table: &str, config: &Config) -> Option<String> {
    let (column, retention) = match table {
        "rollup_minute" => ("time", config.minute_retention),
        "rollup_hour" => ("time", config.hour_retention),
        "strata" | "samples" => ("minute", config.minute_retention),
        "fates" | "tested" => ("minute", config.hour_retention),
        "metrics" => ("last_hour", config.hour_retention),
        "dimension_values" => ("last_day", config.hour_retention),
        "applied" => ("at", config.applied_retention()),
        _ => return None,
    };
    Some(format!("{column} + toIntervalDay({})", Config::days(retention)))
}

/// `on cluster c`, or nothing.
pub(super) fn on_cluster(config: &Config) -> String {
    config.cluster.as_ref().map_or_else(String::new, |cluster| format!("on cluster {cluster}"))
}

fn fill(sql: &str, config: &Config) -> String {
    let mut filled = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once("${") {
        let (placeholder, after) = after.split_once('}').expect("a placeholder is closed: the files are compiled in and tested");
        filled.push_str(before);
        filled.push_str(&value(placeholder, config));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn value(placeholder: &str, config: &Config) -> String {
    match placeholder {
        "database" => config.database.clone(),
        "on_cluster" => on_cluster(config),
        "minute_days" => Config::days(config.minute_retention).to_string(),
        "hour_days" => Config::days(config.hour_retention).to_string(),
        "applied_days" => Config::days(config.applied_retention()).to_string(),
        "durable" => listed(&DURABLE),
        "once" => listed(&[once(config.cluster.is_some(), config), DURABLE.to_vec()].concat()),
        "dimension_aliases" => dimension_aliases(),
        other => match other.strip_prefix("engine:") {
            Some(engine) => self::engine(engine, config),
            None => panic!("a placeholder of the SQL files is unknown: {other}"),
        },
    }
}

/// `SummingMergeTree`, or `ReplacingMergeTree:version` for one with an argument.
fn engine(engine: &str, config: &Config) -> String {
    let (name, argument) = engine.split_once(':').map_or((engine, None), |(name, argument)| (name, Some(argument)));
    // The server fills in shard, replica, database and table.
    let place = config.cluster.as_ref().map(|_| "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'");
    let arguments: Vec<&str> = place.into_iter().chain(argument).collect();
    format!("{}{name}({})", if place.is_some() { "Replicated" } else { "" }, arguments.join(", "))
}

/// Built-in dimensions by name, for people: empty where the cuboid lacks it.
fn dimension_aliases() -> String {
    let alias = |dimension: Dimension| {
        let name = dimension.name();
        format!("`{name}` String alias arrayElement([v1, v2, v3, v4], indexOf(splitByChar(',', cuboid), '{name}'))")
    };
    Dimension::built_in().map(alias).collect::<Vec<_>>().join(",\n    ")
}

#[cfg(test)]
mod tests {
    use schemas::clickhouse::MIGRATIONS;

    use super::*;

    fn all(config: &Config) -> String {
        let statements = MIGRATIONS.iter().flat_map(|migration| statements(migration, config)).chain(distributed(config));
        statements.collect::<Vec<_>>().join("\n\n")
    }

    #[test]
    fn a_cluster_gets_replicated_tables_on_every_server_and_one_over_all_shards() {
        let config = Config { cluster: Some("main".to_owned()), ..Config::new("http://a") };
        let sql = all(&config);
        let created = sql.matches("create ").count();
        assert_eq!(sql.matches("on cluster main").count(), created);
        let place = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'";
        assert_eq!(sql.matches(&format!("engine = ReplicatedSummingMergeTree({place})")).count(), 4);
        assert_eq!(sql.matches(&format!("engine = ReplicatedReplacingMergeTree({place})")).count(), 1);
        assert_eq!(sql.matches(&format!("engine = ReplicatedReplacingMergeTree({place}, version)")).count(), 2);
        assert_eq!(sql.matches(&format!("engine = ReplicatedReplacingMergeTree({place}, rank)")).count(), 1);
        assert_eq!(sql.matches(&format!("engine = ReplicatedAggregatingMergeTree({place})")).count(), 2);
        assert_eq!(
            sql.matches(" replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800").count(),
            ONCE.len() + VERSIONED.len()
        );
        assert!(!sql.contains("non_replicated") && !sql.contains("= MergeTree"));
        assert_eq!(sql.matches("engine = Distributed(main, icarus, ").count(), SHARDED.len());
        assert_eq!([asked("fates", &config), asked("samples", &config)], ["fates_all", "samples_all"]);
        assert_eq!(asked("tested", &config), "tested");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_server_reads_every_statement_for_a_cluster() {
        let Some(url) = crate::suite::engine::shared() else { return };
        let config = Config { cluster: Some("main".to_owned()), ..Config::new(url) };
        let client = config.clients().remove(0).with_database("default");
        let reads = async |statement: &str| client.query("select formatQuery(?)").bind(statement).fetch_one::<String>().await;
        let migrated = MIGRATIONS.iter().flat_map(|migration| statements(migration, &config)).chain(distributed(&config));
        let changed = required_tables().map(|table| set(table, &required(table, true, &config), &config));
        let retained = SHARDED.iter().chain(&VERSIONED).filter_map(|table| Some(retain(table, &ttl(table, &config)?, &config)));
        let all: Vec<String> = [database(&config)].into_iter().chain(migrated).chain(changed).chain(retained).collect();
        for statement in &all {
            let read = reads(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
            assert!(read.contains(" ON CLUSTER main"), "{read}");
            reads(&statement.replacen("on cluster", "at cluster", 1)).await.unwrap_err();
        }
        let tables = MIGRATIONS.iter().map(|migration| migration.sql.matches("create ").count()).sum::<usize>();
        // All but alerts end.
        assert_eq!(all.len(), 1 + tables + SHARDED.len() + required_tables().count() + SHARDED.len() + VERSIONED.len() - 1);
    }

    #[test]
    fn one_server_gets_plain_tables_with_a_window_where_an_insert_counts_once() {
        let config = Config::new("http://a");
        let sql = all(&config);
        assert!(!sql.contains("on cluster") && !sql.contains("Replicated") && !sql.contains("Distributed") && !sql.contains("${"));
        assert_eq!(sql.matches("non_replicated_deduplication_window = 100000").count(), ONCE.len() + VERSIONED.len());
        assert_eq!(asked("fates", &config), "fates");
        assert!(sql.contains("ttl time + toIntervalDay(8)") && sql.contains("ttl time + toIntervalDay(400)"));
        assert_eq!(sql.matches("ttl minute + toIntervalDay(8)").count(), 2);
    }
}
