use crate::{
    AtOpen, Engine, Figures, Options, Schema, Silo, Tx,
    backend::Backend,
    fair::Gate,
    fault,
    open_set::{self, OpenSet},
    options::Counters,
    quarantine::Quarantine,
    trust::Trust,
    unit,
};
use base::{Error, Result, TenantId};
use std::{
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{
            AtomicBool,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

/// Who reads a silo that is closed to be opened again gets so long to end.
const CLOSING: Duration = Duration::from_secs(3);

/// All silos of this installation.
#[derive(Clone)]
pub struct Silos(Arc<Shared>);

struct Shared {
    backend: Backend,
    set: OpenSet,
    counters: Arc<Counters>,
    quarantine: Arc<Quarantine>,
    gate: Arc<Gate>,
    at_open: AtOpen,
    closing: AtomicBool,
}

impl Silos {
    /// Touches no silo: what it costs does not grow with their number.
    pub async fn start(options: Options) -> Result<Silos> {
        let fitting = open_set::fitting();
        let gate = Gate::new(places(&options.engine));
        let backend = Backend::new(options.engine, &options.installation)?;
        let shared = Shared {
            backend,
            set: OpenSet::new(options.max_open.unwrap_or(fitting)),
            counters: Arc::default(),
            quarantine: Arc::default(),
            gate,
            at_open: options.at_open,
            closing: AtomicBool::new(false),
        };
        let silos = Silos(Arc::new(shared));
        let weak = Arc::downgrade(&silos.0);
        std::thread::Builder::new().name("silo-janitor".into()).stack_size(base::STACK).spawn(move || tidy_often(&weak))?;
        silos.blocking(|shared| shared.backend.check()).await?;
        Ok(silos)
    }

    /// Makes a silo, all of it or nothing. Where it is there already, it is opened and `init` does not run.
    pub async fn create(&self, id: TenantId, schema: &'static Schema, init: impl FnOnce(&mut Tx<'_>) -> Result<()> + Send + 'static) -> Result<Silo> {
        self.blocking(move |shared| shared.backend.create(id, schema, init)).await?;
        self.open(id).await
    }

    /// The silo of a tenant. One that is open already costs a look into a map; an unknown one is `NotFound`, a damaged one
    /// `tenant-quarantined`.
    pub async fn open(&self, id: TenantId) -> Result<Silo> {
        match self.0.set.get(id) {
            Some(silo) => Ok(silo),
            None => self.open_cold(id).await,
        }
    }

    /// The silo of a tenant, if it is open already.
    pub fn if_open(&self, id: TenantId) -> Option<Silo> {
        self.0.set.get(id)
    }

    async fn open_cold(&self, id: TenantId) -> Result<Silo> {
        self.may_open(id)?;
        let slot = self.0.set.slot(id)?;
        let opened = slot.get_or_try_init(|| self.blocking(move |shared| shared.open(id))).await.cloned();
        match opened {
            Ok(silo) => {
                silo.0.used.store(self.0.set.now(), Relaxed);
                drop(slot);
                self.evict();
                Ok(silo)
            }
            Err(e) => {
                self.0.set.forget(id, slot);
                self.0.heard(id, &e);
                Err(e)
            }
        }
    }

    fn may_open(&self, id: TenantId) -> Result<()> {
        if self.0.closing.load(SeqCst) {
            return Err(fault::closing());
        }
        self.0.quarantine.closed(id).map_or(Ok(()), Err)
    }

    /// Closes what is beyond the limit, on a thread where it may take its time.
    fn evict(&self) {
        let surplus = self.0.set.surplus();
        if !surplus.is_empty() {
            self.0.counters.evictions.fetch_add(surplus.len() as u64, Relaxed);
            tokio::task::spawn_blocking(move || drop(surplus));
        }
    }

    /// Opens a silo beside whoever uses it, which brings it up to date, and closes it again. Takes no place in the set of open silos.
    pub async fn visit(&self, id: TenantId) -> Result<()> {
        self.may_open(id)?;
        let visited = self.blocking(move |shared| shared.open(id).map(drop)).await;
        visited.inspect_err(|e| self.0.heard(id, e))
    }

    /// Looks at a silo without changing it: whether it is there and can be read, with `whole` from end to end. What is wrong is the error;
    /// else the number of its last log entry.
    pub async fn inspect(&self, id: TenantId, whole: bool) -> Result<i64> {
        self.blocking(move |shared| shared.backend.inspect(id, whole)).await
    }

    /// Reads a silo from end to end, beside whoever uses it. One in which a fault is found is out of service from now on.
    pub async fn scrub(&self, id: TenantId) -> Result<()> {
        self.inspect(id, true).await.map(drop).inspect_err(|e| self.0.heard(id, e))
    }

    /// What there are silos of here, whoever knows of them.
    pub async fn all(&self) -> Result<Vec<TenantId>> {
        self.blocking(|shared| shared.backend.all()).await
    }

    /// What the place where silos are kept says of itself that is dangerous or too small, each with how to mend it.
    pub async fn warnings(&self) -> Result<Vec<(String, String)>> {
        self.blocking(|shared| shared.backend.warnings()).await
    }

    /// Takes a silo out of service of which somebody knows better than its file: such as that it should be there and is not.
    pub fn quarantine(&self, id: TenantId, cause: &str) -> Error {
        let error = Error::quarantined(cause);
        self.0.quarantine.put(id, &error);
        error
    }

    /// Returns when the disk has failed the hub's database. Nobody knows then what of it is on the disk: the process is to end, so that the next
    /// one reads it. Syncing again would only seem to succeed.
    pub async fn hub_failed(&self) -> Error {
        self.0.quarantine.hub_failed().await
    }

    /// What is out of service, and why, as far as somebody has asked for it since the start.
    pub fn quarantined(&self) -> Vec<(TenantId, Error)> {
        self.0.quarantine.all()
    }

    /// Whether there is any silo already. Always false on PostgreSQL.
    pub async fn any(&self) -> Result<bool> {
        self.blocking(|shared| shared.backend.any()).await
    }

    /// The ids of other installations that keep their silos in the same place: where there is one and nothing of our own yet, somebody
    /// has probably come with the wrong key.
    pub async fn others(&self) -> Result<Vec<String>> {
        self.blocking(|shared| shared.backend.others()).await
    }

    pub async fn exists(&self, id: TenantId) -> Result<bool> {
        self.blocking(move |shared| shared.backend.exists(id)).await
    }

    /// Takes a silo away for good. Handles that are still held answer `NotFound` from now on. Doing it twice is the same as once.
    pub async fn destroy(&self, id: TenantId) -> Result<()> {
        self.blocking(move |shared| {
            shared.quarantine.lift(id);
            if let Some(silo) = shared.set.destroyed(id).as_ref().and_then(|slot| slot.get()) {
                silo.0.destroy();
            }
            shared.backend.remove(id)
        })
        .await
    }

    /// Sees to it that rows which were deleted cannot be read any more from the files of a silo: not from a page, not from the
    /// write-ahead log. Writing waits meanwhile, as long as it takes to write the whole file once. On PostgreSQL it does nothing.
    pub async fn wipe(&self, id: TenantId) -> Result<()> {
        self.blocking(move |shared| {
            let open = shared.set.get(id);
            shared.backend.wipe(id, || open.iter().for_each(|silo| silo.0.settle()))
        })
        .await
    }

    /// Writes the whole silo into a new SQLite file, whatever the engine, while it is in use.
    pub async fn backup(&self, id: TenantId, to: PathBuf) -> Result<()> {
        self.blocking(move |shared| shared.backend.backup(id, &to)).await
    }

    /// Makes a new silo from such a file. `fix` runs before anybody sees it. Nothing in the file is believed: it must be whole and of
    /// this schema, and only rows, portable tables and portable indexes are taken from it.
    pub async fn restore(
        &self,
        id: TenantId,
        schema: &'static Schema,
        from: PathBuf,
        fix: impl FnOnce(&mut Tx<'_>) -> Result<()> + Send + 'static,
    ) -> Result<Silo> {
        self.blocking(move |shared| shared.backend.restore(id, schema, &from, fix)).await?;
        self.open(id).await
    }

    /// What is wrong with the storage as a whole: a server that does not answer, or takes no writes.
    pub fn trouble(&self) -> Option<Error> {
        self.0.backend.trouble()
    }

    pub fn figures(&self) -> Figures {
        self.0.counters.figures(self.0.set.len(), self.0.set.most)
    }

    /// Writes what waits, leaves every file checkpointed and closes it. New openings and writes are refused.
    pub async fn shutdown(&self) {
        self.0.closing.store(true, SeqCst);
        let done = self.blocking(|shared| {
            let all = shared.set.clear();
            all.iter().filter_map(|slot| slot.get()).for_each(|silo| silo.0.queue.close());
            drop(all);
            shared.backend.close();
            Ok(())
        });
        if let Err(e) = done.await {
            tracing::error!(error = %e, "shutdown");
        }
    }

    async fn blocking<T: Send + 'static>(&self, f: impl FnOnce(&Shared) -> Result<T> + Send + 'static) -> Result<T> {
        let shared = self.0.clone();
        tokio::task::spawn_blocking(move || f(&shared)).await.map_err(|task| fault::ended(&task))?
    }
}

impl Shared {
    fn open(&self, id: TenantId) -> Result<Silo> {
        self.set.close_over(id, CLOSING)?;
        let store = self.backend.open(id, self.quarantine.is_suspect(id), &self.gate, |tx| (self.at_open)(id, tx))?;
        base::step("migrate.opened")?;
        self.quarantine.lift(id);
        self.counters.cold_opens.fetch_add(1, Relaxed);
        Ok(Silo::new(id, store, self.counters.clone(), Trust::new(id, self.quarantine.clone())))
    }

    /// An opening or a look has failed. Whoever has the silo open hears of damage, and of a disk that fails, as if they had met it themselves.
    fn heard(&self, id: TenantId, error: &Error) {
        if [Error::QUARANTINED, Error::SUSPECT].contains(&error.name()) {
            match self.set.get(id) {
                Some(open) => open.0.trust.heard(error),
                None => self.quarantine.put(id, error),
            }
        }
    }
}

/// How many may read for long at once. Files: as many as keep the processors busy while some wait for the disk. PostgreSQL: the sessions,
/// but a few for those who write.
fn places(engine: &Engine) -> usize {
    match engine {
        Engine::Sqlite { .. } => 2 * std::thread::available_parallelism().map_or(2, |n| n.get()),
        Engine::Postgres { pool, .. } => pool - pool / 4,
    }
}

fn tidy_often(shared: &Weak<Shared>) {
    loop {
        std::thread::sleep(Duration::from_secs(5));
        let Some(shared) = shared.upgrade() else { return };
        let tidied = unit::caught(|| {
            shared.set.all().iter().for_each(|silo| silo.0.tidy());
            shared.backend.tidy();
            Ok(())
        });
        if let Err(e) = tidied {
            tracing::error!(error = %e, "tidying up");
        }
    }
}
