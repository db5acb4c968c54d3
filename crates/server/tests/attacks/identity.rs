//! Who somebody is: links, sessions, guessing.

use super::{app, told};
use http::{Method, header};
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, NOBODY, OTHER_TENANT, PASSWORD, TestApp};

async fn invited(app: &TestApp, email: &str) -> (String, String) {
    let id = app.post(ADMIN, "/api/v1/account/invitations", json!({ "email": email, "role": "viewer" })).await.expect(201).id();
    (id, app.token_from_mail(email).await)
}

fn accept(token: &str) -> Value {
    json!({ "token": token, "name": "New Person", "password": PASSWORD })
}

#[tokio::test]
async fn s_23_an_invitation_is_good_for_one_person_once_and_only_as_it_was_written() {
    let app = app().await;
    let (_, token) = invited(&app, "new@acme.test").await;
    let path = "/api/v1/auth/accept-invitation";
    for at in 0..token.len() {
        let mut changed: Vec<char> = token.chars().collect();
        changed[at] = if changed[at] == 'A' { 'B' } else { 'A' };
        let changed: String = changed.into_iter().collect();
        assert_eq!(app.post(NOBODY, path, accept(&changed)).await.expect(410).code(), "link");
        app.post(NOBODY, path, accept(&token[..at])).await.expect(410);
    }
    // As a token of another kind it opens nothing.
    app.post(NOBODY, "/api/v1/auth/verify", json!({ "token": token })).await.expect(410);
    app.post(NOBODY, "/api/v1/auth/reset", json!({ "token": token, "password": "some other long words" })).await.expect(410);
    // Signed in as somebody else, it is not theirs to take.
    for who in [ADMIN, OTHER_TENANT] {
        assert_eq!(app.post(who, path, accept(&token)).await.expect(400).code(), "other-address");
    }
    let tries = futures_util::future::join_all((0..64).map(|_| app.post(NOBODY, path, accept(&token)))).await;
    let good = tries.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1, "{:?}", tries.iter().map(|a| a.status.as_u16()).collect::<Vec<_>>());
    assert!(tries.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 410 | 503)));
    app.post(NOBODY, path, accept(&token)).await.expect(410);
    let members = app.get(ADMIN, "/api/v1/account/members").await.expect(200);
    assert_eq!(members["items"].as_array().unwrap().iter().filter(|m| m["email"] == "new@acme.test").count(), 1);
    // Cancelled, or sent again: the old link is nothing. And the other company can do neither.
    let (id, token) = invited(&app, "second@acme.test").await;
    app.post(OTHER_TENANT, &format!("/api/v1/account/invitations/{id}/resend"), json!({})).await.expect(404);
    app.delete(OTHER_TENANT, &format!("/api/v1/account/invitations/{id}")).await.expect(404);
    app.post(ADMIN, &format!("/api/v1/account/invitations/{id}/resend"), json!({})).await.expect(200);
    app.post(NOBODY, path, accept(&token)).await.expect(410);
    app.delete(ADMIN, &format!("/api/v1/account/invitations/{id}")).await.expect(204);
    app.post(NOBODY, path, accept(&app.token_from_mail("second@acme.test").await)).await.expect(410);
    // Expired.
    let (_, token) = invited(&app, "third@acme.test").await;
    app.app.hub().write(|sql| sql.run(r#"UPDATE "links" SET "expires_at" = 1"#, &[])).await.unwrap();
    app.post(NOBODY, path, accept(&token)).await.expect(410);
}

#[tokio::test]
async fn s_31_two_hundred_spellings_of_one_account_share_one_counter() {
    let app = TestApp::configured(vec![], |config| {
        config.limits.enabled = true;
        config.limits.auth_per_account = "5/15m".parse().unwrap();
        config.limits.auth_per_ip = "100000/15m".parse().unwrap();
    })
    .await;
    let plain = "admin@acme.test";
    let mut spellings = vec![
        format!(" {plain}"),
        format!("{plain} "),
        format!("\t{plain}\n"),
        "ａｄｍｉｎ＠ａｃｍｅ．ｔｅｓｔ".into(),
        "ádmin@acmé.test".into(),
        "admin@acme.test".replace('i', "\u{ff49}"),
    ];
    for n in 0..256_u32 {
        spellings.push(plain.chars().enumerate().map(|(at, c)| if n >> (at % 8) & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect());
    }
    spellings.sort();
    spellings.dedup();
    assert!(spellings.len() >= 200);
    let mut judged = 0;
    for (n, email) in spellings.iter().enumerate() {
        let path = if n % 2 == 0 { "auth/sign-in" } else { "auth/token" };
        let answer = app.post(NOBODY, &format!("/api/v1/{path}"), json!({ "email": email, "password": "wrong" })).await;
        judged += usize::from(answer.status == 401);
        assert!(matches!(answer.status.as_u16(), 401 | 429), "{email:?}: {}", answer.text());
    }
    assert_eq!(judged, 5);
    // The right password is not judged either, and somebody else is not touched by it.
    assert_eq!(app.post(NOBODY, "/api/v1/auth/token", json!({ "email": plain, "password": PASSWORD })).await.expect(429).code(), "limited");
    app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "admin@other.test", "password": PASSWORD })).await.expect(200);
}

