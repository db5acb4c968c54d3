//! What a module's tables cannot be brought to by adding alone: the explicit steps of its manifest.
//!
//! Each silo keeps how many of them it has behind it, so each is carried out once, in the order of the manifest. None takes away what the
//! previous version of the module needs, `drop` excepted: it is for a field that no version in use knows any more.

use super::{
    Cell, Default, Field, Kind, Migration, Plan,
    ddl::{self, side_table},
    plan::quote,
    values::fold_key,
};
use base::{Error, Result, Value};
use serde_json::{Map, Value as Json};

/// One entry of `migrations`. `resource` is a plural.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The field goes on under another name, with its values. What stood under the old name stays there until it is dropped.
    Rename { resource: String, field: String, to: String },
    /// The field is no longer declared. Its values stay until it is dropped.
    Retire { resource: String, field: String },
    /// What was renamed or retired before is gone for good.
    Drop { resource: String, field: String },
    /// The field's rules are narrower than they were. Values are replaced first; a silo with one that still does not fit is not migrated.
    Narrow { resource: String, field: String, map: Vec<(String, Option<String>)> },
}

/// A statement with its values.
pub type Bound = (String, Vec<Value<'static>>);

/// Counts what would break a rule that is new.
#[derive(Debug, PartialEq)]
pub struct Check {
    pub count: Bound,
    pub why: String,
}

impl Step {
    pub fn resource(&self) -> &str {
        match self {
            Step::Rename { resource, .. } | Step::Retire { resource, .. } | Step::Drop { resource, .. } | Step::Narrow { resource, .. } => resource,
        }
    }

    /// Adds its work to `all`, and changes `old` (what the tables looked like) accordingly.
    pub(super) fn plan(&self, plans: &[&Plan], old: &mut Json, all: &mut Migration) -> Result<()> {
        let plan = plans.iter().find(|plan| plan.plural == self.resource()).ok_or_else(|| Error::internal("a step about no resource"))?;
        // A resource that is new in this silo begins as it is declared now.
        let Some(fields) = old.get_mut(&plan.plural).and_then(|of| of.get_mut("fields")).and_then(Json::as_object_mut) else { return Ok(()) };
        match self {
            Step::Rename { field, to, .. } => rename(plan, fields, field, to, all),
            Step::Retire { field, .. } => retire(plan, fields, field, all),
            Step::Drop { field, .. } => {
                fields.remove(field);
                all.drops.push((plan.table.clone(), plan.columns_in_use(), field.clone()));
            }
            Step::Narrow { field, map, .. } => narrow(plan, fields, field, map, all),
        }
        Ok(())
    }
}

/// The columns of a field by what was written down about it, with their portable types.
fn columns(name: &str, description: &Json) -> Vec<(String, &'static str)> {
    let kind = description.get("type").and_then(Json::as_str).unwrap_or_default();
    let mut columns = match kind {
        "money" => vec![(format!("{name}_minor"), "BIGINT"), (format!("{name}_currency"), "TEXT")],
        "tags" => Vec::new(),
        "integer" | "datetime" => vec![(name.to_owned(), "BIGINT")],
        "boolean" => vec![(name.to_owned(), "BOOLEAN")],
        _ => vec![(name.to_owned(), "TEXT")],
    };
    if description.get("key") == Some(&Json::Bool(true)) {
        columns.push((format!("{name}_key"), "TEXT"));
    }
    columns
}

fn is(description: &Json, kinds: &[&str]) -> bool {
    description.get("type").and_then(Json::as_str).is_some_and(|kind| kinds.contains(&kind))
}

fn rename(plan: &Plan, fields: &mut Map<String, Json>, field: &str, to: &str, all: &mut Migration) {
    let Some(description) = fields.shift_remove(field) else { return };
    let table = plan.quoted();
    if is(&description, &["tags"]) {
        let (from, into) = (ddl::side_name(&plan.table, field), ddl::side_name(&plan.table, to));
        all.ddl.push(side_table(&plan.table, &into));
        let copy = format!("INSERT INTO {} (\"id\", \"value\") SELECT \"id\", \"value\" FROM {}", quote(&into), quote(&from));
        all.updates.push((copy, Vec::new()));
    } else {
        let (from, into) = (columns(field, &description), columns(to, &description));
        all.ddl.extend(into.iter().map(|(column, kind)| format!("ALTER TABLE {table} ADD COLUMN {} {kind}", quote(column))));
        let mut set: Vec<String> = into.iter().zip(&from).map(|((new, _), (old, _))| format!("{} = {}", quote(new), quote(old))).collect();
        // A reference that nobody sees any more would keep what it refers to from being deleted.
        if is(&description, &["ref", "user"]) {
            set.push(format!("{} = NULL", quote(field)));
        }
        all.updates.push((format!("UPDATE {table} SET {}", set.join(", ")), Vec::new()));
    }
    fields.insert(to.to_owned(), description);
}

fn retire(plan: &Plan, fields: &mut Map<String, Json>, field: &str, all: &mut Migration) {
    let Some(description) = fields.shift_remove(field) else { return };
    if is(&description, &["ref", "user"]) {
        all.updates.push((format!("UPDATE {} SET {} = NULL", plan.quoted(), quote(field)), Vec::new()));
    }
}

fn narrow(plan: &Plan, fields: &mut Map<String, Json>, name: &str, map: &[(String, Option<String>)], all: &mut Migration) {
    let (Some(field), Some(description)) = (plan.slot(name).and_then(|slot| plan.field(slot)), fields.get_mut(name)) else { return };
    // By what stands there: a key column that this version adds is filled later.
    let has_key = description.get("key") == Some(&Json::Bool(true));
    let narrow = Narrow { plan, field, has_key };
    all.updates.extend(narrow.replaced(map));
    all.updates.extend(narrow.filled());
    all.checks.extend(narrow.checks());
    *description = field.narrowed(description);
}

/// What changes a value changes its record.
const CHANGED: &str = "\"version\" = \"version\" + 1";

/// A field whose rules become narrower.
struct Narrow<'a> {
    plan: &'a Plan,
    field: &'a Field,
    has_key: bool,
}

