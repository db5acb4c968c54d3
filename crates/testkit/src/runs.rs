//! How a run of the tests differs from others: its engine, and how long it takes.

use base::TenantId;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Whether this is the run on PostgreSQL. Nearly every test is the same on both; one that is not says why.
pub fn on_postgres() -> bool {
    std::env::var("TENON_TEST_POSTGRES").is_ok()
}

/// How much is done: a little in every run, a lot with `TENON_SOAK=1`.
pub fn soak<T>(short: T, long: T) -> T {
    if std::env::var("TENON_SOAK").is_ok_and(|v| v == "1") { long } else { short }
}

/// Looks again and again until it is so.
pub async fn within(limit: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The file of a silo, where silos are files.
pub fn silo_file(data: &Path, tenant: TenantId) -> PathBuf {
    data.join("silos").join(format!("{}.db", tenant.hex()))
}
