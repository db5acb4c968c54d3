//! Sign-up: a company, its database and its owner come to be when somebody proves that a mail address is theirs, and not before.

use crate::{
    companies::{self, Owner},
    fields::Form,
    links::{self, Kind},
    mails::{self, Letter},
    me::Company,
    seats::Seat,
    sessions,
    users::{self, NewUser},
};
use base::{Code, Error, Result, TenantId, Time};
use http::{StatusCode, header::SET_COOKIE};
use kernel::{
    Call, Ctx, Operation, Reply, Tx,
    http::session_cookie,
    jobs::{Job, Running},
    limits::Limit,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const FOUND: &str = "account.signups.found";
/// How long a sign-up that nobody confirmed is kept, in seconds.
const KEPT: i64 = 7 * 86_400;
/// When the job looks whether a company was left half made, in seconds.
const LATER: i64 = 30;

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("auth.register", "auth/register", "Signs a company up. The answer is the same for every address; the rest comes by mail.")
            .public()
            .takes_credential()
            .reads::<Register>()
            .answers_json(StatusCode::ACCEPTED, json!({"type": "object"}))
            .run(register),
        Operation::post("auth.resend", "auth/resend", "Sends the mail of a sign-up once more. The answer is the same for every address.")
            .public()
            .takes_credential()
            .reads::<Resend>()
            .answers_json(StatusCode::ACCEPTED, json!({"type": "object"}))
            .run(resend),
        Operation::post("auth.verify", "auth/verify", "Confirms a mail address, makes the company and signs its owner in.")
            .public()
            .takes_credential()
            .sets_cookie()
            .reads::<Verify>()
            .answers::<Verified>(StatusCode::OK)
            .run(verify),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    company: String,
    name: String,
    email: String,
    /// 12 to 128 characters; not one that everybody tries first.
    password: String,
}

