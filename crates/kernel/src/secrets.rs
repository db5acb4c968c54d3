//! Everything that must stay secret hangs on one root key of 32 bytes.
//!
//! From the root key each purpose derives its own key (HKDF, RFC 5869), so that a key leaked for one purpose opens nothing else. Each
//! tenant has a random data key, stored only wrapped by the root key: destroy the wrapped key, and nothing sealed with it can be read
//! again, not even from a backup. A sealed value knows its place: moved to another row it does not open.

mod api_keys;
mod cursors;
mod root;

pub use api_keys::{ApiKey, api_key_id};
pub use cursors::{Cursor, CursorKey};
pub use root::RootKey;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use base::{Error, Result, TenantId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// First byte of what is sealed: says how to open the rest.
const AES_GCM_1: u8 = 1;
const NONCE: usize = 12;

/// Where a sealed value lives. It is part of the seal.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub tenant: TenantId,
    pub table: &'a str,
    pub row: &'a str,
    pub column: &'a str,
}

impl Place<'_> {
    fn associated(&self) -> Vec<u8> {
        joined(&[self.tenant.to_string().as_bytes(), self.table.as_bytes(), self.row.as_bytes(), self.column.as_bytes()])
    }
}

/// Seals and opens values (AES-256-GCM with a random nonce). One tenant's, or one purpose's.
#[derive(Clone)]
pub struct DataKey([u8; 32]);

impl DataKey {
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>> {
        self.seal_with(&place.associated(), plain)
    }

    /// Opens what was sealed at exactly this place. Anything else is our own fault, or somebody's hand in the database.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
        self.open_with(&place.associated(), sealed)
    }

    fn seal_with(&self, aad: &[u8], msg: &[u8]) -> Result<Vec<u8>> {
        let nonce = random::<NONCE>()?;
        let body = Aes256Gcm::new(&self.0.into()).encrypt(&nonce.into(), Payload { msg, aad }).map_err(|_| Error::internal("sealing failed"))?;
        let mut out = Vec::with_capacity(1 + NONCE + body.len());
        out.push(AES_GCM_1);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&body);
        Ok(out)
    }

    fn open_with(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let closed = || Error::internal("a sealed value does not open at this place");
        let (version, rest) = sealed.split_first().ok_or_else(closed)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE>().ok_or_else(closed)?;
        if *version != AES_GCM_1 {
            return Err(closed());
        }
        Aes256Gcm::new(&self.0.into()).decrypt(nonce.into(), Payload { msg, aad }).map_err(|_| closed())
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// 32 random bytes as 43 characters of base64url: a session, a link in a mail, a refresh token. Only its hash is ever stored.
pub fn random_token() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// What is stored of a token, and looked up: SHA-256 of the whole text. A prefix, a suffix or another case is another token.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Bytes of the operating system's random source.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

/// Parts behind their lengths, so that `("ab", "c")` and `("a", "bc")` never look the same.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_at_its_place() {
        let (root, tenant) = (RootKey::random().unwrap(), TenantId::new());
        let (key, wrapped) = root.new_data_key(tenant).unwrap();
        let place = Place { tenant, table: "sync_targets", row: "r1", column: "token" };
        let sealed = key.seal(&place, b"canary").unwrap();
        assert_eq!(root.data_key(tenant, &wrapped).unwrap().open(&place, &sealed).unwrap(), b"canary");
        assert_ne!(sealed, key.seal(&place, b"canary").unwrap());
        for elsewhere in [
            Place { tenant: TenantId::new(), ..place },
            Place { table: "sync_target", row: "sr1", ..place },
            Place { row: "r2", ..place },
            Place { column: "secret", ..place },
        ] {
            assert!(key.open(&elsewhere, &sealed).is_err());
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&place, &changed).is_err());
            assert!(key.open(&place, &sealed[..at]).is_err());
        }
        assert!(root.data_key(TenantId::new(), &wrapped).is_err());
        assert!(RootKey::random().unwrap().data_key(tenant, &wrapped).is_err());
    }

    #[test]
    fn tokens_are_43_characters_and_their_hash_covers_all_of_them() {
        let token = random_token().unwrap();
        assert_eq!(token.len(), 43);
        assert_ne!(token, random_token().unwrap());
        assert_ne!(token_hash(&token), token_hash(&token[..42]));
        assert_ne!(token_hash(&token), token_hash(&format!("{token} ")));
    }
}
