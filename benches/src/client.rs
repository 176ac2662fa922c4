//! A client of a running server, and the summary of how long things took.

use std::{error::Error, fmt, time::Duration};

use serde_json::Value;
use service::clock::Stopwatch;

/// Talks to one server.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

/// An answer, and how long it took from the question to its last byte.
#[derive(Debug)]
pub struct Timed {
    pub answer: Value,
    pub bytes: usize,
    pub took: Duration,
}

impl Client {
    /// One of the server at `url`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: impl Into<String>) -> Result<Self, Box<dyn Error>> {
        Ok(Self { http: alerts::webhook::client_builder().build()?, url: url.into() })
    }

    /// One of the server named by the program's first argument; the demo's when none is.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn of_arguments() -> Result<Self, Box<dyn Error>> {
        Self::new(std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:7070".to_owned()))
    }

    /// Asks.
    ///
    /// # Errors
    /// When the server can't be reached or doesn't answer with success.
    pub async fn get(&self, path_and_query: &str) -> Result<Timed, Box<dyn Error>> {
        let watch = Stopwatch::start();
        let answer = self.http.get(format!("{}{path_and_query}", self.url)).send().await?.error_for_status()?.bytes().await?;
        let took = watch.elapsed();
        Ok(Timed { answer: serde_json::from_slice(&answer)?, bytes: answer.len(), took })
    }

    /// The sum of a self-metric over its labels.
    ///
    /// # Errors
    /// When the server can't be reached, or has no such metric.
    pub async fn self_metric(&self, name: &str) -> Result<f64, Box<dyn Error>> {
        let text = self.http.get(format!("{}/metrics", self.url)).send().await?.error_for_status()?.text().await?;
        let mine = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        let values = text.lines().filter(mine).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        values.reduce(|sum, value| sum + value).ok_or_else(|| format!("{} has no {name}", self.url).into())
    }

    /// Sends a beacon.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn send(&self, beacon: &Value) -> Result<(), Box<dyn Error>> {
        self.http.post(format!("{}/v1/beacons", self.url)).json(beacon).send().await?.error_for_status()?;
        Ok(())
    }
}

/// Times in order, shown as quantiles.
#[derive(Debug)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Of what took this long, at least once.
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    /// All of them.
    pub fn together(all: impl IntoIterator<Item = Self>) -> Self {
        Self::new(all.into_iter().flat_map(|times| times.0).collect())
    }

    /// The smallest time that at least the share `q` of all did not exceed.
    pub fn quantile(&self, q: f64) -> Duration {
        let rank = (q * self.0.len() as f64).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |q| self.quantile(q).as_secs_f64() * 1e3;
        write!(f, "p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, n {}", ms(0.5), ms(0.95), ms(0.99), self.0.len())
    }
}
