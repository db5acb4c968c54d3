//! A company that is deleted: nothing of it stays, and nothing that led into it leads into the next one.

use super::{app, items};
use base::TenantId;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use testkit::{ADMIN, Answer, OTHER_TENANT, PASSWORD, Person, TestApp};

/// What is looked for. No slug holds it: a slug has no underscores.
const CANARY: &str = "kanarie_7f3a";
/// Stands in the name and address of a person, whose account is theirs.
const GUEST: &str = "guest_51c9";

/// Somebody who runs the installation.
struct Operator<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Operator<'a> {
    async fn new(app: &'a TestApp) -> Operator<'a> {
        account::operators::create(&app.app, "op@tenon.test", "Olga", PASSWORD).await.unwrap();
        let body = json!({ "email": "op@tenon.test", "password": PASSWORD, "tenant": "hub" });
        let token = app.post_as(None, "/api/v1/auth/token", body).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        Operator { app, token }
    }

    async fn put(&self, tenant: TenantId, verb: &str) -> Answer {
        let path = format!("/api/v1/hub/tenants/{tenant}/{verb}");
        // An answer is kept for retries: it names the company.
        let request = self.app.request(Method::POST, &path, Some(&self.token)).header("idempotency-key", format!("{verb} {}", base::new_id()));
        self.app.send(request.header(header::CONTENT_TYPE, "application/json"), "{}").await
    }

    async fn ask_to_delete(&self, tenant: TenantId, body: Value) -> Answer {
        let request = self.app.request(Method::DELETE, &format!("/api/v1/hub/tenants/{tenant}"), Some(&self.token));
        self.app.send(request.header(header::CONTENT_TYPE, "application/json"), body.to_string()).await
    }

    /// Suspends a company, deletes it, and waits until all of it is gone.
    async fn delete(&self, tenant: TenantId, slug: &str) {
        self.put(tenant, "suspend").await.expect(200);
        let deleted = self.ask_to_delete(tenant, json!({ "confirm": slug, "current": PASSWORD })).await.expect(200);
        assert_eq!(deleted["status"], "deleted");
        self.erased(tenant).await;
    }

    async fn erased(&self, tenant: TenantId) {
        let find = r#"SELECT "status" FROM "jobs" WHERE "kind" = 'hub.tenants.erase' AND ("args" = '{}' OR "args" LIKE '%' || ?1 || '%') ORDER BY "id" DESC LIMIT 1"#;
        for _ in 0..1200 {
            let id = tenant.to_string();
            let status = self.app.app.hub().scan(move |sql| sql.row(find, &[id.into()], |row| Ok(row.text(0)?.to_owned()))).await.unwrap();
            if status.as_deref() == Some("done") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{tenant} is not erased");
    }
}

/// Files below `folder` in which one of `words` stands, however it is written, but for those in `but`.
fn files_with(folder: &Path, words: &[&str], but: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            if !but.iter().any(|name| path.ends_with(name)) {
                found.extend(files_with(&path, words, but));
            }
            continue;
        }
        let bytes = std::fs::read(&path).unwrap().to_ascii_lowercase();
        found.extend(
            words.iter().filter(|word| bytes.windows(word.len()).any(|part| part == word.as_bytes())).map(|word| format!("{word} in {path:?}")),
        );
    }
    found
}

