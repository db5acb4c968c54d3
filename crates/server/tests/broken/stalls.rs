//! Whether anything holds the async workers up.

use serde_json::json;
use std::{sync::Arc, time::Duration};
use testkit::{ADMIN, TestApp, soak, within};
use tokio::task::JoinSet;

/// On one worker: whatever blocks it blocks all.
#[tokio::test]
async fn r_26_a_call_that_blocks_the_workers_is_noticed() {
    let app = TestApp::with(vec![testkit::crm()]).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = app.app.stalls().count();
    std::thread::sleep(Duration::from_millis(300));
    within(Duration::from_secs(1), "it is noticed", async || app.app.stalls().count() > before).await;
    assert!(app.app.stalls().longest() >= Duration::from_millis(200), "{:?}", app.app.stalls().longest());
}

/// Figures only, on a machine that others use too; with `TENON_SOAK=1` they must be good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_26_a_load_of_reads_writes_and_lists_holds_nobody_up() {
    let app = Arc::new(TestApp::with(vec![testkit::crm()]).await);
    let companies = "/api/v1/crm/companies";
    let mut people = JoinSet::new();
    for who in 0..8 {
        let app = app.clone();
        people.spawn(async move {
            for n in 0..soak(20, 1000) {
                let made = app.post(ADMIN, companies, json!({ "name": format!("{who} {n}") })).await.expect(201).id();
                app.get(ADMIN, &format!("{companies}/{made}")).await.expect(200);
                app.get(ADMIN, &format!("{companies}?limit=20")).await.expect(200);
            }
        });
    }
    while let Some(done) = people.join_next().await {
        done.unwrap();
    }
    let stalls = app.app.stalls();
    println!("evidence: {} stalls of 100 ms and more, the longest delay {:?}", stalls.count(), stalls.longest());
    assert!(soak(true, stalls.longest() <= Duration::from_millis(50)), "{:?}", stalls.longest());
}
