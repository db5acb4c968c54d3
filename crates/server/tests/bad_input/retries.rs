//! Stale tags and repeated requests.

use super::{Before, SECRET, app, logs::logged, problem};
use http::{Method, header};
use serde_json::json;
use testkit::ADMIN;

#[tokio::test]
async fn a_stale_tag_is_answered_with_the_record_as_it_is() {
    let app = app().await;
    let id = app.post(ADMIN, "/api/v1/crm/deals", json!({ "name": "Licence" })).await.expect(201).id();
    let path = format!("/api/v1/crm/deals/{id}");
    app.patch(ADMIN, &path, json!({ "notes": "second" })).await.expect(200);
    let before = Before::of(&app).await;
    for tag in ["\"1\"", "\"3\"", "\"0\"", "\"x\"", "W/\"2\""] {
        for (method, at, body) in
            [(Method::PATCH, path.clone(), "{\"notes\":\"third\"}"), (Method::DELETE, path.clone(), ""), (Method::POST, format!("{path}/lose"), "{}")]
        {
            let request = app.request(method, &at, app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json").header(header::IF_MATCH, tag);
            let answer = app.send(request, body).await;
            problem(&answer, 412, "stale");
            assert_eq!((&answer["current"]["version"], &answer["current"]["notes"]), (&json!(2), &json!("second")), "{tag}");
        }
    }
    for tag in ["2", "\"1\", \"2\"", "x", "\"2"] {
        let request =
            app.request(Method::PATCH, &path, app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json").header(header::IF_MATCH, tag);
        problem(&app.send(request, "{\"notes\":\"third\"}").await, 400, "if-match");
    }
    before.is_unchanged(&app, "stale tags").await;
    for tag in ["\"2\"", "*"] {
        let request =
            app.request(Method::PATCH, &path, app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json").header(header::IF_MATCH, tag);
        app.send(request, "{\"notes\":\"third\"}").await.expect(200);
    }
}

#[tokio::test]
async fn a_repeated_request_is_done_once_and_another_one_under_its_key_is_refused() {
    let app = app().await;
    let keyed = |path: &str, key: &str, body: String| {
        let request = app.request(Method::POST, path, app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json");
        app.send(request.header("idempotency-key", key), body)
    };
    let deals = "/api/v1/crm/deals";
    let body = json!({ "name": "Once", "notes": SECRET }).to_string();
    let first = keyed(deals, "k1", body.clone()).await.expect(201);
    let before = Before::of(&app).await;
    let again = keyed(deals, "k1", body.clone()).await.expect(201);
    assert_eq!((again.text(), again.header("idempotency-replayed"), again.header("etag")), (first.text(), "true", first.header("etag")));
    problem(&keyed(deals, "k1", json!({ "name": "Twice" }).to_string()).await, 422, "idempotency-mismatch");
    problem(&keyed(deals, "", body.clone()).await, 400, "idempotency-key");
    problem(&keyed(deals, &"x".repeat(256), body.clone()).await, 400, "idempotency-key");
    before.is_unchanged(&app, "repeating").await;
    // A try that failed leaves nothing: the same key may be used for the mended request.
    keyed(deals, "k2", "{}".into()).await.expect(400);
    keyed(deals, "k2", json!({ "name": "Mended" }).to_string()).await.expect(201);
    // Many at once: one is done, the others wait for it and get its answer.
    let many = (0..32).map(|_| keyed(deals, "k3", json!({ "name": "Parallel" }).to_string()));
    let mut ids: Vec<String> = futures_util::future::join_all(many).await.into_iter().map(|answer| answer.expect(201).id()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    // Two different ones at once under one key: one is done, the other is refused.
    let two = ["A", "B"].map(|name| keyed(deals, "k4", json!({ "name": name }).to_string()));
    let mut statuses: Vec<u16> = futures_util::future::join_all(two).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/deals?count=true").await["total"], 4);
    // What shows a secret once shows the same one to the same request, and it stands nowhere in the clear.
    let key = json!({ "name": "Robot", "scopes": ["crm.deals:read"], "expires_in_days": 1 }).to_string();
    let (one, two) = (keyed("/api/v1/account/keys", "k5", key.clone()).await.expect(201), keyed("/api/v1/account/keys", "k5", key).await.expect(201));
    assert_eq!(one["secret"], two["secret"]);
    let secret = one["secret"].as_str().unwrap();
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    for tenant in [app.tenant(&app.admin), base::TenantId::HUB] {
        let contents = app.contents(tenant).await;
        assert!(!contents.mentions(secret) && !contents.mentions(&hex), "the key is stored as its hash, and the answer sealed");
    }
    assert_eq!(app.get(ADMIN, "/api/v1/account/keys").await["items"].as_array().unwrap().len(), 1);
    assert!(!logged(secret));
}
