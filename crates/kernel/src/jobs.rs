//! Work that outlives a request. A job is a row in the silo it belongs to, written in the transaction that wants it done;
//! the hub keeps one small row per silo that has work due, so that nothing ever has to look through all silos.
//!
//! Claiming is fenced by the attempt number and a lease with heartbeat: a worker that was given up on cannot finish what
//! another has taken over. Times come from one clock, the database's writer's.

use crate::{
    app::App,
    background,
    ctx::{Ctx, Tenant},
    module::Patience,
    stop::Stop,
    tx::Tx,
};
use base::{Code, Error, Result, TenantId, Time, Value};
use silo::Silo;
use std::{
    collections::HashSet,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

const LEASE_SECONDS: i64 = 30;
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often somebody looks whether the company that is worked for is still open.
const LOOK: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_secs(1);
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
}

impl Step {
    /// Keeps how far the job is. Refused where another worker has taken the job over: then nothing of this unit may happen.
    pub fn keep(&self, tx: &mut Tx<'_, '_>, state: &impl serde::Serialize) -> Result<()> {
        let state = serde_json::to_string(state).map_err(Error::internal)?;
        let sql = r#"UPDATE "jobs" SET "result" = ?3 WHERE "id" = ?1 AND "attempt" = ?2 AND "status" = 'running'"#;
        match tx.sql().run(sql, &[(&self.id).into(), self.attempt.into(), (&state).into()])? {
            0 => Err(Error::unavailable("Another worker has taken this job over.")),
            _ => Ok(()),
        }
    }
}

/// The name of the error by which work says that it goes on after a restart.
const STOPPED: &str = "stopped";

