//! What runs Icarus in containers, checked without containers: `docker-compose.yml`, the image, and what
//! is mounted into them, against their schema, against each other and against the binary.
//!
//! Every check is a function from texts to the list of what is wrong, so that tests can break a text and
//! see it named.

pub mod compose;
pub mod image;
pub mod own_metrics;
pub mod ports;
pub mod runbook;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// The folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A file of the project.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A YAML text, its merge keys (`<<`) carried out.
pub fn yaml(text: &str) -> Value {
    let mut value: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).unwrap();
    value.apply_merge().unwrap();
    serde_json::to_value(value).unwrap()
}

/// What `icarus config show` printed, by key.
pub fn settings(shown: &str) -> BTreeMap<String, Value> {
    let setting = |line: &str| {
        let (key, rest) = line.split_once(" = ")?;
        let (value, _origin) = rest.rsplit_once("  # ")?;
        Some((key.to_owned(), serde_json::from_str(value.trim_end()).ok()?))
    };
    shown.lines().filter_map(setting).collect()
}

/// The texts in a list, or those in a text.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text],
        _ => Vec::new(),
    }
}

/// The names of an object's entries, or the texts of a list.
fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(entries) => entries.keys().map(String::as_str).collect(),
        other => texts(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merge_keys_are_carried_out_and_own_keys_win() {
        let merged = yaml("x-a: &a { image: a, restart: always }\nservices: { b: { <<: *a, restart: \"no\" } }");
        assert_eq!(merged["services"]["b"], json!({ "image": "a", "restart": "no" }));
    }

    #[test]
    fn settings_are_read_with_their_values() {
        let shown = "a.b = [\"x # y\"]  # icarus.toml\na.c = 7          # the default\n";
        assert_eq!(settings(shown), BTreeMap::from([("a.b".to_owned(), json!(["x # y"])), ("a.c".to_owned(), json!(7))]));
    }
}
