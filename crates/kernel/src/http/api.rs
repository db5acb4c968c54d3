//! A request below `/api/v1/`: from bytes to a [`Call`], from a credential to a [`Ctx`], through the registry, and back.

use super::{
    Incoming, Payload, answer,
    cookie::{self, Site},
    said::text,
    upload::{self, Kept},
};
use crate::{
    access::Access,
    credentials::{self, Credential},
    ctx::{Ctx, Proved, Trace},
    exposed::{self, Query},
    limits::{Limit, Quota},
    operations::{Body, Call, Door, Found, IfMatch, Input, Operation},
};
use base::{Code, Error, Fault, Result};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, header};
use std::sync::Arc;

pub(super) async fn call<B>(incoming: &Incoming<'_>, path: &str, body: B) -> Result<Response<Payload>>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: std::fmt::Display,
{
    plain_path(path)?;
    no_credential_in_url(incoming).await?;
    let registry = incoming.app.registry();
    let (operation, id) = match registry.find(incoming.method, path) {
        Found::Operation(operation, id) => (operation.clone(), id),
        Found::Other(allowed) => return Ok(answer::method_not_allowed(incoming, &allowed)),
        Found::Nothing => return nothing(incoming).await,
    };
    let (cx, quota) = context(incoming, &operation).await?;
    let _guest = admit(incoming, &cx, &operation)?;
    let mut call = headers(incoming)?;
    call.id = id;
    call.query = query(incoming.query)?;
    let mut kept = Kept::default();
    call.body = read_body(incoming, &cx, &operation, body, &mut kept).await?;
    call.file_hash = kept.hash;
    let reply = registry.call(&cx, &operation, call).await?;
    let mut response = answer::reply(reply);
    if incoming.method == Method::HEAD {
        *response.body_mut() = Payload::Bytes(None);
    }
    let out = response.headers_mut();
    out.insert(HeaderName::from_static("ratelimit"), quota.header());
    out.insert(HeaderName::from_static("ratelimit-policy"), quota.policy_header());
    if operation.credential || operation.secret {
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// A path that nothing answers to. Nobody learns which those are without signing in first.
async fn nothing(incoming: &Incoming<'_>) -> Result<Response<Payload>> {
    match proved(incoming).await? {
        Some(_) => Err(Error::not_found()),
        None => {
            incoming.app.limits().take_ip(Limit::AnonymousPerIp, incoming.ip).check()?;
            Err(Error::anonymous())
        }
    }
}

/// Routed and authorised on the same text: anything that somebody might normalise in another way is refused.
fn plain_path(path: &str) -> Result<()> {
    if !path.is_empty() && is_plain(path) { Ok(()) } else { Err(Error::malformed("path", "This path is not spelled as one of ours.")) }
}

/// Letters, digits and a few signs, without empty parts and without steps up or down.
pub(super) fn is_plain(path: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':' | b'.');
    let part = |part: &[u8]| !part.is_empty() && part != b"." && part != b".." && part.iter().all(|b| known(*b));
    path.is_empty() || path.as_bytes().split(|b| *b == b'/').all(part)
}

/// A key in a URL is refused, whether it is a good one or not. Who should know of a good one is told beside.
async fn no_credential_in_url(incoming: &Incoming<'_>) -> Result<()> {
    let query = Query::of(incoming.query);
    if !query.has_credential() {
        return Ok(());
    }
    let app = incoming.app;
    if let Some(key) = query.key().filter(|_| app.limits().take_ip(Limit::AnonymousPerIp, incoming.ip).allowed) {
        let cx = Ctx::of_system(app, "account", None, trace(incoming));
        if let Err(error) = exposed::mark(&cx, key).await {
            tracing::warn!(%error, "a key in a URL could not be looked up; it is refused as any other");
        }
    }
    Err(Error::malformed(
        "credential-in-url",
        "A credential does not belong in a URL. Send it as `Authorization: Bearer`, and replace this one: it may have been logged.",
    ))
}

fn trace(incoming: &Incoming<'_>) -> Trace {
    Trace {
        request_id: incoming.request_id.to_owned(),
        cause: None,
        ip: Some(incoming.ip),
        agent: text(incoming.said.user_agent).map(|v| v.chars().take(200).collect()),
        browser: cookie::site(incoming) == Site::Same,
        device: None,
    }
}

fn credential<'r>(incoming: &Incoming<'r>) -> Result<Option<Credential<'r>>> {
    let Some(value) = incoming.said.authorization else {
        return Ok(cookie::session(incoming).map(Credential::Session));
    };
    // Two at once are none: a proxy might have judged the other one.
    if incoming.said.authorized_twice {
        return Err(Error::anonymous());
    }
    let text = value.to_str().map_err(|_| Error::anonymous())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(Credential::Bearer(token))),
        _ => Err(Error::anonymous()),
    }
}

