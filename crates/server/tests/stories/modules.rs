//! The marketplace.

use super::{app, company, items};
use serde_json::json;
use testkit::{ADMIN, Answer, OTHER_TENANT};

#[tokio::test]
async fn a_module_is_installed_once_keeps_its_data_when_it_goes_and_loses_it_when_purged() {
    let app = app().await;
    let offer = |list: &Answer| items(list).iter().find(|m| m["name"] == "crm").cloned().unwrap();
    assert_eq!(offer(&app.get(ADMIN, "/api/v1/modules").await.expect(200))["installed"], true);
    company(&app, "3M").await;
    let installed = |list: &Answer| items(list).iter().filter(|e| e["type"] == "hub.module.installed").count();
    assert_eq!(installed(&app.get(ADMIN, "/api/v1/events").await.expect(200)), 1);
    app.post(ADMIN, "/api/v1/modules/crm/install", json!({})).await.expect(200);
    assert_eq!(installed(&app.get(ADMIN, "/api/v1/events").await.expect(200)), 1, "twice is the same as once");
    app.post(ADMIN, "/api/v1/modules/crm/purge", json!({ "confirm": "crm" })).await.expect(409);
    assert_eq!(app.post(ADMIN, "/api/v1/modules/crm/uninstall", json!({})).await.expect(200)["has_data"], true);
    app.get(ADMIN, "/api/v1/crm/companies").await.expect(404);
    let me = app.get(ADMIN, "/api/v1/me").await.expect(200);
    assert!(!me["permissions"].to_string().contains("crm."), "its permissions are gone with it");
    assert!(!app.get(ADMIN, "/api/v1/meta").await.expect(200)["nav"].to_string().contains("crm"), "and its pages");
    app.post(ADMIN, "/api/v1/modules/crm/install", json!({})).await.expect(200);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true").await.expect(200)["total"], 1, "the data stayed");
    app.post(ADMIN, "/api/v1/modules/crm/uninstall", json!({})).await.expect(200);
    app.post(ADMIN, "/api/v1/modules/crm/purge", json!({ "confirm": "CRM" })).await.expect(400);
    assert_eq!(app.post(ADMIN, "/api/v1/modules/crm/purge", json!({ "confirm": "crm" })).await.expect(200)["has_data"], false);
    app.post(ADMIN, "/api/v1/modules/crm/install", json!({})).await.expect(200);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true").await.expect(200)["total"], 0);
    assert_eq!(items(&app.get(ADMIN, "/api/v1/search?q=3M").await.expect(200)).len(), 0);
    // The other company's CRM was never touched.
    assert_eq!(offer(&app.get(OTHER_TENANT, "/api/v1/modules").await.expect(200))["installed"], true);
}
