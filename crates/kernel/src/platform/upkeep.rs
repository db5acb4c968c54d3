//! What keeps a silo in order: its first rows, its migrations, checkpoints of its log, and what waited in memory.

use crate::{
    app::{App, Seen},
    catalogue::Catalogue,
    events, install,
    manifest::version,
    secrets::Place,
};
use base::{Error, Result, TenantId, Time, Value};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How often what waits in memory is written down.
const EVERY: Duration = Duration::from_secs(60);

/// The rows that a new silo begins with, and the tables of the modules that are always there.
pub(crate) fn first_rows(sql: &mut silo::Tx<'_>, catalogue: &Catalogue, origin: TenantId, currency: &str, time_zone: &str) -> Result<()> {
    let tenant = sql.tenant().to_string();
    sql.run(
        r#"INSERT INTO "meta" ("one", "tenant", "origin", "epoch", "schema", "currency", "time_zone", "seq", "hash") VALUES (1, ?1, ?2, 1, 1, ?3, ?4, 0, ?5)"#,
        &[(&tenant).into(), origin.to_string().into(), currency.into(), time_zone.into(), events::genesis(origin).as_slice().into()],
    )?;
    for module in catalogue.modules().iter().filter(|module| module.always) {
        install::tables(sql, module)?;
    }
    Ok(())
}

/// Brings a silo to what this binary declares, when it is opened. Costs one small query where nothing has changed.
pub(crate) fn migrate(catalogue: &Catalogue, _tenant: TenantId, sql: &mut silo::Tx<'_>) -> Result<()> {
    let rows = sql.rows(r#"SELECT "name", "shape", "version" FROM "modules""#, &[], |row| {
        Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.text(2)?.to_owned()))
    })?;
    for module in catalogue.modules() {
        let newer = |found: &str| version(found) > version(&module.manifest.version);
        match rows.iter().find(|(name, ..)| *name == module.manifest.name) {
            Some((_, shape, _)) if *shape == module.shape() => {}
            // The way back: an older binary works with what a newer one added, and leaves it alone.
            Some((.., found)) if newer(found) => {}
            Some((_, shape, found)) => install::migrate(sql, module, found, shape)?,
            None if module.always => install::tables(sql, module)?,
            None => {}
        }
    }
    Ok(())
}

/// Refuses to start with another root key than the one that sealed what is there.
pub(crate) async fn check_root_key(app: &App) -> Result<()> {
    const TEXT: &[u8] = b"this installation's root key";
    let key = app.root_key().sealing("root key check")?;
    let wanted = app.root_key().id();
    app.hub()
        .write(move |sql| {
            let place = Place { tenant: TenantId::HUB, table: "consumers", row: "root-key", column: "name" };
            let kept = sql.row(r#"SELECT "name" FROM "consumers" WHERE "seq" = -1"#, &[], |row| Ok(row.text(0)?.to_owned()))?;
            match kept {
                None => {
                    let sealed: String = key.seal(&place, TEXT)?.iter().map(|b| format!("{b:02x}")).collect();
                    sql.run(r#"INSERT INTO "consumers" ("name", "seq") VALUES (?1, -1)"#, &[format!("root-key {wanted} {sealed}").into()]).map(drop)
                }
                Some(row) if row.split(' ').nth(1) == Some(wanted.as_str()) => Ok(()),
                Some(row) => {
                    let other = row.split(' ').nth(1).unwrap_or_default();
                    Err(Error::malformed("root-key", format!("This data was sealed with the root key {other}, and the one at hand is {wanted}. Put the right key in place; nothing was changed.")))
                }
            }
        })
        .await
}

/// Writes down, once a minute, what may be lost, and keeps a checkpoint of every log that grew.
pub(crate) async fn keep_up(app: App, stop: Arc<Notify>) {
    loop {
        tokio::select! {
            () = stop.notified() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = write_down(&app).await {
            tracing::warn!(%error, "what waited in memory could not be written; trying again in a minute");
        }
    }
}

/// Heads of the logs that grew, and when credentials were last used: one write to the hub.
pub(crate) async fn write_down(app: &App) -> Result<()> {
    let grown: Vec<TenantId> = app.grown().lock().drain().collect();
    let mut heads = Vec::new();
    for tenant in grown {
        let Ok(silo) = app.silos().open(tenant).await else { continue };
        let head = silo
            .read(|sql| sql.row(r#"SELECT "seq", "hash" FROM "meta" WHERE "one" = 1"#, &[], |row| Ok((row.int(0)?, row.blob(1)?.to_vec()))))
            .await?;
        heads.extend(head.map(|(seq, hash)| (tenant.to_string(), seq, hash)));
    }
    let seen: Vec<(Seen, Time)> = app.seen().lock().drain().collect();
    if heads.is_empty() && seen.is_empty() {
        return Ok(());
    }
    let session = i64::from(app.config().tokens.session.0);
    app.hub()
        .write(move |sql| {
            let now = Time::now();
            for (tenant, seq, hash) in &heads {
                sql.run(
                    r#"INSERT INTO "checkpoints" ("tenant", "seq", "hash", "at") VALUES (?1, ?2, ?3, ?4) ON CONFLICT ("tenant", "seq") DO NOTHING"#,
                    &[tenant.into(), (*seq).into(), hash.as_slice().into(), now.into()],
                )?;
            }
            for (what, at) in &seen {
                let at_value = Value::from(*at);
                match what {
                    // A browser that is used stays signed in.
                    Seen::Session(id) => sql.run(
                        r#"UPDATE "sessions" SET "seen_at" = ?2, "expires_at" = ?3 WHERE "id" = ?1"#,
                        &[id.into(), at_value, at.plus_seconds(session).into()],
                    )?,
                    Seen::Family(id) => sql.run(r#"UPDATE "refresh_families" SET "seen_at" = ?2 WHERE "id" = ?1"#, &[id.into(), at_value])?,
                    Seen::Key(id) => sql.run(r#"UPDATE "keys" SET "seen_at" = ?2 WHERE "id" = ?1"#, &[id.into(), at_value])?,
                };
            }
            Ok(())
        })
        .await
}
