//! Values that a JSON Schema takes, for whoever calls an operation without knowing what it is about.

use serde_json::{Map, Value, json};

/// The smallest value that a JSON Schema takes: required members only.
pub fn minimal(schema: &Value) -> Value {
    value(schema, Members::Required)
}

/// A value with every member that does not name another record.
pub fn full(schema: &Value) -> Value {
    value(schema, Members::All)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Members {
    Required,
    All,
}

fn value(schema: &Value, which: Members) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    for either in ["oneOf", "anyOf"] {
        if let Some(first) = schema[either].as_array().and_then(|all| all.first()) {
            return value(first, which);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null"),
        kind => kind.as_str().unwrap_or("object"),
    };
    match kind {
        "object" => Value::Object(members(schema, which)),
        "array" => json!([]),
        "integer" | "number" => schema["minimum"].as_i64().map_or(json!(1), |lowest| json!(lowest.max(1))),
        "boolean" => json!(false),
        "string" => json!(text(schema)),
        _ => Value::Null,
    }
}

fn members(schema: &Value, which: Members) -> Map<String, Value> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let taken = |name: &str, inner: &Value| required.contains(&name) || (which == Members::All && inner["format"] != "uuid");
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.filter(|(name, inner)| taken(name, inner)).map(|(name, inner)| (name.clone(), value(inner, which))).collect()
}

fn text(schema: &Value) -> &'static str {
    if schema["pattern"] == "^[A-Z]{3}$" {
        return "EUR";
    }
    match (schema["format"].as_str(), schema["title"].as_str()) {
        (Some("email"), _) => "somebody@example.com",
        (Some("date"), _) => "2026-11-20",
        (Some("date-time"), _) => "2026-11-20T09:55:00Z",
        (Some("uri"), _) | (_, Some("Website")) => "https://example.com",
        (Some("uuid"), _) => "01234567-0000-7000-8000-000000000000",
        (_, Some("Phone")) => "+49 30 123456",
        _ => "sample",
    }
}
