use crate::{Row, Tx, link::Dialect, postgres, quarantine::Quarantine, search, silos::Counters, sqlite, writer::Queue};
use base::{Error, Result, TenantId, Value};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

const SCAN: Duration = Duration::from_secs(2);
const UNIT: Duration = Duration::from_millis(500);

/// A handle to exactly one tenant's database. There is no way to reach another tenant's rows through it.
#[derive(Clone)]
pub struct Silo(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    id: TenantId,
    store: Store,
    pub queue: Arc<Queue>,
    /// When it was last handed out, in milliseconds since the set of open silos began.
    pub used: AtomicU64,
    /// Those inside, see [`Silo::enter`].
    guests: AtomicU32,
    destroyed: AtomicBool,
    /// The engine has said that the file is damaged.
    suspect: AtomicBool,
    quarantine: Arc<Quarantine>,
}

pub(crate) enum Store {
    Sqlite(sqlite::Store),
    Postgres(postgres::Store),
}

impl Silo {
    pub(crate) fn new(id: TenantId, store: Store, counters: Arc<Counters>, quarantine: Arc<Quarantine>) -> Silo {
        let queue = match &store {
            Store::Sqlite(s) => {
                let path = s.path().to_owned();
                Queue::new(id, counters, UNIT, move || sqlite::link(&path, sqlite::Role::Writer), s.settle())
            }
            Store::Postgres(s) => Queue::new(id, counters, postgres::UNIT, s.link(), || {}),
        };
        let (destroyed, suspect) = (AtomicBool::new(false), AtomicBool::new(false));
        Silo(Arc::new(Inner { id, store, queue, used: AtomicU64::new(0), guests: AtomicU32::new(0), destroyed, suspect, quarantine }))
    }

    pub fn id(&self) -> TenantId {
        self.0.id
    }

    /// Lets somebody in while there are fewer than `most` inside.
    pub fn enter(&self, most: u32) -> Option<Guest> {
        let guest = Guest(self.clone());
        (self.0.guests.fetch_add(1, Relaxed) < most).then_some(guest)
    }

    /// Reads one record by its id, or a few: on SQLite this runs on the async worker that asks. Everything longer is a [`Silo::scan`].
    pub async fn read<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.usable()?;
        let answer = match &self.0.store {
            Store::Sqlite(s) => match s.try_inline(self.0.id, f) {
                Ok(answer) => answer,
                Err(f) => {
                    let answer = s.readers.read(self.0.id, SCAN, f).await;
                    s.enlist();
                    answer
                }
            },
            Store::Postgres(s) => s.read(self.0.id, f).await,
        };
        self.heard(answer)
    }

    /// Asks for one row by one statement, which is one state of the silo: on SQLite in a snapshot that lasts while nobody writes, on
    /// PostgreSQL in one round trip. `None`: not now, so ask in a transaction.
    pub async fn peek<T: Send>(&self, sql: &str, p: &[Value<'_>], f: impl FnOnce(&Row<'_>) -> Result<T> + Send) -> Option<Result<Option<T>>> {
        self.usable().ok()?;
        let answer = match &self.0.store {
            Store::Sqlite(s) => s.peek(self.generation(), sql, p, f),
            Store::Postgres(s) => Some(s.peek(self.0.id, sql, p, f).await),
        };
        answer.map(|answer| self.heard(answer))
    }

    /// Reads a list, a count, a search, an export page: on the blocking pool, in one snapshot, cut at 2 s (`query-timeout`).
    pub async fn scan<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.usable()?;
        let answer = match &self.0.store {
            Store::Sqlite(s) => s.readers.read(self.0.id, SCAN, f).await,
            Store::Postgres(s) => s.read(self.0.id, f).await,
        };
        self.heard(answer)
    }

    /// Runs one unit of work. `Ok` means that it is on the disk, `Err` that nothing of it happened. A panic in `f` is an error
    /// of this unit only. Who stops waiting does not stop the work.
    pub async fn write<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.usable()?;
        let answer = self.0.queue.write(f).await;
        self.heard(answer)
    }

    /// Another number after every write of this process. What was read since the number was taken is what stands there while it is the
    /// same, other processes excepted.
    pub fn generation(&self) -> u64 {
        self.0.queue.generation()
    }

    /// See [`Tx::search_condition`], for who builds a query before the transaction.
    pub fn search_condition(&self, words: &[String], resource: &str, from: usize) -> (String, Vec<Value<'static>>) {
        let dialect = match &self.0.store {
            Store::Sqlite(_) => Dialect::Sqlite,
            Store::Postgres(_) => Dialect::Postgres,
        };
        search::condition(dialect, words, resource, from)
    }

    fn usable(&self) -> Result<()> {
        if self.0.destroyed.load(Relaxed) {
            return Err(Error::not_found());
        }
        if self.is_suspect() { Err(Error::quarantined("damage was found while it was in use")) } else { Ok(()) }
    }

    /// Whether damage was found while it was in use. Every handle refuses from then on, and the next opening reads the whole file.
    pub(crate) fn is_suspect(&self) -> bool {
        self.0.suspect.load(Relaxed)
    }

    fn heard<T>(&self, answer: Result<T>) -> Result<T> {
        if let Err(e) = &answer
            && e.name() == Error::QUARANTINED
        {
            self.0.quarantine.put(self.0.id, e);
            self.0.suspect.store(!self.0.id.is_hub(), Relaxed);
        }
        answer
    }
}

/// Somebody inside a silo, until it is dropped.
pub struct Guest(Silo);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.0.guests.fetch_sub(1, Relaxed);
    }
}

impl Inner {
    /// Lets go of connections that nobody has needed for a while.
    pub fn tidy(&self) {
        match &self.store {
            Store::Sqlite(s) => s.tidy(),
            Store::Postgres(_) => {}
        }
    }
    /// Ends the snapshots of readers that nobody uses at the moment.
    pub fn settle(&self) {
        match &self.store {
            Store::Sqlite(s) => s.settle()(),
            Store::Postgres(_) => {}
        }
    }
    /// From now on nobody reads or writes here, whatever handle they hold.
    pub fn destroy(&self) {
        self.destroyed.store(true, Relaxed);
        self.queue.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.leave();
    }
}
