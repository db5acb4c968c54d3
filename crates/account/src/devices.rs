//! Browsers in which somebody has signed in before. Each has a counter of failed tries of its own, so that a stranger who guesses at an
//! account, from however many addresses, cannot keep its owner out. The cookie opens nothing: it only says where the tries are counted.

use base::{Result, TenantId, Time};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{App, Ctx, http::DEVICE_SECONDS, secrets::Place};

/// Sealed under the root key: nobody makes one up, and none says for whom it is good.
const PLACE: Place<'static> = Place { tenant: TenantId::HUB, table: "devices", row: "", column: "cookie" };

/// The value of the cookie for a browser in which the owner of an address has just signed in: until when it is good, an id of its own,
/// and the address.
pub fn remember(app: &App, email_key: &str) -> Result<String> {
    let until = Time::now().plus_seconds(DEVICE_SECONDS);
    let text = format!("{} {} {email_key}", until.0, base::new_id());
    Ok(URL_SAFE_NO_PAD.encode(app.root_key().sealing("device")?.seal(&PLACE, text.as_bytes())?))
}

/// What failed tries at this address are counted under: the device that is known for it, else the address.
pub fn counted_under(cx: &Ctx, email_key: &str) -> String {
    match cx.trace().device.as_deref().and_then(|cookie| known(cx.app(), cookie, email_key)) {
        Some(device) => format!("{email_key} {device}"),
        None => email_key.to_owned(),
    }
}

fn known(app: &App, cookie: &str, email_key: &str) -> Option<String> {
    let sealed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let text = String::from_utf8(app.root_key().sealing("device").ok()?.open(&PLACE, &sealed).ok()?).ok()?;
    let mut parts = text.splitn(3, ' ');
    let (until, device, owner) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
    (owner == email_key && Time::now() < Time(until)).then(|| device.to_owned())
}
