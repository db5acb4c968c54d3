//! What goes out: bodies, problem documents, and the headers that every answer carries.

use super::{Incoming, problem as table};
use crate::operations::{Content, Reply};
use base::{Error, Result};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use std::{
    borrow::Cow,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// The body of an answer: bytes that are there, or chunks that are still being made.
pub enum Payload {
    Bytes(Option<Bytes>),
    Stream(mpsc::Receiver<Result<Bytes>>),
}

impl Payload {
    fn new(bytes: impl Into<Bytes>) -> Payload {
        Payload::Bytes(Some(bytes.into()))
    }
}

impl http_body::Body for Payload {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Payload::Bytes(bytes) => Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(http_body::Frame::data(b)))),
            // An error ends the connection: a cut file must not look like a whole one.
            Payload::Stream(chunks) => chunks.poll_recv(cx).map(|chunk| chunk.map(|c| c.map(http_body::Frame::data).map_err(std::io::Error::other))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Payload::Bytes(None))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            Payload::Bytes(bytes) => http_body::SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Payload::Stream(_) => http_body::SizeHint::default(),
        }
    }
}

const API_CSP: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");

fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Payload> {
    let mut response = Response::new(Payload::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(super) fn text(status: StatusCode, body: &'static str) -> Response<Payload> {
    with_type(status, "text/plain; charset=utf-8", body)
}

pub(super) fn html(body: String, csp: &str) -> Response<Payload> {
    let mut response = with_type(StatusCode::OK, "text/html; charset=utf-8", body);
    if let Ok(value) = HeaderValue::from_str(csp) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value);
    }
    response
}

pub(super) fn json(body: Vec<u8>) -> Response<Payload> {
    with_type(StatusCode::OK, "application/json", body)
}

/// An error as a problem document; its cause goes to the log, and only there.
pub(super) fn problem(incoming: &Incoming<'_>, error: &Error) -> Response<Payload> {
    let (status, _) = table::table(error.code());
    // Somebody who is only told to come later is no fault of anybody.
    if status == StatusCode::INTERNAL_SERVER_ERROR || (status.is_server_error() && error.cause().is_some()) {
        tracing::error!(request_id = incoming.request_id, path = incoming.path, cause = error.cause().unwrap_or_default(), "{}", error.detail());
    }
    let mut response = with_type(status, table::CONTENT_TYPE, table::body(error, incoming.request_id));
    let seconds = error.retry_after().or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(1));
    if let Some(value) = seconds.and_then(|s| HeaderValue::from_str(&s.to_string()).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    if error.name() == "content-encoding" {
        response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

pub(super) fn method_not_allowed(incoming: &Incoming<'_>, allowed: &str) -> Response<Payload> {
    let error = Error::malformed("method", format!("This path takes {allowed}."));
    let mut response = problem(incoming, &error);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// A reply of the registry as a response.
pub(super) fn reply(reply: Reply) -> Response<Payload> {
    let Reply { status, content_type, body, version, headers } = reply;
    let mut response = Response::new(match body {
        Content::Bytes(bytes) => Payload::Bytes(Some(bytes)),
        Content::Stream(chunks) => Payload::Stream(chunks),
    });
    *response.status_mut() = status;
    let own = response.headers_mut();
    own.reserve(HEADERS);
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        own.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if let Some(version) = version {
        let mut tag = vec![b'"'];
        crate::json::number(version, &mut tag);
        tag.push(b'"');
        if let Ok(tag) = HeaderValue::from_maybe_shared(Bytes::from(tag)) {
            own.insert(header::ETAG, tag);
        }
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            own.append(name, value);
        }
    }
    response
}

/// A file of the console. Those with a hash in their name never change.
pub(super) fn asset(path: &str, content_type: &'static str, bytes: Cow<'static, [u8]>) -> Response<Payload> {
    let body = match bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = with_type(StatusCode::OK, content_type, body);
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// A value for `nonce-…` that nobody can guess.
pub fn nonce() -> String {
    let mut bytes = [0u8; 16];
    // Without randomness the styles stay unapplied; nothing becomes less safe.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The console's one page, with this response's nonce for styles.
pub(super) fn console(index: &[u8]) -> Response<Payload> {
    let nonce = nonce();
    let page = String::from_utf8_lossy(index).replace("__CSP_NONCE__", &nonce);
    html(
        page,
        &format!(
            "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; \
font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
object-src 'none'; require-trusted-types-for 'script'; trusted-types default"
        ),
    )
}

const DOCS: &str = include_str!("docs.html");
const DOCS_SCRIPT: &str = include_str!("docs.js");

/// The API's documentation, drawn in the browser from `/api/v1/openapi.json`; nothing comes from anywhere else.
pub(super) fn docs(_incoming: &Incoming<'_>) -> Response<Payload> {
    let nonce = nonce();
    let page = DOCS.replace("__CSP_NONCE__", &nonce).replace("__SCRIPT__", DOCS_SCRIPT);
    html(
        page,
        &format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        ),
    )
}

/// What every answer says to browsers, wherever it came from.
static GUARDS: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("permissions-policy"), HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()")),
];
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// As many headers as most answers have.
const HEADERS: usize = 16;

/// The headers of every answer.
pub(super) fn finish(incoming: &Incoming<'_>, response: &mut Response<Payload>) {
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    for (name, value) in &GUARDS {
        headers.insert(name, value.clone());
    }
    if !incoming.app.config().is_loopback() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains"));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(API_CSP);
    let api = incoming.path.starts_with("/api/");
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(if api { "private, no-cache" } else { "no-store" }));
    if let Ok(value) = HeaderValue::from_str(incoming.request_id) {
        headers.insert(REQUEST_ID, value);
    }
    // W3C Trace Context: the caller's trace goes on.
    if let Some(parent) = incoming.said.traceparent.filter(|v| is_traceparent(v.as_bytes())) {
        headers.insert(TRACEPARENT, parent.clone());
    }
}

fn is_traceparent(text: &[u8]) -> bool {
    text.len() == 55 && text.iter().enumerate().all(|(i, b)| if matches!(i, 2 | 35 | 52) { *b == b'-' } else { b.is_ascii_hexdigit() })
}
