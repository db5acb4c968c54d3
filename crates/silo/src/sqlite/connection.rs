use crate::{Head, Row, ddl, deadline::Deadline, fault};
use base::{Error, Result, Value};
use rusqlite::{
    CachedStatement, OpenFlags, ToSql,
    config::DbConfig,
    limits::Limit,
    types::{ToSqlOutput, ValueRef},
    wal::CheckpointMode,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

pub const COLUMNS: &str = "SELECT name FROM pragma_table_info(?1)";
/// Statements between two looks at the clock.
const STEPS: i32 = 4000;
const WAL_KEPT: u64 = 1 << 20;
/// What a connection holds of its file, in KiB: SQLite's default. Nothing is mapped into memory: where a disk fails or a file is cut off, a read of what is mapped ends
/// the process, and with it everybody's work.
pub const CACHE: u64 = 2000;
/// How long a snapshot is read from, at most: so late a write of another process is seen.
const SNAPSHOT: Duration = Duration::from_secs(1);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Runs the migrations of an open, then only reads.
    Reader,
    Writer,
    /// Makes a new file that nobody else sees yet and that is synced as a whole afterwards.
    Builder,
    /// Reads a file that came from somewhere else, and believes nothing.
    Guest,
    /// Copies a whole silo into a file: `VACUUM INTO` attaches its target.
    Copier,
}

/// One connection to one file.
pub struct Connection {
    raw: rusqlite::Connection,
    deadline: Deadline,
    marked: bool,
    wal: Option<std::path::PathBuf>,
    snapshot: Snapshot,
}

/// A read transaction that is left open between the single statements of [`Connection::look`], because taking the locks of another and
/// looking where the log ends costs as much as reading a record.
#[derive(Default)]
struct Snapshot {
    open: bool,
    /// The generation of the silo that somebody last asked for, and when that was first.
    asked: Option<(u64, Instant)>,
}

impl Connection {
    pub fn open(path: &Path, role: Role) -> Result<Connection> {
        let access = match role {
            Role::Guest => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Role::Builder => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Role::Reader | Role::Writer | Role::Copier => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let mut raw = rusqlite::Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fault::sqlite)?;
        let deadline = Deadline::default();
        harden(&mut raw, role, &deadline).map_err(fault::sqlite)?;
        let wal = (role == Role::Writer).then(|| path.with_extension("db-wal"));
        Ok(Connection { raw, deadline, marked: false, wal, snapshot: Snapshot::default() })
    }

    /// After the migrations of an open: from here on nothing can be written through this connection.
    pub fn read_only(&mut self) -> Result<()> {
        self.raw.execute_batch("PRAGMA query_only=ON").map_err(fault::sqlite)
    }

    /// Holds so many KiB of the file in memory, at most.
    pub fn hold(&mut self, pages: u64) -> Result<()> {
        self.raw.execute_batch(&format!("PRAGMA cache_size=-{pages}")).map_err(fault::sqlite)
    }

    /// Lets go of what it holds in memory.
    pub fn hold_nothing(&mut self) {
        drop(self.raw.execute_batch("PRAGMA shrink_memory"));
    }

    /// The head is not read yet: without a network there are no round trips to save.
    pub fn begin_write(&mut self) -> Result<Option<Head>> {
        self.bare("BEGIN IMMEDIATE")?;
        self.marked = false;
        Ok(None)
    }

    pub fn begin_read(&mut self) -> Result<()> {
        self.let_go();
        self.bare("BEGIN")
    }

    /// Before a single statement that reads: leaves it in the snapshot of the statement before, where nothing was written since. Whoever
    /// asks twice within a second in the same generation gets one; it ends with the generation, and with that second.
    pub fn look(&mut self, generation: u64) -> Result<()> {
        let again = self.snapshot.asked.is_some_and(|(asked, at)| asked == generation && at.elapsed() < SNAPSHOT);
        if !again {
            self.let_go();
            self.snapshot.asked = Some((generation, Instant::now()));
        } else if !self.snapshot.open {
            self.bare("BEGIN")?;
            self.snapshot.open = true;
        }
        Ok(())
    }

