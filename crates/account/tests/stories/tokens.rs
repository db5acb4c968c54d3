use crate::support::PASSWORD;
use serde_json::json;
use testkit::{Answer, TestApp};

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post_as(None, "/api/v1/auth/token", json!({"refresh_token": token})).await
}

fn text(answer: &Answer, name: &str) -> String {
    answer[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_app_takes_tokens_and_replaces_them() {
    let app = TestApp::with(vec![]).await;
    let answer =
        app.post_as(None, "/api/v1/auth/token", json!({"email": "admin@acme.test", "password": PASSWORD, "tenant": "acme"})).await.expect(200);
    assert_eq!((answer["token_type"].as_str(), answer["expires_in"].as_i64()), (Some("Bearer"), Some(900)));
    assert_eq!(answer.header("cache-control"), "no-store");
    let next = refresh(&app, &text(&answer, "refresh_token")).await.expect(200);
    assert_ne!(next["refresh_token"], answer["refresh_token"]);
    let me = app.get_as(Some(&text(&next, "access_token")), "/api/v1/me").await.expect(200);
    assert_eq!(me["tenant"]["slug"], "acme");
    for body in
        [json!({}), json!({"email": "a@b.test"}), json!({"refresh_token": "x", "email": "a@b.test"}), json!({"refresh_token": "x", "tenant": "acme"})]
    {
        app.post_as(None, "/api/v1/auth/token", body).await.expect(400);
    }
}

#[tokio::test]
async fn right_after_the_change_the_same_successor_comes_once_more() {
    let app = TestApp::with(vec![]).await;
    let first = app.sign_in("admin@acme.test").await.refresh_token;
    let tries = (0..64).map(|_| refresh(&app, &first));
    let mut answers: Vec<String> = futures_util::future::join_all(tries).await.into_iter().map(|a| text(&a.expect(200), "refresh_token")).collect();
    answers.dedup();
    assert_eq!(answers.len(), 1, "one family, one successor");
    refresh(&app, &answers[0]).await.expect(200);
}

#[tokio::test]
async fn a_replayed_token_kills_its_family_and_no_other() {
    let app = TestApp::with(vec![]).await;
    let (phone, laptop) = (app.sign_in("admin@acme.test").await, app.sign_in("admin@acme.test").await);
    let second = text(&refresh(&app, &phone.refresh_token).await.expect(200), "refresh_token");
    let third = refresh(&app, &second).await.expect(200);
    // Two changes ago: no grace.
    refresh(&app, &phone.refresh_token).await.expect(401);
    refresh(&app, &text(&third, "refresh_token")).await.expect(401);
    app.get_as(Some(&text(&third, "access_token")), "/api/v1/me").await.expect(401);
    refresh(&app, &laptop.refresh_token).await.expect(200);
    let noted =
        app.app.hub().scan(|sql| sql.row(r#"SELECT COUNT(*) FROM "events" WHERE "type" = 'account.family.reused'"#, &[], |row| row.int(0))).await;
    assert_eq!(noted.unwrap(), Some(1));
}

#[tokio::test]
async fn a_token_that_we_never_gave_out_kills_nothing() {
    let app = TestApp::with(vec![]).await;
    let good = app.sign_in("admin@acme.test").await.refresh_token;
    let family = good.split('.').next().unwrap();
    let made_up = format!("{family}.{}.{}", "A".repeat(22), "A".repeat(43));
    for wrong in [made_up, good.to_uppercase(), format!("{good} "), format!(" {good}"), good[1..].to_owned(), format!("{good}A"), String::new()] {
        refresh(&app, &wrong).await.expect(401);
    }
    for at in 0..good.len() {
        refresh(&app, &good[..at]).await.expect(401);
    }
    refresh(&app, &good).await.expect(200);
}
