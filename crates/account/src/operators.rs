//! What the operator does at the command line, beside the data: the first operator of an installation, and a reset link by hand.

use crate::{
    fields::{self, Form},
    founding,
    links::{self, Kind, NewLink},
    members, seats,
    users::{self, NewUser},
};
use base::{Error, Result, TenantId, Time};
use kernel::{
    Ctx,
    app::App,
    ctx::{Person, Tenant},
    secrets::random_token,
};
use serde_json::json;

/// The operator at the command line, in the hub.
pub async fn in_hub(app: &App) -> Result<Ctx> {
    Ctx::of_command_line(app, TenantId::HUB, Tenant { slug: "hub".into(), name: "Operator".into() }).await
}

/// Makes somebody an operator: an owner in the hub's own silo. An address that has an account keeps its password.
pub async fn create(app: &App, email: &str, name: &str, password: &str) -> Result<String> {
    let mut form = Form::default();
    let (address, name) = (form.address("email", email), form.line("name", name, 80));
    form.password(password, &[&address.text, &name]);
    form.done()?;
    let hash = app.passwords().hash(password).await?;
    let cx = in_hub(app).await?;
    // User, member and seat live in one database here: one commit.
    cx.write(move |tx| {
        let user = match users::by_key(tx.sql(), &address.key)? {
            Some(user) => user.id,
            None => {
                let id = base::new_id();
                users::insert(tx.sql(), &NewUser { id: &id, email: &address.text, email_key: &address.key, name: &name, password: &hash })?;
                tx.emit("account.user.created", &format!("account.users/{id}"), &json!({}))?;
                id
            }
        };
        let now = Time::now();
        tx.sql().run(
            r#"INSERT INTO "hub_tenants" ("id", "slug", "name", "status", "placement", "created_at", "updated_at") VALUES (?1, 'hub', 'Operator', 'active', 'sqlite', ?2, ?2)
ON CONFLICT ("id") DO NOTHING"#,
            &[TenantId::HUB.to_string().into(), now.into()],
        )?;
        let member = members::join(tx, &members::Joining { id: &base::new_id(), user: &user, email: &address.text, name: &name, role: "owner" })?;
        seats::put(tx.sql(), &user, TenantId::HUB, &member, true, &["owner".to_owned()])?;
        Ok(user)
    })
    .await
}

/// A link to set a new password, for somebody whose mails do not arrive. It is good as long and as often as a mailed one.
pub async fn reset_link(app: &App, email: &str) -> Result<String> {
    let (key, lifetime) = (fields::key(email), app.config().tokens.reset.get());
    let token = app
        .hub()
        .write(move |sql| {
            let user = users::by_key(sql, &key)?.ok_or_else(Error::not_found)?;
            let link = NewLink {
                id: &base::new_id(),
                kind: Kind::Reset,
                email: &user.email,
                email_key: &key,
                user: Some(&user.id),
                tenant: None,
                role: None,
                created_by: Some("operator:cli"),
                lifetime,
            };
            let token = random_token()?;
            Ok(links::arm(sql, &link, &token)?.then_some(token))
        })
        .await?;
    let token = token.ok_or_else(|| Error::internal("a new link was not written"))?;
    Ok(format!("{}/reset#token={token}", app.config().server.public_url))
}

/// Makes a company for somebody who has an account, as its owner. Returns its slug. The same once more within a day is the same company:
/// so whoever was interrupted asks again.
pub async fn create_tenant(app: &App, name: &str, owner: &str) -> Result<String> {
    let mut form = Form::default();
    let name = form.line("name", name, 80);
    form.done()?;
    let key = fields::key(owner);
    let person = app.hub().read(move |sql| users::by_key(sql, &key)).await?;
    let person = person.ok_or_else(|| Error::fault("owner", "unknown", "Nobody with this address has an account here."))?;
    let cx = in_hub(app).await?;
    let person = Person { user: person.id, email: person.email, name: person.name, credential: String::new() };
    let mark = app.root_key().derive(&format!("company {} {name}", person.user))?;
    cx.work_is_coming().await?;
    let claim = cx.write(move |tx| founding::of_person(tx, mark, &person, &name, || Ok(()))).await?;
    base::step("provision.claimed-by-operator")?;
    founding::carry_out(&cx, &claim).await.map(|seat| seat.slug)
}

/// Whether this installation has an operator.
pub async fn any(app: &App) -> Result<bool> {
    let found = app.hub().scan(|sql| sql.row(r#"SELECT 1 FROM "members" WHERE "status" = 'active' LIMIT 1"#, &[], |_| Ok(()))).await?;
    Ok(found.is_some())
}