    /// Ends the snapshot, so that the log can be moved into the file and begin anew.
    pub fn let_go(&mut self) {
        if std::mem::take(&mut self.snapshot.open) {
            self.end_read();
        }
    }

    /// The same, if nobody has asked for a second.
    pub fn let_go_if_old(&mut self) {
        if self.snapshot.asked.is_some_and(|(_, at)| at.elapsed() >= SNAPSHOT) {
            self.let_go();
        }
    }

    pub fn end_read(&mut self) {
        self.deadline.set(None);
        if self.bare("COMMIT").is_err() {
            self.rollback();
        }
    }

    pub fn limit(&mut self, limit: Option<Duration>) {
        self.deadline.set(limit);
    }

    pub fn mark(&mut self) -> Result<()> {
        if self.marked {
            self.bare("RELEASE unit")?;
        }
        self.bare("SAVEPOINT unit")?;
        self.marked = true;
        Ok(())
    }

    pub fn back(&mut self) -> Result<()> {
        self.bare("ROLLBACK TO unit")
    }

    pub fn commit(&mut self, head: Option<Head>) -> Result<()> {
        self.deadline.set(None);
        if let Some(head) = head {
            let hash = head.hash.as_slice();
            let changed = self.run(
                r#"UPDATE "meta" SET "seq" = ?1, "hash" = ?2, "epoch" = ?3 WHERE "one" = 1"#,
                &[head.seq.into(), hash.into(), head.epoch.into()],
            )?;
            if changed != 1 {
                return Err(Error::internal("`meta` has no row"));
            }
        }
        self.bare("COMMIT")
    }

    pub fn rollback(&mut self) {
        self.deadline.set(None);
        if self.in_transaction()
            && let Err(e) = self.bare("ROLLBACK")
        {
            tracing::error!(error = %e, "a transaction could not be rolled back");
        }
    }

