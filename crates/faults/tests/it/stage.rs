use base::{Error, Result, TenantId};
use faults::{Disk, Random};
use parking_lot::Mutex;
use silo::{Engine, Options, Schema, SearchQuery, Silo, Silos, Tx};
use std::{collections::BTreeMap, path::Path, sync::Arc};

pub static SCHEMA: Schema = Schema {
    name: "faults",
    ddl: r#"
        CREATE TABLE "meta" ("one" BIGINT PRIMARY KEY, "tenant" TEXT, "epoch" BIGINT, "seq" BIGINT, "hash" BLOB);
        CREATE TABLE "events" ("seq" BIGINT PRIMARY KEY, "unit" TEXT NOT NULL, "body" TEXT NOT NULL);
        CREATE TABLE "applied" ("unit" TEXT PRIMARY KEY, "times" BIGINT NOT NULL);
    "#,
    search: true,
};

/// How many rounds: a few in every run, many with `TENON_SOAK=1`.
pub fn rounds(few: u64, many: u64) -> u64 {
    if std::env::var("TENON_SOAK").is_ok_and(|v| v == "1") { many } else { few }
}

pub async fn start(dir: &Path) -> Silos {
    // What the kernel does with a seal: nobody else's file is believed.
    let at_open = |id: TenantId, tx: &mut Tx<'_>| {
        let whose = tx.row(r#"SELECT "tenant" FROM "meta""#, &[], |row| row.text(0).map(str::to_owned).map_err(Error::quarantined))?;
        if whose == Some(id.to_string()) { Ok(()) } else { Err(Error::quarantined("somebody else's")) }
    };
    start_with(dir, at_open).await
}

