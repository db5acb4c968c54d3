//! What keeps a silo in order: its first rows and its migrations; and the check that the root key is the right one.

use super::Seal;
use crate::{
    behind::{Behind, Late},
    catalogue::Catalogue,
    events, install,
    manifest::version,
    schema,
    secrets::{Place, RootKey},
};
use base::{Code, Error, Result, TenantId};
use std::sync::Arc;

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

/// What happens when a silo is opened, before anybody else sees it.
pub(crate) struct AtOpen {
    pub catalogue: Arc<Catalogue>,
    pub seal: Seal,
    pub root: RootKey,
    pub behind: Arc<Behind>,
}

impl AtOpen {
    /// Sees whose silo it is and brings it to what this binary declares. Costs one small query where nothing has changed. A module that cannot
    /// be migrated stays as it was and is told to `behind`; in the hub, nothing may.
    pub fn run(&self, sql: &mut silo::Tx<'_>) -> Result<()> {
        let tenant = sql.tenant();
        if tenant.is_hub() {
            check_root_key(&self.root, sql)?;
            if !sql.columns("hub_tenants")?.iter().any(|column| column == "stamp") {
                sql.ddl(schema::HUB_STAMPS)?;
            }
        }
        self.seal.check(sql)?;
        let late = self.migrate(sql)?;
        self.behind.found(tenant, late);
        Ok(())
    }

    fn migrate(&self, sql: &mut silo::Tx<'_>) -> Result<Vec<Late>> {
        let rows = sql.rows(r#"SELECT "name", "shape", "version" FROM "modules""#, &[], |row| {
            Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.text(2)?.to_owned()))
        })?;
        let mut late = Vec::new();
        for module in self.catalogue.modules() {
            let newer = |found: &str| version(found) > version(&module.manifest.version);
            match rows.iter().find(|(name, ..)| *name == module.manifest.name) {
                Some((_, shape, _)) if *shape == module.shape() => {}
                // The way back: an older binary works with what a newer one added, and leaves it alone.
                Some((.., found)) if newer(found) => {}
                Some((_, shape, found)) => match sql.attempt(|sql| install::migrate(sql, module, found, shape))? {
                    Ok(()) => {}
                    Err(error) if sql.tenant().is_hub() || !stays(&error) => return Err(error),
                    Err(error) => late.push(Late::of(module, found, shape, &error)),
                },
                None if module.always => install::tables(sql, module)?,
                None => {}
            }
        }
        Ok(late)
    }
}

/// Whether a migration that failed like this leaves a silo that can be served as it was. Damage closes the silo, and what passes by itself is
/// tried again by whoever opens it next.
fn stays(error: &Error) -> bool {
    !matches!(error.code(), Code::Unavailable)
}

/// Refuses another root key than the one that sealed what is there, before anything is touched.
fn check_root_key(root: &RootKey, sql: &mut silo::Tx<'_>) -> Result<()> {
    const TEXT: &[u8] = b"this installation's root key";
    let wanted = root.id();
    let place = Place { tenant: TenantId::HUB, table: "consumers", row: "root-key", column: "name" };
    let kept = sql.row(r#"SELECT "name" FROM "consumers" WHERE "seq" = -1"#, &[], |row| Ok(row.text(0)?.to_owned()))?;
    match kept {
        None => {
            let sealed: String = root.sealing("root key check")?.seal(&place, TEXT)?.iter().map(|b| format!("{b:02x}")).collect();
            sql.run(r#"INSERT INTO "consumers" ("name", "seq") VALUES (?1, -1)"#, &[format!("root-key {wanted} {sealed}").into()]).map(drop)
        }
        Some(row) if row.split(' ').nth(1) == Some(wanted.as_str()) => Ok(()),
        Some(row) => {
            let other = row.split(' ').nth(1).unwrap_or_default();
            Err(Error::malformed(
                "root-key",
                format!(
                    "This data was sealed with the root key {other}, and the one at hand is {wanted}. Put the right key in place; nothing was changed."
                ),
            ))
        }
    }
}
