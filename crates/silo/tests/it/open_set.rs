use crate::stage::{Stage, emit, events, for_each_engine_with};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_set_is_bounded_and_what_is_busy_stays() {
    for_each_engine_with(8, Some(4), |stage| async move {
        let busy = stage.silo().await;
        let mut others = Vec::new();
        for _ in 0..10 {
            others.push(stage.silo().await.id());
        }
        // One unit is running, and nobody else holds the handle.
        let id = busy.id();
        let running = tokio::spawn(async move {
            busy.write(|tx| {
                std::thread::sleep(Duration::from_millis(300));
                emit(tx, "slow")
            })
            .await
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in 0..3 {
            for other in &others {
                let silo = stage.silos.open(*other).await.unwrap();
                assert_eq!(events(&silo).await.len(), 0);
            }
        }
        let opened = stage.silos.figures();
        assert!(opened.open <= 6, "{opened:?}");
        assert!(opened.evictions >= 20 && opened.cold_opens == stage.at_open.load(Relaxed), "{opened:?}");
        assert_eq!(running.await.unwrap().unwrap(), 1);
        let again = stage.silos.open(id).await.unwrap();
        assert_eq!(events(&again).await, [1]);
        // Held handles are never closed, even when that means more than the limit.
        let mut held = Vec::new();
        for other in &others {
            held.push(stage.silos.open(*other).await.unwrap());
        }
        let cold = stage.silos.figures().cold_opens;
        for other in &others {
            drop(stage.silos.open(*other).await.unwrap());
        }
        assert_eq!(stage.silos.figures().cold_opens, cold);
        drop(held);
        others.push(id);
        stage.end(&others).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_come_at_once_open_it_once() {
    for_each_engine_with(8, Some(1), |stage| async move {
        let id = stage.silo().await.id();
        let other = stage.silo().await.id();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let before = stage.at_open.load(Relaxed);
        let silos = stage.silos.clone();
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                tokio::spawn({
                    let silos = silos.clone();
                    async move { silos.open(id).await.unwrap() }
                })
            })
            .collect();
        let mut held = Vec::new();
        for task in tasks {
            held.push(task.await.unwrap());
        }
        assert!(stage.at_open.load(Relaxed) - before <= 1);
        drop(held);
        stage.end(&[id, other]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_at_open_is_tried_again() {
    let stage = Stage::new(silo::Engine::Sqlite { dir: "".into() }, None).await;
    let id = stage.silo().await.id();
    let fail = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let flag = fail.clone();
    let options = silo::Options {
        engine: stage.engine.clone(),
        installation: String::new(),
        max_open: None,
        at_open: Arc::new(move |_, tx| {
            tx.ddl(r#"CREATE TABLE "migrated" ("id" TEXT PRIMARY KEY)"#)?;
            if flag.load(Relaxed) { Err(base::Error::stale()) } else { Ok(()) }
        }),
    };
    let silos = silo::Silos::start(options).await.unwrap();
    assert!(silos.open(id).await.is_err());
    assert!(silos.open(id).await.is_err());
    fail.store(false, Relaxed);
    let silo = silos.open(id).await.unwrap();
    assert_eq!(silo.read(|tx| tx.columns("migrated")).await.unwrap(), ["id"]);
}
