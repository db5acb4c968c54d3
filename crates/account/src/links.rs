//! One-time links in mails. Only the hash of a token is stored; a link is used by compare-and-set, so of many tries at once one succeeds.
//!
//! A link is `pending` until its token comes; `working` while silo and hub are written, when the same token may come again and goes on where
//! the first try broke off; then `used`. `void` and `cancelled` ones are like those that never were.

use base::{Error, Result, Time};
use kernel::secrets::token_hash;
use silo::{Row, Tx};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Verify,
    Reset,
    Invitation,
    /// Leads nowhere and is never mailed: it fixes the ids of a company that somebody with an account makes.
    Company,
}

impl Kind {
    pub fn text(self) -> &'static str {
        match self {
            Kind::Verify => "verify",
            Kind::Reset => "reset",
            Kind::Invitation => "invitation",
            Kind::Company => "company",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Link {
    pub id: String,
    pub status: String,
    pub email: String,
    pub email_key: String,
    pub user: Option<String>,
    pub tenant: Option<String>,
    pub role: Option<String>,
    pub created_by: Option<String>,
    pub created_at: Time,
    pub expires_at: Time,
}

pub const COLUMNS: &str = r#""id", "status", "email", "email_key", "user", "tenant", "role", "created_by", "created_at", "expires_at""#;

pub fn from_row(row: &Row<'_>) -> Result<Link> {
    let text = |i| Ok::<_, Error>(row.opt_text(i)?.map(str::to_owned));
    Ok(Link {
        id: row.text(0)?.to_owned(),
        status: row.text(1)?.to_owned(),
        email: row.text(2)?.to_owned(),
        email_key: row.text(3)?.to_owned(),
        user: text(4)?,
        tenant: text(5)?,
        role: text(6)?,
        created_by: text(7)?,
        created_at: Time(row.int(8)?),
        expires_at: Time(row.int(9)?),
    })
}

/// The same answer for a link that has expired, was used, was cancelled, and never was.
pub fn gone() -> Error {
    Error::gone("link", "This link is no longer good. Ask for a new one.")
}

/// The link that a token opens, while it is still good.
pub fn open(sql: &mut Tx<'_>, kind: Kind, token: &str) -> Result<Link> {
    let hash = token_hash(token);
    let link = sql.row(
        &format!(r#"SELECT {COLUMNS} FROM "links" WHERE "hash" = ?1 AND "kind" = ?2"#),
        &[hash.as_slice().into(), kind.text().into()],
        from_row,
    )?;
    link.filter(|link| matches!(link.status.as_str(), "pending" | "working") && link.expires_at > Time::now()).ok_or_else(gone)
}

pub fn by_id(sql: &mut Tx<'_>, id: &str) -> Result<Option<Link>> {
    sql.row(&format!(r#"SELECT {COLUMNS} FROM "links" WHERE "id" = ?1"#), &[id.into()], from_row)
}

/// Uses a link up. Whoever comes second is told that it is gone.
pub fn consume(sql: &mut Tx<'_>, id: &str, from: &str) -> Result<()> {
    let changed = sql.run(
        r#"UPDATE "links" SET "status" = 'used', "used_at" = ?3 WHERE "id" = ?1 AND "status" = ?2"#,
        &[id.into(), from.into(), Time::now().into()],
    )?;
    if changed == 1 { Ok(()) } else { Err(gone()) }
}

/// Voids the links of one kind to one address, except `but`.
pub fn void(sql: &mut Tx<'_>, kind: Kind, email_key: &str, but: &str) -> Result<()> {
    sql.run(
        r#"UPDATE "links" SET "status" = 'void' WHERE "email_key" = ?1 AND "kind" = ?2 AND "id" <> ?3 AND "status" IN ('pending', 'working')"#,
        &[email_key.into(), kind.text().into(), but.into()],
    )
    .map(drop)
}

/// A link about to be mailed.
pub struct NewLink<'a> {
    pub id: &'a str,
    pub kind: Kind,
    pub email: &'a str,
    pub email_key: &'a str,
    pub user: Option<&'a str>,
    pub tenant: Option<&'a str>,
    pub role: Option<&'a str>,
    pub created_by: Option<&'a str>,
    pub lifetime: i64,
}

/// Writes a link that `token` opens from now on, and no other token any more; its time begins now. False: it is not pending any more.
pub fn arm(sql: &mut Tx<'_>, link: &NewLink<'_>, token: &str) -> Result<bool> {
    Ok(put(sql, link, token_hash(token), "pending")? == 1)
}

/// Writes a link that is being worked on from the start, and is found again by its hash alone.
pub fn working(sql: &mut Tx<'_>, link: &NewLink<'_>, hash: [u8; 32]) -> Result<()> {
    put(sql, link, hash, "working").map(drop)
}

fn put(sql: &mut Tx<'_>, link: &NewLink<'_>, hash: [u8; 32], status: &str) -> Result<u64> {
    let now = Time::now();
    sql.run(
        r#"INSERT INTO "links" ("id", "hash", "kind", "status", "email", "email_key", "user", "tenant", "signup", "role", "created_by", "created_at", "expires_at")
VALUES (?1, ?2, ?3, ?12, ?4, ?5, ?6, ?7, NULL, ?8, ?9, ?10, ?11)
ON CONFLICT ("id") DO UPDATE SET "hash" = excluded."hash", "expires_at" = excluded."expires_at" WHERE "links"."status" = 'pending'"#,
        &[
            link.id.into(),
            hash.as_slice().into(),
            link.kind.text().into(),
            link.email.into(),
            link.email_key.into(),
            link.user.into(),
            link.tenant.into(),
            link.role.into(),
            link.created_by.into(),
            now.into(),
            now.plus_seconds(link.lifetime).into(),
            status.into(),
        ],
    )
}
