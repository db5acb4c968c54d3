//! The traps of "one SQL text for both engines".

use crate::stage::{for_each_engine, meta};
use base::{Code, TenantId, Value};
use std::time::{Duration, Instant};

/// Runs for minutes where nobody stops it.
pub const ENDLESS: &str =
    r#"WITH RECURSIVE "n" ("i") AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT "i" + 1 FROM "n" WHERE "i" < 3000000000) SELECT COUNT(*) FROM "n""#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_comes_back_as_it_went() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        silo.write(|tx| {
            let sql = r#"INSERT INTO "things" ("id", "name", "size", "weight", "ok", "raw") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"#;
            let raw: &[u8] = &[0, 255, 1];
            assert_eq!(tx.run(sql, &["a".into(), "Zoë ✓ '?1'".into(), i64::MIN.into(), Value::Real(0.1), true.into(), raw.into()])?, 1);
            assert_eq!(tx.run(sql, &["b".into(), Value::Null, Value::Null, Value::Null, Value::Null, Value::Null])?, 1);
            Ok(())
        })
        .await
        .unwrap();
        silo.read(|tx| {
            let sql = r#"SELECT "name", "size", "weight", "ok", "raw", "parent" FROM "things" WHERE "id" = ?1"#;
            tx.row(sql, &["a".into()], |row| {
                assert_eq!(
                    (row.text(0)?, row.int(1)?, row.real(2)?, row.bool(3)?, row.blob(4)?),
                    ("Zoë ✓ '?1'", i64::MIN, 0.1, true, [0, 255, 1].as_slice())
                );
                assert!(row.value(5)?.is_null());
                assert_eq!(row.width(), 6);
                assert!(row.int(0).is_err() && row.text(5).is_err() && row.value(9).is_err());
                Ok(())
            })?
            .unwrap();
            tx.row(sql, &["b".into()], |row| {
                assert_eq!((row.opt_text(0)?, row.opt_int(1)?, row.opt_real(2)?, row.opt_bool(3)?, row.opt_blob(4)?), (None, None, None, None, None));
                Ok(())
            })?
            .unwrap();
            assert_eq!(tx.row(sql, &["c".into()], |_| Ok(()))?, None);
            Ok(())
        })
        .await
        .unwrap();
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portable_sql_means_the_same_on_both() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        silo.write(|tx| {
            for (id, name, size) in [("a", Some("b"), Some(2)), ("b", Some("B"), Some(1)), ("c", Some("ä"), None), ("d", None, None), ("e", Some("a"), Some(1))] {
                let p: [Value; 3] = [id.into(), name.into(), size.into()];
                tx.run(r#"INSERT INTO "things" ("id", "name", "size") VALUES (?1, ?2, ?3)"#, &p)?;
            }
            let made = tx.row(
                r#"INSERT INTO "things" ("id", "size") VALUES (?1, ?2) ON CONFLICT ("id") DO UPDATE SET "size" = excluded."size" + "things"."size" RETURNING "size""#,
                &["a".into(), 5.into()],
                |row| row.int(0),
            )?;
            assert_eq!(made, Some(7));
            assert_eq!(tx.run(r#"UPDATE "things" SET "ok" = TRUE WHERE "size" IS NOT NULL"#, &[])?, 3);
            assert_eq!(tx.run(r#"UPDATE "things" SET "ok" = ?1 WHERE "id" = 'none'"#, &[false.into()])?, 0);
            Ok(())
        })
        .await
        .unwrap();
        let ids = |sql: &'static str, p: Vec<Value<'static>>| {
            let silo = silo.clone();
            async move { silo.scan(move |tx| tx.rows(sql, &p, |row| Ok(row.text(0)?.to_owned()))).await.unwrap().concat() }
        };
        // Bytes decide, not the cluster's locale; NULL is smallest.
        assert_eq!(ids(r#"SELECT "id" FROM "things" ORDER BY "name" ASC NULLS FIRST, "id""#, vec![]).await, "dbeac");
        assert_eq!(ids(r#"SELECT "id" FROM "things" ORDER BY "size" DESC NULLS LAST, "id" DESC"#, vec![]).await, "aebdc");
        assert_eq!(ids(r#"SELECT "id" FROM "things" WHERE "size" IS DISTINCT FROM ?1 ORDER BY "id""#, vec![1.into()]).await, "acd");
        assert_eq!(ids(r#"SELECT "id" FROM "things" WHERE ("size", "id") > (?1, ?2) ORDER BY "size", "id" LIMIT ?3"#, vec![1.into(), "b".into(), 10.into()]).await, "ea");
        assert_eq!(ids(r#"SELECT "id" FROM "things" WHERE "ok" = ?1 AND lower("name") LIKE lower(?2) ORDER BY "id""#, vec![true.into(), "B%".into()]).await, "ab");
        assert_eq!(ids(r#"SELECT "id" FROM "things" WHERE CAST(?1 AS TEXT) IS NULL OR "id" = ?1 ORDER BY "id""#, vec![Value::Null]).await, "abcde");
        let (sum, count, max) = silo
            .scan(|tx| {
                let sql = r#"SELECT CAST(SUM("size") AS BIGINT), COUNT(*) FILTER (WHERE "size" IS NULL), MAX("size") FROM "things""#;
                Ok(tx.row(sql, &[], |row| Ok((row.int(0)?, row.int(1)?, row.int(2)?)))?.unwrap())
            })
            .await
            .unwrap();
        assert_eq!((sum, count, max), (9, 2, 7));
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn constraints_speak_in_the_callers_terms() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let put = |id: &'static str, name: &'static str, parent: Option<&'static str>| {
            silo.write(move |tx| {
                tx.run(r#"INSERT INTO "things" ("id", "name", "parent") VALUES (?1, ?2, ?3)"#, &[id.into(), name.into(), parent.into()])
            })
        };
        put("a", "x", None).await.unwrap();
        put("b", "y", Some("a")).await.unwrap();
        let same = put("c", "x", None).await.unwrap_err();
        assert_eq!((same.code(), same.name()), (Code::Conflict, "duplicate"));
        assert!(!same.detail().contains("things"), "{same:?}");
        assert_eq!(put("a", "z", None).await.unwrap_err().name(), "duplicate");
        assert_eq!(put("d", "d", Some("nobody")).await.unwrap_err().name(), "referred");
        let referred = silo.write(|tx| tx.run(r#"DELETE FROM "things" WHERE "id" = 'a'"#, &[])).await.unwrap_err();
        assert_eq!((referred.code(), referred.name()), (Code::Conflict, "referred"));
        let nul = put("n", "a\0b", None).await.unwrap_err();
        assert_eq!(nul.code(), Code::Invalid);
        for (sql, p) in [
            ("SELECT ?1, ?2", 1),
            (r#"SELECT "id" FROM "things""#, 1),
            (r#"SELECT "nocolumn" FROM "things""#, 0),
            (r#"SELECT "id" FROM "things" WHERE "id" = "a""#, 0),
        ] {
            let wrong = silo.read(move |tx| tx.rows(sql, &vec![Value::Int(1); p], |_| Ok(()))).await.unwrap_err();
            assert_eq!(wrong.code(), Code::Internal, "{sql}");
        }
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_changed_by_portable_ddl_and_rolled_back_with_the_unit() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let none = silo.write(|tx| tx.columns("crm_deals")).await.unwrap();
        assert_eq!(none, Vec::<String>::new());
        let failed = silo
            .write(|tx| {
                tx.ddl(r#"CREATE TABLE "crm_deals" ("id" TEXT PRIMARY KEY)"#)?;
                Err::<(), _>(base::Error::stale())
            })
            .await;
        assert!(failed.is_err());
        silo.write(|tx| {
            tx.ddl(
                r#"CREATE TABLE "crm_deals" ("id" TEXT PRIMARY KEY, "name" TEXT NOT NULL DEFAULT '', "open" BOOLEAN NOT NULL DEFAULT TRUE);
                CREATE UNIQUE INDEX "crm_deals_open" ON "crm_deals" ("name", "id") WHERE "open" = TRUE;
                ALTER TABLE "crm_deals" ADD COLUMN "closes" TEXT;
                CREATE TABLE "crm_deals__tags" ("id" TEXT NOT NULL REFERENCES "crm_deals" ("id") ON DELETE CASCADE, "value" TEXT NOT NULL, PRIMARY KEY ("id", "value"));
                CREATE TABLE "gone" ("id" TEXT PRIMARY KEY); DROP TABLE "gone";"#,
            )
        })
        .await
        .unwrap();
        assert_eq!(silo.read(|tx| tx.columns("crm_deals")).await.unwrap(), ["id", "name", "open", "closes"]);
        assert_eq!(silo.read(|tx| tx.columns("gone")).await.unwrap(), Vec::<String>::new());
        silo.write(|tx| tx.run(r#"INSERT INTO "crm_deals" ("id") VALUES ('a')"#, &[])).await.unwrap();
        assert!(silo.read(|tx| tx.row(r#"SELECT "open" FROM "crm_deals""#, &[], |row| row.bool(0))).await.unwrap().unwrap());
        for wrong in ["CREATE TABLE plain (id TEXT)", r#"CREATE VIEW "v" AS SELECT 1"#, r#"DELETE FROM "meta""#] {
            assert_eq!(silo.write(move |tx| tx.ddl(wrong)).await.unwrap_err().code(), Code::Internal, "{wrong}");
        }
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_is_stopped_after_two_seconds_and_the_next_one_works() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let began = Instant::now();
        let stopped = silo.scan(|tx| tx.row(ENDLESS, &[], |row| row.int(0))).await.unwrap_err();
        assert_eq!((stopped.code(), stopped.name()), (Code::Unavailable, "query-timeout"));
        assert!((Duration::from_millis(1500)..Duration::from_secs(4)).contains(&began.elapsed()), "{:?}", began.elapsed());
        assert_eq!(crate::stage::events(&silo).await, Vec::<i64>::new());
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_sees_one_state_while_others_write() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let (writer, handle) = (silo.clone(), tokio::runtime::Handle::current());
        let (before, after) = silo
            .scan(move |tx| {
                let sql = r#"SELECT COUNT(*) FROM "events""#;
                let before = tx.row(sql, &[], |row| row.int(0))?;
                handle.block_on(writer.write(|tx| crate::stage::emit(tx, "meanwhile")))?;
                Ok((before, tx.row(sql, &[], |row| row.int(0))?))
            })
            .await
            .unwrap();
        assert_eq!(before, after);
        assert_eq!(crate::stage::events(&silo).await, [1]);
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creating_twice_is_the_same_as_once_and_a_failed_creation_leaves_nothing() {
    for_each_engine(|stage| async move {
        let id = TenantId::new();
        let failed = stage.silos.create(id, &crate::stage::SCHEMA, |_| Err(base::Error::stale())).await;
        assert_eq!(failed.err().unwrap().code(), Code::Stale);
        assert!(!stage.silos.exists(id).await.unwrap());
        assert_eq!(stage.silos.open(id).await.err().unwrap().code(), Code::NotFound);
        let make = || stage.silos.create(id, &crate::stage::SCHEMA, move |tx| meta(tx, id));
        let (one, two, three) = tokio::join!(make(), make(), make());
        assert_eq!((one.unwrap().id(), two.unwrap().id(), three.unwrap().id()), (id, id, id));
        let again = stage.silos.create(id, &crate::stage::SCHEMA, |_| panic!("it is there")).await.unwrap();
        assert_eq!(crate::stage::stored_seq(&again).await, 0);
        stage.silos.destroy(id).await.unwrap();
        assert_eq!(again.read(|_| Ok(())).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(again.write(|_| Ok(())).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(stage.silos.open(id).await.err().unwrap().code(), Code::NotFound);
        assert!(!stage.silos.exists(id).await.unwrap());
        stage.end(&[id]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_serves_the_order_in_which_null_is_smallest() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let postgres = stage.is_postgres();
        for order in [r#""size" DESC NULLS LAST, "id" ASC NULLS FIRST"#, r#""size" ASC NULLS FIRST, "id" DESC NULLS LAST"#] {
            let plan = silo
                .scan(move |tx| {
                    if postgres {
                        // The table is empty: any other plan would be cheaper.
                        tx.row("SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)", &[], |_| Ok(()))?;
                    }
                    let (explain, column) = if postgres { ("EXPLAIN", 0) } else { ("EXPLAIN QUERY PLAN", 3) };
                    let sql = format!(r#"{explain} SELECT "id" FROM "things" ORDER BY {order} LIMIT 50"#);
                    Ok(tx.rows(&sql, &[], |row| Ok(row.text(column)?.to_owned()))?.join(" | "))
                })
                .await
                .unwrap();
            let sorts = plan.contains("Sort") || plan.contains("TEMP B-TREE");
            assert!(plan.contains("things_size") && !sorts, "{order}: {plan}");
        }
        stage.end(&[silo.id()]).await;
    })
    .await;
}
