//! Members: who works in this company, with which roles. The silo is the truth; the hub's seat follows it when somebody gains,
//! and goes before it when somebody loses.

use crate::{
    fields::Nothing,
    pages::{CURSOR, LIMIT, Page},
    proof::person,
    roles, seats,
};
use base::{Error, Fault, Result, TenantId, Time, Value, fold};
use http::StatusCode;
use kernel::{
    Call, Ctx, Operation, Reply, Tx,
    app::App,
    jobs::{Job, Running},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub const SYNC: &str = "account.members.sync";

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("account.members.list", "account/members", "Lists who works here, by name.")
            .needs("account.members:read")
            .param(LIMIT.0, LIMIT.1)
            .param(CURSOR.0, CURSOR.1)
            .answers::<Members>(StatusCode::OK)
            .run(list),
        Operation::patch("account.members.update", "account/members/{id}", "Changes somebody's roles, deactivates or activates them.")
            .needs("account.members:update")
            .reads::<Update>()
            .answers::<Member>(StatusCode::OK)
            .run(update),
        Operation::delete("account.members.delete", "account/members/{id}", "Removes somebody from this company.")
            .needs("account.members:delete")
            .answers_empty()
            .run(delete),
        Operation::post("account.leave", "account/leave", "Leaves this company. The last owner cannot.")
            .reads_json(json!({"type": "object", "additionalProperties": false}))
            .answers_empty()
            .run(leave),
    ]
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Members {
    items: Vec<Member>,
    next: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Member {
    id: String,
    name: String,
    email: String,
    status: Status,
    roles: Vec<String>,
    joined_at: String,
    /// When this person last signed in to this company.
    seen_at: Option<String>,
    #[serde(skip)]
    user: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Active,
    Inactive,
}

impl Status {
    fn text(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Inactive => "inactive",
        }
    }
}

const COLUMNS: &str = r#"m."id", m."name", m."email", m."status", m."joined_at", m."user""#;

fn from_row(row: &silo::Row<'_>) -> Result<Member> {
    Ok(Member {
        id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        email: row.text(2)?.to_owned(),
        status: if row.text(3)? == "active" { Status::Active } else { Status::Inactive },
        roles: Vec::new(),
        joined_at: Time(row.int(4)?).to_string(),
        seen_at: None,
        user: row.text(5)?.to_owned(),
    })
}

async fn list(cx: Ctx, call: Call) -> Result<Reply> {
    let page = Page::of(&cx, &call)?;
    let (mut items, next) = cx.scan(move |tx| some(tx, &page)).await?;
    let tenant = cx.tenant_id().to_string();
    let items = cx.app().hub().scan(move |sql| {
        let find = r#"SELECT "used_at" FROM "user_tenants" WHERE "user" = ?1 AND "tenant" = ?2"#;
        for member in &mut items {
            member.seen_at = sql.row(find, &[(&member.user).into(), (&tenant).into()], |row| Ok(Time(row.int(0)?).to_string()))?;
        }
        Ok(items)
    });
    Reply::json(&Members { items: items.await?, next })
}