#[tokio::test]
async fn s_31_exactly_the_limit_is_judged_of_many_tries_at_once() {
    let app = TestApp::configured(vec![], |config| {
        config.limits.enabled = true;
        config.limits.auth_per_account = "5/15m".parse().unwrap();
        config.limits.auth_per_ip = "100000/15m".parse().unwrap();
    })
    .await;
    let tries = (0..64).map(|_| app.post(NOBODY, "/api/v1/auth/sign-in", json!({ "email": "admin@acme.test", "password": "wrong" })));
    let judged = futures_util::future::join_all(tries).await.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(judged, 5);
}

#[tokio::test]
async fn s_32_whoever_guesses_keeps_nobody_out_of_a_browser_they_have_used() {
    let app = TestApp::configured(vec![], |config| {
        config.limits.enabled = true;
        config.limits.auth_per_account = "5/15m".parse().unwrap();
        config.limits.auth_per_ip = "100000/15m".parse().unwrap();
    })
    .await;
    let (email, path) = ("admin@acme.test", "/api/v1/auth/sign-in");
    let with = |cookie: &str, email: &str, password: &str| {
        let request = browser(&app, path).header(header::COOKIE, cookie);
        app.send(request, json!({ "email": email, "password": password }).to_string())
    };
    let device = |answer: &Answer| {
        let given = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let given: Vec<&str> = given.filter(|value| value.starts_with("device=")).collect();
        assert!(given.len() == 1 && given[0].contains("; HttpOnly; SameSite=Lax"), "{given:?}");
        given[0].split(';').next().unwrap().to_owned()
    };
    let ours = device(&with("", email, PASSWORD).await.expect(200));
    let theirs = device(&with("", "admin@other.test", PASSWORD).await.expect(200));
    // A crowd guesses, and the account is closed to everybody who is not known to it.
    for n in 0..200 {
        let answer = with("", email, &format!("guess {n}")).await;
        assert_eq!(answer.status, if n < 5 { 401 } else { 429 });
    }
    with("", email, PASSWORD).await.expect(429);
    // Another account's cookie, and one with a letter changed, are none.
    with(&theirs, email, PASSWORD).await.expect(429);
    let mut forged = ours.clone().into_bytes();
    forged[20] = if forged[20] == b'A' { b'B' } else { b'A' };
    with(&String::from_utf8(forged).unwrap(), email, PASSWORD).await.expect(429);
    // Its owner still gets in, from where they have been before.
    let again = device(&with(&ours, email, PASSWORD).await.expect(200));
    assert!(again != ours, "each sign-in begins another");
    // And whoever steals such a cookie has five tries like anybody.
    for n in 0..20 {
        let answer = with(&ours, email, &format!("guess {n}")).await;
        assert_eq!(answer.status, if n < 5 { 401 } else { 429 });
    }
}

