//! Another company for somebody who has an account: one for each request, however often and however far it came.

use crate::support::{PASSWORD, settled};
use base::{TenantId, Time};
use futures_util::future::join_all;
use http::{Method, header};
use serde_json::json;
use testkit::{ADMIN, Answer, TestApp};

async fn make(app: &TestApp, key: &str, name: &str) -> Answer {
    let request = app.request(Method::POST, "/api/v1/account/companies", app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json");
    app.send(request.header("idempotency-key", key), json!({"name": name}).to_string()).await
}

/// The names of the companies that the admin works in.
async fn names(app: &TestApp) -> Vec<String> {
    let me = app.get(ADMIN, "/api/v1/me").await.expect(200);
    let mut names: Vec<String> = me["tenants"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_same_request_eight_times_at_once_makes_one_company() {
    let app = TestApp::with(vec![]).await;
    let answers = join_all((0..8).map(|_| make(&app, "second", "Second"))).await;
    let ids: Vec<String> = answers.into_iter().map(|answer| answer.expect(201).id()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(names(&app).await, ["Acme", "Second"]);
    let tenant: TenantId = ids[0].parse().unwrap();
    let silo = app.app.silos().open(tenant).await.unwrap();
    let owners = silo.scan(|sql| sql.row(r#"SELECT COUNT(*) FROM "members""#, &[], |row| row.int(0))).await.unwrap();
    assert_eq!(owners, Some(1));
    // Once more, and for another name; another key is another company.
    let again = make(&app, "second", "Second").await.expect(201);
    assert_eq!((again.id(), again.header("idempotency-replayed")), (ids[0].clone(), "true"));
    assert_eq!(make(&app, "second", "Third").await.expect(422).code(), "idempotency-mismatch");
    assert_ne!(make(&app, "third", "Second").await.expect(201).id(), ids[0]);
    // Two names at once under one key: one is made, the other refused.
    let two = join_all(["A", "B"].map(|name| make(&app, "two", name))).await;
    let mut statuses: Vec<u16> = two.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    assert_eq!(names(&app).await.len(), 4);
    assert_eq!(hub::audit::verify(&app.app, tenant).await.unwrap().broken, None);
}

/// Puts things back to where a crash leaves them when the claim is written, with or without the silo, and the hub's rows are not.
async fn crash(app: &TestApp, made: &Answer, silo_too: bool) {
    let id = made.id();
    if silo_too {
        app.app.silos().open(app.tenant(&app.admin)).await.unwrap().write(|sql| sql.run(r#"DELETE FROM "idempotency""#, &[])).await.unwrap();
    }
    app.app
        .hub()
        .write(move |sql| {
            sql.run(r#"DELETE FROM "hub_tenants" WHERE "id" = ?1"#, &[(&id).into()])?;
            sql.run(r#"DELETE FROM "user_tenants" WHERE "tenant" = ?1"#, &[(&id).into()])?;
            sql.run(r#"UPDATE "links" SET "status" = 'working' WHERE "tenant" = ?1 AND "kind" = 'company'"#, &[(&id).into()])
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_try_that_broke_off_goes_on_under_the_same_key() {
    let app = TestApp::with(vec![]).await;
    let made = make(&app, "second", "Second").await.expect(201);
    crash(&app, &made, true).await;
    assert_eq!(names(&app).await, ["Acme"]);
    let again = join_all((0..8).map(|_| make(&app, "second", "Second"))).await;
    for answer in again {
        assert_eq!(answer.expect(201).id(), made.id(), "the same company");
    }
    assert_eq!(names(&app).await, ["Acme", "Second"]);
}

#[tokio::test]
async fn a_job_finishes_a_company_that_a_crash_left_half_made() {
    let app = TestApp::with(vec![]).await;
    account::operators::create(&app.app, "op@tenon.test", "Olga", PASSWORD).await.unwrap();
    let operator = app.sign_in("op@tenon.test").await;
    let made = make(&app, "second", "Second").await.expect(201);
    crash(&app, &made, false).await;
    let job = app.app.hub().write(|sql| {
        let now = Time::now();
        let sooner = r#"UPDATE "jobs" SET "run_at" = ?1 WHERE "kind" = 'account.signups.found' AND "status" = 'ready' AND "id" = (SELECT MAX("id") FROM "jobs" WHERE "kind" = 'account.signups.found') RETURNING "id""#;
        let job = sql.row(sooner, &[now.into()], |row| Ok(row.text(0)?.to_owned()))?;
        sql.run(
            r#"INSERT INTO "due" ("tenant", "at", "stamp") VALUES (?1, ?2, 1) ON CONFLICT ("tenant") DO UPDATE SET "at" = excluded."at", "stamp" = "due"."stamp" + 1"#,
            &[TenantId::HUB.to_string().into(), now.into()],
        )?;
        Ok(job)
    });
    let job = format!("/api/v1/jobs/{}", job.await.unwrap().unwrap());
    settled(&app).await;
    let shown = app.get_as(Some(&operator.token), &job).await.expect(200);
    assert_eq!((&shown["status"], &shown["progress"], &shown["note"]), (&json!("done"), &json!(100), &json!("Owner and company are written.")));
    assert_eq!(shown["result"]["tenant"], json!(made.id()));
    app.get(ADMIN, &job).await.expect(404);
    assert_eq!(names(&app).await, ["Acme", "Second"]);
    assert_eq!(make(&app, "second", "Second").await.expect(201).id(), made.id());
    assert_eq!(hub::audit::verify(&app.app, made.id().parse().unwrap()).await.unwrap().broken, None);
}