async fn register(cx: Ctx, call: Call) -> Result<Reply> {
    if let Some(ip) = cx.trace().ip {
        cx.app().limits().take_ip(Limit::RegisterPerIp, ip).check()?;
    }
    let input: Register = call.json()?;
    let mut form = Form::default();
    let (company, name) = (form.line("company", &input.company, 80), form.line("name", &input.name, 80));
    let address = form.address("email", &input.email);
    form.password(&input.password, &[&company, &name, &address.text]);
    form.done()?;
    let password = cx.app().passwords().hash(&input.password).await?;
    cx.work_is_coming().await?;
    cx.finish(call, move |tx, _| {
        let id = base::new_id();
        let now = Time::now();
        tx.sql().run(r#"DELETE FROM "signups" WHERE "id" < ?1"#, &[first_id_at(now.plus_seconds(-KEPT)).into()])?;
        tx.sql().run(
            r#"INSERT INTO "signups" ("id", "company", "name", "email", "email_key", "password", "status", "created_at") VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7)"#,
            &[(&id).into(), (&company).into(), (&name).into(), (&address.text).into(), (&address.key).into(), (&password).into(), now.into()],
        )?;
        mails::enqueue(tx, &Letter::SignUp { signup: id })?;
        Reply::json_as(StatusCode::ACCEPTED, &json!({}))
    })
    .await
}

/// The smallest id that can have been made at this time: ids begin with their time in milliseconds (RFC 9562, section 5.7).
fn first_id_at(time: Time) -> String {
    let millis = time.0.max(0) / 1000;
    format!("{:08x}-{:04x}-0000-0000-000000000000", millis >> 16, millis & 0xffff)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Resend {
    email: String,
}

async fn resend(cx: Ctx, call: Call) -> Result<Reply> {
    let input: Resend = call.json()?;
    let mut form = Form::default();
    let address = form.address("email", &input.email);
    form.done()?;
    cx.app().limits().take(Limit::MailPerAddress, &address.key).check()?;
    cx.work_is_coming().await?;
    cx.finish(call, move |tx, _| {
        mails::enqueue(tx, &Letter::Resend { email_key: address.key })?;
        Reply::json_as(StatusCode::ACCEPTED, &json!({}))
    })
    .await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Verify {
    token: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Verified {
    tenant: Company,
}

/// A sign-up whose token came, with the ids that all tries share.
#[derive(Clone)]
struct Claim {
    link: String,
    tenant: TenantId,
    user: String,
    company: String,
    name: String,
    email: String,
    email_key: String,
    password: String,
}

async fn verify(cx: Ctx, call: Call) -> Result<Reply> {
    let input: Verify = call.json()?;
    cx.work_is_coming().await?;
    let claim = cx.write(move |tx| claim(tx, &input.token)).await?;
    make_silo(&cx, &claim).await?;
    // Announced anew: what was announced above may have been looked for meanwhile.
    cx.work_is_coming().await?;
    let lifetime = cx.app().config().tokens.session.get();
    let work = claim.clone();
    let (seat, token) = cx
        .write(move |tx| {
            let seat = settle(tx, &work)?;
            let trace = tx.cx().trace().clone();
            if let Some(before) = tx.cx().person().map(|person| person.credential.clone()) {
                sessions::end_browser(tx.sql(), &before)?;
            }
            let token = trace.browser.then(|| sessions::open(tx.sql(), &work.user, Some(&seat), &trace, lifetime)).transpose()?;
            Ok((seat, token))
        })
        .await
        .map_err(taken_meanwhile)?;
    let reply = Reply::json(&Verified { tenant: Company::of(&seat) })?;
    Ok(match token {
        Some(token) => reply.with_header(SET_COOKIE, session_cookie(cx.app(), &token)),
        None => reply,
    })
}

/// Marks the link as being worked on and fixes the ids of what it makes. The same token may come again until the work is done.
fn claim(tx: &mut Tx<'_, '_>, token: &str) -> Result<Claim> {
    let link = links::open(tx.sql(), Kind::Verify, token)?;
    if link.status == "pending" {
        if users::by_key(tx.sql(), &link.email_key)?.is_some() {
            return Err(links::gone());
        }
        tx.sql().run(
            r#"UPDATE "links" SET "status" = 'working', "tenant" = ?2, "user" = ?3 WHERE "id" = ?1"#,
            &[(&link.id).into(), TenantId::new().to_string().into(), base::new_id().into()],
        )?;
        // Whoever confirms an address first has it. What others typed for it is worth nothing from now on.
        links::void(tx.sql(), Kind::Verify, &link.email_key, &link.id)?;
        tx.sql().run(
            r#"UPDATE "signups" SET "status" = 'void', "password" = '' WHERE "email_key" = ?1 AND "id" <> ?2 AND "status" IN ('pending', 'known')"#,
            &[(&link.email_key).into(), (&link.id).into()],
        )?;
        let job = Job { run_at: Time::now().plus_seconds(LATER), ..Job::new(FOUND, json!({"link": link.id})) };
        tx.enqueue(job.once(format!("{FOUND}/{}", link.id)))?;
    }
    read_claim(tx.sql(), &link.id)?.ok_or_else(links::gone)
}

fn read_claim(sql: &mut silo::Tx<'_>, link: &str) -> Result<Option<Claim>> {
    sql.row(
        r#"SELECT l."tenant", l."user", s."company", s."name", s."email", s."email_key", s."password" FROM "links" l JOIN "signups" s ON s."id" = l."id"
WHERE l."id" = ?1 AND l."status" = 'working' AND s."status" = 'pending'"#,
        &[link.into()],
        |row| {
            Ok(Claim {
                link: link.to_owned(),
                tenant: row.text(0)?.parse()?,
                user: row.text(1)?.to_owned(),
                company: row.text(2)?.to_owned(),
                name: row.text(3)?.to_owned(),
                email: row.text(4)?.to_owned(),
                email_key: row.text(5)?.to_owned(),
                password: row.text(6)?.to_owned(),
            })
        },
    )
}

async fn make_silo(cx: &Ctx, claim: &Claim) -> Result<()> {
    let owner = Owner { member: claim.link.clone(), user: claim.user.clone(), email: claim.email.clone(), name: claim.name.clone() };
    companies::found(cx, claim.tenant, owner, &claim.company).await
}

/// Uses the link up and writes the hub's rows: user, company, seat. Of many at once exactly one gets through.
fn settle(tx: &mut Tx<'_, '_>, claim: &Claim) -> Result<Seat> {
    links::consume(tx.sql(), &claim.link, "working")?;
    let new = NewUser { id: &claim.user, email: &claim.email, email_key: &claim.email_key, name: &claim.name, password: &claim.password };
    users::insert(tx.sql(), &new)?;
    tx.sql().run(r#"UPDATE "signups" SET "status" = 'used', "password" = '' WHERE "id" = ?1"#, &[(&claim.link).into()])?;
    tx.emit("account.user.created", &format!("account.users/{}", claim.user), &json!({}))?;
    mails::enqueue(tx, &Letter::Welcome { to: claim.email.clone(), company: claim.company.clone() })?;
    companies::register(tx, claim.tenant, &claim.user, &claim.link, &claim.company)
}

/// The address got an account between the two steps, by an invitation: this link has come too late.
fn taken_meanwhile(error: Error) -> Error {
    if error.code() == Code::Conflict { links::gone() } else { error }
}

/// The job: finishes what a crash left between the two steps, so that whoever confirmed can sign in.
pub async fn found_later(cx: Ctx, job: Running) -> Result<Value> {
    let link = job.args.get("link").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(claim) = cx.app().hub().read(move |sql| read_claim(sql, &link)).await? else { return Ok(Value::Null) };
    make_silo(&cx, &claim).await?;
    cx.work_is_coming().await?;
    match cx.write(move |tx| settle(tx, &claim)).await.map_err(taken_meanwhile) {
        Err(late) if late.code() == Code::Gone => Ok(Value::Null),
        outcome => outcome.map(|seat| json!({"tenant": seat.tenant.to_string()})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_their_time() {
        let before = first_id_at(Time::now().plus_seconds(-1));
        let id = base::new_id();
        assert!(before < id && id < first_id_at(Time::now().plus_seconds(1)), "{before} {id}");
    }
}
