//! The hub's rows about silos that have work due: who comes when, and who works there now.

use super::{LEASE_SECONDS, PAUSE};
use crate::app::App;
use base::{Result, TenantId, Time, Value};

/// Notes that a silo has work, at the latest then.
pub async fn lower(app: &App, tenant: TenantId, at: Time) -> Result<()> {
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

/// The next silos that nobody works for, and when their work is due.
pub async fn next(app: &App, now: Time) -> Result<Vec<(String, i64)>> {
    app.hub()
        .scan(move |sql| {
            sql.rows(
                // A company that is suspended has work due, and nobody does it.
                r#"SELECT d."tenant", d."at" FROM "due" d LEFT JOIN "hub_tenants" t ON t."id" = d."tenant"
WHERE (d."lease_until" IS NULL OR d."lease_until" < ?1) AND COALESCE(t."status", 'active') = 'active' ORDER BY d."at", d."tenant" LIMIT 64"#,
                &[now.into()],
                |row| Ok((row.text(0)?.to_owned(), row.int(1)?)),
            )
        })
        .await
}

/// Takes a silo with due work for this node, and says the stamp under which it is given back. `None`: somebody else was faster.
pub async fn lease(app: &App, tenant: TenantId) -> Result<Option<i64>> {
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
pub async fn release(app: &App, tenant: TenantId, stamp: i64, next: Option<i64>) -> Result<()> {
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

/// Keeps a silo until then.
pub async fn hold(app: &App, tenant: TenantId, until: Time) -> Result<()> {
    let (tenant, node) = (tenant.to_string(), app.node().to_owned());
    app.hub()
        .write(move |sql| {
            sql.run(r#"UPDATE "due" SET "lease_until" = ?3 WHERE "tenant" = ?1 AND "node" = ?2"#, &[(&tenant).into(), (&node).into(), until.into()])
                .map(drop)
        })
        .await
}

/// Gives a silo back to which nothing could be done for want of storage, so that its jobs need not wait for the end of its lease.
pub async fn let_go(app: &App, tenant: TenantId) {
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
