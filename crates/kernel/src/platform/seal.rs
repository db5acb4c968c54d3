//! Whose database this is. Every silo says it of itself, sealed with a key that only this installation has: a file that took another's
//! place, or came from another installation, is noticed before anything in it is believed.

use crate::secrets::{DataKey, Place, RootKey};
use base::{Error, Result, TenantId};

/// Makes and checks the seals of silos.
#[derive(Clone)]
pub(crate) struct Seal(DataKey);

impl Seal {
    pub fn new(root: &RootKey) -> Result<Seal> {
        root.sealing("silo").map(Seal)
    }

    pub fn make(&self, tenant: TenantId, origin: &str) -> Result<Vec<u8>> {
        self.0.seal(&place(tenant), origin.as_bytes())
    }

    /// Refuses a silo that is not this tenant's. One that was made before there were seals, or by a restore, gets its seal now. The hub has
    /// none: whether the root key fits it is asked first of all, and said in other words.
    pub fn check(&self, sql: &mut silo::Tx<'_>) -> Result<()> {
        let tenant = sql.tenant();
        let columns = sql.columns("meta")?;
        if columns.is_empty() {
            return Err(Error::quarantined("it does not say whose it is"));
        }
        if !tenant.is_hub() && !columns.iter().any(|column| column == "seal") {
            sql.ddl(r#"ALTER TABLE "meta" ADD COLUMN "seal" BLOB"#)?;
            base::step("migrate.platform-grown")?;
        }
        let read = if tenant.is_hub() {
            r#"SELECT "tenant", "origin", NULL FROM "meta" WHERE "one" = 1"#
        } else {
            r#"SELECT "tenant", "origin", "seal" FROM "meta" WHERE "one" = 1"#
        };
        // What cannot be read as what it was written is damage too.
        let found = sql.row(read, &[], |row| Ok(said(row).map_err(Error::quarantined)))?.transpose()?;
        let (whose, origin, seal) = found.ok_or_else(|| Error::quarantined("it does not say whose it is"))?;
        if whose != tenant.to_string() {
            return Err(Error::quarantined(format!("it is the database of {whose}, in the place of that of {tenant}")));
        }
        match seal {
            _ if tenant.is_hub() => Ok(()),
            Some(seal) => match self.0.open(&place(tenant), &seal) {
                Ok(sealed) if sealed == origin.as_bytes() => Ok(()),
                _ => Err(Error::quarantined("its seal is not this installation's")),
            },
            None => {
                let seal = self.make(tenant, &origin)?;
                sql.run(r#"UPDATE "meta" SET "seal" = ?1 WHERE "one" = 1"#, &[seal.as_slice().into()])?;
                base::step("migrate.sealed")
            }
        }
    }
}

/// Whose it says that it is, where it came from first, and its seal.
type Said = (String, String, Option<Vec<u8>>);

fn said(row: &silo::Row<'_>) -> Result<Said> {
    Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.opt_blob(2)?.map(<[u8]>::to_vec)))
}

/// Takes the seal of the one it was off a silo that is about to become another's.
pub fn unseal(sql: &mut silo::Tx<'_>) -> Result<()> {
    if sql.columns("meta")?.iter().any(|column| column == "seal") {
        sql.run(r#"UPDATE "meta" SET "seal" = NULL WHERE "one" = 1"#, &[])?;
    }
    Ok(())
}

fn place(tenant: TenantId) -> Place<'static> {
    Place { tenant, table: "meta", row: "1", column: "seal" }
}
