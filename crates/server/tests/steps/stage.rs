//! An installation on which one piece of work after the other is broken off.

use crate::{
    child::{Doomed, tenon},
    points::Action,
    ways::{Case, Place, Way},
};
use base::{TenantId, Time};
use kernel::Module;
use serde_json::json;
use server::door::Door;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use testkit::{ADMIN, PASSWORD, TestApp};

/// How long work may take that nothing holds up any more.
const PATIENCE: Duration = Duration::from_secs(20);
/// Until when a job counts as one that is tried again soon, in seconds; those that look after what was left behind come later.
const SOON: i64 = 15;

pub struct Stage {
    pub app: TestApp,
    /// A backup of the first company.
    pub backup: PathBuf,
    number: u32,
}

pub fn shop() -> (&'static str, String, Vec<(&'static str, String)>) {
    let manifest = r#"{"name": "shop", "title": "Shop", "version": "1.0.0", "min_platform": "0.1.0", "resources": ["goods"]}"#;
    let goods = r#"{"name": "good", "plural": "goods", "title": "{name}", "fields": {"name": {"type": "text", "required": true, "search": true}}}"#;
    ("shop", manifest.into(), vec![("goods", goods.into())])
}

/// What is installed, uninstalled and purged.
fn depot() -> (&'static str, String, Vec<(&'static str, String)>) {
    let manifest = r#"{"name": "depot", "title": "Depot", "version": "1.0.0", "min_platform": "0.1.0", "resources": ["racks"]}"#;
    let racks =
        r#"{"name": "rack", "plural": "racks", "title": "{name}", "fields": {"name": {"type": "text", "search": true}, "kinds": {"type": "tags"}}}"#;
    ("depot", manifest.into(), vec![("racks", racks.into())])
}

/// A pack, as the app of a test has it; and as a file, where the binary finds it.
pub fn pack(data: &Path, (name, manifest, resources): (&'static str, String, Vec<(&'static str, String)>)) -> Module {
    let folder = data.join("packs").join(name);
    std::fs::create_dir_all(folder.join("resources")).unwrap();
    std::fs::write(folder.join("manifest.json"), &manifest).unwrap();
    for (resource, text) in &resources {
        std::fs::write(folder.join(format!("resources/{resource}.json")), text).unwrap();
    }
    let resources: Vec<(&str, &str)> = resources.iter().map(|(name, text)| (*name, text.as_str())).collect();
    Module::parse(name, &manifest, &resources).unwrap()
}

fn modules(data: &Path) -> Vec<Module> {
    vec![pack(data, shop()), pack(data, depot())]
}

impl Stage {
    pub async fn new() -> Stage {
        let scratch = tempfile::tempdir().unwrap();
        let app = TestApp::with(vec![pack(scratch.path(), shop()), pack(scratch.path(), depot())]).await;
        modules(&data(&app));
        for verb in ["uninstall", "purge"] {
            let body = if verb == "purge" { json!({ "confirm": "depot" }) } else { json!({}) };
            app.post(ADMIN, &format!("/api/v1/modules/depot/{verb}"), body).await.expect(200);
        }
        let rows: String = (0..600).map(|n| format!("seed {n}\n")).collect();
        app.import(ADMIN, "/api/v1/shop/goods:import", &format!("name\n{rows}")).await.expect(200);
        let backup = app.folder().join("first.backup");
        hub::backup::write(&app.app, app.tenant(&app.admin), &backup, false).await.unwrap();
        Stage { app, backup, number: 0 }
    }

    pub fn next(&mut self) -> u32 {
        self.number += 1;
        self.number
    }

    pub fn data(&self) -> PathBuf {
        data(&self.app)
    }

    pub fn inside(&self) -> Place {
        Place::Inside(self.app.app.clone())
    }

