//! A module enters a silo, leaves it, and is wiped out of it. Tables are made when it is installed and never before.

use crate::{
    events::{self, By},
    manifest::Manifest,
    module::Module,
    records::{self, Plan},
    tx::Tx,
};
use base::{Error, Result, Time, Value};
use serde_json::json;
use std::sync::Arc;

/// What the tables of a module look like, as kept in the silo's `modules` row.
pub(crate) fn shape(manifest: &Manifest) -> String {
    let plans: Vec<&Plan> = manifest.resources.iter().map(Arc::as_ref).collect();
    records::columns(&plans, manifest.migrations.len()).to_string()
}

/// Makes the tables of a module and writes it down as installed.
pub(crate) fn tables(sql: &mut silo::Tx<'_>, module: &Module) -> Result<()> {
    let plans: Vec<&Plan> = module.plans.iter().map(Arc::as_ref).collect();
    for statement in records::install(&plans) {
        sql.ddl(&statement)?;
        base::step("install.table-made")?;
    }
    let manifest = &module.manifest;
    sql.run(
        r#"INSERT INTO "modules" ("name", "version", "status", "shape", "installed_at") VALUES (?1, ?2, 'installed', ?3, ?4)"#,
        &[(&manifest.name).into(), (&manifest.version).into(), module.shape().into(), Time::now().into()],
    )
    .map(drop)
}

/// Brings the tables of an installed module to what this binary declares.
pub(crate) fn migrate(sql: &mut silo::Tx<'_>, module: &Module, version: &str, old: &str) -> Result<()> {
    let old: serde_json::Value = serde_json::from_str(old).map_err(Error::internal)?;
    let plans: Vec<&Plan> = module.plans.iter().map(Arc::as_ref).collect();
    records::migrate(&plans, &module.manifest.migrations, &old)?.run(sql)?;
    base::step("migrate.carried-out")?;
    sql.run(
        r#"UPDATE "modules" SET "version" = ?2, "shape" = ?3 WHERE "name" = ?1"#,
        &[(&module.manifest.name).into(), (&module.manifest.version).into(), module.shape().into()],
    )?;
    // What is declared has changed, and with it what everybody may do.
    sql.head().epoch += 1;
    let data = json!({ "before": { "version": version }, "after": { "version": module.manifest.version } }).to_string();
    let by = By { actor: "system:hub", ..By::default() };
    events::append_by(by, sql, Time::now(), "hub.module.updated", &format!("hub.modules/{}", module.manifest.name), &data)?;
    base::step("migrate.told")
}

impl Tx<'_, '_> {
    /// Whether a module is installed here, was once, or never: `installed`, `removed`, nothing.
    pub fn module_status(&mut self, name: &str) -> Result<Option<String>> {
        self.sql().row(r#"SELECT "status" FROM "modules" WHERE "name" = ?1"#, &[name.into()], |row| Ok(row.text(0)?.to_owned()))
    }

    /// Installs a module. Doing it twice is the same as doing it once; after a removal the data is there again.
    pub fn install(&mut self, module: &Module) -> Result<()> {
        let name = &module.manifest.name;
        let missing: Vec<&str> =
            module.manifest.dependencies.iter().map(|(needed, _)| needed.as_str()).filter(|needed| !self.rights().installed(needed)).collect();
        if !missing.is_empty() {
            return Err(Error::conflict("dependencies", format!("{name} needs {}. Install that first.", missing.join(", ")))
                .with_more(json!({ "missing": missing })));
        }
        match self.module_status(name)?.as_deref() {
            Some("installed") => return Ok(()),
            Some(_) => drop(self.sql().run(r#"UPDATE "modules" SET "status" = 'installed' WHERE "name" = ?1"#, &[name.into()])?),
            None => tables(self.sql(), module)?,
        }
        base::step("install.tables-made")?;
        self.rights_changed();
        let data = json!({ "after": { "name": name, "version": module.manifest.version } });
        self.emit("hub.module.installed", &format!("hub.modules/{name}"), &data)?;
        base::step("install.told")
    }

    /// Takes a module out of use. Its data stays.
    pub fn uninstall(&mut self, module: &Module) -> Result<()> {
        let name = &module.manifest.name;
        if module.always {
            return Err(Error::conflict("platform", format!("{name} is part of the platform and stays.")));
        }
        if self.module_status(name)?.as_deref() != Some("installed") {
            return Err(Error::not_found());
        }
        let app = self.app().clone();
        let needed_by: Vec<&str> = app
            .catalogue()
            .modules()
            .iter()
            .filter(|other| self.rights().installed(&other.manifest.name) && other.manifest.dependencies.iter().any(|(needed, _)| needed == name))
            .map(|other| other.manifest.name.as_str())
            .collect();
        if !needed_by.is_empty() {
            return Err(Error::conflict("dependencies", format!("{} needs {name}. Uninstall that first.", needed_by.join(", "))));
        }
        self.sql().run(r#"UPDATE "modules" SET "status" = 'removed' WHERE "name" = ?1"#, &[name.into()])?;
        base::step("install.removed")?;
        self.rights_changed();
        self.emit("hub.module.uninstalled", &format!("hub.modules/{name}"), &json!({ "before": { "name": name } })).map(drop)
    }

    /// Drops the tables of a module that was uninstalled. Only its history stays, in the log.
    pub fn purge(&mut self, module: &Module) -> Result<()> {
        let name = &module.manifest.name;
        match self.module_status(name)?.as_deref() {
            Some("removed") => {}
            Some(_) => return Err(Error::conflict("installed", format!("{name} is installed. Uninstall it first."))),
            None => return Err(Error::not_found()),
        }
        let mut rows = serde_json::Map::new();
        for plan in &module.plans {
            let ids = self
                .sql()
                .rows(r#"SELECT "id" FROM "search_docs" WHERE "resource" = ?1"#, &[Value::from(&plan.resource)], |row| Ok(row.text(0)?.to_owned()))?;
            for id in &ids {
                self.sql().search_remove(&plan.resource, id);
            }
            rows.insert(plan.resource.clone(), ids.len().into());
        }
        let plans: Vec<&Plan> = module.plans.iter().map(Arc::as_ref).collect();
        base::step("install.forgotten")?;
        for statement in records::purge(&plans) {
            self.sql().ddl(&statement)?;
            base::step("install.dropped")?;
        }
        self.sql().run(r#"DELETE FROM "modules" WHERE "name" = ?1"#, &[name.into()])?;
        self.rights_changed();
        self.emit("hub.module.purged", &format!("hub.modules/{name}"), &json!({ "before": { "name": name, "rows": rows } }))?;
        base::step("install.purged")
    }
}
