use crate::{Error, Result};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A new UUIDv7 in its only spelling: 36 lower-case characters. Ids made by one process are strictly increasing.
#[expect(clippy::disallowed_methods, reason = "this is where ids are made")]
pub fn new_id() -> String {
    Uuid::now_v7().hyphenated().to_string()
}

/// Whether `text` is spelled as an id. Any other spelling of the same number is a different text, and names nothing.
pub fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        })
}

/// Names one tenant, and with it one database. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Uuid);

impl TenantId {
    /// The operator's own silo.
    pub const HUB: TenantId = TenantId(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000));

    #[expect(clippy::new_without_default, reason = "a tenant is never made by default")]
    #[expect(clippy::disallowed_methods, reason = "this is where ids are made")]
    pub fn new() -> TenantId {
        TenantId(Uuid::now_v7())
    }
    pub fn is_hub(self) -> bool {
        self == TenantId::HUB
    }
    /// 32 hexadecimal characters, as used in file, schema and role names.
    pub fn hex(self) -> String {
        self.0.simple().to_string()
    }
    /// Reads what [`TenantId::hex`] writes, and nothing else.
    pub fn from_hex(text: &str) -> Option<TenantId> {
        Uuid::try_parse(text).ok().map(TenantId).filter(|id| id.hex() == text)
    }
}

impl FromStr for TenantId {
    type Err = Error;
    fn from_str(text: &str) -> Result<TenantId> {
        if !is_id(text) {
            return Err(Error::not_found());
        }
        Uuid::parse_str(text).map(TenantId).map_err(|_| Error::not_found())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling_and_grow() {
        let mut last = String::new();
        for _ in 0..10_000 {
            let id = new_id();
            assert!(is_id(&id) && id > last, "{id} after {last}");
            last = id;
        }
        for wrong in ["", "x", "0190A5C4-7B1A-7000-8000-000000000000", "0190a5c47b1a70008000000000000000", "{0190a5c4-7b1a-7000-8000-00000000000}"] {
            assert!(!is_id(wrong), "{wrong}");
        }
    }
}
