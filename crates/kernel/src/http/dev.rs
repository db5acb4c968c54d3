//! Pages that exist with `--dev` only: the mailbox, and the button that makes a sample company.

use super::{
    Incoming, Payload, answer,
    cookie::{Site, site},
};
use base::{Code, Error, Result};
use http::{Method, Response};

pub(super) async fn page(incoming: &Incoming<'_>) -> Result<Response<Payload>> {
    match (incoming.method, incoming.path) {
        (&Method::GET | &Method::HEAD, "/dev/mail") => mail(incoming).await,
        (&Method::POST, "/dev/demo") => demo(incoming).await,
        _ => Err(Error::not_found()),
    }
}

/// Makes the sample company. Only our own page may ask, and only while there is nothing else here.
async fn demo(incoming: &Incoming<'_>) -> Result<Response<Payload>> {
    if site(incoming) == Site::Other {
        return Err(Error::new(Code::Denied, "cross-site", "This came from another site's page."));
    }
    let make = incoming.app.demo().ok_or_else(Error::not_found)?;
    let made = make(incoming.app.clone()).await?;
    Ok(answer::json(serde_json::to_vec(&made).map_err(Error::internal)?))
}

async fn mail(incoming: &Incoming<'_>) -> Result<Response<Payload>> {
    let mails = incoming.app.mailer().list().await?;
    let wants_json = super::said::text(incoming.said.accept).is_some_and(|accept| accept.contains("application/json"));
    if wants_json {
        return Ok(answer::json(serde_json::to_vec(&mails).map_err(Error::internal)?));
    }
    let nonce = answer::nonce();
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Mailbox</title><style nonce=\"{nonce}\">{STYLE}</style></head><body><main><h1>Mailbox</h1><p>Mails that this installation would have sent, newest first. Reload to see new ones.</p>"
    );
    if mails.is_empty() {
        page.push_str("<p>No mail yet. Sign up a company, and the confirmation appears here.</p>");
    }
    for sent in &mails {
        let mail = &sent.mail;
        page.push_str(&format!(
            "<article><h2>{}</h2><p class=\"to\">to {} · {}</p><pre>{}</pre>",
            escape(&mail.subject),
            escape(&mail.to),
            escape(&sent.at),
            escape(&mail.text)
        ));
        for link in &mail.links {
            page.push_str(&format!("<p><a href=\"{0}\">{0}</a></p>", escape(link)));
        }
        page.push_str("</article>");
    }
    page.push_str("</main></body></html>");
    Ok(answer::html(page, &format!("default-src 'none'; style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")))
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f6f7;color:#1c1c1f}main{max-width:44rem;margin:2rem auto;padding:0 1rem}article{background:#fff;border:1px solid #ddd;border-radius:8px;padding:1rem 1.25rem;margin:1rem 0}h2{font-size:1.1rem;margin:0}.to{color:#5c5c66;margin:.25rem 0}pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}a{overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{background:#18181b;color:#ececf0}article{background:#222226;border-color:#3a3a40}.to{color:#a6a6b0}a{color:#8ab4ff}}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
