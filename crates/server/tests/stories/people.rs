//! Colleagues, roles and keys.

use super::{app, company, deal, encoded, items, member_of};
use http::{Method, header};
use serde_json::json;
use testkit::{ADMIN, OTHER_TENANT, PASSWORD, STRANGER};

#[tokio::test]
async fn a_viewer_reads_and_cannot_write_and_a_second_company_sees_nothing() {
    let app = app().await;
    let id = company(&app, "3M").await;
    let viewer = app.invite(&app.admin, "viewer@acme.test", "viewer").await;
    let token = Some(viewer.token.as_str());
    let path = format!("/api/v1/crm/companies/{id}");
    assert_eq!(app.get_as(token, &path).await.expect(200)["name"], "3M");
    assert_eq!(items(&app.get_as(token, "/api/v1/crm/companies").await.expect(200)).len(), 1);
    app.post_as(token, "/api/v1/crm/companies", json!({ "name": "x" })).await.expect(403);
    app.post_as(token, "/api/v1/crm/companies:bulk", json!({ "ids": [id], "do": "delete" })).await.expect(403);
    app.send(app.request(Method::DELETE, &path, token), "").await.expect(403);
    app.get_as(token, "/api/v1/events").await.expect(403);
    app.get_as(token, "/api/v1/account/keys").await.expect(403);
    for path in [path.clone(), format!("{path}/history")] {
        app.get(OTHER_TENANT, &path).await.expect(404);
    }
    assert_eq!(items(&app.get(OTHER_TENANT, "/api/v1/crm/companies").await.expect(200)).len(), 0);
    assert_eq!(items(&app.get(OTHER_TENANT, "/api/v1/search?q=3M").await.expect(200)).len(), 0);
    assert_eq!(app.get(OTHER_TENANT, "/api/v1/crm/companies:export").await.expect(200).text().lines().count(), 1);
    // What changes takes effect at once, with the token that is already out.
    let member = member_of(&viewer);
    app.patch(ADMIN, &format!("/api/v1/account/members/{member}"), json!({ "roles": ["member"] })).await.expect(200);
    app.post_as(token, "/api/v1/crm/companies", json!({ "name": "y" })).await.expect(201);
    app.patch(ADMIN, &format!("/api/v1/account/members/{member}"), json!({ "status": "inactive" })).await.expect(200);
    let out = app.get_as(token, &path).await;
    assert!(matches!(out.status.as_u16(), 401 | 403), "{}", out.text());
}

#[tokio::test]
async fn members_are_listed_removed_and_leave_but_never_the_last_owner() {
    let app = app().await;
    let editor = app.invite(&app.admin, "editor@acme.test", "editor").await;
    let list = app.get(ADMIN, "/api/v1/account/members").await.expect(200);
    assert_eq!(items(&list).len(), 3);
    let refused = app.post(ADMIN, "/api/v1/account/leave", json!({})).await.expect(409);
    assert_eq!(refused.code(), "last-owner");
    app.post_as(Some(&editor.token), "/api/v1/account/leave", json!({})).await.expect(204);
    assert_eq!(items(&app.get(ADMIN, "/api/v1/account/members").await).len(), 2);
    app.delete(ADMIN, &format!("/api/v1/account/members/{}", member_of(&app.stranger))).await.expect(204);
    let gone = app.get(STRANGER, "/api/v1/me").await;
    assert!(gone.status == 401 || gone["tenant"].is_null(), "{}", gone.text());
    // An invitation that is cancelled opens nothing; one that is sent again has a new link.
    let invited = app.post(ADMIN, "/api/v1/account/invitations", json!({ "email": "new@acme.test", "role": "viewer" })).await.expect(201).id();
    let first = app.token_from_mail("new@acme.test").await;
    app.post(ADMIN, &format!("/api/v1/account/invitations/{invited}/resend"), json!({})).await.expect(200);
    let accept = |token: &str| app.post_as(None, "/api/v1/auth/accept-invitation", json!({ "token": token, "name": "New", "password": PASSWORD }));
    accept(&first).await.expect(410);
    app.delete(ADMIN, &format!("/api/v1/account/invitations/{invited}")).await.expect(204);
    accept(&app.token_from_mail("new@acme.test").await).await.expect(410);
    assert_eq!(app.get(ADMIN, "/api/v1/account/invitations").await.expect(200)["items"][0]["status"], "cancelled");
}

