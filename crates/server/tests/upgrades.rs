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
    let refused = app.get(ADMIN, "/api/v1/shop/goods").await.expect(409);
    assert_eq!(refused.code(), "migration");
    assert!(refused.text().contains("shop.goods.size"), "{}", refused.text());
}
