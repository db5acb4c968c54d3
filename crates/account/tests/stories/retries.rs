//! The same request again, where it is about who somebody is: the same answer, and never a way in for anybody else.

use crate::support::{Browser, PASSWORD, mails, settled};
use http::{Method, header};
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, TestApp};

const OTHER: &str = "tractor vinyl omelette";

async fn send(app: &TestApp, token: Option<&str>, path: &str, key: &str, body: &Value) -> Answer {
    let request = app.request(Method::POST, path, token).header(header::CONTENT_TYPE, "application/json").header("idempotency-key", key);
    app.send(request, body.to_string()).await
}

/// From a browser without a cookie.
async fn browse(app: &TestApp, path: &str, key: &str, body: &Value) -> Answer {
    let request = app.request(Method::POST, path, None).header(header::CONTENT_TYPE, "application/json").header("sec-fetch-site", "same-origin");
    app.send(request.header("idempotency-key", key), body.to_string()).await
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    app.app.hub().scan(move |tx| tx.row(sql, &[], |row| row.int(0))).await.unwrap().unwrap()
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

#[tokio::test]
async fn an_app_that_asks_for_tokens_again_gets_the_same_ones() {
    let app = TestApp::with(vec![]).await;
    let path = "/api/v1/auth/token";
    let ask = json!({"email": "admin@acme.test", "password": PASSWORD});
    let families = r#"SELECT COUNT(*) FROM "refresh_families""#;
    let before = count(&app, families).await;
    let many = futures_util::future::join_all((0..8).map(|_| send(&app, None, path, "k", &ask))).await;
    let first = many[0].clone().expect(200);
    assert!(many.iter().all(|answer| answer.text() == first.text()));
    assert_eq!(many.iter().filter(|answer| replayed(answer)).count(), 7);
    assert_eq!(count(&app, families).await, before + 1);
    app.get_as(first["access_token"].as_str(), "/api/v1/me").await.expect(200);
    let refresh = first["refresh_token"].as_str().unwrap();
    assert!(!app.contents(base::TenantId::HUB).await.mentions(refresh), "what is kept is sealed");
    // A stranger cannot take the key away, and is given nothing for it: another body is another request.
    let theirs = send(&app, None, path, "k", &json!({"email": "admin@other.test", "password": PASSWORD})).await.expect(200);
    assert!(!replayed(&theirs) && theirs["access_token"] != first["access_token"]);
    send(&app, None, path, "k", &json!({"email": "admin@acme.test", "password": OTHER})).await.expect(401);
    // Somebody signed in has a key of their own, for one request.
    let token = app.token(ADMIN).map(str::to_owned);
    let own = send(&app, token.as_deref(), path, "k", &ask).await.expect(200);
    assert!(!replayed(&own));
    let other = json!({"email": "admin@acme.test", "password": PASSWORD, "tenant": "acme"});
    assert_eq!(send(&app, token.as_deref(), path, "k", &other).await.expect(422).code(), "idempotency-mismatch");
    // The password is proved each time: who only knows what it was gets nothing, though these tokens are the ones that stay.
    let change = json!({"current": PASSWORD, "password": OTHER});
    send(&app, first["access_token"].as_str(), "/api/v1/account/password", "p", &change).await.expect(204);
    assert!(replayed(&send(&app, first["access_token"].as_str(), "/api/v1/account/password", "p", &change).await.expect(204)));
    app.get_as(first["access_token"].as_str(), "/api/v1/me").await.expect(200);
    send(&app, None, path, "k", &ask).await.expect(401);
}

#[tokio::test]
async fn a_refresh_is_tried_again_within_its_grace_and_kept_under_no_key() {
    let app = TestApp::with(vec![]).await;
    let path = "/api/v1/auth/token";
    let ask = json!({"refresh_token": app.admin.refresh_token});
    let first = send(&app, None, path, "k", &ask).await.expect(200);
    let again = send(&app, None, path, "k", &ask).await.expect(200);
    assert_eq!((&again["refresh_token"], replayed(&again)), (&first["refresh_token"], false));
    app.app.hub().write(|sql| sql.run(r#"UPDATE "refresh_families" SET "rotated_at" = "rotated_at" - 61000000"#, &[])).await.unwrap();
    send(&app, None, path, "k", &ask).await.expect(401);
    send(&app, None, path, "k", &json!({"refresh_token": first["refresh_token"]})).await.expect(401);
}

#[tokio::test]
async fn a_browser_that_signs_in_again_gets_the_same_session_as_long_as_it_proves_the_password() {
    let app = TestApp::with(vec![]).await;
    let path = "/api/v1/auth/sign-in";
    let ask = json!({"email": "admin@acme.test", "password": PASSWORD});
    let sessions = r#"SELECT COUNT(*) FROM "sessions""#;
    let before = count(&app, sessions).await;
    let first = browse(&app, path, "k", &ask).await.expect(200);
    let again = browse(&app, path, "k", &ask).await.expect(200);
    assert!(first.header("set-cookie").starts_with("sid=") && replayed(&again));
    assert_eq!((first.header("set-cookie"), first.text()), (again.header("set-cookie"), again.text()));
    assert_eq!(count(&app, sessions).await, before + 1);
    let cookie = first.header("set-cookie").split(';').next().unwrap().to_owned();
    let secret = cookie.trim_start_matches("sid=").to_owned();
    assert!(!app.contents(base::TenantId::HUB).await.mentions(&secret), "what is kept is sealed");
    // What is no browser gets no cookie, also not of an answer that had one.
    let plain = send(&app, None, path, "k", &ask).await.expect(200);
    assert_eq!((plain.header("set-cookie"), replayed(&plain)), ("", false));
    let plain = send(&app, None, path, "k", &ask).await.expect(200);
    assert_eq!((plain.header("set-cookie"), replayed(&plain)), ("", true));
    // The password is changed in this very session, which stays. Who knows the old one and the key does not get it.
    let mut browser = Browser::new(&app);
    browser.cookie = secret;
    browser.post("/api/v1/account/password", json!({"current": PASSWORD, "password": OTHER})).await.expect(204);
    browser.get("/api/v1/me").await.expect(200);
    let refused = browse(&app, path, "k", &ask).await.expect(401);
    assert_eq!(refused.header("set-cookie"), "");
}

#[tokio::test]
async fn a_link_that_is_used_again_under_its_key_says_the_same_and_opens_nothing() {
    let app = TestApp::with(vec![]).await;
    let body = json!({"company": "New", "name": "Nora", "email": "nora@new.test", "password": PASSWORD});
    // A stranger under the same key is somebody else.
    let stranger = json!({"company": "Bad", "name": "Bob", "email": "bob@bad.test", "password": PASSWORD});
    for sign_up in [&stranger, &body, &body] {
        send(&app, None, "/api/v1/auth/register", "k", sign_up).await.expect(202);
    }
    assert_eq!((mails(&app, "nora@new.test", "").await, mails(&app, "bob@bad.test", "").await), (1, 1));
    let token = json!({"token": app.token_from_mail("nora@new.test").await});
    let many = futures_util::future::join_all((0..6).map(|_| browse(&app, "/api/v1/auth/verify", "k", &token))).await;
    let told: Vec<String> = many.into_iter().map(|answer| answer.expect(200).text()).collect();
    assert!(told.iter().all(|text| *text == told[0]), "{told:?}");
    let again = browse(&app, "/api/v1/auth/verify", "k", &token).await.expect(200);
    assert_eq!((again.header("set-cookie"), replayed(&again), again.text()), ("", true, told[0].clone()));
    browse(&app, "/api/v1/auth/verify", "other", &token).await.expect(410);
    assert_eq!(count(&app, r#"SELECT COUNT(*) FROM "hub_tenants" WHERE "name" = 'New'"#).await, 1);
    // The same with an invitation.
    app.post(ADMIN, "/api/v1/account/invitations", json!({"email": "ivo@acme.test", "role": "viewer"})).await.expect(201);
    let accept = json!({"token": app.token_from_mail("ivo@acme.test").await, "name": "Ivo", "password": PASSWORD});
    let first = browse(&app, "/api/v1/auth/accept-invitation", "k", &accept).await.expect(200);
    assert!(first.header("set-cookie").starts_with("sid="));
    assert_eq!((&first["tenant"]["slug"], &first["tenants"][0]["roles"]), (&json!("acme"), &json!(["viewer"])));
    let again = browse(&app, "/api/v1/auth/accept-invitation", "k", &accept).await.expect(200);
    assert_eq!((again.header("set-cookie"), replayed(&again), again.text()), ("", true, first.text()));
    browse(&app, "/api/v1/auth/accept-invitation", "other", &accept).await.expect(410);
    settled(&app).await;
}
