//! What has been over for long leaves the hub; what is not over, or not for long, stays.

use crate::support::{Browser, settled};
use base::Time;
use serde_json::json;
use testkit::{ADMIN, TestApp};

const DAY: i64 = 86_400;

async fn run(app: &TestApp, sql: &'static str, days: i64) {
    let at = Time::now().plus_seconds(days * DAY);
    let changed = app.app.hub().write(move |tx| tx.run(sql, &[at.into()])).await.unwrap();
    assert!(changed > 0, "{sql}");
}

/// How many rows the tables hold, in this order.
async fn left(app: &TestApp) -> [i64; 6] {
    let mut all = [0; 6];
    let tables = [
        r#"SELECT COUNT(*) FROM "sessions""#,
        r#"SELECT COUNT(*) FROM "refresh_families""#,
        r#"SELECT COUNT(*) FROM "keys""#,
        r#"SELECT COUNT(*) FROM "links""#,
        r#"SELECT COUNT(*) FROM "signups""#,
        r#"SELECT COUNT(*) FROM "idempotency""#,
    ];
    for (slot, sql) in all.iter_mut().zip(tables) {
        *slot = app.app.hub().scan(move |tx| tx.row(sql, &[], |row| row.int(0))).await.unwrap().unwrap();
    }
    all
}

#[tokio::test]
async fn what_has_been_over_for_long_is_taken_away() {
    let app = TestApp::with(vec![]).await;
    for _ in 0..3 {
        Browser::signed_in(&app, "admin@acme.test").await;
        app.sign_in("admin@other.test").await;
    }
    for n in 0..3 {
        let key = json!({"name": format!("k{n}"), "scopes": ["account.events:read"], "expires_in_days": 1});
        app.post(ADMIN, "/api/v1/account/keys", key).await.expect(201);
    }
    for n in 0..3 {
        app.post(ADMIN, "/api/v1/account/invitations", json!({"email": format!("p{n}@acme.test"), "role": "viewer"})).await.expect(201);
    }
    settled(&app).await;
    assert_eq!(app.app.clean_up().await.unwrap(), 0, "nothing is over yet");
    let before = left(&app).await;
    // Of each kind one that is over for long, and one that is not over for long enough.
    run(&app, r#"UPDATE "sessions" SET "expires_at" = ?1 WHERE "id" = (SELECT MIN("id") FROM "sessions")"#, -8).await;
    run(&app, r#"UPDATE "sessions" SET "expires_at" = ?1 WHERE "id" = (SELECT MAX("id") FROM "sessions")"#, -6).await;
    run(&app, r#"UPDATE "refresh_families" SET "expires_at" = ?1 WHERE "id" = (SELECT MAX("id") FROM "refresh_families")"#, -8).await;
    run(&app, r#"UPDATE "refresh_families" SET "status" = 'dead', "rotated_at" = ?1 WHERE "user" IN (SELECT "id" FROM "users" WHERE "email" = 'admin@other.test')"#, -8).await;
    run(&app, r#"UPDATE "keys" SET "expires_at" = ?1 WHERE "name" = 'k0'"#, -31).await;
    run(&app, r#"UPDATE "keys" SET "expires_at" = ?1 WHERE "name" = 'k1'"#, -29).await;
    // The sign-up of Acme was confirmed long ago; one invitation was let go long ago, and one lately.
    run(&app, r#"UPDATE "links" SET "used_at" = ?1 WHERE "email" = 'admin@acme.test'"#, -31).await;
    run(&app, r#"UPDATE "signups" SET "created_at" = ?1"#, -40).await;
    run(&app, r#"UPDATE "links" SET "expires_at" = ?1, "status" = 'cancelled' WHERE "email" = 'p0@acme.test'"#, -31).await;
    run(&app, r#"UPDATE "links" SET "expires_at" = ?1 WHERE "email" = 'p1@acme.test'"#, -29).await;
    let now = Time::now();
    app.app
        .hub()
        .write(move |sql| {
            for (n, at) in [(1_u8, now.plus_seconds(-1)), (2, now.plus_seconds(60))] {
                let answer = r#"INSERT INTO "idempotency" ("key", "body", "status", "answer", "expires_at") VALUES (?1, ?1, 200, ?1, ?2)"#;
                sql.run(answer, &[[n; 32].as_slice().into(), at.into()])?;
            }
            // More than go at once.
            for n in 0..1100 {
                let session = r#"INSERT INTO "sessions" ("hash", "id", "user", "created_at", "seen_at", "expires_at") VALUES (?1, ?2, 'u', 0, 0, 0)"#;
                sql.run(session, &[format!("{n}").as_bytes().into(), base::new_id().into()])?;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(app.app.clean_up().await.unwrap(), 1100 + 1 + 1 + 1 + 2 + 1 + 1);
    assert_eq!(app.app.clean_up().await.unwrap(), 0);
    let [sessions, families, keys, links, signups, answers] = before;
    assert_eq!(left(&app).await, [sessions - 1, families - 1, keys - 1, links - 2, signups - 1, answers + 1]);
    app.get(ADMIN, "/api/v1/me").await.expect(200);
    let listed = app.get(ADMIN, "/api/v1/account/invitations").await.expect(200);
    assert!(!listed.text().contains("p0@acme.test") && listed.text().contains("p1@acme.test"));
}