    /// Does one piece of work that breaks off, looks what became of it, asks for it again, and looks again.
    pub async fn run(&mut self, way: Way, point: &str, action: Action) {
        let case = way.prepare(self).await;
        let other = self.app.tenant(&self.app.other);
        let before = (self.app.contents(other).await, self.app.hub_rows(other).await);
        if action == Action::Kill {
            self.kill(way, &case, point).await;
        } else {
            let seen = base::reached(point);
            base::arm(point, action.text()).unwrap();
            let first = self.during(way.act(self.inside(), case.clone())).await;
            self.settle(way.comes_later()).await;
            base::disarm(point);
            assert!(base::reached(point) > seen, "no work came to {point}");
            assert!(action != Action::Delay || first.is_ok(), "{point} {action:?}: {first:?}");
        }
        self.settle(true).await;
        way.check_after_break(self, &case).await;
        let again = self.during(way.act(self.inside(), case.clone())).await;
        assert!(again.is_ok(), "{point} {action:?}, once more: {again:?}");
        self.settle(true).await;
        way.check(self, &case).await;
        self.is_sound(point).await;
        before.0.expect_unchanged(&self.app.contents(other).await, point);
        before.1.expect_unchanged(&self.app.hub_rows(other).await, point);
    }

    /// The same in the real binary, which ends at the step; then it is started anew on the same data.
    async fn kill(&mut self, way: Way, case: &Case, point: &str) {
        let url = self.app.app.config().server.public_url.clone();
        if let Some(args) = way.command(self, case) {
            let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
            let mut command = tenon(&self.data(), &url, &format!("{point}={}", Action::Kill.text()), &args);
            let status = command.output().unwrap().status;
            assert!(std::os::unix::process::ExitStatusExt::signal(&status).is_some(), "no command came to {point}: {status}");
            return;
        }
        if way.comes_later() {
            self.pass_time(i64::MAX, Time::now().plus_seconds(1)).await;
        }
        self.app.app.shutdown().await;
        let doomed = Doomed::start(&self.data(), &url, point, 0).await;
        // How far it comes is seen afterwards.
        drop(tokio::time::timeout(PATIENCE, way.act(Place::Server(doomed.door()), case.clone())).await);
        assert!(doomed.died(PATIENCE).await, "no server came to {point}");
        self.restart().await;
    }

    async fn restart(&mut self) {
        let modules = modules(&self.data());
        self.app.app = TestApp::start_in(modules, self.app.folder()).await;
        // Whoever held these is no more.
        for silo in self.busy().await {
            let over = r#"UPDATE "jobs" SET "lease_until" = 0 WHERE "status" = 'running'"#;
            silo.write(|sql| sql.run(over, &[]).map(drop)).await.unwrap();
        }
        let over = r#"UPDATE "due" SET "lease_until" = NULL"#;
        self.app.app.hub().write(|sql| sql.run(over, &[]).map(drop)).await.unwrap();
    }

    /// The silos in which this test makes work.
    async fn busy(&self) -> [silo::Silo; 2] {
        [self.app.app.hub().clone(), self.app.app.silos().open(self.app.tenant(&self.app.admin)).await.unwrap()]
    }

    /// Does this while jobs that failed are tried again sooner than they would be.
    async fn during(&self, work: impl Future<Output = base::Result<()>> + Send + 'static) -> base::Result<()> {
        // In a task of its own, as a request has it: a panic is its end and no more.
        let mut work = tokio::spawn(work);
        loop {
            tokio::select! {
                done = &mut work => return done.unwrap_or_else(|_| Err(base::Error::internal("a panic"))),
                () = tokio::time::sleep(Duration::from_millis(20)) => drop(self.go_on(Time::now().plus_seconds(SOON)).await),
            }
        }
    }

