//! JSON and its fields.

use super::{Before, SECRET, app, encoded, faults, post, problem, raw};
use http::Method;
use serde_json::json;
use testkit::{ADMIN, NOBODY};

#[tokio::test]
async fn json_that_is_too_deep_too_large_or_none_is_refused() {
    let app = app().await;
    let before = Before::of(&app).await;
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(64), "]".repeat(64));
    for path in ["/api/v1/crm/deals", "/api/v1/crm/deals:bulk", "/api/v1/account/roles", "/api/v1/auth/sign-in", "/api/v1/crm/deals:aggregate"] {
        problem(&post(&app, path, deep.clone()).await, 400, "too-deep");
        problem(&post(&app, path, format!("{{\"name\":\"{}\"}}", "x".repeat(1 << 20))).await, 413, "too-large");
        for text in ["{", "{]", "{\"name\":}", "{\"name\":\"x\"} x", "{'name':1}", "{\"name\":\"x\",}", "nul", "{\"a\":01}", "\u{feff}{}"] {
            let answer = post(&app, path, text).await;
            let code = answer.code().to_owned();
            assert!(code == "json" || (code == "invalid" && !faults(&answer).is_empty()), "{path} {text}: {}", answer.text());
            problem(&answer, 400, &code);
        }
        problem(&post(&app, path, b"{\"name\":\"\xff\xfe\"}".as_slice()).await, 400, "encoding");
        let answer = post(&app, path, "{\"name\":\"a\\u0000b\"}").await;
        assert!(answer.status == 400 && answer.text().contains("U+0000") | answer.text().contains("unknown"), "{}", answer.text());
    }
    for text in ["[]", "1", "\"x\"", "null", "true"] {
        let answer = post(&app, "/api/v1/crm/deals", text).await;
        assert_eq!(answer.status, 400, "{text}: {}", answer.text());
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "text/json", ""] {
        problem(&raw(&app, Method::POST, "/api/v1/crm/deals", content_type, "{\"name\":\"x\"}").await, 415, "content-type");
        problem(&raw(&app, Method::POST, "/api/v1/crm/companies:import", content_type, "name\nx\n").await, 415, "content-type");
    }
    problem(
        &raw(&app, Method::POST, "/api/v1/crm/companies:import", "application/json", "{\"filepath\":\"/etc/passwd\"}").await,
        415,
        "content-type",
    );
    before.is_unchanged(&app, "wrong JSON").await;
}

