//! User agents: what the intake makes of each.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use generator::population::agent::{Agent, Device};
use ingest::agent::Agents;

#[test]
fn every_user_agent_is_what_the_intake_says_it_is() {
    let agents = Agents::new();
    let mut devices = Vec::new();
    for time in ["2025-01-15T00:00:00Z", "2026-11-21T00:00:00Z"] {
        for agent in Agent::all(time.parse().unwrap()) {
            let read = agents.read(&agent.user_agent);
            assert_eq!(agent.bot, read.bot, "{}", agent.user_agent);
            if agent.bot {
                continue;
            }
            let expected = (agent.browser, &*agent.browser_version, agent.os, agent.device.name());
            assert_eq!((&*read.browser, &*read.browser_version, &*read.os, read.device), expected, "{}", agent.user_agent);
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
