//! Who may know whom: the direction of dependencies between the crates, from what cargo says.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// The crates of ours that each room may know. Those that are not here see all.
const MAY_KNOW: [(&str, &[&str]); 9] = [
    ("schemas", &[]),
    ("service", &[]),
    ("event-log", &["schemas"]),
    ("store", &["schemas"]),
    ("ingest", &["schemas", "service", "event-log"]),
    ("aggregator", &["schemas", "service", "event-log", "store"]),
    ("alerts", &["schemas", "service", "store"]),
    ("api", &["schemas", "service", "store"]),
    ("traffic-generator", &["schemas", "service"]),
];
const SEE_ALL: [&str; 3] = ["icarus", "benches", "e2e"];

/// The rooms that alone may name a library.
const ONLY_IN: [(&str, &[&str]); 6] = [
    ("hdrhistogram", &["schemas", "benches"]),
    ("fjall", &["store"]),
    ("rdkafka", &["event-log"]),
    ("clickhouse", &["store"]),
    ("ua-parser", &["ingest"]),
    ("axum", &["service", "ingest", "api", "icarus"]),
];

/// The dependencies of each crate of the workspace, without those of tests.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--locked"];
    let told = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: Value = serde_json::from_slice(&told.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let of = |package: &Value| {
        let normal = package["dependencies"].as_array().unwrap().iter().filter(|dependency| dependency["kind"].is_null());
        (name(package), normal.map(name).collect())
    };
    metadata["packages"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn each_room_knows_only_the_rooms_that_it_may() {
    let dependencies = dependencies();
    let listed = MAY_KNOW.iter().map(|(room, _)| *room).chain(SEE_ALL);
    let unlisted: Vec<_> = dependencies.keys().filter(|room| !listed.clone().any(|listed| listed == *room)).collect();
    assert!(unlisted.is_empty(), "what may these know? {unlisted:?}");
    for (room, may_know) in MAY_KNOW {
        let ours = dependencies[room].iter().filter(|name| dependencies.contains_key(*name));
        let wrong: Vec<_> = ours.filter(|name| !may_know.contains(&name.as_str())).collect();
        assert!(wrong.is_empty(), "{room} must not know {wrong:?}");
    }
}

#[test]
fn libraries_that_belong_to_one_room_are_named_in_no_other() {
    let dependencies = dependencies();
    for (library, rooms) in ONLY_IN {
        let named = dependencies.iter().filter(|(_, libraries)| libraries.iter().any(|name| name == library));
        let wrong: Vec<_> = named.map(|(room, _)| room).filter(|room| !rooms.contains(&room.as_str()) && *room != "e2e").collect();
        assert!(wrong.is_empty(), "{library} must not be named in {wrong:?}");
    }
}
