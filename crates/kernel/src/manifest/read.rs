use super::{
    Checked, Grant, Manifest, ManifestFault, Nav, Permission, Role,
    check::MANIFEST,
    lines::{Lines, step},
    meant, migrations,
};
use crate::records::{Kind, Plan, Step, compile_file};
use base::nearest;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Words of the platform's own paths below `/api/v1`.
const PLATFORM: [&str; 10] = ["auth", "me", "meta", "modules", "events", "jobs", "search", "access", "openapi", "setup"];
/// The roles every company has. `owner` and `admin` hold everything.
const BUILT_IN: [&str; 7] = ["owner", "admin", "editor", "member", "viewer", "billing", "auditor"];
/// What every resource can be asked: action, verb for the title, roles where the manifest is silent.
const ACTIONS: [(&str, &str, &[&str]); 5] = [
    ("read", "See", &["admin", "editor", "member", "viewer", "auditor"]),
    ("create", "Create", &["admin", "editor", "member"]),
    ("update", "Change", &["admin", "editor", "member"]),
    ("delete", "Delete", &["admin", "editor"]),
    ("import", "Import", &["admin", "editor"]),
];

#[derive(Deserialize)]
struct Declaration {
    name: String,
    title: String,
    #[serde(default)]
    description: String,
    version: String,
    min_platform: String,
    icon: Option<String>,
    #[serde(default)]
    dependencies: Map<String, Value>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    permissions: Map<String, Value>,
    #[serde(default)]
    roles: Vec<RoleDeclaration>,
    #[serde(default)]
    emits: Vec<String>,
    #[serde(default)]
    consumes: Vec<String>,
    nav: Option<Vec<NavDeclaration>>,
    #[serde(default)]
    migrations: Vec<Value>,
}

#[derive(Deserialize)]
struct PermissionDeclaration {
    title: String,
    #[serde(default)]
    roles: Vec<String>,
    when: Option<String>,
}

#[derive(Deserialize)]
struct RoleDeclaration {
    name: String,
    title: String,
    grants: Vec<GrantDeclaration>,
}

#[derive(Deserialize)]
struct GrantDeclaration {
    permission: String,
    when: Option<String>,
}

#[derive(Deserialize)]
struct NavDeclaration {
    resource: String,
    label: Option<String>,
}

pub fn read(text: &str, files: &[(&str, &str)]) -> Result<Manifest, Vec<ManifestFault>> {
    let checked = Checked::read("manifest.json", text, &MANIFEST)?;
    if !checked.faults.is_empty() {
        return Err(checked.faults);
    }
    let declaration: Declaration = serde_json::from_value(checked.value.clone())
        .map_err(|e| vec![ManifestFault { file: "manifest.json".into(), line: 1, message: e.to_string(), hint: None }])?;
    let mut reader = Reader { checked, d: &declaration, plans: Vec::new(), others: Vec::new() };
    reader.plans(files);
    reader.names();
    let permissions = reader.permissions();
    reader.references(files, &permissions);
    let roles = reader.roles(&permissions);
    let nav = reader.nav();
    let migrations = migrations::read(&mut reader.checked, &declaration.migrations, &declaration.resources, &reader.plans);
    reader.finish(text, files, permissions, roles, nav, migrations)
}

struct Reader<'a> {
    checked: Checked,
    d: &'a Declaration,
    plans: Vec<Plan>,
    /// Faults of the resource files.
    others: Vec<ManifestFault>,
}

