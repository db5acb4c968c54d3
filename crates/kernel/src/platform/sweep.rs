//! Bringing every silo to this version. A silo that is opened is migrated then and there; this finds those that nobody opens, in the
//! background after a start, or at once for `tenon migrate`.
//!
//! How far it is stands in the hub: each tenant has the stamp of the declarations that its silo was last brought up to. Where all stamps are
//! this binary's, a start asks two questions of an index and opens nothing. A sweep that was stopped or killed leaves nothing to clean up: the
//! next one takes what has another stamp. What fails is written down with its reason and tried again, later each time.

use crate::{app::App, behind::AGAIN};
use base::{Code, Error, Result, TenantId, Time, Value};
use futures_util::{StreamExt, stream};
use schemars::JsonSchema;
use serde::Serialize;
use silo::Tx;
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// How often somebody looks whether a failed migration is to be tried again.
const LOOK: Duration = Duration::from_secs(20);
/// Stamps that are written in one unit; a kill costs at most so many openings again.
const AT_ONCE: usize = 16;
/// Each further try after a failure comes twice as late, up to so many seconds.
const AGAIN_AT_MOST: i64 = 3600;
/// Comes after every stamp and after every id, which are hexadecimal.
const LAST: &str = "z";

/// How a sweep goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Beside requests: one at a time, at rest for six sevenths of the time, and what has just failed waits for its time.
    Background,
    /// As fast as it goes, and once more what has failed.
    AtOnce,
}

/// How far this installation is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Progress {
    /// Names what this binary declares: the same for two binaries whose modules have the same versions and tables.
    pub stamp: String,
    /// Whether this server is at work on it now.
    pub running: bool,
    /// Databases that are at this version ..
    pub migrated: u64,
    /// .. of so many.
    pub tenants: u64,
    /// Those whose migration was tried and failed. They are served as they were, see `failures`.
    pub failed: u64,
    /// Databases a minute, while it runs.
    pub per_minute: Option<u64>,
    /// How long it will take at this pace.
    pub seconds_left: Option<u64>,
}

/// A silo that could not be brought to this version.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Failure {
    pub tenant: String,
    pub slug: String,
    pub problem: String,
    pub tries: i64,
    pub since: String,
    /// When it is tried again by itself.
    pub again_at: String,
}

/// What the sweep of this process has done, for who asks while it runs.
#[derive(Default)]
pub(crate) struct Sweep {
    running: AtomicBool,
    done: AtomicU64,
    began: parking_lot::Mutex<Option<Instant>>,
}

impl Sweep {
    fn begin(&self) {
        *self.began.lock() = Some(Instant::now());
        self.done.store(0, Relaxed);
        self.running.store(true, Relaxed);
    }

    fn per_minute(&self) -> Option<u64> {
        let elapsed = self.began.lock().filter(|_| self.running.load(Relaxed))?.elapsed().as_millis();
        let done = u128::from(self.done.load(Relaxed));
        (done > 0).then(|| u64::try_from(done * 60_000 / elapsed.max(1)).unwrap_or(u64::MAX))
    }
}

