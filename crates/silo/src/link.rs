use crate::{Head, Row, ddl::Statement, postgres, sqlite};
use base::{Result, Value};
use std::time::Duration;

/// Which SQL dialect a piece of the port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// One connection to one silo: what the two engines have in common, and the only place that asks which one it is.
pub enum Link {
    Sqlite(Box<sqlite::Connection>),
    Postgres(Box<postgres::Connection>),
}

impl Link {
    pub fn engine(&self) -> Dialect {
        match self {
            Link::Sqlite(_) => Dialect::Sqlite,
            Link::Postgres(_) => Dialect::Postgres,
        }
    }
    /// Begins a transaction that writes, alone on this silo, and reads where its log stands.
    pub fn begin_write(&mut self) -> Result<Option<Head>> {
        match self {
            Link::Sqlite(c) => c.begin_write(),
            Link::Postgres(c) => c.begin_write(),
        }
    }
    /// Begins a transaction that sees one state of the silo throughout.
    pub fn begin_read(&mut self) -> Result<()> {
        match self {
            Link::Sqlite(c) => c.begin_read(),
            Link::Postgres(c) => c.begin_read(),
        }
    }
    pub fn end_read(&mut self) {
        match self {
            Link::Sqlite(c) => c.end_read(),
            Link::Postgres(c) => c.end_read(),
        }
    }
    /// From here on the transaction may take so long.
    pub fn limit(&mut self, limit: Option<Duration>) {
        match self {
            Link::Sqlite(c) => c.limit(limit),
            Link::Postgres(c) => c.limit(limit),
        }
    }
    /// From here on the transaction may take as long as it likes.
    pub fn unlimited(&mut self) -> Result<()> {
        match self {
            Link::Sqlite(c) => {
                c.limit(None);
                Ok(())
            }
            Link::Postgres(c) => c.unlimited(),
        }
    }
    /// Marks the place to which [`Link::back`] goes.
    pub fn mark(&mut self) -> Result<()> {
        match self {
            Link::Sqlite(c) => c.mark(),
            Link::Postgres(c) => c.mark(),
        }
    }
    pub fn back(&mut self) -> Result<()> {
        match self {
            Link::Sqlite(c) => c.back(),
            Link::Postgres(c) => c.back(),
        }
    }
    /// Writes the head if it changed, and commits. `Ok` means that it is on the disk.
    pub fn commit(&mut self, head: Option<Head>) -> Result<()> {
        match self {
            Link::Sqlite(c) => c.commit(head),
            Link::Postgres(c) => c.commit(head),
        }
    }
    /// Ends the transaction, whatever state it is in.
    pub fn rollback(&mut self) {
        match self {
            Link::Sqlite(c) => c.rollback(),
            Link::Postgres(c) => c.rollback(),
        }
    }
    /// False once the engine itself has given the transaction up.
    pub fn in_transaction(&self) -> bool {
        match self {
            Link::Sqlite(c) => c.in_transaction(),
            Link::Postgres(c) => c.in_transaction(),
        }
    }
    pub fn run(&mut self, sql: &str, p: &[Value<'_>]) -> Result<u64> {
        match self {
            Link::Sqlite(c) => c.run(sql, p),
            Link::Postgres(c) => c.run(sql, p),
        }
    }
    /// Runs a statement of which the caller needs to know only that it succeeded: PostgreSQL hears of it with the next one.
    pub fn later(&mut self, sql: &str, p: &[Value<'_>]) -> Result<()> {
        match self {
            Link::Sqlite(c) => c.run(sql, p).map(drop),
            Link::Postgres(c) => c.later(sql, p),
        }
    }
    /// Waits for what [`Link::later`] has begun.
    pub fn flush(&mut self) -> Result<()> {
        match self {
            Link::Sqlite(_) => Ok(()),
            Link::Postgres(c) => c.flush(),
        }
    }
    pub fn prepare(&mut self, sql: &str) -> Result<()> {
        match self {
            Link::Sqlite(c) => c.prepare(sql),
            Link::Postgres(c) => c.prepare(sql),
        }
    }
    /// Calls `f` with each row until it answers false.
    pub fn step(&mut self, sql: &str, p: &[Value<'_>], f: impl FnMut(&Row<'_>) -> bool) -> Result<()> {
        match self {
            Link::Sqlite(c) => c.step(sql, p, f),
            Link::Postgres(c) => c.step(sql, p, f),
        }
    }
    /// What `f` makes of the first row, if there is one.
    pub fn first<T>(&mut self, sql: &str, p: &[Value<'_>], f: impl FnOnce(&Row<'_>) -> T) -> Result<Option<T>> {
        let (mut f, mut answer) = (Some(f), None);
        self.step(sql, p, |row| {
            answer = f.take().map(|f| f(row));
            false
        })?;
        Ok(answer)
    }
    pub fn ddl(&mut self, portable: &str) -> Result<()> {
        match self {
            Link::Sqlite(c) => c.ddl(portable),
            Link::Postgres(c) => c.ddl(portable),
        }
    }
    /// SQL of the engine itself, not of a store.
    pub fn engine_batch(&mut self, sql: &str) -> Result<()> {
        match self {
            Link::Sqlite(c) => c.batch(sql),
            Link::Postgres(c) => c.batch(sql),
        }
    }
    /// Makes a table or an index into which rows will be loaded; gives back what to run when they are all there.
    pub fn load(&mut self, statement: &Statement) -> Result<Vec<String>> {
        match self {
            Link::Sqlite(c) => c.batch(&statement.sqlite()).map(|()| Vec::new()),
            Link::Postgres(c) => c.load(statement),
        }
    }
    pub fn head(&mut self) -> Result<Option<Head>> {
        self.first(HEAD, &[], read_head)?.transpose()
    }
    pub fn columns_sql(&self) -> &'static str {
        match self {
            Link::Sqlite(_) => sqlite::COLUMNS,
            Link::Postgres(_) => postgres::COLUMNS,
        }
    }
    /// Between batches; `idle` when nothing is waiting. `settle` sends readers out of the log.
    pub fn tidy(&mut self, idle: bool, settle: impl Fn()) -> Result<()> {
        match self {
            Link::Sqlite(c) => {
                if c.tidy(idle)? {
                    settle();
                }
                Ok(())
            }
            Link::Postgres(_) => Ok(()),
        }
    }
    /// When the writer goes: leaves the silo so that it opens fast. Whoever reads after the first step reads the file and not the log.
    pub fn retire(self, settle: impl Fn()) -> Result<()> {
        match self {
            Link::Sqlite(mut c) => {
                c.checkpoint()?;
                settle();
                c.retire()
            }
            Link::Postgres(_) => Ok(()),
        }
    }
    /// Closes it and writes nothing more, not even what closing would.
    pub fn abandon(self) {
        match self {
            Link::Sqlite(c) => c.abandon(),
            Link::Postgres(_) => {}
        }
    }
}

pub const HEAD: &str = r#"SELECT "seq", "hash", "epoch" FROM "meta" WHERE "one" = 1"#;

fn read_head(row: &Row<'_>) -> Result<Head> {
    let mut hash = [0; 32];
    if let Some(stored) = row.opt_blob(1)?
        && stored.len() == 32
    {
        hash.copy_from_slice(stored);
    }
    Ok(Head { seq: row.opt_int(0)?.unwrap_or(0), hash, epoch: row.opt_int(2)?.unwrap_or(0) })
}
