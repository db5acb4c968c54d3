//! API keys for machines. A key acts for the member who made it, within the scopes it was made for; of these it holds at each use only
//! what its owner holds then.

use crate::{fields::Form, proof::person, seats};
use base::{Error, Fault, Result, Time, Value};
use http::StatusCode;
use kernel::{
    Call, Ctx, Operation, Reply, Tx,
    jobs::{Job, Running},
    secrets::ApiKey,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub const PUT: &str = "account.keys.put";
/// Enqueued where requests are judged, when a key has come in a URL.
pub const EXPOSED: &str = "account.keys.exposed";
const MOST_DAYS: i64 = 730;

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("account.keys.list", "account/keys", "Lists the API keys of this company.")
            .needs("account.keys:read")
            .answers::<Keys>(StatusCode::OK)
            .run(list),
        Operation::post("account.keys.create", "account/keys", "Makes an API key. Its secret is shown this once.")
            .needs("account.keys:create")
            .reads::<Create>()
            .answers::<Created>(StatusCode::CREATED)
            .shows_secret()
            .run(create),
        Operation::delete("account.keys.delete", "account/keys/{id}", "Revokes an API key at once.")
            .needs("account.keys:delete")
            .answers_empty()
            .run(delete),
    ]
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Keys {
    items: Vec<Key>,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Key {
    id: String,
    name: String,
    /// The member whom it acts for.
    member: String,
    scopes: Vec<String>,
    /// `active`, `exposed` (it came in a URL, and should be replaced), `expired` or `revoked`.
    status: String,
    created_at: String,
    expires_at: String,
    seen_at: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Created {
    #[serde(flatten)]
    key: Key,
    /// The whole key. It cannot be shown again.
    secret: String,
}

async fn list(cx: Ctx, call: Call) -> Result<Reply> {
    call.only_query(&[])?;
    let tenant = cx.tenant_id().to_string();
    let items = cx
        .app()
        .hub()
        .scan(move |sql| {
            sql.rows(
                r#"SELECT "id", "name", "member", "scopes", "status", "created_at", "expires_at", "seen_at" FROM "keys" WHERE "tenant" = ?1 ORDER BY "id" LIMIT 500"#,
                &[Value::from(&tenant)],
                |row| {
                    let expires_at = Time(row.int(6)?);
                    let status = if row.text(4)? != "revoked" && expires_at <= Time::now() { "expired" } else { row.text(4)? };
                    Ok(Key {
                        id: row.text(0)?.to_owned(),
                        name: row.text(1)?.to_owned(),
                        member: row.text(2)?.to_owned(),
                        scopes: serde_json::from_str(row.text(3)?).map_err(Error::internal)?,
                        status: status.to_owned(),
                        created_at: Time(row.int(5)?).to_string(),
                        expires_at: expires_at.to_string(),
                        seen_at: row.opt_int(7)?.map(|at| Time(at).to_string()),
                    })
                },
            )
        })
        .await?;
    Reply::json(&Keys { items })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    /// Permissions, such as `crm.deals:read`. Only such as you hold yourself.
    scopes: Vec<String>,
    /// 1 to 730.
    expires_in_days: i64,
}

/// The hub's row of a key, on its way there. Holds the hash, never the key.
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    id: String,
    hash: [u8; 32],
    tenant: String,
    member: String,
    user: String,
    name: String,
    scopes: Vec<String>,
    created_at: i64,
    expires_at: i64,
}

async fn create(cx: Ctx, call: Call) -> Result<Reply> {
    let person = person(&cx)?.clone();
    let input: Create = call.json()?;
    let mut form = Form::default();
    let name = form.line("name", &input.name, 80);
    if !(1..=MOST_DAYS).contains(&input.expires_in_days) {
        form.fault("expires_in_days", "range", "Write a number of days from 1 to 730.");
    }
    if input.scopes.is_empty() {
        form.fault("scopes", "required", "Say what the key may do.");
    }
    form.done()?;
    let member = cx.member().ok_or_else(|| Error::denied("Keys belong to a company."))?.to_owned();
    let key = ApiKey::mint()?;
    let now = Time::now();
    let row = Row {
        id: key.id.clone(),
        hash: key.hash,
        tenant: cx.tenant_id().to_string(),
        member: member.clone(),
        user: person.user,
        name: name.clone(),
        scopes: input.scopes.clone(),
        created_at: now.0,
        expires_at: now.plus_seconds(input.expires_in_days * 86_400).0,
    };
    let shown = Key {
        id: key.id,
        name,
        member,
        scopes: input.scopes,
        status: "active".into(),
        created_at: now.to_string(),
        expires_at: Time(row.expires_at).to_string(),
        seen_at: None,
    };
    cx.work_is_coming().await?;
    let (later, secret) = (row.clone(), key.text);
    // The silo first. The job brings the hash to the hub should this request end before it does.
    let reply = cx
        .finish(call, move |tx, _| {
            check_scopes(tx, &shown.scopes)?;
            let data = json!({"after": {"name": shown.name, "scopes": shown.scopes, "expires_at": shown.expires_at}});
            tx.emit("account.key.created", &format!("account.keys/{}", shown.id), &data)?;
            tx.enqueue(Job::new(PUT, serde_json::to_value(&later).map_err(Error::internal)?).once(format!("{PUT}/{}", later.id)))?;
            Reply::json_as(StatusCode::CREATED, &Created { key: shown, secret })
        })
        .await?;
    // An answer from an earlier request belongs to that request's key, not to the one minted here.
    if !reply.is_replay() {
        cx.app().hub().write(move |sql| put(sql, &row)).await?;
    }
    Ok(reply)
}

fn check_scopes(tx: &Tx<'_, '_>, scopes: &[String]) -> Result<()> {
    let rights = tx.rights();
    let not_held = scopes.iter().enumerate().filter(|(_, scope)| rights.held(scope).is_none());
    let faults: Vec<Fault> =
        not_held.map(|(at, _)| Fault::new(format!("scopes.{at}"), "not-held", "You do not hold this permission yourself.")).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}

fn put(sql: &mut silo::Tx<'_>, row: &Row) -> Result<()> {
    let scopes = serde_json::to_string(&row.scopes).map_err(Error::internal)?;
    sql.run(
        r#"INSERT INTO "keys" ("id", "hash", "tenant", "member", "user", "name", "scopes", "status", "created_at", "expires_at") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', ?8, ?9)
ON CONFLICT ("id") DO NOTHING"#,
        &[
            (&row.id).into(),
            row.hash.as_slice().into(),
            (&row.tenant).into(),
            (&row.member).into(),
            (&row.user).into(),
            (&row.name).into(),
            scopes.into(),
            row.created_at.into(),
            row.expires_at.into(),
        ],
    )
    .map(drop)
}

/// The job: the hub's row of a key whose making was cut short.
pub async fn put_later(cx: Ctx, job: Running) -> Result<serde_json::Value> {
    let row: Row = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    cx.app()
        .hub()
        .write(move |sql| {
            // Nobody who left meanwhile gets a key.
            let tenant = row.tenant.parse()?;
            let seated = seats::of(sql, &row.user)?.iter().any(|seat| seat.tenant == tenant);
            if seated { put(sql, &row) } else { Ok(()) }
        })
        .await
        .map(|()| serde_json::Value::Null)
}

/// The job: the log of the company says that a key came in a URL, and its owner gets a mail. It goes on working until they revoke it.
pub async fn tell_exposed(cx: Ctx, job: Running) -> Result<serde_json::Value> {
    let id = job.args.get("key").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let key = id.clone();
    let found = cx.app().hub().read(move |sql| {
        let find = r#"SELECT k."tenant", k."name", u."email" FROM "keys" k JOIN "users" u ON u."id" = k."user" WHERE k."id" = ?1"#;
        sql.row(find, &[(&key).into()], |row| Ok((row.text(0)?.parse()?, row.text(1)?.to_owned(), row.text(2)?.to_owned())))
    });
    let Some((tenant, name, owner)) = found.await? else { return Ok(serde_json::Value::Null) };
    let company = cx.app().tenant_names(tenant).await?.name;
    let (subject, data) = (format!("account.keys/{id}"), json!({"name": name, "ip": job.args.get("ip")}));
    cx.in_silo(tenant, "account")
        .await?
        .write(move |tx| {
            let find = r#"SELECT 1 FROM "events" WHERE "subject" = ?1 AND "type" = 'account.key.exposed'"#;
            match tx.sql().row(find, &[(&subject).into()], |_| Ok(()))? {
                // A try before this one got as far as here.
                Some(()) => Ok(()),
                None => tx.emit("account.key.exposed", &subject, &data).map(drop),
            }
        })
        .await?;
    cx.app().mailer().send(&cx.app().letters().key_exposed(&owner, &name, &company), &job.id).await?;
    Ok(json!({"sent": true}))
}

/// The hub first: from here on the key is worth nothing.
async fn delete(cx: Ctx, call: Call) -> Result<Reply> {
    let (id, tenant) = (call.id()?.to_owned(), cx.tenant_id().to_string());
    let key = id.clone();
    let name = cx
        .app()
        .hub()
        .write(move |sql| {
            sql.row(
                r#"UPDATE "keys" SET "status" = 'revoked' WHERE "id" = ?1 AND "tenant" = ?2 RETURNING "name""#,
                &[(&key).into(), (&tenant).into()],
                |row| Ok(row.text(0)?.to_owned()),
            )
        })
        .await?
        .ok_or_else(Error::not_found)?;
    cx.finish(call, move |tx, _| {
        tx.emit("account.key.deleted", &format!("account.keys/{id}"), &json!({"before": {"name": name}}))?;
        Ok(Reply::empty())
    })
    .await
}
