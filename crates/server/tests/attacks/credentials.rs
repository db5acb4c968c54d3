//! Tokens that we never gave out, or not like this.

use super::app;
use base::Time;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use http::{Method, header};
use kernel::tokens::Subject;
use serde_json::{Value, json};
use testkit::{ADMIN, NOBODY, TestApp};

/// Whatever it is, it opens nothing, and says nothing about why.
async fn refused(app: &TestApp, why: &str, credential: &str) {
    for value in [format!("Bearer {credential}")] {
        let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) else { return };
        let answer = app.send(app.request(Method::GET, "/api/v1/me", None).header(header::AUTHORIZATION, value), "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.code(), answer["detail"].as_str()),
            (401, "anonymous", Some("Sign in first.")),
            "{why}: {credential}"
        );
    }
}

fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

const HEADER: &str = r#"{"alg":"EdDSA","typ":"at+jwt"}"#;

#[tokio::test]
async fn s_24_a_forged_token_opens_nothing() {
    let app = app().await;
    let good = app.admin.token.clone();
    let parts: Vec<&str> = good.split('.').collect();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let key = SigningKey::from_bytes(&app.app.root_key().derive("access tokens").unwrap());
    let signed = |header: &str, claims: &str| {
        let body = format!("{}.{}", part(header), part(claims));
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(key.sign(body.as_bytes()).to_bytes()))
    };
    // The forger of this test can sign as we do: what is refused below is refused for what it says.
    let answer = app.get_as(Some(&signed(HEADER, &claims.to_string())), "/api/v1/me").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for header in [
        r#"{"alg":"none","typ":"at+jwt"}"#,
        r#"{"alg":"None","typ":"at+jwt"}"#,
        r#"{"alg":"nOnE"}"#,
        r#"{"alg":"","typ":"at+jwt"}"#,
        r#"{"typ":"at+jwt"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"HS512","typ":"JWT"}"#,
        r#"{"alg":"RS256","typ":"at+jwt"}"#,
        r#"{"alg":"PS256","typ":"at+jwt"}"#,
        r#"{"alg":"ES256K","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","typ":"rt+jwt"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"../../dev/null"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"x' UNION SELECT 1 --"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","jku":"https://evil.example/jwks"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","x5u":"https://evil.example/x"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","jwk":{"kty":"OKP"}}"#,
        r#"{"alg":"none","alg":"EdDSA","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","alg":"none","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","crit":["exp"]}"#,
        "{}",
        "null",
        "",
    ] {
        refused(&app, "header, signed", &signed(header, &claims.to_string())).await;
        refused(&app, "header, not signed", &format!("{}.{}.", part(header), parts[1])).await;
        refused(&app, "header, signature of another", &format!("{}.{}.{}", part(header), parts[1], parts[2])).await;
    }
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims.to_string()
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims.to_string()
    };
    let now = claims["iat"].as_i64().unwrap();
    let text = claims.to_string();
    for payload in [
        without("exp"),
        without("iat"),
        without("iss"),
        without("aud"),
        without("sub"),
        without("sid"),
        without("tenant"),
        with("exp", json!(now - 1)),
        with("exp", json!(now + 100_000_000)),
        with("exp", json!(i64::MAX)),
        with("exp", json!("never")),
        with("exp", Value::Null),
        with("iat", json!(now + 3600)),
        with("iat", json!(-1)),
        with("aud", json!("other")),
        with("aud", json!(["tenon"])),
        with("iss", json!("https://evil.example")),
        with("sid", json!("x")),
        with("sid", json!(base::new_id())),
        with("sub", json!("' OR 1=1 --")),
        with("tenant", json!("other")),
        with("admin", json!(true)),
        with("scope", json!("*")),
        text.replacen("\"exp\"", "\"exp\":1,\"exp\"", 1),
        text.replacen("\"sid\"", "\"sid\":\"x\",\"sid\"", 1),
        format!("{text}x"),
        "{}".into(),
        "[]".into(),
        "null".into(),
        String::new(),
        with("pad", json!("x".repeat(8000))),
    ] {
        refused(&app, "claims", &signed(HEADER, &payload)).await;
    }
    // Another family's or another tenant's id in a token that is signed is only a name: the row says who it is.
    let other = app
        .app
        .tokens()
        .sign(&Subject { user: &base::new_id(), family: claims["sid"].as_str().unwrap(), tenant: &base::new_id() }, Time::now())
        .unwrap();
    let me = app.get_as(Some(&other), "/api/v1/me").await.expect(200);
    assert_eq!((&me["user"]["id"], &me["tenant"]["slug"]), (&app.admin.me["user"]["id"], &json!("acme")));
    // And a key of the right kind for something else signs nothing.
    for purpose in ["cursor", "access token", "seal access tokens", ""] {
        let wrong = SigningKey::from_bytes(&app.app.root_key().derive(purpose).unwrap());
        let body = format!("{}.{}", parts[0], parts[1]);
        refused(&app, purpose, &format!("{body}.{}", URL_SAFE_NO_PAD.encode(wrong.sign(body.as_bytes()).to_bytes()))).await;
    }
    app.get(ADMIN, "/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn s_25_a_credential_is_taken_whole_and_exact_or_not_at_all() {
    let app = app().await;
    let made = app.post(ADMIN, "/api/v1/account/keys", json!({ "name": "k", "scopes": ["crm.deals:read"], "expires_in_days": 1 })).await.expect(201);
    let key = made["secret"].as_str().unwrap().to_owned();
    for good in [&key, &app.admin.token, &app.admin.refresh_token] {
        for at in 0..good.len() {
            refused(&app, "prefix", &good[..at]).await;
            if at > 0 {
                refused(&app, "suffix", &good[at..]).await;
            }
        }
        let swapped: String = good.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect();
        for (why, text) in [
            ("upper case", good.to_uppercase()),
            ("lower case", good.to_lowercase()),
            ("the other case", swapped),
            ("doubled", format!("{good}{good}")),
            ("a look-alike", good.replacen('a', "а", 1).replacen('e', "е", 1)),
            ("white space inside", format!("{} {}", &good[..8], &good[8..])),
            ("a tab", format!("\t{good}")),
            ("two spaces", format!(" {good}")),
            ("padding", format!("{good}=")),
            ("one more", format!("{good}A")),
            ("quotes", format!("\"{good}\"")),
            ("two", format!("{good},{good}")),
        ] {
            if text != *good {
                refused(&app, why, &text).await;
            }
        }
    }
    // A refresh token is no access token, and neither is a session's cookie; an access token is no cookie.
    refused(&app, "a refresh token", &app.admin.refresh_token).await;
    for value in [&app.admin.token, &key] {
        let answer = app.send(app.request(Method::GET, "/api/v1/me", None).header(header::COOKIE, format!("sid={value}")), "").await;
        assert_eq!(answer.status, 401);
    }
    for (scheme, status) in [("Basic", 401), ("Token", 401), ("", 401), ("bearer", 200), ("BEARER", 200)] {
        let value = format!("{scheme} {}", app.admin.token);
        let answer = app.send(app.request(Method::GET, "/api/v1/me", None).header(header::AUTHORIZATION, value), "").await;
        assert_eq!(answer.status, status, "{scheme}");
    }
    let twice = app.request(Method::GET, "/api/v1/me", Some(&app.admin.token)).header(header::AUTHORIZATION, format!("Bearer {}", app.other.token));
    let answer = app.send(twice, "").await;
    assert!(answer.status == 401 || answer.status == 400, "two credentials at once are none: {}", answer.text());
    app.get_as(Some(&key), "/api/v1/crm/deals").await.expect(200);
}

