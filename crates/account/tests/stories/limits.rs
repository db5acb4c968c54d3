use crate::support::PASSWORD;
use kernel::{App, app::Parts, config::Config};
use serde_json::json;
use testkit::TestApp;

/// An app that limits as a fresh installation does.
async fn strict() -> TestApp {
    let mut app = TestApp::with(vec![]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::for_tests(folder.path()).unwrap();
    config.limits.auth_per_account = "5/15m".parse().unwrap();
    config.limits.register_per_ip = "5/1h".parse().unwrap();
    config.limits.mail_per_address = "3/15m".parse().unwrap();
    config.data = app.app.config().data.clone();
    config.storage = app.app.config().storage.clone();
    app.app.shutdown().await;
    let modules = vec![account::module().unwrap(), hub::module()];
    app.app = App::start(Parts { config, modules, assets: |_| None, demo: None }).await.unwrap();
    app.app.start_background();
    app
}

#[tokio::test]
async fn an_account_is_guessed_at_five_times_however_it_is_spelled() {
    let app = strict().await;
    let spellings = ["admin@acme.test", "ADMIN@acme.test", " admin@acme.test", "Ａdmin@acme.test", "admin@acme.test\t"];
    for spelling in spellings {
        app.post_as(None, "/api/v1/auth/sign-in", json!({"email": spelling, "password": "wrong"})).await.expect(401);
    }
    for path in ["/api/v1/auth/sign-in", "/api/v1/auth/token"] {
        let answer = app.post_as(None, path, json!({"email": "Admin@Acme.test", "password": PASSWORD})).await.expect(429);
        assert!(answer.header("retry-after").parse::<u64>().unwrap() > 800);
    }
    app.post_as(None, "/api/v1/auth/token", json!({"email": "admin@other.test", "password": PASSWORD})).await.expect(200);
    // Somebody unknown is counted just the same.
    for n in 0..6 {
        let status = app.post_as(None, "/api/v1/auth/token", json!({"email": "no@body.test", "password": "x"})).await.status.as_u16();
        assert_eq!(status, if n < 5 { 401 } else { 429 });
    }
}

#[tokio::test]
async fn good_sign_ins_do_not_count() {
    let app = strict().await;
    for _ in 0..12 {
        app.post_as(None, "/api/v1/auth/token", json!({"email": "admin@acme.test", "password": PASSWORD})).await.expect(200);
    }
}

#[tokio::test]
async fn sign_ups_and_mails_are_few() {
    let app = strict().await;
    for n in 0..6 {
        let body = json!({"company": "X", "name": "Y", "email": format!("n{n}@new.test"), "password": PASSWORD});
        let status = app.post_as(None, "/api/v1/auth/register", body).await.status.as_u16();
        assert_eq!(status, if n < 5 { 202 } else { 429 });
    }
    for email in ["admin@acme.test", "no@body.test"] {
        for n in 0..4 {
            let path = if n % 2 == 0 { "/api/v1/auth/forgot" } else { "/api/v1/auth/resend" };
            let status = app.post_as(None, path, json!({"email": email})).await.status.as_u16();
            assert_eq!(status, if n < 3 { 202 } else { 429 }, "{email} {n}");
        }
    }
}

#[tokio::test]
async fn failed_tries_to_sign_in_are_counted_by_account_and_told_once_a_minute() {
    let app = strict().await;
    for _ in 0..6 {
        app.post_as(None, "/api/v1/auth/sign-in", json!({"email": "Admin@Acme.test", "password": "my old secret"})).await;
    }
    for _ in 0..2 {
        app.post_as(None, "/api/v1/auth/token", json!({"email": "typo@acme.test", "password": "my old secret"})).await.expect(401);
    }
    app.post_as(None, "/api/v1/auth/token", json!({"refresh_token": "made up"})).await.expect(401);
    let body = json!({"email": "admin@other.test", "password": PASSWORD, "tenant": "acme"});
    app.post_as(None, "/api/v1/auth/token", body).await.expect(401);
    app.app.write_down().await.unwrap();
    app.app.write_down().await.unwrap();
    let told = app.app.hub().scan(|sql| {
        let find = r#"SELECT "subject", "actor", "data" FROM "events" WHERE "type" = 'account.session.failed' ORDER BY "seq""#;
        sql.rows(find, &[], |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.text(2)?.to_owned())))
    });
    let told = told.await.unwrap();
    let of = |subject: String| {
        let found: Vec<_> = told.iter().filter(|(s, ..)| *s == subject).collect();
        assert_eq!((found.len(), found[0].1.as_str()), (1, "anonymous"), "{told:?}");
        serde_json::from_str::<serde_json::Value>(&found[0].2).unwrap()
    };
    let user = |person: &testkit::Person| format!("account.users/{}", person.me["user"]["id"].as_str().unwrap());
    let admin = of(user(&app.admin));
    assert_eq!((&admin["count"], &admin["reasons"]), (&json!(6), &json!({"limited": 1, "password": 5})));
    assert_eq!(of("account.users".into())["reasons"], json!({"refresh_token": 1, "unknown": 2}));
    assert_eq!(of(user(&app.other))["reasons"], json!({"company": 1}));
    assert_eq!(told.len(), 3);
    let typed = ["typo", "secret", "made up", "acme.test"];
    assert!(told.iter().all(|(.., data)| typed.iter().all(|typed| !data.to_lowercase().contains(typed))), "{told:?}");
    assert_eq!(hub::audit::verify(&app.app, base::TenantId::HUB).await.unwrap().broken, None);
}
