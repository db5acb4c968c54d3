//! The operator's module and the marketplace: which tenants there are, and which modules each of them has installed.

pub mod audit;
pub mod backup;
pub mod deletion;
pub mod doctor;
mod fleet;
mod modules;
pub mod tenants;

use kernel::{
    Module,
    manifest::{Manifest, Permission},
};

/// The hub as a module: part of every silo, with a few permissions that exist in the operator's only.
pub fn module() -> Module {
    let permissions = vec![
        Permission::new("hub.modules:install", "Modules: install, uninstall, purge", &[]),
        Permission::new("hub.tenants:read", "Tenants: see", &["viewer", "member", "editor", "auditor"]),
        Permission::new("hub.tenants:update", "Tenants: suspend and activate", &[]),
        Permission::new("hub.tenants:delete", "Tenants: delete", &[]),
    ];
    let emits = [
        "hub.module.installed",
        "hub.module.updated",
        "hub.module.uninstalled",
        "hub.module.purged",
        "hub.tenant.suspended",
        "hub.tenant.activated",
        "hub.tenant.deleted",
        "hub.tenant.restored",
    ];
    Module::new(Manifest::of_platform("hub", "Hub", "Tenants and the marketplace.", permissions, &emits))
        .always()
        .hub_only(&["hub.tenants:read", "hub.tenants:update", "hub.tenants:delete"])
        .operations(modules::operations())
        .operations(tenants::operations())
        .operations(fleet::operations())
        .job(deletion::ERASE, deletion::TRIES, deletion::erase_later)
}
