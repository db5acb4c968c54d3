//! A start costs the same however many companies there are.

use base::{TenantId, Time};
use std::time::{Duration, Instant};
use testkit::{TestApp, on_postgres, silo_file, soak};

/// An installation whose hub knows `count` companies at this version, each with a file of its own. (A PostgreSQL has no schema for them; that
/// nobody asks for one is the point.)
async fn with_companies(count: usize) -> tempfile::TempDir {
    let (app, folder) = TestApp::bare(vec![testkit::crm()]).await;
    let ids: Vec<TenantId> = (0..count).map(|_| TenantId::new()).collect();
    let stamp = app.stamp().to_owned();
    for some in ids.chunks(200) {
        let (some, stamp) = (some.to_vec(), stamp.clone());
        app.hub()
            .write(move |sql| {
                some.iter().try_for_each(|id| {
                    sql.run(
                        r#"INSERT INTO "hub_tenants" ("id", "slug", "name", "status", "placement", "stamp", "created_at", "updated_at") VALUES (?1, ?2, ?2, 'active', 'default', ?3, ?4, ?4)"#,
                        &[id.to_string().into(), id.hex().into(), (&stamp).into(), Time::now().into()],
                    )
                    .map(drop)
                })
            })
            .await
            .unwrap();
    }
    let data = app.config().data.clone();
    app.shutdown().await;
    if !on_postgres() {
        for id in &ids {
            std::fs::hard_link(silo_file(&data, TenantId::HUB), silo_file(&data, *id)).unwrap();
        }
    }
    folder
}

/// The fastest of a few starts.
async fn start(folder: &tempfile::TempDir) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..4 {
        let begun = Instant::now();
        let app = TestApp::start_in(vec![testkit::crm()], folder.path()).await;
        fastest = fastest.min(begun.elapsed());
        // What runs in the background finds nothing to do either.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(app.silos().figures().cold_opens, 1, "only the hub was opened");
        app.shutdown().await;
    }
    fastest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_16_a_start_opens_no_company_and_takes_no_longer_with_many() {
    let many = soak(2_000, 10_000);
    let few = with_companies(10).await;
    let lots = with_companies(many).await;
    let (short, long) = (start(&few).await, start(&lots).await);
    operators_list_stays_fast(&lots).await;
    println!("evidence: start with 10 companies {short:?}, with {many} {long:?}");
    assert!(long < short * 2 + Duration::from_millis(60), "10 companies: {short:?}, {many}: {long:?}");
}

/// A page of the operator's list, wherever it begins.
async fn operators_list_stays_fast(folder: &tempfile::TempDir) {
    let app = TestApp::start_in(vec![testkit::crm()], folder.path()).await;
    let password = "a long sentence for operators";
    account::operators::create(&app, "op@tenon.test", "Olga", password).await.unwrap();
    let test = TestApp::around(app, tempfile::tempdir().unwrap());
    let body = serde_json::json!({ "email": "op@tenon.test", "password": password, "tenant": "hub" });
    let token = test.post_as(None, "/api/v1/auth/token", body).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    let first = test.get_as(Some(&token), "/api/v1/hub/tenants?limit=50").await.expect(200);
    let some = first["items"][10]["slug"].as_str().unwrap().to_owned();
    for path in [
        "/api/v1/hub/tenants?limit=50",
        &format!("/api/v1/hub/tenants?after={some}"),
        &format!("/api/v1/hub/tenants?q={some}"),
        "/api/v1/hub/migrations",
    ] {
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            let begun = Instant::now();
            test.get_as(Some(&token), path).await.expect(200);
            fastest = fastest.min(begun.elapsed());
        }
        println!("evidence: {path}: {fastest:?}");
        assert!(fastest < Duration::from_millis(100), "{path}: {fastest:?}");
    }
    test.app.shutdown().await;
}