/// One page, by name as people read it: a company's names are few enough to be put in order here, where both engines fold alike.
fn some(tx: &mut Tx<'_, '_>, page: &Page<Place>) -> Result<(Vec<Member>, Option<String>)> {
    let all = tx.sql().rows(&format!(r#"SELECT {COLUMNS} FROM "members" m WHERE m."status" <> 'removed'"#), &[], from_row)?;
    let mut all: Vec<(Place, Member)> = all.into_iter().map(|member| (Place(fold(&member.name), member.id.clone()), member)).collect();
    all.retain(|(place, _)| page.after.as_ref().is_none_or(|after| place > after));
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.truncate(page.limit + 1);
    let next = page.cut(&mut all, |(place, _)| place.clone())?;
    let mut items: Vec<Member> = all.into_iter().map(|(_, member)| member).collect();
    for member in &mut items {
        member.roles = roles_of(tx.sql(), &member.id)?;
    }
    Ok((items, next))
}

/// Where somebody stands in the list: the folded name, and the id among namesakes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place(String, String);

/// Somebody who works here, or did and was deactivated; not somebody who was removed.
fn find(tx: &mut Tx<'_, '_>, id: &str) -> Result<Member> {
    let found =
        tx.sql().row(&format!(r#"SELECT {COLUMNS} FROM "members" m WHERE m."id" = ?1 AND m."status" <> 'removed'"#), &[id.into()], from_row)?;
    let mut member = found.ok_or_else(Error::not_found)?;
    member.roles = roles_of(tx.sql(), id)?;
    Ok(member)
}

fn roles_of(sql: &mut silo::Tx<'_>, id: &str) -> Result<Vec<String>> {
    sql.rows(r#"SELECT "role" FROM "member_roles" WHERE "member" = ?1 ORDER BY "role""#, &[id.into()], |row| Ok(row.text(0)?.to_owned()))
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// All of them: what is not listed is taken away.
    roles: Option<Vec<String>>,
    status: Option<Status>,
}

/// What somebody is to become, checked against who asks.
fn judge(tx: &mut Tx<'_, '_>, id: &str, input: &Update) -> Result<(Member, Member)> {
    let before = find(tx, id)?;
    let mut after = before.clone();
    if let Some(roles) = &input.roles {
        after.roles = roles.clone();
        after.roles.sort();
        after.roles.dedup();
    }
    after.status = input.status.unwrap_or(before.status);
    if after.roles.is_empty() {
        return Err(Error::fault("roles", "required", "Everybody needs at least one role. To take all away, deactivate or remove the member."));
    }
    for (at, role) in after.roles.iter().enumerate() {
        if !roles::exists(tx, role)? {
            return Err(Error::invalid(vec![Fault::new(format!("roles.{at}"), "unknown", "There is no such role.")]));
        }
    }
    // Whoever changes somebody must hold all that this person has now, and all that they will have.
    for role in before.roles.iter().chain(&after.roles) {
        roles::may_give(tx, role)?;
    }
    let stays_owner = after.status == Status::Active && after.roles.iter().any(|role| role == "owner");
    if !stays_owner {
        keep_an_owner(tx, &before)?;
    }
    Ok((before, after))
}

/// A company always has an active owner.
fn keep_an_owner(tx: &mut Tx<'_, '_>, member: &Member) -> Result<()> {
    if member.status != Status::Active || !member.roles.iter().any(|role| role == "owner") {
        return Ok(());
    }
    let others = tx.sql().row(
        r#"SELECT 1 FROM "member_roles" r JOIN "members" m ON m."id" = r."member" WHERE r."role" = 'owner' AND m."status" = 'active' AND m."id" <> ?1"#,
        &[(&member.id).into()],
        |_| Ok(()),
    )?;
    others.ok_or_else(|| Error::conflict("last-owner", "This is the last owner. Make somebody else an owner first."))
}

async fn update(cx: Ctx, call: Call) -> Result<Reply> {
    let id = call.record_id()?.to_owned();
    let input: Update = call.json()?;
    let (look, wanted) = (id.clone(), input.clone());
    let (before, after) = cx.scan(move |tx| judge(tx, &look, &wanted)).await?;
    cx.work_is_coming().await?;
    if before.status == Status::Active && after.status == Status::Inactive {
        lock_seat(&cx, &before.user).await?;
    }
    let changed = id.clone();
    let outcome = cx
        .finish(call, move |tx, _| {
            let (before, after) = judge(tx, &changed, &input)?;
            if before.roles == after.roles && before.status == after.status {
                return Reply::json(&after);
            }
            write(tx, &after, after.status.text())?;
            let of = |m: &Member| json!({"roles": m.roles, "status": m.status});
            tx.emit("account.member.updated", &format!("account.members/{changed}"), &json!({"before": of(&before), "after": of(&after)}))?;
            Reply::json(&after)
        })
        .await;
    // Also where it was refused after all: the seat then says again what the silo says.
    sync(cx.app(), cx.tenant_id(), &id).await?;
    outcome
}

async fn delete(cx: Ctx, call: Call) -> Result<Reply> {
    let id = call.record_id()?.to_owned();
    remove(cx, call, id, Removal::ByOthers).await
}

async fn leave(cx: Ctx, call: Call) -> Result<Reply> {
    let _: Nothing = call.json()?;
    person(&cx)?;
    let id = cx.member().ok_or_else(|| Error::conflict("no-company", "You are in no company at the moment."))?.to_owned();
    remove(cx, call, id, Removal::Oneself).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    ByOthers,
    Oneself,
}

fn judge_removal(tx: &mut Tx<'_, '_>, id: &str, how: Removal) -> Result<Member> {
    let member = find(tx, id)?;
    if how == Removal::ByOthers {
        for role in &member.roles {
            roles::may_give(tx, role)?;
        }
    }
    keep_an_owner(tx, &member)?;
    Ok(member)
}

async fn remove(cx: Ctx, call: Call, id: String, how: Removal) -> Result<Reply> {
    let look = id.clone();
    let member = cx.scan(move |tx| judge_removal(tx, &look, how)).await?;
    cx.work_is_coming().await?;
    lock_seat(&cx, &member.user).await?;
    let gone = id.clone();
    let outcome = cx
        .finish(call, move |tx, _| {
            let member = judge_removal(tx, &gone, how)?;
            write(tx, &Member { roles: Vec::new(), ..member.clone() }, "removed")?;
            let kind = if how == Removal::Oneself { "account.member.left" } else { "account.member.removed" };
            let data = json!({"before": {"name": member.name, "email": member.email, "roles": member.roles}});
            tx.emit(kind, &format!("account.members/{gone}"), &data)?;
            Ok(Reply::empty())
        })
        .await;
    sync(cx.app(), cx.tenant_id(), &id).await?;
    outcome
}

/// Writes status and roles, makes cached rights old, and asks for the hub's seat to follow.
fn write(tx: &mut Tx<'_, '_>, member: &Member, status: &str) -> Result<()> {
    tx.sql().run(r#"UPDATE "members" SET "status" = ?2 WHERE "id" = ?1"#, &[(&member.id).into(), status.into()])?;
    set_roles(tx.sql(), &member.id, &member.roles)?;
    tx.rights_changed();
    tx.enqueue(Job::new(SYNC, json!({"member": member.id})).keyed(&member.id)).map(drop)
}

pub fn set_roles(sql: &mut silo::Tx<'_>, member: &str, roles: &[String]) -> Result<()> {
    sql.run(r#"DELETE FROM "member_roles" WHERE "member" = ?1"#, &[member.into()])?;
    for role in roles {
        sql.run(r#"INSERT INTO "member_roles" ("member", "role") VALUES (?1, ?2)"#, &[member.into(), role.into()])?;
    }
    Ok(())
}

async fn lock_seat(cx: &Ctx, user: &str) -> Result<()> {
    let (user, tenant) = (user.to_owned(), cx.tenant_id());
    cx.app().hub().write(move |sql| seats::lock(sql, &user, tenant)).await
}

/// Makes the hub's seat of a member say what the silo says. Safe to run twice.
pub async fn sync(app: &App, tenant: TenantId, member: &str) -> Result<()> {
    let id = member.to_owned();
    let silo = app.silo(tenant).await?;
    let found = silo
        .read(move |sql| {
            let find = r#"SELECT "user", "status" FROM "members" WHERE "id" = ?1"#;
            let Some((user, status)) = sql.row(find, &[Value::from(&id)], |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())))? else {
                return Ok(None);
            };
            Ok(Some((user, status, roles_of(sql, &id)?)))
        })
        .await?;
    let Some((user, status, roles)) = found else { return Ok(()) };
    let (member, active) = (member.to_owned(), status == "active");
    app.hub()
        .write(move |sql| {
            seats::put(sql, &user, tenant, &member, active, &roles)?;
            if active { Ok(()) } else { seats::clear(sql, &user, tenant, status == "removed") }
        })
        .await
}

/// The job: what a crash left undone.
pub async fn sync_later(cx: Ctx, job: Running) -> Result<serde_json::Value> {
    let member = job.args.get("member").and_then(serde_json::Value::as_str).unwrap_or_default();
    sync(cx.app(), cx.tenant_id(), member).await.map(|()| serde_json::Value::Null)
}

/// Somebody joins with one role: a new member, or one who was here before and comes back under the same id.
pub struct Joining<'a> {
    /// For a new member; safe to use twice.
    pub id: &'a str,
    pub user: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub role: &'a str,
}

/// Writes a member and returns the id it has. Who works here already keeps their roles and gets this one beside.
pub fn join(tx: &mut Tx<'_, '_>, new: &Joining<'_>) -> Result<String> {
    let before = tx.sql().row(r#"SELECT "id", "status" FROM "members" WHERE "user" = ?1"#, &[new.user.into()], |row| {
        Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))
    })?;
    let (id, status) = match before {
        Some(known) => known,
        None => {
            tx.sql().run(
                r#"INSERT INTO "members" ("id", "user", "email", "name", "status", "joined_at") VALUES (?1, ?2, ?3, ?4, 'joining', ?5)"#,
                &[new.id.into(), new.user.into(), new.email.into(), new.name.into(), Time::now().into()],
            )?;
            (new.id.to_owned(), "joining".to_owned())
        }
    };
    let mut roles = if status == "active" { roles_of(tx.sql(), &id)? } else { Vec::new() };
    if roles.iter().any(|role| role == new.role) {
        return Ok(id);
    }
    roles.push(new.role.to_owned());
    tx.sql().run(
        r#"UPDATE "members" SET "status" = 'active', "name" = ?2, "email" = ?3 WHERE "id" = ?1"#,
        &[(&id).into(), new.name.into(), new.email.into()],
    )?;
    set_roles(tx.sql(), &id, &roles)?;
    tx.rights_changed();
    let data = json!({"after": {"name": new.name, "email": new.email, "roles": roles}});
    tx.emit("account.member.joined", &format!("account.members/{id}"), &data)?;
    Ok(id)
}

/// Whether somebody works here now.
pub fn works_here(tx: &mut Tx<'_, '_>, user: &str) -> Result<bool> {
    let find = r#"SELECT 1 FROM "members" WHERE "user" = ?1 AND "status" = 'active'"#;
    Ok(tx.sql().row(find, &[user.into()], |_| Ok(()))?.is_some())
}
