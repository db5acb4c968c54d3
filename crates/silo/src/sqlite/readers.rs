use super::{Role, store::link};
use crate::{Tx, fair::Gate, fault, link::Link, unit};
use base::{Error, Result, TenantId};
use parking_lot::Mutex;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

const IDLE: Duration = Duration::from_secs(10);

/// The connections of one silo for scans, which run on the blocking pool and take turns with those of other silos. Closed when nobody
/// needs them.
pub struct Readers {
    path: PathBuf,
    gate: Arc<Gate>,
    idle: Mutex<Vec<(Instant, Link)>>,
    /// Connections that are in use.
    busy: AtomicUsize,
    closed: AtomicBool,
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
            readers.idle.lock().push((Instant::now(), link));
            drop((busy, turn));
            answer
        };
        tokio::task::spawn_blocking(work).await.map_err(|task| fault::ended(&task))?
    }

    /// Closes what is idle, and writes nothing. Nobody reads here any more.
    pub fn abandon(&self) {
        self.closed.store(true, SeqCst);
        std::mem::take(&mut *self.idle.lock()).into_iter().for_each(|(_, link)| link.abandon());
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
