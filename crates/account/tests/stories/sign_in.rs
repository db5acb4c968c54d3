use crate::support::{Browser, PASSWORD, without_request_id};
use http::{Method, header};
use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn a_wrong_guess_says_nothing_about_what_was_wrong() {
    let app = TestApp::with(vec![]).await;
    let mut answers = Vec::new();
    for body in [
        json!({"email": "admin@acme.test", "password": "wrong horse battery staple"}),
        json!({"email": "nobody@acme.test", "password": PASSWORD}),
        json!({"email": "admin@acme.test", "password": PASSWORD, "tenant": "other"}),
        json!({"email": "admin@acme.test", "password": PASSWORD, "tenant": "no-such"}),
        json!({"email": "not an address", "password": ""}),
    ] {
        for path in ["/api/v1/auth/sign-in", "/api/v1/auth/token"] {
            answers.push(without_request_id(&app.post_as(None, path, body.clone()).await.expect(401)));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn each_sign_in_makes_a_new_session_and_signing_out_ends_it() {
    let app = TestApp::with(vec![]).await;
    let mut browser = Browser::new(&app);
    browser.cookie = "planted".into();
    let answer = browser.post("/api/v1/auth/sign-in", json!({"email": " ADMIN@acme.test", "password": PASSWORD})).await.expect(200);
    let cookie = answer.header("set-cookie").to_owned();
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax") && cookie.contains("; Path=/") && !cookie.contains("planted"),
        "{cookie}"
    );
    let first = browser.copy();
    browser.post("/api/v1/auth/sign-in", json!({"email": "admin@acme.test", "password": PASSWORD})).await.expect(200);
    first.copy().get("/api/v1/me").await.expect(401);
    let before = browser.copy();
    browser.post("/api/v1/auth/sign-out", json!({})).await.expect(204);
    assert_eq!(browser.cookie, "");
    before.copy().get("/api/v1/me").await.expect(401);
    // Twice is the same as once.
    browser.post("/api/v1/auth/sign-out", json!({})).await.expect(204);
}

#[tokio::test]
async fn signing_out_everywhere_ends_browsers_and_apps() {
    let app = TestApp::with(vec![]).await;
    let mut here = Browser::signed_in(&app, "admin@acme.test").await;
    let mut there = Browser::signed_in(&app, "admin@acme.test").await;
    let phone = app.sign_in("admin@acme.test").await;
    here.post("/api/v1/auth/sign-out", json!({"everywhere": true})).await.expect(204);
    there.get("/api/v1/me").await.expect(401);
    app.get_as(Some(&phone.token), "/api/v1/me").await.expect(401);
    app.post_as(None, "/api/v1/auth/token", json!({"refresh_token": phone.refresh_token})).await.expect(401);
}

#[tokio::test]
async fn another_sites_page_cannot_sign_anybody_in_or_out() {
    let app = TestApp::with(vec![]).await;
    let mut browser = Browser::signed_in(&app, "admin@acme.test").await;
    let body = json!({"email": "admin@acme.test", "password": PASSWORD}).to_string();
    for site in ["cross-site", "same-site", "none"] {
        let request =
            app.request(Method::POST, "/api/v1/auth/sign-in", None).header(header::CONTENT_TYPE, "application/json").header("sec-fetch-site", site);
        app.send(request, body.clone()).await.expect(403);
        let request = app
            .request(Method::POST, "/api/v1/auth/sign-out", None)
            .header(header::CONTENT_TYPE, "application/json")
            .header("sec-fetch-site", site)
            .header(header::COOKIE, format!("sid={}", browser.cookie));
        app.send(request, "{}").await.expect(403);
    }
    browser.get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn a_new_name_is_known_in_every_company() {
    let app = TestApp::with(vec![]).await;
    let mut browser = Browser::signed_in(&app, "admin@acme.test").await;
    browser.post("/api/v1/account/companies", json!({"name": "Second"})).await.expect(201);
    let answer = browser.send(Method::PATCH, "/api/v1/account/profile", json!({"name": "  Augusta Ada "}).to_string()).await.expect(200);
    assert_eq!(answer["name"], "Augusta Ada");
    for slug in ["acme", "second"] {
        browser.post("/api/v1/auth/switch", json!({"tenant": slug})).await.expect(200);
        let members = browser.get("/api/v1/account/members").await.expect(200);
        assert!(members["items"].as_array().unwrap().iter().any(|m| m["name"] == "Augusta Ada"), "{}", members.text());
    }
    browser.send(Method::PATCH, "/api/v1/account/profile", json!({"name": ""}).to_string()).await.expect(400);
}
