use crate::{Row, Tx, link::Dialect, options::Counters, postgres, search, sqlite, trust::Trust, writer::Queue};
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
    pub trust: Arc<Trust>,
}

pub(crate) enum Store {
    Sqlite(sqlite::Store),
    Postgres(postgres::Store),
}

impl Silo {
    pub(crate) fn new(id: TenantId, store: Store, counters: Arc<Counters>, trust: Arc<Trust>) -> Silo {
        let queue = match &store {
            Store::Sqlite(s) => {
                let path = s.path().to_owned();
                Queue::new(id, counters, trust.clone(), UNIT, move || sqlite::link(&path, sqlite::Role::Writer), s.settle())
            }
            Store::Postgres(s) => Queue::new(id, counters, trust.clone(), postgres::UNIT, s.link(), || {}),
        };
        let (used, guests, destroyed) = (AtomicU64::new(0), AtomicU32::new(0), AtomicBool::new(false));
        Silo(Arc::new(Inner { id, store, queue, used, guests, destroyed, trust }))
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

    /// Runs one unit of work. `Ok` means that it is on the disk, `Err` that nothing of it happened; only where the storage went away during the
    /// commit ([`Error::UNREACHABLE`]) nobody knows. A panic in `f` is an error of this unit only. Who stops waiting does not stop the work.
    pub async fn write<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.usable()?;
        self.0.trust.may_be_written()?;
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
        self.0.trust.may_be_read()
    }

    /// Whether it is to be opened anew. Who still holds this handle is refused from then on.
    pub(crate) fn is_over(&self) -> bool {
        self.0.trust.is_over()
    }

    fn heard<T>(&self, answer: Result<T>) -> Result<T> {
        answer.inspect_err(|e| self.0.trust.heard(e))
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
    /// Closes everything, so that the next opening reads what the disk really holds. Waits for those who read; for how long, the caller says.
    pub fn close(&self, patience: Duration) -> Result<()> {
        self.queue.close();
        match &self.store {
            Store::Sqlite(s) => s.close(patience),
            Store::Postgres(_) => Ok(()),
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
        if let (Store::Sqlite(s), true) = (&self.store, self.trust.is_broken()) {
            s.abandon();
        }
    }
}
