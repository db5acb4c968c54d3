//! What every resource can do without a line of its own: the five verbs, history, bulk, aggregate, import, export and its declared moves.

mod bulk;
mod export;
mod import;

use crate::{
    json,
    module::JobKind,
    operations::{Operation, Reply},
    records::{Aggregate, Plan, Query, Values},
    tx::Tx,
};
use base::Result;
use http::{StatusCode, header::LOCATION};
use serde_json::json;
use std::sync::Arc;

/// The operations of one resource.
pub(crate) fn operations(plan: &Arc<Plan>, declared: &dyn Fn(&str) -> bool) -> Vec<Operation> {
    let (one, many) = (plan.label.to_lowercase(), plan.labels.to_lowercase());
    let named = |verb: &str| format!("{}.{verb}", plan.resource);
    let base = format!("{}/{}", plan.module, plan.plural);
    let by_id = format!("{base}/{{id}}");
    let needs = |action: &str| plan.permission(action);
    // The schema itself stands once in the document, under `components`.
    let reference = format!("#/components/schemas/{}", plan.resource);
    let record = json!({ "$ref": reference });
    let list_params = |operation: Operation| {
        operation
            .param("filter", "A CEL expression over the fields, percent-encoded.")
            .param("sort", "Up to three fields, `-` for descending: `-amount,name`.")
            .param("limit", "1 to 200; 50 where it is absent.")
            .param("cursor", "`next` of the page before.")
            .param("fields", "Only these fields.")
            .param("expand", "References whose titles are wanted.")
            .param("count", "`true` adds `total`.")
            .param("q", "Words to search for.")
    };
    let mut all = vec![
        list_params(Operation::get(&named("list"), &base, &format!("Lists {many}.")))
            .needs(&needs("read"))
            .answers_json(StatusCode::OK, plan.list_schema(&reference))
            .scan({
                let plan = plan.clone();
                move |tx, call| {
                    let query = Query::parse(&plan, pairs(&call.query), &tx.readable(&plan))?;
                    Ok(Reply::bytes(StatusCode::OK, tx.list(&plan, &query)?))
                }
            }),
        Operation::get(&named("get"), &by_id, &format!("Reads one {one}."))
            .needs(&needs("read"))
            .param("fields", "Only these fields.")
            .param("expand", "References whose titles are wanted.")
            .answers_json(StatusCode::OK, record.clone())
            .record({
                let plan = plan.clone();
                move |tx, call| get(tx, &plan, call)
            }),
        Operation::post(&named("create"), &base, &format!("Makes a {one}."))
            .needs(&needs("create"))
            .reads_json(plan.create_schema())
            .answers_json(StatusCode::CREATED, record.clone())
            .write({
                let plan = plan.clone();
                move |tx, call| {
                    let values = tx.create(&plan, call.body())?;
                    let location = format!("/api/v1/{}/{}/{}", plan.module, plan.plural, values.id);
                    Ok(answer(tx, &plan, &values, StatusCode::CREATED).with_header(LOCATION, location))
                }
            }),
        Operation::patch(&named("update"), &by_id, &format!("Changes a {one} (JSON merge patch)."))
            .needs(&needs("update"))
            .reads_json(plan.patch_schema())
            .answers_json(StatusCode::OK, record.clone())
            .write({
                let plan = plan.clone();
                move |tx, call| {
                    let values = tx.patch(&plan, call.record_id()?, call.body(), call.if_match)?;
                    Ok(answer(tx, &plan, &values, StatusCode::OK))
                }
            }),
        Operation::delete(&named("delete"), &by_id, &format!("Deletes a {one}; its history stays.")).needs(&needs("delete")).answers_empty().write({
            let plan = plan.clone();
            move |tx, call| tx.delete(&plan, call.record_id()?, call.if_match).map(|_| Reply::empty())
        }),
        Operation::get(&named("history"), &format!("{by_id}/history"), &format!("What happened to a {one}, newest first."))
            .needs(&needs("read"))
            .answers_json(StatusCode::OK, json!({ "type": "object", "properties": { "items": { "type": "array", "items": { "type": "object" } } } }))
            .scan({
                let plan = plan.clone();
                move |tx, call| Ok(Reply::bytes(StatusCode::OK, tx.history(&plan, call.record_id()?)?))
            }),
        Operation::post(
            &named("revert"),
            &format!("{by_id}/revert"),
            &format!("Brings a {one} back to what it was after an event; a deleted one returns."),
        )
        .needs(&needs("update"))
        .reads::<Revert>()
        .answers_json(StatusCode::OK, record.clone())
        .write({
            let plan = plan.clone();
            move |tx, call| {
                let Revert { seq } = call.json()?;
                let values = tx.revert(&plan, call.record_id()?, seq)?;
                Ok(answer(tx, &plan, &values, StatusCode::OK))
            }
        }),
        Operation::post(&named("aggregate"), &format!("{base}:aggregate"), &format!("Counts and sums {many}."))
            .needs(&needs("read"))
            .reads_json(aggregate_schema())
            .answers_json(StatusCode::OK, json!({ "type": "object" }))
            .scan({
                let plan = plan.clone();
                move |tx, call| {
                    let what = Aggregate::parse(&plan, call.body(), &tx.readable(&plan))?;
                    Ok(Reply::bytes(StatusCode::OK, tx.aggregate(&plan, &what)?))
                }
            }),
        bulk::operation(plan),
        import::operation(plan),
        list_params(export::operation(plan)),
    ];
    for step in plan.states.iter().flat_map(|states| &states.moves) {
        let (plan, name) = (plan.clone(), step.name.clone());
        let label = step.label.clone();
        let operation = Operation::post(&named(&name), &format!("{by_id}/{name}"), &format!("{label}: moves a {one} to {}.", step.to))
            .needs(&plan.move_permission(&name, declared))
            .answers_json(StatusCode::OK, record.clone());
        all.push(operation.write(move |tx, call| {
            let values = tx.go(&plan, call.record_id()?, &name, call.if_match)?;
            Ok(answer(tx, &plan, &values, StatusCode::OK))
        }));
    }
    all.into_iter().map(|operation| operation.of(plan)).collect()
}

