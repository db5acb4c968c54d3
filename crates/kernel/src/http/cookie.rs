//! Cookies: `__Host-sid` names a session, `__Host-device` a browser in which somebody has signed in before. HttpOnly, Secure,
//! SameSite=Lax; on a loopback address `sid` and `device`, where browsers have no https.

use super::{Incoming, said::text};
use crate::app::App;

const SESSION: [&str; 2] = ["sid", "__Host-sid"];
const DEVICE: [&str; 2] = ["device", "__Host-device"];
/// How long a browser is known after a sign-in: half a year.
pub const DEVICE_SECONDS: i64 = 180 * 24 * 3600;

fn name(app: &App, [plain, host]: [&'static str; 2]) -> &'static str {
    if app.config().is_loopback() { plain } else { host }
}

fn set(app: &App, names: [&'static str; 2], value: &str, seconds: i64) -> String {
    let secure = if app.config().is_loopback() { "" } else { "; Secure" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={seconds}", name(app, names))
}

/// `Set-Cookie` for a new session.
pub fn session_cookie(app: &App, id: &str) -> String {
    set(app, SESSION, id, app.config().tokens.session.get())
}

/// `Set-Cookie` that takes it away.
pub fn clear_session(app: &App) -> String {
    set(app, SESSION, "", 0)
}

/// `Set-Cookie` for a browser in which somebody has signed in.
pub fn device_cookie(app: &App, value: &str) -> String {
    set(app, DEVICE, value, DEVICE_SECONDS)
}

/// The session id that a request carries.
pub(super) fn session<'r>(incoming: &Incoming<'r>) -> Option<&'r str> {
    sent(incoming, SESSION, 64)
}

/// What a request says of the browser that it comes from.
pub(super) fn device<'r>(incoming: &Incoming<'r>) -> Option<&'r str> {
    sent(incoming, DEVICE, 1024)
}

/// The cookie of that name. Two of it are one too many, and neither counts.
fn sent<'r>(incoming: &Incoming<'r>, names: [&'static str; 2], longest: usize) -> Option<&'r str> {
    let name = name(incoming.app, names);
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
        (Some(value), None) if !value.is_empty() && value.len() <= longest => Some(value),
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
