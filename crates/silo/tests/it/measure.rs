use crate::stage::{emit, for_each_engine};
use base::new_id;
use std::time::Instant;

/// `cargo test --release -p silo -- --ignored --nocapture measure`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures"]
async fn measure() {
    for_each_engine(|stage| async move {
        let name = if stage.is_postgres() { "postgres" } else { "sqlite" };
        let began = Instant::now();
        let first = stage.silo().await;
        println!("{name}: first silo {:?}", began.elapsed());
        let began = Instant::now();
        let silo = stage.silo().await;
        println!("{name}: next silo {:?}", began.elapsed());
        let id = new_id();
        let put = id.clone();
        silo.write(move |tx| tx.run(r#"INSERT INTO "things" ("id", "name", "size") VALUES (?1, 'x', 1)"#, &[put.into()])).await.unwrap();
        for kind in ["read", "scan"] {
            let n = 20_000;
            let began = Instant::now();
            for _ in 0..n {
                let id = id.clone();
                let work = move |tx: &mut silo::Tx<'_>| {
                    tx.row(r#"SELECT "name", "size" FROM "things" WHERE "id" = ?1"#, &[id.into()], |row| Ok(row.text(0)?.len()))
                };
                let found = if kind == "read" { silo.read(work).await } else { silo.scan(work).await };
                assert_eq!(found.unwrap(), Some(1));
            }
            println!("{name}: {kind} of one record {:.2} µs", began.elapsed().as_micros() as f64 / f64::from(n));
        }
        let began = Instant::now();
        for _ in 0..1_000_000 {
            drop(stage.silos.open(silo.id()).await.unwrap());
        }
        println!("{name}: warm open {:.0} ns", began.elapsed().as_nanos() as f64 / 1e6);
        for writers in [1, 8, 64] {
            let before = stage.silos.figures();
            let began = Instant::now();
            let mut tasks = Vec::new();
            for _ in 0..writers {
                let silo = silo.clone();
                tasks.push(tokio::spawn(async move {
                    let mut n = 0;
                    while began.elapsed().as_secs() < 3 {
                        silo.write(|tx| {
                            let id = new_id();
                            tx.run(r#"INSERT INTO "things" ("id", "name", "size") VALUES (?1, ?1, 1)"#, &[(&id).into()])?;
                            tx.run(r#"UPDATE "things" SET "size" = "size" + 1 WHERE "id" = ?1"#, &[(&id).into()])?;
                            emit(tx, "made")
                        })
                        .await
                        .unwrap();
                        n += 1;
                    }
                    n
                }));
            }
            let mut n = 0;
            for task in tasks {
                n += task.await.unwrap();
            }
            let after = stage.silos.figures();
            println!(
                "{name}: {writers} writers {:.0} units/s, {:.1} units per commit",
                f64::from(n) / began.elapsed().as_secs_f64(),
                (after.units - before.units) as f64 / (after.commits - before.commits) as f64
            );
        }
        let ids = [first.id(), silo.id()];
        drop((first, silo));
        let mut cold = 0.0;
        for _ in 0..200 {
            // Another set of silos each time: everything is cold but the file cache.
            let options = silo::Options {
                engine: stage.engine.clone(),
                installation: stage.installation.clone(),
                max_open: None,
                at_open: std::sync::Arc::new(|_, _| Ok(())),
            };
            let other = silo::Silos::start(options).await.unwrap();
            let began = Instant::now();
            drop(other.open(ids[0]).await.unwrap());
            cold += began.elapsed().as_micros() as f64;
            other.shutdown().await;
        }
        println!("{name}: cold open {:.0} µs", cold / 200.0);
        stage.end(&ids).await;
    })
    .await;
}
