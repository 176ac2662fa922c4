//! Configuration in layers: a documented default, a file, the environment, flags; later ones win.
//!
//! A key that nothing reads is a problem, not a silence. Each value knows the layer it came from.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Env, Format, Toml},
    value::{Dict, Map, Value},
};
use serde::de::DeserializeOwned;

/// The prefix of environment variables that set keys: `ICARUS_INGEST__BODY_BYTES_MAX` is
/// `ingest.body_bytes_max`.
pub const ENV_PREFIX: &str = "ICARUS_";
/// Variables with the prefix that are no keys: flags of commands, and the binary under test.
const ENV_OTHER: [&str; 4] = ["config", "url", "key", "bin"];

/// Where values come from, from the weakest to the strongest.
#[derive(Debug, Clone)]
pub struct Layers {
    /// The documented default, as TOML.
    pub default: &'static str,
    /// A TOML file, which must exist when given.
    pub file: Option<PathBuf>,
    /// Dotted keys with their values, and the flag that gave each.
    pub flags: Vec<FlagValue>,
}

/// A key set by a command-line flag.
#[derive(Debug, Clone)]
pub struct FlagValue {
    /// As the user wrote it, such as `--listen`.
    pub flag: &'static str,
    /// The dotted key, such as `server.listen`.
    pub key: &'static str,
    pub value: String,
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key; empty when it is about the whole.
    pub key: String,
    /// Where its value came from, when it has one.
    pub origin: Option<String>,
    /// What is wrong, and the remedy.
    pub what: String,
}

impl Problem {
    /// A problem with the value of `key`.
    pub fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { key: key.into(), origin: None, what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)?;
        match &self.origin {
            Some(origin) => write!(f, " (from {origin})"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a configuration, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if i > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

/// The merged layers.
#[derive(Debug, Clone)]
pub struct Merged {
    figment: Figment,
    values: serde_json::Value,
}

/// A leaf of the merged configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub key: String,
    pub value: serde_json::Value,
    pub origin: String,
}

impl Layers {
    /// Reads and merges the layers.
    ///
    /// # Errors
    /// When the file is missing or a layer can't be parsed.
    pub fn merge(&self) -> Result<Merged, Problems> {
        let mut figment = Figment::new().merge(Named { name: "the default", inner: Toml::string(self.default) });
        if let Some(file) = &self.file {
            figment = figment.merge(Toml::file_exact(readable(file)?));
        }
        let env = Env::prefixed(ENV_PREFIX).filter(|key| !ENV_OTHER.iter().any(|other| key.as_str().eq_ignore_ascii_case(other)));
        figment = figment.merge(env.split("__"));
        for flag in &self.flags {
            figment = figment.merge(flag.clone());
        }
        let values: Value = figment.extract().map_err(|error| Problems(error.into_iter().map(|error| problem_of(&error)).collect()))?;
        let values = serde_json::to_value(&values).map_err(|error| Problems(vec![Problem::new("", error.to_string())]))?;
        Ok(Merged { figment, values })
    }
}

fn readable(file: &Path) -> Result<&Path, Problems> {
    match std::fs::metadata(file) {
        Ok(found) if found.is_file() => Ok(file),
        Ok(_) => Err(Problems(vec![Problem::new("", format!("{} is not a file", file.display()))])),
        Err(error) => Err(Problems(vec![Problem::new("", format!("the configuration file {} can't be read: {error}", file.display()))])),
    }
}

fn problem_of(error: &figment::Error) -> Problem {
    Problem { key: error.path.join("."), origin: error.metadata.as_ref().map(origin_of), what: error.kind.to_string() }
}

fn origin_of(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(figment::Source::File(path)) => path.display().to_string(),
        _ if metadata.name.contains("environment") => "the environment".to_owned(),
        _ => metadata.name.to_string(),
    }
}

impl Merged {
    /// The typed configuration.
    ///
    /// # Errors
    /// With every key that nothing reads, and the first value of the wrong type.
    pub fn extract<T: DeserializeOwned>(&self) -> Result<T, Problems> {
        let mut unknown = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(&self.values, &mut track);
        let extracted = serde_ignored::deserialize(tracked, |path| unknown.push(path.to_string()));
        let mut problems: Vec<_> =
            unknown.into_iter().map(|key| self.locate(Problem::new(key, "no such key: `icarus config show` lists them all"))).collect();
        match extracted {
            Ok(config) if problems.is_empty() => return Ok(config),
            Ok(_) => {}
            Err(error) => {
                let at = track.path().to_string();
                problems.push(self.locate(Problem::new(if at == "." { String::new() } else { at }, error.to_string())));
            }
        }
        Err(Problems(problems))
    }

