//! What happens when a silo is opened: steps that fail alone, and openings beside whoever uses it.

use crate::stage::{SCHEMA, Stage, emit, events, for_each_engine, meta, whole};
use base::{Error, TenantId};
use silo::SearchQuery;
use std::sync::atomic::Ordering::Relaxed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_fails_is_taken_back_alone() {
    for_each_engine(|stage| async move {
        let id = TenantId::new();
        let made = stage.silos.create(id, &SCHEMA, move |tx| {
            meta(tx, id)?;
            let thing = r#"INSERT INTO "things" ("id", "name") VALUES (?1, ?1)"#;
            for failing in ["statement", "closure", "panic"] {
                let failed = tx.attempt(|tx| {
                    emit(tx, "lost")?;
                    tx.ddl(r#"CREATE TABLE "half" ("id" TEXT PRIMARY KEY)"#)?;
                    tx.run(thing, &["a".into()])?;
                    tx.search_put("things", "a", "lost", "lost");
                    match failing {
                        "statement" => tx.run(thing, &["a".into()]).map(drop),
                        "closure" => Err(Error::stale()),
                        _ => panic!("on purpose"),
                    }
                })?;
                assert!(failed.is_err(), "{failing}");
                assert_eq!((tx.columns("half")?.len(), tx.head().seq), (0, 0), "{failing}");
            }
            tx.attempt(|tx| {
                emit(tx, "kept")?;
                tx.ddl(r#"ALTER TABLE "things" ADD COLUMN "more" BIGINT"#)?;
                tx.run(thing, &["b".into()])
            })??;
            emit(tx, "afterwards").map(drop)
        });
        let silo = made.await.unwrap();
        assert_eq!((events(&silo).await, whole(&silo).await), (vec![1, 2], 2));
        let there = silo.scan(|tx| tx.rows(r#"SELECT "id" FROM "things""#, &[], |row| row.text(0).map(str::to_owned))).await.unwrap();
        assert_eq!(there, ["b"]);
        let words = vec!["lost".to_owned()];
        let query = SearchQuery { words, resources: vec!["things".into()], limit: 10, offset: 0 };
        assert_eq!(silo.scan(move |tx| tx.search_find(&query)).await.unwrap().len(), 0);
        stage.end(&[id]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_opens_beside_whoever_writes_and_takes_no_place() {
    for_each_engine(|stage: Stage| async move {
        let silo = stage.silo().await;
        let (id, before) = (silo.id(), stage.silos.figures().open);
        let writing = tokio::spawn(async move {
            for _ in 0..50 {
                silo.write(|tx| emit(tx, "x")).await.unwrap();
            }
            silo
        });
        let opened = stage.at_open.load(Relaxed);
        for _ in 0..5 {
            stage.silos.visit(id).await.unwrap();
        }
        assert_eq!(stage.at_open.load(Relaxed), opened + 5, "each visit runs what is run at an opening");
        assert_eq!(stage.silos.figures().open, before);
        let silo = writing.await.unwrap();
        assert_eq!((whole(&silo).await, stage.silos.inspect(id, true).await.unwrap()), (50, 50));
        assert!(stage.silos.all().await.unwrap().contains(&id));
        drop(silo);
        stage.silos.destroy(id).await.unwrap();
        assert!(stage.silos.visit(id).await.is_err() && stage.silos.inspect(id, false).await.is_err());
        assert!(!stage.silos.all().await.unwrap().contains(&id));
        stage.end(&[id]).await;
    })
    .await;
}
