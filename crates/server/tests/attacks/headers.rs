//! What headers can and cannot do, and the headers that every answer has.

use super::{app, encoded, items};
use http::{Method, header};
use kernel::operations::Output;
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{ADMIN, NOBODY, TestApp};

#[tokio::test]
async fn s_21_links_in_mails_start_with_the_configured_address_whatever_a_request_says() {
    let app = app().await;
    let lies = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "1"),
        ("x-forwarded-prefix", "/evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "/evil.example"),
        ("x-rewrite-url", "/evil.example"),
        ("x-host", "evil.example"),
        ("referer", "https://evil.example/"),
        ("origin", "https://evil.example"),
    ];
    for (n, (name, value)) in lies.iter().enumerate() {
        let request =
            |path: &str, token| app.request(Method::POST, path, token).header(header::CONTENT_TYPE, "application/json").header(*name, *value);
        let body = json!({ "company": "evil", "name": "Eve", "email": format!("eve{n}@acme.test"), "password": testkit::PASSWORD });
        app.send(request("/api/v1/auth/register", None), body.to_string()).await.expect(202);
        app.send(request("/api/v1/auth/resend", None), json!({ "email": format!("eve{n}@acme.test") }).to_string()).await.expect(202);
        app.send(request("/api/v1/auth/forgot", None), json!({ "email": "admin@acme.test" }).to_string()).await.expect(202);
        let body = json!({ "email": format!("new{n}@acme.test"), "role": "viewer" });
        app.send(request("/api/v1/account/invitations", Some(&app.admin.token)), body.to_string()).await.expect(201);
        app.token_from_mail(&format!("new{n}@acme.test")).await;
        app.token_from_mail(&format!("eve{n}@acme.test")).await;
    }
    let own = format!("{}/", app.app.config().server.public_url);
    let mails = app.app.mailer().list().await.unwrap();
    assert!(mails.len() > 3 * lies.len());
    for sent in mails {
        assert!(!sent.mail.links.is_empty() && sent.mail.links.iter().all(|link| link.starts_with(&own)), "{:?}", sent.mail);
        assert!(!sent.mail.html.contains("evil.example") && !sent.mail.text.contains("evil.example"), "{:?}", sent.mail);
    }
}

#[tokio::test]
async fn s_21_an_unknown_host_is_misdirected() {
    let app = app().await;
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:7070",
        "127.0.0.2:7070",
        "",
        "127.0.0.1:7070@evil.example",
        "127.0.0.1:7070, evil.example",
    ] {
        for path in ["/api/v1/me", "/api/v1/auth/forgot", "/", "/docs", "/dev/mail"] {
            let request =
                http::Request::builder().uri(path).header(header::HOST, host).header(header::AUTHORIZATION, format!("Bearer {}", app.admin.token));
            let answer = app.send(request, "").await;
            assert_eq!((answer.status.as_u16(), answer.code()), (421, "unknown-host"), "{host:?} {path}");
        }
    }
}

#[tokio::test]
async fn s_21_behind_a_public_address_no_other_host_and_no_loopback_name_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::start_as(vec![], folder.path(), |config| config.server.public_url = "https://app.example.com".into()).await;
    let app = TestApp::around(app, folder);
    for (host, status) in [
        ("app.example.com", 401),
        ("APP.example.com", 401),
        ("127.0.0.1:7070", 421),
        ("localhost", 421),
        ("app.example.com:8080", 421),
        ("app.example.com.", 421),
    ] {
        let answer = app.send(http::Request::builder().uri("/api/v1/me").header(header::HOST, host), "").await;
        assert_eq!(answer.status, status, "{host}");
        assert!(answer.header("strict-transport-security").contains("max-age="), "{host}");
    }
}

#[tokio::test]
async fn s_39_a_credential_in_a_url_is_refused_with_a_hint() {
    let app = app().await;
    let made = app.post(ADMIN, "/api/v1/account/keys", json!({ "name": "k", "scopes": ["crm.deals:read"], "expires_in_days": 1 })).await.expect(201);
    let key = made["secret"].as_str().unwrap();
    for query in ["api_key", "apikey", "API_KEY", "access_token", "token", "refresh_token", "password", "x", "filter"] {
        for token in [None, Some(app.admin.token.as_str())] {
            let answer = app.get_as(token, &format!("/api/v1/crm/deals?{query}={key}")).await.expect(400);
            assert_eq!(answer.code(), "credential-in-url");
            assert!(answer["detail"].as_str().unwrap().contains("Authorization") && !answer.text().contains(key), "{}", answer.text());
        }
    }
    app.get_as(Some(key), "/api/v1/crm/deals").await.expect(200);
}

/// The status of each key, by its name.
async fn keys(app: &TestApp) -> BTreeMap<String, String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    items(&app.get(ADMIN, "/api/v1/account/keys").await.expect(200)).iter().map(|key| (text(&key["name"]), text(&key["status"]))).collect()
}

