//! The node's side of jobs: looks for silos with work due, and works for a few of them at a time.

use super::{PAUSE, due, run};
use crate::app::App;
use base::{Code, Result, TenantId, Time};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use tokio::sync::Notify;

const POLL: Duration = Duration::from_secs(1);
/// Jobs that are done in one silo before others have their turn.
const SHARE: usize = 64;

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
    /// There is work, or room for it.
    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }
    pub(super) fn rest(&self) {
        *self.rests.lock() = Some(Instant::now() + PAUSE);
    }
    fn is_resting(&self) -> bool {
        self.rests.lock().is_some_and(|until| until > Instant::now())
    }
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
    let next = due::next(app, now).await?;
    let (due, later): (Vec<_>, Vec<_>) = next.into_iter().partition(|(_, at)| *at <= now.0);
    let pause = later.first().map_or(POLL, |(_, at)| Duration::from_micros((*at - now.0).unsigned_abs()).min(POLL));
    let due = due.iter().filter_map(|(id, _)| id.parse().ok());
    let fresh: Vec<TenantId> = due.filter(|id| !app.dispatch().busy.lock().contains(id)).take(room).collect();
    for tenant in fresh {
        tokio::spawn(take_turn(Working::begin(app, tenant)));
    }
    Ok(pause)
}

/// Works for one silo. What fails is tried again when its lease is over.
async fn take_turn(working: Working) {
    let (app, tenant) = (working.app.clone(), working.tenant);
    let done = work_for(&app, tenant).await;
    match &done {
        Ok(()) => {}
        Err(error) if error.is_of_storage() => {
            tracing::warn!(%tenant, %error, "the storage is full or out of reach: jobs wait");
            app.dispatch().rest();
            due::let_go(&app, tenant).await;
        }
        Err(error) => tracing::warn!(%tenant, %error, "working for a silo failed; it is tried again"),
    }
    drop(working);
    if done.is_ok() {
        app.dispatch().ring();
    }
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
    let Some(stamp) = due::lease(app, tenant).await? else { return Ok(()) };
    let silo = match app.silo(tenant).await {
        Ok(silo) => silo,
        // The silo is gone for good; so is its work.
        Err(error) if error.code() == Code::NotFound => return due::release(app, tenant, stamp, None).await,
        Err(error) => return Err(error),
    };
    let names = app.tenant_names(tenant).await?;
    // A bounded share, so that one busy silo does not keep the others waiting.
    for _ in 0..SHARE {
        if app.stop().is_rung() || !app.is_open(tenant).await? {
            break;
        }
        let Some(job) = run::claim(&silo).await? else { break };
        run::run(app, &silo, job, names.clone()).await?;
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
        Err(error) if error.code() == Code::NotFound => due::release(app, tenant, stamp, None).await,
        next => due::release(app, tenant, stamp, next?.flatten()).await,
    }
}
