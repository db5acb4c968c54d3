//! Many records: filter, sort, page, search, count, sum, bulk.

use super::{app, company, deal, encoded, ended, items, items_of};
use http::{Method, header};
use serde_json::{Value, json};
use testkit::ADMIN;

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