/// Plants the canary wherever a company can write one.
async fn plant(app: &TestApp, owner: &Person) {
    let token = Some(owner.token.as_str());
    app.post_as(token, "/api/v1/modules/crm/install", json!({})).await.expect(200);
    let body = json!({ "name": format!("{CANARY} record"), "notes": format!("said {CANARY}") });
    let request = app.request(Method::POST, "/api/v1/crm/companies", token).header("idempotency-key", CANARY);
    let made = app.send(request.header(header::CONTENT_TYPE, "application/json"), body.to_string()).await.expect(201);
    app.send(app.request(Method::DELETE, &format!("/api/v1/crm/companies/{}", made.id()), token), "").await.expect(204);
    let rows: String = (0..300).map(|n| format!("{CANARY} {n}\n")).collect();
    let import = app.request(Method::POST, "/api/v1/crm/companies:import", token).header(header::CONTENT_TYPE, "text/csv");
    app.send(import, format!("name\n{rows}")).await.expect(200);
    let key = json!({ "name": format!("{CANARY} key"), "scopes": ["crm.companies:read"], "expires_in_days": 30 });
    app.post_as(token, "/api/v1/account/keys", key).await.expect(201);
    let role = json!({ "name": "kanarie", "title": format!("{CANARY} role"), "grants": [] });
    app.post_as(token, "/api/v1/account/roles", role).await.expect(201);
    // Many, so that pages of the hub are full and have to be split.
    for n in 0..60 {
        let body = json!({ "email": format!("{CANARY}.{n}@nowhere.test"), "role": "viewer" });
        app.post_as(token, "/api/v1/account/invitations", body).await.expect(201);
    }
    app.post_as(token, "/api/v1/account/invitations", json!({ "email": format!("{GUEST}@guest.test"), "role": "viewer" })).await.expect(201);
    let link = app.token_from_mail(&format!("{GUEST}@guest.test")).await;
    let body = json!({ "token": link, "name": format!("Gus {GUEST}"), "password": PASSWORD });
    app.post_as(None, "/api/v1/auth/accept-invitation", body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_16_nothing_of_a_deleted_company_stays() {
    let app = app().await;
    let operator = Operator::new(&app).await;
    // One founder has signed up twice before they confirmed.
    let body = json!({ "company": format!("{CANARY} Works"), "name": "Ada Admin", "email": "owner@works.test", "password": PASSWORD });
    app.post_as(None, "/api/v1/auth/register", body).await.expect(202);
    let owner = app.sign_up(&format!("{CANARY} Works"), "owner@works.test").await;
    plant(&app, &owner).await;
    // The other company was made by somebody who sits in one that stays.
    let request = app.request(Method::POST, "/api/v1/account/companies", app.token(OTHER_TENANT)).header("idempotency-key", "make");
    let made = app.send(request.header(header::CONTENT_TYPE, "application/json"), json!({ "name": format!("Second {CANARY}") }).to_string()).await;
    let second: TenantId = made.expect(201).id().parse().unwrap();
    let first = app.tenant(&owner);
    // An upload that nobody fetched any more.
    let spool = app.app.config().data.join("spool").join(first.hex());
    std::fs::write(spool.join(format!("{CANARY}.csv")), CANARY).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let backup = elsewhere.path().join("sealed");
    hub::backup::write(&app.app, first, &backup, false).await.unwrap();
    app.app.write_down().await.unwrap();
    let before = app.contents(TenantId::HUB).await;
    assert!(["links", "signups", "keys", "events", "checkpoints", "hub_tenants"].iter().all(|table| before.has(table)));
    assert!(before.mentions(CANARY) && before.mentions(&first.to_string()));

    operator.delete(first, "kanarie-7f3a-works").await;
    operator.delete(second, "second-kanarie-7f3a").await;

    let after = app.contents(TenantId::HUB).await;
    assert_eq!(after.tables_with(CANARY), [""; 0]);
    assert_eq!(after.tables_with(GUEST), ["users"], "an account is the person's");
    for (tenant, who) in [(app.tenant(&app.other), "other"), (app.tenant(&app.admin), "acme")] {
        assert_eq!(app.contents(tenant).await.tables_with(CANARY), [""; 0], "in {who}");
    }
    // What still names the id: the tombstone, the log without its content, and who signed in when.
    assert_eq!(after.tables_with(&first.to_string()), ["events", "hub_tenants"]);
    // The mails were sent, and whoever got one has it: the development mailbox stands for theirs.
    assert_eq!(files_with(&app.app.config().data, &[CANARY], &["mails"]), [""; 0]);
    let guests = files_with(&app.app.config().data, &[GUEST], &["mails"]);
    assert!(guests.iter().all(|file| file.contains(&TenantId::HUB.hex())), "{guests:?}");
    for tenant in [first, second] {
        assert!(!app.app.silos().exists(tenant).await.unwrap());
        assert_eq!(app.app.silo(tenant).await.err().unwrap().code(), base::Code::NotFound);
        assert_eq!(roles_and_schemas(&app, tenant).await, 0);
    }
    // The logs are whole; the content of what was said about the company is gone.
    assert_eq!(hub::audit::verify(&app.app, TenantId::HUB).await.unwrap().broken, None);
    app.app.write_down().await.unwrap();
    assert_eq!(app.contents(TenantId::HUB).await.tables_with(&first.to_string()), ["events", "hub_tenants"]);
    // Its backup cannot be opened any more, and is as good as random.
    let refused = hub::backup::restore(&app.app, &backup, "again").await.unwrap_err();
    assert_eq!((refused.name(), refused.detail().contains("cannot be read any more")), ("no-key", true));
    // The others go on, and so does the guest: with an account, and without a company.
    app.get(ADMIN, "/api/v1/crm/companies").await.expect(200);
    let body = json!({ "email": format!("{GUEST}@guest.test"), "password": PASSWORD });
    assert_eq!(app.post_as(None, "/api/v1/auth/token", body).await.expect(409).code(), "no-company");
}

/// How many schemas and roles of PostgreSQL are a company's; on SQLite there are none.
async fn roles_and_schemas(app: &TestApp, tenant: TenantId) -> i64 {
    if app.app.config().storage.silos.is_empty() {
        return 0;
    }
    let count =
        "SELECT (SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE '%' || ?1) + (SELECT COUNT(*) FROM pg_roles WHERE rolname LIKE '%' || ?1)";
    let hex = tenant.hex();
    app.app.hub().scan(move |sql| sql.row(count, &[hex.into()], |row| row.int(0))).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_15_nothing_that_led_into_a_deleted_company_leads_into_the_next_one() {
    let app = app().await;
    let operator = Operator::new(&app).await;
    let owner = app.sign_up("Phoenix", "owner@phoenix.test").await;
    let (tenant, token) = (app.tenant(&owner), Some(owner.token.as_str()));
    app.post_as(token, "/api/v1/modules/crm/install", json!({})).await.expect(200);
    for name in ["a", "b"] {
        app.post_as(token, "/api/v1/crm/companies", json!({ "name": name })).await.expect(201);
    }
    let record = keyed(&app, &owner, "x").await.expect(201).id();
    let page = app.get_as(token, "/api/v1/crm/companies?limit=1").await.expect(200);
    let cursor = page["next"].as_str().unwrap().to_owned();
    let key = json!({ "name": "k", "scopes": ["crm.companies:read"], "expires_in_days": 30 });
    let key = app.post_as(token, "/api/v1/account/keys", key).await.expect(201)["secret"].as_str().unwrap().to_owned();
    app.post_as(token, "/api/v1/account/invitations", json!({ "email": "guest@phoenix.test", "role": "viewer" })).await.expect(201);
    let invitation = app.token_from_mail("guest@phoenix.test").await;
    let elsewhere = tempfile::tempdir().unwrap();
    let backup = elsewhere.path().join("sealed");
    hub::backup::write(&app.app, tenant, &backup, false).await.unwrap();

    // Nobody deletes by mistake, or on somebody else's behalf.
    let good = json!({ "confirm": "phoenix", "current": PASSWORD });
    assert_eq!(operator.ask_to_delete(tenant, good.clone()).await.expect(409).code(), "not-suspended");
    app.get_as(token, "/api/v1/crm/companies").await.expect(200);
    operator.put(tenant, "suspend").await.expect(200);
    for (body, field) in [
        (json!({ "confirm": "acme", "current": PASSWORD }), "confirm"),
        (json!({ "confirm": "phoenix", "current": "somebody else's password" }), "current"),
        (json!({ "confirm": "phoenix" }), "current"),
        (json!({}), "confirm"),
    ] {
        let refused = operator.ask_to_delete(tenant, body).await.expect(400);
        assert_eq!(refused["errors"][0]["field"], field, "{}", refused.text());
    }
    let request = app.request(Method::DELETE, &format!("/api/v1/hub/tenants/{tenant}"), app.token(ADMIN));
    app.send(request.header(header::CONTENT_TYPE, "application/json"), good.to_string()).await.expect(403);
    operator.delete(tenant, "phoenix").await;

    // It is over: twice is the same as once, and there is no way back.
    let again = operator.ask_to_delete(tenant, good).await.expect(200);
    assert_eq!((again["status"].as_str(), again["name"].as_str(), again["slug"].as_str()), (Some("deleted"), Some(""), Some("phoenix")));
    for verb in ["activate", "suspend"] {
        assert_eq!(operator.put(tenant, verb).await.expect(409).code(), "deleted");
    }
    for credential in [&owner.token, &key] {
        app.get_as(Some(credential), "/api/v1/crm/companies").await.expect(401);
    }
    app.post_as(None, "/api/v1/auth/token", json!({ "refresh_token": owner.refresh_token })).await.expect(401);
    let body = json!({ "token": invitation, "name": "Gus", "password": PASSWORD });
    app.post_as(None, "/api/v1/auth/accept-invitation", body).await.expect(410);

    // The slug is nobody's any more; the name gets another one, and the person founds their company anew.
    let taken = hub::backup::restore(&app.app, &backup, "phoenix").await.unwrap_err();
    assert_eq!((taken.code(), taken.detail().contains("choose another slug")), (base::Code::Conflict, true));
    assert_eq!(hub::tenants::by_slug(&app.app, "phoenix").await.unwrap_err().code(), base::Code::Gone);
    assert_eq!(account::operators::create_tenant(&app.app, "Phoenix", "owner@phoenix.test").await.unwrap(), "phoenix-2");
    let new = app.sign_in("owner@phoenix.test").await;
    let there = Some(new.token.as_str());
    assert_ne!(app.tenant(&new), tenant);
    app.get_as(there, "/api/v1/crm/companies").await.expect(404);
    app.post_as(there, "/api/v1/modules/crm/install", json!({})).await.expect(200);
    assert_eq!(items(&app.get_as(there, "/api/v1/crm/companies").await.expect(200)).len(), 0);
    assert_eq!(app.get_as(there, &format!("/api/v1/crm/companies?limit=1&cursor={cursor}")).await.expect(400).code(), "cursor");
    app.get_as(there, &format!("/api/v1/crm/companies/{record}")).await.expect(404);
    app.get_as(Some(&key), "/api/v1/crm/companies").await.expect(401);
    let made = keyed(&app, &new, "x").await.expect(201);
    assert_eq!((made.id() == record, made.header("idempotency-replayed")), (false, ""), "the same key means another request here");
    assert_eq!(items(&app.get_as(there, "/api/v1/account/keys").await.expect(200)).len(), 0);
    assert_eq!(items(&app.get_as(there, "/api/v1/account/invitations").await.expect(200)).len(), 0);
    // Whoever was invited there and never came has no account, and may sign up like everybody.
    let body = json!({ "company": "Ashes", "name": "Gus", "email": "guest@phoenix.test", "password": PASSWORD });
    app.post_as(None, "/api/v1/auth/register", body).await.expect(202);
    let token = verification(&app, "guest@phoenix.test").await;
    app.post_as(None, "/api/v1/auth/verify", json!({ "token": token })).await.expect(200);
}

/// The token of the link by which somebody confirms their address, beside whatever else was mailed to them.
async fn verification(app: &TestApp, to: &str) -> String {
    for _ in 0..1200 {
        let mails = app.app.mailer().list().await.unwrap();
        let links = mails.iter().filter(|sent| sent.mail.to == to).flat_map(|sent| &sent.mail.links);
        if let Some((_, token)) = links.filter_map(|link| link.split_once("#token=")).find(|(page, _)| page.ends_with("/verify")) {
            return token.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no mail to confirm {to}");
}

/// Makes a record under an `Idempotency-Key`.
async fn keyed(app: &TestApp, who: &Person, key: &str) -> Answer {
    let request = app.request(Method::POST, "/api/v1/crm/companies", Some(&who.token)).header("idempotency-key", key);
    app.send(request.header(header::CONTENT_TYPE, "application/json"), r#"{"name":"under a key"}"#).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_14_streams_and_jobs_of_a_company_end_when_it_is_suspended_or_deleted() {
    let app = app().await;
    let operator = Operator::new(&app).await;
    let tenant = app.tenant(&app.admin);
    let silo = app.app.silo(tenant).await.unwrap();
    let rows: String = (0..8000).map(|n| format!("row {n}\n")).collect();
    for _ in 0..20 {
        let import = app.request(Method::POST, "/api/v1/crm/companies:import", app.token(ADMIN));
        let import = import.header(header::CONTENT_TYPE, "text/csv").header("prefer", "respond-async");
        app.send(import, format!("name\n{rows}")).await.expect(202);
    }
    let figures = || {
        let count = r#"SELECT (SELECT COUNT(*) FROM "crm_companies"), (SELECT COUNT(*) FROM "jobs" WHERE "status" = 'running'), (SELECT COUNT(*) FROM "jobs" WHERE "status" = 'ready')"#;
        let silo = silo.clone();
        async move { silo.scan(move |sql| sql.row(count, &[], |row| Ok((row.int(0)?, row.int(1)?, row.int(2)?)))).await.unwrap().unwrap() }
    };
    let working = async |from: i64| {
        for _ in 0..1000 {
            let (rows, running, _) = figures().await;
            if rows > from && running > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no job is at work");
    };
    working(0).await;
    let streams = open_streams(&app, 100).await;
    operator.put(tenant, "suspend").await.expect(200);
    streams_end(streams).await;
    let since = Instant::now();
    while figures().await.1 > 0 {
        assert!(since.elapsed() < Duration::from_millis(1500), "a job goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    eprintln!("evidence: the job at work was put back within {:?}", since.elapsed());
    let (rows, _, ready) = figures().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(figures().await, (rows, 0, ready), "nothing is done for a company that is suspended");
    assert!(ready >= 15, "the jobs were too fast for this test: {ready}");

    operator.put(tenant, "activate").await.expect(200);
    working(rows).await;
    let streams = open_streams(&app, 100).await;
    operator.put(tenant, "suspend").await.expect(200);
    operator.ask_to_delete(tenant, json!({ "confirm": "acme", "current": PASSWORD })).await.expect(200);
    streams_end(streams).await;
    operator.erased(tenant).await;
    assert!(!app.app.silos().exists(tenant).await.unwrap());
    assert_eq!(silo.scan(|_| Ok(())).await.unwrap_err().code(), base::Code::NotFound, "a handle that was held is worth nothing");
    let due = r#"SELECT COUNT(*) FROM "due" WHERE "tenant" = ?1"#;
    let id = tenant.to_string();
    for _ in 0..100 {
        let id = id.clone();
        if app.app.hub().scan(move |sql| sql.row(due, &[id.into()], |row| row.int(0))).await.unwrap() == Some(0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.app.hub().scan(move |sql| sql.row(due, &[id.into()], |row| row.int(0))).await.unwrap(), Some(0));
    app.get(OTHER_TENANT, "/api/v1/crm/companies").await.expect(200);
}

async fn open_streams(app: &TestApp, count: usize) -> Vec<testkit::Frames> {
    let mut streams = Vec::new();
    for _ in 0..count {
        // Resumed at the end of all, so that nothing is sent but what is new.
        let stream = app.open(app.request(Method::GET, "/api/v1/events/stream?filter=type%20%3D%3D%20%22none%22", app.token(ADMIN)), "").await;
        assert_eq!(stream.status, StatusCode::OK);
        streams.push(stream);
    }
    streams
}

/// All of them are at their end within the second that a stream may take to look, and what a busy machine needs for a hundred.
async fn streams_end(mut streams: Vec<testkit::Frames>) {
    let begun = Instant::now();
    for stream in &mut streams {
        assert_eq!(stream.next().await, None, "a stream goes on");
    }
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    eprintln!("evidence: {} streams ended within {:?}", streams.len(), begun.elapsed());
}
