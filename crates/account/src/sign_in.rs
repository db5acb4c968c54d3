//! Sign in, sign out, change the company. Each makes a new session: the old one's cookie is worth nothing afterwards.

use crate::{
    devices, fields, me, proof,
    seats::{self, Seat},
    sessions,
};
use base::{Error, Result, Time};
use http::{StatusCode, header::SET_COOKIE};
use kernel::{
    Call, Ctx, Operation, Reply, Tx,
    http::{clear_session, device_cookie, session_cookie},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("auth.sign_in", "auth/sign-in", "Signs a browser in with address and password.")
            .public()
            .takes_credential()
            .sets_cookie()
            .proves_each_time()
            .reads::<SignIn>()
            .answers::<me::Me>(StatusCode::OK)
            .run(sign_in),
        Operation::post("auth.sign_out", "auth/sign-out", "Signs out here or everywhere.")
            .public()
            .reads::<SignOut>()
            .answers_empty()
            .sets_cookie()
            .run(sign_out),
        Operation::post("auth.switch", "auth/switch", "Goes to another of your companies.")
            .sets_cookie()
            .reads::<Switch>()
            .answers::<me::Me>(StatusCode::OK)
            .run(switch),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    password: String,
    /// The slug of one of your companies; the one used last where it is absent.
    tenant: Option<String>,
}

async fn sign_in(cx: Ctx, call: Call) -> Result<Reply> {
    let input: SignIn = call.json()?;
    let (user, seat) = proof::of_password(&cx, &input.email, &input.password, input.tenant.as_deref()).await?;
    let permissions = held(&cx, seat.as_ref()).await?;
    cx.finish(call, move |tx, _| start(tx, &user.id, seat.as_ref(), permissions)).await
}

/// What somebody holds where they sit down.
async fn held(cx: &Ctx, seat: Option<&Seat>) -> Result<Vec<String>> {
    match seat {
        Some(seat) => match me::permissions(cx.app(), seat.tenant, &seat.member).await {
            // A company out of service is no reason to keep its people out of their others.
            Err(error) if error.name() == Error::QUARANTINED => Ok(Vec::new()),
            held => held,
        },
        None => Ok(Vec::new()),
    }
}

/// Opens a session in the hub and answers with `/me` and the cookie. The session that the request came with, if any, ends.
/// A caller that is no browser gets the answer only: it has no use for a cookie.
pub fn start(tx: &mut Tx<'_, '_>, user: &str, seat: Option<&Seat>, permissions: Vec<String>) -> Result<Reply> {
    let trace = tx.cx().trace().clone();
    if !trace.browser {
        return Reply::json(&me::of(tx.sql(), user, seat, permissions)?);
    }
    if let Some(before) = tx.cx().person().map(|person| person.credential.clone()) {
        sessions::end_browser(tx.sql(), &before)?;
    }
    let lifetime = tx.app().config().tokens.session.get();
    let token = sessions::open(tx.sql(), user, seat, &trace, lifetime)?;
    tx.sql().run(r#"UPDATE "users" SET "signed_in_at" = ?2 WHERE "id" = ?1"#, &[user.into(), Time::now().into()])?;
    if let Some(seat) = seat {
        seats::used(tx.sql(), user, seat.tenant)?;
    }
    let tenant = seat.map(|seat| seat.tenant.to_string());
    tx.emit("account.session.created", &format!("account.users/{user}"), &json!({"tenant": tenant, "ip": sessions::ip(&trace)}))?;
    let me = me::of(tx.sql(), user, seat, permissions)?;
    let device = devices::remember(tx.app(), &fields::key(&me.user.email))?;
    let cookies = [session_cookie(tx.app(), &token), device_cookie(tx.app(), &device)];
    Ok(cookies.into_iter().fold(Reply::json(&me)?, |reply, cookie| reply.with_header(SET_COOKIE, cookie)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignOut {
    /// Every browser and every app, not only this one.
    #[serde(default)]
    everywhere: bool,
}

async fn sign_out(cx: Ctx, call: Call) -> Result<Reply> {
    let input: SignOut = call.json()?;
    if let Some(person) = cx.person().cloned() {
        cx.app()
            .hub()
            .write(move |sql| match input.everywhere {
                true => sessions::end_all(sql, &person.user, ""),
                false => sessions::end(sql, &person.user, &person.credential).map(drop),
            })
            .await?;
    }
    Ok(Reply::empty().with_header(SET_COOKIE, clear_session(cx.app())))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// The slug of one of your companies.
    tenant: String,
}

async fn switch(cx: Ctx, call: Call) -> Result<Reply> {
    let input: Switch = call.json()?;
    let person = proof::person(&cx)?.clone();
    let (seats, in_browser) = cx
        .app()
        .hub()
        .read(move |sql| {
            let session = sql.row(r#"SELECT 1 FROM "sessions" WHERE "id" = ?1"#, &[(&person.credential).into()], |_| Ok(()))?;
            Ok((seats::of(sql, &person.user)?, session.is_some()))
        })
        .await?;
    let seat = proof::choose(seats, Some(&input.tenant))?;
    if !in_browser {
        return Err(Error::denied("An app takes a token for the other company at /api/v1/auth/token."));
    }
    let permissions = held(&cx, seat.as_ref()).await?;
    let user = cx.signed_in()?.user.clone();
    cx.in_hub("account").write(move |tx| start(tx, &user, seat.as_ref(), permissions)).await
}
