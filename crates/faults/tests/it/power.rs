use crate::stage::{check, disk, goes_on, make, rounds, start, well_again, write_all};
use base::TenantId;
use faults::{Cut, Failure, Random};

const WRITERS: u64 = 12;
const EACH: u64 = 30;

/// Cuts the power at a random call while many write, opens what is left, and holds it against what was acknowledged. With `breaks` one
/// call has failed before that, so that what a broken sync left behind is cut off too.
async fn round(cut: Cut, seed: u64, breaks: bool) -> (usize, usize) {
    let story = format!("{cut:?}, seed {seed}");
    let mut random = Random::new(seed);
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let disk = disk(before.path());
    let silos = start(before.path()).await;
    let id = TenantId::new();
    let mut silo = make(&silos, id).await;
    let mut acknowledged = Default::default();
    if breaks {
        let moment = random.below(100) as u64 + 1;
        disk.fail(Failure::Broken, moment, 1);
        let refused;
        (acknowledged, refused) = write_all(&silo, 2, 20, seed + 1_000_000).await;
        assert_eq!(refused.is_empty(), !disk.has_failed(), "{story}: who met the broken call was told, and nobody else");
        drop(silo);
        silo = well_again(&silos, id, &story).await;
    }
    // A run to its end makes between 1000 and 3000 calls.
    let moment = 1 + random.below(1500) as u64;
    if random.coin() {
        disk.cut_power_at(moment)
    } else {
        disk.cut_power_at_sync(moment)
    }
    let (more, refused) = write_all(&silo, WRITERS, EACH, seed).await;
    acknowledged.extend(more);
    assert!(disk.is_dark() != refused.is_empty(), "{story}: {refused:?}");
    disk.cut_power();
    drop(silo);
    silos.shutdown().await;
    disk.survivors(cut, random.number(), after.path()).unwrap();

    let silos = start(after.path()).await;
    let silo = silos.open(id).await.unwrap_or_else(|e| panic!("{story}: {e}"));
    let found = check(&silo, &acknowledged, &story).await;
    goes_on(&silo, &story).await;
    drop(silo);
    silos.shutdown().await;
    (acknowledged.len(), found)
}

async fn all(breaks: bool) {
    let (mut acknowledged, mut found, mut done) = (0, 0, 0);
    // Each has a disk of its own.
    let mut all = tokio::task::JoinSet::new();
    for n in 0..rounds(24, 200) {
        all.spawn(round(Cut::ALL[n as usize % 4], n + 1, breaks));
    }
    for (told, there) in all.join_all().await {
        (acknowledged, found, done) = (acknowledged + told, found + there, done + 1);
    }
    println!("evidence: {done} power cuts: {acknowledged} acknowledged and 0 lost; {} that nobody was told of were there too", found - acknowledged);
    assert!(acknowledged > 50 * done, "the power went too early to say anything: {acknowledged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_02_a_power_cut_loses_nothing_that_was_acknowledged() {
    all(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_02_nor_does_one_after_a_sync_that_failed() {
    all(true).await;
}

/// What a failed sync has dropped can still be read, but is on no disk. Nothing that is acknowledged afterwards stands behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_02_nothing_is_acknowledged_behind_what_a_failed_sync_has_dropped() {
    let mut all = tokio::task::JoinSet::new();
    for n in 1..=rounds(60, 200) {
        all.spawn(async move {
            let story = format!("call {n} fails");
            let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let disk = disk(before.path());
            let silos = start(before.path()).await;
            let id = TenantId::new();
            let silo = make(&silos, id).await;
            disk.fail(Failure::Broken, n, 1);
            let (mut acknowledged, _) = write_all(&silo, 1, 20, n).await;
            drop(silo);
            let silo = well_again(&silos, id, &story).await;
            let (more, refused) = write_all(&silo, 1, 3, n + 1_000_000).await;
            assert!(refused.is_empty(), "{story}: {refused:?}");
            acknowledged.extend(more);
            disk.cut_power();
            drop(silo);
            silos.shutdown().await;
            disk.survivors(Cut::Nothing, n, after.path()).unwrap();
            let silos = start(after.path()).await;
            let silo = silos.open(id).await.unwrap_or_else(|e| panic!("{story}: {e}"));
            check(&silo, &acknowledged, &story).await;
            silos.shutdown().await;
        });
    }
    all.join_all().await;
}

/// The tests above would notice: without a sync at each commit, acknowledged units are lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_sync_loses_what_it_acknowledged() {
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let disk = disk(before.path());
    let open = |dir: &std::path::Path| rusqlite::Connection::open(dir.join("x.db")).unwrap();
    let db = open(before.path());
    db.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (i); PRAGMA synchronous=NORMAL;").unwrap();
    for _ in 0..20 {
        db.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    }
    disk.cut_power();
    disk.survivors(Cut::Nothing, 1, after.path()).unwrap();
    let count: i64 = open(after.path()).query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0)).unwrap();
    assert!(count < 20, "{count}");
}
