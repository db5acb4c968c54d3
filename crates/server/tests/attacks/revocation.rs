//! What was taken away stays away: from the moment at which somebody is told so, whatever is cached and however busy the server is.

use super::{app, items};
use http::{Method, StatusCode, header};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use testkit::{ADMIN, OTHER_TENANT, PASSWORD, TestApp};

const LIST: &str = "/api/v1/crm/deals";

/// Readers that ask without a pause, over and over, and what they were told after something was taken away.
struct Readers {
    tasks: Vec<tokio::task::JoinHandle<()>>,
    over: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    before: Arc<AtomicUsize>,
    after: Arc<AtomicUsize>,
}

impl Readers {
    async fn start(app: &TestApp, token: &str, paths: &[String]) -> Readers {
        let (over, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (before, after) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = Vec::new();
        for path in paths {
            let (over, stop, before, after) = (over.clone(), stop.clone(), before.clone(), after.clone());
            let (app, path, token) = (app.app.clone(), path.clone(), token.to_owned());
            tasks.push(tokio::spawn(async move {
                while !stop.load(SeqCst) {
                    // Whether it was over is looked at before the request begins: one that was under way may still be answered.
                    let late = over.load(SeqCst);
                    let request = http::Request::builder()
                        .method(Method::GET)
                        .uri(&path)
                        .header(header::HOST, app.config().server.public_url.split_once("://").unwrap().1)
                        .header(header::AUTHORIZATION, format!("Bearer {token}"));
                    let request = request.body(http_body_util::Full::new(bytes::Bytes::new())).unwrap();
                    let answer = kernel::http::handle(app.clone(), request, std::net::IpAddr::from([127, 0, 0, 1])).await;
                    if answer.status() == StatusCode::OK {
                        if late { &after } else { &before }.fetch_add(1, SeqCst);
                    }
                    tokio::task::yield_now().await;
                }
            }));
        }
        let readers = Readers { tasks, over, stop, before, after };
        readers.warm().await;
        readers
    }

    /// Waits until they have been answered for a while, so that whatever can be cached is.
    async fn warm(&self) {
        let until = self.before.load(SeqCst) + 50;
        for _ in 0..6000 {
            if self.before.load(SeqCst) >= until {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the readers are not answered");
    }

    /// From here on nobody may be answered any more.
    async fn nobody_is_answered(self, why: &str) {
        self.over.store(true, SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.stop.store(true, SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        assert!(self.before.load(SeqCst) > 0);
        assert_eq!(self.after.load(SeqCst), 0, "answered although {why}");
    }
}

async fn member(app: &TestApp, email: &str) -> String {
    let list = app.get(ADMIN, "/api/v1/account/members").await.expect(200);
    items(&list).iter().find(|member| member["email"] == email).unwrap()["id"].as_str().unwrap().to_owned()
}

async fn operator(app: &TestApp) -> String {
    account::operators::create(&app.app, "op@tenon.test", "Olga", PASSWORD).await.unwrap();
    let body = json!({ "email": "op@tenon.test", "password": PASSWORD, "tenant": "hub" });
    app.post_as(None, "/api/v1/auth/token", body).await.expect(200)["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_10_what_is_revoked_under_load_is_revoked_at_once() {
    let app = app().await;
    let deal = super::deal(&app, "Bridge").await;
    let paths = [LIST.to_owned(), format!("{LIST}/{deal}"), format!("{LIST}/{deal}")];

    // A role.
    let viewer = app.invite(&app.admin, "viewer@acme.test", "viewer").await;
    let who = format!("/api/v1/account/members/{}", member(&app, "viewer@acme.test").await);
    let readers = Readers::start(&app, &viewer.token, &paths).await;
    app.patch(ADMIN, &who, json!({ "roles": ["billing"] })).await.expect(200);
    readers.nobody_is_answered("the role is gone").await;

    // The membership.
    app.patch(ADMIN, &who, json!({ "roles": ["viewer"] })).await.expect(200);
    let readers = Readers::start(&app, &viewer.token, &paths).await;
    app.patch(ADMIN, &who, json!({ "status": "inactive" })).await.expect(200);
    readers.nobody_is_answered("the member is inactive").await;

    // A key.
    let body = json!({ "name": "reader", "scopes": ["crm.deals:read"], "expires_in_days": 30 });
    let made = app.post(ADMIN, "/api/v1/account/keys", body).await.expect(201);
    let key = made["secret"].as_str().unwrap_or_else(|| panic!("{}", made.text())).to_owned();
    let readers = Readers::start(&app, &key, &paths).await;
    app.delete(ADMIN, &format!("/api/v1/account/keys/{}", made.id())).await.expect(204);
    readers.nobody_is_answered("the key is revoked").await;

    // A whole company, by somebody in another one; and back.
    let tenant = app.admin.me["tenant"]["id"].as_str().unwrap().to_owned();
    let readers = Readers::start(&app, &app.admin.token, &paths).await;
    let operator = operator(&app).await;
    app.post_as(Some(&operator), &format!("/api/v1/hub/tenants/{tenant}/suspend"), json!({})).await.expect(200);
    readers.nobody_is_answered("the company is suspended").await;
    app.post_as(Some(&operator), &format!("/api/v1/hub/tenants/{tenant}/activate"), json!({})).await.expect(200);
    app.get(ADMIN, LIST).await.expect(200);

    // The module.
    let readers = Readers::start(&app, &app.admin.token, &paths).await;
    app.post(ADMIN, "/api/v1/modules/crm/uninstall", json!({})).await.expect(200);
    readers.nobody_is_answered("the module is gone").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_14_open_streams_end_when_their_reader_is_out() {
    let app = app().await;
    let auditor = app.invite(&app.admin, "auditor@acme.test", "auditor").await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let stream = app.open(app.request(Method::GET, "/api/v1/events/stream", Some(&auditor.token)), "").await;
        assert_eq!(stream.status, StatusCode::OK);
        streams.push(stream);
    }
    let who = format!("/api/v1/account/members/{}", member(&app, "auditor@acme.test").await);
    app.patch(ADMIN, &who, json!({ "status": "inactive" })).await.expect(200);
    // A second is what a stream may take to look.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let secret = super::deal(&app, "only for those who are in").await;
    for mut stream in streams {
        while let Some(frame) = stream.next().await {
            assert!(!frame.data.to_string().contains(&secret), "a stream goes on");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_18_of_many_who_accept_one_invitation_at_once_one_gets_in() {
    let app = Arc::new(app().await);
    app.post(ADMIN, "/api/v1/account/invitations", json!({ "email": "new@acme.test", "role": "viewer" })).await.expect(201);
    let token = app.token_from_mail("new@acme.test").await;
    let tries: Vec<_> = (0..64)
        .map(|n| {
            let (app, token) = (app.clone(), token.clone());
            let body = json!({ "token": token, "name": format!("Somebody {n}"), "password": format!("{PASSWORD} {n}") });
            tokio::spawn(async move { app.post_as(None, "/api/v1/auth/accept-invitation", body).await.status.as_u16() })
        })
        .collect();
    let mut answers = Vec::new();
    for each in tries {
        answers.push(each.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| [200, 410].contains(status)), "{answers:?}");
    let list = app.get(ADMIN, "/api/v1/account/members").await.expect(200);
    assert_eq!(items(&list).iter().filter(|member| member["email"] == "new@acme.test").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_27_a_new_password_ends_every_other_session() {
    let app = app().await;
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(app.sign_in(&app.other.email).await);
    }
    let kept = app.sign_in(&app.other.email).await;
    let body = json!({ "current": PASSWORD, "password": "a sentence that nobody has used before" });
    for extra in [json!({ "keep_sessions": true }), json!({ "everywhere": false })] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        app.post_as(Some(&kept.token), "/api/v1/account/password", body).await.expect(400);
    }
    app.post_as(Some(&kept.token), "/api/v1/account/password", body).await.expect(204);
    for other in &others {
        app.get_as(Some(&other.token), "/api/v1/me").await.expect(401);
        app.post_as(None, "/api/v1/auth/token", json!({ "refresh_token": other.refresh_token })).await.expect(401);
    }
    app.get(OTHER_TENANT, "/api/v1/me").await.expect(401);
    app.get_as(Some(&kept.token), "/api/v1/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_10_what_is_revoked_in_a_batch_counts_for_the_rest_of_it() {
    let app = Arc::new(app().await);
    let member_token = app.invite(&app.admin, "member@acme.test", "member").await.token;
    let who = format!("/api/v1/account/members/{}", member(&app, "member@acme.test").await);
    let make = |app: Arc<TestApp>, token: String| async move { app.post_as(Some(&token), LIST, json!({ "name": "late" })).await.status.as_u16() };
    assert_eq!(make(app.clone(), member_token.clone()).await, 201);
    // The writer is kept busy, so that what comes meanwhile goes into one batch.
    let silo = app.app.silos().open(app.tenant(&app.admin)).await.unwrap();
    let busy = tokio::spawn(async move {
        silo.write(|_| {
            std::thread::sleep(Duration::from_millis(300));
            Ok(())
        })
        .await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let revoking = tokio::spawn({
        let app = app.clone();
        async move { app.patch(ADMIN, &who, json!({ "roles": ["viewer"] })).await.status.as_u16() }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let late = tokio::spawn(make(app.clone(), member_token));
    busy.await.unwrap().unwrap();
    assert_eq!((revoking.await.unwrap(), late.await.unwrap()), (200, 403));
}
