//! The OpenAPI document, made from the registry: what is not registered is not in it, and what is registered cannot be missing.

use crate::{
    App, Operation, Reply,
    access::Access,
    http::problem,
    operations::{Input, Output},
};
use base::{Error, Result};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("openapi.get", "openapi.json", "This document.")
            .public()
            .param("module", "Only the operations of one module.")
            .answers_json(StatusCode::OK, json!({ "type": "object" }))
            .read(|tx, call| {
                call.only_query(&["module"])?;
                let app = tx.app().clone();
                match call.query("module") {
                    None => {
                        let cached = app.openapi();
                        if cached.get().is_none() {
                            let bytes = serde_json::to_vec(&document(&app, None)).map_err(Error::internal)?;
                            let _ = cached.set(bytes.into()); // somebody else was faster with the same bytes
                        }
                        let bytes = cached.get().cloned().unwrap_or_default();
                        Ok(Reply::bytes(StatusCode::OK, bytes))
                    }
                    Some(name) => narrowed(&app, name),
                }
            }),
    ]
}

fn narrowed(app: &App, name: &str) -> Result<Reply> {
    if app.catalogue().module(name).is_none() {
        let known = app.catalogue().modules().iter().map(|m| m.manifest.name.as_str());
        return Err(Error::fault("module", "unknown", crate::json::unknown("module", name, known)));
    }
    Reply::json(&document(app, Some(name)))
}

impl App {
    /// The OpenAPI document of this binary. Nothing in it depends on a tenant.
    pub fn openapi_document(&self) -> Value {
        document(self, None)
    }
}

fn document(app: &App, module: Option<&str>) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in app.registry().operations().iter().filter(|op| module.is_none_or(|m| op.module == m)) {
        let path = format!("/api/v1/{}", operation.path);
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(operation.method.as_str().to_lowercase(), describe(operation));
        }
    }
    let mut schemas: Map<String, Value> =
        [("Problem".to_owned(), problem_schema()), ("Meta".to_owned(), super::meta::schema())].into_iter().collect();
    let plans = app.catalogue().plans().filter(|plan| module.is_none_or(|m| plan.module == m));
    schemas.extend(plans.map(|plan| (plan.resource.clone(), plan.record_schema())));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tenon",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "One API for every installed module. Errors are problem documents (RFC 9457) with a stable `code` and a `request_id`. Lists are paged by cursor. Every POST takes an `Idempotency-Key`. Filters are CEL and must be percent-encoded.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An access token from POST /api/v1/auth/token, or an API key." },
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-sid", "description": "The console's session." }
            },
            "schemas": schemas
        }
    })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" }, "detail": { "type": "string" },
            "code": { "type": "string" }, "request_id": { "type": "string" },
            "errors": { "type": "array", "items": { "type": "object", "properties": {
                "field": { "type": "string" }, "code": { "type": "string" }, "message": { "type": "string" } } } }
        }
    })
}

fn describe(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    if operation.path.contains("{id}") {
        parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" }, "description": "The id." }));
    }
    for param in &operation.params {
        parameters.push(json!({ "name": param.name, "in": "query", "schema": { "type": "string" }, "description": param.about }));
    }
    if operation.method == Method::POST {
        let about = "Chosen by the caller, at most 255 characters: the same request sent again gets the same answer.";
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "maxLength": 255 }, "description": about }));
    }
    let by_version =
        operation.plan.is_some() && operation.path.contains("{id}") && operation.method != Method::GET && !operation.path.ends_with("/revert");
    if by_version {
        parameters.push(json!({ "name": "If-Match", "in": "header", "schema": { "type": "string" }, "description": "The ETag that was read; 412 when somebody saved meanwhile." }));
    }
    let mut answers = Map::new();
    let title = operation.status.canonical_reason().unwrap_or("Done");
    answers.insert(
        operation.status.as_str().to_owned(),
        match &operation.output {
            Output::Empty => json!({ "description": title }),
            Output::Json(schema) => json!({ "description": title, "content": { "application/json": { "schema": schema } } }),
            Output::Stream(kind) => json!({ "description": title, "content": { *kind: { "schema": { "type": "string" } } } }),
        },
    );
    // Opening a database needs a little room on the disk, whatever is asked of it then.
    let mut refusals = vec![400, 421, 429, 500, 503, 507];
    if operation.access != Access::Public {
        refusals.extend([401, 403, 404]);
    }
    // What proves who somebody is refuses whoever does not.
    if operation.credential {
        refusals.push(401);
    }
    if operation.method != Method::GET {
        refusals.extend([403, 409, 410, 413, 415, 422]);
    }
    if by_version {
        refusals.push(412);
    }
    refusals.sort_unstable();
    refusals.dedup();
    for status in refusals {
        let about = StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Refused");
        answers.entry(status.to_string()).or_insert_with(
            || json!({ "description": about, "content": { problem::CONTENT_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } } }),
        );
    }
    if operation.name.ends_with(".import") || operation.name.ends_with(".bulk") {
        answers.insert(
            "202".into(),
            json!({ "description": "It goes on as a job.", "content": { "application/json": { "schema": {
            "type": "object", "properties": { "job": { "type": "object", "properties": { "id": { "type": "string" } } } } } } } }),
        );
    }
    let mut out = json!({
        "operationId": operation.name,
        "summary": operation.about,
        "tags": [operation.plan.as_ref().map_or(operation.module.clone(), |plan| plan.resource.clone())],
        "parameters": parameters,
        "responses": answers,
    });
    if let Some(out) = out.as_object_mut() {
        match &operation.input {
            Input::None => {}
            Input::Json(schema) => {
                drop(out.insert("requestBody".into(), json!({ "required": true, "content": { "application/json": { "schema": schema } } })))
            }
            Input::File(kind) => drop(out.insert(
                "requestBody".into(),
                json!({ "required": true, "content": { *kind: { "schema": { "type": "string", "format": "binary" } } } }),
            )),
        }
        match &operation.access {
            Access::Public => drop(out.insert("security".into(), json!([]))),
            Access::SignedIn => {}
            Access::Needs(permission) => drop(out.insert("x-permission".into(), json!(permission.as_str()))),
        }
    }
    out
}
