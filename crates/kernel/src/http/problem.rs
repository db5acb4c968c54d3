//! How an error looks outside: `application/problem+json` after RFC 9457. Status codes live in this file and nowhere else.

use base::{Code, Error};
use http::StatusCode;
use serde_json::{Map, Value, json};

pub const CONTENT_TYPE: &str = "application/problem+json";

/// The one table: what kind of refusal has which status and which title.
pub fn table(code: Code) -> (StatusCode, &'static str) {
    match code {
        Code::Anonymous => (StatusCode::UNAUTHORIZED, "Nobody is signed in"),
        Code::Denied => (StatusCode::FORBIDDEN, "Not allowed"),
        Code::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        Code::Gone => (StatusCode::GONE, "No longer good"),
        Code::Invalid => (StatusCode::BAD_REQUEST, "The input needs attention"),
        Code::Conflict => (StatusCode::CONFLICT, "Contradicts what is stored"),
        Code::Stale => (StatusCode::PRECONDITION_FAILED, "Changed meanwhile"),
        Code::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        Code::Unsupported => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content type not read here"),
        Code::Mismatch => (StatusCode::UNPROCESSABLE_ENTITY, "Idempotency key used for something else"),
        Code::Limited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        Code::Full => (StatusCode::INSUFFICIENT_STORAGE, "The disk is full"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Not now"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Our own fault"),
    }
}

/// The problem document: `{type, title, status, detail, code, request_id, errors?, ..}`. The cause is not in it.
pub fn body(error: &Error, request_id: &str) -> Vec<u8> {
    let (status, title) = table(error.code());
    let mut out = Map::new();
    out.insert("type".into(), json!(format!("urn:tenon:problem:{}", error.name())));
    out.insert("title".into(), json!(title));
    out.insert("status".into(), json!(status.as_u16()));
    out.insert("detail".into(), json!(error.detail()));
    out.insert("code".into(), json!(error.name()));
    out.insert("request_id".into(), json!(request_id));
    if !error.faults().is_empty() {
        out.insert("errors".into(), json!(error.faults()));
    }
    if let Some(Value::Object(more)) = error.more() {
        for (name, value) in more {
            out.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    Value::Object(out).to_string().into_bytes()
}

/// The same as a value, for places that show a problem inside of something else, such as the rejected rows of an import.
pub fn value(error: &Error) -> Value {
    let mut out = json!({"code": error.name(), "detail": error.detail()});
    if let (Value::Object(out), false) = (&mut out, error.faults().is_empty()) {
        out.insert("errors".into(), json!(error.faults()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Fault;

    const ALL: [Code; 14] = [
        Code::Anonymous,
        Code::Denied,
        Code::NotFound,
        Code::Gone,
        Code::Invalid,
        Code::Conflict,
        Code::Stale,
        Code::TooLarge,
        Code::Unsupported,
        Code::Mismatch,
        Code::Limited,
        Code::Full,
        Code::Unavailable,
        Code::Internal,
    ];

    #[test]
    fn the_table_is_the_golden_one() {
        let made: String = ALL.map(|code| format!("{} {code:?} {}\n", table(code).0.as_u16(), table(code).1)).concat();
        assert_eq!(made, include_str!("problem.golden.txt"), "status codes are a contract: change the golden file only on purpose");
    }

    #[test]
    fn a_problem_names_faults_and_keeps_its_cause_to_itself() {
        let error = Error::invalid(vec![Fault::new("amount.currency", "unknown", "No such currency.")])
            .with_cause("SELECT canary")
            .with_more(json!({"current": {"id": 1}, "status": 200}));
        let text = String::from_utf8(body(&error, "r-1")).unwrap();
        assert_eq!(
            text,
            r#"{"type":"urn:tenon:problem:invalid","title":"The input needs attention","status":400,"detail":"amount.currency: No such currency.","code":"invalid","request_id":"r-1","errors":[{"field":"amount.currency","code":"unknown","message":"No such currency."}],"current":{"id":1}}"#
        );
    }
}
