//! `docker-compose.yml`, the image and what is mounted, against the binary and the tools that are at hand.
//! No container runs here: what was and was not run stands in the README.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::Path,
    process::{Command, Output},
};

use e2e::{
    binary::icarus,
    deploy::{self, compose, image, own_metrics, ports, read, root, runbook, settings, yaml},
};
use serde_json::Value;

const CONFIG: &str = "deploy/icarus.toml";
const ALERTS: &str = "deploy/prometheus/alerts.yml";
const DASHBOARD: &str = "deploy/grafana/dashboards/icarus.json";
/// What others than Icarus say of themselves.
const FOREIGN: [&str; 4] = [
    "up",
    "ClickHouseAsyncMetrics_MaxPartCountForPartition",
    "ClickHouseAsyncMetrics_DiskAvailable_default",
    "ClickHouseAsyncMetrics_DiskTotal_default",
];

fn file() -> Value {
    yaml(&read("docker-compose.yml"))
}

fn schema() -> Value {
    serde_json::from_str(&read("e2e/schemas/compose/compose-spec.json")).unwrap()
}

/// The binary with the file's configuration and one service's environment; secrets are files of this machine.
fn configured(service: &Value, arguments: &[&str], secrets: &Path) -> Output {
    let mut command = Command::new(icarus());
    command.args(arguments).arg("--config").arg(root().join(CONFIG));
    for (name, value) in service["environment"].as_object().into_iter().flatten() {
        command.env(name, value.as_str().unwrap());
    }
    for (key, value) in settings(&String::from_utf8_lossy(
        &Command::new(icarus()).args(["config", "show", "--config"]).arg(root().join(CONFIG)).output().unwrap().stdout,
    )) {
        if let Some(secret) = value.as_str().and_then(|value| value.strip_prefix("/run/secrets/")) {
            assert!(compose::secrets(service).contains(&secret), "{key} is a secret that the service does not mount");
            command.env(format!("ICARUS_{}", key.to_uppercase().replace('.', "__")), secrets.join(secret));
        }
    }
    command.output().unwrap()
}

/// The secrets as the project's script makes them.
fn made_secrets() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new("sh").arg(root().join("deploy/secrets.sh")).arg(dir.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    dir
}

/// What is in force in the containers.
fn in_force() -> BTreeMap<String, Value> {
    let shown = Command::new(icarus()).args(["config", "show", "--config"]).arg(root().join(CONFIG)).output().unwrap();
    settings(&String::from_utf8(shown.stdout).unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn seconds(length: &str) -> u64 {
    let (number, unit) = length.split_at(length.find(|c: char| !c.is_ascii_digit()).unwrap());
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" | "days" => 86_400,
        other => panic!("{other} in {length}"),
    };
    number.parse::<u64>().unwrap() * unit
}

/// Where each service listens, by its own configuration.
fn listened() -> ports::Listened {
    let compose = file();
    let listen = ports::port_of(text(&in_force()["server.listen"])).unwrap();
    let mut listened: ports::Listened = compose::ours(&compose).map(|(name, _)| (name.to_owned(), vec![listen])).collect();
    let properties = properties();
    listened.insert("kafka".to_owned(), properties["listeners"].split(',').filter_map(ports::port_of).collect());
    let clickhouse = read("deploy/clickhouse/config.d/icarus.xml");
    let between = |open: &str, close: &str| clickhouse.split_once(open).unwrap().1.split_once(close).unwrap().0.parse::<u16>().unwrap();
    // 9000 is the server's own default for its native protocol.
    listened.insert("clickhouse".to_owned(), vec![between("<http_port>", "<"), between("<port>", "<"), 9000]);
    let flag = |flag: &str| {
        let arguments = compose["services"]["prometheus"]["command"].as_array().unwrap();
        arguments.iter().find_map(|argument| text(argument).strip_prefix(flag)).map(str::to_owned).unwrap()
    };
    listened.insert("prometheus".to_owned(), vec![ports::port_of(&flag("--web.listen-address=")).unwrap()]);
    let port = text(&compose["services"]["grafana"]["environment"]["GF_SERVER_HTTP_PORT"]);
    listened.insert("grafana".to_owned(), vec![port.parse().unwrap()]);
    listened
}

/// The settings of the broker.
fn properties() -> BTreeMap<String, String> {
    let text = read("deploy/kafka/server.properties");
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Says what was not run, past the harness, which keeps what passing tests print.
fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr().lock(), "SKIPPED: {what}");
}

