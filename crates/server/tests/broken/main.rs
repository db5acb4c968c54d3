//! What Tenon stands on breaks while it is used: database server, mail server, disk, clock, and the clients themselves.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

mod clients;
mod mail;
mod postgres;
mod stalls;

use std::time::Duration;

/// A short time in every run, a long one with `TENON_SOAK=1`.
fn soak<T>(short: T, long: T) -> T {
    if std::env::var("TENON_SOAK").is_ok_and(|v| v == "1") { long } else { short }
}

/// Tries again until it is so.
async fn within(limit: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
