//! Making the tables, and checking that they are there.

use clickhouse::Client;
use schemas::clickhouse::{MIGRATIONS, Migration};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Inner,
    config::Config,
    ddl,
    rows::{MigrationIn, MigrationOut, TableOut},
};
use crate::StoreError;

/// The first version with `deduplicate_insert`, without which tokens depend on other settings' defaults.
/// Source: `system.settings_changes`.
const SERVER_MIN: (u32, u32) = (26, 2);
/// Which migrations were made.
const MIGRATIONS_TABLE: &str = "migrations";

/// What [`migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migrated {
    /// The migrations that were made, as `1 rollups`.
    pub made: Vec<String>,
    /// The tables whose retention was changed to the configuration's.
    pub retained: Vec<String>,
}

/// Brings the tables to this version; does nothing when they are. May run at several places at once.
///
/// # Errors
/// `Mismatch`, with the remedy, when the configuration is wrong, the server too old, the tables newer
/// than this version, or one of them without deduplication; `Unavailable` when there is no answer.
pub async fn migrate(config: Config) -> Result<Migrated, StoreError> {
    config.check()?;
    let inner = Inner::new(config);
    let mut migrated = Migrated::default();
    for shard in &inner.shards {
        inner.check_server(shard).await?;
    }
    // Statements for a cluster reach all of it from anywhere, and one server is the first of one.
    let client = inner.first();
    inner.prepare(client).await?;
    let made = inner.made(client).await?;
    for migration in MIGRATIONS.iter().filter(|migration| !made.iter().any(|row| row.version == migration.version)) {
        for statement in ddl::statements(migration, &inner.config) {
            inner.command(client, &statement).await?;
        }
        inner.note(client, migration).await?;
        migrated.made.push(format!("{} {}", migration.version, migration.name));
    }
    for statement in ddl::distributed(&inner.config) {
        inner.command(client, &statement).await?;
    }
    migrated.retained = inner.retain(client).await?;
    for shard in &inner.shards {
        inner.check(shard).await?;
    }
    Ok(migrated)
}

impl Inner {
    /// That a server and its tables are what this version needs.
    pub(super) async fn check(&self, client: &Client) -> Result<(), StoreError> {
        self.check_server(client).await?;
        // On a cluster the list stands at the first shard.
        let made = self.made(self.first()).await?;
        if let Some(missing) = MIGRATIONS.iter().find(|migration| !made.iter().any(|row| row.version == migration.version)) {
            let text =
                format!("the tables in {} lack migration {} {}: run `icarus migrate`", self.config.database, missing.version, missing.name);
            return Err(StoreError::Mismatch(text));
        }
        self.check_settings(&self.tables(client).await?)
    }

