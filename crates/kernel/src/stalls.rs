//! Notices when nobody could go on: something kept the async workers busy that should have run on the blocking pool. The heartbeat (`pressure`)
//! tells how late it was woken. One worker that is held up while others go on is not noticed, and does little harm.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Later than this is told.
const LATE: Duration = Duration::from_millis(100);

/// What was noticed since the start.
#[derive(Default)]
pub struct Stalls {
    told: AtomicU64,
    longest: AtomicU64,
}

impl Stalls {
    /// How often nobody could go on for 100 ms and more.
    pub fn count(&self) -> u64 {
        self.told.load(Relaxed)
    }

    /// For how long at most, also where it was less than that.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.longest.load(Relaxed))
    }

    pub(crate) fn noticed(&self, late: Duration) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.longest.fetch_max(micros, Relaxed);
        if late >= LATE {
            self.told.fetch_add(1, Relaxed);
            tracing::warn!(millis = micros / 1000, "nobody could go on for so long: something blocks the async workers, or the machine is too busy");
        }
    }
}
