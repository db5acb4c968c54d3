//! Files that are not what they were.

use crate::stage::{make, rounds, start, write_all};
use base::{Error, Result, TenantId};
use faults::Random;
use silo::{Silo, Silos};
use std::{fs, path::Path};

type Rows = Vec<(String, i64, String)>;

/// Every row of the silo, read by both of its ways.
async fn rows(silo: &Silo) -> Result<Rows> {
    silo.read(|tx| tx.row(r#"SELECT "seq" FROM "meta""#, &[], |row| row.int(0))).await?;
    silo.scan(|tx| {
        let mut all = Rows::new();
        for sql in [
            r#"SELECT "unit", "seq", "body" FROM "events" ORDER BY "seq""#,
            r#"SELECT "unit", "times", '' FROM "applied" ORDER BY "unit""#,
            r#"SELECT "tenant", "seq", '' FROM "meta""#,
        ] {
            all.extend(tx.rows(sql, &[], |row| Ok((row.text(0)?.to_owned(), row.int(1)?, row.text(2)?.to_owned())))?);
        }
        Ok(all)
    })
    .await
}

async fn opened(silos: &Silos, id: TenantId) -> Result<Rows> {
    rows(&silos.open(id).await?).await
}

/// A silo with some rows, closed: its file, and what is in it.
async fn sample(dir: &Path, id: TenantId) -> (Vec<u8>, Rows) {
    let silos = start(dir).await;
    let silo = make(&silos, id).await;
    write_all(&silo, 4, 10, 1).await;
    let all = rows(&silo).await.unwrap();
    drop(silo);
    silos.shutdown().await;
    (fs::read(dir.join(format!("{}.db", id.hex()))).unwrap(), all)
}

/// Where SQLite keeps what its pages mean: the file's header, and of each page its header and the places of its cells.
fn structure(file: &[u8]) -> Vec<usize> {
    let size = usize::from(u16::from_be_bytes([file[16], file[17]]));
    let mut all: Vec<usize> = (0..100).collect();
    for (n, page) in file.chunks(size).enumerate() {
        let from = if n == 0 { 100 } else { 0 };
        let header = match page[from] {
            2 | 5 => 12,
            10 | 13 => 8,
            _ => continue,
        };
        let cells = usize::from(u16::from_be_bytes([page[from + 3], page[from + 4]]));
        all.extend((from..from + header + 2 * cells).map(|at| n * size + at));
    }
    all
}

/// Damage, or a value that is not what its column holds, which SQLite gives out as it finds it.
fn is_known_trouble(e: &Error) -> bool {
    e.name() == Error::QUARANTINED || (e.name() == "internal" && e.cause().unwrap_or_default().starts_with("column "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_a_flipped_bit_never_shows_what_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let id = TenantId::new();
    let (good, all) = sample(&dir.path().join("good"), id).await;
    let places = structure(&good);
    let (mut random, mut same, mut refused, mut quarantined, mut found_by_check) = (Random::new(6), 0, 0, 0, 0);
    let flips = rounds(300, 10_000);
    for n in 0..flips {
        let folder = dir.path().join(n.to_string());
        let (at, bit) = (places[random.below(places.len())], random.below(8));
        let mut file = good.clone();
        file[at] ^= 1 << bit;
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{}.db", id.hex()));
        fs::write(&path, &file).unwrap();
        let silos = start(&folder).await;
        match opened(&silos, id).await {
            Ok(rows) if rows == all => same += 1,
            Ok(rows) => {
                assert!(rows.iter().all(|(tenant, ..)| tenant.parse::<TenantId>().is_err() || *tenant == id.to_string()));
                // Without a checksum on each page SQLite can miss it on the way, but not when it looks.
                let db = rusqlite::Connection::open(&path).unwrap();
                let verdict = db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
                assert_ne!(verdict.as_deref(), Ok("ok"), "bit {bit} at {at}");
                found_by_check += 1;
            }
            Err(e) => {
                assert!(is_known_trouble(&e), "bit {bit} at {at}: {e:?}");
                refused += 1;
                quarantined += usize::from(e.name() == Error::QUARANTINED);
            }
        }
        silos.shutdown().await;
        fs::remove_dir_all(&folder).unwrap();
    }
    println!(
        "evidence: {flips} flips: {refused} refused ({quarantined} quarantined), {same} without an effect, {found_by_check} found by a check only"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_whatever_was_done_to_one_file_it_alone_is_out_of_service() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (TenantId::new(), TenantId::new());
    let (good, all) = sample(dir.path(), a).await;
    let (of_b, all_of_b) = sample(dir.path(), b).await;
    let path = dir.path().join(format!("{}.db", a.hex()));
    let mut torn = good.clone();
    torn[100..4096].fill(0xa5);
    for (story, file) in [
        ("truncated", good[..good.len() / 2].to_vec()),
        ("cut within its header", good[..50].to_vec()),
        ("empty", Vec::new()),
        ("a text", b"Dear Sir or Madam, ".repeat(500)),
        ("torn", torn),
        ("zeros", vec![0; good.len()]),
        ("that of another", of_b),
    ] {
        for end in ["db-wal", "db-shm"] {
            drop(fs::remove_file(path.with_extension(end)));
        }
        fs::write(&path, file).unwrap();
        let silos = start(dir.path()).await;
        let refused = opened(&silos, a).await.expect_err(story);
        assert_eq!(refused.name(), Error::QUARANTINED, "{story}: {refused:?}");
        assert_eq!(silos.quarantined().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [a], "{story}");
        assert_eq!(opened(&silos, a).await.unwrap_err().name(), Error::QUARANTINED, "{story}");
        assert_eq!(opened(&silos, b).await.unwrap(), all_of_b, "{story}: the other goes on");
        silos.shutdown().await;
    }
    for end in ["db-wal", "db-shm"] {
        drop(fs::remove_file(path.with_extension(end)));
    }
    fs::write(&path, &good).unwrap();
    let silos = start(dir.path()).await;
    assert_eq!(opened(&silos, a).await.unwrap(), all);
    silos.shutdown().await;
    drop(fs::remove_file(path.with_extension("db-wal")));
    fs::write(path.with_extension("db-shm"), b"left behind").unwrap();
    let silos = start(dir.path()).await;
    assert_eq!(opened(&silos, a).await.unwrap_err().name(), Error::QUARANTINED, "its log was taken away");
    silos.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_damage_that_shows_while_it_is_open_closes_it_until_it_is_put_right() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (TenantId::new(), TenantId::new());
    let (good, all) = sample(dir.path(), a).await;
    sample(dir.path(), b).await;
    let path = dir.path().join(format!("{}.db", a.hex()));
    // Everything behind the pages that an opening reads.
    let silos = start(dir.path()).await;
    let held = silos.open(a).await.unwrap();
    let mut bad = good.clone();
    bad[20_000..].fill(0x5a);
    fs::write(&path, &bad).unwrap();
    let error = rows(&held).await.unwrap_err();
    assert_eq!(error.name(), Error::QUARANTINED);
    assert_eq!(held.write(|_| Ok(())).await.unwrap_err().name(), Error::QUARANTINED, "who still holds it is told");
    assert_eq!(silos.open(a).await.err().unwrap().name(), Error::QUARANTINED);
    drop(held);
    tokio::time::sleep(std::time::Duration::from_millis(5200)).await;
    assert_eq!(silos.open(a).await.err().unwrap().name(), Error::QUARANTINED, "the whole file was read, and it is still bad");
    opened(&silos, b).await.unwrap();
    fs::write(&path, &good).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5200)).await;
    assert_eq!(opened(&silos, a).await.unwrap(), all, "without a restart");
    assert!(silos.quarantined().is_empty());
    silos.shutdown().await;
}
