use super::{
    Cell, Default, Field, Kind, Plan, Step,
    ddl::{Index, side_name, stands},
    meta::put,
    plan::quote,
    steps::{self, Bound, Check},
    values::fold_key,
};
use base::{Error, Result, Value};
use serde_json::{Map, Value as Json, json};

/// What has to happen to a silo so that its tables fit the plans, in the order in which it happens. Only ever adds, but for explicit steps.
#[derive(Debug, Default, PartialEq)]
pub struct Migration {
    /// Portable DDL, tables and columns first.
    pub ddl: Vec<String>,
    /// Values that go elsewhere or become others.
    pub updates: Vec<Bound>,
    /// Key columns to be filled for the rows there are: (table, text column, key column).
    pub folds: Vec<(String, String, String)>,
    /// What must not be found now.
    pub checks: Vec<Check>,
    /// Portable DDL for when the keys are filled.
    pub indexes: Vec<String>,
    /// Fields to be dropped: (table, its columns that stay, field).
    pub drops: Vec<(String, Vec<String>, String)>,
}

/// Beside the resources in what is written down of a module: how many of its steps lie behind.
const STEPS: &str = "$steps";

impl Migration {
    pub fn is_empty(&self) -> bool {
        *self == Migration::default()
    }
    /// Carries it out.
    pub fn run(&self, tx: &mut silo::Tx<'_>) -> Result<()> {
        for ddl in &self.ddl {
            tx.ddl(ddl)?;
            base::step("migrate.table-grown")?;
        }
        for (sql, values) in &self.updates {
            tx.run(sql, values)?;
            base::step("migrate.values-moved")?;
        }
        // Row by row: folding is ours, and no engine has it.
        for (table, from, to) in &self.folds {
            let (table, from, to) = (quote(table), quote(from), quote(to));
            let texts = tx.rows(&format!("SELECT \"id\", {from} FROM {table} WHERE {from} IS NOT NULL"), &[], |row| {
                Ok((row.text(0)?.to_owned(), fold_key(row.text(1)?)))
            })?;
            for (id, key) in texts {
                tx.run(&format!("UPDATE {table} SET {to} = ?2 WHERE \"id\" = ?1"), &[Value::from(&id), Value::from(&key)])?;
                base::step("migrate.key-filled")?;
            }
        }
        for check in &self.checks {
            let (sql, values) = &check.count;
            match tx.row(sql, values, |row| row.int(0))?.unwrap_or(0) {
                0 => {}
                rows => return Err(Error::conflict("migration", format!("{} in {rows} records. Mend them with the version before.", check.why))),
            }
        }
        base::step("migrate.checked")?;
        for ddl in &self.indexes {
            tx.ddl(ddl)?;
            base::step("migrate.index-made")?;
        }
        for (table, in_use, field) in &self.drops {
            drop_field(tx, table, in_use, field)?;
            base::step("migrate.field-dropped")?;
        }
        Ok(())
    }
}

fn drop_field(tx: &mut silo::Tx<'_>, table: &str, in_use: &[String], field: &str) -> Result<()> {
    for column in steps::dropped(&tx.columns(table)?, in_use, field) {
        tx.ddl(&format!("ALTER TABLE {} DROP COLUMN {}", quote(table), quote(&column)))?;
    }
    let side = side_name(table, field);
    if tx.columns(&side)?.is_empty() || in_use.contains(&side) { Ok(()) } else { tx.ddl(&format!("DROP TABLE {}", quote(&side))) }
}

/// What a module's tables look like, to be kept in the silo's `modules` row: plural → `Plan::columns`, and how many steps lie behind.
pub fn columns(plans: &[&Plan], steps: usize) -> Json {
    let mut all: Map<String, Json> = plans.iter().map(|p| (p.plural.clone(), p.columns())).collect();
    if steps > 0 {
        all.insert(STEPS.to_owned(), steps.into());
    }
    Json::Object(all)
}

