//! Tokens for apps: an access token for a quarter of an hour, and a refresh token that is replaced each time it is used.
//!
//! All refresh tokens that came from one sign-in are a family. A token that was replaced and comes again was stolen, or its thief was
//! faster: the family dies. Only right after the change the same successor is given once more, because answers get lost and tabs race.

use crate::{
    proof,
    seats::{self, Seat},
    sessions,
};
use base::{Code, Error, Result, TenantId, Time, Value, is_id};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use kernel::{
    App, Call, Ctx, Operation, Reply, Tx,
    secrets::{Place, RootKey, random, token_hash},
    tokens::Subject,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq;

/// 36 characters of family, 22 of randomness, 43 of seal, and two dots.
const TOKEN: usize = 103;

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("auth.token", "auth/token", "Gives an app its tokens, for a password or for a refresh token.")
            .public()
            .takes_credential()
            .reads::<Ask>()
            .answers::<Tokens>(StatusCode::OK)
            .shows_secret()
            .proves_each_time()
            .run(token),
    ]
}

/// Either address and password, or a refresh token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {
    email: Option<String>,
    password: Option<String>,
    /// The slug of one of your companies; the one used last where it is absent.
    tenant: Option<String>,
    refresh_token: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    token_type: String,
    /// Seconds until the access token expires.
    expires_in: i64,
}

async fn token(cx: Ctx, call: Call) -> Result<Reply> {
    let ask: Ask = call.json()?;
    match ask {
        Ask { email: Some(email), password: Some(password), tenant, refresh_token: None } => {
            begin(&cx, call, &email, &password, tenant.as_deref()).await
        }
        Ask { email: None, password: None, tenant: None, refresh_token: Some(token) } => refresh(&cx, token).await,
        Ask { .. } => Err(Error::fault("", "required", "Send email and password, with or without tenant, or else refresh_token alone.")),
    }
}

async fn begin(cx: &Ctx, call: Call, email: &str, password: &str, tenant: Option<&str>) -> Result<Reply> {
    let (user, seat) = proof::of_password(cx, email, password, tenant).await?;
    let seat =
        seat.ok_or_else(|| Error::conflict("no-company", "You work in no company at the moment. Ask for an invitation, or make a company."))?;
    let family = base::new_id();
    let token = new_token(cx.app().root_key(), &family)?;
    let lifetime = cx.app().config().tokens.refresh.get();
    cx.finish(call, move |tx, _| {
        insert(tx, &family, &token_hash(&token), &user.id, &seat, lifetime)?;
        answer(tx.app(), &Subject { user: &user.id, family: &family, tenant: &seat.tenant.to_string() }, token)
    })
    .await
}

fn insert(tx: &mut Tx<'_, '_>, family: &str, hash: &[u8], user: &str, seat: &Seat, lifetime: i64) -> Result<()> {
    let trace = tx.cx().trace().clone();
    let now = Time::now();
    let sql = tx.sql();
    sql.run(r#"DELETE FROM "refresh_families" WHERE "user" = ?1 AND "expires_at" <= ?2"#, &[user.into(), now.into()])?;
    sql.run(
        r#"INSERT INTO "refresh_families" ("id", "user", "tenant", "member", "status", "current", "rotated_at", "created_at", "seen_at", "expires_at", "ip", "agent")
VALUES (?1, ?2, ?3, ?4, 'active', ?5, ?6, ?6, ?6, ?7, ?8, ?9)"#,
        &[
            family.into(),
            user.into(),
            seat.tenant.to_string().into(),
            (&seat.member).into(),
            hash.into(),
            now.into(),
            now.plus_seconds(lifetime).into(),
            sessions::ip(&trace).into(),
            sessions::agent(&trace).into(),
        ],
    )?;
    seats::used(tx.sql(), user, seat.tenant)?;
    tx.emit("account.session.created", &format!("account.users/{user}"), &json!({"tenant": seat.tenant.to_string(), "ip": sessions::ip(&trace)}))
        .map(drop)
}

/// `<family>.<random>.<seal>`: the family finds the row, the hash of the whole text proves it, and the seal tells a token that we once
/// gave out from one that somebody made up. Only the first can be stolen, so only it can kill a family.
fn new_token(root: &RootKey, family: &str) -> Result<String> {
    let body = format!("{family}.{}", URL_SAFE_NO_PAD.encode(random::<16>()?));
    let seal = seal(root, &body)?;
    Ok(format!("{body}.{seal}"))
}

fn seal(root: &RootKey, body: &str) -> Result<String> {
    root.derive(&format!("refresh token {body}")).map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// The family of a token that we gave out.
fn family_of<'t>(root: &RootKey, token: &'t str) -> Result<&'t str> {
    let (body, sealed) = token.rsplit_once('.').filter(|_| token.len() == TOKEN).ok_or_else(no_longer)?;
    let genuine: bool = seal(root, body)?.as_bytes().ct_eq(sealed.as_bytes()).into();
    body.split_once('.').map(|(family, _)| family).filter(|family| genuine && is_id(family)).ok_or_else(no_longer)
}

