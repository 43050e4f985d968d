//! The console without a proxy: `cargo run -p console --example shop -- 5000` has so many flows pass in a second.

#[path = "../src/samples.rs"]
mod samples;

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use samples::Sample;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let rate: u64 = std::env::args().nth(1).map_or(Ok(0), |rate| rate.parse())?;
    let sample = Arc::new(Sample::new(samples::shop()));
    let passing = sample.clone();
    tokio::spawn(async move {
        let start = Instant::now();
        let mut passed = 0;
        loop {
            let due = (start.elapsed().as_secs_f64() * rate as f64) as u64;
            for id in passed..due {
                passing.pass(samples::flow(id + 100, "GET", "shop.example", &format!("/api/orders/{id}"), 200, "{}"));
            }
            passed = due;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    console::run(sample).await?;
    Ok(())
}
