//! A database that is damaged, missing or somebody else's: its company alone is out of service. Files only: a PostgreSQL has no file to swap.

use super::company;
use base::TenantId;
use http::{Method, header};
use kernel::{App, app::Parts, config::Config};
use serde_json::json;
use std::{fs, path::PathBuf};
use testkit::{ADMIN, Answer, TestApp, Who, on_postgres, silo_file};

const COMPANIES: &str = "/api/v1/crm/companies";

/// The files of a silo: database, log, shared memory.
fn files(app: &TestApp, tenant: TenantId) -> [PathBuf; 3] {
    ["db", "db-wal", "db-shm"].map(|end| silo_file(&app.folder().join("data"), tenant).with_extension(end))
}

/// Puts something in the place of a silo's file, or nothing.
fn replace(app: &TestApp, tenant: TenantId, by: Option<&[u8]>) {
    let [file, wal, shm] = files(app, tenant);
    for path in [&file, &wal, &shm] {
        drop(fs::remove_file(path));
    }
    if let Some(bytes) = by {
        fs::write(file, bytes).unwrap();
    }
}

/// The same file after some SQL that is none of ours.
fn changed(app: &TestApp, file: &[u8], sql: &str) -> Vec<u8> {
    let path = app.folder().join("changed.db");
    fs::write(&path, file).unwrap();
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(sql).unwrap();
    db.close().unwrap();
    fs::read(&path).unwrap()
}

/// With the company's handle closed, so that the next request opens the file that is there now.
async fn start(app: &mut TestApp) {
    app.app = TestApp::start_in(vec![testkit::crm()], app.folder()).await;
}

async fn with_two_companies() -> TestApp {
    let app = TestApp::with(vec![testkit::crm()]).await;
    company(&app, "ours").await;
    app.post(Who::OtherTenant, COMPANIES, json!({ "name": "theirs" })).await.expect(201);
    app.app.shutdown().await;
    app
}

