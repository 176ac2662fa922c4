//! The default is complete and valid, and what is wrong is named with its place.

use secrecy::ExposeSecret;

use super::*;

fn checked(file: &str) -> Result<Config, Problems> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("icarus.toml");
    std::fs::write(&path, file).unwrap();
    check(&merge(Some(path), Vec::new()).unwrap())
}

fn problems(file: &str) -> Vec<String> {
    checked(file).unwrap_err().0.into_iter().map(|problem| format!("{}: {}", problem.key, problem.what)).collect()
}

#[test]
fn the_default_is_complete_and_the_same_as_the_rooms_own() {
    let config = check(&merge(None, Vec::new()).unwrap()).unwrap();
    assert!(config.apps.is_empty());
    assert_eq!(config.detection.unwrap().thresholds, Thresholds::default());
    assert_eq!(config.aggregator.limits, aggregator::config::Limits::default());
    let log = event_log::config::RawConfig::default().check(std::path::Path::new("data")).unwrap();
    assert_eq!(format!("{:?}", config.log), format!("{:?}", Log::Embedded(log)));
    let kafka = checked("[log]\nengine = \"kafka\"").unwrap();
    let expected = event_log::kafka::RawConfig::default().check().unwrap();
    let spool = event_log::spool::RawConfig::default().check(Path::new("data"), 4, expected.record_bytes_max()).unwrap();
    assert_eq!(format!("{:?}", kafka.log), format!("{:?}", Log::Kafka { kafka: Box::new(expected), spool }));
    assert_eq!(config.alerts.policy, Policy { tell: false, ..Policy::default() });
    let store = store::embedded::config::Config::new("data/store".into());
    let clickhouse = checked("[store]\nengine = \"clickhouse\"").unwrap();
    let expected = store::clickhouse::raw::RawConfig::default().check().unwrap();
    let expected = store::clickhouse::config::Config { log: "embedded".to_owned(), ..expected };
    assert_eq!(format!("{:?}", clickhouse.store), format!("{:?}", Store::ClickHouse(expected)));
    assert_eq!(format!("{:?}", config.store), format!("{:?}", Store::Embedded(store)));
}

#[test]
fn the_documented_app_is_a_valid_one() {
    let example: Vec<&str> = DEFAULT
        .lines()
        .skip_while(|line| !line.starts_with("# [apps.shop]"))
        .take_while(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches("# "))
        .collect();
    let config = checked(&example.join("\n")).unwrap();
    let app = &config.apps[0];
    assert_eq!((app.app.id.as_str(), app.app.cuboids.len(), app.policy.metrics.len()), ("shop", 2, 1));
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let found = problems(
        r#"
        [apps.shop]
        key = ""
        origins = ["shop.example"]
        routes = ["product"]
        dimensions = ["route"]
        cuboids = ["route,colour", "arm"]
        lateness_max = "500days"
        metrics = { LCP = "ms", x = "parsec" }
        [apps.SHOP]
        key = "k"
        [alerts]
        firing_flagged = 5
        webhook_url = "shop.example/hook"
        [log.embedded]
        replay_margin = 1
        [ingest.edge_headers]
        country = "CF IPCountry"
        "#,
    );
    for key in [
        "apps.shop.key",
        "apps.shop.origins",
        "apps.shop.routes",
        "apps.shop.dimensions",
        "apps.shop.cuboids",
        "apps.shop.lateness_max",
        "apps.shop.metrics.LCP",
        "apps.shop.metrics.x",
        "apps.SHOP",
        "alerts.firing_flagged",
        "alerts.webhook_url",
        "log.embedded.replay_margin",
        "ingest.edge_headers.country",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(&format!("{key}: "))), "{key} in {found:#?}");
    }
}

#[test]
fn unknown_keys_are_refused_by_name_also_within_apps() {
    assert_eq!(problems("[apps.shop]\nkey = \"k\"\norigin = \"*\"\n[store]\nretention = \"1day\"\n").len(), 2);
}

#[test]
fn secrets_from_the_environment_are_the_text_that_they_are() {
    let layers = Layers { default: DEFAULT, file: None, flags: Vec::new() };
    for text in ["12345", "007", "true", "[a, b]", "{a=1}", "\"quoted\"", "open sesame"] {
        let names = ["ICARUS_LOG__KAFKA__SASL_PASSWORD", "ICARUS_LOG__KAFKA__TLS_KEY_PASSWORD", "ICARUS_STORE__CLICKHOUSE__PASSWORD"];
        let merged = layers.merge_with(names.map(|name| (name.into(), text.into()))).unwrap();
        let RawConfig { log: raw::RawLog { kafka, .. }, store: raw::RawStore { clickhouse, .. }, .. } = merged.extract().unwrap();
        for secret in [kafka.sasl_password, kafka.tls_key_password, clickhouse.password] {
            assert_eq!(secret.unwrap().expose_secret(), text);
        }
    }
}
