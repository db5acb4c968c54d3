//! Who may do what: permissions, built-in and own roles, grants with conditions. Rights are read from the silo, cached by
//! (silo, member, epoch) and by nothing else; a token never carries them.

use crate::{app::App, catalogue::Catalogue};
use base::{Error, Result, TenantId};
use expr::Expr;
use std::{collections::HashMap, fmt, sync::Arc};

/// `module.resources:action`, such as `crm.deals:read`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(Arc<str>);

impl Permission {
    pub fn named(text: &str) -> Permission {
        Permission(text.into())
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// `crm.deals` of `crm.deals:read`.
    pub fn resource(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
    /// `read` of `crm.deals:read`.
    pub fn action(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }
    /// `crm` of `crm.deals:read`.
    pub fn module(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl std::borrow::Borrow<str> for Permission {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who may call an operation at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Access {
    /// Anybody: sign-up and sign-in. Runs as the system, in the hub.
    Public,
    /// Whoever is signed in, in whatever company.
    SignedIn,
    /// Who holds this permission; a condition on it is applied to each row in the same transaction.
    Needs(Permission),
}

/// The roles that every company has. They are computed from the installed manifests and can only be copied.
pub const BUILT_IN: [(&str, &str); 7] = [
    ("owner", "Owner: everything, and the company itself"),
    ("admin", "Admin: everything, members included"),
    ("editor", "Editor: creates, changes, imports and deletes records"),
    ("member", "Member: creates and changes records"),
    ("viewer", "Viewer: reads"),
    ("billing", "Billing: sees plans and invoices only"),
    ("auditor", "Auditor: reads records and the event log"),
];

/// What somebody holds of one permission.
#[derive(Clone, Debug)]
pub enum Grant {
    /// On every row.
    All,
    /// On rows that satisfy at least one of these.
    When(Vec<Arc<Expr>>),
}

/// What one member may do in one silo at one epoch.
#[derive(Debug, Default)]
pub struct Rights {
    pub roles: Vec<String>,
    pub active: bool,
    /// The tenant's currency, which a bare number of money means.
    pub currency: String,
    grants: HashMap<Permission, Grant>,
    /// Names of the modules whose status is `installed`.
    modules: Vec<String>,
}

impl Rights {
    pub fn installed(&self, module: &str) -> bool {
        self.modules.iter().any(|name| name == module)
    }
    pub fn modules(&self) -> &[String] {
        &self.modules
    }
    /// What is held of a permission: nothing, everything, or rows under conditions.
    pub fn held(&self, permission: &str) -> Option<&Grant> {
        self.grants.get(permission)
    }
    pub fn permissions(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.grants.keys().map(Permission::as_str).collect();
        all.sort_unstable();
        all
    }
    pub fn is_owner(&self) -> bool {
        self.roles.iter().any(|role| role == "owner")
    }
    /// Whether all of `grant` on `permission` is held, so that it may be passed on: a condition only in its identical words.
    pub fn may_grant(&self, permission: &str, condition: Option<&str>) -> bool {
        match (self.held(permission), condition) {
            (Some(Grant::All), _) => true,
            (Some(Grant::When(own)), Some(text)) => own.iter().any(|expr| expr.text() == text),
            (Some(Grant::When(_)), None) | (None, _) => false,
        }
    }

    /// Everything that the modules in this silo know: what the operator's own command line holds.
    fn everything(catalogue: &Catalogue, modules: Vec<String>, hub: bool, currency: String) -> Rights {
        let grants = catalogue.permissions(&modules, hub).map(|p| (p.name.clone(), Grant::All)).collect();
        Rights { roles: vec!["owner".into()], active: true, currency, grants, modules }
    }

    fn add(&mut self, permission: &Permission, condition: Option<Arc<Expr>>) {
        match (self.grants.get_mut(permission.as_str()), condition) {
            (Some(Grant::All), _) => {}
            (Some(grant @ Grant::When(_)), None) => *grant = Grant::All,
            (Some(Grant::When(many)), Some(one)) => many.push(one),
            (None, None) => drop(self.grants.insert(permission.clone(), Grant::All)),
            (None, Some(one)) => drop(self.grants.insert(permission.clone(), Grant::When(vec![one]))),
        }
    }

    /// A key's rights: what its owner holds now, and of that only what the key was made for.
    pub fn narrowed(&self, scopes: &[String]) -> Rights {
        let grants = self.grants.iter().filter(|(p, _)| scopes.iter().any(|s| s == p.as_str())).map(|(p, g)| (p.clone(), g.clone())).collect();
        Rights { roles: self.roles.clone(), active: self.active, currency: self.currency.clone(), grants, modules: self.modules.clone() }
    }
}

/// Whose rights are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    Member(String),
    /// A module acting for itself: it has the database, and of records nothing.
    System(String),
    /// The operator's command line.
    Operator,
    /// Signed in, but a member of no company; or nobody.
    Nobody,
}

/// The epoch of a silo: bumped by whatever changes members, roles, grants or modules.
pub fn epoch(sql: &mut silo::Tx<'_>) -> Result<i64> {
    // The units of a batch stand alone on the silo: its head is read once for all of them.
    if sql.writes() {
        return Ok(sql.head().epoch);
    }
    sql.row(r#"SELECT "epoch" FROM "meta" WHERE "one" = 1"#, &[], |row| row.int(0))?.ok_or_else(|| Error::internal("a silo without its meta row"))
}

/// The rights of `subject` in this silo, as of this transaction.
pub fn rights(app: &App, sql: &mut silo::Tx<'_>, subject: &Subject, epoch: i64) -> Result<Arc<Rights>> {
    if let Some(rights) = known(app, sql.tenant(), subject, epoch) {
        return Ok(rights);
    }
    let rights = Arc::new(load(app.catalogue(), sql, subject)?);
    // What is only about to be so is not remembered: should the batch fail, the same epoch will stand for something else.
    if !sql.rights_are_new() {
        app.rights().insert((sql.tenant(), subject.clone(), epoch), rights.clone());
    }
    Ok(rights)
}

/// The same if somebody asked before.
pub fn known(app: &App, tenant: TenantId, subject: &Subject, epoch: i64) -> Option<Arc<Rights>> {
    app.rights().get(&(tenant, subject.clone(), epoch))
}

/// The cache of rights. Its key says everything that they depend on.
pub type Cache = quick_cache::sync::Cache<(TenantId, Subject, i64), Arc<Rights>>;

fn load(catalogue: &Catalogue, sql: &mut silo::Tx<'_>, subject: &Subject) -> Result<Rights> {
    let hub = sql.tenant().is_hub();
    let mut modules: Vec<String> = catalogue.always().map(str::to_owned).collect();
    sql.each(r#"SELECT "name" FROM "modules" WHERE "status" = 'installed' ORDER BY "name""#, &[], |row| {
        modules.push(row.text(0)?.to_owned());
        Ok(())
    })?;
    let currency = sql.row(r#"SELECT "currency" FROM "meta" WHERE "one" = 1"#, &[], |row| Ok(row.text(0)?.to_owned()))?.unwrap_or_default();
    let member = match subject {
        Subject::Member(member) => member,
        Subject::Operator => return Ok(Rights::everything(catalogue, modules, hub, currency)),
        Subject::System(_) | Subject::Nobody => return Ok(Rights { active: true, modules, currency, ..Rights::default() }),
    };
    let active = sql.row(r#"SELECT "status" FROM "members" WHERE "id" = ?1"#, &[member.into()], |row| Ok(row.text(0)? == "active"))?.unwrap_or(false);
    if !active {
        return Ok(Rights { modules, currency, ..Rights::default() });
    }
    let roles =
        sql.rows(r#"SELECT "role" FROM "member_roles" WHERE "member" = ?1 ORDER BY "role""#, &[member.into()], |row| Ok(row.text(0)?.to_owned()))?;
    let mut rights = Rights { roles, active, currency, grants: HashMap::new(), modules };
    for permission in catalogue.permissions(&rights.modules.clone(), hub) {
        for role in rights.roles.clone() {
            if let Some(condition) = permission.built_in(&role) {
                rights.add(&permission.name, condition);
            }
        }
    }
    let own = sql.rows(
        r#"SELECT g."permission", g."condition" FROM "grants" g JOIN "member_roles" m ON m."role" = g."role" WHERE m."member" = ?1 ORDER BY g."role", g."permission""#,
        &[member.into()],
        |row| Ok((row.text(0)?.to_owned(), row.opt_text(1)?.map(str::to_owned))),
    )?;
    for (name, condition) in own {
        let Some(permission) = catalogue.permission(&name).filter(|p| rights.installed(p.name.module()) && p.stands_in(hub)) else { continue };
        match condition.map(|text| catalogue.condition(&permission.name, &text)).transpose() {
            Ok(condition) => rights.add(&permission.name, condition),
            // A condition on a field that is gone grants nothing; the roles page shows it as broken.
            Err(fault) => tracing::warn!(permission = %name, %fault, "a stored condition no longer compiles and is refused"),
        }
    }
    Ok(rights)
}
