use crate::support::{Browser, PASSWORD, mails, settled, without_request_id};
use http::{Method, header};
use serde_json::{Value, json};
use testkit::TestApp;

fn form(company: &str, email: &str) -> Value {
    json!({"company": company, "name": "Grace", "email": email, "password": PASSWORD})
}

#[tokio::test]
async fn a_company_signs_up_by_mail_and_its_owner_is_signed_in() {
    let app = TestApp::with(vec![]).await;
    let mut browser = Browser::new(&app);
    let answer = browser.post("/api/v1/auth/register", form("Société Générale", "grace@new.test")).await.expect(202);
    assert_eq!(answer.text(), "{}");
    browser.post("/api/v1/auth/sign-in", json!({"email": "grace@new.test", "password": PASSWORD})).await.expect(401);
    let token = app.token_from_mail("grace@new.test").await;
    let answer = browser.post("/api/v1/auth/verify", json!({"token": token})).await.expect(200);
    assert_eq!((answer["tenant"]["slug"].as_str(), answer["tenant"]["name"].as_str()), (Some("societe-generale"), Some("Société Générale")));
    let me = browser.get("/api/v1/me").await.expect(200);
    assert_eq!(me["tenant"]["id"], answer["tenant"]["id"]);
    assert_eq!(me["tenants"][0]["roles"], json!(["owner"]));
    assert_eq!((me["user"]["name"].as_str(), me["user"]["email"].as_str()), (Some("Grace"), Some("grace@new.test")));
    assert!(me["permissions"].as_array().unwrap().contains(&json!("account.members:update")));
    browser.post("/api/v1/auth/verify", json!({"token": token})).await.expect(410);
    assert_eq!(mails(&app, "grace@new.test", "Welcome").await, 1);
}

#[tokio::test]
async fn the_answer_says_nothing_about_who_has_an_account() {
    let app = TestApp::with(vec![]).await;
    let known = app.post_as(None, "/api/v1/auth/register", form("Copy", "Admin@Acme.test")).await.expect(202);
    let unknown = app.post_as(None, "/api/v1/auth/register", form("Copy", "nobody@new.test")).await.expect(202);
    assert_eq!(known.text(), unknown.text());
    assert_eq!(mails(&app, "admin@acme.test", "You already have an account").await, 1);
    assert_eq!(mails(&app, "nobody@new.test", "Confirm").await, 1);
    for path in ["/api/v1/auth/resend", "/api/v1/auth/forgot"] {
        let known = app.post_as(None, path, json!({"email": "admin@acme.test"})).await.expect(202);
        let unknown = app.post_as(None, path, json!({"email": "who@new.test"})).await.expect(202);
        assert_eq!(known.text(), unknown.text());
    }
    assert_eq!(mails(&app, "nobody@new.test", "").await, 1);
    assert_eq!(mails(&app, "who@new.test", "").await, 0);
    // Not even the typed spelling of a known address gets a mail.
    assert_eq!(mails(&app, "Admin@Acme.test", "").await, 0);
}

