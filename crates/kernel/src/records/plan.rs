use super::{Field, Kind, compile, ddl::Index, title::Title};
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
    /// `crm.deals:read`
    pub(super) read: String,
    pub(super) fields: Vec<Field>,
    pub(super) slots: HashMap<String, usize>,
    pub(super) schema: expr::Schema,
    pub(super) title: Title,
    pub(super) indexes: Vec<Index>,
    pub(super) texts: super::statements::Texts,
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
    pub fn compile(module: &str, json: &str) -> Result<Plan, Vec<ManifestFault>> {
        compile::compile(module, json)
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
    /// The name of the field at `slot`.
    pub fn name_of(&self, slot: usize) -> &str {
        self.fields.get(slot).map_or("", |f| &f.name)
    }
    /// `plan.event("created")` is `crm.deal.created`.
    pub fn event(&self, verb: &str) -> String {
        format!("{}.{}.{verb}", self.module, self.name)
    }
    /// Every event type that a change of this resource may write.
    pub fn events(&self) -> Vec<String> {
        let moves = self.states.iter().flat_map(|s| &s.moves).map(|m| m.event.clone());
        ["created", "updated", "deleted"].map(|verb| self.event(verb)).into_iter().chain(moves).collect()
    }
    /// `crm.deals/<id>`
    pub fn subject(&self, id: &str) -> String {
        format!("{}/{id}", self.resource)
    }
    /// `crm.deals:read`, which is asked for all the time.
    pub fn read_permission(&self) -> &str {
        &self.read
    }
    /// `plan.permission("update")` is `crm.deals:update`.
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
    /// The same for somebody who may read only the `shown` fields (empty: all): the others do not exist for them.
    pub fn expression_for(&self, text: &str, shown: &super::Shown) -> Result<expr::Expr, expr::Fault> {
        match shown.iter().all(|s| *s) {
            true => self.expression(text),
            false => expr::Expr::parse(text, &compile::schema(&self.table, &self.fields, shown)),
        }
    }
    /// The slots that refer to `resource`, for whoever deletes a record of it.
    pub fn refers_to(&self, resource: &str) -> impl Iterator<Item = usize> {
        let refers = move |f: &Field| matches!(&f.kind, Kind::Ref { to, .. } if to == resource);
        self.fields.iter().enumerate().filter(move |(_, f)| refers(f)).map(|(slot, _)| slot)
    }
    /// `"crm_deals"`
    pub(super) fn quoted(&self) -> String {
        quote(&self.table)
    }
}

/// An identifier as it stands in SQL. All of ours are checked to be `[a-z][a-z0-9_]*`.
pub fn quote(name: &str) -> String {
    format!("\"{name}\"")
}
