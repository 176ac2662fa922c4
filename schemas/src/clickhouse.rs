//! The tables on ClickHouse, as versioned SQL. The files have placeholders, `${...}`, that the store fills.

/// A step from one version of the tables to the next. One that was released never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Rising, from 1.
    pub version: u32,
    pub name: &'static str,
    /// Statements, each ended by a semicolon at the end of its line.
    pub sql: &'static str,
}

/// All of them, by version.
pub const MIGRATIONS: [Migration; 5] = [
    Migration { version: 1, name: "rollups", sql: include_str!("../clickhouse/0001_rollups.sql") },
    Migration { version: 2, name: "counts_and_documents", sql: include_str!("../clickhouse/0002_counts_and_documents.sql") },
    Migration { version: 3, name: "functions_and_views", sql: include_str!("../clickhouse/0003_functions_and_views.sql") },
    Migration { version: 4, name: "applied", sql: include_str!("../clickhouse/0004_applied.sql") },
    Migration { version: 5, name: "samples", sql: include_str!("../clickhouse/0005_samples.sql") },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_files_and_have_no_gap() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/clickhouse");
        let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let named: Vec<_> = MIGRATIONS.iter().map(|migration| format!("{:04}_{}.sql", migration.version, migration.name)).collect();
        assert_eq!(named, files);
        assert!(MIGRATIONS.iter().zip(1..).all(|(migration, version)| migration.version == version));
    }
}
