use crate::stage::{emit, events, for_each_engine, for_each_engine_with, stored_seq};
use base::{Code, Error, Value};
use std::sync::{
    Arc, Barrier,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_writers_share_commits_and_the_log_has_no_gap() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let before = stage.silos.figures();
        let mut tasks = Vec::new();
        for writer in 0..64 {
            let silo = silo.clone();
            tasks.push(tokio::spawn(async move {
                let mut mine = Vec::new();
                for round in 0..10 {
                    let answer = silo
                        .write(move |tx| {
                            let seq = emit(tx, "made")?;
                            match (writer + round) % 16 {
                                3 => Err(Error::denied("no")),
                                5 => panic!("on purpose"),
                                7 => tx.run("SELECT nothing FROM nowhere", &[]).map(|_| seq),
                                _ => Ok(seq),
                            }
                        })
                        .await;
                    match ((writer + round) % 16, answer) {
                        (3, Err(e)) => assert_eq!(e.code(), Code::Denied),
                        (5, Err(e)) => assert_eq!(e.cause(), Some("a panic"), "what it said is nobody's business"),
                        (7, Err(e)) => assert_eq!(e.code(), Code::Internal, "{e}"),
                        (_, Ok(seq)) => mine.push(seq),
                        (_, Err(e)) => panic!("{e:?}"),
                    }
                }
                mine
            }));
        }
        let mut acknowledged = Vec::new();
        for task in tasks {
            acknowledged.extend(task.await.unwrap());
        }
        acknowledged.sort_unstable();
        assert_eq!(acknowledged, (1..=acknowledged.len() as i64).collect::<Vec<_>>());
        assert_eq!(events(&silo).await, acknowledged);
        assert_eq!(stored_seq(&silo).await, acknowledged.len() as i64);
        let figures = stage.silos.figures();
        assert_eq!(figures.units - before.units, 640);
        assert!(figures.commits - before.commits < 400, "{figures:?}");
        let id = silo.id();
        drop(silo);
        stage.end(&[id]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_was_swallowed_still_fails_the_unit() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let swallowed = silo
            .write(|tx| {
                emit(tx, "one")?;
                drop(tx.run(r#"INSERT INTO "nowhere" VALUES (1)"#, &[]));
                Ok(())
            })
            .await;
        assert_eq!(swallowed.unwrap_err().code(), Code::Internal);
        assert_eq!(events(&silo).await, Vec::<i64>::new());
        assert_eq!(silo.write(|tx| emit(tx, "one")).await.unwrap(), 1);
        stage.end(&[silo.id()]).await;
    })
    .await;
}

/// One session, so that what it has prepared is used again; `later`, so that PostgreSQL is told of the statement together with others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_whose_table_has_become_another_fails_no_more_than_once() {
    for_each_engine_with(1, None, |stage| async move {
        let silo = stage.silo().await;
        let add = |id: &'static str| {
            silo.write(move |tx| {
                tx.later(r#"INSERT INTO "things" ("id", "raw") VALUES (?1, ?2)"#, &[id.into(), Value::Null])?;
                emit(tx, "added")
            })
        };
        add("a").await.unwrap();
        add("b").await.unwrap();
        silo.write(|tx| {
            tx.ddl(r#"ALTER TABLE "things" DROP COLUMN "raw""#)?;
            tx.ddl(r#"ALTER TABLE "things" ADD COLUMN "raw" BIGINT"#)
        })
        .await
        .unwrap();
        if let Err(error) = add("c").await {
            assert!(stage.is_postgres() && error.code() == Code::Internal, "{error:?}");
        }
        add("d").await.unwrap();
        stage.end(&[silo.id()]).await;
    })
    .await;
}

type Unit = Box<dyn FnOnce(&mut silo::Tx<'_>) -> base::Result<i64> + Send>;

/// Holds the writer until these units wait behind it, so that they share a batch.
async fn batch_of(silo: &silo::Silo, units: Vec<Unit>) -> Vec<base::Result<i64>> {
    let barrier = Arc::new(Barrier::new(2));
    let held = barrier.clone();
    let first = tokio::spawn({
        let silo = silo.clone();
        async move {
            silo.write(move |_| {
                held.wait();
                Ok(0)
            })
            .await
        }
    });
    let mut tasks = Vec::new();
    for unit in units {
        let silo = silo.clone();
        tasks.push(tokio::spawn(async move { silo.write(unit).await }));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    tokio::task::spawn_blocking(move || barrier.wait()).await.unwrap();
    drop(first.await.unwrap());
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_of_failed_units_do_not_run_and_a_failing_hook_fails_the_batch() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let ran = Arc::new(AtomicU64::new(0));
        let signalled = Arc::new(AtomicU64::new(0));
        let (a, b, c, d) = (ran.clone(), ran.clone(), signalled.clone(), signalled.clone());
        let answers = batch_of(
            &silo,
            vec![
                Box::new(move |tx| {
                    tx.at_commit(move |tx| {
                        a.fetch_add(1, SeqCst);
                        emit(tx, "from the hook").map(drop)
                    });
                    tx.after_commit(move || {
                        c.fetch_add(1, SeqCst);
                    });
                    emit(tx, "kept")
                }),
                Box::new(move |tx| {
                    tx.at_commit(move |_| {
                        b.fetch_add(100, SeqCst);
                        Ok(())
                    });
                    tx.after_commit(move || {
                        d.fetch_add(100, SeqCst);
                    });
                    emit(tx, "lost")?;
                    Err(Error::stale())
                }),
            ],
        )
        .await;
        assert_eq!(answers[0].as_ref().unwrap(), &1);
        assert_eq!(answers[1].as_ref().unwrap_err().code(), Code::Stale);
        assert_eq!((ran.load(SeqCst), signalled.load(SeqCst)), (1, 1));
        assert_eq!(events(&silo).await, [1, 2]);
        assert_eq!(stored_seq(&silo).await, 2);

        let mut shared = false;
        // On a slow machine they may come one by one; sooner or later they share a batch.
        for _ in 0..50 {
            let answers = batch_of(
                &silo,
                vec![
                    Box::new(|tx| emit(tx, "good")),
                    Box::new(|tx| {
                        tx.at_commit(|_| Err(Error::conflict("hook", "no")));
                        emit(tx, "bad hook")
                    }),
                ],
            )
            .await;
            assert_eq!(answers[1].as_ref().unwrap_err().name(), "hook");
            assert_eq!(events(&silo).await.len() as i64, stored_seq(&silo).await);
            shared = answers[0].as_ref().is_err_and(|e| e.name() == "hook");
            if shared {
                break;
            }
        }
        assert!(shared);
        let stored = stored_seq(&silo).await;
        assert_eq!(silo.write(|tx| emit(tx, "next")).await.unwrap(), stored + 1);
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_seen_by_others_before_it_is_acknowledged_and_never_without_commit() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let committed = Arc::new(AtomicBool::new(false));
        let flag = committed.clone();
        let seen = silo.clone();
        let watcher = tokio::spawn(async move {
            // Whoever reads the row must find the flag unset only while the row is not there yet.
            for _ in 0..200 {
                let flag_before = committed.load(SeqCst);
                let there = seen.scan(|tx| tx.row(r#"SELECT "seq" FROM "events" WHERE "seq" = 1"#, &[], |r| r.int(0))).await.unwrap();
                assert!(!flag_before || there.is_some(), "signalled before the commit");
            }
        });
        silo.write(move |tx| {
            emit(tx, "one")?;
            std::thread::sleep(std::time::Duration::from_millis(20));
            tx.after_commit(move || flag.store(true, SeqCst));
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(events(&silo).await, [1]);
        watcher.await.unwrap();
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_without_a_goodbye() {
    // The files are copied away while they are open, as a crash would leave them.
    let stage = crate::stage::Stage::new(silo::Engine::Sqlite { dir: "".into() }, None).await;
    let silo = stage.silo().await;
    for _ in 0..20 {
        silo.write(|tx| emit(tx, "one")).await.unwrap();
    }
    let silo::Engine::Sqlite { dir } = &stage.engine else { unreachable!() };
    let name = format!("{}.db", silo.id().hex());
    let crashed = stage.file("crashed.db");
    std::fs::copy(dir.join(&name), &crashed).unwrap();
    std::fs::copy(dir.join(format!("{name}-wal")), stage.file("crashed.db-wal")).unwrap();
    let db = rusqlite::Connection::open(&crashed).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM events", [], |r| r.get::<_, i64>(0)).unwrap(), 20);
    assert_eq!(db.query_row("SELECT seq FROM meta", [], |r| r.get::<_, i64>(0)).unwrap(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_has_neither_head_nor_commit() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let refused = silo
            .read(|tx| {
                tx.head().seq = 7;
                Ok(())
            })
            .await;
        assert_eq!(refused.unwrap_err().code(), Code::Internal);
        let refused = silo.scan(|tx| tx.run(r#"DELETE FROM "meta""#, &[])).await;
        assert_eq!(refused.unwrap_err().code(), Code::Internal);
        assert_eq!(stored_seq(&silo).await, 0);
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_takes_too_long_is_cut_and_its_neighbours_are_not() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let answers = batch_of(
            &silo,
            vec![
                Box::new(|tx| emit(tx, "before")),
                Box::new(|tx| {
                    emit(tx, "slow")?;
                    tx.row(crate::sql::ENDLESS, &[], |row| row.int(0)).map(|n| n.unwrap_or(0))
                }),
                Box::new(|tx| emit(tx, "after")),
            ],
        )
        .await;
        assert_eq!(answers[1].as_ref().unwrap_err().name(), "query-timeout", "{answers:?}");
        assert_eq!((answers[0].as_ref().unwrap(), answers[2].as_ref().unwrap()), (&1, &2));
        assert_eq!(events(&silo).await, [1, 2]);
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_writes_what_waits_and_refuses_the_rest() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let mut tasks = Vec::new();
        for _ in 0..100 {
            let silo = silo.clone();
            tasks.push(tokio::spawn(async move { silo.write(|tx| emit(tx, "one")).await }));
        }
        tokio::task::yield_now().await;
        stage.silos.shutdown().await;
        let mut acknowledged = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => acknowledged += 1,
                Err(e) => assert_eq!(e.code(), Code::Unavailable),
            }
        }
        assert_eq!(stage.silos.open(silo.id()).await.err().unwrap().code(), Code::Unavailable);
        assert_eq!(events(&silo).await.len(), acknowledged);
        let id = silo.id();
        drop(silo);
        stage.end(&[id]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_so_and_reading_goes_on() {
    let stage = crate::stage::Stage::new(silo::Engine::Sqlite { dir: "".into() }, None).await;
    let silo = stage.silo().await;
    // The writer's own connection may not let the file grow: SQLite answers as on a full disk.
    silo.write(|tx| tx.row("PRAGMA max_page_count = 1", &[], |_| Ok(()))).await.unwrap();
    let answers =
        batch_of(&silo, vec![Box::new(|tx| emit(tx, "small")), Box::new(|tx| emit(tx, &"large".repeat(100_000))), Box::new(|tx| emit(tx, "small"))])
            .await;
    let full = answers[1].as_ref().unwrap_err();
    assert_eq!((full.code(), full.name()), (Code::Full, "storage-full"));
    let kept = answers.iter().filter(|a| a.is_ok()).count();
    assert_eq!(events(&silo).await.len(), kept, "{answers:?}");
    assert_eq!(stored_seq(&silo).await as usize, kept);
    silo.write(|tx| tx.row("PRAGMA max_page_count = 1000000", &[], |_| Ok(()))).await.unwrap();
    assert_eq!(silo.write(|tx| emit(tx, "room again")).await.unwrap() as usize, kept + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_moved_into_the_file() {
    let stage = crate::stage::Stage::new(silo::Engine::Sqlite { dir: "".into() }, None).await;
    let silo = stage.silo().await;
    let silo::Engine::Sqlite { dir } = &stage.engine else { unreachable!() };
    let wal = dir.join(format!("{}.db-wal", silo.id().hex()));
    let mut longest = 0;
    for _ in 0..250 {
        silo.write(|tx| emit(tx, &"long".repeat(25_000))).await.unwrap();
        // The second look is into a snapshot that stays: it must not hold the log back.
        for _ in 0..2 {
            peek_seq(&silo).await;
        }
        longest = longest.max(wal.metadata().unwrap().len());
    }
    assert!(longest < 12 << 20, "{longest}");
    assert!(dir.join(format!("{}.db", silo.id().hex())).metadata().unwrap().len() > 12 << 20);
    drop(silo);
    stage.silos.shutdown().await;
    assert!(!wal.exists(), "whoever closes the last of a silo's connections leaves one file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_make_one_silo_only_the_maker_is_told_of_its_commit() {
    for_each_engine(|stage| async move {
        let (id, told) = (base::TenantId::new(), Arc::new(AtomicU64::new(0)));
        let make = |n: u64| {
            let (silos, told) = (stage.silos.clone(), told.clone());
            async move {
                let silo = silos.create(id, &crate::stage::SCHEMA, move |tx| {
                    crate::stage::meta(tx, id)?;
                    tx.run(r#"INSERT INTO "things" ("id", "size") VALUES ('maker', ?1)"#, &[i64::try_from(n).unwrap().into()])?;
                    tx.after_commit(move || {
                        told.fetch_add(n, SeqCst);
                    });
                    Ok(())
                });
                silo.await.unwrap()
            }
        };
        let all = (1..=8).map(|n| tokio::spawn(make(1 << n)));
        for task in all {
            task.await.unwrap();
        }
        let silo = stage.silos.open(id).await.unwrap();
        let maker = silo.read(|tx| tx.row(r#"SELECT "size" FROM "things""#, &[], |row| row.int(0))).await.unwrap().unwrap();
        assert_eq!(told.load(SeqCst), u64::try_from(maker).unwrap());
        drop(silo);
        stage.end(&[id]).await;
    })
    .await;
}

async fn peek_seq(silo: &silo::Silo) -> i64 {
    silo.peek(r#"SELECT "seq" FROM "meta""#, &[], |row| row.int(0)).await.unwrap().unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_sees_what_was_acknowledged_and_soon_what_another_process_wrote() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let seen = Arc::new(AtomicU64::new(0));
        let mut looking = Vec::new();
        for _ in 0..2 {
            let (silo, seen) = (silo.clone(), seen.clone());
            looking.push(tokio::spawn(async move {
                while seen.load(SeqCst) < 300 {
                    // Busy readers are no answer, and no harm.
                    let Some(found) = silo.peek(r#"SELECT "seq" FROM "meta""#, &[], |row| row.int(0)).await else { continue };
                    assert!(found.unwrap().unwrap() <= 300);
                    tokio::task::yield_now().await;
                }
            }));
        }
        for _ in 0..300 {
            let seq = silo.write(|tx| emit(tx, "seen")).await.unwrap();
            let found = silo.read(|tx| tx.row(r#"SELECT "seq" FROM "meta""#, &[], |row| row.int(0))).await.unwrap();
            assert_eq!(found, Some(seq));
            if let Some(found) = silo.peek(r#"SELECT "seq" FROM "meta""#, &[], |row| row.int(0)).await {
                assert_eq!(found.unwrap(), Some(seq));
            }
            seen.fetch_add(1, SeqCst);
        }
        for task in looking {
            task.await.unwrap();
        }
        let options = silo::Options {
            engine: stage.engine.clone(),
            installation: stage.installation.clone(),
            max_open: None,
            at_open: Arc::new(|_, _| Ok(())),
        };
        let other = silo::Silos::start(options).await.unwrap();
        let seq = other.open(silo.id()).await.unwrap().write(|tx| emit(tx, "from elsewhere")).await.unwrap();
        let since = std::time::Instant::now();
        while peek_seq(&silo).await != seq {
            assert!(since.elapsed() < std::time::Duration::from_millis(1500), "a snapshot ends after a second");
        }
        other.shutdown().await;
        stage.end(&[silo.id()]).await;
    })
    .await;
}
