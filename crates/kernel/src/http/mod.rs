//! The only HTTP door. Whatever arrives goes the same way: host, path, limits, credential, registry, answer.

mod answer;
mod api;
mod cookie;
mod dev;
pub mod problem;
mod said;
mod upload;

pub use answer::{Payload, nonce};
pub use cookie::{DEVICE_SECONDS, clear_session, device_cookie, session_cookie};
pub(crate) use upload::Bodies;

use crate::app::App;
use base::Error;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use said::Said;
use std::{net::IpAddr, panic::AssertUnwindSafe, time::Instant};

/// One request on its way in, without its body.
pub(crate) struct Incoming<'r> {
    pub app: &'r App,
    pub method: &'r Method,
    pub path: &'r str,
    pub query: &'r str,
    said: Said<'r>,
    pub ip: IpAddr,
    pub request_id: &'r str,
}

/// Answers one request. Nothing that happens in here takes down more than this request.
pub async fn handle<B>(app: App, request: Request<B>, peer: IpAddr) -> Response<Payload>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: std::fmt::Display,
{
    let started = Instant::now();
    let request_id = base::new_id();
    let (head, body) = request.into_parts();
    let said = Said::of(&head.headers);
    let ip = crate::limits::client_ip(peer, said::text(said.forwarded_for), &app.config().server.trusted_proxies);
    let incoming = Incoming {
        app: &app,
        method: &head.method,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        said,
        ip,
        request_id: &request_id,
    };
    let handled = futures_util::FutureExt::catch_unwind(AssertUnwindSafe(route(&incoming, body))).await;
    let mut response = handled.unwrap_or_else(|_| answer::problem(&incoming, &Error::internal("a handler panicked")));
    answer::finish(&incoming, &mut response);
    tracing::info!(
        request_id,
        method = %head.method,
        path = head.uri.path(),
        status = response.status().as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

async fn route<B>(incoming: &Incoming<'_>, body: B) -> Response<Payload>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: std::fmt::Display,
{
    match incoming.path {
        "/live" => return answer::text(StatusCode::OK, "ok\n"),
        "/health" => return health(incoming),
        "/ready" if incoming.app.is_draining() => return answer::text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        "/ready" => return answer::text(StatusCode::OK, "ok\n"),
        _ => {}
    }
    if !known_host(incoming) {
        let error = Error::malformed("unknown-host", "This server does not answer for that host.");
        let mut response = answer::problem(incoming, &error);
        *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
        return response;
    }
    let result = if let Some(path) = incoming.path.strip_prefix("/api/v1/") {
        api::call(incoming, path, body).await
    } else if incoming.path.starts_with("/api/") || incoming.path == "/api" {
        Err(Error::not_found())
    } else if incoming.app.config().dev && incoming.path.starts_with("/dev/") {
        dev::page(incoming).await
    } else {
        page(incoming)
    };
    result.unwrap_or_else(|error| answer::problem(incoming, &error))
}

/// Whether all is well, and else what is not, as a problem document. A process that says no here need not be restarted: it waits.
fn health(incoming: &Incoming<'_>) -> Response<Payload> {
    match incoming.app.silos().trouble().or_else(|| incoming.app.room().admit().err()) {
        None => answer::text(StatusCode::OK, "ok\n"),
        Some(error) => answer::problem(incoming, &error),
    }
}

/// Links and cookies are made for one origin; a request for any other host is somebody's trick or a wrong configuration.
fn known_host(incoming: &Incoming<'_>) -> bool {
    let Some(host) = said::text(incoming.said.host) else { return false };
    let server = &incoming.app.config().server;
    let own = server.public_url.split_once("://").map_or("", |(_, host)| host);
    if host.eq_ignore_ascii_case(own) {
        return true;
    }
    // On this machine, any loopback spelling will do; the port is the listener's.
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(name, _)| name);
    incoming.app.config().is_loopback() && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// The console, its files, and `index.html` for every path that is one of its pages.
fn page(incoming: &Incoming<'_>) -> Result<Response<Payload>, Error> {
    if incoming.method != Method::GET && incoming.method != Method::HEAD {
        return Ok(answer::method_not_allowed(incoming, "GET, HEAD"));
    }
    let path = incoming.path.strip_prefix('/').unwrap_or_default();
    // A path that somebody might normalise into another one is no page, and neither is the API in another spelling.
    if !api::is_plain(path.strip_suffix('/').unwrap_or(path)) || path.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case("api")) {
        return Err(Error::not_found());
    }
    if path == "docs" || path == "docs/" {
        return Ok(answer::docs(incoming));
    }
    if path != "index.html"
        && let Some((content_type, bytes)) = incoming.app.asset(path)
    {
        return Ok(answer::asset(path, content_type, bytes));
    }
    // A file that is missing is missing; anything without an ending is a page of the console.
    let last = path.rsplit('/').next().unwrap_or_default();
    if last.contains('.') {
        return Err(Error::not_found());
    }
    match incoming.app.asset("index.html") {
        Some((_, bytes)) => Ok(answer::console(&bytes)),
        None => Ok(answer::text(StatusCode::OK, "This binary was built without the console. The API is at /api/v1, its documentation at /docs.\n")),
    }
}
