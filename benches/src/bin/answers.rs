//! How long the API takes for a chart of 24 hours at minute step: `cargo run --release -p benches --bin answers
//! [-- URL]`, over the data of a running server such as the demo's.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use benches::client::{Client, Times};

/// Rounds over all questions.
const ROUNDS: usize = 20;
/// What a dashboard asks: a line for all, for slices of growing detail, and lines side by side.
const CHARTS: [(&str, &str); 6] = [
    ("all", ""),
    ("one route", "&filter=route:/checkout"),
    ("a route in a browser", "&filter=route:/checkout&filter=browser:Safari"),
    ("a country on mobile", "&filter=country:DE&filter=device:mobile"),
    ("by browser", "&group_by=browser"),
    ("by country, 10 lines", "&group_by=country&limit=10"),
];
const METRICS: [&str; 4] = ["LCP", "INP", "CLS", "TTFB"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::of_arguments()?;
    let mut all = Vec::new();
    for (name, parameters) in CHARTS {
        let (mut times, mut points, mut bytes) = (Vec::new(), 0, 0);
        for metric in METRICS.iter().cycle().take(METRICS.len() * ROUNDS) {
            let timed = client.get(&format!("/api/v1/timeseries?app=shop&metric={metric}&from=now-24h&step=1m{parameters}")).await?;
            let series = timed.answer["series"].as_array().map_or(&[][..], Vec::as_slice);
            points = points.max(series.iter().filter_map(|series| series["points"].as_array()).map(Vec::len).sum());
            bytes = bytes.max(timed.bytes);
            times.push(timed.took);
        }
        all.extend(times.iter().copied());
        println!("{name:22} {} (up to {points} points, {} kB)", Times::new(times), bytes / 1024);
    }
    println!("{:22} {}", "together", Times::new(all));
    Ok(())
}
