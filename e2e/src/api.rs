//! A client of the API.

use std::collections::BTreeMap;

use schemas::time::{Minute, Timestamp};
use serde_json::Value;

use crate::{process::Process, server::APP};

/// Series that one answer may have.
const SERIES_MAX: usize = 50;

/// Asks one server.
#[derive(Debug)]
pub struct Api {
    client: reqwest::Client,
    url: String,
}

/// The counts of a window: samples, and values after weights.
pub type Count = (u64, u64);

impl Api {
    /// A client of `server`.
    pub fn of(server: &Process) -> Self {
        Self { client: alerts::webhook::client_builder().build().unwrap(), url: server.url() }
    }

    /// The answer to a question about the app, which must be one.
    pub async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/{path}", self.url), [("app", APP)].iter().chain(parameters)).unwrap();
        let answer = self.client.get(url.clone()).send().await.unwrap();
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{url}: {status}: {answer}");
        answer
    }

    /// The counts of `metric` in each minute of a range, by the values of the dimension `by`; under `""`
    /// when there is none.
    pub async fn minutes(&self, metric: &str, by: Option<&str>, from: Minute, to: Minute) -> BTreeMap<(String, Minute), Count> {
        let (from, to) = (from.start().to_string(), to.start().to_string());
        let asked = [("metric", metric), ("from", &from), ("to", &to)];
        let Some(by) = by else { return self.counts(&asked, &[]).await };
        // An arm only means something together with its experiment.
        let experiment = (by == "arm").then_some(("filter", "experiment:checkout"));
        let all: Vec<_> = asked.into_iter().chain(experiment).collect();
        let listed = self.get("breakdown", &[&all[..], &[("by", by), ("limit", "500")]].concat()).await;
        let rows = listed["rows"].as_array().unwrap();
        assert_eq!(rows.len() as u64, listed["rows_total"], "more values of {by} than an answer may have");
        let values: Vec<String> = rows.iter().map(|row| format!("{by}:{}", row["value"].as_str().unwrap())).collect();
        let mut counts = BTreeMap::new();
        for values in values.chunks(SERIES_MAX) {
            let filters: Vec<(&str, &str)> = values.iter().map(|value| ("filter", value.as_str())).chain([("group_by", by)]).collect();
            counts.extend(self.counts(&all, &filters).await);
        }
        counts
    }

    async fn counts(&self, asked: &[(&str, &str)], more: &[(&str, &str)]) -> BTreeMap<(String, Minute), Count> {
        let answer = self.get("timeseries", &[asked, more, &[("step", "1m"), ("limit", "50")]].concat()).await;
        let mut counts = BTreeMap::new();
        for series in answer["series"].as_array().unwrap() {
            for point in series["points"].as_array().unwrap() {
                let at: Timestamp = point["at"].as_str().unwrap().parse().unwrap();
                let value = series["value"].as_str().unwrap_or_default().to_owned();
                counts.insert((value, at.minute()), (point["samples"].as_u64().unwrap(), point["n"].as_u64().unwrap()));
            }
        }
        counts
    }
}