#[tokio::test]
async fn of_many_confirmations_at_once_exactly_one_succeeds() {
    let app = TestApp::with(vec![]).await;
    app.post_as(None, "/api/v1/auth/register", form("Race", "race@new.test")).await.expect(202);
    let token = app.token_from_mail("race@new.test").await;
    let tries = (0..32).map(|_| app.post_as(None, "/api/v1/auth/verify", json!({"token": token})));
    let mut statuses: Vec<u16> = futures_util::future::join_all(tries).await.iter().map(|a| a.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1], statuses[31]), (200, 410, 410));
    let person = app.sign_in("race@new.test").await;
    assert_eq!(person.me["tenants"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn whoever_confirms_an_address_first_has_it() {
    let app = TestApp::with(vec![]).await;
    app.post_as(None, "/api/v1/auth/register", form("First", "both@new.test")).await.expect(202);
    let first = app.token_from_mail("both@new.test").await;
    app.post_as(None, "/api/v1/auth/register", form("Second", "both@new.test")).await.expect(202);
    settled(&app).await;
    let second = app.token_from_mail("both@new.test").await;
    assert_ne!(first, second);
    let answer = app.post_as(None, "/api/v1/auth/verify", json!({"token": second})).await.expect(200);
    assert_eq!(answer["tenant"]["name"], "Second");
    let late = app.post_as(None, "/api/v1/auth/verify", json!({"token": first})).await.expect(410);
    let never = app.post_as(None, "/api/v1/auth/verify", json!({"token": "x"})).await.expect(410);
    assert_eq!(without_request_id(&late), without_request_id(&never));
}

#[tokio::test]
async fn a_mail_that_got_lost_is_sent_again_and_only_the_last_one_counts() {
    let app = TestApp::with(vec![]).await;
    app.post_as(None, "/api/v1/auth/register", form("Lost", "lost@new.test")).await.expect(202);
    let first = app.token_from_mail("lost@new.test").await;
    app.post_as(None, "/api/v1/auth/resend", json!({"email": " LOST@new.test"})).await.expect(202);
    settled(&app).await;
    let second = app.token_from_mail("lost@new.test").await;
    app.post_as(None, "/api/v1/auth/verify", json!({"token": first})).await.expect(410);
    app.post_as(None, "/api/v1/auth/verify", json!({"token": second})).await.expect(200);
}

#[tokio::test]
async fn all_faults_of_the_form_come_at_once() {
    let app = TestApp::with(vec![]).await;
    let answer =
        app.post_as(None, "/api/v1/auth/register", json!({"company": " ", "name": "a\nb", "email": "x", "password": "short"})).await.expect(400);
    let fields: Vec<&str> = answer["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["company", "name", "email", "password"]);
    let common = app
        .post_as(None, "/api/v1/auth/register", json!({"company": "Acme", "name": "Ada", "email": "a@new.test", "password": "AcmeAcme2026"}))
        .await;
    assert_eq!(common.expect(400)["errors"][0]["code"], "common");
    let mut more = form("X", "x@new.test");
    more["role"] = json!("owner");
    app.post_as(None, "/api/v1/auth/register", more).await.expect(400);
}

#[tokio::test]
async fn links_come_from_the_configured_address_whatever_a_request_says() {
    let app = TestApp::with(vec![]).await;
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "https://evil.example/"),
        ("referer", "https://evil.example/"),
    ] {
        let request = app.request(Method::POST, "/api/v1/auth/forgot", None).header(header::CONTENT_TYPE, "application/json").header(name, value);
        app.send(request, json!({"email": "admin@acme.test"}).to_string()).await.expect(202);
    }
    settled(&app).await;
    for sent in app.app.mailer().list().await.unwrap() {
        assert!(sent.mail.links.iter().all(|link| link.starts_with("http://127.0.0.1:7070/")), "{:?}", sent.mail.links);
        assert!(!sent.mail.text.contains("evil") && !sent.mail.html.contains("evil"));
    }
}

#[tokio::test]
async fn somebody_makes_a_second_company_and_goes_there() {
    let app = TestApp::with(vec![]).await;
    let mut browser = Browser::signed_in(&app, "admin@acme.test").await;
    let made = browser.post("/api/v1/account/companies", json!({"name": "Acme"})).await.expect(201);
    assert_eq!(made["slug"], "acme-2");
    let before = browser.copy();
    let me = browser.post("/api/v1/auth/switch", json!({"tenant": "acme-2"})).await.expect(200);
    assert_eq!(me["tenant"]["id"], made["id"]);
    assert_eq!(me["tenants"].as_array().unwrap().len(), 2);
    assert_ne!(before.cookie, browser.cookie);
    before.copy().get("/api/v1/me").await.expect(401);
    assert_eq!(browser.get("/api/v1/me").await.expect(200)["tenant"]["slug"], "acme-2");
    let foreign = browser.post("/api/v1/auth/switch", json!({"tenant": "other"})).await.expect(401);
    let unknown = browser.post("/api/v1/auth/switch", json!({"tenant": "no-such"})).await.expect(401);
    assert_eq!(without_request_id(&foreign), without_request_id(&unknown));
    // The company used last is where the next sign-in leads.
    let mut again = Browser::signed_in(&app, "admin@acme.test").await;
    assert_eq!(again.get("/api/v1/me").await.expect(200)["tenant"]["slug"], "acme-2");
}
