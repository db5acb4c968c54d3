//! What the log never holds.

use super::{SECRET, app, encoded, problem};
use http::{Method, header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use testkit::{ADMIN, PASSWORD, catch_logs};

/// Everything that was logged in this process, at every level.
pub fn logs() -> &'static Arc<Mutex<Vec<u8>>> {
    static LOGS: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    LOGS.get_or_init(|| catch_logs("trace"))
}

pub fn logged(text: &str) -> bool {
    let logs = logs().lock();
    assert!(!logs.is_empty(), "nothing was logged at all");
    logs.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn no_secret_of_a_request_is_logged_whatever_happens_to_it() {
    let app = app().await;
    for (path, body) in [
        ("auth/register", json!({ "company": "X", "name": "Y", "email": "log@acme.test", "password": SECRET })),
        ("auth/sign-in", json!({ "email": "admin@acme.test", "password": SECRET })),
        ("auth/token", json!({ "email": "admin@acme.test", "password": SECRET })),
        ("auth/token", json!({ "refresh_token": SECRET })),
        ("auth/verify", json!({ "token": SECRET })),
        ("auth/reset", json!({ "token": SECRET, "password": SECRET })),
        ("auth/accept-invitation", json!({ "token": SECRET, "password": SECRET })),
        ("account/password", json!({ "current": SECRET, "password": SECRET })),
        ("crm/companies", json!({ "name": "x", "notes": SECRET })),
        ("crm/companies", json!({ "nmae": SECRET })),
        (&format!("crm/companies?{SECRET}={SECRET}"), json!({})),
    ] {
        app.post(ADMIN, &format!("/api/v1/{path}"), body).await;
    }
    app.import(ADMIN, "/api/v1/crm/companies:import", &format!("name\n{SECRET}\n")).await.expect(200);
    app.get(ADMIN, &format!("/api/v1/crm/companies?filter={}", encoded(&format!("name == \"{SECRET}\"")))).await.expect(200);
    app.get(ADMIN, &format!("/api/v1/crm/companies?api_key={SECRET}")).await.expect(400);
    app.get_as(Some(SECRET), "/api/v1/me").await.expect(401);
    app.send(app.request(Method::GET, "/api/v1/me", None).header(header::COOKIE, format!("sid={SECRET}")), "").await.expect(401);
    let link = app.token_from_mail("log@acme.test").await;
    let invited = app.invite(&app.admin, "invited@acme.test", "viewer").await;
    for secret in [SECRET, &link, PASSWORD, &app.admin.token, &app.admin.refresh_token, &invited.token] {
        assert!(!logged(secret), "{secret} is in the log");
    }
}

/// A problem that is our own fault says nothing of its cause.
#[tokio::test]
async fn our_own_fault_keeps_its_cause_to_the_log() {
    let app = app().await;
    let silo = app.app.silos().open(app.tenant(&app.admin)).await.unwrap();
    silo.write(|sql| sql.run(r#"UPDATE "modules" SET "status" = 'installed', "name" = 'crm'  WHERE "name" = 'crm'"#, &[])).await.unwrap();
    silo.write(|sql| sql.ddl(r#"DROP TABLE "crm_activities""#)).await.unwrap();
    let answer = app.get(ADMIN, "/api/v1/crm/activities").await;
    problem(&answer, 500, "internal");
    assert!(!answer.text().contains("crm_activities"), "{}", answer.text());
    assert!(logged("crm_activities") && logged(answer["request_id"].as_str().unwrap()));
    app.get(ADMIN, "/api/v1/crm/deals").await.expect(200);
    let _: Value = answer.json;
}
