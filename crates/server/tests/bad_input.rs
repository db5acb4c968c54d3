//! Every malformed thing gets a problem document that names what to mend, changes nothing, and leaves no secret in a log.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use http::{Method, header};
use kernel::{
    Module,
    config::{Config, Sources},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    io::Write,
    sync::{Arc, OnceLock},
};
use testkit::{ADMIN, Answer, Contents, NOBODY, OTHER_TENANT, PASSWORD, TestApp};

/// What is never written down, wherever it stood in the request.
const SECRET: &str = "planted-secret-4711";

async fn app() -> TestApp {
    logs();
    TestApp::with(vec![testkit::crm()]).await
}

/// Everything that was logged in this process, at every level.
fn logs() -> &'static Arc<Mutex<Vec<u8>>> {
    static LOGS: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    LOGS.get_or_init(|| {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let to = kept.clone();
        tracing_subscriber::fmt().with_env_filter("trace").with_ansi(false).with_writer(move || Log(to.clone())).init();
        kept
    })
}

struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(text: &str) -> bool {
    let logs = logs().lock();
    assert!(!logs.is_empty(), "nothing was logged at all");
    logs.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A text as it stands in a URL.
fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// What a silo holds, to be compared with what it holds later.
struct Before(Contents, Contents);

impl Before {
    async fn of(app: &TestApp) -> Before {
        let tenant = app.tenant(&app.admin);
        Before(app.contents(tenant).await, app.hub_rows(tenant).await)
    }
    async fn is_unchanged(&self, app: &TestApp, by: &str) {
        let tenant = app.tenant(&app.admin);
        self.0.expect_unchanged(&app.contents(tenant).await, by);
        self.1.expect_unchanged(&app.hub_rows(tenant).await, by);
        assert!(!logged(SECRET), "{by}: a secret is in the log");
    }
}

/// A problem document as it must always look.
#[track_caller]
fn problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer["status"], status);
    assert_eq!(answer["type"], format!("urn:tenon:problem:{code}"));
    assert!(!answer["title"].as_str().unwrap().is_empty() && !answer["detail"].as_str().unwrap().is_empty());
    assert_eq!(answer["request_id"].as_str(), Some(answer.header("x-request-id")));
}

