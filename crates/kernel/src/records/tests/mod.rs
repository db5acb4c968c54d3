//! Stories about plans, told without a server.

mod cells;
mod declare;
mod indexes;
mod pages;
mod queries;
mod stage;
mod steps;
mod stories;
mod writes;

use super::*;
use base::Time;

/// One field of every type there is.
pub const EVERY: &str = r#"{
  "name": "thing", "plural": "things", "title": "{name}",
  "fields": {
    "name": {"type": "text", "required": true, "max": 20, "search": true},
    "mail": {"type": "email", "unique": true},
    "site": {"type": "url"},
    "phone": {"type": "phone"},
    "amount": {"type": "money"},
    "rank": {"type": "integer", "min": 0, "max": 100},
    "open": {"type": "boolean", "default": true},
    "born": {"type": "date"},
    "seen": {"type": "datetime"},
    "stage": {"type": "choice", "options": ["lead", {"value": "won", "label": "Won!"}, "lost"], "default": "lead"},
    "topics": {"type": "tags", "search": true},
    "parent": {"type": "ref", "to": "lab.things", "on_delete": "clear"},
    "owner": {"type": "user", "default": "actor.id"}
  },
  "states": {"field": "stage", "moves": [
    {"name": "win", "event": "won", "from": ["lead"], "to": "won", "when": "amount.minor > 0"},
    {"name": "lose", "event": "lost", "from": ["lead", "won"], "to": "lost"}
  ]},
  "views": {"list": ["name", "rank", "born", "seen", "open", "stage", "amount"], "board": "stage"},
  "indexes": [["stage", "born"]]
}"#;

pub fn every() -> Plan {
    Plan::compile("lab", EVERY).unwrap_or_else(|faults| panic!("{}", faults.iter().map(|f| format!("{f}\n")).collect::<String>()))
}

pub const ME: &str = "0190a5c4-7b1a-7000-8000-000000000001";

pub fn me() -> expr::Actor {
    expr::Actor {
        id: ME.to_owned(),
        user: "0190a5c4-7b1a-7000-8000-0000000000ff".to_owned(),
        email: "ada@example.com".to_owned(),
        roles: vec!["member".to_owned()],
        kind: "member".to_owned(),
        tenant_id: "0190a5c4-7b1a-7000-8000-0000000000aa".to_owned(),
        tenant_slug: "acme".to_owned(),
        now: Time::parse("2026-11-20T09:55:00Z").unwrap(),
    }
}

pub fn entry(who: &expr::Actor) -> Entry<'_> {
    Entry { who, currency: "EUR", states: false, locked: &[] }
}

/// The faults of a result as `field/code`.
pub fn codes<T: std::fmt::Debug>(result: base::Result<T>) -> Vec<String> {
    result.unwrap_err().faults().iter().map(|f| format!("{}/{}", f.field, f.code)).collect()
}

pub fn json(plan: &Plan, values: &Values) -> serde_json::Value {
    let mut out = Vec::new();
    plan.write_values(values, &[], &mut out);
    serde_json::from_slice(&out).unwrap()
}
