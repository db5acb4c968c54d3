//! A person's jobs: how far they are, and the way to stop them.

use crate::{Operation, Reply, Tx};
use base::{Error, Result, Time};
use http::StatusCode;
use serde_json::{Value, json};

const COLUMNS: &str = r#""id", "kind", "status", "progress", "note", "result", "error", "created_at", "finished_at""#;

pub(super) fn operations() -> Vec<Operation> {
    let schema = json!({ "type": "object", "properties": { "id": { "type": "string" }, "kind": { "type": "string" },
        "status": { "type": "string", "enum": ["ready", "running", "done", "dead", "cancelled"] }, "progress": { "type": "integer" },
        "note": { "type": ["string", "null"] }, "result": {}, "error": { "type": ["string", "null"] } } });
    vec![
        Operation::get("jobs.list", "jobs", "One's own jobs of late, newest first.")
            .answers_json(StatusCode::OK, json!({ "type": "object", "properties": { "items": { "type": "array", "items": schema } } }))
            .scan(|tx, call| {
                call.only_query(&[])?;
                let member = tx.cx().member().unwrap_or_default().to_owned();
                let sql = format!(r#"SELECT {COLUMNS} FROM "jobs" WHERE "member" = ?1 ORDER BY "id" DESC LIMIT 20"#);
                let items = tx.sql().rows(&sql, &[(&member).into()], show)?;
                Reply::json(&json!({ "items": items }))
            }),
        Operation::get("jobs.get", "jobs/{id}", "How far a job is.").answers_json(StatusCode::OK, schema.clone()).read(|tx, call| {
            let job = find(tx, call.record_id()?)?;
            Reply::json(&job)
        }),
        Operation::post("jobs.cancel", "jobs/{id}/cancel", "Asks a job to stop; what it has done stays done.")
            .answers_json(StatusCode::OK, schema)
            .write(|tx, call| {
                let id = call.record_id()?;
                find(tx, id)?;
                let now = Time::now();
                // One that waits is over at once; one that runs stops after its next unit.
                tx.sql().run(
                    r#"UPDATE "jobs" SET "status" = 'cancelled', "finished_at" = ?2, "dedupe" = NULL WHERE "id" = ?1 AND "status" = 'ready'"#,
                    &[id.into(), now.into()],
                )?;
                tx.sql().run(r#"UPDATE "jobs" SET "cancel" = ?2 WHERE "id" = ?1 AND "status" = 'running'"#, &[id.into(), true.into()])?;
                let job = find(tx, id)?;
                Reply::json(&job)
            }),
    ]
}

/// One's own job; who may read the log may see everybody's.
fn find(tx: &mut Tx<'_, '_>, id: &str) -> Result<Value> {
    let member = tx.cx().member().unwrap_or_default().to_owned();
    let all = tx.rights().held("account.events:read").is_some();
    let sql = format!(r#"SELECT {COLUMNS} FROM "jobs" WHERE "id" = ?1 AND ("member" = ?2 OR ?3)"#);
    tx.sql().row(&sql, &[id.into(), (&member).into(), all.into()], show)?.ok_or_else(Error::not_found)
}

fn show(row: &silo::Row<'_>) -> Result<Value> {
    // What stands there before the end is how far it is, in the job's own words.
    let ended = matches!(row.text(2)?, "done" | "cancelled");
    let result: Value = row.opt_text(5)?.filter(|_| ended).map_or(Ok(Value::Null), serde_json::from_str).map_err(Error::internal)?;
    Ok(json!({
        "id": row.text(0)?, "kind": row.text(1)?, "status": row.text(2)?, "progress": row.int(3)?, "note": row.opt_text(4)?, "result": result,
        "error": row.opt_text(6)?, "created_at": Time(row.int(7)?).to_string(), "finished_at": row.opt_int(8)?.map(|at| Time(at).to_string()),
    }))
}
