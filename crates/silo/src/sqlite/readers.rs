use super::{Role, store::link};
use crate::{Tx, link::Link, unit};
use base::{Error, Result, TenantId};
use parking_lot::Mutex;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

const MOST: usize = 4;
const IDLE: Duration = Duration::from_secs(10);

/// The connections of one silo for scans: at most four, on the blocking pool, closed when nobody needs them.
pub struct Readers {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<(Instant, Link)>>,
    closed: AtomicBool,
}

impl Readers {
    pub fn new(path: &Path) -> Arc<Readers> {
        Arc::new(Readers { path: path.to_owned(), permits: Arc::new(Semaphore::new(MOST)), idle: Mutex::default(), closed: AtomicBool::new(false) })
    }

    pub async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        tenant: TenantId,
        limit: Duration,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.permits.clone().acquire_owned().await.map_err(Error::internal)?;
        let readers = self.clone();
        let work = move || {
            let mut link = readers.take()?;
            let answer = unit::read(tenant, &mut link, limit, f);
            readers.idle.lock().push((Instant::now(), link));
            drop(permit);
            answer
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }

    /// Closes what is idle, and writes nothing. Nobody reads here any more.
    pub fn abandon(&self) {
        self.closed.store(true, SeqCst);
        std::mem::take(&mut *self.idle.lock()).into_iter().for_each(|(_, link)| link.abandon());
    }

    /// Whether nobody reads.
    pub fn is_quiet(&self) -> bool {
        self.permits.available_permits() == MOST && self.idle.lock().is_empty()
    }

    fn take(&self) -> Result<Link> {
        if self.closed.load(SeqCst) {
            return Err(Error::suspect("it was closed to be opened anew"));
        }
        let idle = self.idle.lock().pop();
        match idle {
            Some((_, link)) => Ok(link),
            None => {
                let mut link = link(&self.path, Role::Reader)?;
                if let Link::Sqlite(c) = &mut link {
                    c.read_only()?;
                }
                Ok(link)
            }
        }
    }

    /// An idle reader, for whoever keeps it.
    pub fn give(&self) -> Option<Link> {
        self.idle.lock().pop().map(|(_, link)| link)
    }

    /// Closes what nobody has needed for a while.
    pub fn close_idle(&self) {
        let mut idle = self.idle.lock();
        let (old, young) = std::mem::take(&mut *idle).into_iter().partition::<Vec<_>, _>(|(since, _)| since.elapsed() > IDLE);
        *idle = young;
        drop(idle);
        drop(old);
    }
}