async fn proved(incoming: &Incoming<'_>) -> Result<Option<Proved>> {
    match credential(incoming)? {
        Some(credential) => credentials::prove(incoming.app, credential).await,
        None => Ok(None),
    }
}

/// Who asks, within which limits.
async fn context(incoming: &Incoming<'_>, operation: &Arc<Operation>) -> Result<(Ctx, Quota)> {
    let app = incoming.app;
    let safe = incoming.method == Method::GET || incoming.method == Method::HEAD;
    let by_cookie = incoming.said.authorization.is_none() && cookie::session(incoming).is_some();
    let site = cookie::site(incoming);
    if !safe && (by_cookie || operation.cookie) {
        match site {
            Site::Same => {}
            // No browser sends neither header; such a caller gets the answer, and no cookie.
            Site::Unsaid if !by_cookie => {}
            Site::Unsaid | Site::Other => {
                return Err(Error::new(
                    Code::Denied,
                    "cross-site",
                    "This came from another site's page, or did not say where from. Send an `Origin` header, or use a token.",
                ));
            }
        }
    }
    let found = match proved(incoming).await {
        Err(error) if operation.access == Access::Public && error.code() == Code::Anonymous => None,
        found => found?,
    };
    let mut trace = trace(incoming);
    if operation.credential {
        trace.device = cookie::device(incoming).map(str::to_owned);
    }
    let quota = match (&found, operation.credential) {
        (_, true) => app.limits().take_ip(Limit::AuthPerIp, incoming.ip),
        (Some(found), false) => app.limits().take_id(Limit::BurstPerUser, found.who.person.as_ref().map_or("", |person| &person.user)),
        (None, false) => app.limits().take_ip(Limit::AnonymousPerIp, incoming.ip),
    };
    if operation.credential && !quota.allowed {
        app.sign_in_failed(None, "limited");
    }
    quota.check()?;
    if operation.access == Access::Public {
        let person = found.and_then(|found| found.who.person.clone());
        return Ok((Ctx::of_system(app, &operation.module, person, trace), quota));
    }
    let found = found.ok_or_else(Error::anonymous)?;
    credentials::refuse_suspended(&found, &operation.name)?;
    Ok((Ctx::of_credential(app, found, trace, credentials::leads_out(&operation.name)).await?, quota))
}

/// Whether a company may have one more request answered, and this server can answer it. Health and signing in pass always.
fn admit(incoming: &Incoming<'_>, cx: &Ctx, operation: &Operation) -> Result<Option<silo::Guest>> {
    let app = incoming.app;
    app.pressure().admit(cx.tenant_id(), operation)?;
    // What is public is limited by address.
    if operation.access == Access::Public {
        return Ok(None);
    }
    app.limits().take_company(cx.tenant_id()).check()?;
    match cx.silo().enter(app.limits().at_once_per_company) {
        Some(guest) => Ok(Some(guest)),
        None => {
            Err(Error::new(Code::Limited, "limited", "Too many requests of this company are under way. Wait for their answers.").with_retry_after(1))
        }
    }
}

fn headers(incoming: &Incoming<'_>) -> Result<Call> {
    let plain = |name: &str, value: Option<&HeaderValue>| match value.map(HeaderValue::to_str) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text.to_owned())),
        Some(Err(_)) => Err(Error::fault("", "header", format!("The header {name} is not plain text."))),
    };
    let said = &incoming.said;
    let mut call = Call::new(Door::Http);
    call.if_match = plain("if-match", said.if_match)?.as_deref().map(if_match).transpose()?;
    call.if_none_match = match plain("if-none-match", said.if_none_match)?.as_deref().map(if_match).transpose()? {
        Some(IfMatch::Version(version)) => Some(version),
        Some(IfMatch::Any | IfMatch::Never) | None => None,
    };
    call.idempotency_key = match plain("idempotency-key", said.idempotency_key)? {
        Some(key) if key.is_empty() || key.len() > 255 => {
            return Err(Error::malformed("idempotency-key", "An Idempotency-Key has 1 to 255 characters."));
        }
        key => key,
    };
    call.last_event_id = plain("last-event-id", said.last_event_id)?;
    call.respond_async =
        plain("prefer", said.prefer)?.is_some_and(|prefer| prefer.split(',').any(|p| p.trim().eq_ignore_ascii_case("respond-async")));
    Ok(call)
}

/// One entity tag: `"5"`, `W/"5"` (which never matches strongly, RFC 9110 section 13.1.1) or `*`.
fn if_match(text: &str) -> Result<IfMatch> {
    let text = text.trim();
    if text == "*" {
        return Ok(IfMatch::Any);
    }
    let quoted = |text: &str| text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).filter(|t| !t.contains('"')).map(str::to_owned);
    if let Some(tag) = quoted(text) {
        return Ok(tag.parse().map_or(IfMatch::Never, IfMatch::Version));
    }
    match text.strip_prefix("W/").and_then(quoted) {
        Some(_) => Ok(IfMatch::Never),
        None => Err(Error::malformed("if-match", "Send one entity tag as it was answered: If-Match: \"5\".")),
    }
}

