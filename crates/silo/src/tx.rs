use crate::{
    Row, SearchQuery,
    link::Link,
    search::{self, Edit},
    unit::caught,
};
use base::{Error, Result, TenantId, Value};

/// Where a silo's log stands: its last sequence number, its last hash, and the epoch of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    pub seq: i64,
    pub hash: [u8; 32],
    pub epoch: i64,
}

pub(crate) type AtCommit = Box<dyn FnOnce(&mut Tx<'_>) -> Result<()> + Send>;
pub(crate) type AfterCommit = Box<dyn FnOnce() + Send>;

/// What the units of one batch leave for its end. A failed unit takes its own part back, see [`Batch::mark`].
#[derive(Default)]
pub(crate) struct Batch {
    pub head: Head,
    /// The head as it was read, once somebody wanted it.
    pub head_read: Option<Head>,
    pub at_commit: Vec<AtCommit>,
    pub after_commit: Vec<AfterCommit>,
    pub search: Vec<Edit>,
}

pub(crate) struct Mark {
    head: Head,
    head_read: Option<Head>,
    at_commit: usize,
    after_commit: usize,
    search: usize,
}

impl Batch {
    pub fn mark(&self) -> Mark {
        Mark {
            head: self.head,
            head_read: self.head_read,
            at_commit: self.at_commit.len(),
            after_commit: self.after_commit.len(),
            search: self.search.len(),
        }
    }
    pub fn knows(&mut self, head: Option<Head>) {
        (self.head, self.head_read) = (head.unwrap_or_default(), head);
    }
    /// The head, if it is no longer what was read.
    pub fn changed_head(&self) -> Option<Head> {
        self.head_read.filter(|read| *read != self.head).map(|_| self.head)
    }
    pub fn back(&mut self, to: &Mark) {
        (self.head, self.head_read) = (to.head, to.head_read);
        self.at_commit.truncate(to.at_commit);
        self.after_commit.truncate(to.after_commit);
        self.search.truncate(to.search);
    }
}

/// One transaction on one silo.
///
/// SQL is written once for both engines, with `?1 ?2` for values. Once a statement has failed, every further one fails the
/// same way and the transaction is rolled back, even when the closure answers `Ok`: that is how PostgreSQL has it, so
/// SQLite has it too.
pub struct Tx<'a> {
    tenant: TenantId,
    link: &'a mut Link,
    batch: Option<&'a mut Batch>,
    /// The first error of a statement.
    dead: Option<Error>,
    /// What `head()` shows where there is none.
    nowhere: Head,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(tenant: TenantId, link: &'a mut Link, batch: Option<&'a mut Batch>) -> Tx<'a> {
        Tx { tenant, link, batch, dead: None, nowhere: Head::default() }
    }
    /// Runs `f`, and answers with the error of a failed statement even if `f` swallowed it.
    pub(crate) fn complete<T>(&mut self, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let answer = f(self)?;
        self.alive()?;
        self.link.flush().map_err(|e| self.die(e))?;
        Ok(answer)
    }
    pub(crate) fn link(&mut self) -> &mut Link {
        self.link
    }
    fn alive(&self) -> Result<()> {
        self.dead.clone().map_or(Ok(()), Err)
    }
    /// PostgreSQL cannot store U+0000 in text, so nobody does.
    fn ready(&mut self, p: &[Value<'_>]) -> Result<()> {
        self.alive()?;
        match p.iter().any(|v| matches!(v, Value::Text(text) if text.contains('\0'))) {
            true => Err(self.die(Error::fault("", "nul", "Text cannot contain the character U+0000."))),
            false => Ok(()),
        }
    }
    fn die(&mut self, error: Error) -> Error {
        self.dead.get_or_insert(error).clone()
    }
    fn batch(&mut self) -> Option<&mut Batch> {
        if self.batch.is_none() {
            self.die(Error::internal("a read transaction has neither head nor commit"));
        }
        self.batch.as_deref_mut()
    }
}

