use base::{Result, TenantId, new_id};
use silo::{Engine, Options, Schema, Silo, Silos, Tx};
use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

pub static SCHEMA: Schema = Schema {
    name: "silo",
    ddl: r#"
        CREATE TABLE "meta" ("one" BIGINT PRIMARY KEY, "tenant" TEXT, "origin" TEXT, "epoch" BIGINT, "schema" BIGINT, "currency" TEXT, "time_zone" TEXT, "seq" BIGINT, "hash" BLOB);
        CREATE TABLE "events" ("seq" BIGINT PRIMARY KEY, "what" TEXT NOT NULL);
        CREATE TABLE "things" ("id" TEXT PRIMARY KEY, "name" TEXT, "size" BIGINT, "weight" DOUBLE PRECISION, "ok" BOOLEAN, "raw" BLOB, "parent" TEXT REFERENCES "things" ("id"));
        CREATE UNIQUE INDEX "things_name" ON "things" ("name");
        CREATE INDEX "things_size" ON "things" ("size" DESC, "id");
    "#,
    search: true,
};

/// How many rounds: a few in every run, many with `TENON_SOAK=1`.
pub fn rounds(few: u64, many: u64) -> u64 {
    if std::env::var("TENON_SOAK").is_ok_and(|v| v == "1") { many } else { few }
}

/// One installation of its own, on one engine.
pub struct Stage {
    pub silos: Silos,
    pub dir: tempfile::TempDir,
    pub engine: Engine,
    pub at_open: Arc<AtomicU64>,
    pub installation: String,
}

pub fn engines(dir: &std::path::Path, pool: usize) -> Vec<Engine> {
    let mut all = vec![Engine::Sqlite { dir: dir.join("silos") }];
    if let Ok(url) = std::env::var("TENON_TEST_POSTGRES") {
        all.push(Engine::Postgres { url, pool });
    }
    all
}

impl Stage {
    pub async fn new(engine: Engine, max_open: Option<usize>) -> Stage {
        let at_open = Arc::new(AtomicU64::new(0));
        let count = at_open.clone();
        let dir = tempfile::tempdir().unwrap();
        let engine = match engine {
            Engine::Sqlite { .. } => Engine::Sqlite { dir: dir.path().join("silos") },
            other => other,
        };
        let installation: String = new_id().replace('-', "")[20..].to_owned();
        let options = Options {
            engine: engine.clone(),
            installation: installation.clone(),
            max_open,
            at_open: Arc::new(move |_, _| {
                count.fetch_add(1, Relaxed);
                Ok(())
            }),
        };
        Stage { silos: Silos::start(options).await.unwrap(), dir, engine, at_open, installation }
    }
    pub fn is_postgres(&self) -> bool {
        matches!(self.engine, Engine::Postgres { .. })
    }
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    pub async fn silo(&self) -> Silo {
        let id = TenantId::new();
        self.silos.create(id, &SCHEMA, move |tx| meta(tx, id)).await.unwrap()
    }
    pub async fn end(self, ids: &[TenantId]) {
        for id in ids {
            self.silos.destroy(*id).await.unwrap();
        }
        self.silos.shutdown().await;
    }
}

pub fn meta(tx: &mut Tx<'_>, id: TenantId) -> Result<()> {
    let id = id.to_string();
    tx.run(r#"INSERT INTO "meta" ("one", "tenant", "epoch", "seq") VALUES (1, ?1, 1, 0)"#, &[(&id).into()]).map(drop)
}

/// Runs the story once per engine, with a pool of `pool` sessions.
pub async fn for_each_engine<F: Future<Output = ()>>(story: impl Fn(Stage) -> F) {
    for_each_engine_with(8, None, story).await;
}

pub async fn for_each_engine_with<F: Future<Output = ()>>(pool: usize, max_open: Option<usize>, story: impl Fn(Stage) -> F) {
    let dir = tempfile::tempdir().unwrap();
    for engine in engines(dir.path(), pool) {
        story(Stage::new(engine, max_open).await).await;
    }
}

/// Appends an event the way the kernel does: the next number, in the same unit.
pub fn emit(tx: &mut Tx<'_>, what: &str) -> Result<i64> {
    let head = tx.head();
    head.seq += 1;
    head.hash[0] = head.hash[0].wrapping_add(1);
    let seq = head.seq;
    tx.run(r#"INSERT INTO "events" ("seq", "what") VALUES (?1, ?2)"#, &[seq.into(), what.into()])?;
    Ok(seq)
}

pub async fn events(silo: &Silo) -> Vec<i64> {
    silo.scan(|tx| tx.rows(r#"SELECT "seq" FROM "events" ORDER BY "seq""#, &[], |row| row.int(0))).await.unwrap()
}

pub async fn stored_seq(silo: &Silo) -> i64 {
    silo.read(|tx| tx.row(r#"SELECT "seq" FROM "meta""#, &[], |row| row.int(0))).await.unwrap().unwrap()
}

/// In one snapshot: the head says how many events there are. Gives back how many.
pub async fn whole(silo: &Silo) -> i64 {
    let sql = r#"SELECT (SELECT COUNT(*) FROM "events"), "seq" FROM "meta""#;
    let (count, seq) = silo.scan(move |tx| tx.row(sql, &[], |row| Ok((row.int(0)?, row.int(1)?)))).await.unwrap().unwrap();
    assert_eq!(count, seq, "the log has a gap");
    count
}
