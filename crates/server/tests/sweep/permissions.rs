//! One permission at a time: each opens exactly the operations that name it (S-02).

use super::{Actor, Side, person, send, world};
use kernel::access::Access;
use serde_json::json;
use server::verify::authz::place;
use testkit::{ADMIN, PASSWORD, Person, TestApp};

#[tokio::test]
async fn s_02_one_permission_opens_exactly_the_operations_that_name_it() {
    let app = TestApp::with(vec![testkit::crm()]).await;
    let modules: Vec<String> = app.app.catalogue().modules().iter().map(|m| m.manifest.name.clone()).collect();
    let permissions: Vec<String> = app.app.catalogue().permissions(&modules, false).map(|p| p.name.as_str().to_owned()).collect();
    assert!(permissions.len() > 35, "{permissions:?}");
    one_at_a_time(&app, &app.admin, &permissions).await;
}

#[tokio::test]
async fn s_02_the_operators_permissions_open_what_names_them_and_nothing_of_any_company() {
    let app = TestApp::with(vec![testkit::crm()]).await;
    account::operators::create(&app.app, "operator@tenon.test", "Olga", PASSWORD).await.unwrap();
    let operator = app.sign_in("operator@tenon.test").await;
    let always: Vec<String> = app.app.catalogue().always().map(str::to_owned).collect();
    let permissions: Vec<String> = app.app.catalogue().permissions(&always, true).map(|p| p.name.as_str().to_owned()).collect();
    assert!(permissions.contains(&"hub.tenants:update".to_owned()));
    one_at_a_time(&app, &operator, &permissions).await;
    // What belongs to the hub alone cannot be given away in a company.
    let grants = json!([{ "permission": "hub.tenants:read" }]);
    app.post(ADMIN, "/api/v1/account/roles", json!({ "name": "x", "title": "X", "grants": grants })).await.expect(400);
}

/// Gives somebody one permission after the other and calls everything.
async fn one_at_a_time(app: &TestApp, owner: &Person, permissions: &[String]) {
    let world = world(app);
    let side = Side { world: &world, who: Actor::Admin, person: &person(owner), other: &world.other };
    let token = Some(owner.token.as_str());
    app.post_as(token, "/api/v1/account/roles", json!({ "name": "solo", "title": "Solo", "grants": [] })).await.expect(201);
    let solo = app.invite(owner, "solo@acme.test", "solo").await;
    let role = app.app.registry().named("account.roles.update").unwrap().clone();
    let mut opened = Vec::new();
    for held in permissions {
        let grants = json!({ "grants": [{ "permission": held }] });
        send(&world, &role, token, Some("solo"), &grants).await.expect(200);
        for operation in world.operations() {
            let Access::Needs(needed) = &operation.access else { continue };
            let id = place(&operation).map(|place| if place == "modules" { "nowhere".to_owned() } else { base::new_id() });
            let body = side.body(&operation, id.as_deref()).await.unwrap();
            let answer = send(&world, &operation, Some(&solo.token), id.as_deref(), &body).await;
            assert!(!answer.status.is_server_error(), "{} answers {}", operation.name, answer.text());
            // In the operator's silo no product is installed.
            let there = answer.status != 404 || operation.module != "crm" || owner.email == app.admin.email;
            let closed = answer.status == 403 && answer["detail"] == format!("This needs the permission {}.", needed.as_str());
            assert_eq!(closed && there, there && needed.as_str() != held, "holding only {held}, {} answers {}", operation.name, answer.text());
            if there && !closed {
                opened.push(operation.name.clone());
            }
        }
    }
    let named = world.operations().into_iter().filter(|op| matches!(&op.access, Access::Needs(p) if permissions.iter().any(|q| q == p.as_str())));
    let mut named: Vec<String> = named.map(|op| op.name.clone()).collect();
    named.sort();
    opened.sort();
    assert_eq!(opened, named, "every operation is opened by one permission");
}
