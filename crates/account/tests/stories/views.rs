use serde_json::{Value, json};
use testkit::{ADMIN, OTHER_TENANT, TestApp};

#[tokio::test]
async fn a_saved_filter_is_ones_own_until_it_is_shared() {
    let app = TestApp::with(vec![]).await;
    let (ann, bob) = (app.invite(&app.admin, "ann@acme.test", "member").await, app.invite(&app.admin, "bob@acme.test", "member").await);
    let view = |shared: bool| json!({"name": "Won", "resource": "crm.deals", "query": "stage == \"won\"", "shared": shared});
    let own = app.post_as(Some(&ann.token), "/api/v1/account/views", view(false)).await.expect(201);
    assert_eq!(own["owner"], ann.me["user"]["member"]);
    let shared = app.post_as(Some(&ann.token), "/api/v1/account/views", view(true)).await.expect(201);
    let seen = app.get_as(Some(&bob.token), "/api/v1/account/views").await.expect(200);
    let ids: Vec<&Value> = seen["items"].as_array().unwrap().iter().map(|v| &v["id"]).collect();
    assert_eq!(ids, [&shared["id"]]);
    let path = |id: &str| format!("/api/v1/account/views/{id}");
    app.get_as(Some(&bob.token), &path(&own.id())).await.expect(404);
    let patch = |token: &str, id: &str, body: Value| {
        let request = app.request(http::Method::PATCH, &path(id), Some(token)).header("content-type", "application/json");
        app.send(request, body.to_string())
    };
    patch(&bob.token, &shared.id(), json!({"name": "x"})).await.expect(403);
    patch(&ann.token, &shared.id(), json!({"name": "Closed"})).await.expect(200);
    let mut for_ann = view(false);
    for_ann["owner"] = ann.me["user"]["member"].clone();
    app.post_as(Some(&bob.token), "/api/v1/account/views", for_ann).await.expect(403);
    app.get(OTHER_TENANT, &path(&shared.id())).await.expect(404);
    app.get(ADMIN, &path(&own.id())).await.expect(200);
}
