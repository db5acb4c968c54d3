use super::{bound::Bound, server::Server, wire::Wire};
use crate::fault;
use base::{Code, Error, Result, Value};
use futures_util::future::join_all;
use lru::LruCache;
use std::{
    num::NonZeroUsize,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio_postgres::{Client, Row, SimpleQueryMessage, Statement, types::ToSql};

const STATEMENTS: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// A session on which nothing comes for so long is given up, also where the server is there: its statements have a shorter limit.
const PATIENCE: Duration = Duration::from_millis(1750);
/// The same where statements have no limit: a backup, a migration, a silo that is made or taken away.
const MORE_PATIENCE: Duration = Duration::from_secs(30);

/// What goes out before a statement, in its round trip.
#[derive(Default)]
pub struct Ahead<'a> {
    /// A BEGIN with its settings, or a SAVEPOINT.
    pub batch: Option<&'a str>,
    pub waiting: Vec<Waiting>,
}

/// A statement of which nobody needs to know more than that it succeeded.
pub struct Waiting {
    statement: Statement,
    p: Vec<Value<'static>>,
}

/// One session with the server and its prepared statements.
pub struct Session {
    client: Client,
    statements: LruCache<Box<str>, Statement>,
    server: Arc<Server>,
    wire: Wire,
    /// The server's when this session was made.
    age: u64,
    patience: Duration,
    /// Between BEGIN and the confirmed end.
    pub open: bool,
    /// The server did not answer in time: what it is doing is not known.
    lost: bool,
}

impl Session {
    pub fn new(client: Client, server: Arc<Server>, wire: Wire, age: u64) -> Session {
        server.sessions.fetch_add(1, Relaxed);
        Session { client, statements: LruCache::new(STATEMENTS), server, wire, age, patience: PATIENCE, open: false, lost: false }
    }

    /// Whether somebody else may have it.
    pub fn is_clean(&self) -> bool {
        !self.open && self.is_alive() && self.age == self.server.age()
    }

    /// Whether it waits for statements without a limit of the server's own.
    pub fn is_patient(&mut self, patient: bool) {
        self.patience = if patient { MORE_PATIENCE } else { PATIENCE };
    }

    pub fn is_alive(&self) -> bool {
        !self.lost && self.wire.is_up()
    }

    /// SQL without anybody who watches how long it takes: for a session that is being made.
    pub async fn raw(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, tokio_postgres::Error> {
        self.wire.drive(self.client.simple_query(sql)).await
    }

    pub fn batch(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>> {
        let answer = self.wait(self.client.simple_query(sql));
        self.heard(answer)
    }

    /// Runs a statement; `ahead` goes out in the same round trip.
    pub fn query(&mut self, ahead: Ahead<'_>, sql: &str, p: &[Value<'_>]) -> Result<Vec<Row>> {
        let (statement, ahead) = self.known(ahead, sql)?;
        let p = bound(sql, &statement, p)?;
        let p = borrowed(&p);
        let answer = self.wait(both(self.ahead(&ahead), self.client.query(&statement, &p)));
        self.heard(answer)
    }

    /// The same for its effect only.
    pub fn execute(&mut self, ahead: Ahead<'_>, sql: &str, p: &[Value<'_>]) -> Result<u64> {
        let (statement, ahead) = self.known(ahead, sql)?;
        let p = bound(sql, &statement, p)?;
        let p = borrowed(&p);
        let answer = self.wait(both(self.ahead(&ahead), self.client.execute(&statement, &p)));
        self.heard(answer)
    }

    /// Sends what waits, all of it in one round trip.
    pub fn send(&mut self, ahead: &Ahead<'_>) -> Result<()> {
        if ahead.batch.is_none() && ahead.waiting.is_empty() {
            return Ok(());
        }
        let answer = self.wait(self.ahead(ahead));
        self.heard(answer)
    }

    /// The same, and a batch behind it.
    pub fn batch_after(&mut self, ahead: &Ahead<'_>, sql: &str) -> Result<()> {
        let answer = self.wait(both(self.ahead(ahead), self.client.batch_execute(sql)));
        self.heard(answer)
    }

    pub fn knows(&self, sql: &str) -> bool {
        self.statements.contains(sql)
    }