#[tokio::test]
async fn s_33_a_known_and_an_unknown_address_get_the_same_answer() {
    let app = app().await;
    for (path, body) in [
        ("auth/register", json!({ "company": "X", "name": "Y", "password": PASSWORD })),
        ("auth/forgot", json!({})),
        ("auth/resend", json!({})),
        ("auth/sign-in", json!({ "password": "wrong" })),
        ("auth/token", json!({ "password": "wrong" })),
        ("auth/token", json!({ "password": "wrong", "tenant": "acme" })),
        ("auth/token", json!({ "password": "wrong", "tenant": "nowhere" })),
    ] {
        let mut answers = Vec::new();
        for email in ["admin@acme.test", "stranger@acme.test", "unknown@acme.test"] {
            let mut body = body.clone();
            body["email"] = json!(email);
            let answer = app.post(NOBODY, &format!("/api/v1/{path}"), body).await;
            let headers: Vec<String> = answer
                .headers
                .iter()
                .filter(|(n, _)| !matches!(n.as_str(), "x-request-id" | "ratelimit"))
                .map(|(n, v)| format!("{n}: {v:?}"))
                .collect();
            answers.push(format!("{} {headers:?}", told(&answer)));
        }
        assert_eq!(answers[0], answers[2], "{path}");
        assert_eq!(answers[1], answers[2], "{path}");
    }
    // With the right password, a company that is not one's own is told like a wrong password.
    let wrong = app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "admin@acme.test", "password": "wrong" })).await;
    for tenant in ["other", "nowhere", "hub", ""] {
        let answer = app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "admin@acme.test", "password": PASSWORD, "tenant": tenant })).await;
        assert_eq!(told(&answer), told(&wrong), "{tenant}");
    }
    // Inviting says nothing about who has an account elsewhere.
    let invite = |email: &'static str| app.post(ADMIN, "/api/v1/account/invitations", json!({ "email": email, "role": "viewer" }));
    let (known, unknown) = (invite("admin@other.test").await.expect(201), invite("nobody@nowhere.test").await.expect(201));
    assert_eq!((&known["status"], known.json.as_object().unwrap().len()), (&unknown["status"], unknown.json.as_object().unwrap().len()));
}

fn browser(app: &TestApp, path: &str) -> http::request::Builder {
    app.request(Method::POST, path, None).header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/json")
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn s_34_signing_in_makes_a_new_session_whatever_cookie_came_before() {
    let app = app().await;
    let credentials = json!({ "email": "admin@acme.test", "password": PASSWORD }).to_string();
    // A cookie that somebody else planted is not taken over.
    let planted = "sid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let first = cookie(&app.send(browser(&app, "/api/v1/auth/sign-in").header(header::COOKIE, planted), credentials.clone()).await.expect(200));
    assert!(first.starts_with("sid=") && first != planted);
    let me = |cookie: &str| app.send(app.request(Method::GET, "/api/v1/me", None).header(header::COOKIE, cookie.to_owned()), "");
    me(planted).await.expect(401);
    me(&first).await.expect(200);
    // Signing in again: another session, and the one before is over.
    let second =
        cookie(&app.send(browser(&app, "/api/v1/auth/sign-in").header(header::COOKIE, first.clone()), credentials.clone()).await.expect(200));
    assert_ne!(first, second);
    me(&first).await.expect(401);
    me(&second).await.expect(200);
    // Two cookies of that name are one too many.
    me(&format!("{second}; {planted}")).await.expect(401);
    me(&format!("{planted}; {second}")).await.expect(401);
    // Another site's page signs nobody in: neither with a cookie nor without.
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:7070.evil.example"),
    ] {
        for path in ["/api/v1/auth/sign-in", "/api/v1/auth/sign-out"] {
            let request = app
                .request(Method::POST, path, None)
                .header(name, value)
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::COOKIE, second.clone());
            let body = if path.ends_with("in") { credentials.clone() } else { "{}".to_owned() };
            let answer = app.send(request, body).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (403, "cross-site"), "{name}: {value}");
            assert_eq!(answer.header("set-cookie"), "");
        }
        let request = app
            .request(Method::POST, "/api/v1/crm/deals", None)
            .header(name, value)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, second.clone());
        app.send(request, r#"{"name":"x"}"#).await.expect(403);
    }
    me(&second).await.expect(200);
    // A form of another site sends text/plain: not read.
    let request = app.request(Method::POST, "/api/v1/auth/sign-in", None).header(header::CONTENT_TYPE, "text/plain");
    app.send(request, credentials).await.expect(415);
}
