use super::{RootKey, joined, random};
use base::{Error, Result, TenantId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};

const NONCE: usize = 24;

/// What a cursor belongs to. With another operation, order or filter, or in another tenant, it does not open.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    pub operation: &'a str,
    pub sort: &'a str,
    pub filter: &'a str,
}

/// Seals the place where a list goes on (XChaCha20-Poly1305: nonces may be random without limit). One tenant's; the same on every node.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    pub fn new(root: &RootKey, tenant: TenantId) -> Result<CursorKey> {
        root.derive(&format!("cursor {tenant}")).map(CursorKey)
    }

    pub fn seal(&self, of: &Cursor<'_>, position: &[u8]) -> Result<String> {
        let nonce = random::<NONCE>()?;
        let body = XChaCha20Poly1305::new(&self.0.into())
            .encrypt(&nonce.into(), Payload { msg: position, aad: &of.associated() })
            .map_err(|_| Error::internal("sealing a cursor failed"))?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &body].concat()))
    }

    /// Opens a cursor made for exactly this list; anything else is 400 `cursor`.
    pub fn open(&self, of: &Cursor<'_>, text: &str) -> Result<Vec<u8>> {
        self.try_open(of, text).ok_or_else(|| Error::malformed("cursor", "This cursor does not belong to this list. Start from the first page."))
    }

    fn try_open(&self, of: &Cursor<'_>, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, msg) = bytes.split_first_chunk::<NONCE>()?;
        XChaCha20Poly1305::new(&self.0.into()).decrypt(nonce.into(), Payload { msg, aad: &of.associated() }).ok()
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(..)")
    }
}

impl Cursor<'_> {
    fn associated(&self) -> Vec<u8> {
        joined(&[self.operation.as_bytes(), self.sort.as_bytes(), &Sha256::digest(self.filter.as_bytes())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_for_the_list_it_was_made_for() {
        let (root, tenant) = (RootKey::random().unwrap(), TenantId::new());
        let key = CursorKey::new(&root, tenant).unwrap();
        let of = Cursor { operation: "crm.deals.list", sort: "-amount", filter: "stage == \"won\"" };
        let text = key.seal(&of, b"[1,\"x\"]").unwrap();
        assert_eq!(CursorKey::new(&root, tenant).unwrap().open(&of, &text).unwrap(), b"[1,\"x\"]");
        let foreign = CursorKey::new(&root, TenantId::new()).unwrap();
        assert!(foreign.open(&of, &text).is_err());
        for other in [
            Cursor { operation: "crm.deals.export", ..of },
            Cursor { sort: "amount", ..of },
            Cursor { filter: "", ..of },
            Cursor { filter: "stage", ..of },
        ] {
            assert_eq!(key.open(&other, &text).unwrap_err().name(), "cursor");
        }
    }

    #[test]
    fn every_changed_character_is_refused() {
        let key = CursorKey::new(&RootKey::random().unwrap(), TenantId::new()).unwrap();
        let of = Cursor { operation: "o", sort: "s", filter: "f" };
        let text = key.seal(&of, b"position").unwrap();
        for at in 0..text.len() {
            for put in ["A", "b", "_", "=", " ", "é", ""] {
                let changed = format!("{}{put}{}", &text[..at], &text[at + 1..]);
                assert!(changed == text || key.open(&of, &changed).is_err(), "{changed}");
            }
            assert!(key.open(&of, &text[..at]).is_err());
        }
        for wrong in [format!("{text}="), format!(" {text}"), format!("{text}\n"), String::new(), "null".into()] {
            assert!(key.open(&of, &wrong).is_err());
        }
    }

    const OF: Cursor<'static> = Cursor { operation: "o", sort: "s", filter: "f" };

    fn key() -> CursorKey {
        CursorKey::new(&RootKey::random().unwrap(), TenantId::HUB).unwrap()
    }

    #[test]
    fn fuzz_large_cursors_are_refused_soon() {
        for text in crate::fuzz::large() {
            assert_eq!(crate::fuzz::soon(&text, || key().open(&OF, &text)).unwrap_err().name(), "cursor");
        }
    }

    proptest::proptest! {
        #[test]
        fn fuzz_no_text_is_a_cursor(text in crate::fuzz::texts("Zm9yZ2VkLWN1cnNvci13aXRoLWEtbm9uY2UtdGhhdC1pcy1sb25nLWVub3VnaA")) {
            proptest::prop_assert_eq!(key().open(&OF, &text).unwrap_err().name(), "cursor");
        }

        #[test]
        fn fuzz_a_position_comes_back_as_it_was(position: Vec<u8>) {
            let key = key();
            proptest::prop_assert_eq!(key.open(&OF, &key.seal(&OF, &position).unwrap()).unwrap(), position);
        }
    }
}