impl Reader<'_> {
    fn finish(
        mut self,
        text: &str,
        files: &[(&str, &str)],
        permissions: Vec<Permission>,
        roles: Vec<Role>,
        nav: Vec<Nav>,
        migrations: Vec<Step>,
    ) -> Result<Manifest, Vec<ManifestFault>> {
        self.checked.faults.append(&mut self.others);
        let d = self.d;
        let lines = files.iter().map(|(plural, text)| (format!("resources/{plural}.json"), Lines::scan(text)));
        let lines = std::iter::once(("manifest.json".to_owned(), Lines::scan(text))).chain(lines).collect();
        let dependencies = d.dependencies.iter().map(|(name, version)| (name.clone(), version.as_str().unwrap_or_default().to_owned())).collect();
        let resources = in_order(std::mem::take(&mut self.plans));
        self.checked.done(Manifest {
            name: d.name.clone(),
            title: d.title.clone(),
            description: d.description.clone(),
            version: d.version.clone(),
            min_platform: d.min_platform.clone(),
            icon: d.icon.clone(),
            dependencies,
            permissions,
            roles,
            emits: d.emits.clone(),
            consumes: d.consumes.clone(),
            nav,
            resources,
            migrations,
            lines,
        })
    }
    fn plans(&mut self, files: &[(&str, &str)]) {
        for (n, plural) in self.d.resources.iter().enumerate() {
            let at = format!("/resources/{n}");
            let Some((_, text)) = files.iter().find(|(name, _)| name == plural) else {
                self.checked.fault(&at, format!("There is no file resources/{plural}.json."), None);
                continue;
            };
            match compile_file(&self.d.name, &format!("resources/{plural}.json"), text) {
                Ok(plan) if plan.plural != *plural => {
                    self.checked.fault(&at, format!("resources/{plural}.json says its plural is {:?}.", plan.plural), None);
                }
                Ok(plan) if self.plans.iter().any(|p| p.name == plan.name) => {
                    self.checked.fault(&at, format!("Two resources are named {:?}.", plan.name), None);
                }
                Ok(plan) => self.plans.push(plan),
                Err(faults) => self.others.extend(faults),
            }
        }
        for (plural, _) in files.iter().filter(|(plural, _)| !self.d.resources.iter().any(|r| r == plural)) {
            self.checked.fault("/resources", format!("resources/{plural}.json is there but not listed."), None);
        }
    }
    fn names(&mut self) {
        let name = &self.d.name;
        if PLATFORM.contains(&name.as_str()) {
            self.checked.fault("/name", format!("{name:?} is a path of the platform."), None);
        }
        if version(&self.d.min_platform) > version(env!("CARGO_PKG_VERSION")) {
            let message = format!("This module needs platform {}; this is {}.", self.d.min_platform, env!("CARGO_PKG_VERSION"));
            self.checked.fault("/min_platform", message, None);
        }
        let own = format!("{name}.");
        for (n, event) in self.d.emits.iter().enumerate().filter(|(_, event)| !event.starts_with(&own)) {
            self.checked.fault(&format!("/emits/{n}"), format!("{event:?} is not an event of this module: it does not begin with {own:?}."), None);
        }
    }
    /// The five of every resource, overridden and followed by what the manifest says.
    fn permissions(&mut self) -> Vec<Permission> {
        let mut all: Vec<Permission> = Vec::new();
        for plan in &self.plans {
            let labels = plan.labels.to_lowercase();
            all.extend(ACTIONS.iter().map(|(action, verb, roles)| Permission {
                name: plan.permission(action),
                title: format!("{verb} {labels}"),
                roles: roles.iter().map(|r| (*r).to_owned()).collect(),
                when: None,
            }));
        }
        for (name, body) in &self.d.permissions {
            let at = format!("/permissions/{}", step(name));
            let Ok(p) = serde_json::from_value::<PermissionDeclaration>(body.clone()) else { continue };
            self.owned(&at, name);
            if let Some(when) = &p.when {
                self.condition(&format!("{at}/when"), name, when);
            }
            all.retain(|known| known.name != *name);
            all.push(Permission { name: name.clone(), title: p.title, roles: p.roles, when: p.when });
        }
        all
    }
    /// A declared permission belongs to this module, and to one of its resources unless its name is like none of them.
    fn owned(&mut self, at: &str, permission: &str) {
        let resource = permission.split(':').next().unwrap_or_default();
        let Some(plural) = resource.strip_prefix(&format!("{}.", self.d.name)) else {
            return self.checked.fault(at, format!("{permission:?} belongs to another module."), None);
        };
        let known = self.plans.iter().any(|p| p.plural == plural);
        if let Some(near) = nearest(plural, self.plans.iter().map(|p| p.plural.as_str())).filter(|_| !known) {
            let hint = Some(format!("Did you mean {}.{near}?", self.d.name));
            self.checked.fault(at, format!("There is no resource {resource:?}."), hint);
        }
    }
    /// A condition of a permission is about the fields of its resource.
    fn condition(&mut self, at: &str, permission: &str, when: &str) {
        let resource = permission.split(':').next().unwrap_or_default();
        match self.plans.iter().find(|p| p.resource == resource).map(|p| p.expression(when)) {
            Some(Ok(_)) => {}
            Some(Err(fault)) => self.checked.fault(at, format!("{when:?}, {fault}"), None),
            None => self.checked.fault(at, format!("{resource:?} has no fields for a condition."), None),
        }
    }
    fn roles(&mut self, permissions: &[Permission]) -> Vec<Role> {
        let mut roles: Vec<Role> = Vec::new();
        for (n, role) in self.d.roles.iter().enumerate() {
            if BUILT_IN.contains(&role.name.as_str()) || roles.iter().any(|r| r.name == role.name) {
                self.checked.fault(&format!("/roles/{n}/name"), format!("There is a role {:?} already.", role.name), None);
            }
            for (g, grant) in role.grants.iter().enumerate() {
                self.grant(&format!("/roles/{n}/grants/{g}"), grant, permissions);
            }
            let grants = role.grants.iter().map(|g| Grant { permission: g.permission.clone(), when: g.when.clone() }).collect();
            roles.push(Role { name: role.name.clone(), title: role.title.clone(), grants });
        }
        roles
    }
    fn grant(&mut self, at: &str, grant: &GrantDeclaration, permissions: &[Permission]) {
        let module = grant.permission.split('.').next().unwrap_or_default();
        if module == self.d.name {
            self.known(&format!("{at}/permission"), &grant.permission, permissions);
            if let Some(when) = &grant.when {
                self.condition(&format!("{at}/when"), &grant.permission, when);
            }
        } else if !self.d.dependencies.contains_key(module) {
            self.checked.fault(&format!("{at}/permission"), format!("{module:?} is not among the dependencies."), None);
        }
    }
    fn known(&mut self, at: &str, permission: &str, permissions: &[Permission]) {
        if !permissions.iter().any(|p| p.name == permission) {
            let hint = meant(permission, permissions.iter().map(|p| p.name.as_str()));
            self.checked.fault(at, format!("There is no permission {permission:?}."), hint);
        }
    }
    /// Targets of references, and the permissions that fields ask for.
    fn references(&mut self, files: &[(&str, &str)], permissions: &[Permission]) {
        for plan in &self.plans {
            let Some((_, text)) = files.iter().find(|(plural, _)| *plural == plan.plural) else { continue };
            let lines = Lines::scan(text);
            let mut fault = |pointer: String, message: String, hint: Option<String>| {
                self.others.push(ManifestFault { file: format!("resources/{}.json", plan.plural), line: lines.of(&pointer), message, hint });
            };
            for field in plan.fields() {
                for (key, permission) in [("read", &field.read), ("write", &field.write)] {
                    if let Some(permission) = permission.as_ref().filter(|p| !permissions.iter().any(|known| known.name == **p)) {
                        let hint = meant(permission, permissions.iter().map(|p| p.name.as_str()));
                        fault(format!("/fields/{}/{key}", field.name), format!("There is no permission {permission:?}."), hint);
                    }
                }
                let Kind::Ref { to, .. } = &field.kind else { continue };
                let (module, plural) = to.split_once('.').unwrap_or_default();
                let at = format!("/fields/{}/to", field.name);
                if module == self.d.name && !self.d.resources.iter().any(|r| r == plural) {
                    let hint = nearest(plural, self.d.resources.iter().map(String::as_str)).map(|near| format!("Did you mean \"{module}.{near}\"?"));
                    fault(at, format!("There is no resource {to:?}."), hint);
                } else if module != self.d.name && !self.d.dependencies.contains_key(module) {
                    fault(at, format!("{to:?} belongs to a module that is not among the dependencies."), None);
                }
            }
        }
    }
    /// The declared entries, or all resources in their order.
    fn nav(&mut self) -> Vec<Nav> {
        let d = self.d;
        let all = || d.resources.iter().map(|r| (r.as_str(), None)).collect::<Vec<_>>();
        let entries = d.nav.as_ref().map_or_else(all, |nav| nav.iter().map(|n| (n.resource.as_str(), n.label.as_deref())).collect());
        let mut nav = Vec::new();
        for (n, (resource, label)) in entries.into_iter().enumerate() {
            match self.plans.iter().find(|p| p.plural == resource) {
                Some(plan) => nav.push(Nav {
                    resource: resource.to_owned(),
                    label: label.unwrap_or(&plan.labels).to_owned(),
                    path: format!("/{}/{resource}", d.name),
                }),
                None if d.nav.is_some() && !d.resources.iter().any(|r| r == resource) => {
                    self.checked.fault(&format!("/nav/{n}/resource"), format!("There is no resource {resource:?}."), None);
                }
                None => {}
            }
        }
        nav
    }
}

/// `1.2.3` as numbers that compare.
pub fn version(text: &str) -> Vec<u64> {
    text.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// Those that refer to nothing first; of two that refer to each other the earlier declared.
fn in_order(plans: Vec<Plan>) -> Vec<Arc<Plan>> {
    let mut left = plans;
    let mut done: Vec<Arc<Plan>> = Vec::new();
    while !left.is_empty() {
        let waits = |plan: &Plan| left.iter().any(|other| other.resource != plan.resource && plan.refers_to(&other.resource).next().is_some());
        let next = left.iter().position(|plan| !waits(plan)).unwrap_or(0);
        done.push(Arc::new(left.remove(next)));
    }
    done
}