/// More than any operation knows; each is compared with all before it.
const MOST_PARAMETERS: usize = 100;

/// The query, decoded. Each parameter once; U+0000 is not text.
fn query(text: &str) -> Result<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        if name.contains('\0') || value.contains('\0') {
            return Err(Error::malformed("nul", "The character U+0000 is not text. Take it out."));
        }
        if value.contains('\u{fffd}') {
            return Err(Error::malformed("encoding", "The query is not UTF-8."));
        }
        if pairs.len() == MOST_PARAMETERS {
            return Err(Error::fault("", "too-many", format!("A query has at most {MOST_PARAMETERS} parameters.")));
        }
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(Error::invalid(vec![Fault::new(name.into_owned(), "duplicate", "This parameter stands twice.")]));
        }
        pairs.push((name.into_owned(), value.into_owned()));
    }
    Ok(pairs)
}

/// The body of an operation that reads none: `{}`. A field that would go unread is refused like any that is not known.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn read_body<B>(incoming: &Incoming<'_>, cx: &Ctx, operation: &Operation, body: B, kept: &mut Kept) -> Result<Body>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: std::fmt::Display,
{
    let unread = *incoming.method == Method::DELETE && matches!(operation.input, Input::None);
    if unread || matches!(*incoming.method, Method::GET | Method::HEAD) {
        return Ok(Body::Empty);
    }
    // A packed body may be a thousand times what it looks like; nothing here unpacks one.
    if incoming.said.content_encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Error::new(Code::Unsupported, "content-encoding", "Send the body as it is. A packed one is not opened."));
    }
    let declared = incoming.said.content_type.map(|v| v.to_str().unwrap_or_default());
    let content_type = declared.map(|t| t.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let wrong = |wanted: &str| Err(Error::new(Code::Unsupported, "content-type", format!("This operation reads {wanted}.")));
    match (&operation.input, content_type.as_deref()) {
        (Input::File(wanted), Some(got)) if got == *wanted => {
            let (file, sum) = upload::file(body, &incoming.app.spool(cx.tenant_id())?).await?;
            kept.hash = sum;
            Ok(Body::File(file))
        }
        (Input::File(wanted), _) => wrong(wanted),
        (Input::Json(_), Some("application/json")) => Ok(Body::Json(upload::json(body, incoming.app.bodies(), kept).await?)),
        (Input::None, Some("application/json")) => match upload::json(body, incoming.app.bodies(), kept).await? {
            bytes if bytes.is_empty() => Ok(Body::Empty),
            bytes => crate::json::read::<Nothing>(&bytes).map(|_| Body::Json(bytes)),
        },
        (Input::Json(_), Some("application/merge-patch+json")) if incoming.method == Method::PATCH => {
            Ok(Body::Json(upload::json(body, incoming.app.bodies(), kept).await?))
        }
        // Nothing sent, nothing declared: fine where nothing is needed.
        (Input::None, None) => match upload::json(body, incoming.app.bodies(), kept).await? {
            bytes if bytes.is_empty() => Ok(Body::Empty),
            _ => wrong("application/json"),
        },
        (Input::Json(_) | Input::None, _) => wrong("application/json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{large, soon, texts, told};
    use proptest::prelude::*;

    #[test]
    fn fuzz_large_queries_and_tags_are_read_soon() {
        // A header has at most 16 KiB, and with it a query.
        for text in large() {
            let text: String = text.chars().take(16 * 1024).collect();
            told(soon(&text, || query(&text)));
            told(soon(&text, || if_match(&text)));
        }
        // As many different names as fit.
        let text: Vec<String> = (0..2_500).map(|n| format!("n{n}=")).collect();
        told(soon("n0=&n1=", || query(&text.join("&"))));
    }

    proptest! {
        #[test]
        fn fuzz_a_query_is_read_as_it_was_written(text in texts("filter=stage%20%3D%3D%20%22won%22&sort=-amount&limit=50&q=a+b")) {
            let Some(pairs) = told(query(&text)) else { return Ok(()) };
            prop_assert!(pairs.iter().all(|(name, value)| !name.contains('\0') && !value.contains('\0')));
            let written = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            // Bytes of a name that are no text were replaced once, and are text from then on.
            prop_assert_eq!(query(&written).unwrap(), pairs);
        }

        #[test]
        fn fuzz_an_entity_tag_is_a_version_or_none_of_ours(text in texts("W/\"5\"")) {
            if let Some(IfMatch::Version(version)) = told(if_match(&text)) {
                prop_assert!(text.contains('"') && text.trim_matches(['"', ' ', '\t', '\r', '\n']).parse() == Ok(version));
            }
        }

        #[test]
        fn fuzz_a_version_comes_back_as_it_was(version: i64) {
            prop_assert_eq!(if_match(&format!("\"{version}\"")).unwrap(), IfMatch::Version(version));
        }
    }
}
