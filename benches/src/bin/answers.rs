//! How long the API takes for charts and tables of 24 hours: `cargo run --release -p benches --bin answers [-- URL]`,
//! over the data of a running server such as the demo's.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use benches::{
    charts,
    client::{Client, Times},
};

/// Rounds over all questions.
const ROUNDS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answered = charts::ask(&Client::of_arguments()?, ROUNDS).await?;
    for answered in &answered {
        println!("{answered}");
    }
    println!("{:22} {}", "together", Times::together(answered.into_iter().map(|answered| answered.times)));
    Ok(())
}
