//! Other tenants' things by any way but the path, and fields that are hidden or not the caller's to set.

use super::{app, deal, encoded, items, told};
use http::{Method, header};
use kernel::{Module, operations::Input};
use serde_json::{Value, json};
use server::verify::authz::sample;
use std::collections::BTreeSet;
use testkit::{ADMIN, NOBODY, OTHER_TENANT, TestApp};

#[tokio::test]
async fn s_01_a_foreign_id_is_told_like_one_that_never_was_wherever_it_stands() {
    let app = app().await;
    let foreign = app.post(OTHER_TENANT, "/api/v1/crm/companies", json!({ "name": "canary" })).await.expect(201).id();
    let foreign_member = app.other.me["user"]["member"].as_str().unwrap().to_owned();
    let own = deal(&app, "Own").await;
    let random = base::new_id();
    for (theirs, nowhere) in [(&foreign, &random), (&foreign_member, &random)] {
        let both = [theirs, nowhere];
        for field in ["company", "person", "owner"] {
            let created = both.map(|id| app.post(ADMIN, "/api/v1/crm/deals", json!({ "name": "x", field: id })));
            let [a, b] = created;
            same(&a.await.expect(400), &b.await.expect(400));
            let path = format!("/api/v1/crm/deals/{own}");
            let [a, b] = both.map(|id| app.patch(ADMIN, &path, json!({ field: id })));
            same(&a.await.expect(400), &b.await.expect(400));
            let [a, b] = both.map(|id| app.get_owned(format!("/api/v1/crm/deals?count=true&filter={}", encoded(&format!("{field} == \"{id}\"")))));
            let (a, b) = (a.await.expect(200), b.await.expect(200));
            assert_eq!((&a["total"], a.text()), (&json!(0), b.text()));
            let body = |id: &str| json!({ "ids": [own], "do": "update", "patch": { field: id } });
            let [a, b] = both.map(|id| app.post(ADMIN, "/api/v1/crm/deals:bulk", body(id)));
            same(&a.await.expect(200), &b.await.expect(200));
            let [a, b] = both.map(|id| app.post(ADMIN, "/api/v1/crm/deals:aggregate", json!({ "filter": format!("{field} == \"{id}\"") })));
            same(&a.await.expect(200), &b.await.expect(200));
        }
        let [a, b] = both.map(|id| app.get_owned(format!("/api/v1/access/explain?permission=crm.companies%3Aread&id={id}")));
        same(&a.await.expect(404), &b.await.expect(404));
        let [a, b] = both.map(|id| app.get_owned(format!("/api/v1/events?filter={}", encoded(&format!("subject.contains(\"{id}\")")))));
        same(&a.await.expect(200), &b.await.expect(200));
        let [a, b] = both.map(|id| app.get_owned(format!("/api/v1/search?q={id}")));
        same(&a.await.expect(200), &b.await.expect(200));
    }
}

#[track_caller]
fn same(one: &testkit::Answer, other: &testkit::Answer) {
    assert_eq!(told(one), told(other));
}

trait Get {
    async fn get_owned(&self, path: String) -> testkit::Answer;
}

impl Get for TestApp {
    async fn get_owned(&self, path: String) -> testkit::Answer {
        self.get(ADMIN, &path).await
    }
}