    pub fn in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }

    pub fn run(&mut self, sql: &str, p: &[Value<'_>]) -> Result<u64> {
        let mut statement = self.ready(sql, p)?;
        let reads_only = statement.readonly();
        let mut rows = statement.raw_query();
        while rows.next().map_err(fault::sqlite)?.is_some() {}
        Ok(if reads_only { 0 } else { self.raw.changes() })
    }

    pub fn prepare(&mut self, sql: &str) -> Result<()> {
        self.raw.prepare_cached(sql).map(drop).map_err(|e| fault::of_sql(fault::sqlite(e), sql))
    }

    pub fn step(&mut self, sql: &str, p: &[Value<'_>], mut f: impl FnMut(&Row<'_>) -> bool) -> Result<()> {
        let mut statement = self.ready(sql, p)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(fault::sqlite)? {
            if !f(&Row::sqlite(row)) {
                break;
            }
        }
        Ok(())
    }

    pub fn ddl(&mut self, portable: &str) -> Result<()> {
        self.deadline.set(None);
        for statement in ddl::parse(portable)? {
            self.raw.execute_batch(&statement.sqlite()).map_err(fault::sqlite)?;
        }
        Ok(())
    }

    /// SQL of the engine itself, not of a store.
    pub fn batch(&mut self, sql: &str) -> Result<()> {
        self.raw.execute_batch(sql).map_err(fault::sqlite)
    }

    /// Moves a long WAL into the file, and a very long one even while others wait. The next write then begins it anew, if no reader is
    /// left in it. Says whether it was long.
    pub fn tidy(&mut self, idle: bool) -> Result<bool> {
        let most = if idle { WAL_KEPT } else { 8 * WAL_KEPT };
        let long = self.wal.as_ref().and_then(|w| w.metadata().ok()).is_some_and(|m| m.len() > most);
        if long {
            self.checkpoint()?;
        }
        Ok(long)
    }

    pub fn checkpoint(&mut self) -> Result<()> {
        self.raw.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE).map(drop).map_err(|e| {
            tracing::warn!(error = %e, "checkpoint");
            fault::sqlite(e)
        })
    }

    /// Writes what the WAL holds into the file, and begins it anew. After a sync that failed this is the only way to know what is on the disk:
    /// what the system has dropped can still be read, and whatever was acknowledged behind it would be lost with it.
    pub fn begin_log_anew(&mut self) -> Result<()> {
        self.raw.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE).map(drop).map_err(fault::sqlite)
    }

    /// Leaves an empty WAL behind. A reader in the way is waited for only shortly: the next retirement does it.
    pub fn retire(&mut self) -> Result<()> {
        let done =
            self.raw.busy_timeout(Duration::from_millis(100)).and_then(|()| self.raw.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE));
        match done {
            Ok(_) => Ok(()),
            Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(()),
            Err(e) => {
                tracing::warn!(error = %e, "checkpoint at retirement");
                Err(fault::sqlite(e))
            }
        }
    }

    /// Closes it without a checkpoint. A sync that failed is not tried again: the system may have dropped what it could not write, and say yes.
    pub fn abandon(self) {
        if let Err(e) = self.raw.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
            tracing::warn!(error = %e, "closing without a checkpoint");
        }
    }

    /// Writes the file anew, so that nothing of what was deleted is left in any page of it, and empties the WAL. `settle` ends the snapshots
    /// of idle readers. Those who write wait meanwhile; where the WAL cannot be emptied, the error says to try again.
    pub fn wipe(&mut self, settle: impl Fn()) -> Result<()> {
        // `secure_delete` overwrites what a statement deletes, but not the copies that rows leave behind when a full page is split.
        self.batch("PRAGMA temp_store=FILE; VACUUM")?;
        // It keeps others from writing while it waits for a reader: so it waits shortly, and often.
        self.raw.busy_timeout(Duration::from_millis(50)).map_err(fault::sqlite)?;
        let mut tries = 200;
        loop {
            settle();
            match self.raw.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE) {
                Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) && tries > 0 => tries -= 1,
                done => return done.map(drop).map_err(fault::sqlite),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn bare(&mut self, sql: &'static str) -> Result<()> {
        let mut statement = self.raw.prepare_cached(sql).map_err(fault::sqlite)?;
        statement.raw_execute().map(drop).map_err(fault::sqlite)
    }

    fn ready(&self, sql: &str, p: &[Value<'_>]) -> Result<CachedStatement<'_>> {
        let mut statement = self.raw.prepare_cached(sql).map_err(|e| fault::of_sql(fault::sqlite(e), sql))?;
        fault::counted(sql, statement.parameter_count(), p.len())?;
        for (i, value) in p.iter().enumerate() {
            statement.raw_bind_parameter(i + 1, Bound(value)).map_err(fault::sqlite)?;
        }
        self.deadline.arm(statement.readonly())?;
        Ok(statement)
    }
}

struct Bound<'a>(&'a Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(v) => ValueRef::Integer((*v).into()),
            Value::Int(v) => ValueRef::Integer(*v),
            Value::Real(v) => ValueRef::Real(*v),
            Value::Text(v) => ValueRef::Text(v.as_bytes()),
            Value::Blob(v) => ValueRef::Blob(v),
        }))
    }
}

/// Every connection is closed to tricks from inside a file (triggers, views, `ATTACH`, writable shadow tables, `"text"` as a
/// string), and synced at each commit. <https://sqlite.org/security.html>
fn harden(raw: &mut rusqlite::Connection, role: Role, deadline: &Deadline) -> rusqlite::Result<()> {
    raw.busy_timeout(Duration::from_secs(2))?;
    raw.set_prepared_statement_cache_capacity(if role == Role::Writer { 128 } else { 32 });
    raw.set_limit(Limit::SQLITE_LIMIT_ATTACHED, if role == Role::Copier { 1 } else { 0 })?;
    for (switch, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // A plan does not depend on what is bound; otherwise each new value of a join's key would have the statement planned anew.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        raw.set_db_config(switch, on)?;
    }
    raw.progress_handler(STEPS, Some(deadline.watch()))?;
    raw.execute_batch(match role {
        Role::Reader => concat!(
            "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=1048576; ",
            "PRAGMA secure_delete=ON; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
        ),
        Role::Writer => concat!(
            "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=1048576; ",
            "PRAGMA secure_delete=ON; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=16384;"
        ),
        Role::Builder => "PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY; PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;",
        Role::Guest => "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;",
        Role::Copier => "PRAGMA temp_store=MEMORY;",
    })
}
