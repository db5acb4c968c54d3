//! Where somebody is signed in: browsers by their cookie, apps by their family of refresh tokens.

use crate::{proof::person, seats::Seat};
use base::{Error, Result, Time, is_id};
use http::StatusCode;
use kernel::{
    Call, Ctx, Operation, Reply,
    ctx::Trace,
    secrets::{random_token, token_hash},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use silo::Tx;

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("account.sessions.list", "account/sessions", "Lists where you are signed in.").answers::<Sessions>(StatusCode::OK).run(list),
        Operation::delete("account.sessions.delete", "account/sessions/{id}", "Signs one of them out.").answers_empty().run(delete),
    ]
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Sessions {
    items: Vec<Session>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Session {
    id: String,
    /// The one this request came with.
    current: bool,
    created_at: String,
    seen_at: String,
    ip: Option<String>,
    /// What the browser or app calls itself.
    agent: Option<String>,
}

async fn list(cx: Ctx, call: Call) -> Result<Reply> {
    call.only_query(&[])?;
    let person = person(&cx)?.clone();
    let items = cx
        .app()
        .hub()
        .scan(move |sql| {
            sql.rows(
                r#"SELECT "id", "created_at", "seen_at", "ip", "agent" FROM "sessions" WHERE "user" = ?1 AND "expires_at" > ?2
UNION ALL SELECT "id", "created_at", "seen_at", "ip", "agent" FROM "refresh_families" WHERE "user" = ?1 AND "expires_at" > ?2 AND "status" = 'active'
ORDER BY 3 DESC, 1"#,
                &[(&person.user).into(), Time::now().into()],
                |row| {
                    Ok(Session {
                        id: row.text(0)?.to_owned(),
                        current: row.text(0)? == person.credential,
                        created_at: Time(row.int(1)?).to_string(),
                        seen_at: Time(row.int(2)?).to_string(),
                        ip: row.opt_text(3)?.map(str::to_owned),
                        agent: row.opt_text(4)?.map(str::to_owned),
                    })
                },
            )
        })
        .await?;
    Reply::json(&Sessions { items })
}

async fn delete(cx: Ctx, call: Call) -> Result<Reply> {
    let user = person(&cx)?.user.clone();
    let id = call.record_id()?.to_owned();
    let ended = cx.app().hub().write(move |sql| end(sql, &user, &id)).await?;
    if ended { Ok(Reply::empty()) } else { Err(Error::not_found()) }
}

/// Opens a session for a browser and returns the text of its cookie. Lets go of what has expired.
pub fn open(sql: &mut Tx<'_>, user: &str, seat: Option<&Seat>, trace: &Trace, lifetime: i64) -> Result<String> {
    let (token, now) = (random_token()?, Time::now());
    sql.run(r#"DELETE FROM "sessions" WHERE "user" = ?1 AND "expires_at" <= ?2"#, &[user.into(), now.into()])?;
    sql.run(
        r#"INSERT INTO "sessions" ("hash", "id", "user", "tenant", "member", "created_at", "seen_at", "expires_at", "ip", "agent") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9)"#,
        &[
            token_hash(&token).as_slice().into(),
            base::new_id().into(),
            user.into(),
            seat.map(|seat| seat.tenant.to_string()).into(),
            seat.map(|seat| seat.member.as_str()).into(),
            now.into(),
            now.plus_seconds(lifetime).into(),
            ip(trace).into(),
            agent(trace).into(),
        ],
    )?;
    Ok(token)
}

pub fn ip(trace: &Trace) -> Option<String> {
    trace.ip.map(|ip| ip.to_string())
}

/// What a client calls itself, cut to a length that fits on a page.
pub fn agent(trace: &Trace) -> Option<String> {
    trace.agent.as_deref().map(|agent| agent.chars().filter(|c| !c.is_control()).take(200).collect())
}

/// Ends a session or a family of somebody. False where it is not theirs, or not there.
pub fn end(sql: &mut Tx<'_>, user: &str, id: &str) -> Result<bool> {
    if !is_id(id) {
        return Ok(false);
    }
    let p = [user.into(), id.into()];
    let sessions = sql.run(r#"DELETE FROM "sessions" WHERE "user" = ?1 AND "id" = ?2"#, &p)?;
    let families = sql.run(r#"UPDATE "refresh_families" SET "status" = 'dead' WHERE "user" = ?1 AND "id" = ?2 AND "status" = 'active'"#, &p)?;
    Ok(sessions + families > 0)
}

/// Ends the session of a browser that signs in anew.
pub fn end_browser(sql: &mut Tx<'_>, id: &str) -> Result<()> {
    sql.run(r#"DELETE FROM "sessions" WHERE "id" = ?1"#, &[id.into()]).map(drop)
}

/// Ends every session and every family of somebody, except the one with the id `but`.
pub fn end_all(sql: &mut Tx<'_>, user: &str, but: &str) -> Result<()> {
    let p = [user.into(), but.into()];
    sql.run(r#"DELETE FROM "sessions" WHERE "user" = ?1 AND "id" <> ?2"#, &p)?;
    sql.run(r#"UPDATE "refresh_families" SET "status" = 'dead' WHERE "user" = ?1 AND "id" <> ?2"#, &p).map(drop)
}
