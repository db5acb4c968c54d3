use crate::stage::{check, disk, goes_on, make, rounds, start, start_with, well_again, write_all};
use base::{Code, Error, TenantId};
use faults::Failure;
use silo::Tx;

/// From the n-th call on the disk refuses. Every unit is acknowledged and there, or refused and not there; reading goes on throughout;
/// and when the disk is well again, the silo takes writes without a restart. After a disk that was broken it was opened anew for that, and what
/// it had written last and refused may have come back: then once, and whole.
async fn story(how: Failure, n: u64) -> usize {
    let story = format!("{how:?} from call {n}");
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(dir.path());
    let silos = start(dir.path()).await;
    let id = TenantId::new();
    let silo = make(&silos, id).await;
    disk.fail(how, n, u64::MAX);
    let (mut acknowledged, refused) = write_all(&silo, 6, 20, n).await;
    assert!(disk.has_failed() && !refused.is_empty(), "{story}");
    for error in &refused {
        assert_ne!((error.code(), error.cause().unwrap_or_default().contains("panic")), (Code::Internal, true), "{story}: {error}");
        assert!(how == Failure::Broken || (error.code(), error.name()) == (Code::Full, "storage-full"), "{story}: {error:?}");
    }
    assert_eq!(check(&silo, &acknowledged, &story).await, acknowledged.len(), "{story}: what was refused is not there");
    if how == Failure::Broken {
        for error in &refused {
            assert_eq!((error.code(), error.name()), (Code::Unavailable, Error::SUSPECT), "{story}: {error:?}");
        }
        let before = disk.calls();
        assert_eq!(silo.write(|_| Ok(())).await.unwrap_err().name(), Error::SUSPECT, "{story}");
        assert_eq!(disk.calls(), before, "{story}: the disk is not asked again");
        assert_eq!(silos.quarantined().len(), 1, "{story}");
    }
    disk.mend();
    drop(silo);
    let silo = well_again(&silos, id, &story).await;
    assert!(silos.quarantined().is_empty(), "{story}");
    let known = acknowledged.len();
    let came_back = check(&silo, &acknowledged, &story).await - known;
    assert!(came_back == 0 || (how == Failure::Broken && came_back <= refused.len()), "{story}: {came_back} came back");
    let (more, refused) = write_all(&silo, 2, 5, n + 1_000_000).await;
    assert!(refused.is_empty(), "{story}: {refused:?}");
    acknowledged.extend(more);
    let found = check(&silo, &acknowledged, &story).await;
    assert_eq!(found, acknowledged.len() + came_back, "{story}");
    drop(silo);
    silos.shutdown().await;

    let silos = start(dir.path()).await;
    let silo = silos.open(id).await.unwrap();
    assert_eq!(check(&silo, &acknowledged, &story).await, found, "{story}: a restart changes nothing");
    goes_on(&silo, &story).await;
    drop(silo);
    silos.shutdown().await;
    found
}

