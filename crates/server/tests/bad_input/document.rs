//! What may go wrong is in the OpenAPI document. `make test-schema` holds every operation to it with made-up requests.

use super::app;
use http::{Method, header};
use kernel::operations::Input;
use serde_json::json;
use testkit::{ADMIN, NOBODY};

#[tokio::test]
async fn what_any_operation_may_be_refused_with_is_documented() {
    let app = app().await;
    let document = app.app.openapi_document();
    let mut seen = 0;
    for operation in app.app.registry().operations() {
        let path = format!("/api/v1/{}", operation.path);
        let described = &document["paths"][&path][operation.method.as_str().to_lowercase()];
        let answers = described["responses"].as_object().unwrap();
        // Too many, out of order, overloaded or out of service, and no room: these can come to everybody.
        for status in ["400", "421", "429", "500", "503", "507"] {
            assert!(answers.contains_key(status), "{} does not say that it may answer {status}", operation.name);
        }
        // Whoever does not prove who they are is told so, also where nobody has to be signed in before.
        let proves = operation.credential || described["security"] != json!([]);
        assert!(!proves || answers.contains_key("401"), "{} does not say 401", operation.name);
        assert_eq!(described.get("requestBody").is_some(), !matches!(operation.input, Input::None), "{}", operation.name);
        seen += 1;
    }
    assert!(seen > 80);
    let wrong = json!({ "email": "nobody@example.com", "password": "not the password at all" });
    for path in ["/api/v1/auth/sign-in", "/api/v1/auth/token"] {
        app.post(NOBODY, path, wrong.clone()).await.expect(401);
    }
}

#[tokio::test]
async fn a_delete_that_reads_a_body_reads_it_as_strictly_as_a_post() {
    let app = app().await;
    account::operators::create(&app.app, "op@tenon.test", "Olga", testkit::PASSWORD).await.unwrap();
    let token = app.sign_in("op@tenon.test").await.token;
    let tenant = format!("/api/v1/hub/tenants/{}", app.tenant(&app.admin));
    let delete = || app.request(Method::DELETE, &tenant, Some(&token));
    app.send(delete(), "{}").await.expect(415);
    app.send(delete().header(header::CONTENT_TYPE, "text/plain"), "{}").await.expect(415);
    let typed = || delete().header(header::CONTENT_TYPE, "application/json");
    for (body, field) in [("", "confirm"), (r#"{"confirm": "acme", "current": "x", "sure": true}"#, "sure"), (r#"{"confirm": 1}"#, "confirm")] {
        let refused = app.send(typed(), body).await.expect(400);
        assert_eq!(refused["errors"][0]["field"], field, "{}", refused.text());
    }
    app.send(typed(), vec![b'x'; 2 << 20]).await.expect(413);
    app.get(ADMIN, "/api/v1/crm/companies").await.expect(200);
}