impl Narrow<'_> {
    /// Values that become others.
    fn replaced(&self, map: &[(String, Option<String>)]) -> Vec<Bound> {
        let (table, column) = (self.plan.quoted(), quote(&self.field.name));
        let one = |(from, to): &(String, Option<String>)| {
            let mut values = vec![Value::from(from.clone()), Value::from(to.clone())];
            let mut set = format!("{column} = ?2, {CHANGED}");
            if self.has_key {
                set.push_str(&format!(", {} = ?3", quote(&self.key_column())));
                values.push(key(to.as_deref()));
            }
            (format!("UPDATE {table} SET {set} WHERE {column} = ?1"), values)
        };
        map.iter().map(one).collect()
    }

    /// Where there must be a value now and is none, the default.
    fn filled(&self) -> Option<Bound> {
        let (true, Some(Default::Cell(cell))) = (self.field.required, &self.field.default) else { return None };
        let (first, mut values) = match cell {
            Cell::Money { minor, currency } => (format!("{}_minor", self.field.name), vec![Value::Int(*minor), Value::from(currency.clone())]),
            cell => (self.field.name.clone(), vec![cell.value().into_owned()]),
        };
        let mut named: Vec<String> = self.field.columns().into_iter().map(|(column, _)| column).collect();
        if self.has_key {
            named.push(self.key_column());
            values.push(key(cell.text()));
        }
        let set: Vec<String> = named.iter().enumerate().map(|(n, column)| format!("{} = ?{}", quote(column), n + 1)).collect();
        Some((format!("UPDATE {} SET {}, {CHANGED} WHERE {} IS NULL", self.plan.quoted(), set.join(", "), quote(&first)), values))
    }

    /// What must not be found then.
    fn checks(&self) -> Vec<Check> {
        let (field, column) = (self.field, quote(&self.field.name));
        let limit = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let mut checks = Vec::new();
        match &field.kind {
            Kind::Text { min, max } => {
                let when = format!("LENGTH({column}) > ?1 OR LENGTH({column}) < ?2");
                checks.push(self.check(&when, vec![limit(*max), limit(*min)], "the text is too long or too short"));
            }
            Kind::Integer { min, max } => {
                let when = format!("{column} > ?1 OR {column} < ?2");
                checks.push(self.check(&when, vec![(*max).into(), (*min).into()], "the number is out of range"));
            }
            Kind::Choice { options } => {
                let numbers: Vec<String> = (1..=options.len()).map(|n| format!("?{n}")).collect();
                let values = options.iter().map(|option| Value::from(option.value.clone())).collect();
                let when = format!("{column} IS NOT NULL AND {column} NOT IN ({})", numbers.join(", "));
                checks.push(self.check(&when, values, "the option is gone"));
            }
            Kind::Tags { max, table: side } => {
                let side = quote(side);
                let when = format!("\"id\" IN (SELECT \"id\" FROM {side} GROUP BY \"id\" HAVING COUNT(*) > ?1)");
                checks.push(self.check(&when, vec![limit(*max)], "there are too many tags"));
                if field.required {
                    checks.push(self.check(&format!("\"id\" NOT IN (SELECT \"id\" FROM {side})"), Vec::new(), "it is empty"));
                }
            }
            _ => {}
        }
        if let (true, Some((column, _))) = (field.required, field.columns().first()) {
            checks.push(self.check(&format!("{} IS NULL", quote(column)), Vec::new(), "it is empty and has no default"));
        }
        if let (true, Some(column)) = (field.unique, field.sort_column().map(|column| quote(&column))) {
            let table = self.plan.quoted();
            let twice = format!("{column} IN (SELECT {column} FROM {table} WHERE {column} IS NOT NULL GROUP BY {column} HAVING COUNT(*) > 1)");
            checks.push(self.check(&twice, Vec::new(), "the same value stands twice"));
        }
        checks
    }

    fn check(&self, when: &str, values: Vec<Value<'static>>, why: &str) -> Check {
        let count = (format!("SELECT COUNT(*) FROM {} WHERE {when}", self.plan.quoted()), values);
        Check { count, why: format!("{}.{}: {why}", self.plan.resource, self.field.name) }
    }

    fn key_column(&self) -> String {
        format!("{}_key", self.field.name)
    }
}

fn key(text: Option<&str>) -> Value<'static> {
    Value::from(text.map(fold_key))
}

/// The columns that dropping a field takes away: those it may have had, that are there, and that no field of today has.
pub(super) fn dropped(there: &[String], in_use: &[String], field: &str) -> Vec<String> {
    let own = [field.to_owned(), format!("{field}_key"), format!("{field}_minor"), format!("{field}_currency")];
    own.into_iter().filter(|column| there.contains(column) && !in_use.contains(column)).collect()
}
