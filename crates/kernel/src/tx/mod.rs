//! A transaction as products see it: records with their rights, their events and their search words. There is no way to change a
//! record without an event, and none to reach a row that the caller's condition hides.

mod at_once;
mod delete;
mod history;
mod list;
mod records;

use crate::{
    access::{self, Access, Grant, Rights, Subject},
    app::App,
    ctx::Ctx,
    events,
    operations::Operation,
    records::{Field, Plan, Scope},
};
use base::{Code, Error, Result, TenantId, Time};
use expr::{Actor, Expr};
use std::{cell::OnceCell, sync::Arc};

pub(crate) use at_once::at_once;
pub use list::Listed;

/// One transaction on the caller's silo, with the caller's rights as of this transaction.
pub struct Tx<'t, 's> {
    sql: &'t mut silo::Tx<'s>,
    cx: &'t Ctx,
    rights: Arc<Rights>,
    who: OnceCell<Actor>,
}

impl<'t, 's> Tx<'t, 's> {
    /// Reads the epoch, takes the rights that belong to it, and checks that the operation at hand may be called at all.
    pub(crate) fn begin(cx: &'t Ctx, sql: &'t mut silo::Tx<'s>) -> Result<Tx<'t, 's>> {
        let epoch = access::epoch(sql)?;
        let mut rights = access::rights(cx.app(), sql, cx.subject(), epoch)?;
        if let Some(scopes) = cx.scopes() {
            rights = Arc::new(rights.narrowed(scopes));
        }
        check(cx, &rights)?;
        Ok(Tx { sql, cx, rights, who: OnceCell::new() })
    }

    pub fn app(&self) -> &App {
        self.cx.app()
    }
    pub fn cx(&self) -> &Ctx {
        self.cx
    }
    pub fn tenant_id(&self) -> TenantId {
        self.sql.tenant()
    }
    pub fn rights(&self) -> &Arc<Rights> {
        &self.rights
    }
    /// The database itself. Only the platform's own crates can name what it takes; products have records.
    pub fn sql(&mut self) -> &mut silo::Tx<'s> {
        self.sql
    }
    /// What `actor`, `tenant` and `now` mean in expressions.
    pub fn who(&self) -> &Actor {
        self.who.get_or_init(|| {
            let person = self.cx.person();
            Actor {
                id: self.cx.member().unwrap_or_default().to_owned(),
                user: person.map(|p| p.user.clone()).unwrap_or_default(),
                email: person.map(|p| p.email.clone()).unwrap_or_default(),
                roles: self.rights.roles.clone(),
                kind: self.cx.actor().split(':').next().unwrap_or_default().to_owned(),
                tenant_id: self.sql.tenant().to_string(),
                tenant_slug: self.cx.tenant().slug.clone(),
                now: Time::now(),
            }
        })
    }

    /// Appends an event about something that is not a record. Its type must be declared: `module.thing.done`.
    pub fn emit(&mut self, kind: &str, subject: &str, data: &serde_json::Value) -> Result<i64> {
        let text = serde_json::to_string(data).map_err(Error::internal)?;
        events::append(self.cx, self.sql, Time::now(), kind, subject, &text)
    }

    /// Makes every cached right of this silo old: to be called by whatever changes members, roles, grants or modules.
    pub fn rights_changed(&mut self) {
        self.sql.head().epoch += 1;
    }

    /// Refuses a resource whose tables could not be brought to this version in this company.
    fn stands(&self, plan: &Plan) -> Result<()> {
        self.app().behind().admit(self.sql.tenant(), &plan.resource)
    }

    /// The grants' conditions on rows for one action: `[]` is every row; nothing held is refused.
    pub(crate) fn only(&self, permission: &str) -> Result<Vec<Arc<Expr>>> {
        match self.rights.held(permission) {
            None => Err(Error::denied(format!("This needs the permission {permission}."))),
            Some(Grant::All) => Ok(Vec::new()),
            Some(Grant::When(conditions)) => Ok(conditions.clone()),
        }
    }

    /// Whether a record satisfies what is held of a permission. Nothing held: no.
    pub(crate) fn holds(&self, permission: &str, record: &dyn expr::Record) -> bool {
        match self.rights.held(permission) {
            None => false,
            Some(Grant::All) => true,
            Some(Grant::When(conditions)) => conditions.iter().any(|condition| condition.holds(record, self.who())),
        }
    }

    /// By slot, the fields of `plan` that the caller may see; empty means all.
    pub(crate) fn readable(&self, plan: &Plan) -> Vec<bool> {
        readable(&self.rights, plan)
    }

    /// By slot, the fields of `plan` that the caller may not write; empty means none are closed.
    pub(crate) fn locked(&self, plan: &Plan) -> Vec<bool> {
        by_field(&self.rights, plan, |field| field.write.as_deref()).into_iter().map(|open| !open).collect()
    }
}

fn readable(rights: &Rights, plan: &Plan) -> Vec<bool> {
    by_field(rights, plan, |field| field.read.as_deref())
}

fn by_field(rights: &Rights, plan: &Plan, needs: impl Fn(&Field) -> Option<&str>) -> Vec<bool> {
    if plan.fields().iter().all(|field| needs(field).is_none()) {
        return Vec::new();
    }
    plan.fields().iter().map(|field| needs(field).is_none_or(|permission| rights.held(permission).is_some())).collect()
}

/// Whether the operation at hand may be called at all by whoever has these rights.
fn check(cx: &Ctx, rights: &Rights) -> Result<()> {
    if !rights.active {
        return Err(Error::new(Code::Denied, "inactive", "This membership is not active."));
    }
    let Some(operation) = cx.operation() else { return Ok(()) };
    if operation.plan.is_some() && !rights.installed(&operation.module) {
        return Err(Error::not_found());
    }
    may(cx, operation, rights)?;
    operation.plan.as_ref().map_or(Ok(()), |plan| cx.app().behind().admit(cx.tenant_id(), &plan.resource))
}

fn may(cx: &Ctx, operation: &Operation, rights: &Rights) -> Result<()> {
    match &operation.access {
        Access::Public => Ok(()),
        Access::SignedIn if cx.person().is_some() || matches!(cx.subject(), Subject::Operator) => Ok(()),
        Access::SignedIn => Err(Error::anonymous()),
        Access::Needs(permission) if rights.held(permission.as_str()).is_some() => Ok(()),
        Access::Needs(permission) => Err(Error::denied(format!("This needs the permission {}.", permission.as_str()))),
    }
}

/// Runs `f` with the rows that `conditions` leave open.
pub(crate) fn scoped<T>(conditions: &[Arc<Expr>], who: &Actor, f: impl FnOnce(&Scope<'_>) -> T) -> T {
    let only: Vec<&Expr> = conditions.iter().map(Arc::as_ref).collect();
    f(&Scope { only: &only, who })
}
