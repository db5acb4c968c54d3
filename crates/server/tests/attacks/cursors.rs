//! Cursors: sealed, and bound to tenant, operation and filter.

use super::{app, deal, encoded};
use serde_json::json;
use testkit::{ADMIN, OTHER_TENANT};

#[tokio::test]
async fn s_07_a_cursor_opens_the_list_it_was_made_for_and_no_other() {
    let app = app().await;
    for n in 0..3 {
        deal(&app, &format!("Deal {n}")).await;
        app.post(OTHER_TENANT, "/api/v1/crm/deals", json!({ "name": format!("Deal {n}") })).await.expect(201);
        app.post(ADMIN, "/api/v1/crm/companies", json!({ "name": format!("Company {n}") })).await.expect(201);
    }
    let list = "/api/v1/crm/deals?limit=1&sort=name";
    let cursor = app.get(ADMIN, list).await.expect(200)["next"].as_str().unwrap().to_owned();
    app.get(ADMIN, &format!("{list}&cursor={cursor}")).await.expect(200);
    app.get(ADMIN, &format!("/api/v1/crm/deals?limit=200&sort=name&cursor={cursor}")).await.expect(200);
    for (who, path) in [
        (OTHER_TENANT, list.to_owned()),
        (ADMIN, "/api/v1/crm/companies?limit=1&sort=name".into()),
        (ADMIN, "/api/v1/crm/deals?limit=1&sort=-name".into()),
        (ADMIN, "/api/v1/crm/deals?limit=1".into()),
        (ADMIN, format!("{list}&filter={}", encoded("stage == \"lead\""))),
        (ADMIN, format!("{list}&q=deal")),
        (ADMIN, "/api/v1/events?limit=1".into()),
    ] {
        let join = if path.contains('?') { '&' } else { '?' };
        let answer = app.get(who, &format!("{path}{join}cursor={cursor}")).await.expect(400);
        assert_eq!(answer.code(), "cursor", "{path}");
    }
    let log = app.get(ADMIN, "/api/v1/events?limit=1").await.expect(200)["next"].as_str().unwrap().to_owned();
    app.get(ADMIN, &format!("/api/v1/events?limit=1&cursor={log}")).await.expect(200);
    for path in ["/api/v1/events?limit=1&after=0", "/api/v1/events?filter=seq%20%3E%201", "/api/v1/crm/deals?limit=1"] {
        assert_eq!(app.get(ADMIN, &format!("{path}&cursor={log}")).await.expect(400).code(), "cursor", "{path}");
    }
    assert_eq!(app.get(OTHER_TENANT, &format!("/api/v1/events?limit=1&cursor={log}")).await.expect(400).code(), "cursor");
}

#[tokio::test]
async fn s_07_a_cursor_with_one_byte_changed_is_refused() {
    let app = app().await;
    for n in 0..2 {
        deal(&app, &format!("Deal {n}")).await;
    }
    let list = "/api/v1/crm/deals?limit=1&sort=name";
    let cursor = app.get(ADMIN, list).await.expect(200)["next"].as_str().unwrap().to_owned();
    let mut wrong = vec![
        "x".to_owned(),
        "null".into(),
        "0".into(),
        "' OR 1=1 --".into(),
        "eyJpZCI6MX0".into(),
        cursor[1..].into(),
        format!("{cursor}A"),
        cursor.repeat(2),
    ];
    for at in 0..cursor.len() {
        for to in ['A', 'z', '-'] {
            let mut changed: Vec<char> = cursor.chars().collect();
            changed[at] = if changed[at] == to { 'B' } else { to };
            wrong.push(changed.into_iter().collect());
        }
        wrong.push(cursor[..at].to_owned());
    }
    for text in wrong.iter().filter(|text| !text.is_empty()) {
        let answer = app.get(ADMIN, &format!("{list}&cursor={}", encoded(text))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "cursor"), "{text}: {}", answer.text());
    }
}
