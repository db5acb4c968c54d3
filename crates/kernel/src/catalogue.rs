//! Everything that the modules in this binary declare: plans, permissions, relations between resources. Built once at start.

use crate::{access::Permission, module::Module, records::Plan};
use base::{Error, Fault, Result};
use expr::Expr;
use sha2::{Digest, Sha256};
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
    stamp: String,
}

impl Catalogue {
    pub fn new(modules: Vec<Arc<Module>>) -> Result<Catalogue> {
        let plans: HashMap<String, Arc<Plan>> = modules.iter().flat_map(|m| &m.plans).map(|plan| (plan.resource.clone(), plan.clone())).collect();
        let stamp = stamp(&modules);
        let mut catalogue = Catalogue { modules, plans, permissions: Vec::new(), by_name: HashMap::new(), stamp };
        for module in catalogue.modules.clone() {
            for said in &module.manifest.permissions {
                let name = Permission::named(&said.name);
                let when = said.when.as_deref().map(|when| catalogue.condition(&name, when)).transpose()?;
                let hub_only = module.hub_only.contains(&said.name);
                catalogue.by_name.insert(said.name.clone(), catalogue.permissions.len());
                catalogue.permissions.push(Declared { name, title: said.title.clone(), roles: said.roles.clone(), when, hub_only });
            }
        }
        Ok(catalogue)
    }

    /// Names what the tables of all modules look like: 16 hexadecimal characters. A silo with this stamp has nothing to be migrated.
    pub fn stamp(&self) -> &str {
        &self.stamp
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
    /// Whether some module says that it writes events of this type.
    pub fn emits(&self, kind: &str) -> bool {
        self.modules.iter().any(|module| module.manifest.events().iter().any(|known| known == kind))
    }
    /// The permissions of these modules, in the order in which the modules declare them.
    pub fn permissions<'a>(&'a self, modules: &'a [String], hub: bool) -> impl Iterator<Item = &'a Declared> {
        self.permissions.iter().filter(move |p| p.stands_in(hub) && modules.iter().any(|m| m == p.name.module()))
    }
    /// Compiles a condition against the resource that the permission is about.
    pub fn condition(&self, permission: &Permission, text: &str) -> Result<Arc<Expr>> {
        let plan = self
            .plan(permission.resource())
            .ok_or_else(|| Error::fault("when", "condition", format!("{} is not about records, so it takes no condition.", permission.as_str())))?;
        plan.expression(text).map(Arc::new).map_err(|fault| Error::invalid(vec![Fault::new("when", fault.code, fault.to_string())]))
    }
}

fn stamp(modules: &[Arc<Module>]) -> String {
    let mut parts: Vec<String> =
        modules.iter().map(|module| format!("{}\n{}\n{}\n", module.manifest.name, module.manifest.version, module.shape())).collect();
    parts.sort_unstable();
    let hash = Sha256::digest(parts.concat());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
