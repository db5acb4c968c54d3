use super::Plan;
use serde_json::Value;

/// What one person may do with a resource: by slot what they may read and write, and the verbs they hold.
pub struct Rights<'a> {
    pub readable: &'a dyn Fn(usize) -> bool,
    pub writable: &'a dyn Fn(usize) -> bool,
    /// `list get create update delete import export history aggregate bulk` and the moves.
    pub verb: &'a dyn Fn(&str) -> bool,
}

impl Plan {
    /// The resource as `GET /meta` shows it.
    pub fn meta(&self, _rights: &Rights<'_>) -> Value {
        Value::Null
    }
    /// JSON Schemas for OpenAPI: the record, the body of a create, the body of a patch, a page.
    pub fn record_schema(&self) -> Value {
        Value::Null
    }
    pub fn create_schema(&self) -> Value {
        Value::Null
    }
    pub fn patch_schema(&self) -> Value {
        Value::Null
    }
    pub fn list_schema(&self) -> Value {
        Value::Null
    }
}
