//! What a person can do, told over HTTP and at the command line, from the sign-up to the backup.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

mod cli;

use base::Time;
use cli::tenon;
use http::{Method, header};
use kernel::events;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, NOBODY, OTHER_TENANT, PASSWORD, Person, STRANGER, TestApp};

async fn app() -> TestApp {
    TestApp::with(vec![testkit::crm()]).await
}

fn items(answer: &Answer) -> &Vec<Value> {
    answer["items"].as_array().unwrap_or_else(|| panic!("no items in {}", answer.text()))
}

/// A text as it stands in a URL.
fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

async fn company(app: &TestApp, name: &str) -> String {
    app.post(ADMIN, "/api/v1/crm/companies", json!({ "name": name })).await.expect(201).id()
}

async fn deal(app: &TestApp, body: Value) -> String {
    app.post(ADMIN, "/api/v1/crm/deals", body).await.expect(201).id()
}

/// Waits for a job to end and returns what `GET /jobs/{id}` shows.
async fn ended(app: &TestApp, id: &str) -> Answer {
    for _ in 0..1000 {
        let job = app.get(ADMIN, &format!("/api/v1/jobs/{id}")).await.expect(200);
        if matches!(job["status"].as_str(), Some("done" | "dead" | "cancelled")) {
            return job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("job {id} did not end");
}

#[tokio::test]
async fn a_company_signs_up_and_is_alone_in_its_own_database() {
    let (app, _folder) = TestApp::bare(vec![testkit::crm()]).await;
    let app = TestApp::around(app, _folder);
    let register = json!({ "company": "Acme", "name": "Ada", "email": "ada@acme.test", "password": PASSWORD });
    assert_eq!(app.get(NOBODY, "/api/v1/setup").await.expect(200)["empty"], true);
    app.post(NOBODY, "/api/v1/auth/register", register.clone()).await.expect(202);
    // Before the address is confirmed there is neither a user nor a company.
    app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "ada@acme.test", "password": PASSWORD })).await.expect(401);
    assert_eq!(app.get(NOBODY, "/api/v1/setup").await["empty"], true);
    let link = app.token_from_mail("ada@acme.test").await;
    let verified = app.post(NOBODY, "/api/v1/auth/verify", json!({ "token": link })).await.expect(200);
    assert_eq!(verified["tenant"]["slug"], "acme");
    app.post(NOBODY, "/api/v1/auth/verify", json!({ "token": link })).await.expect(410);
    let ada = app.sign_in("ada@acme.test").await;
    assert_eq!(ada.me["user"]["name"], "Ada");
    assert_eq!(ada.me["tenants"][0]["roles"], json!(["owner"]));
    assert_eq!(app.get(NOBODY, "/api/v1/setup").await["empty"], false);
    app.get(NOBODY, "/api/v1/me").await.expect(401);
    // The same address once more: the same answer, and a mail that says there is an account already.
    app.post(NOBODY, "/api/v1/auth/register", register).await.expect(202);
    wait_for_subject(&app, "ada@acme.test", "You already have an account").await;
    // Another company of the same person, with a database of its own.
    let second = app.post_as(Some(&ada.token), "/api/v1/account/companies", json!({ "name": "Acme" })).await.expect(201);
    assert_eq!(second["slug"], "acme-2");
    let there =
        app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "ada@acme.test", "password": PASSWORD, "tenant": "acme-2" })).await.expect(200);
    let me = app.get_as(there["access_token"].as_str(), "/api/v1/me").await.expect(200);
    assert_eq!((me["tenant"]["slug"].as_str(), items_of(&me, "tenants")), (Some("acme-2"), 2));
    app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "ada@acme.test", "password": PASSWORD, "tenant": "nowhere" })).await.expect(401);
}

fn items_of(answer: &Answer, name: &str) -> usize {
    answer[name].as_array().map_or(0, Vec::len)
}