/// How a refresh went. All of it is committed, a replay too: it must not be rolled back with its error.
enum Turn {
    Unknown,
    Replayed,
    Good { user: String, tenant: String, token: String },
}

/// Needs no kept answer to be tried again: its grace gives the same successor. A kept one would outlive it, for whoever copied the token.
async fn refresh(cx: &Ctx, token: String) -> Result<Reply> {
    let root = cx.app().root_key().clone();
    let failed = |_: &Error| cx.app().sign_in_failed(None, "refresh_token");
    let family = family_of(&root, &token).inspect_err(failed)?.to_owned();
    let times = &cx.app().config().tokens;
    let (grace, lifetime) = (times.refresh_grace.get(), times.refresh.get());
    let id = family.clone();
    match cx.in_hub("account").write(move |tx| turn(tx, &root, &id, &token, grace, lifetime)).await? {
        Turn::Unknown => Err(no_longer()).inspect_err(failed),
        // The log says so already.
        Turn::Replayed => Err(no_longer()),
        Turn::Good { user, tenant, token } => answer(cx.app(), &Subject { user: &user, family: &family, tenant: &tenant }, token),
    }
}

fn no_longer() -> Error {
    Error::new(Code::Anonymous, "refresh", "This refresh token is no longer good. Sign in again.")
}

struct Family {
    user: String,
    tenant: String,
    current: Vec<u8>,
    previous: Option<Vec<u8>>,
    successor: Option<Vec<u8>>,
    rotated_at: Time,
}

const FIND: &str = r#"SELECT f."user", f."tenant", f."current", f."previous", f."successor", f."rotated_at" FROM "refresh_families" f
JOIN "users" u ON u."id" = f."user" AND u."status" = 'active' JOIN "user_tenants" s ON s."user" = f."user" AND s."tenant" = f."tenant" AND s."status" = 'active'
WHERE f."id" = ?1 AND f."status" = 'active' AND f."expires_at" > ?2"#;

fn turn(tx: &mut Tx<'_, '_>, root: &RootKey, id: &str, token: &str, grace: i64, lifetime: i64) -> Result<Turn> {
    let now = Time::now();
    let found = tx.sql().row(FIND, &[id.into(), now.into()], |row| {
        Ok(Family {
            user: row.text(0)?.to_owned(),
            tenant: row.text(1)?.to_owned(),
            current: row.blob(2)?.to_vec(),
            previous: row.opt_blob(3)?.map(<[u8]>::to_vec),
            successor: row.opt_blob(4)?.map(<[u8]>::to_vec),
            rotated_at: Time(row.int(5)?),
        })
    })?;
    let Some(family) = found else { return Ok(Turn::Unknown) };
    let sealing = root.sealing("refresh successors")?;
    let hash = token_hash(token).to_vec();
    let place = Place { tenant: TenantId::HUB, table: "refresh_families", row: id, column: "successor" };
    if hash == family.current {
        let token = new_token(root, id)?;
        let sealed = sealing.seal(&place, token.as_bytes())?;
        tx.sql().run(
            r#"UPDATE "refresh_families" SET "current" = ?2, "previous" = ?3, "successor" = ?4, "rotated_at" = ?5, "seen_at" = ?5, "expires_at" = ?6 WHERE "id" = ?1"#,
            &[
                id.into(),
                token_hash(&token).as_slice().into(),
                hash.as_slice().into(),
                sealed.as_slice().into(),
                now.into(),
                now.plus_seconds(lifetime).into(),
            ],
        )?;
        return Ok(Turn::Good { user: family.user, tenant: family.tenant, token });
    }
    let just_replaced = family.previous.as_ref() == Some(&hash) && now < family.rotated_at.plus_seconds(grace);
    if let Some(sealed) = family.successor.filter(|_| just_replaced) {
        let token = String::from_utf8(sealing.open(&place, &sealed)?).map_err(Error::internal)?;
        return Ok(Turn::Good { user: family.user, tenant: family.tenant, token });
    }
    tx.sql().run(r#"UPDATE "refresh_families" SET "status" = 'dead', "successor" = NULL WHERE "id" = ?1"#, &[Value::from(id)])?;
    let trace = tx.cx().trace().clone();
    tx.emit("account.family.reused", &format!("account.users/{}", family.user), &json!({"family": id, "ip": sessions::ip(&trace)}))?;
    Ok(Turn::Replayed)
}

fn answer(app: &App, who: &Subject<'_>, refresh_token: String) -> Result<Reply> {
    let tokens = app.tokens();
    let access_token = tokens.sign(who, Time::now())?;
    Reply::json(&Tokens { access_token, refresh_token, token_type: "Bearer".into(), expires_in: tokens.lifetime() })
}
