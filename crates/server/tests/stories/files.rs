//! Files in and out: import and export.

use super::{app, encoded, ended, imported, items};
use http::{Method, header};
use testkit::{ADMIN, STRANGER};

#[tokio::test]
async fn the_sample_companies_are_imported_and_the_second_time_nothing_doubles() {
    let app = app().await;
    let csv = testkit::sample_companies();
    let path = "/api/v1/crm/companies:import?key=name";
    let dry = imported(&app, &format!("{path}&dry_run=true"), &csv).await;
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true&limit=1").await["total"], 0, "a dry run does nothing");
    let first = imported(&app, path, &csv).await;
    assert_eq!(dry, first, "a dry run says what would happen");
    let created = first["created"].as_u64().unwrap();
    let rejected = first["rejected"].as_array().unwrap().len() as u64;
    assert_eq!((created + rejected, first["rejected_total"].as_u64()), (1837, Some(rejected)));
    assert!(rejected > 100, "addresses that are none are refused, and their rows named");
    let one = &first["rejected"][0];
    assert!(one["row"].as_u64() > Some(1) && one["field"].is_string() && one["problem"].is_string(), "{one}");
    let again = imported(&app, path, &csv).await;
    assert_eq!((again["created"].as_u64(), again["updated"].as_u64(), again["unchanged"].as_u64()), (Some(0), Some(0), Some(created)));
    assert_eq!(app.get(ADMIN, "/api/v1/crm/companies?count=true&limit=1").await["total"].as_u64(), Some(created));
    // What was exported is what was there: the way back changes nothing.
    let exported = app.get(ADMIN, "/api/v1/crm/companies:export").await.expect(200);
    assert!(exported.header("content-disposition").contains("companies.csv"));
    let back = imported(&app, path, &exported.text()).await;
    assert_eq!((back["created"].as_u64(), back["updated"].as_u64(), back["unchanged"].as_u64()), (Some(0), Some(0), Some(created)), "{back}");
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
