//! The headers of a request that mean something here, found in one pass. Of what stands twice the first one counts, unless said otherwise.

use http::{HeaderMap, HeaderValue};

#[derive(Debug, Default)]
pub(super) struct Said<'r> {
    pub accept: Option<&'r HeaderValue>,
    pub authorization: Option<&'r HeaderValue>,
    /// There is another one: a proxy might have judged that.
    pub authorized_twice: bool,
    /// Each line of it; a browser sends one.
    pub cookies: Vec<&'r HeaderValue>,
    pub content_encoding: Option<&'r HeaderValue>,
    pub content_type: Option<&'r HeaderValue>,
    pub forwarded_for: Option<&'r HeaderValue>,
    pub host: Option<&'r HeaderValue>,
    pub idempotency_key: Option<&'r HeaderValue>,
    pub if_match: Option<&'r HeaderValue>,
    pub if_none_match: Option<&'r HeaderValue>,
    pub last_event_id: Option<&'r HeaderValue>,
    pub origin: Option<&'r HeaderValue>,
    pub prefer: Option<&'r HeaderValue>,
    pub sec_fetch_site: Option<&'r HeaderValue>,
    pub traceparent: Option<&'r HeaderValue>,
    pub user_agent: Option<&'r HeaderValue>,
}

impl<'r> Said<'r> {
    pub fn of(headers: &'r HeaderMap) -> Said<'r> {
        let mut said = Said::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                "accept" => &mut said.accept,
                "authorization" => {
                    said.authorized_twice = said.authorization.is_some();
                    &mut said.authorization
                }
                "cookie" => {
                    said.cookies.push(value);
                    continue;
                }
                "content-encoding" => &mut said.content_encoding,
                "content-type" => &mut said.content_type,
                "host" => &mut said.host,
                "idempotency-key" => &mut said.idempotency_key,
                "if-match" => &mut said.if_match,
                "if-none-match" => &mut said.if_none_match,
                "last-event-id" => &mut said.last_event_id,
                "origin" => &mut said.origin,
                "prefer" => &mut said.prefer,
                "sec-fetch-site" => &mut said.sec_fetch_site,
                "traceparent" => &mut said.traceparent,
                "user-agent" => &mut said.user_agent,
                "x-forwarded-for" => &mut said.forwarded_for,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        said
    }
}

/// A header as text; what is not plain text counts as absent.
pub(super) fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}
