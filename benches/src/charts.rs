//! What a dashboard asks about a day, and how long the answers take.

use std::{error::Error, fmt};

use serde_json::Value;

use crate::client::{Client, Times};

/// A line for all, for slices of growing detail, lines side by side, and tables.
const QUESTIONS: [(&str, &str); 10] = [
    ("all", "timeseries?step=1m"),
    ("one route", "timeseries?step=1m&filter=route:/checkout"),
    ("a route in a browser", "timeseries?step=1m&filter=route:/checkout&filter=browser:Safari"),
    ("a country on mobile", "timeseries?step=1m&filter=country:DE&filter=device:mobile"),
    ("by browser", "timeseries?step=1m&group_by=browser"),
    ("by country, 10 lines", "timeseries?step=1m&group_by=country&limit=10"),
    ("table of routes", "breakdown?by=route"),
    ("table of countries", "breakdown?by=country"),
    // No cuboid has these together.
    ("from samples", "timeseries?step=1m&filter=route:/checkout&filter=browser:Safari&filter=country:DE"),
    ("table from samples", "breakdown?by=country&filter=route:/checkout&filter=browser:Safari"),
];
const METRICS: [&str; 4] = ["LCP", "INP", "CLS", "TTFB"];

/// How long the answers to one question took.
#[derive(Debug)]
pub struct Answered {
    pub question: &'static str,
    pub times: Times,
    /// Points, or rows of a table, in the largest answer.
    pub points: usize,
    /// The largest answer.
    pub bytes: usize,
}

/// Asks each question about the last 24 hours, `rounds` times of each of four metrics.
///
/// # Errors
/// When the server can't be reached or doesn't answer with success.
pub async fn ask(client: &Client, rounds: usize) -> Result<Vec<Answered>, Box<dyn Error>> {
    let mut answered = Vec::new();
    for (question, asked) in QUESTIONS {
        let (mut times, mut points, mut bytes) = (Vec::new(), 0, 0);
        for metric in METRICS.iter().cycle().take(METRICS.len() * rounds) {
            let timed = client.get(&format!("/api/v1/{asked}&app=shop&metric={metric}&from=now-24h")).await?;
            points = points.max(points_of(&timed.answer));
            bytes = bytes.max(timed.bytes);
            times.push(timed.took);
        }
        answered.push(Answered { question, times: Times::new(times), points, bytes });
    }
    Ok(answered)
}

fn points_of(answer: &Value) -> usize {
    let list = |value: &Value| value.as_array().map_or(0, Vec::len);
    match answer["series"].as_array() {
        Some(series) => series.iter().map(|series| list(&series["points"])).sum(),
        None => list(&answer["rows"]),
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:22} {} (up to {} points, {} kB)", self.question, self.times, self.points, self.bytes / 1024)
    }
}
