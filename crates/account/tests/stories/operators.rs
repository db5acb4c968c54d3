use crate::support::PASSWORD;
use serde_json::json;
use testkit::{ADMIN, NOBODY, TestApp};

#[tokio::test]
async fn the_operator_works_in_the_hub_and_nobody_else_does() {
    let app = TestApp::with(vec![]).await;
    assert!(account::operators::create(&app.app, "op@tenon.test", "Olga", "short").await.is_err());
    account::operators::create(&app.app, "op@tenon.test", "Olga", PASSWORD).await.unwrap();
    account::operators::create(&app.app, "op@tenon.test", "Olga", PASSWORD).await.unwrap();
    let operator = app.sign_in("op@tenon.test").await;
    assert_eq!(operator.me["tenant"]["slug"], "hub");
    app.get_as(Some(&operator.token), "/api/v1/hub/tenants").await.expect(200);
    app.get(ADMIN, "/api/v1/hub/tenants").await.expect(403);
    app.get(NOBODY, "/api/v1/hub/tenants").await.expect(401);
}

#[tokio::test]
async fn a_reset_link_can_be_made_by_hand() {
    let app = TestApp::with(vec![]).await;
    assert!(account::operators::reset_link(&app.app, "no@body.test").await.is_err());
    let link = account::operators::reset_link(&app.app, "Admin@acme.test").await.unwrap();
    let token = link.strip_prefix("http://127.0.0.1:7070/reset#token=").unwrap();
    app.post_as(None, "/api/v1/auth/reset", json!({"token": token, "password": "tractor vinyl omelette"})).await.expect(204);
    app.post_as(None, "/api/v1/auth/reset", json!({"token": token, "password": "tractor vinyl omelette"})).await.expect(410);
}
