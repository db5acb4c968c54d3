use crate::fault;
use base::Result;
use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds since the process started. Never 0, which stands for "no limit".
fn now() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// How long a transaction may go on. A statement that only reads is stopped in the middle; one that writes is not, because
/// SQLite answers an interrupted write with a rollback of the whole batch: it is refused before it begins, and stopped only
/// after ten times as long.
#[derive(Debug, Default)]
pub struct Deadline {
    soft: u64,
    hard: u64,
    /// What the running statement is measured against; the progress handler sees it.
    armed: Arc<AtomicU64>,
}

impl Deadline {
    pub fn set(&mut self, limit: Option<Duration>) {
        let at = |times: u32| limit.map_or(0, |l| now().saturating_add(u64::try_from((l * times).as_nanos()).unwrap_or(u64::MAX)));
        (self.soft, self.hard) = (at(1), at(10));
        self.armed.store(0, Relaxed);
    }
    /// Call before each statement.
    pub fn arm(&self, reads_only: bool) -> Result<()> {
        if self.soft != 0 && now() > self.soft {
            return Err(fault::timeout("the time of this transaction is over"));
        }
        self.armed.store(if reads_only { self.soft } else { self.hard }, Relaxed);
        Ok(())
    }
    /// Says whether to stop now; for the progress handler.
    pub fn watch(&self) -> impl FnMut() -> bool + Send + 'static {
        let armed = self.armed.clone();
        move || {
            let at = armed.load(Relaxed);
            at != 0 && now() > at
        }
    }
}
