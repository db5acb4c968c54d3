use super::{Role, store::link};
use crate::{Tx, fair::Gate, fault, link::Link, unit};
use base::{Result, TenantId};
use parking_lot::Mutex;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

const IDLE: Duration = Duration::from_secs(10);

/// The connections of one silo for scans, which run on the blocking pool and take turns with those of other silos. Closed when nobody
/// needs them.
pub struct Readers {
    path: PathBuf,
    gate: Arc<Gate>,
    idle: Mutex<Vec<(Instant, Link)>>,
}

impl Readers {
    pub fn new(path: &Path, gate: Arc<Gate>) -> Arc<Readers> {
        Arc::new(Readers { path: path.to_owned(), gate, idle: Mutex::default() })
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
            let mut link = readers.take()?;
            let answer = unit::read(tenant, &mut link, limit, f);
            readers.idle.lock().push((Instant::now(), link));
            drop(turn);
            answer
        };
        tokio::task::spawn_blocking(work).await.map_err(|task| fault::ended(&task))?
    }

    fn take(&self) -> Result<Link> {
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
