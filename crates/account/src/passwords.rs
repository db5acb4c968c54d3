//! Forgotten and changed passwords. Whoever sets a new one throws everybody else out: every other session and every app.

use crate::{
    fields::{self, Form},
    links::{self, Kind},
    mails::{self, Letter},
    proof, sessions, users,
};
use base::Result;
use http::StatusCode;
use kernel::{Call, Ctx, Operation, Reply, Tx, limits::Limit};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("auth.forgot", "auth/forgot", "Sends a link to set a new password. The answer is the same for every address.")
            .public()
            .takes_credential()
            .reads::<Forgot>()
            .answers_json(StatusCode::ACCEPTED, json!({"type": "object"}))
            .run(forgot),
        Operation::post("auth.reset", "auth/reset", "Sets a new password with the token of a mailed link.")
            .public()
            .takes_credential()
            .reads::<Reset>()
            .answers_empty()
            .run(reset),
        Operation::post("account.password.update", "account/password", "Changes your password and signs you out everywhere else.")
            .reads::<Change>()
            .answers_empty()
            .run(change),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Forgot {
    email: String,
}

async fn forgot(cx: Ctx, call: Call) -> Result<Reply> {
    let input: Forgot = call.json()?;
    let mut form = Form::default();
    let address = form.address("email", &input.email);
    form.done()?;
    cx.app().limits().take(Limit::MailPerAddress, &address.key).check()?;
    let letter = Letter::Reset { link: base::new_id(), email_key: address.key, ip: sessions::ip(cx.trace()).unwrap_or_default() };
    cx.work_is_coming().await?;
    cx.finish(call, move |tx, _| {
        mails::enqueue(tx, &letter)?;
        Reply::json_as(StatusCode::ACCEPTED, &json!({}))
    })
    .await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reset {
    token: String,
    password: String,
}

async fn reset(cx: Ctx, call: Call) -> Result<Reply> {
    let input: Reset = call.json()?;
    let token = input.token;
    let (link, user) = cx
        .app()
        .hub()
        .read(move |sql| {
            let link = links::open(sql, Kind::Reset, &token)?;
            let user = users::by_id(sql, link.user.as_deref().unwrap_or_default())?.filter(|user| user.active).ok_or_else(links::gone)?;
            Ok((link, user))
        })
        .await?;
    // A password that is refused does not use the link up.
    let mut form = Form::default();
    form.password(&input.password, &[&user.email, &user.name]);
    form.done()?;
    let hash = cx.app().passwords().hash(&input.password).await?;
    cx.work_is_coming().await?;
    cx.finish(call, move |tx, _| {
        links::consume(tx.sql(), &link.id, "pending")?;
        links::void(tx.sql(), Kind::Reset, &link.email_key, &link.id)?;
        replace(tx, &user, &hash, "")?;
        Ok(Reply::empty())
    })
    .await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    current: String,
    password: String,
}

async fn change(cx: Ctx, call: Call) -> Result<Reply> {
    let person = proof::person(&cx)?.clone();
    let input: Change = call.json()?;
    let user = proof::whose(&cx, &person, &input.current).await?;
    let mut form = Form::default();
    form.password(&input.password, &[&user.email, &user.name, &cx.tenant().name]);
    form.done()?;
    let hash = cx.app().passwords().hash(&input.password).await?;
    let hub = cx.in_hub("account");
    hub.work_is_coming().await?;
    hub.write(move |tx| {
        links::void(tx.sql(), Kind::Reset, &fields::key(&user.email), "")?;
        replace(tx, &user, &hash, &person.credential)
    })
    .await?;
    cx.finish(call, |_, _| Ok(Reply::empty())).await
}

/// The new password, everybody else out, and a mail that says so; all of it at once or nothing.
fn replace(tx: &mut Tx<'_, '_>, user: &users::User, hash: &str, but: &str) -> Result<()> {
    users::set_password(tx.sql(), &user.id, hash)?;
    sessions::end_all(tx.sql(), &user.id, but)?;
    tx.emit("account.password.changed", &format!("account.users/{}", user.id), &json!({"ip": sessions::ip(tx.cx().trace())}))?;
    mails::enqueue(tx, &Letter::PasswordChanged { to: user.email.clone() })
}