async fn expect_only_acme_closed(app: &TestApp, story: &str) {
    for _ in 0..2 {
        let refused = app.get(ADMIN, COMPANIES).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (503, "tenant-quarantined"), "{story}: {}", refused.text());
        assert!(refused["detail"].as_str().unwrap().contains("tenon tenant restore"), "{story}");
    }
    app.post(ADMIN, COMPANIES, json!({ "name": "x" })).await.expect(503);
    let closed: Vec<TenantId> = app.app.silos().quarantined().into_iter().map(|(id, _)| id).collect();
    assert_eq!(closed, [app.tenant(&app.admin)], "{story}");
    let theirs = app.get(Who::OtherTenant, &format!("{COMPANIES}?filter=name%20%3D%3D%20%22theirs%22")).await.expect(200);
    assert_eq!(theirs["items"].as_array().map(Vec::len), Some(1), "{story}");
    app.post(Who::OtherTenant, COMPANIES, json!({ "name": story })).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_a_file_that_is_not_what_it_was_closes_one_company_and_no_other() {
    if on_postgres() {
        return;
    }
    let mut app = with_two_companies().await;
    let (ours, theirs) = (app.tenant(&app.admin), app.tenant(&app.other));
    let good = fs::read(&files(&app, ours)[0]).unwrap();
    let foreign = fs::read(&files(&app, theirs)[0]).unwrap();
    let hub = fs::read(&files(&app, TenantId::HUB)[0]).unwrap();
    // As if another installation had sealed it.
    let sealed_elsewhere = changed(&app, &good, "UPDATE meta SET seal = CAST(substr(seal, 1, 20) || x'0102' || substr(seal, 23) AS BLOB)");
    let renamed = changed(&app, &foreign, &format!("UPDATE meta SET tenant = '{ours}'"));
    let nobodys = changed(&app, &good, "DELETE FROM meta");
    for (story, file) in [
        ("missing", None),
        ("empty", Some(&b""[..])),
        ("a text", Some(&b"no database at all. "[..])),
        ("truncated", Some(&good[..good.len() / 3])),
        ("that of another company", Some(&foreign[..])),
        ("that of another company, with our name in it", Some(&renamed[..])),
        ("the hub's", Some(&hub[..])),
        ("sealed elsewhere", Some(&sealed_elsewhere[..])),
        ("nobody's", Some(&nobodys[..])),
    ] {
        replace(&app, ours, file);
        start(&mut app).await;
        expect_only_acme_closed(&app, story).await;
        app.app.shutdown().await;
        assert_eq!(files(&app, ours)[0].exists(), file.is_some(), "a database that went missing is not made anew");
    }
    // Put right, it is in service again; also one from before there were seals, which then gets one.
    let older = changed(&app, &good, "ALTER TABLE meta DROP COLUMN seal");
    for file in [&good, &older] {
        replace(&app, ours, Some(file));
        start(&mut app).await;
        assert_eq!(app.get(ADMIN, COMPANIES).await.expect(200)["items"][0]["name"], "ours");
        app.app.shutdown().await;
    }
    let sealed = rusqlite::Connection::open(&files(&app, ours)[0]).unwrap();
    assert_eq!(sealed.query_row("SELECT length(seal) > 28 FROM meta", [], |row| row.get::<_, bool>(0)), Ok(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_two_files_that_changed_places_are_both_noticed() {
    if on_postgres() {
        return;
    }
    let mut app = with_two_companies().await;
    let (ours, theirs) = (app.tenant(&app.admin), app.tenant(&app.other));
    let [a, b] = [ours, theirs].map(|id| fs::read(&files(&app, id)[0]).unwrap());
    replace(&app, ours, Some(&b));
    replace(&app, theirs, Some(&a));
    start(&mut app).await;
    for who in [ADMIN, Who::OtherTenant] {
        assert_eq!(app.get(who, COMPANIES).await.expect(503).code(), "tenant-quarantined");
    }
    // Changed back while the server runs: in service again after some seconds.
    replace(&app, ours, Some(&a));
    replace(&app, theirs, Some(&b));
    tokio::time::sleep(std::time::Duration::from_millis(5200)).await;
    assert_eq!(app.get(ADMIN, COMPANIES).await.expect(200)["items"][0]["name"], "ours");
    assert_eq!(app.get(Who::OtherTenant, COMPANIES).await.expect(200)["items"][0]["name"], "theirs");
    assert!(app.app.silos().quarantined().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_who_works_in_two_companies_can_leave_the_one_that_is_out_of_service() {
    if on_postgres() {
        return;
    }
    let mut app = with_two_companies().await;
    start(&mut app).await;
    app.post(ADMIN, "/api/v1/account/companies", json!({ "name": "Second" })).await.expect(201);
    app.app.shutdown().await;
    replace(&app, app.tenant(&app.admin), None);
    start(&mut app).await;
    let from_page = |path: &str, cookie: &str| {
        let origin = app.app.config().server.public_url.clone();
        let request = app.request(Method::POST, path, None).header(header::CONTENT_TYPE, "application/json");
        request.header(header::ORIGIN, origin).header(header::COOKIE, cookie)
    };
    let cookie = |answer: &Answer| answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let known = json!({ "email": app.admin.email, "password": app.admin.password, "tenant": "acme" });
    let signed_in = app.send(from_page("/api/v1/auth/sign-in", "x=y"), known.to_string()).await.expect(200);
    let there = app.send(app.request(Method::GET, COMPANIES, None).header(header::COOKIE, cookie(&signed_in)), "").await;
    assert_eq!(there.expect(503).code(), "tenant-quarantined");
    let switched = app.send(from_page("/api/v1/auth/switch", &cookie(&signed_in)), json!({ "tenant": "second" }).to_string()).await.expect(200);
    let me = app.send(app.request(Method::GET, "/api/v1/me", None).header(header::COOKIE, cookie(&switched)), "").await.expect(200);
    assert_eq!(me["tenant"]["name"], "Second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_a_hub_that_went_missing_is_not_made_anew() {
    if on_postgres() {
        return;
    }
    let app = with_two_companies().await;
    replace(&app, TenantId::HUB, None);
    let parts = Parts { config: Config::for_tests(app.folder()).unwrap(), modules: Vec::new(), assets: |_| None, demo: None };
    let refused = App::start(parts).await.err().unwrap();
    assert_eq!(refused.name(), "hub-missing");
    assert!(!files(&app, TenantId::HUB)[0].exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_damage_that_nobody_has_met_is_found_by_reading_everything() {
    if on_postgres() {
        return;
    }
    let mut app = TestApp::with(vec![testkit::crm()]).await;
    for n in 0..100 {
        company(&app, &format!("Company {n}")).await;
    }
    app.post(Who::OtherTenant, COMPANIES, json!({ "name": "theirs" })).await.expect(201);
    let ours = app.tenant(&app.admin);
    app.app.shutdown().await;
    start(&mut app).await;
    // Both are open and in use; a page of one, which nobody reads now, is written over.
    app.get(ADMIN, &format!("{COMPANIES}?limit=1")).await.expect(200);
    app.get(Who::OtherTenant, COMPANIES).await.expect(200);
    let all = app.app.scrub().await.unwrap();
    assert!(all >= 2);
    app.get(ADMIN, COMPANIES).await.expect(200);
    let file = &files(&app, ours)[0];
    let db = rusqlite::Connection::open(file).unwrap();
    let page: i64 = db.query_row("SELECT rootpage FROM sqlite_master WHERE name = 'crm_companies_country_key_ix'", [], |row| row.get(0)).unwrap();
    let size: i64 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    drop(db);
    let damaged = fs::OpenOptions::new().write(true).open(file).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&damaged, &vec![0xA5; usize::try_from(size).unwrap()], ((page - 1) * size).unsigned_abs()).unwrap();
    app.get(ADMIN, &format!("{COMPANIES}?limit=1")).await.expect(200);
    assert_eq!(app.app.scrub().await.unwrap(), all);
    expect_only_acme_closed(&app, "found by reading everything").await;
}