    /// Waits until nothing is left to do; with `later`, also what looks after work that was left half done.
    pub async fn settle(&self, later: bool) {
        let until = if later { Time(i64::MAX) } else { Time::now().plus_seconds(SOON) };
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.go_on(until).await > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "there is still work to do");
    }

    /// Makes what waits be due now, and looks for it. Returns how much there was.
    async fn go_on(&self, until: Time) -> i64 {
        let left = self.pass_time(until.0, Time::now()).await;
        if left > 0 {
            // A dispatcher looks once when it begins.
            let looking = kernel::jobs::dispatch(self.app.app.clone());
            drop(tokio::time::timeout(Duration::from_millis(10), looking).await);
        }
        left
    }

    async fn pass_time(&self, until: i64, to: Time) -> i64 {
        let mut all = 0;
        for silo in self.busy().await {
            let waiting = r#"SELECT COUNT(*) FROM "jobs" WHERE "status" = 'running' OR ("status" = 'ready' AND "run_at" <= ?1)"#;
            let left = silo.scan(move |sql| sql.row(waiting, &[until.into()], |row| row.int(0))).await.unwrap().unwrap();
            if left == 0 {
                continue;
            }
            all += left;
            let due = r#"UPDATE "jobs" SET "run_at" = ?2 WHERE "status" = 'ready' AND "run_at" <= ?1 AND "run_at" > ?2"#;
            silo.write(move |sql| sql.run(due, &[until.into(), to.into()]).map(drop)).await.unwrap();
            let id = silo.id().to_string();
            let known = r#"INSERT INTO "due" ("tenant", "at", "stamp") VALUES (?1, ?2, 1)
ON CONFLICT ("tenant") DO UPDATE SET "at" = CASE WHEN "due"."at" < ?2 THEN "due"."at" ELSE ?2 END, "stamp" = "due"."stamp" + 1"#;
            self.app.app.hub().write(move |sql| sql.run(known, &[id.into(), to.into()]).map(drop)).await.unwrap();
        }
        all
    }

    /// Hub and silos agree, nothing belongs to nobody, every log verifies.
    pub async fn is_sound(&self, point: &str) {
        let app = &self.app.app;
        assert_eq!(hub::tenants::orphans(app).await.unwrap(), [], "{point}: databases of nobody");
        let half =
            r#"SELECT (SELECT COUNT(*) FROM "links" WHERE "status" = 'working') + (SELECT COUNT(*) FROM "hub_tenants" WHERE "status" = 'restoring')"#;
        let half = app.hub().scan(move |sql| sql.row(half, &[], |row| row.int(0))).await.unwrap();
        assert_eq!(half, Some(0), "{point}: rows that are half done");
        for silo in self.busy().await {
            let dead = silo.scan(|sql| sql.row(r#"SELECT COUNT(*) FROM "jobs" WHERE "status" = 'dead'"#, &[], |row| row.int(0))).await.unwrap();
            assert_eq!(dead, Some(0), "{point}: a job was given up");
            self.log_is_whole(silo.id()).await;
        }
    }

    pub async fn log_is_whole(&self, tenant: TenantId) {
        assert_eq!(hub::audit::verify(&self.app.app, tenant).await.unwrap().broken, None);
    }

    /// One number of a silo.
    pub async fn count(&self, tenant: TenantId, sql: &'static str, word: String) -> i64 {
        let silo = self.app.app.silos().open(tenant).await.unwrap();
        silo.scan(move |tx| tx.row(sql, &[word.into()], |row| row.int(0))).await.unwrap().unwrap()
    }

    /// The command that looks for what is wrong finds nothing but that nobody runs this installation.
    pub async fn doctor_has_nothing_to_say(&self) {
        account::operators::create(&self.app.app, "op@tenon.test", "Olga", PASSWORD).await.unwrap();
        let output = tenon(&self.data(), &self.app.app.config().server.public_url, "", &["doctor", "--json"]).output().unwrap();
        let found: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        // A debug build may lack the console, and the PostgreSQL of tests syncs nothing.
        let of_tests = |finding: &serde_json::Value| matches!(finding["check"].as_str(), Some("console" | "engine"));
        let wrong: Vec<_> = found.iter().filter(|finding| finding["ok"] == false && !of_tests(finding)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

fn data(app: &TestApp) -> PathBuf {
    app.folder().join("data")
}

/// Sends a request and takes nothing but success, or what is `also` good. Who is told to come later does, as any client would.
pub async fn asked(door: &Door, request: &server::door::Asked, also: u16) -> base::Result<server::door::Answer> {
    for _ in 0..50 {
        let answer = door.send(request).await?;
        if answer.status == 503 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        return match answer.status.is_success() || answer.status.as_u16() == also {
            true => Ok(answer),
            false => Err(base::Error::malformed("refused", format!("{} {}: {} {}", request.method, request.path, answer.status, answer.text()))),
        };
    }
    Err(base::Error::unavailable(format!("{} {} is never answered", request.method, request.path)))
}