async fn all(how: Failure) {
    let step = 200 / rounds(25, 200);
    // Each has a disk of its own, and waits for most of its time.
    let mut stories = tokio::task::JoinSet::new();
    for n in (1..=200).step_by(step as usize) {
        stories.spawn(story(how, n));
    }
    let found: usize = stories.join_all().await.into_iter().sum();
    println!("evidence: {how:?}: from {} different calls on, {found} units are there", 200 / step);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_04_a_full_disk_refuses_and_forgets_nothing() {
    all(Failure::Full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_05_a_broken_disk_refuses_and_forgets_nothing() {
    all(Failure::Broken).await;
}

/// The disk of one breaks under load; the other, on a disk of its own, is written and read without an error. With the hub's disk it is the
/// installation that ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_05_a_disk_that_breaks_under_one_is_felt_by_no_other_and_under_the_hub_by_all() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (TenantId::new(), TenantId::new());
    let silos = start(dir.path()).await;
    let all = [make(&silos, ours).await, make(&silos, theirs).await, make(&silos, TenantId::HUB).await];
    drop(all);
    silos.shutdown().await;
    // A link leads to the file on the disk that breaks.
    let broken = tempfile::tempdir().unwrap();
    let disk = disk(broken.path());
    let moved = |id: TenantId| {
        for end in ["db", "db-wal", "db-shm"] {
            let name = format!("{}.{end}", id.hex());
            if dir.path().join(&name).exists() {
                std::fs::copy(dir.path().join(&name), broken.path().join(&name)).unwrap();
                std::fs::remove_file(dir.path().join(&name)).unwrap();
            }
        }
        let name = format!("{}.db", id.hex());
        std::os::unix::fs::symlink(broken.path().join(&name), dir.path().join(&name)).unwrap();
    };
    moved(ours);
    let silos = start(dir.path()).await;
    let (a, b) = (silos.open(ours).await.unwrap(), silos.open(theirs).await.unwrap());
    disk.fail(Failure::Broken, 20, u64::MAX);
    let ((_, refused), (acknowledged, errors)) = tokio::join!(write_all(&a, 4, 20, 1), write_all(&b, 4, 20, 2));
    assert!(!refused.is_empty() && errors.is_empty(), "{refused:?} {errors:?}");
    check(&b, &acknowledged, "the other").await;
    let hub_failed = || tokio::time::timeout(std::time::Duration::from_millis(50), silos.hub_failed());
    assert!(hub_failed().await.is_err(), "the hub is well");
    drop((a, b));
    silos.shutdown().await;

    disk.mend();
    moved(TenantId::HUB);
    let silos = start(dir.path()).await;
    let hub = silos.open(TenantId::HUB).await.unwrap();
    disk.fail(Failure::Broken, 20, u64::MAX);
    let (mut acknowledged, refused) = write_all(&hub, 4, 20, 3).await;
    assert!(!refused.is_empty());
    let why = silos.hub_failed().await;
    assert_eq!(why.name(), Error::SUSPECT);
    let calls = disk.calls();
    assert_eq!(hub.write(|_| Ok(())).await.unwrap_err().name(), Error::SUSPECT);
    drop(hub);
    silos.shutdown().await;
    assert_eq!(disk.calls(), calls, "nothing is synced or written any more, not even by closing");
    disk.mend();
    let silos = start(dir.path()).await;
    let hub = silos.open(TenantId::HUB).await.unwrap();
    check(&hub, &acknowledged, "the hub, after a start").await;
    acknowledged.extend(write_all(&hub, 2, 5, 4).await.0);
    check(&hub, &acknowledged, "the hub goes on").await;
}

/// A migration beside whoever uses the silo meets the disk that breaks. All who use it know then, and it is not believed unseen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_05_a_disk_that_breaks_under_a_visitor_is_known_to_all() {
    for open in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let disk = disk(dir.path());
        let id = TenantId::new();
        let silos = start(dir.path()).await;
        drop(make(&silos, id).await);
        silos.shutdown().await;

        let migrate = |_: TenantId, tx: &mut Tx<'_>| tx.run(r#"UPDATE "meta" SET "epoch" = "epoch" + 1"#, &[]).map(drop);
        let silos = start_with(dir.path(), migrate).await;
        let silo = if open { Some(silos.open(id).await.unwrap()) } else { None };
        disk.fail(Failure::Broken, 1, u64::MAX);
        assert_eq!(silos.visit(id).await.unwrap_err().name(), Error::SUSPECT);
        assert_eq!(silos.quarantined().len(), 1, "open: {open}");
        disk.mend();
        if let Some(silo) = silo {
            assert_eq!(silo.write(|_| Ok(())).await.unwrap_err().name(), Error::SUSPECT);
            drop(silo);
            well_again(&silos, id, "visited").await;
            assert!(silos.quarantined().is_empty());
        }
        silos.shutdown().await;
    }
}
