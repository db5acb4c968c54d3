//! A seat is one person's place in one company, as the hub knows it: enough to find the silo, never what may be done there.

use base::{Result, TenantId, Time};
use silo::Tx;

#[derive(Debug, Clone)]
pub struct Seat {
    pub tenant: TenantId,
    pub slug: String,
    pub name: String,
    pub member: String,
    /// For display; what counts stands in the silo.
    pub roles: Vec<String>,
}

/// The open seats of somebody, the one used last first.
pub fn of(sql: &mut Tx<'_>, user: &str) -> Result<Vec<Seat>> {
    sql.rows(
        r#"SELECT s."tenant", COALESCE(t."slug", 'hub'), COALESCE(t."name", 'Hub'), s."member", s."roles" FROM "user_tenants" s LEFT JOIN "hub_tenants" t ON t."id" = s."tenant"
WHERE s."user" = ?1 AND s."status" = 'active' AND (t."status" = 'active' OR s."tenant" = ?2) ORDER BY s."used_at" DESC, s."tenant""#,
        &[user.into(), TenantId::HUB.to_string().into()],
        |row| {
            Ok(Seat {
                tenant: row.text(0)?.parse()?,
                slug: row.text(1)?.to_owned(),
                name: row.text(2)?.to_owned(),
                member: row.text(3)?.to_owned(),
                roles: list(row.text(4)?),
            })
        },
    )
}

/// Makes a seat say what the silo says. Safe to run twice.
pub fn put(sql: &mut Tx<'_>, user: &str, tenant: TenantId, member: &str, active: bool, roles: &[String]) -> Result<()> {
    sql.run(
        r#"INSERT INTO "user_tenants" ("user", "tenant", "member", "status", "roles", "used_at") VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT ("user", "tenant") DO UPDATE SET "member" = excluded."member", "status" = excluded."status", "roles" = excluded."roles""#,
        &[
            user.into(),
            tenant.to_string().into(),
            member.into(),
            if active { "active" } else { "inactive" }.into(),
            text(roles).into(),
            Time::now().into(),
        ],
    )
    .map(drop)
}

/// Locks a seat: from here on no session, token or key of this person reaches this company. [`put`] opens it again.
pub fn lock(sql: &mut Tx<'_>, user: &str, tenant: TenantId) -> Result<()> {
    sql.run(r#"UPDATE "user_tenants" SET "status" = 'inactive' WHERE "user" = ?1 AND "tenant" = ?2"#, &[user.into(), tenant.to_string().into()])
        .map(drop)
}

/// Clears away what led to a locked seat, for good.
pub fn clear(sql: &mut Tx<'_>, user: &str, tenant: TenantId, keys_too: bool) -> Result<()> {
    let tenant = tenant.to_string();
    let p = [user.into(), (&tenant).into()];
    sql.run(r#"UPDATE "sessions" SET "tenant" = NULL, "member" = NULL WHERE "user" = ?1 AND "tenant" = ?2"#, &p)?;
    sql.run(r#"UPDATE "refresh_families" SET "status" = 'dead' WHERE "user" = ?1 AND "tenant" = ?2"#, &p)?;
    if keys_too {
        sql.run(r#"UPDATE "keys" SET "status" = 'revoked' WHERE "user" = ?1 AND "tenant" = ?2"#, &p)?;
    }
    Ok(())
}

/// Notes that somebody sits down here, so that the next sign-in leads to the same company.
pub fn used(sql: &mut Tx<'_>, user: &str, tenant: TenantId) -> Result<()> {
    sql.run(
        r#"UPDATE "user_tenants" SET "used_at" = ?3 WHERE "user" = ?1 AND "tenant" = ?2"#,
        &[user.into(), tenant.to_string().into(), Time::now().into()],
    )
    .map(drop)
}

/// A list of words in one column.
pub fn text(words: &[String]) -> String {
    words.join(" ")
}

pub fn list(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
