use crate::support::events;
use serde_json::{Value, json};
use testkit::{ADMIN, OTHER_TENANT, STRANGER, TestApp};

async fn member(app: &TestApp, email: &str) -> Value {
    let list = app.get(ADMIN, "/api/v1/account/members").await.expect(200);
    let found = list["items"].as_array().unwrap().iter().find(|m| m["email"] == email).cloned();
    found.unwrap_or(Value::Null)
}

async fn path(app: &TestApp, email: &str) -> String {
    format!("/api/v1/account/members/{}", member(app, email).await["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_new_role_counts_at_once() {
    let app = TestApp::with(vec![]).await;
    app.get(STRANGER, "/api/v1/account/members").await.expect(403);
    let stranger = path(&app, "stranger@acme.test").await;
    let changed = app.patch(ADMIN, &stranger, json!({"roles": ["viewer", "billing", "viewer"]})).await.expect(200);
    assert_eq!(changed["roles"], json!(["billing", "viewer"]));
    app.get(STRANGER, "/api/v1/account/members").await.expect(200);
    let me = app.get(STRANGER, "/api/v1/me").await.expect(200);
    assert_eq!(me["tenants"][0]["roles"], json!(["billing", "viewer"]));
    app.patch(STRANGER, &stranger, json!({"roles": ["admin"]})).await.expect(403);
    app.patch(OTHER_TENANT, &stranger, json!({"roles": ["viewer"]})).await.expect(404);
    for wrong in [json!({"roles": []}), json!({"roles": ["no_such"]}), json!({"status": "removed"}), json!({"user": "x"})] {
        app.patch(ADMIN, &stranger, wrong).await.expect(400);
    }
    assert!(events(&app, &app.admin.token).await.contains(&"account.member.updated".to_owned()));
}

#[tokio::test]
async fn whoever_is_deactivated_is_out_at_once_and_can_come_back() {
    let app = TestApp::with(vec![]).await;
    let stranger = path(&app, "stranger@acme.test").await;
    app.patch(ADMIN, &stranger, json!({"status": "inactive"})).await.expect(200);
    app.get(STRANGER, "/api/v1/search?q=x").await.expect(401);
    app.post_as(None, "/api/v1/auth/token", json!({"refresh_token": app.stranger.refresh_token})).await.expect(401);
    let nowhere = app.post_as(None, "/api/v1/auth/token", json!({"email": "stranger@acme.test", "password": testkit_password()})).await.expect(409);
    assert_eq!(nowhere.code(), "no-company");
    assert_eq!(member(&app, "stranger@acme.test").await["status"], "inactive");
    app.patch(ADMIN, &stranger, json!({"status": "active"})).await.expect(200);
    let back = app.sign_in("stranger@acme.test").await;
    assert_eq!(back.me["tenant"]["slug"], "acme");
    assert_eq!(back.me["user"]["member"], app.stranger.me["user"]["member"]);
}

fn testkit_password() -> &'static str {
    crate::support::PASSWORD
}

#[tokio::test]
async fn whoever_is_removed_is_gone_and_returns_under_the_same_id() {
    let app = TestApp::with(vec![]).await;
    let stranger = path(&app, "stranger@acme.test").await;
    app.delete(STRANGER, &stranger).await.expect(403);
    app.delete(OTHER_TENANT, &stranger).await.expect(404);
    app.delete(ADMIN, &stranger).await.expect(204);
    app.delete(ADMIN, &stranger).await.expect(404);
    assert_eq!(member(&app, "stranger@acme.test").await, Value::Null);
    app.get(STRANGER, "/api/v1/search?q=x").await.expect(401);
    app.post(ADMIN, "/api/v1/account/invitations", json!({"email": "stranger@acme.test", "role": "viewer"})).await.expect(201);
    let before = app.token_from_mail("stranger@acme.test").await;
    let token = loop {
        let token = app.token_from_mail("stranger@acme.test").await;
        let mails = app.app.mailer().list().await.unwrap();
        if mails.iter().filter(|sent| sent.mail.to == "stranger@acme.test").count() > 1 || token != before {
            break app.token_from_mail("stranger@acme.test").await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    app.post_as(None, "/api/v1/auth/accept-invitation", json!({"token": token, "password": testkit_password()})).await.expect(200);
    let back = app.sign_in("stranger@acme.test").await;
    assert_eq!(back.me["user"]["member"], app.stranger.me["user"]["member"]);
    assert_eq!(back.me["tenants"][0]["roles"], json!(["viewer"]));
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = TestApp::with(vec![]).await;
    let owner = path(&app, "admin@acme.test").await;
    for (code, answer) in [
        ("last-owner", app.post(ADMIN, "/api/v1/account/leave", json!({})).await.expect(409)),
        ("last-owner", app.delete(ADMIN, &owner).await.expect(409)),
        ("last-owner", app.patch(ADMIN, &owner, json!({"status": "inactive"})).await.expect(409)),
        ("last-owner", app.patch(ADMIN, &owner, json!({"roles": ["admin"]})).await.expect(409)),
    ] {
        assert_eq!(answer.code(), code);
    }
    app.get(ADMIN, "/api/v1/account/members").await.expect(200);
    // Only an owner makes an owner.
    let admin = app.invite(&app.admin, "second@acme.test", "admin").await;
    let second = path(&app, "second@acme.test").await;
    let patch = |token: &str, body: Value| {
        let request = app.request(http::Method::PATCH, &second, Some(token)).header("content-type", "application/json");
        app.send(request, body.to_string())
    };
    patch(&admin.token, json!({"roles": ["owner"]})).await.expect(403);
    patch(&app.admin.token, json!({"roles": ["owner"]})).await.expect(200);
    // Two owners who leave at the same moment: one stays.
    let both = futures_util::future::join(
        app.post(ADMIN, "/api/v1/account/leave", json!({})),
        app.post_as(Some(&admin.token), "/api/v1/account/leave", json!({})),
    );
    let (one, two) = both.await;
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let stayed = if one.status == 409 { &app.admin.token } else { &admin.token };
    app.get_as(Some(stayed), "/api/v1/account/members").await.expect(200);
}

/// Every page of a list, one after the other: what each holds of a field.
async fn pages(app: &TestApp, path: &str, field: &str) -> Vec<Vec<String>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(ADMIN, &format!("{path}{cursor}")).await.expect(200);
        all.push(page["items"].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn members_and_invitations_come_in_pages() {
    let app = TestApp::with(vec![]).await;
    let tenant = app.tenant(&app.admin);
    // Ada and Sam are there; these come between and around them, two of one name.
    let names = ["zoe", "Álvaro", "Bob", "bob", "Jérôme"];
    let silo = app.app.silos().open(tenant).await.unwrap();
    let added = silo.write(move |sql| {
        for (n, name) in names.into_iter().enumerate() {
            let insert = r#"INSERT INTO "members" ("id", "user", "email", "name", "status", "joined_at") VALUES (?1, ?2, ?3, ?4, 'active', 0)"#;
            sql.run(insert, &[base::new_id().into(), base::new_id().into(), format!("m{n}@acme.test").into(), name.into()])?;
        }
        let gone = r#"INSERT INTO "members" ("id", "user", "email", "name", "status", "joined_at") VALUES (?1, ?2, 'x', 'Gone', 'removed', 0)"#;
        sql.run(gone, &[base::new_id().into(), base::new_id().into()])
    });
    added.await.unwrap();
    let ordered = ["Ada Admin", "Álvaro", "Bob", "bob", "Jérôme", "Sam Stranger", "zoe"];
    for limit in [1, 2, 3, 6, 7, 200] {
        let found = pages(&app, &format!("/api/v1/account/members?limit={limit}"), "name").await;
        assert_eq!(found.concat(), ordered, "{limit}");
        assert_eq!(found.len(), ordered.len().div_ceil(limit));
    }
    assert_eq!(app.get(ADMIN, "/api/v1/account/members").await.expect(200)["next"], Value::Null);
    let first = app.get(ADMIN, "/api/v1/account/members?limit=2").await.expect(200);
    assert_eq!(first["items"][0]["roles"], json!(["owner"]));
    assert!(first["items"][0]["seen_at"].is_string() && first["items"][1]["seen_at"].is_null());
    // Invitations, newest first; the one that was accepted is the oldest.
    for n in 0..6 {
        app.post(ADMIN, "/api/v1/account/invitations", json!({"email": format!("i{n}@acme.test"), "role": "viewer"})).await.expect(201);
    }
    let newest = ["i5@acme.test", "i4@acme.test", "i3@acme.test", "i2@acme.test", "i1@acme.test", "i0@acme.test", "stranger@acme.test"];
    for limit in [1, 3, 7, 50] {
        assert_eq!(pages(&app, &format!("/api/v1/account/invitations?limit={limit}"), "email").await.concat(), newest, "{limit}");
    }
    // A place in one list is none in another, nor in another company's.
    let next = first["next"].as_str().unwrap();
    for (who, path) in [(ADMIN, "invitations"), (OTHER_TENANT, "members")] {
        assert_eq!(app.get(who, &format!("/api/v1/account/{path}?cursor={next}")).await.expect(400).code(), "cursor");
    }
    for wrong in ["limit=0", "limit=201", "limit=x", "cursor=x", "offset=2"] {
        app.get(ADMIN, &format!("/api/v1/account/members?{wrong}")).await.expect(400);
    }
}
