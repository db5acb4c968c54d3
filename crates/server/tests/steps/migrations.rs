//! A silo is brought to a new version when it is opened, and that breaks off: the next opening does it, once.

use crate::{
    child::Doomed,
    points::{self, Action},
    stage::pack,
    turn,
};
use kernel::Module;
use serde_json::json;
use server::door::Asked;
use std::{path::Path, time::Duration};
use testkit::{ADMIN, Answer, TestApp, soak};

/// More versions than this would be more fields than a table of goods should have.
const VERSIONS: usize = 20;

/// The shop in one version of many. From each to the next a field goes on under another name, one becomes unique (which gives it a key to
/// be filled), one is new, and what was renamed the time before is dropped.
fn shop(data: &Path, version: usize) -> Module {
    let fields: Vec<String> = (0..=version)
        .map(|n| format!(r#""plain_{n}": {{"type": "text", "max": 100, "unique": {}}}"#, n < version))
        .chain([format!(r#""moved_{version}": {{"type": "text"}}"#)])
        .collect();
    let steps: Vec<String> = (1..=version)
        .flat_map(|n| {
            let rename = format!(r#"{{"rename": "goods.moved_{}", "to": "moved_{n}"}}"#, n - 1);
            let narrow = format!(r#"{{"narrow": "goods.plain_{}"}}"#, n - 1);
            let drop = (n > 1).then(|| format!(r#"{{"drop": "goods.moved_{}"}}"#, n - 2));
            [Some(rename), Some(narrow), drop].into_iter().flatten()
        })
        .collect();
    let manifest = format!(
        r#"{{"name": "shop", "title": "Shop", "version": "1.{version}.0", "min_platform": "0.1.0", "resources": ["goods"], "migrations": [{}]}}"#,
        steps.join(", ")
    );
    let goods =
        format!(r#"{{"name": "good", "plural": "goods", "title": "{{name}}", "fields": {{"name": {{"type": "text"}}, {}}}}}"#, fields.join(", "));
    pack(data, ("shop", manifest, vec![("goods", goods)]))
}

struct Shop {
    app: TestApp,
    version: usize,
    good: String,
}

impl Shop {
    async fn open() -> Shop {
        let scratch = tempfile::tempdir().unwrap();
        let app = TestApp::with(vec![shop(scratch.path(), 0)]).await;
        let good = json!({ "name": "table", "moved_0": "Äpfel", "plain_0": "Value 0" });
        let good = app.post(ADMIN, "/api/v1/shop/goods", good).await.expect(201).id();
        app.post(ADMIN, "/api/v1/shop/goods", json!({ "name": "chair" })).await.expect(201);
        Shop { app, version: 0, good }
    }

    /// A silo as it was made before there were seals, and the server that comes next has the next version of the shop.
    async fn grow(&mut self) -> Module {
        let silo = self.app.app.silos().open(self.app.tenant(&self.app.admin)).await.unwrap();
        silo.write(|sql| sql.ddl(r#"ALTER TABLE "meta" DROP COLUMN "seal""#)).await.unwrap();
        drop(silo);
        self.app.app.shutdown().await;
        self.version += 1;
        shop(&self.app.folder().join("data"), self.version)
    }

    async fn restart(&mut self, module: Module) {
        self.app.app = TestApp::start_in(vec![module], self.app.folder()).await;
    }

    fn path(&self) -> String {
        format!("/api/v1/shop/goods/{}", self.good)
    }

    /// Whoever comes while another migrates it is told to come later, and does.
    async fn answered(&self) -> Answer {
        for _ in 0..100 {
            let answer = self.app.get(ADMIN, &self.path()).await;
            if answer.code() != "unavailable" {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it is never answered");
    }

    /// Breaks one opening off, and looks what the next makes of it.
    async fn run(&mut self, point: &str, action: Action, passes: usize) -> bool {
        let module = self.grow().await;
        // The hub is opened, too, before the company is.
        let hub = usize::from(point == "migrate.opened");
        let reached = if action == Action::Kill {
            let url = self.app.app.config().server.public_url.clone();
            let doomed = Doomed::start(&self.app.folder().join("data"), &url, point, passes + hub).await;
            drop(doomed.door().send(&Asked::get(self.path()).by(Some(&self.app.admin.token))).await);
            let died = doomed.died(Duration::from_secs(if passes == 0 { 20 } else { 1 })).await;
            self.restart(module).await;
            died
        } else {
            let seen = base::reached(point);
            // Before anybody opens anything: the sweep may be faster than the request.
            let off = passes + hub;
            base::arm(point, &if off == 0 { action.text().to_owned() } else { format!("{off}*off->{}", action.text()) }).unwrap();
            self.restart(module).await;
            let first = self.answered().await;
            base::disarm(point);
            let reached = base::reached(point) > seen;
            // It broke off the opening of this request, or that of the sweep in the background, which is then done again by this request.
            if action == Action::Delay || !reached || first.status == 200 {
                first.expect(200);
            } else if first.status == 503 {
                // What failed in one module's tables keeps that module as it was, until the next opening.
                assert_eq!(first.code(), "not-migrated", "{point}: {}", first.text());
                self.app.app.shutdown().await;
                self.restart(shop(&self.app.folder().join("data"), self.version)).await;
            } else {
                assert_eq!(first.status, 500, "{point} by {}: {}", action.text(), first.text());
            }
            reached
        };
        self.check(point).await;
        reached
    }

    async fn check(&mut self, point: &str) {
        // Over a long test, an access token would end.
        self.app.admin = self.app.sign_in("admin@acme.test").await;
        let (version, path) = (self.version, self.path());
        let good = self.app.get(ADMIN, &path).await.expect(200);
        assert_eq!(good[&*format!("moved_{version}")], "Äpfel", "{point}");
        assert_eq!(good[&*format!("plain_{}", version - 1)], format!("Value {}", version - 1), "{point}");
        let same = json!({ "name": "bench", format!("plain_{}", version - 1): format!("VALUE {}", version - 1) });
        self.app.post(ADMIN, "/api/v1/shop/goods", same).await.expect(409);
        let tenant = self.app.tenant(&self.app.admin);
        let silo = self.app.app.silos().open(tenant).await.unwrap();
        let told = format!(r#"%"after":{{"version":"1.{version}.0"%"#);
        let (columns, told, sealed) = silo
            .scan(move |sql| {
                let find = r#"SELECT COUNT(*) FROM "events" WHERE "type" = 'hub.module.updated' AND "data" LIKE ?1"#;
                let told = sql.row(find, &[told.into()], |row| row.int(0))?;
                let sealed = sql.row(r#"SELECT COUNT(*) FROM "meta" WHERE "seal" IS NOT NULL"#, &[], |row| row.int(0))?;
                Ok((sql.columns("shop_goods")?, told, sealed))
            })
            .await
            .unwrap();
        assert_eq!((told, sealed), (Some(1), Some(1)), "{point}: told once, sealed once");
        let gone = version.checked_sub(2).map(|n| format!("moved_{n}"));
        assert!(!columns.iter().any(|column| Some(column) == gone.as_ref()), "{point}: {gone:?} is still among {columns:?}");
        assert_eq!(hub::audit::verify(&self.app.app, tenant).await.unwrap().broken, None);
        let next = json!({ format!("plain_{version}"): format!("Value {version}") });
        self.app.patch(ADMIN, &path, next).await.expect(200);
    }
}

/// In the short form at each step once, in the long form (`TENON_SOAK=1`) each time that a migration comes by it, in all four ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_20_a_migration_that_breaks_off_anywhere_is_done_once_by_the_next_opening() {
    let _turn = turn().await;
    let long = soak(false, true);
    let mut shop = Shop::open().await;
    // The first version has nothing to drop.
    let module = shop.grow().await;
    shop.restart(module).await;
    shop.check("the first").await;
    for (at, point) in points::here().iter().filter(|point| point.starts_with("migrate.")).enumerate() {
        // The kill is what matters most here: every second step gets it in the short form.
        for action in if long { points::actions(at) } else { points::actions(at / 2 * 4 + at % 2) } {
            for passes in 0.. {
                if shop.version == VERSIONS {
                    shop = Shop::open().await;
                    let module = shop.grow().await;
                    shop.restart(module).await;
                    shop.check("the first").await;
                }
                let reached = shop.run(point, action, passes).await;
                assert!(reached || passes > 0, "no migration came to {point}");
                if !reached || !long {
                    break;
                }
            }
        }
    }
}
