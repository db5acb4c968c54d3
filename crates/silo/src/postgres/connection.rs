use super::{
    cluster::Place,
    pool::{Lease, Pool},
    server::State,
    session::{Ahead, Session, Waiting},
};
use crate::{
    Head, Row,
    ddl::{self, Statement},
    deadline::Deadline,
    fault,
};
use base::{Error, Result, Value, hex};
use std::{sync::Arc, time::Duration};
use tokio_postgres::SimpleQueryMessage;

pub const COLUMNS: &str = "SELECT CAST(a.attname AS TEXT) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relname = ?1 AND c.relkind = 'r' \
    AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/// So many statements wait at most.
const MOST_WAITING: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    BeginRead,
    Mark,
    /// The last unit's mark is let go first.
    NextMark,
}

/// One tenant's way to the server. It has a session only while a transaction is open.
pub struct Connection {
    pool: Arc<Pool>,
    place: Arc<Place>,
    lease: Option<Lease>,
    deadline: Deadline,
    /// What goes out with the next statement, to save a round trip.
    before: Before,
    /// Statements whose answers nobody waits for yet, behind it.
    waiting: Vec<Waiting>,
    /// A statement has failed since the last mark: only a rollback is heard now.
    failed: bool,
    marked: bool,
    unlimited: bool,
}

impl Connection {
    pub fn new(pool: Arc<Pool>, place: Arc<Place>, lease: Option<Lease>) -> Connection {
        Connection {
            pool,
            place,
            lease,
            deadline: Deadline::default(),
            before: Before::Nothing,
            waiting: Vec::new(),
            failed: false,
            marked: false,
            unlimited: false,
        }
    }

    /// Takes over a session in which somebody has begun a transaction of this tenant.
    pub fn adopt(&mut self, mut lease: Lease) -> Result<()> {
        self.fresh();
        lease.session()?.open = true;
        self.lease = Some(lease);
        Ok(())
    }

    fn fresh(&mut self) {
        (self.before, self.failed, self.marked, self.unlimited) = (Before::Nothing, false, false, false);
        self.waiting.clear();
    }

    fn lease(&mut self) -> Result<&mut Lease> {
        if self.lease.is_none() {
            self.lease = Some(self.pool.wait_for_lease()?);
        }
        self.lease.as_mut().ok_or_else(|| Error::internal("no session"))
    }

    /// One round trip: BEGIN, role, search path, limits, and the counter row that makes this transaction the only writer.
    pub fn begin_write(&mut self) -> Result<Option<Head>> {
        self.fresh();
        let place = self.place.clone();
        let session = self.lease()?.session()?;
        session.open = true;
        let answer = session.batch(&place.begin_write).map_err(fault::of_a_writer).and_then(|messages| head(&messages));
        if let Err(e) = &answer {
            if e.name() == Error::READ_ONLY {
                self.pool.server.found(State::ReadOnly, e.cause().unwrap_or_default());
            }
            self.rollback();
        }
        answer
    }

    pub fn begin_read(&mut self) -> Result<()> {
        self.fresh();
        self.lease()?.session()?.open = true;
        self.before = Before::BeginRead;
        Ok(())
    }

    pub fn end_read(&mut self) {
        self.deadline.set(None);
        if self.before == Before::BeginRead {
            // Nothing was sent.
            if let Some(Ok(session)) = self.lease.as_mut().map(Lease::session) {
                session.open = false;
            }
            self.lease = None;
            return;
        }
        self.end("COMMIT");
    }

    pub fn limit(&mut self, limit: Option<Duration>) {
        self.deadline.set(limit);
    }

    pub fn mark(&mut self) -> Result<()> {
        self.before = if self.marked { Before::NextMark } else { Before::Mark };
        Ok(())
    }

    pub fn back(&mut self) -> Result<()> {
        self.failed = false;
        self.waiting.clear();
        // What a unit has set for its transaction goes with it.
        self.unlimited = false;
        if std::mem::replace(&mut self.before, Before::Nothing) != Before::Nothing {
            // The unit failed before its first statement: its mark was never set.
            return Ok(());
        }
        self.batch("ROLLBACK TO unit")
    }

