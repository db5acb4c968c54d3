//! What keeps a silo in order: its first rows and its migrations; and the check that the root key is the right one.

use super::Seal;
use crate::{app::App, catalogue::Catalogue, events, install, manifest::version, secrets::Place};
use base::{Error, Result, TenantId};

/// The rows that a new silo begins with, and the tables of the modules that are always there.
pub(crate) fn first_rows(
    sql: &mut silo::Tx<'_>,
    catalogue: &Catalogue,
    seal: &Seal,
    origin: TenantId,
    currency: &str,
    time_zone: &str,
) -> Result<()> {
    let tenant = sql.tenant().to_string();
    let seal = seal.make(sql.tenant(), &origin.to_string())?;
    sql.run(
        r#"INSERT INTO "meta" ("one", "tenant", "origin", "epoch", "schema", "currency", "time_zone", "seq", "hash", "seal") VALUES (1, ?1, ?2, 1, 1, ?3, ?4, 0, ?5, ?6)"#,
        &[
            (&tenant).into(),
            origin.to_string().into(),
            currency.into(),
            time_zone.into(),
            events::genesis(origin).as_slice().into(),
            seal.as_slice().into(),
        ],
    )?;
    for module in catalogue.modules().iter().filter(|module| module.always) {
        install::tables(sql, module)?;
    }
    Ok(())
}

/// Brings a silo to what this binary declares, when it is opened. Costs one small query where nothing has changed.
pub(crate) fn migrate(catalogue: &Catalogue, seal: &Seal, sql: &mut silo::Tx<'_>) -> Result<()> {
    seal.check(sql)?;
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
