//! All databases come to a new version in the background; one that cannot stays as it was, and all are served.

use crate::{
    cli::tenon,
    serving::{Place, this_binary},
    shop,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{ADMIN, Answer, NOBODY, PASSWORD, TestApp, on_postgres, silo_file, soak};

const GOODS: &str = "/api/v1/shop/goods";
const BOXES: &str = "/api/v1/shop/boxes";

/// Companies with one good and one box each; the records of one do not fit the next version.
async fn companies(count: usize) -> TestApp {
    let app = TestApp::with(vec![shop::module(1)]).await;
    let good = app.post(ADMIN, GOODS, json!({ "name": "table", "stage": "won" })).await.expect(201).id();
    app.post(ADMIN, BOXES, json!({ "name": "crate", "good": good })).await.expect(201);
    let backup = app.folder().join("template");
    hub::backup::write(&app.app, app.tenant(&app.admin), &backup, true).await.unwrap();
    for n in 0..count {
        hub::backup::restore(&app.app, &backup, &format!("copy-{n}")).await.unwrap();
    }
    let token = token(&app, &one(count)).await;
    let good = first(&app, &token, GOODS).await["id"].as_str().unwrap().to_owned();
    patch(&app, &token, &format!("{GOODS}/{good}"), json!({ "stage": "lead" })).await.expect(200);
    app
}

/// The slug of the company that does not fit.
fn one(count: usize) -> String {
    format!("copy-{}", count / 3)
}

async fn token(app: &TestApp, slug: &str) -> String {
    let body = json!({ "email": "admin@acme.test", "password": PASSWORD, "tenant": slug });
    app.post(NOBODY, "/api/v1/auth/token", body).await.expect(200)["access_token"].as_str().unwrap().to_owned()
}

async fn first(app: &TestApp, token: &str, path: &str) -> Value {
    app.get_as(Some(token), path).await.expect(200)["items"][0].clone()
}

async fn patch(app: &TestApp, token: &str, path: &str, body: Value) -> Answer {
    let request = app.request(http::Method::PATCH, path, Some(token)).header("content-type", "application/json");
    app.send(request, body.to_string()).await
}

async fn operator(app: &TestApp) -> String {
    let password = "a long sentence for operators";
    account::operators::create(&app.app, "op@tenon.test", "Olga", password).await.unwrap();
    let body = json!({ "email": "op@tenon.test", "password": password, "tenant": "hub" });
    app.post(NOBODY, "/api/v1/auth/token", body).await.expect(200)["access_token"].as_str().unwrap().to_owned()
}

/// Waits until so many are at this version and one is known to have failed.
async fn settled(app: &TestApp, operator: &str, migrated: usize) -> Answer {
    for _ in 0..10_000 {
        let now = app.get_as(Some(operator), "/api/v1/hub/migrations").await.expect(200);
        if now["migrated"] == migrated && now["failed"] == 1 && now["running"] == false {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{}", app.get_as(Some(operator), "/api/v1/hub/migrations").await.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_20_of_many_databases_one_fails_to_migrate_and_all_are_served() {
    let count = if on_postgres() { 12 } else { soak(40, 1000) };
    let mut app = companies(count).await;
    app.app.shutdown().await;
    app.app = TestApp::start_in(vec![shop::module(2)], app.folder()).await;
    let begun = Instant::now();
    let op = operator(&app).await;
    // The copies, Acme itself, and the other company.
    let now = settled(&app, &op, count + 1).await;
    assert_eq!((&now["tenants"], &now["failures"][0]["slug"]), (&json!(count + 2), &json!(one(count))), "{}", now.text());
    println!("evidence: {count} databases were brought to the next version in {:?}, beside requests", begun.elapsed());
    let problem = now["failures"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("shop.goods.stage") && problem.contains("1 records"), "{problem}");
    let figures = app.get_as(Some(&op), "/api/v1/hub/figures").await.expect(200);
    assert!(figures["open"].as_u64().unwrap() <= 2, "the sweep takes no place in the set of open silos: {}", figures.text());
    assert!(figures["cold_opens"].as_u64().unwrap() >= count as u64, "{}", figures.text());

    for slug in [format!("copy-{}", count - 1), "acme".to_owned()] {
        let good = token(&app, &slug).await;
        assert_eq!(first(&app, &good, BOXES).await["size"], 7, "{slug}");
    }
    let behind = token(&app, &one(count)).await;
    // What its old tables hold up works, records that the new rules would not take included.
    let good = first(&app, &behind, GOODS).await;
    assert_eq!(good["stage"], "lead");
    let path = format!("{GOODS}/{}", good["id"].as_str().unwrap());
    assert_eq!(app.get_as(Some(&behind), &path).await.expect(200)["stage"], "lead");
    patch(&app, &behind, &path, json!({ "name": "desk" })).await.expect(200);
    app.post_as(Some(&behind), GOODS, json!({ "name": "x", "stage": "lead" })).await.expect(400);
    app.post_as(Some(&behind), GOODS, json!({ "name": "chair", "stage": "open" })).await.expect(201);
    app.get_as(Some(&behind), "/api/v1/account/members").await.expect(200);
    app.get_as(Some(&behind), "/api/v1/search?q=desk").await.expect(200);
    app.get_as(Some(&behind), "/api/v1/events").await.expect(200);
    // What they lack is said so, and why; deleting what a box may refer to cannot be judged.
    for refused in [
        app.get_as(Some(&behind), BOXES).await,
        app.post_as(Some(&behind), BOXES, json!({ "name": "x" })).await,
        app.send(app.request(http::Method::DELETE, &path, Some(&behind)), "").await,
    ] {
        assert_eq!((refused.status.as_u16(), refused.code()), (503, "not-migrated"), "{}", refused.text());
        assert!(refused["detail"].as_str().unwrap().contains("shop.goods.stage") && !refused.header("retry-after").is_empty(), "{}", refused.text());
    }
    app.get_as(None, BOXES).await.expect(401);

    // They mend it themselves; the next try brings the rest.
    patch(&app, &behind, &path, json!({ "stage": "won" })).await.expect(200);
    app.app.migrate_again().await.unwrap();
    app.get_as(Some(&behind), BOXES).await.expect(503);
    let due = r#"UPDATE "migration_failures" SET "again_at" = 0"#;
    app.app.hub().write(move |sql| sql.run(due, &[])).await.unwrap();
    app.app.migrate_again().await.unwrap();
    assert_eq!(first(&app, &behind, BOXES).await["size"], 7);
    app.send(app.request(http::Method::DELETE, &path, Some(&behind)), "").await.expect(409);
    let done = app.get_as(Some(&op), "/api/v1/hub/migrations").await.expect(200);
    assert_eq!((&done["migrated"], &done["failed"], &done["failures"]), (&done["tenants"], &json!(0), &json!([])), "{}", done.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_20_what_another_process_has_mended_is_served_without_a_restart() {
    let mut app = companies(3).await;
    app.app.shutdown().await;
    app.app = TestApp::start_in(vec![shop::module(2)], app.folder()).await;
    let op = operator(&app).await;
    settled(&app, &op, 4).await;
    let behind = token(&app, &one(3)).await;
    app.get_as(Some(&behind), BOXES).await.expect(503);
    let good = first(&app, &behind, GOODS).await;
    patch(&app, &behind, &format!("{GOODS}/{}", good["id"].as_str().unwrap()), json!({ "stage": "won" })).await.expect(200);
    // As `tenon migrate` does it beside the server.
    let other = TestApp::start_in(vec![shop::module(2)], app.folder()).await;
    assert_eq!(other.migrate_all(|_| {}).await.unwrap().failed, 0);
    other.shutdown().await;
    app.get_as(Some(&behind), BOXES).await.expect(503);
    app.app.migrate_again().await.unwrap();
    app.get_as(Some(&behind), BOXES).await.expect(200);
}

/// Files only: how far a sweep is when it is killed is read from the hub's file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_20_a_sweep_that_is_killed_goes_on_where_it_was() {
    if on_postgres() {
        return;
    }
    let count = soak(40, 1000);
    let app = companies(count).await;
    let (data, old) = (app.app.config().data.clone(), app.app.stamp().to_owned());
    app.app.shutdown().await;
    shop::write(2, &data);
    let place = Place::new(&data, &[]);
    let hub = rusqlite::Connection::open(silo_file(&data, base::TenantId::HUB)).unwrap();
    let done = || {
        let sql = "SELECT COUNT(*) FROM hub_tenants WHERE stamp <> ?1 AND slug <> 'hub'";
        hub.query_row(sql, [&old], |row| row.get::<_, u32>(0)).unwrap_or(0) as usize
    };
    let mut kills = 0;
    while done() < count {
        let before = done();
        let life = place.start(this_binary());
        while done() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        life.kill();
        assert!(kills > 0 || done() < count, "the first life was killed in the middle: {} of {count}", done());
        kills += 1;
    }
    assert!(kills >= 2, "each life goes on where the one before was killed");
    // The last life has the rest, finds the one that cannot, and `tenon migrate` says which it is.
    let migrate = tenon(&app, &["migrate", "--json"]).await;
    assert_eq!((migrate.code, migrate.json()["migrated"].as_u64()), (1, Some(count as u64 + 1)), "{migrate:?}");
    assert_eq!(
        (migrate.json()["failed"][0]["slug"].as_str(), migrate.json()["tenants"].as_u64()),
        (Some(one(count).as_str()), Some(count as u64 + 2))
    );
    let status = tenon(&app, &["migrate", "--status"]).await;
    assert!(status.code == 1 && status.out.contains(&format!("{} of {} tenants", count + 1, count + 2)), "{status:?}");
    assert_eq!(tenon(&app, &["verify", "audit", "--tenant", "copy-0"]).await.code, 0);
}
