//! The main proof: memory, SQLite, PostgreSQL and the `cel` crate give the same answer to random questions about random records.
//!
//! The crate has no null rule and no scaled numbers, so each question is written twice: as ours, and for the crate, which gets
//! absent fields as null variables (so that `==`, `!=` and `in` are total), lists that are never absent, decimals as floats, moments as
//! integers, and a `record` without the absent fields for `has`. Its errors are our unknown.

use crate::{
    databases::{Postgres, Sqlite},
    questions::{Question, question, things},
    world::{Thing, actor, schema},
};
use cel::{
    Context, Program, Value,
    objects::{Key, Map},
};
use expr::{Actor, Expr, Sql};
use proptest::prelude::*;
use std::{cell::RefCell, collections::HashMap, sync::Arc};

/// What the crate says; an error is unknown, and unknown is false.
fn oracle(program: &Program, thing: &Thing, who: &Actor) -> bool {
    let text = |v: &str| Value::String(Arc::new(v.to_owned()));
    let texts = |v: &[String]| Value::List(Arc::new(v.iter().map(|x| text(x)).collect()));
    let maybe = |v: &Option<String>| v.as_deref().map_or(Value::Null, text);
    let mut fields = vec![
        ("name", maybe(&thing.name)),
        ("stage", maybe(&thing.stage)),
        ("owner", maybe(&thing.owner)),
        ("active", thing.active.map_or(Value::Null, Value::Bool)),
        ("count", thing.count.map_or(Value::Null, Value::Int)),
        ("closes", maybe(&thing.closes)),
        ("seen", thing.seen.map_or(Value::Null, Value::Int)),
        ("price", thing.price.map_or(Value::Null, |p| Value::Float(p as f64 / 100.0))),
        ("amount", thing.amount.as_ref().map_or(Value::Null, |_| Value::Bool(true))),
        ("amount_minor", thing.amount.as_ref().map_or(Value::Null, |a| Value::Int(a.0))),
        ("amount_currency", thing.amount.as_ref().map_or(Value::Null, |a| text(&a.1))),
    ];
    let mut context = Context::default();
    let map = |entries: Vec<(&str, Value)>| {
        Value::Map(Map { map: Arc::new(entries.into_iter().map(|(k, v)| (Key::String(Arc::new(k.to_owned())), v)).collect::<HashMap<_, _>>()) })
    };
    let mut present: Vec<_> = fields.iter().filter(|(_, v)| *v != Value::Null).cloned().collect();
    if !thing.tags.is_empty() {
        present.push(("tags", texts(&thing.tags)));
    }
    fields.push(("tags", texts(&thing.tags)));
    fields.push(("record", map(present)));
    fields.push((
        "actor",
        map(vec![
            ("id", text(&who.id)),
            ("user", text(&who.user)),
            ("email", text(&who.email)),
            ("kind", text(&who.kind)),
            ("roles", texts(&who.roles)),
        ]),
    ));
    fields.push(("tenant", map(vec![("id", text(&who.tenant_id)), ("slug", text(&who.tenant_slug))])));
    fields.push(("now", Value::Int(who.now.0)));
    for (name, value) in fields {
        context.add_variable_from_value(name, value);
    }
    program.execute(&context) == Ok(Value::Bool(true))
}

/// One way of asking a database which rows a condition selects.
trait Ask {
    fn fill(&self, things: &[Thing]);
    fn ask(&self, sql: &Sql) -> Result<Vec<usize>, String>;
}

/// Asks every question about every record, everywhere.
fn agree(things: &[Thing], questions: &[Question], database: &impl Ask) -> Result<(), TestCaseError> {
    let (schema, who) = (schema(), actor());
    database.fill(things);
    for Question { ours, oracles } in questions {
        let expr = Expr::parse(ours, &schema).unwrap_or_else(|fault| panic!("{ours}: {fault}"));
        let program = Program::compile(oracles).unwrap_or_else(|e| panic!("{oracles}: {e}"));
        // Somebody else's parameter comes first: numbers go on from there.
        let mut sql = Sql::new();
        sql.push("\"things\".\"id\" <> ").bind("nobody").push(" AND ");
        expr.to_sql(&who, &mut sql);
        let selected = database.ask(&sql).map_err(|e| TestCaseError::fail(format!("{ours}\n{e}\n{sql:?}")))?;
        for (i, thing) in things.iter().enumerate() {
            let (memory, database, oracle) = (expr.holds(thing, &who), selected.contains(&i), oracle(&program, thing, &who));
            prop_assert!(
                memory == database && memory == oracle,
                "{ours}\nmemory {memory}, database {database}, oracle {oracle} ({oracles})\n{sql:?}\n{thing:?}"
            );
        }
    }
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 1_000, ..ProptestConfig::default() }
}

/// 160 × 24 questions × 16 records.
#[test]
fn memory_sqlite_and_the_crate_agree() {
    let sqlite = Sqlite::open();
    proptest!(config(160), |(things in things(16), questions in prop::collection::vec(question(), 24))| {
        agree(&things, &questions, &sqlite)?;
    });
}

#[test]
fn memory_postgres_and_the_crate_agree() {
    let Some(postgres) = Postgres::open() else { return };
    let postgres = RefCell::new(postgres);
    proptest!(config(60), |(things in things(16), questions in prop::collection::vec(question(), 24))| {
        agree(&things, &questions, &postgres)?;
    });
}

impl Ask for Sqlite {
    fn fill(&self, things: &[Thing]) {
        self.replace(things);
    }
    fn ask(&self, sql: &Sql) -> Result<Vec<usize>, String> {
        self.select(sql)
    }
}

impl Ask for RefCell<Postgres> {
    fn fill(&self, things: &[Thing]) {
        self.borrow_mut().replace(things);
    }
    fn ask(&self, sql: &Sql) -> Result<Vec<usize>, String> {
        self.borrow_mut().select(sql)
    }
}

/// SQLite limits the depth of an expression and the number of parameters.
#[test]
fn the_longest_texts_still_run() {
    let sqlite = Sqlite::open();
    for text in [
        format!("active{}", "||active".repeat(511)),
        format!("count in [{}1]", "1,".repeat(2_000)),
        format!("name in [{}name]", "name,".repeat(810)),
        format!("{}active{}", "!(".repeat(32), ")".repeat(32)),
    ] {
        let mut sql = Sql::new();
        Expr::parse(&text, &schema()).unwrap().to_sql(&actor(), &mut sql);
        sqlite.select(&sql).unwrap();
    }
}