#[tokio::test]
async fn s_26_parallel_refreshes_get_one_successor_and_a_replay_kills_the_family() {
    let app = app().await;
    let refresh = |token: &str| app.post(NOBODY, "/api/v1/auth/token", json!({ "refresh_token": token }));
    let first = app.admin.refresh_token.clone();
    let answers = futures_util::future::join_all((0..64).map(|_| refresh(&first))).await;
    let mut successors: Vec<String> = answers.into_iter().map(|answer| answer.expect(200)["refresh_token"].as_str().unwrap().to_owned()).collect();
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1, "all get the same successor");
    let families = app
        .app
        .hub()
        .scan(|sql| sql.row(r#"SELECT COUNT(*) FROM "refresh_families" WHERE "status" = 'active'"#, &[], |row| row.int(0)))
        .await
        .unwrap();
    assert_eq!(families, Some(3), "one for each who signed in");
    let second = refresh(&successors[0]).await.expect(200);
    let access = second["access_token"].as_str().unwrap();
    app.get_as(Some(access), "/api/v1/me").await.expect(200);
    // Later the first one comes again: somebody has stolen it, or its successor.
    refresh(&first).await.expect(401);
    app.get_as(Some(access), "/api/v1/me").await.expect(401);
    app.get(ADMIN, "/api/v1/me").await.expect(401);
    refresh(second["refresh_token"].as_str().unwrap()).await.expect(401);
    let told = app
        .app
        .hub()
        .scan(|sql| sql.row(r#"SELECT COUNT(*) FROM "events" WHERE "type" = 'account.family.reused'"#, &[], |row| row.int(0)))
        .await
        .unwrap();
    assert_eq!(told, Some(1), "the log says so, once");
}

#[tokio::test]
async fn s_26_the_grace_ends() {
    let app = app().await;
    let refresh = |token: &str| app.post(NOBODY, "/api/v1/auth/token", json!({ "refresh_token": token }));
    let first = app.admin.refresh_token.clone();
    refresh(&first).await.expect(200);
    refresh(&first).await.expect(200);
    app.app.hub().write(|sql| sql.run(r#"UPDATE "refresh_families" SET "rotated_at" = "rotated_at" - 61000000"#, &[])).await.unwrap();
    refresh(&first).await.expect(401);
    app.get(ADMIN, "/api/v1/me").await.expect(401);
}
