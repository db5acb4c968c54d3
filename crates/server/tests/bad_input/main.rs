//! Every malformed thing gets a problem document that names what to mend, changes nothing, and leaves no secret in a log.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod bodies;
mod document;
mod files;
mod logs;
mod queries;
mod retries;
mod starts;

use http::{Method, header};
use testkit::{ADMIN, Answer, Contents, TestApp};

/// What is never written down, wherever it stood in the request.
const SECRET: &str = "planted-secret-4711";

async fn app() -> TestApp {
    logs::logs();
    TestApp::with(vec![testkit::crm()]).await
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
        assert!(!logs::logged(SECRET), "{by}: a secret is in the log");
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