    async fn check_server(&self, client: &Client) -> Result<(), StoreError> {
        let client = client.clone().with_database("default");
        let version: String = self.in_time("asking for the server's version", client.query("select version()").fetch_one()).await?;
        let mut numbers = version.split('.').map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= SERVER_MIN => Ok(()),
            _ => Err(StoreError::Mismatch(format!(
                "the server is ClickHouse {version}, this needs {}.{} or later to count each batch once: upgrade it",
                SERVER_MIN.0, SERVER_MIN.1
            ))),
        }
    }

    /// That a table remembers inserts, and syncs them: without that a batch sent again counts twice, or one that
    /// was taken is lost when the power fails.
    fn check_settings(&self, tables: &[TableOut]) -> Result<(), StoreError> {
        let database = &self.config.database;
        let mut remedies = Vec::new();
        for name in ddl::required_tables() {
            let Some(table) = tables.iter().find(|table| table.name == name) else {
                let text = format!(
                    "table {database}.{name} is missing though its migration was made: restore it, or drop {database} and run `icarus migrate`"
                );
                return Err(StoreError::Mismatch(text));
            };
            let mut wrong = ddl::required(name, table.engine_full.starts_with("Replicated"), &self.config);
            wrong.retain(|(setting, least)| setting_of(&table.engine_full, setting).unwrap_or(0) < *least);
            if !wrong.is_empty() {
                remedies.push(ddl::set(name, &wrong, &self.config));
            }
        }
        if remedies.is_empty() {
            return Ok(());
        }
        Err(StoreError::Mismatch(format!(
            "tables in {database} would count what is sent again twice, or lose what they took when the power fails: {}",
            remedies.join("; ")
        )))
    }

    async fn tables(&self, client: &Client) -> Result<Vec<TableOut>, StoreError> {
        let query = client.query("select name, engine_full from system.tables where database = ?").bind(&self.config.database);
        self.all("reading the list of tables", query).await
    }

    /// The database, and the table of migrations in it.
    async fn prepare(&self, client: &Client) -> Result<(), StoreError> {
        let outside = client.clone().with_database("default");
        self.command(&outside, &ddl::database(&self.config)).await?;
        // Of the first shard alone: who asks asks there.
        let table = format!(
            "create table if not exists {}.{MIGRATIONS_TABLE} \
             (version UInt32, name String, checksum UInt64, made_at DateTime default now()) \
             engine = ReplacingMergeTree order by version settings fsync_after_insert = 1",
            self.config.database
        );
        self.command(client, &table).await
    }

    /// The migrations that were made, if they are those that this version knows.
    async fn made(&self, client: &Client) -> Result<Vec<MigrationOut>, StoreError> {
        let query = client.query("select version, checksum from ? order by version").bind(super::named(MIGRATIONS_TABLE));
        let made: Vec<MigrationOut> = self.all("reading which migrations were made", query).await?;
        for row in &made {
            match MIGRATIONS.iter().find(|migration| migration.version == row.version) {
                None => {
                    let text = format!(
                        "the tables in {} are of version {}, newer than this program: use a newer one",
                        self.config.database, row.version
                    );
                    return Err(StoreError::Mismatch(text));
                }
                Some(migration) if checksum(migration) != row.checksum => {
                    let text = format!(
                        "migration {} {} was made from another text than this program has: use the program that made it, or another database",
                        migration.version, migration.name
                    );
                    return Err(StoreError::Mismatch(text));
                }
                Some(_) => {}
            }
        }
        Ok(made)
    }

    async fn note(&self, client: &Client, migration: &Migration) -> Result<(), StoreError> {
        let what = "noting a migration";
        let row = MigrationIn { version: migration.version, name: migration.name, checksum: checksum(migration) };
        self.in_time(what, async {
            let mut insert = client.insert::<MigrationIn<'_>>(MIGRATIONS_TABLE).await?.with_setting("async_insert", "0");
            insert.write(&row).await?;
            insert.end().await
        })
        .await
    }

    /// Gives the tables the configured retention.
    async fn retain(&self, client: &Client) -> Result<Vec<String>, StoreError> {
        let mut changed = Vec::new();
        for table in self.tables(client).await? {
            let Some(ttl) = ddl::ttl(&table.name, &self.config).filter(|ttl| !table.engine_full.contains(&format!("TTL {ttl}"))) else {
                continue;
            };
            self.command(client, &ddl::retain(&table.name, &ttl, &self.config)).await?;
            changed.push(table.name);
        }
        Ok(changed)
    }

    /// A statement of ours, with names that the configuration was checked for.
    async fn command(&self, client: &Client, sql: &str) -> Result<(), StoreError> {
        self.in_time("making the tables", client.query_raw(sql).execute()).await
    }
}

fn checksum(migration: &Migration) -> u64 {
    xxh3_64(migration.sql.as_bytes())
}

/// The number that a table's definition gives a setting.
fn setting_of(engine: &str, setting: &str) -> Option<u64> {
    let (_, settings) = engine.rsplit_once("SETTINGS ")?;
    settings.split(", ").filter_map(|pair| pair.split_once(" = ")).find(|(name, _)| *name == setting)?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_by_its_whole_name() {
        let engine = "SummingMergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 7, ttl_only_drop_parts = 1";
        assert_eq!(setting_of(engine, "non_replicated_deduplication_window"), Some(7));
        assert_eq!(setting_of(engine, "replicated_deduplication_window"), None);
        assert_eq!(setting_of("Log", "replicated_deduplication_window"), None);
    }
}