/// The way of a whole module from `old` (an earlier `columns`; an empty object: nothing yet) to `plans`. To be asked only
/// when the silo was last migrated by an older version of the module: an older binary leaves a newer schema alone.
pub fn migrate(plans: &[&Plan], steps: &[Step], old: &Json) -> Result<Migration> {
    let mut old = old.clone();
    let behind = old.as_object_mut().and_then(|old| old.shift_remove(STEPS)).and_then(|n| n.as_u64()).unwrap_or(0);
    let mut all = Migration::default();
    for step in steps.iter().skip(usize::try_from(behind).unwrap_or(usize::MAX)) {
        step.plan(plans, &mut old, &mut all)?;
    }
    let known = |plan: &Plan| old.get(&plan.plural);
    let mut made: Vec<&str> = plans.iter().filter(|p| known(p).is_some()).map(|p| p.table.as_str()).collect();
    if let Some(gone) = old.as_object().into_iter().flat_map(|o| o.keys()).find(|plural| !plans.iter().any(|p| p.plural == **plural)) {
        return Err(refused(gone, "the resource is gone"));
    }
    for plan in plans {
        match known(plan) {
            Some(old) => {
                let one = plan.steps(old, &made)?;
                all.ddl.extend(one.ddl);
                all.folds.extend(one.folds);
                all.indexes.extend(one.indexes);
            }
            None => {
                made.push(&plan.table);
                all.ddl.extend(plan.create(&|table| stands(plan, &made, table)));
            }
        }
    }
    Ok(all)
}

/// Whether tables as `old` describes them hold everything that this plan asks of them. A rule that became narrower is one for what is written
/// from now on, not for what stands there.
pub fn stands_on(plan: &Plan, old: &Json) -> bool {
    let Some(fields) = old.get(&plan.plural).and_then(|old| old.get("fields")).and_then(Json::as_object) else { return false };
    let same = |field: &Field| {
        let now = field.description();
        fields.get(&field.name).is_some_and(|old| ["type", "to", "key"].iter().all(|part| old.get(part) == now.get(part)))
    };
    fields.len() == plan.fields.len() && plan.fields.iter().all(same)
}

impl Plan {
    /// What its tables look like, and the rules that must not become narrower.
    pub fn columns(&self) -> Json {
        let fields: Map<String, Json> = self.fields.iter().map(|f| (f.name.clone(), f.description())).collect();
        let indexes: Map<String, Json> = self.indexes.iter().map(|i| (i.name.clone(), i.create().into())).collect();
        json!({"table": self.table, "fields": fields, "indexes": indexes})
    }
    fn steps(&self, old: &Json, made: &[&str]) -> Result<Migration> {
        let none = Map::new();
        let part = |name: &str| old.get(name).and_then(Json::as_object).unwrap_or(&none);
        let (old_fields, old_indexes) = (part("fields"), part("indexes"));
        if let Some(gone) = old_fields.keys().find(|name| self.slot(name).is_none()) {
            return Err(refused(&format!("{}.{gone}", self.resource), "the field is gone"));
        }
        let mut steps = Migration::default();
        for field in &self.fields {
            match old_fields.get(&field.name) {
                None => steps.ddl.extend(self.add(field, &|table| stands(self, made, table))?),
                Some(old) => {
                    self.not_narrower(field, old)?;
                    if let Some(key) = field.key.as_ref().filter(|_| old.get("key") != Some(&Json::Bool(true))) {
                        steps.ddl.push(format!("ALTER TABLE {} ADD COLUMN {} TEXT", self.quoted(), quote(key)));
                        steps.folds.push((self.table.clone(), field.name.clone(), key.clone()));
                    }
                }
            }
        }
        let kept = |name: &str, ddl: &Json| self.indexes.iter().any(|i| i.name == name && i.create() == ddl.as_str().unwrap_or_default());
        steps.indexes.extend(old_indexes.iter().filter(|(name, ddl)| !kept(name, ddl)).map(|(name, _)| format!("DROP INDEX {}", quote(name))));
        let fresh = |i: &&Index| !old_indexes.get(&i.name).is_some_and(|ddl| kept(&i.name, ddl));
        steps.indexes.extend(self.indexes.iter().filter(fresh).map(Index::create));
        Ok(steps)
    }
    /// A field that was not there before. Where it is required, the rows there are get its default.
    fn add(&self, field: &Field, stands: &dyn Fn(&str) -> bool) -> Result<Vec<String>> {
        let default = match &field.default {
            Some(Default::Cell(cell)) => Some(cell),
            Some(Default::Actor | Default::Now) | None => None,
        };
        if field.required && (default.is_none() || matches!(field.kind, Kind::Tags { .. })) {
            return Err(refused(&format!("{}.{}", self.resource, field.name), "a new required field needs a default that is a value"));
        }
        if let Some(side) = field.side(&self.table) {
            return Ok(vec![side]);
        }
        let literals = default.map(|cell| literals(field, cell)).unwrap_or_default();
        let literals = literals.into_iter().map(|l| format!(" DEFAULT {l}")).chain(std::iter::repeat(String::new()));
        let columns = field.definitions(stands).into_iter().zip(literals);
        Ok(columns.map(|(column, default)| format!("ALTER TABLE {} ADD COLUMN {column}{default}", self.quoted())).collect())
    }
    fn not_narrower(&self, field: &Field, old: &Json) -> Result<()> {
        let now = field.description();
        let int = |of: &Json, name: &str| of.get(name).and_then(Json::as_i64);
        let is = |of: &Json, name: &str| of.get(name) == Some(&Json::Bool(true));
        let narrower = |name: &str, sign: i64| match (int(old, name), int(&now, name)) {
            (Some(old), Some(now)) => now * sign < old * sign,
            _ => false,
        };
        let lost = |option: &Json| !now.get("options").and_then(Json::as_array).is_some_and(|o| o.contains(option));
        let why = if old.get("type") != now.get("type") {
            "its type changed"
        } else if old.get("to") != now.get("to") {
            "it refers to something else"
        } else if narrower("max", 1) || narrower("min", -1) {
            "its limits became narrower"
        } else if !is(old, "required") && is(&now, "required") {
            "it became required"
        } else if !is(old, "unique") && is(&now, "unique") {
            "it became unique"
        } else if old.get("options").and_then(Json::as_array).into_iter().flatten().any(lost) {
            "it lost an option"
        } else {
            return Ok(());
        };
        Err(refused(&format!("{}.{}", self.resource, field.name), why))
    }
    /// Its columns and side tables: what dropping a field must leave alone.
    pub(super) fn columns_in_use(&self) -> Vec<String> {
        let of = |f: &Field| {
            f.columns().into_iter().map(|(column, _)| column).chain(f.key.clone()).chain(f.side_table().map(str::to_owned)).collect::<Vec<_>>()
        };
        self.fields.iter().flat_map(of).collect()
    }
}

