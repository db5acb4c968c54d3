use crate::quarantine::Quarantine;
use base::{Error, Result, TenantId};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// After the disk has failed a file, it is opened again when so much time has passed, and not sooner.
const REST: Duration = Duration::from_secs(1);

/// Whether an open silo may be believed. Everybody who works with it tells what they hear, the writer before it takes the next batch.
pub struct Trust {
    id: TenantId,
    /// The engine has said that the file is damaged. Every handle refuses from then on.
    damaged: AtomicBool,
    /// When the disk failed: nothing is written any more, and reading goes on.
    broken: Mutex<Option<Instant>>,
    quarantine: Arc<Quarantine>,
}

impl Trust {
    pub fn new(id: TenantId, quarantine: Arc<Quarantine>) -> Arc<Trust> {
        Arc::new(Trust { id, damaged: AtomicBool::new(false), broken: Mutex::new(None), quarantine })
    }

    pub fn heard(&self, error: &Error) {
        match error.name() {
            Error::QUARANTINED => {
                self.quarantine.put(self.id, error);
                self.damaged.store(!self.id.is_hub(), Relaxed);
            }
            Error::SUSPECT => {
                self.broken.lock().get_or_insert_with(Instant::now);
                self.quarantine.doubt(self.id, error);
            }
            _ => {}
        }
    }

    pub fn may_be_read(&self) -> Result<()> {
        if self.damaged.load(Relaxed) { Err(Error::quarantined("damage was found while it was in use")) } else { Ok(()) }
    }

    pub fn may_be_written(&self) -> Result<()> {
        self.may_be_read()?;
        if self.is_broken() { Err(Error::suspect("the disk failed it a moment ago")) } else { Ok(()) }
    }

    pub fn is_broken(&self) -> bool {
        self.broken.lock().is_some()
    }

    /// Whether it is to be closed, and opened anew from end to end. The hub never is: with its disk the process ends.
    pub fn is_over(&self) -> bool {
        self.damaged.load(Relaxed) || (!self.id.is_hub() && self.broken.lock().is_some_and(|since| since.elapsed() >= REST))
    }
}
