//! Who is asking, where, and with which rights.

use crate::{
    fields::Form,
    proof::person,
    seats::{self, Seat},
    users,
};
use base::{Error, Result, TenantId};
use http::StatusCode;
use kernel::{
    Call, Ctx, Operation, Reply,
    access::{self, Subject},
    app::App,
    jobs::{Job, Running},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const RENAME: &str = "account.members.rename";

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("account.me.get", "me", "Tells who you are, where, and what you may do.").answers::<Me>(StatusCode::OK).run(get),
        Operation::patch("account.profile.update", "account/profile", "Changes your name, in every company you work in.")
            .reads::<Profile>()
            .answers::<Person>(StatusCode::OK)
            .run(update),
    ]
}

/// The answer to `/me`, and to everything that signs somebody in.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Me {
    pub user: Person,
    pub tenant: Option<Company>,
    pub tenants: Vec<Place>,
    /// What is held in this company at all; conditions apply to the rows.
    pub permissions: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub email: String,
    /// The id of this person in this company: what fields of type user hold.
    pub member: Option<String>,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct Company {
    pub id: String,
    pub slug: String,
    pub name: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Place {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub roles: Vec<String>,
}

impl Company {
    pub fn of(seat: &Seat) -> Company {
        Company { id: seat.tenant.to_string(), slug: seat.slug.clone(), name: seat.name.clone() }
    }
}

async fn get(cx: Ctx, call: Call) -> Result<Reply> {
    call.only_query(&[])?;
    let person = cx.signed_in()?.clone();
    let seats = {
        let user = person.user.clone();
        cx.app().hub().read(move |sql| seats::of(sql, &user)).await?
    };
    let permissions = cx.read(|tx| Ok(tx.rights().permissions().into_iter().map(str::to_owned).collect())).await?;
    let here = seats.iter().find(|seat| Some(seat.member.as_str()) == cx.member()).cloned();
    Reply::json(&assemble(Person { id: person.user, name: person.name, email: person.email, member: None }, here.as_ref(), &seats, permissions))
}

/// The same for somebody who is being signed in by this request, in the hub's transaction at hand. What they hold was asked of the silo
/// before, see [`permissions`].
pub fn of(sql: &mut silo::Tx<'_>, user: &str, seat: Option<&Seat>, permissions: Vec<String>) -> Result<Me> {
    let known = users::by_id(sql, user)?.ok_or_else(Error::anonymous)?;
    let seats = seats::of(sql, user)?;
    Ok(assemble(Person { id: known.id, name: known.name, email: known.email, member: None }, seat, &seats, permissions))
}

/// What a member holds in a company.
pub async fn permissions(app: &App, tenant: TenantId, member: &str) -> Result<Vec<String>> {
    let (shared, subject) = (app.clone(), Subject::Member(member.to_owned()));
    let silo = app.silo(tenant).await?;
    silo.read(move |sql| {
        let epoch = access::epoch(sql)?;
        let rights = access::rights(&shared, sql, &subject, epoch)?;
        Ok(rights.permissions().into_iter().map(str::to_owned).collect())
    })
    .await
}

fn assemble(user: Person, here: Option<&Seat>, seats: &[Seat], permissions: Vec<String>) -> Me {
    let place = |seat: &Seat| Place { id: seat.tenant.to_string(), slug: seat.slug.clone(), name: seat.name.clone(), roles: seat.roles.clone() };
    Me {
        user: Person { member: here.map(|seat| seat.member.clone()), ..user },
        tenant: here.map(Company::of),
        tenants: seats.iter().map(place).collect(),
        permissions,
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
}

async fn update(cx: Ctx, call: Call) -> Result<Reply> {
    let person = person(&cx)?.clone();
    let input: Profile = call.json()?;
    let mut form = Form::default();
    let name = form.line("name", &input.name, 80);
    form.done()?;
    let hub = cx.in_hub("account");
    hub.work_is_coming().await?;
    let (user, new) = (person.user.clone(), name.clone());
    hub.write(move |tx| {
        tx.sql().run(r#"UPDATE "users" SET "name" = ?2 WHERE "id" = ?1"#, &[(&user).into(), (&new).into()])?;
        tx.enqueue(Job::new(RENAME, json!({ "user": user })).keyed(&user)).map(drop)
    })
    .await?;
    spread(cx.app(), &person.user).await?;
    Reply::json(&Person { id: person.user, name, email: person.email, member: cx.member().map(str::to_owned) })
}

/// The job: what the first try did not reach.
pub async fn rename_later(cx: Ctx, job: Running) -> Result<Value> {
    let user = job.args.get("user").and_then(Value::as_str).unwrap_or_default();
    spread(cx.app(), user).await.map(|()| Value::Null)
}

/// Writes somebody's name into each silo where they are a member.
async fn spread(app: &App, user: &str) -> Result<()> {
    let id = user.to_owned();
    let (name, seats) = app
        .hub()
        .read(move |sql| {
            let name = users::by_id(sql, &id)?.map(|user| user.name).unwrap_or_default();
            Ok((name, seats::of(sql, &id)?))
        })
        .await?;
    for seat in seats {
        let (name, member) = (name.clone(), seat.member);
        let silo = match app.silo(seat.tenant).await {
            // One company out of service is no reason not to go on in the others.
            Err(error) if error.name() == Error::QUARANTINED => continue,
            opened => opened?,
        };
        silo.write(move |sql| sql.run(r#"UPDATE "members" SET "name" = ?2 WHERE "id" = ?1"#, &[(&member).into(), (&name).into()]).map(drop)).await?;
    }
    Ok(())
}
