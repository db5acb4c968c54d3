//! Work that outlives a request. A job is a row in the silo it belongs to, written in the transaction that wants it done;
//! the hub keeps one small row per silo that has work due, so that nothing ever has to look through all silos.
//!
//! Claiming is fenced by the attempt number and a lease with heartbeat: a worker that was given up on cannot finish what
//! another has taken over. Times come from one clock, the database's writer's.

mod dispatcher;
mod due;
mod end;
mod run;

pub use dispatcher::{Dispatch, dispatch, drained};
pub use run::{Claimed, Running, Step};

use crate::{ctx::Ctx, tx::Tx};
use base::{Error, Result, Time};
use std::time::Duration;

/// So long a worker holds a job and its silo without a sign of life.
const LEASE_SECONDS: i64 = 30;
/// How long jobs wait when the storage is full or out of reach, until they look again.
const PAUSE: Duration = Duration::from_secs(3);

/// A job to be done, as its author describes it.
pub struct Job {
    pub kind: String,
    pub args: serde_json::Value,
    /// Jobs with the same key run one after the other, in the order in which they were enqueued.
    pub key: Option<String>,
    /// While one with this mark waits or runs, a second is not enqueued.
    pub dedupe: Option<String>,
    pub run_at: Time,
}

impl Job {
    pub fn new(kind: &str, args: serde_json::Value) -> Job {
        Job { kind: kind.into(), args, key: None, dedupe: None, run_at: Time::now() }
    }
    pub fn keyed(mut self, key: impl Into<String>) -> Job {
        self.key = Some(key.into());
        self
    }
    pub fn once(mut self, mark: impl Into<String>) -> Job {
        self.dedupe = Some(mark.into());
        self
    }
}

impl Tx<'_, '_> {
    /// Enqueues a job in the transaction at hand. `cx.work_is_coming()` must have been called before the transaction began.
    pub fn enqueue(&mut self, job: Job) -> Result<String> {
        let id = base::new_id();
        let now = Time::now();
        let args = serde_json::to_string(&job.args).map_err(Error::internal)?;
        let (member, actor, scopes, request_id) = {
            let cx = self.cx();
            // A key's job may do no more than the key.
            let scopes = cx.scopes().map(serde_json::to_string).transpose().map_err(Error::internal)?;
            (cx.member().map(str::to_owned), cx.actor().to_owned(), scopes, cx.trace().request_id.clone())
        };
        let sql = self.sql();
        if let Some(mark) = &job.dedupe {
            let earlier = sql.row(r#"SELECT "id" FROM "jobs" WHERE "dedupe" = ?1"#, &[mark.into()], |row| Ok(row.text(0)?.to_owned()))?;
            if let Some(earlier) = earlier {
                return Ok(earlier);
            }
        }
        sql.run(
            r#"INSERT INTO "jobs" ("id", "kind", "key", "dedupe", "priority", "args", "status", "run_at", "attempt", "progress", "member", "actor", "scopes", "request_id", "cancel", "created_at")
VALUES (?1, ?2, ?3, ?4, 0, ?5, 'ready', ?6, 0, 0, ?7, ?8, ?9, ?10, ?11, ?12)"#,
            &[
                (&id).into(),
                (&job.kind).into(),
                job.key.as_deref().into(),
                job.dedupe.as_deref().into(),
                (&args).into(),
                job.run_at.into(),
                member.as_deref().into(),
                (&actor).into(),
                scopes.as_deref().into(),
                (&request_id).into(),
                false.into(),
                now.into(),
            ],
        )?;
        let app = self.app().clone();
        self.sql().after_commit(move || app.dispatch().ring());
        Ok(id)
    }
}

impl Ctx {
    /// Notes in the hub, durably and before the silo commits, that this silo is about to have work. A crash in between only
    /// wakes a worker for nothing.
    pub async fn work_is_coming(&self) -> Result<()> {
        due::lower(self.app(), self.tenant_id(), Time::now()).await
    }
}

/// Waits for a job of one's own to end, for a while. `None`: it goes on. A job that failed for good is told as its error.
pub(crate) async fn outcome(cx: &Ctx, id: &str, patience: Duration) -> Result<Option<serde_json::Value>> {
    let until = tokio::time::Instant::now() + patience;
    let mut pause = Duration::from_millis(4);
    loop {
        // Whoever is out is not kept waiting.
        cx.still_good().await?;
        let wanted = id.to_owned();
        let row = cx
            .read(move |tx| {
                tx.sql().row(r#"SELECT "status", "result", "error" FROM "jobs" WHERE "id" = ?1"#, &[(&wanted).into()], |row| {
                    Ok((row.text(0)?.to_owned(), row.opt_text(1)?.map(str::to_owned), row.opt_text(2)?.map(str::to_owned)))
                })
            })
            .await?;
        let (status, result, error) = row.ok_or_else(Error::not_found)?;
        match status.as_str() {
            "done" | "cancelled" => return serde_json::from_str(result.as_deref().unwrap_or("null")).map(Some).map_err(Error::internal),
            "dead" => return Err(Error::conflict("job-failed", error.unwrap_or_else(|| "The work failed.".into()))),
            _ if tokio::time::Instant::now() >= until => return Ok(None),
            _ => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(64));
    }
}
