use super::{Connection, Role, readers::Readers};
use crate::{Row, Tx, fair::Gate, link::Link, unit};
use base::{Error, Result, TenantId, Value};
use parking_lot::Mutex;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::{Duration, Instant},
};

/// An inline read keeps an async worker busy: anything long belongs into a scan.
const INLINE: Duration = Duration::from_millis(250);

/// An open file: the readers for single records, and those for everything longer.
pub struct Store {
    path: PathBuf,
    /// One at first. Where it was found busy another joins it, up to one for each core: the hub is read on every request.
    inline: Arc<Mutex<Vec<Link>>>,
    inline_count: AtomicUsize,
    pub readers: Arc<Readers>,
    closed: AtomicBool,
}

impl Store {
    /// Opens a file that must be there; `at_open` runs before anybody else sees it. With `suspect` the whole file is read first.
    pub fn open(tenant: TenantId, path: &Path, suspect: bool, gate: Arc<Gate>, at_open: impl FnOnce(&mut Tx<'_>) -> Result<()>) -> Result<Store> {
        let mut link = looked_at(path, suspect)?;
        if suspect && let Link::Sqlite(c) = &mut link {
            c.begin_log_anew()?;
        }
        unit::write(tenant, &mut link, at_open)?;
        if let Link::Sqlite(c) = &mut link {
            c.read_only()?;
        }
        let (inline, inline_count) = (Arc::new(Mutex::new(vec![link])), AtomicUsize::new(1));
        Ok(Store { path: path.to_owned(), inline, inline_count, readers: Readers::new(path, gate), closed: AtomicBool::new(false) })
    }

    /// Lets go of every connection, and of those that are in use when their work is done. Nobody reads here any more.
    pub fn close(&self, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        self.closed.store(true, SeqCst);
        loop {
            self.abandon();
            if self.inline_count.load(SeqCst) == 0 && self.readers.is_quiet() {
                return Ok(());
            }
            if begun.elapsed() > patience {
                return Err(Error::suspect("it cannot be opened anew as long as it is read"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Closes what is idle, and writes nothing.
    pub fn abandon(&self) {
        let idle = std::mem::take(&mut *self.inline.lock());
        self.inline_count.fetch_sub(idle.len(), SeqCst);
        idle.into_iter().for_each(Link::abandon);
        self.readers.abandon();
    }

    fn inline(&self) -> Option<Link> {
        if self.closed.load(SeqCst) { None } else { self.inline.lock().pop() }
    }

    fn back(&self, link: Link) {
        self.inline.lock().push(link);
    }

    /// Reads on the caller's own thread, or gives `f` back when the inline readers are busy.
    pub fn try_inline<T, F: FnOnce(&mut Tx<'_>) -> Result<T>>(&self, tenant: TenantId, f: F) -> Result<Result<T>, F> {
        let Some(mut link) = self.inline() else { return Err(f) };
        let answer = unit::read(tenant, &mut link, INLINE, f);
        self.back(link);
        Ok(answer)
    }

    /// One row by one statement, if an inline reader is free. `generation` is the silo's before anybody looked.
    pub fn peek<T>(&self, generation: u64, sql: &str, p: &[Value<'_>], f: impl FnOnce(&Row<'_>) -> Result<T>) -> Option<Result<Option<T>>> {
        let mut link = self.inline()?;
        let answer = look(&mut link, generation).and_then(|()| unit::peek(&mut link, INLINE, sql, p, f));
        if answer.is_err() {
            each_reader(std::slice::from_mut(&mut link), Connection::let_go);
        }
        self.back(link);
        Some(answer)
    }

    /// Ends the snapshots of readers that nobody uses at the moment.
    pub fn settle(&self) -> impl Fn() + Send + Sync + 'static {
        let inline = self.inline.clone();
        move || each_reader(&mut inline.lock(), Connection::let_go)
    }

    /// Lets go of what nobody has needed for a while.
    pub fn tidy(&self) {
        each_reader(&mut self.inline.lock(), Connection::let_go_if_old);
        self.readers.close_idle();
    }

    /// After a read had to go to the pool: the reader that was opened for it there stays as one more inline reader.
    pub fn enlist(&self) {
        static CORES: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(2, |n| n.get().min(8)));
        if !self.closed.load(SeqCst)
            && self.inline_count.load(Relaxed) < *CORES
            && let Some(link) = self.readers.give()
        {
            self.inline_count.fetch_add(1, Relaxed);
            self.back(link);
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn each_reader(links: &mut [Link], f: impl Fn(&mut Connection)) {
    for link in links {
        if let Link::Sqlite(c) = link {
            f(c);
        }
    }
}

fn look(link: &mut Link, generation: u64) -> Result<()> {
    match link {
        Link::Sqlite(c) => c.look(generation),
        Link::Postgres(_) => Ok(()),
    }
}

/// Looks at a file as an opening does, and changes nothing in it.
pub fn inspect(path: &Path, whole: bool) -> Result<i64> {
    let mut link = looked_at(path, whole)?;
    link.head()?.map(|head| head.seq).ok_or_else(|| Error::quarantined("it does not say whose it is"))
}

/// Opens a file and sees whether it can be a silo's at all.
fn looked_at(path: &Path, suspect: bool) -> Result<Link> {
    let beside = |end: &str| path.with_extension(end).exists();
    // They come and go together: a log that was taken away has taken acknowledged writes with it.
    if beside("db-shm") && !beside("db-wal") {
        return Err(Error::quarantined(
            "its write-ahead log is missing: put the file that ends in -wal back; only if nothing was in it, remove the one that ends in -shm",
        ));
    }
    let mut link = link(path, Role::Reader)?;
    if text(&mut link, "PRAGMA application_id")?.as_deref() == Some("0") {
        return Err(Error::quarantined("the file is empty or no silo"));
    }
    if suspect && let Some(fault) = text(&mut link, "PRAGMA quick_check(1)")?.filter(|fault| fault != "ok") {
        return Err(Error::quarantined(fault));
    }
    Ok(link)
}

/// The first value of an answer, as text.
fn text(link: &mut Link, sql: &str) -> Result<Option<String>> {
    link.first(sql, &[], |row| row.int(0).map(|n| n.to_string()).or_else(|_| row.text(0).map(str::to_owned)))?.transpose()
}

pub fn link(path: &Path, role: Role) -> Result<Link> {
    Ok(Link::Sqlite(Box::new(Connection::open(path, role)?)))
}
