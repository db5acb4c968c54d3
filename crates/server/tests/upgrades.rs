//! A product grows from version to version, and back: what the newer one added is there again when it returns.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use kernel::Module;
use serde_json::json;
use testkit::{ADMIN, TestApp};

fn shop(version: &str, fields: &str) -> Module {
    let manifest = format!(r#"{{"name": "shop", "title": "Shop", "version": "{version}", "min_platform": "0.1.0", "resources": ["goods"]}}"#);
    let goods = format!(r#"{{"name": "good", "plural": "goods", "title": "{{name}}", "fields": {{"name": {{"type": "text"}}{fields}}}}}"#);
    Module::parse("shop", &manifest, &[("goods", &goods)]).unwrap()
}

fn first() -> Module {
    shop("0.9.0", "")
}

fn second() -> Module {
    shop("0.10.0", r#", "size": {"type": "integer", "required": true, "default": 7}"#)
}

async fn restart(app: &mut TestApp, module: Module) {
    app.app.shutdown().await;
    app.app = TestApp::start_in(vec![module], app.folder()).await;
}

#[tokio::test]
async fn a_field_is_added_and_the_older_version_works_beside_it() {
    let mut app = TestApp::with(vec![first()]).await;
    let old = app.post(ADMIN, "/api/v1/shop/goods", json!({ "name": "table" })).await.expect(201);
    let path = format!("/api/v1/shop/goods/{}", old.id());

    restart(&mut app, second()).await;
    assert_eq!(app.get(ADMIN, &path).await.expect(200)["size"], 7);
    app.patch(ADMIN, &path, json!({ "size": 9 })).await.expect(200);

    restart(&mut app, first()).await;
    let back = app.get(ADMIN, &path).await.expect(200);
    assert_eq!((&back["name"], back.json.get("size")), (&json!("table"), None));
    app.patch(ADMIN, &path, json!({ "name": "desk" })).await.expect(200);
    let made = app.post(ADMIN, "/api/v1/shop/goods", json!({ "name": "chair" })).await.expect(201);

    restart(&mut app, second()).await;
    let again = app.get(ADMIN, &path).await.expect(200);
    assert_eq!((&again["name"], &again["size"]), (&json!("desk"), &json!(9)));
    assert_eq!(app.get(ADMIN, &format!("/api/v1/shop/goods/{}", made.id())).await.expect(200)["size"], 7);
}

#[tokio::test]
async fn what_would_lose_data_is_refused_and_named() {
    let mut app = TestApp::with(vec![second()]).await;
    restart(&mut app, shop("0.11.0", "")).await;
    let refused = app.get(ADMIN, "/api/v1/shop/goods").await.expect(503);
    assert_eq!(refused.code(), "not-migrated");
    assert!(refused.text().contains("shop.goods.size"), "{}", refused.text());
    app.get(ADMIN, "/api/v1/account/members").await.expect(200);
}

/// The same shop with fields, migrations and whatever else a manifest says.
fn grown(version: &str, fields: &str, migrations: &str) -> Module {
    let manifest = format!(
        r#"{{"name": "shop", "title": "Shop", "version": "{version}", "min_platform": "0.1.0", "resources": ["goods"], "migrations": [{migrations}]}}"#
    );
    let goods =
        format!(r#"{{"name": "good", "plural": "goods", "title": "{{name}}", "fields": {{"name": {{"type": "text", "search": true}}{fields}}}}}"#);
    Module::parse("shop", &manifest, &[("goods", &goods)]).unwrap()
}

const OLD: &str = r#", "code": {"type": "text", "max": 40, "unique": true}, "kinds": {"type": "tags"}, "cost": {"type": "money"}, "keeper": {"type": "user", "default": "actor.id"},
"stage": {"type": "choice", "options": ["lead", "open", "won"]}, "note": {"type": "text", "max": 50}"#;
const NEW: &str = r#", "sku": {"type": "text", "max": 40, "unique": true}, "topics": {"type": "tags"}, "price": {"type": "money"}, "owner": {"type": "user"},
"stage": {"type": "choice", "options": ["open", "won"], "required": true, "default": "open"}"#;
const MOVED: &str = r#"{"rename": "goods.code", "to": "sku"}, {"rename": "goods.kinds", "to": "topics"}, {"rename": "goods.cost", "to": "price"},
{"rename": "goods.keeper", "to": "owner"}, {"narrow": "goods.stage", "map": {"lead": "open"}}, {"retire": "goods.note"}"#;
const DROPPED: &str = r#"{"drop": "goods.code"}, {"drop": "goods.kinds"}, {"drop": "goods.cost"}, {"drop": "goods.keeper"}, {"drop": "goods.note"}"#;

async fn columns(app: &TestApp, table: &'static str) -> Vec<String> {
    let silo = app.app.silos().open(app.tenant(&app.admin)).await.unwrap();
    silo.read(move |sql| sql.columns(table)).await.unwrap()
}

#[tokio::test]
async fn fields_are_renamed_narrowed_retired_and_later_dropped() {
    let mut app = TestApp::with(vec![grown("1.0.0", OLD, "")]).await;
    let body = json!({ "name": "table", "code": "Äpfel", "kinds": ["oak", "old"], "cost": { "minor": 1250, "currency": "EUR" }, "stage": "lead", "note": "n" });
    let made = app.post(ADMIN, "/api/v1/shop/goods", body).await.expect(201);
    let bare = app.post(ADMIN, "/api/v1/shop/goods", json!({ "name": "chair" })).await.expect(201);
    let path = format!("/api/v1/shop/goods/{}", made.id());

    restart(&mut app, grown("2.0.0", NEW, MOVED)).await;
    let moved = app.get(ADMIN, &path).await.expect(200);
    assert_eq!((&moved["sku"], &moved["topics"], &moved["stage"]), (&json!("Äpfel"), &json!(["oak", "old"]), &json!("open")));
    assert_eq!((&moved["price"], &moved["owner"]), (&json!({ "minor": 1250, "currency": "EUR" }), &made["keeper"]));
    assert_eq!(moved["version"], 2, "a value that became another is a change of the record");
    assert_eq!(moved.json.get("note"), None);
    assert_eq!(app.get(ADMIN, &format!("/api/v1/shop/goods/{}", bare.id())).await.expect(200)["stage"], "open");
    let same = app.post(ADMIN, "/api/v1/shop/goods", json!({ "name": "stool", "sku": "ÄPFEL" })).await.expect(409);
    assert_eq!(same.code(), "duplicate");
    let filtered = app.get(ADMIN, "/api/v1/shop/goods?filter=%22oak%22%20in%20topics%20%26%26%20price.minor%20%3D%3D%201250").await.expect(200);
    assert_eq!(filtered["items"].as_array().unwrap().len(), 1);

    // The way back: the version before still finds its columns, and what it had, references excepted.
    restart(&mut app, grown("1.0.0", OLD, "")).await;
    let back = app.get(ADMIN, &path).await.expect(200);
    assert_eq!((&back["code"], &back["kinds"], &back["note"]), (&json!("Äpfel"), &json!(["oak", "old"]), &json!("n")));
    app.post(ADMIN, "/api/v1/shop/goods", json!({ "name": "bench", "code": "b" })).await.expect(201);

    restart(&mut app, grown("2.0.0", NEW, MOVED)).await;
    assert_eq!(app.get(ADMIN, &path).await.expect(200)["sku"], "Äpfel");

    restart(&mut app, grown("3.0.0", NEW, &format!("{MOVED}, {DROPPED}"))).await;
    assert_eq!(app.get(ADMIN, &path).await.expect(200)["sku"], "Äpfel");
    let there = columns(&app, "shop_goods").await;
    for gone in ["code", "code_key", "cost_minor", "cost_currency", "keeper", "note"] {
        assert!(!there.iter().any(|column| column == gone), "{gone} is still among {there:?}");
    }
    assert!(columns(&app, "shop_goods__kinds").await.is_empty());
    assert!(!columns(&app, "shop_goods__topics").await.is_empty());

    let log = app.get(ADMIN, "/api/v1/events?filter=type%20%3D%3D%20%22hub.module.updated%22").await.expect(200);
    let versions: Vec<_> = log["items"].as_array().unwrap().iter().map(|event| event["data"]["after"]["version"].clone()).collect();
    assert_eq!(versions, [json!("3.0.0"), json!("2.0.0")]);
}

#[tokio::test]
async fn a_new_company_has_all_steps_behind_it() {
    let mut app = TestApp::with(vec![grown("2.0.0", NEW, MOVED)]).await;
    let made = app.post(ADMIN, "/api/v1/shop/goods", json!({ "name": "table", "stage": "won" })).await.expect(201);
    restart(&mut app, grown("3.0.0", NEW, &format!("{MOVED}, {DROPPED}"))).await;
    assert_eq!(app.get(ADMIN, &format!("/api/v1/shop/goods/{}", made.id())).await.expect(200)["stage"], "won");
}

#[tokio::test]
async fn a_silo_whose_records_do_not_fit_stays_as_it_was() {
    let mut app = TestApp::with(vec![grown("1.0.0", OLD, "")]).await;
    let made = app.post(ADMIN, "/api/v1/shop/goods", json!({ "name": "table", "stage": "lead" })).await.expect(201);
    let narrow = OLD.replace(r#""lead", "#, "");
    restart(&mut app, grown("2.0.0", &narrow, r#"{"narrow": "goods.stage"}"#)).await;
    let path = format!("/api/v1/shop/goods/{}", made.id());
    assert_eq!(app.get(ADMIN, &path).await.expect(200)["stage"], "lead");
    let problem = app.app.not_migrated(app.tenant(&app.admin)).unwrap();
    assert!(problem.contains("shop.goods.stage: the option is gone in 1 records"), "{problem}");

    restart(&mut app, grown("1.0.0", OLD, "")).await;
    assert_eq!(app.app.not_migrated(app.tenant(&app.admin)), None);
    app.patch(ADMIN, &path, json!({ "stage": "won" })).await.expect(200);
    restart(&mut app, grown("2.0.0", &narrow, r#"{"narrow": "goods.stage"}"#)).await;
    assert_eq!(app.get(ADMIN, &path).await.expect(200)["stage"], "won");
}
