//! Roles: seven that every company has, computed from what is installed, and those that a company makes. Nobody hands out more than they hold.

use crate::fields::Form;
use base::{Error, Fault, Result, Time};
use http::StatusCode;
use kernel::{Call, Operation, Reply, Tx, access::BUILT_IN};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("account.roles.list", "account/roles", "Lists all roles with what they may do.")
            .needs("account.roles:read")
            .answers::<Roles>(StatusCode::OK)
            .scan(list),
        Operation::post("account.roles.create", "account/roles", "Makes a role.")
            .needs("account.roles:create")
            .reads::<Create>()
            .answers::<Role>(StatusCode::CREATED)
            .write(create),
        Operation::patch("account.roles.update", "account/roles/{id}", "Changes the title of a role or what it may do.")
            .needs("account.roles:update")
            .reads::<Update>()
            .answers::<Role>(StatusCode::OK)
            .write(update),
        Operation::delete("account.roles.delete", "account/roles/{id}", "Deletes a role that nobody has.")
            .needs("account.roles:delete")
            .answers_empty()
            .write(delete),
        Operation::get("account.permissions.list", "account/permissions", "Lists every permission of the installed modules.")
            .needs("account.roles:read")
            .answers::<Permissions>(StatusCode::OK)
            .scan(permissions),
    ]
}

