//! User agents: what the rules of uap-core, the ones that the intake uses, make of each.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use generator::population::agent::{Agent, Device};
use std::process::Command;

/// The rules as they come with the crate `ua-parser`, wherever cargo has unpacked it.
fn rules() -> String {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let parser = packages.iter().find(|package| package["name"] == "ua-parser").unwrap();
    let manifest = std::path::Path::new(parser["manifest_path"].as_str().unwrap());
    std::fs::read_to_string(manifest.with_file_name("uap-core").join("regexes.yaml")).unwrap()
}

#[test]
fn every_user_agent_is_what_uap_core_says_it_is() {
    let rules = rules();
    let rules: ua_parser::Regexes<'_> = serde_yaml_ng::from_str(&rules).unwrap();
    let parser = ua_parser::Extractor::try_from(rules).unwrap();
    let mut devices = Vec::new();
    for time in ["2025-01-15T00:00:00Z", "2026-11-21T00:00:00Z"] {
        for agent in Agent::all(time.parse().unwrap()) {
            let (browser, os, device) = parser.extract(&agent.user_agent);
            let spider = device.is_some_and(|device| device.device == "Spider");
            assert_eq!(agent.bot, spider, "{}", agent.user_agent);
            if agent.bot {
                continue;
            }
            let (browser, os) = (browser.unwrap(), os.unwrap());
            assert_eq!(agent.browser, browser.family, "{}", agent.user_agent);
            assert_eq!(agent.browser_version, format!("{} {}", browser.family, browser.major.unwrap()), "{}", agent.user_agent);
            let os = os.major.map_or_else(|| os.os.to_string(), |major| format!("{} {major}", os.os));
            assert_eq!(agent.os, os, "{}", agent.user_agent);
            devices.push(agent.device);
        }
    }
    for device in [Device::Desktop, Device::Mobile, Device::Tablet] {
        assert!(devices.contains(&device), "{device:?}");
    }
}

#[test]
fn versions_move_on_over_weeks() {
    let versions = |time: &str| Agent::all(time.parse().unwrap()).into_iter().map(|agent| agent.browser_version).collect::<Vec<_>>();
    let (before, after) = (versions("2026-10-01T00:00:00Z"), versions("2026-11-21T00:00:00Z"));
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert!(changed > before.len() / 3, "{before:?} {after:?}");
}
