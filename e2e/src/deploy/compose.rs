//! The compose file by itself: its form, and that what it names is there.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use super::{names, texts};

/// What the Compose Specification's schema does not allow.
pub fn against_schema(compose: &Value, schema: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(compose).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The services with their names.
pub fn services(compose: &Value) -> impl Iterator<Item = (&str, &Value)> {
    compose["services"].as_object().into_iter().flatten().map(|(name, service)| (name.as_str(), service))
}

/// The services that run the binary.
pub fn ours(compose: &Value) -> impl Iterator<Item = (&str, &Value)> {
    services(compose).filter(|(_, service)| !service["build"].is_null())
}

/// One mount of a service.
#[derive(Debug)]
pub struct Mount<'a> {
    pub source: &'a str,
    pub target: &'a str,
    pub read_only: bool,
}

impl Mount<'_> {
    /// Whether it is a path of the host, and no volume.
    pub fn is_path(&self) -> bool {
        self.source.starts_with(['.', '/'])
    }
}

/// The mounts of a service, which are written in their short form.
pub fn mounts(service: &Value) -> Vec<Mount<'_>> {
    let mount = |text| {
        let mut parts = str::split(text, ':');
        Some(Mount { source: parts.next()?, target: parts.next()?, read_only: parts.next() == Some("ro") })
    };
    texts(&service["volumes"]).into_iter().filter_map(mount).collect()
}

/// The names of a service's secrets.
pub fn secrets(service: &Value) -> Vec<&str> {
    let all = service["secrets"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(|secret| secret.as_str().or_else(|| secret["source"].as_str())).collect()
}

/// Paths that are not there or may be written, and volumes and secrets that are not declared or not used.
pub fn mounted(compose: &Value, root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut volumes, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (name, service) in services(compose) {
        for mount in mounts(service) {
            if !mount.is_path() {
                volumes.insert(mount.source);
            } else if !root.join(mount.source).exists() {
                wrong.push(format!("{name}: {} is not there", mount.source));
            } else if !mount.read_only {
                wrong.push(format!("{name}: {} may be written", mount.source));
            }
        }
        used.extend(secrets(service));
    }
    for (kind, used) in [("volume", volumes), ("secret", used)] {
        let declared: BTreeSet<_> = names(&compose[format!("{kind}s")]).into_iter().collect();
        wrong.extend(used.difference(&declared).map(|name| format!("{kind} {name} is not declared")));
        wrong.extend(declared.difference(&used).map(|name| format!("{kind} {name} is not used")));
    }
    wrong
}

/// Services that wait for one that is not there, not in each of their profiles, or never what they wait for.
pub fn waits(compose: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, service) in services(compose) {
        let profiles: BTreeSet<_> = texts(&service["profiles"]).into_iter().collect();
        for awaited in names(&service["depends_on"]) {
            let other = &compose["services"][awaited];
            let others: BTreeSet<_> = texts(&other["profiles"]).into_iter().collect();
            let health = &other["healthcheck"];
            let never = match service["depends_on"][awaited]["condition"].as_str() {
                Some("service_healthy") => health.is_null() || health["disable"] == true,
                Some("service_completed_successfully") => other["restart"] != "no",
                _ => true,
            };
            if other.is_null() {
                wrong.push(format!("{name} waits for {awaited}, which is no service"));
            } else if !profiles.is_subset(&others) {
                wrong.push(format!("{name} waits for {awaited}, which is not in all of its profiles"));
            } else if never {
                wrong.push(format!("{name} waits for {awaited} by a condition that never comes"));
            }
        }
    }
    wrong
}

/// Images without an exact version, and services that are not started again, not stopped or not asked how they are.
pub fn running(compose: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, service) in services(compose) {
        let tag = service["image"].as_str().and_then(|image| image.rsplit_once(':')).map_or("", |(_, tag)| tag);
        if service["build"].is_null() && tag.split('.').filter(|part| part.ends_with(|c: char| c.is_ascii_digit())).count() < 3 {
            wrong.push(format!("{name}: {} has no exact version", service["image"]));
        }
        if service["restart"] == "no" {
            continue;
        }
        for key in ["restart", "healthcheck"] {
            if service[key].is_null() {
                wrong.push(format!("{name} has no {key}"));
            }
        }
    }
    wrong
}

