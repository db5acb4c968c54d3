//! The disk is full, and then it is not any more. On PostgreSQL the disk is somebody else's.

use super::{company, ended, items};
use base::{Error, TenantId, Time, new_id};
use kernel::config::Bytes;
use serde_json::{Value, json};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use testkit::{ADMIN, Answer, TestApp, on_postgres, within};

const BALLAST: u64 = 4 << 20;

/// A small file system of its own. Only root can make one.
struct Small(PathBuf);

impl Small {
    fn new(below: &Path) -> Option<Small> {
        let small = Small(below.join("small"));
        std::fs::create_dir(&small.0).unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=40m", "tenon-test"]).arg(&small.0).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(small);
        }
        println!("not run: a small file system cannot be mounted here");
        None
    }

    /// Writes until there is no room left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
    }

    fn free_again(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

/// A job that is due at some time, as an operation would leave it.
async fn job(app: &TestApp, kind: &'static str, at: Time) -> String {
    let (id, tenant) = (new_id(), app.tenant(&app.admin));
    let (made, due) = (id.clone(), tenant.to_string());
    let silo = app.app.silos().open(tenant).await.unwrap();
    silo.write(move |sql| {
        sql.run(
            r#"INSERT INTO "jobs" ("id", "kind", "priority", "args", "status", "run_at", "attempt", "progress", "actor", "cancel", "created_at")
VALUES (?1, ?2, 0, '{}', 'ready', ?3, 0, 0, 'system:crm', ?4, ?3)"#,
            &[made.into(), kind.into(), at.into(), false.into()],
        )
    })
    .await
    .unwrap();
    app.app
        .hub()
        .write(move |sql| {
            let insert = r#"INSERT INTO "due" ("tenant", "at", "stamp") VALUES (?1, ?2, 1)
ON CONFLICT ("tenant") DO UPDATE SET "at" = excluded."at", "stamp" = "due"."stamp" + 1"#;
            sql.run(insert, &[due.into(), at.into()])
        })
        .await
        .unwrap();
    id
}

async fn attempts(app: &TestApp, id: &str) -> i64 {
    let (silo, id) = (app.app.silos().open(app.tenant(&app.admin)).await.unwrap(), id.to_owned());
    silo.read(move |sql| sql.row(r#"SELECT "attempt" FROM "jobs" WHERE "id" = ?1"#, &[id.into()], |row| row.int(0))).await.unwrap().unwrap()
}

async fn soon(what: &str, is_so: impl AsyncFnMut() -> bool) {
    within(Duration::from_secs(5), what, is_so).await;
}

async fn make(app: &TestApp, n: u64) -> Answer {
    app.post(ADMIN, "/api/v1/crm/companies", json!({ "name": format!("{n}"), "notes": "x".repeat(3000) })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_04_on_a_full_disk_people_read_and_delete_and_all_goes_on_when_there_is_room() {
    if on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::new(folder.path()) else { return };
    let data = small.0.join("data");
    let ran = Arc::new(AtomicU64::new(0));
    let module = testkit::crm().job("crm.count", 2, {
        let ran = ran.clone();
        move |_, job| {
            ran.fetch_add(1, SeqCst);
            async move { job.progress(50, "half").await.map(|()| Value::Null) }
        }
    });
    let app = TestApp::configured(vec![module], |config| (config.data, config.storage.ballast) = (data.clone(), Bytes(BALLAST))).await;
    let ballast = data.join("ballast");
    let held = || ballast.metadata().is_ok_and(|file| file.len() == BALLAST);
    soon("the ballast is made", async || held()).await;

    let mut ids = vec![company(&app, "before").await];
    let waiting = job(&app, "crm.count", Time::now().plus_seconds(2)).await;
    small.fill();
    let mut n = 0;
    soon("a write is refused", async || {
        n += 1;
        let answer = make(&app, n).await;
        match answer.status.as_u16() {
            201 => ids.push(answer.id()),
            507 => assert_eq!(answer.code(), "storage-full"),
            _ => panic!("{}", answer.text()),
        }
        answer.status.as_u16() == 507 && !ballast.exists()
    })
    .await;
    // Reading goes on, and so does deleting.
    app.get(ADMIN, &format!("/api/v1/crm/companies/{}", ids[0])).await.expect(200);
    let listed = app.get(ADMIN, "/api/v1/crm/companies?limit=1&count=true").await.expect(200);
    assert_eq!(listed["total"], ids.len(), "what was acknowledged is there, what was refused is not");
    let gone = ids.pop().unwrap();
    app.delete(ADMIN, &format!("/api/v1/crm/companies/{gone}")).await.expect(204);
    let bulk = |verb: &str, id: &str| json!({ "ids": [id], "do": verb });
    if let Some(gone) = ids.pop() {
        let done = app.post(ADMIN, "/api/v1/crm/companies:bulk", bulk("delete", &gone)).await.expect(200);
        assert_eq!(done["changed"], 1);
    }
    make(&app, 0).await.expect(507);
    app.patch(ADMIN, "/api/v1/crm/companies/x", json!({ "name": "x" })).await.expect(507);
    app.post(ADMIN, "/api/v1/crm/companies:bulk", json!({ "ids": [], "do": "update", "patch": { "name": "x" } })).await.expect(507);
    app.sign_in("admin@acme.test").await;
    // The job that has become due meanwhile is not even tried.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((ran.load(SeqCst), attempts(&app, &waiting).await), (0, 0));
    assert!(!held());

    small.free_again();
    soon("writes are taken again", async || make(&app, 0).await.status.as_u16() == 201).await;
    soon("the ballast is back", async || held()).await;
    let done = ended(&app, &waiting).await;
    assert_eq!((done["status"].as_str(), ran.load(SeqCst), attempts(&app, &waiting).await), (Some("done"), 1, 1));
    let tenant = app.tenant(&app.admin);
    assert!(kernel_log_is_whole(&app, tenant).await);
    assert!(!items(&app.get(ADMIN, "/api/v1/crm/companies").await.expect(200)).is_empty());
    app.app.shutdown().await;
}

async fn kernel_log_is_whole(app: &TestApp, tenant: TenantId) -> bool {
    hub::audit::verify(&app.app, tenant).await.unwrap().broken.is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_that_found_the_disk_full_does_not_count() {
    let ran = Arc::new(AtomicU64::new(0));
    let module = testkit::crm().job("crm.full", 2, {
        let ran = ran.clone();
        move |_, _| {
            let n = ran.fetch_add(1, SeqCst);
            async move { if n < 3 { Err(Error::full("on purpose")) } else { Ok(Value::Null) } }
        }
    });
    let app = TestApp::with(vec![module]).await;
    let id = job(&app, "crm.full", Time::now()).await;
    let done = ended(&app, &id).await;
    assert_eq!((done["status"].as_str(), ran.load(SeqCst), attempts(&app, &id).await), (Some("done"), 4, 1));
}