/// Runs a tool that may not be at hand; whoever reads the output sees that it was not.
fn tool(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).current_dir(root()).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            skipped(&format!("`{program} {}`: {program} is not installed here", arguments.join(" ")));
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

fn assert_ran(program: &str, arguments: &[&str]) {
    if let Some(output) = tool(program, arguments) {
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{program} {}: {said}", arguments.join(" "));
    }
}

fn none_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_file_is_what_the_compose_specification_allows() {
    none_wrong(&compose::against_schema(&file(), &schema()));
}

#[test]
fn everything_mounted_awaited_and_pinned_is_there() {
    let file = file();
    none_wrong(&compose::mounted(&file, &root()));
    none_wrong(&compose::waits(&file));
    none_wrong(&compose::running(&file));
    none_wrong(&compose::closed(&file));
}

#[test]
fn each_profile_has_the_services_of_its_name() {
    let file = file();
    let of = |profile: &str| -> BTreeSet<&str> {
        let in_it = |(name, service): (&'_ str, &Value)| {
            service["profiles"].as_array().unwrap().iter().any(|p| p == profile).then(|| name.to_owned())
        };
        compose::services(&file).filter_map(|(name, service)| in_it((name, service)).map(|_| name)).collect()
    };
    let (engine, pipeline) = (BTreeSet::from(["kafka", "clickhouse"]), ["migrate", "ingest", "aggregator", "alerts", "api"]);
    assert_eq!(of("engine"), engine);
    assert_eq!(of("pipeline"), engine.iter().copied().chain(pipeline).collect());
    assert_eq!(of("observability"), of("pipeline").into_iter().chain(["prometheus", "grafana"]).collect());
}

#[test]
fn docker_compose_itself_takes_the_file_in_every_profile() {
    for profile in ["engine", "pipeline", "observability"] {
        let arguments = ["--profile", profile, "config", "--quiet"];
        // The plugin of docker where there is one, else the program of that name.
        let plugin = tool("docker", &["compose", "version"]).is_some_and(|version| version.status.success());
        if plugin {
            assert_ran("docker", &[&["compose"], &arguments[..]].concat());
        } else {
            assert_ran("docker-compose", &arguments);
        }
    }
}

#[test]
fn the_secrets_are_those_that_the_script_makes_and_differ_each_time() {
    let (file, made, again) = (file(), made_secrets(), made_secrets());
    for (name, secret) in file["secrets"].as_object().unwrap() {
        let path = Path::new(text(&secret["file"]));
        assert_eq!(path.parent().unwrap(), Path::new("./deploy/secrets"), "{name}");
        let of = |dir: &tempfile::TempDir| std::fs::read_to_string(dir.path().join(path.file_name().unwrap())).unwrap();
        assert!(of(&made).len() >= 32, "{name}");
        assert_ne!(of(&made), of(&again), "{name}");
    }
}

#[test]
fn the_configuration_of_each_role_is_valid_in_its_container() {
    let (file, secrets) = (file(), made_secrets());
    for (name, service) in compose::ours(&file) {
        let checked = configured(service, &["config", "check"], secrets.path());
        assert!(checked.status.success(), "{name}: {}", String::from_utf8_lossy(&checked.stderr));
        let paths = compose::mounts(service);
        let mount = paths.iter().find(|mount| mount.source == "./deploy/icarus.toml").unwrap();
        let command: Vec<_> = service["command"].as_array().unwrap().iter().map(text).collect();
        assert!(command.windows(2).any(|pair| pair == ["--config", mount.target]), "{name}: {command:?} reads no {}", mount.target);
    }
}

#[test]
fn an_unknown_variable_in_a_service_would_be_refused() {
    let (file, secrets) = (file(), made_secrets());
    let mut service = file["services"]["ingest"].clone();
    service["environment"] = serde_json::json!({ "ICARUS_SERVER__LISTN": "0.0.0.0:1" });
    let checked = configured(&service, &["config", "check"], secrets.path());
    assert!(String::from_utf8_lossy(&checked.stderr).contains("server.listn: no such key"), "{checked:?}");
}

