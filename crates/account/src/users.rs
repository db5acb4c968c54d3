//! People, as the hub knows them: one row per mail address, whatever company they work in.

use base::{Result, Time};
use silo::{Row, Tx};

#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    /// As it was confirmed: mails go to this spelling, never to one that a request brings.
    pub email: String,
    pub name: String,
    pub password: String,
    pub active: bool,
}

/// Somebody who is about to be known.
pub struct NewUser<'a> {
    pub id: &'a str,
    pub email: &'a str,
    pub email_key: &'a str,
    pub name: &'a str,
    pub password: &'a str,
}

fn from_row(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: row.text(0)?.to_owned(),
        email: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        password: row.text(3)?.to_owned(),
        active: row.text(4)? == "active",
    })
}

pub fn by_key(sql: &mut Tx<'_>, email_key: &str) -> Result<Option<User>> {
    sql.row(r#"SELECT "id", "email", "name", "password", "status" FROM "users" WHERE "email_key" = ?1"#, &[email_key.into()], from_row)
}

pub fn by_id(sql: &mut Tx<'_>, id: &str) -> Result<Option<User>> {
    sql.row(r#"SELECT "id", "email", "name", "password", "status" FROM "users" WHERE "id" = ?1"#, &[id.into()], from_row)
}

/// Writes a user whose address is proved. Twice is the same as once; another user with this address is a conflict.
pub fn insert(sql: &mut Tx<'_>, user: &NewUser<'_>) -> Result<()> {
    let now = Time::now();
    sql.run(
        r#"INSERT INTO "users" ("id", "email", "email_key", "name", "password", "status", "created_at", "verified_at") VALUES (?1, ?2, ?3, ?4, ?5, 'active', ?6, ?6)
ON CONFLICT ("id") DO NOTHING"#,
        &[user.id.into(), user.email.into(), user.email_key.into(), user.name.into(), user.password.into(), now.into()],
    )
    .map(drop)
}

pub fn set_password(sql: &mut Tx<'_>, user: &str, hash: &str) -> Result<()> {
    sql.run(r#"UPDATE "users" SET "password" = ?2 WHERE "id" = ?1"#, &[user.into(), hash.into()]).map(drop)
}
