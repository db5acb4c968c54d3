//! The session cookie: `__Host-sid`, HttpOnly, Secure, SameSite=Lax; on a loopback address `sid`, where browsers have no https.

use super::{Incoming, said::text};
use crate::app::App;

fn name(app: &App) -> &'static str {
    if app.config().is_loopback() { "sid" } else { "__Host-sid" }
}

/// `Set-Cookie` for a new session.
pub fn session_cookie(app: &App, id: &str) -> String {
    let secure = if app.config().is_loopback() { "" } else { "; Secure" };
    format!("{}={id}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={}", name(app), app.config().tokens.session.0)
}

/// `Set-Cookie` that takes it away.
pub fn clear_session(app: &App) -> String {
    let secure = if app.config().is_loopback() { "" } else { "; Secure" };
    format!("{}=; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age=0", name(app))
}

/// The session id that a request carries. Two cookies of that name are one too many, and neither counts.
pub(super) fn session<'r>(incoming: &Incoming<'r>) -> Option<&'r str> {
    let name = name(incoming.app);
    let mut found = incoming
        .said
        .cookies
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) if !value.is_empty() && value.len() <= 64 => Some(value),
        _ => None,
    }
}

/// Where a request with side effects says it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    /// Our own page.
    Same,
    /// Somebody else's page, even on a sibling host.
    Other,
    /// No browser, or one too old to say.
    Unsaid,
}

/// `Sec-Fetch-Site` decides; where it is absent, `Origin` must be the configured one.
pub(super) fn site(incoming: &Incoming<'_>) -> Site {
    match (text(incoming.said.sec_fetch_site), text(incoming.said.origin)) {
        (Some("same-origin"), _) => Site::Same,
        (Some(_), _) => Site::Other,
        (None, Some(origin)) if same_origin(incoming, origin) => Site::Same,
        (None, Some(_)) => Site::Other,
        (None, None) => Site::Unsaid,
    }
}

fn same_origin(incoming: &Incoming<'_>, origin: &str) -> bool {
    let own = &incoming.app.config().server.public_url;
    if origin.eq_ignore_ascii_case(own) {
        return true;
    }
    // localhost counts as 127.0.0.1, with the same port.
    let port = |url: &str| url.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let loopback = |url: &str| url.starts_with("http://localhost:") || url.starts_with("http://127.0.0.1:") || url.starts_with("http://[::1]:");
    incoming.app.config().is_loopback() && loopback(origin) && port(origin) == port(own)
}