#[tokio::test]
async fn s_04_nobody_gets_a_default_tenant() {
    let app = app().await;
    // Without a host nothing is answered; without a credential nobody is anybody.
    let request = http::Request::builder().uri("/api/v1/me").header(header::AUTHORIZATION, format!("Bearer {}", app.admin.token));
    assert_eq!(app.send(request, "").await.status, 421);
    app.get(NOBODY, "/api/v1/me").await.expect(401);
    // Whoever is in no company at all is somebody, and may do nothing anywhere.
    let loner = app.invite(&app.admin, "loner@acme.test", "viewer").await;
    app.delete(ADMIN, &format!("/api/v1/account/members/{}", loner.me["user"]["member"].as_str().unwrap())).await.expect(204);
    app.get_as(Some(&loner.token), "/api/v1/crm/deals").await.expect(401);
    let request = app
        .request(Method::POST, "/api/v1/auth/sign-in", None)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/json");
    let signed_in = app.send(request, json!({ "email": "loner@acme.test", "password": testkit::PASSWORD }).to_string()).await.expect(200);
    assert_eq!((&signed_in["tenant"], &signed_in["permissions"]), (&Value::Null, &json!([])));
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    for operation in app.app.registry().operations() {
        if !matches!(operation.access, kernel::access::Access::Needs(_)) || operation.method != Method::GET {
            continue;
        }
        let path = format!("/api/v1/{}", operation.path.replace("{id}", &base::new_id()));
        let answer = app.send(app.request(Method::GET, &path, None).header(header::COOKIE, cookie.clone()), "").await;
        assert!(matches!(answer.status.as_u16(), 403 | 404), "{path}: {}", answer.text());
    }
    // A header or a parameter that names a tenant moves nobody.
    let other = app.other.me["tenant"]["id"].as_str().unwrap();
    for name in ["x-tenant", "x-tenant-id", "tenant"] {
        let request = app.request(Method::GET, "/api/v1/me", Some(&app.admin.token)).header(name, other);
        assert_eq!(app.send(request, "").await.expect(200)["tenant"]["slug"], "acme");
    }
    app.get(ADMIN, "/api/v1/me?tenant=other").await.expect(400);
}

#[tokio::test]
async fn s_05_no_body_sets_what_is_not_in_its_schema() {
    let app = app().await;
    let (tenant, hub) = (app.tenant(&app.admin), base::TenantId::HUB);
    let columns: BTreeSet<String> = app.columns(tenant).await.union(&app.columns(hub).await).cloned().collect();
    assert!(columns.len() > 80 && columns.contains("password") && columns.contains("created_by"), "{columns:?}");
    let also = ["is_admin", "role", "tenant_id", "email_verified", "allowed_routes", "permissions", "amount_minor"].map(str::to_owned);
    let mut ids = std::collections::HashMap::new();
    account::operators::create(&app.app, "op@tenon.test", "Olga", testkit::PASSWORD).await.unwrap();
    let operator = app.sign_in("op@tenon.test").await.token;
    for operation in app.app.registry().operations() {
        if let Some(plan) = operation.plan.as_ref().filter(|_| operation.name.ends_with(".create")) {
            let made = app.post(ADMIN, &format!("/api/v1/{}", operation.path), sample::full(&plan.create_schema())).await.expect(201);
            ids.insert(plan.resource.clone(), made.id());
        }
    }
    let before = (app.contents(tenant).await, app.contents(hub).await);
    let mut tried = 0;
    for operation in app.app.registry().operations() {
        let id = match (operation.plan.as_ref(), operation.path.as_str()) {
            (Some(plan), _) => ids[&plan.resource].clone(),
            (None, path) if path.starts_with("modules/") => "crm".to_owned(),
            (None, _) => base::new_id(),
        };
        let (schema, body) = match &operation.input {
            Input::Json(schema) => (schema.clone(), sample::minimal(schema)),
            Input::None if operation.method == Method::POST => (json!({ "type": "object" }), json!({})),
            Input::None | Input::File(_) => continue,
        };
        let path = format!("/api/v1/{}", operation.path.replace("{id}", &id));
        let token = if operation.name.starts_with("hub.tenants.") { &operator } else { &app.admin.token };
        for column in columns.iter().chain(&also).filter(|column| schema["properties"].get(column.as_str()).is_none()) {
            let mut body = body.clone();
            body[column.as_str()] = json!("canary");
            let request = app.request(operation.method.clone(), &path, Some(token)).header(header::CONTENT_TYPE, "application/json");
            let answer = app.send(request, body.to_string()).await;
            let named = answer["errors"].as_array().is_some_and(|all| all.iter().any(|e| e["field"] == column.as_str() && e["code"] == "unknown"));
            assert!(answer.status == 400 && named, "{} takes {column}: {}", operation.name, answer.text());
            tried += 1;
        }
    }
    assert!(tried > 2500, "{tried}");
    before.0.expect_unchanged(&app.contents(tenant).await, "mass assignment");
    before.1.without("due").expect_unchanged(&app.contents(hub).await.without("due"), "mass assignment");
}