#[tokio::test]
async fn a_company_makes_its_own_roles_with_conditions_on_rows() {
    let app = app().await;
    let grants = json!([{ "permission": "crm.deals:read", "when": "owner == actor.id" }, { "permission": "crm.deals:create" }, { "permission": "crm.deals:update", "when": "owner == actor.id" }]);
    app.post(ADMIN, "/api/v1/account/roles", json!({ "name": "seller", "title": "Seller", "grants": grants })).await.expect(201);
    let seller = app.invite(&app.admin, "seller@acme.test", "seller").await;
    let token = Some(seller.token.as_str());
    let hidden = deal(&app, json!({ "name": "Admin's" })).await;
    let own = app.post_as(token, "/api/v1/crm/deals", json!({ "name": "Mine" })).await.expect(201).id();
    let list = app.get_as(token, "/api/v1/crm/deals?count=true").await.expect(200);
    assert_eq!((list["total"].as_u64(), items(&list)[0]["name"].as_str()), (Some(1), Some("Mine")));
    app.get_as(token, &format!("/api/v1/crm/deals/{hidden}")).await.expect(404);
    assert_eq!(items(&app.get_as(token, "/api/v1/search?q=admin").await).len(), 0);
    let figures = app.post_as(token, "/api/v1/crm/deals:aggregate", json!({})).await.expect(200);
    assert_eq!(items(&figures)[0]["count"], 1);
    assert_eq!(app.get_as(token, "/api/v1/crm/deals:export").await.expect(200).text().lines().count(), 2);
    // Giving it away would take it out of one's own reach: refused, before and after.
    let path = format!("/api/v1/crm/deals/{own}");
    let body = json!({ "owner": member_of(&app.admin) }).to_string();
    app.send(app.request(Method::PATCH, &path, token).header(header::CONTENT_TYPE, "application/json"), body).await.expect(403);
    let why = app.get_as(token, &format!("/api/v1/access/explain?permission=crm.deals%3Aupdate&id={own}")).await.expect(200);
    assert_eq!((why["held"].as_bool(), why["record"].as_bool()), (Some(true), Some(true)));
    assert_eq!(why["because"], json!([{ "role": "seller", "when": "owner == actor.id" }]));
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_what_its_owner_may_at_that_moment() {
    let app = app().await;
    let editor = app.invite(&app.admin, "editor@acme.test", "admin").await;
    let made = app
        .post_as(
            Some(&editor.token),
            "/api/v1/account/keys",
            json!({ "name": "Robot", "scopes": ["crm.deals:read", "crm.deals:create"], "expires_in_days": 30 }),
        )
        .await
        .expect(201);
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("tnk_live_"));
    assert!(!app.get(ADMIN, "/api/v1/account/keys").await.expect(200).text().contains(&secret), "shown once");
    let key = Some(secret.as_str());
    let created = app.post_as(key, "/api/v1/crm/deals", json!({ "name": "By a robot" })).await.expect(201);
    assert_eq!(created["created_by"].as_str(), Some(member_of(&editor).as_str()), "what a key makes is its owner's");
    app.get_as(key, "/api/v1/crm/companies").await.expect(403);
    let events =
        app.get(ADMIN, &format!("/api/v1/events?filter={}", encoded(&format!("subject == \"crm.deals/{}\"", created.id())))).await.expect(200);
    assert!(items(&events)[0]["actor"].as_str().unwrap().starts_with("key:"), "{}", events.text());
    app.patch(ADMIN, &format!("/api/v1/account/members/{}", member_of(&editor)), json!({ "roles": ["viewer"] })).await.expect(200);
    app.get_as(key, "/api/v1/crm/deals").await.expect(200);
    app.post_as(key, "/api/v1/crm/deals", json!({ "name": "No longer" })).await.expect(403);
    app.delete(ADMIN, &format!("/api/v1/account/keys/{}", made.id())).await.expect(204);
    app.get_as(key, "/api/v1/crm/deals").await.expect(401);
}