    /// What goes out with the next statement.
    fn ahead<'a>(&mut self, place: &'a Place) -> Ahead<'a> {
        let before = std::mem::replace(&mut self.before, Before::Nothing);
        self.marked |= matches!(before, Before::Mark | Before::NextMark);
        let batch = match before {
            Before::Nothing => None,
            Before::BeginRead => Some(place.begin_read.as_str()),
            Before::Mark => Some("SAVEPOINT unit"),
            Before::NextMark => Some("RELEASE unit; SAVEPOINT unit"),
        };
        Ahead { batch, waiting: std::mem::take(&mut self.waiting) }
    }

    /// One exchange with the server, and what goes out ahead of it. Once one has failed, only a rollback is heard.
    fn exchange<T>(&mut self, f: impl FnOnce(&mut Session, Ahead<'_>) -> Result<T>) -> Result<T> {
        let place = self.place.clone();
        let ahead = self.ahead(&place);
        let done = f(self.lease()?.session()?, ahead);
        self.failed |= done.is_err();
        done
    }

    pub fn commit(&mut self, head: Option<Head>) -> Result<()> {
        self.deadline.set(None);
        self.before = Before::Nothing;
        if self.failed {
            // COMMIT would answer without an error, and roll back.
            return Err(Error::internal("a statement has failed and nobody noticed"));
        }
        let sql = match head {
            None => "COMMIT".to_owned(),
            Some(Head { seq, hash, epoch }) => {
                let hash = hex(&hash);
                format!(r#"UPDATE "meta" SET "seq" = {seq}, "hash" = '\x{hash}', "epoch" = {epoch} WHERE "one" = 1; COMMIT"#)
            }
        };
        self.batch(&sql).map_err(fault::unsure)?;
        if let Some(mut lease) = self.lease.take() {
            lease.session()?.open = false;
        }
        Ok(())
    }

    pub fn rollback(&mut self) {
        self.deadline.set(None);
        self.before = Before::Nothing;
        self.waiting.clear();
        self.end("ROLLBACK");
    }

    /// Ends the transaction. A session that does not confirm it stays marked as open, and is closed.
    fn end(&mut self, sql: &str) {
        let Some(mut lease) = self.lease.take() else { return };
        if let Ok(session) = lease.session()
            && session.is_alive()
            && session.batch(sql).is_ok()
        {
            session.open = false;
        }
    }

    pub fn in_transaction(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::is_alive)
    }

    pub fn run(&mut self, sql: &str, p: &[Value<'_>]) -> Result<u64> {
        self.checked()?;
        self.exchange(|session, ahead| session.execute(ahead, sql, p))
    }

    /// Sends it with the next statement, or when the unit ends.
    pub fn later(&mut self, sql: &str, p: &[Value<'_>]) -> Result<()> {
        self.checked()?;
        if !self.lease()?.session()?.knows(sql) {
            // What is new here is prepared where its tables are.
            self.prepare(sql)?;
        }
        let waiting = self.lease()?.session()?.waiting(sql, p)?;
        self.waiting.push(waiting);
        if self.waiting.len() >= MOST_WAITING { self.flush() } else { Ok(()) }
    }

    /// Sends what waits, and waits for it.
    pub fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.exchange(|session, ahead| session.send(&ahead))
    }

    pub fn prepare(&mut self, sql: &str) -> Result<()> {
        self.checked()?;
        self.exchange(|session, ahead| session.send(&ahead).and_then(|()| session.prepare(sql)).map(drop))
    }

    pub fn step(&mut self, sql: &str, p: &[Value<'_>], mut f: impl FnMut(&Row<'_>) -> bool) -> Result<()> {
        self.checked()?;
        for row in self.exchange(|session, ahead| session.query(ahead, sql, p))? {
            if !f(&Row::postgres(&row)) {
                break;
            }
        }
        Ok(())
    }

    fn checked(&self) -> Result<()> {
        if self.failed {
            return Err(fault::busy("the transaction has failed already"));
        }
        self.deadline.arm(true)
    }

    pub fn ddl(&mut self, portable: &str) -> Result<()> {
        self.unlimited()?;
        for statement in ddl::parse(portable)? {
            self.batch(&statement.postgres())?;
            self.keep(&statement)?;
        }
        Ok(())
    }

    pub fn load(&mut self, statement: &Statement) -> Result<Vec<String>> {
        self.unlimited()?;
        let (table, keys) = statement.postgres_later_keys();
        self.batch(&table)?;
        self.keep(statement)?;
        Ok(keys)
    }

    /// A backup is a SQLite file: it is made from what was said, not from what PostgreSQL has made of it.
    fn keep(&mut self, statement: &Statement) -> Result<()> {
        let sql = r#"INSERT INTO "silo_ddl" ("n", "sql") SELECT COALESCE(MAX("n"), 0) + 1, CAST(?1 AS TEXT) FROM "silo_ddl""#;
        self.run(sql, &[statement.portable().into()]).map(drop)
    }

    /// Lifts the time limits of this transaction.
    pub fn unlimited(&mut self) -> Result<()> {
        self.deadline.set(None);
        if !self.unlimited {
            self.lease()?.session()?.is_patient(true);
            self.batch("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")?;
            self.unlimited = true;
        }
        Ok(())
    }

    pub fn batch(&mut self, sql: &str) -> Result<()> {
        self.exchange(|session, ahead| session.batch_after(&ahead, sql))
    }
}

/// The head, out of the answer to a whole batch of statements: the only row with three columns named so.
fn head(messages: &[SimpleQueryMessage]) -> Result<Option<Head>> {
    let row = messages.iter().rev().find_map(|m| match m {
        SimpleQueryMessage::Row(row) if row.columns().first().is_some_and(|c| c.name() == "seq") => Some(row),
        _ => None,
    });
    let Some(row) = row else { return Ok(None) };
    let number = |i: usize| row.get(i).unwrap_or("0").parse::<i64>().map_err(Error::internal);
    let mut hash = [0; 32];
    if let Some(hex) = row.get(1).and_then(|h| h.strip_prefix("\\x"))
        && hex.len() == 64
    {
        for (i, byte) in hash.iter_mut().enumerate() {
            *byte = hex.get(2 * i..2 * i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0);
        }
    }
    Ok(Some(Head { seq: number(0)?, hash, epoch: number(2)? }))
}
