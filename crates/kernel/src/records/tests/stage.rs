//! A silo with the lab's tables, on SQLite and, when TENON_TEST_POSTGRES says where, on PostgreSQL.

use super::*;
use base::{Result, TenantId};
use silo::{Engine, Options, Schema, Silo, Silos, Tx};
use std::{future::Future, sync::Arc};

static SCHEMA: Schema = Schema {
    name: "lab",
    ddl: r#"CREATE TABLE "meta" ("one" BIGINT PRIMARY KEY, "tenant" TEXT, "origin" TEXT, "epoch" BIGINT NOT NULL, "schema" BIGINT, "currency" TEXT,
        "time_zone" TEXT, "seq" BIGINT NOT NULL, "hash" BLOB NOT NULL);
        CREATE TABLE "members" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT);"#,
    search: true,
};

/// Runs `story` once for each engine, in a fresh silo with `ddl`.
pub fn on_every_engine<F: Future<Output = Result<()>>>(ddl: &[String], story: impl Fn(Silo) -> F) {
    on_engines(std::env::var("TENON_TEST_POSTGRES").ok().filter(|url| !url.is_empty()), ddl, story);
}

/// The same on SQLite alone.
pub fn on_sqlite<F: Future<Output = Result<()>>>(ddl: &[String], story: impl Fn(Silo) -> F) {
    on_engines(None, ddl, story);
}

fn on_engines<F: Future<Output = Result<()>>>(postgres: Option<String>, ddl: &[String], story: impl Fn(Silo) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let mut engines = vec![Engine::Sqlite { dir: dir.path().to_owned() }];
        engines.extend(postgres.map(|url| Engine::Postgres { url, pool: 4 }));
        for engine in engines {
            let named = format!("{engine:?}");
            let options = Options { engine, installation: "records".into(), max_open: Some(8), at_open: Arc::new(|_, _| Ok(())) };
            let silos = Silos::start(options).await.unwrap();
            let id = TenantId::new();
            let ddl = ddl.join(";\n");
            let made = silos.create(id, &SCHEMA, move |tx| {
                tx.run("INSERT INTO \"meta\" (\"one\", \"epoch\", \"seq\", \"hash\") VALUES (1, 1, 0, ?1)", &[base::Value::from(&[0u8; 32][..])])?;
                tx.run("INSERT INTO \"members\" (\"id\", \"name\") VALUES (?1, 'Ada')", &[ME.into()])?;
                tx.ddl(&ddl)
            });
            let silo = made.await.unwrap_or_else(|e| panic!("{named}: {e:?}"));
            story(silo).await.unwrap_or_else(|e| panic!("{named}: {e:?}"));
            silos.destroy(id).await.unwrap();
            silos.shutdown().await;
        }
    });
}

/// Inserts a record.
pub fn insert(tx: &mut Tx<'_>, plan: &Plan, values: &Values) -> Result<()> {
    plan.insert(values).iter().try_for_each(|s| s.run(tx))
}

/// One record by id.
pub fn get(tx: &mut Tx<'_>, plan: &Plan, id: &str) -> Result<Option<Values>> {
    tx.row(plan.select_one(), &[id.into()], |row| plan.from_row(row, 0))
}
