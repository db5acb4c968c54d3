//! Accepting an invitation: the claim fixes who comes, then the silo has its member, and the hub's rows that let them in come last. A job
//! finishes what a crash left in between.

use crate::{
    fields::Form,
    links::{self, Kind, Link},
    me,
    members::{self, Joining},
    proof, roles,
    seats::{self, Seat},
    sign_in, users,
};
use base::{Error, Result, TenantId, Time};
use http::StatusCode;
use kernel::{
    Call, Ctx, Operation, Reply, Tx,
    jobs::{Job, Running},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

pub const JOIN: &str = "account.invitations.join";
/// When the job looks whether somebody was left halfway in, in seconds.
const LATER: i64 = 30;

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("auth.accept_invitation", "auth/accept-invitation", "Joins a company with the token of a mailed link, and signs in.")
            .public()
            .takes_credential()
            .sets_cookie()
            .reads::<Accept>()
            .answers::<me::Me>(StatusCode::OK)
            .run(accept),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Accept {
    token: String,
    /// For somebody who has no account yet.
    name: Option<String>,
    /// A new one for somebody who has no account yet; the password of the account for somebody who has one and is not signed in.
    password: Option<String>,
}

/// An invitation whose token came, with the ids that all tries share. The `signups` row of the same id keeps what a new person typed.
#[derive(Debug, Clone)]
struct Claim {
    link: String,
    tenant: TenantId,
    user: String,
    email: String,
    email_key: String,
    name: String,
    /// Empty where the person is known.
    password: String,
    role: String,
}

async fn accept(cx: Ctx, call: Call) -> Result<Reply> {
    let input: Accept = call.json()?;
    let token = input.token.clone();
    let (link, known) = cx
        .app()
        .hub()
        .read(move |sql| {
            let link = links::open(sql, Kind::Invitation, &token)?;
            let known = users::by_key(sql, &link.email_key)?;
            Ok((link, known))
        })
        .await?;
    let (user, name, password) = match known {
        Some(user) => {
            prove(&cx, &user, &link, input.password.as_deref()).await?;
            (Some(user.id), user.name, String::new())
        }
        None => {
            not_somebody_else(&cx, None)?;
            let (name, hash) = introduce(&cx, &link, &input).await?;
            (None, name, hash)
        }
    };
    cx.work_is_coming().await?;
    base::step("accept-invitation.announced")?;
    let claim = cx.in_hub("account").write(move |tx| claim(tx, &link.id, user, &name, &password)).await?;
    base::step("accept-invitation.claimed")?;
    let member = enter(&cx, &claim).await?;
    base::step("accept-invitation.entered")?;
    let permissions = me::permissions(cx.app(), claim.tenant, &member).await?;
    let entered = cx.finish(call, move |tx, _| {
        let seat = settle(tx, &claim, &member)?;
        sign_in::start(tx, &claim.user, Some(&seat), permissions)
    });
    let answer = entered.await.map_err(|error| if error.code() == base::Code::Conflict { links::gone() } else { error })?;
    base::step("accept-invitation.settled")?;
    Ok(answer)
}

/// Whoever has the mail must also be the person: signed in with this address, or in possession of its password.
async fn prove(cx: &Ctx, user: &users::User, link: &Link, password: Option<&str>) -> Result<()> {
    if cx.person().is_some() {
        return not_somebody_else(cx, Some(&user.id));
    }
    let password =
        password.ok_or_else(|| Error::fault("password", "required", "You have an account already: type its password, or sign in first."))?;
    proof::of_password(cx, &link.email, password, None).await.map(drop)
}

fn not_somebody_else(cx: &Ctx, user: Option<&str>) -> Result<()> {
    match cx.person() {
        Some(person) if Some(person.user.as_str()) != user => {
            Err(Error::malformed("other-address", "This invitation is for another address than the one you are signed in with. Sign out first."))
        }
        Some(_) | None => Ok(()),
    }
}

/// Name and password of somebody new.
async fn introduce(cx: &Ctx, link: &Link, input: &Accept) -> Result<(String, String)> {
    let mut form = Form::default();
    let name = form.line("name", input.name.as_deref().unwrap_or_default(), 80);
    let password = input.password.as_deref().unwrap_or_default();
    form.password(password, &[&name, &link.email]);
    form.done()?;
    Ok((name, cx.app().passwords().hash(password).await?))
}

/// Marks the link as being worked on, and fixes who comes. The first of many tries decides; the others go on with what it wrote.
fn claim(tx: &mut Tx<'_, '_>, link: &str, user: Option<String>, name: &str, password: &str) -> Result<Claim> {
    let found = links::by_id(tx.sql(), link)?.ok_or_else(links::gone)?;
    if found.status == "pending" {
        let user = user.unwrap_or_else(base::new_id);
        tx.sql().run(r#"UPDATE "links" SET "status" = 'working', "user" = ?2 WHERE "id" = ?1"#, &[link.into(), (&user).into()])?;
        tx.sql().run(
            r#"INSERT INTO "signups" ("id", "company", "name", "email", "email_key", "password", "status", "created_at") VALUES (?1, '', ?2, ?3, ?4, ?5, 'invited', ?6)"#,
            &[link.into(), name.into(), (&found.email).into(), (&found.email_key).into(), password.into(), Time::now().into()],
        )?;
        let job = Job { run_at: Time::now().plus_seconds(LATER), ..Job::new(JOIN, json!({"link": link})) };
        tx.enqueue(job.once(format!("{JOIN}/{link}")))?;
    }
    read_claim(tx.sql(), link)?.ok_or_else(links::gone)
}

fn read_claim(sql: &mut silo::Tx<'_>, link: &str) -> Result<Option<Claim>> {
    sql.row(
        r#"SELECT l."tenant", l."user", l."email", l."email_key", s."name", s."password", l."role" FROM "links" l JOIN "signups" s ON s."id" = l."id"
WHERE l."id" = ?1 AND l."status" = 'working' AND s."status" = 'invited'"#,
        &[link.into()],
        |row| {
            Ok(Claim {
                link: link.to_owned(),
                tenant: row.text(0)?.parse()?,
                user: row.text(1)?.to_owned(),
                email: row.text(2)?.to_owned(),
                email_key: row.text(3)?.to_owned(),
                name: row.text(4)?.to_owned(),
                password: row.text(5)?.to_owned(),
                role: row.text(6)?.to_owned(),
            })
        },
    )
}

/// The silo first: the member is there, but nobody can come in yet. Returns the member's id.
async fn enter(cx: &Ctx, claim: &Claim) -> Result<String> {
    let claim = claim.clone();
    let there = cx.in_silo(claim.tenant, "account").await?;
    there
        .write(move |tx| {
            if !roles::exists(tx, &claim.role)? {
                return Err(links::gone());
            }
            members::join(tx, &Joining { id: &claim.link, user: &claim.user, email: &claim.email, name: &claim.name, role: &claim.role })
        })
        .await
}

/// The hub last: user and seat. Of many at once exactly one gets through.
fn settle(tx: &mut Tx<'_, '_>, claim: &Claim, member: &str) -> Result<Seat> {
    links::consume(tx.sql(), &claim.link, "working")?;
    if !claim.password.is_empty() {
        let new = users::NewUser { id: &claim.user, email: &claim.email, email_key: &claim.email_key, name: &claim.name, password: &claim.password };
        users::insert(tx.sql(), &new)?;
        // What others signed up for with this address is worth nothing from now on.
        links::void(tx.sql(), Kind::Verify, &claim.email_key, "")?;
        tx.emit("account.user.created", &format!("account.users/{}", claim.user), &json!({}))?;
    }
    tx.sql().run(r#"UPDATE "signups" SET "status" = 'used', "password" = '' WHERE "id" = ?1"#, &[(&claim.link).into()])?;
    seats::put(tx.sql(), &claim.user, claim.tenant, member, true, std::slice::from_ref(&claim.role))?;
    let found = seats::of(tx.sql(), &claim.user)?.into_iter().find(|seat| seat.tenant == claim.tenant);
    found.ok_or_else(links::gone)
}

/// The job: finishes what a crash left between the two steps.
pub async fn join_later(cx: Ctx, job: Running) -> Result<serde_json::Value> {
    let link = job.args.get("link").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let Some(claim) = cx.app().hub().read(move |sql| read_claim(sql, &link)).await? else { return Ok(serde_json::Value::Null) };
    let member = enter(&cx, &claim).await?;
    base::step("accept-invitation.entered-later")?;
    match cx.in_hub("account").write(move |tx| settle(tx, &claim, &member)).await {
        Err(late) if matches!(late.code(), base::Code::Gone | base::Code::Conflict) => Ok(serde_json::Value::Null),
        outcome => outcome.map(|_| serde_json::Value::Null),
    }
}
