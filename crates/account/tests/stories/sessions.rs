use crate::support::Browser;
use http::Method;
use serde_json::Value;
use testkit::TestApp;

#[tokio::test]
async fn somebody_sees_where_they_are_signed_in_and_ends_what_is_not_theirs_any_more() {
    let app = TestApp::with(vec![]).await;
    let mut here = Browser::signed_in(&app, "stranger@acme.test").await;
    let mut lost = Browser::signed_in(&app, "stranger@acme.test").await;
    let list = here.get("/api/v1/account/sessions").await.expect(200);
    let items = list["items"].as_array().unwrap();
    // Two browsers, and the app that testkit signed in.
    assert_eq!(items.len(), 3, "{}", list.text());
    assert_eq!(items.iter().filter(|s| s["current"] == true).count(), 1);
    let current = |list: &Value| list["items"].as_array().unwrap().iter().find(|s| s["current"] == true).unwrap()["id"].as_str().unwrap().to_owned();
    let other = current(&lost.get("/api/v1/account/sessions").await.expect(200).json);
    here.send(Method::DELETE, &format!("/api/v1/account/sessions/{other}"), String::new()).await.expect(204);
    lost.get("/api/v1/me").await.expect(401);
    here.send(Method::DELETE, &format!("/api/v1/account/sessions/{other}"), String::new()).await.expect(404);
    // Somebody else's session is not there.
    let mine = current(&here.get("/api/v1/account/sessions").await.expect(200).json);
    app.delete(testkit::ADMIN, &format!("/api/v1/account/sessions/{mine}")).await.expect(404);
    app.delete(testkit::NOBODY, &format!("/api/v1/account/sessions/{mine}")).await.expect(401);
    here.get("/api/v1/me").await.expect(200);
}
