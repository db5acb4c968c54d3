use crate::support::{Browser, PASSWORD, events, mails, settled, without_request_id};
use serde_json::json;
use testkit::{ADMIN, OTHER_TENANT, STRANGER, TestApp};

async fn invite(app: &TestApp, email: &str, role: &str) -> (String, String) {
    let made = app.post(ADMIN, "/api/v1/account/invitations", json!({"email": email, "role": role})).await.expect(201);
    let sent = mails_to(app, email).await;
    assert!(sent > 0);
    (made.id(), app.token_from_mail(email).await)
}

/// Waits for the jobs of the company, which sends its invitations itself.
async fn mails_to(app: &TestApp, email: &str) -> usize {
    for _ in 0..500 {
        let count = app.app.mailer().list().await.unwrap().iter().filter(|sent| sent.mail.to == email).count();
        if count > 0 {
            return count;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    0
}

async fn status_of(app: &TestApp, id: &str) -> String {
    let list = app.get(ADMIN, "/api/v1/account/invitations").await.expect(200);
    let found = list["items"].as_array().unwrap().iter().find(|i| i["id"] == id).cloned();
    found.unwrap_or_else(|| panic!("{id} is not in {}", list.text()))["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_colleague_is_invited_and_joins() {
    let app = TestApp::with(vec![]).await;
    let (id, token) = invite(&app, "colleague@acme.test", "viewer").await;
    assert_eq!(status_of(&app, &id).await, "pending");
    let mut browser = Browser::new(&app);
    browser.post("/api/v1/auth/accept-invitation", json!({"token": token})).await.expect(400);
    browser.post("/api/v1/auth/accept-invitation", json!({"token": token, "name": "Col", "password": "short"})).await.expect(400);
    let me = browser.post("/api/v1/auth/accept-invitation", json!({"token": token, "name": "Col League", "password": PASSWORD})).await.expect(200);
    assert_eq!((me["tenant"]["slug"].as_str(), me["tenants"][0]["roles"].clone()), (Some("acme"), json!(["viewer"])));
    assert_eq!(browser.get("/api/v1/me").await.expect(200)["user"]["name"], "Col League");
    assert_eq!(status_of(&app, &id).await, "accepted");
    browser.post("/api/v1/auth/accept-invitation", json!({"token": token, "name": "x", "password": PASSWORD})).await.expect(410);
    let seen = events(&app, &app.admin.token).await;
    assert!(seen.contains(&"account.invitation.created".to_owned()) && seen.contains(&"account.member.joined".to_owned()), "{seen:?}");
    // Cancelling what was accepted is refused; inviting who works here as well.
    app.delete(ADMIN, &format!("/api/v1/account/invitations/{id}")).await.expect(409);
    app.post(ADMIN, "/api/v1/account/invitations", json!({"email": "COLLEAGUE@acme.test", "role": "viewer"})).await.expect(409);
}

#[tokio::test]
async fn of_many_acceptances_at_once_exactly_one_succeeds() {
    let app = TestApp::with(vec![]).await;
    let (_, token) = invite(&app, "many@acme.test", "member").await;
    let body = json!({"token": token, "name": "Many", "password": PASSWORD});
    let tries = (0..24).map(|_| app.post_as(None, "/api/v1/auth/accept-invitation", body.clone()));
    let mut statuses: Vec<u16> = futures_util::future::join_all(tries).await.iter().map(|a| a.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1] >= 400, statuses[23] < 500), (200, true, true), "{statuses:?}");
    let members = app.get(ADMIN, "/api/v1/account/members").await.expect(200);
    assert_eq!(members["items"].as_array().unwrap().iter().filter(|m| m["email"] == "many@acme.test").count(), 1);
}

#[tokio::test]
async fn a_link_is_dead_after_resend_cancel_and_in_foreign_hands() {
    let app = TestApp::with(vec![]).await;
    let (id, first) = invite(&app, "late@acme.test", "viewer").await;
    let accept = |token: String| app.post_as(None, "/api/v1/auth/accept-invitation", json!({"token": token, "name": "Late", "password": PASSWORD}));
    app.post(ADMIN, &format!("/api/v1/account/invitations/{id}/resend"), json!({})).await.expect(200);
    let dead = accept(first.clone()).await.expect(410);
    assert_eq!(without_request_id(&dead), without_request_id(&accept("never".into()).await.expect(410)));
    let second = loop {
        let token = app.token_from_mail("late@acme.test").await;
        if token != first {
            break token;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    for at in 0..second.len() {
        let c = if second.as_bytes()[at] == b'A' { "B" } else { "A" };
        accept(format!("{}{c}{}", &second[..at], &second[at + 1..])).await.expect(410);
    }
    // Signed in as somebody else.
    let answer = app.post(OTHER_TENANT, "/api/v1/auth/accept-invitation", json!({"token": second})).await.expect(400);
    assert_eq!(answer.code(), "other-address");
    for who in [OTHER_TENANT, STRANGER] {
        let status = app.delete(who, &format!("/api/v1/account/invitations/{id}")).await.status.as_u16();
        assert!(status == 404 || status == 403);
    }
    app.delete(ADMIN, &format!("/api/v1/account/invitations/{id}")).await.expect(204);
    accept(second).await.expect(410);
    assert_eq!(status_of(&app, &id).await, "cancelled");
    app.post(ADMIN, &format!("/api/v1/account/invitations/{id}/resend"), json!({})).await.expect(409);
}

#[tokio::test]
async fn somebody_with_an_account_joins_with_its_password_or_signed_in() {
    let app = TestApp::with(vec![]).await;
    let (_, token) = invite(&app, "admin@other.test", "editor").await;
    let accept = |body: serde_json::Value| app.post_as(None, "/api/v1/auth/accept-invitation", body);
    accept(json!({"token": token})).await.expect(400);
    accept(json!({"token": token, "password": "wrong horse battery staple"})).await.expect(401);
    accept(json!({"token": token, "name": "Not Me", "password": PASSWORD})).await.expect(200);
    let person = app.sign_in("admin@other.test").await;
    let slugs: Vec<&str> = person.me["tenants"].as_array().unwrap().iter().map(|t| t["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs.len(), 2, "{slugs:?}");
    assert_eq!(person.me["user"]["name"], "Ada Admin", "an invitation does not rename anybody");
    // Signed in, no password is needed.
    let made = app.post(OTHER_TENANT, "/api/v1/account/invitations", json!({"email": "admin@acme.test", "role": "viewer"})).await.expect(201);
    assert_eq!(made["role"], "viewer");
    for _ in 0..500 {
        if mails(&app, "admin@acme.test", "invites you").await > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    settled(&app).await;
    let token = app.token_from_mail("admin@acme.test").await;
    app.post(ADMIN, "/api/v1/auth/accept-invitation", json!({"token": token})).await.expect(200);
}

#[tokio::test]
async fn nobody_invites_into_a_role_above_their_own() {
    let app = TestApp::with(vec![]).await;
    let body = |role: &str| json!({"email": "new@acme.test", "role": role});
    app.post(STRANGER, "/api/v1/account/invitations", body("viewer")).await.expect(403);
    app.post(ADMIN, "/api/v1/account/invitations", body("no_such")).await.expect(400);
    let admin = app.invite(&app.admin, "second@acme.test", "admin").await;
    app.post_as(Some(&admin.token), "/api/v1/account/invitations", body("owner")).await.expect(403);
    let grants = json!([{"permission": "account.invitations:create"}, {"permission": "account.members:read"}]);
    app.post(ADMIN, "/api/v1/account/roles", json!({"name": "recruiter", "title": "Recruiter", "grants": grants})).await.expect(201);
    let recruiter = app.invite(&app.admin, "recruiter@acme.test", "recruiter").await;
    app.post_as(Some(&recruiter.token), "/api/v1/account/invitations", body("editor")).await.expect(403);
    app.post_as(Some(&recruiter.token), "/api/v1/account/invitations", body("recruiter")).await.expect(201);
}
