//! Deleting a company for good. Who revokes writes the hub first: in one commit the company is deleted, its key is gone and nothing leads
//! into it any more. Then its database goes, then what the hub still says of it, then the bytes that were deleted. Each step may run twice;
//! a job carries them out and finishes what a crash left. What stays is the tombstone: id, slug and when.

use crate::tenants::{self, Tenant};
use account::{erasure, operators, proof};
use base::{Error, Result, TenantId, Time};
use http::StatusCode;
use kernel::{
    App, Call, Ctx, Operation, Reply, Tx,
    jobs::{Job, Running},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) const ERASE: &str = "hub.tenants.erase";
/// With an hour between the later ones: weeks in which somebody can mend what is in the way.
pub(crate) const TRIES: i64 = 1000;

pub(crate) fn operation() -> Operation {
    Operation::delete(
        "hub.tenants.delete",
        "hub/tenants/{id}",
        "Deletes a suspended tenant: its database, its key and all that is said of it. There is no way back, and its backups cannot be opened any more.",
    )
    .needs("hub.tenants:delete")
    .reads::<Deletion>()
    .answers::<Tenant>(StatusCode::OK)
    .run(delete)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Deletion {
    /// The slug of the tenant, typed once more.
    confirm: String,
    /// Your password.
    current: String,
}

async fn delete(cx: Ctx, call: Call) -> Result<Reply> {
    let person = proof::person(&cx)?.clone();
    let input: Deletion = call.json()?;
    let id = call.record_id()?.to_owned();
    let wanted = id.clone();
    let before = cx.read(move |tx| tenants::find(tx, &wanted)).await?;
    if input.confirm != before.slug {
        return Err(Error::fault("confirm", "mismatch", format!("Type {} to delete this tenant.", before.slug)));
    }
    proof::again(&cx, &person, &input.current).await?;
    cx.work_is_coming().await?;
    cx.finish(call, move |tx, _| Reply::json(&begin(tx, &id)?)).await
}

/// The first step, from whose commit on the company is deleted. Twice is the same as once.
fn begin(tx: &mut Tx<'_, '_>, id: &str) -> Result<Tenant> {
    let before = tenants::find(tx, id)?;
    match before.status.as_str() {
        "suspended" => {
            let tenant: TenantId = before.id.parse()?;
            let sql = r#"UPDATE "hub_tenants" SET "status" = 'deleted', "key" = NULL, "updated_at" = ?2 WHERE "id" = ?1"#;
            tx.sql().run(sql, &[(&before.id).into(), Time::now().into()])?;
            erasure::revoke(tx.sql(), tenant)?;
            let data = json!({ "before": { "status": before.status }, "after": { "status": "deleted" } });
            tx.emit("hub.tenant.deleted", &format!("hub.tenants/{}", before.id), &data)?;
        }
        "deleted" => {}
        _ => return Err(Error::conflict("not-suspended", "This tenant is at work. Suspend it first, and delete it when nobody has objected.")),
    }
    let job = Job::new(ERASE, json!({ "tenant": before.id }));
    tx.enqueue(job.once(format!("{ERASE}/{}", before.id)))?;
    tenants::find(tx, id)
}

/// The job: all steps after the first.
pub(crate) async fn erase_later(cx: Ctx, job: Running) -> Result<Value> {
    let tenant = job.args.get("tenant").and_then(Value::as_str).unwrap_or_default().parse()?;
    erase(cx.app(), tenant).await.map(|()| Value::Null)
}

/// Takes away what is left of a company that is deleted.
async fn erase(app: &App, tenant: TenantId) -> Result<()> {
    base::step("delete.revoked")?;
    app.destroy(tenant).await?;
    base::step("delete.taken-away")?;
    let id = tenant.to_string();
    app.hub().write(move |sql| forget(sql, tenant, &id)).await?;
    base::step("delete.forgotten")?;
    app.silos().wipe(TenantId::HUB).await
}

/// Erases what the hub says of a company, but for its tombstone.
fn forget(sql: &mut silo::Tx<'_>, tenant: TenantId, id: &str) -> Result<()> {
    let find = r#"SELECT "name" FROM "hub_tenants" WHERE "id" = ?1 AND "status" = 'deleted'"#;
    let Some(name) = sql.row(find, &[id.into()], |row| Ok(row.text(0)?.to_owned()))? else { return Ok(()) };
    let mut gone = erasure::erase(sql, tenant, &name)?;
    gone.push(id.to_owned());
    jobs(sql, &gone, &name)?;
    answers(sql, id)?;
    for erase in [
        r#"DELETE FROM "due" WHERE "tenant" = ?1"#,
        r#"DELETE FROM "checkpoints" WHERE "tenant" = ?1"#,
        r#"DELETE FROM "migration_failures" WHERE "tenant" = ?1"#,
        // The hash of each entry is over that of its content, so the chain still verifies.
        r#"UPDATE "events" SET "data" = NULL, "salt" = NULL WHERE "subject" = 'account.companies/' || ?1"#,
        r#"UPDATE "hub_tenants" SET "name" = '', "plan" = NULL, "region" = NULL, "onboarding" = NULL WHERE "id" = ?1"#,
    ] {
        sql.run(erase, &[id.into()])?;
    }
    Ok(())
}

/// Work of the hub that is about something that is gone, and work that is over and names the company, such as a mail that nobody took.
fn jobs(sql: &mut silo::Tx<'_>, gone: &[String], name: &str) -> Result<()> {
    let all = sql.rows(r#"SELECT "id", "args", "status" FROM "jobs" WHERE "args" <> '{}' AND "kind" <> ?1"#, &[ERASE.into()], |row| {
        Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), matches!(row.text(2)?, "dead" | "cancelled")))
    })?;
    for (job, args, over) in all {
        let args: Value = serde_json::from_str(&args).map_err(Error::internal)?;
        let says = |text: &str| args.as_object().is_some_and(|args| args.values().any(|value| value.as_str() == Some(text)));
        if gone.iter().any(|id| says(id)) || (over && !name.is_empty() && says(name)) {
            sql.run(r#"DELETE FROM "jobs" WHERE "id" = ?1"#, &[job.into()])?;
        }
    }
    Ok(())
}

/// Answers about the company that are kept for retries.
fn answers(sql: &mut silo::Tx<'_>, id: &str) -> Result<()> {
    let all = sql.rows(r#"SELECT "key", "answer" FROM "idempotency""#, &[], |row| {
        let about = row.blob(1)?.windows(id.len()).any(|part| part == id.as_bytes());
        about.then(|| row.blob(0).map(<[u8]>::to_vec)).transpose()
    })?;
    for key in all.into_iter().flatten() {
        sql.run(r#"DELETE FROM "idempotency" WHERE "key" = ?1"#, &[key.as_slice().into()])?;
    }
    Ok(())
}

/// Deletes a tenant from the command line, all steps at once. A server that runs beside carries the job out too, and lets go of its files.
pub async fn by_command_line(app: &App, slug: &str) -> Result<Tenant> {
    let all = tenants::all(app).await?;
    let found = all.iter().find(|tenant| tenant.slug == slug).map(|tenant| tenant.id.clone());
    let id = found.ok_or_else(|| tenants::unknown(slug, &all))?;
    let cx = operators::in_hub(app).await?;
    cx.work_is_coming().await?;
    let deleted = cx.write(move |tx| begin(tx, &id)).await?;
    erase(app, deleted.id.parse()?).await?;
    Ok(deleted)
}
