//! Invitations: a link in the hub that leads to a seat in a company. The log of the company says who invited whom.

use crate::{
    fields::{Form, Nothing},
    links::{self, Kind, Link},
    mails::{self, Letter},
    members,
    pages::{CURSOR, LIMIT, Page},
    roles, users,
};
use base::{Error, Result, TenantId, Time, Value};
use http::StatusCode;
use kernel::{Call, Ctx, Operation, Reply, Tx, limits::Limit, secrets::random_token};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("account.invitations.list", "account/invitations", "Lists invitations, newest first.")
            .needs("account.invitations:read")
            .param(LIMIT.0, LIMIT.1)
            .param(CURSOR.0, CURSOR.1)
            .answers::<Invitations>(StatusCode::OK)
            .run(list),
        Operation::post("account.invitations.create", "account/invitations", "Invites somebody by mail.")
            .needs("account.invitations:create")
            .reads::<Invite>()
            .answers::<Invitation>(StatusCode::CREATED)
            .run(create),
        Operation::post("account.invitations.resend", "account/invitations/{id}/resend", "Sends an invitation again; the link before is dead.")
            .needs("account.invitations:create")
            .reads_json(json!({"type": "object", "additionalProperties": false}))
            .answers::<Invitation>(StatusCode::OK)
            .run(resend),
        Operation::delete("account.invitations.delete", "account/invitations/{id}", "Cancels an invitation.")
            .needs("account.invitations:delete")
            .answers_empty()
            .run(cancel),
    ]
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Invitations {
    items: Vec<Invitation>,
    next: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Invitation {
    id: String,
    email: String,
    role: String,
    status: Status,
    expires_at: String,
    created_at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pending,
    Accepted,
    Cancelled,
    Expired,
}

impl Invitation {
    fn of(link: &Link) -> Invitation {
        let status = match link.status.as_str() {
            "used" => Status::Accepted,
            "pending" | "working" if link.expires_at > Time::now() => Status::Pending,
            "pending" | "working" => Status::Expired,
            _ => Status::Cancelled,
        };
        Invitation {
            id: link.id.clone(),
            email: link.email.clone(),
            role: link.role.clone().unwrap_or_default(),
            status,
            expires_at: link.expires_at.to_string(),
            created_at: link.created_at.to_string(),
        }
    }
}

async fn list(cx: Ctx, call: Call) -> Result<Reply> {
    let page: Page<String> = Page::of(&cx, &call)?;
    // Ids grow with time, and `g` comes after all of them.
    let (tenant, before) = (cx.tenant_id().to_string(), page.after.clone().unwrap_or_else(|| "g".into()));
    let sql = format!(
        r#"SELECT {} FROM "links" WHERE "tenant" = ?1 AND "kind" = 'invitation' AND "id" < ?2 ORDER BY "id" DESC LIMIT {}"#,
        links::COLUMNS,
        page.limit + 1
    );
    let mut found = cx.app().hub().scan(move |tx| tx.rows(&sql, &[Value::from(&tenant), Value::from(&before)], links::from_row)).await?;
    let next = page.cut(&mut found, |link| link.id.clone())?;
    Reply::json(&Invitations { items: found.iter().map(Invitation::of).collect(), next })
}

/// An invitation of this company that can still be accepted; any other is not there.
async fn find(cx: &Ctx, id: &str) -> Result<Link> {
    let (id, tenant) = (id.to_owned(), cx.tenant_id().to_string());
    let found = cx.app().hub().read(move |sql| links::by_id(sql, &id)).await?;
    found.filter(|link| link.tenant.as_deref() == Some(&tenant) && link.role.is_some()).ok_or_else(Error::not_found)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Invite {
    email: String,
    role: String,
}

async fn create(cx: Ctx, call: Call) -> Result<Reply> {
    let input: Invite = call.json()?;
    let mut form = Form::default();
    let address = form.address("email", &input.email);
    form.done()?;
    let key = address.key.clone();
    let known = cx.app().hub().read(move |sql| Ok(users::by_key(sql, &key)?.map(|user| user.id).unwrap_or_default())).await?;
    let (user, role) = (known.clone(), input.role.clone());
    cx.scan(move |tx| judge(tx, &user, &role)).await?;
    cx.app().limits().take(Limit::MailPerAddress, &address.key).check()?;
    let (lifetime, tenant) = (cx.app().config().tokens.invitation.get(), cx.tenant_id());
    let inviter = cx.person().map_or_else(|| cx.tenant().name.clone(), |person| person.name.clone());
    let (letter, company, by) = (base::new_id(), cx.tenant().name.clone(), cx.actor().to_owned());
    let id = letter.clone();
    let (to, key, wanted) = (address.text.clone(), address.key.clone(), input.role.clone());
    // A row that nobody has a token for leads nowhere: it may stand before the company's log knows of it.
    let link = cx.app().hub().write(move |sql| put(sql, &id, &to, &key, tenant, &wanted, &by, lifetime)).await?;
    cx.work_is_coming().await?;
    let shown = link.clone();
    let outcome = cx
        .finish(call, move |tx, _| {
            judge(tx, &known, &input.role)?;
            let data = json!({"after": {"email": address.text, "role": input.role}});
            tx.emit("account.invitation.created", &format!("account.invitations/{letter}"), &data)?;
            mails::enqueue(tx, &Letter::Invitation { link: letter, inviter, company })?;
            Reply::json_as(StatusCode::CREATED, &Invitation::of(&shown))
        })
        .await;
    if outcome.as_ref().map_or(true, Reply::is_replay) {
        cx.app().hub().write(move |sql| set_status(sql, &link.id, "cancelled").map(drop)).await?;
    }
    outcome
}

/// Whether this person, known or not (empty), may be invited into this role.
fn judge(tx: &mut Tx<'_, '_>, user: &str, role: &str) -> Result<()> {
    if !roles::exists(tx, role)? {
        return Err(Error::fault("role", "unknown", "There is no such role."));
    }
    roles::may_give(tx, role)?;
    if members::works_here(tx, user)? {
        return Err(Error::conflict("already-member", "Somebody with this address works here already."));
    }
    Ok(())
}

/// Writes the link of an invitation. An earlier one to the same address in the same company is cancelled by it.
#[expect(clippy::too_many_arguments, reason = "one row, each value once")]
fn put(sql: &mut silo::Tx<'_>, id: &str, email: &str, email_key: &str, tenant: TenantId, role: &str, by: &str, lifetime: i64) -> Result<Link> {
    let tenant = tenant.to_string();
    sql.run(
        r#"UPDATE "links" SET "status" = 'cancelled' WHERE "tenant" = ?1 AND "kind" = 'invitation' AND "email_key" = ?2 AND "status" = 'pending'"#,
        &[(&tenant).into(), email_key.into()],
    )?;
    let link = links::NewLink {
        id,
        kind: Kind::Invitation,
        email,
        email_key,
        user: None,
        tenant: Some(&tenant),
        role: Some(role),
        created_by: Some(by),
        lifetime,
    };
    // Nobody has this token: the mail comes with one of its own.
    links::arm(sql, &link, &random_token()?)?;
    links::by_id(sql, id)?.ok_or_else(|| Error::internal("an invitation that was just written is gone"))
}

fn set_status(sql: &mut silo::Tx<'_>, id: &str, status: &str) -> Result<u64> {
    sql.run(r#"UPDATE "links" SET "status" = ?2 WHERE "id" = ?1 AND "status" = 'pending'"#, &[id.into(), status.into()])
}

async fn resend(cx: Ctx, call: Call) -> Result<Reply> {
    let _: Nothing = call.json()?;
    let link = find(&cx, call.record_id()?).await?;
    if link.status != "pending" {
        return Err(Error::conflict("not-pending", "This invitation was accepted or cancelled. Invite again instead."));
    }
    cx.app().limits().take(Limit::MailPerAddress, &link.email_key).check()?;
    let inviter = cx.person().map_or_else(|| cx.tenant().name.clone(), |person| person.name.clone());
    let company = cx.tenant().name.clone();
    let lifetime = cx.app().config().tokens.invitation.get();
    // What is in the mail that went out before is worth nothing from now on; the job makes the new token.
    let id = link.id.clone();
    let link = cx
        .app()
        .hub()
        .write(move |sql| {
            let until = Time::now().plus_seconds(lifetime);
            let dead = kernel::secrets::random::<32>()?;
            sql.run(
                r#"UPDATE "links" SET "hash" = ?2, "expires_at" = ?3 WHERE "id" = ?1 AND "status" = 'pending'"#,
                &[(&id).into(), dead.as_slice().into(), until.into()],
            )?;
            links::by_id(sql, &id)?.ok_or_else(Error::not_found)
        })
        .await?;
    cx.work_is_coming().await?;
    cx.finish(call, move |tx, _| {
        roles::may_give(tx, link.role.as_deref().unwrap_or_default())?;
        tx.emit(
            "account.invitation.resent",
            &format!("account.invitations/{}", link.id),
            &json!({"after": {"email": link.email, "role": link.role}}),
        )?;
        mails::enqueue(tx, &Letter::Invitation { link: link.id.clone(), inviter, company })?;
        Reply::json(&Invitation::of(&link))
    })
    .await
}

async fn cancel(cx: Ctx, call: Call) -> Result<Reply> {
    let link = find(&cx, call.record_id()?).await?;
    let id = link.id.clone();
    if cx.app().hub().write(move |sql| set_status(sql, &id, "cancelled")).await? == 0 {
        return match link.status.as_str() {
            "cancelled" | "void" => Ok(Reply::empty()),
            _ => Err(Error::conflict("not-pending", "This invitation was accepted already. Remove the member instead.")),
        };
    }
    cx.finish(call, move |tx, _| {
        let data = json!({"before": {"email": link.email, "role": link.role}});
        tx.emit("account.invitation.cancelled", &format!("account.invitations/{}", link.id), &data)?;
        Ok(Reply::empty())
    })
    .await
}
