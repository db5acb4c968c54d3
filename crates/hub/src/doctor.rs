//! What can be wrong with an installation without a customer noticing it first, as far as its databases say it.

use crate::{audit, tenants};
use base::{Result, TenantId, Time};
use kernel::{App, migrations};
use serde::Serialize;

/// Work that is due for so long, in seconds, is not being done.
const STUCK: i64 = 600;
/// So far ahead of the clock, in seconds, nothing can have happened.
const SKEW: i64 = 60;
/// Tenants that are looked up in one question.
const PAGE: i64 = 500;

/// Something that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub ok: bool,
    pub detail: String,
    /// What to do about it; absent where nothing is wrong.
    pub mend: Option<String>,
}

pub fn good(check: &'static str, detail: impl Into<String>) -> Finding {
    Finding { check, ok: true, detail: detail.into(), mend: None }
}

pub fn bad(check: &'static str, detail: impl Into<String>, mend: impl Into<String>) -> Finding {
    Finding { check, ok: false, detail: detail.into(), mend: Some(mend.into()) }
}

/// Looks at the hub and at every tenant's database; with `quick` no further than to open each, else from end to end and into its log and
/// jobs.
pub async fn look(app: &App, quick: bool) -> Result<Vec<Finding>> {
    let mut found = of_place(app).await?;
    found.extend(of_hub(app, quick).await?);
    let (mut after, mut seen, mut wrong) = (String::new(), 0, 0);
    loop {
        let page = page(app, &after).await?;
        let Some(last) = page.last() else { break };
        after = last.id.to_string();
        for tenant in &page {
            let of_one = match tenant.status.as_str() {
                "deleted" => continue,
                "restoring" => vec![half_restored(tenant)],
                _ => of_tenant(app, tenant, quick).await?,
            };
            seen += 1;
            wrong += usize::from(!of_one.is_empty());
            found.extend(of_one);
        }
    }
    if wrong == 0 {
        found.push(good("tenants", format!("{seen} databases, each of them {}", if quick { "opens" } else { "whole" })));
    }
    found.extend(tenants::orphans(app).await?.into_iter().map(orphan));
    Ok(found)
}

struct Tenant {
    id: TenantId,
    slug: String,
    status: String,
    /// The last entry of its log that the hub has noted.
    noted: i64,
}

async fn page(app: &App, after: &str) -> Result<Vec<Tenant>> {
    let after = after.to_owned();
    app.hub()
        .scan(move |sql| {
            sql.rows(
                r#"SELECT t."id", t."slug", t."status", (SELECT MAX(c."seq") FROM "checkpoints" c WHERE c."tenant" = t."id") FROM "hub_tenants" t
WHERE t."id" > ?1 AND t."id" <> ?2 ORDER BY t."id" LIMIT ?3"#,
                &[(&after).into(), TenantId::HUB.to_string().into(), PAGE.into()],
                |row| {
                    Ok(Tenant {
                        id: row.text(0)?.parse()?,
                        slug: row.text(1)?.to_owned(),
                        status: row.text(2)?.to_owned(),
                        noted: row.opt_int(3)?.unwrap_or(0),
                    })
                },
            )
        })
        .await
}

/// The place where databases are kept.
async fn of_place(app: &App) -> Result<Vec<Finding>> {
    let warnings = app.silos().warnings().await?;
    if warnings.is_empty() {
        return Ok(vec![good("engine", if app.config().storage.silos.is_empty() { "SQLite files" } else { "PostgreSQL" })]);
    }
    Ok(warnings.into_iter().map(|(detail, mend)| bad("engine", detail, mend)).collect())
}

async fn of_hub(app: &App, quick: bool) -> Result<Vec<Finding>> {
    let mut found = vec![match app.silos().inspect(TenantId::HUB, !quick).await {
        Ok(_) => good("hub", "its database can be read"),
        Err(error) => bad("hub", error.to_string(), "Stop the server and put the hub's file back from the last snapshot of the data folder."),
    }];
    let here = app.clone();
    let (progress, failures) = app.hub().scan(move |sql| Ok((migrations::progress(&here, sql)?, migrations::failures(&here, sql, "", 20)?))).await?;
    for failure in &failures {
        found.push(bad(
            "migration",
            format!("{} could not be brought to this version and is served as it was ({} tries): {}", failure.slug, failure.tries, failure.problem),
            "Mend the records that are named, in the application itself, then: tenon migrate",
        ));
    }
    if failures.is_empty() {
        found.push(good(
            "migration",
            format!("{} of {} databases are at this version; the server goes on with the others", progress.migrated, progress.tenants),
        ));
    }
    found.extend(waiting(app).await?);
    found.extend(clock("hub", app.hub().scan(last_entry).await?));
    found.extend(dead("hub", app.hub().scan(dead_jobs).await?));
    Ok(found)
}