#[tokio::test]
async fn s_39_a_good_key_in_a_url_is_marked_once_and_its_owner_told() {
    let app = app().await;
    let make = |name: &'static str| {
        let body = json!({ "name": name, "scopes": ["crm.deals:read"], "expires_in_days": 1 });
        app.post(ADMIN, "/api/v1/account/keys", body)
    };
    let (leaked, safe, revoked) = (make("leaked").await.expect(201), make("safe").await.expect(201), make("revoked").await.expect(201));
    app.delete(ADMIN, &format!("/api/v1/account/keys/{}", revoked.id())).await.expect(204);
    // Somebody who knows the id only: the row is another key's.
    let guess = kernel::secrets::ApiKey::mint().unwrap();
    let (id, of) = (guess.id.clone(), safe.id());
    app.app.hub().write(move |sql| sql.run(r#"UPDATE "keys" SET "id" = ?1 WHERE "id" = ?2"#, &[id.into(), of.into()])).await.unwrap();
    let unknown = kernel::secrets::ApiKey::mint().unwrap().text;
    let key = leaked["secret"].as_str().unwrap();
    for text in [revoked["secret"].as_str().unwrap(), &guess.text, &unknown] {
        app.get_as(None, &format!("/api/v1/crm/deals?x={text}")).await.expect(400);
    }
    let before = BTreeMap::from([("leaked", "active"), ("revoked", "revoked"), ("safe", "active")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(keys(&app).await, before);
    for _ in 0..3 {
        let refused = app.get_as(None, &format!("/api/v1/nothing?filter=x%3D{}", key.replace('_', "%5F"))).await.expect(400);
        assert_eq!(refused.code(), "credential-in-url");
    }
    assert_eq!(keys(&app).await["leaked"], "exposed");
    let told = || async {
        let mails = app.app.mailer().list().await.unwrap();
        mails.iter().filter(|sent| sent.mail.to == "admin@acme.test" && sent.mail.subject == "Replace the API key leaked").count()
    };
    for _ in 0..1000 {
        if told().await > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    app.get_as(None, &format!("/api/v1/crm/deals?api_key={key}")).await.expect(400);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(told().await, 1, "once");
    let log = app.get(ADMIN, &format!("/api/v1/events?filter={}", encoded("type == \"account.key.exposed\""))).await.expect(200);
    assert_eq!(items(&log).len(), 1, "{}", log.text());
    assert_eq!(
        (items(&log)[0]["subject"].as_str(), &items(&log)[0]["data"]["name"]),
        (Some(&*format!("account.keys/{}", leaked.id())), &json!("leaked"))
    );
    // It goes on working until its owner decides.
    app.get_as(Some(key), "/api/v1/crm/deals").await.expect(200);
    app.delete(ADMIN, &format!("/api/v1/account/keys/{}", leaked.id())).await.expect(204);
    app.get_as(Some(key), "/api/v1/crm/deals").await.expect(401);
}

#[tokio::test]
async fn s_53_every_answer_has_the_headers_that_keep_a_browser_safe() {
    let app = app().await;
    let mut seen = 0;
    for operation in app.app.registry().operations() {
        for token in [None, Some(app.admin.token.as_str())] {
            let path = format!("/api/v1/{}", operation.path.replace("{id}", &base::new_id()));
            let request = app.request(operation.method.clone(), &path, token).header(header::CONTENT_TYPE, "application/json");
            let answer = match &operation.output {
                Output::Stream("text/event-stream") => {
                    let frames = app.open(request, "").await;
                    testkit::Answer { status: frames.status, headers: frames.headers, body: Default::default(), json: serde_json::Value::Null }
                }
                Output::Stream(_) | Output::Json(_) | Output::Empty => app.send(request, "{}").await,
            };
            safe(&answer, &path);
            let cache = answer.header("cache-control");
            assert!(cache.starts_with("private") || cache == "no-store", "{path}: {cache}");
            assert_eq!(
                answer.header("content-security-policy"),
                "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
                "{path}"
            );
            seen += 1;
        }
    }
    assert!(seen > 150);
    for path in
        ["/health", "/live", "/ready", "/docs", "/", "/some/page", "/nothing.js", "/api", "/api/v2/x", "/dev/mail", "/dev/nothing", "/api/v1/nothing"]
    {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE, Method::OPTIONS, Method::TRACE] {
            let answer = app.send(app.request(method.clone(), path, None), "").await;
            safe(&answer, &format!("{method} {path}"));
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'") && !policy.contains("unsafe-eval"),
                "{path}: {policy}"
            );
        }
    }
    // No page of another origin reads an answer: nothing allows it.
    let request =
        app.request(Method::OPTIONS, "/api/v1/me", None).header("origin", "https://evil.example").header("access-control-request-method", "GET");
    let preflight = app.send(request, "").await;
    assert!(!preflight.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{:?}", preflight.headers);
    app.get(NOBODY, "/api/v1/me").await.expect(401);
}

#[track_caller]
fn safe(answer: &testkit::Answer, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{what}: {name}");
    }
    assert!(base::is_id(answer.header("x-request-id")), "{what} has no request id");
    assert!(answer.headers.get("server").is_none() && answer.headers.get("x-powered-by").is_none(), "{what} says what it runs on");
    assert!(!answer.status.is_server_error(), "{what}: {}", answer.text());
}
