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
