//! Founding a company, in steps that each may come again: the claim fixes every id, then the silo is made with its owner in it, and the
//! hub's rows that lead to it come last. All tries at the same claim, at once or after a crash, make one company; a job finishes what
//! nobody came back for.

use crate::{
    companies::{self, Owner},
    fields,
    links::{self, Kind, NewLink},
    mails::{self, Letter},
    seats::{self, Seat},
    users::{self, NewUser},
};
use base::{Code, Error, Result, TenantId, Time};
use kernel::{
    Ctx, Tx,
    ctx::Person,
    jobs::{Job, Running},
};
use serde_json::{Value, json};

pub const FOUND: &str = "account.signups.found";
/// When the job looks whether a company was left half made, in seconds.
const LATER: i64 = 30;
/// How long another try under the same `Idempotency-Key` is the same request, in seconds.
const KEPT: i64 = 24 * 60 * 60;

/// A company to be founded. Its link and the `signups` row of the same id say what was wanted.
#[derive(Clone)]
pub struct Claim {
    /// Also the id of the owner as a member.
    pub link: String,
    pub tenant: TenantId,
    pub user: String,
    company: String,
    name: String,
    email: String,
    email_key: String,
    /// The hash of their password, where the owner has no account yet.
    newcomer: Option<String>,
    /// Whether the company is there already.
    done: bool,
}

const FIND: &str = r#"SELECT l."id", l."tenant", l."user", s."company", s."name", s."email", s."email_key", s."password", l."kind", l."status" FROM "links" l
JOIN "signups" s ON s."id" = l."id" WHERE l."id" = ?1 AND l."status" IN ('working', 'used') AND (s."status" = 'company' OR s."status" = 'pending')"#;

pub fn read(sql: &mut silo::Tx<'_>, link: &str) -> Result<Option<Claim>> {
    sql.row(FIND, &[link.into()], |row| {
        let newcomer = row.text(8)? == Kind::Verify.text();
        Ok(Claim {
            link: row.text(0)?.to_owned(),
            tenant: row.text(1)?.parse()?,
            user: row.text(2)?.to_owned(),
            company: row.text(3)?.to_owned(),
            name: row.text(4)?.to_owned(),
            email: row.text(5)?.to_owned(),
            email_key: row.text(6)?.to_owned(),
            newcomer: newcomer.then(|| row.text(7).map(str::to_owned)).transpose()?,
            done: row.text(9)? == "used",
        })
    })
}