async fn wait_for_subject(app: &TestApp, to: &str, subject: &str) {
    for _ in 0..500 {
        let mails = app.app.mailer().list().await.unwrap();
        if mails.iter().any(|sent| sent.mail.to == to && sent.mail.subject == subject) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{to} got no mail with the subject {subject:?}");
}

#[tokio::test]
async fn a_browser_signs_in_switches_company_and_signs_out() {
    let app = app().await;
    let browser = |path: &str, cookie: &str| {
        let request = app.request(Method::POST, path, None).header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/json");
        if cookie.is_empty() { request } else { request.header(header::COOKIE, cookie) }
    };
    let cookie = |answer: &Answer| answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    app.post_as(Some(&app.admin.token), "/api/v1/account/companies", json!({ "name": "Second" })).await.expect(201);
    let signed_in = app
        .send(browser("/api/v1/auth/sign-in", ""), json!({ "email": "admin@acme.test", "password": PASSWORD, "tenant": "acme" }).to_string())
        .await
        .expect(200);
    assert_eq!(signed_in["tenant"]["slug"], "acme");
    let first = cookie(&signed_in);
    assert!(first.starts_with("sid=") && signed_in.header("set-cookie").contains("HttpOnly; SameSite=Lax"), "{}", signed_in.header("set-cookie"));
    let switched = app.send(browser("/api/v1/auth/switch", &first), json!({ "tenant": "second" }).to_string()).await.expect(200);
    assert_eq!(switched["tenant"]["slug"], "second");
    let second = cookie(&switched);
    assert_ne!(first, second, "a new session for the other company");
    let me = |cookie: &str| app.request(Method::GET, "/api/v1/me", None).header(header::COOKIE, cookie.to_owned());
    app.send(me(&first), "").await.expect(401);
    assert_eq!(app.send(me(&second), "").await.expect(200)["tenant"]["slug"], "second");
    // Not to a company of somebody else, and not from another site's page.
    app.send(browser("/api/v1/auth/switch", &second), json!({ "tenant": "other" }).to_string()).await.expect(401);
    let foreign = app
        .request(Method::POST, "/api/v1/auth/sign-out", None)
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/json");
    app.send(foreign.header(header::COOKIE, second.clone()), "{}").await.expect(403);
    app.send(browser("/api/v1/auth/sign-out", &second), "{}").await.expect(204);
    app.send(me(&second), "").await.expect(401);
    // Everywhere: the app's tokens too.
    let third = cookie(
        &app.send(browser("/api/v1/auth/sign-in", ""), json!({ "email": "admin@acme.test", "password": PASSWORD }).to_string()).await.expect(200),
    );
    app.send(browser("/api/v1/auth/sign-out", &third), json!({ "everywhere": true }).to_string()).await.expect(204);
    app.get(ADMIN, "/api/v1/me").await.expect(401);
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_and_everybody_else_is_out() {
    let app = app().await;
    app.post(NOBODY, "/api/v1/auth/forgot", json!({ "email": "Admin@ACME.test" })).await.expect(202);
    wait_for_subject(&app, "admin@acme.test", "Set a new password").await;
    let link = app.token_from_mail("admin@acme.test").await;
    let fresh = "an entirely different sentence 7";
    app.post(NOBODY, "/api/v1/auth/reset", json!({ "token": link, "password": "short" })).await.expect(400);
    app.post(NOBODY, "/api/v1/auth/reset", json!({ "token": link, "password": fresh })).await.expect(204);
    app.post(NOBODY, "/api/v1/auth/reset", json!({ "token": link, "password": fresh })).await.expect(410);
    app.get(ADMIN, "/api/v1/me").await.expect(401);
    app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "admin@acme.test", "password": PASSWORD })).await.expect(401);
    let token = app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "admin@acme.test", "password": fresh })).await.expect(200);
    let token = token["access_token"].as_str();
    app.post_as(token, "/api/v1/account/password", json!({ "current": "wrong", "password": PASSWORD })).await.expect(400);
    app.post_as(token, "/api/v1/account/password", json!({ "current": fresh, "password": PASSWORD })).await.expect(204);
    app.get_as(token, "/api/v1/me").await.expect(200);
    wait_for_subject(&app, "admin@acme.test", "Your password was changed").await;
}

#[tokio::test]
async fn a_module_is_installed_once_keeps_its_data_when_it_goes_and_loses_it_when_purged() {
    let app = app().await;
    let offer = |list: &Answer| items(list).iter().find(|m| m["name"] == "crm").cloned().unwrap();
    assert_eq!(offer(&app.get(ADMIN, "/api/v1/modules").await.expect(200))["installed"], true);
    company(&app, "3M").await;
    let installed = |list: &Answer| items(list).iter().filter(|e| e["type"] == "hub.module.installed").count();
    assert_eq!(installed(&app.get(ADMIN, "/api/v1/events").await.expect(200)), 1);
    app.post(ADMIN, "/api/v1/modules/crm/install", json!({})).await.expect(200);
    assert_eq!(installed(&app.get(ADMIN, "/api/v1/events").await.expect(200)), 1, "twice is the same as once");
    app.post(ADMIN, "/api/v1/modules/crm/purge", json!({ "confirm": "crm" })).await.expect(409);
    assert_eq!(app.post(ADMIN, "/api/v1/modules/crm/uninstall", json!({})).await.expect(200)["has_data"], true);
    app.get(ADMIN, "/api/v1/crm/companies").await.expect(404);
    let me = app.get(ADMIN, "/api/v1/me").await.expect(200);
    assert!(!me["permissions"].to_string().contains("crm."), "its permissions are gone with it");
    assert!(!app.get(ADMIN, "/api/v1/meta").await.expect(200)["nav"].to_string().contains("crm"), "and its pages");
    app.post(ADMIN, "/api/v1/modules/crm/install", json!({})).await.expect(200);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true").await.expect(200)["total"], 1, "the data stayed");
    app.post(ADMIN, "/api/v1/modules/crm/uninstall", json!({})).await.expect(200);
    app.post(ADMIN, "/api/v1/modules/crm/purge", json!({ "confirm": "CRM" })).await.expect(400);
    assert_eq!(app.post(ADMIN, "/api/v1/modules/crm/purge", json!({ "confirm": "crm" })).await.expect(200)["has_data"], false);
    app.post(ADMIN, "/api/v1/modules/crm/install", json!({})).await.expect(200);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true").await.expect(200)["total"], 0);
    assert_eq!(items(&app.get(ADMIN, "/api/v1/search?q=3M").await.expect(200)).len(), 0);
    // The other company's CRM was never touched.
    assert_eq!(offer(&app.get(OTHER_TENANT, "/api/v1/modules").await.expect(200))["installed"], true);
}

