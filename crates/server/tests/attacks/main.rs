//! Attacks that happened to comparable products (safety.md, section 2), each with its number, against the whole app.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

mod credentials;
mod cursors;
mod erasure;
mod headers;
mod identity;
mod injection;
mod isolation;
mod limits;
mod revocation;
mod sources;

use serde_json::{Value, json};
use testkit::{ADMIN, Answer, TestApp};

async fn app() -> TestApp {
    TestApp::with(vec![testkit::crm()]).await
}

/// A text as it stands in a URL.
fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn items(answer: &Answer) -> &Vec<Value> {
    answer["items"].as_array().unwrap_or_else(|| panic!("no items in {}", answer.text()))
}

async fn deal(app: &TestApp, name: &str) -> String {
    app.post(ADMIN, "/api/v1/crm/deals", json!({ "name": name })).await.expect(201).id()
}

/// An answer without what differs from request to request.
fn told(answer: &Answer) -> String {
    let request_id = answer.json["request_id"].as_str().unwrap_or("no request id");
    format!("{} {}", answer.status, answer.text().replace(request_id, "-"))
}
