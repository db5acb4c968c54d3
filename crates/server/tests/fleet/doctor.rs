//! `tenon doctor` finds what was damaged, says how to mend it, and says nothing when it is mended.

use crate::{
    cli::tenon,
    serving::{Place, this_binary},
};
use base::{TenantId, Time};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};
use testkit::{ADMIN, OTHER_TENANT, TestApp, on_postgres, silo_file};

/// What is wrong, and how the command ended. Left out are the console, which a test's binary may not have, and the engine: the PostgreSQL of
/// the tests syncs nothing on purpose.
async fn wrong(app: &TestApp, args: &[&str]) -> (Vec<Value>, i32) {
    let run = tenon(app, &[&["doctor", "--json"], args].concat()).await;
    let found = run.json().as_array().unwrap_or_else(|| panic!("{run:?}")).clone();
    assert!(
        found.iter().all(|one| one["ok"] == true || one["mend"].as_str().is_some_and(|mend| mend.len() > 5)),
        "each says how to mend it: {run:?}"
    );
    (found.into_iter().filter(|one| one["ok"] == false && one["check"] != "console" && one["check"] != "engine").collect(), run.code)
}

/// The one thing that is wrong: its check, and that its words hold these.
async fn finds(app: &TestApp, args: &[&str], check: &str, words: &[&str]) {
    let (found, code) = wrong(app, args).await;
    assert_eq!((found.len(), code), (1, 1), "{check}: {found:?}");
    let detail = found[0]["detail"].as_str().unwrap();
    assert!(found[0]["check"] == check && words.iter().all(|word| detail.contains(word)), "{check}: {found:?}");
}

async fn whole() -> TestApp {
    let app = TestApp::with(vec![testkit::crm()]).await;
    account::operators::create(&app.app, "op@tenon.test", "Olga", "a long sentence for operators").await.unwrap();
    for who in [ADMIN, OTHER_TENANT] {
        app.post(who, "/api/v1/crm/companies", json!({ "name": "x" })).await.expect(201);
    }
    fs::set_permissions(&app.app.config().data, fs::Permissions::from_mode(0o700)).unwrap();
    // The members of the operator's company are in the hub by now, and nothing waits.
    app.app.shutdown().await;
    assert_eq!(wrong(&app, &[]).await.0, Vec::<Value>::new());
    app
}

fn file(app: &TestApp, tenant: TenantId) -> PathBuf {
    silo_file(&app.app.config().data, tenant)
}

/// Runs SQL that is none of ours in a silo, and that is there to be undone.
fn sql(file: &Path, sql: &str) {
    let db = rusqlite::Connection::open(file).unwrap();
    db.execute_batch(sql).unwrap();
    db.close().unwrap();
}

