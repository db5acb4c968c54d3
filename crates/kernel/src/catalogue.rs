//! Everything that the modules in this binary declare: plans, permissions, relations between resources. Built once at start.

use crate::{access::{Permission, default_roles}, module::Module, records::Plan};
use base::{Error, Fault, Result};
use expr::Expr;
use std::{collections::HashMap, sync::Arc};

/// A permission as the matrix shows it.
pub struct Declared {
    pub name: Permission,
    pub title: String,
    /// Built-in roles that hold it; owner and admin hold everything.
    pub roles: Vec<String>,
    /// Restricts what those roles hold, owner and admin excepted.
    pub when: Option<Arc<Expr>>,
    /// Exists in the operator's silo only.
    pub hub_only: bool,
}

impl Declared {
    pub fn stands_in(&self, hub: bool) -> bool {
        hub || !self.hub_only
    }
    /// Whether a built-in role holds it: `None` no, `Some(None)` on every row, `Some(condition)` on some.
    pub fn built_in(&self, role: &str) -> Option<Option<Arc<Expr>>> {
        match role {
            "owner" | "admin" => Some(None),
            _ if self.roles.iter().any(|name| name == role) => Some(self.when.clone()),
            _ => None,
        }
    }
}

pub struct Catalogue {
    modules: Vec<Arc<Module>>,
    plans: HashMap<String, Arc<Plan>>,
    permissions: Vec<Declared>,
    by_name: HashMap<String, usize>,
}

impl Catalogue {
    pub fn new(modules: Vec<Arc<Module>>) -> Result<Catalogue> {
        let plans: HashMap<String, Arc<Plan>> = modules.iter().flat_map(|m| &m.plans).map(|plan| (plan.key().to_owned(), plan.clone())).collect();
        let mut catalogue = Catalogue { modules, plans, permissions: Vec::new(), by_name: HashMap::new() };
        for module in catalogue.modules.clone() {
            for plan in &module.plans {
                for action in ["read", "create", "update", "delete", "import"] {
                    catalogue.declare(plan.key(), action, &module)?;
                }
            }
            for name in module.manifest.permissions.keys() {
                let (resource, action) = name.split_once(':').ok_or_else(|| Error::internal(format!("the permission {name} has no action")))?;
                catalogue.declare(resource, action, &module)?;
            }
        }
        Ok(catalogue)
    }

    fn declare(&mut self, resource: &str, action: &str, module: &Module) -> Result<()> {
        let text = format!("{resource}:{action}");
        if self.by_name.contains_key(&text) {
            return Ok(());
        }
        let name = Permission::named(&text);
        let said = module.manifest.permissions.get(&text);
        let roles = said.and_then(|p| p.roles.clone()).unwrap_or_else(|| default_roles(action).iter().map(|r| (*r).to_owned()).collect());
        let when = said.and_then(|p| p.when.as_deref()).map(|when| self.condition(&name, when)).transpose()?;
        let label = self.plans.get(resource).map_or_else(|| resource.rsplit('.').next().unwrap_or_default().to_owned(), |plan| plan.labels().to_owned());
        let title = said.map(|p| p.title.clone()).filter(|t| !t.is_empty()).unwrap_or_else(|| format!("{label}: {action}"));
        let hub_only = said.is_some_and(|p| p.hub_only);
        self.by_name.insert(text, self.permissions.len());
        self.permissions.push(Declared { name, title, roles, when, hub_only });
        Ok(())
    }

    pub fn modules(&self) -> &[Arc<Module>] {
        &self.modules
    }
    pub fn module(&self, name: &str) -> Option<&Arc<Module>> {
        self.modules.iter().find(|module| module.manifest.name == name)
    }
    /// The platform's own modules, which are in every silo without being installed.
    pub fn always(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().filter(|module| module.always).map(|module| module.manifest.name.as_str())
    }
    /// `crm.deals` → its plan.
    pub fn plan(&self, key: &str) -> Option<&Arc<Plan>> {
        self.plans.get(key)
    }
    pub fn plan_of(&self, key: &str) -> Result<&Arc<Plan>> {
        self.plan(key).ok_or_else(Error::not_found)
    }
    pub fn plans(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.modules.iter().flat_map(|module| &module.plans)
    }
    pub fn permission(&self, name: &str) -> Option<&Declared> {
        self.by_name.get(name).and_then(|at| self.permissions.get(*at))
    }
    /// The permissions of these modules, in the order in which the modules declare them.
    pub fn permissions<'a>(&'a self, modules: &'a [String], hub: bool) -> impl Iterator<Item = &'a Declared> {
        self.permissions.iter().filter(move |p| p.stands_in(hub) && modules.iter().any(|m| m == p.name.module()))
    }
    /// What `system:<module>` may do.
    pub fn system_permissions<'a>(&'a self, module: &str) -> impl Iterator<Item = &'a Permission> {
        let wanted = self.module(module).map(|m| m.manifest.system.clone()).unwrap_or_default();
        self.permissions.iter().map(|p| &p.name).filter(move |p| wanted.iter().any(|w| w == p.as_str()))
    }
    /// Compiles a condition against the resource that the permission is about.
    pub fn condition(&self, permission: &Permission, text: &str) -> Result<Arc<Expr>> {
        let plan = self.plan(permission.resource()).ok_or_else(|| Error::fault("when", "condition", format!("{} is not about records, so it takes no condition.", permission.as_str())))?;
        Expr::parse(text, plan.schema()).map(Arc::new).map_err(|fault| Error::invalid(vec![Fault::new("when", fault.code, fault.to_string())]))
    }
}
