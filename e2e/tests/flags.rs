//! Flags, in simulated time: three weeks of history, then a release that slows one route in one browser.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};

use e2e::{
    server::{APP, KEY},
    simulation::{Simulation, after, app, copy, history},
};
use generator::{Rates, Scenario, Stream, Traffic};
use schemas::time::{MinuteRange, Timestamp};
use tokio::sync::OnceCell;

const DAYS: u32 = 21;
/// Minutes after the present when the incident begins, and when the simulation ends.
const BEGINS: u32 = 10;
const UNTIL: u32 = 40;

/// A release slows the checkout in Safari, as in the demo.
const INCIDENT: &str = r#"
[[incidents]]
name = "payment form blocks Safari"
start = "+10m"
duration = "15m"
slice = { route = ["/checkout"], browser = ["Safari"] }
latency = { LCP = 2.4, INP = 3.0 }
release = "4.999.0"
rollout = "1m"
"#;

/// A Tuesday afternoon.
fn present() -> Timestamp {
    "2026-11-17T14:00:00Z".parse().unwrap()
}

fn traffic(incidents: &str, weight: u32) -> Traffic {
    let scenario: Scenario = format!("[releases]\nevery = \"3d\"\nrollout = \"1h\"\n{incidents}").parse().unwrap();
    // What comes late, twice, broken or from robots is part of every day.
    let rates = Rates { too_late: 0.0, bare: 0.0, ..Rates::REAL };
    Traffic { page_views_per_minute: 2_000.0, weight, rates, scenario, ..Traffic::new(app(), KEY) }
}

/// A copy of the history, which is made once.
async fn folder(name: &str) -> PathBuf {
    static HISTORY: OnceCell<PathBuf> = OnceCell::const_new();
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("flags");
    let made = HISTORY.get_or_init(|| history(&parent, traffic("", 100), DAYS, present())).await;
    let own = parent.join(name);
    if own.exists() {
        std::fs::remove_dir_all(&own).unwrap();
    }
    copy(made, &own).unwrap();
    own
}

/// Lets the afternoon go by on a copy of the history.
async fn afternoon(name: &str, incidents: &str, detection: bool) -> Simulation {
    let mut simulation = Simulation::open(&folder(name).await, present(), detection).await;
    let mut stream = Stream::new(traffic(incidents, 1), present()..after(present(), UNTIL + 1), present()).unwrap().peekable();
    simulation.live(&mut stream, after(present(), UNTIL)).await;
    simulation
}

fn all() -> MinuteRange {
    MinuteRange::new(present().minute(), after(present(), UNTIL).minute())
}

fn statuses(simulation: &Simulation) -> Vec<String> {
    simulation.told().iter().map(|body| body["status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_flagged_on_its_slice_in_three_minutes_told_once_and_resolved_after_it_ends() {
    let simulation = afternoon("incident", INCIDENT, true).await;
    let begins = after(present(), BEGINS).minute();
    let flags = simulation.flags(all()).await;
    let of_slice = |flag: &&schemas::flag::Flag| {
        flag.series.group.cuboid.to_string() == "route,browser" && *flag.series.group.values == ["/checkout".into(), "Safari".into()]
    };
    let first = flags.iter().filter(of_slice).map(schemas::flag::Flag::minute).min().unwrap();
    assert!(begins <= first && first < begins.plus(3), "first flagged {} minutes after it began", first.0 - begins.0);
    let elsewhere = flags.iter().filter(|flag| !flag.series.group.values.contains(&"/checkout".into())).count();
    assert!(elsewhere * 10 <= flags.len(), "{elsewhere} of {} flags have nothing to do with it: {flags:#?}", flags.len());

    let told = simulation.told();
    assert_eq!(statuses(&simulation), ["firing", "resolved"], "{told:#?}");
    let text = told[0]["text"].as_str().unwrap();
    assert!(text.contains("/checkout") && text.contains("Safari"), "{text}");
    assert_eq!((&told[0]["alert"]["app"], &told[0]["alert"]["id"]), (&told[1]["alert"]["app"], &told[1]["alert"]["id"]));
    assert_eq!(told[0]["alert"]["app"], APP);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_same_afternoon_without_the_incident_nobody_is_told() {
    let simulation = afternoon("quiet", "", true).await;
    assert_eq!(simulation.tested().await, Some(after(present(), UNTIL).minute().minus(1)), "not every minute was tested");
    assert!(simulation.told().is_empty(), "{:#?}", simulation.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_detection_the_incident_goes_unnoticed() {
    let simulation = afternoon("undetected", INCIDENT, false).await;
    assert_eq!(simulation.tested().await, None);
    assert!(simulation.flags(all()).await.is_empty() && simulation.told().is_empty());
}
