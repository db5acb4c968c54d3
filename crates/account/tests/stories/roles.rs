use serde_json::{Value, json};
use testkit::{ADMIN, STRANGER, TestApp};

fn role(name: &str, grants: Value) -> Value {
    json!({"name": name, "title": "A role", "grants": grants})
}

#[tokio::test]
async fn a_company_makes_its_own_roles() {
    let app = TestApp::with(vec![]).await;
    let list = app.get(ADMIN, "/api/v1/account/roles").await.expect(200);
    let names: Vec<&str> = list["items"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["owner", "admin", "editor", "member", "viewer", "billing", "auditor"]);
    let grants = json!([{"permission": "account.views:read", "when": "shared"}, {"permission": "account.members:read"}]);
    let made = app.post(ADMIN, "/api/v1/account/roles", role("reader", grants)).await.expect(201);
    assert_eq!((made["builtin"].as_bool(), made["permissions"][1]["when"].as_str()), (Some(false), Some("shared")));
    let reader = app.invite(&app.admin, "reader@acme.test", "reader").await;
    assert_eq!(reader.me["permissions"], json!(["account.members:read", "account.views:read"]));
    app.delete(ADMIN, "/api/v1/account/roles/reader").await.expect(409);
    let changed = app.patch(ADMIN, "/api/v1/account/roles/reader", json!({"grants": [{"permission": "account.keys:read"}]})).await.expect(200);
    assert_eq!(changed["permissions"].as_array().unwrap().len(), 1);
    let me = app.get_as(Some(&reader.token), "/api/v1/me").await.expect(200);
    assert_eq!(me["permissions"], json!(["account.keys:read"]), "it counts at once");
    app.post(ADMIN, "/api/v1/account/roles", role("unused", json!([]))).await.expect(201);
    app.delete(ADMIN, "/api/v1/account/roles/unused").await.expect(204);
    app.delete(ADMIN, "/api/v1/account/roles/unused").await.expect(404);
}

#[tokio::test]
async fn what_a_role_cannot_be_is_said_field_by_field() {
    let app = TestApp::with(vec![]).await;
    for (body, field) in [
        (role("Reader", json!([])), "name"),
        (json!({"name": "x", "title": "", "grants": []}), "title"),
        (role("x", json!([{"permission": "crm.deals:read"}])), "grants.0.permission"),
        (role("x", json!([{"permission": "account.views:read", "when": "nmae == 1"}])), "grants.0.when"),
        (role("x", json!([{"permission": "account.members:read", "when": "true"}])), "grants.0.when"),
        (role("x", json!([{"permission": "account.keys:read"}, {"permission": "account.keys:read"}])), "grants.1.permission"),
        (role("x", json!([{"permission": "account.keys:read", "all": true}])), "grants[0].all"),
    ] {
        let answer = app.post(ADMIN, "/api/v1/account/roles", body.clone()).await.expect(400);
        assert_eq!(answer["errors"][0]["field"], field, "{body} {}", answer.text());
    }
    app.post(ADMIN, "/api/v1/account/roles", role("viewer", json!([]))).await.expect(409);
    app.patch(ADMIN, "/api/v1/account/roles/viewer", json!({"title": "x"})).await.expect(409);
    app.delete(ADMIN, "/api/v1/account/roles/owner").await.expect(409);
    app.post(STRANGER, "/api/v1/account/roles", role("x", json!([]))).await.expect(403);
    app.get(STRANGER, "/api/v1/account/permissions").await.expect(403);
}

#[tokio::test]
async fn nobody_hands_out_more_than_they_hold() {
    let app = TestApp::with(vec![]).await;
    let grants = json!([
        {"permission": "account.roles:read"}, {"permission": "account.roles:create"}, {"permission": "account.roles:update"},
        {"permission": "account.members:read"}, {"permission": "account.members:update"}, {"permission": "account.views:read", "when": "shared"}
    ]);
    app.post(ADMIN, "/api/v1/account/roles", role("deputy", grants)).await.expect(201);
    let deputy = app.invite(&app.admin, "deputy@acme.test", "deputy").await;
    let make = |name: &'static str, grants: Value| app.post_as(Some(&deputy.token), "/api/v1/account/roles", role(name, grants));
    make("a", json!([{"permission": "account.members:read"}])).await.expect(201);
    make("b", json!([{"permission": "account.members:delete"}])).await.expect(403);
    make("c", json!([{"permission": "account.views:read"}])).await.expect(403);
    make("d", json!([{"permission": "account.views:read", "when": "shared || owner == actor.id"}])).await.expect(403);
    make("e", json!([{"permission": "account.views:read", "when": "shared"}])).await.expect(201);
    let patch = |path: String, body: Value| {
        let request = app.request(http::Method::PATCH, &path, Some(&deputy.token)).header("content-type", "application/json");
        app.send(request, body.to_string())
    };
    // Neither to others, nor to oneself, nor away from somebody who holds more.
    let list = app.get(ADMIN, "/api/v1/account/members").await.expect(200);
    for member in list["items"].as_array().unwrap() {
        let path = format!("/api/v1/account/members/{}", member["id"].as_str().unwrap());
        patch(path.clone(), json!({"roles": ["admin"]})).await.expect(403);
        if member["email"] == "admin@acme.test" {
            patch(path, json!({"roles": ["a"]})).await.expect(403);
        }
    }
    patch("/api/v1/account/roles/deputy".into(), json!({"grants": [{"permission": "account.keys:create"}]})).await.expect(403);
    app.post(ADMIN, "/api/v1/account/roles", role("above", json!([{"permission": "account.keys:create"}]))).await.expect(201);
    patch("/api/v1/account/roles/above".into(), json!({"grants": []})).await.expect(403);
}
