use crate::stage::{emit, events, for_each_engine, for_each_engine_with, rounds, whole};
use base::Error;
use silo::{Silo, Tx};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// What session state there is, or nothing on SQLite.
const WHO: &str =
    "SELECT current_user || ' ' || current_setting('search_path') || ' ' || current_setting('role') || ' ' || current_setting('statement_timeout')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_can_be_attached() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let other = stage.file("other.db").display().to_string();
        for sql in ["ATTACH ?1 AS other", "VACUUM INTO ?1"] {
            let path = other.clone();
            let refused = silo.write(move |tx| tx.run(sql, &[(&path).into()])).await;
            assert!(refused.is_err(), "{sql}");
        }
        for sql in [
            "SELECT load_extension('x')",
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_schema SET sql = 'x'",
            "DELETE FROM search_index_data",
            "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM meta; END",
        ] {
            let answer = silo.write(move |tx| tx.run(sql, &[])).await;
            assert!(answer.is_err() || sql.starts_with("PRAGMA") || sql.starts_with("CREATE TRIGGER"), "{sql}");
        }
        silo.write(|tx| emit(tx, "no trigger runs")).await.unwrap();
        assert_eq!(crate::stage::stored_seq(&silo).await, 1);
        assert!(!stage.file("other.db").exists());
        stage.end(&[silo.id()]).await;
    })
    .await;
}

/// What a session could carry from one tenant to the next beside its role and path: temporary tables, locks that outlive a transaction, and
/// settings that somebody changed.
const LEFT: &str = "SELECT (SELECT COUNT(*) FROM pg_catalog.pg_class WHERE relpersistence = 't') + \
    (SELECT COUNT(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) + \
    (SELECT COUNT(*) FROM pg_catalog.pg_settings WHERE source = 'session' AND name NOT IN \
      ('search_path', 'role', 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_read_only', 'transaction_isolation'))";

/// Something goes wrong in the middle of a transaction, in one of many ways.
async fn mishap(silo: &Silo, round: u64, postgres: bool) {
    let pause = Duration::from_micros(round * 7919 % 6000);
    let spoil = move |tx: &mut Tx<'_>| {
        emit(tx, "one")?;
        if postgres {
            for left in ["CREATE TEMP TABLE left_behind (n BIGINT)", "SELECT pg_advisory_xact_lock(4711)", "SET LOCAL work_mem = '1MB'"] {
                tx.run(left, &[])?;
            }
        }
        Ok(())
    };
    drop(match round % 10 {
        0 => silo.write(|tx| emit(tx, "ok").map(drop)).await,
        1 => silo.write(|tx| tx.run("SELECT nothing", &[]).map(drop)).await,
        2 => silo.write(|_| panic!("on purpose")).await,
        3 => silo.scan(|_| panic!("on purpose")).await,
        4 => silo.write(|_| Err(Error::stale())).await,
        5 => silo.write(move |tx| spoil(tx).and_then(|()| Err(Error::stale()))).await,
        6 => {
            let spoilt = silo.write(move |tx| {
                spoil(tx)?;
                panic!("on purpose")
            });
            spoilt.await
        }
        // Who asked has gone while it runs, or before.
        7 => timeout(pause, silo.write(|tx| emit(tx, "nobody waits").map(drop))).await.unwrap_or(Ok(())),
        8 => timeout(pause, silo.scan(|tx| tx.run("SELECT 1", &[]).map(drop))).await.unwrap_or(Ok(())),
        _ => {
            let slow = silo.write(|tx| {
                std::thread::sleep(Duration::from_millis(5));
                emit(tx, "nobody waits").map(drop)
            });
            timeout(Duration::from_millis(1), slow).await.unwrap_or(Ok(()))
        }
    });
}

/// The next one on the session is who it should be, and finds nothing of the one before.
async fn is_itself(that: &Silo, this: &Silo) {
    let id = that.id();
    let who = that.read(|tx| tx.row(WHO, &[], |row| Ok(row.text(0)?.to_owned()))).await.unwrap().unwrap();
    let (user, rest) = who.split_once(' ').unwrap();
    assert!(user.ends_with(&id.hex()), "{who}");
    assert_eq!(rest, format!("{user}, pg_temp {user} 2s"));
    let peeked = that.peek(WHO, &[], |row| Ok(row.text(0)?.to_owned())).await.unwrap().unwrap();
    assert_eq!(peeked.as_deref(), Some(who.as_str()));
    let left = that.read(|tx| tx.row(LEFT, &[], |row| row.int(0))).await.unwrap();
    assert_eq!(left, Some(0), "something was left in the session");
    let theirs = format!("SELECT COUNT(*) FROM \"{}\".\"events\"", user.replace(&id.hex(), &this.id().hex()));
    let refused = that.read(move |tx| tx.row(&theirs, &[], |row| row.int(0))).await.unwrap_err();
    assert!(refused.cause().unwrap().contains("42501"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tenants_on_one_session_never_see_each_other() {
    for_each_engine_with(1, None, |stage| async move {
        let (a, b) = (stage.silo().await, stage.silo().await);
        for round in 0..rounds(100, 10_000) {
            let (this, that) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
            mishap(this, round / 2, stage.is_postgres()).await;
            if stage.is_postgres() {
                is_itself(that, this).await;
            }
        }
        assert!(whole(&a).await >= 5);
        whole(&b).await;
        stage.end(&[a.id(), b.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_requests_leave_nothing_behind() {
    for_each_engine_with(2, None, |stage| async move {
        let stage = Arc::new(stage);
        let (a, b) = (stage.silo().await, stage.silo().await);
        let mut tasks = Vec::new();
        for i in 0..400_u64 {
            let silo = if i % 2 == 0 { a.clone() } else { b.clone() };
            let id = silo.id().to_string();
            tasks.push(tokio::spawn(async move {
                let story = async {
                    let seen = silo.read(|tx| tx.row(r#"SELECT "tenant" FROM "meta""#, &[], |row| Ok(row.text(0)?.to_owned()))).await?;
                    assert_eq!(seen.as_deref(), Some(id.as_str()));
                    if let Some(seen) =
                        silo.peek(r#"SELECT "tenant" FROM "meta" WHERE "one" = ?1"#, &[1_i64.into()], |row| Ok(row.text(0)?.to_owned())).await
                    {
                        assert_eq!(seen?, Some(id));
                    }
                    silo.write(|tx| emit(tx, "one")).await
                };
                drop(timeout(Duration::from_micros(i * 37 % 20_000), story).await);
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        for silo in [&a, &b] {
            silo.write(|tx| emit(tx, "last")).await.unwrap();
            assert!(whole(silo).await > 0);
        }
        stage.silos.destroy(a.id()).await.unwrap();
        stage.silos.destroy(b.id()).await.unwrap();
        stage.silos.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_take_turns() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        let id = silo.id();
        let engine = stage.engine.clone();
        // The command line beside the server: another set of silos on the same place.
        let options = silo::Options { engine, installation: stage.installation.clone(), max_open: None, at_open: Arc::new(|_, _| Ok(())) };
        let other = silo::Silos::start(options).await.unwrap();
        let there = other.open(id).await.unwrap();
        let mut tasks = Vec::new();
        for i in 0..100 {
            let silo = if i % 2 == 0 { silo.clone() } else { there.clone() };
            tasks.push(tokio::spawn(async move { silo.write(|tx| emit(tx, "turn")).await }));
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(events(&silo).await, (1..=100).collect::<Vec<_>>());
        other.shutdown().await;
        stage.end(&[id]).await;
    })
    .await;
}
