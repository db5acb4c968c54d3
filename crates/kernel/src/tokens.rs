//! Access tokens for apps: signed, short-lived, and only a cheaper proof of a credential row.
//!
//! A token is a JWT after RFC 9068, but exactly one kind of it: the header is a constant, compared byte by byte. So there is no algorithm
//! to choose, no `kid` to look up and no `jku` to follow (RFC 8725 sections 3.1, 3.5 and 3.10 by construction). Rights are never in it.

use crate::secrets::{RootKey, token_hash};
use base::{Error, Result, Time, is_id};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

const HEADER: &str = r#"{"alg":"EdDSA","typ":"at+jwt"}"#;
const AUDIENCE: &str = "tenon";
/// Longer texts are not looked at.
const MAX_LENGTH: usize = 4096;
const CACHED: usize = 10_000;
/// Another node's clock may be ahead by this many seconds.
const CLOCK_SKEW: i64 = 30;

/// Signs and verifies access tokens. Every node derives the same key from the root key, so each verifies what any of them signed.
pub struct Tokens {
    key: SigningKey,
    issuer: String,
    header: String,
    lifetime: i64,
    verified: Cache<[u8; 32], Verified>,
}

/// Who a token is for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub user: &'a str,
    /// The credential row that says whether the token still counts: a family of refresh tokens.
    pub family: &'a str,
    pub tenant: &'a str,
}

/// All that a verified token tells. Everything else is read from the row that `sid` names, on every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub sid: String,
    pub expires: Time,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    tenant: String,
    iat: i64,
    exp: i64,
}

impl Tokens {
    /// `issuer` is the public URL, `lifetime` seconds.
    pub fn new(root: &RootKey, issuer: &str, lifetime: i64) -> Result<Tokens> {
        Ok(Tokens {
            key: SigningKey::from_bytes(&root.derive("access tokens")?),
            issuer: issuer.to_owned(),
            header: URL_SAFE_NO_PAD.encode(HEADER),
            lifetime,
            verified: Cache::new(CACHED),
        })
    }

    /// Seconds until a token that is signed now expires.
    pub fn lifetime(&self) -> i64 {
        self.lifetime
    }

    pub fn sign(&self, who: &Subject<'_>, now: Time) -> Result<String> {
        let iat = now.0.div_euclid(1_000_000);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: who.user.to_owned(),
            sid: who.family.to_owned(),
            tenant: who.tenant.to_owned(),
            iat,
            exp: iat + self.lifetime,
        };
        let payload = serde_json::to_vec(&claims).map_err(Error::internal)?;
        let mut token = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(payload));
        let signature = self.key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.to_bytes(), &mut token);
        Ok(token)
    }

    /// Checks a token; whatever is wrong with it, the answer is the same 401.
    pub fn verify(&self, token: &str, now: Time) -> Result<Verified> {
        if token.len() > MAX_LENGTH {
            return Err(Error::anonymous());
        }
        let name = token_hash(token);
        let known = self.verified.get(&name);
        let fresh = known.is_none();
        let verified = known.or_else(|| self.check(token, now)).filter(|v| v.expires > now).ok_or_else(Error::anonymous)?;
        if fresh {
            self.verified.insert(name, verified.clone());
        }
        Ok(verified)
    }

    fn check(&self, token: &str, now: Time) -> Option<Verified> {
        let (signed, signature) = token.rsplit_once('.')?;
        let payload = signed.strip_prefix(&self.header)?.strip_prefix('.')?;
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        self.key.verifying_key().verify_strict(signed.as_bytes(), &signature).ok()?;
        // Signed by us from here on. serde refuses unknown, missing and doubled names.
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let seconds = now.0.div_euclid(1_000_000);
        let good = claims.iss == self.issuer
            && claims.aud == AUDIENCE
            && is_id(&claims.sub)
            && is_id(&claims.sid)
            && is_id(&claims.tenant)
            && claims.iat <= seconds + CLOCK_SKEW
            && claims.exp > seconds
            && claims.exp.checked_sub(claims.iat).is_some_and(|span| span <= self.lifetime);
        good.then(|| Verified { sid: claims.sid, expires: Time(claims.exp.saturating_mul(1_000_000)) })
    }
}

#[cfg(test)]
mod tests;
