//! Configuration in layers: a documented default, a file, the environment, flags; later ones win.
//!
//! A key that nothing reads is a problem, not a silence. Each value knows the layer it came from.
//!
//! A variable of the environment is text. Whoever reads a key says what it has to be: where text is wanted, it is taken
//! as it stands (`007`, `true`, `[a]` and `"a"` are passwords like any other), else as TOML would read it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};
use serde::de::DeserializeOwned;

/// The prefix of environment variables that set keys: `ICARUS_INGEST__BODY_BYTES_MAX` is
/// `ingest.body_bytes_max`.
pub const ENV_PREFIX: &str = "ICARUS_";
/// The layer of those variables, as people are told.
const ENVIRONMENT: &str = "the environment";
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
    /// What the environment says stands in it as text.
    values: serde_json::Value,
    /// The same keys of the environment, as TOML would read them.
    parsed: BTreeMap<String, serde_json::Value>,
}

/// A leaf of the merged configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub key: String,
    pub value: serde_json::Value,
    pub origin: String,
}

impl Layers {
    /// Reads and merges the layers, with this process's environment.
    ///
    /// # Errors
    /// When the file is missing or a layer can't be parsed.
    pub fn merge(&self) -> Result<Merged, Problems> {
        self.merge_with(std::env::vars_os())
    }

    /// The same, with other variables than this process's own.
    ///
    /// # Errors
    /// As [`merge`](Self::merge).
    pub fn merge_with(&self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Merged, Problems> {
        let mut figment = Figment::new().merge(Named { name: "the default", inner: Toml::string(self.default) });
        if let Some(file) = &self.file {
            figment = figment.merge(Toml::file_exact(readable(file)?));
        }
        let environment = environment(variables);
        for (key, text) in &environment {
            let value = text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
            figment = figment.merge(Keyed { layer: ENVIRONMENT, key, value });
        }
        for FlagValue { flag, key, value } in &self.flags {
            figment = figment.merge(Keyed { layer: flag, key, value: value.clone().into() });
        }
        let values: Value = figment.extract().map_err(|error| Problems(error.into_iter().map(|error| problem_of(&error)).collect()))?;
        let values = serde_json::to_value(&values).map_err(|error| Problems(vec![Problem::new("", error.to_string())]))?;
        let mut merged = Merged { figment, values, parsed: BTreeMap::new() };
        for (key, text) in environment {
            // A flag may have won.
            if merged.origin(&key).as_deref() == Some(ENVIRONMENT)
                && let Some(value) = at(&mut merged.values, &key)
            {
                let parsed = std::mem::replace(value, text.into());
                merged.parsed.insert(key, parsed);
            }
        }
        Ok(merged)
    }
}

/// The variables that set keys, by their dotted key.
fn environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    let key = |name: &OsString| {
        let name = name.to_string_lossy().to_ascii_lowercase();
        let key = name.strip_prefix(&ENV_PREFIX.to_ascii_lowercase())?.replace("__", ".");
        (!ENV_OTHER.contains(&key.as_str()) && key.split('.').all(|name| !name.is_empty())).then_some(key)
    };
    variables.into_iter().filter_map(|(name, text)| Some((key(&name)?, text.to_string_lossy().into_owned()))).collect()
}

/// The value of a dotted key.
fn at<'a>(values: &'a mut serde_json::Value, key: &str) -> Option<&'a mut serde_json::Value> {
    key.split('.').try_fold(values, |table, name| table.get_mut(name))
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
        _ => metadata.name.to_string(),
    }
}

impl Merged {
    /// The typed configuration.
    ///
    /// # Errors
    /// With every key that nothing reads, and the first value of the wrong type.
    pub fn extract<T: DeserializeOwned>(&self) -> Result<T, Problems> {
        let (mut values, mut parsed) = (self.values.clone(), self.parsed.clone());
        loop {
            let mut unknown = Vec::new();
            let mut track = serde_path_to_error::Track::new();
            let tracked = serde_path_to_error::Deserializer::new(&values, &mut track);
            let extracted = serde_ignored::deserialize(tracked, |path| unknown.push(path.to_string()));
            let path = track.path().to_string();
            if extracted.is_err()
                && let Some(parsed) = parsed.remove(&path)
                && let Some(value) = at(&mut values, &path)
            {
                // It isn't text that is wanted here.
                *value = parsed;
                continue;
            }
            let mut problems: Vec<_> =
                unknown.into_iter().map(|key| self.locate(Problem::new(key, "no such key: `icarus config show` lists them all"))).collect();
            match extracted {
                Ok(config) if problems.is_empty() => return Ok(config),
                Ok(_) => {}
                Err(error) => {
                    let key = if path == "." { String::new() } else { path };
                    problems.push(self.locate(Problem::new(key, error.to_string())));
                }
            }
            return Err(Problems(problems));
        }
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
        let mut values = self.values.clone();
        for (key, parsed) in &self.parsed {
            // What reads the same either way is shown as what it looks like. A table's keys are what makes some of them secret.
            if let Some(value) = at(&mut values, key)
                && (parsed.is_object() || value.as_str() == Some(&parsed.to_string()))
            {
                *value = parsed.clone();
            }
        }
        collect_leaves(String::new(), &values, &mut leaves);
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

/// One key's value.
struct Keyed<'a> {
    layer: &'static str,
    key: &'a str,
    value: Value,
}

impl Provider for Keyed<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.layer)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = figment::util::nest(self.key, self.value.clone());
        let dict = nested.into_dict().expect("a dotted key nests into a table");
        Ok(Profile::Default.collect(dict))
    }
}

#[cfg(test)]
mod tests;
