//! How long this disk takes to say that something is safe.

use base::{Error, Result};
use serde::Serialize;
use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

const WRITES: usize = 256;
const BLOCK: [u8; 4096] = [0x5a; 4096];
/// No disk is that fast: flash takes 20 to 50 µs to program a page, and whoever answers sooner has not written it yet.
const IMPLAUSIBLE: Duration = Duration::from_micros(20);

/// The latency of a write of 4 KiB and its `fdatasync`.
#[derive(Debug, Serialize)]
pub struct Disk {
    pub writes: usize,
    pub median_us: u64,
    pub p99_us: u64,
    /// False: a cache that loses its contents with the power answers instead of the disk, or this is no disk.
    pub plausible: bool,
}

pub async fn measure(folder: &Path) -> Result<Disk> {
    let file = folder.join("disk");
    tokio::task::spawn_blocking(move || write(&file)).await.map_err(Error::internal)?
}

/// Writes over a file that is there already, as a database does with its log.
fn write(path: &Path) -> Result<Disk> {
    let mut file = File::create(path)?;
    for _ in 0..WRITES {
        file.write_all(&BLOCK)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let started = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    std::fs::remove_file(path)?;
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default();
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Ok(Disk { writes: times.len(), median_us: micros(at(50)), p99_us: micros(at(99)), plausible: at(50) >= IMPLAUSIBLE })
}