#[tokio::test]
async fn the_sample_companies_are_imported_and_the_second_time_nothing_doubles() {
    let app = app().await;
    let csv = testkit::sample_companies();
    let path = "/api/v1/crm/companies:import?key=name";
    let dry = app.import(ADMIN, &format!("{path}&dry_run=true"), &csv).await.expect(200);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true&limit=1").await["total"], 0, "a dry run does nothing");
    let first = app.import(ADMIN, path, &csv).await.expect(200);
    assert_eq!(dry.json, first.json, "a dry run says what would happen");
    let created = first["created"].as_u64().unwrap();
    let rejected = items_of(&first, "rejected") as u64;
    assert_eq!((created + rejected, first["rejected_total"].as_u64()), (1837, Some(rejected)));
    assert!(items_of(&first, "rejected") > 100, "addresses that are none are refused, and their rows named");
    let one = &first["rejected"][0];
    assert!(one["row"].as_u64() > Some(1) && one["field"].is_string() && one["problem"].is_string(), "{one}");
    let again = app.import(ADMIN, path, &csv).await.expect(200);
    assert_eq!((again["created"].as_u64(), again["updated"].as_u64(), again["unchanged"].as_u64()), (Some(0), Some(0), Some(created)));
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true&limit=1").await["total"].as_u64(), Some(created));
    // What was exported is what was there: the way back changes nothing.
    let exported = app.get(ADMIN, "/api/v1/crm/companies:export").await.expect(200);
    assert!(exported.header("content-disposition").contains("companies.csv"));
    let back = app.import(ADMIN, path, &exported.text()).await.expect(200);
    assert_eq!(
        (back["created"].as_u64(), back["updated"].as_u64(), back["unchanged"].as_u64()),
        (Some(0), Some(0), Some(created)),
        "{}",
        back.text()
    );
    assert_eq!(items(&app.get(ADMIN, "/api/v1/search?q=montabaur").await).len(), 0, "only what is declared to be searched is found");
    assert_eq!(app.get(ADMIN, "/api/v1/search?q=telefonica").await["items"][0]["resource"], "crm.companies", "words are found without their marks");
}

#[tokio::test]
async fn columns_are_mapped_and_long_imports_go_on_as_a_job() {
    let app = app().await;
    let csv = "Firma;x,Land\n\"3M\",USA\n,Nowhere\n";
    let path = format!("/api/v1/crm/companies:import?map={}", encoded("Firma;x:name,Land:country"));
    let done = app.import(ADMIN, &path, csv).await.expect(200);
    assert_eq!(
        (done["created"].as_u64(), done["rejected"][0]["row"].as_u64(), done["rejected"][0]["field"].as_str()),
        (Some(1), Some(3), Some("name"))
    );
    let request = app.request(Method::POST, &path, app.token(ADMIN)).header(header::CONTENT_TYPE, "text/csv").header("prefer", "respond-async");
    let accepted = app.send(request, csv).await.expect(202);
    let job = ended(&app, accepted["job"]["id"].as_str().unwrap()).await;
    assert_eq!((job["status"].as_str(), job["progress"].as_u64(), job["result"]["created"].as_u64()), (Some("done"), Some(100), Some(1)));
    assert_eq!(accepted.header("location"), format!("/api/v1/jobs/{}", job.id()));
    app.get(STRANGER, &format!("/api/v1/jobs/{}", job.id())).await.expect(404);
}