    /// A known statement with its values, to be sent later.
    pub fn waiting(&mut self, sql: &str, p: &[Value<'_>]) -> Result<Waiting> {
        let statement = self.statements.get(sql).cloned().ok_or_else(|| Error::internal("a statement was not prepared"))?;
        fault::counted(sql, statement.params().len(), p.len())?;
        Ok(Waiting { statement, p: p.iter().map(|value| value.clone().into_owned()).collect() })
    }

    /// A whole transaction of one statement: in one round trip, but for the first time. Until its end is confirmed the session counts as
    /// open, so whoever stops waiting gives nobody a session in the middle of something.
    pub async fn alone(&mut self, begin: &str, sql: &str, p: &[Value<'_>]) -> Result<Vec<Row>> {
        self.open = true;
        let (server, patience) = (self.server.clone(), self.patience);
        let (rows, ended) = match self.statements.get(sql).cloned() {
            Some(statement) => {
                let p = bound(sql, &statement, p).inspect_err(|_| self.open = false)?;
                let p = borrowed(&p);
                let client = &self.client;
                let exchange = self.wire.drive(async {
                    let (begun, rows, ended) =
                        tokio::join!(client.batch_execute(begin), client.query(&statement, &p), client.batch_execute("COMMIT"));
                    (begun.and(rows).map_err(|e| fault::postgres(&e)), ended)
                });
                server.answer(patience, exchange).await
            }
            None => server.answer(patience, self.alone_and_new(begin, sql, p)).await,
        }
        .inspect_err(|_| self.lost = true)?;
        self.open = ended.is_err();
        rows.inspect_err(|e| self.doubt(e))
    }

    /// The same of a statement that is new here, which is prepared where its tables are. The rows, and whether the transaction is over.
    async fn alone_and_new(&mut self, begin: &str, sql: &str, p: &[Value<'_>]) -> (Result<Vec<Row>>, Result<(), tokio_postgres::Error>) {
        let rows = async {
            self.wire.drive(self.client.batch_execute(begin)).await.map_err(|e| fault::postgres(&e))?;
            let prepared = self.wire.drive(self.client.prepare(&numbered(sql))).await;
            let statement = self.keep(sql, prepared.map_err(|e| fault::postgres(&e)))?;
            let p = bound(sql, &statement, p)?;
            self.wire.drive(self.client.query(&statement, &borrowed(&p))).await.map_err(|e| fault::postgres(&e))
        };
        let rows = rows.await;
        (rows, self.wire.drive(self.client.batch_execute("COMMIT")).await)
    }

    /// Everything is sent before anything is waited for; the first that failed is the answer, for those behind it did nothing.
    async fn ahead(&self, ahead: &Ahead<'_>) -> Result<(), tokio_postgres::Error> {
        let first = async {
            match ahead.batch {
                Some(sql) => self.client.batch_execute(sql).await,
                None => Ok(()),
            }
        };
        let rest = ahead.waiting.iter().map(async |Waiting { statement, p }| {
            let p: Vec<Bound<'_>> = p.iter().map(Bound).collect();
            self.client.execute(statement, &borrowed(&p)).await.map(drop)
        });
        both(first, async { join_all(rest).await.into_iter().collect() }).await
    }

    /// A statement that is new here is prepared first, and that needs what goes ahead of it.
    fn known<'a>(&mut self, ahead: Ahead<'a>, sql: &str) -> Result<(Statement, Ahead<'a>)> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok((statement.clone(), ahead));
        }
        self.send(&ahead)?;
        Ok((self.prepare(sql)?, Ahead::default()))
    }

    pub fn prepare(&mut self, sql: &str) -> Result<Statement> {
        let text = numbered(sql);
        let answer = self.wait(self.client.prepare(&text));
        let prepared = self.heard(answer);
        self.keep(sql, prepared)
    }

    /// Keeps a statement for the next time.
    fn keep(&mut self, sql: &str, prepared: Result<Statement>) -> Result<Statement> {
        let statement = prepared.map_err(|e| fault::of_sql(e, sql))?;
        self.statements.put(sql.into(), statement.clone());
        Ok(statement)
    }

    /// Drives one exchange with the server from the blocking thread on which the closure runs.
    fn wait<T>(&self, exchange: impl Future<Output = T>) -> Result<T> {
        self.server.handle.block_on(self.server.answer(self.patience, self.wire.drive(exchange)))
    }

    /// A statement that was prepared before its tables changed can fail for ever. Which of those that were sent together it was is not
    /// known: all of them are prepared anew.
    fn doubt(&mut self, error: &Error) {
        if error.code() == Code::Internal {
            self.statements.clear();
        }
    }

    fn heard<T>(&mut self, answer: Result<Result<T, tokio_postgres::Error>>) -> Result<T> {
        match answer {
            Ok(answer) => answer.map_err(|e| fault::postgres(&e)).inspect_err(|e| self.doubt(e)),
            Err(gone) => {
                self.lost = true;
                Err(gone)
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.server.sessions.fetch_sub(1, Relaxed);
        // One that is well says goodbye; from any other none would be heard.
        if !self.lost && !self.open {
            self.wire.leave(&self.server.handle);
        }
    }
}

/// Sends both at once and answers with the second, unless the first has failed: then the second did nothing.
async fn both<T>(
    first: impl Future<Output = Result<(), tokio_postgres::Error>>,
    second: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let (first, second) = tokio::join!(first, second);
    first.and(second)
}

fn bound<'a>(sql: &str, statement: &Statement, p: &'a [Value<'a>]) -> Result<Vec<Bound<'a>>> {
    fault::counted(sql, statement.params().len(), p.len())?;
    Ok(p.iter().map(Bound).collect())
}

fn borrowed<'a>(p: &'a [Bound<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    p.iter().map(|v| v as &(dyn ToSql + Sync)).collect()
}

/// `?1` becomes `$1`, except inside quotes.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut quote = None;
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
        let parameter = quote.is_none() && c == '?' && chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if parameter { '$' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn parameters_are_numbered_outside_of_quotes_only() {
        assert_eq!(numbered(r#"SELECT ?1, '?2 it''s ?3', "?4", x ? y WHERE a=?10"#), r#"SELECT $1, '?2 it''s ?3', "?4", x ? y WHERE a=$10"#);
    }
}