/// Whether the binary parses these arguments: asked for help at their end, it refuses what stands before.
fn parses(arguments: &[String]) -> Result<(), String> {
    let output = Command::new(icarus()).args(arguments).arg("--help").output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn the_binary_parses_every_command_and_health_check() {
    let file = file();
    let owned = |words: &[Value]| words.iter().map(|word| text(word).to_owned()).collect::<Vec<_>>();
    let mut commands: Vec<Vec<String>> = Vec::new();
    for (_, service) in compose::ours(&file) {
        commands.push(owned(service["command"].as_array().unwrap()));
        if let Some(["CMD", "icarus", ..]) =
            service["healthcheck"]["test"].as_array().map(|test| test.iter().map(text).collect::<Vec<_>>()).as_deref()
        {
            commands.push(owned(&service["healthcheck"]["test"].as_array().unwrap()[2..]));
        } else {
            assert_eq!(service["healthcheck"]["disable"], true);
        }
    }
    for instruction in image::instructions(&read("Dockerfile")) {
        match instruction.name.as_str() {
            "CMD" => commands.push(image::words(&instruction)),
            "HEALTHCHECK" => commands.push(image::words(&instruction)[1..].to_vec()),
            "ENTRYPOINT" => assert_eq!(image::words(&instruction), ["icarus"]),
            _ => {}
        }
    }
    assert!(commands.len() >= 11, "{commands:?}");
    for command in commands {
        assert_eq!(parses(&command), Ok(()), "{command:?}");
    }
    for wrong in [&["ingest", "--confg", "x"][..], &["injest"], &["health", "--uri", "x"]] {
        assert!(parses(&wrong.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).is_err(), "{wrong:?}");
    }
}

#[test]
fn whoever_asks_a_port_asks_one_that_is_listened_on() {
    let listened = listened();
    none_wrong(&ports::asked(&file(), &listened));
    for path in [CONFIG, "deploy/prometheus/prometheus.yml", "deploy/grafana/provisioning/datasources/icarus.yml"] {
        none_wrong(&ports::addressed(&read(path), &listened));
    }
    let scraped = yaml(&read("deploy/prometheus/prometheus.yml"));
    let (names, port) =
        (&scraped["scrape_configs"][0]["dns_sd_configs"][0]["names"], &scraped["scrape_configs"][0]["dns_sd_configs"][0]["port"]);
    for name in names.as_array().unwrap() {
        assert!(listened[text(name)].iter().any(|listens| port == listens), "{name} does not listen on {port}");
    }
    let exposed = image::instructions(&read("Dockerfile")).into_iter().find(|instruction| instruction.name == "EXPOSE").unwrap();
    assert_eq!(exposed.rest, listened["ingest"][0].to_string());
}

#[test]
fn what_a_role_keeps_stands_on_a_volume_and_it_has_time_to_stop() {
    let (file, config) = (file(), in_force());
    let ingest = &file["services"]["ingest"];
    let dir = text(&config["data.dir"]);
    assert!(compose::mounts(ingest).iter().any(|mount| !mount.is_path() && mount.target == dir), "the spool would die with its container");
    assert!(read("Dockerfile").contains(&format!("--mode=0750 {dir}")), "a new volume would be root's");
    for (name, service) in compose::ours(&file).filter(|(_, service)| service["restart"] != "no") {
        let (grace, open) = (seconds(text(&service["stop_grace_period"])), seconds(text(&config["server.shutdown_grace"])));
        assert!(grace > open, "{name} is killed after {grace} s, and open requests may take {open} s");
    }
}

#[test]
fn the_image_can_be_built_of_what_is_there() {
    let (dockerfile, ignore) = (read("Dockerfile"), read(".dockerignore"));
    none_wrong(&image::built(&dockerfile, &ignore, &root()));
    let told = Command::new(env!("CARGO")).args(["metadata", "--format-version", "1", "--locked"]).current_dir(root()).output().unwrap();
    let metadata: Value = serde_json::from_slice(&told.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let binary = packages.iter().find(|package| package["name"] == "icarus").unwrap();
    let words: Vec<_> = dockerfile.split_whitespace().collect();
    for pair in words.windows(2).filter(|pair| pair[0] == "--features") {
        assert!(!binary["features"][pair[1]].is_null(), "the package icarus has no feature {}", pair[1]);
    }
    for member in metadata["workspace_members"].as_array().unwrap() {
        let manifest = packages.iter().find(|package| package["id"] == *member).map(|package| text(&package["manifest_path"])).unwrap();
        let path = Path::new(manifest).strip_prefix(root()).unwrap().to_str().unwrap();
        assert!(image::let_in(&ignore, path), "the builder does not see {path}");
    }
    // No package wants a newer compiler than the image has.
    let number = |version: &str| version.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>();
    let base = dockerfile.split_once("FROM rust:").unwrap().1.split_once('-').unwrap().0;
    for package in packages {
        if let Some(wanted) = package["rust_version"].as_str() {
            assert!(number(wanted)[..2] <= number(base)[..2], "{} wants Rust {wanted}, the image has {base}", package["name"]);
        }
    }
    let user = image::instructions(&dockerfile).into_iter().rfind(|instruction| instruction.name == "USER").unwrap().rest;
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user} is root, or unknown to the host");
}

#[test]
fn the_broker_keeps_what_exactly_once_rests_on() {
    let (properties, config) = (properties(), in_force());
    for (key, value) in
        [("auto.create.topics.enable", "false"), ("unclean.leader.election.enable", "false"), ("offset.metadata.max.bytes", "4096")]
    {
        assert_eq!(properties.get(key).map(String::as_str), Some(value), "{key}");
    }
    let (positions_s, records_s) =
        (properties["offsets.retention.minutes"].parse::<u64>().unwrap() * 60, seconds(text(&config["log.kafka.retention_age"])));
    assert!(positions_s > records_s, "a group that comes back to its records would have lost its positions");
    let brokers = text(&config["log.kafka.brokers"]);
    assert!(properties["advertised.listeners"].split(',').any(|listener| listener.ends_with(&format!("//{brokers}"))), "{brokers}");
    assert!(
        properties["log.dirs"]
            .starts_with(compose::mounts(&file()["services"]["kafka"]).iter().find(|mount| !mount.is_path()).unwrap().target)
    );
}

#[test]
fn kafkas_own_tool_takes_the_brokers_configuration() {
    let Some(installed) = tool("sh", &["e2e/servers/kafka/install.sh"]) else { return };
    if !installed.status.success() {
        skipped(String::from_utf8_lossy(&installed.stderr).trim());
        return;
    }
    let (dir, libs) = (tempfile::tempdir().unwrap(), String::from_utf8(installed.stdout).unwrap());
    let data = dir.path().join("data");
    let text = read("deploy/kafka/server.properties").replace(&properties()["log.dirs"], data.to_str().unwrap());
    let path = dir.path().join("server.properties");
    std::fs::write(&path, text).unwrap();
    let file = file();
    let id = file["services"]["kafka"]["environment"]["CLUSTER_ID"].as_str().unwrap();
    let classes = format!("{}/*", libs.trim());
    assert_ran("java", &["-cp", &classes, "kafka.tools.StorageTool", "format", "-t", id, "-c", path.to_str().unwrap()]);
    assert!(data.join("meta.properties").exists());
}

#[test]
fn prometheus_own_tool_takes_its_configuration_and_the_alerts_fire_when_they_must() {
    assert_ran("promtool", &["check", "rules", ALERTS]);
    assert_ran("promtool", &["test", "rules", "e2e/tests/alerts_test.yml"]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prometheus.yml");
    let here = root().join("deploy/prometheus");
    std::fs::write(&path, read("deploy/prometheus/prometheus.yml").replace("/etc/prometheus", here.to_str().unwrap())).unwrap();
    assert_ran("promtool", &["check", "config", path.to_str().unwrap()]);
}

/// The rules with their groups taken away.
fn rules() -> Vec<Value> {
    let groups = yaml(&read(ALERTS))["groups"].as_array().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

#[test]
fn every_metric_in_alerts_and_dashboard_exists() {
    let described = own_metrics::described(&root());
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
    let questions = targets.filter_map(|target| target["expr"].as_str().map(str::to_owned)).collect::<Vec<_>>();
    assert!(questions.len() > 30, "{}", questions.len());
    let asked = rules().iter().map(|rule| text(&rule["expr"]).to_owned()).chain(questions).collect::<Vec<_>>();
    let unknown: BTreeSet<_> = asked.iter().flat_map(|question| own_metrics::unknown(question, &described, &FOREIGN)).collect();
    assert!(unknown.is_empty(), "no room describes {unknown:?}");
}

#[test]
fn the_dashboard_asks_sources_that_are_provisioned_and_tables_that_are_migrated() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let sources = yaml(&read("deploy/grafana/provisioning/datasources/icarus.yml"));
    let sources: BTreeMap<_, _> =
        sources["datasources"].as_array().unwrap().iter().map(|source| (text(&source["uid"]), text(&source["type"]))).collect();
    let migrations: String = std::fs::read_dir(root().join("schemas/clickhouse"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let mut tables = 0;
    for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
        let source = &panel["datasource"];
        assert_eq!(sources.get(text(&source["uid"])).copied(), source["type"].as_str(), "{}", panel["title"]);
        for sql in panel["targets"].as_array().unwrap().iter().filter_map(|target| target["rawSql"].as_str()) {
            let table = sql.split_once("from icarus.").unwrap().1.split_whitespace().next().unwrap();
            assert!(migrations.contains(&format!("${{database}}.{table} ")), "no migration makes {table}");
            tables += 1;
        }
    }
    assert!(tables > 0);
}

#[test]
fn bounds_that_alerts_repeat_are_those_of_the_configuration() {
    let (rules, config) = (rules(), in_force());
    let expr = |name: &str| text(&rules.iter().find(|rule| rule["alert"] == name).unwrap()["expr"]).to_owned();
    let half = config["log.spool.bytes_max"].as_u64().unwrap() / 2;
    assert!(expr("IcarusSpoolFilling").trim_end().ends_with(&format!("> {half}")), "half of log.spool.bytes_max is {half}");
    let interval = seconds(text(&config["aggregator.flush_interval"]));
    assert!(expr("IcarusFlushSlow").contains(&format!("le=\"{interval}\"")), "aggregator.flush_interval is {interval} s");
}

#[test]
fn every_alert_has_its_section_in_the_runbook() {
    let (page, rules) = (read("docs/runbook.md"), rules());
    let anchors = runbook::anchors(&page);
    let alerts: BTreeSet<_> = rules.iter().map(|rule| text(&rule["alert"]).to_lowercase()).collect();
    for rule in &rules {
        let link = text(&rule["annotations"]["runbook"]);
        assert_eq!(link, format!("docs/runbook.md#{}", text(&rule["alert"]).to_lowercase()));
        assert!(["page", "ticket"].contains(&text(&rule["labels"]["severity"])), "{rule}");
    }
    let sections: BTreeSet<_> = anchors.into_iter().filter(|anchor| anchor.starts_with("icarus")).collect();
    assert_eq!(alerts, sections, "alerts on the left, sections on the right");
}

#[test]
fn what_the_runbook_quotes_and_names_exists() {
    let page = read("docs/runbook.md");
    assert!(runbook::quoted(&page).len() >= 8);
    none_wrong(&runbook::misquoted(&page, &runbook::sources(&deploy::root())));
    let described = own_metrics::described(&root());
    let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("icarus_"));
    let unknown: BTreeSet<_> = words
        .filter(|word| !own_metrics::unknown(word, &described, &[]).is_empty())
        .filter(|word| !described.contains_key(*word))
        .collect();
    assert!(unknown.is_empty(), "no room describes {unknown:?}");
    let (config, known) = (in_force(), read("icarus/src/config/default.toml"));
    let keys = page.split('`').skip(1).step_by(2).filter(|code| {
        ["server.", "log.", "store.", "aggregator.", "detection.", "alerts.", "ingest."].iter().any(|section| code.starts_with(section))
            && !code.contains(char::is_whitespace)
    });
    for key in keys {
        let (table, name) = key.rsplit_once('.').unwrap();
        let documented = known.contains(&format!("[{table}]"))
            && known.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{name} =")));
        assert!(config.contains_key(key) || documented, "the runbook names {key}, which is no key");
    }
}
