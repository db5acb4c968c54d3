//! `GET /meta`: what the console is drawn from. The same declaration that made the tables, with the rights of whoever asks.

use crate::{
    Operation, Reply, Tx,
    records::{Plan, Rights},
};
use base::Result;
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("meta.get", "meta", "Installed modules with their resources, fields and verbs, as far as the caller may use them.")
            .answers_json(StatusCode::OK, json!({ "$ref": "#/components/schemas/Meta" }))
            .read(|tx, call| {
                let version = version(tx)?;
                if call.if_none_match == Some(version) {
                    return Ok(Reply::bytes(StatusCode::NOT_MODIFIED, Vec::new()).with_version(version));
                }
                Ok(Reply::json(&meta(tx)?)?.with_version(version))
            }),
    ]
}

/// The JSON Schema of the answer, with its definitions where they stand in the OpenAPI document.
pub(super) fn schema() -> Value {
    let text = include_str!("../../schema/meta.schema.json").replace("#/$defs/", "#/components/schemas/Meta/$defs/");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Changes with the tenant, the person, the epoch and the binary, and with nothing else.
fn version(tx: &mut Tx<'_, '_>) -> Result<i64> {
    let epoch = crate::access::epoch(tx.sql())?;
    let text = format!("{} {} {epoch} {}", tx.tenant_id(), tx.cx().actor(), env!("CARGO_PKG_VERSION"));
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let mut first = [0u8; 8];
    first.copy_from_slice(hash.first_chunk::<8>().unwrap_or(&[0; 8]));
    Ok(i64::from_be_bytes(first) & i64::MAX)
}

fn meta(tx: &mut Tx<'_, '_>) -> Result<Value> {
    let epoch = crate::access::epoch(tx.sql())?;
    let app = tx.app().clone();
    let mut modules = Vec::new();
    let mut nav = Vec::new();
    for module in app.catalogue().modules().iter().filter(|m| tx.rights().installed(&m.manifest.name)) {
        let visible = |plan: &&std::sync::Arc<Plan>| tx.rights().held(plan.read_permission()).is_some();
        let resources: Vec<Value> = module.plans.iter().filter(visible).map(|plan| resource(tx, plan)).collect();
        if resources.is_empty() {
            continue;
        }
        let manifest = &module.manifest;
        modules.push(json!({ "name": manifest.name, "title": manifest.title, "icon": manifest.icon, "resources": resources }));
        for entry in &manifest.nav {
            let key = if entry.resource.contains('.') { entry.resource.clone() } else { format!("{}.{}", manifest.name, entry.resource) };
            if tx.rights().held(&format!("{key}:read")).is_some() {
                nav.push(json!({ "module": manifest.name, "resource": entry.resource, "label": entry.label, "path": entry.path }));
            }
        }
    }
    Ok(json!({ "version": env!("CARGO_PKG_VERSION"), "epoch": epoch, "currency": tx.rights().currency, "modules": modules, "nav": nav }))
}

fn resource(tx: &Tx<'_, '_>, plan: &Plan) -> Value {
    let (readable, locked) = (tx.readable(plan), tx.locked(plan));
    let held = |action: &str| tx.rights().held(&plan.permission(action)).is_some();
    let writes = held("create") || held("update");
    plan.meta(&Rights {
        readable: &|slot| readable.get(slot).copied().unwrap_or(true),
        writable: &|slot| writes && !locked.get(slot).copied().unwrap_or(false),
        verb: &|verb| match verb {
            "list" | "get" | "export" | "history" | "aggregate" => held("read"),
            "bulk" => held("update") || held("delete"),
            "create" | "update" | "delete" | "import" => held(verb),
            "revert" => held("update"),
            step => {
                let permission = plan.move_permission(step, |p| tx.app().catalogue().permission(p).is_some());
                tx.rights().held(&permission).is_some()
            }
        },
    })
}