#[tokio::test]
async fn records_are_filtered_sorted_paged_searched_and_counted() {
    let app = app().await;
    let nordic = company(&app, "Nordic").await;
    for n in 1..=25 {
        let mut body = json!({ "name": format!("Deal {n:02}"), "notes": format!("note {n}") });
        if n % 2 == 0 {
            body["amount"] = json!({ "minor": n * 100, "currency": "EUR" });
            body["company"] = json!(nordic);
        }
        deal(&app, body).await;
    }
    let path = |query: &str| format!("/api/v1/crm/deals?{query}");
    let filter = |text: &str| path(&format!("count=true&filter={}", encoded(text)));
    for (text, total) in [
        ("amount.minor > 1000", 7),
        ("amount.minor > 1000 && name.startsWith(\"Deal 2\")", 3),
        ("company == null", 13),
        ("!(company == null)", 12),
        ("name in [\"Deal 01\", \"Deal 02\", \"nothing\"]", 2),
        ("owner == actor.id", 25),
        ("owner != actor.id", 0),
        ("stage == \"won\"", 0),
    ] {
        assert_eq!(app.get(ADMIN, &filter(text)).await.expect(200)["total"], total, "{text}");
    }
    // Pages by a nullable column lose nothing and repeat nothing, in both directions.
    for sort in ["-amount,name", "amount,-name", "-created_at", "name"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app.get(ADMIN, &path(&format!("sort={sort}&limit=7{cursor}"))).await.expect(200);
            seen.extend(items(&page).iter().map(|i| i["name"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let whole = app.get(ADMIN, &path(&format!("sort={sort}&limit=200"))).await.expect(200);
        let expected: Vec<&str> = items(&whole).iter().map(|i| i["name"].as_str().unwrap()).collect();
        assert_eq!((seen.len(), seen.iter().map(String::as_str).collect::<Vec<_>>()), (25, expected), "{sort}");
    }
    let page = app.get(ADMIN, &path("q=deal%2007")).await.expect(200);
    assert_eq!((items(&page).len(), items(&page)[0]["name"].as_str()), (1, Some("Deal 07")));
    let slim = app.get(ADMIN, &path("fields=name&limit=1")).await.expect(200);
    assert!(items(&slim)[0].get("notes").is_none() && items(&slim)[0].get("version").is_some(), "{}", slim.text());
    let with_titles = app.get(ADMIN, &path("expand=company,owner&limit=1&sort=-name&filter=company%20!%3D%20null")).await.expect(200);
    assert_eq!(items(&with_titles)[0]["expanded"]["company"], json!({ "id": nordic, "title": "Nordic" }));
    assert_eq!(items(&with_titles)[0]["company"], json!(nordic), "expanding never changes the type");
    assert_eq!(items(&with_titles)[0]["expanded"]["owner"]["title"], "Ada Admin");
    let found = app.get(ADMIN, "/api/v1/search?q=nord").await.expect(200);
    assert_eq!(items(&found)[0], json!({ "resource": "crm.companies", "id": nordic, "title": "Nordic" }));
}

#[tokio::test]
async fn a_saved_filter_is_its_owners_until_it_is_shared() {
    let app = app().await;
    let viewer = app.invite(&app.admin, "viewer@acme.test", "viewer").await;
    let body = json!({ "name": "Big", "resource": "crm.deals", "query": "filter=amount.minor%20%3E%201" });
    let saved = app.post(ADMIN, "/api/v1/account/views", body).await.expect(201).id();
    let path = format!("/api/v1/account/views/{saved}");
    app.get_as(Some(&viewer.token), &path).await.expect(404);
    assert_eq!(items(&app.get_as(Some(&viewer.token), "/api/v1/account/views").await.expect(200)).len(), 0);
    app.patch(ADMIN, &path, json!({ "shared": true })).await.expect(200);
    app.get_as(Some(&viewer.token), &path).await.expect(200);
    let refused =
        app.send(app.request(Method::PATCH, &path, Some(&viewer.token)).header(header::CONTENT_TYPE, "application/json"), r#"{"name":"Mine"}"#).await;
    refused.expect(403);
}

#[tokio::test]
async fn a_deal_moves_as_declared_and_in_no_other_way() {
    let app = app().await;
    let id = deal(&app, json!({ "name": "Licence" })).await;
    let path = format!("/api/v1/crm/deals/{id}");
    let go = |step: &str| format!("{path}/{step}");
    assert_eq!(app.patch(ADMIN, &path, json!({ "stage": "won" })).await.expect(400)["errors"][0]["field"], "stage");
    app.post(ADMIN, &go("win"), json!({})).await.expect(409);
    assert_eq!(app.post(ADMIN, &go("qualify"), json!({})).await.expect(200)["stage"], "qualified");
    app.post(ADMIN, &go("win"), json!({})).await.expect(409); // there is no amount yet
    app.patch(ADMIN, &path, json!({ "amount": { "minor": 9900 } })).await.expect(200);
    let won = app.post(ADMIN, &go("win"), json!({})).await.expect(200);
    assert_eq!((won["stage"].as_str(), won["amount"]["currency"].as_str(), won["version"].as_i64()), (Some("won"), Some("EUR"), Some(4)));
    let history = app.get(ADMIN, &format!("{path}/history")).await.expect(200);
    let kinds: Vec<&str> = items(&history).iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["crm.deal.won", "crm.deal.updated", "crm.deal.qualified", "crm.deal.created"]);
    let data = &items(&history)[0]["data"];
    assert_eq!((&data["before"]["stage"], &data["after"]["stage"]), (&json!("qualified"), &json!("won")));
}

#[tokio::test]
async fn whoever_saves_second_sees_both_values() {
    let app = app().await;
    let id = company(&app, "3M").await;
    let path = format!("/api/v1/crm/companies/{id}");
    let read = app.get(ADMIN, &path).await.expect(200);
    let tag = read.header("etag").to_owned();
    assert_eq!(tag, "\"1\"");
    let change = |tag: &str, name: &str| {
        let request = app
            .request(Method::PATCH, &path, app.token(ADMIN))
            .header(header::CONTENT_TYPE, "application/merge-patch+json")
            .header(header::IF_MATCH, tag);
        app.send(request, json!({ "name": name }).to_string())
    };
    change(&tag, "3M Company").await.expect(200);
    let stale = change(&tag, "Minnesota Mining").await.expect(412);
    assert_eq!((stale.code(), stale["current"]["name"].as_str(), stale["current"]["version"].as_i64()), ("stale", Some("3M Company"), Some(2)));
    let unchanged = app.send(app.request(Method::GET, &path, app.token(ADMIN)).header(header::IF_NONE_MATCH, "\"2\""), "").await.expect(304);
    assert!(unchanged.body.is_empty());
    // Saying again what is there already changes nothing, not even the version.
    assert_eq!(app.patch(ADMIN, &path, json!({ "name": "3M Company" })).await.expect(200)["version"], 2);
}

#[tokio::test]
async fn many_are_changed_at_once_after_a_dry_run() {
    let app = app().await;
    let mut ids = Vec::new();
    for n in 0..120 {
        ids.push(deal(&app, json!({ "name": format!("Deal {n}") })).await);
    }
    let bulk = |body: Value| app.post(ADMIN, "/api/v1/crm/deals:bulk", body);
    let some = &ids[..3];
    let dry = bulk(json!({ "ids": some, "do": "update", "patch": { "notes": "x" }, "dry_run": true })).await.expect(200);
    assert_eq!(dry.json, json!({ "matched": 3, "changed": 3, "unchanged": 0, "rejected": [] }));
    let filter = format!("/api/v1/crm/deals?count=true&limit=1&filter={}", encoded("notes == \"x\""));
    assert_eq!(app.get(ADMIN, &filter).await["total"], 0);
    bulk(json!({ "ids": some, "do": "update", "patch": { "notes": "x" } })).await.expect(200);
    assert_eq!(app.get(ADMIN, &filter).await["total"], 3);
    let mixed = bulk(json!({ "filter": "notes == \"x\"", "do": "win" })).await.expect(200);
    assert_eq!((mixed["changed"].as_u64(), items_of(&mixed, "rejected")), (Some(0), 3), "a lead cannot be won: each row says so");
    // More than a hundred go on as a job.
    let accepted = bulk(json!({ "filter": "stage == \"lead\"", "do": "qualify" })).await.expect(202);
    let job = ended(&app, accepted["job"]["id"].as_str().unwrap()).await;
    assert_eq!((job["status"].as_str(), job["result"]["changed"].as_u64()), (Some("done"), Some(120)));
    let figures = app.post(ADMIN, "/api/v1/crm/deals:aggregate", json!({ "group_by": ["stage"], "count": true })).await.expect(200);
    assert_eq!(items(&figures)[0]["group"]["stage"], "qualified");
    assert_eq!(items(&figures)[0]["count"], 120);
    let accepted = bulk(json!({ "ids": ids, "do": "delete" })).await.expect(202);
    assert_eq!(ended(&app, accepted["job"]["id"].as_str().unwrap()).await["result"]["changed"], 120);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/deals?count=true").await["total"], 0);
}

#[tokio::test]
async fn sums_are_kept_apart_by_currency() {
    let app = app().await;
    for (minor, currency, stage) in [(100, "EUR", "lead"), (250, "EUR", "lead"), (7, "USD", "lead"), (5, "EUR", "won")] {
        deal(&app, json!({ "name": "x", "amount": { "minor": minor, "currency": currency }, "stage": stage })).await;
    }
    let answer =
        app.post(ADMIN, "/api/v1/crm/deals:aggregate", json!({ "group_by": ["stage"], "sum": ["amount"], "max": ["amount"] })).await.expect(200);
    let lead = items(&answer).iter().find(|i| i["group"]["stage"] == "lead").unwrap();
    assert_eq!(lead["count"], 3);
    assert_eq!(lead["sum"]["amount"], json!([{ "minor": 350, "currency": "EUR" }, { "minor": 7, "currency": "USD" }]));
}

#[tokio::test]
async fn what_refers_to_a_record_is_named_before_it_goes_and_a_deleted_one_comes_back() {
    let app = app().await;
    let id = company(&app, "3M").await;
    let path = format!("/api/v1/crm/companies/{id}");
    let licence = deal(&app, json!({ "name": "Licence", "company": id })).await;
    let task = app.post(ADMIN, "/api/v1/crm/activities", json!({ "subject": "Call", "deal": licence })).await.expect(201).id();
    let refused = app.delete(ADMIN, &path).await.expect(409);
    assert_eq!((refused.code(), &refused["referrers"]), ("referred", &json!([{ "resource": "crm.deals", "id": licence, "title": "Licence" }])));
    app.delete(ADMIN, &format!("/api/v1/crm/deals/{licence}")).await.expect(204);
    app.get(ADMIN, &format!("/api/v1/crm/activities/{task}")).await.expect(404); // on_delete: cascade
    app.delete(ADMIN, &path).await.expect(204);
    app.get(ADMIN, &path).await.expect(404);
    assert_eq!(items(&app.get(ADMIN, "/api/v1/search?q=3M").await).len(), 0);
    let history = app.get(ADMIN, &format!("{path}/history")).await.expect(200);
    let seq = items(&history).last().unwrap()["seq"].clone();
    let back = app.post(ADMIN, &format!("{path}/revert"), json!({ "seq": seq })).await.expect(200);
    assert_eq!((back.id(), back["name"].as_str()), (id.clone(), Some("3M")));
    app.get(ADMIN, &path).await.expect(200);
    assert_eq!(items(&app.get(ADMIN, "/api/v1/search?q=3M").await).len(), 1);
    assert_eq!(app.post(ADMIN, &format!("{path}/revert"), json!({ "seq": 1 })).await.expect(400)["errors"][0]["field"], "seq");
}

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

fn member_of(person: &Person) -> String {
    person.me["user"]["member"].as_str().unwrap().to_owned()
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

#[tokio::test]
async fn the_log_says_who_did_what_and_can_be_filtered() {
    let app = app().await;
    let id = company(&app, "3M").await;
    app.patch(ADMIN, &format!("/api/v1/crm/companies/{id}"), json!({ "country": "USA" })).await.expect(200);
    let events = |filter: &str| format!("/api/v1/events?limit=200&filter={}", encoded(filter));
    let about = app.get(ADMIN, &events(&format!("subject == \"crm.companies/{id}\""))).await.expect(200);
    assert_eq!(items(&about).len(), 2);
    let newest = &items(&about)[0];
    assert_eq!(
        (newest["type"].as_str(), newest["actor"].as_str()),
        (Some("crm.company.updated"), Some(format!("member:{}", member_of(&app.admin)).as_str()))
    );
    assert_eq!((&newest["data"]["before"]["country"], &newest["data"]["after"]["country"]), (&json!(null), &json!("USA")));
    for (filter, least) in [
        ("type.startsWith(\"account.\")", 2),
        ("at > timestamp(\"2020-01-01T00:00:00Z\")", 5),
        ("actor.startsWith(\"member:\") && seq > 3", 1),
        ("actor != \"anonymous\" && !(\"viewer\" in actor.roles)", 1),
    ] {
        assert!(items(&app.get(ADMIN, &events(filter)).await.expect(200)).len() >= least, "{filter}");
    }
    assert_eq!(items(&app.get(ADMIN, &events("at > timestamp(\"2090-01-01T00:00:00Z\")")).await.expect(200)).len(), 0);
    // By pages, newest first, without a gap.
    let (mut seqs, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(ADMIN, &format!("/api/v1/events?limit=2{cursor}")).await.expect(200);
        seqs.extend(items(&page).iter().map(|e| e["seq"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let whole: Vec<i64> = (1..=seqs.len() as i64).rev().collect();
    assert_eq!(seqs, whole);
}

#[tokio::test]
async fn the_stream_goes_on_where_it_was_left() {
    let app = app().await;
    let stream = |last: Option<&str>| {
        let request = app.request(Method::GET, "/api/v1/events/stream", app.token(ADMIN)).header(header::ACCEPT, "text/event-stream");
        app.open(last.iter().fold(request, |r, id| r.header("last-event-id", *id)), "")
    };
    let mut first = stream(None).await;
    assert_eq!((first.status.as_u16(), first.headers["content-type"].to_str().unwrap()), (200, "text/event-stream"));
    company(&app, "One").await;
    let one = first.next().await.unwrap();
    assert_eq!((one.event.as_str(), one.data["data"]["after"]["name"].as_str()), ("crm.company.created", Some("One")));
    drop(first);
    company(&app, "Two").await;
    company(&app, "Three").await;
    let mut resumed = stream(Some(&one.id)).await;
    let (two, three) = (resumed.next().await.unwrap(), resumed.next().await.unwrap());
    let seq = |id: &str| id.parse::<i64>().unwrap();
    assert_eq!((seq(&two.id), seq(&three.id)), (seq(&one.id) + 1, seq(&one.id) + 2));
    assert_eq!(three.data["data"]["after"]["name"], "Three");
    assert_eq!(app.open(app.request(Method::GET, "/api/v1/events/stream", app.token(STRANGER)), "").await.status, 403);
    // Whoever is signed out loses the stream.
    app.post(ADMIN, "/api/v1/auth/sign-out", json!({ "everywhere": true })).await.expect(204);
    assert_eq!(resumed.next().await, None);
}

#[tokio::test]
async fn the_audit_finds_a_changed_byte_and_a_cut_tail() {
    let app = app().await;
    for n in 0..5 {
        company(&app, &format!("Company {n}")).await;
    }
    let tenant = app.tenant(&app.admin);
    let found = hub::audit::verify(&app.app, tenant).await.unwrap();
    assert!(found.broken.is_none() && found.entries > 5, "{found:?}");
    let silo = app.app.silos().open(tenant).await.unwrap();
    let ok = tenon(&app, &["verify", "audit", "--tenant", "acme"]);
    assert_eq!((ok.code, ok.out.starts_with("ok: ")), (0, true), "{ok:?}");
    // One byte of what an entry says.
    let log = app.get(ADMIN, "/api/v1/events?after=0&limit=200").await.expect(200);
    let seq = items(&log).iter().find(|e| e["data"]["after"]["name"] == "Company 1").unwrap()["seq"].as_i64().unwrap();
    let change = |from: &'static str, to: &'static str| {
        let silo = silo.clone();
        async move {
            silo.write(move |sql| {
                sql.run(r#"UPDATE "events" SET "data" = replace("data", ?1, ?2) WHERE "seq" = ?3"#, &[from.into(), to.into(), seq.into()])
            })
            .await
            .unwrap()
        }
    };
    assert_eq!(change("Company 1", "Company l").await, 1);
    let broken = hub::audit::verify(&app.app, tenant).await.unwrap().broken.unwrap();
    assert_eq!((broken.seq, broken.problem.contains("content")), (seq, true), "{broken:?}");
    let wrong = tenon(&app, &["verify", "audit", "--tenant", "acme", "--json"]);
    assert_eq!((wrong.code, wrong.json()["broken"]["seq"].as_i64()), (1, Some(seq)));
    change("Company l", "Company 1").await;
    assert_eq!(tenon(&app, &["verify", "audit", "--tenant", "acme"]).code, 0);
    // The tail, without the head: the head tells. With the head: the hub's checkpoint tells.
    let last = found.entries;
    silo.write(move |sql| sql.run(r#"DELETE FROM "events" WHERE "seq" = ?1"#, &[last.into()])).await.unwrap();
    assert!(tenon(&app, &["verify", "audit", "--tenant", "acme"]).out.contains("BROKEN"));
    let (id, now) = (tenant.to_string(), Time::now());
    app.app
        .hub()
        .write(move |sql| {
            sql.run(
                r#"INSERT INTO "checkpoints" ("tenant", "seq", "hash", "at") VALUES (?1, ?2, ?3, ?4)"#,
                &[(&id).into(), last.into(), [7u8; 32].as_slice().into(), now.into()],
            )
        })
        .await
        .unwrap();
    silo.write(move |sql| {
        let before = sql.row(r#"SELECT "hash" FROM "events" WHERE "seq" = ?1"#, &[(last - 1).into()], |row| Ok(row.blob(0)?.to_vec()))?.unwrap();
        let head = sql.head();
        head.seq = last - 1;
        head.hash = before.try_into().unwrap();
        Ok(())
    })
    .await
    .unwrap();
    let cut = tenon(&app, &["verify", "audit", "--tenant", "acme"]);
    assert_eq!((cut.code, cut.out.contains("the tail was cut")), (1, true), "{cut:?}");
}

#[tokio::test]
async fn the_chain_begins_with_the_tenant_and_every_entry_follows_from_the_one_before() {
    let app = app().await;
    let tenant = app.tenant(&app.admin);
    let list = app.get(ADMIN, "/api/v1/events?after=0").await.expect(200);
    let hex = |hash: &[u8]| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_ne!(items(&list)[0]["hash"].as_str(), Some(hex(&events::genesis(tenant)).as_str()));
    let seqs: Vec<i64> = items(&list).iter().map(|e| e["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "without a gap");
    assert_eq!(items(&list)[0]["type"], "account.company.created");
}

#[tokio::test]
async fn a_backup_is_taken_while_the_company_works_and_restored_beside_it() {
    let app = app().await;
    for n in 0..20 {
        company(&app, &format!("Before {n}")).await;
    }
    let tenant = app.tenant(&app.admin);
    let file = app.folder().join("acme.backup");
    let plain = app.folder().join("acme.sqlite");
    let writing = async {
        for n in 0..60 {
            company(&app, &format!("Meanwhile {n}")).await;
        }
    };
    let (size, ()) = tokio::join!(hub::backup::write(&app.app, tenant, &file, false), writing);
    assert!(size.unwrap() > 10_000);
    assert!(!std::fs::read(&file).unwrap().windows(6).any(|w| w == b"Before"), "it is sealed");
    hub::backup::write(&app.app, tenant, &plain, true).await.unwrap();
    assert!(hub::backup::write(&app.app, tenant, &plain, true).await.is_err(), "nothing is written over");
    let restored = tenon(&app, &["tenant", "restore", file.to_str().unwrap(), "--as", "acme-before", "--json"]);
    assert_eq!((restored.code, restored.json()["slug"].as_str()), (0, Some("acme-before")), "{restored:?}");
    assert_eq!(restored.json()["origin"].as_str(), Some(tenant.to_string().as_str()));
    let taken = tenon(&app, &["tenant", "restore", file.to_str().unwrap(), "--as", "acme-before"]);
    assert_eq!(taken.code, 1, "{taken:?}");
    let there = app
        .post(NOBODY, "/api/v1/auth/token", json!({ "email": "admin@acme.test", "password": PASSWORD, "tenant": "acme-before" }))
        .await
        .expect(200);
    let list = app.get_as(there["access_token"].as_str(), "/api/v1/crm/companies?count=true&limit=1").await.expect(200);
    assert!(list["total"].as_u64().unwrap() >= 20, "{}", list.text());
    app.post_as(there["access_token"].as_str(), "/api/v1/crm/companies", json!({ "name": "Only there" })).await.expect(201);
    assert_eq!(items(&app.get(ADMIN, "/api/v1/search?q=only").await).len(), 0, "the original is not touched");
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true&limit=1").await["total"], 80);
    assert_eq!(tenon(&app, &["verify", "audit", "--tenant", "acme-before"]).code, 0, "its log verifies from the same origin");
    let full = hub::backup::restore(&app.app, &plain, "acme-plain").await.unwrap();
    assert!(full.entries > 80);
    let damaged = app.folder().join("damaged");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let refused = tenon(&app, &["tenant", "restore", damaged.to_str().unwrap(), "--as", "damaged"]);
    assert_eq!((refused.code, refused.err.contains("damaged")), (1, true), "{refused:?}");
}

#[tokio::test]
async fn the_command_line_exports_one_tenant_and_nothing_of_another() {
    let app = app().await;
    company(&app, "Ours alone").await;
    app.post(OTHER_TENANT, "/api/v1/crm/companies", json!({ "name": "canary-of-other" })).await.expect(201);
    let exported = tenon(&app, &["tenant", "export", "acme"]);
    assert_eq!(exported.code, 0, "{exported:?}");
    assert!(exported.out.contains("Ours alone") && !exported.out.contains("canary-of-other"));
    assert!(exported.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let list = tenon(&app, &["tenant", "list", "--json"]);
    let slugs: Vec<String> = list.json().as_array().unwrap().iter().map(|t| t["slug"].as_str().unwrap().to_owned()).collect();
    assert!(slugs.contains(&"acme".to_owned()) && slugs.contains(&"other".to_owned()));
    let unknown = tenon(&app, &["tenant", "export", "acmee"]);
    assert_eq!((unknown.code, unknown.err.contains("Did you mean `acme`?")), (1, true), "{unknown:?}");
}

#[tokio::test]
async fn the_operator_is_made_at_the_command_line_and_works_in_the_hub() {
    let app = app().await;
    let made = tenon(&app, &["operator", "create", "--email", "op@tenon.test", "--name", "Olga", "--json"]);
    assert_eq!(made.code, 0, "{made:?}");
    let password = made.json()["password"].as_str().unwrap().to_owned();
    let tokens = app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "op@tenon.test", "password": password, "tenant": "hub" })).await.expect(200);
    let op = tokens["access_token"].as_str();
    let list = app.get_as(op, "/api/v1/hub/tenants").await.expect(200);
    let acme = items(&list).iter().find(|t| t["slug"] == "acme").unwrap()["id"].as_str().unwrap().to_owned();
    app.get(ADMIN, "/api/v1/hub/tenants").await.expect(403);
    app.get_as(op, "/api/v1/crm/companies").await.expect(404);
    app.post_as(op, &format!("/api/v1/hub/tenants/{acme}/suspend"), json!({})).await.expect(200);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies").await.expect(403).code(), "tenant-suspended");
    app.get(OTHER_TENANT, "/api/v1/crm/companies").await.expect(200);
    app.post_as(op, &format!("/api/v1/hub/tenants/{acme}/activate"), json!({})).await.expect(200);
    app.get(ADMIN, "/api/v1/crm/companies").await.expect(200);
    assert_eq!(tenon(&app, &["verify", "audit", "--tenant", "hub"]).code, 0);
    let link = tenon(&app, &["user", "reset-link", "admin@acme.test"]);
    assert!(link.out.contains("/reset#token="), "{link:?}");
    let token = link.out.trim().split_once("#token=").unwrap().1;
    app.post(NOBODY, "/api/v1/auth/reset", json!({ "token": token, "password": "yet another long sentence" })).await.expect(204);
    let made = tenon(&app, &["tenant", "create", "--name", "Third", "--owner", "admin@acme.test", "--json"]);
    assert_eq!((made.code, made.json()["slug"].as_str()), (0, Some("third")));
}

#[tokio::test]
async fn the_command_line_says_by_its_exit_code_how_it_went() {
    let (app, folder) = TestApp::bare(vec![testkit::crm()]).await;
    let app = TestApp::around(app, folder);
    for (args, code) in [
        (vec!["--version"], 0),
        (vec!["config", "default"], 0),
        (vec!["openapi"], 0),
        (vec!["tenant", "list"], 0),
        (vec!["migrate"], 0),
        (vec!["verify", "audit", "--tenant", "hub"], 0),
        (vec!["verify", "audit", "--tenant", "nobody"], 1),
        (vec!["tenant", "backup", "nobody", "--to", "x"], 1),
        (vec!["tenant", "restore", "/nowhere", "--as", "x"], 1),
        (vec!["user", "reset-link", "nobody@example.com"], 1),
        (vec!["operator", "create", "--email", "nonsense", "--name", "x"], 1),
        (vec!["tenant"], 2),
        (vec!["nonsense"], 2),
        (vec!["tenant", "restore", "x"], 2),
        (vec!["doctor"], 1), // there is no operator yet
    ] {
        let run = tenon(&app, &args);
        assert_eq!(run.code, code, "tenon {}: {run:?}", args.join(" "));
        assert!(run.code == 0 || args == ["doctor"] || !run.err.is_empty(), "what went wrong is said on standard error: {run:?}");
        assert!(run.code != 0 || run.err.is_empty(), "{run:?}");
    }
    let document = tenon(&app, &["openapi"]).json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v1/crm/companies:import"].is_object());
    let problem = tenon(&app, &["verify", "audit", "--tenant", "nobody", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&problem.err).unwrap()["code"], "invalid", "{problem:?}");
}