/// The same with something else that is done at each opening.
pub async fn start_with(dir: &Path, at_open: impl Fn(TenantId, &mut Tx<'_>) -> Result<()> + Send + Sync + 'static) -> Silos {
    let engine = Engine::Sqlite { dir: dir.to_owned() };
    Silos::start(Options { engine, installation: "faults".into(), max_open: None, at_open: Arc::new(at_open) }).await.unwrap()
}

pub async fn make(silos: &Silos, id: TenantId) -> Silo {
    let init = move |tx: &mut Tx<'_>| {
        let id = id.to_string();
        tx.run(r#"INSERT INTO "meta" ("one", "tenant", "epoch", "seq") VALUES (1, ?1, 1, 0)"#, &[(&id).into()]).map(drop)
    };
    silos.create(id, &SCHEMA, init).await.unwrap()
}

/// The next hash of the log. It need not be a good one, only to change with everything before it.
fn next(hash: [u8; 32], unit: &str) -> [u8; 32] {
    let mut random = Random::new(hash.iter().chain(unit.as_bytes()).fold(7, |n, b| n ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    let mut out = [0; 32];
    for (byte, old) in out.iter_mut().zip(hash) {
        *byte = old.rotate_left(3) ^ random.number().to_be_bytes()[0];
    }
    out
}

/// One unit as the kernel writes them: a row that says how often this unit was applied, an entry of the log, words, the head.
pub fn unit(tx: &mut Tx<'_>, name: &str, body: &str) -> Result<i64> {
    let count = r#"INSERT INTO "applied" ("unit", "times") VALUES (?1, 1) ON CONFLICT ("unit") DO UPDATE SET "times" = "applied"."times" + 1"#;
    tx.run(count, &[name.into()])?;
    let head = tx.head();
    head.seq += 1;
    head.hash = next(head.hash, name);
    let seq = head.seq;
    tx.run(r#"INSERT INTO "events" ("seq", "unit", "body") VALUES (?1, ?2, ?3)"#, &[seq.into(), name.into(), body.into()])?;
    tx.search_put("units", name, name, "words to be found by");
    Ok(seq)
}

/// What was acknowledged: which unit, under which number.
pub type Acknowledged = BTreeMap<String, i64>;

/// Several write at once, each until something fails or it has written `each` units; some units fail on purpose.
pub async fn write_all(silo: &Silo, writers: u64, each: u64, seed: u64) -> (Acknowledged, Vec<Error>) {
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let (silo, acknowledged) = (silo.clone(), acknowledged.clone());
        tasks.push(tokio::spawn(async move {
            let mut random = Random::new(seed ^ writer << 32);
            for n in 0..each {
                let name = format!("{seed}-{writer}-{n}");
                let (size, fails) = (random.below(4000), random.below(10) == 0);
                let wanted = name.clone();
                let answer = silo.write(move |tx| {
                    let seq = unit(tx, &wanted, &"x".repeat(size))?;
                    if fails { Err(Error::stale()) } else { Ok(seq) }
                });
                match answer.await {
                    Ok(seq) => drop(acknowledged.lock().insert(name, seq)),
                    Err(e) if fails && e.code() == base::Code::Stale => {}
                    Err(e) => return Some(e),
                }
            }
            None
        }));
    }
    let mut errors = Vec::new();
    for task in tasks {
        errors.extend(task.await.unwrap());
    }
    let acknowledged = acknowledged.lock().clone();
    (acknowledged, errors)
}

/// The file is whole, the log has no gap and ends at its head, every acknowledged unit is there under its number, and none is there
/// twice. Gives back how many there are.
pub async fn check(silo: &Silo, acknowledged: &Acknowledged, story: &str) -> usize {
    let (fault, head, hash, events, applied) = silo
        .scan(|tx| {
            // The check of FTS5 believes what this connection remembers of the index, however long ago; a search looks anew.
            tx.search_find(&found())?;
            let fault = tx.row("PRAGMA integrity_check", &[], |row| Ok(row.text(0)?.to_owned()))?;
            let (head, hash) = tx
                .row(r#"SELECT "seq", "hash" FROM "meta""#, &[], |row| Ok((row.int(0)?, row.opt_blob(1)?.map(<[u8]>::to_vec))))?
                .unwrap_or_default();
            let events = tx.rows(r#"SELECT "seq", "unit" FROM "events" ORDER BY "seq""#, &[], |row| Ok((row.int(0)?, row.text(1)?.to_owned())))?;
            let applied = tx.rows(r#"SELECT "unit", "times" FROM "applied""#, &[], |row| Ok((row.text(0)?.to_owned(), row.int(1)?)))?;
            Ok((fault, head, hash, events, applied))
        })
        .await
        .unwrap_or_else(|e| panic!("{story}: {e}"));
    assert_eq!(fault.as_deref(), Some("ok"), "{story}");
    assert_eq!(head, i64::try_from(events.len()).unwrap(), "{story}: the log ends at its head");
    let mut chain = [0; 32];
    for (at, (seq, unit)) in events.iter().enumerate() {
        assert_eq!(*seq, i64::try_from(at).unwrap() + 1, "{story}: the log has no gap");
        chain = next(chain, unit);
    }
    assert!(hash.is_none_or(|hash| hash == chain), "{story}: the head's hash is that of the log");
    assert_eq!(applied.len(), events.len(), "{story}");
    assert!(applied.iter().all(|(_, times)| *times == 1), "{story}: a unit was applied twice");
    for (unit, seq) in acknowledged {
        let found = events.get(usize::try_from(*seq).unwrap() - 1).map(|(_, unit)| unit);
        assert_eq!(found, Some(unit), "{story}: an acknowledged unit was lost");
    }
    events.len()
}

/// The silo, opened anew after its disk has failed, as soon as it takes writes again. Nobody may hold a handle to it.
pub async fn well_again(silos: &Silos, id: TenantId, story: &str) -> Silo {
    for _ in 0..500 {
        let silo = silos.open(id).await.unwrap_or_else(|e| panic!("{story}: {e}"));
        match silo.write(|_| Ok(())).await {
            Ok(()) => return silo,
            Err(e) => assert_eq!(e.name(), Error::SUSPECT, "{story}: {e}"),
        }
        drop(silo);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{story}: the silo is not written again");
}

/// The application goes on after the disaster.
pub async fn goes_on(silo: &Silo, story: &str) {
    for n in 0..3 {
        let name = format!("after {n}");
        silo.write(move |tx| unit(tx, &name, "body")).await.unwrap_or_else(|e| panic!("{story}: {e}"));
    }
    assert!(!silo.scan(|tx| tx.search_find(&found())).await.unwrap().is_empty(), "{story}");
}

/// A word that every unit is found by.
fn found() -> SearchQuery {
    SearchQuery { words: vec!["found".into()], resources: vec!["units".into()], limit: 5, offset: 0 }
}

pub fn disk(dir: &Path) -> Disk {
    Disk::watch(dir).unwrap()
}