/// A resource with a field that needs a permission of its own.
fn payroll() -> Module {
    let manifest = r#"{"name": "payroll", "title": "Payroll", "version": "0.1.0", "min_platform": "0.1.0", "resources": ["wages"],
"permissions": {"payroll.wages:see_amount": {"title": "See amounts", "roles": []}}}"#;
    let wages = r#"{"name": "wage", "plural": "wages", "title": "{name}", "fields": {
"name": {"type": "text", "required": true, "search": true},
"amount": {"type": "integer", "read": "payroll.wages:see_amount", "write": "payroll.wages:see_amount"},
"reason": {"type": "text", "read": "payroll.wages:see_amount"}}}"#;
    Module::parse("payroll", manifest, &[("wages", wages)]).unwrap()
}

#[tokio::test]
async fn s_06_a_hidden_field_cannot_be_asked_about() {
    let app = TestApp::with(vec![payroll()]).await;
    for (name, amount) in [("Ann", 70123457), ("Bob", 3_000)] {
        app.post(ADMIN, "/api/v1/payroll/wages", json!({ "name": name, "amount": amount, "reason": "canaryword" })).await.expect(201);
    }
    let viewer = app.invite(&app.admin, "viewer@acme.test", "editor").await;
    let token = Some(viewer.token.as_str());
    let list = app.get_as(token, "/api/v1/payroll/wages").await.expect(200);
    assert!(items(&list).len() == 2 && !list.text().contains("70123457") && !list.text().contains("canaryword"), "{}", list.text());
    let id = items(&list)[0]["id"].as_str().unwrap().to_owned();
    let refused = |answer: testkit::Answer| {
        assert!(answer.status == 400 && !answer.text().contains("70123457"), "{}", answer.text());
    };
    // A search by halves over the amount: each question is refused alike, so the answers say nothing.
    for guess in [0, 1000, 3000, 5000, 70123457, 10_000] {
        for text in [format!("amount > {guess}"), format!("record.amount == {guess}"), format!("has(record.amount) && name != \"{guess}\"")] {
            refused(app.get_as(token, &format!("/api/v1/payroll/wages?count=true&filter={}", encoded(&text))).await);
            refused(app.get_as(token, &format!("/api/v1/payroll/wages:export?filter={}", encoded(&text))).await);
            refused(app.post_as(token, "/api/v1/payroll/wages:aggregate", json!({ "filter": text })).await);
            refused(app.post_as(token, "/api/v1/payroll/wages:bulk", json!({ "filter": text, "do": "delete", "dry_run": true })).await);
        }
    }
    for query in ["sort=amount", "sort=-amount,name", "fields=amount", "expand=amount"] {
        refused(app.get_as(token, &format!("/api/v1/payroll/wages?{query}")).await);
    }
    for body in [json!({ "sum": ["amount"] }), json!({ "min": ["amount"] }), json!({ "group_by": ["amount"] })] {
        refused(app.post_as(token, "/api/v1/payroll/wages:aggregate", body).await);
    }
    for path in [format!("/api/v1/payroll/wages/{id}"), format!("/api/v1/payroll/wages/{id}/history"), "/api/v1/payroll/wages:export".into()] {
        let answer = app.get_as(token, &path).await.expect(200);
        assert!(!answer.text().contains("70123457") && !answer.text().contains("canaryword"), "{path}: {}", answer.text());
    }
    assert_eq!(items(&app.get_as(token, "/api/v1/search?q=canaryword").await.expect(200)).len(), 0);
    // Nor by the key of an import.
    let request = app.request(Method::POST, "/api/v1/payroll/wages:import?key=reason", token).header(header::CONTENT_TYPE, "text/csv");
    refused(app.send(request, "name,reason\nAnn,canaryword\n").await);
}

