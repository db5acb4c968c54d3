//! A tenant as a file: backups, restores into a new silo, and exports that anybody can read.
//!
//! A backup is a SQLite file on either engine. Unless it is asked for plain, it is sealed with the tenant's own key in pieces of
//! 1 MiB: `TENONBK1`, the tenant's id, then for each piece its length (u32 big-endian) and its sealed bytes. The number of a piece,
//! and whether it is the last, are part of its seal: pieces cannot be left out, doubled or put in another order.

use crate::{audit, tenants};
use base::{Error, Result, TenantId, Time};
use kernel::{
    App, Call, Ctx, Door,
    ctx::Tenant,
    schema,
    secrets::{DataKey, Place},
};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
};

const MAGIC: &[u8; 8] = b"TENONBK1";
const PIECE: usize = 1 << 20;

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
        let key = data_key(app, tenant).await?;
        let sealed = scratch.path().join("sealed");
        seal(&key, tenant, &file, &sealed)?;
        base::step("backup.sealed")?;
        sealed
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
    unpack(app, from, &file).await?;
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

/// The key that seals a tenant's backups; made when the first is written. One that was deleted gets no other.
async fn data_key(app: &App, tenant: TenantId) -> Result<DataKey> {
    let id = tenant.to_string();
    let (_, fresh) = app.root_key().new_data_key(tenant)?;
    let make = r#"UPDATE "hub_tenants" SET "key" = ?2 WHERE "id" = ?1 AND "key" IS NULL AND "status" <> 'deleted'"#;
    app.hub().write(move |sql| sql.run(make, &[(&id).into(), fresh.as_slice().into()])).await?;
    key_of(app, tenant).await?.ok_or_else(no_key)
}

/// The key of a tenant, if it has one.
async fn key_of(app: &App, tenant: TenantId) -> Result<Option<DataKey>> {
    let (id, find) = (tenant.to_string(), r#"SELECT "key" FROM "hub_tenants" WHERE "id" = ?1"#);
    let wrapped = app.hub().read(move |sql| sql.row(find, &[(&id).into()], |row| Ok(row.opt_blob(0)?.map(<[u8]>::to_vec)))).await?;
    wrapped.flatten().map(|wrapped| app.root_key().data_key(tenant, &wrapped)).transpose()
}

fn no_key() -> Error {
    Error::malformed("no-key", "The key of this tenant is gone; its backups cannot be read any more.")
}

fn place(tenant: TenantId, row: &str) -> Place<'_> {
    Place { tenant, table: "backup", row, column: "piece" }
}

fn seal(key: &DataKey, tenant: TenantId, from: &Path, to: &Path) -> Result<()> {
    let mut from = BufReader::new(File::open(from)?);
    let mut to = BufWriter::new(File::create(to)?);
    to.write_all(MAGIC)?;
    to.write_all(tenant.to_string().as_bytes())?;
    let mut piece = read_piece(&mut from)?;
    for number in 0u64.. {
        let next = read_piece(&mut from)?;
        let row = name_of(number, next.is_empty());
        let sealed = key.seal(&place(tenant, &row), &piece)?;
        to.write_all(&u32::try_from(sealed.len()).map_err(Error::internal)?.to_be_bytes())?;
        to.write_all(&sealed)?;
        if next.is_empty() {
            break;
        }
        piece = next;
    }
    to.into_inner().map_err(|e| Error::from(e.into_error()))?.sync_all()?;
    Ok(())
}

fn name_of(number: u64, last: bool) -> String {
    format!("{number}{}", if last { " last" } else { "" })
}

fn read_piece(from: &mut impl Read) -> Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE);
    from.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// Writes the plain database of a backup, sealed or not, to `to`.
async fn unpack(app: &App, from: &Path, to: &Path) -> Result<()> {
    let damaged = || Error::malformed("backup", "This is not a backup of ours, or it is damaged.");
    let mut file =
        BufReader::new(File::open(from).map_err(|cause| Error::malformed("backup", format!("{} cannot be read: {cause}.", from.display())))?);
    let mut magic = [0u8; 8];
    file.read_exact(&mut magic).map_err(|_| damaged())?;
    if &magic == b"SQLite f" {
        std::fs::copy(from, to)?;
        return Ok(());
    }
    if &magic != MAGIC {
        return Err(damaged());
    }
    let mut id = [0u8; 36];
    file.read_exact(&mut id).map_err(|_| damaged())?;
    let tenant: TenantId = std::str::from_utf8(&id).map_err(|_| damaged())?.parse().map_err(|_| damaged())?;
    let key = key_of(app, tenant).await?.ok_or_else(no_key)?;
    let mut out = BufWriter::new(File::create(to)?);
    for number in 0u64.. {
        let mut length = [0u8; 4];
        file.read_exact(&mut length).map_err(|_| damaged())?;
        let length = u32::from_be_bytes(length) as usize;
        if length > PIECE + 1024 {
            return Err(damaged());
        }
        let mut sealed = vec![0u8; length];
        file.read_exact(&mut sealed).map_err(|_| damaged())?;
        let whole = key.open(&place(tenant, &name_of(number, false)), &sealed);
        let (piece, last) = match whole {
            Ok(piece) => (piece, false),
            Err(_) => (key.open(&place(tenant, &name_of(number, true)), &sealed).map_err(|_| damaged())?, true),
        };
        out.write_all(&piece)?;
        if last {
            break;
        }
    }
    out.flush()?;
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
