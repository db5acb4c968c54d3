//! One try at a job: claimed, worked at under a lease with heartbeat, ended.

use super::{LEASE_SECONDS, due, end};
use crate::{
    app::App,
    background,
    ctx::{Ctx, Tenant},
    module::Patience,
    stop::Stop,
    tx::Tx,
};
use base::{Error, Result, Time};
use silo::Silo;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often somebody looks whether the company that is worked for is still open.
const LOOK: Duration = Duration::from_millis(500);

/// A job in the hands of a worker.
pub struct Claimed {
    pub id: String,
    pub kind: String,
    pub args: serde_json::Value,
    pub attempt: i64,
    pub member: Option<String>,
    pub actor: String,
    pub scopes: Option<Vec<String>>,
    pub request_id: Option<String>,
    /// What an earlier try has kept, see [`Step::keep`].
    pub kept: Option<serde_json::Value>,
    pub created_at: Time,
}

/// What the work sees of its job: arguments, and a way to report.
pub struct Running {
    pub id: String,
    pub args: serde_json::Value,
    pub attempt: i64,
    /// What an earlier try has kept, see [`Step::keep`].
    pub kept: Option<serde_json::Value>,
    silo: Silo,
    cancelled: Arc<AtomicBool>,
    stop: Stop,
}

/// One try at a job, for its units of work: what a unit keeps is there for the next try, in the same commit as what it did.
#[derive(Clone)]
pub struct Step {
    id: String,
    attempt: i64,
    cancelled: Arc<AtomicBool>,
}

impl Step {
    /// Keeps how far the job is, with percent and a word for the person who waits, and learns whether to stop. Refused where another worker has
    /// taken the job over: then nothing of this unit may happen.
    pub fn keep(&self, tx: &mut Tx<'_, '_>, state: &impl serde::Serialize, percent: i64, note: &str) -> Result<()> {
        let state = serde_json::to_string(state).map_err(Error::internal)?;
        match self.report(tx.sql(), Some(&state), percent, note)? {
            true => Ok(()),
            false => Err(Error::unavailable("Another worker has taken this job over.")),
        }
    }

    /// Whether the job is still this worker's.
    fn report(&self, sql: &mut silo::Tx<'_>, state: Option<&str>, percent: i64, note: &str) -> Result<bool> {
        let lease = Time::now().plus_seconds(LEASE_SECONDS);
        let cancel = sql.row(
            r#"UPDATE "jobs" SET "result" = COALESCE(?3, "result"), "progress" = ?4, "note" = ?5, "lease_until" = ?6 WHERE "id" = ?1 AND "attempt" = ?2 AND "status" = 'running' RETURNING "cancel""#,
            &[(&self.id).into(), self.attempt.into(), state.into(), percent.clamp(0, 100).into(), note.into(), lease.into()],
            |row| row.bool(0),
        )?;
        if cancel.unwrap_or(true) {
            self.cancelled.store(true, Relaxed);
        }
        Ok(cancel.is_some())
    }
}

impl Running {
    /// This try, to be taken into its units of work.
    pub fn step(&self) -> Step {
        Step { id: self.id.clone(), attempt: self.attempt, cancelled: self.cancelled.clone() }
    }
    /// Refuses to go on when the server stops. For work that keeps how far it is: it goes on from there, and the try does not count.
    pub fn go_on(&self) -> Result<()> {
        if self.stop.is_rung() { Err(end::stopped()) } else { Ok(()) }
    }
    /// Whether somebody asked it to stop. Work that takes long looks here between its units.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }
    /// Reports how far it is (0 to 100), with a word for the person who waits, and learns whether to stop.
    pub async fn progress(&self, percent: i64, note: &str) -> Result<()> {
        let (step, note) = (self.step(), note.to_owned());
        self.silo.write(move |sql| step.report(sql, None, percent, &note).map(drop)).await
    }
}