impl Field {
    /// What is written down about it once its narrower rules hold. Of what kind it is, is not a rule.
    pub(super) fn narrowed(&self, old: &Json) -> Json {
        let mut new = self.description();
        for part in ["type", "to", "key"] {
            if let Some(was) = old.get(part) {
                put(&mut new, part, was.clone());
            }
        }
        new
    }
    fn description(&self) -> Json {
        let mut d = json!({"type": self.kind.name(), "required": self.required, "unique": self.unique, "key": self.key.is_some()});
        let mut put = |name: &str, value: Json| put(&mut d, name, value);
        match &self.kind {
            Kind::Text { min, max } => {
                put("min", (*min).into());
                put("max", (*max).into());
            }
            Kind::Integer { min, max } => {
                put("min", (*min).into());
                put("max", (*max).into());
            }
            Kind::Choice { options } => put("options", options.iter().map(|o| o.value.as_str()).collect()),
            Kind::Tags { max, .. } => put("max", (*max).into()),
            Kind::Ref { to, .. } => put("to", to.as_str().into()),
            Kind::Email | Kind::Url | Kind::Phone | Kind::Boolean | Kind::Date | Kind::Datetime | Kind::User | Kind::Money => {}
        }
        d
    }
}

/// A default as SQL literals, one for each column.
fn literals(field: &Field, cell: &Cell) -> Vec<String> {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match cell {
        Cell::Null | Cell::Tags(_) => Vec::new(),
        Cell::Bool(value) => vec![value.to_string().to_uppercase()],
        Cell::Int(number) => vec![number.to_string()],
        Cell::Text(value) => std::iter::once(text(value)).chain(field.key.iter().map(|_| text(&fold_key(value)))).collect(),
        Cell::Money { minor, currency } => vec![minor.to_string(), text(currency)],
    }
}

fn refused(what: &str, why: &str) -> Error {
    Error::conflict(
        "migration",
        format!("{what} cannot be migrated by itself: {why}. Say how in the manifest's migrations, or add a new field beside it."),
    )
}