/// The kinds of jobs of one resource.
pub(crate) fn jobs(plan: &Arc<Plan>) -> Vec<JobKind> {
    vec![bulk::job(plan), import::job(plan)]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Revert {
    /// The number of the event after which the record was as it should be again.
    seq: i64,
}

fn get(tx: &mut Tx<'_, '_>, plan: &Plan, call: &crate::Call) -> Result<Reply> {
    let id = call.record_id()?;
    if !call.query.is_empty() {
        call.only_query(&["fields", "expand"])?;
        let query = Query::parse(plan, pairs(&call.query), &tx.readable(plan))?;
        return Ok(Reply::bytes(StatusCode::OK, tx.get_shaped(plan, id, &query)?));
    }
    let mut out = Vec::with_capacity(1024);
    let version = tx.get_json(plan, id, &mut out)?;
    Ok(found(call, out, version))
}

/// A record that was found, unless the caller has it already.
pub(crate) fn found(call: &crate::Call, json: Vec<u8>, version: i64) -> Reply {
    let reply = match call.if_none_match {
        Some(known) if known == version => Reply::bytes(StatusCode::NOT_MODIFIED, Vec::new()),
        Some(_) | None => Reply::bytes(StatusCode::OK, json),
    };
    reply.with_version(version)
}

/// A record as the caller may see it.
fn answer(tx: &Tx<'_, '_>, plan: &Plan, values: &Values, status: StatusCode) -> Reply {
    let mut out = Vec::with_capacity(1024);
    plan.write_values(values, &tx.readable(plan), &mut out);
    Reply::bytes(status, out).with_version(values.version)
}

pub(crate) fn pairs(query: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    query.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

fn aggregate_schema() -> serde_json::Value {
    let names = json!({ "type": "array", "items": { "type": "string" } });
    json!({ "type": "object", "additionalProperties": false, "properties": {
        "filter": { "type": "string" }, "group_by": names, "count": { "type": "boolean" }, "sum": names, "min": names, "max": names } })
}

/// What a refused row is told: the sentence of the error, without anything that is not the caller's.
pub(crate) fn problem(error: &base::Error) -> String {
    match error.faults() {
        [] => error.detail().to_owned(),
        faults => faults
            .iter()
            .map(|f| if f.field.is_empty() { f.message.clone() } else { format!("{}: {}", f.field, f.message) })
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// `{"job": {"id": ..}}` with 202: it goes on without the caller.
fn accepted(id: &str) -> Reply {
    let mut out = b"{\"job\":{\"id\":".to_vec();
    json::string(id, &mut out);
    out.extend_from_slice(b"}}");
    Reply::bytes(StatusCode::ACCEPTED, out).with_header(LOCATION, format!("/api/v1/jobs/{id}"))
}
