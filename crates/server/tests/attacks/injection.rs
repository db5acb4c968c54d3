//! Text that some database, file system, spreadsheet or proxy would take for more than text.

use super::{app, deal, encoded, items};
use http::{Method, header};
use kernel::operations::Input;
use serde_json::json;
use server::verify::authz::sample;
use std::path::Path;
use testkit::{ADMIN, NOBODY, PASSWORD};

const STRINGS: [&str; 24] = [
    "'",
    "\"",
    "' OR '1'='1",
    "' OR 1=1 --",
    "admin@acme.test' --",
    "'; DROP TABLE users; --",
    "\\'; SELECT pg_sleep(10); --",
    "1 UNION SELECT hash FROM sessions",
    "\" OR \"\"=\"",
    "') OR ('a'='a",
    "%27%20OR%201=1",
    "$1",
    "?1",
    "{id}",
    "../../etc/passwd",
    "%00",
    "a\tb",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>",
    "*",
    "%",
    "_",
    "🦀",
];

#[tokio::test]
async fn s_08_injected_text_at_the_door_is_only_a_wrong_credential() {
    let app = app().await;
    for text in STRINGS {
        let email = format!("{text}@x.test");
        for (path, body) in [
            ("auth/sign-in", json!({ "email": text, "password": PASSWORD })),
            ("auth/sign-in", json!({ "email": "admin@acme.test", "password": text })),
            ("auth/token", json!({ "email": email, "password": PASSWORD })),
            ("auth/token", json!({ "email": "admin@acme.test", "password": PASSWORD, "tenant": text })),
            ("auth/token", json!({ "refresh_token": text })),
        ] {
            let answer = app.post(NOBODY, &format!("/api/v1/{path}"), body).await;
            assert_eq!(answer.status, 401, "{path} {text}: {}", answer.text());
        }
        for path in ["auth/verify", "auth/reset", "auth/accept-invitation"] {
            let answer = app.post(NOBODY, &format!("/api/v1/{path}"), json!({ "token": text, "password": PASSWORD })).await;
            assert!(matches!(answer.status.as_u16(), 400 | 410), "{path} {text}: {}", answer.text());
        }
        for (name, value) in [("authorization", format!("Bearer {text}")), ("authorization", text.to_owned()), ("cookie", format!("sid={text}"))] {
            let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) else { continue };
            let answer = app.send(app.request(Method::GET, "/api/v1/me", None).header(name, value), "").await;
            assert_eq!(answer.status, 401, "{name} {text}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn s_08_injected_text_in_any_parameter_header_or_path_is_never_our_fault() {
    let app = app().await;
    let id = deal(&app, "x").await;
    let before = app.contents(app.tenant(&app.admin)).await;
    for operation in app.app.registry().operations().iter().filter(|op| op.method == Method::GET && op.name != "events.stream") {
        let path = format!("/api/v1/{}", operation.path.replace("{id}", &id));
        let names: Vec<&str> = operation.params.iter().map(|param| param.name).collect();
        for text in STRINGS {
            for name in names.iter().copied().chain(["nonsense"]) {
                let answer = app.get(ADMIN, &format!("{path}?{name}={}", encoded(text))).await;
                assert!(!answer.status.is_server_error(), "{path}?{name}={text}: {}", answer.text());
            }
            if operation.path.contains("{id}") {
                let answer = app.get(ADMIN, &format!("/api/v1/{}", operation.path.replace("{id}", &encoded(text)))).await;
                assert!(matches!(answer.status.as_u16(), 400 | 403 | 404), "{} {text}: {}", operation.path, answer.text());
            }
        }
    }
    for name in [
        "if-match",
        "if-none-match",
        "idempotency-key",
        "last-event-id",
        "prefer",
        "x-forwarded-for",
        "user-agent",
        "traceparent",
        "origin",
        "range",
        "accept-language",
    ] {
        for text in STRINGS {
            let Ok(value) = http::HeaderValue::from_bytes(text.as_bytes()) else { continue };
            let answer = app.send(app.request(Method::GET, &format!("/api/v1/crm/deals/{id}"), Some(&app.admin.token)).header(name, value), "").await;
            assert!(!answer.status.is_server_error(), "{name}: {text}: {}", answer.text());
        }
    }
    before.expect_unchanged(&app.contents(app.tenant(&app.admin)).await, "asking");
}

#[tokio::test]
async fn s_08_injected_text_in_any_body_is_stored_as_it_is_or_refused() {
    let app = app().await;
    for text in STRINGS {
        let made = app.post(ADMIN, "/api/v1/crm/companies", json!({ "name": text, "notes": text, "industries": ["a"] })).await.expect(201);
        let read = app.get(ADMIN, &format!("/api/v1/crm/companies/{}", made.id())).await.expect(200);
        assert_eq!((&read["name"], &read["notes"]), (&json!(text), &json!(text)));
        let filter = format!("name == {}", json!(text));
        let found = app.get(ADMIN, &format!("/api/v1/crm/companies?filter={}", encoded(&filter))).await.expect(200);
        assert_eq!((items(&found).len(), found["items"][0]["id"].as_str()), (1, Some(made.id().as_str())), "{filter}");
        app.get(ADMIN, &format!("/api/v1/search?q={}", encoded(text))).await.expect(200);
    }
    for operation in app.app.registry().operations() {
        let Input::Json(schema) = &operation.input else { continue };
        let path = format!("/api/v1/{}", operation.path.replace("{id}", &base::new_id()));
        for text in STRINGS {
            for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
                let mut body = sample::minimal(schema);
                body[name] = json!(text);
                let request = app.request(operation.method.clone(), &path, None).header(header::CONTENT_TYPE, "application/json");
                let answer = app.send(request, body.to_string()).await;
                assert!(!answer.status.is_server_error(), "{} {name}={text}: {}", operation.name, answer.text());
            }
        }
    }
}

#[tokio::test]
async fn s_13_a_silo_reaches_no_other_file() {
    let app = app().await;
    let silo = app.app.silos().open(app.tenant(&app.admin)).await.unwrap();
    for sql in [
        "ATTACH 'other.sqlite' AS other",
        "VACUUM INTO 'copy.sqlite'",
        "SELECT load_extension('x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY events TO '/tmp/x'",
    ] {
        assert!(silo.write(move |tx| tx.run(sql, &[])).await.is_err(), "{sql}");
        assert!(silo.scan(move |tx| tx.row(sql, &[], |_| Ok(()))).await.is_err(), "{sql}");
    }
}

/// A backup that somebody has had in their hands.
#[tokio::test]
async fn s_13_a_hostile_backup_is_refused_and_leaves_nothing() {
    let app = app().await;
    deal(&app, "x").await;
    let good = app.folder().join("good.sqlite");
    hub::backup::write(&app.app, app.tenant(&app.admin), &good, true).await.unwrap();
    let before = hub::tenants::all(&app.app).await.unwrap().len();
    let hostile = [
        "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM meta; END",
        "CREATE VIEW v AS SELECT * FROM members",
        "ALTER TABLE members RENAME TO kept; CREATE VIEW members AS SELECT * FROM kept",
        "CREATE TABLE stowaway (x TEXT)",
        "CREATE VIRTUAL TABLE f USING fts5(x)",
        "DROP TABLE grants",
        "CREATE INDEX i ON members (lower(hex(randomblob(8))))",
        "UPDATE events SET type = 'x' WHERE seq = 1",
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        "DELETE FROM meta",
    ];
    for (n, sql) in hostile.iter().enumerate() {
        let file = app.folder().join(format!("hostile-{n}.sqlite"));
        std::fs::copy(&good, &file).unwrap();
        let changed = rusqlite::Connection::open(&file).and_then(|connection| connection.execute_batch(sql));
        if changed.is_err() {
            continue; // not even SQLite itself would make it
        }
        let refused = hub::backup::restore(&app.app, &file, &format!("hostile-{n}")).await;
        assert!(refused.is_err(), "{sql}: {refused:?}");
    }
    for (n, bytes) in [
        b"".to_vec(),
        b"SQLite format 3\0".to_vec(),
        vec![0; 5000],
        b"TENONBK1".to_vec(),
        [b"TENONBK1".as_slice(), &[b'x'; 5000]].concat(),
        half(&good),
    ]
    .iter()
    .enumerate()
    {
        let file = app.folder().join(format!("garbage-{n}"));
        std::fs::write(&file, bytes).unwrap();
        assert!(hub::backup::restore(&app.app, &file, &format!("garbage-{n}")).await.is_err(), "garbage {n}");
    }
    for slug in ["", "hub", "acme", "Acme", "a/b", "../x", "-x", "a b", &"x".repeat(60)] {
        assert!(hub::backup::restore(&app.app, &good, slug).await.is_err(), "{slug:?}");
    }
    assert_eq!(hub::tenants::all(&app.app).await.unwrap().len(), before);
    hub::backup::restore(&app.app, &good, "good").await.unwrap();
}

fn half(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    bytes[..bytes.len() / 2].to_vec()
}

#[tokio::test]
async fn s_49_no_cell_of_an_export_is_a_formula() {
    let app = app().await;
    let texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'=1", "''=1", "'", "=HYPERLINK(\"http://x\",\"y\")", "a,\"b\"\r\nc", " =1", "plain"];
    for (n, text) in texts.iter().enumerate() {
        let body = json!({ "name": format!("{text}#{n}"), "country": text, "notes": text, "headquarters": text, "key_people": text, "symbol": text.chars().take(20).collect::<String>(), "industries": [text.replace([';', '\t', '\r', '\n'], "")] });
        app.post(ADMIN, "/api/v1/crm/companies", body).await.expect(201);
    }
    let exported = app.get(ADMIN, "/api/v1/crm/companies:export").await.expect(200);
    let text = exported.text();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut cells = 0;
    for record in reader.records() {
        for cell in record.unwrap().iter() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
            cells += 1;
        }
    }
    assert_eq!(cells, texts.len() * 14);
    // And all of it comes back as it was.
    let back = app.import(ADMIN, "/api/v1/crm/companies:import?key=name", &text).await.expect(200);
    assert_eq!(back["unchanged"].as_u64(), Some(texts.len() as u64), "{}", back.text());
}

