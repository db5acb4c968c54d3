//! Expressions, parameters and cursors.

use super::{Before, app, encoded, faults, problem, raw};
use http::Method;
use serde_json::json;
use testkit::{ADMIN, OTHER_TENANT};

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