#[test]
fn s_06_a_hidden_field_is_in_no_title_and_no_search() {
    let manifest = r#"{"name": "x", "title": "X", "version": "0.1.0", "min_platform": "0.1.0", "resources": ["things"], "permissions": {"x.things:see": {"title": "See", "roles": []}}}"#;
    for (title, search) in [("{secret}", false), ("{name}", true)] {
        let things = format!(
            r#"{{"name": "thing", "plural": "things", "title": "{title}", "fields": {{"name": {{"type": "text"}}, "secret": {{"type": "text", "search": {search}, "read": "x.things:see"}}}}}}"#
        );
        let refused = Module::parse("x", manifest, &[("things", &things)]).err().unwrap();
        assert!(refused.detail().starts_with("x/resources/things.json:1: "), "{}", refused.detail());
    }
}

#[tokio::test]
async fn s_06_only_declared_fields_can_be_asked_about() {
    let app = app().await;
    deal(&app, "x").await;
    let columns: BTreeSet<String> = app.columns(app.tenant(&app.admin)).await.union(&app.columns(base::TenantId::HUB).await).cloned().collect();
    let plan = app.app.catalogue().plan("crm.deals").unwrap().clone();
    let known: Vec<&str> = plan.fields().iter().map(|f| f.name.as_str()).chain(["id", "created_at", "updated_at", "created_by", "version"]).collect();
    for column in columns.iter().filter(|column| !known.contains(&column.as_str())) {
        for query in [format!("filter={}", encoded(&format!("{column} == \"x\""))), format!("sort={column}"), format!("fields={column}")] {
            let answer = app.get(ADMIN, &format!("/api/v1/crm/deals?{query}")).await;
            assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        }
        let answer = app.post(ADMIN, "/api/v1/crm/deals:aggregate", json!({ "group_by": [column] })).await;
        assert_eq!(answer.status, 400, "{column}: {}", answer.text());
    }
}

#[tokio::test]
async fn s_09_what_is_cached_for_one_is_never_given_to_another() {
    let app = app().await;
    let mut people = vec![app.admin.clone(), app.other.clone(), app.stranger.clone()];
    for n in 0..3 {
        people.push(app.invite(&app.admin, &format!("p{n}@acme.test"), ["viewer", "editor", "member"][n]).await);
    }
    // The tokens of all begin alike; each is somebody else's.
    let start = |token: &str| token.chars().take(30).collect::<String>();
    assert!(people.windows(2).all(|two| start(&two[0].token) == start(&two[1].token) && two[0].token != two[1].token));
    let rounds = (0..20).flat_map(|_| people.iter()).map(|person| async {
        let me = app.get_as(Some(&person.token), "/api/v1/me").await.expect(200);
        assert_eq!((&me["user"], &me["tenant"]), (&person.me["user"], &person.me["tenant"]));
    });
    futures_util::future::join_all(rounds).await;
    // Idempotency keys are one's own: by actor, by operation, by tenant; and no two of them meet by where one part ends.
    let post = |token: &str, key: &str, name: &str| {
        let request = app.request(Method::POST, "/api/v1/crm/deals", Some(token)).header(header::CONTENT_TYPE, "application/json");
        app.send(request.header("idempotency-key", key), json!({ "name": name }).to_string())
    };
    let editor = &people[4];
    let mut made = BTreeSet::new();
    for (token, name) in [(&app.admin.token, "a"), (&app.other.token, "b"), (&editor.token, "c")] {
        for key in ["k", "k:", ":k", "k/crm.deals.create", "K", "k "] {
            made.insert(post(token, key, name).await.expect(201).id());
        }
    }
    assert_eq!(made.len(), 18);
}