#[tokio::test]
async fn s_41_a_path_in_another_spelling_is_nothing() {
    let app = app().await;
    let id = deal(&app, "canary-of-a-deal").await;
    let spellings: [fn(&str) -> String; 24] = [
        |p| p.replacen("/api", "//api", 1),
        |p| p.replacen("/v1/", "/v1//", 1),
        |p| p.replacen("/v1/", "/v1/./", 1),
        |p| p.replacen("/v1/", "/v1/x/../", 1),
        |p| p.replacen("/v1/", "/v1/%2e/", 1),
        |p| p.replacen("/v1/", "/v1/x/%2e%2e/", 1),
        |p| p.replacen("/v1/", "/v1%2f", 1),
        |p| p.replacen("/v1/", "/v1/;x=1/", 1),
        |p| p.replacen("/v1/", "/V1/", 1),
        |p| p.replacen("/api/", "/API/", 1),
        |p| p.replacen("/api/", "/%61pi/", 1),
        |p| format!("{p}/"),
        |p| format!("{p}/."),
        |p| format!("{p};x=1"),
        |p| format!("{p}%20"),
        |p| format!("{p}%00"),
        |p| format!("{p}%2f"),
        |p| format!("{p}.json"),
        |p| format!("/x/..{p}"),
        |p| format!("/.{p}"),
        |p| format!("/console/../{p}"),
        |p| p.to_uppercase(),
        |p| p.replace('/', "\\"),
        |p| p.replace('/', "%2F"),
    ];
    let mut tried = 0;
    for operation in app.app.registry().operations().iter().filter(|op| op.method == Method::GET && op.name != "events.stream") {
        let path = format!("/api/v1/{}", operation.path.replace("{id}", &id));
        for (n, spell) in spellings.iter().enumerate() {
            let other = spell(&path);
            if other == path || other.parse::<http::Uri>().is_err() {
                continue;
            }
            for token in [Some(app.admin.token.as_str()), None] {
                let answer = app.get_as(token, &other).await;
                assert!(matches!(answer.status.as_u16(), 400 | 401 | 403 | 404), "spelling {n}: {other}: {} {}", answer.status, answer.text());
            }
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
}