/// A permission, everywhere or under a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Such as `crm.deals:read`.
    pub permission: String,
    /// A CEL condition over the record's fields; absent means every record.
    pub when: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Role {
    name: String,
    title: String,
    /// Computed from what is installed; can be copied, not changed.
    builtin: bool,
    permissions: Vec<Grant>,
    /// Members who have it.
    members: i64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Roles {
    items: Vec<Role>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Permissions {
    items: Vec<Known>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Known {
    permission: String,
    title: String,
    module: String,
}

fn list(tx: &mut Tx<'_, '_>, call: &Call) -> Result<Reply> {
    call.only_query(&[])?;
    let mut items = Vec::new();
    for (name, title) in BUILT_IN {
        items.push(Role { name: name.into(), title: title.into(), builtin: true, permissions: built_in(tx, name), members: members(tx, name)? });
    }
    for name in tx.sql().rows(r#"SELECT "name" FROM "roles" ORDER BY "name""#, &[], |row| Ok(row.text(0)?.to_owned()))? {
        items.extend(own(tx, &name)?);
    }
    Reply::json(&Roles { items })
}

fn permissions(tx: &mut Tx<'_, '_>, call: &Call) -> Result<Reply> {
    call.only_query(&[])?;
    let (app, modules) = (tx.app().clone(), tx.rights().modules().to_vec());
    let known = app.catalogue().permissions(&modules, tx.tenant_id().is_hub());
    let items = known.map(|p| Known { permission: p.name.as_str().into(), title: p.title.clone(), module: p.name.module().into() }).collect();
    Reply::json(&Permissions { items })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Lower-case letters, digits and `_`, a letter first, up to 20 characters.
    name: String,
    title: String,
    grants: Vec<Grant>,
}

fn create(tx: &mut Tx<'_, '_>, call: &Call) -> Result<Reply> {
    let input: Create = call.json()?;
    let mut form = Form::default();
    let title = form.line("title", &input.title, 80);
    if !is_name(&input.name) {
        form.fault("name", "spelling", "Use lower-case letters, digits and _, a letter first, up to 20 characters.");
    }
    form.done()?;
    if BUILT_IN.iter().any(|(name, _)| *name == input.name) || own(tx, &input.name)?.is_some() {
        return Err(Error::conflict("duplicate", "There is a role with this name already.").with_faults(vec![Fault::new(
            "name",
            "duplicate",
            "This is taken.",
        )]));
    }
    check(tx, &input.grants, &[])?;
    tx.sql().run(
        r#"INSERT INTO "roles" ("name", "title", "created_at") VALUES (?1, ?2, ?3)"#,
        &[(&input.name).into(), (&title).into(), Time::now().into()],
    )?;
    write_grants(tx, &input.name, &input.grants)?;
    let data = json!({"after": {"name": input.name, "title": title, "grants": input.grants}});
    tx.emit("account.role.created", &format!("account.roles/{}", input.name), &data)?;
    Reply::json_as(StatusCode::CREATED, &own(tx, &input.name)?)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    title: Option<String>,
    /// All of them: what is not listed is taken away.
    grants: Option<Vec<Grant>>,
}

fn update(tx: &mut Tx<'_, '_>, call: &Call) -> Result<Reply> {
    let name = call.id()?.to_owned();
    let input: Update = call.json()?;
    let before = changeable(tx, &name)?;
    let mut form = Form::default();
    let title = input.title.as_deref().map_or_else(|| before.title.clone(), |title| form.line("title", title, 80));
    form.done()?;
    let grants = input.grants.unwrap_or_else(|| before.permissions.clone());
    check(tx, &grants, &before.permissions)?;
    tx.sql().run(r#"UPDATE "roles" SET "title" = ?2 WHERE "name" = ?1"#, &[(&name).into(), (&title).into()])?;
    tx.sql().run(r#"DELETE FROM "grants" WHERE "role" = ?1"#, &[(&name).into()])?;
    write_grants(tx, &name, &grants)?;
    let data = json!({"before": {"title": before.title, "grants": before.permissions}, "after": {"title": title, "grants": grants}});
    tx.emit("account.role.updated", &format!("account.roles/{name}"), &data)?;
    Reply::json(&own(tx, &name)?)
}

fn delete(tx: &mut Tx<'_, '_>, call: &Call) -> Result<Reply> {
    let name = call.id()?.to_owned();
    let before = changeable(tx, &name)?;
    if before.members > 0 {
        return Err(Error::conflict("in-use", format!("{} members have this role. Give them another one first.", before.members)));
    }
    tx.sql().run(r#"DELETE FROM "grants" WHERE "role" = ?1"#, &[(&name).into()])?;
    tx.sql().run(r#"DELETE FROM "roles" WHERE "name" = ?1"#, &[(&name).into()])?;
    tx.rights_changed();
    let data = json!({"before": {"name": name, "title": before.title, "grants": before.permissions}});
    tx.emit("account.role.deleted", &format!("account.roles/{name}"), &data)?;
    Ok(Reply::empty())
}

/// One of the company's own roles, which the actor holds all of: who could not make it cannot change it either.
fn changeable(tx: &mut Tx<'_, '_>, name: &str) -> Result<Role> {
    if BUILT_IN.iter().any(|(built_in, _)| *built_in == name) {
        return Err(Error::conflict("built-in", "This role is part of every company. Copy it and change the copy."));
    }
    let role = own(tx, name)?.ok_or_else(Error::not_found)?;
    may_give(tx, name)?;
    Ok(role)
}

fn is_name(text: &str) -> bool {
    text.len() <= 20
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn write_grants(tx: &mut Tx<'_, '_>, role: &str, grants: &[Grant]) -> Result<()> {
    for grant in grants {
        tx.sql().run(
            r#"INSERT INTO "grants" ("role", "permission", "condition") VALUES (?1, ?2, ?3)"#,
            &[role.into(), (&grant.permission).into(), grant.when.as_deref().into()],
        )?;
    }
    tx.rights_changed();
    Ok(())
}

/// Each permission must be known and held, each condition must compile. What stood there before may stay.
fn check(tx: &Tx<'_, '_>, grants: &[Grant], before: &[Grant]) -> Result<()> {
    let (catalogue, rights, hub) = (tx.app().catalogue(), tx.rights(), tx.tenant_id().is_hub());
    let mut faults = Vec::new();
    let mut denied = None;
    for (at, grant) in grants.iter().enumerate() {
        let field = |name: &str| format!("grants.{at}.{name}");
        let known = catalogue.permission(&grant.permission).filter(|p| rights.installed(p.name.module()) && p.stands_in(hub));
        let Some(permission) = known.filter(|_| !before.contains(grant)) else {
            if known.is_none() && !before.contains(grant) {
                faults.push(Fault::new(field("permission"), "unknown", "No installed module has this permission."));
            }
            continue;
        };
        if grants.iter().take(at).any(|other| other.permission == grant.permission) {
            faults.push(Fault::new(field("permission"), "duplicate", "This permission stands twice."));
        }
        if let Some(Err(error)) = grant.when.as_deref().map(|text| catalogue.condition(&permission.name, text)) {
            let message = error.faults().first().map_or_else(|| error.detail().to_owned(), |fault| fault.message.clone());
            faults.push(Fault::new(field("when"), "condition", message));
        }
        if !rights.may_grant(&grant.permission, grant.when.as_deref()) {
            denied = Some(Error::denied(format!("You do not hold {} like this yourself, so you cannot give it.", grant.permission)));
        }
    }
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    denied.map_or(Ok(()), Err)
}

/// What a built-in role may do with what is installed.
fn built_in(tx: &Tx<'_, '_>, role: &str) -> Vec<Grant> {
    let modules = tx.rights().modules().to_vec();
    let known = tx.app().catalogue().permissions(&modules, tx.tenant_id().is_hub());
    known
        .filter_map(|p| p.built_in(role).map(|when| Grant { permission: p.name.as_str().to_owned(), when: when.map(|expr| expr.text().to_owned()) }))
        .collect()
}

fn own(tx: &mut Tx<'_, '_>, name: &str) -> Result<Option<Role>> {
    let Some(title) = tx.sql().row(r#"SELECT "title" FROM "roles" WHERE "name" = ?1"#, &[name.into()], |row| Ok(row.text(0)?.to_owned()))? else {
        return Ok(None);
    };
    let permissions =
        tx.sql().rows(r#"SELECT "permission", "condition" FROM "grants" WHERE "role" = ?1 ORDER BY "permission""#, &[name.into()], |row| {
            Ok(Grant { permission: row.text(0)?.to_owned(), when: row.opt_text(1)?.map(str::to_owned) })
        })?;
    Ok(Some(Role { name: name.to_owned(), title, builtin: false, permissions, members: members(tx, name)? }))
}

fn members(tx: &mut Tx<'_, '_>, role: &str) -> Result<i64> {
    let count = r#"SELECT COUNT(*) FROM "member_roles" r JOIN "members" m ON m."id" = r."member" WHERE r."role" = ?1 AND m."status" <> 'removed'"#;
    Ok(tx.sql().row(count, &[role.into()], |row| row.int(0))?.unwrap_or_default())
}

/// Whether there is such a role.
pub fn exists(tx: &mut Tx<'_, '_>, name: &str) -> Result<bool> {
    Ok(BUILT_IN.iter().any(|(built_in, _)| *built_in == name) || own(tx, name)?.is_some())
}

/// Refuses to hand out, or to take away, a role that the actor does not hold all of. Only an owner makes owners.
pub fn may_give(tx: &mut Tx<'_, '_>, name: &str) -> Result<()> {
    let is_key = tx.cx().actor().starts_with("key:");
    if name == "owner" {
        return if tx.rights().is_owner() && !is_key { Ok(()) } else { Err(Error::denied("Only an owner decides who is an owner.")) };
    }
    let grants = match BUILT_IN.iter().any(|(built_in, _)| *built_in == name) {
        true => built_in(tx, name),
        false => own(tx, name)?.ok_or_else(|| Error::fault("role", "unknown", "There is no such role."))?.permissions,
    };
    let rights = tx.rights();
    // A permission of a module that was uninstalled gives nothing today; when the module comes back, whoever installs it decides.
    match grants
        .iter()
        .find(|g| rights.installed(g.permission.split('.').next().unwrap_or_default()) && !rights.may_grant(&g.permission, g.when.as_deref()))
    {
        None => Ok(()),
        Some(grant) => Err(Error::denied(format!("The role {name} holds {}, which you do not hold like this yourself.", grant.permission))),
    }
}