/// Takes the next job that is due: ready, or left by a worker whose lease ran out. Only the oldest of a key may run.
pub async fn claim(silo: &Silo) -> Result<Option<Claimed>> {
    silo.write(|sql| {
        let now = Time::now();
        let claimed = sql.row(
            r#"UPDATE "jobs" SET "status" = 'running', "attempt" = "attempt" + 1, "lease_until" = ?2 WHERE "id" = (
  SELECT j."id" FROM "jobs" j WHERE ((j."status" = 'ready' AND j."run_at" <= ?1) OR (j."status" = 'running' AND j."lease_until" < ?1))
    AND (j."key" IS NULL OR NOT EXISTS (SELECT 1 FROM "jobs" o WHERE o."key" = j."key" AND o."id" < j."id" AND o."status" IN ('ready', 'running')))
  ORDER BY j."priority" DESC, j."run_at", j."id" LIMIT 1)
RETURNING "id", "kind", "args", "attempt", "member", "actor", "scopes", "request_id", "result", "created_at""#,
            &[now.into(), now.plus_seconds(LEASE_SECONDS).into()],
            |row| {
                Ok(Claimed {
                    id: row.text(0)?.to_owned(),
                    kind: row.text(1)?.to_owned(),
                    args: serde_json::from_str(row.text(2)?).map_err(Error::internal)?,
                    attempt: row.int(3)?,
                    member: row.opt_text(4)?.map(str::to_owned),
                    actor: row.text(5)?.to_owned(),
                    scopes: row.opt_text(6)?.map(serde_json::from_str).transpose().map_err(Error::internal)?,
                    request_id: row.opt_text(7)?.map(str::to_owned),
                    kept: row.opt_text(8)?.map(serde_json::from_str).transpose().map_err(Error::internal)?,
                    created_at: Time(row.int(9)?),
                })
            },
        )?;
        Ok(claimed)
    })
    .await
}

/// Works at it until it ends, however that is, and writes it down.
pub async fn run(app: &App, silo: &Silo, job: Claimed, names: Tenant) -> Result<()> {
    let Some(kind) = app.job_kind(&job.kind) else {
        let unknown = Error::internal(format!("no module of this binary does {}", job.kind));
        return end::finish(silo, &job, Some(Patience::Tries(0)), Err(unknown)).await;
    };
    let cx = Ctx::of_job(app, silo.clone(), &job, names);
    let cancelled = Arc::new(AtomicBool::new(false));
    let running = Running {
        id: job.id.clone(),
        args: job.args.clone(),
        attempt: job.attempt,
        kept: job.kept.clone(),
        silo: silo.clone(),
        cancelled: cancelled.clone(),
        stop: app.stop().clone(),
    };
    // In a task of its own, so that a panic in the work is a failed try and nothing more.
    let mut work = tokio::spawn((kind.work)(cx, running));
    let mut beaten = Instant::now();
    let outcome = loop {
        tokio::select! {
            done = &mut work => break done.unwrap_or_else(|stopped| Err(background::ended(&stopped))),
            () = tokio::time::sleep(LOOK) => {}
        }
        // Where the hub cannot say, the work goes on.
        if !app.is_open(silo.id()).await.unwrap_or(true) {
            work.abort();
            return end::give_back(silo, &job).await;
        }
        if beaten.elapsed() >= HEARTBEAT {
            beaten = Instant::now();
            match heartbeat(app, silo, &job, &cancelled).await {
                // The work goes on; how it ended is written when that is possible again.
                Err(error) if error.is_of_storage() => app.dispatch().rest(),
                beaten => beaten?,
            }
        }
    };
    let was_cancelled = cancelled.load(Relaxed);
    match outcome {
        outcome if was_cancelled => end::finish(silo, &job, None, Ok(outcome.unwrap_or_default())).await,
        outcome => end::finish(silo, &job, Some(kind.patience), outcome).await,
    }
}

/// Holds the lease of the job and of its silo, and looks whether somebody asked it to stop.
async fn heartbeat(app: &App, silo: &Silo, job: &Claimed, cancelled: &AtomicBool) -> Result<()> {
    let (id, attempt) = (job.id.clone(), job.attempt);
    let until = Time::now().plus_seconds(LEASE_SECONDS);
    let cancel = silo
        .write(move |sql| {
            sql.row(
                r#"UPDATE "jobs" SET "lease_until" = ?3 WHERE "id" = ?1 AND "attempt" = ?2 AND "status" = 'running' RETURNING "cancel""#,
                &[(&id).into(), attempt.into(), until.into()],
                |row| row.bool(0),
            )
        })
        .await?;
    if cancel.unwrap_or(true) {
        cancelled.store(true, Relaxed);
    }
    due::hold(app, silo.id(), until).await
}