/// Containers of ours that could write their image or do more than they need, and passwords in environments.
pub fn closed(compose: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, service) in ours(compose) {
        if service["read_only"] != true {
            wrong.push(format!("{name} can write its image"));
        }
        if !texts(&service["cap_drop"]).contains(&"ALL") || !texts(&service["security_opt"]).contains(&"no-new-privileges:true") {
            wrong.push(format!("{name} has privileges"));
        }
    }
    for (name, service) in services(compose) {
        for variable in names(&service["environment"]) {
            let upper = variable.to_uppercase();
            let secret = ["PASSWORD", "SECRET", "TOKEN"].iter().any(|word| upper.contains(word));
            if secret && !upper.ends_with("FILE") {
                wrong.push(format!("{name}: {variable} stands in the environment: mount a secret"));
            }
        }
        for port in texts(&service["ports"]).into_iter().filter(|port| !port.starts_with("127.0.0.1:")) {
            wrong.push(format!("{name}: port {port} is open to everybody"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::{read, root, yaml};

    /// The real file with `old` replaced, which must be there.
    fn broken(old: &str, new: &str) -> Value {
        let text = read("docker-compose.yml");
        assert!(text.contains(old), "{old}");
        yaml(&text.replace(old, new))
    }

    type Check = fn(&Value) -> Vec<String>;

    #[test]
    fn what_is_broken_in_the_file_is_named() {
        let schema: Check =
            |compose| against_schema(compose, &serde_json::from_str(&read("e2e/schemas/compose/compose-spec.json")).unwrap());
        let mounted: Check = |compose| super::mounted(compose, &root());
        let table: [(&str, &str, Check, &str); 16] = [
            ("    retries: 6\n    start_period", "    retires: 6\n    start_period", schema, "retires"),
            (
                "restart: unless-stopped\n    environment:\n      CLUSTER",
                "restart: [maybe]\n    environment:\n      CLUSTER",
                schema,
                "restart",
            ),
            ("./deploy/kafka:", "./deploy/kafkaesque:", mounted, "./deploy/kafkaesque is not there"),
            ("icarus.toml:ro", "icarus.toml", mounted, "ingest: ./deploy/icarus.toml may be written"),
            ("- spool:/var", "- spoon:/var", mounted, "volume spoon is not declared"),
            ("  spool:\n  prom", "  spool:\n  spoon:\n  prom", mounted, "volume spoon is not used"),
            ("secrets: [clickhouse_password]", "secrets: [password]", mounted, "secret password is not declared"),
            ("kafka: { condition", "kafkaesque: { condition", waits, "migrate waits for kafkaesque, which is no service"),
            (
                "[engine, pipeline, observability]",
                "[engine, pipeline]",
                waits,
                "migrate waits for kafka, which is not in all of its profiles",
            ),
            ("restart: \"no\"", "restart: always", waits, "ingest waits for migrate by a condition that never comes"),
            (
                "prometheus: { condition: service_healthy }",
                "prometheus: { condition: service_started }",
                waits,
                "grafana waits for prometheus by",
            ),
            ("apache/kafka:4.1.1", "apache/kafka:latest", running, "kafka: \"apache/kafka:latest\" has no exact version"),
            (
                "    healthcheck:\n      test: [\"CMD\", \"promtool\"",
                "    x-health:\n      test: [\"CMD\", \"promtool\"",
                running,
                "prometheus has no healthcheck",
            ),
            ("read_only: true\n  tmpfs", "read_only: false\n  tmpfs", closed, "api can write its image"),
            ("CLICKHOUSE_SKIP_USER_SETUP", "CLICKHOUSE_PASSWORD", closed, "clickhouse: CLICKHOUSE_PASSWORD stands in the environment"),
            ("\"127.0.0.1:3000:3000\"", "\"3000:3000\"", closed, "grafana: port 3000:3000 is open to everybody"),
        ];
        for (old, new, check, named) in table {
            let wrong = check(&broken(old, new));
            assert!(wrong.iter().any(|wrong| wrong.contains(named)), "{old} -> {new}: {named} in {wrong:?}");
        }
    }
}
