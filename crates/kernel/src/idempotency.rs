//! Retries: the answer to a POST is kept, in the commit that did the work, under the key that the caller chose. The same key
//! with the same body gets the stored answer; with another body it is refused; a second request meanwhile waits its turn at the writer.

use crate::{
    ctx::Ctx,
    operations::{Body, Call, Content, Reply},
    secrets::{DataKey, Place},
    tx::Tx,
};
use base::{Code, Error, Result, Time, hex};
use http::{Method, StatusCode, header::SET_COOKIE};
use sha2::{Digest, Sha256};

/// How long an answer is kept, in seconds.
const KEPT_SECONDS: i64 = 24 * 60 * 60;

/// One caller's key for one operation, and what was sent with it.
#[derive(Clone)]
pub(crate) struct Key {
    key: [u8; 32],
    body: [u8; 32],
    sealed: bool,
    /// Whether the cookie of the answer is kept with it.
    cookie: bool,
}

impl Key {
    /// `None` where the caller sent no key, or where the method repeats safely by itself.
    pub(crate) fn of(cx: &Ctx, call: &Call) -> Option<Key> {
        let operation = cx.operation()?;
        let text = call.idempotency_key.as_deref().filter(|_| operation.method == Method::POST)?;
        // A body may hold a password. Its mark is keyed, so that a stolen database is no quicker a way to guess it than the password's own hash.
        let mut body = Sha256::new();
        body.update(cx.app().root_key().derive("idempotency").ok()?);
        for (name, value) in &call.query {
            body.update(format!("{}:{name}{}:{value}", name.len(), value.len()).as_bytes());
        }
        body.update(call.id.as_deref().unwrap_or_default());
        body.update(match &call.body {
            Body::Empty => b"".as_slice(),
            Body::Json(bytes) => bytes,
            Body::File(_) => call.file_hash.as_slice(),
        });
        let body: [u8; 32] = body.finalize().into();
        // Whoever is in no company yet has no actor of their own: the user tells them apart. Nobody has only the body to be told by, or
        // one stranger could take another's key away.
        let user = cx.person().map_or("", |person| person.user.as_str());
        let mut parts = vec![cx.actor().as_bytes(), user.as_bytes(), operation.name.as_bytes(), text.as_bytes()];
        if cx.is_public() && cx.person().is_none() {
            parts.push(&body);
        }
        // What sets a cookie in a browser is no answer for anybody else.
        if operation.proof && cx.trace().browser {
            parts.push(b"browser");
        }
        let mut key = Sha256::new();
        for part in parts {
            key.update((part.len() as u64).to_be_bytes());
            key.update(part);
        }
        Some(Key { key: key.finalize().into(), body, sealed: operation.secret || operation.cookie, cookie: operation.proof })
    }

    /// What tells the request from every other, whoever sends it; the same for each try.
    pub(crate) fn mark(&self) -> [u8; 32] {
        self.key
    }

    /// The answer that an earlier request got. Another body under the same key is refused.
    pub(crate) fn earlier(&self, tx: &mut Tx<'_, '_>) -> Result<Option<Reply>> {
        let row = tx.sql().row(
            r#"SELECT "body", "status", "etag", "answer" FROM "idempotency" WHERE "key" = ?1 AND "expires_at" > ?2"#,
            &[self.key.as_slice().into(), Time::now().into()],
            |row| Ok((row.blob(0)?.to_vec(), row.int(1)?, row.opt_int(2)?, row.blob(3)?.to_vec())),
        )?;
        let Some((body, status, etag, answer)) = row else { return Ok(None) };
        if body != self.body {
            return Err(another_request());
        }
        let mut answer = if self.sealed { self.seal(tx)?.open(&self.place(tx, &self.row()), &answer)? } else { answer };
        let cookie = self.cookie.then(|| take_line(&mut answer)).filter(|cookie| !cookie.is_empty());
        let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::OK);
        let mut reply = Reply::bytes(status, answer).with_header(http::HeaderName::from_static("idempotency-replayed"), "true");
        reply.version = etag;
        reply.headers.extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
        Ok(Some(reply))
    }

    /// Keeps the answer in the transaction at hand, and lets go of what has expired.
    pub(crate) fn keep(&self, tx: &mut Tx<'_, '_>, reply: &Reply) -> Result<()> {
        let Content::Bytes(bytes) = &reply.body else { return Ok(()) };
        let cookie = reply.headers.iter().find(|(name, _)| *name == SET_COOKIE).map_or("", |(_, value)| value.as_str());
        let with_cookie = self.cookie.then(|| [cookie.as_bytes(), b"\n", bytes].concat());
        let plain: &[u8] = with_cookie.as_deref().unwrap_or(bytes);
        let sealed = self.sealed.then(|| self.seal(tx).and_then(|key| key.seal(&self.place(tx, &self.row()), plain))).transpose()?;
        let now = Time::now();
        let answer = sealed.as_deref().unwrap_or(plain);
        tx.sql().later(
            r#"INSERT INTO "idempotency" ("key", "body", "status", "etag", "answer", "expires_at") VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT ("key") DO UPDATE SET "body" = excluded."body", "status" = excluded."status", "etag" = excluded."etag", "answer" = excluded."answer", "expires_at" = excluded."expires_at""#,
            &[
                self.key.as_slice().into(),
                self.body.as_slice().into(),
                i64::from(reply.status.as_u16()).into(),
                reply.version.into(),
                answer.into(),
                now.plus_seconds(KEPT_SECONDS).into(),
            ],
        )?;
        // What has expired goes with every so many writes, not with each.
        if tx.sql().head().seq % 32 == 0 {
            tx.sql().later(r#"DELETE FROM "idempotency" WHERE "expires_at" <= ?1"#, &[now.into()])?;
        }
        Ok(())
    }

    fn seal(&self, tx: &Tx<'_, '_>) -> Result<DataKey> {
        tx.app().root_key().sealing("idempotency")
    }
    fn row(&self) -> String {
        hex(&self.key)
    }
    fn place<'a>(&self, tx: &Tx<'_, '_>, row: &'a str) -> Place<'a> {
        Place { tenant: tx.tenant_id(), table: "idempotency", row, column: "answer" }
    }
}

/// The caller used this key for something else before.
pub fn another_request() -> Error {
    Error::new(Code::Mismatch, "idempotency-mismatch", "This Idempotency-Key was used for another request. Choose a new one.")
}

/// Takes the first line off what was kept.
fn take_line(kept: &mut Vec<u8>) -> String {
    let end = kept.iter().position(|byte| *byte == b'\n').map_or(kept.len(), |at| at + 1);
    let line: Vec<u8> = kept.drain(..end).collect();
    String::from_utf8_lossy(&line).trim_end().to_owned()
}

/// The stored answer to a request whose work begins outside a transaction.
pub(crate) async fn earlier(cx: &Ctx, key: Option<&Key>) -> Result<Option<Reply>> {
    match key.cloned() {
        Some(key) => cx.read(move |tx| key.earlier(tx)).await,
        None => Ok(None),
    }
}
