use super::{Field, Kind};
use crate::manifest::ManifestFault;
use std::collections::HashMap;

/// A resource, compiled: everything the kernel knows about one kind of record. Made once at start and shared by all silos.
#[derive(Debug)]
pub struct Plan {
    pub module: String,
    /// Singular: `deal`.
    pub name: String,
    /// Plural: `deals`.
    pub plural: String,
    /// `crm.deals`, as in permissions, references and subjects.
    pub resource: String,
    pub label: String,
    pub labels: String,
    pub icon: Option<String>,
    /// `crm_deals`, not quoted.
    pub table: String,
    pub views: Views,
    pub states: Option<States>,
    pub(super) fields: Vec<Field>,
    pub(super) slots: HashMap<String, usize>,
    pub(super) schema: expr::Schema,
}

/// What the console shows before anybody chose otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Views {
    /// Slots.
    pub list: Vec<usize>,
    /// The slot of the choice field whose options are the columns of a board.
    pub board: Option<usize>,
}

/// A field that changes only by declared moves.
#[derive(Debug)]
pub struct States {
    pub slot: usize,
    pub moves: Vec<Move>,
}

/// `win`: from which states, to which, under which condition, and what the log calls it.
#[derive(Debug)]
pub struct Move {
    pub name: String,
    pub label: String,
    /// The full type: `crm.deal.won`.
    pub event: String,
    pub from: Vec<String>,
    pub to: String,
    pub when: Option<expr::Expr>,
}

impl Plan {
    /// Compiles `resources/<plural>.json` of `module`. All faults at once, each with its line.
    pub fn compile(_module: &str, _json: &str) -> Result<Plan, Vec<ManifestFault>> {
        Err(Vec::new())
    }
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }
    pub fn field(&self, slot: usize) -> Option<&Field> {
        self.fields.get(slot)
    }
    /// The slot of a declared field.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.slots.get(name).copied()
    }
    /// `plan.event("created")` is `crm.deal.created`.
    pub fn event(&self, verb: &str) -> String {
        format!("{}.{}.{verb}", self.module, self.name)
    }
    /// `crm.deals/<id>`
    pub fn subject(&self, id: &str) -> String {
        format!("{}/{id}", self.resource)
    }
    /// `plan.permission("read")` is `crm.deals:read`.
    pub fn permission(&self, action: &str) -> String {
        format!("{}:{action}", self.resource)
    }
    /// The permission a move needs: its own if the manifest declares one, else `:update`. `declared` answers for full names.
    pub fn move_permission(&self, name: &str, declared: impl Fn(&str) -> bool) -> String {
        let own = self.permission(name);
        if declared(&own) { own } else { self.permission("update") }
    }
    /// Compiles a filter or a condition over this resource's fields.
    pub fn expression(&self, text: &str) -> Result<expr::Expr, expr::Fault> {
        expr::Expr::parse(text, &self.schema)
    }
    /// The slots that refer to `resource`, for whoever deletes a record of it.
    pub fn refers_to(&self, resource: &str) -> impl Iterator<Item = usize> {
        let refers = move |f: &Field| matches!(&f.kind, Kind::Ref { to, .. } if to == resource);
        self.fields.iter().enumerate().filter(move |(_, f)| refers(f)).map(|(slot, _)| slot)
    }
}
