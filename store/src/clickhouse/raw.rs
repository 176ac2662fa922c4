//! ClickHouse's part of the configuration, as written.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::SecretString;
use serde::Deserialize;

use super::config::{Config, ConfigError};

/// As written by the user; keys that are left out have the defaults. How long rows are kept, and what the log is
/// called, stand elsewhere: they are set in the checked [`Config`].
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct RawConfig {
    /// One HTTP interface of each shard, in an order that never changes.
    pub urls: Vec<String>,
    /// Letters, digits and `_`.
    pub database: String,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// A file with the password, instead of `password`.
    pub password_file: Option<PathBuf>,
    /// The authorities that sign the servers' certificates, as PEM; the system's if not given.
    pub tls_ca_file: Option<PathBuf>,
    /// LZ4 on the way, for servers that are not next door.
    pub compress: bool,
    /// The servers' cluster, as they call it. With one, tables are replicated and questions go to all shards.
    pub cluster: Option<String>,
    /// How many of the last inserts into a table are remembered; at least 1.
    pub deduplication_window: u32,
    /// How long to wait for an answer, in [1 s, 1 h].
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for RawConfig {
    fn default() -> Self {
        let Config { urls, database, compress, cluster, deduplication_window, timeout, .. } = Config::new("http://127.0.0.1:8123");
        let (user, password, password_file, tls_ca_file) = (None, None, None, None);
        Self { urls, database, user, password, password_file, tls_ca_file, compress, cluster, deduplication_window, timeout }
    }
}

impl RawConfig {
    /// The checked configuration, its files read, with the default log and retentions.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn check(&self) -> Result<Config, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let mut config = Config {
            urls: self.urls.clone(),
            database: self.database.clone(),
            user: self.user.clone(),
            compress: self.compress,
            cluster: self.cluster.clone(),
            deduplication_window: self.deduplication_window,
            timeout: self.timeout,
            ..Config::new("")
        };
        match self.password() {
            Ok(password) => config.password = password,
            Err(error) => errors.push(error),
        }
        match self.tls_ca_file.as_ref().map(roots).transpose() {
            Ok(roots) => config.tls_roots = roots,
            Err(error) => errors.push(error),
        }
        errors.extend(config.wrong());
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }

    fn password(&self) -> Result<Option<SecretString>, ConfigError> {
        match (&self.password, &self.password_file) {
            (Some(_), Some(_)) => Err(ConfigError::new("password_file", "give either password or password_file")),
            (given, None) => Ok(given.clone()),
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).into())),
                Err(error) => Err(ConfigError::new("password_file", format!("{} can't be read: {error}", path.display()))),
            },
        }
    }
}

fn roots(path: &PathBuf) -> Result<Arc<RootCertStore>, ConfigError> {
    let wrong = |why: String| ConfigError::new("tls_ca_file", format!("{} {why}", path.display()));
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(format!("can't be read: {error}")))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(format!("is no PEM: {error}")))?;
        roots.add(certificate).map_err(|error| wrong(format!("has a certificate that is none of an authority: {error}")))?;
    }
    if roots.is_empty() { Err(wrong("has no certificate".to_owned())) } else { Ok(Arc::new(roots)) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn every_value_that_cannot_be_used_is_named() {
        let default = RawConfig::default;
        let file = tempfile::NamedTempFile::new().unwrap();
        let table = [
            (RawConfig { urls: Vec::new(), ..default() }, vec!["urls"]),
            (RawConfig { password_file: Some("/not/there".into()), ..default() }, vec!["password_file"]),
            (RawConfig { tls_ca_file: Some("/not/there".into()), ..default() }, vec!["tls_ca_file"]),
            (RawConfig { tls_ca_file: Some(file.path().to_owned()), ..default() }, vec!["tls_ca_file"]),
            (RawConfig { deduplication_window: 0, timeout: Duration::ZERO, ..default() }, vec!["deduplication_window", "timeout"]),
        ];
        for (raw, keys) in table {
            let errors = raw.check().unwrap_err();
            assert_eq!(errors.iter().map(|error| error.key).collect::<Vec<_>>(), keys, "{errors:?}");
        }
        default().check().unwrap();
    }

    #[test]
    fn a_password_is_read_from_its_file_and_shown_nowhere() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "open sesame\n").unwrap();
        let raw = RawConfig { user: Some("ali".to_owned()), password_file: Some(file.path().to_owned()), ..RawConfig::default() };
        let config = raw.check().unwrap();
        assert_eq!(config.password.as_ref().map(ExposeSecret::expose_secret), Some("open sesame"));
        let given = RawConfig { password: Some("barley".into()), password_file: None, ..raw };
        let shown = format!("{config:?} {given:?} {:?}", config.password);
        assert!(!shown.contains("sesame") && !shown.contains("barley"), "{shown}");
    }
}