impl Running {
    /// This try, to be taken into its units of work.
    pub fn step(&self) -> Step {
        Step { id: self.id.clone(), attempt: self.attempt }
    }
    /// Refuses to go on when the server stops. For work that keeps how far it is: it goes on from there, and the try does not count.
    pub fn go_on(&self) -> Result<()> {
        if self.stop.is_rung() { Err(Error::new(Code::Unavailable, STOPPED, "The server stops. This goes on when it is back.")) } else { Ok(()) }
    }
    /// Whether somebody asked it to stop. Work that takes long looks here between its units.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(std::sync::atomic::Ordering::Relaxed)
    }
    /// Reports how far it is (0 to 100), with a word for the person who waits, and learns whether to stop.
    pub async fn progress(&self, percent: i64, note: &str) -> Result<()> {
        let (id, attempt, note) = (self.id.clone(), self.attempt, note.to_owned());
        let cancel = self
            .silo
            .write(move |sql| {
                let lease = Time::now().plus_seconds(LEASE_SECONDS);
                sql.row(
                    r#"UPDATE "jobs" SET "progress" = ?3, "note" = ?4, "lease_until" = ?5 WHERE "id" = ?1 AND "attempt" = ?2 AND "status" = 'running' RETURNING "cancel""#,
                    &[(&id).into(), attempt.into(), percent.clamp(0, 100).into(), (&note).into(), lease.into()],
                    |row| row.bool(0),
                )
            })
            .await?;
        if cancel.unwrap_or(true) {
            self.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(())
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

/// The node's side of jobs: who is being worked for, and the bell that wakes the dispatcher.
#[derive(Default)]
pub struct Dispatch {
    bell: Notify,
    busy: parking_lot::Mutex<HashSet<TenantId>>,
    idle: Notify,
    /// Until then nothing is claimed, because the storage was full or out of reach.
    rests: parking_lot::Mutex<Option<Instant>>,
}

impl Dispatch {
    fn rest(&self) {
        *self.rests.lock() = Some(Instant::now() + PAUSE);
    }
    fn is_resting(&self) -> bool {
        self.rests.lock().is_some_and(|until| until > Instant::now())
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
        self.sql().after_commit(move || app.dispatch().bell.notify_one());
        Ok(id)
    }
}

impl Ctx {
    /// Notes in the hub, durably and before the silo commits, that this silo is about to have work. A crash in between only
    /// wakes a worker for nothing.
    pub async fn work_is_coming(&self) -> Result<()> {
        lower(self.app(), self.tenant_id(), Time::now()).await
    }
}

async fn lower(app: &App, tenant: TenantId, at: Time) -> Result<()> {
    let tenant = tenant.to_string();
    app.hub()
        .write(move |sql| {
            sql.run(
                r#"INSERT INTO "due" ("tenant", "at", "stamp") VALUES (?1, ?2, 1)
ON CONFLICT ("tenant") DO UPDATE SET "at" = CASE WHEN "due"."at" < excluded."at" THEN "due"."at" ELSE excluded."at" END, "stamp" = "due"."stamp" + 1"#,
                &[(&tenant).into(), at.into()],
            )
            .map(drop)
        })
        .await
}

/// Runs until the server stops: finds silos with work due, works for a few of them at a time, fairly.
pub async fn dispatch(app: App) {
    while !app.stop().is_rung() {
        let pause = round(&app).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "looking for due work failed; trying again");
            POLL
        });
        let dispatch = app.dispatch();
        tokio::select! {
            () = app.stop().rung() => return,
            () = dispatch.bell.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Waits until no worker of this node is busy. For shutdown and for tests.
pub async fn drained(app: &App) {
    loop {
        let idle = app.dispatch().idle.notified();
        if app.dispatch().busy.lock().is_empty() {
            return;
        }
        idle.await;
    }
}

/// Begins what is due, and says when to look again: when the next of what is known comes due, or somebody else's may have.
async fn round(app: &App) -> Result<Duration> {
    base::step("background.jobs")?;
    // A claim is a write and counts as a try: where it can only fail, it is not made.
    if app.room().is_short() || app.dispatch().is_resting() {
        return Ok(POLL);
    }
    let now = Time::now();
    let room = app.config().jobs.workers.saturating_sub(app.dispatch().busy.lock().len());
    if room == 0 {
        return Ok(POLL);
    }
    let next = app
        .hub()
        .scan(move |sql| {
            sql.rows(
                // A company that is suspended has work due, and nobody does it.
                r#"SELECT d."tenant", d."at" FROM "due" d LEFT JOIN "hub_tenants" t ON t."id" = d."tenant"
WHERE (d."lease_until" IS NULL OR d."lease_until" < ?1) AND COALESCE(t."status", 'active') = 'active' ORDER BY d."at", d."tenant" LIMIT 64"#,
                &[now.into()],
                |row| Ok((row.text(0)?.to_owned(), row.int(1)?)),
            )
        })
        .await?;
    let (due, later): (Vec<_>, Vec<_>) = next.into_iter().partition(|(_, at)| *at <= now.0);
    let pause = later.first().map_or(POLL, |(_, at)| Duration::from_micros((*at - now.0).unsigned_abs()).min(POLL));
    let due = due.iter().filter_map(|(id, _)| id.parse().ok());
    let fresh: Vec<TenantId> = due.filter(|id| !app.dispatch().busy.lock().contains(id)).take(room).collect();
    for tenant in fresh {
        let working = Working::begin(app, tenant);
        let app = app.clone();
        tokio::spawn(async move {
            let again = match work_for(&app, tenant).await {
                Ok(()) => false,
                Err(error) if error.is_of_storage() => {
                    tracing::warn!(%tenant, %error, "the storage is full or out of reach: jobs wait");
                    app.dispatch().rest();
                    let_go(&app, tenant).await;
                    true
                }
                Err(error) => {
                    tracing::warn!(%tenant, %error, "working for a silo failed; it is tried again");
                    true
                }
            };
            drop(working);
            if !again {
                app.dispatch().bell.notify_one();
            }
        });
    }
    Ok(pause)
}

/// A silo that this node works for, as long as this value lives: also where the work panics.
struct Working {
    app: App,
    tenant: TenantId,
}

impl Working {
    fn begin(app: &App, tenant: TenantId) -> Working {
        app.dispatch().busy.lock().insert(tenant);
        Working { app: app.clone(), tenant }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.app.dispatch().busy.lock().remove(&self.tenant);
        self.app.dispatch().idle.notify_waiters();
    }
}

/// Leases a silo, does what is due in it, and notes when to come again.
async fn work_for(app: &App, tenant: TenantId) -> Result<()> {
    let Some(stamp) = lease(app, tenant).await? else { return Ok(()) };
    let silo = match app.silo(tenant).await {
        Ok(silo) => silo,
        // The silo is gone for good; so is its work.
        Err(error) if error.code() == Code::NotFound => return release(app, tenant, stamp, None).await,
        Err(error) => return Err(error),
    };
    let names = app.tenant_names(tenant).await?;
    // A bounded share, so that one busy silo does not keep the others waiting.
    for _ in 0..64 {
        if app.stop().is_rung() || !app.is_open(tenant).await? {
            break;
        }
        let Some(job) = claim(&silo).await? else { break };
        run(app, &silo, job, names.clone()).await?;
    }
    let next = silo.scan(|sql| {
        sql.row(
            r#"SELECT MIN(CASE WHEN "status" = 'running' THEN "lease_until" ELSE "run_at" END) FROM "jobs" WHERE "status" IN ('ready', 'running')"#,
            &[],
            |row| row.opt_int(0),
        )
    });
    match next.await {
        // It was deleted meanwhile.
        Err(error) if error.code() == Code::NotFound => release(app, tenant, stamp, None).await,
        next => release(app, tenant, stamp, next?.flatten()).await,
    }
}

async fn lease(app: &App, tenant: TenantId) -> Result<Option<i64>> {
    let (tenant, node) = (tenant.to_string(), app.node().to_owned());
    app.hub()
        .write(move |sql| {
            let now = Time::now();
            sql.row(
                r#"UPDATE "due" SET "lease_until" = ?2, "node" = ?3 WHERE "tenant" = ?1 AND "at" <= ?4 AND ("lease_until" IS NULL OR "lease_until" < ?4) RETURNING "stamp""#,
                &[(&tenant).into(), now.plus_seconds(LEASE_SECONDS).into(), (&node).into(), now.into()],
                |row| row.int(0),
            )
        })
        .await
}

/// Gives the silo back. Was more work announced meanwhile (the stamp moved on), it stays due.
async fn release(app: &App, tenant: TenantId, stamp: i64, next: Option<i64>) -> Result<()> {
    let tenant = tenant.to_string();
    app.hub()
        .write(move |sql| {
            let key = [Value::from(&tenant), stamp.into()];
            let done = match next {
                None => sql.run(r#"DELETE FROM "due" WHERE "tenant" = ?1 AND "stamp" = ?2"#, &key)?,
                Some(at) => sql.run(
                    r#"UPDATE "due" SET "at" = ?3, "lease_until" = NULL, "node" = NULL WHERE "tenant" = ?1 AND "stamp" = ?2"#,
                    &[(&tenant).into(), stamp.into(), at.into()],
                )?,
            };
            if done == 0 {
                sql.run(r#"UPDATE "due" SET "lease_until" = NULL, "node" = NULL WHERE "tenant" = ?1"#, &[(&tenant).into()])?;
            }
            Ok(())
        })
        .await
}

/// Gives a silo back to which nothing could be done for want of storage, so that its jobs need not wait for the end of its lease.
async fn let_go(app: &App, tenant: TenantId) {
    for _ in 0..LEASE_SECONDS {
        tokio::time::sleep(PAUSE).await;
        let (tenant, node) = (tenant.to_string(), app.node().to_owned());
        let free = r#"UPDATE "due" SET "lease_until" = NULL, "node" = NULL WHERE "tenant" = ?1 AND "node" = ?2"#;
        match app.hub().write(move |sql| sql.run(free, &[tenant.into(), node.into()])).await {
            Err(error) if error.is_of_storage() => {}
            // Anything else, and the lease ends by itself.
            _ => return,
        }
    }
}

/// Takes the next job that is due: ready, or left by a worker whose lease ran out. Only the oldest of a key may run.
async fn claim(silo: &Silo) -> Result<Option<Claimed>> {
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

async fn run(app: &App, silo: &Silo, job: Claimed, names: Tenant) -> Result<()> {
    let Some(kind) = app.job_kind(&job.kind) else {
        return finish(silo, &job, Some(Patience::Tries(0)), Err(Error::internal(format!("no module of this binary does {}", job.kind)))).await;
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
            return give_back(silo, &job).await;
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
    let was_cancelled = cancelled.load(std::sync::atomic::Ordering::Relaxed);
    match outcome {
        Err(_) if was_cancelled => finish(silo, &job, None, Ok(serde_json::Value::Null)).await,
        Ok(result) if was_cancelled => finish(silo, &job, None, Ok(result)).await,
        outcome => finish(silo, &job, Some(kind.patience), outcome).await,
    }
}

/// Puts back a job whose company was closed under it. It was no try: should the company be opened again, it begins anew.
async fn give_back(silo: &Silo, job: &Claimed) -> Result<()> {
    let now = Time::now();
    let end = End { id: job.id.clone(), attempt: job.attempt, counts: false, status: "ready", result: None, error: None, run_at: now, at: now };
    match silo.write(move |sql| end.write(sql)).await {
        // The company was deleted, and its jobs with it.
        Err(error) if error.code() == Code::NotFound => Ok(()),
        written => written,
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
        cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    }
    let (tenant, node) = (silo.id().to_string(), app.node().to_owned());
    app.hub()
        .write(move |sql| {
            sql.run(r#"UPDATE "due" SET "lease_until" = ?3 WHERE "tenant" = ?1 AND "node" = ?2"#, &[(&tenant).into(), (&node).into(), until.into()])
                .map(drop)
        })
        .await
}

/// Writes down how a try ended. Without `patience` somebody cancelled it. A try that failed because the storage was full or out of reach, or
/// because the server stopped, does not count. Where the end itself cannot be written for that, it waits until it can.
async fn finish(silo: &Silo, job: &Claimed, patience: Option<Patience>, outcome: Result<serde_json::Value>) -> Result<()> {
    let now = Time::now();
    let counts = !matches!(&outcome, Err(error) if error.is_of_storage() || error.name() == STOPPED);
    let (status, result, error, run_at) = match outcome {
        Ok(result) if patience.is_none() => ("cancelled", Some(result.to_string()), None, now),
        Ok(result) => ("done", Some(result.to_string()), None, now),
        Err(error) => {
            tracing::warn!(job = %job.id, kind = %job.kind, attempt = job.attempt, cause = error.cause().unwrap_or_default(), "{}", error.detail());
            let over = match patience {
                None => true,
                Some(Patience::Tries(most)) => job.attempt >= most,
                Some(Patience::Seconds(most)) => now >= job.created_at.plus_seconds(most),
            };
            let final_try = counts && (over || matches!(error.code(), Code::Denied | Code::NotFound | Code::Invalid));
            if final_try {
                tracing::error!(job = %job.id, kind = %job.kind, "this job is put aside as dead");
            }
            let again = if counts { backoff(now, job.attempt) } else { now.plus_seconds(1) };
            (if final_try { "dead" } else { "ready" }, None, Some(error.detail().to_owned()), again)
        }
    };
    let end = Arc::new(End { id: job.id.clone(), attempt: job.attempt, counts, status, result, error, run_at, at: now });
    loop {
        let this = end.clone();
        match silo.write(move |sql| this.write(sql)).await {
            Err(error) if error.is_of_storage() => tokio::time::sleep(PAUSE).await,
            written => return written,
        }
    }
}

/// How a try ended.
struct End {
    id: String,
    attempt: i64,
    /// Whether it was a try at all.
    counts: bool,
    status: &'static str,
    result: Option<String>,
    error: Option<String>,
    run_at: Time,
    at: Time,
}

impl End {
    fn write(&self, sql: &mut silo::Tx<'_>) -> Result<()> {
        let ended = self.status != "ready";
        sql.run(
            r#"UPDATE "jobs" SET "status" = ?3, "result" = CASE WHEN ?3 = 'ready' THEN "result" ELSE ?4 END, "error" = ?5, "run_at" = ?6, "lease_until" = NULL, "finished_at" = ?7,
  "progress" = CASE WHEN ?3 = 'done' THEN 100 ELSE "progress" END, "args" = CASE WHEN ?3 = 'done' THEN '{}' ELSE "args" END,
  "dedupe" = CASE WHEN ?8 THEN NULL ELSE "dedupe" END, "attempt" = ?9
WHERE "id" = ?1 AND "attempt" = ?2 AND "status" = 'running'"#,
            &[
                (&self.id).into(),
                self.attempt.into(),
                self.status.into(),
                self.result.as_deref().into(),
                self.error.as_deref().into(),
                self.run_at.into(),
                ended.then_some(self.at).into(),
                ended.into(),
                (self.attempt - i64::from(!self.counts)).into(),
            ],
        )
        .map(drop)
    }
}

/// 2 s, 4 s, 8 s ... up to an hour, each up to a fifth earlier or later so that failures do not march in step.
fn backoff(now: Time, attempt: i64) -> Time {
    let base = 2_000_000_i64.saturating_mul(1 << attempt.clamp(1, 11).saturating_sub(1)).min(3_600_000_000);
    let mut random = [0u8; 2];
    // Without randomness the delay is merely not spread.
    let _ = getrandom::fill(&mut random);
    let spread = i64::from(u16::from_be_bytes(random)) * base * 2 / 5 / 65_536 - base / 5;
    Time(now.0.saturating_add(base).saturating_add(spread))
}
