//! The tenants of this installation, for the operator.

use crate::deletion;
use account::operators;
use base::{Error, Result, TenantId, Time};
use http::StatusCode;
use kernel::{App, Operation, Reply, Tx, json};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;

/// A tenant as the operator sees it: names, state and place, nothing of what is inside.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tenant {
    pub id: String,
    pub slug: String,
    pub name: String,
    /// `active`, `suspended`, `restoring` (from a backup, and not there yet), or `deleted`: then its name is empty, and its slug is never given
    /// to another.
    pub status: String,
    /// Where its database is: `sqlite` or `postgres`.
    pub placement: String,
    pub plan: Option<String>,
    pub region: Option<String>,
    pub created_at: String,
}

impl Tenant {
    /// Whether its database can be opened: neither gone nor still being made.
    pub fn is_there(&self) -> bool {
        !["deleted", "restoring"].contains(&self.status.as_str())
    }
}

#[derive(Serialize, JsonSchema)]
struct Tenants {
    items: Vec<Tenant>,
    next: Option<String>,
}

const COLUMNS: &str = r#""id", "slug", "name", "status", "placement", "plan", "region", "created_at""#;

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("hub.tenants.list", "hub/tenants", "The tenants, by slug.")
            .needs("hub.tenants:read")
            .param("limit", "1 to 200; 50 where it is absent.")
            .param("after", "A slug: only tenants that come after it.")
            .param("q", "Only slugs that begin like this.")
            .answers::<Tenants>(StatusCode::OK)
            .scan(|tx, call| {
                call.only_query(&["limit", "after", "q"])?;
                let limit = call.limit()?;
                let (after, begin) = (call.query("after").unwrap_or_default(), call.query("q").unwrap_or_default());
                let mut items = tx.sql().rows(
                    &format!(
                        r#"SELECT {COLUMNS} FROM "hub_tenants" WHERE "placement" <> 'hub' AND "slug" > ?1 AND "slug" >= ?2 AND "slug" < ?3 ORDER BY "slug" LIMIT {}"#,
                        limit + 1
                    ),
                    // No slug has a character that comes after this one.
                    &[after.into(), begin.into(), format!("{begin}\u{10ffff}").into()],
                    show,
                )?;
                let next = if items.len() > limit { items.get(limit - 1).map(|last| last.slug.clone()) } else { None };
                items.truncate(limit);
                Reply::json(&Tenants { items, next })
            }),
        Operation::get("hub.tenants.get", "hub/tenants/{id}", "One tenant.").needs("hub.tenants:read").answers::<Tenant>(StatusCode::OK).read(
            |tx, call| {
                let tenant = find(tx, call.record_id()?)?;
                Reply::json(&tenant)
            },
        ),
        status("suspend", "suspended", "Locks a tenant: nobody in it gets an answer until it is activated again."),
        status("activate", "active", "Opens a suspended tenant again."),
        deletion::operation(),
    ]
}

fn status(verb: &'static str, status: &'static str, about: &str) -> Operation {
    Operation::post(&format!("hub.tenants.{verb}"), &format!("hub/tenants/{{id}}/{verb}"), about)
        .needs("hub.tenants:update")
        .answers::<Tenant>(StatusCode::OK)
        .write(move |tx, call| Reply::json(&put_status(tx, call.record_id()?, status)?))
}

fn put_status(tx: &mut Tx<'_, '_>, id: &str, status: &str) -> Result<Tenant> {
    let before = find(tx, id)?;
    if before.status == "deleted" {
        return Err(Error::conflict("deleted", "This tenant was deleted."));
    }
    if before.status == "restoring" {
        return Err(Error::conflict("restoring", "This tenant is being restored from a backup."));
    }
    if before.status == status {
        return Ok(before);
    }
    let sql = r#"UPDATE "hub_tenants" SET "status" = ?2, "updated_at" = ?3 WHERE "id" = ?1"#;
    tx.sql().run(sql, &[id.into(), status.into(), Time::now().into()])?;
    let data = serde_json::json!({ "before": { "status": before.status }, "after": { "status": status } });
    let event = if status == "active" { "hub.tenant.activated" } else { "hub.tenant.suspended" };
    tx.emit(event, &format!("hub.tenants/{id}"), &data)?;
    find(tx, id)
}

pub(crate) fn find(tx: &mut Tx<'_, '_>, id: &str) -> Result<Tenant> {
    let sql = format!(r#"SELECT {COLUMNS} FROM "hub_tenants" WHERE "id" = ?1 AND "placement" <> 'hub'"#);
    tx.sql().row(&sql, &[id.into()], show)?.ok_or_else(Error::not_found)
}

fn show(row: &silo::Row<'_>) -> Result<Tenant> {
    Ok(Tenant {
        id: row.text(0)?.to_owned(),
        slug: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        status: row.text(3)?.to_owned(),
        placement: row.text(4)?.to_owned(),
        plan: row.opt_text(5)?.map(str::to_owned),
        region: row.opt_text(6)?.map(str::to_owned),
        created_at: Time(row.int(7)?).to_string(),
    })
}

/// All tenants, for the command line.
pub async fn all(app: &App) -> Result<Vec<Tenant>> {
    app.hub().scan(|sql| sql.rows(&format!(r#"SELECT {COLUMNS} FROM "hub_tenants" WHERE "placement" <> 'hub' ORDER BY "slug""#), &[], show)).await
}

/// Silos that no tenant belongs to, and no sign-up or restore that is under way: what something that broke off has left.
pub async fn orphans(app: &App) -> Result<Vec<TenantId>> {
    let there = app.silos().all().await?;
    let find = r#"SELECT "id" FROM "hub_tenants" UNION SELECT "tenant" FROM "links" WHERE "kind" IN ('verify', 'company') AND "status" = 'working' AND "tenant" IS NOT NULL"#;
    let known = app.hub().scan(move |sql| sql.rows(find, &[], |row| row.text(0)?.parse::<TenantId>())).await?;
    let known: HashSet<TenantId> = known.into_iter().collect();
    Ok(there.into_iter().filter(|id| !id.is_hub() && !known.contains(id)).collect())
}

/// A tenant by its slug. The operator's own is `hub`.
pub async fn by_slug(app: &App, slug: &str) -> Result<(TenantId, kernel::ctx::Tenant)> {
    if slug == "hub" {
        return Ok((TenantId::HUB, app.tenant_names(TenantId::HUB).await?));
    }
    let all = all(app).await?;
    if all.iter().any(|tenant| tenant.slug == slug && tenant.status == "deleted") {
        return Err(Error::gone("deleted", format!("The tenant {slug} was deleted.")));
    }
    let found = all.iter().find(|tenant| tenant.slug == slug && tenant.is_there());
    let found = found.ok_or_else(|| unknown(slug, &all))?;
    Ok((found.id.parse()?, kernel::ctx::Tenant { slug: found.slug.clone(), name: found.name.clone() }))
}

pub(crate) fn unknown(slug: &str, all: &[Tenant]) -> Error {
    Error::fault("tenant", "unknown", json::unknown("tenant", slug, all.iter().map(|t| t.slug.as_str())))
}

/// Locks a tenant, or opens it again, from the command line.
pub async fn suspend(app: &App, slug: &str, locked: bool) -> Result<Tenant> {
    let (id, _) = by_slug(app, slug).await?;
    if id.is_hub() {
        return Err(Error::conflict("hub", "The operator's own silo is not a tenant."));
    }
    let cx = operators::in_hub(app).await?;
    cx.write(move |tx| put_status(tx, &id.to_string(), if locked { "suspended" } else { "active" })).await
}
