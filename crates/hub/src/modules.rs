//! The marketplace: what this binary offers, and what of it this silo has.

use base::{Error, Result};
use http::StatusCode;
use kernel::{Call, Module, Operation, Reply, Tx, operations::schema_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Arc};

/// A module as the marketplace shows it.
#[derive(Serialize, JsonSchema)]
struct Offer {
    name: String,
    title: String,
    description: String,
    version: String,
    icon: Option<String>,
    installed: bool,
    /// The version whose tables are here; also of a module that was uninstalled and kept its data.
    installed_version: Option<String>,
    /// Uninstalled, but its data is still here.
    has_data: bool,
    dependencies: Vec<String>,
    resources: Vec<String>,
    permissions: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Offers {
    items: Vec<Offer>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Purge {
    /// The name of the module, typed once more.
    confirm: String,
}

pub(crate) fn operations() -> Vec<Operation> {
    let one = || schema_of::<Offer>();
    vec![
        Operation::get("modules.list", "modules", "The marketplace: every module of this binary, and whether it is installed here.")
            .answers::<Offers>(StatusCode::OK)
            .scan(|tx, call| {
                call.only_query(&[])?;
                Reply::json(&Offers { items: offers(tx)? })
            }),
        Operation::post(
            "modules.install",
            "modules/{id}/install",
            "Installs a module: its tables, permissions and pages. Twice is the same as once.",
        )
        .needs("hub.modules:install")
        .answers_json(StatusCode::OK, one())
        .write(|tx, call| {
            let module = wanted(tx, call)?;
            tx.install(&module)?;
            shown(tx, &module)
        }),
        Operation::post("modules.uninstall", "modules/{id}/uninstall", "Takes a module out of use. Its data stays.")
            .needs("hub.modules:install")
            .answers_json(StatusCode::OK, one())
            .write(|tx, call| {
                let module = wanted(tx, call)?;
                tx.uninstall(&module)?;
                shown(tx, &module)
            }),
        Operation::post("modules.purge", "modules/{id}/purge", "Drops the data of a module that was uninstalled. There is no way back but a backup.")
            .needs("hub.modules:install")
            .reads::<Purge>()
            .answers_json(StatusCode::OK, one())
            .write(|tx, call| {
                let module = wanted(tx, call)?;
                let Purge { confirm } = call.json()?;
                if confirm != module.manifest.name {
                    return Err(Error::fault("confirm", "mismatch", format!("Type {} to drop its data.", module.manifest.name)));
                }
                tx.purge(&module)?;
                shown(tx, &module)
            }),
    ]
}

fn wanted(tx: &Tx<'_, '_>, call: &Call) -> Result<Arc<Module>> {
    tx.app().catalogue().module(call.id()?).filter(|module| !module.always).cloned().ok_or_else(Error::not_found)
}

fn shown(tx: &mut Tx<'_, '_>, module: &Module) -> Result<Reply> {
    let offer = offers(tx)?.into_iter().find(|offer| offer.name == module.manifest.name).ok_or_else(Error::not_found)?;
    Reply::json(&offer)
}

fn offers(tx: &mut Tx<'_, '_>) -> Result<Vec<Offer>> {
    let here: HashMap<String, (String, String)> = tx
        .sql()
        .rows(r#"SELECT "name", "version", "status" FROM "modules""#, &[], |row| {
            Ok((row.text(0)?.to_owned(), (row.text(1)?.to_owned(), row.text(2)?.to_owned())))
        })?
        .into_iter()
        .collect();
    let app = tx.app().clone();
    let offer = |module: &Arc<Module>| {
        let manifest = &module.manifest;
        let found = here.get(&manifest.name);
        Offer {
            name: manifest.name.clone(),
            title: manifest.title.clone(),
            description: manifest.description.clone(),
            version: manifest.version.clone(),
            icon: manifest.icon.clone(),
            installed: found.is_some_and(|(_, status)| status == "installed"),
            installed_version: found.map(|(version, _)| version.clone()),
            has_data: found.is_some_and(|(_, status)| status != "installed"),
            dependencies: manifest.dependencies.iter().map(|(name, _)| name.clone()).collect(),
            resources: module.plans.iter().map(|plan| plan.labels.clone()).collect(),
            permissions: manifest.permissions.iter().map(|permission| permission.name.clone()).collect(),
        }
    };
    Ok(app.catalogue().modules().iter().filter(|module| !module.always).map(offer).collect())
}
