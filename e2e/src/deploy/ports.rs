//! Ports: who listens where, and that whoever asks asks there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{compose::services, texts};

/// The ports that each service listens on.
pub type Listened = BTreeMap<String, Vec<u16>>;

/// The port at the end of an address such as `http://host:80/path` or `host:80`.
pub fn port_of(address: &str) -> Option<u16> {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest).split('/').next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}

/// The host of such an address.
pub fn host_of(address: &str) -> Option<&str> {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest).split('/').next()?;
    Some(authority.rsplit_once(':')?.0)
}

/// Health checks and published ports that ask where nobody listens.
pub fn asked(compose: &Value, listened: &Listened) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, service) in services(compose) {
        let Some(ports) = listened.get(name) else {
            wrong.push(format!("where does {name} listen?"));
            continue;
        };
        let health = texts(&service["healthcheck"]["test"]);
        let asked: Vec<u16> = health.iter().filter_map(|text| port_of(text.rsplit('=').next()?)).collect();
        if asked.is_empty() && !health.is_empty() {
            wrong.push(format!("the health check of {name} asks no port"));
        }
        let published = texts(&service["ports"]).into_iter().filter_map(port_of);
        wrong.extend(
            asked
                .into_iter()
                .chain(published)
                .filter(|port| !ports.contains(port))
                .map(|port| format!("{name} is asked at port {port}, and listens on {ports:?}")),
        );
    }
    wrong
}

/// Addresses of services in `text`, such as `http://kafka:9092`, at which nobody listens.
pub fn addressed(text: &str, listened: &Listened) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || "\"',[]{}()<>".contains(c));
    let wrong = words.filter_map(|word| {
        let (host, port) = (host_of(word)?, port_of(word)?);
        let ports = listened.get(host)?;
        (!ports.contains(&port)).then(|| format!("{word}: {host} listens on {ports:?}"))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::yaml;

    #[test]
    fn a_port_that_nobody_listens_on_is_named() {
        let compose = yaml(
            "services: { a: { ports: [\"127.0.0.1:1:7070\"], healthcheck: { test: [CMD, icarus, health, --url, \"http://127.0.0.1:7070\"] } },
                         b: { healthcheck: { test: [CMD, promtool, \"--url=http://127.0.0.1:9091\"] } } }",
        );
        let listened: Listened = [("a".to_owned(), vec![7070]), ("b".to_owned(), vec![9090])].into();
        assert_eq!(asked(&compose, &listened), ["b is asked at port 9091, and listens on [9090]"]);
        let elsewhere: Listened = [("a".to_owned(), vec![7071]), ("b".to_owned(), vec![9091])].into();
        assert_eq!(asked(&compose, &elsewhere).len(), 2, "the health check's and the published one");
        assert_eq!(asked(&compose, &Listened::new()).len(), 2);
    }

    #[test]
    fn an_address_of_a_service_has_a_port_that_it_listens_on() {
        let listened: Listened = [("kafka".to_owned(), vec![9092])].into();
        assert_eq!(addressed("brokers = \"kafka:9093\", other:1", &listened), ["kafka:9093: kafka listens on [9092]"]);
        assert!(addressed("[\"http://kafka:9092/x\"]", &listened).is_empty());
    }
}
