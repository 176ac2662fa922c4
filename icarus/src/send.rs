//! `icarus send`: one measurement by hand.
#![expect(clippy::print_stdout, reason = "commands talk to people")]

use std::{collections::BTreeMap, str::FromStr};

use anyhow::{Context, Result, bail};
use clap::Args;
use rand::RngExt;
use schemas::beacon::{Beacon, BeaconEvent, Page, Text};

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The app's id.
    #[arg(long)]
    app: String,
    /// The app's public write key.
    #[arg(long, env = "ICARUS_KEY", default_value = "")]
    key: String,
    /// What is measured, such as LCP, or a name of your own.
    #[arg(long)]
    metric: String,
    /// The value, in the metric's unit.
    #[arg(long)]
    value: f64,
    /// ms, s, us, score, bytes, kB, MB, count or per_second; the metric's own when left out.
    #[arg(long)]
    unit: Option<String>,
    /// How long ago it happened, in milliseconds.
    #[arg(long, value_name = "MS")]
    age_ms: Option<f64>,
    /// The page's template, such as /checkout.
    #[arg(long)]
    route: Option<String>,
    /// The app's own version.
    #[arg(long)]
    release: Option<String>,
    /// A dimension of the app's own; repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    dimension: Vec<Pair>,
    /// An experiment and its arm; repeatable.
    #[arg(long, value_name = "NAME=ARM")]
    experiment: Vec<Pair>,
    /// Sends it this many times, each as a beacon of its own.
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// Where Icarus is.
    #[arg(long, value_name = "URL", env = "ICARUS_URL", default_value = "http://127.0.0.1:7070")]
    server: String,
}

/// `name=value`
#[derive(Debug, Clone)]
struct Pair(String, String);

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write name=value")?;
        Ok(Self(name.to_owned(), value.to_owned()))
    }
}

/// Sends what the arguments say and prints the answer.
pub(crate) fn run(args: &SendArgs) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(send(args))
}

async fn send(args: &SendArgs) -> Result<()> {
    let url = format!("{}/v1/beacons", args.server.trim_end_matches('/'));
    let client = alerts::webhook::client_builder().build()?;
    for _ in 0..args.times {
        let request = client.post(&url).header("content-type", "application/json").body(serde_json::to_vec(&beacon(args))?);
        let response = request.send().await.with_context(|| format!("{url} can't be reached: is `icarus serve` running there?"))?;
        let (status, answer) = (response.status(), response.text().await?);
        if !status.is_success() {
            bail!("{status}: {}", answer.trim());
        }
        println!("{}", answer.trim());
    }
    Ok(())
}

fn beacon(args: &SendArgs) -> Beacon<'_, BeaconEvent<'_>> {
    let text = |text: &'_ Option<String>| text.clone().map(Text::from);
    let pairs = |pairs: &[Pair]| -> Option<BTreeMap<Text<'static>, Text<'static>>> {
        (!pairs.is_empty()).then(|| pairs.iter().map(|Pair(name, value)| (name.clone().into(), value.clone().into())).collect())
    };
    let event = BeaconEvent {
        metric: Some(args.metric.as_str().into()),
        value: Some(args.value),
        unit: text(&args.unit),
        age_ms: args.age_ms,
        ..BeaconEvent::default()
    };
    Beacon {
        id: Some(format!("{:032x}", rand::rng().random::<u128>()).into()),
        app: Some(args.app.as_str().into()),
        key: Some(args.key.as_str().into()),
        page: args.route.as_ref().map(|route| Page { route: Some(route.as_str().into()), ..Page::default() }),
        release: text(&args.release),
        dimensions: pairs(&args.dimension),
        experiments: pairs(&args.experiment),
        events: Some(vec![event]),
        ..Beacon::default()
    }
}
