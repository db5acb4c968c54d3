//! The same table on both engines.

use crate::world::{TABLES, Thing};
use base::Value;
use expr::Sql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::ToSql;

const INSERT: &str = "INSERT INTO things VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const TAG: &str = "INSERT INTO things__tags VALUES (?1, ?2)";

fn row(i: usize, thing: &Thing) -> Vec<Value<'static>> {
    let thing = thing.clone();
    let (minor, currency) = thing.amount.unzip();
    vec![
        i.to_string().into(),
        thing.name.into(),
        thing.stage.into(),
        thing.owner.into(),
        thing.active.into(),
        thing.count.into(),
        thing.closes.into(),
        thing.seen.into(),
        thing.price.into(),
        minor.into(),
        currency.into(),
    ]
}

fn tags(i: usize, thing: &Thing) -> impl Iterator<Item = Vec<Value<'static>>> {
    thing.tags.iter().map(move |tag| vec![i.to_string().into(), tag.clone().into()])
}

fn query(sql: &Sql) -> String {
    format!("SELECT id FROM things WHERE {}", sql.text)
}

pub struct Sqlite(rusqlite::Connection);

impl Sqlite {
    pub fn open() -> Sqlite {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, false).unwrap();
        db.execute_batch(&TABLES.replace("BOOLEAN", "INTEGER").replace("BIGINT", "INTEGER").replace(");", ") STRICT;")).unwrap();
        Sqlite(db)
    }
    pub fn replace(&self, things: &[Thing]) {
        self.0.execute_batch("DELETE FROM things; DELETE FROM things__tags").unwrap();
        for (i, thing) in things.iter().enumerate() {
            self.run(INSERT, row(i, thing));
            tags(i, thing).for_each(|tag| self.run(TAG, tag));
        }
    }
    fn run(&self, sql: &str, values: Vec<Value<'static>>) {
        self.0.prepare_cached(sql).unwrap().execute(rusqlite::params_from_iter(values.iter().map(Bound))).unwrap();
    }
    pub fn select(&self, sql: &Sql) -> Result<Vec<usize>, String> {
        let mut statement = self.0.prepare(&query(sql)).map_err(|e| e.to_string())?;
        let rows = statement.query_map(rusqlite::params_from_iter(sql.params.iter().map(Bound)), |row| row.get::<_, String>(0));
        let ids = rows.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(|e| e.to_string())?;
        Ok(ids.iter().map(|id| id.parse().unwrap()).collect())
    }
}

struct Bound<'a>(&'a Value<'static>);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(v) => ValueRef::Integer(i64::from(*v)),
            Value::Int(v) => ValueRef::Integer(*v),
            Value::Real(v) => ValueRef::Real(*v),
            Value::Text(v) => ValueRef::Text(v.as_bytes()),
            Value::Blob(v) => ValueRef::Blob(v),
        }))
    }
}

/// A table of its own session on the cluster that `TENON_TEST_POSTGRES` names.
pub struct Postgres {
    runtime: tokio::runtime::Runtime,
    client: tokio_postgres::Client,
}

impl Postgres {
    pub fn open() -> Option<Postgres> {
        let url = std::env::var("TENON_TEST_POSTGRES").ok().filter(|url| !url.is_empty())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            let ddl = TABLES.replace("CREATE", "CREATE TEMPORARY").replace("TEXT", "TEXT COLLATE \"C\"");
            client.batch_execute(&ddl).await.unwrap();
            client
        });
        Some(Postgres { runtime, client })
    }
    pub fn replace(&mut self, things: &[Thing]) {
        self.runtime.block_on(self.client.batch_execute("BEGIN; DELETE FROM things; DELETE FROM things__tags")).unwrap();
        for (i, thing) in things.iter().enumerate() {
            self.ask(INSERT, &row(i, thing)).unwrap();
            tags(i, thing).for_each(|tag| drop(self.ask(TAG, &tag).unwrap()));
        }
        self.runtime.block_on(self.client.batch_execute("COMMIT")).unwrap();
    }
    fn ask(&self, sql: &str, values: &[Value<'static>]) -> Result<Vec<tokio_postgres::Row>, String> {
        let values: Vec<Box<dyn ToSql + Sync>> = values.iter().map(boxed).collect();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(AsRef::as_ref).collect();
        let text = sql.replace('?', "$");
        self.runtime.block_on(self.client.query(&text, &values)).map_err(|e| format!("{e:?}"))
    }
    pub fn select(&mut self, sql: &Sql) -> Result<Vec<usize>, String> {
        Ok(self.ask(&query(sql), &sql.params)?.iter().map(|row| row.get::<_, &str>(0).parse().unwrap()).collect())
    }
}

fn boxed(value: &Value<'static>) -> Box<dyn ToSql + Sync> {
    match value.clone() {
        Value::Null => Box::new(Absent),
        Value::Bool(v) => Box::new(v),
        Value::Int(v) => Box::new(v),
        Value::Real(v) => Box::new(v),
        Value::Text(v) => Box::new(v.into_owned()),
        Value::Blob(v) => Box::new(v.into_owned()),
    }
}

#[derive(Debug)]
struct Absent;

impl ToSql for Absent {
    fn to_sql(
        &self,
        _: &tokio_postgres::types::Type,
        _: &mut bytes::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(tokio_postgres::types::IsNull::Yes)
    }
    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }
    tokio_postgres::types::to_sql_checked!();
}