/// Work that is due and not being done, and mails that do not get away.
async fn waiting(app: &App) -> Result<Vec<Finding>> {
    let now = Time::now();
    let (due, mails) = app
        .hub()
        .scan(move |sql| {
            let due = r#"SELECT COUNT(*) FROM "due" WHERE "at" <= ?1 AND ("lease_until" IS NULL OR "lease_until" < ?2)"#;
            let due = sql.row(due, &[now.plus_seconds(-STUCK).into(), now.into()], |row| row.int(0))?.unwrap_or(0);
            let mails = r#"SELECT COUNT(*) FROM "jobs" WHERE "status" = 'ready' AND "kind" = 'account.mails.send' AND "attempt" > 0"#;
            Ok((due, sql.row(mails, &[], |row| row.int(0))?.unwrap_or(0)))
        })
        .await?;
    let mut found = Vec::new();
    if due > 0 {
        let detail = format!("{due} databases have had work waiting for more than {} minutes", STUCK / 60);
        found.push(bad("jobs", detail, "Is the server running? It takes them up by itself: tenon serve. Its log says what keeps it from doing so."));
    }
    if mails > 0 {
        let detail = format!("{mails} mails were turned away and are tried again");
        found.push(bad("mail", detail, "Look at mail.smtp_url and at the mail server; the server's log says what it answered."));
    }
    Ok(found)
}

async fn of_tenant(app: &App, tenant: &Tenant, quick: bool) -> Result<Vec<Finding>> {
    let slug = &tenant.slug;
    let restore =
        format!("Put the right file back, with its -wal; or make a company from the last backup: tenon tenant restore FILE --as {slug}-restored");
    let seq = match app.silos().inspect(tenant.id, !quick).await {
        Ok(seq) => seq,
        Err(error) => return Ok(vec![bad("silo", format!("{slug}: {}", error.cause().unwrap_or(error.detail())), restore)]),
    };
    if seq < tenant.noted {
        let detail =
            format!("{slug}: its log ends at entry {seq}, and the hub has seen entry {}: the end is missing, or this is an older file", tenant.noted);
        return Ok(vec![bad("silo", detail, restore)]);
    }
    if quick {
        return Ok(Vec::new());
    }
    let looked = async {
        let verified = audit::verify(app, tenant.id).await?;
        let silo = app.silo(tenant.id).await?;
        Ok::<_, base::Error>((verified, silo.scan(last_entry).await?, silo.scan(dead_jobs).await?))
    };
    let (verified, last, dead_ones) = match looked.await {
        Ok(looked) => looked,
        Err(error) => return Ok(vec![bad("silo", format!("{slug}: {error}"), restore)]),
    };
    let mut found = Vec::new();
    if let Some(broken) = verified.broken {
        let detail = format!("{slug}: entry {}: {}", broken.seq, broken.problem);
        found.push(bad("audit", detail, format!("Compare with a backup: tenon tenant restore FILE --as {slug}-before")));
    }
    found.extend(clock(slug, last));
    found.extend(dead(slug, dead_ones));
    Ok(found)
}

/// When the last entry of a log says that it was written.
fn last_entry(sql: &mut silo::Tx<'_>) -> Result<Option<i64>> {
    sql.row(r#"SELECT "at" FROM "events" ORDER BY "seq" DESC LIMIT 1"#, &[], |row| row.int(0))
}

fn clock(slug: &str, last: Option<i64>) -> Option<Finding> {
    let last = last.map(Time).filter(|last| *last > Time::now().plus_seconds(SKEW))?;
    let detail = format!("{slug}: its last entry was written at {last}, which has not come yet: the clock of this machine was changed, or is wrong");
    Some(bad("clock", detail, "Let the clock be set from the network: timedatectl set-ntp true"))
}

/// How many jobs were given up, and the kind and the error of the latest.
fn dead_jobs(sql: &mut silo::Tx<'_>) -> Result<Option<(i64, String, String)>> {
    let count = sql.row(r#"SELECT COUNT(*) FROM "jobs" WHERE "status" = 'dead'"#, &[], |row| row.int(0))?.unwrap_or(0);
    let latest = sql.row(r#"SELECT "kind", "error" FROM "jobs" WHERE "status" = 'dead' ORDER BY "id" DESC LIMIT 1"#, &[], |row| {
        Ok((row.text(0)?.to_owned(), row.opt_text(1)?.unwrap_or_default().to_owned()))
    })?;
    Ok(latest.map(|(kind, error)| (count, kind, error)))
}

fn dead(slug: &str, dead: Option<(i64, String, String)>) -> Option<Finding> {
    let (count, kind, error) = dead?;
    let detail = format!("{slug}: {count} jobs were given up; the latest is {kind}: {error}");
    Some(bad("jobs", detail, "Mend what the error says, then retry them: in the console under Jobs, or POST /api/v1/jobs/ID/retry"))
}

fn half_restored(tenant: &Tenant) -> Finding {
    let mend = format!("If nobody restores it now, restore it again: tenon tenant restore FILE --as {}", tenant.slug);
    bad("restore", format!("{}: it was begun, and is not there yet", tenant.slug), mend)
}

/// A database that no row of the hub leads to.
fn orphan(id: TenantId) -> Finding {
    let detail = format!("the database {} belongs to no company", id.hex());
    let mend = "A sign-up that is under way ends within a minute. Otherwise keep it elsewhere, with its -wal, and take it away from here.";
    bad("orphan", detail, mend)
}
