use http::Method;
use serde_json::{Value, json};
use testkit::{ADMIN, OTHER_TENANT, STRANGER, TestApp};

async fn make(app: &TestApp, scopes: Value) -> (String, String) {
    let made = app.post(ADMIN, "/api/v1/account/keys", json!({"name": "robot", "scopes": scopes, "expires_in_days": 30})).await.expect(201);
    (made.id(), made["secret"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_key_does_what_it_was_made_for_until_it_is_revoked() {
    let app = TestApp::with(vec![]).await;
    let (id, key) = make(&app, json!(["account.members:read"])).await;
    assert!(key.starts_with("tnk_live_") && key.contains(&id));
    app.get_as(Some(&key), "/api/v1/account/members").await.expect(200);
    app.get_as(Some(&key), "/api/v1/account/invitations").await.expect(403);
    let me = app.get_as(Some(&key), "/api/v1/me").await.expect(200);
    assert_eq!(me["permissions"], json!(["account.members:read"]));
    let list = app.get(ADMIN, "/api/v1/account/keys").await.expect(200);
    assert_eq!((list["items"][0]["status"].as_str(), list.text().contains(&key)), (Some("active"), false));
    for wrong in [key[..69].to_owned(), key.to_uppercase(), format!("{key}x"), id.clone()] {
        app.get_as(Some(&wrong), "/api/v1/account/members").await.expect(401);
    }
    app.get_as(None, &format!("/api/v1/account/members?api_key={key}")).await.expect(400);
    for who in [STRANGER, OTHER_TENANT] {
        let status = app.delete(who, &format!("/api/v1/account/keys/{id}")).await.status.as_u16();
        assert!(status == 403 || status == 404);
    }
    app.delete(ADMIN, &format!("/api/v1/account/keys/{id}")).await.expect(204);
    app.get_as(Some(&key), "/api/v1/account/members").await.expect(401);
}

#[tokio::test]
async fn a_key_holds_at_each_use_only_what_its_owner_holds_then() {
    let app = TestApp::with(vec![]).await;
    let person = app.invite(&app.admin, "robot@acme.test", "admin").await;
    let body = json!({"name": "robot", "scopes": ["account.members:read", "account.keys:read"], "expires_in_days": 1});
    let made = app.post_as(Some(&person.token), "/api/v1/account/keys", body).await.expect(201);
    let key = made["secret"].as_str().unwrap();
    app.get_as(Some(key), "/api/v1/account/keys").await.expect(200);
    let member = format!("/api/v1/account/members/{}", person.me["user"]["member"].as_str().unwrap());
    app.patch(ADMIN, &member, json!({"roles": ["viewer"]})).await.expect(200);
    app.get_as(Some(key), "/api/v1/account/keys").await.expect(403);
    app.get_as(Some(key), "/api/v1/account/members").await.expect(200);
    app.delete(ADMIN, &member).await.expect(204);
    app.get_as(Some(key), "/api/v1/account/members").await.expect(401);
}

#[tokio::test]
async fn a_key_cannot_do_what_only_a_person_may() {
    let app = TestApp::with(vec![]).await;
    let all = app.get(ADMIN, "/api/v1/me").await.expect(200)["permissions"].clone();
    let (_, key) = make(&app, all).await;
    for (method, path, body) in [
        (Method::POST, "/api/v1/account/keys", json!({"name": "x", "scopes": ["account.keys:read"], "expires_in_days": 1})),
        (Method::POST, "/api/v1/account/password", json!({"current": "x", "password": "y"})),
        (Method::POST, "/api/v1/account/companies", json!({"name": "x"})),
        (Method::POST, "/api/v1/account/leave", json!({})),
        (Method::POST, "/api/v1/auth/switch", json!({"tenant": "acme"})),
        (Method::PATCH, "/api/v1/account/profile", json!({"name": "x"})),
        (Method::POST, "/api/v1/account/invitations", json!({"email": "x@acme.test", "role": "owner"})),
    ] {
        let request = app.request(method, path, Some(&key)).header("content-type", "application/json");
        app.send(request, body.to_string()).await.expect(403);
    }
    app.get_as(Some(&key), "/api/v1/account/sessions").await.expect(403);
}

#[tokio::test]
async fn scopes_are_ones_own_rights_and_days_are_counted() {
    let app = TestApp::with(vec![]).await;
    let post = |scopes: Value, days: i64| app.post(ADMIN, "/api/v1/account/keys", json!({"name": "x", "scopes": scopes, "expires_in_days": days}));
    assert_eq!(post(json!(["crm.deals:read"]), 1).await.expect(400)["errors"][0]["field"], "scopes.0");
    assert_eq!(post(json!([]), 1).await.expect(400)["errors"][0]["field"], "scopes");
    for days in [0, -1, 731, i64::MAX] {
        assert_eq!(post(json!(["account.keys:read"]), days).await.expect(400)["errors"][0]["field"], "expires_in_days");
    }
    app.post(STRANGER, "/api/v1/account/keys", json!({"name": "x", "scopes": ["account.keys:read"], "expires_in_days": 1})).await.expect(403);
}