/// The faults of a problem document as `field code`.
fn faults(answer: &Answer) -> Vec<String> {
    let all = answer["errors"].as_array().cloned().unwrap_or_default();
    all.iter().map(|e| format!("{} {}", e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect()
}

async fn raw(app: &TestApp, method: Method, path: &str, content_type: &str, body: impl Into<bytes::Bytes>) -> Answer {
    app.send(app.request(method, path, app.token(ADMIN)).header(header::CONTENT_TYPE, content_type), body).await
}

async fn post(app: &TestApp, path: &str, body: impl Into<bytes::Bytes>) -> Answer {
    raw(app, Method::POST, path, "application/json", body).await
}

#[tokio::test]
async fn json_that_is_too_deep_too_large_or_none_is_refused() {
    let app = app().await;
    let before = Before::of(&app).await;
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(64), "]".repeat(64));
    for path in ["/api/v1/crm/deals", "/api/v1/crm/deals:bulk", "/api/v1/account/roles", "/api/v1/auth/sign-in", "/api/v1/crm/deals:aggregate"] {
        problem(&post(&app, path, deep.clone()).await, 400, "too-deep");
        problem(&post(&app, path, format!("{{\"name\":\"{}\"}}", "x".repeat(1 << 20))).await, 413, "too-large");
        for text in ["{", "{]", "{\"name\":}", "{\"name\":\"x\"} x", "{'name':1}", "{\"name\":\"x\",}", "nul", "{\"a\":01}", "\u{feff}{}"] {
            let answer = post(&app, path, text).await;
            let code = answer.code().to_owned();
            assert!(code == "json" || (code == "invalid" && !faults(&answer).is_empty()), "{path} {text}: {}", answer.text());
            problem(&answer, 400, &code);
        }
        problem(&post(&app, path, b"{\"name\":\"\xff\xfe\"}".as_slice()).await, 400, "encoding");
        let answer = post(&app, path, "{\"name\":\"a\\u0000b\"}").await;
        assert!(answer.status == 400 && answer.text().contains("U+0000") | answer.text().contains("unknown"), "{}", answer.text());
    }
    for text in ["[]", "1", "\"x\"", "null", "true"] {
        let answer = post(&app, "/api/v1/crm/deals", text).await;
        assert_eq!(answer.status, 400, "{text}: {}", answer.text());
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "text/json", ""] {
        problem(&raw(&app, Method::POST, "/api/v1/crm/deals", content_type, "{\"name\":\"x\"}").await, 415, "content-type");
        problem(&raw(&app, Method::POST, "/api/v1/crm/companies:import", content_type, "name\nx\n").await, 415, "content-type");
    }
    problem(
        &raw(&app, Method::POST, "/api/v1/crm/companies:import", "application/json", "{\"filepath\":\"/etc/passwd\"}").await,
        415,
        "content-type",
    );
    before.is_unchanged(&app, "wrong JSON").await;
}

#[tokio::test]
async fn unknown_and_wrong_fields_are_named_all_at_once_with_the_nearest_name() {
    let app = app().await;
    let id = app.post(ADMIN, "/api/v1/crm/deals", json!({ "name": "Licence" })).await.expect(201).id();
    let before = Before::of(&app).await;
    let body = json!({ "nmae": SECRET, "amount": { "minor": "1", "currency": "EUR" }, "stage": "wno", "closes": "2026-02-30", "company": 5, "notes": [SECRET], "owner": "x" });
    let answer = app.post(ADMIN, "/api/v1/crm/deals", body).await;
    problem(&answer, 400, "invalid");
    let mut found = faults(&answer);
    found.sort();
    assert_eq!(
        found,
        ["amount.minor type", "closes date", "company type", "name required", "nmae unknown", "notes type", "owner reference", "stage option"]
    );
    for hint in ["name", "\\\"won\\\"", "2026-11-20"] {
        assert!(answer.text().contains(hint), "{hint} is missing in {}", answer.text());
    }
    assert!(!answer.text().contains(SECRET), "what was sent is not sent back");
    let path = format!("/api/v1/crm/deals/{id}");
    let long = "x".repeat(121);
    for (body, fault) in [
        (json!({ "name": null }), "name required"),
        (json!({ "name": "  " }), "name required"),
        (json!({ "name": long }), "name too-long"),
        (json!({ "id": base::new_id() }), "id unknown"),
        (json!({ "version": 7 }), "version unknown"),
        (json!({ "created_by": "x" }), "created_by unknown"),
        (json!({ "stage": "won" }), "stage state"),
        (json!({ "amount": 1.005 }), "amount money"),
        (json!({ "amount": { "minor": 1, "currency": "euro" } }), "amount.currency currency"),
        (json!({ "amount": { "minor": 9_007_199_254_740_993_i64 } }), "amount.minor type"),
        (json!({ "closes": "20.11.2026" }), "closes date"),
    ] {
        let answer = app.patch(ADMIN, &path, body.clone()).await;
        assert_eq!((answer.status.as_u16(), faults(&answer)), (400, vec![fault.to_owned()]), "{body}: {}", answer.text());
    }
    let doubled = raw(&app, Method::PATCH, &path, "application/json", "{\"notes\":\"a\",\"notes\":\"b\"}").await;
    assert_eq!(faults(&doubled), ["notes duplicate"]);
    for (path, body, fault) in [
        ("/api/v1/crm/deals:bulk", json!({ "ids": [], "do": "updaet" }), "do unknown"),
        ("/api/v1/crm/deals:bulk", json!({ "ids": [], "do": "update" }), "patch required"),
        ("/api/v1/crm/deals:bulk", json!({ "do": "delete" }), "ids required"),
        ("/api/v1/crm/deals:bulk", json!({ "ids": [], "filter": "true", "do": "delete" }), "filter either"),
        ("/api/v1/crm/deals:bulk", json!({ "ids": [], "do": "delete", "dryrun": true }), "dryrun unknown"),
        ("/api/v1/crm/deals:aggregate", json!({ "gruop_by": ["stage"] }), "gruop_by unknown"),
        ("/api/v1/crm/deals:aggregate", json!({ "sum": ["name"] }), "sum type"),
        ("/api/v1/account/roles", json!({ "name": "x", "title": "X", "grants": [{ "permission": "crm.deals:fly" }] }), "grants.0.permission unknown"),
        (
            "/api/v1/account/roles",
            json!({ "name": "x", "title": "X", "grants": [{ "permission": "crm.deals:read", "when": "ownr == 1" }] }),
            "grants.0.when condition",
        ),
        ("/api/v1/account/keys", json!({ "name": "x", "scopes": ["crm.deals:fly"], "expires_in_days": 1 }), "scopes.0 not-held"),
        ("/api/v1/account/keys", json!({ "name": "x", "scopes": ["crm.deals:read"], "expires_in_days": 0 }), "expires_in_days range"),
        ("/api/v1/account/invitations", json!({ "email": "nonsense", "role": "viewer" }), "email email"),
        ("/api/v1/account/invitations", json!({ "email": "x@example.com", "role": "king" }), "role unknown"),
    ] {
        let answer = app.post(ADMIN, path, body.clone()).await;
        assert_eq!((answer.status.as_u16(), faults(&answer)), (400, vec![fault.to_owned()]), "{path} {body}: {}", answer.text());
    }
    before.is_unchanged(&app, "wrong fields").await;
}

#[tokio::test]
async fn the_character_zero_is_refused_wherever_it_stands() {
    let app = app().await;
    let before = Before::of(&app).await;
    assert_eq!(faults(&post(&app, "/api/v1/crm/companies", "{\"name\":\"a\\u0000\"}").await), ["name nul"]);
    assert_eq!(faults(&post(&app, "/api/v1/crm/companies", "{\"name\":\"x\",\"industries\":[\"a\\u0000\"]}").await), ["industries nul"]);
    assert_eq!(post(&app, "/api/v1/crm/companies", "{\"na\\u0000me\":\"a\"}").await.status, 400);
    assert_eq!(post(&app, "/api/v1/crm/companies", b"{\"name\":\"a\0\"}".as_slice()).await.status, 400);
    for query in ["q=%00", "filter=name%20%3D%3D%20%22%00%22", "sort=name%00", "x%00=1"] {
        problem(&app.get(ADMIN, &format!("/api/v1/crm/companies?{query}")).await, 400, "nul");
    }
    problem(&app.import(ADMIN, "/api/v1/crm/companies:import", "name\na\0b\n").await, 400, "nul");
    problem(&app.post(NOBODY, "/api/v1/auth/token", json!({ "email": "a\u{0}@x.test", "password": SECRET })).await, 400, "nul");
    let escaped = encoded("name == \"\\u0000\"");
    assert_eq!(app.get(ADMIN, &format!("/api/v1/crm/companies?filter={escaped}")).await.status, 400);
    before.is_unchanged(&app, "U+0000").await;
}

#[tokio::test]
async fn a_wrong_expression_is_told_by_its_column() {
    let app = app().await;
    let before = Before::of(&app).await;
    let mut wrong = Vec::new();
    for (text, column) in [
        ("name ==", 8),
        ("nmae == \"x\"", 1),
        ("name == \"x\" && stge == \"won\"", 16),
        ("name == 5", 9),
        ("amount > 5", 10),
        ("name + \"x\" == \"y\"", 6),
        ("name.matches(\"x\")", 6),
        ("actor.password == \"x\"", 7),
        ("name == \"x", 9),
        ("(((", 4),
        ("name == \"x\" stage", 13),
        ("closes == \"2026-02-30\"", 11),
        ("[1].exists(x, x > 0)", 5),
    ] {
        let answer = app.get(ADMIN, &format!("/api/v1/crm/deals?filter={}", encoded(text))).await;
        problem(&answer, 400, "invalid");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert_eq!(answer["errors"][0]["field"], "filter");
        let found: usize = message
            .strip_prefix("column ")
            .and_then(|rest| rest.split(':').next())
            .and_then(|n| n.parse().ok())
            .unwrap_or_else(|| panic!("{text}: {message}"));
        if found != column {
            wrong.push(format!("{text}: wanted column {column}: {message}"));
        }
        let other = [
            app.get(ADMIN, &format!("/api/v1/crm/deals:export?filter={}", encoded(text))).await,
            app.post(ADMIN, "/api/v1/crm/deals:bulk", json!({ "filter": text, "do": "delete" })).await,
            app.post(ADMIN, "/api/v1/crm/deals:aggregate", json!({ "filter": text })).await,
        ];
        for answer in other {
            assert!(answer.status == 400 && answer.text().contains("column "), "{text}: {}", answer.text());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(app.get(ADMIN, "/api/v1/crm/deals?filter=nmae%20%3D%3D%201").await.text().contains("name"), "the nearest name is said");
    let long = format!("name == \"{}\"", "x".repeat(5000));
    assert_eq!(app.get(ADMIN, &format!("/api/v1/crm/deals?filter={}", encoded(&long))).await.status, 400);
    let deep = format!("{}name == \"x\"{}", "(".repeat(200), ")".repeat(200));
    assert_eq!(app.get(ADMIN, &format!("/api/v1/crm/deals?filter={}", encoded(&deep))).await.status, 400);
    let deep = format!("{}active", "!".repeat(3000));
    assert_eq!(app.get(ADMIN, &format!("/api/v1/crm/deals?filter={}", encoded(&deep))).await.status, 400);
    problem(&app.get(ADMIN, &format!("/api/v1/events?filter={}", encoded("tpye == \"x\""))).await, 400, "invalid");
    before.is_unchanged(&app, "wrong expressions").await;
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let app = app().await;
    let before = Before::of(&app).await;
    for (query, fault) in [
        ("limit=0", "limit limit"),
        ("limit=201", "limit limit"),
        ("limit=many", "limit limit"),
        ("sort=nmae", "sort unknown-field"),
        ("sort=name,-name", "sort duplicate"),
        ("fields=nmae", "fields unknown-field"),
        ("expand=name", "expand not-a-reference"),
        ("count=yes", "count type"),
        ("fitler=x", "fitler unknown"),
        ("limit=1&limit=2", "limit duplicate"),
    ] {
        let answer = app.get(ADMIN, &format!("/api/v1/crm/deals?{query}")).await;
        problem(&answer, 400, "invalid");
        assert_eq!(faults(&answer), [fault], "{query}");
    }
    for cursor in ["x", "AAAA", "%2e%2e", "e30"] {
        problem(&app.get(ADMIN, &format!("/api/v1/crm/deals?cursor={cursor}")).await, 400, "cursor");
        problem(&app.get(ADMIN, &format!("/api/v1/events?cursor={cursor}")).await, 400, "cursor");
    }
    for n in 0..2 {
        app.post(OTHER_TENANT, "/api/v1/crm/deals", json!({ "name": format!("x{n}") })).await.expect(201);
    }
    let foreign = app.get(OTHER_TENANT, "/api/v1/crm/deals?limit=1").await["next"].as_str().unwrap().to_owned();
    problem(&app.get(ADMIN, &format!("/api/v1/crm/deals?limit=1&cursor={foreign}")).await, 400, "cursor");
    for id in ["x", "1", "00000000-0000-0000-0000-00000000000", &base::new_id().to_uppercase(), &base::new_id().replace('-', "")] {
        problem(&app.get(ADMIN, &format!("/api/v1/crm/deals/{id}")).await, 404, "not-found");
    }
    let answer = raw(&app, Method::PUT, "/api/v1/crm/deals", "application/json", "{}").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, POST"));
    problem(&app.get(ADMIN, "/api/v1/events/stream?after=x").await, 400, "invalid");
    before.is_unchanged(&app, "wrong parameters").await;
}

#[tokio::test]
async fn a_stale_tag_is_answered_with_the_record_as_it_is() {
    let app = app().await;
    let id = app.post(ADMIN, "/api/v1/crm/deals", json!({ "name": "Licence" })).await.expect(201).id();
    let path = format!("/api/v1/crm/deals/{id}");
    app.patch(ADMIN, &path, json!({ "notes": "second" })).await.expect(200);
    let before = Before::of(&app).await;
    for tag in ["\"1\"", "\"3\"", "\"0\"", "\"x\"", "W/\"2\""] {
        for (method, at, body) in
            [(Method::PATCH, path.clone(), "{\"notes\":\"third\"}"), (Method::DELETE, path.clone(), ""), (Method::POST, format!("{path}/lose"), "{}")]
        {
            let request = app.request(method, &at, app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json").header(header::IF_MATCH, tag);
            let answer = app.send(request, body).await;
            problem(&answer, 412, "stale");
            assert_eq!((&answer["current"]["version"], &answer["current"]["notes"]), (&json!(2), &json!("second")), "{tag}");
        }
    }
    for tag in ["2", "\"1\", \"2\"", "x", "\"2"] {
        let request =
            app.request(Method::PATCH, &path, app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json").header(header::IF_MATCH, tag);
        problem(&app.send(request, "{\"notes\":\"third\"}").await, 400, "if-match");
    }
    before.is_unchanged(&app, "stale tags").await;
    for tag in ["\"2\"", "*"] {
        let request =
            app.request(Method::PATCH, &path, app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json").header(header::IF_MATCH, tag);
        app.send(request, "{\"notes\":\"third\"}").await.expect(200);
    }
}

#[tokio::test]
async fn a_repeated_request_is_done_once_and_another_one_under_its_key_is_refused() {
    let app = app().await;
    let keyed = |path: &str, key: &str, body: String| {
        let request = app.request(Method::POST, path, app.token(ADMIN)).header(header::CONTENT_TYPE, "application/json");
        app.send(request.header("idempotency-key", key), body)
    };
    let deals = "/api/v1/crm/deals";
    let body = json!({ "name": "Once", "notes": SECRET }).to_string();
    let first = keyed(deals, "k1", body.clone()).await.expect(201);
    let before = Before::of(&app).await;
    let again = keyed(deals, "k1", body.clone()).await.expect(201);
    assert_eq!((again.text(), again.header("idempotency-replayed"), again.header("etag")), (first.text(), "true", first.header("etag")));
    problem(&keyed(deals, "k1", json!({ "name": "Twice" }).to_string()).await, 422, "idempotency-mismatch");
    problem(&keyed(deals, "", body.clone()).await, 400, "idempotency-key");
    problem(&keyed(deals, &"x".repeat(256), body.clone()).await, 400, "idempotency-key");
    before.is_unchanged(&app, "repeating").await;
    // A try that failed leaves nothing: the same key may be used for the mended request.
    keyed(deals, "k2", "{}".into()).await.expect(400);
    keyed(deals, "k2", json!({ "name": "Mended" }).to_string()).await.expect(201);
    // Many at once: one is done, the others wait for it and get its answer.
    let many = (0..32).map(|_| keyed(deals, "k3", json!({ "name": "Parallel" }).to_string()));
    let mut ids: Vec<String> = futures_util::future::join_all(many).await.into_iter().map(|answer| answer.expect(201).id()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    // Two different ones at once under one key: one is done, the other is refused.
    let two = ["A", "B"].map(|name| keyed(deals, "k4", json!({ "name": name }).to_string()));
    let mut statuses: Vec<u16> = futures_util::future::join_all(two).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    assert_eq!(app.get(ADMIN, "/api/v1/crm/deals?count=true").await["total"], 4);
    // What shows a secret once shows the same one to the same request, and it stands nowhere in the clear.
    let key = json!({ "name": "Robot", "scopes": ["crm.deals:read"], "expires_in_days": 1 }).to_string();
    let (one, two) = (keyed("/api/v1/account/keys", "k5", key.clone()).await.expect(201), keyed("/api/v1/account/keys", "k5", key).await.expect(201));
    assert_eq!(one["secret"], two["secret"]);
    let secret = one["secret"].as_str().unwrap();
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    for tenant in [app.tenant(&app.admin), base::TenantId::HUB] {
        let contents = app.contents(tenant).await;
        assert!(!contents.mentions(secret) && !contents.mentions(&hex), "the key is stored as its hash, and the answer sealed");
    }
    assert_eq!(app.get(ADMIN, "/api/v1/account/keys").await["items"].as_array().unwrap().len(), 1);
    assert!(!logged(secret));
}

#[tokio::test]
async fn a_file_that_is_wrong_as_a_whole_is_refused_before_the_first_row() {
    let app = app().await;
    let before = Before::of(&app).await;
    let path = "/api/v1/crm/companies:import?key=name";
    let wide =
        |columns: usize| format!("name,{}\nx{}\n", (1..columns).map(|n| format!("c{n}")).collect::<Vec<_>>().join(","), ",".repeat(columns - 1));
    for (file, code, says) in [
        (b"name\n\"never closed\nx\n".to_vec(), "quotes", "line 2"),
        (b"name,country\nGood,\"USA\nBad,\"x\n\n".to_vec(), "quotes", "line 3"),
        (b"name\n\"a\"b\n".to_vec(), "quotes", "line 2"),
        (b"\xef\xbb\xbf\"name\nx\n".to_vec(), "quotes", "line 1"),
        (b"name\nGood\nSoci\xe9t\xe9\n".to_vec(), "encoding", "Line 3"),
        (b"\xff\xfen\0a\0m\0e\0\n\0".to_vec(), "nul", "Line 1"),
        (wide(10_000).into_bytes(), "invalid", "10000 columns"),
        (wide(201).into_bytes(), "invalid", "201 columns"),
        (Vec::new(), "invalid", "first line"),
        (b"\n\n".to_vec(), "invalid", "first line"),
        (b"x,y,z\n1,2,3\n".to_vec(), "invalid", "map"),
        (b"country\nUSA\n".to_vec(), "invalid", "name"),
        (b"name,name\na,b\n".to_vec(), "invalid", "name"),
    ] {
        let answer = raw(&app, Method::POST, path, "text/csv", file).await;
        problem(&answer, 400, code);
        assert!(answer.text().contains(says), "{says}: {}", answer.text());
    }
    for (query, fault) in [
        ("key=nmae", "key unknown"),
        ("map=x:name", "map unknown"),
        ("map=name:nmae", "map unknown"),
        ("map=name", "map shape"),
        ("map=name:name,country:name", "map duplicate"),
        ("key=symbol&map=name:name", "key unmapped"),
        ("dry_run=maybe", "dry_run boolean"),
        ("dryrun=true", "dryrun unknown"),
    ] {
        let answer = app.import(ADMIN, &format!("/api/v1/crm/companies:import?{query}"), "name,country\nx,y\n").await;
        assert_eq!((answer.status.as_u16(), faults(&answer)), (400, vec![fault.to_owned()]), "{query}: {}", answer.text());
    }
    before.is_unchanged(&app, "wrong files").await;
    assert_eq!(std::fs::read_dir(app.app.config().data.join("spool")).unwrap().count(), 0, "nothing stays in the spool");
    app.import(ADMIN, path, &wide(200)).await.expect(200);
}

#[tokio::test]
async fn a_bad_cell_rejects_its_row_and_says_which() {
    let app = app().await;
    let csv = "name,website,industries,phone,revenue\n\
Good,example.com,A; B,+1 555 0100,1 billion\n\
,example.org,,,\n\
Bad site,javascript:alert(1),,,\n\
Bad phone,,,call me,\n\
Twice,,,,\n\
TWICE,,,,\n\
Formula,,,,=1+1\n\
Guarded,,,,'=1+1\n\
Short\n\
Long,,,,,,,extra\n";
    let done = app.import(ADMIN, "/api/v1/crm/companies:import?key=name", csv).await.expect(200);
    let rejected: Vec<(u64, &str)> =
        done["rejected"].as_array().unwrap().iter().map(|r| (r["row"].as_u64().unwrap(), r["field"].as_str().unwrap())).collect();
    assert_eq!(rejected, [(3, "name"), (4, "website"), (5, "phone"), (6, "name"), (7, "name")], "{}", done.text());
    assert_eq!(done["created"], 5);
    let revenue = |name: &str| format!("/api/v1/crm/companies?filter={}", encoded(&format!("name == \"{name}\"")));
    for name in ["Formula", "Guarded"] {
        assert_eq!(app.get(ADMIN, &revenue(name)).await["items"][0]["revenue"], "=1+1", "{name}: what an export guards, an import takes off");
    }
    let too_large = vec![b'x'; (64 << 20) + 1];
    problem(&raw(&app, Method::POST, "/api/v1/crm/companies:import", "text/csv", too_large).await, 413, "too-large");
    let bom = app.import(ADMIN, "/api/v1/crm/companies:import", "\u{feff}name\nWith a mark\n").await.expect(200);
    assert_eq!(bom["created"], 1);
}

#[tokio::test]
async fn no_secret_of_a_request_is_logged_whatever_happens_to_it() {
    let app = app().await;
    for (path, body) in [
        ("auth/register", json!({ "company": "X", "name": "Y", "email": "log@acme.test", "password": SECRET })),
        ("auth/sign-in", json!({ "email": "admin@acme.test", "password": SECRET })),
        ("auth/token", json!({ "email": "admin@acme.test", "password": SECRET })),
        ("auth/token", json!({ "refresh_token": SECRET })),
        ("auth/verify", json!({ "token": SECRET })),
        ("auth/reset", json!({ "token": SECRET, "password": SECRET })),
        ("auth/accept-invitation", json!({ "token": SECRET, "password": SECRET })),
        ("account/password", json!({ "current": SECRET, "password": SECRET })),
        ("crm/companies", json!({ "name": "x", "notes": SECRET })),
        ("crm/companies", json!({ "nmae": SECRET })),
        (&format!("crm/companies?{SECRET}={SECRET}"), json!({})),
    ] {
        app.post(ADMIN, &format!("/api/v1/{path}"), body).await;
    }
    app.import(ADMIN, "/api/v1/crm/companies:import", &format!("name\n{SECRET}\n")).await.expect(200);
    app.get(ADMIN, &format!("/api/v1/crm/companies?filter={}", encoded(&format!("name == \"{SECRET}\"")))).await.expect(200);
    app.get(ADMIN, &format!("/api/v1/crm/companies?api_key={SECRET}")).await.expect(400);
    app.get_as(Some(SECRET), "/api/v1/me").await.expect(401);
    app.send(app.request(Method::GET, "/api/v1/me", None).header(header::COOKIE, format!("sid={SECRET}")), "").await.expect(401);
    let link = app.token_from_mail("log@acme.test").await;
    let invited = app.invite(&app.admin, "invited@acme.test", "viewer").await;
    for secret in [SECRET, &link, PASSWORD, &app.admin.token, &app.admin.refresh_token, &invited.token] {
        assert!(!logged(secret), "{secret} is in the log");
    }
}

#[test]
fn a_wrong_manifest_names_its_line() {
    let manifest = |dependencies: &str, more: &str| {
        format!(
            "{{\n  \"name\": \"shop\",\n  \"title\": \"Shop\",\n  \"version\": \"1.0.0\",\n  \"min_platform\": \"0.1.0\",\n  \"dependencies\": {{{dependencies}}},\n  \"resources\": [\"orders\"]{more}\n}}"
        )
    };
    let orders = r#"{"name": "order", "plural": "orders", "title": "{name}", "fields": {"name": {"type": "text"}}}"#;
    let refused = |manifest: &str| Module::parse("packs/shop", manifest, &[("orders", orders)]).err().unwrap().detail().to_owned();
    Module::parse("packs/shop", &manifest("", ""), &[("orders", orders)]).unwrap();
    let roles = ",\n  \"roles\": [\n    {\"name\": \"seller\", \"title\": \"Seller\", \"grants\": [\n      {\"permission\": \"shop.orders:raed\"}]}]";
    assert_eq!(
        refused(&manifest("", roles)),
        "packs/shop/manifest.json:10: There is no permission \"shop.orders:raed\". Did you mean \"shop.orders:read\"?"
    );
    assert_eq!(refused(&manifest("", ",\n  \"icno\": \"x\"")), "packs/shop/manifest.json:8: Unknown key \"icno\". Did you mean \"icon\"?");
    let when = ",\n  \"permissions\": {\n    \"shop.orders:read\": {\"title\": \"See\", \"roles\": [\"viewer\"], \"when\": \"ownr == actor.id\"}}";
    let found = refused(&manifest("", when));
    assert!(found.starts_with("packs/shop/manifest.json:9: ") && found.contains("column 1"), "{found}");
    assert!(refused("{\n\n \"name\" 3}").starts_with("packs/shop/manifest.json:3: This is not JSON"));
}

#[tokio::test]
async fn modules_that_need_each_other_stop_the_start_and_are_named_with_their_line() {
    let module = |name: &str, needs: &str| {
        let text = format!(
            "{{\"name\": \"{name}\", \"title\": \"X\", \"version\": \"1.0.0\", \"min_platform\": \"0.1.0\",\n\"dependencies\": {{\"{needs}\": \"1.0.0\"}}}}"
        );
        Module::parse(name, &text, &[]).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::for_tests(folder.path()).unwrap();
    config.storage.silos = String::new();
    let modules = vec![module("a", "b"), module("b", "a"), account::module().unwrap(), hub::module()];
    let refused = kernel::App::start(kernel::app::Parts { config, modules, assets: |_| None, demo: None }).await.err().unwrap();
    assert!(refused.detail().contains("a/manifest.json:2: These modules need each other: a → b → a."), "{}", refused.detail());
    assert!(!folder.path().join("data/silos").exists(), "nothing was made");
}

#[test]
fn a_wrong_configuration_stops_the_start_and_is_named_with_line_and_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    let run = |file: &str, env: &[(&str, &str)]| {
        std::fs::write(folder.path().join("tenon.toml"), file).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tenon"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).env_clear().env("TENON_DATA", folder.path().join("data")).envs(env.iter().copied());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(!folder.path().join("data").exists(), "nothing was made before the configuration was read");
        String::from_utf8(output.stderr).unwrap()
    };
    for (file, env, says) in [
        ("\n[server]\nlisen = \"127.0.0.1:1\"\n", None, "tenon.toml line 3: unknown key `lisen`. Did you mean `listen`?"),
        ("[serve]\n", None, "line 1: unknown key `serve`. Did you mean `server`?"),
        ("[limits]\nauth_per_ip = \"many\"\n", None, "line 2: `many` is not a rate such as 30/15m"),
        ("[server\n", None, "line 1"),
        ("[server]\npublic_url = \"http://app.example.com\"\n", None, "server.public_url"),
        ("", Some(("TENON_LIMITS__ENABLD", "true")), "TENON_LIMITS__ENABLD: unknown key `enabld`. Did you mean `enabled`?"),
        ("", Some(("TENON_PUBLIC_URL", "https://app.example.com")), "mail.smtp_url is required"),
        ("[mail]\nsmtp_ulr = \"smtp://user:planted-secret-4711@host\"\n", None, "line 2: unknown key `smtp_ulr`. Did you mean `smtp_url`?"),
        ("[mail]\nsmtp_url = 4711\n", None, "line 2"),
    ] {
        let env: Vec<(&str, &str)> = env.into_iter().collect();
        let told = run(file, &env);
        assert!(told.contains(says), "{file:?} {env:?}: {told}");
        assert!(!told.contains(SECRET), "{told}");
    }
    let wrong = Config::load(&Sources { file: Some("/nowhere/tenon.toml".into()), ..Sources::default() }).unwrap_err();
    assert!(wrong.detail().contains("/nowhere/tenon.toml"));
}

#[tokio::test]
async fn another_root_key_is_refused_and_the_wanted_one_named() {
    let folder = tempfile::tempdir().unwrap();
    // In a PostgreSQL database another key is another installation, which finds nothing of this one.
    let app = TestApp::start_as(vec![], folder.path(), |config| config.storage.silos = String::new()).await;
    let (wanted, data) = (app.root_key().id(), app.config().data.clone());
    app.shutdown().await;
    let other: String = (0..32).map(|n| format!("{:02x}", (n * 37 + 11) % 251)).collect();
    std::fs::write(data.join("root.key"), other).unwrap();
    let mut config = Config::for_tests(folder.path()).unwrap();
    config.storage.silos = String::new();
    let modules = vec![account::module().unwrap(), hub::module()];
    let refused = kernel::App::start(kernel::app::Parts { config, modules, assets: |_| None, demo: None }).await.err().unwrap();
    assert_eq!(refused.name(), "root-key");
    assert!(refused.detail().contains(&wanted), "{}", refused.detail());
}

/// A problem that is our own fault says nothing of its cause.
#[tokio::test]
async fn our_own_fault_keeps_its_cause_to_the_log() {
    let app = app().await;
    let silo = app.app.silos().open(app.tenant(&app.admin)).await.unwrap();
    silo.write(|sql| sql.run(r#"UPDATE "modules" SET "status" = 'installed', "name" = 'crm'  WHERE "name" = 'crm'"#, &[])).await.unwrap();
    silo.write(|sql| sql.ddl(r#"DROP TABLE "crm_activities""#)).await.unwrap();
    let answer = app.get(ADMIN, "/api/v1/crm/activities").await;
    problem(&answer, 500, "internal");
    assert!(!answer.text().contains("crm_activities"), "{}", answer.text());
    assert!(logged("crm_activities") && logged(answer["request_id"].as_str().unwrap()));
    app.get(ADMIN, "/api/v1/crm/deals").await.expect(200);
    let _: Value = answer.json;
}
