//! One record: moves, lost updates, references, history and the way back.

use super::{app, company, deal, items};
use http::{Method, header};
use serde_json::json;
use testkit::ADMIN;

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
