use crate::stage::{check, disk, goes_on, make, rounds, start, write_all};
use base::{Code, TenantId};
use faults::Failure;

/// From the n-th call on the disk refuses. Every unit is acknowledged and there, or refused and not there; reading goes on throughout;
/// and when the disk is well again, the same silo takes writes without a restart.
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
    disk.mend();
    let (more, refused) = write_all(&silo, 2, 5, n + 1_000_000).await;
    assert!(refused.is_empty(), "{story}: {refused:?}");
    acknowledged.extend(more);
    let found = check(&silo, &acknowledged, &story).await;
    assert_eq!(found, acknowledged.len(), "{story}");
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
    let mut acknowledged = 0;
    for n in (1..=200).step_by(step as usize) {
        acknowledged += story(how, n).await;
    }
    println!("evidence: {how:?}: from {} different calls on, {acknowledged} acknowledged, as many there", 200 / step);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_04_a_full_disk_refuses_and_forgets_nothing() {
    all(Failure::Full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_05_a_broken_disk_refuses_and_forgets_nothing() {
    all(Failure::Broken).await;
}
