//! Why, or why not: which role and which condition allow something.

use crate::{
    Operation, Reply, Tx,
    access::{BUILT_IN, Grant},
};
use base::{Error, Result};
use http::StatusCode;
use serde_json::json;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("access.explain", "access/explain", "Which role and which condition allow or refuse a permission, for oneself.")
            .param("permission", "Such as `crm.deals:update`.")
            .param("id", "A record to try the conditions on.")
            .answers_json(StatusCode::OK, json!({ "type": "object" }))
            .scan(|tx, call| {
                call.only_query(&["permission", "id"])?;
                let name = call.query("permission").ok_or_else(|| Error::fault("permission", "required", "Say which permission."))?.to_owned();
                explain(tx, &name, call.query("id"))
            }),
    ]
}

fn explain(tx: &mut Tx<'_, '_>, name: &str, id: Option<&str>) -> Result<Reply> {
    let app = tx.app().clone();
    let permission = app.catalogue().permission(name).filter(|p| tx.rights().installed(p.name.module()));
    let permission = permission.ok_or_else(|| Error::fault("permission", "unknown", "No installed module knows this permission."))?;
    let rights = tx.rights().clone();
    let mut because = Vec::new();
    for role in &rights.roles {
        if let Some(condition) = permission.built_in(role) {
            because.push(json!({ "role": role, "when": condition.map(|c| c.text().to_owned()) }));
        } else if !BUILT_IN.iter().any(|(built_in, _)| built_in == role) {
            let granted =
                tx.sql().row(r#"SELECT "condition" FROM "grants" WHERE "role" = ?1 AND "permission" = ?2"#, &[role.into(), name.into()], |row| {
                    row.opt_text(0).map(|text| text.map(str::to_owned))
                })?;
            if let Some(condition) = granted {
                because.push(json!({ "role": role, "when": condition }));
            }
        }
    }
    let held = rights.held(name);
    let on_record = match (id, app.catalogue().plan(permission.name.resource())) {
        (Some(id), Some(plan)) => {
            let values = tx.get(plan, id)?;
            Some(match held {
                None => false,
                Some(Grant::All) => true,
                Some(Grant::When(conditions)) => conditions.iter().any(|c| c.holds(&values, tx.who())),
            })
        }
        (Some(_), None) => return Err(Error::fault("id", "unknown", "This permission is not about records.")),
        (None, _) => None,
    };
    Reply::json(&json!({ "permission": name, "held": held.is_some(), "because": because, "record": on_record, "roles": rights.roles }))
}
