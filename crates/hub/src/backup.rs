//! A tenant as a file: backups, restores into a new silo, and exports that anybody can read. A backup is a SQLite file on either engine.

mod sealed;

use crate::{audit, tenants};
use base::{Error, Result, TenantId, Time};
use kernel::{App, Call, Ctx, Door, ctx::Tenant, schema};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

/// Writes a backup while the tenant goes on working; returns its size in bytes.
pub async fn write(app: &App, tenant: TenantId, to: &Path, plain: bool) -> Result<u64> {
    if to.exists() {
        return Err(Error::malformed("exists", format!("{} is there already. Choose another name.", to.display())));
    }
    // Under its name it appears whole or not at all.
    let scratch = tempfile::tempdir_in(folder_of(to))?;
    let file = scratch.path().join("silo.sqlite");
    app.silos().backup(tenant, file.clone()).await?;
    base::step("backup.copied")?;
    let whole = if plain {
        file
    } else {
        let key = sealed::data_key(app, tenant).await?;
        let draft = scratch.path().join("sealed");
        sealed::seal(&key, tenant, &file, &draft)?;
        base::step("backup.sealed")?;
        draft
    };
    std::fs::rename(&whole, to)?;
    base::step("backup.named")?;
    File::open(folder_of(to))?.sync_all()?;
    Ok(std::fs::metadata(to)?.len())
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What a restore made.
#[derive(Debug, Serialize)]
pub struct Restored {
    pub tenant: String,
    pub slug: String,
    pub origin: String,
    pub entries: i64,
}

/// Makes a new tenant from a backup. The one it was taken from is not touched. The hub knows first that it is being made, and last that
/// it is there: what a crash leaves in between is taken back when the same slug is asked for again.
pub async fn restore(app: &App, from: &Path, slug: &str) -> Result<Restored> {
    check_slug(app, slug).await?;
    let tenant = TenantId::new();
    for old in claim(app, tenant, slug).await? {
        base::step("restore.taken-over")?;
        take_back(app, old).await?;
    }
    base::step("restore.claimed")?;
    let restored = make(app, from, tenant, slug).await;
    if restored.is_err() {
        take_back(app, tenant).await?;
    }
    restored
}

/// Writes down that this tenant is being restored. Returns those whose restore under this slug broke off: they are called by their id from
/// now on, so that none of them can come to its end any more, and are returned until they are gone.
async fn claim(app: &App, tenant: TenantId, slug: &str) -> Result<Vec<TenantId>> {
    let (id, slug, placement) = (tenant.to_string(), slug.to_owned(), app.placement());
    let make = r#"INSERT INTO "hub_tenants" ("id", "slug", "name", "status", "placement", "created_at", "updated_at") VALUES (?1, ?2, ?2, 'restoring', ?4, ?3, ?3)"#;
    app.hub()
        .write(move |sql| {
            let broken = r#"UPDATE "hub_tenants" SET "slug" = "id" WHERE "status" = 'restoring' AND ("slug" = ?1 OR "slug" = "id") RETURNING "id""#;
            let old = sql.rows(broken, &[(&slug).into()], |row| row.text(0)?.parse())?;
            sql.run(make, &[(&id).into(), (&slug).into(), Time::now().into(), placement.into()])?;
            Ok(old)
        })
        .await
}

/// Nothing stays of a restore that did not come to its end. Twice is the same as once.
async fn take_back(app: &App, tenant: TenantId) -> Result<()> {
    app.silos().destroy(tenant).await?;
    let gone = r#"DELETE FROM "hub_tenants" WHERE "id" = ?1 AND "status" = 'restoring'"#;
    app.hub().write(move |sql| sql.run(gone, &[tenant.to_string().into()]).map(drop)).await
}

async fn make(app: &App, from: &Path, tenant: TenantId, slug: &str) -> Result<Restored> {
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("silo.sqlite");
    sealed::unpack(app, from, &file).await?;
    let id = tenant.to_string();
    let silo = app
        .silos()
        .restore(tenant, &schema::SILO, file, move |sql| {
            sql.run(r#"UPDATE "meta" SET "tenant" = ?1, "epoch" = "epoch" + 1 WHERE "one" = 1"#, &[(&id).into()])?;
            kernel::unseal(sql)?;
            // Work that was under way belongs to the original.
            sql.run(r#"UPDATE "jobs" SET "status" = 'cancelled', "lease_until" = NULL WHERE "status" IN ('ready', 'running')"#, &[]).map(drop)
        })
        .await?;
    let Looked { origin, members, entries } = look(app, tenant, &silo).await?;
    base::step("restore.looked-at")?;
    let cx = Ctx::of_command_line(app, tenant, Tenant { slug: slug.to_owned(), name: slug.to_owned() }).await?;
    let data = json!({ "after": { "slug": slug, "origin": origin, "entries": entries } });
    cx.write(move |tx| tx.emit("hub.tenant.restored", &format!("hub.tenants/{}", tx.tenant_id()), &data).map(drop)).await?;
    base::step("restore.told")?;
    let (id, name) = (tenant.to_string(), slug.to_owned());
    let stamp = if app.not_migrated(tenant).is_none() { app.stamp().to_owned() } else { String::new() };
    app.hub()
        .write(move |sql| {
            let there =
                r#"UPDATE "hub_tenants" SET "status" = 'active', "stamp" = ?4, "updated_at" = ?3 WHERE "id" = ?1 AND "slug" = ?2 AND "status" = 'restoring'"#;
            if sql.run(there, &[(&id).into(), (&name).into(), Time::now().into(), (&stamp).into()])? == 0 {
                return Err(Error::conflict("restored-again", "Somebody else has begun to restore under this slug."));
            }
            for (member, user, status, role) in &members {
                // Only people whom this installation knows can have a seat here.
                sql.run(
                    r#"INSERT INTO "user_tenants" ("user", "tenant", "member", "status", "roles", "used_at") SELECT "id", ?2, ?3, ?4, ?5, ?6 FROM "users" WHERE "id" = ?1
ON CONFLICT ("user", "tenant") DO UPDATE SET "roles" = "user_tenants"."roles" || ' ' || excluded."roles""#,
                    &[user.into(), (&id).into(), member.into(), status.into(), role.into(), 0i64.into()],
                )?;
            }
            Ok(())
        })
        .await?;
    Ok(Restored { tenant: tenant.to_string(), slug: slug.to_owned(), origin, entries })
}

/// What a restored silo says about itself.
struct Looked {
    origin: String,
    /// Id, user, status and role of each.
    members: Vec<(String, String, String, String)>,
    entries: i64,
}

/// Looks whether a silo that came out of a file is whole.
async fn look(app: &App, tenant: TenantId, silo: &silo::Silo) -> Result<Looked> {
    let (origin, members) = silo
        .scan(|sql| {
            for table in schema::SILO.ddl.split("CREATE TABLE \"").skip(1).filter_map(|rest| rest.split('"').next()) {
                sql.row(&format!(r#"SELECT 1 FROM "{table}" LIMIT 1"#), &[], |_| Ok(()))
                    .map_err(|cause| Error::malformed("backup", format!("The table {table} is missing in this backup. Nothing was made of it.")).with_cause(cause))?;
            }
            let origin = sql.row(r#"SELECT "origin" FROM "meta" WHERE "one" = 1"#, &[], |row| Ok(row.text(0)?.to_owned()))?.unwrap_or_default();
            let members = sql.rows(
                r#"SELECT m."id", m."user", m."status", r."role" FROM "members" m LEFT JOIN "member_roles" r ON r."member" = m."id" ORDER BY m."id", r."role""#,
                &[],
                |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.text(2)?.to_owned(), row.opt_text(3)?.unwrap_or_default().to_owned())),
            )?;
            Ok((origin, members))
        })
        .await?;
    let found = audit::verify(app, tenant).await?;
    match found.broken {
        None => Ok(Looked { origin, members, entries: found.entries }),
        Some(broken) => Err(Error::malformed(
            "broken-log",
            format!("The log in this backup is broken at entry {}: {}. Nothing was made of it.", broken.seq, broken.problem),
        )),
    }
}

async fn check_slug(app: &App, slug: &str) -> Result<()> {
    let plain =
        (1..=40).contains(&slug.len()) && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') && !slug.starts_with('-');
    if !plain || slug == "hub" {
        return Err(Error::fault("as", "slug", "A slug has up to 40 lower-case letters, digits and hyphens."));
    }
    if tenants::all(app).await?.iter().any(|tenant| tenant.slug == slug && tenant.status != "restoring") {
        return Err(Error::conflict("duplicate", format!("There is, or was, a tenant {slug}. A restore makes a new one: choose another slug.")));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Page<'p> {
    #[serde(borrow)]
    items: Vec<&'p RawValue>,
    next: Option<String>,
}

/// Writes every record and then the whole log as JSON lines, through the same operations that everybody uses.
pub async fn export(app: &App, tenant: TenantId, out: &mut impl Write) -> Result<u64> {
    let names = app.tenant_names(tenant).await?;
    let cx = Ctx::of_command_line(app, tenant, names.clone()).await?;
    let installed = cx.scan(|tx| Ok(tx.rights().modules().to_vec())).await?;
    writeln!(out, "{}", json!({ "tenant": tenant.to_string(), "slug": names.slug, "name": names.name, "modules": installed }))?;
    let mut lines = 1;
    let plans: Vec<String> = app.catalogue().plans().filter(|plan| installed.contains(&plan.module)).map(|plan| plan.resource.clone()).collect();
    for resource in plans {
        lines += pages(app, &cx, &format!("{resource}.list"), &[], &format!("{{\"resource\":\"{resource}\",\"record\":"), out).await?;
    }
    lines += pages(app, &cx, "events.list", &[("after", "0")], "{\"event\":", out).await?;
    out.flush()?;
    Ok(lines)
}

/// The same into a file, which appears under its name whole or not at all.
pub async fn export_to(app: &App, tenant: TenantId, path: &Path) -> Result<u64> {
    let mut draft = tempfile::NamedTempFile::new_in(folder_of(path))?;
    let lines = export(app, tenant, &mut BufWriter::new(draft.as_file_mut())).await?;
    draft.as_file().sync_all()?;
    base::step("export.written")?;
    draft.persist(path).map_err(|cause| Error::from(cause.error))?;
    base::step("export.named")?;
    File::open(folder_of(path))?.sync_all()?;
    Ok(lines)
}

async fn pages(app: &App, cx: &Ctx, operation: &str, query: &[(&str, &str)], begin: &str, out: &mut impl Write) -> Result<u64> {
    let (mut lines, mut cursor) = (0, None);
    loop {
        let mut call = Call::new(Door::CommandLine);
        call.query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        call.query.push(("limit".into(), "200".into()));
        call.query.extend(cursor.take().map(|cursor| ("cursor".to_owned(), cursor)));
        let bytes = app.call(cx, operation, call).await?.into_bytes();
        let page: Page<'_> = serde_json::from_slice(&bytes).map_err(Error::internal)?;
        for item in &page.items {
            writeln!(out, "{begin}{}}}", item.get())?;
            lines += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(lines);
        }
    }
}