#[tokio::test]
async fn unknown_and_wrong_fields_are_named_all_at_once_with_the_nearest_name() {
    let app = app().await;
    let id = app.post(ADMIN, "/api/v1/crm/deals", json!({ "name": "Licence" })).await.expect(201).id();
    let before = Before::of(&app).await;
    let body = json!({ "nmae": SECRET, "amount": { "minor": "1", "currency": "EUR" }, "stage": "wno", "closes": "2026-02-30", "company": 5, "notes": [SECRET], "owner": "x" });
    let answer = app.post(ADMIN, "/api/v1/crm/deals", body).await;
    problem(&answer, 400, "invalid");
    let mut found = faults(&answer);
    found.sort();
    assert_eq!(
        found,
        ["amount.minor type", "closes date", "company type", "name required", "nmae unknown", "notes type", "owner reference", "stage option"]
    );
    for hint in ["name", "\\\"won\\\"", "2026-11-20"] {
        assert!(answer.text().contains(hint), "{hint} is missing in {}", answer.text());
    }
    assert!(!answer.text().contains(SECRET), "what was sent is not sent back");
    let path = format!("/api/v1/crm/deals/{id}");
    let long = "x".repeat(121);
    for (body, fault) in [
        (json!({ "name": null }), "name required"),
        (json!({ "name": "  " }), "name required"),
        (json!({ "name": long }), "name too-long"),
        (json!({ "id": base::new_id() }), "id unknown"),
        (json!({ "version": 7 }), "version unknown"),
        (json!({ "created_by": "x" }), "created_by unknown"),
        (json!({ "stage": "won" }), "stage state"),
        (json!({ "amount": 1.005 }), "amount money"),
        (json!({ "amount": { "minor": 1, "currency": "euro" } }), "amount.currency currency"),
        (json!({ "amount": { "minor": 9_007_199_254_740_993_i64 } }), "amount.minor type"),
        (json!({ "closes": "20.11.2026" }), "closes date"),
    ] {
        let answer = app.patch(ADMIN, &path, body.clone()).await;
        assert_eq!((answer.status.as_u16(), faults(&answer)), (400, vec![fault.to_owned()]), "{body}: {}", answer.text());
    }
    let doubled = raw(&app, Method::PATCH, &path, "application/json", "{\"notes\":\"a\",\"notes\":\"b\"}").await;
    assert_eq!(faults(&doubled), ["notes duplicate"]);
    for (path, body, fault) in [
        ("/api/v1/crm/deals:bulk", json!({ "ids": [], "do": "updaet" }), "do unknown"),
        ("/api/v1/crm/deals:bulk", json!({ "ids": [], "do": "update" }), "patch required"),
        ("/api/v1/crm/deals:bulk", json!({ "do": "delete" }), "ids required"),
        ("/api/v1/crm/deals:bulk", json!({ "ids": [], "filter": "true", "do": "delete" }), "filter either"),
        ("/api/v1/crm/deals:bulk", json!({ "ids": [], "do": "delete", "dryrun": true }), "dryrun unknown"),
        ("/api/v1/crm/deals:aggregate", json!({ "gruop_by": ["stage"] }), "gruop_by unknown"),
        ("/api/v1/crm/deals:aggregate", json!({ "sum": ["name"] }), "sum type"),
        ("/api/v1/account/roles", json!({ "name": "x", "title": "X", "grants": [{ "permission": "crm.deals:fly" }] }), "grants.0.permission unknown"),
        (
            "/api/v1/account/roles",
            json!({ "name": "x", "title": "X", "grants": [{ "permission": "crm.deals:read", "when": "ownr == 1" }] }),
            "grants.0.when condition",
        ),
        ("/api/v1/account/keys", json!({ "name": "x", "scopes": ["crm.deals:fly"], "expires_in_days": 1 }), "scopes.0 not-held"),
        ("/api/v1/account/keys", json!({ "name": "x", "scopes": ["crm.deals:read"], "expires_in_days": 0 }), "expires_in_days range"),
        ("/api/v1/account/invitations", json!({ "email": "nonsense", "role": "viewer" }), "email email"),
        ("/api/v1/account/invitations", json!({ "email": "x@example.com", "role": "king" }), "role unknown"),
    ] {
        let answer = app.post(ADMIN, path, body.clone()).await;
        assert_eq!((answer.status.as_u16(), faults(&answer)), (400, vec![fault.to_owned()]), "{path} {body}: {}", answer.text());
    }
    before.is_unchanged(&app, "wrong fields").await;
}

#[tokio::test]
async fn the_character_zero_is_refused_wherever_it_stands() {
    let app = app().await;
    let before = Before::of(&app).await;
    assert_eq!(faults(&post(&app, "/api/v1/crm/companies", "{\"name\":\"a\\u0000\"}").await), ["name nul"]);
    assert_eq!(faults(&post(&app, "/api/v1/crm/companies", "{\"name\":\"x\",\"industries\":[\"a\\u0000\"]}").await), ["industries nul"]);
    assert_eq!(post(&app, "/api/v1/crm/companies", "{\"na\\u0000me\":\"a\"}").await.status, 400);
    assert_eq!(post(&app, "/api/v1/crm/companies", b"{\"name\":\"a\0\"}".as_slice()).await.status, 400);
    for query in ["q=%00", "filter=name%20%3D%3D%20%22%00%22", "sort=name%00", "x%00=1"] {
        problem(&app.get(ADMIN, &format!("/api/v1/crm/companies?{query}")).await, 400, "nul");
    }
    problem(&app.import(ADMIN, "/api/v1/crm/companies:import", "name\na\0b\n").await, 400, "nul");
    problem(&app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "a\u{0}@x.test", "password": SECRET })).await, 400, "nul");
    let escaped = encoded("name == \"\\u0000\"");
    assert_eq!(app.get(ADMIN, &format!("/api/v1/crm/companies?filter={escaped}")).await.status, 400);
    before.is_unchanged(&app, "U+0000").await;
}
