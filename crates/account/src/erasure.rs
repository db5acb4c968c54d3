//! What the hub's rows of people and their keys say of a company that is deleted: who had a seat there, who was invited, what was signed up.
//! The people themselves stay: an account is a person's, not a company's.

use base::{Result, TenantId};
use silo::Tx;

/// Takes away everything that leads into a company: from the end of this transaction on nobody gets in. Safe to run twice.
pub fn revoke(sql: &mut Tx<'_>, tenant: TenantId) -> Result<()> {
    let id = tenant.to_string();
    for lead in [
        r#"UPDATE "sessions" SET "tenant" = NULL, "member" = NULL WHERE "tenant" = ?1"#,
        r#"DELETE FROM "refresh_families" WHERE "tenant" = ?1"#,
        r#"DELETE FROM "user_tenants" WHERE "tenant" = ?1"#,
        r#"DELETE FROM "keys" WHERE "tenant" = ?1"#,
        r#"UPDATE "links" SET "status" = 'void' WHERE "tenant" = ?1"#,
    ] {
        sql.run(lead, &[(&id).into()])?;
    }
    Ok(())
}

/// Erases what was written about people on their way into a company, and the company's own sign-up. Returns the ids of what went. Safe to
/// run twice; `name` is the company's, as long as the hub knows it.
pub fn erase(sql: &mut Tx<'_>, tenant: TenantId, name: &str) -> Result<Vec<String>> {
    revoke(sql, tenant)?;
    let id = tenant.to_string();
    let links = sql.rows(r#"SELECT "id" FROM "links" WHERE "tenant" = ?1"#, &[(&id).into()], |row| Ok(row.text(0)?.to_owned()))?;
    // Whoever founded it may have signed up more than once before they confirmed.
    sql.run(
        r#"DELETE FROM "signups" WHERE "company" = ?2 AND ?2 <> '' AND "email_key" IN (SELECT "email_key" FROM "links" WHERE "tenant" = ?1 AND "kind" <> 'invitation')"#,
        &[(&id).into(), name.into()],
    )?;
    sql.run(r#"DELETE FROM "signups" WHERE "id" IN (SELECT "id" FROM "links" WHERE "tenant" = ?1)"#, &[(&id).into()])?;
    sql.run(r#"DELETE FROM "links" WHERE "tenant" = ?1"#, &[(&id).into()])?;
    Ok(links)
}
