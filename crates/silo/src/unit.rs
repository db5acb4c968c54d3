//! Transactions as a whole: one that reads, one that writes alone, and the end of a batch.

use crate::{
    Row, Tx, fault,
    link::Link,
    search,
    tx::{AfterCommit, Batch},
};
use base::{Error, Result, TenantId, Value};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// Hooks may register hooks; more rounds than this are a circle.
const ROUNDS: usize = 16;

/// Turns a panic of `f` into an error of our own. Its words may be a customer's: where it happened is in the log, and nothing else.
pub fn caught<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|_| Err(Error::internal("a panic")))
}

/// One transaction that sees one state of the silo throughout.
pub fn read<T>(tenant: TenantId, link: &mut Link, limit: Duration, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    link.begin_read()?;
    link.limit(Some(limit));
    let answer = caught(|| Tx::new(tenant, link, None).complete(f));
    link.end_read();
    answer
}

/// One row by one statement, in no transaction but the statement's own.
pub fn peek<T>(link: &mut Link, limit: Duration, sql: &str, p: &[Value<'_>], f: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>> {
    link.limit(Some(limit));
    let answer = caught(|| link.first(sql, p, f)?.transpose());
    link.limit(None);
    answer
}

/// One transaction that writes, on a link that nobody else uses, without a time limit.
pub fn write<T>(tenant: TenantId, link: &mut Link, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    let head = link.begin_write()?;
    let mut batch = Batch::default();
    batch.knows(head);
    let (answer, waiting) = alone(tenant, link, batch, f)?;
    signal(waiting);
    Ok(answer)
}

/// The same in a transaction that has begun already, of a silo that nobody sees yet. Who asked to hear of it is told by the caller,
/// once it is there: a draft that came second was never written.
pub fn write_on(tenant: TenantId, link: &mut Link, f: impl FnOnce(&mut Tx<'_>) -> Result<()>) -> Result<Vec<AfterCommit>> {
    alone(tenant, link, Batch::default(), f).map(|((), waiting)| waiting)
}

fn alone<T>(tenant: TenantId, link: &mut Link, mut batch: Batch, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<(T, Vec<AfterCommit>)> {
    let answer = caught(|| Tx::new(tenant, link, Some(&mut batch)).complete(f)).and_then(|answer| {
        conclude(tenant, link, &mut batch)?;
        Ok(answer)
    });
    if answer.is_err() {
        link.rollback();
    }
    answer.map(|answer| (answer, batch.after_commit))
}

/// What is left to do when the last unit has run: hooks, search rows, the head, COMMIT.
pub fn conclude(tenant: TenantId, link: &mut Link, batch: &mut Batch) -> Result<()> {
    link.limit(None);
    for _ in 0..ROUNDS {
        if !link.in_transaction() {
            return Err(fault::busy("the engine has given the batch up"));
        }
        let hooks = std::mem::take(&mut batch.at_commit);
        let edits = std::mem::take(&mut batch.search);
        if hooks.is_empty() && edits.is_empty() {
            return link.commit(batch.changed_head());
        }
        for hook in hooks {
            caught(|| Tx::new(tenant, link, Some(batch)).complete(hook))?;
        }
        if !edits.is_empty() {
            Tx::new(tenant, link, Some(batch)).complete(|tx| search::write(tx, edits))?;
        }
    }
    Err(Error::internal("at_commit goes round in a circle"))
}

/// Tells everybody who asked to hear of it.
pub fn signal(waiting: Vec<AfterCommit>) {
    for f in waiting {
        if let Err(e) = caught(|| {
            f();
            Ok(())
        }) {
            tracing::error!(error = %e, "a signal after a commit");
        }
    }
}
