use crate::stage::{SCHEMA, Stage, emit, engines, events, for_each_engine, stored_seq};
use base::{Code, TenantId, Value};
use silo::{Schema, SearchQuery, Silo};
use std::path::{Path, PathBuf};

async fn filled(stage: &Stage) -> Silo {
    let silo = stage.silo().await;
    silo.write(|tx| {
        tx.ddl(
            r#"CREATE TABLE "crm_people" ("id" TEXT PRIMARY KEY, "company" TEXT);
            CREATE TABLE "crm_companies" ("id" TEXT PRIMARY KEY, "name" TEXT NOT NULL DEFAULT 'x', "rate" DOUBLE PRECISION, "boss" TEXT REFERENCES "crm_people" ("id"));
            ALTER TABLE "crm_people" ADD COLUMN "works_at" TEXT REFERENCES "crm_companies" ("id");
            ALTER TABLE "crm_people" ADD COLUMN "active" BOOLEAN NOT NULL DEFAULT TRUE;
            CREATE UNIQUE INDEX "crm_people_works_at" ON "crm_people" ("works_at" DESC, lower("company")) WHERE "active" = TRUE;"#,
        )?;
        for i in 0..1500_i64 {
            let (id, name) = (format!("{i:05}"), format!("name {i}"));
            let sql = r#"INSERT INTO "things" ("id", "name", "size", "weight", "ok", "raw", "parent") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"#;
            // Each row refers to a later one's predecessor; the last ones to the first.
            let parent = (i > 0).then(|| format!("{:05}", i - 1));
            let raw: &[u8] = &[0, 1, 2];
            tx.run(sql, &[(&id).into(), (&name).into(), i.into(), Value::Real(0.5), (i % 2 == 0).into(), raw.into(), parent.into()])?;
        }
        tx.run(r#"UPDATE "things" SET "parent" = '01499' WHERE "id" = '00000'"#, &[])?;
        tx.run(r#"INSERT INTO "crm_people" ("id", "active") VALUES ('p', TRUE)"#, &[])?;
        tx.run(r#"INSERT INTO "crm_companies" ("id", "boss") VALUES ('c', 'p')"#, &[])?;
        tx.run(r#"UPDATE "crm_people" SET "works_at" = 'c'"#, &[])?;
        tx.search_put("things", "00001", "First Thing", "needle");
        tx.search_put("things", "00002", "Second", "");
        emit(tx, "filled").map(drop)
    })
    .await
    .unwrap();
    silo
}

/// Everything there is, as text.
async fn content(silo: &Silo) -> Vec<String> {
    silo.scan(|tx| {
        let mut all = Vec::new();
        for sql in [
            r#"SELECT "id", "name", "size", "weight", CASE WHEN "ok" THEN 'yes' ELSE 'no' END, "raw", "parent" FROM "things" ORDER BY "id""#,
            r#"SELECT "seq", "what" FROM "events" ORDER BY "seq""#,
            r#"SELECT "tenant", "epoch", "seq", "hash" FROM "meta""#,
            r#"SELECT "id", "works_at", CASE WHEN "active" THEN 'yes' ELSE 'no' END FROM "crm_people""#,
            r#"SELECT "id", "name", "rate", "boss" FROM "crm_companies""#,
            r#"SELECT "n", "resource", "id", "title" FROM "search_docs" ORDER BY "n""#,
        ] {
            all.extend(tx.rows(sql, &[], |row| Ok((0..row.width()).map(|i| format!("{:?} ", row.value(i).unwrap())).collect::<String>()))?);
        }
        Ok(all)
    })
    .await
    .unwrap()
}

async fn needle(silo: &Silo, word: &str) -> Vec<(String, String)> {
    let q = SearchQuery { words: vec![word.into()], resources: vec!["things".into()], limit: 5, offset: 0 };
    silo.scan(move |tx| tx.search_find(&q)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_either_engine_restores_into_either_engine() {
    for_each_engine(|stage| async move {
        let silo = filled(&stage).await;
        let file = stage.file("backup.db");
        stage.silos.backup(silo.id(), file.clone()).await.unwrap();
        assert_eq!(stage.silos.backup(silo.id(), file.clone()).await.unwrap_err().code(), Code::Conflict, "never over a file that is there");
        let dir = tempfile::tempdir().unwrap();
        for engine in engines(dir.path(), 4) {
            let target = Stage::new(engine, None).await;
            let id = TenantId::new();
            let fix = move |tx: &mut silo::Tx<'_>| {
                assert_eq!(tx.head().seq, 1);
                tx.run(r#"UPDATE "meta" SET "origin" = "tenant""#, &[]).map(drop)
            };
            let restored = target.silos.restore(id, &SCHEMA, file.clone(), fix).await.unwrap();
            assert_eq!(content(&restored).await, content(&silo).await);
            assert_eq!(needle(&restored, "needl").await, [("things".into(), "00001".into())]);
            assert_eq!(needle(&restored, "first").await.len(), 1);
            // It is alive: constraints, indexes and the log go on.
            let same = restored.write(|tx| tx.run(r#"UPDATE "things" SET "name" = 'name 7' WHERE "id" = '00008'"#, &[])).await.unwrap_err();
            assert_eq!(same.name(), "duplicate");
            let referred = restored.write(|tx| tx.run(r#"DELETE FROM "crm_people""#, &[])).await.unwrap_err();
            assert_eq!(referred.name(), "referred");
            assert_eq!(restored.write(|tx| emit(tx, "next")).await.unwrap(), 2);
            let again = target.silos.restore(id, &SCHEMA, file.clone(), |_| Ok(())).await;
            assert_eq!(again.err().unwrap().code(), Code::Conflict, "only ever a new silo");
            // And there and back once more.
            let second = target.file("second.db");
            target.silos.backup(id, second.clone()).await.unwrap();
            let third = stage.silos.restore(TenantId::new(), &SCHEMA, second, |_| Ok(())).await.unwrap();
            assert_eq!(content(&third).await, content(&restored).await);
            let third_id = third.id();
            drop(third);
            stage.silos.destroy(third_id).await.unwrap();
            target.end(&[id]).await;
        }
        let id = silo.id();
        drop(silo);
        stage.end(&[id]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_one_state_while_others_write() {
    for_each_engine(|stage| async move {
        let silo = filled(&stage).await;
        let writer = silo.clone();
        let writing = tokio::spawn(async move {
            for i in 0..200_i64 {
                writer
                    .write(move |tx| {
                        emit(tx, "more")?;
                        tx.run(r#"UPDATE "things" SET "size" = ?1"#, &[i.into()]).map(drop)
                    })
                    .await
                    .unwrap();
            }
        });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        for i in 0..2 {
            let file = stage.file(&format!("{i}.db"));
            stage.silos.backup(silo.id(), file.clone()).await.unwrap();
            let copy = stage.silos.restore(TenantId::new(), &SCHEMA, file, |_| Ok(())).await.unwrap();
            let seqs = events(&copy).await;
            assert_eq!(seqs.len() as i64, stored_seq(&copy).await);
            let sizes = copy.scan(|tx| tx.rows(r#"SELECT DISTINCT "size" FROM "things""#, &[], |row| row.int(0))).await.unwrap();
            assert!(sizes.len() == 1 || seqs.len() == 1, "{sizes:?}");
            let id = copy.id();
            drop(copy);
            stage.silos.destroy(id).await.unwrap();
        }
        writing.await.unwrap();
        let id = silo.id();
        drop(silo);
        stage.end(&[id]).await;
    })
    .await;
}

fn change(good: &Path, to: PathBuf, sql: &str) -> PathBuf {
    std::fs::copy(good, &to).unwrap();
    let db = rusqlite::Connection::open(&to).unwrap();
    db.execute_batch(sql).unwrap();
    to
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_file_is_not_restored() {
    for_each_engine(|stage| async move {
        let silo = filled(&stage).await;
        let good = stage.file("good.db");
        stage.silos.backup(silo.id(), good.clone()).await.unwrap();
        let mut files = Vec::new();
        for (name, sql) in [
            ("trigger", "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM meta; END"),
            ("view", "CREATE VIEW v AS SELECT 1"),
            ("virtual", "CREATE VIRTUAL TABLE f USING fts5(x)"),
            ("rtree", "CREATE VIRTUAL TABLE r USING rtree(id, a, b)"),
            ("loose", "CREATE TABLE loose (a, b)"),
            ("generated", r#"CREATE TABLE "g" ("a" TEXT, "b" TEXT GENERATED ALWAYS AS (hex("a"))) STRICT"#),
            ("function", r#"CREATE INDEX "i" ON "things" (hex("name"))"#),
            ("called", r#"CREATE TABLE "c" ("a" TEXT DEFAULT (load_extension('x'))) STRICT"#),
            ("no meta", "DELETE FROM meta"),
            ("no table", "DROP TABLE meta"),
            ("hub", "PRAGMA application_id = 7"),
            ("rewritten", "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, 'contentless_delete=1', 'contentless_delete=0') WHERE name = 'search_index'"),
            ("disguised", "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE VIEW things AS SELECT 1' WHERE name = 'things'"),
            ("dangling", "PRAGMA foreign_keys=OFF; UPDATE things SET parent = 'nobody' WHERE id = '00003'"),
        ] {
            files.push((name, change(&good, stage.file(&format!("{name}.db")), sql)));
        }
        let text = stage.file("text.db");
        std::fs::write(&text, "no database at all, just a longer text than a header would be, so that it is read".repeat(100)).unwrap();
        let torn = stage.file("torn.db");
        let mut bytes = std::fs::read(&good).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 3000].fill(0xa5);
        std::fs::write(&torn, bytes).unwrap();
        files.extend([("text", text), ("torn", torn), ("missing", stage.file("missing.db"))]);
        for (name, file) in files {
            let id = TenantId::new();
            let refused = stage.silos.restore(id, &SCHEMA, file, |_| Ok(())).await.err().unwrap_or_else(|| panic!("{name} was restored"));
            assert_eq!(refused.code(), Code::Invalid, "{name}: {refused:?}");
            assert!(!stage.silos.exists(id).await.unwrap(), "{name}");
        }
        static OTHER: Schema = Schema { name: "hub", ddl: "", search: true };
        let refused = stage.silos.restore(TenantId::new(), &OTHER, good, |_| Ok(())).await;
        assert_eq!(refused.err().unwrap().code(), Code::Invalid);
        let id = silo.id();
        drop(silo);
        stage.end(&[id]).await;
    })
    .await;
}

/// Rows in pages that have been split leave copies behind that `secure_delete` does not know of.
#[tokio::test]
async fn after_a_wipe_nothing_of_deleted_rows_is_in_any_file() {
    for engine in engines(std::path::Path::new("."), 4) {
        if !matches!(engine, silo::Engine::Sqlite { .. }) {
            continue; // a cluster's pages are its own
        }
        let stage = Stage::new(engine, None).await;
        let silo = stage.silo().await;
        let name = |n: usize| format!("canary-{n:04}-{}", "x".repeat(n % 90));
        silo.write(move |tx| {
            for n in 0..2000_usize {
                // In no order, so that full pages are split.
                let id = format!("{:04}", n * 1237 % 2000);
                tx.run(r#"INSERT INTO "things" ("id", "name", "size") VALUES (?1, ?2, 1)"#, &[id.into(), name(n).into()])?;
            }
            tx.run(r#"INSERT INTO "things" ("id", "name") VALUES ('stays', 'stays')"#, &[]).map(drop)
        })
        .await
        .unwrap();
        assert!(anywhere(stage.dir.path(), b"canary-"));
        silo.write(|tx| tx.run(r#"DELETE FROM "things" WHERE "size" = 1"#, &[])).await.unwrap();
        // Somebody reads meanwhile, and readers that are idle have kept a snapshot.
        let reading = tokio::spawn({
            let silo = silo.clone();
            async move {
                for _ in 0..200 {
                    silo.read(|tx| tx.row(r#"SELECT "id" FROM "things" WHERE "id" = 'stays'"#, &[], |_| Ok(()))).await.unwrap().unwrap();
                    silo.peek(r#"SELECT "id" FROM "things" WHERE "id" = 'stays'"#, &[], |_| Ok(())).await;
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
        });
        stage.silos.wipe(silo.id()).await.unwrap();
        assert!(!anywhere(stage.dir.path(), b"canary-"));
        reading.await.unwrap();
        silo.write(|tx| tx.run(r#"INSERT INTO "things" ("id", "name") VALUES ('new', 'new')"#, &[])).await.unwrap();
        let count = silo.scan(|tx| tx.row(r#"SELECT COUNT(*) FROM "things""#, &[], |row| row.int(0))).await.unwrap();
        assert_eq!(count, Some(2));
    }
}

/// Whether these bytes stand in any file of a folder.
fn anywhere(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().map(Result::unwrap).any(|entry| {
        let path = entry.path();
        if path.is_dir() { anywhere(&path, bytes) } else { std::fs::read(&path).unwrap().windows(bytes.len()).any(|part| part == bytes) }
    })
}
