use crate::support::{Browser, PASSWORD, mails, settled};
use serde_json::json;
use testkit::TestApp;

const NEW: &str = "tractor vinyl omelette";

#[tokio::test]
async fn a_forgotten_password_is_set_anew_once() {
    let app = TestApp::with(vec![]).await;
    let mut elsewhere = Browser::signed_in(&app, "admin@acme.test").await;
    let phone = app.sign_in("admin@acme.test").await;
    app.post_as(None, "/api/v1/auth/forgot", json!({"email": "ADMIN@acme.test"})).await.expect(202);
    settled(&app).await;
    let token = app.token_from_mail("admin@acme.test").await;
    // What is refused does not use the link up.
    app.post_as(None, "/api/v1/auth/reset", json!({"token": token, "password": "short"})).await.expect(400);
    app.post_as(None, "/api/v1/auth/reset", json!({"token": token, "password": "admin admin acme"})).await.expect(400);
    let tries = (0..16).map(|_| app.post_as(None, "/api/v1/auth/reset", json!({"token": token, "password": NEW})));
    let mut statuses: Vec<u16> = futures_util::future::join_all(tries).await.iter().map(|a| a.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1], statuses[15]), (204, 410, 410));
    elsewhere.get("/api/v1/me").await.expect(401);
    app.get_as(Some(&phone.token), "/api/v1/me").await.expect(401);
    app.post_as(None, "/api/v1/auth/token", json!({"email": "admin@acme.test", "password": PASSWORD})).await.expect(401);
    app.post_as(None, "/api/v1/auth/token", json!({"email": "admin@acme.test", "password": NEW})).await.expect(200);
    assert_eq!(mails(&app, "admin@acme.test", "password was changed").await, 1);
}

#[tokio::test]
async fn using_one_link_voids_the_others() {
    let app = TestApp::with(vec![]).await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        app.post_as(None, "/api/v1/auth/forgot", json!({"email": "admin@acme.test"})).await.expect(202);
        settled(&app).await;
        tokens.push(app.token_from_mail("admin@acme.test").await);
    }
    app.post_as(None, "/api/v1/auth/reset", json!({"token": tokens[0], "password": NEW})).await.expect(204);
    app.post_as(None, "/api/v1/auth/reset", json!({"token": tokens[1], "password": "another vinyl tractor"})).await.expect(410);
    // A link is good for what it was made for.
    app.post_as(None, "/api/v1/auth/forgot", json!({"email": "admin@acme.test"})).await.expect(202);
    settled(&app).await;
    let reset = app.token_from_mail("admin@acme.test").await;
    app.post_as(None, "/api/v1/auth/verify", json!({"token": reset})).await.expect(410);
    app.post_as(None, "/api/v1/auth/accept-invitation", json!({"token": reset})).await.expect(410);
}

#[tokio::test]
async fn a_changed_password_leaves_only_the_one_who_changed_it_signed_in() {
    let app = TestApp::with(vec![]).await;
    let mut here = Browser::signed_in(&app, "admin@acme.test").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(Browser::signed_in(&app, "admin@acme.test").await);
    }
    let phone = app.sign_in("admin@acme.test").await;
    let wrong = here.post("/api/v1/account/password", json!({"current": "not my password", "password": NEW})).await.expect(400);
    assert_eq!(wrong["errors"][0]["field"], "current");
    here.post("/api/v1/account/password", json!({"current": PASSWORD, "password": NEW, "keep_sessions": true})).await.expect(400);
    here.post("/api/v1/account/password", json!({"current": PASSWORD, "password": NEW})).await.expect(204);
    here.get("/api/v1/me").await.expect(200);
    for other in &mut others {
        other.get("/api/v1/me").await.expect(401);
    }
    app.get_as(Some(&phone.token), "/api/v1/me").await.expect(401);
    app.post_as(None, "/api/v1/auth/token", json!({"refresh_token": phone.refresh_token})).await.expect(401);
}