impl Tx<'_> {
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Runs a statement for its effect and says how many rows it changed.
    pub fn run(&mut self, sql: &str, p: &[Value<'_>]) -> Result<u64> {
        self.ready(p)?;
        self.link.run(sql, p).map_err(|e| self.die(e))
    }

    /// Runs a statement of which the caller needs to know only that it succeeded. On PostgreSQL it goes out with the next statement, or
    /// at the end of the unit, which saves waiting for its answer; its error is the error of that one.
    pub fn later(&mut self, sql: &str, p: &[Value<'_>]) -> Result<()> {
        self.ready(p)?;
        self.link.later(sql, p).map_err(|e| self.die(e))
    }

    /// Prepares a statement without running it: whether this engine understands it at all.
    pub fn prepare(&mut self, sql: &str) -> Result<()> {
        self.alive()?;
        self.link.prepare(sql).map_err(|e| self.die(e))
    }

    /// The first row of the answer, if there is one.
    pub fn row<T>(&mut self, sql: &str, p: &[Value<'_>], f: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>> {
        self.ready(p)?;
        self.link.first(sql, p, f).map_err(|e| self.die(e))?.transpose()
    }

    /// Calls `f` with every row until it fails. PostgreSQL sends the whole answer first: page through what may be long.
    pub fn each(&mut self, sql: &str, p: &[Value<'_>], mut f: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let mut answer = Ok(());
        self.ready(p)?;
        self.link
            .step(sql, p, |row| {
                answer = f(row);
                answer.is_ok()
            })
            .map_err(|e| self.die(e))?;
        answer
    }

    /// Every row of the answer, as `f` makes it.
    pub fn rows<T>(&mut self, sql: &str, p: &[Value<'_>], mut f: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.each(sql, p, |row| {
            all.push(f(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Runs a batch of portable DDL: CREATE TABLE, CREATE INDEX, ALTER TABLE, DROP. Types are TEXT, BIGINT, DOUBLE PRECISION,
    /// BOOLEAN and BLOB, names stand in double quotes, and nothing else is known. The time limit of the unit is lifted.
    pub fn ddl(&mut self, portable: &str) -> Result<()> {
        self.alive()?;
        self.link.ddl(portable).map_err(|e| self.die(e))
    }

    /// The columns of a table, in order; empty when there is no such table.
    pub fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let sql = self.link.columns_sql();
        self.rows(sql, &[table.into()], |row| Ok(row.text(0)?.to_owned()))
    }

    /// Runs one step of what happens at an opening. Where it fails, it alone is taken back and the transaction goes on. Not for units of a
    /// batch: each of them is such a step already.
    pub fn attempt<T>(&mut self, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<Result<T>> {
        self.alive()?;
        let Some(batch) = self.batch.as_deref_mut() else { return Err(self.die(Error::internal("a read transaction takes nothing back"))) };
        let before = batch.mark();
        self.link.mark()?;
        let answer = caught(|| Tx::new(self.tenant, self.link, Some(batch)).complete(f));
        if let Err(error) = &answer {
            batch.back(&before);
            if !self.link.in_transaction() {
                return Err(self.die(error.clone()));
            }
            self.link.back()?;
        }
        Ok(answer)
    }

    /// Whether this transaction writes, so that nobody else changes anything here before it ends.
    pub fn writes(&self) -> bool {
        self.batch.is_some()
    }

    /// Whether an earlier unit of this batch has changed rights. Nothing of that is on the disk yet, and it may never be.
    pub fn rights_are_new(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.head_read.is_some_and(|read| read.epoch != batch.head.epoch))
    }

    /// Where the log stands. Change it and it is written once before the batch commits; when the unit fails, it is put back.
    pub fn head(&mut self) -> &mut Head {
        if self.batch().is_some_and(|b| b.head_read.is_none()) {
            let found = match self.alive() {
                Ok(()) => self.link.head(),
                Err(e) => Err(e),
            };
            match found {
                Ok(Some(head)) => {
                    if let Some(batch) = &mut self.batch {
                        (batch.head, batch.head_read) = (head, Some(head));
                    }
                }
                Ok(None) => drop(self.die(Error::internal("`meta` has no row"))),
                Err(e) => drop(self.die(e)),
            }
        }
        match &mut self.batch {
            Some(batch) => &mut batch.head,
            None => &mut self.nowhere,
        }
    }

    /// Runs `f` once after the last unit of the batch and before its COMMIT, if this unit survives. Its failure fails the batch.
    pub fn at_commit(&mut self, f: impl FnOnce(&mut Tx<'_>) -> Result<()> + Send + 'static) {
        if let Some(batch) = self.batch() {
            batch.at_commit.push(Box::new(f));
        }
    }

    /// Runs `f` once it is on the disk, before the caller hears of it. For signals; it must not block.
    pub fn after_commit(&mut self, f: impl FnOnce() + Send + 'static) {
        if let Some(batch) = self.batch() {
            batch.after_commit.push(Box::new(f));
        }
    }

    /// Makes a record findable by `words`; what was there for it before is replaced. Written once per batch, the last one wins.
    pub fn search_put(&mut self, resource: &str, id: &str, title: &str, words: &str) {
        if let Some(batch) = self.batch() {
            batch.search.push(Edit::put(resource, id, title, words));
        }
    }

    pub fn search_remove(&mut self, resource: &str, id: &str) {
        if let Some(batch) = self.batch() {
            batch.search.push(Edit::remove(resource, id));
        }
    }

    /// (resource, id) of what has all the words: exact titles first, then titles that begin so, then the newest.
    /// What this batch has put itself is not found yet.
    pub fn search_find(&mut self, q: &SearchQuery) -> Result<Vec<(String, String)>> {
        search::find(self, q)
    }

    /// The same as a condition of a list query: `"id" IN (SELECT ..)`, its parameters numbered from `from`.
    pub fn search_condition(&self, words: &[String], resource: &str, from: usize) -> (String, Vec<Value<'static>>) {
        search::condition(self.link.engine(), words, resource, from)
    }
}