/// Files only: what can be done to a file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_what_was_done_to_files() {
    if on_postgres() {
        return;
    }
    let app = whole().await;
    let (data, ours) = (app.app.config().data.clone(), app.tenant(&app.admin));
    let path = file(&app, ours);
    let good = fs::read(&path).unwrap();
    for args in [&[][..], &["--quick"]] {
        fs::remove_file(&path).unwrap();
        finds(&app, args, "silo", &["acme", "not there"]).await;
        fs::write(&path, b"no database at all. ").unwrap();
        finds(&app, args, "silo", &["acme"]).await;
        fs::write(&path, &good).unwrap();

        // Where the server was stopped as it should be, nothing is in the log: taking it away takes nothing with it.
        let _ = fs::remove_file(path.with_extension("db-wal"));
        fs::write(path.with_extension("db-shm"), b"").unwrap();
        finds(&app, args, "silo", &["acme", "write-ahead log is missing"]).await;
        fs::remove_file(path.with_extension("db-shm")).unwrap();

        let stranger = file(&app, TenantId::new());
        fs::write(&stranger, &good).unwrap();
        finds(&app, args, "orphan", &["belongs to no company"]).await;
        fs::remove_file(stranger).unwrap();

        fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
        finds(&app, args, "data", &["others can write"]).await;
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    }
    // A page in the middle is overwritten: only whoever reads all of it sees it.
    let mut torn = good.clone();
    let middle = good.len() / 2 / 2048 * 2048;
    torn[middle..middle + 2048].fill(0x5a);
    fs::write(&path, &torn).unwrap();
    assert!(wrong(&app, &[]).await.0.iter().any(|one| one["check"] == "silo" || one["check"] == "audit"));
    fs::write(&path, &good).unwrap();
    assert_eq!(wrong(&app, &[]).await.0, Vec::<Value>::new());

    // The hub has seen more of the log than there is: the file is of yesterday, or its end is gone.
    let hub = file(&app, TenantId::HUB);
    sql(&hub, &format!(r#"INSERT INTO "checkpoints" VALUES ('{ours}', 4711, x'00', 1)"#));
    finds(&app, &["--quick"], "silo", &["acme", "4711"]).await;
    sql(&hub, r#"DELETE FROM "checkpoints" WHERE "seq" = 4711"#);
    assert_eq!(wrong(&app, &[]).await.0, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_work_that_is_not_done() {
    let app = whole().await;
    let there = TestApp::start_in(vec![testkit::crm()], app.folder()).await;
    let ours = app.tenant(&app.admin);
    let silo = there.silos().open(ours).await.unwrap();
    let job = |id: &str, kind: &str, status: &str, attempt: i64| {
        format!(
            r#"INSERT INTO "jobs" ("id", "kind", "priority", "args", "status", "run_at", "attempt", "progress", "error", "actor", "cancel", "created_at") VALUES ('{id}', '{kind}', 0, '{{}}', '{status}', {}, {attempt}, 0, 'it did not work', 'x', FALSE, 1)"#,
            Time::now().plus_seconds(86_400).0
        )
    };
    let gone = r#"DELETE FROM "jobs" WHERE "id" = 'x'"#.to_owned();
    let run = async |tenant: TenantId, sql: String| {
        let silo = there.silos().open(tenant).await.unwrap();
        silo.write(move |tx| tx.run(&sql, &[]).map(drop)).await.unwrap()
    };
    run(ours, job("x", "crm.companies.bulk", "dead", 8)).await;
    finds(&app, &[], "jobs", &["acme", "crm.companies.bulk", "it did not work"]).await;
    run(ours, gone.clone()).await;

    run(TenantId::HUB, job("x", "account.mails.send", "ready", 3)).await;
    finds(&app, &["--quick"], "mail", &["1 mails"]).await;
    run(TenantId::HUB, gone).await;

    let due = Time::now().plus_seconds(-3600).0;
    let lease = Time::now().plus_seconds(3600).0;
    // Nobody works while this is looked at: the server here holds the lease, until it has gone.
    run(TenantId::HUB, format!(r#"INSERT INTO "due" ("tenant", "at", "stamp", "lease_until", "node") VALUES ('nobody', {due}, 1, {lease}, 'x')"#))
        .await;
    assert_eq!(wrong(&app, &["--quick"]).await.0, Vec::<Value>::new());
    there.close_streams();
    run(TenantId::HUB, r#"UPDATE "due" SET "lease_until" = 1 WHERE "tenant" = 'nobody'"#.to_owned()).await;
    finds(&app, &["--quick"], "jobs", &["1 databases", "10 minutes"]).await;
    run(TenantId::HUB, r#"DELETE FROM "due""#.to_owned()).await;

    let last = r#"WHERE "seq" = (SELECT MAX("seq") FROM "events")"#;
    let at = silo.read(move |tx| tx.row(&format!(r#"SELECT "at" FROM "events" {last}"#), &[], |row| row.int(0))).await.unwrap().unwrap();
    run(ours, format!(r#"UPDATE "events" SET "at" = {} {last}"#, Time::now().plus_seconds(86_400).0)).await;
    let (found, _) = wrong(&app, &[]).await;
    assert!(found.iter().any(|one| one["check"] == "clock" && one["detail"].as_str().unwrap().contains("acme")), "{found:?}");
    run(ours, format!(r#"UPDATE "events" SET "at" = {at} {last}"#)).await;

    let failure = format!(
        r#"INSERT INTO "migration_failures" ("tenant", "stamp", "problem", "tries", "since", "at", "again_at") VALUES ('{ours}', '{}', 'records do not fit', 2, 1, 1, {lease})"#,
        stamp_of_the_binary(&app).await
    );
    run(TenantId::HUB, failure).await;
    finds(&app, &["--quick"], "migration", &["acme", "records do not fit"]).await;
    run(TenantId::HUB, r#"DELETE FROM "migration_failures""#.to_owned()).await;
    assert_eq!(wrong(&app, &[]).await.0, Vec::<Value>::new());
    there.shutdown().await;
}

/// After `tenon migrate` every company has it.
async fn stamp_of_the_binary(app: &TestApp) -> String {
    assert_eq!(tenon(app, &["migrate"]).await.code, 0);
    let server = Place::new(&app.app.config().data, &[]);
    let mut command = server.tenon(this_binary(), &["migrate", "--status", "--json"]);
    serde_json::from_slice::<Value>(&command.output().unwrap().stdout).unwrap()["stamp"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_says_why_nothing_can_start() {
    let app = whole().await;
    let data = &app.app.config().data;
    let key = data.join("root.key");
    let start = async |words: &str| {
        let (found, code) = wrong(&app, &[]).await;
        assert_eq!(code, 2, "{found:?}");
        assert!(found.iter().any(|one| one["check"] == "start" && one["detail"].as_str().unwrap().contains(words)), "{words}: {found:?}");
        found
    };
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let found = start("may be read by others").await;
    assert!(found.iter().any(|one| one["check"] == "root key" && one["mend"].as_str().unwrap().starts_with("chmod 600")), "{found:?}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let right = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    start("missing").await;
    assert!(!key.exists());
    fs::write(&key, right).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    // The limit on files, as a unit file may set it.
    let mut few = Command::new("/bin/sh");
    few.args(["-c", r#"ulimit -n 512; exec "$0" doctor --quick --json"#, env!("CARGO_BIN_EXE_tenon")]).env_clear().env("TENON_DATA", data);
    if on_postgres() {
        few.env("TENON_SILOS", &app.app.config().storage.silos);
    }
    let output = few.env("TENON_SERVER__MAX_OPEN_SILOS", "1000").output().unwrap();
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found.iter().any(|one| one["check"] == "files" && one["ok"] == false), "{found:?}");

    if on_postgres() {
        // scripts/postgres.sh starts a server that syncs nothing.
        assert!(found.iter().any(|one| one["check"] == "engine" && one["detail"].as_str().unwrap().contains("off")), "{found:?}");
    }
    assert_eq!(wrong(&app, &[]).await.0, Vec::<Value>::new());
}
