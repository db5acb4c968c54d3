//! What a module says about itself: `manifest.json` and one file for each resource, read once at start.
//!
//! Every fault names the file and the line to mend, and what was probably meant.

mod check;
mod fault;
mod lines;
mod migrations;
mod read;
mod together;

pub(crate) use check::{Checked, RESOURCE};
pub use fault::ManifestFault;
pub(crate) use fault::meant;
pub(crate) use lines::step;
pub(crate) use read::version;
pub use together::check_together;

use crate::records::{Plan, Step};
use std::sync::Arc;

/// A module's manifest, checked. Its resources are compiled plans, ordered so that a table comes after those it refers to.
#[derive(Debug)]
pub struct Manifest {
    pub name: String,
    pub title: String,
    pub description: String,
    pub version: String,
    pub min_platform: String,
    pub icon: Option<String>,
    /// Module name and the lowest version that will do.
    pub dependencies: Vec<(String, String)>,
    /// All of them: the five of every resource with their default roles, then the module's own.
    pub permissions: Vec<Permission>,
    pub roles: Vec<Role>,
    /// Event types beside those of resources and moves.
    pub emits: Vec<String>,
    pub consumes: Vec<String>,
    pub nav: Vec<Nav>,
    pub resources: Vec<Arc<Plan>>,
    /// What cannot be migrated by adding alone, in order; every silo keeps how many of them it has behind it.
    pub migrations: Vec<Step>,
    /// Where things stand in `manifest.json` and the resource files, for faults that show only later.
    lines: Vec<(String, lines::Lines)>,
}

/// A permission that a module adds to the matrix, and the built-in roles that hold it without being asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Permission {
    /// `crm.deals:win`
    pub name: String,
    pub title: String,
    /// Built-in roles beside owner and admin, who hold all.
    pub roles: Vec<String>,
    /// The condition under which those roles hold it.
    pub when: Option<String>,
}

/// A role that a company may copy: a sample, with its grants.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    pub name: String,
    pub title: String,
    pub grants: Vec<Grant>,
}

/// One permission in a role, perhaps under a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    pub permission: String,
    pub when: Option<String>,
}

/// One entry of the navigation.
#[derive(Debug, Clone, PartialEq)]
pub struct Nav {
    pub resource: String,
    pub label: String,
    /// `/crm/deals`
    pub path: String,
}

impl Permission {
    /// A permission of the platform: `account.members:read`, what people read, and who holds it beside owner and admin.
    pub fn new(name: &str, title: &str, roles: &[&str]) -> Permission {
        Permission { name: name.into(), title: title.into(), roles: roles.iter().map(|role| (*role).to_owned()).collect(), when: None }
    }
}

impl Manifest {
    /// A part of the platform: no resources of its own, and permissions that are said in Rust.
    pub fn of_platform(name: &str, title: &str, description: &str, permissions: Vec<Permission>, emits: &[&str]) -> Manifest {
        Manifest {
            name: name.into(),
            title: title.into(),
            description: description.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            min_platform: env!("CARGO_PKG_VERSION").into(),
            icon: None,
            dependencies: Vec::new(),
            permissions,
            roles: Vec::new(),
            emits: emits.iter().map(|kind| (*kind).to_owned()).collect(),
            consumes: Vec::new(),
            nav: Vec::new(),
            resources: Vec::new(),
            migrations: Vec::new(),
            lines: Vec::new(),
        }
    }
    /// Reads `manifest.json` and the files `resources/<plural>.json`, each given as (plural, text). All faults at once.
    pub fn read(manifest: &str, resources: &[(&str, &str)]) -> Result<Manifest, Vec<ManifestFault>> {
        read::read(manifest, resources)
    }
    /// Every event type the module may write: those of its resources and moves, then its own.
    pub fn events(&self) -> Vec<String> {
        self.resources.iter().flat_map(|plan| plan.events()).chain(self.emits.iter().cloned()).collect()
    }
    /// The plan of `plural`.
    pub fn resource(&self, plural: &str) -> Option<&Arc<Plan>> {
        self.resources.iter().find(|plan| plan.plural == plural)
    }
    /// Whether some role may be given `permission` by this module.
    pub fn declares(&self, permission: &str) -> bool {
        self.permissions.iter().any(|p| p.name == permission)
    }
    fn fault(&self, file: &str, pointer: &str, message: String) -> ManifestFault {
        let line = self.lines.iter().find(|(f, _)| f == file).map_or(1, |(_, lines)| lines.of(pointer));
        ManifestFault { file: format!("{}/{file}", self.name), line, message, hint: None }
    }
}

#[cfg(test)]
mod tests;
