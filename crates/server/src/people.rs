//! How somebody gets in, told as requests: form, mail, link, sign-in. The demo and the proofs come in by the same way as everybody.

use crate::door::{Asked, Door, text_at};
use base::{Error, Result};
use serde_json::{Value, json};
use std::time::Duration;

/// Somebody with an account, and an access token for one company.
#[derive(Debug, Clone)]
pub struct Person {
    pub email: String,
    pub password: String,
    pub token: String,
    /// `GET /me` right after signing in.
    pub me: Value,
}

impl Person {
    pub fn member(&self) -> Option<&str> {
        text_at(&self.me, "/user/member")
    }
    pub fn tenant(&self) -> Option<&str> {
        text_at(&self.me, "/tenant/id")
    }
    pub fn slug(&self) -> Option<&str> {
        text_at(&self.me, "/tenant/slug")
    }
}

/// Signs a company up and signs its owner in.
pub async fn sign_up(door: &Door, company: &str, name: &str, email: &str, password: &str) -> Result<Person> {
    let form = json!({ "company": company, "name": name, "email": email, "password": password });
    door.done(&Asked::post("/api/v1/auth/register", &form)).await?;
    let token = link_for(door, email).await?;
    door.done(&Asked::post("/api/v1/auth/verify", &json!({ "token": token }))).await?;
    sign_in(door, email, password).await
}

/// Takes an access token for an app.
pub async fn sign_in(door: &Door, email: &str, password: &str) -> Result<Person> {
    let answer = door.done(&Asked::post("/api/v1/auth/token", &json!({ "email": email, "password": password }))).await?;
    let token = answer.word("access_token")?;
    let me = door.done(&Asked::get("/api/v1/me").by(Some(&token))).await?.json;
    Ok(Person { email: email.to_owned(), password: password.to_owned(), token, me })
}

/// Invites somebody into `by`'s company, who accepts.
pub async fn invite(door: &Door, by: &Person, email: &str, role: &str, password: &str) -> Result<Person> {
    let invitation = json!({ "email": email, "role": role });
    door.done(&Asked::post("/api/v1/account/invitations", &invitation).by(Some(&by.token))).await?;
    let token = link_for(door, email).await?;
    let accepted = json!({ "token": token, "name": "Sam Member", "password": password });
    door.done(&Asked::post("/api/v1/auth/accept-invitation", &accepted)).await?;
    sign_in(door, email, password).await
}

/// The token of the newest link that was mailed to somebody; waits for the mail.
async fn link_for(door: &Door, email: &str) -> Result<String> {
    for _ in 0..3000 {
        let mails = door.mailbox().list().await?;
        let link = mails.iter().filter(|sent| sent.mail.to == email).flat_map(|sent| &sent.mail.links).next();
        if let Some((_, token)) = link.and_then(|link| link.split_once("#token=")) {
            return Ok(token.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(Error::unavailable("The mail with the link did not come."))
}

/// A password that nobody has used before: 24 letters and digits.
pub fn password() -> Result<String> {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0u8; 24];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes.iter().filter_map(|b| LETTERS.get(usize::from(b % 32))).map(|b| char::from(*b)).collect())
}