/// Sweeps once, then looks from time to time for what is to be tried again, until the end.
pub(crate) async fn keep_migrating(app: App) {
    if let Err(error) = sweep(&app, Pace::Background, |_| {}).await {
        tracing::warn!(%error, "not all databases could be looked at; the next start goes on");
    }
    loop {
        tokio::select! {
            () = app.stop().rung() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Err(error) = try_again(&app).await {
            tracing::warn!(%error, "what could not be migrated could not be tried again");
        }
    }
}

/// Goes over all silos that have another stamp, and says how far the installation is then. `tell` hears of the progress now and then.
pub(crate) async fn sweep(app: &App, pace: Pace, tell: impl Fn(&Progress)) -> Result<Progress> {
    app.sweep().begin();
    let swept = over_all(app, pace, &tell).await;
    app.sweep().running.store(false, Relaxed);
    swept?;
    how_far(app).await
}

async fn over_all(app: &App, pace: Pace, tell: &impl Fn(&Progress)) -> Result<()> {
    let stamp = app.stamp().to_owned();
    let (mut told, mut any) = (Instant::now(), false);
    // What has an earlier stamp in the order of texts, then what has a later one: both are found by the index.
    for (from, to) in [("", stamp.as_str()), (stamp.as_str(), LAST)] {
        let mut place = (from.to_owned(), if from.is_empty() { String::new() } else { LAST.to_owned() });
        while !app.stop().is_rung() {
            let page = page(app, &place, to).await?;
            let Some(last) = page.last() else { break };
            place = (last.stamp.clone(), last.id.clone());
            if !any {
                any = true;
                tell_log(app, "databases are brought to this version").await?;
            }
            for some in page.chunks(AT_ONCE) {
                migrate_some(app, some, pace).await?;
                if told.elapsed() > Duration::from_secs(1) {
                    told = Instant::now();
                    tell(&how_far(app).await?);
                }
                if app.stop().is_rung() {
                    break;
                }
            }
        }
    }
    if any { tell_log(app, "all databases were looked at").await } else { Ok(()) }
}

async fn tell_log(app: &App, what: &str) -> Result<()> {
    let Progress { migrated, tenants, failed, .. } = how_far(app).await?;
    tracing::info!(migrated, tenants, failed, "{what}");
    Ok(())
}

/// A tenant whose silo has another stamp.
#[derive(Clone)]
struct Candidate {
    id: String,
    stamp: String,
    /// A try with this binary's declarations has failed, and the next one is not due yet.
    waits: bool,
}

async fn page(app: &App, place: &(String, String), to: &str) -> Result<Vec<Candidate>> {
    let (place, to, mine) = (place.clone(), to.to_owned(), app.stamp().to_owned());
    app.hub()
        .scan(move |sql| {
            sql.rows(
                r#"SELECT t."id", t."stamp", f."tenant" FROM "hub_tenants" t
LEFT JOIN "migration_failures" f ON f."tenant" = t."id" AND f."stamp" = ?4 AND f."again_at" > ?5
WHERE (t."stamp", t."id") > (?1, ?2) AND t."stamp" < ?3 AND t."status" NOT IN ('deleted', 'restoring') AND t."id" <> ?6 ORDER BY t."stamp", t."id" LIMIT 128"#,
                &[(&place.0).into(), (&place.1).into(), (&to).into(), (&mine).into(), Time::now().into(), TenantId::HUB.to_string().into()],
                |row| Ok(Candidate { id: row.text(0)?.to_owned(), stamp: row.text(1)?.to_owned(), waits: row.opt_text(2)?.is_some() }),
            )
        })
        .await
}

async fn migrate_some(app: &App, some: &[Candidate], pace: Pace) -> Result<()> {
    let abreast = if pace == Pace::Background { 1 } else { 4 };
    let ids: Vec<TenantId> = some.iter().filter(|one| pace == Pace::AtOnce || !one.waits).filter_map(|one| one.id.parse().ok()).collect();
    let outcomes: Vec<(TenantId, Result<()>)> =
        stream::iter(ids).map(|id| async move { (id, at_pace(app, pace, migrate_one(app, id)).await) }).buffer_unordered(abreast).collect().await;
    app.sweep().done.fetch_add(outcomes.len() as u64, Relaxed);
    write_down(app, outcomes).await
}

/// Does it, and in the background rests for six times as long as that took, or a second.
async fn at_pace<T>(app: &App, pace: Pace, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    if pace == Pace::Background {
        tokio::select! {
            () = app.stop().rung() => {}
            () = tokio::time::sleep((began.elapsed() * 6).min(Duration::from_secs(1))) => {}
        }
    }
    done
}

/// Opens a silo beside whoever uses it, unless it is open here and was migrated then. A module that stayed as it was is a failure too.
async fn migrate_one(app: &App, id: TenantId) -> Result<()> {
    if app.stop().is_rung() {
        return Err(Error::unavailable("The server stops."));
    }
    if app.behind().problem(id).is_none() && app.silos().if_open(id).is_some() {
        return Ok(());
    }
    match app.silos().visit(id).await {
        Err(error) if error.code() == Code::NotFound => Err(app.silos().quarantine(id, "its database is not there")),
        Err(error) => Err(error),
        Ok(()) => app.behind().problem(id).map_or(Ok(()), |problem| Err(Error::conflict("migration", problem))),
    }
}

async fn write_down(app: &App, outcomes: Vec<(TenantId, Result<()>)>) -> Result<()> {
    // Those that were not looked at because the server stops have not failed.
    let outcomes: Vec<_> = outcomes.into_iter().filter(|(_, outcome)| outcome.is_ok() || !app.stop().is_rung()).collect();
    if outcomes.is_empty() {
        return Ok(());
    }
    let stamp = app.stamp().to_owned();
    app.hub()
        .write(move |sql| {
            outcomes.iter().try_for_each(|(tenant, outcome)| match outcome {
                Ok(()) => succeeded(sql, *tenant, &stamp),
                Err(error) => failed(sql, *tenant, &stamp, error),
            })
        })
        .await
}

fn succeeded(sql: &mut Tx<'_>, tenant: TenantId, stamp: &str) -> Result<()> {
    let id = tenant.to_string();
    sql.run(r#"UPDATE "hub_tenants" SET "stamp" = ?2 WHERE "id" = ?1"#, &[(&id).into(), stamp.into()])?;
    sql.run(r#"DELETE FROM "migration_failures" WHERE "tenant" = ?1"#, &[(&id).into()]).map(drop)
}

fn failed(sql: &mut Tx<'_>, tenant: TenantId, stamp: &str, error: &Error) -> Result<()> {
    let (id, now) = (tenant.to_string(), Time::now());
    let tries =
        sql.row(r#"SELECT "tries" FROM "migration_failures" WHERE "tenant" = ?1 AND "stamp" = ?2"#, &[(&id).into(), stamp.into()], |row| row.int(0))?;
    let tries = tries.unwrap_or(0) + 1;
    let wait = i64::from(AGAIN).saturating_mul(1 << tries.clamp(1, 10).saturating_sub(1)).min(AGAIN_AT_MOST);
    sql.run(
        r#"INSERT INTO "migration_failures" ("tenant", "stamp", "problem", "tries", "since", "at", "again_at") VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
ON CONFLICT ("tenant") DO UPDATE SET "stamp" = excluded."stamp", "problem" = excluded."problem", "tries" = excluded."tries", "at" = excluded."at", "again_at" = excluded."again_at""#,
        &[(&id).into(), stamp.into(), error.to_string().into(), tries.into(), now.into(), now.plus_seconds(wait).into()],
    )
    .map(drop)
}

/// Tries again what is due; and what this process knows to be behind and the hub does not: `tenon migrate` may have mended it meanwhile, or it
/// has come by a restore.
pub(crate) async fn try_again(app: &App) -> Result<()> {
    let (known, mine) = (app.behind().tenants(), app.stamp().to_owned());
    let due: Vec<TenantId> = app
        .hub()
        .scan(move |sql| {
            let due = r#"SELECT "tenant" FROM "migration_failures" WHERE "again_at" <= ?1 ORDER BY "again_at" LIMIT 64"#;
            let mut due = sql.rows(due, &[Time::now().into()], |row| row.text(0).map(str::to_owned))?;
            let unheard = r#"SELECT t."id" FROM "hub_tenants" t LEFT JOIN "migration_failures" f ON f."tenant" = t."id" AND f."stamp" = ?2
WHERE t."id" = ?1 AND (t."stamp" = ?2 OR f."tenant" IS NULL)"#;
            for id in known {
                due.extend(sql.row(unheard, &[id.to_string().into(), (&mine).into()], |row| row.text(0).map(str::to_owned))?);
            }
            Ok(due)
        })
        .await?
        .iter()
        .filter_map(|id| id.parse().ok())
        .collect();
    for id in due {
        if app.stop().is_rung() {
            return Ok(());
        }
        let outcome = migrate_one(app, id).await;
        write_down(app, vec![(id, outcome)]).await?;
    }
    Ok(())
}

/// How far the installation is, as the hub knows it.
pub(crate) async fn how_far(app: &App) -> Result<Progress> {
    let here = app.clone();
    app.hub().scan(move |sql| progress(&here, sql)).await
}

/// The same in a transaction of the hub.
pub fn progress(app: &App, sql: &mut Tx<'_>) -> Result<Progress> {
    let stamp = app.stamp();
    let counted = sql.row(
        r#"SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN t."stamp" = ?1 THEN 1 ELSE 0 END), 0) AS BIGINT), COUNT(f."tenant") FROM "hub_tenants" t
LEFT JOIN "migration_failures" f ON f."tenant" = t."id" AND f."stamp" = ?1 WHERE t."status" NOT IN ('deleted', 'restoring') AND t."id" <> ?2"#,
        &[stamp.into(), TenantId::HUB.to_string().into()],
        |row| Ok((row.int(0)?, row.int(1)?, row.int(2)?)),
    )?;
    let (tenants, migrated, failed) = counted.unwrap_or_default();
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let per_minute = app.sweep().per_minute();
    let left = count(tenants - migrated - failed);
    Ok(Progress {
        stamp: stamp.to_owned(),
        running: app.sweep().running.load(Relaxed),
        migrated: count(migrated),
        tenants: count(tenants),
        failed: count(failed),
        per_minute,
        seconds_left: per_minute.map(|pace| left.saturating_mul(60) / pace.max(1)),
    })
}

/// The silos that could not be brought to this version, by tenant, after the given one.
pub fn failures(app: &App, sql: &mut Tx<'_>, after: &str, limit: usize) -> Result<Vec<Failure>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    sql.rows(
        r#"SELECT f."tenant", t."slug", f."problem", f."tries", f."since", f."again_at" FROM "migration_failures" f JOIN "hub_tenants" t ON t."id" = f."tenant"
WHERE f."tenant" > ?1 AND f."stamp" = ?2 ORDER BY f."tenant" LIMIT ?3"#,
        &[Value::from(after), app.stamp().into(), limit.into()],
        |row| {
            Ok(Failure {
                tenant: row.text(0)?.to_owned(),
                slug: row.text(1)?.to_owned(),
                problem: row.text(2)?.to_owned(),
                tries: row.int(3)?,
                since: Time(row.int(4)?).to_string(),
                again_at: Time(row.int(5)?).to_string(),
            })
        },
    )
}
