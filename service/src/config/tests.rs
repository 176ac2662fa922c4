//! Which layer wins, how a variable is read, and what is told of wrong ones.

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
    #[serde(default)]
    origins: Vec<String>,
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

fn merged_with(variables: &[(&str, &str)]) -> Merged {
    let variables = variables.iter().map(|(name, text)| (name.into(), text.into()));
    layers(None, vec![]).0.merge_with(variables).unwrap()
}

#[test]
fn a_variable_is_the_text_it_is_where_text_is_wanted() {
    for text in ["12345", "007", "1e3", "-0", "true", "[1, 2]", "{a=1}", "\"quoted\"", "'x'", " blank ", "", "nul\\"] {
        let config: Config = merged_with(&[("ICARUS_APPS__SHOP__KEY", text), ("ICARUS_SERVER__LISTEN", text)]).extract().unwrap();
        assert_eq!((config.apps["shop"].key.as_str(), config.server.listen.as_str()), (text, text));
    }
}

#[test]
fn a_variable_is_read_as_toml_where_something_else_is_wanted() {
    let variables = [("ICARUS_SERVER__LIMIT", "9"), ("icarus_apps__shop", "{key=\"k\", origins=[\"a\", \"7\"]}"), ("ICARUS_CONFIG", "x")];
    let config: Config = merged_with(&variables).extract().unwrap();
    assert_eq!((config.server.limit, config.apps["shop"].key.as_str()), (9, "k"));
    assert_eq!(config.apps["shop"].origins, ["a", "7"]);
    let Problems(problems) = merged_with(&[("ICARUS_SERVER__LIMIT", "many"), ("ICARUS_SEA__X", "1")]).extract::<Config>().unwrap_err();
    let told: Vec<_> = problems.iter().map(|problem| (problem.key.as_str(), problem.origin.as_deref())).collect();
    assert_eq!(told, [("sea", Some(ENVIRONMENT)), ("server.limit", Some(ENVIRONMENT))]);
}

#[test]
fn a_flag_wins_over_a_variable_and_settings_show_what_a_variable_says() {
    let flag = FlagValue { flag: "--listen", key: "server.listen", value: "0.0.0.0:1".into() };
    let variables = [("ICARUS_SERVER__LISTEN", "1"), ("ICARUS_SERVER__LIMIT", "9"), ("ICARUS_APPS__SHOP__KEY", "007")];
    let merged = layers(None, vec![flag]).0.merge_with(variables.map(|(name, text)| (name.into(), text.into()))).unwrap();
    assert_eq!(merged.extract::<Config>().unwrap().server.listen, "0.0.0.0:1");
    let shown: Vec<_> =
        merged.settings().into_iter().map(|setting| format!("{}={} {}", setting.key, setting.value, setting.origin)).collect();
    let the = ENVIRONMENT;
    assert_eq!(
        shown,
        [format!("apps.shop.key=\"007\" {the}"), format!("server.limit=9 {the}"), "server.listen=\"0.0.0.0:1\" --listen".into()]
    );
}

#[test]
fn a_table_in_a_variable_is_shown_by_its_keys_for_some_are_secret() {
    let merged = merged_with(&[("ICARUS_APPS__SHOP", "{key=\"k\"}")]);
    assert!(merged.settings().iter().any(|setting| setting.key == "apps.shop.key"), "{:?}", merged.settings());
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
