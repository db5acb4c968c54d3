//! Sign-up: a company, its database and its owner come to be when somebody proves that a mail address is theirs, and not before.

use crate::{
    fields::Form,
    founding::{self, Claim},
    links::{self, Kind},
    mails::{self, Letter},
    me::Company,
    sessions, users,
};
use base::{Code, Result, TenantId, Time};
use http::{StatusCode, header::SET_COOKIE};
use kernel::{Call, Ctx, Operation, Reply, Tx, http::session_cookie, limits::Limit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long a sign-up that nobody confirmed is kept, in seconds.
const KEPT: i64 = 7 * 86_400;

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
    base::step("sign-up.announced")?;
    let written = cx.finish(call, move |tx, _| {
        let id = base::new_id();
        let now = Time::now();
        tx.sql().run(r#"DELETE FROM "signups" WHERE "id" < ?1"#, &[first_id_at(now.plus_seconds(-KEPT)).into()])?;
        tx.sql().run(
            r#"INSERT INTO "signups" ("id", "company", "name", "email", "email_key", "password", "status", "created_at") VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7)"#,
            &[(&id).into(), (&company).into(), (&name).into(), (&address.text).into(), (&address.key).into(), (&password).into(), now.into()],
        )?;
        mails::enqueue(tx, &Letter::SignUp { signup: id })?;
        Reply::json_as(StatusCode::ACCEPTED, &json!({}))
    });
    let answer = written.await?;
    base::step("sign-up.written")?;
    Ok(answer)
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

async fn verify(cx: Ctx, call: Call) -> Result<Reply> {
    let input: Verify = call.json()?;
    cx.work_is_coming().await?;
    base::step("sign-up.confirmed")?;
    let claim = cx.write(move |tx| claim(tx, &input.token)).await?;
    base::step("sign-up.claimed")?;
    founding::make_silo(&cx, &claim).await?;
    base::step("sign-up.silo-made")?;
    // Announced anew: what was announced above may have been looked for meanwhile.
    cx.work_is_coming().await?;
    base::step("sign-up.announced-anew")?;
    let lifetime = cx.app().config().tokens.session.get();
    let link = claim.link.clone();
    let settled = cx.finish(call, move |tx, _| {
        let seat = founding::settle(tx, &claim)?;
        let reply = Reply::json(&Verified { tenant: Company::of(&seat) })?;
        let trace = tx.cx().trace().clone();
        if let Some(before) = tx.cx().person().map(|person| person.credential.clone()) {
            sessions::end_browser(tx.sql(), &before)?;
        }
        if !trace.browser {
            return Ok(reply);
        }
        let token = sessions::open(tx.sql(), &claim.user, Some(&seat), &trace, lifetime)?;
        Ok(reply.with_header(SET_COOKIE, session_cookie(tx.app(), &token)))
    });
    match settled.await {
        Err(error) if error.code() == Code::Conflict => Err(founding::too_late(&cx, &link).await?),
        settled => {
            let answer = settled?;
            base::step("sign-up.settled")?;
            Ok(answer)
        }
    }
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
        founding::finish_later(tx, &link.id)?;
    }
    founding::read(tx.sql(), &link.id)?.ok_or_else(links::gone)
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