    /// `problem` with the origin of its key's value.
    #[must_use]
    pub fn locate(&self, mut problem: Problem) -> Problem {
        problem.origin = problem.origin.or_else(|| self.origin(&problem.key));
        problem
    }

    /// Every leaf with the layer it came from, by key.
    pub fn settings(&self) -> Vec<Setting> {
        let mut leaves = BTreeMap::new();
        collect_leaves(String::new(), &self.values, &mut leaves);
        leaves
            .into_iter()
            .map(|(key, value)| Setting { origin: self.origin(&key).unwrap_or_else(|| "the default".to_owned()), key, value })
            .collect()
    }

    fn origin(&self, key: &str) -> Option<String> {
        if key.is_empty() { None } else { self.figment.find_metadata(key).map(origin_of) }
    }
}

fn collect_leaves(key: String, value: &serde_json::Value, leaves: &mut BTreeMap<String, serde_json::Value>) {
    match value {
        serde_json::Value::Object(table) if !table.is_empty() => {
            for (name, value) in table {
                collect_leaves(if key.is_empty() { name.clone() } else { format!("{key}.{name}") }, value, leaves);
            }
        }
        leaf => {
            leaves.insert(key, leaf.clone());
        }
    }
}

/// A provider under another name.
struct Named<P> {
    name: &'static str,
    inner: P,
}

impl<P: Provider> Provider for Named<P> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        self.inner.data()
    }
}

impl Provider for FlagValue {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.flag)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = figment::util::nest(self.key, Value::from(self.value.clone()));
        let dict = nested.into_dict().expect("a dotted key nests into a table");
        Ok(Profile::Default.collect(dict))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Config {
        server: Server,
        #[serde(default)]
        apps: BTreeMap<String, App>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Server {
        listen: String,
        limit: u32,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct App {
        key: String,
    }

    const DEFAULT: &str = "[server]\nlisten = \"127.0.0.1:7070\"\nlimit = 5\n";

    fn layers(file: Option<&str>, flags: Vec<FlagValue>) -> (Layers, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("icarus.toml");
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        (Layers { default: DEFAULT, file: file.map(|_| path), flags }, dir)
    }

    #[test]
    fn later_layers_win_and_each_value_knows_its_origin() {
        let flag = FlagValue { flag: "--listen", key: "server.listen", value: "0.0.0.0:1".into() };
        let (layers, dir) = layers(Some("[server]\nlisten = \"x\"\nlimit = 7\n[apps.shop]\nkey = \"k\"\n"), vec![flag]);
        let merged = layers.merge().unwrap();
        let config: Config = merged.extract().unwrap();
        assert_eq!(config.server, Server { listen: "0.0.0.0:1".into(), limit: 7 });
        assert_eq!(config.apps["shop"].key, "k");
        let origins: BTreeMap<_, _> = merged.settings().into_iter().map(|setting| (setting.key, setting.origin)).collect();
        assert_eq!(origins["server.listen"], "--listen");
        assert!(Path::new(&origins["server.limit"]).ends_with("icarus.toml"), "{} in {}", origins["server.limit"], dir.path().display());
    }

    #[test]
    fn every_unknown_key_is_named_with_its_file() {
        let (layers, _dir) = layers(Some("[server]\nlimt = 7\n[sever]\nlisten = \"x\"\n"), vec![]);
        let Problems(problems) = layers.merge().unwrap().extract::<Config>().unwrap_err();
        let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["server.limt", "sever"]);
        assert!(problems[0].origin.as_ref().unwrap().ends_with("icarus.toml"));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named() {
        let (layers, _dir) = layers(Some("[server]\nlimit = \"many\"\n"), vec![]);
        let Problems(problems) = layers.merge().unwrap().extract::<Config>().unwrap_err();
        assert_eq!(problems[0].key, "server.limit");
        assert!(problems[0].to_string().contains("icarus.toml"), "{}", problems[0]);
    }

    #[test]
    fn a_missing_file_and_broken_toml_are_problems() {
        let missing = Layers { default: DEFAULT, file: Some("/nowhere/icarus.toml".into()), flags: vec![] };
        assert!(missing.merge().unwrap_err().to_string().contains("/nowhere/icarus.toml"));
        let (broken, _dir) = layers(Some("[server\n"), vec![]);
        assert!(broken.merge().is_err());
    }
}
