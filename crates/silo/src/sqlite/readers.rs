use super::{Role, connection::CACHE, store::link};
use crate::{Tx, fair::Gate, fault, link::Link, open_set::memory, unit};
use base::{Error, Result, TenantId};
use parking_lot::Mutex;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const IDLE: Duration = Duration::from_secs(10);
/// What one of them may hold of its file, in KiB: a list that no index serves reads a table of ten thousand records from end to end, which takes
/// twice as long where each page has to be asked of the system again.
const PAGES: u64 = 8192;
/// So many may keep what they hold while they are idle: a thirty-second of the memory. The others begin anew.
static KEPT: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let fitting = usize::try_from(memory() / 32 / (PAGES * 1024)).unwrap_or(1);
    Arc::new(Semaphore::new(fitting.clamp(1, Semaphore::MAX_PERMITS)))
});

/// The connections of one silo for scans, which run on the blocking pool and take turns with those of other silos. Closed when nobody
/// needs them.
pub struct Readers {
    path: PathBuf,
    gate: Arc<Gate>,
    idle: Mutex<Vec<Idle>>,
    /// Connections that are in use.
    busy: AtomicUsize,
    closed: AtomicBool,
}

struct Idle {
    since: Instant,
    link: Link,
    /// It holds pages.
    _kept: Option<OwnedSemaphorePermit>,
}

/// Somebody who has a connection, or is about to: counted before anybody looks whether there still are any.
struct Busy<'r>(&'r AtomicUsize);

impl<'r> Busy<'r> {
    fn begin(count: &'r AtomicUsize) -> Busy<'r> {
        count.fetch_add(1, SeqCst);
        Busy(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Readers {
    pub fn new(path: &Path, gate: Arc<Gate>) -> Arc<Readers> {
        let (idle, busy, closed) = (Mutex::default(), AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Readers { path: path.to_owned(), gate, idle, busy, closed })
    }

    pub async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        tenant: TenantId,
        limit: Duration,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.gate.enter(tenant).await?;
        let readers = self.clone();
        let work = move || {
            let busy = Busy::begin(&readers.busy);
            let mut link = readers.take()?;
            let answer = unit::read(tenant, &mut link, limit, f);
            readers.back(link);
            drop((busy, turn));
            answer
        };
        tokio::task::spawn_blocking(work).await.map_err(|task| fault::ended(&task))?
    }

    /// Closes what is idle, and writes nothing. Nobody reads here any more.
    pub fn abandon(&self) {
        self.closed.store(true, SeqCst);
        std::mem::take(&mut *self.idle.lock()).into_iter().for_each(|idle| idle.link.abandon());
    }

    /// Whether nobody reads.
    pub fn is_quiet(&self) -> bool {
        self.busy.load(SeqCst) == 0 && self.idle.lock().is_empty()
    }

    fn take(&self) -> Result<Link> {
        if self.closed.load(SeqCst) {
            return Err(Error::suspect("it was closed to be opened anew"));
        }
        let idle = self.idle.lock().pop();
        match idle {
            Some(idle) => Ok(idle.link),
            None => {
                let mut link = link(&self.path, Role::Reader)?;
                if let Link::Sqlite(c) = &mut link {
                    c.read_only()?;
                    c.hold(PAGES)?;
                }
                Ok(link)
            }
        }
    }

    fn back(&self, mut link: Link) {
        let kept = KEPT.clone().try_acquire_owned().ok();
        if kept.is_none()
            && let Link::Sqlite(c) = &mut link
        {
            c.hold_nothing();
        }
        self.idle.lock().push(Idle { since: Instant::now(), link, _kept: kept });
    }

    /// An idle reader, for whoever keeps it.
    pub fn give(&self) -> Option<Link> {
        let mut link = self.idle.lock().pop()?.link;
        match &mut link {
            Link::Sqlite(c) => c.hold(CACHE).is_ok().then_some(link),
            Link::Postgres(_) => Some(link),
        }
    }

    /// Closes what nobody has needed for a while.
    pub fn close_idle(&self) {
        let mut idle = self.idle.lock();
        let (old, young) = std::mem::take(&mut *idle).into_iter().partition::<Vec<_>, _>(|idle| idle.since.elapsed() > IDLE);
        *idle = young;
        drop(idle);
        drop(old);
    }
}
