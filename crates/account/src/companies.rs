//! Companies: each gets its own silo. The silo is made first, and the hub row that leads to it last.

use crate::{
    fields::Form,
    founding,
    me::Company,
    proof::person,
    seats::{self, Seat},
};
use base::{Result, TenantId, Time, fold};
use http::StatusCode;
use kernel::{Call, Ctx, Operation, Reply, Tx, limits::Limit, secrets::random};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// What a company gets until somebody says otherwise.
const CURRENCY: &str = "EUR";
const TIME_ZONE: &str = "UTC";
/// Names that mean something else in an address.
const RESERVED: [&str; 12] = ["hub", "api", "app", "www", "admin", "auth", "account", "static", "assets", "docs", "dev", "tenon"];

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("account.companies.create", "account/companies", "Makes another company, with you as its owner.")
            .reads::<Make>()
            .answers::<Company>(StatusCode::CREATED)
            // The answer waits for a retry in another company's silo: nobody is to read the new one's name there once that is deleted.
            .shows_secret()
            .run(create),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Make {
    name: String,
}

async fn create(cx: Ctx, call: Call) -> Result<Reply> {
    let person = person(&cx)?.clone();
    let input: Make = call.json()?;
    let mut form = Form::default();
    let name = form.line("name", &input.name, 80);
    form.done()?;
    let mark = match cx.request_mark(&call) {
        Some(mark) => mark,
        None => random()?,
    };
    let hub = cx.in_hub("account");
    hub.work_is_coming().await?;
    base::step("provision.announced")?;
    let claim = hub.write(move |tx| {
        let (limits, user) = (tx.app().clone(), person.user.clone());
        // A company is a database: making them is as limited as signing up.
        founding::of_person(tx, mark, &person, &name, || limits.limits().take(Limit::RegisterPerIp, &user).check())
    });
    let claim = claim.await?;
    base::step("provision.claimed")?;
    let company = founding::carry_out(&cx, &claim).await?;
    let answer = cx.finish(call, move |_, _| Reply::json_as(StatusCode::CREATED, &Company::of(&company))).await?;
    base::step("provision.answered")?;
    Ok(answer)
}

/// The first member of a company.
#[derive(Debug, Clone)]
pub struct Owner {
    pub member: String,
    pub user: String,
    pub email: String,
    pub name: String,
}

/// Makes the silo of a company with its owner in it. Twice is the same as once.
pub async fn found(cx: &Ctx, tenant: TenantId, owner: Owner, company: &str) -> Result<()> {
    let company = company.to_owned();
    cx.new_silo(tenant, CURRENCY, TIME_ZONE, move |tx| {
        let now = Time::now();
        tx.sql().run(
            r#"INSERT INTO "members" ("id", "user", "email", "name", "status", "joined_at") VALUES (?1, ?2, ?3, ?4, 'active', ?5)"#,
            &[(&owner.member).into(), (&owner.user).into(), (&owner.email).into(), (&owner.name).into(), now.into()],
        )?;
        tx.sql().run(r#"INSERT INTO "member_roles" ("member", "role") VALUES (?1, 'owner')"#, &[(&owner.member).into()])?;
        let data = json!({"name": company, "owner": owner.member});
        tx.emit("account.company.created", &format!("account.companies/{tenant}"), &data).map(drop)
    })
    .await
}

/// Writes the hub's rows of a company whose silo is there: from here on it can be reached.
pub fn register(tx: &mut Tx<'_, '_>, tenant: TenantId, user: &str, member: &str, name: &str) -> Result<Seat> {
    let slug = free_slug(tx, name)?;
    let (id, now) = (tenant.to_string(), Time::now());
    let placement = tx.app().placement();
    // A new silo has the tables of this version.
    let stamp = tx.app().stamp().to_owned();
    tx.sql().run(
        r#"INSERT INTO "hub_tenants" ("id", "slug", "name", "status", "placement", "stamp", "created_at", "updated_at") VALUES (?1, ?2, ?3, 'active', ?5, ?6, ?4, ?4)"#,
        &[(&id).into(), (&slug).into(), name.into(), now.into(), placement.into(), stamp.into()],
    )?;
    let roles = vec!["owner".to_owned()];
    seats::put(tx.sql(), user, tenant, member, true, &roles)?;
    let data = json!({"slug": slug, "name": name, "owner": user});
    tx.emit("account.company.created", &format!("account.companies/{tenant}"), &data)?;
    Ok(Seat { tenant, slug, name: name.to_owned(), member: member.to_owned(), roles })
}

/// The company's name as it can stand in an address; with a number, then with a random tail, where others have it already.
fn free_slug(tx: &mut Tx<'_, '_>, name: &str) -> Result<String> {
    let base = slug(name);
    for n in 1..20 {
        let wanted = if n == 1 { base.clone() } else { format!("{base}-{n}") };
        let taken = RESERVED.contains(&wanted.as_str())
            || tx.sql().row(r#"SELECT 1 FROM "hub_tenants" WHERE "slug" = ?1"#, &[(&wanted).into()], |_| Ok(()))?.is_some();
        if !taken {
            return Ok(wanted);
        }
    }
    Ok(format!("{base}-{:08x}", u32::from_be_bytes(random()?)))
}

fn slug(name: &str) -> String {
    let words: Vec<String> = fold(name).split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect();
    let slug: String = words.join("-").chars().take(40).collect();
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "company".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn names_become_addresses() {
        assert_eq!(slug("Société Générale S.A."), "societe-generale-s-a");
        assert_eq!(slug("  Acme  "), "acme");
        assert_eq!(slug("株式会社"), "company");
        assert_eq!(slug(&"long ".repeat(30)), "long-long-long-long-long-long-long-long");
    }
}