/// The claim of somebody who has an account. `mark` tells their request from all others: whoever comes with the same one goes on with
/// what the first has fixed. `allowed` is asked before there is a new one.
pub fn of_person(tx: &mut Tx<'_, '_>, mark: [u8; 32], person: &Person, company: &str, allowed: impl FnOnce() -> Result<()>) -> Result<Claim> {
    let now = Time::now();
    let find = r#"SELECT "id" FROM "links" WHERE "hash" = ?1 AND "kind" = 'company' AND "expires_at" > ?2"#;
    if let Some(link) = tx.sql().row(find, &[mark.as_slice().into(), now.into()], |row| Ok(row.text(0)?.to_owned()))? {
        let claim = read(tx.sql(), &link)?.ok_or_else(links::gone)?;
        return if claim.company == company { Ok(claim) } else { Err(kernel::another_request()) };
    }
    allowed()?;
    // A request of yesterday under the same key is another one.
    let old: [u8; 32] = kernel::secrets::random()?;
    tx.sql().run(r#"UPDATE "links" SET "hash" = ?2 WHERE "hash" = ?1"#, &[mark.as_slice().into(), old.as_slice().into()])?;
    let (id, email_key) = (base::new_id(), fields::key(&person.email));
    let tenant = TenantId::new().to_string();
    let link = NewLink {
        id: &id,
        kind: Kind::Company,
        email: &person.email,
        email_key: &email_key,
        user: Some(&person.user),
        tenant: Some(&tenant),
        role: None,
        created_by: None,
        lifetime: KEPT,
    };
    links::working(tx.sql(), &link, mark)?;
    tx.sql().run(
        r#"INSERT INTO "signups" ("id", "company", "name", "email", "email_key", "password", "status", "created_at") VALUES (?1, ?2, ?3, ?4, ?5, '', 'company', ?6)"#,
        &[(&id).into(), company.into(), (&person.name).into(), (&person.email).into(), (&email_key).into(), now.into()],
    )?;
    finish_later(tx, &id)?;
    read(tx.sql(), &id)?.ok_or_else(links::gone)
}

/// Enqueues the job that finishes what a crash left. It has nothing to do when all went well.
pub fn finish_later(tx: &mut Tx<'_, '_>, link: &str) -> Result<()> {
    let job = Job { run_at: Time::now().plus_seconds(LATER), ..Job::new(FOUND, json!({"link": link})) };
    tx.enqueue(job.once(format!("{FOUND}/{link}"))).map(drop)
}

/// The first step after the claim: the silo, with its owner in it.
pub async fn make_silo(cx: &Ctx, claim: &Claim) -> Result<()> {
    let owner = Owner { member: claim.link.clone(), user: claim.user.clone(), email: claim.email.clone(), name: claim.name.clone() };
    companies::found(cx, claim.tenant, owner, &claim.company).await
}

/// The last step: uses the link up and writes the hub's rows. Of many at once exactly one gets through.
pub fn settle(tx: &mut Tx<'_, '_>, claim: &Claim) -> Result<Seat> {
    links::consume(tx.sql(), &claim.link, "working")?;
    if let Some(password) = &claim.newcomer {
        let new = NewUser { id: &claim.user, email: &claim.email, email_key: &claim.email_key, name: &claim.name, password };
        users::insert(tx.sql(), &new)?;
        tx.sql().run(r#"UPDATE "signups" SET "status" = 'used', "password" = '' WHERE "id" = ?1"#, &[(&claim.link).into()])?;
        tx.emit("account.user.created", &format!("account.users/{}", claim.user), &json!({}))?;
        mails::enqueue(tx, &Letter::Welcome { to: claim.email.clone(), company: claim.company.clone() })?;
    }
    companies::register(tx, claim.tenant, &claim.user, &claim.link, &claim.company)
}

/// All steps after the claim, for somebody who has an account. Whoever comes second gets what the first has made.
pub async fn carry_out(cx: &Ctx, claim: &Claim) -> Result<Seat> {
    if !claim.done {
        make_silo(cx, claim).await?;
        base::step("provision.silo-made")?;
        let work = claim.clone();
        match cx.in_hub("account").write(move |tx| settle(tx, &work)).await {
            Err(error) if error.code() == Code::Gone => {}
            settled => {
                base::step("provision.settled")?;
                return settled;
            }
        }
    }
    let (user, tenant) = (claim.user.clone(), claim.tenant);
    let found = cx.app().hub().read(move |sql| Ok(seats::of(sql, &user)?.into_iter().find(|seat| seat.tenant == tenant))).await?;
    found.ok_or_else(|| Error::gone("company", "This company was made, and you are no longer in it."))
}

/// The address got an account between the two steps, by an invitation: this link has come too late, and what was made for it is taken
/// back. Returns what is to be said.
pub async fn too_late(cx: &Ctx, link: &str) -> Result<Error> {
    let id = link.to_owned();
    let void = r#"UPDATE "links" SET "status" = 'void' WHERE "id" = ?1 AND "status" = 'working'"#;
    cx.app().hub().write(move |sql| sql.run(void, &[(&id).into()])).await?;
    base::step("sign-up.voided")?;
    take_back(cx, link).await?;
    Ok(links::gone())
}

/// Takes away the silo that was made for a link which is void now: nobody was ever let into it. Twice is the same as once.
async fn take_back(cx: &Ctx, link: &str) -> Result<()> {
    let link = link.to_owned();
    let find = r#"SELECT l."tenant" FROM "links" l WHERE l."id" = ?1 AND l."status" = 'void' AND l."kind" IN ('verify', 'company')
AND NOT EXISTS (SELECT 1 FROM "hub_tenants" t WHERE t."id" = l."tenant")"#;
    let found = cx.app().hub().read(move |sql| sql.row(find, &[link.into()], |row| row.opt_text(0).map(|id| id.map(str::to_owned)))).await?;
    match found.flatten() {
        Some(tenant) => cx.app().silos().destroy(tenant.parse()?).await,
        None => Ok(()),
    }
}

/// The job: finishes what a crash left between the steps, so that whoever confirmed can sign in; or takes it back.
pub async fn found_later(cx: Ctx, job: Running) -> Result<Value> {
    let link = job.args.get("link").and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = link.clone();
    let claim = match cx.app().hub().read(move |sql| read(sql, &id)).await? {
        Some(claim) if !claim.done => claim,
        Some(_) => return Ok(Value::Null),
        None => return take_back(&cx, &link).await.map(|()| Value::Null),
    };
    job.progress(10, "The company is claimed.").await?;
    make_silo(&cx, &claim).await?;
    base::step("sign-up.silo-made-later")?;
    job.progress(40, "Its database is made.").await?;
    cx.work_is_coming().await?;
    match cx.write(move |tx| settle(tx, &claim)).await {
        Err(late) if late.code() == Code::Gone => Ok(Value::Null),
        Err(error) if error.code() == Code::Conflict => too_late(&cx, &link).await.map(|_| Value::Null),
        outcome => {
            let seat = outcome?;
            base::step("sign-up.settled-later")?;
            job.progress(70, "Owner and company are written.").await?;
            Ok(json!({"tenant": seat.tenant.to_string()}))
        }
    }
}
