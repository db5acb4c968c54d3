//! What happens when the server stops between the two databases.

use crate::support::{PASSWORD, settled};
use base::{TenantId, Time, new_id};
use serde_json::json;
use testkit::{ADMIN, TestApp};

/// Leaves things as a crash leaves them after the first step: the link is being worked on, nothing else is there.
async fn crash_after_the_claim(app: &TestApp, kind: &'static str, job: &'static str, run_at: Time) -> String {
    app.app
        .hub()
        .write(move |sql| {
            let find = r#"SELECT "id" FROM "links" WHERE "kind" = ?1 AND "status" = 'pending'"#;
            let link = sql.row(find, &[kind.into()], |row| Ok(row.text(0)?.to_owned()))?.unwrap();
            let claim = r#"UPDATE "links" SET "status" = 'working', "tenant" = COALESCE("tenant", ?2), "user" = ?3 WHERE "id" = ?1"#;
            sql.run(claim, &[(&link).into(), TenantId::new().to_string().into(), new_id().into()])?;
            sql.run(
                r#"INSERT INTO "jobs" ("id", "kind", "priority", "args", "status", "run_at", "attempt", "progress", "actor", "cancel", "created_at")
VALUES (?1, ?2, 0, ?3, 'ready', ?4, 0, 0, 'anonymous', ?5, ?4)"#,
                &[new_id().into(), job.into(), json!({"link": link}).to_string().into(), run_at.into(), false.into()],
            )?;
            sql.run(
                r#"INSERT INTO "due" ("tenant", "at", "stamp") VALUES (?1, ?2, 1) ON CONFLICT ("tenant") DO UPDATE SET "at" = excluded."at", "stamp" = "due"."stamp" + 1"#,
                &[TenantId::HUB.to_string().into(), run_at.into()],
            )?;
            Ok(link)
        })
        .await
        .unwrap()
}

async fn signed_up(app: &TestApp) -> String {
    let body = json!({"company": "Crash", "name": "Cora", "email": "cora@crash.test", "password": PASSWORD});
    app.post_as(None, "/api/v1/auth/register", body).await.expect(202);
    let token = app.token_from_mail("cora@crash.test").await;
    settled(app).await;
    token
}

#[tokio::test]
async fn a_job_finishes_a_sign_up_that_a_crash_left_half_done() {
    let app = TestApp::with(vec![]).await;
    let token = signed_up(&app).await;
    crash_after_the_claim(&app, "verify", "account.signups.found", Time::now()).await;
    settled(&app).await;
    let person = app.sign_in("cora@crash.test").await;
    assert_eq!(person.me["tenant"]["name"], "Crash");
    app.post_as(None, "/api/v1/auth/verify", json!({"token": token})).await.expect(410);
}

#[tokio::test]
async fn the_same_link_goes_on_where_the_first_click_broke_off() {
    let app = TestApp::with(vec![]).await;
    let token = signed_up(&app).await;
    crash_after_the_claim(&app, "verify", "account.signups.found", Time::now().plus_seconds(3600)).await;
    app.post_as(None, "/api/v1/auth/verify", json!({"token": token})).await.expect(200);
    assert_eq!(app.sign_in("cora@crash.test").await.me["tenants"].as_array().unwrap().len(), 1);
    app.post_as(None, "/api/v1/auth/verify", json!({"token": token})).await.expect(410);
}

#[tokio::test]
async fn a_job_finishes_an_acceptance_that_a_crash_left_half_done() {
    let app = TestApp::with(vec![]).await;
    app.post(ADMIN, "/api/v1/account/invitations", json!({"email": "ivo@acme.test", "role": "viewer"})).await.expect(201);
    app.token_from_mail("ivo@acme.test").await;
    settled(&app).await;
    let hash = app.app.passwords().hash(PASSWORD).await.unwrap();
    let link = crash_after_the_claim(&app, "invitation", "account.invitations.join", Time::now().plus_seconds(2)).await;
    app.app
        .hub()
        .write(move |sql| {
            sql.run(
                r#"INSERT INTO "signups" ("id", "company", "name", "email", "email_key", "password", "status", "created_at") VALUES (?1, '', 'Ivo', 'ivo@acme.test', 'ivo@acme.test', ?2, 'invited', 0)"#,
                &[(&link).into(), hash.into()],
            )
        })
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    settled(&app).await;
    let person = app.sign_in("ivo@acme.test").await;
    assert_eq!(person.me["tenants"][0]["roles"], json!(["viewer"]));
}
