//! Signing up, in and out, and getting back in.

use super::{app, items_of, wait_for_subject};
use http::{Method, header};
use serde_json::json;
use testkit::{ADMIN, Answer, NOBODY, PASSWORD, TestApp};

#[tokio::test]
async fn a_company_signs_up_and_is_alone_in_its_own_database() {
    let (app, _folder) = TestApp::bare(vec![testkit::crm()]).await;
    let app = TestApp::around(app, _folder);
    let register = json!({ "company": "Acme", "name": "Ada", "email": "ada@acme.test", "password": PASSWORD });
    assert_eq!(app.get(NOBODY, "/api/v1/setup").await.expect(200)["empty"], true);
    app.post(NOBODY, "/api/v1/auth/register", register.clone()).await.expect(202);
    // Before the address is confirmed there is neither a user nor a company.
    app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "ada@acme.test", "password": PASSWORD })).await.expect(401);
    assert_eq!(app.get(NOBODY, "/api/v1/setup").await["empty"], true);
    let link = app.token_from_mail("ada@acme.test").await;
    let verified = app.post(NOBODY, "/api/v1/auth/verify", json!({ "token": link })).await.expect(200);
    assert_eq!(verified["tenant"]["slug"], "acme");
    app.post(NOBODY, "/api/v1/auth/verify", json!({ "token": link })).await.expect(410);
    let ada = app.sign_in("ada@acme.test").await;
    assert_eq!(ada.me["user"]["name"], "Ada");
    assert_eq!(ada.me["tenants"][0]["roles"], json!(["owner"]));
    assert_eq!(app.get(NOBODY, "/api/v1/setup").await["empty"], false);
    app.get(NOBODY, "/api/v1/me").await.expect(401);
    // The same address once more: the same answer, and a mail that says there is an account already.
    app.post(NOBODY, "/api/v1/auth/register", register).await.expect(202);
    wait_for_subject(&app, "ada@acme.test", "You already have an account").await;
    // Another company of the same person, with a database of its own.
    let second = app.post_as(Some(&ada.token), "/api/v1/account/companies", json!({ "name": "Acme" })).await.expect(201);
    assert_eq!(second["slug"], "acme-2");
    let there =
        app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "ada@acme.test", "password": PASSWORD, "tenant": "acme-2" })).await.expect(200);
    let me = app.get_as(there["access_token"].as_str(), "/api/v1/me").await.expect(200);
    assert_eq!((me["tenant"]["slug"].as_str(), items_of(&me, "tenants")), (Some("acme-2"), 2));
    app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "ada@acme.test", "password": PASSWORD, "tenant": "nowhere" })).await.expect(401);
}

#[tokio::test]
async fn a_browser_signs_in_switches_company_and_signs_out() {
    let app = app().await;
    let browser = |path: &str, cookie: &str| {
        let request = app.request(Method::POST, path, None).header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/json");
        if cookie.is_empty() { request } else { request.header(header::COOKIE, cookie) }
    };
    let cookie = |answer: &Answer| answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    app.post_as(Some(&app.admin.token), "/api/v1/account/companies", json!({ "name": "Second" })).await.expect(201);
    let signed_in = app
        .send(browser("/api/v1/auth/sign-in", ""), json!({ "email": "admin@acme.test", "password": PASSWORD, "tenant": "acme" }).to_string())
        .await
        .expect(200);
    assert_eq!(signed_in["tenant"]["slug"], "acme");
    let first = cookie(&signed_in);
    assert!(first.starts_with("sid=") && signed_in.header("set-cookie").contains("HttpOnly; SameSite=Lax"), "{}", signed_in.header("set-cookie"));
    let switched = app.send(browser("/api/v1/auth/switch", &first), json!({ "tenant": "second" }).to_string()).await.expect(200);
    assert_eq!(switched["tenant"]["slug"], "second");
    let second = cookie(&switched);
    assert_ne!(first, second, "a new session for the other company");
    let me = |cookie: &str| app.request(Method::GET, "/api/v1/me", None).header(header::COOKIE, cookie.to_owned());
    app.send(me(&first), "").await.expect(401);
    assert_eq!(app.send(me(&second), "").await.expect(200)["tenant"]["slug"], "second");
    // Not to a company of somebody else, and not from another site's page.
    app.send(browser("/api/v1/auth/switch", &second), json!({ "tenant": "other" }).to_string()).await.expect(401);
    let foreign = app
        .request(Method::POST, "/api/v1/auth/sign-out", None)
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/json");
    app.send(foreign.header(header::COOKIE, second.clone()), "{}").await.expect(403);
    app.send(browser("/api/v1/auth/sign-out", &second), "{}").await.expect(204);
    app.send(me(&second), "").await.expect(401);
    // Everywhere: the app's tokens too.
    let third = cookie(
        &app.send(browser("/api/v1/auth/sign-in", ""), json!({ "email": "admin@acme.test", "password": PASSWORD }).to_string()).await.expect(200),
    );
    app.send(browser("/api/v1/auth/sign-out", &third), json!({ "everywhere": true }).to_string()).await.expect(204);
    app.get(ADMIN, "/api/v1/me").await.expect(401);
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_and_everybody_else_is_out() {
    let app = app().await;
    app.post(NOBODY, "/api/v1/auth/forgot", json!({ "email": "Admin@ACME.test" })).await.expect(202);
    wait_for_subject(&app, "admin@acme.test", "Set a new password").await;
    let link = app.token_from_mail("admin@acme.test").await;
    let fresh = "an entirely different sentence 7";
    app.post(NOBODY, "/api/v1/auth/reset", json!({ "token": link, "password": "short" })).await.expect(400);
    app.post(NOBODY, "/api/v1/auth/reset", json!({ "token": link, "password": fresh })).await.expect(204);
    app.post(NOBODY, "/api/v1/auth/reset", json!({ "token": link, "password": fresh })).await.expect(410);
    app.get(ADMIN, "/api/v1/me").await.expect(401);
    app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "admin@acme.test", "password": PASSWORD })).await.expect(401);
    let token = app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "admin@acme.test", "password": fresh })).await.expect(200);
    let token = token["access_token"].as_str();
    app.post_as(token, "/api/v1/account/password", json!({ "current": "wrong", "password": PASSWORD })).await.expect(400);
    app.post_as(token, "/api/v1/account/password", json!({ "current": fresh, "password": PASSWORD })).await.expect(204);
    app.get_as(token, "/api/v1/me").await.expect(200);
    wait_for_subject(&app, "admin@acme.test", "Your password was changed").await;
}
